/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootcfg/images.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/distro.h"

/* Names in /boot: what stands around the kernel's release, or around its short name. */
static const struct {
	const char *before;
	enum bootcfg_builder of_release, of_name;
} patterns[] = {
	/* dracut of Debian writes it too. */
	{ "initrd.img-", BUILDER_INITRAMFS_TOOLS, BUILDER_UNKNOWN },
	{ "initramfs-", BUILDER_DRACUT, BUILDER_MKINITCPIO },
	{ "initrd-", BUILDER_DRACUT, BUILDER_UNKNOWN },
	{ "booster-", BUILDER_BOOSTER, BUILDER_BOOSTER },
};

static bool cut_end(char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	if (len <= n || strcmp(text + len - n, end) != 0)
		return false;
	text[len - n] = '\0';
	return true;
}

/* Arch and its kin name a kernel's files by its package: "linux-lts". */
static bool has_name(const struct host *host, const struct bootcfg_kernel *kernel,
		     const char *name)
{
	static const char *const files[] = { "pkgbase", "kernelbase" };
	char path[PATH_MAX], text[256];

	for (size_t i = 0; kernel->folder && i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", kernel->folder, files[i]);
		if (host_read(host, path, text, sizeof(text)) == FACT_KNOWN &&
		    !strcmp(text, name))
			return true;
	}
	return false;
}

/* The kernel that the name of an image is about; NULL: none that is installed. */
static const struct bootcfg_kernel *find_kernel(const struct host *host,
						const struct bootcfg_kernels *kernels,
						const char *file,
						enum bootcfg_builder *ret_builder)
{
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		size_t len = strlen(patterns[i].before);
		_cleanup_free_ char *name = NULL;

		if (strncmp(file, patterns[i].before, len) != 0)
			continue;
		name = strdup(file + len);
		if (!name)
			return NULL;
		cut_end(name, ".img");
		cut_end(name, "-fallback");
		for (size_t j = 0; j < kernels->count; j++) {
			const struct bootcfg_kernel *kernel = &kernels->items[j];

			*ret_builder = patterns[i].of_release;
			if (!strcmp(kernel->release, name))
				return kernel;
			*ret_builder = patterns[i].of_name;
			if (patterns[i].of_name && has_name(host, kernel, name))
				return kernel;
		}
	}
	return NULL;
}

static bool is_same(const struct host_status *one, const struct host_status *other)
{
	return one->device == other->device && one->inode == other->inode;
}

/* Unless it is there already, under this name or another. 0 or -ENOMEM. */
static int add_image(const struct host *host, const char *path,
		     const struct bootcfg_kernel *kernel, enum bootcfg_builder builder,
		     struct bootcfg_images *images)
{
	struct bootcfg_image_file *file;
	struct host_status status;
	enum fact fact = host_file_status(host, path, &status);

	if (fact == FACT_ABSENT)
		return 0;
	if (fact == FACT_UNREADABLE)
		return string_list_add(&images->unreadable, path);
	for (size_t i = 0; i < images->count; i++)
		if (is_same(&images->items[i].status, &status))
			return 0;
	file = reallocarray(images->items, images->count + 1, sizeof(*file));
	if (!file)
		return -ENOMEM;
	images->items = file;
	file += images->count;
	*file = (struct bootcfg_image_file){
		.path = strdup(path),
		.release = kernel->release,
		.builder = builder,
		.status = status,
	};
	if (!file->path)
		return -ENOMEM;
	images->count++;
	return 0;
}

/* Also the folders of systemd's kernel-install: "efi/MACHINE-ID/RELEASE/initrd". */
static int read_entry_folder(const struct host *host, const char *folder,
			     const struct bootcfg_kernels *kernels,
			     struct bootcfg_images *images)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < kernels->count; i++) {
		_cleanup_(string_list_free) struct string_list names = { 0 };
		char path[PATH_MAX], file[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", folder, kernels->items[i].release);
		r = host_list(host, path, &names);
		if (r < 0 && r != -ENOMEM)
			r = 0;
		for (size_t j = 0; r == 0 && j < names.count; j++) {
			if (strncmp(names.items[j], "initrd", strlen("initrd")) != 0 ||
			    snprintf(file, sizeof(file), "%s/%s", path, names.items[j]) >=
				    (int)sizeof(file))
				continue;
			r = add_image(host, file, &kernels->items[i], BUILDER_UNKNOWN,
				      images);
		}
	}
	return r;
}

/* A machine's ID, or the name of the distribution (kernel-install(8), "entry-token"). */
static bool is_entry_token(const char *name, const struct bootcfg_distro *distro)
{
	return (strlen(name) == 32 && strspn(name, "0123456789abcdef") == 32) ||
	       (*distro->id && !strcmp(name, distro->id));
}

static int read_folder(const struct host *host, const char *folder,
		       const struct bootcfg_kernels *kernels,
		       struct bootcfg_images *images)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	struct bootcfg_distro distro;
	int r = host_list(host, folder, &names);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return r == -ENOMEM ? r : string_list_add(&images->unreadable, folder);
	images->fact = FACT_KNOWN;
	bootcfg_distro_read(host, &distro);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		const struct bootcfg_kernel *kernel;
		enum bootcfg_builder builder;
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", folder, names.items[i]);
		kernel = find_kernel(host, kernels, names.items[i], &builder);
		if (kernel)
			r = add_image(host, path, kernel, builder, images);
		else if (is_entry_token(names.items[i], &distro))
			r = read_entry_folder(host, path, kernels, images);
	}
	return r;
}

bool bootcfg_is_microcode(const char *path)
{
	return strstr(path, "ucode") || strstr(path, "microcode");
}

/* Paths that a loader names begin at its own file system, of which the place is not
 * known. */
static int add_initrd(const struct host *host, const char *initrd,
		      const struct bootcfg_kernel *kernel, struct bootcfg_images *images)
{
	static const char *const roots[] = { "", "boot/", "efi/", "boot/efi/" };
	const char *rest = initrd + strspn(initrd, "/");
	int r = 0;

	if (!*rest || bootcfg_is_microcode(rest))
		return 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(roots); i++) {
		char path[PATH_MAX];

		if (snprintf(path, sizeof(path), "%s%s", roots[i], rest) >=
			    (int)sizeof(path) ||
		    !host_exists(host, path))
			continue;
		return add_image(host, path, kernel, BUILDER_UNKNOWN, images);
	}
	return r;
}

static int read_entries(const struct host *host, const struct bootcfg_kernels *kernels,
			const struct bootcfg_entries *entries,
			struct bootcfg_images *images)
{
	int r = 0;

	for (size_t i = 0; i < entries->count; i++)
		for (size_t j = 0; j < kernels->count; j++) {
			const struct string_list *initrds = &entries->items[i].initrds;

			if (strcmp(entries->items[i].release,
				   kernels->items[j].release) != 0)
				continue;
			for (size_t k = 0; r == 0 && k < initrds->count; k++)
				r = add_initrd(host, initrds->items[k],
					       &kernels->items[j], images);
		}
	return r;
}

int bootcfg_images_read(const struct host *host, const struct bootcfg_kernels *kernels,
			const struct bootcfg_entries *entries,
			struct bootcfg_images *ret_images)
{
	static const char *const folders[] = { "boot", "efi", "boot/efi" };
	_cleanup_(bootcfg_images_free) struct bootcfg_images images = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(folders); i++)
		r = read_folder(host, folders[i], kernels, &images);
	if (r == 0)
		r = read_entries(host, kernels, entries, &images);
	if (r < 0)
		return r;
	if (images.fact == FACT_ABSENT && images.unreadable.count)
		images.fact = FACT_UNREADABLE;
	*ret_images = images;
	memset(&images, 0, sizeof(images));
	return 0;
}

void bootcfg_images_free(struct bootcfg_images *images)
{
	if (!images)
		return;
	for (size_t i = 0; i < images->count; i++)
		free(images->items[i].path);
	free(images->items);
	string_list_free(&images->unreadable);
	memset(images, 0, sizeof(*images));
}
