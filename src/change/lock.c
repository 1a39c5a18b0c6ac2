/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/rooted.h"
#include "change/internal.h"

/* How often a lock that is taken is tried again. */
enum { RETRY_MS = 20 };

static void sleep_ms(unsigned int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000,
			       .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&ts, NULL);
}

/*
 * A record lock (fcntl), which a child does not inherit: one that hangs in the kernel,
 * such as a reader of an attribute, must not hold what its parent held. It is this
 * process's as long as nothing in it closes the file, which nothing else opens.
 */
static struct flock whole_file(void)
{
	return (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
}

static pid_t find_holder(int fd)
{
	struct flock lock = whole_file();

	return fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? lock.l_pid : 0;
}

/* Of a file in the folder; as change_lock_device(). */
static int take_lock(int dir, const char *name, unsigned int wait_ms, pid_t *ret_holder)
{
	_cleanup_close_ int fd = -1;
	struct flock lock = whole_file();

	fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	for (unsigned int waited = 0; fcntl(fd, F_SETLK, &lock) < 0; waited += RETRY_MS) {
		if (errno != EACCES && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (waited >= wait_ms) {
			*ret_holder = find_holder(fd);
			return -ETIMEDOUT;
		}
		sleep_ms(RETRY_MS);
	}
	return steal_fd(&fd);
}

bool change_is_busy(const struct host *host)
{
	_cleanup_close_ int fd =
		rooted_open(host_root_fd(host), "run/pciferry/lock", O_RDONLY, 0);

	return fd >= 0 && find_holder(fd) != 0;
}

int change_lock_device(const struct change *change, const char *device,
		       unsigned int wait_ms, pid_t *ret_holder)
{
	char name[NAME_MAX + 1];

	snprintf(name, sizeof(name), "%s.lock", device);
	return take_lock(change->run_dir, name, wait_ms, ret_holder);
}

void change_hint_at_run(int code, struct error *err)
{
	if (code == EACCES || code == EPERM)
		error_hint(err, "changing devices needs root: run it with sudo");
	else if (code == EROFS)
		error_hint(err, "/run has to be writable: mount -o remount,rw /run");
	else if (code == ENOSPC)
		error_hint(err, "make room: df -h /run and df -i /run show what is full");
}

int change_wait_for_device(struct change *change, const char *device,
			   unsigned int wait_ms, struct error *err)
{
	pid_t holder = 0;
	int fd = change_lock_device(change, device, wait_ms, &holder);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (fd == -ETIMEDOUT)
		return error_set(
			err, ETIMEDOUT, device,
			"an earlier step on it still hangs in the kernel (process %d)",
			(int)holder);
	error_set(err, -fd, device, "its lock: %s", strerror(-fd));
	change_hint_at_run(-fd, err);
	return fd;
}

/* Signals that a person or a shutdown sends: they wait until the change is whole. */
static void hold_signals(sigset_t *ret_old)
{
	static const int held[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		sigaddset(&set, held[i]);
	sigprocmask(SIG_BLOCK, &set, ret_old);
}

/* Whoever could write there would say what a device was like first. */
static int check_run_dir(int fd, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set(err, errno, "/run/pciferry", "%s", strerror(errno));
	if (st.st_uid == geteuid() && !(st.st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	error_set(err, EPERM, "/run/pciferry", "others than root may write to it");
	error_hint(err, "look at what is in it, and remove it: it is made anew");
	return -EPERM;
}

static int open_run_dir(const struct host *host, struct error *err)
{
	_cleanup_close_ int fd = -1;
	_cleanup_close_ int run =
		rooted_open(host_root_fd(host), "run", O_PATH | O_DIRECTORY, 0);

	if (run < 0)
		return error_set(err, -run, "/run", "%s", strerror(-run));
	if (mkdirat(run, "pciferry", 0755) < 0 && errno != EEXIST) {
		int code = errno;

		error_set(err, code, "/run/pciferry", "%s", strerror(code));
		change_hint_at_run(code, err);
		return -code;
	}
	fd = openat(run, "pciferry", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP)) {
		error_set(err, ENOTDIR, "/run/pciferry", "it is a link or a file");
		error_hint(err, "remove it: the folder is made anew");
		return -ENOTDIR;
	}
	if (fd < 0)
		return error_set(err, errno, "/run/pciferry", "%s", strerror(errno));
	return check_run_dir(fd, err) < 0 ? -EPERM : steal_fd(&fd);
}

int change_check_host(const struct host *host, struct error *err)
{
	if (host_is_writable(host))
		return 0;
	error_set(err, EROFS, host_name(host), "it is a copy, and cannot be changed");
	error_hint(err, "leave --host away to change this machine");
	return -EROFS;
}

int change_begin(const struct host *host, const struct change_options *options,
		 unsigned int wait_ms, struct change **ret_change, struct error *err)
{
	struct change *change;
	pid_t holder = 0;

	if (change_check_host(host, err) < 0)
		return -EROFS;
	if (geteuid() != 0) {
		error_set(err, EPERM, "", "changing devices needs root");
		error_hint(err, "run it with sudo");
		return -EPERM;
	}
	change = calloc(1, sizeof(*change));
	if (!change)
		return error_oom(err);
	change->host = host;
	change->options = *options;
	change->lock = -1;
	change->run_dir = open_run_dir(host, err);
	if (change->run_dir < 0) {
		int r = change->run_dir;

		free(change);
		return r;
	}
	change->lock = take_lock(change->run_dir, "lock", wait_ms, &holder);
	if (change->lock < 0) {
		int r = change->lock;

		close(change->run_dir);
		free(change);
		if (r != -ETIMEDOUT) {
			error_set(err, -r, "/run/pciferry/lock", "%s", strerror(-r));
			change_hint_at_run(-r, err);
			return r;
		}
		error_set(err, EBUSY, "",
			  "another pciferry (process %d) is changing this host",
			  (int)holder);
		error_hint(err, "try again when it has finished");
		return -EBUSY;
	}
	hold_signals(&change->old_signals);
	change_close_roms(change);
	*ret_change = change;
	return 0;
}

void change_end(struct change *change)
{
	if (!change)
		return;
	sigprocmask(SIG_SETMASK, &change->old_signals, NULL);
	close(change->lock);
	close(change->run_dir);
	free(change);
}

unsigned int change_deadline_ms(const struct change *change)
{
	return change->options.deadline_ms;
}

int change_late_result(const struct change *change)
{
	return change->late_result;
}

const struct host *change_host(const struct change *change)
{
	return change->host;
}
