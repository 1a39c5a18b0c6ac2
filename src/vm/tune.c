/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm/tune.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

struct core {
	const struct vm_cpu *cpus; /* its threads, sorted by number */
	unsigned int n_cpus;
	bool is_free; /* it can be the guest's */
	bool is_taken;
};

/* One node. */
struct room {
	unsigned int node;
	struct vm_cpu *cpus; /* by core */
	size_t n_cpus;
	struct core *cores; /* the host's interrupts are on the first one, as a rule */
	unsigned int n_cores;
	unsigned int *sizes; /* room for one of each core */

	unsigned int n_fit;   /* cores of the fastest kind, with as many threads */
	unsigned int threads; /* of each of these */
	unsigned int kind;
	bool is_hybrid;
};

static void free_room(struct room *room)
{
	free(room->cpus);
	free(room->cores);
	free(room->sizes);
}

static int by_core(const void *a, const void *b)
{
	const struct vm_cpu *left = a, *right = b;

	if (left->core != right->core)
		return left->core > right->core ? 1 : -1;
	return (left->number > right->number) - (left->number < right->number);
}

static int by_first_cpu(const void *a, const void *b)
{
	const struct core *left = a, *right = b;

	return left->cpus->number > right->cpus->number ? 1 : -1;
}

static bool fits(const struct room *room, const struct core *core)
{
	return core->cpus->kind == room->kind && core->n_cpus == room->threads;
}

/* Not those that have lost a thread, as to a bare chcpu --disable. */
static void find_fitting(struct room *room)
{
	room->kind = room->cores[0].cpus->kind;
	for (unsigned int i = 1; i < room->n_cores; i++) {
		unsigned int kind = room->cores[i].cpus->kind;

		room->is_hybrid |= kind != room->kind;
		if (kind > room->kind)
			room->kind = kind;
	}
	for (unsigned int i = 0; i < room->n_cores; i++)
		if (room->cores[i].cpus->kind == room->kind &&
		    room->cores[i].n_cpus > room->threads)
			room->threads = room->cores[i].n_cpus;
	for (unsigned int i = 0; i < room->n_cores; i++)
		room->n_fit += fits(room, &room->cores[i]);
}

static int open_room(const struct vm_cpus *cpus, unsigned int node, struct room *room,
		     struct error *err)
{
	char name[32];

	room->node = node;
	room->cpus = calloc(cpus->count, sizeof(*room->cpus));
	room->cores = calloc(cpus->count, sizeof(*room->cores));
	room->sizes = calloc(cpus->count, sizeof(*room->sizes));
	if (!room->cpus || !room->cores || !room->sizes)
		return error_oom(err);
	for (size_t i = 0; i < cpus->count; i++)
		if (cpus->items[i].node == node)
			room->cpus[room->n_cpus++] = cpus->items[i];
	if (!room->n_cpus) {
		snprintf(name, sizeof(name), "node %u", node);
		error_set(err, ENOENT, name, "no processor is there");
		error_hint(err, "name a node that has some, --tune=NODE");
		return -ENOENT;
	}
	qsort(room->cpus, room->n_cpus, sizeof(*room->cpus), by_core);
	for (size_t i = 0; i < room->n_cpus; i++) {
		if (!i || room->cpus[i].core != room->cpus[i - 1].core)
			room->cores[room->n_cores++].cpus = &room->cpus[i];
		room->cores[room->n_cores - 1].n_cpus++;
	}
	qsort(room->cores, room->n_cores, sizeof(*room->cores), by_first_cpu);
	find_fitting(room);
	return 0;
}

/* Of what a guest can have here: one core of the node stays the host's. */
static unsigned int most_cores(const struct room *room)
{
	return room->n_fit < room->n_cores ? room->n_fit : room->n_cores - 1;
}

/* "8 fast cores of 2 threads" */
static const char *describe(const struct room *room, char *buffer, size_t size)
{
	char threads[32] = "";

	if (room->threads > 1)
		snprintf(threads, sizeof(threads), " of %u threads", room->threads);
	snprintf(buffer, size, "%u %score%s%s", room->n_fit,
		 room->is_hybrid ? "fast " : "", room->n_fit == 1 ? "" : "s", threads);
	return buffer;
}

static int refuse(const struct room *room, unsigned int n_vcpus, struct error *err)
{
	unsigned int most = most_cores(room) * room->threads;
	unsigned int even = (n_vcpus + room->threads - 1) / room->threads * room->threads;
	char name[32], cores[96];

	snprintf(name, sizeof(name), "node %u", room->node);
	describe(room, cores, sizeof(cores));
	if (room->is_hybrid)
		error_set(err, ERANGE, name,
			  "it has %s, too few for %u virtual CPUs; slower ones are not"
			  " mixed in, since the guest could not tell which are which",
			  cores, n_vcpus);
	else
		error_set(err, ERANGE, name, "it has %s%s: too few for %u virtual CPU%s",
			  cores,
			  room->n_fit < room->n_cores ? "" : ", one of them for the host",
			  n_vcpus, n_vcpus == 1 ? "" : "s");
	if (most)
		error_hint(err, "--cpus %u fits; or leave --tune out",
			   even < most ? even : most);
	else
		error_hint(err, "leave --tune out");
	return -ERANGE;
}

/* Of a cache: how many cores in it can still be taken. */
static unsigned int count_free(const struct room *room, unsigned int cache)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < room->n_cores; i++)
		count += room->cores[i].is_free && !room->cores[i].is_taken &&
			 room->cores[i].cpus->cache == cache;
	return count;
}

/*
 * The cache for so many cores: one that has them all, and better one that the host's
 * first core does not use, and then the one that leaves least over; else the one that has
 * most.
 */
static unsigned int choose_cache(const struct room *room, unsigned int wanted)
{
	unsigned int best = 0, best_count = 0;
	bool best_away = false;

	for (unsigned int i = 0; i < room->n_cores; i++) {
		unsigned int cache = room->cores[i].cpus->cache;
		unsigned int count = count_free(room, cache);
		bool away = cache != room->cores[0].cpus->cache, better;

		if (!count)
			continue;
		if ((count >= wanted) != (best_count >= wanted))
			better = count >= wanted;
		else if (count < wanted)
			better = count > best_count ||
				 (count == best_count && away && !best_away);
		else
			better = away != best_away ? away : count < best_count;
		if (best_count && !better)
			continue;
		best = cache;
		best_count = count;
		best_away = away;
	}
	return best;
}

static int by_number(const void *a, const void *b)
{
	const unsigned int *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* Of each cache that has some, the largest last. Returns how many. */
static unsigned int count_sizes(struct room *room)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < room->n_cores; i++) {
		unsigned int cache = room->cores[i].cpus->cache, first = 0;

		while (room->cores[first].cpus->cache != cache)
			first++;
		room->sizes[count] = first == i ? count_free(room, cache) : 0;
		count += room->sizes[count] > 0;
	}
	qsort(room->sizes, count, sizeof(*room->sizes), by_number);
	return count;
}

/*
 * Of each cache at most so many: where one does not do, the same number of each, if that
 * takes no further cache, since QEMU tells a guest of caches only where all are alike.
 */
static unsigned int choose_share(struct room *room, unsigned int wanted)
{
	unsigned int count = count_sizes(room), sum = 0;

	for (unsigned int n = 1; n <= count; n++) {
		unsigned int size = room->sizes[count - n];

		sum += size;
		if (sum >= wanted)
			return wanted % n == 0 && wanted / n <= size ? wanted / n
								     : wanted;
	}
	return wanted;
}

static void give_core(struct core *core, unsigned int threads, struct vm_tuning *tuning)
{
	core->is_taken = true;
	for (unsigned int i = 0; i < threads; i++)
		tuning->vcpus[tuning->n_vcpus++] = core->cpus[i].number;
}

/* Cache by cache, so that those of one are neighbours in the guest, too. */
static void take_cores(struct room *room, struct vm_tuning *tuning)
{
	unsigned int share = choose_share(room, tuning->cores);
	unsigned int left = tuning->cores, of_first = 0;
	bool are_alike = true;

	while (left) {
		unsigned int wanted = left < share ? left : share, taken = 0;
		unsigned int cache = choose_cache(room, wanted);

		for (unsigned int i = 0; i < room->n_cores && taken < wanted; i++) {
			struct core *core = &room->cores[i];

			if (!core->is_free || core->is_taken ||
			    core->cpus->cache != cache)
				continue;
			give_core(core, tuning->threads, tuning);
			taken++;
		}
		left -= taken;
		if (!tuning->caches++)
			of_first = taken;
		are_alike &= taken == of_first;
	}
	tuning->dies = are_alike ? tuning->caches : 1;
}

/* Threads of the guest's cores that it does not use stay idle: they are half of it. */
static void give_others(const struct room *room, struct vm_tuning *tuning)
{
	for (unsigned int i = 0; i < room->n_cores; i++)
		for (unsigned int j = 0;
		     !room->cores[i].is_taken && j < room->cores[i].n_cpus; j++)
			tuning->others[tuning->n_others++] =
				room->cores[i].cpus[j].number;
	qsort(tuning->others, tuning->n_others, sizeof(*tuning->others), by_number);
}

int vm_tune(const struct vm_cpus *cpus, unsigned int node, unsigned int n_vcpus,
	    struct vm_tuning *ret_tuning, struct error *err)
{
	_cleanup_(vm_tuning_free) struct vm_tuning tuning = { .node = node };
	_cleanup_(free_room) struct room room = { 0 };
	unsigned int spare;
	int r = open_room(cpus, node, &room, err);

	if (r < 0)
		return r;
	/* An odd number leaves no core shared: each has one for itself. */
	tuning.threads = n_vcpus % room.threads ? 1 : room.threads;
	tuning.cores = n_vcpus / tuning.threads;
	tuning.core_threads = room.threads;
	tuning.is_fast = room.is_hybrid;
	tuning.needs_topoext = cpus->is_amd && tuning.threads > 1;
	if (tuning.cores > most_cores(&room))
		return refuse(&room, n_vcpus, err);
	tuning.vcpus = calloc(n_vcpus, sizeof(*tuning.vcpus));
	tuning.others = calloc(room.n_cpus, sizeof(*tuning.others));
	if (!tuning.vcpus || !tuning.others)
		return error_oom(err);
	/* The first core is taken last: interrupts and timers of the host are there. */
	spare = room.n_fit - fits(&room, &room.cores[0]);
	for (unsigned int i = 0; i < room.n_cores; i++)
		room.cores[i].is_free =
			fits(&room, &room.cores[i]) && (i > 0 || tuning.cores > spare);
	take_cores(&room, &tuning);
	tuning.takes_first = room.cores[0].is_taken;
	give_others(&room, &tuning);
	*ret_tuning = tuning;
	memset(&tuning, 0, sizeof(tuning));
	return 0;
}

void vm_tuning_free(struct vm_tuning *tuning)
{
	if (!tuning)
		return;
	free(tuning->vcpus);
	free(tuning->others);
	memset(tuning, 0, sizeof(*tuning));
}
