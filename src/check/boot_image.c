/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which driver comes first in an initramfs image, by what is in it. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "check/images.h"
#include "pci/claims.h"

static const char vfio_pci[] = "vfio-pci";

/* One image at work. */
struct look {
	struct check_run *run;
	const struct check_wanted *wanted;
	struct bootcfg_kernel *kernel;
	const struct bootcfg_image *image;
	char subject[PATH_MAX]; /* "/boot/initrd.img-6.1.0-56-amd64" */

	struct string_list rivals; /* drivers that are for what vfio-pci is to have */
	bool claims_unknown;
	struct check_names builtin; /* rivals in the kernel */
	struct check_names first;   /* rivals that may be first */
	struct check_names second;  /* rivals that come after vfio-pci, or not at all */
	struct check_names scripts; /* rivals that a line "install" is about */
	bool is_known; /* modprobe.d of the host says what each of `first` lacks here */
};

static bool has(const struct string_list *names, const char *module, size_t *ret_at)
{
	for (size_t i = 0; i < names->count; i++)
		if (bootcfg_same_name(names->items[i], module)) {
			*ret_at = i;
			return true;
		}
	return false;
}

static const char *parameter(const struct look *look, const char *name)
{
	const struct bootcfg_parameter *found =
		bootcfg_find_parameter(look->wanted->cmdline, name);

	return found ? found->value : NULL;
}

/* The drivers that this kernel has for the devices, and those that a softdep names. */
static int find_rivals(struct look *look)
{
	const struct bootcfg_modprobe *modprobe = &look->run->facts->modprobe;
	_cleanup_(string_list_free) struct string_list modules = { 0 };
	int r = 0;

	for (size_t i = 0; i < look->wanted->n_devices; i++)
		if (!look->kernel->folder ||
		    pci_read_claims_of(look->run->facts->host, look->kernel->folder,
				       look->wanted->devices[i],
				       &modules) == FACT_UNREADABLE)
			look->claims_unknown = true;
	for (size_t i = 0; r == 0 && i < modprobe->count; i++)
		if (check_is_softdep(&modprobe->lines[i]))
			r = string_list_add(&modules, modprobe->lines[i].module);
	for (size_t i = 0; r == 0 && i < modules.count; i++) {
		const char *module = modules.items[i];
		size_t at;

		if (!iommu_is_vfio_driver(module) &&
		    !bootcfg_same_name(module, "pci-stub") &&
		    !has(&look->rivals, module, &at))
			r = string_list_add(&look->rivals, module);
	}
	return r;
}

/* Each of them reads the command line for modules to leave alone. */
static bool is_kept_away_by_cmdline(const struct look *look, const char *module)
{
	static const struct {
		const char *parameter;
		enum bootcfg_builder builder; /* UNKNOWN: any */
	} rows[] = {
		{ "module_blacklist", BUILDER_UNKNOWN },   /* the kernel itself */
		{ "modprobe.blacklist", BUILDER_UNKNOWN }, /* libkmod */
		{ "rd.driver.blacklist", BUILDER_DRACUT },
		{ "rdblacklist", BUILDER_DRACUT },
		{ "blacklist", BUILDER_INITRAMFS_TOOLS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if ((!rows[i].builder || rows[i].builder == look->image->builder) &&
		    check_names_module(parameter(look, rows[i].parameter), module))
			return true;
	return false;
}

/* "install MODULE /bin/false": nothing is loaded. Any other command is somebody's own. */
static bool is_false(const char *command)
{
	return strstr(command, "/false") || strstr(command, "/true");
}

/* booster has no modprobe, and heeds its options alone. */
static bool is_kept_away(const struct look *look, const char *module)
{
	const struct bootcfg_modprobe *modprobe = &look->image->modprobe;
	const struct bootcfg_modprobe_line *line =
		bootcfg_modprobe_find(modprobe, MODPROBE_INSTALL, module);

	if (is_kept_away_by_cmdline(look, module))
		return true;
	if (look->image->builder == BUILDER_BOOSTER)
		return false;
	return (line && is_false(line->rest)) ||
	       bootcfg_modprobe_find(modprobe, MODPROBE_BLACKLIST, module);
}

static bool is_in_image(const struct look *look, const char *module)
{
	return bootcfg_modules_find(&look->image->modules, module) != NULL;
}

/* Whether it is loaded by name there before drivers are looked for. */
static bool loads_vfio_early(const struct look *look)
{
	size_t at;

	if (has(&look->image->early, vfio_pci, &at))
		return true;
	switch (look->image->builder) {
	case BUILDER_DRACUT:
		return check_names_module(parameter(look, "rd.driver.pre"), vfio_pci);
	case BUILDER_MKINITCPIO:
		return check_names_module(parameter(look, "earlymodules"), vfio_pci);
	default:
		return false;
	}
}

static bool comes_second(const struct look *look, const char *module)
{
	size_t vfio_at, at;

	if (!is_in_image(look, vfio_pci))
		return false;
	if (look->image->builder != BUILDER_BOOSTER &&
	    check_comes_after_vfio(&look->image->modprobe, module))
		return true;
	if (!loads_vfio_early(look))
		return false;
	return !has(&look->image->early, module, &at) ||
	       (has(&look->image->early, vfio_pci, &vfio_at) && vfio_at < at);
}

/* Whether the image would do, were its modprobe.d the host's. */
static bool is_told_outside(const struct look *look, const char *module)
{
	const struct bootcfg_modprobe *modprobe = &look->run->facts->modprobe;

	return check_comes_after_vfio(modprobe, module) ||
	       bootcfg_modprobe_find(modprobe, MODPROBE_BLACKLIST, module);
}

static void sort_out(struct look *look)
{
	look->is_known = true;
	for (size_t i = 0; i < look->rivals.count; i++) {
		const char *module = look->rivals.items[i];

		if (bootcfg_module(look->kernel, module) == BOOTCFG_BUILTIN) {
			check_add_name(&look->builtin, "", module);
		} else if (!is_in_image(look, module)) {
			continue;
		} else if (is_kept_away(look, module) || comes_second(look, module)) {
			check_add_name(&look->second, "", module);
		} else if (bootcfg_modprobe_find(&look->image->modprobe, MODPROBE_INSTALL,
						 module)) {
			check_add_name(&look->scripts, "", module);
		} else {
			check_add_name(&look->first, "", module);
			look->is_known &= is_told_outside(look, module);
		}
	}
}

/* What makes vfio-pci come first, in the language of the image's builder. */
static int fix_order(struct look *look)
{
	const char *rebuild = check_rebuild(look->run->facts);

	if (look->is_known && look->image->modprobe.files.count &&
	    look->image->builder != BUILDER_BOOSTER)
		return check_fix(look->run,
				 "%s: modprobe.d of the host says so already, its copy in"
				 " the image does not",
				 rebuild);
	switch (look->image->builder) {
	case BUILDER_DRACUT:
		return check_fix(look->run,
				 "write force_drivers+=\" vfio-pci \" into"
				 " /etc/dracut.conf.d/vfio.conf, then %s",
				 rebuild);
	case BUILDER_MKINITCPIO:
		return check_fix(look->run,
				 "begin MODULES= in /etc/mkinitcpio.conf with vfio_pci,"
				 " have modconf in its HOOKS, then %s",
				 rebuild);
	case BUILDER_BOOSTER:
		return check_fix(look->run, "write modules_force_load: vfio_pci into"
					    " /etc/booster.yaml, then"
					    " /usr/lib/booster/regenerate_images");
	default:
		return check_fix(look->run,
				 "write \"softdep NAME pre: vfio-pci\" for each of them"
				 " (%s) into /etc/modprobe.d/vfio.conf, then %s",
				 look->first.text, rebuild);
	}
}

static int tell_first(struct look *look)
{
	bool has_vfio = is_in_image(look, vfio_pci);
	size_t at;
	int r;

	if (look->image->scripts.count)
		return check_tell(look->run, CHECK_UNKNOWN, look->subject,
				  "it has %s before vfio-pci, unless its script /%s sees"
				  " to that, which is not known",
				  look->first.text, look->image->scripts.items[0]);
	r = check_tell(look->run, CHECK_WARN, look->subject,
		       has(&look->image->late, vfio_pci, &at)
			       ? "%s is in it, and vfio-pci is loaded no earlier"
		       : has_vfio ? "%s is in it, and nothing in it makes vfio-pci come"
				    " first"
				  : "%s is in it, and vfio-pci is not",
		       look->first.text);
	if (r == 0)
		r = check_why(look->run,
			      "with this image the host's driver has the device when the"
			      " kernel %s has started",
			      look->kernel->release);
	return r < 0 ? r : fix_order(look);
}

static int tell_builtin(struct look *look)
{
	int r = check_tell(look->run, CHECK_WARN, look->subject,
			   "%s is built into the kernel %s, and vfio-pci is a module",
			   look->builtin.text, look->kernel->release);

	if (r == 0)
		r = check_why(look->run, "it has the device before anything in an image"
					 " is run");
	return r < 0 ? r
		     : check_fix(look->run, "take the device from it once the host is up:"
					    " pciferry bind");
}

/* Whether vfio-pci is loaded there, so that options that it has not there are lost. */
static bool is_loaded(const struct look *look)
{
	size_t at;

	if (!is_in_image(look, vfio_pci))
		return false;
	if (loads_vfio_early(look) || has(&look->image->late, vfio_pci, &at))
		return true;
	for (size_t i = 0; i < look->image->modprobe.count; i++) {
		const struct bootcfg_modprobe_line *line =
			&look->image->modprobe.lines[i];

		if (check_is_softdep(line) && is_in_image(look, line->module))
			return true;
	}
	return false;
}

static int tell_ids(struct look *look, const char *inside)
{
	const struct check_wanted *wanted = look->wanted;
	int r;

	if (wanted->ids)
		r = check_tell(look->run, CHECK_WARN, look->subject,
			       "in it vfio-pci is given %s%.80s; /%s says ids=%.80s",
			       inside ? "ids=" : "no IDs", inside ? inside : "",
			       wanted->ids_file, wanted->ids);
	else
		r = check_tell(look->run, CHECK_WARN, look->subject,
			       "in it vfio-pci is given ids=%.80s; modprobe.d of the host"
			       " has no such line",
			       inside);
	if (r == 0)
		r = check_why(look->run, "vfio-pci is loaded in the image, with what is"
					 " written there");
	if (r < 0)
		return r;
	if (look->image->builder == BUILDER_MKINITCPIO &&
	    !look->image->modprobe.files.count)
		return check_fix(look->run,
				 "have modconf in HOOKS of /etc/mkinitcpio.conf, then %s",
				 check_rebuild(look->run->facts));
	if (look->image->builder == BUILDER_BOOSTER)
		return check_fix(look->run, "/usr/lib/booster/regenerate_images");
	return check_fix(look->run, "%s", check_rebuild(look->run->facts));
}

static bool is_same(const char *one, const char *other)
{
	return !strcmp(one ? one : "", other ? other : "");
}

/* IDs of the command line come after those of modprobe.d, and replace them. */
static int look_at_ids(struct look *look)
{
	_cleanup_free_ char *inside = NULL;
	const char *file;
	int r;

	if (look->wanted->cmdline_ids || !is_loaded(look))
		return 0;
	r = check_find_ids(&look->image->modprobe, &inside, &file);
	if (r < 0 || is_same(inside, look->wanted->ids))
		return r;
	return tell_ids(look, inside);
}

static int look_at_tab(struct look *look)
{
	static const char path[] = "etc/pciferry.tab";
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	if (!look->image->tab)
		return 0;
	r = host_read_file(look->run->facts->host, path, &text, &len);
	if (r == -ENOMEM)
		return r;
	if (r < 0 && r != -ENOENT)
		return check_tell(look->run, CHECK_UNKNOWN, look->subject,
				  "/%s could not be read", path);
	if (text && is_same(text_trim_end(text), text_trim_end(look->image->tab)))
		return 0;
	r = check_tell(look->run, CHECK_WARN, look->subject,
		       "its copy of /%s is another one than the host's", path);
	if (r == 0)
		r = check_why(look->run, "devices are bound by the copy");
	return r < 0 ? r : check_fix(look->run, "%s", check_rebuild(look->run->facts));
}

static int tell_well(struct look *look)
{
	if (look->claims_unknown)
		return check_tell(look->run, CHECK_UNKNOWN, look->subject,
				  "which drivers the kernel %s has for the devices could"
				  " not be read",
				  look->kernel->release);
	if (look->scripts.len)
		return check_tell(look->run, CHECK_UNKNOWN, look->subject,
				  "%s is in it, and a line install in its modprobe.d"
				  " decides what is loaded",
				  look->scripts.text);
	if (bootcfg_module(look->kernel, vfio_pci) == BOOTCFG_BUILTIN)
		return check_tell(
			look->run, CHECK_PASS, look->subject,
			"vfio-pci is built into the kernel, before all modules");
	if (!look->rivals.count)
		return check_tell(look->run, CHECK_PASS, look->subject,
				  "nothing is to be bound in it");
	if (!look->second.len)
		return check_tell(look->run, CHECK_PASS, look->subject,
				  "no driver for the devices is in it: they are bound"
				  " from the root file system");
	return check_tell(look->run, CHECK_PASS, look->subject,
			  "%s in it comes after vfio-pci, or is kept away",
			  look->second.text);
}

static int look_inside(struct look *look)
{
	size_t before = look->run->findings->count;
	bool is_builtin = bootcfg_module(look->kernel, vfio_pci) == BOOTCFG_BUILTIN;
	int r = find_rivals(look);

	if (r < 0)
		return r;
	if (!is_builtin) {
		sort_out(look);
		if (look->builtin.len)
			r = tell_builtin(look);
		else if (look->first.len)
			r = tell_first(look);
		else
			r = look_at_ids(look);
	}
	if (r == 0 && look->run->findings->count == before)
		r = look_at_tab(look);
	if (r == 0 && look->run->findings->count == before)
		r = tell_well(look);
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
	struct look look = {
		.run = run,
		.wanted = &wanted,
		.kernel = find_kernel(run->facts, file->release),
		.image = &image,
	};
	int r = check_read_image(run->facts->host, file->path, &image);

	snprintf(look.subject, sizeof(look.subject), "/%s", file->path);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return check_tell(run, CHECK_UNKNOWN, look.subject,
				  "it could not be read: %s", strerror(-r));
	if (image.problem)
		return check_tell(run, CHECK_UNKNOWN, look.subject,
				  "what is in it could not be read: %s", image.problem);
	r = check_wanted_read(run->facts, file->release, &wanted);
	if (r == 0)
		r = look_inside(&look);
	string_list_free(&look.rivals);
	return r;
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
