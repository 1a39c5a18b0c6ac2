/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_MDEVCTL_H
#define PCIFERRY_BOOTCFG_MDEVCTL_H

/*
 * Mediated devices as mdevctl has them defined, and libvirt by way of it:
 * /etc/mdevctl.d/PARENT/UUID (src/mdev.rs of mdevctl). Its udev rule makes those that
 * start by themselves when their parent appears.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "base/uuid.h"
#include "host/host.h"

struct error;

#define BOOTCFG_MDEVCTL "etc/mdevctl.d"

struct bootcfg_definition {
	char uuid[UUID_SIZE];
	char *parent;
	char *path;	     /* beneath the root */
	char *type;	     /* NULL where it is damaged */
	bool starts;	     /* by itself, at each boot */
	bool has_attributes; /* which mdevctl writes to it when it is made */
	bool is_odd;  /* its file's name is not written as the kernel writes a UUID */
	char *damage; /* why mdevctl cannot read it; NULL: it can */
};

/* Sorted by parent and UUID. */
struct bootcfg_definitions {
	struct bootcfg_definition *items;
	size_t count;
};

/*
 * What one file says: type, starts and has_attributes, or damage. Everything else of it
 * is left alone. Returns 0 or -ENOMEM.
 */
int bootcfg_definition_parse(const char *bytes, size_t len,
			     struct bootcfg_definition *ret_definition);
void bootcfg_definition_free(struct bootcfg_definition *definition); /* what it holds */

/*
 * The bytes that mdevctl 1.2 writes of a type, for free(). With `before` what is in that
 * file beside these two stays: attributes, and what nobody here knows. Returns 0,
 * -ENOMEM, or -EINVAL where `before` is damaged.
 */
int bootcfg_definition_write(const char *before, size_t before_len, const char *type,
			     bool starts, char **ret_bytes, size_t *ret_len);

/* "etc/mdevctl.d/PARENT/UUID", for free(). NULL: out of memory. */
char *bootcfg_definition_path(const char *parent, const char *uuid);

/* Whether the name of a device can be that of a folder there. */
bool bootcfg_is_mdevctl_parent(const char *name);

/* All of the host's; none where mdevctl has no folder. Returns 0 or -errno. */
int bootcfg_definitions_read(const struct host *host,
			     struct bootcfg_definitions *ret_definitions,
			     struct error *err);
void bootcfg_definitions_free(struct bootcfg_definitions *definitions); /* takes NULL */

/* The one of this UUID, of any parent where that is NULL, and rather one that mdevctl
 * finds by it; NULL: there is none. */
const struct bootcfg_definition *
bootcfg_definition_find(const struct bootcfg_definitions *definitions, const char *uuid,
			const char *parent);

/* Who makes the devices that start by themselves. */
enum bootcfg_mdevctl_start {
	MDEVCTL_STARTS,
	MDEVCTL_NOT_THERE,
	MDEVCTL_RULE_OFF,    /* its rule has been turned off */
	MDEVCTL_RULE_BROKEN, /* its rule calls a program that is not there */
};
enum bootcfg_mdevctl_start bootcfg_mdevctl_start(const struct host *host);

#endif
