/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm/image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/error.h"
#include "base/launch.h"

int vm_make_image(const struct vm_disk *disk, const char *path, struct error *err)
{
	char size[32];
	const char *const argv[] = {
		"qemu-img", "create", "-q", "-f", disk->is_qcow2 ? "qcow2" : "raw",
		"--",	    path,     size, NULL,
	};
	/* execvp(3) takes texts that it does not change. */
	const struct launch launch = { .argv = (char *const *)argv };
	int status = 0, r;
	pid_t pid;

	snprintf(size, sizeof(size), "%" PRIu64, disk->size);
	r = launch_start(&launch, &pid);
	if (r < 0) {
		error_set(err, -r, "qemu-img", "%s", strerror(-r));
		error_hint(err,
			   "it makes %s: install it (Debian: qemu-utils; Fedora:"
			   " qemu-img)",
			   path);
		return r;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status)
		return error_set(err, EIO, path,
				 "qemu-img could not make it, as it says above");
	return 0;
}
