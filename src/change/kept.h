/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_CHANGE_KEPT_H
#define PCIFERRY_CHANGE_KEPT_H

/* All of a file but its bytes: what is given back with them. */
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct json_object;

struct change_attribute {
	char *name; /* "security.selinux" */
	void *value;
	size_t len;
};

struct change_kept {
	mode_t mode;
	uid_t uid;
	gid_t gid;
	struct timespec times[2];	     /* of the last access and the last writing */
	bool has_times;			     /* false: those of now */
	struct change_attribute *attributes; /* extended ones */
	size_t n_attributes;
	bool has_attributes; /* false: those that the folder gives */
};

/* That of a file open at fd, which may be O_PATH: then by its path in /proc. 0 or -errno.
 */
int change_keep(int fd, struct change_kept *ret_kept);
void change_kept_free(struct change_kept *kept); /* takes NULL */

/* Whether it is the same; when the file was last read tells nothing. */
bool change_kept_is_same(const struct change_kept *a, const struct change_kept *b);

/* Gives a file open at fd all of it; for atomic_replace_prepared(). 0 or -errno. */
int change_give_back(int fd, const void *kept);

/* As members of an object, and back. Returns 0, -ENOMEM or -EINVAL. */
int change_kept_format(const struct change_kept *kept, struct json_object *object);
int change_kept_parse(struct json_object *object, struct change_kept *ret_kept);

#endif
