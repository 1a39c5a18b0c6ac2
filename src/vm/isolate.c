/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * By systemd, whose tree of cgroups it is: what another one writes there, systemd writes
 * over when it likes (https://systemd.io/CGROUP_DELEGATION/).
 */
#include "vm/isolate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"

/*
 * systemd answers before it has done it (unit_invalidate_cgroup(), src/core/cgroup.c).
 */
enum { TRUE_MS = 5000, LOOK_MS = 20 };

static const char kept_name[] = "isolation", property[] = "AllowedCPUs";

#define CGROUPS "sys/fs/cgroup/"
#define CPUS	"sys/devices/system/cpu/"

/* Those that a kernel of this host may ever have, and those that it has now. */
struct room {
	struct vm_cpuset possible, online;
};

int vm_isolate_check_host(const struct host *host, struct error *err)
{
	char list[HOST_ATTRIBUTE_MAX];
	char *rest = list, *word;

	if (!host_exists(host, "run/systemd/system")) {
		error_set(err, ENOTSUP, "isolate",
			  "systemd does not run this host, and by it the host's tasks are"
			  " kept off a guest's cores");
		error_hint(err, "leave it out; isolcpus= on the kernel's command line"
				" keeps tasks off for good");
		return -ENOTSUP;
	}
	if (host_read(host, CGROUPS "cgroup.controllers", list, sizeof(list)) ==
	    FACT_KNOWN)
		while ((word = strsep(&rest, " ")))
			if (!strcmp(word, "cpuset"))
				return 0;
	error_set(err, ENOTSUP, "isolate",
		  "the kernel's cpuset controller is not in /" CGROUPS
		  "cgroup.controllers");
	error_hint(err, "leave it out; or boot without cgroup_disable=cpuset and"
			" systemd.unified_cgroup_hierarchy=0");
	return -ENOTSUP;
}

static int read_set(const struct host *host, const char *path, struct vm_cpuset *ret_set)
{
	char list[HOST_ATTRIBUTE_MAX];

	if (host_read(host, path, list, sizeof(list)) != FACT_KNOWN)
		return -ENODATA;
	return vm_cpuset_parse(list, strlen(list), ret_set);
}

/* The root's own set is what is left where others have taken some out of the tree. */
static int read_room(const struct host *host, struct room *ret_room, struct error *err)
{
	if (read_set(host, CPUS "possible", &ret_room->possible) == 0 &&
	    (read_set(host, CGROUPS "cpuset.cpus.effective", &ret_room->online) == 0 ||
	     read_set(host, CPUS "online", &ret_room->online) == 0))
		return 0;
	return error_set(err, ENODATA, "/" CPUS "possible",
			 "which processors this host has could not be read");
}

/* With those that share a core with one of them, which would slow it. */
static void take_cores(const struct host *host, const struct vm_cpuset *pinned,
		       struct vm_cpuset *ret_cpus)
{
	char path[sizeof(CPUS) + 64];
	struct vm_cpuset core;

	*ret_cpus = *pinned;
	for (unsigned int i = 0; i < VM_CPUSET_MAX; i++) {
		if (!vm_cpuset_has(pinned, i))
			continue;
		snprintf(path, sizeof(path), CPUS "cpu%u/topology/thread_siblings_list",
			 i);
		if (read_set(host, path, &core) == 0)
			vm_cpuset_add(ret_cpus, &core);
	}
}

/* Whether tasks in a unit may run where they are to; without the controller on all. */
static bool is_true(const struct host *host, const char *unit,
		    const struct vm_cpuset *wanted, const struct room *room)
{
	struct vm_cpuset now, allowed = *wanted;
	char path[sizeof(CGROUPS) + 64];
	char list[HOST_ATTRIBUTE_MAX];
	enum fact fact;

	vm_cpuset_keep(&allowed, &room->online);
	snprintf(path, sizeof(path), CGROUPS "%s/cpuset.cpus.effective", unit);
	fact = host_read(host, path, list, sizeof(list));
	if (fact == FACT_KNOWN)
		return vm_cpuset_parse(list, strlen(list), &now) == 0 &&
		       vm_cpuset_is_same(&now, &allowed);
	snprintf(path, sizeof(path), CGROUPS "%s", unit);
	/* A unit in which nothing runs gets it when something does. */
	return fact == FACT_ABSENT &&
	       (!host_exists(host, path) || vm_cpuset_is_same(&allowed, &room->online));
}

static int await(const struct host *host, const char *unit,
		 const struct vm_cpuset *wanted, const struct room *room,
		 struct error *err)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
	long long end = clock_now_ms() + TRUE_MS;

	while (!is_true(host, unit, wanted, room)) {
		if (clock_now_ms() >= end) {
			error_set(err, EIO, unit,
				  "systemd took %s, and /" CGROUPS
				  "%s/cpuset.cpus.effective is not so",
				  property, unit);
			error_hint(err, "journalctl -b says why");
			return -EIO;
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* An empty set: as if nobody had said. Then tasks are to run on `wanted`. */
static int set_unit(struct change *change, const char *unit, const struct vm_cpuset *set,
		    const struct vm_cpuset *wanted, const struct room *room,
		    struct error *err)
{
	_cleanup_free_ char *list = vm_cpuset_format(set), *value = NULL, *words = NULL;
	struct change_step step = { .kind = CHANGE_SET_UNIT, .target = (char *)unit };
	int r;

	if (!list || asprintf(&value, "%s=%s", property, list) < 0) {
		value = NULL;
		return error_oom(err);
	}
	if (asprintf(&words, "set %s", value) < 0) {
		words = NULL;
		return error_oom(err);
	}
	step.value = value;
	step.purpose = words;
	r = change_perform(change, &step, err);
	return r < 0 ? r : await(change_host(change), unit, wanted, room, err);
}

/*
 * A unit that nobody has said anything of gets all of them before that is so again:
 * systemd need not write anything where nothing is said
 * (https://github.com/systemd/systemd/issues/43846), and where it does the kernel refuses
 * to empty the set of a group that has tasks (validate_change(),
 * kernel/cgroup/cpuset.c).
 */
static int give_back(struct change *change, const char *unit,
		     const struct vm_cpuset *first, const struct room *room,
		     struct error *err)
{
	int r;

	if (!vm_cpuset_is_empty(first))
		return set_unit(change, unit, first, first, room, err);
	r = set_unit(change, unit, &room->possible, &room->possible, room, err);
	return r < 0 ? r : set_unit(change, unit, first, &room->possible, room, err);
}

/* Goes as far as it can. Returns 0, or -errno of the first that failed. */
static int give_all_back(struct change *change, const struct vm_isolation *isolation,
			 const struct room *room, struct error *err)
{
	int result = 0;

	for (size_t i = 0; i < VM_ISOLATE_UNITS; i++) {
		int r = give_back(change, vm_isolate_units[i], &isolation->first[i], room,
				  result < 0 ? NULL : err);

		result = result < 0 ? result : r;
	}
	if (result == 0)
		result = change_drop_state(change, kept_name);
	return result;
}

static int keep(struct change *change, const struct vm_isolation *isolation,
		struct error *err)
{
	_cleanup_free_ char *text = vm_isolation_format(isolation);

	return text ? change_keep_state(change, kept_name, text, err) : error_oom(err);
}

/* Keeps what is to be, before it is made so. */
static int apply(struct change *change, const struct vm_isolation *isolation,
		 const struct room *room, struct error *err)
{
	int r = keep(change, isolation, err);

	if (r == 0 && !isolation->n_guests)
		return give_all_back(change, isolation, room, err);
	for (size_t i = 0; r == 0 && i < VM_ISOLATE_UNITS; i++) {
		struct vm_cpuset left;

		vm_isolation_left(isolation, i, &room->possible, &left);
		r = set_unit(change, vm_isolate_units[i], &left, &left, room, err);
	}
	return r;
}

/* An empty set would be all of them to systemd. */
static int check_left(const struct vm_isolation *isolation, const char *guest,
		      const struct vm_cpuset *cpus, const struct room *room,
		      struct error *err)
{
	for (size_t i = 0; i < VM_ISOLATE_UNITS; i++) {
		_cleanup_free_ char *mine = vm_cpuset_format(cpus), *all = NULL;
		struct vm_cpuset left, before;

		vm_isolation_left(isolation, i, &room->possible, &left);
		vm_cpuset_keep(&left, &room->online);
		if (!vm_cpuset_is_empty(&left))
			continue;
		before = vm_cpuset_is_empty(&isolation->first[i]) ? room->online
								  : isolation->first[i];
		all = vm_cpuset_format(&before);
		if (!mine || !all)
			return error_oom(err);
		error_refuse(err, guest,
			     "its cores, CPUs %s, would leave %s none that is no guest's:"
			     " nothing was changed",
			     mine, vm_isolate_units[i]);
		error_evidence(err, "%s has CPUs %s", vm_isolate_units[i], all);
		for (size_t j = 0; j < isolation->n_guests; j++)
			if (strcmp(isolation->guests[j].guest, guest) != 0)
				error_evidence(err, "%s has cores of its own, too",
					       isolation->guests[j].guest);
		error_hint(err, "pin it to fewer (virsh edit), or end another one");
		return -EBUSY;
	}
	return 0;
}

static int read_kept(const struct host *host, struct vm_isolation *ret_isolation,
		     struct error *err)
{
	_cleanup_free_ char *text = NULL;
	int r = change_read_state(host, kept_name, &text);

	if (r == -ENOENT)
		return r;
	if (r == 0)
		r = vm_isolation_parse(text, strlen(text), ret_isolation);
	if (r < 0) {
		error_set(err, -r, "/run/pciferry/isolation.first",
			  "what guests have cores of their own is not known: %s",
			  strerror(-r));
		error_hint(err,
			   "remove it when none runs, and: systemctl set-property"
			   " --runtime system.slice %s= (user.slice, init.scope)",
			   property);
	}
	return r;
}

static int read_first(struct change *change, struct vm_isolation *ret_isolation,
		      struct error *err)
{
	for (size_t i = 0; i < VM_ISOLATE_UNITS; i++) {
		_cleanup_free_ char *list = NULL;
		int r = change_read_unit(change, vm_isolate_units[i], property, &list);

		if (r == 0)
			r = vm_cpuset_parse(list, strlen(list), &ret_isolation->first[i]);
		if (r == 0)
			continue;
		if (r == -ENODATA) {
			error_set(err, -r, vm_isolate_units[i],
				  "this systemd does not know %s", property);
			error_hint(err,
				   "systemd knows it since 244: systemctl --version");
		} else {
			error_set(err, -r, vm_isolate_units[i],
				  "systemctl does not tell its %s: %s", property,
				  strerror(-r));
			error_hint(err, "systemctl show %s says why",
				   vm_isolate_units[i]);
		}
		return r;
	}
	return 0;
}

/* err says why, and keeps saying it. */
static void roll_back(struct change *change, struct vm_isolation *isolation,
		      const char *guest, const struct room *room, struct error *err)
{
	struct error second = ERROR_INIT;

	vm_isolation_drop(isolation, guest);
	if (apply(change, isolation, room, &second) < 0)
		error_evidence(err,
			       "taking it back failed, too: %s: %s: pciferry vm hook run"
			       " -- %s release end - tries it again",
			       second.subject, second.message, guest);
	error_clear(&second);
}

int vm_isolate(struct change *change, const char *guest, const struct vm_cpuset *pinned,
	       struct error *err)
{
	_cleanup_(vm_isolation_free) struct vm_isolation isolation = { 0 };
	const struct host *host = change_host(change);
	struct vm_cpuset cpus;
	struct room room;
	long now = clock_now_s();
	int r = vm_isolate_check_host(host, err);

	if (r == 0)
		r = read_room(host, &room, err);
	if (r < 0)
		return r;
	r = read_kept(host, &isolation, err);
	if (r == -ENOENT)
		r = read_first(change, &isolation, err);
	if (r < 0)
		return r;
	take_cores(host, pinned, &cpus);
	vm_isolation_drop_ended(host, now, &isolation);
	if (vm_isolation_take(&isolation, guest, &cpus, now) < 0)
		return error_oom(err);
	r = check_left(&isolation, guest, &cpus, &room, err);
	if (r < 0)
		return r;
	r = apply(change, &isolation, &room, err);
	if (r < 0)
		roll_back(change, &isolation, guest, &room, err);
	return r;
}

bool vm_isolate_is_kept(const struct host *host)
{
	return host_exists(host, "run/pciferry/isolation.first");
}

int vm_isolate_end(struct change *change, const char *guest, struct error *err)
{
	_cleanup_(vm_isolation_free) struct vm_isolation isolation = { 0 };
	const struct host *host = change_host(change);
	struct room room;
	size_t before;
	int r = read_kept(host, &isolation, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	before = isolation.n_guests;
	vm_isolation_drop(&isolation, guest);
	vm_isolation_drop_ended(host, clock_now_s(), &isolation);
	/* With none at all, an earlier end was cut off. */
	if (before && isolation.n_guests == before)
		return 0;
	r = read_room(host, &room, err);
	return r < 0 ? r : apply(change, &isolation, &room, err);
}
