/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rooted.h"
#include "host/frames.h"
#include "host/host.h"

static int open_node(const struct vfio_transport *transport, const char *path)
{
	const struct host *host = transport->context;

	return rooted_open(host_root_fd(host), path, O_RDWR, 0);
}

static void close_node(const struct vfio_transport *transport, int fd)
{
	(void)transport;
	close(fd);
}

static int ask(const struct vfio_transport *transport, int fd, unsigned long request,
	       void *argument)
{
	int r = ioctl(fd, request, argument);

	(void)transport;
	return r < 0 ? -errno : r;
}

static ssize_t read_at(const struct vfio_transport *transport, int fd, void *buffer,
		       size_t len, uint64_t offset)
{
	ssize_t n = pread(fd, buffer, len, (off_t)offset);

	(void)transport;
	return n < 0 ? -errno : n;
}

static ssize_t write_at(const struct vfio_transport *transport, int fd,
			const void *buffer, size_t len, uint64_t offset)
{
	ssize_t n = pwrite(fd, buffer, len, (off_t)offset);

	(void)transport;
	return n < 0 ? -errno : n;
}

static int map_shared(const struct vfio_transport *transport, int fd, uint64_t offset,
		      size_t len, void **ret_memory)
{
	void *memory =
		mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);

	(void)transport;
	if (memory == MAP_FAILED)
		return -errno;
	*ret_memory = memory;
	return 0;
}

static void unmap_shared(const struct vfio_transport *transport, void *memory, size_t len)
{
	(void)transport;
	munmap(memory, len);
}

static int locate(const struct vfio_transport *transport, const void *memory,
		  size_t count, uint64_t *ret_addresses)
{
	return host_frames_read(transport->context, memory, count, ret_addresses);
}

static void pause_for(const struct vfio_transport *transport, unsigned int ms)
{
	const struct timespec pause = { ms / 1000, ms % 1000 * 1000000L };

	(void)transport;
	nanosleep(&pause, NULL);
}

static long long now(const struct vfio_transport *transport)
{
	(void)transport;
	return clock_now_ms();
}

void vfio_transport_to(const struct host *host, struct vfio_transport *ret_transport)
{
	*ret_transport = (struct vfio_transport){
		.open = open_node,
		.close = close_node,
		.ioctl = ask,
		.read = read_at,
		.write = write_at,
		.map = map_shared,
		.unmap = unmap_shared,
		.locate = locate,
		.pause = pause_for,
		.now = now,
		.context = (void *)host,
	};
}
