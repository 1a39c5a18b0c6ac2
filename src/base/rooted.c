/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/rooted.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* As many links as the kernel follows in one path (MAXSYMLINKS, include/linux/namei.h).
 */
enum { MAX_LINKS = 40, MAX_DEPTH = 128 };

/* Not a cache of the host: whether this kernel offers the system call, for the process.
 */
static atomic_bool use_fallback;

void rooted_force_fallback(bool force)
{
	atomic_store(&use_fallback, force);
}

/* The walk: directories from the root to here, so that ".." needs no file system's word.
 */
struct walk {
	int fds[MAX_DEPTH];
	size_t depth; /* fds[0] is the caller's root and never closed here */
	char rest[PATH_MAX];
	int links;
};

static void walk_up_to(struct walk *walk, size_t depth)
{
	while (walk->depth > depth)
		close(walk->fds[--walk->depth]);
}

static void walk_end(struct walk *walk)
{
	walk_up_to(walk, 1);
}

/* Replaces the component just taken by the link's target, in front of what remains. */
static int walk_into_link(struct walk *walk, int link_fd, const char *remaining,
			  bool last)
{
	char target[PATH_MAX], joined[PATH_MAX];
	ssize_t n;
	int len;

	if (++walk->links > MAX_LINKS)
		return -ELOOP;
	n = readlinkat(link_fd, "", target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	if (target[0] == '/')
		walk_up_to(walk, 1);
	len = snprintf(joined, sizeof(joined), "%s%s%s", target, last ? "" : "/",
		       remaining);
	if (len < 0 || (size_t)len >= sizeof(joined))
		return -ENAMETOOLONG;
	memcpy(walk->rest, joined, (size_t)len + 1);
	return 0;
}

/* Takes the next component out of rest; NULL at the end. *ret_more: something follows it.
 */
static char *next_component(char *rest, char **ret_remaining, bool *ret_more)
{
	char *start = rest + strspn(rest, "/");
	char *end = start + strcspn(start, "/");

	if (!*start)
		return NULL;
	/* A trailing slash asks for a directory, as "name/." does. */
	*ret_more = *end != '\0';
	*ret_remaining = *end ? end + 1 : end;
	*end = '\0';
	return start;
}

/* Opens the last component, which is known not to be a link that must be followed. */
static int open_last(const struct walk *walk, const char *name, int flags, mode_t mode)
{
	int fd = openat(walk->fds[walk->depth - 1], name, flags | O_NOFOLLOW | O_CLOEXEC,
			mode);

	return fd < 0 ? -errno : fd;
}

static int walk_step(struct walk *walk, const char *name, const char *remaining,
		     bool last, int flags)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	fd = openat(walk->fds[walk->depth - 1], name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return last && errno == ENOENT && (flags & O_CREAT) ? 1 : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode)) {
		if (last && (flags & O_NOFOLLOW))
			return 1;
		return walk_into_link(walk, fd, remaining, last);
	}
	if (last)
		return 1;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if (walk->depth == MAX_DEPTH)
		return -ENAMETOOLONG;
	walk->fds[walk->depth++] = steal_fd(&fd);
	memmove(walk->rest, remaining, strlen(remaining) + 1);
	return 0;
}

static int open_by_walk(int root_fd, const char *path, int flags, mode_t mode)
{
	struct walk walk = { .fds = { root_fd }, .depth = 1 };
	int r;

	if (strlen(path) >= sizeof(walk.rest))
		return -ENAMETOOLONG;
	memcpy(walk.rest, path, strlen(path) + 1);
	for (;;) {
		char *remaining = NULL, *name;
		bool more = false;

		name = next_component(walk.rest, &remaining, &more);
		if (!name) {
			r = open_last(&walk, ".", flags & ~(O_CREAT | O_EXCL), mode);
			break;
		}
		if (!strcmp(name, ".") || !strcmp(name, "..")) {
			if (name[1] && walk.depth > 1)
				walk_up_to(&walk, walk.depth - 1);
			memmove(walk.rest, remaining, strlen(remaining) + 1);
			continue;
		}
		r = walk_step(&walk, name, remaining, !more, flags);
		if (r == 1)
			r = open_last(&walk, name, flags, mode);
		else if (r == 0)
			continue;
		break;
	}
	walk_end(&walk);
	return r;
}

int rooted_open(int root_fd, const char *path, int flags, mode_t mode)
{
	if (!*path)
		return -ENOENT;
	if (!atomic_load_explicit(&use_fallback, memory_order_relaxed)) {
		struct open_how how = {
			.flags = (unsigned int)(flags | O_CLOEXEC),
			.mode = flags & O_CREAT ? mode : 0,
			.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
		};
		long fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));

		if (fd >= 0)
			return (int)fd;
		/*
		 * EPERM: what some container sandboxes answer for calls unknown to them.
		 * EAGAIN: something was renamed or mounted, anywhere, while a ".." was
		 * looked up, so that the kernel does not vouch for it (openat2(2)).
		 * The walk keeps the directories that it came through and needs not ask.
		 */
		if (errno != ENOSYS && errno != EPERM && errno != EAGAIN)
			return -errno;
		if (errno == ENOSYS)
			rooted_force_fallback(true);
	}
	return open_by_walk(root_fd, path, flags, mode);
}

ssize_t rooted_readlink(int root_fd, const char *path, char *buffer, size_t size)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	ssize_t n;

	fd = rooted_open(root_fd, path, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	n = readlinkat(fd, "", buffer, size);
	if (n < 0 && errno == ENOENT && fstat(fd, &st) == 0 && !S_ISLNK(st.st_mode))
		return -EINVAL;
	if (n < 0)
		return -errno;
	if ((size_t)n >= size)
		return -ENAMETOOLONG;
	buffer[n] = '\0';
	return n;
}
