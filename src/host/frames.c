/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/frames.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/rooted.h"

/* An entry of 64 bits for each page (Documentation/admin-guide/mm/pagemap.rst). */
#define PAGEMAP_PRESENT (1ULL << 63)
#define PAGEMAP_FRAME	((1ULL << 55) - 1)

int host_frames_read(const struct host *host, const void *memory, size_t count,
		     uint64_t *ret_addresses)
{
	_cleanup_close_ int fd =
		rooted_open(host_root_fd(host), "proc/self/pagemap", O_RDONLY, 0);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	off_t at = (off_t)((uintptr_t)memory / page * sizeof(uint64_t));
	size_t len = count * sizeof(uint64_t), done = 0;

	if (fd < 0)
		return fd;
	while (done < len) {
		ssize_t n = pread(fd, (char *)ret_addresses + done, len - done,
				  at + (off_t)done);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += (size_t)n;
	}
	for (size_t i = 0; i < count; i++) {
		uint64_t entry = ret_addresses[i];

		/* No memory of a process is in the first frame. */
		if (entry & PAGEMAP_PRESENT && !(entry & PAGEMAP_FRAME))
			return -EPERM;
		ret_addresses[i] =
			entry & PAGEMAP_PRESENT ? (entry & PAGEMAP_FRAME) * page : 0;
	}
	return 0;
}
