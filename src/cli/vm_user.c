/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/vm_user.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "change/change.h"
#include "cli/output.h"
#include "host/node.h"

/* On a file system over a network, too. */
enum { CREATE_MS = 30000 };

/* sudo tells who called it (sudo(8), ENVIRONMENT). */
static int find_caller(struct take_options *options, struct error *err)
{
	const char *caller = getenv("SUDO_USER");

	if (options->user || !caller || geteuid() != 0)
		return 0;
	if (take_parse_user(caller, options, err) == 0)
		return 0;
	error_hint(err, "$SUDO_USER names him: --user root runs QEMU as root");
	return -EINVAL;
}

/* Whose folders are to be used: root's guests have one of the system's. */
static int take_home(struct vm_user *user, struct error *err)
{
	const struct passwd *entry;

	if (geteuid() == 0)
		return 0;
	entry = getpwuid(geteuid());
	user->home = entry ? strdup(entry->pw_dir) : NULL;
	return entry && !user->home ? error_oom(err) : 0;
}

int vm_user_choose(struct take_options *options, struct vm_user *ret_user,
		   struct error *err)
{
	const struct passwd *entry;
	int r;

	memset(ret_user, 0, sizeof(*ret_user));
	ret_user->is_asked = options->user;
	r = find_caller(options, err);
	if (r < 0)
		return r;
	/* The nodes are given by vm_user_give_nodes(). */
	if (!options->user || options->user_number == geteuid()) {
		options->user = NULL;
		return take_home(ret_user, err);
	}
	if (geteuid() != 0)
		return error_usage(err, "--user",
				   "only root runs a guest as another user");
	entry = getpwuid(options->user_number);
	if (!entry)
		return error_usage(err, "--user", "there is no user %s", options->user);
	options->user = NULL;
	ret_user->user.uid = entry->pw_uid;
	ret_user->user.gid = entry->pw_gid;
	ret_user->user.name = strdup(entry->pw_name);
	ret_user->home = strdup(entry->pw_dir);
	ret_user->user.home = ret_user->home;
	return ret_user->user.name && ret_user->home ? 0 : error_oom(err);
}

void vm_user_free(struct vm_user *user)
{
	free(user->user.name);
	free(user->home);
}

void vm_user_session(const struct vm_user *user, char buffer[VM_SESSION_SIZE])
{
	snprintf(buffer, VM_SESSION_SIZE, "/run/user/%u",
		 user->user.name ? (unsigned int)user->user.uid
				 : (unsigned int)geteuid());
}

struct file {
	const struct vm_user *user;
	const struct host *host;
	const char *path;
	const void *bytes;
	size_t len;
};

static int create(void *argument, char *answer, size_t *ret_len)
{
	const struct file *file = argument;
	int r = launch_become(&file->user->user);

	(void)answer;
	(void)ret_len;
	return r < 0 ? r
		     : change_create_file(file->host, file->path, file->bytes, file->len,
					  NULL);
}

int vm_user_create_file(const struct vm_user *user, const struct host *host,
			const char *path, const void *bytes, size_t len,
			struct error *err)
{
	struct file file = { user, host, path, bytes, len };
	struct child_task task = {
		.run = create,
		.argument = &file,
		.deadline_ms = CREATE_MS,
	};
	int r = child_run(&task, NULL, NULL);

	if (r == 0 || r == -EEXIST)
		return r;
	return error_set(err, -r, path, "%s", strerror(-r));
}

struct path {
	const struct vm_user *user;
	const struct host *host;
	const char *path;
	int (*work)(const struct host *host, const char *path);
};

static int work_on_path(void *argument, char *answer, size_t *ret_len)
{
	const struct path *path = argument;
	int r = launch_become(&path->user->user);

	(void)answer;
	(void)ret_len;
	return r < 0 ? r : path->work(path->host, path->path);
}

/* Whose folder it is, there nobody else is to write. */
static int as_that_user(const struct vm_user *user, const struct host *host,
			const char *path,
			int (*work)(const struct host *host, const char *path))
{
	struct path wanted = { user, host, path, work };
	struct child_task task = {
		.run = work_on_path,
		.argument = &wanted,
		.deadline_ms = CREATE_MS,
	};

	return user->user.name ? child_run(&task, NULL, NULL) : work(host, path);
}

int vm_user_create_folder(const struct vm_user *user, const struct host *host,
			  const char *path, struct error *err)
{
	int r = as_that_user(user, host, path, change_create_folder);

	return r < 0 ? error_set(err, -r, path, "%s", strerror(-r)) : 0;
}

int vm_user_check_socket(const struct vm_user *user, const struct host *host,
			 const char *path, struct error *err)
{
	int r = as_that_user(user, host, path, change_check_socket);

	return r < 0 ? error_set(err, -r, path, "%s", strerror(-r)) : 0;
}

void vm_user_remove_socket(const struct vm_user *user, const struct host *host,
			   const char *path)
{
	as_that_user(user, host, path, change_remove_socket);
}

static bool has_moved(const struct bind_plan *plan, unsigned int group,
		      const struct pci_address *moved, size_t count)
{
	for (size_t i = 0; i < plan->count; i++)
		for (size_t j = 0; plan->members[i].group == group && j < count; j++)
			if (!pci_address_compare(&plan->members[i].address, &moved[j]))
				return true;
	return false;
}

static bool owns(const struct host *host, const char *path, uid_t uid)
{
	struct host_node node;

	return host_node_read(host, path, &node) == FACT_KNOWN && node.owner == uid;
}

/* A group that was on VFIO before is whose it is; nothing would take it back. */
static int have_root_instead(const struct cli *cli, const char *what, const char *done,
			     struct vm_user *user, struct error *err)
{
	if (user->is_asked)
		return error_set(err, EPERM, what, "it was %s before, and not for %s",
				 done, user->user.name);
	if (!cli->quiet)
		output_talk("%s was %s before, and not for %s: QEMU runs as root", what,
			    done, user->user.name);
	free(user->user.name);
	free(user->home);
	memset(&user->user, 0, sizeof(user->user));
	user->home = NULL;
	return 0;
}

int vm_user_need_node(const struct cli *cli, const struct host *host, const char *path,
		      const char *what, const char *done, struct vm_user *user,
		      struct error *err)
{
	return !user->user.name || owns(host, path, user->user.uid)
		       ? 0
		       : have_root_instead(cli, what, done, user, err);
}

static int need_group(const struct cli *cli, const struct host *host, unsigned int group,
		      struct vm_user *user, struct error *err)
{
	char path[32], text[32];
	int r;

	snprintf(path, sizeof(path), "dev/vfio/%u", group);
	snprintf(text, sizeof(text), "group %u", group);
	r = vm_user_need_node(cli, host, path, text, "bound", user, err);
	if (r < 0)
		error_hint(err,
			   "pciferry bind DEVICE --user %s gives it; or release it"
			   " first",
			   user->user.name);
	return r;
}

int vm_user_give_nodes(const struct cli *cli, const struct host *host,
		       const struct take_options *options, const struct bind_plan *plan,
		       const struct pci_address *moved, size_t n_moved,
		       struct vm_user *user, struct error *err)
{
	_cleanup_free_ struct bind_member *members =
		calloc(plan->count + 1, sizeof(*members));
	struct bind_plan given = { .members = members };

	if (!members)
		return error_oom(err);
	for (size_t i = 0; user->user.name && i < plan->count; i++) {
		unsigned int group = plan->members[i].group;
		int r = 0;

		if (has_moved(plan, group, moved, n_moved))
			members[given.count++] = plan->members[i];
		else
			r = need_group(cli, host, group, user, err);
		if (r < 0)
			return r;
	}
	if (!user->user.name || !given.count)
		return 0;
	return take_give(cli, host, options, &given, user->user.uid, err);
}
