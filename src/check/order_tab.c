/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an image is to bind by address: its copy of pciferry.tab, and what reads it. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/image_order.h"
#include "check/order.h"

static const char path[] = BOOTCFG_TAB;

static bool has_devices(const struct bootcfg_tab *tab)
{
	static const struct bootcfg_tab none;

	return !bootcfg_tab_same_devices(tab, &none);
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

int check_order_tab(struct check_order *order)
{
	_cleanup_(bootcfg_tab_free) struct bootcfg_tab wanted = { 0 }, copy = { 0 };
	const struct bootcfg_image *image = order->image;
	int r = bootcfg_tab_read(order->run->facts->host, path, &wanted);

	if (r < 0 && r != -ENOENT && r != -ENOMEM)
		return check_tell(order->run, CHECK_UNKNOWN, order->subject,
				  "/%s could not be read", path);
	if ((r == 0 || r == -ENOENT) && image->tab)
		r = bootcfg_tab_parse(image->tab, strlen(image->tab), &copy);
	if (r < 0 && r != -ENOENT)
		return r;
	if (has_devices(&wanted) && image->builder == BUILDER_BOOSTER)
		return tell_of_booster(order);
	if (has_devices(&wanted) && !image->tab)
		return tell(order, "it has no copy of /%s");
	if (has_devices(&wanted) &&
	    !string_list_has(&image->scripts, bootcfg_early_script))
		return tell(order, "nothing in it reads its copy of /%s");
	if (!bootcfg_tab_same_devices(&wanted, &copy))
		return tell(order, "its copy of /%s binds other devices than the host's");
	return 0;
}
