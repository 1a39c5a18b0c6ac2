/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device's registers, for those that are made to do DMA. */
#include <endian.h>
#include <errno.h>

#include "base/error.h"
#include "vfio/dma_kind.h"

enum { PAUSE_MS = 10 };

int vfio_dma_get(const struct vfio_dma_run *run, uint64_t offset, uint32_t *ret_value,
		 struct error *err)
{
	uint32_t value;
	int r = vfio_region_read(run->request->session, run->registers, offset, &value,
				 sizeof(value), err);

	if (r == 0)
		*ret_value = le32toh(value);
	return r;
}

int vfio_dma_set(const struct vfio_dma_run *run, uint64_t offset, uint32_t value,
		 struct error *err)
{
	value = htole32(value);
	return vfio_region_write(run->request->session, run->registers, offset, &value,
				 sizeof(value), err);
}

int vfio_dma_set_all(const struct vfio_dma_run *run, const struct vfio_dma_value *values,
		     size_t count, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = vfio_dma_set(run, values[i].offset, values[i].value, err);
	return r;
}

long long vfio_dma_deadline(const struct vfio_session *session, unsigned int ms)
{
	return session->transport->now(session->transport) + ms;
}

bool vfio_dma_pause(const struct vfio_session *session, long long deadline)
{
	const struct vfio_transport *transport = session->transport;

	if (transport->now(transport) > deadline)
		return false;
	transport->pause(transport, PAUSE_MS);
	return true;
}

int vfio_dma_await(const struct vfio_dma_run *run, const struct vfio_dma_wait *wait,
		   struct error *err)
{
	const struct vfio_session *session = run->request->session;
	const char *name = session->device_name;
	long long end = vfio_dma_deadline(session, wait->deadline_ms);
	uint32_t value = 0;

	for (;;) {
		int r = vfio_dma_get(run, wait->offset, &value, err);

		if (r < 0)
			return r;
		if (value == UINT32_MAX)
			return error_set(err, ENODEV, name,
					 "%s: it does not answer any more, its registers"
					 " are all ones",
					 wait->what);
		if (value & wait->failed)
			return error_set(err, EIO, name,
					 "%s: it says that it failed, 0x%08x", wait->what,
					 value);
		if ((value & wait->mask) == wait->wanted)
			return 0;
		if (!vfio_dma_pause(session, end))
			return error_set(err, ETIMEDOUT, name, "%s within %u s: 0x%08x",
					 wait->what, (wait->deadline_ms + 999) / 1000,
					 value);
	}
}
