/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_KERNELS_H
#define PCIFERRY_BOOTCFG_KERNELS_H

/* The kernels that are installed: what each was built with, and its modules. */
#include <stdbool.h>
#include <stddef.h>

#include "bootcfg/modules.h"
#include "host/host.h"

struct bootcfg_kernel {
	char *release; /* "6.1.0-56-amd64" */
	char *folder;  /* "lib/modules/6.1.0-56-amd64"; NULL: it has none */
	bool running;
	unsigned int version, patchlevel; /* 6 and 1; 0 and 0: it does not say */
	/* Use the functions below, which read this at the first question. */
	const struct host *host;
	bool config_read, modules_read;
	char *config;		 /* NULL: it could not be read */
	const char *config_path; /* a pattern, see bootcfg_config_path() */
	size_t config_len;
	enum fact dep_fact, builtin_fact;
	char *dep, *builtin;
	struct bootcfg_modules modules;
};

struct bootcfg_kernels {
	enum fact fact; /* of the folders that hold them */
	struct bootcfg_kernel *items;
	size_t count;
};

/*
 * Those with a modules.dep or an image, and the running one, whose modules may be gone.
 * Returns 0 or -ENOMEM.
 */
int bootcfg_kernels_read(const struct host *host, struct bootcfg_kernels *ret_kernels);
void bootcfg_kernels_free(struct bootcfg_kernels *kernels); /* takes NULL */

/* NULL: which one runs could not be read. */
struct bootcfg_kernel *bootcfg_running_kernel(const struct bootcfg_kernels *kernels);

/* An option without CONFIG_: "VFIO_PCI". One that is not mentioned is off. */
enum bootcfg_state bootcfg_option(struct bootcfg_kernel *kernel, const char *name);
enum bootcfg_state bootcfg_option_parse(const char *text, size_t len, const char *name);

/* Where its configuration was read. Returns the buffer; "" when it could not be. */
const char *bootcfg_config_path(const struct bootcfg_kernel *kernel, char *buffer,
				size_t size);

enum bootcfg_state bootcfg_module(struct bootcfg_kernel *kernel, const char *name);

/* "6.1.0-56-amd64": 6 and 1. Returns 0 or -EINVAL. */
int bootcfg_release_parse(const char *release, unsigned int *ret_version,
			  unsigned int *ret_patchlevel);

/* Whether it is older than that; false when it does not say. */
bool bootcfg_is_before(const struct bootcfg_kernel *kernel, unsigned int version,
		       unsigned int patchlevel);

#endif
