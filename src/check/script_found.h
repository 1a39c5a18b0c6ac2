/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_CHECK_SCRIPT_FOUND_H
#define PCIFERRY_CHECK_SCRIPT_FOUND_H

/*
 * What was found in a shell's script so far. What stands in a function holds only where
 * one of its calls has it hold: a call has outputs of its own, and can be in the
 * background.
 */
#include <stdbool.h>
#include <stddef.h>

#include "check/script.h"

struct script_item {
	struct check_script_note note; /* of a call: which command */
	bool is_call;		       /* of what may be a function */
	bool keeps; /* a call: a child of it in the background has libvirt's outputs */
	bool is_waited_for; /* a call: by the script */
	unsigned int body;  /* of which function it stands in; 0: none */
};

/* Of as many functions calls are looked at; what stands in others holds. */
enum { SCRIPT_FUNCTIONS = 64 };

struct script_function {
	char name[sizeof(((struct check_script_note *)0)->command)];
	bool is_called; /* by another than itself */
	bool keeps, is_waited_for;
};

struct script_found {
	struct script_item *items;
	size_t count;
	struct script_function functions[SCRIPT_FUNCTIONS];
	unsigned int n_functions;
	bool no_memory;
};
void script_found_free(struct script_found *found); /* takes NULL */

/* Adds one; no_memory is set where it cannot. */
void script_found_note(struct script_found *found, enum check_script_kind kind,
		       unsigned int line, const char *command);
void script_found_call(struct script_found *found, const char *command, bool keeps);

/*
 * Of what was found since `first`: none keeps an output after all; or the script waits
 * for none of it.
 */
void script_found_let_go(struct script_found *found, size_t first);
void script_found_in_background(struct script_found *found, size_t first);

/* The number of a function of that name, for its body; 0: there are too many. */
unsigned int script_found_function(struct script_found *found, const char *name);

/* All since `first` stands in the body of that function, or of one within it. */
void script_found_body(struct script_found *found, size_t first, unsigned int function);

/* The notes that hold, for check_script_free(). Returns 0 or -ENOMEM. */
int script_found_finish(struct script_found *found, struct check_script_notes *ret_notes);

#endif
