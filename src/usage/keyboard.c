/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The controller that has the only keyboard: without it nobody types at this machine. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "usage/internal.h"

/* KEY_Q to KEY_P, 16 to 25 (include/uapi/linux/input-event-codes.h): letters, which
 * neither a power button nor a remote control has. */
enum { LETTERS = 0x3ff << 16 };

/*
 * capabilities/key is a bitmap in hexadecimal words, the lowest last. FACT_ABSENT: it has
 * no letters.
 */
static enum fact has_letters(const struct usage_scan *scan, const char *name)
{
	char path[PATH_MAX], text[1024];
	const char *lowest;
	enum fact fact;

	snprintf(path, sizeof(path), "sys/class/input/%s/device/capabilities/key", name);
	fact = host_read(scan->host, path, text, sizeof(text));
	if (fact != FACT_KNOWN)
		return fact;
	lowest = strrchr(text, ' ');
	return (strtoull(lowest ? lowest + 1 : text, NULL, 16) & LETTERS) == LETTERS
		       ? FACT_KNOWN
		       : FACT_ABSENT;
}

/* Keyboards that a program makes are no way to type when all others are gone. */
static bool is_virtual(const struct usage_scan *scan, const char *name)
{
	char path[PATH_MAX], target[PATH_MAX];

	snprintf(path, sizeof(path), "sys/class/input/%s", name);
	return host_link_target(scan->host, path, target, sizeof(target)) != FACT_KNOWN ||
	       strstr(target, "devices/virtual");
}

int usage_scan_keyboard(struct usage_scan *scan)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	const struct pci_device *only = NULL;
	char path[PATH_MAX], keyboard[128] = "";
	int r = host_list(scan->host, "sys/class/input", &names);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		const struct pci_device *owner;
		enum fact letters;

		if (strncmp(names.items[i], "event", 5) != 0 ||
		    is_virtual(scan, names.items[i]))
			continue;
		letters = has_letters(scan, names.items[i]);
		if (letters == FACT_ABSENT)
			continue;
		owner = usage_class_owner(scan, "input", names.items[i]);
		if (letters == FACT_UNREADABLE) {
			if (owner)
				r = usage_add(scan->usage, owner, USAGE_UNREADABLE,
					      "whether %s is a keyboard could not be"
					      " read",
					      names.items[i]);
			continue;
		}
		if (!owner || (only && owner != only))
			return 0; /* there is another one */
		only = owner;
		snprintf(path, sizeof(path), "sys/class/input/%s/device/name",
			 names.items[i]);
		host_read(scan->host, path, keyboard, sizeof(keyboard));
	}
	if (r < 0 || !only)
		return r;
	return usage_add(scan->usage, only, USAGE_KEYBOARD,
			 "the only keyboard of this machine is on it%s%s%s",
			 keyboard[0] ? " (" : "", keyboard, keyboard[0] ? ")" : "");
}
