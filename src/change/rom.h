/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_CHANGE_ROM_H
#define PCIFERRY_CHANGE_ROM_H

/*
 * Reading a PCI device's option ROM. The kernel gives it only after somebody has written
 * to the attribute, and from then on to whoever reads (pci_write_rom() and pci_read_rom()
 * in drivers/pci/pci-sysfs.c). So it is opened, read and closed again. While a page of it
 * is read the ROM is decoded, and on some cards nothing else is.
 */
#include <stddef.h>

struct change;
struct error;

enum { CHANGE_ROM_MAX = 16 << 20 }; /* PCI 3.0, 6.2.5.2 */

/* What is done about the device's sleep (power/control) meanwhile. */
enum change_rom_power {
	CHANGE_ROM_LEAVE,      /* nothing: a copy in memory is read */
	CHANGE_ROM_STAY_AWAKE, /* it is awake */
	CHANGE_ROM_WAKE,       /* it sleeps */
};

/*
 * What was so first is kept in /run/pciferry until it is so again; where the reading is
 * killed, the next change_begin() closes the ROM. The caller frees *ret_bytes. -EIO: the
 * kernel finds no ROM, with no hint set; -ENOENT: the device has none; -EBUSY: it could
 * not be closed again; -EAGAIN: it sleeps; -ETIMEDOUT; or another -errno.
 */
int change_read_rom(struct change *change, const char *device,
		    enum change_rom_power power, char **ret_bytes, size_t *ret_len,
		    struct error *err);

/* For change_options.came_back: closes it. */
void change_rom_came_back(struct change *change, const char *device, void *argument);

#endif
