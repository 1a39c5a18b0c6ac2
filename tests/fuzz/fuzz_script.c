/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hook's script: each note is of a line of it, and ends. */
#include "fuzz.h"

#include <string.h>

#include "check/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct check_script_notes notes = { 0 };
	unsigned int lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	must(check_script_read(size ? (const char *)data : "", size, &notes) == 0);
	for (size_t i = 0; i < notes.count; i++) {
		must(notes.items[i].line >= 1 && notes.items[i].line <= lines);
		must(strlen(notes.items[i].command) < sizeof(notes.items[i].command));
		must(notes.items[i].kind <= SCRIPT_WAITS);
	}
	must(notes.count <= 3 * size);
	check_script_free(&notes);
	return 0;
}
