/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio/irq.h"

#include <errno.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "vfio/device.h"
#include "vfio/internal.h"

/* One request, with `size` bytes of data behind it. */
static int set(const struct vfio_session *session, uint32_t flags, unsigned int index,
	       unsigned int start, size_t count, const void *data, size_t size,
	       struct error *err)
{
	_cleanup_free_ struct vfio_irq_set *set = calloc(1, sizeof(*set) + size);
	const char *name = vfio_irq_name(index);
	char what[64];
	int r;

	if (!set)
		return error_oom(err);
	set->argsz = (uint32_t)(sizeof(*set) + size);
	set->flags = flags;
	set->index = index;
	set->start = start;
	set->count = (uint32_t)count;
	if (size)
		memcpy(set->data, data, size);
	r = vfio_ioctl(session, session->device, VFIO_DEVICE_SET_IRQS, set);
	if (r >= 0)
		return 0;
	snprintf(what, sizeof(what), "VFIO_DEVICE_SET_IRQS of %s",
		 name ? name : "a type");
	return vfio_failed(session->device_name, what, r, err);
}

int vfio_irq_listen(const struct vfio_session *session, unsigned int index,
		    const int *eventfds, size_t count, struct error *err)
{
	int32_t data[VFIO_IRQS_MAX];

	if (count > VFIO_IRQS_MAX)
		return error_set(err, EINVAL, session->device_name,
				 "%zu interrupts are more than a function has", count);
	for (size_t i = 0; i < count; i++)
		data[i] = eventfds[i];
	return set(session, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		   index, 0, count, data, count * sizeof(*data), err);
}

int vfio_irq_end(const struct vfio_session *session, unsigned int index,
		 struct error *err)
{
	return set(session, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, index,
		   0, 0, NULL, 0, err);
}

int vfio_irq_unmask(const struct vfio_session *session, unsigned int index,
		    struct error *err)
{
	return set(session, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK, index, 0,
		   1, NULL, 0, err);
}

int vfio_irq_pretend(const struct vfio_session *session, unsigned int index,
		     unsigned int number, struct error *err)
{
	const uint8_t yes = 1;

	return set(session, VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_ACTION_TRIGGER, index,
		   number, 1, &yes, sizeof(yes), err);
}

int vfio_irq_wait(int eventfd, unsigned int deadline_ms, unsigned long long *ret_count)
{
	struct pollfd entry = { .fd = eventfd, .events = POLLIN };
	uint64_t count;
	int r = poll(&entry, 1, (int)deadline_ms);

	if (r < 0)
		return -errno;
	if (r == 0)
		return -ETIMEDOUT;
	if (read(eventfd, &count, sizeof(count)) != sizeof(count))
		return errno ? -errno : -EIO;
	if (ret_count)
		*ret_count = count;
	return 0;
}
