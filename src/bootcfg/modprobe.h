/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_MODPROBE_H
#define PCIFERRY_BOOTCFG_MODPROBE_H

/*
 * What the files of modprobe.d(5) say, as modprobe reads them (libkmod-config.c of kmod),
 * and the modules that are loaded at boot by name (modules-load.d(5), /etc/modules).
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "host/host.h"

enum bootcfg_modprobe_kind {
	MODPROBE_BAD, /* modprobe does not know it, or words are missing */
	MODPROBE_ALIAS,
	MODPROBE_BLACKLIST,
	MODPROBE_INSTALL,
	MODPROBE_OPTIONS,
	MODPROBE_REMOVE,
	MODPROBE_SOFTDEP,
	MODPROBE_WEAKDEP,
	MODPROBE_LOAD, /* the name alone, in a file of modules to load */
};

struct bootcfg_modprobe_line {
	enum bootcfg_modprobe_kind kind;
	const char *file;    /* "etc/modprobe.d/vfio.conf"; not its own */
	unsigned int number; /* from 1 on; of the first of continued lines */
	char *module; /* as it is written; of an alias: the alias; of a bad one: "" */
	char *rest;   /* what stands behind the name; of a bad one: the line */
};

struct bootcfg_modprobe {
	enum fact fact;
	struct bootcfg_modprobe_line *lines; /* as modprobe reads them; the last counts */
	size_t count, room;
	const struct bootcfg_modprobe_line **sorted; /* for bootcfg_modprobe_find() */
	struct string_list files;
	struct string_list ignored; /* have lines of modprobe's and no name for it */
	struct string_list unreadable;
};

/* Each adds the lines of a file, whose name has to stay. Returns 0 or -ENOMEM. */
int bootcfg_modprobe_parse(const char *text, size_t len, const char *file,
			   struct bootcfg_modprobe *modprobe);
int bootcfg_loads_parse(const char *text, size_t len, const char *file,
			struct bootcfg_modprobe *modprobe);

/* Returns 0 or -ENOMEM. */
int bootcfg_modprobe_read(const struct host *host, struct bootcfg_modprobe *ret_modprobe);
int bootcfg_loads_read(const struct host *host, struct bootcfg_modprobe *ret_loads);
void bootcfg_modprobe_free(struct bootcfg_modprobe *modprobe); /* takes NULL */

/* Makes lines that were parsed ready to be found. Returns 0 or -ENOMEM. */
int bootcfg_modprobe_index(struct bootcfg_modprobe *modprobe);

/* The first of that kind about this module; NULL: none. Only of what was read. */
const struct bootcfg_modprobe_line *
bootcfg_modprobe_find(const struct bootcfg_modprobe *modprobe,
		      enum bootcfg_modprobe_kind kind, const char *module);

#endif
