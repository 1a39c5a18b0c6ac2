/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PLAN_VERIFY_H
#define PCIFERRY_PLAN_VERIFY_H

/*
 * What /etc/pciferry.tab wants at each boot, and which slices mdevctl has defined to
 * start by themselves, against what this boot has brought about.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "base/uuid.h"
#include "bind/function_settings.h"
#include "host/host.h"
#include "pci/address.h"
#include "plan/foresee.h"
#include "vm/reserve.h"

struct error;

struct plan_expected {
	struct pci_address address;
	char wanted[64]; /* the driver that the tab gives it */
	enum fact driver_fact;
	char driver[64]; /* the one that it has; "" unless known */
	bool fits;	 /* the device there is the one that the line means */
	struct plan_foreseen foreseen; /* before this boot */
	bool came_true;		       /* it is what was foreseen */

	/* What else the tab sets of it, NAME=VALUE words; NULL: nothing, or no such
	 * thing. */
	char *settings;
	bool bad_settings; /* they are another device's, or make no sense */
	bool holds;
	char why[400]; /* why not, as far as it can be told, and the way out; "": it holds
			*/
};

/* The virtual functions of one physical function. */
struct plan_expected_functions {
	struct pci_address physical;
	unsigned int wanted;
	char driver[64];    /* that each is to have; "": whichever takes them */
	unsigned int count; /* those that there are */
	bool fits;	    /* the device there is the one that the line means */
	bool can_be_made;   /* a driver has it, without which none are made */
	struct bind_function_settings settings; /* of each function alone */
	bool bad_settings; /* the tab's are none that can be: `why` */
	bool holds;
	char why[400]; /* as above */
};

/* The huge pages of one size at one node. */
struct plan_expected_pages {
	struct vm_reserve wanted;
	enum fact fact;	 /* ABSENT: no such node, or no pages of that size */
	long long count; /* those that there are */
	bool is_tried;	 /* this boot is a trial of it */
	bool holds;
	char why[400]; /* as above */
};

/* A mediated device that mdevctl's file has start at each boot. */
struct plan_expected_slice {
	char uuid[UUID_SIZE];
	char *parent;
	char *type;	  /* NULL where that file is damaged */
	bool can_be_made; /* its parent is there, and offers the type */
	bool can_come;	  /* its parent is not there, and may appear */
	bool is_awaited;  /* mdevctl's rule may be about to make it */
	bool holds;
	char why[400]; /* as above */
};

struct plan_verification {
	struct plan_expected *items; /* in the order of the tab */
	size_t count;
	struct plan_expected_functions *functions; /* in the order of the tab */
	size_t n_functions;
	struct plan_expected_pages *pages; /* in the order of the tab */
	size_t n_pages;
	struct plan_expected_slice *slices; /* by parent and UUID */
	size_t n_slices;
	bool has_definitions;	/* mdevctl has some, also such as do not start */
	char *slices_bad;	/* why they could not be looked at; NULL: they could */
	struct string_list bad; /* lines of the tab that do not count, and why */
	bool disarmed;		/* by pciferry=off: nothing was to be bound */
};

/* Returns 0, also when something does not hold, or -errno: -ENOENT without a tab
 * and without definitions of mdevctl's. */
int plan_verify(const struct host *host, struct plan_verification *ret_verification,
		struct error *err);
void plan_verification_free(struct plan_verification *verification); /* takes NULL */

#endif
