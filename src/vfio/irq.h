/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VFIO_IRQ_H
#define PCIFERRY_VFIO_IRQ_H

/* A device's interrupts as events of this process (VFIO_DEVICE_SET_IRQS). */
#include <stddef.h>

#include "vfio/session.h"

struct error;

enum { VFIO_IRQS_MAX = 2048 }; /* of MSI-X: PCI 3.0, 6.8.2.3 */

/*
 * From now on the interrupts 0 to count - 1 of a type come as events of these descriptors
 * of eventfd(2), -1: of none. Those of MSI and MSI-X are set up all at once, before the
 * device is told of any. Returns 0 or -errno.
 */
int vfio_irq_listen(const struct vfio_session *session, unsigned int index,
		    const int *eventfds, size_t count, struct error *err);

/* Nothing comes any more, and MSI or MSI-X is off. Returns 0 or -errno. */
int vfio_irq_end(const struct vfio_session *session, unsigned int index,
		 struct error *err);

/* Of one that masks itself (INTx): lets the next one come. Returns 0 or -errno. */
int vfio_irq_unmask(const struct vfio_session *session, unsigned int index,
		    struct error *err);

/*
 * Has the kernel send the event of one interrupt as if it had come: a loop through
 * software, in which the device has no part. Returns 0 or -errno.
 */
int vfio_irq_pretend(const struct vfio_session *session, unsigned int index,
		     unsigned int number, struct error *err);

/*
 * Waits for an event. Returns 0; -ETIMEDOUT; or another -errno. *ret_count (may be NULL)
 * is how often it came.
 */
int vfio_irq_wait(int eventfd, unsigned int deadline_ms, unsigned long long *ret_count);

#endif
