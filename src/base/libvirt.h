/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BASE_LIBVIRT_H
#define PCIFERRY_BASE_LIBVIRT_H

/* libvirt, loaded when a guest is defined, started or edited. */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "base/library.h"

struct error;

#define LIBVIRT_FUNCTIONS(X)          \
	X(virConnectClose)            \
	X(virConnectListAllDomains)   \
	X(virConnectOpen)             \
	X(virConnectOpenReadOnly)     \
	X(virDomainAttachDeviceFlags) \
	X(virDomainCreate)            \
	X(virDomainDefineXMLFlags)    \
	X(virDomainDetachDeviceFlags) \
	X(virDomainFree)              \
	X(virDomainGetName)           \
	X(virDomainGetXMLDesc)        \
	X(virDomainIsActive)          \
	X(virDomainIsPersistent)      \
	X(virDomainLookupByName)      \
	X(virGetLastErrorCode)        \
	X(virGetLastErrorMessage)     \
	X(virSetErrorFunc)

struct libvirt {
	LIBVIRT_FUNCTIONS(LIBRARY_POINTER)
};

/* Returns 0, or -ENOENT where it is not installed. */
int libvirt_load(struct libvirt *ret_library, struct error *err);

#endif
