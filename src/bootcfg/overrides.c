/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootcfg/overrides.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bootcfg/confd.h"

enum { RULES_MAX = 4 << 20 };

/* Lines that do not decide are left out of it, but for their ends. */
static void write_line(FILE *stream, const char *line, size_t len)
{
	static const char *const words[] = { "driver_override", "GOTO", "LABEL" };
	bool counts = false;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		counts |= memmem(line, len, words[i], strlen(words[i])) != NULL;
	if (counts) {
		fwrite(line, 1, len, stream);
		return;
	}
	for (size_t i = 0; i < len; i++)
		if (line[i] == '\n')
			fputc('\n', stream);
}

/* Up to the newline that no "\" stands before. */
static size_t line_length(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && (text[n] != '\n' || (n && text[n - 1] == '\\')))
		n++;
	return n < len ? n + 1 : n;
}

/*
 * Rules name serial numbers and the like, which no recording is to have: of a file that
 * speaks of driver_override those lines are kept, of any other nothing.
 */
static int make_digest(int fd, const struct host_status *status, void *argument,
		       char **ret_text, size_t *ret_len)
{
	_cleanup_free_ char *text = NULL;
	ssize_t n;
	FILE *stream;

	(void)argument;
	if (status->size > RULES_MAX)
		return -EFBIG;
	text = malloc(status->size + 1);
	if (!text)
		return -ENOMEM;
	n = read(fd, text, status->size);
	if (n < 0)
		return -errno;
	*ret_text = NULL;
	stream = open_memstream(ret_text, ret_len);
	if (!stream)
		return -ENOMEM;
	if (memmem(text, (size_t)n, "driver_override", strlen("driver_override")))
		for (size_t at = 0; at < (size_t)n;) {
			size_t len = line_length(text + at, (size_t)n - at);

			write_line(stream, text + at, len);
			at += len;
		}
	if (fclose(stream) == 0)
		return 0;
	free(*ret_text);
	return -ENOMEM;
}

static int read_rules(const struct host *host, const char *path,
		      struct bootcfg_overrides *overrides)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = host_read_digest(host, "override-rules", path, make_digest, NULL, &text,
				 &len);

	/* A link to /dev/null hides a file of that name in another folder. */
	if (r == -ENOENT || r == -EINVAL)
		return 0;
	if (r < 0)
		return r == -ENOMEM ? r : string_list_add(&overrides->unreadable, path);
	if (!len)
		return 0;
	r = string_list_add(&overrides->paths, path);
	return r < 0 ? r : string_list_add(&overrides->texts, text);
}

int bootcfg_overrides_read(const struct host *host,
			   struct bootcfg_overrides *ret_overrides)
{
	static const char *const folders[] = {
		"etc/udev/rules.d",	"run/udev/rules.d", "usr/local/lib/udev/rules.d",
		"usr/lib/udev/rules.d", "lib/udev/rules.d", NULL,
	};
	_cleanup_(
		bootcfg_overrides_free) struct bootcfg_overrides found = { .host = host };
	_cleanup_(bootcfg_confd_free) struct bootcfg_confd confd = { 0 };
	int r = bootcfg_confd_list(host, folders, &confd);

	for (size_t i = 0; r == 0 && i < confd.unreadable.count; i++)
		r = string_list_add(&found.unreadable, confd.unreadable.items[i]);
	for (size_t i = 0; r == 0 && i < confd.paths.count; i++)
		r = read_rules(host, confd.paths.items[i], &found);
	if (r < 0)
		return r;
	*ret_overrides = found;
	memset(&found, 0, sizeof(found));
	return 0;
}

void bootcfg_overrides_free(struct bootcfg_overrides *overrides)
{
	if (!overrides)
		return;
	string_list_free(&overrides->paths);
	string_list_free(&overrides->texts);
	string_list_free(&overrides->unreadable);
	memset(overrides, 0, sizeof(*overrides));
}

const char *bootcfg_driverctl_path(const char *address, char path[BOOTCFG_DRIVERCTL_SIZE])
{
	snprintf(path, BOOTCFG_DRIVERCTL_SIZE, BOOTCFG_DRIVERCTL "/pci-%s", address);
	return path;
}

/* driverctl@.service writes what is in the file, and makes the driver have the device. */
static void read_driverctl(const struct host *host, const struct pci_device *device,
			   struct bootcfg_override *override)
{
	struct bootcfg_override found = { .by_driverctl = true };
	char address[PCI_ADDRESS_SIZE], path[BOOTCFG_DRIVERCTL_SIZE];

	pci_address_format(&device->address, address);
	bootcfg_driverctl_path(address, path);
	found.fact = host_read(host, path, found.driver, sizeof(found.driver));
	snprintf(found.place, sizeof(found.place), "/%s", path);
	if (found.fact != FACT_ABSENT)
		*override = found;
}

int bootcfg_override_of(const struct bootcfg_overrides *overrides,
			const struct pci_node *node,
			struct bootcfg_override *ret_override)
{
	int r = 0;

	*ret_override = (struct bootcfg_override){ 0 };
	if (overrides->unreadable.count) {
		ret_override->fact = FACT_UNREADABLE;
		snprintf(ret_override->place, sizeof(ret_override->place), "/%s",
			 overrides->unreadable.items[0]);
	}
	for (size_t i = 0; r == 0 && i < overrides->paths.count; i++)
		r = bootcfg_override_rules(overrides->texts.items[i],
					   strlen(overrides->texts.items[i]),
					   overrides->paths.items[i], node, ret_override);
	read_driverctl(overrides->host, node->device, ret_override);
	return r;
}
