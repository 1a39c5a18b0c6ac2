/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomicfile.h"
#include "base/cleanup.h"
#include "base/rooted.h"
#include "change/internal.h"

static int copy_text(char **ret_copy, const char *text)
{
	*ret_copy = text ? strdup(text) : NULL;
	return text && !*ret_copy ? -ENOMEM : 0;
}

static int copy_list(struct string_list *ret_copy, const struct string_list *list)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->count; i++)
		r = string_list_add(ret_copy, list->items[i]);
	return r;
}

static void step_free(struct change_step *step)
{
	free(step->device);
	free(step->target);
	free(step->value);
	free(step->purpose);
	string_list_free(&step->disks);
	free(step->link);
	free(step->link_name);
	free(step->reads);
}

int change_add(struct change_steps *steps, const struct change_step *step)
{
	struct change_step *larger, copy = { .kind = step->kind, .copy = step->copy };

	larger = reallocarray(steps->items, steps->count + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	steps->items = larger;
	if (copy_text(&copy.device, step->device) < 0 ||
	    copy_text(&copy.target, step->target) < 0 ||
	    copy_text(&copy.value, step->value) < 0 ||
	    copy_text(&copy.purpose, step->purpose) < 0 ||
	    copy_list(&copy.disks, &step->disks) < 0 ||
	    copy_text(&copy.link, step->link) < 0 ||
	    copy_text(&copy.link_name, step->link_name) < 0 ||
	    copy_text(&copy.reads, step->reads) < 0) {
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

int change_do(const struct change *change, const struct change_step *step,
	      char reason[HOST_REASON_SIZE])
{
	switch (step->kind) {
	case CHANGE_LOAD_MODULE:
		return change_load_module(step->target);
	case CHANGE_UNLOAD_MODULE:
		return change_unload_module(step->target);
	case CHANGE_GIVE_NODE:
		return change_give_node(change, step->target, step->value);
	case CHANGE_STOP_UNIT:
		return change_order_unit(change, "stop", step->target);
	case CHANGE_START_UNIT:
		return change_order_unit(change, "start", step->target);
	case CHANGE_SET_UNIT:
		return change_set_unit(change, step->target, step->value);
	case CHANGE_SET_FUNCTION:
		return change_set_function(step, reason);
	case CHANGE_COPY_ATTRIBUTE:
		return change_copy_attribute(change, step);
	case CHANGE_WRITE_ATTRIBUTE:
		break;
	}
	return write_attribute(change, step);
}

int change_perform_here(struct change *change, const struct change_step *step)
{
	return change_do(change, step, NULL);
}
