/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the next boots will read: the copies of the tab in the images. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/image_order.h"
#include "check/images.h"
#include "plan/internal.h"

void plan_images_free(struct plan_images *images)
{
	string_list_free(&images->tabs);
}

static int read_image(const struct plan_view *view, const char *path,
		      struct plan_images *images)
{
	_cleanup_(bootcfg_image_free) struct bootcfg_image image = { 0 };
	int r = check_read_image(view->host, path, &image);
	bool is_read;

	if (r == -ENOMEM)
		return r;
	if (r < 0 || image.problem) {
		images->is_unknown = true;
		return 0;
	}
	/* It runs no scripts, and is none that could have the tab. */
	if (image.builder == BUILDER_BOOSTER)
		return 0;
	/* What nobody reads binds nothing. */
	is_read = image.tab && string_list_has(&image.scripts, bootcfg_early_script);
	return string_list_add(&images->tabs, is_read ? image.tab : "");
}

int plan_images_read(const struct plan_view *view, struct plan_images *ret_images)
{
	const struct bootcfg_images *files = &view->images;
	struct plan_images images = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < files->count; i++)
		if (files->items[i].release)
			r = read_image(view, files->items[i].path, &images);
	if (r < 0) {
		plan_images_free(&images);
		return r;
	}
	images.is_unknown |= !images.tabs.count || files->unreadable.count;
	*ret_images = images;
	return 0;
}
