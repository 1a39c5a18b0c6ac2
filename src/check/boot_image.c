/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which driver comes first in an initramfs image, by what is in it. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "bootcfg/image_order.h"
#include "bootcfg/precedence.h"
#include "check/order.h"

static const char vfio_pci[] = "vfio-pci";

/* Some builders leave the host's own files out, unless they are told otherwise. */
static bool takes_hosts_files(const struct check_order *order)
{
	static const char folder[] = "etc/modprobe.d/";
	const struct string_list *files = &order->image->modprobe.files;

	if (order->image->builder == BUILDER_INITRAMFS_TOOLS)
		return true;
	for (size_t i = 0; i < files->count; i++)
		if (!strncmp(files->items[i], folder, strlen(folder)))
			return true;
	return false;
}

/* What makes vfio-pci come first, in the language of the image's builder. */
static int fix_order(struct check_order *order)
{
	const char *rebuild = check_order_rebuild(order);

	if (order->is_known && takes_hosts_files(order))
		return check_fix(order->run,
				 "%s: modprobe.d of the host says so already, its copy in"
				 " the image does not",
				 rebuild);
	switch (order->image->builder) {
	case BUILDER_DRACUT:
		return check_fix(order->run,
				 "write force_drivers+=\" vfio-pci \" into"
				 " /etc/dracut.conf.d/vfio.conf, then %s",
				 rebuild);
	case BUILDER_MKINITCPIO:
		return check_fix(order->run,
				 "begin MODULES= in /etc/mkinitcpio.conf with vfio_pci,"
				 " have modconf in its HOOKS, then %s",
				 rebuild);
	case BUILDER_BOOSTER:
		return check_fix(order->run,
				 "write modules_force_load: vfio_pci into"
				 " /etc/booster.yaml, then %s",
				 rebuild);
	default:
		return check_fix(order->run,
				 "write \"softdep NAME pre: vfio-pci\" for each of them"
				 " (%s) into /etc/modprobe.d/vfio.conf, then %s",
				 order->first.text, rebuild);
	}
}

static int tell_first(struct check_order *order)
{
	bool has_vfio = bootcfg_image_has(order->image, vfio_pci);
	int r;

	if (order->script)
		return check_tell(order->run, CHECK_UNKNOWN, order->subject,
				  "it has %s before vfio-pci, unless its script /%s sees"
				  " to that, which is not known",
				  order->first.text, order->script);
	r = check_tell(order->run, CHECK_WARN, order->subject,
		       bootcfg_find_module(&order->image->late, vfio_pci, NULL)
			       ? "%s is in it, and vfio-pci is loaded no earlier"
		       : has_vfio ? "%s is in it, and nothing in it makes vfio-pci come"
				    " first"
				  : "%s is in it, and vfio-pci is not",
		       order->first.text);
	if (r == 0)
		r = check_why(order->run,
			      "with this image the host's driver has the device when the"
			      " kernel %s has started",
			      order->kernel->release);
	return r < 0 ? r : fix_order(order);
}

static int tell_builtin(struct check_order *order)
{
	int r = check_tell(order->run, CHECK_WARN, order->subject,
			   "%s is built into the kernel %s, and vfio-pci is a module",
			   order->builtin.text, order->kernel->release);

	if (r == 0)
		r = check_why(order->run, "it has the device before anything in an image"
					  " is run");
	return r < 0 ? r
		     : check_fix(order->run,
				 "take the device from it once the host is up:"
				 " pciferry bind");
}

/* What brings the host's modprobe.d into the image. */
static int fix_copy(struct check_order *order)
{
	const char *rebuild = check_order_rebuild(order);

	if (order->image->builder == BUILDER_MKINITCPIO && !takes_hosts_files(order))
		return check_fix(order->run,
				 "have modconf in HOOKS of /etc/mkinitcpio.conf, then %s",
				 rebuild);
	if (order->image->builder == BUILDER_DRACUT && !takes_hosts_files(order) &&
	    order->wanted->ids)
		return check_fix(order->run,
				 "write install_items+=\" /%s \" into"
				 " /etc/dracut.conf.d/vfio.conf, then %s",
				 order->wanted->ids_file, rebuild);
	return check_fix(order->run, "%s", rebuild);
}

static int tell_ids(struct check_order *order, const char *inside)
{
	const struct check_wanted *wanted = order->wanted;
	int r;

	if (wanted->ids)
		r = check_tell(order->run, CHECK_WARN, order->subject,
			       "in it vfio-pci is given %s%.80s; /%s says ids=%.80s",
			       inside ? "ids=" : "no IDs", inside ? inside : "",
			       wanted->ids_file, wanted->ids);
	else
		r = check_tell(order->run, CHECK_WARN, order->subject,
			       "in it vfio-pci is given ids=%.80s; modprobe.d of the host"
			       " has no such line",
			       inside);
	if (r == 0)
		r = check_why(order->run, "vfio-pci is loaded in the image, with what is"
					  " written there");
	if (r < 0)
		return r;
	return fix_copy(order);
}

static bool is_same(const char *one, const char *other)
{
	return !strcmp(one ? one : "", other ? other : "");
}

/* IDs of the command line come after those of modprobe.d, and replace them. */
static int look_at_ids(struct check_order *order)
{
	_cleanup_free_ char *inside = NULL;
	const char *file;
	int r;

	if (order->wanted->cmdline_ids ||
	    !bootcfg_image_loads(order->image, order->wanted->cmdline, vfio_pci))
		return 0;
	r = bootcfg_find_ids(&order->image->modprobe, vfio_pci, &inside, &file);
	if (r < 0 || is_same(inside, order->wanted->ids))
		return r;
	return tell_ids(order, inside);
}

static int tell_well(struct check_order *order)
{
	if (order->is_unknown)
		return check_tell(order->run, CHECK_UNKNOWN, order->subject,
				  "which drivers the kernel %s has for the devices could"
				  " not be read",
				  order->kernel->release);
	if (order->scripts.len)
		return check_tell(order->run, CHECK_UNKNOWN, order->subject,
				  "%s is in it, and a line install in its modprobe.d"
				  " decides what is loaded",
				  order->scripts.text);
	if (order->vfio_is_builtin)
		return check_tell(
			order->run, CHECK_PASS, order->subject,
			"vfio-pci is built into the kernel, before all modules");
	if (!order->rivals.count)
		return check_tell(order->run, CHECK_PASS, order->subject,
				  order->n_by_address
					  ? "devices are bound by address in it, before"
					    " any driver"
					  : "nothing is to be bound in it");
	if (!order->second.len)
		return check_tell(order->run, CHECK_PASS, order->subject,
				  "no driver for the devices is in it: they are bound"
				  " from the root file system");
	return check_tell(order->run, CHECK_PASS, order->subject,
			  "%s in it comes after vfio-pci, or is kept away",
			  order->second.text);
}

static int look_inside(struct check_order *order)
{
	size_t before = order->run->findings->count;
	int r = check_order_read(order);

	if (r == 0)
		r = check_order_tab(order);
	if (r < 0 || order->run->findings->count > before)
		return r;
	if (order->builtin.len)
		r = tell_builtin(order);
	else if (order->first.len)
		r = tell_first(order);
	else if (!order->vfio_is_builtin)
		r = look_at_ids(order);
	if (r == 0 && order->run->findings->count == before)
		r = tell_well(order);
	return r;
}

static struct bootcfg_kernel *find_kernel(const struct check_facts *facts,
					  const char *release)
{
	for (size_t i = 0; i < facts->kernels->count; i++)
		if (facts->kernels->items[i].release == release)
			return &facts->kernels->items[i];
	return NULL;
}

static int look_at_image(struct check_run *run, const struct bootcfg_image_file *file)
{
	_cleanup_(bootcfg_image_free) struct bootcfg_image image = { 0 };
	_cleanup_(check_wanted_free) struct check_wanted wanted = { 0 };
	_cleanup_(check_order_free) struct check_order order = {
		.run = run,
		.wanted = &wanted,
		.kernel = find_kernel(run->facts, file->release),
		.image = &image,
	};
	int r = check_read_image(run->facts->host, file->path, &image);

	snprintf(order.subject, sizeof(order.subject), "/%s", file->path);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return check_tell(run, CHECK_UNKNOWN, order.subject,
				  "it could not be read: %s", strerror(-r));
	if (image.problem)
		return check_tell(run, CHECK_UNKNOWN, order.subject,
				  "what is in it could not be read: %s", image.problem);
	r = check_wanted_read(run->facts, file->release, &wanted);
	return r < 0 ? r : look_inside(&order);
}

int check_boot_image(struct check_run *run)
{
	const struct bootcfg_images *images = &run->facts->images;
	int r = 0;

	if (!check_has_modprobe(run, &r))
		return r;
	if (!images->count)
		return check_tell_no_images(run);
	for (size_t i = 0; r == 0 && i < images->count; i++)
		r = look_at_image(run, &images->items[i]);
	return r;
}
