/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_VM_USER_H
#define PCIFERRY_CLI_VM_USER_H

/* As whom a guest runs, whose devices only root can bind. */
#include "cli/take.h"
#include "vm/vm.h"

struct vm_user {
	struct launch_user user; /* without a name: whoever runs pciferry */
	char *home;		 /* whose folders are used; NULL: the system's */
	bool is_asked;		 /* by --user */
};

/*
 * Whom --user names, else who called sudo, where root is to run a guest; root himself is
 * no change. The options' user is the guest's now. For vm_user_free(), also on failure.
 */
int vm_user_choose(struct take_options *options, struct vm_user *ret_user,
		   struct error *err);
void vm_user_free(struct vm_user *user);

enum { VM_SESSION_SIZE = sizeof("/run/user/4294967295") };

/* Where a session of his keeps what runs (pam_systemd(8)), whether he has one or not. */
void vm_user_session(const struct vm_user *user, char buffer[VM_SESSION_SIZE]);

/*
 * change_create_file(), but as that user, in whose folder it may be. Returns what it
 * returns; -EEXIST is no error.
 */
int vm_user_create_file(const struct vm_user *user, const struct host *host,
			const char *path, const void *bytes, size_t len,
			struct error *err);

/* change_create_folder() and so on, in the same manner. */
int vm_user_create_folder(const struct vm_user *user, const struct host *host,
			  const char *path, struct error *err);
int vm_user_check_socket(const struct vm_user *user, const struct host *host,
			 const char *path, struct error *err);
void vm_user_remove_socket(const struct vm_user *user, const struct host *host,
			   const char *path);

/*
 * Gives the user the nodes of those groups of the plan of which this run has moved a
 * device, which are taken back with it. One that was on VFIO before has to be his:
 * refused where he was asked for, else root runs the guest, and that is said.
 */
int vm_user_give_nodes(const struct cli *cli, const struct host *host,
		       const struct take_options *options, const struct bind_plan *plan,
		       const struct pci_address *moved, size_t n_moved,
		       struct vm_user *user, struct error *err);

/*
 * The same for a node of which nothing was moved, `what` being what it is of and `done`
 * what was done with that, "bound": 0 or -EPERM.
 */
int vm_user_need_node(const struct cli *cli, const struct host *host, const char *path,
		      const char *what, const char *done, struct vm_user *user,
		      struct error *err);

#endif
