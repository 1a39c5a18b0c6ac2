/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text that tells what was kept of an image. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/image_digest.h"
#include "bootcfg/tab.h"

enum { LINKS_MAX = 8 };

static const char systemd_loads[] = "etc/modules-load.d/MODULES.conf";

static bool starts_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

static const struct image_file *find_file(const struct image_digest *digest,
					  const char *path)
{
	for (size_t i = 0; i < digest->n_files; i++)
		if (!strcmp(digest->files[i].path, path))
			return &digest->files[i];
	return NULL;
}

/* Where a link leads: "../a" from "etc/x/y" is "etc/a". */
static int follow(const char *from, const char *target, char *buffer, size_t size)
{
	const char *slash = *target == '/' ? NULL : strrchr(from, '/');
	size_t used = slash ? (size_t)(slash - from) : 0;

	if (used + strlen(target) + 2 > size)
		return -ENAMETOOLONG;
	memcpy(buffer, from, used);
	buffer[used] = '\0';
	while (*target) {
		size_t len = strcspn(target, "/");

		if (len == 2 && !strncmp(target, "..", 2)) {
			char *last = strrchr(buffer, '/');

			*(last ? last : buffer) = '\0';
			used = strlen(buffer);
		} else if (len && !(len == 1 && *target == '.')) {
			if (used)
				buffer[used++] = '/';
			memcpy(buffer + used, target, len);
			used += len;
			buffer[used] = '\0';
		}
		target += len + (target[len] == '/');
	}
	return 0;
}

/*
 * The bytes of a file, through links; "" where one leads to nothing that could say
 * anything, such as /dev/null, which hides a file of that name in other folders.
 */
static const char *read_through(const struct image_digest *digest,
				const struct image_file *file)
{
	char path[8192];

	for (unsigned int links = 0; file && file->link; links++) {
		if (links == LINKS_MAX ||
		    follow(file->path, file->link, path, sizeof(path)) < 0)
			return "";
		file = find_file(digest, starts_with(path, "usr/lib/") ? path + 4 : path);
	}
	return file && file->bytes ? file->bytes : "";
}

/* The order in which modprobe looks into folders, for files of one name. */
static size_t rank(const char *path)
{
	static const char *const folders[] = { "etc/", "run/", "usr/local/", "lib/" };
	size_t i = 0;

	while (i < ARRAY_SIZE(folders) && !starts_with(path, folders[i]))
		i++;
	return i;
}

static const char *name_of(const char *path)
{
	return strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
}

static bool is_of(const char *path, const char *folder)
{
	const char *slash = strrchr(path, '/');
	size_t len = strlen(folder);

	return slash && (size_t)(slash - path) > len &&
	       !strncmp(slash - len, folder, len) && slash[-(long)len - 1] == '/';
}

static int compare(const void *a, const void *b)
{
	const struct image_file *left = a, *right = b;
	int order = strcmp(name_of(left->path), name_of(right->path));

	if (!order)
		order = (rank(left->path) > rank(right->path)) -
			(rank(left->path) < rank(right->path));
	return order ? order : strcmp(left->path, right->path);
}

/* Whether one of that name in another folder, which comes first, is read in its place. */
static bool is_hidden(const struct image_digest *digest, size_t index, const char *folder)
{
	const char *name = name_of(digest->files[index].path);

	while (index-- > 0 && !strcmp(name_of(digest->files[index].path), name))
		if (digest->files[index].is_wanted &&
		    is_of(digest->files[index].path, folder))
			return true;
	return false;
}

/* The first word of each line. */
static int add_first_words(const char *text, struct string_list *names)
{
	_cleanup_(bootcfg_modprobe_free) struct bootcfg_modprobe loads = { 0 };
	int r = bootcfg_loads_parse(text, strlen(text), "", &loads);

	for (size_t i = 0; r == 0 && i < loads.count; i++)
		r = string_list_add(names, loads.lines[i].module);
	return r;
}

static int take_loads(const struct image_digest *digest, size_t index,
		      struct image_loads *loads)
{
	const struct image_file *file = &digest->files[index];
	const char *text = read_through(digest, file);
	size_t len = strlen(text);

	if (!file->is_wanted)
		return 0;
	if (!strcmp(file->path, "conf/modules"))
		return add_first_words(text, &loads->late);
	if (is_of(file->path, "modules-load.d"))
		return is_hidden(digest, index, "modules-load.d")
			       ? 0
			       : add_first_words(text, &loads->late);
	if (!strcmp(file->path, "etc/booster.init.yaml"))
		return image_booster_parse(text, len, loads);
	if (!strcmp(file->path, "etc/cmdline") || is_of(file->path, "cmdline.d"))
		return image_dracut_parse(text, len, loads);
	/* With systemd no init reads it, and another file has the same names. */
	if (!strcmp(file->path, "config") && !find_file(digest, systemd_loads))
		return image_mkinitcpio_parse(text, len, loads);
	return 0;
}

/* What has a control character in it is no name of anything, and may break a line. */
static bool is_name(const char *text)
{
	if (!*text)
		return false;
	for (; *text; text++)
		if ((unsigned char)*text < ' ')
			return false;
	return true;
}

static void write_names(FILE *stream, const char *before, const struct string_list *names)
{
	for (size_t i = 0; i < names->count; i++)
		if (is_name(names->items[i]))
			fprintf(stream, "%s%s\n", before, names->items[i]);
}

static void write_text(FILE *stream, const char *path, const char *text)
{
	fprintf(stream, "text %s\n", path);
	while (*text) {
		size_t len = strcspn(text, "\n");

		fprintf(stream, "\t%.*s\n", (int)len, text);
		text += len + (text[len] == '\n');
	}
}

static void write_modules(FILE *stream, const struct image_digest *digest)
{
	const char *release = "";
	size_t len = 0;

	for (size_t i = 0; i < digest->modules.count; i++) {
		const char *module = digest->modules.items[i];
		const char *slash = strchr(module, '/');
		size_t n = (size_t)(slash - module);

		if (n && (n != len || strncmp(module, release, n) != 0)) {
			release = module;
			len = n;
			fprintf(stream, "kernel %.*s\n", (int)n, module);
		}
		fprintf(stream, "module %s\n", slash + 1);
	}
}

static void write_all_of(FILE *stream, const struct image_digest *digest,
			 const struct image_loads *loads)
{
	fprintf(stream, IMAGE_DIGEST_HEAD "\n");
	if (digest->builder)
		fprintf(stream, "builder %s\n", bootcfg_builder_name(digest->builder));
	if (loads->release && is_name(loads->release))
		fprintf(stream, "kernel %s\n", loads->release);
	write_modules(stream, digest);
	write_names(stream, "early ", &loads->early);
	write_names(stream, "late ", &loads->late);
	write_names(stream, "script ", &digest->scripts);
	for (size_t i = 0; i < digest->n_files; i++) {
		const struct image_file *file = &digest->files[i];

		if (file->is_wanted && (!strcmp(file->path, BOOTCFG_TAB) ||
					(is_of(file->path, "modprobe.d") &&
					 !is_hidden(digest, i, "modprobe.d"))))
			write_text(stream, file->path, read_through(digest, file));
	}
	if (loads->options.count)
		fprintf(stream, "text %s\n",
			digest->builder == BUILDER_BOOSTER ? "etc/booster.init.yaml"
							   : "etc/cmdline.d");
	write_names(stream, "\t", &loads->options);
	fprintf(stream, "end\n");
}

static int finish(FILE *stream, char **text)
{
	int failed = ferror(stream);

	if (fclose(stream) == 0 && !failed)
		return 0;
	free(steal(*text));
	return -ENOMEM;
}

int image_digest_write(struct image_digest *digest, char **ret_text, size_t *ret_len)
{
	_cleanup_(image_loads_free) struct image_loads loads = { 0 };
	char *text = NULL;
	FILE *stream;
	int r = 0;

	if (digest->n_files)
		qsort(digest->files, digest->n_files, sizeof(*digest->files), compare);
	for (size_t i = 0; r == 0 && i < digest->n_files; i++)
		r = take_loads(digest, i, &loads);
	if (r < 0)
		return r;
	stream = open_memstream(&text, ret_len);
	if (!stream)
		return -ENOMEM;
	write_all_of(stream, digest, &loads);
	r = finish(stream, &text);
	if (r == 0)
		*ret_text = text;
	return r;
}

int image_digest_write_problem(const char *problem, char **ret_text, size_t *ret_len)
{
	int n = asprintf(ret_text, IMAGE_DIGEST_HEAD "\nproblem %s\nend\n", problem);

	if (n < 0)
		return -ENOMEM;
	*ret_len = (size_t)n;
	return 0;
}
