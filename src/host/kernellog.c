/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/kernellog.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/rooted.h"

/* syslog(2); glibc has no names for them. */
enum { READ_ALL = 3, SIZE_BUFFER = 10 };

enum {
	RECORD_MAX = 8192, /* CONSOLE_EXT_LOG_MAX in include/linux/printk.h */
	SAID_MAX = 4 << 20,
};

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

int host_kernel_log_follow(const struct host *host, int *ret_fd)
{
	_cleanup_close_ int fd =
		rooted_open(host_root_fd(host), "dev/kmsg", O_RDONLY | O_NONBLOCK, 0);

	if (fd < 0)
		return fd;
	if (lseek(fd, 0, SEEK_END) < 0)
		return -errno;
	*ret_fd = steal_fd(&fd);
	return 0;
}

/*
 * A record is "level,sequence,time,flags;message", and lines that begin with a space
 * tell of the device. Levels from 8 on are of programs that wrote there. Keeps the
 * kernel's messages, in place.
 */
static size_t keep_messages(char *text, size_t len)
{
	const char *at = text, *end = text + len;
	size_t used = 0;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *next = newline ? newline + 1 : end;
		const char *message = memchr(at, ';', (size_t)(next - at));

		if (isdigit((unsigned char)*at) && at[1] == ',' && *at < '8' &&
		    message++) {
			memmove(text + used, message, (size_t)(next - message));
			used += (size_t)(next - message);
		}
		at = next;
	}
	return used;
}

int host_kernel_log_next(int fd, char **ret_text, size_t *ret_len, bool *ret_lost)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0, room = 0;
	bool lost = false;

	for (;;) {
		ssize_t n;

		if (room - len <= RECORD_MAX) {
			char *larger = realloc(text, room + 8 * (size_t)RECORD_MAX);

			if (!larger)
				return -ENOMEM;
			text = larger;
			room += 8 * (size_t)RECORD_MAX;
		}
		n = read(fd, text + len, RECORD_MAX);
		if (n > 0)
			len += (size_t)n;
		else if (n < 0 && errno == EPIPE)
			lost = true;
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		else
			break;
		/* A kernel that says more than that meanwhile is never at its end. */
		if (len > SAID_MAX)
			break;
	}
	*ret_len = keep_messages(text, len);
	text[*ret_len] = '\0';
	*ret_text = steal(text);
	*ret_lost = lost;
	return 0;
}
