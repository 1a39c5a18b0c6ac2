/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who shows a picture: displays, the kernel's console, the firmware's framebuffer. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "usage/internal.h"

static const char console_unread[] =
	"whether it has the kernel's console could not be read";

/* FACT_ABSENT: it is not there, or says something else. */
static enum fact reads_as(const struct host *host, const char *path, const char *wanted)
{
	char text[64];
	enum fact fact = host_read(host, path, text, sizeof(text));

	return fact == FACT_KNOWN && strcmp(text, wanted) != 0 ? FACT_ABSENT : fact;
}

/* Of all displays: also one without a driver may show the firmware's framebuffer. */
static int mark_displays(struct usage_scan *scan, const char *detail)
{
	const struct pci_devices *devices = scan->usage->devices;
	int r = 0;

	for (size_t i = 0; r == 0 && i < devices->count; i++)
		if (pci_is_display(&devices->items[i]))
			r = usage_add(scan->usage, &devices->items[i], USAGE_UNREADABLE,
				      "%s", detail);
	return r;
}

/* "unknown" is what a connector says that cannot tell, as of VGA and of some TVs
 * (drivers/gpu/drm/drm_connector.c): a picture on it may well be seen. */
static int look_at_connector(struct usage_scan *scan, const struct pci_device *owner,
			     const char *name)
{
	char path[PATH_MAX], text[64];
	enum fact status, enabled;
	bool known;

	snprintf(path, sizeof(path), "sys/class/drm/%s/status", name);
	status = host_read(scan->host, path, text, sizeof(text));
	known = !strcmp(text, "connected");
	if (status == FACT_KNOWN && !known && strcmp(text, "unknown") != 0)
		return 0;
	snprintf(path, sizeof(path), "sys/class/drm/%s/enabled", name);
	enabled = reads_as(scan->host, path, "enabled");
	if (status == FACT_ABSENT || enabled == FACT_ABSENT)
		return 0;
	if (status == FACT_UNREADABLE || enabled == FACT_UNREADABLE)
		return usage_add(scan->usage, owner, USAGE_UNREADABLE,
				 "whether %s shows a picture could not be read", name);
	return usage_add(scan->usage, owner, USAGE_DISPLAY, "%s shows a picture on a%s",
			 name,
			 known ? " connected display"
			       : " connector that cannot tell whether a display is"
				 " connected");
}

/* Connectors are entries such as card0-HDMI-A-1 (drivers/gpu/drm/drm_sysfs.c). */
static int look_at_connectors(struct usage_scan *scan)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = host_list(scan->host, "sys/class/drm", &names);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		const struct pci_device *owner;

		if (strncmp(names.items[i], "card", 4) != 0 ||
		    !strchr(names.items[i], '-'))
			continue;
		owner = usage_class_owner(scan, "drm", names.items[i]);
		if (owner)
			r = look_at_connector(scan, owner, names.items[i]);
	}
	return r;
}

/*
 * The first framebuffer carries the console (fbcon maps all to it unless told). A kernel
 * with CONFIG_FB_DEVICE=n has the console all the same, and does not tell where.
 */
static int look_at_framebuffer(struct usage_scan *scan)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	const struct pci_device *owner;
	const char *first = NULL;
	int r = host_list(scan->host, "sys/class/graphics", &names);

	for (size_t i = 0; r == 0 && !first && i < names.count; i++)
		if (!strncmp(names.items[i], "fb", 2) && names.items[i][2] >= '0' &&
		    names.items[i][2] <= '9')
			first = names.items[i];
	if (!first)
		return r == -ENOMEM
			       ? r
			       : usage_mark_unreadable(scan->usage, PCI_CLASS_DISPLAY,
						       console_unread);
	owner = usage_class_owner(scan, "graphics", first);
	if (!owner)
		return 0;
	return usage_add(scan->usage, owner, USAGE_CONSOLE,
			 "the kernel's console is on its framebuffer %s", first);
}

/* The text console of VGA is on the display that the firmware booted with. */
static int look_at_vga(struct usage_scan *scan)
{
	const struct pci_devices *devices = scan->usage->devices;
	int r = 0;

	for (size_t i = 0; r == 0 && i < devices->count; i++) {
		const struct pci_device *device = &devices->items[i];
		char path[PCI_ATTRIBUTE_PATH_SIZE];
		enum fact fact;

		if (!pci_is_display(device))
			continue;
		pci_attribute_path(&device->address, "boot_vga", path);
		fact = reads_as(scan->host, path, "1");
		if (fact == FACT_UNREADABLE)
			r = usage_add(scan->usage, device, USAGE_UNREADABLE, "%s",
				      console_unread);
		else if (fact == FACT_KNOWN)
			r = usage_add(scan->usage, device, USAGE_CONSOLE,
				      "the kernel's text console is on it (VGA)");
	}
	return r;
}

enum fact usage_read_console(const struct host *host, const char *entry,
			     char name[USAGE_CONSOLE_SIZE])
{
	char path[PATH_MAX];
	enum fact bound;

	snprintf(path, sizeof(path), "sys/class/vtconsole/%s/bind", entry);
	bound = reads_as(host, path, "1");
	if (bound != FACT_KNOWN)
		return bound;
	snprintf(path, sizeof(path), "sys/class/vtconsole/%s/name", entry);
	return host_read(host, path, name, USAGE_CONSOLE_SIZE);
}

static int look_at_consoles(struct usage_scan *scan)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = host_list(scan->host, "sys/class/vtconsole", &names);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		char name[USAGE_CONSOLE_SIZE];
		enum fact fact = usage_read_console(scan->host, names.items[i], name);

		if (fact == FACT_UNREADABLE)
			r = mark_displays(scan, console_unread);
		else if (fact == FACT_KNOWN && strstr(name, "frame buffer"))
			r = look_at_framebuffer(scan);
		else if (fact == FACT_KNOWN && strstr(name, "VGA"))
			r = look_at_vga(scan);
	}
	return r;
}

/*
 * /proc/iomem nests what is in a range beneath it, with two more spaces: the firmware's
 * framebuffer beneath the BAR, whose line names the function. As an ordinary user the
 * numbers are zeros, the names are there.
 */
static int look_at_memory(struct usage_scan *scan, char *text)
{
	static const char *const framebuffers[] = {
		"BOOTFB",    "simplefb", "efifb",   "vesafb", "simple-framebuffer",
		"simpledrm", "efidrm",	 "vesadrm", /* drivers/gpu/drm/sysfb */
	};
	const struct pci_device *owner = NULL;
	size_t owner_indent = 0;
	char *line;
	int r = 0;

	while (r == 0 && (line = strsep(&text, "\n"))) {
		size_t indent = strspn(line, " ");
		const char *name = strstr(line, " : ");
		struct pci_address address;

		if (!name)
			continue;
		name += 3;
		if (owner && indent <= owner_indent)
			owner = NULL;
		if (pci_address_parse(name, &address) == 0) {
			owner = pci_find(scan->usage->devices, &address);
			owner_indent = indent;
		}
		for (size_t i = 0; r == 0 && owner && i < ARRAY_SIZE(framebuffers); i++)
			if (!strcmp(name, framebuffers[i]))
				r = usage_add(scan->usage, owner, USAGE_FRAMEBUFFER,
					      "the firmware's framebuffer (%s) is in its"
					      " memory",
					      name);
	}
	return r;
}

static bool has_display(const struct usage_scan *scan)
{
	const struct pci_devices *devices = scan->usage->devices;

	for (size_t i = 0; i < devices->count; i++)
		if (pci_is_display(&devices->items[i]))
			return true;
	return false;
}

int usage_scan_display(struct usage_scan *scan)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	if (!has_display(scan))
		return 0;
	r = look_at_connectors(scan);
	if (r == 0)
		r = look_at_consoles(scan);
	if (r < 0)
		return r;
	r = host_read_file(scan->host, "proc/iomem", &text, &len);
	if (r == 0)
		return look_at_memory(scan, text);
	if (r == -ENOENT || r == -ENOMEM)
		return r == -ENOMEM ? r : 0;
	return mark_displays(scan,
			     "whether the firmware's framebuffer is in its memory is"
			     " not known: /proc/iomem could not be read");
}
