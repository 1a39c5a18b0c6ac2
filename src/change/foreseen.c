/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "change/foreseen.h"

#include <errno.h>
#include <string.h>

#include "base/atomicfile.h"
#include "base/cleanup.h"
#include "change/internal.h"

static const char path[] = "var/lib/pciferry/foreseen";

int change_keep_foreseen(const struct host *host, const char *text, size_t len,
			 struct error *err)
{
	_cleanup_close_ int dir = -1;
	int r;

	if (!host_is_writable(host))
		return change_explain_path(path, -EROFS, err);
	dir = change_open_parent(host, path);
	if (dir < 0)
		return change_explain_path(path, dir, err);
	r = atomic_replace(dir, change_file_name(path), text, len, 0644, ATOMIC_DURABLE);
	return r < 0 ? change_explain_path(path, r, err) : 0;
}

int change_read_foreseen(const struct host *host, char **ret_text, size_t *ret_len)
{
	return host_read_file(host, path, ret_text, ret_len);
}
