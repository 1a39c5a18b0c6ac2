/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio/internal.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Of a region with as many areas as a capability can list, and some more. */
enum { ANSWER_MAX = 1 << 20 };

void vfio_answer_free(struct vfio_answer *answer)
{
	if (!answer)
		return;
	free(answer->bytes);
	*answer = (struct vfio_answer){ 0 };
}

/* With so much room; *ret_wanted is how much the kernel wants. */
static int ask_once(const struct vfio_transport *transport, int fd, unsigned long request,
		    const void *question, size_t size, size_t room,
		    struct vfio_answer *answer, size_t *ret_wanted)
{
	uint32_t argsz = (uint32_t)room;
	int r;

	vfio_answer_free(answer);
	answer->bytes = calloc(1, room);
	if (!answer->bytes)
		return -ENOMEM;
	memcpy(answer->bytes, question, size);
	memcpy(answer->bytes, &argsz, sizeof(argsz));
	r = transport->ioctl(transport, fd, request, answer->bytes);
	memcpy(&argsz, answer->bytes, sizeof(argsz));
	*ret_wanted = argsz;
	answer->len = argsz < room ? argsz : room;
	return r < 0 ? r : 0;
}

int vfio_ask(const struct vfio_transport *transport, int fd, unsigned long request,
	     const void *question, size_t size, struct vfio_answer *answer)
{
	size_t room = size, wanted;
	int r = ask_once(transport, fd, request, question, size, room, answer, &wanted);

	if (r == 0 && wanted > room && wanted <= ANSWER_MAX) {
		room = wanted;
		r = ask_once(transport, fd, request, question, size, room, answer,
			     &wanted);
	}
	if (r == 0 && (answer->len < size || wanted > room))
		r = -EPROTO;
	if (r < 0)
		vfio_answer_free(answer);
	return r;
}

int vfio_answer_next(const struct vfio_answer *answer, uint32_t *offset,
		     const struct vfio_info_cap_header **ret_header, size_t *ret_len)
{
	const struct vfio_info_cap_header *header;
	uint32_t at = *offset;

	if (!at)
		return 0;
	if (at % sizeof(uint32_t) || answer->len < sizeof(*header) ||
	    at > answer->len - sizeof(*header))
		return -EPROTO;
	header = (const struct vfio_info_cap_header *)(answer->bytes + at);
	/* The kernel appends each to the one before (vfio_info_cap_add()). */
	if (header->next && header->next < at + sizeof(*header))
		return -EPROTO;
	*ret_header = header;
	*ret_len = (header->next && header->next < answer->len ? header->next
							       : answer->len) -
		   at;
	*offset = header->next;
	return 1;
}

int vfio_failed(const char *subject, const char *request, int r, struct error *err)
{
	return error_set(err, -r, subject, "%s: %s", request,
			 r == -EPROTO ? "the kernel's answer contradicts itself"
				      : strerror(-r));
}
