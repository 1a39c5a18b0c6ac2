/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel tells only with the network's lock: a driver that hangs in a call of
 * the network's holds it, and whoever asks waits as long.
 *
 * A time-out of the socket's would not help, since it begins with an empty queue. A
 * request is carried out within sendmsg(): rtnetlink_rcv_msg() takes the lock by
 * rtnl_lock(), a mutex_lock() that no signal ends, and a dump's first part is made there,
 * too, under the same mutex (net/core/rtnetlink.c; netlink_dump() in
 * net/netlink/af_netlink.c, which recvmsg() calls for each further part). Later kernels
 * make some dumps without it (RTNL_FLAG_DUMP_UNLOCKED), and answer no RTM_GETLINK so.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/cleanup.h"
#include "host/host.h"

struct question {
	int (*make)(void *argument, char **ret_bytes, size_t *ret_len);
	void *argument;
	unsigned int deadline_ms;
	int fd; /* in memory: for more than a child's answer holds */
};

/* By memory that is shared: a write() is what tests of a change fail and delay. */
static int hand_over(int fd, const char *bytes, size_t len)
{
	void *shared;

	if (!len)
		return 0;
	if (ftruncate(fd, (off_t)len) < 0)
		return -errno;
	shared = mmap(NULL, len, PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		return -errno;
	memcpy(shared, bytes, len);
	munmap(shared, len);
	return 0;
}

static int make_in_child(void *argument, char *answer, size_t *ret_len)
{
	const struct question *question = argument;
	_cleanup_free_ char *bytes = NULL;
	size_t len;
	int r = question->make(question->argument, &bytes, &len);

	(void)answer, (void)ret_len;
	return r < 0 ? r : hand_over(question->fd, bytes, len);
}

static int read_all(int fd, char **ret_bytes, size_t *ret_len)
{
	_cleanup_free_ char *bytes = NULL;
	struct stat status;
	size_t done = 0;

	if (fstat(fd, &status) < 0)
		return -errno;
	bytes = malloc((size_t)status.st_size + 1);
	if (!bytes)
		return -ENOMEM;
	while (done < (size_t)status.st_size) {
		ssize_t n = pread(fd, bytes + done, (size_t)status.st_size - done,
				  (off_t)done);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += (size_t)n;
	}
	bytes[done] = '\0';
	*ret_bytes = steal(bytes);
	*ret_len = done;
	return 0;
}

static int ask_child(void *argument, char **ret_bytes, size_t *ret_len)
{
	struct question *question = argument;
	_cleanup_close_ int fd = memfd_create("pciferry", MFD_CLOEXEC);
	struct child_task task = {
		.run = make_in_child,
		.argument = question,
		.deadline_ms = question->deadline_ms,
		.only_looks = true,
	};
	int r;

	question->fd = fd;
	r = fd < 0 ? -errno : child_run(&task, NULL, NULL);
	return r < 0 ? r : read_all(fd, ret_bytes, ret_len);
}

int host_read_made_within(const struct host *host, const char *path,
			  unsigned int deadline_ms,
			  int (*make)(void *argument, char **ret_bytes, size_t *ret_len),
			  void *argument, char **ret_bytes, size_t *ret_len)
{
	struct question question = {
		.make = make,
		.argument = argument,
		.deadline_ms = deadline_ms,
	};

	return host_read_made(host, path, ask_child, &question, ret_bytes, ret_len);
}
