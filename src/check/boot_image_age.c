/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether images are older than the configuration that goes into them: by time alone. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/images.h"

#define OF(builder) (1u << (builder))
#define OF_ALL	    (~0u)

/*
 * What each builder reads of /etc: files, and folders whose files end so ("": all). Not
 * /etc/modules, which is for the root file system alone, and not /etc/pciferry.tab, whose
 * copy in the image is compared (check_order_tab()).
 */
static const struct {
	unsigned int builders;
	const char *path, *ending; /* ending NULL: a file */
} inputs[] = {
	{ OF_ALL, "etc/modprobe.d", ".conf" },
	{ OF(BUILDER_INITRAMFS_TOOLS), "etc/initramfs-tools/initramfs.conf", NULL },
	{ OF(BUILDER_INITRAMFS_TOOLS), "etc/initramfs-tools/modules", NULL },
	{ OF(BUILDER_INITRAMFS_TOOLS), "etc/initramfs-tools/conf.d", "" },
	{ OF(BUILDER_INITRAMFS_TOOLS), "etc/initramfs-tools/hooks", "" },
	{ OF(BUILDER_INITRAMFS_TOOLS), "etc/initramfs-tools/scripts/init-top", "" },
	{ OF(BUILDER_DRACUT), "etc/dracut.conf", NULL },
	{ OF(BUILDER_DRACUT), "etc/dracut.conf.d", ".conf" },
	{ OF(BUILDER_DRACUT), "etc/modules-load.d", ".conf" },
	{ OF(BUILDER_MKINITCPIO), "etc/mkinitcpio.conf", NULL },
	{ OF(BUILDER_MKINITCPIO), "etc/mkinitcpio.conf.d", ".conf" },
	{ OF(BUILDER_MKINITCPIO), "etc/mkinitcpio.d", ".preset" },
	{ OF(BUILDER_MKINITCPIO), "etc/initcpio/hooks", "" },
	{ OF(BUILDER_MKINITCPIO), "etc/initcpio/install", "" },
	{ OF(BUILDER_BOOSTER), "etc/booster.yaml", NULL },
};

/* What changed since an image was made. */
struct newer {
	const struct bootcfg_image_file *image;
	bool is_used;		/* the host is to give devices to vfio-pci at boot */
	char matters[PATH_MAX]; /* a file with lines about that; "": none */
	char other[PATH_MAX];	/* a file without, or a folder */
	bool is_folder;
	size_t more; /* with such lines, beyond the one named */
	char unreadable[PATH_MAX];
};

static bool has_word(const char *line, size_t len, const char *word)
{
	return memmem(line, len, word, strlen(word)) != NULL;
}

/* Whether a line could decide which driver gets a device. */
static bool line_matters(const char *line, size_t len, bool is_used)
{
	static const char *const words[] = { "vfio", "pci-stub", "pci_stub" };
	static const char *const orders[] = { "blacklist ", "softdep ", "install " };
	static const char *const settings[] = { "MODULES", "HOOKS", "drivers" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (has_word(line, len, words[i]))
			return true;
	for (size_t i = 0; is_used && i < ARRAY_SIZE(orders); i++)
		if (!strncmp(line, orders[i], strlen(orders[i])))
			return true;
	for (size_t i = 0; is_used && i < ARRAY_SIZE(settings); i++)
		if (has_word(line, len, settings[i]))
			return true;
	return false;
}

static bool text_matters(const char *text, bool is_used)
{
	while (*text) {
		const char *line = text + strspn(text, " \t");
		size_t len = strcspn(line, "\n");

		if (*line != '#' && line_matters(line, len, is_used))
			return true;
		text = line + len + (line[len] == '\n');
	}
	return false;
}

static void look_at_file(const struct check_facts *facts, const char *path,
			 struct newer *newer)
{
	_cleanup_free_ char *text = NULL;
	struct host_status status;
	enum fact fact = host_file_status(facts->host, path, &status);
	size_t len;

	if (fact == FACT_UNREADABLE)
		snprintf(newer->unreadable, sizeof(newer->unreadable), "%s", path);
	if (fact != FACT_KNOWN || status.mtime <= newer->image->status.mtime)
		return;
	if (host_read_file(facts->host, path, &text, &len) == 0 &&
	    !text_matters(text, newer->is_used)) {
		snprintf(newer->other, sizeof(newer->other), "%s", path);
		newer->is_folder = false;
	} else if (newer->matters[0]) {
		newer->more++;
	} else {
		snprintf(newer->matters, sizeof(newer->matters), "%s", path);
	}
}

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), n = strlen(end);

	return len >= n && !strcmp(name + len - n, end);
}

/* That a file went, or came with the time it had elsewhere, only its folder tells. */
static int look_at_folder(const struct check_facts *facts, const char *folder,
			  const char *ending, struct newer *newer)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	struct host_status status;
	char path[PATH_MAX];
	int r = host_list(facts->host, folder, &names);

	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		if (r != -ENOENT && r != -ENOTDIR)
			snprintf(newer->unreadable, sizeof(newer->unreadable), "%s",
				 folder);
		return 0;
	}
	for (size_t i = 0; i < names.count; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names.items[i]);
		if (names.items[i][0] != '.' && ends_with(names.items[i], ending))
			look_at_file(facts, path, newer);
	}
	if (!newer->other[0] &&
	    host_file_status(facts->host, folder, &status) == FACT_KNOWN &&
	    status.mtime > newer->image->status.mtime) {
		snprintf(newer->other, sizeof(newer->other), "%s", folder);
		newer->is_folder = true;
	}
	return 0;
}

/* Debian's dracut gives its images the names that initramfs-tools gives. */
static enum bootcfg_builder builder_of(const struct check_facts *facts,
				       const struct bootcfg_image_file *image)
{
	if (image->builder == BUILDER_INITRAMFS_TOOLS &&
	    host_exists(facts->host, "usr/bin/dracut") &&
	    !host_exists(facts->host, "usr/sbin/mkinitramfs"))
		return BUILDER_DRACUT;
	return image->builder;
}

static int look_at_inputs(const struct check_facts *facts, struct newer *newer)
{
	enum bootcfg_builder builder = builder_of(facts, newer->image);
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(inputs); i++) {
		if (builder && !(inputs[i].builders & OF(builder)))
			continue;
		if (inputs[i].ending)
			r = look_at_folder(facts, inputs[i].path, inputs[i].ending,
					   newer);
		else
			look_at_file(facts, inputs[i].path, newer);
	}
	return r;
}

static int tell_older(struct check_run *run, const struct newer *newer)
{
	char more[32] = "", image[PATH_MAX + 1];
	int r;

	if (newer->more)
		snprintf(more, sizeof(more), ", and %zu other%s", newer->more,
			 newer->more > 1 ? "s" : "");
	snprintf(image, sizeof(image), "/%s", newer->image->path);
	r = check_tell(run, CHECK_WARN, image, "it is older than /%s%s", newer->matters,
		       more);
	if (r == 0)
		r = check_why(run,
			      "the kernel %s begins with a copy of that file from before:"
			      " what was changed in it has no effect until the image is"
			      " made anew",
			      newer->image->release);
	return r < 0 ? r
		     : check_fix(
			       run, "%s (check --boot tells what is in the image)",
			       check_rebuild_image(run->facts,
						   builder_of(run->facts, newer->image)));
}

/* One finding for all of them: it is worth knowing where something else is amiss. */
static int tell_others(struct check_run *run, const struct newer *newer, size_t count)
{
	char more[32] = "";

	if (count > 1)
		snprintf(more, sizeof(more), " and %zu other%s", count - 1,
			 count > 2 ? "s" : "");
	return check_tell(run, CHECK_INFO, NULL,
			  newer->is_folder
				  ? "/%s%s: made before a file came to /%s, or went"
				  : "/%s%s: older than /%s, in which nothing is about"
				    " giving devices away",
			  newer->image->path, more, newer->other);
}

static bool has_image(const struct check_facts *facts, const char *release)
{
	for (size_t i = 0; i < facts->images.count; i++)
		if (facts->images.items[i].release == release)
			return true;
	return false;
}

static bool has_initrd(const struct bootcfg_entry *entry)
{
	for (size_t i = 0; i < entry->initrds.count; i++)
		if (!bootcfg_is_microcode(entry->initrds.items[i]))
			return true;
	return false;
}

/* Whether the loader starts it without any, or starts all that it has so. */
static bool needs_none(const struct check_facts *facts, const char *release)
{
	const struct bootcfg_entries *entries = &facts->boot.entries;
	size_t own = 0, with = 0, own_with = 0;

	for (size_t i = 0; i < entries->count; i++) {
		bool is_own = !strcmp(entries->items[i].release, release);
		bool has_one = has_initrd(&entries->items[i]);

		own += is_own;
		with += has_one;
		own_with += is_own && has_one;
	}
	return own ? !own_with : entries->count && !with;
}

static int tell_without(struct check_run *run)
{
	const struct bootcfg_kernels *kernels = run->facts->kernels;
	struct check_names names = { 0 };

	for (size_t i = 0; i < kernels->count; i++) {
		const char *release = kernels->items[i].release;

		/* One without a folder is not installed, though it may be running. */
		if (kernels->items[i].folder && !has_image(run->facts, release) &&
		    !needs_none(run->facts, release))
			check_add_name(&names, "", release);
	}
	if (!names.len)
		return 0;
	return check_tell(run, CHECK_INFO, NULL,
			  "no initramfs image was found for these kernels: %s",
			  names.text);
}

int check_tell_no_images(struct check_run *run)
{
	const struct bootcfg_images *images = &run->facts->images;

	if (images->unreadable.count)
		return check_tell(run, CHECK_UNKNOWN, NULL, "/%s could not be read",
				  images->unreadable.items[0]);
	return check_tell(run, CHECK_UNKNOWN, NULL,
			  images->fact == FACT_KNOWN
				  ? "no initramfs image of an installed kernel in /boot"
				    " or /efi; one that is part of a kernel's file is"
				    " not seen"
				  : "neither /boot nor /efi could be read");
}

static int is_used_by(const struct check_facts *facts, const char *release,
		      bool *ret_is_used)
{
	_cleanup_(check_wanted_free) struct check_wanted wanted = { 0 };
	int r = check_wanted_read(facts, release, &wanted);

	*ret_is_used = wanted.anything;
	return r;
}

static int look_at_images(struct check_run *run)
{
	const struct bootcfg_images *images = &run->facts->images;
	struct newer other = { 0 }, newer;
	size_t before = run->findings->count, others = 0;
	char unreadable[PATH_MAX] = "";
	int r = 0;

	for (size_t i = 0; r == 0 && i < images->count; i++) {
		newer = (struct newer){ .image = &images->items[i] };
		r = is_used_by(run->facts, newer.image->release, &newer.is_used);
		if (r == 0)
			r = look_at_inputs(run->facts, &newer);
		if (r == 0 && newer.matters[0])
			r = tell_older(run, &newer);
		else if (r == 0 && newer.other[0] && !others++)
			other = newer;
		if (newer.unreadable[0])
			memcpy(unreadable, newer.unreadable, sizeof(unreadable));
	}
	if (r == 0 && others)
		r = tell_others(run, &other, others);
	if (r == 0)
		r = tell_without(run);
	if (r == 0 && unreadable[0])
		return check_tell(run, CHECK_UNKNOWN, NULL, "/%s could not be read",
				  unreadable);
	if (r < 0 || run->findings->count > before)
		return r;
	return check_tell(run, CHECK_PASS, NULL,
			  "no initramfs image is older than what goes into it");
}

int check_boot_image_age(struct check_run *run)
{
	return run->facts->images.count ? look_at_images(run) : check_tell_no_images(run);
}
