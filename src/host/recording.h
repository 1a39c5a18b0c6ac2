/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_HOST_RECORDING_H
#define PCIFERRY_HOST_RECORDING_H

/*
 * Recording: what is read of this machine is kept, so that the same reads can be answered
 * from an archive elsewhere: docs/design/recording.md.
 */
#include <stddef.h>

#include "base/text.h"
#include "host/host.h"

struct host_recording;

/* From here on the host keeps what is read. Only of this machine. 0 or -errno. */
int host_record(struct host *host, struct error *err);

/* Keeps a text that was made, not read, at a path ("pciferry/..."). */
void host_recording_keep(const struct host *host, const char *path, const void *bytes,
			 size_t len);

/*
 * Changes a file's bytes, in place, before they are written: for what only the caller
 * understands, such as a serial number in configuration space.
 */
typedef void (*host_recording_edit)(const char *path, unsigned char *bytes, size_t len);

enum host_archive {
	HOST_ARCHIVE_TAR,
	HOST_ARCHIVE_ZSTD,
	HOST_ARCHIVE_XZ,
	HOST_ARCHIVE_GZIP
};

/* By a file's name: ".tar", ".tar.zst", ".tar.xz", ".tar.gz". Returns 0 or -EINVAL. */
int host_archive_kind(const char *name, enum host_archive *ret_kind, struct error *err);

struct host_recording_summary {
	size_t files, links, absent;
	struct string_list unreadable; /* paths, anonymised */
};

void host_recording_summary_free(struct host_recording_summary *summary);

/*
 * All that was kept, as an archive, without what tells whose machine it was. The caller
 * frees *ret_bytes and the summary. Returns 0 or -errno.
 */
int host_recording_write(const struct host *host, enum host_archive kind,
			 host_recording_edit edit, char **ret_bytes, size_t *ret_len,
			 struct host_recording_summary *ret_summary, struct error *err);

void host_recording_free(struct host_recording *recording); /* takes NULL */

#endif
