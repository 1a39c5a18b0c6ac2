/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "usage/internal.h"

/*
 * A PCM stream is pcmC<card>D<device>p or c in /sys/class/sound; its state is in
 * /proc/asound/card<card>/pcm<device>p/sub0/status, "closed" while nobody has it open
 * (sound/core/pcm.c, snd_pcm_substream_proc_status_read). A sound server keeps only the
 * card's controls open, which does not hinder its driver.
 */
static int look_at_stream(struct usage_scan *scan, const struct pci_device *owner,
			  const char *name)
{
	unsigned int card, device;
	char direction, path[PATH_MAX], text[512];
	enum fact fact;

	if (sscanf(name, "pcmC%uD%u%c", &card, &device, &direction) != 3)
		return 0;
	snprintf(path, sizeof(path), "proc/asound/card%u/pcm%u%c/sub0/status", card,
		 device, direction);
	fact = host_read(scan->host, path, text, sizeof(text));
	if (fact == FACT_UNREADABLE)
		return usage_add(scan->usage, owner, USAGE_UNREADABLE,
				 "whether %s is open could not be read", name);
	if (fact == FACT_ABSENT || !strcmp(text, "closed"))
		return 0;
	return usage_add(scan->usage, owner, USAGE_SOUND, "%s is %s", name,
			 direction == 'p' ? "playing" : "recording");
}

int usage_scan_sound(struct usage_scan *scan)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = host_list(scan->host, "sys/class/sound", &names);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		const struct pci_device *owner;

		if (strncmp(names.items[i], "pcmC", 4) != 0)
			continue;
		owner = usage_class_owner(scan, "sound", names.items[i]);
		if (owner)
			r = look_at_stream(scan, owner, names.items[i]);
	}
	return r;
}
