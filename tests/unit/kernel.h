/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_TESTS_KERNEL_H
#define PCIFERRY_TESTS_KERNEL_H

/*
 * Answers VFIO's calls in the kernel's place, by a script: each call has to be the next
 * of its rows, and at the end none may be left, and no descriptor open.
 */
#include "tree.h"

#include "vfio/session.h"

enum kernel_call { KERNEL_END, KERNEL_OPEN, KERNEL_IOCTL, KERNEL_READ, KERNEL_MAP };

struct kernel_row {
	enum kernel_call call;
	const char *path;      /* of an open */
	int fd;		       /* on which the call is; of an open, what it returns */
	unsigned long request; /* of an ioctl */
	int result;	       /* below 0: it fails so */

	/* Of an ioctl: looks at what was asked, and writes the answer. May be NULL. */
	void (*answer)(void *argument);

	unsigned int times; /* 0 as 1: so often, one after the other */
};

struct kernel {
	struct vfio_transport transport;
	const struct kernel_row *rows, *next;
	unsigned int done; /* of the next row's times */
	bool is_open[64];
	const void *bytes; /* what reads read, from their offset */
	size_t len;
	uint64_t mapped_offset; /* of the last map */
	size_t mapped_len;
};

/* `rows` ends with one that is all zero, and outlives it. */
void kernel_begin(struct kernel *kernel, const struct kernel_row *rows);
void kernel_expect_end(const struct kernel *kernel);

#define OPENS(path_, fd_)                                         \
	{                                                         \
		.call = KERNEL_OPEN, .path = (path_), .fd = (fd_) \
	}
#define OPEN_FAILS(path_, error_)                                         \
	{                                                                 \
		.call = KERNEL_OPEN, .path = (path_), .result = -(error_) \
	}
#define ASKS(fd_, request_, result_)                                      \
	{                                                                 \
		.call = KERNEL_IOCTL, .fd = (fd_), .request = (request_), \
		.result = (result_)                                       \
	}
#define ANSWERS(fd_, request_, answer_)                                   \
	{                                                                 \
		.call = KERNEL_IOCTL, .fd = (fd_), .request = (request_), \
		.answer = (answer_)                                       \
	}

/* Descriptors, each of its own kind. */
enum { CONTAINER = 10, GROUP = 11, DEVICE = 12, IOMMUFD = 13 };

/* The rows by which group 5 is entered; GET_DEVICE_FD returns DEVICE. */
void kernel_is_viable(void *argument);
#define ENTERS_BY_GROUP                                                               \
	OPENS("dev/vfio/vfio", CONTAINER), ASKS(CONTAINER, VFIO_GET_API_VERSION, 0),  \
		ASKS(CONTAINER, VFIO_CHECK_EXTENSION, 1), OPENS("dev/vfio/5", GROUP), \
		ANSWERS(GROUP, VFIO_GROUP_GET_STATUS, kernel_is_viable),              \
		ASKS(GROUP, VFIO_GROUP_SET_CONTAINER, 0),                             \
		ASKS(CONTAINER, VFIO_SET_IOMMU, 0),                                   \
		ASKS(GROUP, VFIO_GROUP_GET_DEVICE_FD, DEVICE)

/* And by vfio3 with an iommufd: device 7, address space 9. */
void kernel_binds(void *argument);
void kernel_makes_space(void *argument);
void kernel_attaches(void *argument);
#define ENTERS_BY_CDEV                                                        \
	OPENS("dev/iommu", IOMMUFD), OPENS("dev/vfio/devices/vfio3", DEVICE), \
		ANSWERS(DEVICE, VFIO_DEVICE_BIND_IOMMUFD, kernel_binds),      \
		ANSWERS(IOMMUFD, IOMMU_IOAS_ALLOC, kernel_makes_space),       \
		ANSWERS(DEVICE, VFIO_DEVICE_ATTACH_IOMMUFD_PT, kernel_attaches)

/* 0000:04:00.0 in group 5; and by /dev/vfio/devices/vfio3. */
extern const struct pci_address kernel_address;
void kernel_enter_by_group(struct kernel *kernel, struct vfio_session *session);
void kernel_enter_by_cdev(struct kernel *kernel, struct vfio_session *session);

#endif
