/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/vm_user.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/error.h"
#include "change/change.h"

/* On a file system over a network, too. */
enum { CREATE_MS = 30000 };

/* sudo tells who called it (sudo(8), ENVIRONMENT). */
static int find_caller(struct take_options *options, struct error *err)
{
	const char *caller = getenv("SUDO_USER");

	if (options->user || !caller || geteuid() != 0)
		return 0;
	return take_parse_user(caller, options, err);
}

int vm_user_choose(struct take_options *options, struct vm_user *ret_user,
		   struct error *err)
{
	const struct passwd *entry;
	int r;

	memset(ret_user, 0, sizeof(*ret_user));
	r = find_caller(options, err);
	if (r < 0 || !options->user)
		return r;
	if (options->user_number == geteuid()) {
		options->user = NULL;
		return 0;
	}
	if (geteuid() != 0)
		return error_usage(err, "--user",
				   "only root runs a guest as another user");
	entry = getpwuid(options->user_number);
	if (!entry)
		return error_usage(err, "--user", "there is no user %s", options->user);
	ret_user->user.uid = entry->pw_uid;
	ret_user->user.gid = entry->pw_gid;
	ret_user->user.name = strdup(entry->pw_name);
	ret_user->home = strdup(entry->pw_dir);
	return ret_user->user.name && ret_user->home ? 0 : error_oom(err);
}

void vm_user_free(struct vm_user *user)
{
	free(user->user.name);
	free(user->home);
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
