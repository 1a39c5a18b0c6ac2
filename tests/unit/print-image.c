/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints what is kept of an initramfs image, and that it is understood.
 *
 *   print-image FILE
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "bootcfg/image.h"

int main(int argc, char **argv)
{
	_cleanup_(bootcfg_image_free) struct bootcfg_image image = { 0 };
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	struct host_status status = { 0 };
	struct stat st;
	size_t len;
	int r;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FILE\n", argv[0]);
		return 2;
	}
	fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		perror(argv[1]);
		return 1;
	}
	status.size = (unsigned long long)st.st_size;
	r = bootcfg_image_make(fd, &status, NULL, &text, &len);
	if (r == 0)
		r = bootcfg_image_parse(text, len, &image);
	if (r < 0) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(-r));
		return 1;
	}
	fwrite(text, 1, len, stdout);
	return 0;
}
