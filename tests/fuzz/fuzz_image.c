/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An initramfs image, as it is; what is told of it is understood. */
#include "fuzz.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bootcfg/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct host_status status = { .size = size };
	struct bootcfg_image image;
	char *text = NULL;
	size_t len = 0;
	int fd, r;

	fd = memfd_create("image", MFD_CLOEXEC);
	must(fd >= 0);
	must(write(fd, data, size) == (ssize_t)size);
	r = bootcfg_image_make(fd, &status, NULL, &text, &len);
	close(fd);
	must(r == 0 || r == -ENOMEM);
	if (r == 0) {
		must(bootcfg_image_parse(text, len, &image) == 0);
		bootcfg_image_free(&image);
	}
	free(text);
	return 0;
}
