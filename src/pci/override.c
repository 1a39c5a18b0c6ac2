/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "pci/device.h"

/* How long one device may take to answer, or an unbind to last, before it counts as
 * stuck. */
enum { STUCK_AFTER_MS = 400, RECHECK_MS = 300 };

/* What is asked, and room for the answers. */
struct questions {
	size_t count;
	const char **paths;
	char (*path_room)[PCI_ATTRIBUTE_PATH_SIZE];
	enum fact *facts;
	char **texts;
	bool *stuck;
};

static void questions_free(struct questions *questions)
{
	for (size_t i = 0; questions->texts && i < questions->count; i++)
		free(questions->texts[i]);
	free(questions->paths);
	free(questions->path_room);
	free(questions->facts);
	free(questions->texts);
	free(questions->stuck);
}

static int questions_make(struct questions *questions, size_t count)
{
	questions->count = count;
	questions->paths = calloc(count, sizeof(*questions->paths));
	questions->path_room = calloc(count, sizeof(*questions->path_room));
	questions->facts = calloc(count, sizeof(*questions->facts));
	questions->texts = calloc(count, sizeof(*questions->texts));
	questions->stuck = calloc(count, sizeof(*questions->stuck));
	if (!questions->paths || !questions->path_room || !questions->facts ||
	    !questions->texts || !questions->stuck)
		return -ENOMEM;
	return 0;
}

/* Asks each device for one attribute, each with a deadline. */
static int ask(const struct host *host, struct pci_device *const *devices, size_t count,
	       const char *attribute, struct questions *questions, struct error *err)
{
	int r;

	if (questions_make(questions, count) < 0)
		return error_oom(err);
	for (size_t i = 0; i < count; i++)
		questions->paths[i] = pci_attribute_path(&devices[i]->address, attribute,
							 questions->path_room[i]);
	r = host_read_locked(host, questions->paths, count, STUCK_AFTER_MS,
			     questions->facts, questions->texts, questions->stuck);
	return r < 0 ? error_set(err, -r, attribute, "%s", strerror(-r)) : 0;
}

/* The kernel still counts it as bound, but has taken the link to its driver away. */
static bool is_being_unbound(const struct host *host, const struct pci_device *device,
			     const char *uevent)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE], name[NAME_MAX + 1];

	pci_attribute_path(&device->address, "driver", path);
	return uevent && strstr(uevent, "DRIVER=") &&
	       host_link_name(host, path, name, sizeof(name)) == FACT_ABSENT;
}

/*
 * Which of these hang in an unbind. Until Linux 6.12 reading `uevent` takes the device
 * lock, and does not come back; since then it takes none, and names the driver for as
 * long as the unbind lasts (dev_uevent, drivers/base/core.c), though the link to it is
 * gone.
 */
static int find_hanging(const struct host *host, struct pci_device *const *devices,
			size_t count, struct error *err)
{
	_cleanup_(questions_free) struct questions first = { 0 };
	_cleanup_free_ struct pci_device **doubtful = NULL;
	const struct timespec pause = { .tv_nsec = RECHECK_MS * 1000000L };
	size_t n_doubtful = 0;
	int r;

	doubtful = calloc(count ? count : 1, sizeof(*doubtful));
	if (!doubtful)
		return error_oom(err);
	r = count ? ask(host, devices, count, "uevent", &first, err) : 0;
	for (size_t i = 0; r == 0 && i < count; i++) {
		devices[i]->stuck = first.stuck[i];
		if (is_being_unbound(host, devices[i], first.texts[i]))
			doubtful[n_doubtful++] = devices[i];
	}
	if (r < 0 || !n_doubtful)
		return r;
	/* Every unbind looks so for an instant: only one that lasts is a hang. */
	nanosleep(&pause, NULL);
	questions_free(&first);
	memset(&first, 0, sizeof(first));
	r = ask(host, doubtful, n_doubtful, "uevent", &first, err);
	for (size_t i = 0; r == 0 && i < n_doubtful; i++)
		doubtful[i]->stuck = first.stuck[i] ||
				     is_being_unbound(host, doubtful[i], first.texts[i]);
	return r;
}

/* The same for those that have no driver, less those known to hang. */
static int find_hanging_driverless(const struct host *host,
				   struct pci_device *const *devices, size_t count,
				   struct error *err)
{
	_cleanup_free_ struct pci_device **driverless = NULL;
	size_t n = 0;

	if (!host_reads_may_hang(host))
		return 0;
	driverless = calloc(count ? count : 1, sizeof(struct pci_device *));
	if (!driverless)
		return error_oom(err);
	for (size_t i = 0; i < count; i++)
		if (devices[i]->driver_fact != FACT_KNOWN && !devices[i]->stuck)
			driverless[n++] = devices[i];
	return find_hanging(host, driverless, n, err);
}

int pci_read_overrides(const struct host *host, struct pci_device *const *devices,
		       size_t count, struct error *err)
{
	_cleanup_(questions_free) struct questions questions = { 0 };
	int r;

	if (!count)
		return 0;
	r = ask(host, devices, count, "driver_override", &questions, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		free(devices[i]->driver_override);
		devices[i]->override_fact = questions.facts[i];
		devices[i]->driver_override = steal(questions.texts[i]);
		devices[i]->stuck = questions.stuck[i];
		/* What printf makes of a null pointer: none is set
		 * (driver_override_show). */
		if (devices[i]->driver_override &&
		    !strcmp(devices[i]->driver_override, "(null)"))
			devices[i]->driver_override[0] = '\0';
	}
	return find_hanging_driverless(host, devices, count, err);
}

struct pci_device **pci_all(const struct pci_devices *devices)
{
	struct pci_device **all = calloc(devices->count + 1, sizeof(*all));

	for (size_t i = 0; all && i < devices->count; i++)
		all[i] = &devices->items[i];
	return all;
}

int pci_find_stuck(const struct host *host, struct pci_devices *devices,
		   struct error *err)
{
	_cleanup_free_ struct pci_device **all = pci_all(devices);

	if (!all)
		return error_oom(err);
	return find_hanging_driverless(host, all, devices->count, err);
}
