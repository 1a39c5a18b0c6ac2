/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Other tools that choose drivers: found by the files in which they keep their settings.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/overrides.h"
#include "check/images.h"
#include "check/internal.h"

/* Scripts that write drivers into /sys by themselves: below these folders. */
static const char *const script_folders[] = {
	"etc/libvirt/hooks",
	"etc/initramfs-tools/scripts",
	"etc/initcpio/hooks",
	"etc/dracut.conf.d",
};

enum { DEPTH_MAX = 5 };

/* What one of them wants a device to be driven by. */
struct claim {
	const struct pci_device *device;
	char driver[64];
	char place[160]; /* where it says so */
};

struct claims {
	struct claim *items;
	size_t count;
};

static void claims_free(struct claims *claims)
{
	free(claims->items);
}

static int claim(struct claims *claims, const struct pci_device *device,
		 const char *driver, const char *place)
{
	struct claim *larger =
		reallocarray(claims->items, claims->count + 1, sizeof(*larger));

	if (!larger)
		return -ENOMEM;
	claims->items = larger;
	larger += claims->count++;
	larger->device = device;
	snprintf(larger->driver, sizeof(larger->driver), "%s", driver);
	snprintf(larger->place, sizeof(larger->place), "%s", place);
	return 0;
}

/* driverctl(8): a file for each device, with the driver's name in it. */
static int claim_of_driverctl(const struct check_run *run, struct claims *claims)
{
	const struct check_facts *facts = run->facts;
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = 0;

	host_list(facts->host, BOOTCFG_DRIVERCTL, &names);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		char path[PATH_MAX], driver[64];
		struct pci_address address;
		const struct pci_device *device;

		snprintf(path, sizeof(path), BOOTCFG_DRIVERCTL "/%s", names.items[i]);
		if (strncmp(names.items[i], "pci-", strlen("pci-")) != 0 ||
		    pci_address_parse(names.items[i] + strlen("pci-"), &address) < 0 ||
		    host_read(facts->host, path, driver, sizeof(driver)) != FACT_KNOWN)
			continue;
		device = pci_find(&facts->devices, &address);
		if (device)
			r = claim(claims, device, driver, path);
	}
	return r;
}

/* ids= of vfio-pci, in modprobe.d and on the command line. */
static int claim_of_ids(const struct check_run *run, struct claims *claims)
{
	_cleanup_(check_wanted_free) struct check_wanted wanted = { 0 };
	int r = check_wanted_read(run->facts, "", &wanted);

	for (size_t i = 0; r == 0 && i < wanted.n_devices; i++)
		r = claim(claims, wanted.devices[i], "vfio-pci",
			  wanted.ids ? wanted.ids_file : "proc/cmdline");
	return r;
}

static int tell_conflict(struct check_run *run, const struct claim *a,
			 const struct claim *b)
{
	char address[PCI_ADDRESS_SIZE];
	int r;

	pci_address_format(&a->device->address, address);
	r = check_tell(run, CHECK_FAIL, address, "/%s wants %s for it, and /%s %s",
		       a->place, a->driver, b->place, b->driver);
	if (r == 0)
		r = check_why(run,
			      "which of them wins depends on what runs first, and may"
			      " differ from boot to boot");
	return r < 0 ? r : check_fix(run, "leave it to one of them");
}

static int look_for_conflicts(struct check_run *run)
{
	_cleanup_(claims_free) struct claims claims = { 0 };
	int r = claim_of_driverctl(run, &claims);

	if (r == 0)
		r = claim_of_ids(run, &claims);
	for (size_t i = 0; r == 0 && i < claims.count; i++)
		for (size_t j = 0; r == 0 && j < i; j++)
			if (claims.items[i].device == claims.items[j].device &&
			    !bootcfg_same_name(claims.items[i].driver,
					       claims.items[j].driver))
				r = tell_conflict(run, &claims.items[j],
						  &claims.items[i]);
	return r;
}

static int tell_tool(struct check_run *run, const char *tool, const char *path)
{
	int r = check_tell(run, CHECK_INFO, NULL, "%s (/%s)", tool, path);

	return r < 0 ? r
		     : check_why(run, "it chooses drivers, too: what one tool does, the"
				      " other may undo");
}

static int look_in_script(struct check_run *run, const char *path)
{
	static const char *const words[] = { "driver_override", "drivers/vfio-pci",
					     "nodedev-detach", "driver/unbind" };
	_cleanup_free_ char *text = NULL;
	size_t len;

	int r = host_read_file(run->facts->host, path, &text, &len);

	if (r < 0)
		return r == -ENOENT ? 0 : check_tell_unread(run, path);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (memmem(text, len, words[i], strlen(words[i])))
			return tell_tool(run, "a script that moves devices", path);
	return 0;
}

static int look_for_scripts(struct check_run *run, const char *folder, unsigned int depth)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = host_list(run->facts->host, folder, &names);

	if (r == -ENOTDIR)
		return look_in_script(run, folder);
	if (r < 0)
		return r == -ENOENT ? 0 : check_tell_unread(run, folder);
	for (size_t i = 0; r == 0 && depth && i < names.count; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", folder, names.items[i]);
		r = look_for_scripts(run, path, depth - 1);
	}
	return r;
}

/* supergfxctl, for laptops: "vfio_enable": true in its settings. */
static int look_for_supergfxctl(struct check_run *run)
{
	static const char path[] = "etc/supergfxd.conf";
	_cleanup_free_ char *text = NULL;
	const char *at;
	size_t len;

	if (host_read_file(run->facts->host, path, &text, &len) < 0)
		return 0;
	at = strstr(text, "\"vfio_enable\"");
	if (!at)
		return 0;
	at += strlen("\"vfio_enable\"");
	at += strspn(at, " \t\n:");
	return strncmp(at, "true", 4) ? 0 : tell_tool(run, "supergfxctl", path);
}

int check_vfio_tools(struct check_run *run)
{
	const struct host *host = run->facts->host;
	_cleanup_(string_list_free) struct string_list overrides = { 0 };
	size_t before = run->findings->count;
	int r;

	if (check_presence(host, "etc/modprobe.d") == FACT_UNREADABLE &&
	    check_presence(host, BOOTCFG_DRIVERCTL) == FACT_UNREADABLE)
		return check_tell_unread(run, "etc");
	host_list(host, BOOTCFG_DRIVERCTL, &overrides);
	r = look_for_conflicts(run);
	if (r == 0 && overrides.count)
		r = tell_tool(run, "driverctl", BOOTCFG_DRIVERCTL);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(script_folders); i++)
		r = look_for_scripts(run, script_folders[i], DEPTH_MAX);
	if (r == 0)
		r = look_for_supergfxctl(run);
	if (r < 0 || run->findings->count > before)
		return r;
	return check_tell(run, CHECK_PASS, NULL,
			  "no other tool that chooses drivers was found");
}
