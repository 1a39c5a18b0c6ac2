/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/claimed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/child.h"
#include "base/cleanup.h"
#include "base/rooted.h"
#include "host/backend.h"

struct asked {
	const struct host *host;
	const char *const *names;
	size_t count;
};

/* Whether the node is the device of that name: /dev may be a container's. */
static bool is_its_node(const struct host *host, const char *name, const char *node)
{
	char path[PATH_MAX], number[32], wanted[32];
	_cleanup_close_ int fd = rooted_open(host->root, node, O_PATH, 0);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISBLK(status.st_mode))
		return false;
	snprintf(path, sizeof(path), "sys/class/block/%s/dev", name);
	snprintf(number, sizeof(number), "%u:%u", major(status.st_rdev),
		 minor(status.st_rdev));
	return host_read(host, path, wanted, sizeof(wanted)) == FACT_KNOWN &&
	       !strcmp(number, wanted);
}

int host_claim(const struct host *host, const char *name)
{
	char node[NAME_MAX + 8];

	snprintf(node, sizeof(node), "dev/%s", name);
	/* The kernel's "cciss!c0d0" is "cciss/c0d0" in /dev. */
	for (char *at = node; (at = strchr(at, '!'));)
		*at = '/';
	if (!is_its_node(host, name, node))
		return -ENODEV;
	return rooted_open(host->root, node, O_RDONLY | O_EXCL | O_NONBLOCK, 0);
}

static enum host_claim ask(const struct host *host, const char *name)
{
	_cleanup_close_ int fd = host_claim(host, name);

	/* It is claimed before the driver is asked: what that says comes too late. */
	if (fd >= 0 || fd == -ENOMEDIUM || fd == -ENXIO)
		return HOST_CLAIM_NONE;
	return fd == -EBUSY ? HOST_CLAIM_HELD : HOST_CLAIM_UNKNOWN;
}

/* A byte for each. */
static int ask_in_child(void *argument, char *answer, size_t *ret_len)
{
	const struct asked *asked = argument;

	for (size_t i = 0; i < asked->count && i < CHILD_ANSWER_MAX && child_go_on();
	     i++) {
		answer[i] = (char)ask(asked->host, asked->names[i]);
		child_publish(ret_len, i + 1);
	}
	return 0;
}

/* Of what the child has not told, for whatever reason, it stays unknown. */
static void ask_all(const struct asked *asked, unsigned int deadline_ms,
		    enum host_claim *ret_claims)
{
	struct child_task task = {
		.run = ask_in_child,
		.argument = (void *)asked,
		.deadline_ms = deadline_ms,
	};
	struct child_answer answer = { .len = 0 };

	child_run(&task, &answer, NULL);
	for (size_t i = 0; i < answer.len; i++)
		ret_claims[i] = (enum host_claim)answer.bytes[i];
}

static enum host_claim look_up(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) != 0)
			continue;
		if (!strncmp(line + len, " ?", 2))
			return HOST_CLAIM_UNKNOWN;
		if (!line[len] || line[len] == '\n')
			return HOST_CLAIM_HELD;
	}
	return HOST_CLAIM_NONE;
}

int host_find_claimed(const struct host *host, const char *const *names, size_t count,
		      unsigned int deadline_ms, enum host_claim *ret_claims)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	for (size_t i = 0; i < count; i++)
		ret_claims[i] = host->live ? HOST_CLAIM_UNKNOWN : HOST_CLAIM_NONE;
	/* More than fit into an answer stay unknown. */
	if (host->live) {
		ask_all(&(struct asked){ host, names, count }, deadline_ms, ret_claims);
		return 0;
	}
	r = host_read_file(host, "pciferry/claimed", &text, &len);
	for (size_t i = 0; r == 0 && i < count; i++)
		ret_claims[i] = look_up(text, names[i]);
	return r == -ENOMEM ? r : 0;
}
