/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is kept of the members of an image. */
#include "bootcfg/image_digest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "bootcfg/tab.h"

/* Far more than any image has. */
enum {
	MEMBERS_MAX = 200000,
	MODULES_MAX = 20000,
	FILES_MAX = 4096,
	BYTES_MAX = 8 << 20, /* of all files that are kept */
	SCRIPTS_MAX = 64,
	NAME_MAX_KEPT = 512,
};

static bool starts_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

/* "./usr/lib/x" and "/lib/x" are both "lib/x": either may be a link to the other. */
static const char *plain(const char *name)
{
	while (*name == '/' || starts_with(name, "./"))
		name += 1 + (*name == '.');
	if (starts_with(name, "usr/lib/"))
		name += strlen("usr/");
	return name;
}

static bool is_in(const char *name, const char *const *folders, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (starts_with(name, folders[i]) &&
		    !strchr(name + strlen(folders[i]), '/'))
			return true;
	return false;
}

static bool is_wanted(const char *name)
{
	static const char *const single[] = {
		"conf/modules",		 "config",    "etc/cmdline",
		"etc/booster.init.yaml", BOOTCFG_TAB,
	};
	static const char *const folders[] = {
		"etc/modprobe.d/",     "run/modprobe.d/",     "usr/local/lib/modprobe.d/",
		"lib/modprobe.d/",     "etc/modules-load.d/", "run/modules-load.d/",
		"lib/modules-load.d/", "etc/cmdline.d/",
	};

	for (size_t i = 0; i < ARRAY_SIZE(single); i++)
		if (!strcmp(name, single[i]))
			return true;
	return (text_ends_with(name, ".conf") || text_ends_with(name, ".alias")) &&
	       is_in(name, folders, ARRAY_SIZE(folders));
}

/* Where the links in modprobe.d lead on some distributions (/etc/alternatives). */
static bool may_be_linked_to(const char *name)
{
	return starts_with(name, "etc/") && text_ends_with(name, ".conf");
}

static struct image_file *find_linked(const struct image_digest *digest,
				      const struct bootcfg_cpio_member *member)
{
	for (size_t i = digest->n_files; i-- > 0;) {
		struct image_file *file = &digest->files[i];

		if (file->is_linked && file->inode == member->inode &&
		    file->major == member->major && file->minor == member->minor)
			return file;
	}
	return NULL;
}

static bool is_odd(const char *name)
{
	if (strlen(name) > NAME_MAX_KEPT)
		return true;
	for (; *name; name++)
		if ((unsigned char)*name < ' ')
			return true;
	return false;
}

bool image_digest_wants(const struct bootcfg_cpio_member *member, void *argument)
{
	const struct image_digest *digest = argument;
	const char *name = plain(member->name);

	if (!S_ISREG(member->mode) && !S_ISLNK(member->mode))
		return false;
	if (!is_odd(name) && (is_wanted(name) || may_be_linked_to(name)))
		return true;
	return member->links > 1 && find_linked(digest, member);
}

static int refuse(struct image_digest *digest, const char *problem)
{
	digest->problem = problem;
	return -EINVAL;
}

/* One of that name is taken for it, as a later member replaces an earlier one. */
static int add_file(struct image_digest *digest, const char *path,
		    struct image_file **ret_file)
{
	struct image_file *file;

	for (size_t i = 0; i < digest->n_files; i++) {
		file = &digest->files[i];
		if (strcmp(file->path, path) != 0)
			continue;
		free(steal(file->bytes));
		free(steal(file->link));
		file->is_linked = false;
		*ret_file = file;
		return 0;
	}
	if (digest->n_files == FILES_MAX)
		return refuse(digest, "it holds too many files of configuration");
	if (digest->n_files == digest->room) {
		size_t room = digest->room ? 2 * digest->room : 64;

		file = reallocarray(digest->files, room, sizeof(*file));
		if (!file)
			return -ENOMEM;
		digest->files = file;
		digest->room = room;
	}
	file = &digest->files[digest->n_files];
	*file = (struct image_file){ .path = strdup(path) };
	if (!file->path)
		return -ENOMEM;
	digest->n_files++;
	*ret_file = file;
	return 0;
}

/* The bytes belong to all names of a file, and stand at one of them. */
static int fill_links(struct image_digest *digest,
		      const struct bootcfg_cpio_member *member, const char *bytes)
{
	for (size_t i = 0; i < digest->n_files; i++) {
		struct image_file *file = &digest->files[i];

		if (!file->is_linked || file->inode != member->inode ||
		    file->major != member->major || file->minor != member->minor)
			continue;
		free(file->bytes);
		file->bytes = strdup(bytes);
		if (!file->bytes)
			return -ENOMEM;
	}
	return 0;
}

static int take_file(struct image_digest *digest,
		     const struct bootcfg_cpio_member *member, const char *name,
		     const char *bytes)
{
	const struct image_file *other =
		member->links > 1 ? find_linked(digest, member) : NULL;
	struct image_file *file;
	char *copy = strdup(!member->size && other ? other->bytes : bytes);
	int r;

	digest->kept += member->size;
	if (!copy)
		return -ENOMEM;
	r = digest->kept > BYTES_MAX ? refuse(digest, "it holds too much configuration")
				     : add_file(digest, name, &file);
	if (r < 0) {
		free(copy);
		return r;
	}
	if (S_ISLNK(member->mode))
		file->link = copy;
	else
		file->bytes = copy;
	file->is_wanted = is_wanted(name);
	file->is_linked = S_ISREG(member->mode) && member->links > 1;
	file->inode = member->inode;
	file->major = member->major;
	file->minor = member->minor;
	return 0;
}

/* Files that only one builder puts there. */
static enum bootcfg_builder builder_of(const char *name)
{
	if (!strcmp(name, "etc/booster.init.yaml"))
		return BUILDER_BOOSTER;
	if (!strcmp(name, "conf/initramfs.conf") || !strcmp(name, "scripts/functions"))
		return BUILDER_INITRAMFS_TOOLS;
	if (!strcmp(name, "buildconfig") || !strcmp(name, "init_functions"))
		return BUILDER_MKINITCPIO;
	if (starts_with(name, "lib/dracut/") || starts_with(name, "lib/dracut-"))
		return BUILDER_DRACUT;
	return BUILDER_UNKNOWN;
}

/* "6.1.0-56-amd64/vfio-pci.ko" of its path; booster's have no folder of a kernel. */
static int take_module(struct image_digest *digest, const char *name)
{
	static const char *const endings[] = { ".ko", ".ko.gz", ".ko.xz", ".ko.zst" };
	const char *release = name + strlen("lib/modules/");
	const char *slash = strrchr(release, '/');

	if (digest->modules.count == MODULES_MAX)
		return refuse(digest, "it holds too many modules");
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
		if (text_ends_with(name, endings[i])) {
			const char *module = slash ? slash + 1 : release;

			return string_list_addf(
				&digest->modules, "%.*s/%.*s.ko",
				slash ? (int)strcspn(release, "/") : 0, release,
				(int)(strlen(module) - strlen(endings[i])), module);
		}
	return 0;
}

/* What runs before drivers are looked for, and is about VFIO as its name says. */
static int take_script(struct image_digest *digest, const char *name)
{
	static const char *const folders[] = {
		"scripts/init-top/",
		"hooks/",
		"lib/dracut/hooks/cmdline/",
		"lib/dracut/hooks/pre-udev/",
		"lib/dracut/hooks/pre-trigger/",
		"var/lib/dracut/hooks/cmdline/",
		"var/lib/dracut/hooks/pre-udev/",
		"var/lib/dracut/hooks/pre-trigger/",
	};
	const char *file = strrchr(name, '/');

	if (!strcmp(name, "lib/pciferry/pciferry-early"))
		return string_list_add(&digest->scripts, name);
	if (!file || !is_in(name, folders, ARRAY_SIZE(folders)) ||
	    (!strcasestr(file, "vfio") && !strcasestr(file, "passthrough") &&
	     !strcasestr(file, "pciferry")))
		return 0;
	if (digest->scripts.count == SCRIPTS_MAX)
		return refuse(digest, "it holds too many scripts");
	return string_list_add(&digest->scripts, name);
}

int image_digest_take(const struct bootcfg_cpio_member *member, const char *bytes,
		      void *argument)
{
	struct image_digest *digest = argument;
	const char *name = plain(member->name);
	int r = 0;

	if (++digest->members > MEMBERS_MAX)
		return refuse(digest, "it holds too many files");
	if (bytes && S_ISREG(member->mode) && member->size && member->links > 1)
		r = fill_links(digest, member, bytes);
	if (r < 0 || is_odd(name) || S_ISDIR(member->mode))
		return r;
	if (!digest->builder)
		digest->builder = builder_of(name);
	if (starts_with(name, "lib/modules/"))
		return take_module(digest, name);
	if (is_wanted(name) && !bytes)
		return refuse(digest, "a file of configuration in it is too large");
	if (bytes && (is_wanted(name) || may_be_linked_to(name)))
		return take_file(digest, member, name, bytes);
	return take_script(digest, name);
}

void image_digest_end(void *argument)
{
	struct image_digest *digest = argument;

	for (size_t i = 0; i < digest->n_files; i++)
		digest->files[i].is_linked = false;
}

void image_digest_free(struct image_digest *digest)
{
	for (size_t i = 0; i < digest->n_files; i++) {
		free(digest->files[i].path);
		free(digest->files[i].bytes);
		free(digest->files[i].link);
	}
	free(digest->files);
	string_list_free(&digest->modules);
	string_list_free(&digest->scripts);
	memset(digest, 0, sizeof(*digest));
}
