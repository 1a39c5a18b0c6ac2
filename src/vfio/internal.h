/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VFIO_INTERNAL_H
#define PCIFERRY_VFIO_INTERNAL_H

/*
 * What the files of this room share.
 *
 * Answers of the kernel that are as long as they need to be: each begins with argsz, and
 * may end with a chain of capabilities. Neither lengths nor offsets in one are trusted.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/host.h"
#include "vfio/session.h"
#include "vfio/transport.h"

struct error;
struct vfio_info_cap_header;
struct vfio_probe_request;

struct vfio_answer {
	char *bytes;
	size_t len;
};

/*
 * Asks with a structure that begins with argsz, of which the kernel writes at least
 * `size` bytes, and once more where it wants more room. Frees what was in *answer.
 * Returns 0 or -errno; no error is set.
 */
int vfio_ask(const struct vfio_transport *transport, int fd, unsigned long request,
	     const void *question, size_t size, struct vfio_answer *answer);
void vfio_answer_free(struct vfio_answer *answer); /* takes NULL */

/*
 * The capability at *offset, which becomes that of the next; 0 is the end. Returns 1, 0,
 * or -EPROTO where it is not within the answer, or leads back.
 */
int vfio_answer_next(const struct vfio_answer *answer, uint32_t *offset,
		     const struct vfio_info_cap_header **ret_header, size_t *ret_len);

/*
 * Whether an array of so many items, at an offset in a capability of len bytes, is all
 * there.
 */
static inline bool vfio_answer_holds(size_t len, size_t offset, size_t count, size_t size)
{
	return len >= offset && count <= (len - offset) / size;
}

/*
 * The item of that array by its number. To be copied: in older kernels a capability
 * begins at any multiple of four bytes, whatever is in it (vfio_info_cap_add()).
 */
static inline const char *vfio_answer_item(const struct vfio_info_cap_header *header,
					   size_t offset, size_t number, size_t size)
{
	return (const char *)header + offset + number * size;
}

/*
 * Sets which request failed with r, below 0, and what the kernel said: of -EPROTO that
 * its answer contradicts itself. Returns r.
 */
int vfio_failed(const char *subject, const char *request, int r, struct error *err);

/*
 * Tells in the words of the field why a device cannot be had: adds to a failure at a step
 * what it means, the evidence and the way out.
 */
void vfio_explain(const struct vfio_probe_request *request, enum vfio_step step,
		  struct error *failure);

/* The transport's ioctl() on one of a session's descriptors. */
static inline int vfio_ioctl(const struct vfio_session *session, int fd,
			     unsigned long request, void *argument)
{
	return session->transport->ioctl(session->transport, fd, request, argument);
}

#endif
