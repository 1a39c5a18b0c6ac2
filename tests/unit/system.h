/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_TESTS_SYSTEM_H
#define PCIFERRY_TESTS_SYSTEM_H

/* The root of a system in a tree, which is changed. */
#include "tree.h"

#include "base/error.h"
#include "change/internal.h"
#include "change/journal.h"

struct system {
	struct tree *tree;
	struct host *host;
	struct change change; /* one in progress, whoever runs the test */
	struct string_list subjects;
	struct error err; /* of the last call */
};

/* A tree with etc and run, and the system in it. */
int system_setup(void **state);
int system_teardown(void **state);

/* Edits to apply: a file with this text, a tool without arguments. */
void system_write(struct change_edits *edits, const char *path, const char *text);
void system_run(struct change_edits *edits, const char *path);

/* Looks and applies. Returns what failed, or 0; *ret_id may be NULL. */
int system_apply(struct system *sys, struct change_edits *edits, unsigned int *ret_id);
int system_undo(struct system *sys, unsigned int id);

/*
 * Applies a change of each kind: etc/edited from "one\n" to "two\n", etc/removed
 * ("gone\n") removed, etc/new/file ("new\n") made, in a folder of its own.
 */
void system_change_all(struct system *sys);

/*
 * All that is in the root but the journal, and run: a line each for a file, folder and
 * link, with its bytes, mode, owner, time of writing and attributes. The caller frees it.
 */
char *system_snapshot(const struct system *sys);

/* What is in a file; the caller frees it. NULL: there is none. */
char *system_read(const struct system *sys, const char *path, size_t *ret_len);
void system_assert_file(const struct system *sys, const char *path, const char *text);
void system_assert_gone(const struct system *sys, const char *path);

/* A script of its shell, executable; false: a tool cannot be run here. */
bool system_can_run_tools(void);
void system_tool(const struct system *sys, const char *path, const char *script);

/* Puts a busybox and its shell in, for the tools. */
void system_put_shell(const struct system *sys);

/*
 * Where tools can be run: a shell, etc/file ("one\n"), and the tool sbin/maker, which
 * makes something of it.
 */
void system_put_maker(const struct system *sys, const char *script);

/* Forgets the last error, and that there was one. */
void system_forget(struct system *sys);

#endif
