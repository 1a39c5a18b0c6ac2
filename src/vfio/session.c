/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio/session.h"

#include <errno.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "vfio/group.h"
#include "vfio/internal.h"

#define CONTAINER_NODE "dev/vfio/vfio"
#define IOMMUFD_NODE   "dev/iommu"

const char *vfio_step_name(enum vfio_step step)
{
	static const char *const names[] = {
		[VFIO_STEP_LOOK] = "look",
		[VFIO_STEP_CONTAINER] = "open_container",
		[VFIO_STEP_GROUP] = "open_group",
		[VFIO_STEP_VIABLE] = "group_viable",
		[VFIO_STEP_JOIN] = "set_container",
		[VFIO_STEP_IOMMU] = "set_iommu",
		[VFIO_STEP_DEVICE] = "open_device",
		[VFIO_STEP_IOMMUFD] = "open_iommufd",
		[VFIO_STEP_CDEV] = "open_cdev",
		[VFIO_STEP_BIND] = "bind_iommufd",
		[VFIO_STEP_SPACE] = "allocate_space",
		[VFIO_STEP_ATTACH] = "attach",
		[VFIO_STEP_OPEN] = "open",
		[VFIO_STEP_DESCRIBE] = "describe",
		[VFIO_STEP_RESET] = "reset",
		[VFIO_STEP_CONFIG] = "configuration",
		[VFIO_STEP_MAP] = "map",
		[VFIO_STEP_INTERRUPT] = "interrupts",
		[VFIO_STEP_DMA] = "dma_test",
		[VFIO_STEP_LOCK] = "locked_memory",
		[VFIO_STEP_DONE] = "done",
	};

	return names[step];
}

const char *vfio_type_name(unsigned int type)
{
	return type == VFIO_TYPE1v2_IOMMU ? "type1v2"
	       : type == VFIO_TYPE1_IOMMU ? "type1"
					  : NULL;
}

static void begin(const struct vfio_transport *transport,
		  const struct pci_address *address, enum vfio_way way,
		  struct vfio_session *session)
{
	*session = (struct vfio_session){
		.transport = transport,
		.way = way,
		.iommu = -1,
		.group = -1,
		.device = -1,
	};
	pci_address_format(address, session->device_name);
}

static int open_node(struct vfio_session *session, enum vfio_step step, const char *path,
		     int *ret_fd, struct error *err)
{
	char subject[64];
	int fd;

	session->step = step;
	fd = session->transport->open(session->transport, path);
	snprintf(subject, sizeof(subject), "/%s", path);
	if (fd < 0)
		return error_set(err, -fd, subject, "%s", strerror(-fd));
	*ret_fd = fd;
	return 0;
}

static int open_container(struct vfio_session *session, struct error *err)
{
	static const unsigned int types[] = { VFIO_TYPE1v2_IOMMU, VFIO_TYPE1_IOMMU };
	int version, r = open_node(session, VFIO_STEP_CONTAINER, CONTAINER_NODE,
				   &session->iommu, err);

	if (r < 0)
		return r;
	version = vfio_ioctl(session, session->iommu, VFIO_GET_API_VERSION, NULL);
	if (version < 0)
		return vfio_failed("/" CONTAINER_NODE, "VFIO_GET_API_VERSION", version,
				   err);
	if (version != VFIO_API_VERSION)
		return error_set(err, EPROTO, "/" CONTAINER_NODE,
				 "VFIO_GET_API_VERSION: %d, not %d", version,
				 VFIO_API_VERSION);
	for (size_t i = 0; !session->type && i < ARRAY_SIZE(types); i++)
		if (vfio_ioctl(session, session->iommu, VFIO_CHECK_EXTENSION,
			       (void *)(uintptr_t)types[i]) > 0)
			session->type = types[i];
	if (!session->type) {
		error_set(err, ENODEV, "/" CONTAINER_NODE,
			  "VFIO_CHECK_EXTENSION: the kernel has no type 1 for IOMMUs");
		error_hint(err, "sudo modprobe vfio_iommu_type1");
		return -ENODEV;
	}
	return 0;
}

static int join(struct vfio_session *session, const char *subject, struct error *err)
{
	int r;

	session->step = VFIO_STEP_JOIN;
	r = vfio_ioctl(session, session->group, VFIO_GROUP_SET_CONTAINER,
		       &session->iommu);
	if (r < 0)
		return vfio_failed(subject, "VFIO_GROUP_SET_CONTAINER", r, err);
	session->step = VFIO_STEP_IOMMU;
	r = vfio_ioctl(session, session->iommu, VFIO_SET_IOMMU,
		       (void *)(uintptr_t)session->type);
	return r < 0 ? vfio_failed(subject, "VFIO_SET_IOMMU", r, err) : 0;
}

static int enter_by_group(struct vfio_session *session, unsigned int number,
			  struct error *err)
{
	char subject[32];
	bool viable = false;
	int r = open_container(session, err);

	if (r < 0)
		return r;
	session->step = VFIO_STEP_GROUP;
	r = vfio_group_open(session->transport, number, &session->group, err);
	if (r < 0)
		return r;
	snprintf(subject, sizeof(subject), "/dev/vfio/%u", number);
	session->step = VFIO_STEP_VIABLE;
	r = vfio_group_ask(session->transport, session->group, number, &viable, err);
	if (r == 0 && !viable)
		r = error_set(err, EPERM, subject,
			      "the group is not viable: a member is in the hands of a"
			      " driver of the host's");
	if (r == 0)
		r = join(session, subject, err);
	if (r < 0)
		return r;
	session->step = VFIO_STEP_DEVICE;
	r = vfio_ioctl(session, session->group, VFIO_GROUP_GET_DEVICE_FD,
		       session->device_name);
	if (r < 0)
		return vfio_failed(session->device_name, "VFIO_GROUP_GET_DEVICE_FD", r,
				   err);
	session->device = r;
	return 0;
}

int vfio_open_by_group(const struct vfio_transport *transport,
		       const struct pci_address *address, unsigned int group,
		       struct vfio_session *ret_session, struct error *err)
{
	int r;

	begin(transport, address, VFIO_BY_GROUP, ret_session);
	r = enter_by_group(ret_session, group, err);
	if (r < 0)
		vfio_close(ret_session);
	else
		ret_session->step = VFIO_STEP_OPEN;
	return r;
}

static int bind_iommufd(struct vfio_session *session, struct error *err)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = session->iommu,
	};
	int r;

	session->step = VFIO_STEP_BIND;
	r = vfio_ioctl(session, session->device, VFIO_DEVICE_BIND_IOMMUFD, &bind);
	if (r < 0)
		return vfio_failed(session->device_name, "VFIO_DEVICE_BIND_IOMMUFD", r,
				   err);
	session->device_id = bind.out_devid;
	return 0;
}

static int attach(struct vfio_session *session, struct error *err)
{
	struct iommu_ioas_alloc space = { .size = sizeof(space) };
	struct vfio_device_attach_iommufd_pt attach = { .argsz = sizeof(attach) };
	int r;

	session->step = VFIO_STEP_SPACE;
	r = vfio_ioctl(session, session->iommu, IOMMU_IOAS_ALLOC, &space);
	if (r < 0)
		return vfio_failed("/" IOMMUFD_NODE, "IOMMU_IOAS_ALLOC", r, err);
	session->space = space.out_ioas_id;
	attach.pt_id = space.out_ioas_id;
	session->step = VFIO_STEP_ATTACH;
	r = vfio_ioctl(session, session->device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach);
	return r < 0 ? vfio_failed(session->device_name, "VFIO_DEVICE_ATTACH_IOMMUFD_PT",
				   r, err)
		     : 0;
}

int vfio_open_by_cdev(const struct vfio_transport *transport,
		      const struct pci_address *address, const char *name,
		      struct vfio_session *ret_session, struct error *err)
{
	char path[64];
	int r;

	snprintf(path, sizeof(path), "dev/vfio/devices/%s", name);
	begin(transport, address, VFIO_BY_CDEV, ret_session);
	r = open_node(ret_session, VFIO_STEP_IOMMUFD, IOMMUFD_NODE, &ret_session->iommu,
		      err);
	if (r == 0)
		r = open_node(ret_session, VFIO_STEP_CDEV, path, &ret_session->device,
			      err);
	if (r == 0)
		r = bind_iommufd(ret_session, err);
	if (r == 0)
		r = attach(ret_session, err);
	if (r < 0)
		vfio_close(ret_session);
	else
		ret_session->step = VFIO_STEP_OPEN;
	return r;
}

void vfio_close(struct vfio_session *session)
{
	const struct vfio_transport *transport = session ? session->transport : NULL;

	if (!transport)
		return;
	if (session->device >= 0)
		transport->close(transport, session->device);
	if (session->group >= 0)
		transport->close(transport, session->group);
	if (session->iommu >= 0)
		transport->close(transport, session->iommu);
	session->device = session->group = session->iommu = -1;
}

int vfio_reset(const struct vfio_session *session, struct error *err)
{
	int r = vfio_ioctl(session, session->device, VFIO_DEVICE_RESET, NULL);

	return r < 0 ? vfio_failed(session->device_name, "VFIO_DEVICE_RESET", r, err) : 0;
}
