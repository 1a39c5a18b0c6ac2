/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_HOST_HOST_H
#define PCIFERRY_HOST_HOST_H

/*
 * The host being looked at: this machine ("/"), a directory that holds a copy of the
 * parts of another one's file system, or a recording of one. Every path is resolved
 * beneath its root (base/rooted.h), so neither a link nor ".." in a foreign tree reaches
 * this machine's files.
 *
 * Paths are given without a leading slash: "sys/bus/pci/devices".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct string_list;
struct host;

/* What is known of something. "Unreadable" is never the same as "not there". */
enum fact {
	FACT_ABSENT,
	FACT_KNOWN,
	FACT_UNREADABLE,
};

enum {
	/* A sysfs attribute is at most one page (fs/sysfs/file.c). */
	HOST_ATTRIBUTE_MAX = 4096,
	HOST_FILE_MAX = 64 << 20,

	/* The highest number of a NUMA node: kernels have up to 1024 of them
	 * (MAX_NUMNODES, include/linux/numa.h; NODES_SHIFT, arch/x86/Kconfig and
	 * arch/arm64/Kconfig). */
	HOST_NUMA_NODE_MAX = 1023,
};

/* Each sets *ret_host, which the caller frees, and returns 0, or returns -errno. */
int host_open_live(struct host **ret_host, struct error *err);
int host_open_directory(const char *path, struct host **ret_host, struct error *err);

/*
 * The root of a system that is mounted there and does not run, as from a rescue system:
 * its files can be changed.
 */
int host_open_root(const char *path, struct host **ret_host, struct error *err);

/*
 * A recording: the bytes of an archive that host_recording_write() made
 * (host/recording.h). `name` is for messages. Nothing is unpacked to disk. The bytes need
 * not outlive the call.
 */
int host_open_recording(const char *name, const void *bytes, size_t len,
			struct host **ret_host, struct error *err);
void host_free(struct host *host); /* takes NULL */

/* For _cleanup_(). */
static inline void host_cleanup(struct host *const *host)
{
	host_free(*host);
}

/* Whether it is this machine, whose state can be changed. */
bool host_is_live(const struct host *host);

/* Whether its files can be changed: this machine's, or a root's. */
bool host_is_writable(const struct host *host);

/* Whether its /sys is the kernel's own, so that reading it may wait for a driver. */
bool host_reads_may_hang(const struct host *host);

/* What to call it in a message: "this host", or the directory. */
const char *host_name(const struct host *host);

/*
 * The descriptor of its root, for change/, which alone writes. The host keeps it. -1: a
 * recording has none.
 */
int host_root_fd(const struct host *host);

/*
 * Reads an attribute: at most size - 1 bytes, white space cut off the end. The buffer is
 * "" unless FACT_KNOWN is returned. One that does not fit is unreadable.
 */
enum fact host_read(const struct host *host, const char *path, char *buffer, size_t size);

/* Attributes that hold a number, decimal or with 0x. */
enum fact host_read_number(const struct host *host, const char *path,
			   long long *ret_value);

/*
 * The number behind a word in one of the kernel's texts, "\nCapEff:" and to the base 16.
 * ABSENT: the text has no such word.
 */
enum fact host_read_behind(const struct host *host, const char *path, const char *word,
			   int base, uint64_t *ret_number);

/*
 * Reads a whole file, of at most HOST_FILE_MAX bytes; a NUL is put behind the last byte.
 * The caller frees *ret_bytes. Returns 0 or -errno.
 */
int host_read_file(const struct host *host, const char *path, char **ret_bytes,
		   size_t *ret_len);

/*
 * What a live host's kernel tells by system calls and no file holds: `make` asks it, and
 * writes the answer as text, of which the caller frees *ret_bytes. A directory holds the
 * text as a file at `path`, which begins with "pciferry/". Returns 0 or -errno.
 */
int host_read_made(const struct host *host, const char *path,
		   int (*make)(void *argument, char **ret_bytes, size_t *ret_len),
		   void *argument, char **ret_bytes, size_t *ret_len);

/*
 * The same for what the kernel may never answer: a child asks. Returns -ETIMEDOUT when it
 * has not answered within the deadline.
 */
int host_read_made_within(const struct host *host, const char *path,
			  unsigned int deadline_ms,
			  int (*make)(void *argument, char **ret_bytes, size_t *ret_len),
			  void *argument, char **ret_bytes, size_t *ret_len);

/* Which file it is, and when it was last written. */
struct host_status {
	unsigned long long device, inode; /* of two hosts, the same means nothing */
	unsigned long long size;
	long long mtime; /* nanoseconds since 1970 */
};

/* Of what is at the end of a path, links followed; a folder has a status, too. */
enum fact host_file_status(const struct host *host, const char *path,
			   struct host_status *ret_status);

/* Who may do what with a file. */
struct host_mode {
	unsigned int mode; /* the permissions, and set-user-ID and the like: 0755 */
	unsigned int owner;
};

/*
 * Of what is at the end of a path, links followed. FACT_UNREADABLE also of a recording
 * for which nobody has asked.
 */
enum fact host_file_mode(const struct host *host, const char *path,
			 struct host_mode *ret_mode);

/* A status as a line of text, without its end, and back (-EINVAL). */
enum { HOST_STATUS_SIZE = 96 };
const char *host_status_format(const struct host_status *status,
			       char buffer[HOST_STATUS_SIZE]);
int host_status_parse(const char *text, struct host_status *ret_status);

/*
 * Makes a text of the file that is open at fd, at its beginning, and whose status this
 * is; the caller frees it. Returns 0 or -errno.
 */
typedef int (*host_make_digest)(int fd, const struct host_status *status, void *argument,
				char **ret_text, size_t *ret_len);

/*
 * A file that is too large to be kept: `make` says in a text what matters of it. A
 * recording holds that text alone, as "pciferry/", the kind and the path. Returns 0 and
 * what `make` made, which the caller frees, or -errno; -EINVAL where it is no file.
 */
int host_read_digest(const struct host *host, const char *kind, const char *path,
		     host_make_digest make, void *argument, char **ret_text,
		     size_t *ret_len);

/* The last component of a link's target, or all of it. As host_read otherwise. */
enum fact host_link_name(const struct host *host, const char *path, char *buffer,
			 size_t size);
enum fact host_link_target(const struct host *host, const char *path, char *buffer,
			   size_t size);

bool host_exists(const struct host *host, const char *path);

/*
 * The names in a directory, sorted, without "." and "..", added to ret_names. Returns 0
 * or -errno; -ENOENT when there is no such directory.
 */
int host_list(const struct host *host, const char *path, struct string_list *ret_names);

/*
 * How many directories are in one of the kernel's /sys, those among them that belong to
 * another network namespace, which host_list() does not show: the number of its links
 * tells (fs/kernfs/inode.c, kernfs_refresh_inode). Of another host it is in the file
 * "pciferry/folders/" and the path.
 */
enum fact host_count_folders(const struct host *host, const char *path,
			     long long *ret_count);

/*
 * A directory that stays open while several attributes of it are read: one look-up
 * instead of one for each. The functions below take the name of an entry, never a path,
 * and do not follow it where it is a link.
 */
struct host_dir {
	const struct host *host;
	int fd; /* the rest is the backend's */
	const void *node;
	char *path;
};

/* Returns 0 or -errno; then there is nothing to close. */
int host_dir_open(const struct host *host, const char *path, struct host_dir *ret_dir);
enum fact host_dir_read(const struct host_dir *dir, const char *name, char *buffer,
			size_t size);
enum fact host_dir_link_target(const struct host_dir *dir, const char *name, char *buffer,
			       size_t size);
enum fact host_dir_link_name(const struct host_dir *dir, const char *name, char *buffer,
			     size_t size);
void host_dir_close(struct host_dir *dir);

/*
 * Reads attributes that take a lock of the kernel's: the device's, which is held for as
 * long as a driver's unbind or probe hangs, or the network's (rtnl_lock()). Where that
 * can happen a helper process reads them.
 *
 * paths[i] is read into facts[i] and texts[i], which the caller frees (NULL unless
 * known). When one does not answer within deadline_ms, stuck[i] is set, its fact is
 * unreadable, and the rest is read all the same. Returns 0 or -errno.
 */
int host_read_locked(const struct host *host, const char *const *paths, size_t count,
		     unsigned int deadline_ms, enum fact *facts, char **texts,
		     bool *stuck);

#endif
