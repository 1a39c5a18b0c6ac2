/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/parallel.h"

#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

/* Below this many items a thread it does not pay. */
enum { PART_MIN = 1024 };

struct part {
	parallel_work work;
	void *context;
	size_t number, from, to;
	int result;
	bool in_thread;
	pthread_t thread;
};

static void *do_part(void *argument)
{
	struct part *part = argument;

	part->result = part->work(part->context, part->number, part->from, part->to);
	return NULL;
}

static size_t count_parts(size_t items)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t parts = items / PART_MIN;

	if (processors > 0 && parts > (size_t)processors)
		parts = (size_t)processors;
	if (parts > PARALLEL_PARTS_MAX)
		parts = PARALLEL_PARTS_MAX;
	return parts ? parts : 1;
}

int parallel_for(size_t count, parallel_work work, void *context)
{
	size_t n_parts = count_parts(count);
	struct part parts[PARALLEL_PARTS_MAX] = { 0 };
	int r = 0;

	for (size_t i = 0; i < n_parts; i++) {
		parts[i] = (struct part){ .work = work,
					  .context = context,
					  .number = i,
					  .from = count * i / n_parts,
					  .to = count * (i + 1) / n_parts };
		/* The last one here, and any for which there is no thread. */
		parts[i].in_thread =
			i + 1 < n_parts &&
			pthread_create(&parts[i].thread, NULL, do_part, &parts[i]) == 0;
		if (!parts[i].in_thread)
			do_part(&parts[i]);
	}
	for (size_t i = 0; i < n_parts; i++) {
		if (parts[i].in_thread)
			pthread_join(parts[i].thread, NULL);
		if (r == 0)
			r = parts[i].result;
	}
	return r;
}
