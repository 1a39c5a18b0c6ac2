/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disks that the kernel serves to other machines: by NVMe over fabrics, whose target does
 * not even claim them (drivers/nvme/target/io-cmd-bdev.c), and by iSCSI and the like.
 * Neither is a holder in /sys; their configuration in configfs names them.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "usage/block.h"

#define NVMET  "sys/kernel/config/nvmet/subsystems"
#define TARGET "sys/kernel/config/target/core"

/* A folder with the attributes `enable` and one that names the disk. */
static int read_export(const struct host *host, const char *folder, const char *attribute,
		       const char *name, struct block_exports *exports)
{
	char path[PATH_MAX], disk[HOST_ATTRIBUTE_MAX];
	enum fact fact;
	long long enabled = 1;
	int r;

	snprintf(path, sizeof(path), "%s/%s", folder, attribute);
	fact = host_read(host, path, disk, sizeof(disk));
	if (fact == FACT_UNREADABLE)
		return string_list_add(&exports->unread, name);
	if (fact != FACT_KNOWN || disk[0] != '/')
		return 0;
	snprintf(path, sizeof(path), "%s/enable", folder);
	if (host_read_number(host, path, &enabled) == FACT_KNOWN && !enabled)
		return 0;
	r = string_list_add(&exports->pairs, disk);
	return r == 0 ? string_list_add(&exports->pairs, name) : r;
}

/* Of two levels of folders: <above>/<outer>/<between><inner>. One that is not there has
 * no disks; one that cannot be read may have any. */
static int read_exports(const struct host *host, const char *above, const char *between,
			const char *attribute, struct block_exports *exports)
{
	_cleanup_(string_list_free) struct string_list outer = { 0 };
	int r = host_list(host, above, &outer);

	if (r < 0 && r != -ENOENT && r != -ENOMEM)
		return string_list_addf(&exports->unread, "/%s", above);
	r = r == -ENOENT ? 0 : r;
	for (size_t i = 0; r == 0 && i < outer.count; i++) {
		_cleanup_(string_list_free) struct string_list inner = { 0 };
		char folder[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];

		snprintf(folder, sizeof(folder), "%s/%s%s", above, outer.items[i],
			 between);
		r = host_list(host, folder, &inner);
		if (r == -ENOENT || r == -ENOTDIR)
			r = 0; /* an attribute, not a folder */
		else if (r < 0 && r != -ENOMEM)
			r = string_list_add(&exports->unread, outer.items[i]);
		for (size_t j = 0; r == 0 && j < inner.count; j++) {
			const char *name =
				!strcmp(above, NVMET) ? outer.items[i] : inner.items[j];

			snprintf(path, sizeof(path), "%s/%s", folder, inner.items[j]);
			r = read_export(host, path, attribute, name, exports);
		}
	}
	return r;
}

int block_exports_read(const struct host *host, struct block_exports *ret_exports)
{
	int r = read_exports(host, NVMET, "/namespaces", "device_path", ret_exports);

	return r == 0 ? read_exports(host, TARGET, "", "udev_path", ret_exports) : r;
}

void block_exports_free(struct block_exports *exports)
{
	string_list_free(&exports->pairs);
	string_list_free(&exports->unread);
}

int block_exports_look(struct usage_scan *scan, const struct block_exports *exports,
		       const struct block_device *block)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i + 1 < exports->pairs.count; i += 2)
		if (block_is_path(block, exports->pairs.items[i]))
			r = usage_add(scan->usage, block->owner, USAGE_HOLDER,
				      "%s is served to other machines, as %s",
				      block->name, exports->pairs.items[i + 1]);
	for (size_t i = 0; r == 0 && i < exports->unread.count; i++)
		r = usage_add(scan->usage, block->owner, USAGE_UNREADABLE,
			      "whether %s is served to other machines could not be read:"
			      " %s",
			      block->name, exports->unread.items[i]);
	return r;
}
