/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_TESTS_TREE_H
#define PCIFERRY_TESTS_TREE_H

/* cmocka wants these before itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A temporary folder that tests fill. Everything in here asserts that it worked. */
struct tree {
	char path[64];
	int fd;
};

int tree_setup(void **state); /* for cmocka: *state is a struct tree */
int tree_teardown(void **state);

/* Make the folders above as well. */
void tree_bytes(const struct tree *tree, const char *path, const void *bytes, size_t len);
void tree_file(const struct tree *tree, const char *path, const char *text);
void tree_link(const struct tree *tree, const char *path, const char *target);
void tree_folder(const struct tree *tree, const char *path);

/*
 * A function at a place below sys/devices, "pci0000:00/0000:00:1c.0/0000:01:00.0", and
 * its link in sys/bus/pci/devices.
 */
void tree_place(const struct tree *tree, const char *place);

/* A function in sys/devices/pci0000:00 and its link in sys/bus/pci/devices. */
void tree_function(const struct tree *tree, const char *address, const char *modalias,
		   const char *driver, const char *group);

#endif
