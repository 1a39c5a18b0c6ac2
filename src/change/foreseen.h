/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_CHANGE_FORESEEN_H
#define PCIFERRY_CHANGE_FORESEEN_H

/* What was foreseen of the next boot, in /var/lib/pciferry: one text, the last one. */
#include <stddef.h>

#include "host/host.h"

struct error;

/* Needs no lock: it is replaced whole. Returns 0 or -errno. */
int change_keep_foreseen(const struct host *host, const char *text, size_t len,
			 struct error *err);

/* The caller frees *ret_text. Returns 0 or -errno; -ENOENT: none is kept. */
int change_read_foreseen(const struct host *host, char **ret_text, size_t *ret_len);

#endif
