/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "usage/picture.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "usage/internal.h"

void usage_picture_free(struct usage_picture *picture)
{
	if (!picture)
		return;
	string_list_free(&picture->services);
	string_list_free(&picture->consoles);
	string_list_free(&picture->framebuffers);
}

/*
 * Services of cards' makers that keep them open, and come back: of NVIDIA's driver
 * (nvidia-persistenced(1), and its powerd). Others are somebody's own.
 */
static const char *const known[] = { "nvidia-persistenced.service",
				     "nvidia-powerd.service" };

/* Where systemd keeps a running service, in today's tree and in that of its own. */
static bool is_running(const struct host *host, const char *unit)
{
	static const char *const trees[] = { "sys/fs/cgroup/system.slice",
					     "sys/fs/cgroup/systemd/system.slice" };
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
		snprintf(path, sizeof(path), "%s/%s/cgroup.procs", trees[i], unit);
		if (host_exists(host, path))
			return true;
	}
	return false;
}

/*
 * systemd.special(7): a link, to what may be a link again (Debian's gdm3.service is one
 * to gdm.service); the unit goes by the last name.
 */
static bool find_manager(const struct host *host, char unit[NAME_MAX + 1])
{
	static const char *const folders[] = { "etc/systemd/system",
					       "usr/lib/systemd/system",
					       "lib/systemd/system" };
	char path[PATH_MAX], next[NAME_MAX + 1];
	bool found = host_link_name(host, "etc/systemd/system/display-manager.service",
				    unit, NAME_MAX + 1) == FACT_KNOWN;

	for (size_t i = 0, depth = 0; found && i < ARRAY_SIZE(folders) && depth < 8;) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], unit);
		if (host_link_name(host, path, next, sizeof(next)) != FACT_KNOWN ||
		    !strcmp(next, unit)) {
			i++;
			continue;
		}
		/* To /dev/null: it is masked. */
		if (!text_ends_with(next, ".service"))
			return false;
		snprintf(unit, NAME_MAX + 1, "%s", next);
		depth++;
		i = 0;
	}
	return found;
}

/* The service of the system that a process is of (cgroups(7)); false: of none. */
static bool find_service(const struct host *host, int process, char unit[NAME_MAX + 1])
{
	static const char slice[] = ":/system.slice/";
	_cleanup_free_ char *text = NULL;
	char path[64];
	const char *found;
	size_t len;

	snprintf(path, sizeof(path), "proc/%d/cgroup", process);
	if (host_read_file(host, path, &text, &len) < 0)
		return false;
	found = strstr(text, slice);
	if (!found)
		return false;
	found += strlen(slice);
	snprintf(unit, NAME_MAX + 1, "%.*s", (int)strcspn(found, "/\n"), found);
	return true;
}

static bool is_known(const char *unit)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(unit, known[i]))
			return true;
	return false;
}

/* A session is of no service, and ends with the display manager that began it. */
static int list_services(const struct usage *usage, const struct pci_device *device,
			 struct usage_picture *picture)
{
	const struct usage_findings *findings = usage_of(usage, device);
	char manager[NAME_MAX + 1] = "", unit[NAME_MAX + 1];
	bool shows = usage_has_kind(usage, device, USAGE_DISPLAY);
	int r = 0;

	if (!find_manager(usage->host, manager) || !is_running(usage->host, manager))
		manager[0] = '\0';
	for (size_t i = 0; i < findings->count; i++) {
		if (findings->items[i].kind != USAGE_PROCESS)
			continue;
		if (!find_service(usage->host, findings->items[i].process, unit) ||
		    !strcmp(unit, manager))
			shows = true;
		else if (!is_known(unit))
			picture->held_otherwise = true;
	}
	if (shows && manager[0])
		r = string_list_add(&picture->services, manager);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(known); i++)
		if (device->driver && !strcmp(device->driver, "nvidia") &&
		    is_running(usage->host, known[i]))
			r = string_list_add(&picture->services, known[i]);
	return r;
}

/* Those that can be detached. */
static int list_consoles(const struct host *host, struct string_list *consoles)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = host_list(host, "sys/class/vtconsole", &names);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		char name[USAGE_CONSOLE_SIZE];

		if (usage_read_console(host, names.items[i], name) == FACT_KNOWN &&
		    !strncmp(name, "(M)", 3) && strstr(name, "frame buffer"))
			r = string_list_add(consoles, names.items[i]);
	}
	return r;
}

/* The kernel makes one, of what the firmware left (drivers/firmware/sysfb.c). */
static int list_framebuffers(const struct host *host, struct string_list *framebuffers)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = host_list(host, "sys/bus/platform/devices", &names);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		char path[PATH_MAX], driver[NAME_MAX + 1];

		if (!strstr(names.items[i], "-framebuffer."))
			continue;
		snprintf(path, sizeof(path), "sys/bus/platform/devices/%s/driver",
			 names.items[i]);
		if (host_link_name(host, path, driver, sizeof(driver)) == FACT_KNOWN)
			r = string_list_addf(framebuffers, "%s/%s", driver,
					     names.items[i]);
	}
	return r;
}

int usage_picture_read(const struct usage *usage, const struct pci_device *device,
		       struct usage_picture *ret_picture)
{
	struct usage_picture picture = { 0 };
	int r = list_services(usage, device, &picture);

	if (r == 0 && usage_has_kind(usage, device, USAGE_CONSOLE))
		r = list_consoles(usage->host, &picture.consoles);
	if (r == 0 && usage_has_kind(usage, device, USAGE_FRAMEBUFFER))
		r = list_framebuffers(usage->host, &picture.framebuffers);
	if (r < 0)
		usage_picture_free(&picture);
	else
		*ret_picture = picture;
	return r;
}
