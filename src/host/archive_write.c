/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A recording's files, links and directories as members of an archive, and its index. */
#include <errno.h>
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
	return r < 0 ? r : note_in_index(writer, host_index_error_name(error), path);
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
	if (!lines || asprintf(&text, "%s%s", host_index_head, lines) < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return write_member(writer, host_index_path, AE_IFREG, text, strlen(text));
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
