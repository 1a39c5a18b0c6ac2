/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_IMAGE_DIGEST_H
#define PCIFERRY_BOOTCFG_IMAGE_DIGEST_H

/* How the members of an image become the text of bootcfg/image.h. */
#include "bootcfg/cpio.h"
#include "bootcfg/image.h"

/* The first line; the last is "end". Each other is a word, a space and the rest. */
#define IMAGE_DIGEST_HEAD "pciferry-image 1"

struct image_file {
	char *path;	/* "etc/modprobe.d/vfio.conf" */
	char *bytes;	/* NULL: not seen yet, see `link` and `inode` */
	char *link;	/* the target of one that is a symbolic link */
	bool is_wanted; /* for its own sake; else a link may lead to it */
	bool is_linked; /* by a hard link: the bytes may stand at another one's name */
	uint32_t inode, major, minor;
};

struct image_digest {
	enum bootcfg_builder builder;
	struct image_file *files;
	size_t n_files, room, kept; /* kept: bytes */
	struct string_list modules; /* "6.1.0-56-amd64/vfio-pci.ko" */
	struct string_list scripts;
	size_t members;
	const char *problem;
};

/* For struct bootcfg_cpio, with the digest as its argument. */
bool image_digest_wants(const struct bootcfg_cpio_member *member, void *argument);
int image_digest_take(const struct bootcfg_cpio_member *member, const char *bytes,
		      void *argument);
void image_digest_end(void *argument);

/* Writes the text, or that the image has this problem. Returns 0 or -ENOMEM. */
int image_digest_write(struct image_digest *digest, char **ret_text, size_t *ret_len);
int image_digest_write_problem(const char *problem, char **ret_text, size_t *ret_len);
void image_digest_free(struct image_digest *digest);

/* What a builder's own files say, apart from modprobe's. */
struct image_loads {
	struct string_list early, late; /* names of modules */
	struct string_list options;	/* lines in modprobe's language */
	char *release;			/* of the kernel; NULL: it does not say */
};

/* Each adds what one file says. Returns 0 or -ENOMEM. */
int image_mkinitcpio_parse(const char *text, size_t len, struct image_loads *loads);
int image_dracut_parse(const char *text, size_t len, struct image_loads *loads);
int image_booster_parse(const char *text, size_t len, struct image_loads *loads);
void image_loads_free(struct image_loads *loads);

#endif
