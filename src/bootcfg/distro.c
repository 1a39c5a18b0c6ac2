/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootcfg/distro.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/shell.h"

static const struct {
	const char *id;
	enum bootcfg_family family;
} families[] = {
	{ "debian", BOOTCFG_DEBIAN }, { "ubuntu", BOOTCFG_DEBIAN },
	{ "fedora", BOOTCFG_FEDORA }, { "rhel", BOOTCFG_FEDORA },
	{ "centos", BOOTCFG_FEDORA }, { "openEuler", BOOTCFG_FEDORA },
	{ "suse", BOOTCFG_SUSE },     { "opensuse", BOOTCFG_SUSE },
	{ "arch", BOOTCFG_ARCH },
};

/* One of the words, which spaces part; ID has one, ID_LIKE several. */
static enum bootcfg_family find_family(const char *words)
{
	for (const char *at = words; *at;) {
		size_t len = strcspn(at, " ");

		for (size_t i = 0; i < ARRAY_SIZE(families); i++)
			if (strlen(families[i].id) == len &&
			    !strncmp(families[i].id, at, len))
				return families[i].family;
		at += len + (at[len] == ' ');
	}
	return BOOTCFG_OTHER;
}

void bootcfg_distro_read(const struct host *host, struct bootcfg_distro *ret_distro)
{
	_cleanup_(bootcfg_shell_free) struct bootcfg_shell shell = { 0 };

	memset(ret_distro, 0, sizeof(*ret_distro));
	if (bootcfg_shell_read(host, "etc/os-release", &shell) != FACT_KNOWN)
		bootcfg_shell_read(host, "usr/lib/os-release", &shell);
	snprintf(ret_distro->id, sizeof(ret_distro->id), "%s",
		 bootcfg_shell_value(&shell, "ID"));
	snprintf(ret_distro->name, sizeof(ret_distro->name), "%s",
		 bootcfg_shell_value(&shell, "PRETTY_NAME"));
	ret_distro->family = find_family(ret_distro->id);
	if (ret_distro->family == BOOTCFG_OTHER)
		ret_distro->family = find_family(bootcfg_shell_value(&shell, "ID_LIKE"));
}
