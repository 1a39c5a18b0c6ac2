/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text that tells what is in an image, taken apart. */
#include "bootcfg/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/image_digest.h"
#include "bootcfg/tab.h"

static const char *const builder_names[] = {
	[BUILDER_UNKNOWN] = "",	       [BUILDER_INITRAMFS_TOOLS] = "initramfs-tools",
	[BUILDER_DRACUT] = "dracut",   [BUILDER_MKINITCPIO] = "mkinitcpio",
	[BUILDER_BOOSTER] = "booster",
};

const char *bootcfg_builder_name(enum bootcfg_builder builder)
{
	return builder_names[builder];
}

static int take_builder(struct bootcfg_image *image, const char *name)
{
	for (size_t i = 1; i < ARRAY_SIZE(builder_names); i++)
		if (!strcmp(builder_names[i], name)) {
			image->builder = (enum bootcfg_builder)i;
			return 0;
		}
	return -EINVAL;
}

static int take_release(struct bootcfg_image *image, const char *release)
{
	return string_list_has(&image->releases, release)
		       ? 0
		       : string_list_add(&image->releases, release);
}

static int take_problem(struct bootcfg_image *image, const char *problem)
{
	if (image->problem)
		return -EINVAL;
	image->problem = strdup(problem);
	return image->problem ? 0 : -ENOMEM;
}

static int take_module(struct bootcfg_image *image, const char *name)
{
	return bootcfg_modules_parse(name, strlen(name), BOOTCFG_MODULE, &image->modules);
}

static int take_early(struct bootcfg_image *image, const char *name)
{
	return string_list_add(&image->early, name);
}

static int take_late(struct bootcfg_image *image, const char *name)
{
	return string_list_add(&image->late, name);
}

static int take_script(struct bootcfg_image *image, const char *path)
{
	return string_list_add(&image->scripts, path);
}

static const struct {
	const char *word;
	int (*take)(struct bootcfg_image *image, const char *rest);
} words[] = {
	{ "builder", take_builder }, { "kernel", take_release },
	{ "module", take_module },   { "early", take_early },
	{ "late", take_late },	     { "script", take_script },
	{ "problem", take_problem },
};

static int take_line(struct bootcfg_image *image, char *line)
{
	char *rest = strchr(line, ' ');

	if (!rest || !rest[1])
		return -EINVAL;
	*rest++ = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i].word, line))
			return words[i].take(image, rest);
	return -EINVAL;
}

/* The lines of a file, without the tabulator before each; in place, up to *at. */
static char *take_lines(char **at)
{
	char *start = *at, *to = *at, *from = *at;

	while (*from == '\t') {
		size_t len = strcspn(from, "\n") + 1;

		memmove(to, from + 1, len - 1);
		to += len - 1;
		from += len;
	}
	*at = from;
	/* The tabulators have left room for it, or there was nothing. */
	if (to < from)
		*to = '\0';
	return to < from ? start : NULL;
}

static int take_text(struct bootcfg_image *image, const char *path, const char *text)
{
	struct string_list *files = &image->modprobe.files;
	int r;

	if (!strcmp(path, BOOTCFG_TAB)) {
		if (image->tab)
			return -EINVAL;
		image->tab = strdup(text);
		return image->tab ? 0 : -ENOMEM;
	}
	r = string_list_add(files, path);
	return r < 0 ? r
		     : bootcfg_modprobe_parse(text, strlen(text),
					      files->items[files->count - 1],
					      &image->modprobe);
}

static int parse(struct bootcfg_image *image, char *at)
{
	static const char text_word[] = "text ";
	bool head = false;
	int r = 0;

	while (r == 0) {
		char *newline = strchr(at, '\n'), *line = at;

		if (!newline)
			return -EINVAL;
		*newline = '\0';
		at = newline + 1;
		if (!head) {
			head = !strcmp(line, IMAGE_DIGEST_HEAD);
			r = head ? 0 : -EINVAL;
		} else if (!strcmp(line, "end")) {
			return *at ? -EINVAL : 0;
		} else if (!strncmp(line, text_word, strlen(text_word))) {
			const char *lines = take_lines(&at);

			r = take_text(image, line + strlen(text_word),
				      lines ? lines : "");
		} else {
			r = take_line(image, line);
		}
	}
	return r;
}

int bootcfg_image_parse(const char *text, size_t len, struct bootcfg_image *ret_image)
{
	_cleanup_(bootcfg_image_free) struct bootcfg_image image = { 0 };
	int r;

	/* A NUL would hide the rest; and where every line has its end, one that was cut
	 * off is seen. */
	if (!len || text[len - 1] != '\n' || memchr(text, '\0', len))
		return -EINVAL;
	image.text = strndup(text, len);
	if (!image.text)
		return -ENOMEM;
	r = parse(&image, image.text);
	if (r == 0)
		r = bootcfg_modprobe_index(&image.modprobe);
	if (r < 0)
		return r;
	image.modprobe.fact = FACT_KNOWN;
	*ret_image = image;
	memset(&image, 0, sizeof(image));
	return 0;
}

void bootcfg_image_free(struct bootcfg_image *image)
{
	if (!image)
		return;
	free(image->problem);
	string_list_free(&image->releases);
	bootcfg_modules_free(&image->modules);
	bootcfg_modprobe_free(&image->modprobe);
	string_list_free(&image->early);
	string_list_free(&image->late);
	string_list_free(&image->scripts);
	free(image->tab);
	free(image->text);
	memset(image, 0, sizeof(*image));
}
