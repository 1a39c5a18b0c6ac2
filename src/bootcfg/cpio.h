/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_CPIO_H
#define PCIFERRY_BOOTCFG_CPIO_H

/*
 * Archives of the formats "newc" and "crc", one behind the other, as the kernel unpacks
 * them (Documentation/driver-api/early-userspace/buffer-format.rst). They come in pieces
 * of any size, and may come from anybody.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CPIO_HEADER_SIZE = 110,
	CPIO_NAME_MAX = 4096,	    /* PATH_MAX, with its NUL */
	CPIO_CONTENT_MAX = 1 << 20, /* of a member whose bytes are wanted */
};

struct bootcfg_cpio_member {
	const char *name; /* as it was written: "./etc/fstab", "/etc", "init" */
	uint32_t inode, mode, links, size, major, minor;
};

struct bootcfg_cpio {
	/* Whether its bytes are wanted; they are not given where they are too many. */
	bool (*wants)(const struct bootcfg_cpio_member *member, void *argument);

	/* Each member, with its bytes where they were wanted (else NULL). 0 or -errno. */
	int (*take)(const struct bootcfg_cpio_member *member, const char *bytes,
		    void *argument);

	/* An archive has ended: inodes of the next one are others. */
	void (*end)(void *argument);
	void *argument;

	const char *problem; /* what is wrong, on -EINVAL */

	enum {
		CPIO_REST, /* in front of an archive, or behind the last one */
		CPIO_HEADER,
		CPIO_NAME,
		CPIO_CONTENT,
		CPIO_PADDING,
	} state;
	struct bootcfg_cpio_member member;
	char header[CPIO_HEADER_SIZE];
	char name[CPIO_NAME_MAX];
	char *content;	/* NULL: passed over */
	size_t have;	/* of header, name, content or padding */
	size_t need;	/* of the same */
	size_t padding; /* behind the name, which is read with it */
	bool is_last;	/* the member that ends an archive */
};

/*
 * Takes the next bytes. Stops at rest where the next byte neither begins an archive nor
 * is a zero between two: then *ret_used is less than len. Returns 0, -EINVAL, -ENOMEM, or
 * what `take` returned.
 */
int bootcfg_cpio_parse(struct bootcfg_cpio *cpio, const char *bytes, size_t len,
		       size_t *ret_used);

/* Whether what came so far may be all: no member is cut off. */
bool bootcfg_cpio_is_whole(const struct bootcfg_cpio *cpio);
void bootcfg_cpio_free(struct bootcfg_cpio *cpio);

#endif
