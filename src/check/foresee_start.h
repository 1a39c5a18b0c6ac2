/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_CHECK_FORESEE_START_H
#define PCIFERRY_CHECK_FORESEE_START_H

#include "check/foresee.h"

/* What each kernel of the view starts with. Returns 0 or -ENOMEM. */
int check_starts_read(const struct check_view *view, struct check_foresight *foresight);

/* Which entry starts a kernel when nobody chooses another; NULL: none is known to. */
const struct bootcfg_entry *check_usual_entry(const struct check_view *view,
					      const struct bootcfg_kernel *kernel);

/* Whether the IOMMU is on with these words. */
enum fact check_iommu_next(const struct check_view *view, struct bootcfg_kernel *kernel,
			   const struct bootcfg_cmdline *cmdline);

#endif
