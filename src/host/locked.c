/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Attributes whose show function takes the device lock: driver_override
 * (drivers/pci/pci-sysfs.c, driver_override_show) and sriov_numvfs among them. A reader
 * of one sleeps uninterruptibly for as long as another process holds the lock in an
 * unbind that hangs.
 */
#include <errno.h>
#include <string.h>

#include "base/child.h"
#include "host/backend.h"
#include "host/internal.h"

/* The answer is a run of records, each: fact (one byte), length (two bytes), text. */
enum { RECORD_HEAD = 3 };

/* The deadline of those that come after one that did not answer. */
enum { FURTHER_MS = 150 };

struct locked_read {
	const struct host *host;
	const char *const *paths;
	size_t count;
};

/* Reads as many as fit into the answer, from the first one on. */
static int read_in_child(void *argument, char *answer, size_t *ret_len)
{
	const struct locked_read *job = argument;
	size_t used = 0;

	for (size_t i = 0; i < job->count; i++) {
		char text[HOST_ATTRIBUTE_MAX];
		enum fact fact;
		size_t len;

		/* What came before is not this one's time. */
		if (!child_go_on())
			return -ECANCELED;
		fact = host_read(job->host, job->paths[i], text, sizeof(text));
		len = strlen(text);
		if (RECORD_HEAD + len > CHILD_ANSWER_MAX) {
			fact = FACT_UNREADABLE;
			len = 0;
		}
		if (used + RECORD_HEAD + len > CHILD_ANSWER_MAX)
			break;
		answer[used] = (char)fact;
		answer[used + 1] = (char)(len & 0xff);
		answer[used + 2] = (char)(len >> 8);
		memcpy(answer + used + RECORD_HEAD, text, len);
		used += RECORD_HEAD + len;
		child_publish(ret_len, used);
	}
	return 0;
}

/* Returns how many records the answer held, or -ENOMEM. */
static ssize_t unpack(const struct child_answer *answer, enum fact *facts, char **texts,
		      size_t room)
{
	size_t used = 0, n = 0;

	while (used + RECORD_HEAD <= answer->len && n < room) {
		const unsigned char *head = (const unsigned char *)answer->bytes + used;
		size_t len = head[1] | (size_t)head[2] << 8;

		facts[n] = (enum fact)head[0];
		if (facts[n] == FACT_KNOWN) {
			texts[n] = strndup((const char *)head + RECORD_HEAD, len);
			if (!texts[n])
				return -ENOMEM;
		}
		used += RECORD_HEAD + len;
		n++;
	}
	return (ssize_t)n;
}

static int read_directly(const struct host *host, const char *const *paths, size_t count,
			 enum fact *facts, char **texts)
{
	for (size_t i = 0; i < count; i++) {
		char text[HOST_ATTRIBUTE_MAX];

		facts[i] = host_read(host, paths[i], text, sizeof(text));
		if (facts[i] != FACT_KNOWN)
			continue;
		texts[i] = strdup(text);
		if (!texts[i])
			return -ENOMEM;
	}
	return 0;
}

/* What a child reads, a recording in this process does not see. */
static void keep_reads(const struct host *host, const char *const *paths,
		       const enum fact *facts, char *const *texts, size_t count)
{
	for (size_t i = 0; host->recording && i < count; i++)
		host_recording_keep_read(host, paths[i], facts[i], texts[i]);
}

int host_read_locked(const struct host *host, const char *const *paths, size_t count,
		     unsigned int deadline_ms, enum fact *facts, char **texts,
		     bool *stuck)
{
	size_t done = 0;

	for (size_t i = 0; i < count; i++) {
		facts[i] = FACT_UNREADABLE;
		texts[i] = NULL;
		stuck[i] = false;
	}
	if (!host_reads_may_hang(host))
		return read_directly(host, paths, count, facts, texts);
	while (done < count) {
		struct locked_read job = { host, paths + done, count - done };
		struct child_task task = {
			.run = read_in_child,
			.argument = &job,
			.deadline_ms = deadline_ms,
			.only_looks = true,
		};
		struct child_answer answer = { .len = 0 };
		ssize_t n;
		int r;

		r = child_run(&task, &answer, NULL);
		if (r < 0 && r != -ETIMEDOUT)
			return r;
		n = unpack(&answer, facts + done, texts + done, count - done);
		if (n < 0)
			return (int)n;
		done += (size_t)n;
		keep_reads(host, paths + done - n, facts + done - n, texts + done - n,
			   (size_t)n);
		if (r == -ETIMEDOUT && done < count) {
			stuck[done++] = true;
			/* One had the whole time; a host with many of them must answer
			 * too. */
			deadline_ms = deadline_ms < FURTHER_MS ? deadline_ms : FURTHER_MS;
		} else if (r == 0 && n == 0) {
			return -EIO;
		}
	}
	return 0;
}
