/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the numbers of the device lines that count, of a tab on standard input. */
#include <stdio.h>
#include <stdlib.h>

#include "bootcfg/tab.h"

int main(void)
{
	static char text[1 << 22];
	size_t len = fread(text, 1, sizeof(text), stdin);
	struct bootcfg_tab tab;

	if (bootcfg_tab_parse(text, len, &tab) < 0)
		return EXIT_FAILURE;
	for (size_t i = 0; i < tab.count; i++)
		if (tab.lines[i].entry.kind == TAB_DEVICE && !tab.lines[i].bad)
			printf("%u\n", tab.lines[i].number);
	bootcfg_tab_free(&tab);
	return EXIT_SUCCESS;
}
