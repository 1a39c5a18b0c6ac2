/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is kept of an initramfs image, which a recording of anybody's may hold. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "bootcfg/image.h"

static void check_lists(const struct bootcfg_image *image)
{
	const struct string_list *const lists[] = { &image->releases, &image->early,
						    &image->late, &image->scripts };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (size_t j = 0; j < lists[i]->count; j++)
			must(lists[i]->items[j][0] && !strchr(lists[i]->items[j], '\n'));
}

static void check(const struct bootcfg_image *image, size_t size)
{
	check_lists(image);
	must(!image->problem || image->problem[0]);
	for (size_t i = 0; i < image->modules.room; i++) {
		const struct bootcfg_module *one = &image->modules.slots[i];

		if (one->name)
			must(one->name > image->text &&
			     one->name + one->len < image->text + size);
	}
	for (size_t i = 0; i < image->modprobe.count; i++) {
		const struct bootcfg_modprobe_line *line = &image->modprobe.lines[i];
		const struct bootcfg_modprobe_line *first =
			bootcfg_modprobe_find(&image->modprobe, line->kind, line->module);

		must(string_list_has(&image->modprobe.files, line->file));
		must(first && first <= line);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bootcfg_image image;
	char *text = malloc(size + 1);
	int r;

	must(text != NULL);
	memcpy(text, data, size);
	r = bootcfg_image_parse(text, size, &image);
	must(r == 0 || r == -EINVAL || r == -ENOMEM);
	if (r == 0) {
		check(&image, size);
		bootcfg_image_free(&image);
		/* Of one that is cut off nothing is taken. */
		must(bootcfg_image_parse(text, size - 1, &image) == -EINVAL);
		must(bootcfg_image_parse(text, size / 2, &image) == -EINVAL);
	}
	free(text);
	return 0;
}
