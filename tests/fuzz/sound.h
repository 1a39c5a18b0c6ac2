/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_TESTS_FUZZ_SOUND_H
#define PCIFERRY_TESTS_FUZZ_SOUND_H

#include "host/tree.h"

/*
 * Stops the program unless all that is in the tree is where it says, its children are in
 * order, and each path leads to what is there or to nothing, and never out of it.
 */
void sound_tree(const struct host_tree *tree);

/* Looks a path up, which may be anything. */
void sound_path(const struct host_tree *tree, const char *path);

#endif
