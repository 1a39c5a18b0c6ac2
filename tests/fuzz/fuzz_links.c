/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an interface has set of virtual functions: a recording's text, which said again is
 * the same, and the kernel's message. */
#include "fuzz.h"

#include <string.h>

#include "host/links.h"

static void check_again(const struct host_function *function)
{
	char text[HOST_FUNCTION_TEXT_SIZE], line[HOST_FUNCTION_TEXT_SIZE + 16];
	struct host_function again;

	host_function_format(function, function->settings, text);
	snprintf(line, sizeof(line), "vf %u%s%s", function->index, *text ? " " : "",
		 text);
	/* A message may have numbers that no text has. */
	if (function->index > UINT16_MAX)
		return;
	must(host_function_parse(line, &again) == 0);
	must(again.settings == function->settings && again.index == function->index);
	must(!host_function_differs(function, &again));
}

static void check(struct host_link *link)
{
	for (size_t i = 0; i < link->count; i++)
		check_again(&link->functions[i]);
	host_link_free(link);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct host_link link;

	must(host_link_parse(size ? (const char *)data : "", size, &link) == 0);
	check(&link);
	if (size && host_link_take(data, size, &link) == 0)
		check(&link);
	return 0;
}
