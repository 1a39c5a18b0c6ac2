/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A recording as an archive. The tree's files, links and directories are members as they
 * are; what an archive cannot say is in the member pciferry/recording, a fact on each
 * line: "listed PATH", "entry PATH" (it was there), or the name of an error and a path.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "host/anonymise.h"
#include "host/archive.h"
#include "host/internal.h"
#include "host/libarchive.h"
#include "host/recording.h"
#include "host/tree.h"

static const char index_path[] = "pciferry/recording";
static const char index_head[] = "pciferry-recording 1\n";

static const struct {
	const char *suffix;
	enum host_archive kind;
} suffixes[] = {
	{ ".tar", HOST_ARCHIVE_TAR },
	{ ".tar.zst", HOST_ARCHIVE_ZSTD },
	{ ".tar.xz", HOST_ARCHIVE_XZ },
	{ ".tar.gz", HOST_ARCHIVE_GZIP },
};

int host_archive_kind(const char *name, enum host_archive *ret_kind, struct error *err)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t n = strlen(suffixes[i].suffix);

		if (len > n && !strcmp(name + len - n, suffixes[i].suffix)) {
			*ret_kind = suffixes[i].kind;
			return 0;
		}
	}
	error_usage(err, name, "not the name of an archive");
	error_hint(err, "it ends with .tar.zst, .tar.xz, .tar.gz or .tar");
	return -EINVAL;
}

/* Names, as everywhere, and what is not listed here is EIO. */
static const int errors[] = { ENOENT, ENOTDIR, EACCES, EPERM,  EIO,   EINVAL,
			      ENODEV, ENXIO,   ELOOP,  EISDIR, ESRCH, EFBIG };

static const char *error_name(int error)
{
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (errors[i] == error)
			return strerrorname_np(error);
	return "EIO";
}

static int error_by_name(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		const char *other = strerrorname_np(errors[i]);

		if (strlen(other) == len && !strncmp(other, name, len))
			return errors[i];
	}
	return 0;
}

/* Writing. */

struct writer {
	struct libarchive la;
	struct archive *archive;
	struct anonymiser *anonymiser;
	host_recording_edit edit;
	struct string_list index;
	struct host_recording_summary summary;
	char *bytes;
	size_t len, room;
};

static la_ssize_t take_bytes(struct archive *archive, void *argument, const void *bytes,
			     size_t len)
{
	struct writer *writer = argument;

	if (writer->len + len > writer->room) {
		size_t room = 2 * (writer->len + len);
		char *larger = realloc(writer->bytes, room);

		if (!larger) {
			writer->la.archive_set_error(archive, ENOMEM, "out of memory");
			return -1;
		}
		writer->bytes = larger;
		writer->room = room;
	}
	memcpy(writer->bytes + writer->len, bytes, len);
	writer->len += len;
	return (la_ssize_t)len;
}

static int write_member(struct writer *writer, const char *path, unsigned int type,
			const void *bytes, size_t len)
{
	struct archive_entry *entry = writer->la.archive_entry_new();
	int r;

	if (!entry)
		return -ENOMEM;
	writer->la.archive_entry_set_pathname(entry, path);
	writer->la.archive_entry_set_filetype(entry, type);
	writer->la.archive_entry_set_perm(entry, type == AE_IFDIR ? 0755 : 0644);
	if (type == AE_IFLNK)
		writer->la.archive_entry_set_symlink(entry, bytes);
	else if (type == AE_IFREG)
		writer->la.archive_entry_set_size(entry, (la_int64_t)len);
	r = writer->la.archive_write_header(writer->archive, entry);
	/* A name in no UTF-8, or not the locale's: it is written as the bytes it is. */
	if (r == ARCHIVE_WARN)
		r = ARCHIVE_OK;
	if (r == ARCHIVE_OK && type == AE_IFREG && len &&
	    writer->la.archive_write_data(writer->archive, bytes, len) != (la_ssize_t)len)
		r = ARCHIVE_FATAL;
	writer->la.archive_entry_free(entry);
	return r == ARCHIVE_OK ? 0 : -EIO;
}

static bool is_binary(const struct host_tree_node *node)
{
	return memchr(node->bytes, '\0', node->len) != NULL;
}

static int write_file(struct writer *writer, const char *path, const char *original,
		      const struct host_tree_node *node)
{
	_cleanup_free_ char *bytes = NULL;
	size_t len = node->len;
	int r;

	writer->summary.files++;
	if (!is_binary(node)) {
		r = anonymiser_replace(writer->anonymiser, node->bytes, node->len, &bytes,
				       &len);
		if (r < 0)
			return r;
	} else {
		bytes = malloc(len + 1);
		if (!bytes)
			return -ENOMEM;
		memcpy(bytes, node->bytes, len);
	}
	if (writer->edit)
		writer->edit(original, (unsigned char *)bytes, len);
	return write_member(writer, path, AE_IFREG, bytes, len);
}

static int write_link(struct writer *writer, const char *path,
		      const struct host_tree_node *node)
{
	_cleanup_free_ char *target = NULL;
	size_t len;
	int r;

	writer->summary.links++;
	r = anonymiser_replace_path(writer->anonymiser, node->bytes, node->len, &target,
				    &len);
	return r < 0 ? r : write_member(writer, path, AE_IFLNK, target, len);
}

static int note_in_index(struct writer *writer, const char *what, const char *path)
{
	/* A line is a fact; a path with a newline in it could make another. */
	return strchr(path, '\n') ? 0
				  : string_list_addf(&writer->index, "%s %s", what, path);
}

static int write_error(struct writer *writer, const char *path, int error)
{
	int r = 0;

	if (error == ENOENT || error == ENOTDIR)
		writer->summary.absent++;
	else
		r = string_list_add(&writer->summary.unreadable, path);
	return r < 0 ? r : note_in_index(writer, error_name(error), path);
}

static int write_node(const char *original, const struct host_tree_node *node,
		      void *argument)
{
	struct writer *writer = argument;
	_cleanup_free_ char *path = NULL;
	size_t len;
	int r;

	r = anonymiser_replace_path(writer->anonymiser, original, strlen(original), &path,
				    &len);
	if (r < 0)
		return r;
	switch (node->kind) {
	case TREE_FILE:
		return write_file(writer, path, original, node);
	case TREE_LINK:
		return write_link(writer, path, node);
	case TREE_DIRECTORY:
		r = write_member(writer, path, AE_IFDIR, NULL, 0);
		if (r == 0 && node->listed)
			r = note_in_index(writer, "listed", path);
		else if (r == 0 && node->error)
			r = write_error(writer, path, node->error);
		return r;
	case TREE_ERROR:
		return write_error(writer, path, node->error);
	default:
		return note_in_index(writer, "entry", path);
	}
}

static int learn_node(const char *path, const struct host_tree_node *node, void *argument)
{
	return node->kind == TREE_FILE && !is_binary(node)
		       ? anonymiser_learn(argument, path, node->bytes, node->len)
		       : 0;
}

static int add_filter(const struct writer *writer, enum host_archive kind)
{
	switch (kind) {
	case HOST_ARCHIVE_ZSTD:
		return writer->la.archive_write_add_filter_zstd(writer->archive);
	case HOST_ARCHIVE_XZ:
		return writer->la.archive_write_add_filter_xz(writer->archive);
	case HOST_ARCHIVE_GZIP:
		return writer->la.archive_write_add_filter_gzip(writer->archive);
	default:
		return writer->la.archive_write_add_filter_none(writer->archive);
	}
}

static int open_writer(struct writer *writer, enum host_archive kind)
{
	writer->archive = writer->la.archive_write_new();
	writer->anonymiser = anonymiser_new();
	if (!writer->archive || !writer->anonymiser)
		return -ENOMEM;
	if (writer->la.archive_write_set_format_pax_restricted(writer->archive) !=
		    ARCHIVE_OK ||
	    add_filter(writer, kind) != ARCHIVE_OK ||
	    /* Else zeros follow what is compressed, for tape drives. */
	    writer->la.archive_write_set_bytes_in_last_block(writer->archive, 1) !=
		    ARCHIVE_OK ||
	    writer->la.archive_write_open(writer->archive, writer, NULL, take_bytes,
					  NULL) != ARCHIVE_OK)
		return -EIO;
	return 0;
}

static int write_index(struct writer *writer)
{
	_cleanup_free_ char *lines = NULL, *text = NULL;
	size_t len = 0;

	lines = string_list_lines(&writer->index, &len);
	if (!lines || asprintf(&text, "%s%s", index_head, lines) < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return write_member(writer, index_path, AE_IFREG, text, strlen(text));
}

static int write_all_members(struct writer *writer, const struct host_tree *tree,
			     enum host_archive kind)
{
	int r = open_writer(writer, kind);

	if (r == 0)
		r = host_tree_walk(tree, learn_node, writer->anonymiser);
	if (r == 0)
		r = host_tree_walk(tree, write_node, writer);
	if (r == 0)
		r = write_index(writer);
	if (r == 0 && writer->la.archive_write_close(writer->archive) != ARCHIVE_OK)
		r = -EIO;
	return r;
}

void host_recording_summary_free(struct host_recording_summary *summary)
{
	string_list_free(&summary->unreadable);
}

int host_recording_write(const struct host *host, enum host_archive kind,
			 host_recording_edit edit, char **ret_bytes, size_t *ret_len,
			 struct host_recording_summary *ret_summary, struct error *err)
{
	const struct host_tree *tree = host_recording_tree(host);
	struct writer writer = { .edit = edit };
	const char *why = NULL;
	int r = libarchive_load(&writer.la, err);

	if (r < 0)
		return r;
	r = tree ? write_all_members(&writer, tree, kind) : -ENOMEM;
	if (r == 0) {
		*ret_bytes = steal(writer.bytes);
		*ret_len = writer.len;
		*ret_summary = writer.summary;
		memset(&writer.summary, 0, sizeof(writer.summary));
	} else {
		why = writer.archive ? writer.la.archive_error_string(writer.archive)
				     : NULL;
		error_set(err, -r, host_name(host), "the recording: %s",
			  why ? why : strerror(-r));
	}
	writer.la.archive_write_free(writer.archive);
	anonymiser_free(writer.anonymiser);
	string_list_free(&writer.index);
	host_recording_summary_free(&writer.summary);
	free(writer.bytes);
	return r;
}

/* Reading. */

static int add_fact(struct host_tree *tree, const char *line, size_t len)
{
	const char *space = memchr(line, ' ', len);
	char path[PATH_MAX];
	size_t word;
	int error;

	if (!space || len >= sizeof(path))
		return -EINVAL;
	word = (size_t)(space - line);
	memcpy(path, space + 1, len - word - 1);
	path[len - word - 1] = '\0';
	if (word == strlen("listed") && !strncmp(line, "listed", word))
		return host_tree_mark_listed(tree, path);
	if (word == strlen("entry") && !strncmp(line, "entry", word))
		return host_tree_add(tree, path, TREE_UNKNOWN, NULL, 0);
	error = error_by_name(line, word);
	return error ? host_tree_add_error(tree, path, error) : -EINVAL;
}

int host_archive_parse_index(const char *text, size_t len, struct host_tree *tree)
{
	const char *end = text + len;
	int r = 0;

	if (len < strlen(index_head) ||
	    strncmp(text, index_head, strlen(index_head)) != 0)
		return -EINVAL;
	text += strlen(index_head);
	while (r == 0 && text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((newline ? newline : end) - text);

		r = add_fact(tree, text, n);
		text += n + (newline != NULL);
	}
	return r;
}

/*
 * What lies between two members' data: headers, long names. libarchive keeps maps of
 * holes of any length in memory and reads through data that it does not show, and an
 * archive of some KB can hold terabytes of either.
 */
enum { HEADERS_MAX = 4 << 20 };

struct reader {
	struct libarchive la;
	struct archive *packed;	 /* gives the bytes that the compressed ones are */
	struct archive *archive; /* takes them as tar */
	char block[65536];
	size_t headers; /* bytes since the last member's data */
	bool in_data;
	struct host_tree *tree;
	const char *name; /* of the archive, for messages */
	size_t members, total;
	char *index;
	size_t index_len;
};

static int refuse(const struct reader *reader, const char *member, const char *why,
		  struct error *err)
{
	error_set(err, EINVAL, reader->name, "%s: %s", member, why);
	error_hint(err, "it is damaged, or no recording of pciferry's");
	return -EINVAL;
}

/* Reads a member's data, but never more than the limits, whatever its header claims. */
static int read_data(struct reader *reader, const char *member, char **ret_bytes,
		     size_t *ret_len, struct error *err)
{
	_cleanup_free_ char *bytes = malloc(1);
	size_t len = 0, room = 0;

	if (!bytes)
		return error_oom(err);
	for (;;) {
		la_ssize_t n;

		if (len == room) {
			char *larger;

			room = room ? 2 * room : 4096;
			if (room > HOST_FILE_MAX)
				return refuse(reader, member, "too large", err);
			larger = realloc(bytes, room + 1);
			if (!larger)
				return error_oom(err);
			bytes = larger;
		}
		n = reader->la.archive_read_data(reader->archive, bytes + len,
						 room - len);
		if (n < 0)
			return refuse(reader, member, "it cannot be read whole", err);
		if (n == 0)
			break;
		len += (size_t)n;
		reader->total += (size_t)n;
		if (reader->total > HOST_ARCHIVE_TOTAL_MAX)
			return refuse(reader, member, "the archive is too large", err);
	}
	bytes[len] = '\0';
	*ret_bytes = steal(bytes);
	*ret_len = len;
	return 0;
}

static int take_file(struct reader *reader, const char *path, const char *member,
		     struct error *err)
{
	_cleanup_free_ char *bytes = NULL;
	size_t len = 0;
	int r = read_data(reader, member, &bytes, &len, err);

	if (r < 0)
		return r;
	if (!strcmp(path, index_path) && !reader->index) {
		reader->index = steal(bytes);
		reader->index_len = len;
		return 0;
	}
	return host_tree_add(reader->tree, path, TREE_FILE, bytes, len);
}

static int take_member(struct reader *reader, struct archive_entry *entry,
		       struct error *err)
{
	const char *member = reader->la.archive_entry_pathname(entry), *path = member,
		   *target;
	unsigned int type = reader->la.archive_entry_filetype(entry);
	int r;

	if (!member || !*member)
		return refuse(reader, "a member", "it has no name", err);
	if (++reader->members > HOST_ARCHIVE_MEMBERS_MAX)
		return refuse(reader, member, "too many members", err);
	while (!strncmp(path, "./", 2))
		path += 2 + strspn(path + 2, "/");
	if (type == AE_IFDIR && !*path)
		return 0;
	target = reader->la.archive_entry_symlink(entry);
	if (reader->la.archive_entry_hardlink(entry))
		return refuse(reader, member, "a hard link", err);
	if (type == AE_IFREG)
		r = take_file(reader, path, member, err);
	else if (type == AE_IFDIR)
		r = host_tree_add(reader->tree, path, TREE_DIRECTORY, NULL, 0);
	else if (type == AE_IFLNK && target && strlen(target) < PATH_MAX)
		r = host_tree_add(reader->tree, path, TREE_LINK, target, strlen(target));
	else
		return refuse(reader, member, "neither file, directory nor link", err);
	if (r < 0 && !error_is_set(err))
		return r == -ENOMEM ? error_oom(err)
				    : refuse(reader, member,
					     r == -E2BIG ? "too many files"
							 : "not a name for a member",
					     err);
	return r;
}

static la_ssize_t unpack(struct archive *archive, void *argument, const void **ret_bytes)
{
	struct reader *reader = argument;
	const struct libarchive *la = &reader->la;
	la_ssize_t n = la->archive_read_data(reader->packed, reader->block,
					     sizeof(reader->block));

	*ret_bytes = reader->block;
	if (n < 0)
		la->archive_set_error(archive, EINVAL, "%s",
				      la->archive_error_string(reader->packed));
	else if (!reader->in_data && (reader->headers += (size_t)n) > HEADERS_MAX) {
		la->archive_set_error(archive, EINVAL, "too much between two members");
		n = -1;
	}
	return n < 0 ? ARCHIVE_FATAL : n;
}

static int open_reader(struct reader *reader, const void *bytes, size_t len,
		       struct error *err)
{
	const struct libarchive *la = &reader->la;
	struct archive_entry *entry;

	reader->packed = la->archive_read_new();
	reader->archive = la->archive_read_new();
	reader->tree = host_tree_new();
	if (!reader->packed || !reader->archive || !reader->tree)
		return error_oom(err);
	la->archive_read_support_format_raw(reader->packed);
	la->archive_read_support_filter_zstd(reader->packed);
	la->archive_read_support_filter_xz(reader->packed);
	la->archive_read_support_filter_gzip(reader->packed);
	la->archive_read_support_format_tar(reader->archive);
	if (la->archive_read_open_memory(reader->packed, bytes, len) != ARCHIVE_OK ||
	    la->archive_read_next_header(reader->packed, &entry) != ARCHIVE_OK ||
	    la->archive_read_open(reader->archive, reader, NULL, unpack, NULL) !=
		    ARCHIVE_OK)
		return refuse(reader, "archive", "it is no tar archive", err);
	return 0;
}

static int read_members(struct reader *reader, struct error *err)
{
	struct archive_entry *entry;
	int r = 0;

	while (r == 0) {
		int status;

		reader->headers = 0;
		reader->in_data = false;
		status = reader->la.archive_read_next_header(reader->archive, &entry);
		reader->in_data = true;

		if (status == ARCHIVE_EOF)
			break;
		if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
			return refuse(
				reader, "archive",
				reader->la.archive_error_string(reader->archive)
					? reader->la.archive_error_string(reader->archive)
					: "it cannot be read",
				err);
		r = take_member(reader, entry, err);
	}
	if (r < 0)
		return r;
	if (!reader->index)
		return refuse(reader, index_path, "it is not there", err);
	r = host_archive_parse_index(reader->index, reader->index_len, reader->tree);
	if (r == -ENOMEM)
		return error_oom(err);
	return r < 0 ? refuse(reader, index_path,
			      r == -E2BIG ? "too many files" : "it is damaged", err)
		     : 0;
}

int host_archive_parse(const char *name, const void *bytes, size_t len,
		       struct host_tree **ret_tree, struct error *err)
{
	struct reader reader = { .name = name };
	int r = libarchive_load(&reader.la, err);

	if (r < 0)
		return r;
	r = open_reader(&reader, bytes, len, err);
	if (r == 0)
		r = read_members(&reader, err);
	if (r == 0)
		*ret_tree = steal(reader.tree);
	host_tree_free(reader.tree);
	reader.la.archive_read_free(reader.archive);
	reader.la.archive_read_free(reader.packed);
	free(reader.index);
	return r;
}
