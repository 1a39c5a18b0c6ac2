/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomicfile.h"
#include "base/child.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/rooted.h"
#include "change/internal.h"
#include "host/claimed.h"

static int copy_text(char **ret_copy, const char *text)
{
	*ret_copy = text ? strdup(text) : NULL;
	return text && !*ret_copy ? -ENOMEM : 0;
}

static void step_free(struct change_step *step)
{
	free(step->device);
	free(step->target);
	free(step->value);
	free(step->purpose);
	free(step->disks);
	free(step->link);
	free(step->link_name);
}

int change_add(struct change_steps *steps, const struct change_step *step)
{
	struct change_step *larger, copy = { .kind = step->kind };

	larger = reallocarray(steps->items, steps->count + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	steps->items = larger;
	if (copy_text(&copy.device, step->device) < 0 ||
	    copy_text(&copy.target, step->target) < 0 ||
	    copy_text(&copy.value, step->value) < 0 ||
	    copy_text(&copy.purpose, step->purpose) < 0 ||
	    copy_text(&copy.disks, step->disks) < 0 ||
	    copy_text(&copy.link, step->link) < 0 ||
	    copy_text(&copy.link_name, step->link_name) < 0) {
		step_free(&copy);
		return -ENOMEM;
	}
	steps->items[steps->count++] = copy;
	return 0;
}

void change_steps_free(struct change_steps *steps)
{
	if (!steps)
		return;
	for (size_t i = 0; i < steps->count; i++)
		step_free(&steps->items[i]);
	free(steps->items);
	memset(steps, 0, sizeof(*steps));
}

static int write_attribute(const struct change *change, const struct change_step *step)
{
	_cleanup_close_ int fd = -1;
	ssize_t n;

	fd = rooted_open(host_root_fd(change->host), step->target, O_WRONLY, 0);
	if (fd < 0)
		return fd;
	/* One write(2): sysfs takes each as a value of its own (fs/kernfs/file.c). */
	n = write(fd, step->value, strlen(step->value));
	return n < 0 ? -errno : 0;
}

int change_perform_here(struct change *change, const struct change_step *step)
{
	if (step->kind == CHANGE_LOAD_MODULE)
		return change_load_module(step->target);
	if (step->kind == CHANGE_GIVE_NODE)
		return change_give_node(change, step->target, step->value);
	return write_attribute(change, step);
}

struct step_task {
	struct change *change;
	const struct change_step *step;
	int device_lock;
};

/*
 * Each disk that is still there, until this child ends. One without a medium, or that has
 * gone, is nobody's. The name of the first that is somebody's is the answer.
 */
static int claim_disks(const struct host *host, const char *disks, char *answer,
		       size_t *ret_len)
{
	char name[NAME_MAX + 1];

	for (size_t len; *disks; disks += len + (disks[len] == '\n')) {
		len = strcspn(disks, "\n");
		snprintf(name, sizeof(name), "%.*s", (int)len, disks);
		if (host_claim(host, name) != -EBUSY)
			continue;
		memcpy(answer, name, len);
		child_publish(ret_len, len);
		return -EBUSY;
	}
	return 0;
}

static int run_step(void *argument, char *answer, size_t *ret_len)
{
	struct step_task *task = argument;
	pid_t holder;
	int r;

	if (task->step->device) {
		task->device_lock =
			change_lock_device(task->change, task->step->device, 0, &holder);
		/* A deadline is the parent's to tell. */
		if (task->device_lock == -ETIMEDOUT)
			return -EBUSY;
		if (task->device_lock < 0)
			return task->device_lock;
	}
	r = task->step->disks
		    ? claim_disks(task->change->host, task->step->disks, answer, ret_len)
		    : 0;
	return r < 0 ? r : change_perform_here(task->change, task->step);
}

static void step_came_back(void *argument)
{
	const struct step_task *task = argument;
	struct change *change = task->change;

	if (task->step->device && task->device_lock >= 0 && change->options.came_back)
		change->options.came_back(change, task->step->device,
					  change->options.argument);
}

/* Whether what the step is for has come true. */
static int verify(const struct change *change, const struct change_step *step,
		  struct error *err)
{
	char name[NAME_MAX + 1];
	enum fact fact;

	if (!step->link)
		return 0;
	fact = host_link_name(change->host, step->link, name, sizeof(name));
	if (step->link_name ? fact == FACT_KNOWN && !strcmp(name, step->link_name)
			    : fact == FACT_ABSENT)
		return 0;
	return error_set(err, EIO, step->device,
			 "%s: the kernel took it, but /%s is now %s", step->purpose,
			 step->link,
			 fact == FACT_KNOWN    ? name
			 : fact == FACT_ABSENT ? "none"
					       : "unreadable");
}

static int explain_claimed(const struct change_step *step,
			   const struct child_answer *answer, struct error *err)
{
	error_refuse(err, step->device,
		     "%.*s was taken into use in the meantime, so the device stays",
		     (int)answer->len, answer->bytes);
	error_hint(err, "free it first (umount, swapoff, ...)");
	return -EBUSY;
}

static int explain(const struct change *change, const struct change_step *step, int r,
		   struct error *err)
{
	const char *subject = step->device ? step->device : step->target;

	if (r == -ETIMEDOUT) {
		error_set(err, ETIMEDOUT, subject,
			  "%s: the kernel has not come back from it after %u s",
			  step->purpose, change->options.deadline_ms / 1000);
		if (change->options.late)
			error_hint(err, "%s", change->options.late);
	} else if (step->kind == CHANGE_LOAD_MODULE && r == -ENOENT) {
		error_set(err, ENOENT, subject, "this kernel has no such module");
		error_hint(err, "install the module, or boot a kernel that has it");
	} else {
		error_set(err, -r, subject, "%s: %s", step->purpose, strerror(-r));
		error_hint(err, "the kernel log may say why: dmesg | tail");
	}
	return r;
}

int change_perform(struct change *change, const struct change_step *step,
		   struct error *err)
{
	struct step_task argument = { change, step, -1 };
	struct child_task task = {
		.run = run_step,
		.run_after_deadline = step_came_back,
		.argument = &argument,
		.deadline_ms = change->options.deadline_ms,
	};
	struct child_answer answer = { .len = 0 };
	int r;

	if (change->options.progress)
		change->options.progress(step, change->options.argument);
	r = child_run(&task, &answer, NULL);
	if (r == -EBUSY && answer.len)
		return explain_claimed(step, &answer, err);
	if (r < 0)
		return explain(change, step, r, err);
	return verify(change, step, err);
}
