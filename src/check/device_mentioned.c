/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that name a device by an address, which moves when a card is added. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/overrides.h"
#include "check/internal.h"
#include "check/mention.h"

static const struct {
	const char *folder, *ending;
	mention_finder find; /* NULL: a file's name tells whom it is for */
} places[] = {
	{ "etc/libvirt/qemu", ".xml", mention_in_domain },
	{ "etc/modprobe.d", ".conf", mention_in_lines },
	{ "etc/udev/rules.d", ".rules", mention_in_lines },
	{ "etc/network/interfaces.d", "", mention_in_interfaces },
	{ BOOTCFG_DRIVERCTL, "", NULL },
};

static int tell_mention(struct check_run *run, const char *path, const char *text,
			const char *at)
{
	size_t line = 1;
	int r;

	for (const char *c = text; c && c < at; c++)
		line += *c == '\n';
	if (text)
		r = check_tell(run, CHECK_INFO, NULL, "/%s names it in line %zu", path,
			       line);
	else
		r = check_tell(run, CHECK_INFO, NULL, "/%s is for it", path);
	if (r == 0)
		r = check_why(run, "bus numbers move when a card is added or taken out;"
				   " then it means another device, or none");
	return r < 0 ? r : check_fix(run, "look at it again whenever cards were moved");
}

static int look_in_file(struct check_run *run, const char *path, mention_finder find)
{
	_cleanup_free_ char *text = NULL;
	const char *at, *end;
	size_t len;
	int r = host_read_file(run->facts->host, path, &text, &len);

	/* Also a link to a file that is not there, and a folder in a folder. */
	if (r == -ENOENT || r == -EISDIR)
		return 0;
	if (r < 0)
		return r == -ENOMEM ? r : check_tell_unread(run, path);
	end = text + strlen(text);
	for (at = text, r = 0; r == 0 && (at = find(at, end, &run->device->address));) {
		r = tell_mention(run, path, text, at);
		at += strcspn(at, "\n");
	}
	return r;
}

static bool ends_with(const char *name, const char *ending)
{
	size_t n = strlen(name), m = strlen(ending);

	return n > m && !strcmp(name + n - m, ending);
}

static int look_in_folder(struct check_run *run, const char *folder, const char *ending,
			  mention_finder find)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	char address[PCI_ADDRESS_SIZE], wanted[BOOTCFG_DRIVERCTL_SIZE];
	int r = host_list(run->facts->host, folder, &names);

	bootcfg_driverctl_path(pci_address_format(&run->device->address, address),
			       wanted);
	if (r < 0)
		return r == -ENOENT   ? 0
		       : r == -ENOMEM ? r
				      : check_tell_unread(run, folder);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", folder, names.items[i]);
		if (find && ends_with(names.items[i], ending))
			r = look_in_file(run, path, find);
		else if (!find && !strcmp(path, wanted))
			r = tell_mention(run, path, NULL, NULL);
	}
	return r;
}

int check_device_mentioned(struct check_run *run)
{
	size_t before = run->findings->count;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(places); i++)
		r = look_in_folder(run, places[i].folder, places[i].ending,
				   places[i].find);
	if (r == 0)
		r = look_in_file(run, "etc/network/interfaces", mention_in_interfaces);
	if (r < 0 || run->findings->count > before)
		return r;
	if (!host_exists(run->facts->host, "etc"))
		return check_tell_unread(run, "etc");
	return check_tell(run, CHECK_PASS, NULL,
			  "no definition of a guest, and no file in /etc that is looked"
			  " at, names its address");
}
