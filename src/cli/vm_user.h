/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_VM_USER_H
#define PCIFERRY_CLI_VM_USER_H

/* As whom a guest runs, whose devices only root can bind. */
#include "cli/take.h"
#include "vm/vm.h"

/*
 * Whom --user names, else who called sudo, where root is to run a guest; root himself is
 * no change. Sets the options' user as well, who then may open the groups. For
 * vm_user_free(), also on failure.
 */
struct vm_user {
	struct launch_user user;
	char *home;
};

int vm_user_choose(struct take_options *options, struct vm_user *ret_user,
		   struct error *err);
void vm_user_free(struct vm_user *user);

/*
 * change_create_file(), but as that user, in whose folder it may be. Returns what it
 * returns; -EEXIST is no error.
 */
int vm_user_create_file(const struct vm_user *user, const struct host *host,
			const char *path, const void *bytes, size_t len,
			struct error *err);

#endif
