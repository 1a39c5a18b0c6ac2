/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootcfg/uki.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	PE_POINTER = 0x3c, /* where the offset of "PE\0\0" stands */
	COFF_SECTIONS = 6,
	COFF_OPTIONAL_SIZE = 20,
	COFF_SIZE = 24,
	SECTION_SIZE = 40,
	SECTION_NAME = 8,
	SECTION_VIRTUAL_SIZE = 8,
	SECTION_RAW_SIZE = 16,
	SECTION_RAW_POINTER = 20,
	TEXT_MAX = 16384,
};

static uint32_t get16(const unsigned char *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8;
}

static uint32_t get32(const unsigned char *bytes)
{
	return get16(bytes) | get16(bytes + 2) << 16;
}

int bootcfg_pe_find(const void *bytes, size_t len, const char *name, uint32_t *ret_offset,
		    uint32_t *ret_size)
{
	const unsigned char *start = bytes, *section, *pe;
	uint32_t count;
	size_t at;

	if (len < PE_POINTER + 4 || memcmp(start, "MZ", 2) != 0)
		return -EINVAL;
	at = get32(start + PE_POINTER);
	if (at > len || len - at < COFF_SIZE || memcmp(start + at, "PE\0\0", 4) != 0)
		return -EINVAL;
	pe = start + at;
	count = get16(pe + COFF_SECTIONS);
	at += COFF_SIZE + get16(pe + COFF_OPTIONAL_SIZE);
	for (; count && at <= len && len - at >= SECTION_SIZE; at += SECTION_SIZE) {
		uint32_t raw, virtual_size;

		count--;
		section = start + at;
		if (strncmp((const char *)section, name, SECTION_NAME) != 0)
			continue;
		/* The raw size is rounded up with zeros; the virtual one is exact. */
		raw = get32(section + SECTION_RAW_SIZE);
		virtual_size = get32(section + SECTION_VIRTUAL_SIZE);
		*ret_offset = get32(section + SECTION_RAW_POINTER);
		*ret_size = virtual_size && virtual_size < raw ? virtual_size : raw;
		return 0;
	}
	return -ENOENT;
}

static ssize_t read_at(int fd, off_t offset, char *buffer, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = pread(fd, buffer + len, size - len, offset + (off_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

/* A section as a line of its own. */
static int write_section(int fd, const char *headers, size_t len, const char *section,
			 FILE *stream)
{
	char text[TEXT_MAX];
	uint32_t offset, size;
	ssize_t n;

	if (bootcfg_pe_find(headers, len, section, &offset, &size) < 0)
		return 0;
	if (size >= TEXT_MAX)
		return -EFBIG;
	n = read_at(fd, offset, text, size);
	if (n < 0)
		return (int)n;
	text[strnlen(text, (size_t)n)] = '\0';
	for (char *at = text; *at; at++)
		if (*at == '\n')
			*at = ' ';
	fprintf(stream, "%s %s\n", section + 1, text);
	return 0;
}

static int make_digest(int fd, const struct host_status *status, void *argument,
		       char **ret_text, size_t *ret_len)
{
	_cleanup_free_ char *headers = malloc(BOOTCFG_PE_HEADERS);
	char *text = NULL;
	size_t len = 0;
	FILE *stream;
	ssize_t n;
	int r;

	(void)status;
	(void)argument;
	if (!headers)
		return -ENOMEM;
	n = read_at(fd, 0, headers, BOOTCFG_PE_HEADERS);
	if (n < 0)
		return (int)n;
	stream = open_memstream(&text, &len);
	if (!stream)
		return -ENOMEM;
	r = write_section(fd, headers, (size_t)n, ".cmdline", stream);
	if (r == 0)
		r = write_section(fd, headers, (size_t)n, ".uname", stream);
	if (fclose(stream) != 0)
		r = -ENOMEM;
	if (r < 0) {
		free(text);
		return r;
	}
	*ret_text = text;
	*ret_len = len;
	return 0;
}

int bootcfg_uki_read(const struct host *host, const char *path, char **ret_digest,
		     size_t *ret_len)
{
	return host_read_digest(host, "unified-kernel", path, make_digest, NULL,
				ret_digest, ret_len);
}

/* What stands behind a word at the start of a line; NULL: nothing does. */
static char *find_line(const char *text, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = text, *end = text + len; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((newline ? newline : end) - at);

		if (length > n && !memcmp(at, word, n) && at[n] == ' ')
			return strndup(at + n + 1, length - n - 1);
		at += length + 1;
	}
	return NULL;
}

bool bootcfg_is_efi(const char *path)
{
	size_t len = strlen(path);

	return len > 4 && !strcasecmp(path + len - 4, ".efi");
}

int bootcfg_uki_parse(const char *digest, size_t len, const char *kernel,
		      const char *file, struct bootcfg_entries *entries)
{
	const char *slash = strrchr(kernel, '/');
	struct bootcfg_entry entry = {
		.title = strdup(slash ? slash + 1 : kernel),
		.file = file,
		.kernel = strdup(kernel),
		.options = find_line(digest, len, "cmdline"),
		.release = find_line(digest, len, "uname"),
	};

	/* A program that is no Linux has neither; one without a line takes the loader's.
	 */
	if (!entry.options && !entry.release) {
		bootcfg_entry_free(&entry);
		return 0;
	}
	entry.uncertain = !entry.options;
	return bootcfg_entry_add(entries, &entry);
}
