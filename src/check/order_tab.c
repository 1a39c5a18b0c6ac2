/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an image is to bind by address: its copy of pciferry.tab, and what reads it. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "bootcfg/image_order.h"
#include "check/order.h"

static const char path[] = BOOTCFG_TAB;

static int has_devices(const char *text, size_t len, bool *ret_has)
{
	_cleanup_(bootcfg_tab_free) struct bootcfg_tab tab = { 0 };
	int r = bootcfg_tab_parse(text, len, &tab);

	*ret_has = false;
	for (size_t i = 0; i < tab.count; i++)
		*ret_has |= tab.lines[i].entry.kind == TAB_DEVICE && !tab.lines[i].bad;
	return r;
}

/* booster runs no scripts, and has nothing that would put the file into its images. */
static int tell_of_booster(struct check_order *order)
{
	int r = check_tell(order->run, CHECK_WARN, order->subject,
			   "booster's images do not read /%s", path);

	if (r == 0)
		r = check_why(order->run,
			      "its devices are not bound by address when the"
			      " kernel %s starts",
			      order->kernel->release);
	return r < 0 ? r
		     : check_fix(order->run,
				 "bind them by their IDs: options vfio-pci ids= in"
				 " /etc/modprobe.d/vfio.conf, and modules_force_load:"
				 " vfio_pci in /etc/booster.yaml, then %s",
				 check_order_rebuild(order));
}

static int tell(struct check_order *order, const char *seen)
{
	int r = check_tell(order->run, CHECK_WARN, order->subject, seen, path);

	if (r == 0)
		r = check_why(order->run,
			      "devices are bound by the copy in the image when the kernel"
			      " %s starts",
			      order->kernel->release);
	return r < 0 ? r : check_fix(order->run, "%s", check_order_rebuild(order));
}

static bool is_same(char *one, char *other)
{
	return !strcmp(text_trim_end(one), text_trim_end(other));
}

int check_order_tab(struct check_order *order)
{
	const struct bootcfg_image *image = order->image;
	_cleanup_free_ char *text = NULL;
	bool is_wanted = false;
	size_t len;
	int r = host_read_file(order->run->facts->host, path, &text, &len);

	if (r < 0 && r != -ENOENT && r != -ENOMEM)
		return check_tell(order->run, CHECK_UNKNOWN, order->subject,
				  "/%s could not be read", path);
	if (r == 0)
		r = has_devices(text, len, &is_wanted);
	if (r < 0 && r != -ENOENT)
		return r;
	if (is_wanted && image->builder == BUILDER_BOOSTER)
		return tell_of_booster(order);
	if (is_wanted && !image->tab)
		return tell(order, "it has no copy of /%s");
	if (is_wanted && !string_list_has(&image->scripts, bootcfg_early_script))
		return tell(order, "nothing in it reads its copy of /%s");
	if (image->tab && (!text || !is_same(text, image->tab)))
		return tell(order, "its copy of /%s is another one than the host's");
	return 0;
}
