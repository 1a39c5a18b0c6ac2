/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "pci/device.h"

/* How long one device may take to answer before it counts as stuck. */
enum { STUCK_AFTER_MS = 700 };

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

int pci_read_overrides(const struct host *host, struct pci_device *const *devices,
		       size_t count, struct error *err)
{
	_cleanup_(questions_free) struct questions questions = { 0 };
	int r;

	if (!count)
		return 0;
	if (questions_make(&questions, count) < 0)
		return error_oom(err);
	for (size_t i = 0; i < count; i++)
		questions.paths[i] = pci_attribute_path(
			&devices[i]->address, "driver_override", questions.path_room[i]);
	r = host_read_locked(host, questions.paths, count, STUCK_AFTER_MS,
			     questions.facts, questions.texts, questions.stuck);
	if (r < 0)
		return error_set(err, -r, "driver_override", "%s", strerror(-r));
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
	return 0;
}

int pci_find_stuck(const struct host *host, struct pci_devices *devices,
		   struct error *err)
{
	_cleanup_free_ struct pci_device **driverless = NULL;
	size_t count = 0;

	if (!host_reads_may_hang(host) || !devices->count)
		return 0;
	driverless = calloc(devices->count, sizeof(*driverless));
	if (!driverless)
		return error_oom(err);
	for (size_t i = 0; i < devices->count; i++)
		if (devices->items[i].driver_fact != FACT_KNOWN)
			driverless[count++] = &devices->items[i];
	return pci_read_overrides(host, driverless, count, err);
}
