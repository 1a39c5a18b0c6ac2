/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/kernellog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>

#include "base/cleanup.h"

/* syslog(2); glibc has no names for them. */
enum { READ_ALL = 3, SIZE_BUFFER = 10 };

/* A line has at most 1024 bytes with its prefix (LOG_LINE_MAX in kernel/printk). */
static bool is_wanted(const char *line, size_t len)
{
	static const char *const words[] = {
		"DMAR",
		"AMD-Vi",
		"iommu",
		"IOMMU",
		"IRQ remapping",
		"vfio",
		"VFIO",
		"BAR ",
		"can't reserve",
		"can't assign",
		"failed to assign",
		"no space for",
		"PCIe Bus Error",
		"ms after",
		"pending transaction",
		"change power state",
		"PCI ROM header",
		"NVRM: Xid",
		"efifb",
		"simple-framebuffer",
		"lockdown",
		"Secure boot",
		"Interrupt remapping",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (memmem(line, len, words[i], strlen(words[i])))
			return true;
	return false;
}

size_t host_kernel_log_filter(char *text, size_t len)
{
	const char *at = text, *end = text + len;
	size_t used = 0;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((newline ? newline + 1 : end) - at);

		if (is_wanted(at, n)) {
			memmove(text + used, at, n);
			used += n;
		}
		at += n;
	}
	return used;
}

static int make_log(void *unused, char **ret_bytes, size_t *ret_len)
{
	_cleanup_free_ char *log = NULL;
	int size = klogctl(SIZE_BUFFER, NULL, 0), n;

	(void)unused;
	if (size < 0)
		return -errno;
	log = malloc((size_t)size + 1);
	if (!log)
		return -ENOMEM;
	n = klogctl(READ_ALL, log, size);
	if (n < 0)
		return -errno;
	*ret_len = host_kernel_log_filter(log, (size_t)n);
	log[*ret_len] = '\0';
	*ret_bytes = steal(log);
	return 0;
}

int host_read_kernel_log(const struct host *host, char **ret_text, size_t *ret_len)
{
	return host_read_made(host, "pciferry/kernel-log", make_log, NULL, ret_text,
			      ret_len);
}
