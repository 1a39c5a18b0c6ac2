/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Huge pages that /etc/pciferry.tab wants, against what there is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "bootcfg/service.h"
#include "check/internal.h"
#include "vm/reserve.h"

static int tell_lack(struct check_run *run, const struct vm_reserve *wanted,
		     long long count)
{
	bool is_late = bootcfg_service(run->facts->host) == SERVICE_THERE;
	char subject[32], text[VM_RESERVE_TEXT_SIZE];
	int r;

	snprintf(subject, sizeof(subject), "node%u", wanted->node);
	r = check_tell(run, CHECK_WARN, subject, "it has %lld of %s, which /%s wants",
		       count, vm_reserve_text(wanted->count, wanted->kib, text),
		       BOOTCFG_TAB);
	if (r == 0)
		r = check_why(run, "a guest whose memory they are to be does not start"
				   " while too few are free");
	if (r == 0 && is_late)
		return check_fix(run, "systemctl enable --now pciferry.service");
	return r < 0 ? r
		     : check_fix(run, "pciferry bind --tab reserves them; where it finds"
				      " too little memory in one piece, after a reboot");
}

static int look_at(struct check_run *run, const struct vm_reserve *wanted)
{
	char subject[32], text[VM_RESERVE_TEXT_SIZE];
	struct vm_pages pages;
	enum fact fact =
		vm_pages_read_of(run->facts->host, wanted->node, wanted->kib, &pages);

	snprintf(subject, sizeof(subject), "node%u", wanted->node);
	vm_reserve_text(wanted->count, wanted->kib, text);
	if (fact == FACT_KNOWN && pages.reserved >= wanted->count)
		return check_tell(run, CHECK_PASS, subject, "it has %s", text);
	if (fact == FACT_UNREADABLE)
		return check_tell(run, CHECK_UNKNOWN, subject,
				  "whether it has %s could not be read", text);
	return tell_lack(run, wanted, fact == FACT_KNOWN ? pages.reserved : 0);
}

int check_vfio_reserved(struct check_run *run)
{
	_cleanup_free_ struct vm_reserve *all = NULL;
	size_t count = 0;
	int r = vm_reserves_read(run->facts->host, &all, &count);

	/* A copy of the devices alone does not say that there is no tab. */
	if ((r < 0 && r != -ENOENT && r != -ENOMEM) ||
	    (r == -ENOENT && !host_exists(run->facts->host, "etc")))
		return check_tell_unread(run, BOOTCFG_TAB);
	if (r == -ENOMEM)
		return r;
	if (!count)
		return check_tell(run, CHECK_PASS, NULL, "/%s wants none", BOOTCFG_TAB);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = look_at(run, &all[i]);
	return r;
}
