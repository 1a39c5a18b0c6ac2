/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootcfg/loader.h"

#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define EFIVARS	    "sys/firmware/efi/efivars/"
#define LOADER_GUID "-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
#define GLOBAL_GUID "-8be4df61-93ca-11d2-aa0d-00e098032b8c"

enum {
	ATTRIBUTES = 4, /* in front of each variable's bytes (efivarfs.rst) */
	MEDIA_DEVICE_PATH = 4,
	FILE_PATH = 4,
	END_DEVICE_PATH = 0x7f,
	FEATURE_ENTRY_ONESHOT = 1 << 3,
};

static unsigned int get16(const unsigned char *bytes)
{
	return bytes[0] | (unsigned int)bytes[1] << 8;
}

/* UTF-16 up to its end or its NUL. */
static int take_utf16(const unsigned char *bytes, size_t len, char *buffer, size_t size)
{
	size_t n = 0;

	for (; len >= 2 && get16(bytes); bytes += 2, len -= 2) {
		unsigned int c = get16(bytes);

		if (n + 1 >= size)
			return -ENAMETOOLONG;
		buffer[n++] = c < 0x80 ? (char)c : '?';
	}
	buffer[n] = '\0';
	return 0;
}

int bootcfg_efi_text(const void *bytes, size_t len, char *buffer, size_t size)
{
	buffer[0] = '\0';
	if (len < ATTRIBUTES)
		return -EINVAL;
	return take_utf16((const unsigned char *)bytes + ATTRIBUTES, len - ATTRIBUTES,
			  buffer, size);
}

static void use_slashes(char *path)
{
	for (char *at = path; *at; at++)
		if (*at == '\\')
			*at = '/';
	memmove(path, path + strspn(path, "/"), strlen(path + strspn(path, "/")) + 1);
}

int bootcfg_efi_program(const void *bytes, size_t len, char *buffer, size_t size)
{
	const unsigned char *at = bytes, *end = at + len;
	size_t header = ATTRIBUTES + sizeof(uint32_t) + sizeof(uint16_t);

	buffer[0] = '\0';
	if (len < header)
		return -EINVAL;
	/* The description, which a NUL ends, then the device path. */
	for (at += header; end - at >= 2 && get16(at); at += 2)
		;
	for (at += 2; end - at >= 4 && at[0] != END_DEVICE_PATH;) {
		size_t node = get16(at + 2);
		int r;

		if (node < 4 || node > (size_t)(end - at))
			return -EINVAL;
		if (at[0] == MEDIA_DEVICE_PATH && at[1] == FILE_PATH) {
			r = take_utf16(at + 4, node - 4, buffer, size);
			use_slashes(buffer);
			return r;
		}
		at += node;
	}
	return 0;
}

static int read_variable(const struct host *host, const char *path, char *buffer,
			 size_t size, int (*parse)(const void *, size_t, char *, size_t))
{
	_cleanup_free_ char *bytes = NULL;
	size_t len;
	int r = host_read_file(host, path, &bytes, &len);

	buffer[0] = '\0';
	if (r == 0)
		r = parse(bytes, len, buffer, size);
	if (r < 0)
		buffer[0] = '\0';
	return r;
}

/* The file of the boot option that the firmware took. */
static void read_program(const struct host *host, struct bootcfg_loader *loader)
{
	_cleanup_free_ char *current = NULL;
	char path[128];
	size_t len;

	if (host_read_file(host, EFIVARS "BootCurrent" GLOBAL_GUID, &current, &len) < 0 ||
	    len < ATTRIBUTES + 2)
		return;
	snprintf(path, sizeof(path), EFIVARS "Boot%04X" GLOBAL_GUID,
		 get16((unsigned char *)current + ATTRIBUTES));
	read_variable(host, path, loader->program, sizeof(loader->program),
		      bootcfg_efi_program);
}

/* LoaderFeatures, 64 bits (https://systemd.io/BOOT_LOADER_INTERFACE). 0: none, or the
 * loader does not tell. */
static uint64_t read_features(const struct host *host)
{
	_cleanup_free_ char *bytes = NULL;
	uint64_t features;
	size_t len;

	if (host_read_file(host, EFIVARS "LoaderFeatures" LOADER_GUID, &bytes, &len) <
		    0 ||
	    len < ATTRIBUTES + sizeof(features))
		return 0;
	memcpy(&features, bytes + ATTRIBUTES, sizeof(features));
	return le64toh(features);
}

static const struct {
	const char *word; /* in the loader's own name, or in its file's path */
	enum bootcfg_loader_kind kind;
	const char *name;
} known[] = {
	{ "systemd-boot", LOADER_SYSTEMD_BOOT, "systemd-boot" },
	{ "EFI/systemd/", LOADER_SYSTEMD_BOOT, "systemd-boot" },
	{ "grub", LOADER_GRUB, "GRUB" },
	{ "limine", LOADER_LIMINE, "Limine" },
	{ "refind", LOADER_REFIND, "rEFInd" },
	{ "EFI/Linux/", LOADER_FIRMWARE, "the firmware itself" },
	{ "vmlinuz", LOADER_FIRMWARE, "the firmware itself" },
	/* Secure Boot's first program, which starts GRUB unless told otherwise. */
	{ "shim", LOADER_GRUB, "GRUB" },
};

static bool find_known(struct bootcfg_loader *loader, const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcasestr(text, known[i].word)) {
			loader->kind = known[i].kind;
			snprintf(loader->name, sizeof(loader->name), "%s", known[i].name);
			return true;
		}
	return false;
}

static bool ask_variables(const struct host *host, struct bootcfg_loader *loader)
{
	char name[sizeof(loader->name)], stub[64];
	bool is_named = read_variable(host, EFIVARS "LoaderInfo" LOADER_GUID, name,
				      sizeof(name), bootcfg_efi_text) == 0 &&
			name[0];

	loader->starts_once = read_features(host) & FEATURE_ENTRY_ONESHOT;
	read_program(host, loader);
	loader->certain = true;
	if (is_named) {
		find_known(loader, name);
		memcpy(loader->name, name, sizeof(name));
		snprintf(loader->evidence, sizeof(loader->evidence),
			 "the firmware's variable LoaderInfo");
		return true;
	}
	if (loader->program[0] && find_known(loader, loader->program)) {
		snprintf(loader->evidence, sizeof(loader->evidence),
			 "the firmware started %s", loader->program);
		return true;
	}
	if (read_variable(host, EFIVARS "StubInfo" LOADER_GUID, stub, sizeof(stub),
			  bootcfg_efi_text) == 0 &&
	    stub[0]) {
		loader->kind = LOADER_FIRMWARE;
		snprintf(loader->name, sizeof(loader->name), "the firmware itself");
		snprintf(loader->evidence, sizeof(loader->evidence),
			 "the firmware's variable StubInfo: %s, and no loader", stub);
		return true;
	}
	loader->certain = false;
	return false;
}

/* What is there, where nothing tells it: only one of them may be. */
static void look_around(const struct host *host, struct bootcfg_loader *loader)
{
	static const struct {
		const char *path;
		enum bootcfg_loader_kind kind;
		const char *name;
	} files[] = {
		{ "boot/grub/grub.cfg", LOADER_GRUB, "GRUB" },
		{ "boot/grub2/grub.cfg", LOADER_GRUB, "GRUB" },
		{ "boot/limine.conf", LOADER_LIMINE, "Limine" },
		{ "boot/limine/limine.conf", LOADER_LIMINE, "Limine" },
		{ "boot/loader/loader.conf", LOADER_SYSTEMD_BOOT, "systemd-boot" },
		{ "efi/loader/loader.conf", LOADER_SYSTEMD_BOOT, "systemd-boot" },
		{ "boot/efi/loader/loader.conf", LOADER_SYSTEMD_BOOT, "systemd-boot" },
		{ "boot/refind_linux.conf", LOADER_REFIND, "rEFInd" },
	};
	const char *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (!host_exists(host, files[i].path))
			continue;
		if (found && loader->kind != files[i].kind) {
			loader->kind = LOADER_UNKNOWN;
			loader->name[0] = '\0';
			snprintf(loader->evidence, sizeof(loader->evidence),
				 "both /%s and /%s are there", found, files[i].path);
			return;
		}
		if (found)
			continue;
		found = files[i].path;
		loader->kind = files[i].kind;
		snprintf(loader->name, sizeof(loader->name), "%s", files[i].name);
	}
	if (found)
		snprintf(loader->evidence, sizeof(loader->evidence), "/%s is there",
			 found);
}

void bootcfg_loader_read(const struct host *host, struct bootcfg_loader *ret_loader)
{
	memset(ret_loader, 0, sizeof(*ret_loader));
	if (!ask_variables(host, ret_loader))
		look_around(host, ret_loader);
}

const char *bootcfg_find_esp(const struct host *host)
{
	static const char *const folders[] = { "boot/efi", "efi", "boot" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/EFI", folders[i]);
		if (host_exists(host, path))
			return folders[i];
	}
	return NULL;
}
