/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm/usb.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "host/claimed.h"

#define USB_DEVICES "sys/bus/usb/devices"

/* bDeviceClass of hubs (USB 2.0, 11.23.1). */
enum { USB_CLASS_HUB = 0x09 };

/* A disk that does not answer is one that is in use, for all that can be known. */
enum { CLAIM_DEADLINE_MS = 3000 };

static bool read_hex(const struct host *host, const char *device, const char *name,
		     unsigned int *ret_value)
{
	char path[PATH_MAX], text[16];
	uint32_t value;

	snprintf(path, sizeof(path), USB_DEVICES "/%s/%s", device, name);
	if (host_read(host, path, text, sizeof(text)) != FACT_KNOWN || !text[0] ||
	    text_parse_hex(text, strlen(text), &value) < 0)
		return false;
	*ret_value = value;
	return true;
}

static bool read_number(const struct host *host, const char *device, const char *name,
			unsigned int *ret_value)
{
	char path[PATH_MAX];
	long long value;

	snprintf(path, sizeof(path), USB_DEVICES "/%s/%s", device, name);
	if (host_read_number(host, path, &value) != FACT_KNOWN || value < 0 ||
	    value > UINT_MAX)
		return false;
	*ret_value = (unsigned int)value;
	return true;
}

/* What a person typed: IDs, or the name of a port. */
struct wanted {
	bool has_ids;
	uint32_t vendor, product;
	const char *port;
};

static bool is_port(const char *text)
{
	size_t bus = strspn(text, "0123456789");

	return bus && text[bus] == '-' && text[bus + 1] &&
	       text[bus + 1 + strspn(text + bus + 1, "0123456789.")] == '\0';
}

static int parse(const char *text, struct wanted *ret_wanted, struct error *err)
{
	*ret_wanted = (struct wanted){ .port = text };
	if (strlen(text) == strlen("vvvv:pppp") && text[4] == ':' &&
	    text_parse_hex(text, 4, &ret_wanted->vendor) == 0 &&
	    text_parse_hex(text + 5, 4, &ret_wanted->product) == 0)
		ret_wanted->has_ids = true;
	else if (!is_port(text))
		return error_usage(err, "--usb",
				   "%s is neither IDs such as 046d:c52b nor a port such"
				   " as 1-4.2",
				   text);
	return 0;
}

static bool is_wanted(const struct host *host, const char *name,
		      const struct wanted *wanted)
{
	unsigned int vendor, product;

	if (!wanted->has_ids)
		return !strcmp(name, wanted->port);
	return is_port(name) && read_hex(host, name, "idVendor", &vendor) &&
	       read_hex(host, name, "idProduct", &product) && vendor == wanted->vendor &&
	       product == wanted->product;
}

static int choose(const struct host *host, const char *text, const struct wanted *wanted,
		  char ret_name[NAME_MAX + 1], struct error *err)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	size_t count = 0;
	int r = host_list(host, USB_DEVICES, &names);

	if (r < 0)
		return error_set(err, -r, "/" USB_DEVICES, "%s", strerror(-r));
	for (size_t i = 0; i < names.count; i++)
		if (is_wanted(host, names.items[i], wanted) && ++count == 1)
			snprintf(ret_name, NAME_MAX + 1, "%s", names.items[i]);
	if (count == 1)
		return 0;
	if (!count) {
		error_set(err, ENOENT, text, "no such device is plugged in");
		error_hint(err, "lsusb lists what there is");
		return -ENOENT;
	}
	error_set(err, ENOTUNIQ, text, "several such devices are plugged in");
	for (size_t i = 0; i < names.count; i++)
		if (is_wanted(host, names.items[i], wanted))
			error_evidence(err, "one is in port %s", names.items[i]);
	error_hint(err, "name its port instead");
	return -ENOTUNIQ;
}

/* Those of a class that are on the device; its links go through its folder. */
static int list_below(const struct host *host, const char *folder, const char *device,
		      struct string_list *ret_names)
{
	_cleanup_(string_list_free) struct string_list all = { 0 };
	char path[PATH_MAX], target[PATH_MAX], part[NAME_MAX + 3];
	int r = host_list(host, folder, &all);

	snprintf(part, sizeof(part), "/%s/", device);
	for (size_t i = 0; r == 0 && i < all.count; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, all.items[i]);
		if (host_link_target(host, path, target, sizeof(target)) == FACT_KNOWN &&
		    strstr(target, part))
			r = string_list_add(ret_names, all.items[i]);
	}
	return r == -ENOENT ? 0 : r;
}

static int check_disk(const char *text, const char *disk, enum host_claim claim,
		      struct error *err)
{
	if (claim == HOST_CLAIM_NONE)
		return 0;
	error_refuse(err, text, "it is a disk in use, and would be torn away");
	if (claim == HOST_CLAIM_HELD) {
		error_evidence(err, "the kernel has /dev/%s claimed, as by a mount",
			       disk);
		error_hint(err, "lsblk says by what; unmount it first");
	} else {
		error_evidence(err, "whether /dev/%s is in use could not be read", disk);
		error_hint(err, "run it as root");
	}
	return -EBUSY;
}

/* Of another host there is nobody to ask; nor is it torn away from here. */
static int check_disks(const struct host *host, const char *text, const char *device,
		       struct error *err)
{
	_cleanup_(string_list_free) struct string_list disks = { 0 };
	_cleanup_free_ enum host_claim *claims = NULL;
	int r = list_below(host, "sys/class/block", device, &disks);

	if (r < 0)
		return error_set(err, -r, "/sys/class/block", "%s", strerror(-r));
	if (!host_is_live(host))
		return 0;
	claims = calloc(disks.count + 1, sizeof(*claims));
	if (!claims || host_find_claimed(host, (const char *const *)disks.items,
					 disks.count, CLAIM_DEADLINE_MS, claims) < 0)
		return error_oom(err);
	for (size_t i = 0; r == 0 && i < disks.count; i++)
		r = check_disk(text, disks.items[i], claims[i], err);
	return r;
}

static int check_interfaces(const struct host *host, const char *text, const char *device,
			    struct error *err)
{
	_cleanup_(string_list_free) struct string_list interfaces = { 0 };
	int r = list_below(host, "sys/class/net", device, &interfaces);

	if (r < 0)
		return error_set(err, -r, "/sys/class/net", "%s", strerror(-r));
	for (size_t i = 0; i < interfaces.count; i++) {
		const char *name = interfaces.items[i];
		char path[PATH_MAX], flags[32];
		bool known;

		snprintf(path, sizeof(path), "sys/class/net/%s/flags", name);
		known = host_read(host, path, flags, sizeof(flags)) == FACT_KNOWN;
		if (known && !(strtoul(flags, NULL, 16) & IFF_UP))
			continue;
		error_refuse(err, text,
			     known ? "its network interface %s is up"
				   : "whether its network interface %s is up could not be"
				     " read",
			     name);
		error_hint(err, "ip link set %s down", name);
		return -EBUSY;
	}
	return 0;
}

int vm_usb_find(const struct host *host, const char *text, struct vm_usb *ret_usb,
		struct error *err)
{
	struct wanted wanted;
	struct vm_usb usb = { 0 };
	unsigned int class;
	char name[NAME_MAX + 1];
	int r = parse(text, &wanted, err);

	if (r == 0)
		r = choose(host, text, &wanted, name, err);
	if (r < 0)
		return r;
	if (!read_hex(host, name, "idVendor", &usb.vendor) ||
	    !read_hex(host, name, "idProduct", &usb.product) ||
	    !read_hex(host, name, "bDeviceClass", &class))
		return error_set(err, EIO, text, "what it is could not be read");
	if (!read_number(host, name, "busnum", &usb.bus) ||
	    !read_number(host, name, "devnum", &usb.device) ||
	    strlen(name) >= sizeof(usb.port))
		return error_set(err, EIO, text, "its number could not be read");
	strcpy(usb.port, name);
	usb.is_any = wanted.has_ids;
	if (class == USB_CLASS_HUB)
		return error_refuse(err, text, "a hub goes to no guest");
	r = check_disks(host, text, name, err);
	if (r == 0)
		r = check_interfaces(host, text, name, err);
	if (r == 0)
		*ret_usb = usb;
	return r;
}
