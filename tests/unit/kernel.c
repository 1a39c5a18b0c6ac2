/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel.h"

#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <string.h>

#include "base/error.h"

const struct pci_address kernel_address = { .bus = 4 };

static struct kernel *of(const struct vfio_transport *transport)
{
	return transport->context;
}

/* The row that has to be of this call; it is done with. */
static const struct kernel_row *take(struct kernel *kernel, enum kernel_call call)
{
	const struct kernel_row *row = kernel->next;

	assert_int_equal(row->call, call);
	if (++kernel->done >= (row->times ? row->times : 1)) {
		kernel->next++;
		kernel->done = 0;
	}
	return row;
}

static void opened(struct kernel *kernel, int fd)
{
	assert_false(kernel->is_open[fd]);
	kernel->is_open[fd] = true;
}

static int open_node(const struct vfio_transport *transport, const char *path)
{
	const struct kernel_row *row = take(of(transport), KERNEL_OPEN);

	assert_string_equal(path, row->path);
	if (row->result < 0)
		return row->result;
	opened(of(transport), row->fd);
	return row->fd;
}

static void close_node(const struct vfio_transport *transport, int fd)
{
	assert_true(of(transport)->is_open[fd]);
	of(transport)->is_open[fd] = false;
}

static int answer(const struct vfio_transport *transport, int fd, unsigned long request,
		  void *argument)
{
	const struct kernel_row *row = take(of(transport), KERNEL_IOCTL);

	assert_int_equal(request, row->request);
	assert_int_equal(fd, row->fd);
	assert_true(of(transport)->is_open[fd]);
	if (row->answer)
		row->answer(argument);
	if (request == VFIO_GROUP_GET_DEVICE_FD && row->result >= 0) {
		assert_string_equal(argument, "0000:04:00.0");
		opened(of(transport), row->result);
	}
	return row->result;
}

static ssize_t read_bytes(const struct vfio_transport *transport, int fd, void *buffer,
			  size_t len, uint64_t offset)
{
	const struct kernel_row *row = take(of(transport), KERNEL_READ);

	assert_int_equal(fd, row->fd);
	assert_true(offset + len <= of(transport)->len);
	if (row->result < 0)
		return row->result;
	memcpy(buffer, (const char *)of(transport)->bytes + offset, len);
	return (ssize_t)len;
}

static ssize_t write_bytes(const struct vfio_transport *transport, int fd,
			   const void *buffer, size_t len, uint64_t offset)
{
	(void)transport;
	(void)fd;
	(void)buffer;
	(void)len;
	(void)offset;
	fail_msg("nothing is written to a device that is only looked at");
	return -1;
}

static int map(const struct vfio_transport *transport, int fd, uint64_t offset,
	       size_t len, void **ret_memory)
{
	const struct kernel_row *row = take(of(transport), KERNEL_MAP);

	assert_int_equal(fd, row->fd);
	if (row->result < 0)
		return row->result;
	of(transport)->mapped_offset = offset;
	of(transport)->mapped_len = len;
	*ret_memory = of(transport);
	return 0;
}

static void unmap(const struct vfio_transport *transport, void *memory, size_t len)
{
	assert_ptr_equal(memory, of(transport));
	assert_int_equal(len, of(transport)->mapped_len);
	of(transport)->mapped_len = 0;
}

void kernel_begin(struct kernel *kernel, const struct kernel_row *rows)
{
	*kernel = (struct kernel){
		.transport = {
			.open = open_node,
			.close = close_node,
			.ioctl = answer,
			.read = read_bytes,
			.write = write_bytes,
			.map = map,
			.unmap = unmap,
			.context = kernel,
		},
		.rows = rows,
		.next = rows,
	};
}

void kernel_expect_end(const struct kernel *kernel)
{
	assert_int_equal(kernel->next->call, KERNEL_END);
	assert_int_equal(kernel->mapped_len, 0);
	for (size_t i = 0; i < sizeof(kernel->is_open); i++)
		assert_false(kernel->is_open[i]);
}

void kernel_is_viable(void *argument)
{
	struct vfio_group_status *status = argument;

	assert_int_equal(status->argsz, sizeof(*status));
	status->flags = VFIO_GROUP_FLAGS_VIABLE;
}

void kernel_binds(void *argument)
{
	struct vfio_device_bind_iommufd *bind = argument;

	assert_int_equal(bind->argsz, sizeof(*bind));
	assert_int_equal(bind->flags, 0);
	assert_int_equal(bind->iommufd, IOMMUFD);
	bind->out_devid = 7;
}

void kernel_makes_space(void *argument)
{
	struct iommu_ioas_alloc *space = argument;

	assert_int_equal(space->size, sizeof(*space));
	assert_int_equal(space->flags, 0);
	space->out_ioas_id = 9;
}

void kernel_attaches(void *argument)
{
	struct vfio_device_attach_iommufd_pt *attach = argument;

	assert_int_equal(attach->argsz, sizeof(*attach));
	assert_int_equal(attach->flags, 0);
	assert_int_equal(attach->pt_id, 9);
	attach->pt_id = 33; /* the page table that the kernel made for the space */
}

void kernel_enter_by_group(struct kernel *kernel, struct vfio_session *session)
{
	struct error err = ERROR_INIT;

	assert_int_equal(vfio_open_by_group(&kernel->transport, &kernel_address, 5,
					    session, &err),
			 0);
	assert_int_equal(session->step, VFIO_STEP_OPEN);
}

void kernel_enter_by_cdev(struct kernel *kernel, struct vfio_session *session)
{
	struct error err = ERROR_INIT;

	assert_int_equal(vfio_open_by_cdev(&kernel->transport, &kernel_address, "vfio3",
					   session, &err),
			 0);
	assert_int_equal(session->step, VFIO_STEP_OPEN);
}
