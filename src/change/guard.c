/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * While tools run, nobody else shall make images or take kernels away, and the machine
 * shall stay on.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/rooted.h"
#include "change/internal.h"
#include "change/perform.h"

enum { INHIBIT_MS = 3000 };

static const struct {
	const char *name;
	const char *path;
	enum {
		HELD_IF_LOCKED, /* by a record lock for writing, as fcntl(2) makes it */
		HELD_BY_US,	/* the same, which others keep to: taken for as long */
		HELD_IF_THERE,
	} kind;
} locks[] = {
	/* doc/spec/frontend-api.txt of dpkg, "Database Locking". */
	{ "dpkg", "var/lib/dpkg/lock-frontend", HELD_BY_US },
	{ "dpkg", "var/lib/dpkg/lock", HELD_IF_LOCKED },
	/* lib/rpmts.c and lib/rpmlock.c of rpm. */
	{ "rpm", "var/lib/rpm/.rpm.lock", HELD_IF_LOCKED },
	{ "rpm", "usr/lib/sysimage/rpm/.rpm.lock", HELD_IF_LOCKED },
	/* TRANSACTION_LOCK_FILEPATH of libdnf5. */
	{ "dnf", "run/dnf/rpmtransaction.lock", HELD_IF_LOCKED },
	/* pacman(8) leaves it behind where it is killed. */
	{ "pacman", "var/lib/pacman/db.lck", HELD_IF_THERE },
};

static bool has_tools(const struct change_edits *edits)
{
	for (size_t i = 0; i < edits->count; i++)
		if (edits->items[i].kind == EDIT_RUN)
			return true;
	return false;
}

static int refuse_held(const struct host *host, size_t index, pid_t holder,
		       struct error *err)
{
	char comm[64] = "", path[32], who[128] = "";
	int r;

	if (locks[index].kind == HELD_IF_THERE) {
		r = error_refuse(err, locks[index].name,
				 "the package manager is at work: nothing was changed");
		error_hint(err,
			   "try again when it has finished; where none runs, one was"
			   " killed: remove /%s",
			   locks[index].path);
		return r;
	}
	snprintf(path, sizeof(path), "proc/%d/comm", (int)holder);
	if (holder > 0)
		host_read(host, path, comm, sizeof(comm));
	if (holder > 0)
		snprintf(who, sizeof(who), " (process %d%s%s)", (int)holder,
			 comm[0] ? ", " : "", comm);
	r = error_refuse(err, locks[index].name,
			 "the package manager is at work%s: nothing was changed", who);
	error_hint(err, "try again when it has finished");
	return r;
}

static int hold_one(const struct host *host, size_t index, struct change_guard *guard,
		    struct error *err)
{
	bool ours = locks[index].kind == HELD_BY_US;
	_cleanup_close_ int fd = rooted_open(host_root_fd(host), locks[index].path,
					     ours ? O_RDWR : O_RDONLY, 0);
	struct flock lock = { .l_type = ours ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET };

	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	if (fd < 0)
		return change_explain_path(locks[index].path, fd, err);
	if (locks[index].kind == HELD_IF_THERE)
		return refuse_held(host, index, 0, err);
	if (ours && fcntl(fd, F_SETLK, &lock) == 0) {
		guard->packages = steal_fd(&fd);
		return 0;
	}
	if (fcntl(fd, F_GETLK, &lock) < 0)
		return change_explain_path(locks[index].path, -errno, err);
	return lock.l_type == F_UNLCK ? 0 : refuse_held(host, index, lock.l_pid, err);
}

/* Where there is no logind there is nobody to ask. */
static void stay_on(struct change_guard *guard)
{
	static char *const argv[] = {
		(char *)"systemd-inhibit",
		(char *)"--what=shutdown:sleep",
		(char *)"--who=pciferry",
		(char *)"--why=boot files are being written",
		(char *)"--mode=block",
		(char *)"cat",
		NULL,
	};

	companion_start("/usr/bin/systemd-inhibit", argv, INHIBIT_MS, &guard->inhibitor);
}

int change_guard_begin(const struct host *host, const struct change_edits *edits,
		       struct change_guard *guard, struct error *err)
{
	int r = 0;

	if (!has_tools(edits))
		return 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(locks); i++)
		r = hold_one(host, i, guard, err);
	if (r == 0 && host_is_live(host))
		stay_on(guard);
	return r;
}

void change_guard_end(struct change_guard *guard)
{
	companion_end(&guard->inhibitor, INHIBIT_MS);
	if (guard->packages >= 0)
		close(guard->packages);
	*guard = CHANGE_GUARD_INIT;
}
