/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootcfg/distro.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

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

/* The value of "KEY=value" or KEY="value" at the start of a line. */
static void take_value(const char *text, const char *key, char *buffer, size_t size)
{
	size_t n = strlen(key);

	buffer[0] = '\0';
	for (const char *line = text; line; line = strchr(line, '\n')) {
		size_t len;

		line += *line == '\n';
		if (strncmp(line, key, n) != 0 || line[n] != '=')
			continue;
		line += n + 1;
		len = strcspn(line, "\n");
		if (len >= 2 && (*line == '"' || *line == '\'') &&
		    line[len - 1] == *line) {
			line++;
			len -= 2;
		}
		snprintf(buffer, size, "%.*s", (int)len, line);
		return;
	}
}

void bootcfg_distro_read(const struct host *host, struct bootcfg_distro *ret_distro)
{
	_cleanup_free_ char *text = NULL;
	char like[128];
	size_t len;

	memset(ret_distro, 0, sizeof(*ret_distro));
	if (host_read_file(host, "etc/os-release", &text, &len) < 0 &&
	    host_read_file(host, "usr/lib/os-release", &text, &len) < 0)
		return;
	take_value(text, "ID", ret_distro->id, sizeof(ret_distro->id));
	take_value(text, "PRETTY_NAME", ret_distro->name, sizeof(ret_distro->name));
	take_value(text, "ID_LIKE", like, sizeof(like));
	ret_distro->family = find_family(ret_distro->id);
	if (ret_distro->family == BOOTCFG_OTHER)
		ret_distro->family = find_family(like);
}
