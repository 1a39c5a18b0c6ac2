/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BASE_LIBUDEV_H
#define PCIFERRY_BASE_LIBUDEV_H

/* libudev, loaded when a device's name is looked up, or udev waited for. */
#include <libudev.h>

#include "base/library.h"

struct error;

#define LIBUDEV_FUNCTIONS(X)                   \
	X(udev_device_get_is_initialized)      \
	X(udev_device_new_from_devnum)         \
	X(udev_device_unref)                   \
	X(udev_hwdb_get_properties_list_entry) \
	X(udev_hwdb_new)                       \
	X(udev_hwdb_unref)                     \
	X(udev_list_entry_get_name)            \
	X(udev_list_entry_get_next)            \
	X(udev_list_entry_get_value)           \
	X(udev_new)                            \
	X(udev_unref)

struct libudev {
	LIBUDEV_FUNCTIONS(LIBRARY_POINTER)
};

/* Returns 0, or -ENOENT where it is not installed. */
int libudev_load(struct libudev *ret_library, struct error *err);

#endif
