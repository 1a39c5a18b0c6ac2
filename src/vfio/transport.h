/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VFIO_TRANSPORT_H
#define PCIFERRY_VFIO_TRANSPORT_H

/*
 * The few system calls by which VFIO is spoken to, so that a test can answer in the
 * kernel's place: what no kernel at hand has, and each failure.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct host;

/* What fails returns -errno. */
struct vfio_transport {
	/* A node for reading and writing, "dev/vfio/15". A descriptor, for close(). */
	int (*open)(const struct vfio_transport *transport, const char *path);
	void (*close)(const struct vfio_transport *transport, int fd);

	/* ioctl(2), whose argument is a number for a few requests. At least 0. */
	int (*ioctl)(const struct vfio_transport *transport, int fd,
		     unsigned long request, void *argument);

	/* pread(2) and pwrite(2): how many bytes. */
	ssize_t (*read)(const struct vfio_transport *transport, int fd, void *buffer,
			size_t len, uint64_t offset);
	ssize_t (*write)(const struct vfio_transport *transport, int fd,
			 const void *buffer, size_t len, uint64_t offset);

	/* mmap(2), shared, for reading and writing. 0, and memory for unmap(). */
	int (*map)(const struct vfio_transport *transport, int fd, uint64_t offset,
		   size_t len, void **ret_memory);
	void (*unmap)(const struct vfio_transport *transport, void *memory, size_t len);

	/* host_frames_read(): the physical addresses of pages of this process. */
	int (*locate)(const struct vfio_transport *transport, const void *memory,
		      size_t count, uint64_t *ret_addresses);

	/* Passes so much time; milliseconds of a clock that only goes forward. */
	void (*pause)(const struct vfio_transport *transport, unsigned int ms);
	long long (*now)(const struct vfio_transport *transport);

	void *context;
};

/* The system calls themselves, on a host's nodes; the host must outlive it. */
void vfio_transport_to(const struct host *host, struct vfio_transport *ret_transport);

#endif
