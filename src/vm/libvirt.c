/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm/libvirt.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "vm/hook.h"

/* Since then each file of qemu.d is a hook (https://libvirt.org/hooks.html). */
enum { SINCE_MAJOR = 6, SINCE_MINOR = 5 };

const char *const vm_libvirt_paths[] = {
	"usr/sbin/libvirtd",
	"usr/sbin/virtqemud",
	"usr/bin/libvirtd",
	"usr/bin/virtqemud",
	"run/current-system/sw/bin/libvirtd",
	NULL,
};

/*
 * The library's file is named after the version, 0.9000.0 for 9.0.0 and 0.12001.0 for
 * 12.1.0 (src/meson.build of libvirt, "lib_version").
 */
static bool read_version(const struct host *host, const char *folder,
			 struct vm_libvirt *libvirt)
{
	char path[64], name[NAME_MAX + 1];
	unsigned int version;

	snprintf(path, sizeof(path), "%s/libvirt.so.0", folder);
	if (host_link_name(host, path, name, sizeof(name)) != FACT_KNOWN ||
	    sscanf(name, "libvirt.so.0.%u.", &version) != 1)
		return false;
	libvirt->version_fact = FACT_KNOWN;
	libvirt->major = version / 1000;
	libvirt->minor = version % 1000;
	return true;
}

/* ABSENT: all folders are there in which it is on each host, and it is in none. */
static enum fact look_for_daemon(const struct host *host)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };

	for (const char *const *path = vm_libvirt_paths; *path; path++)
		if (host_exists(host, *path))
			return FACT_KNOWN;
	return host_list(host, "usr/bin", &names) == 0 ? FACT_ABSENT : FACT_UNREADABLE;
}

void vm_libvirt_read(const struct host *host, struct vm_libvirt *ret_libvirt)
{
	static const char *const folders[] = {
		"usr/lib/x86_64-linux-gnu",
		"usr/lib64",
		"usr/lib",
		"usr/lib/aarch64-linux-gnu",
		"run/current-system/sw/lib",
	};
	/* Its own file for each daemon, while it runs (src/util/virpidfile.c). */
	static const char *const daemons[] = { "virtqemud", "libvirtd" };
	struct vm_libvirt libvirt = { .version_fact = FACT_UNREADABLE };
	char path[32];

	libvirt.fact = look_for_daemon(host);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (read_version(host, folders[i], &libvirt))
			break;
	for (size_t i = 0; !libvirt.daemon && i < ARRAY_SIZE(daemons); i++) {
		snprintf(path, sizeof(path), "run/%s.pid", daemons[i]);
		if (host_exists(host, path))
			libvirt.daemon = daemons[i];
	}
	*ret_libvirt = libvirt;
}

int vm_libvirt_check_hooks(const struct vm_libvirt *libvirt, struct error *err)
{
	if (libvirt->fact == FACT_ABSENT) {
		error_set(err, ENOENT, "libvirt", "it is not here: nothing was changed");
		error_hint(err, "install it (Debian: libvirt-daemon-system), or run"
				" guests by pciferry vm run");
		return -ENOENT;
	}
	if (libvirt->version_fact != FACT_KNOWN || libvirt->major > SINCE_MAJOR ||
	    (libvirt->major == SINCE_MAJOR && libvirt->minor >= SINCE_MINOR))
		return 0;
	error_set(err, ENOTSUP, "libvirt",
		  "%u.%u does not read hooks in qemu.d, which came with 6.5: nothing was"
		  " changed",
		  libvirt->major, libvirt->minor);
	error_hint(err,
		   "upgrade it; or have a hook of your own, /" VM_HOOK_FOLDER "/qemu,"
		   " end with: exec pciferry vm hook run -- \"$@\"");
	return -ENOTSUP;
}
