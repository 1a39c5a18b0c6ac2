/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PLAN_INTERNAL_H
#define PCIFERRY_PLAN_INTERNAL_H

#include "boot/boot.h"
#include "bootcfg/boot.h"
#include "bootcfg/images.h"
#include "bootcfg/kernels.h"
#include "bootcfg/modprobe.h"
#include "bootcfg/tab.h"
#include "check/foresee.h"
#include "iommu/predict.h"
#include "iommu/registered.h"
#include "iommu/units.h"
#include "plan/plan.h"
#include "usage/usage.h"

#define PLAN_TAB "/" BOOTCFG_TAB

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
	struct bootcfg_images images;
	struct bootcfg_modprobe modprobe, loads;
	struct bootcfg_cmdline cmdline; /* of the running kernel */
};

struct plan_settings;

/* The tabs that the images of the installed kernels have: a text for each, "" for none.
 */
struct plan_images {
	struct string_list tabs;
	bool is_unknown; /* some could not be read, or there are none at all */
};
int plan_images_read(const struct plan_view *view, struct plan_images *ret_images);
void plan_images_free(struct plan_images *images);

/* A tab, "/etc/pciferry.tab". Returns 0 or -errno; -ENOENT: there is none. */
int plan_tab_read(const struct host *host, const char *file, struct bootcfg_tab *ret_tab,
		  struct error *err);

/* The host's, or an empty one where there is none. Returns 0 or -errno. */
int plan_tab_read_or_empty(const struct host *host, struct bootcfg_tab *tab,
			   struct error *err);

/* Whether each line counts, and its device is there: 0, or refused with all that do not.
 */
int plan_tab_check(const struct plan_view *view, const struct bootcfg_tab *tab,
		   struct error *err);

/* What the tab sets of a device, against what is so; after its driver. 0 or -ENOMEM. */
struct plan_expected;
int plan_verify_settings(const struct plan_view *view, const struct bootcfg_tab *tab,
			 struct plan_expected *expected);

/* Adds a set line's words for the device itself, not for functions. 0 or -ENOMEM. */
int plan_own_words(const char *settings, struct string_list *words);

/* A vf line, and the set line beside it, against what there is. Returns 0 or -ENOMEM. */
struct plan_expected_functions;
int plan_verify_functions(const struct plan_view *view, const struct bootcfg_tab *tab,
			  const struct bootcfg_tab_entry *entry,
			  struct plan_expected_functions *ret_expected);

/*
 * Whether there is such a command line: of what runs, of what boots next, or in what that
 * would be made of again. data is handed on to is_one().
 */
bool plan_has_cmdline(const struct plan_view *view,
		      bool (*is_one)(const struct bootcfg_cmdline *, const void *),
		      const void *data);

/* Whether one of these has the word. */
bool plan_is_configured(const struct plan_view *view, const char *word);

/* GVT-g, where it is asked for: what is in the way, and then its edits and words, which
 * are not made edits of yet. Return 0 or -errno. */
struct plan_request;
int plan_want_gvt(const struct plan_view *view, const struct plan_request *request,
		  struct plan *plan, struct error *err);
int plan_edit_gvt(const struct plan_view *view, struct plan *plan, struct error *err);

/* What a way back is, and what is lost where the graphics go as a whole. */
int plan_tell_gvt(const struct plan_view *view, struct plan *plan);

/* The pages lines, against what there is. Returns 0 or -ENOMEM. */
struct plan_verification;
int plan_verify_pages(const struct plan_view *view, const struct bootcfg_tab *tab,
		      struct plan_verification *verification);

/* The slices that are to start by themselves; none of it needs a tab, nor the tab any of
 * it. 0 or -ENOMEM. */
int plan_verify_slices(const struct host *host, struct plan_verification *verification);

/* The device at a line's address; NULL, and why in words: there is none, or another. */
const struct pci_device *plan_find_listed(const struct plan_view *view,
					  const struct bootcfg_tab_entry *entry,
					  char *why, size_t size);

/* The devices that it names; the caller frees *ret_addresses. Returns 0 or -ENOMEM. */
int plan_tab_devices(const struct bootcfg_tab *tab, struct pci_address **ret_addresses,
		     size_t *ret_count);

/* NULL: it is not among its devices. */
const struct bootcfg_tab_entry *plan_tab_find(const struct bootcfg_tab *tab,
					      const struct pci_address *address);

int plan_view_open(const struct host *host, struct plan_view *view, struct error *err);
void plan_view_close(struct plan_view *view);

/* Whether it is among those that will be free. */
bool plan_has_member(const struct plan *plan, const struct pci_address *address);

/* Whether a function goes where another goes: by the kernel's groups, or predicted ones.
 */
bool plan_go_together(const struct plan_view *view, const struct pci_device *a,
		      const struct pci_device *b);

/* Refused where a member is one that makes virtual functions at boot. 0 or -EPERM. */
int plan_refuse_makers(const struct plan_view *view, const struct plan *plan,
		       struct error *err);

/* 0, or -EPERM with every reason as evidence (ERROR_REFUSED). */
int plan_refuse(const struct plan_view *view, const struct plan_request *request,
		const struct plan *plan, struct error *err);

/* What the next boots make of its members, once its edits are made. Returns 0 or -ENOMEM.
 */
int plan_foresee(const struct plan_view *view, struct plan *plan);

/* The same of huge pages: those of the plan, or (NULL) of all pages lines. 0 or -ENOMEM.
 */
int plan_foresee_pages(const struct host *host, const struct check_foresight *foresight,
		       const struct plan *plan, const char *release,
		       struct plan_predictions *predictions);

struct check_view plan_check_view(const struct plan_view *view);

/* What the host loses, and what may go wrong. Returns 0 or -ENOMEM. */
int plan_tell(const struct plan_view *view, bool by_id, struct plan *plan);

/* The options by their numbers, from 0 on. */
#define PLAN_SAVED_SCHEMA "pciferry-plan/1"
enum { PLAN_OPTIONS = 4 };
const char *plan_option_name(size_t index);
bool *plan_option(struct plan_options *options, size_t index);

/*
 * Whether a saved plan was made for just this: devices, members and edits. 0, or refused
 * with all that differs.
 */
int plan_compare_devices(const struct plan_view *view, const struct plan_saved *saved,
			 struct error *err);
int plan_compare_members(const struct plan *plan, const struct plan_saved *saved,
			 struct error *err);
int plan_compare_edits(const struct plan *plan, const struct plan_saved *saved,
		       struct error *err);

/* Who each member is, and the driver it gets: the tab's. Returns 0 or -errno. */
int plan_identify(const struct plan_view *view, const struct bootcfg_tab *tab,
		  struct plan *plan, struct error *err);

/*
 * The lines of /etc/pciferry.tab, and the images, which are made anew where they have
 * another one, or may have one. Returns 0 or -errno.
 */
int plan_edit_bindings(const struct plan_view *view, const struct plan_images *images,
		       bool from_tab, struct plan *plan, struct error *err);

/* Instead of both: an entry of its own for one boot. Returns 0 or -errno. */
int plan_edit_trial(const struct plan_view *view, struct plan *plan, struct error *err);

/* What each member is bound to at boot; its texts are the plan's. NULL: no memory. */
struct boot_binding *plan_bindings(const struct plan *plan);

/* Which huge pages are asked for, of which size and at which node. 0 or -errno. */
int plan_want_pages(const struct plan_view *view, const struct plan_request *request,
		    struct plan *plan, struct error *err);

/* Their lines of the tab that the plan writes. 0, -errno, or refused: too many. */
int plan_edit_pages(const struct plan_view *view, struct plan *plan, struct error *err);

/* What the kernel has to be told so that the IOMMU is on. Returns 0 or -ENOMEM. */
int plan_want_parameters(const struct plan_view *view, const struct plan *plan,
			 struct boot_parameters *wanted, struct error *err);

/* What makes vfio-pci come early, and the word with the IDs. 0, -errno, or refused. */
int plan_edit_by_id(const struct plan_view *view, struct plan *plan, struct error *err);
int plan_id_words(const struct plan_view *view, const struct plan *plan,
		  struct boot_parameters *parameters, struct error *err);

/*
 * The parameters of the kernel that are wanted, and those that the IOMMU needs to be on,
 * which are added to them. Returns 0 or -errno.
 */
int plan_edit_parameters(const struct plan_view *view, struct plan *plan,
			 struct error *err);

#endif
