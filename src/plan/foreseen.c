/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was foreseen, kept over a boot: /var/lib/pciferry/foreseen. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "change/foreseen.h"
#include "plan/foresee.h"

/*
 * The first line says in which boot it was written, each other one "RELEASE ADDRESS
 * DRIVER", with "-" for none and "?" where it could not be told.
 */
static const char head[] = "pciferry-foreseen 1 ";

/* That of a system which does not run is nobody's. */
static void read_boot(const struct host *host, char *buffer, size_t size)
{
	if (host_read(host, "proc/sys/kernel/random/boot_id", buffer, size) != FACT_KNOWN)
		snprintf(buffer, size, "-");
}

int plan_predictions_keep(const struct host *host,
			  const struct plan_predictions *predictions, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	char boot[64], address[PCI_ADDRESS_SIZE];
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);

	if (!stream)
		return error_oom(err);
	read_boot(host, boot, sizeof(boot));
	fprintf(stream, "%s%s\n", head, boot);
	for (size_t i = 0; i < predictions->count; i++) {
		const struct plan_prediction *one = &predictions->items[i];

		fprintf(stream, "%s %s %s\n", one->release,
			pci_address_format(&one->address, address),
			one->next.fact == FACT_KNOWN	? one->next.driver
			: one->next.fact == FACT_ABSENT ? "-"
							: "?");
	}
	if (fclose(stream) != 0)
		return error_oom(err);
	return change_keep_foreseen(host, text, len, err);
}

struct plan_foreseen plan_foreseen_read(const struct host *host, const char *release,
					const struct pci_address *address)
{
	struct plan_foreseen foreseen = { .fact = FACT_ABSENT };
	_cleanup_free_ char *text = NULL;
	char boot[64], place[PCI_ADDRESS_SIZE], start[400];
	const char *line;
	size_t len;

	if (change_read_foreseen(host, &text, &len) < 0 ||
	    strncmp(text, head, strlen(head)) != 0)
		return foreseen;
	read_boot(host, boot, sizeof(boot));
	line = text + strlen(head);
	/* It is about the boot that is still to come. */
	if (strcspn(line, "\n") == strlen(boot) && !strncmp(line, boot, strlen(boot)))
		return foreseen;
	len = (size_t)snprintf(start, sizeof(start), "\n%s %s ", release,
			       pci_address_format(address, place));
	line = strstr(line, start);
	if (!line)
		return foreseen;
	line += len;
	foreseen.fact = *line == '?' ? FACT_UNREADABLE : FACT_KNOWN;
	if (*line != '?' && *line != '-')
		snprintf(foreseen.driver, sizeof(foreseen.driver), "%.*s",
			 (int)strcspn(line, "\n"), line);
	return foreseen;
}
