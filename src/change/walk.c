/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steps, one after the other, in a child: what sleeps in the kernel is not this process.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "change/internal.h"
#include "host/claimed.h"

/* How far a child has come: its answer. */
struct place {
	size_t index;
	bool untrue; /* the kernel took it, and what it is for has not come true */
	char disk[NAME_MAX + 1];       /* that is somebody's; "": none */
	char reason[HOST_REASON_SIZE]; /* the kernel's own words; "": none */
};

struct walk {
	struct change *change;
	const struct change_step *steps;
	size_t count;
	const char *device; /* whose lock is held; NULL: none */
	int device_lock;
	struct place place;
	int result; /* in the child, when it is through */
	struct child *child;
};

/* What is claimed for the length of a step. */
struct claims {
	int *fds;
	size_t count;
};

static void claims_end(struct claims *claims)
{
	for (size_t i = 0; i < claims->count; i++)
		close(claims->fds[i]);
	free(claims->fds);
}

/* Each disk that is still there. One without a medium, or that has gone, is nobody's. */
static int claim_disks(struct walk *walk, const struct string_list *disks,
		       struct claims *claims)
{
	claims->fds = calloc(disks->count + 1, sizeof(*claims->fds));
	if (!claims->fds)
		return -ENOMEM;
	for (size_t i = 0; i < disks->count; i++) {
		int fd = host_claim(walk->change->host, disks->items[i]);

		if (fd >= 0)
			claims->fds[claims->count++] = fd;
		if (fd != -EBUSY)
			continue;
		snprintf(walk->place.disk, sizeof(walk->place.disk), "%s",
			 disks->items[i]);
		return -EBUSY;
	}
	return 0;
}

static void let_go(struct walk *walk)
{
	if (walk->device)
		close(walk->device_lock);
	walk->device = NULL;
}

/* From one device to the next: only the one at hand is not to be touched by others. */
static int hold_device(struct walk *walk, const char *device)
{
	pid_t holder;

	if (!device || (walk->device && !strcmp(walk->device, device)))
		return 0;
	let_go(walk);
	walk->device_lock = change_lock_device(walk->change, device, 0, &holder);
	/* A deadline is the parent's to tell. */
	if (walk->device_lock < 0)
		return walk->device_lock == -ETIMEDOUT ? -EBUSY : walk->device_lock;
	walk->device = device;
	if (child_go_on())
		return 0;
	/* Who was killed, or has given up, may have left it to another one by now. */
	let_go(walk);
	return -ECANCELED;
}

/* Whether what the step is for has come true; else `name` is what there is instead. */
static bool is_true(const struct host *host, const struct change_step *step,
		    char name[NAME_MAX + 1])
{
	enum fact fact;

	if (step->kind == CHANGE_SET_FUNCTION)
		return change_function_is_set(host, step, name);
	if (step->reads) {
		fact = host_read(host, step->target, name, NAME_MAX + 1);
		if (fact == FACT_KNOWN && !strcmp(name, step->reads))
			return true;
		if (fact != FACT_KNOWN)
			snprintf(name, NAME_MAX + 1, "unreadable");
		return false;
	}
	if (!step->link)
		return true;
	fact = host_link_name(host, step->link, name, NAME_MAX + 1);
	if (step->link_name ? fact == FACT_KNOWN && !strcmp(name, step->link_name)
			    : fact == FACT_ABSENT)
		return true;
	if (fact != FACT_KNOWN)
		snprintf(name, NAME_MAX + 1, "%s",
			 fact == FACT_ABSENT ? "none" : "unreadable");
	return false;
}

static int run_step(struct walk *walk, const struct change_step *step)
{
	_cleanup_(claims_end) struct claims claims = { 0 };
	char name[NAME_MAX + 1];
	int r = hold_device(walk, step->device);

	if (r == 0)
		r = claim_disks(walk, &step->disks, &claims);
	/* A disk may have been long in answering. */
	if (r == 0 && claims.count && !child_go_on())
		r = -ECANCELED;
	if (r == 0)
		r = change_do(walk->change, step, walk->place.reason);
	walk->place.untrue = r == 0 && !is_true(walk->change->host, step, name);
	return walk->place.untrue ? -EIO : r;
}

static void publish(const struct walk *walk, char *answer, size_t *ret_len)
{
	memcpy(answer, &walk->place, sizeof(walk->place));
	child_publish(ret_len, sizeof(walk->place));
}

static int run_in_child(void *argument, char *answer, size_t *ret_len)
{
	struct walk *walk = argument;
	int r = 0;

	for (size_t i = 0; r == 0 && i < walk->count; i++) {
		/* Of what was given up, no more than the step that was under way. */
		if (!child_go_on())
			return -ECANCELED;
		walk->place.index = i;
		publish(walk, answer, ret_len);
		r = run_step(walk, &walk->steps[i]);
	}
	publish(walk, answer, ret_len);
	walk->result = r;
	return r;
}

static void come_back(void *argument)
{
	const struct walk *walk = argument;
	struct change *change = walk->change;

	change->late_result = walk->result;
	if (walk->device && change->options.came_back)
		change->options.came_back(change, walk->device, change->options.argument);
}

static void explain_untrue(const struct change *change, const struct change_step *step,
			   struct error *err)
{
	char name[NAME_MAX + 1] = "as it was to be, too late";

	is_true(change->host, step, name);
	error_set(err, EIO, step->device, "%s: the kernel took it, but /%s is now %s",
		  step->purpose, step->link ? step->link : step->target,
		  name[0] ? name : "empty");
}

bool change_device_is_there(const struct host *host, const char *device)
{
	char path[NAME_MAX + 1];

	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s", device);
	return host_exists(host, path);
}

/* A UUID, which has no colon, is that of a device which may be the step's to make. */
static bool has_gone(const struct change *change, const struct change_step *step)
{
	return step->device && strchr(step->device, ':') &&
	       !change_device_is_there(change->host, step->device);
}

/* Why a write to an attribute failed. */
static void explain_write(const struct change *change, const struct change_step *step,
			  int r, struct error *err)
{
	const char *subject = step->device ? step->device : step->target;

	if (has_gone(change, step)) {
		error_set(err, ENODEV, subject, "%s: it is no longer there",
			  step->purpose);
		error_hint(err, "it was unplugged or removed in the meantime");
	} else if (r == -ENOENT && step->link_name &&
		   !host_exists(change->host, step->target)) {
		error_set(err, ENOENT, subject, "%s: there is no such driver",
			  step->purpose);
		error_hint(err, "install or load its module: modprobe %s",
			   step->link_name);
	} else if (r == -ECHILD) {
		error_set(err, ECHILD, subject, "%s: the process that did it died",
			  step->purpose);
		error_hint(err, "the kernel log may say why: dmesg | tail");
	} else {
		error_set(err, -r, subject, "%s: %s", step->purpose, strerror(-r));
		error_hint(err, "the kernel log may say why: dmesg | tail");
	}
}

static bool is_of_unit(const struct change_step *step)
{
	return step->kind == CHANGE_STOP_UNIT || step->kind == CHANGE_START_UNIT ||
	       step->kind == CHANGE_SET_UNIT;
}

static void explain(const struct change *change, const struct change_step *step,
		    const struct place *place, int r, struct error *err)
{
	const char *subject = step->device ? step->device : step->target;

	if (r == -EBUSY && place->disk[0]) {
		error_refuse(err, subject,
			     "%s was taken into use in the meantime, so the device"
			     " stays",
			     place->disk);
		error_hint(err, "free it first (umount, swapoff, ...)");
	} else if (step->kind == CHANGE_SET_FUNCTION && r != -ETIMEDOUT) {
		change_explain_function(change, step, r, place->untrue, place->reason,
					err);
	} else if (place->untrue && !has_gone(change, step)) {
		explain_untrue(change, step, err);
	} else if (is_of_unit(step)) {
		error_set(err, -r, subject,
			  r == -ETIMEDOUT ? "%s: systemctl takes longer than %u s"
					  : "%s: systemctl failed",
			  step->purpose, change->options.deadline_ms / 1000);
		error_hint(err, "systemctl status %s says why; --timeout gives it longer",
			   step->target);
	} else if (r == -ETIMEDOUT) {
		error_set(err, ETIMEDOUT, subject,
			  "%s: the kernel has not come back from it after %u s",
			  step->purpose, change->options.deadline_ms / 1000);
		if (change->options.late)
			error_hint(err, "%s", change->options.late);
	} else if (step->kind == CHANGE_COPY_ATTRIBUTE && r == -EIO) {
		/* Why not is for who knows the device to say. */
		error_set(err, EIO, subject, "the kernel finds no ROM there");
	} else if (step->kind == CHANGE_UNLOAD_MODULE && r == -EBUSY) {
		error_set(err, EBUSY, subject, "%s: it is in use", step->purpose);
		error_hint(err, "end what uses it (nvidia-smi, lsof /dev/nvidia*)");
	} else if (step->kind == CHANGE_LOAD_MODULE && r == -ENOENT) {
		error_set(err, ENOENT, subject, "this kernel has no such module");
		error_hint(err, "install the module, or boot a kernel that has it");
	} else {
		explain_write(change, step, r, err);
	}
}

/* Waits for one child. */
static int join(struct walk *walk, struct error *err)
{
	struct child_answer answer = { .len = 0 };
	struct place place = { 0 };
	int r = child_join(walk->child, &answer, NULL);

	if (answer.len == sizeof(place))
		memcpy(&place, answer.bytes, sizeof(place));
	if (r < 0)
		explain(walk->change, &walk->steps[place.index], &place, r, err);
	return r;
}

/*
 * One failure is the error, what else failed is evidence. Where something hangs that is
 * it: callers must not touch what it is about.
 */
static void gather(struct error *failure, int r, int *result, struct error *err)
{
	if (r < 0 && (*result == 0 || (r == -ETIMEDOUT && *result != -ETIMEDOUT))) {
		const struct error error = *err;
		int before = *result;

		*err = *failure;
		*result = r;
		*failure = error;
		r = before;
	}
	if (r < 0)
		error_evidence(err, "%s: %s", failure->subject, failure->message);
	error_clear(failure);
}

int change_perform_all(struct change *change, const struct change_steps *lists,
		       size_t count, struct error *err)
{
	_cleanup_free_ struct walk *walks = calloc(count + 1, sizeof(*walks));
	_cleanup_free_ struct child_task *tasks = calloc(count + 1, sizeof(*tasks));
	_cleanup_(error_clear) struct error unwanted = ERROR_INIT;
	int result = 0;

	if (!err)
		err = &unwanted;
	if (!walks || !tasks)
		return error_oom(err);
	for (size_t i = 0; i < count; i++) {
		struct error failure = ERROR_INIT;
		int r;

		if (!lists[i].count)
			continue;
		walks[i] = (struct walk){ .change = change,
					  .steps = lists[i].items,
					  .count = lists[i].count,
					  .device_lock = -1 };
		tasks[i] = (struct child_task){
			.run = run_in_child,
			.run_after_deadline = come_back,
			.argument = &walks[i],
			.deadline_ms = change->options.deadline_ms,
		};
		for (size_t j = 0; change->options.progress && j < lists[i].count; j++)
			change->options.progress(&lists[i].items[j],
						 change->options.argument);
		r = child_start(&tasks[i], &walks[i].child);
		if (r < 0)
			explain(change, &lists[i].items[0], &walks[i].place, r, &failure);
		gather(&failure, r, &result, err);
	}
	for (size_t i = 0; i < count; i++) {
		struct error failure = ERROR_INIT;

		if (walks[i].child)
			gather(&failure, join(&walks[i], &failure), &result, err);
	}
	return result;
}

int change_perform(struct change *change, const struct change_step *step,
		   struct error *err)
{
	const struct change_steps list = { (struct change_step *)step, 1 };

	return change_perform_all(change, &list, 1, err);
}
