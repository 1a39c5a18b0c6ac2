/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PLAN_INTERNAL_H
#define PCIFERRY_PLAN_INTERNAL_H

#include "boot/boot.h"
#include "bootcfg/boot.h"
#include "bootcfg/kernels.h"
#include "iommu/predict.h"
#include "iommu/registered.h"
#include "iommu/units.h"
#include "plan/plan.h"
#include "usage/usage.h"

/* The host as it is, as far as a plan asks. */
struct plan_view {
	const struct host *host;
	struct pci_devices devices;
	struct iommu_groups groups;
	struct iommu_firmware firmware;
	struct iommu_registered units;
	struct pci_topology topology;
	struct pci_config *configs;
	struct iommu_prediction prediction; /* only where the kernel has no groups */
	struct usage usage;
	struct bootcfg_distro distro;
	struct bootcfg_boot boot;
	struct bootcfg_kernels *kernels;
	struct bootcfg_cmdline cmdline; /* of the running kernel */
};

int plan_view_open(const struct host *host, struct plan_view *view, struct error *err);
void plan_view_close(struct plan_view *view);

/* Whether a function goes where another goes: by the kernel's groups, or predicted ones.
 */
bool plan_go_together(const struct plan_view *view, const struct pci_device *a,
		      const struct pci_device *b);

/* 0, or -EPERM with every reason as evidence (ERROR_REFUSED). */
int plan_refuse(const struct plan_view *view, const struct plan_request *request,
		const struct plan *plan, struct error *err);

/* What the host loses, and what may go wrong. Returns 0 or -ENOMEM. */
int plan_tell(const struct plan_view *view, struct plan *plan);

/* The lines of /etc/pciferry.tab, and the images. Returns 0 or -errno. */
int plan_edit_bindings(const struct plan_view *view, struct plan *plan,
		       struct error *err);

/* Instead of both: an entry of its own for one boot. Returns 0 or -errno. */
int plan_edit_trial(const struct plan_view *view, struct plan *plan, struct error *err);

/* What each member is, and what it is to be bound to; the caller frees it. 0 or -errno.
 */
int plan_identify(const struct plan_view *view, const struct plan *plan,
		  struct boot_binding **ret_bindings, struct error *err);

/* What the kernel has to be told so that the IOMMU is on. Returns 0 or -ENOMEM. */
int plan_want_parameters(const struct plan_view *view, const struct plan *plan,
			 struct boot_parameters *wanted, struct error *err);

/* The parameters of the kernel that the IOMMU needs to be on. Returns 0 or -errno. */
int plan_edit_parameters(const struct plan_view *view, struct plan *plan,
			 struct error *err);

#endif
