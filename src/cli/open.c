/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host that a command looks at, by --host. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "change/edit.h"
#include "cli/cli.h"
#include "cli/file.h"
#include "cli/output.h"

/* The IDs that the kernel calls nobody's (overflowuid in
 * Documentation/admin-guide/sysctl).
 */
enum { NOBODY = 65534 };

/* What is in it is limited further as it is read (host/archive.h). */
enum { RECORDING_MAX = 2 * HOST_FILE_MAX };

/*
 * A recording may come from anybody; what parses it needs no rights at all. For good: a
 * command that looks at a recording changes nothing on this machine.
 */
static int drop_privileges(struct error *err)
{
	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0) {
		error_set(err, errno, "root's privileges",
			  "they could not be given up: %s", strerror(errno));
		error_hint(err, "look at the recording as an ordinary user");
		return -err->code;
	}
	return 0;
}

static int open_recording(const char *path, int fd, struct host **ret_host,
			  struct error *err)
{
	_cleanup_free_ char *bytes = NULL;
	size_t len = 0;
	int r = file_read_open(fd, RECORDING_MAX, &bytes, &len);

	if (r == 0 && len > RECORDING_MAX)
		r = -EFBIG;
	if (r < 0)
		return error_set(err, -r, path, "%s", strerror(-r));
	r = drop_privileges(err);
	return r < 0 ? r : host_open_recording(path, bytes, len, ret_host, err);
}

void cli_tell_interrupted(const struct cli *cli, const struct host *host)
{
	char ways[CHANGE_WAYS_SIZE];
	unsigned int id;

	if (!cli->quiet && change_find_interrupted(host, &id) == 0 && id)
		output_talk("pciferry: change %u was interrupted: %s", id,
			    change_ways_on(host, id, ways));
}

/* A host that can be changed: this one, or a root. */
static int open_writable(const struct cli *cli, struct host **ret_host, struct error *err)
{
	int r = cli->root_path ? host_open_root(cli->root_path, ret_host, err)
			       : host_open_live(ret_host, err);

	if (r == 0 && !cli->command->mends)
		cli_tell_interrupted(cli, *ret_host);
	return r;
}

int cli_open_host(const struct cli *cli, struct host **ret_host, struct error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (cli->root_path && cli->host_path)
		return error_usage(err, "--root", "it cannot be used with --host");
	if (!cli->host_path)
		return open_writable(cli, ret_host, err);
	fd = open(cli->host_path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		error_set(err, errno, cli->host_path, "%s", strerror(errno));
		error_hint(err, "--host takes a recording, or a directory that holds a"
				" copy of a host's /sys");
		return -err->code;
	}
	if (S_ISDIR(st.st_mode))
		return host_open_directory(cli->host_path, ret_host, err);
	if (!S_ISREG(st.st_mode)) {
		error_set(err, EINVAL, cli->host_path, "neither file nor directory");
		error_hint(err, "--host takes a recording, or a directory that holds a"
				" copy of a host's /sys");
		return -EINVAL;
	}
	return open_recording(cli->host_path, fd, ret_host, err);
}
