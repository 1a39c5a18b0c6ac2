/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "vfio/device.h"
#include "vfio/internal.h"

static bool is_within(const struct vfio_region *region, uint64_t offset, uint64_t len)
{
	return offset <= region->size && len <= region->size - offset;
}

static int accessed(const struct vfio_session *session, const char *what, uint64_t offset,
		    size_t len, ssize_t n, struct error *err)
{
	if (n >= 0 && (size_t)n == len)
		return 0;
	return error_set(err, n < 0 ? (int)-n : EIO, session->device_name,
			 "%s of %zu bytes at 0x%llx of a region: %s", what, len,
			 (unsigned long long)offset,
			 n < 0 ? strerror((int)-n) : "not all of them");
}

static int beyond(const struct vfio_session *session, uint64_t offset, size_t len,
		  struct error *err)
{
	return error_set(err, ERANGE, session->device_name,
			 "%zu bytes at 0x%llx are beyond the end of a region", len,
			 (unsigned long long)offset);
}

int vfio_region_read(const struct vfio_session *session, const struct vfio_region *region,
		     uint64_t offset, void *buffer, size_t len, struct error *err)
{
	ssize_t n;

	if (!is_within(region, offset, len))
		return beyond(session, offset, len, err);
	n = session->transport->read(session->transport, session->device, buffer, len,
				     region->offset + offset);
	return accessed(session, "read", offset, len, n, err);
}

int vfio_region_write(const struct vfio_session *session,
		      const struct vfio_region *region, uint64_t offset,
		      const void *buffer, size_t len, struct error *err)
{
	ssize_t n;

	if (!is_within(region, offset, len))
		return beyond(session, offset, len, err);
	n = session->transport->write(session->transport, session->device, buffer, len,
				      region->offset + offset);
	return accessed(session, "write", offset, len, n, err);
}

static bool is_mappable(const struct vfio_region *region, uint64_t offset, size_t len)
{
	if (!region->mappable || !len || !is_within(region, offset, len))
		return false;
	if (!region->is_sparse)
		return true;
	for (size_t i = 0; i < region->n_areas; i++) {
		const struct vfio_area *area = &region->areas[i];

		if (offset >= area->offset && offset - area->offset <= area->size &&
		    len <= area->size - (offset - area->offset))
			return true;
	}
	return false;
}

int vfio_region_map(const struct vfio_session *session, const struct vfio_region *region,
		    uint64_t offset, size_t len, struct vfio_mapping *ret_mapping,
		    struct error *err)
{
	void *memory;
	int r;

	if (!is_mappable(region, offset, len))
		return error_set(err, EINVAL, session->device_name,
				 "%zu bytes at 0x%llx of a region cannot be mapped", len,
				 (unsigned long long)offset);
	r = session->transport->map(session->transport, session->device,
				    region->offset + offset, len, &memory);
	if (r < 0)
		return vfio_failed(session->device_name, "mmap of a region", r, err);
	*ret_mapping = (struct vfio_mapping){ memory, len, session };
	return 0;
}

void vfio_region_unmap(struct vfio_mapping *mapping)
{
	if (!mapping || !mapping->memory)
		return;
	mapping->session->transport->unmap(mapping->session->transport, mapping->memory,
					   mapping->len);
	mapping->memory = NULL;
}
