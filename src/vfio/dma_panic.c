/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a fault on purpose can end the host: some firmware answers one with an NMI, and
 * some kernels answer that with a panic.
 */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "vfio/dma_test.h"

/* pci_serr_error(), io_check_error(), unknown_nmi_error() in arch/x86/kernel/nmi.c. */
static const char *const settings[] = {
	"unknown_nmi_panic",
	"panic_on_unrecovered_nmi",
	"panic_on_io_nmi",
};

static int find(const struct host *host, struct string_list *reasons)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(settings); i++) {
		long long value = 0;
		char path[64];
		enum fact fact;

		snprintf(path, sizeof(path), "proc/sys/kernel/%s", settings[i]);
		fact = host_read_number(host, path, &value);
		if (fact == FACT_UNREADABLE)
			r = string_list_addf(reasons, "/%s cannot be read", path);
		else if (fact == FACT_KNOWN && value)
			r = string_list_addf(reasons, "kernel.%s=%lld", settings[i],
					     value);
	}
	/* hpwdt_pretimeout(), drivers/watchdog/hpwdt.c */
	if (r == 0 && host_exists(host, "sys/module/hpwdt"))
		r = string_list_add(reasons, "hpwdt is loaded, which panics at an NMI");
	return r;
}

int vfio_dma_check_panic(const struct host *host, struct error *err)
{
	_cleanup_(string_list_free) struct string_list reasons = { 0 };

	if (find(host, &reasons) < 0)
		return error_oom(err);
	if (!reasons.count)
		return 0;
	error_refuse(err, "",
		     "no fault on purpose: this host's kernel panics at an NMI, which is"
		     " how some firmware answers one");
	for (size_t i = 0; i < reasons.count; i++)
		error_evidence(err, "%s", reasons.items[i]);
	error_hint(err, "--risk-panic makes it all the same");
	return -EBUSY;
}
