/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/vm_create_parts.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/file.h"
#include "vm/image.h"
#include "vm/usb.h"

int vm_keep_path(struct vm_create_request *request, const char *path,
		 const char **ret_path, bool *ret_is_block, struct error *err)
{
	char *full;
	int r = file_locate(path, &full, ret_is_block, err);

	if (r < 0)
		return r;
	if (string_list_add_owned(&request->made, full) < 0)
		return error_oom(err);
	*ret_path = full;
	return 0;
}

/* One more of them, which is all zeros. NULL: no memory. */
static void *add_one(void *items, size_t *count, size_t size)
{
	char *larger = reallocarray(items, *count + 1, size);

	if (larger)
		memset(larger + *count * size, 0, size);
	return larger;
}

static struct vm_disk *add_disk(struct vm_create_request *request, struct error *err)
{
	struct vm_guest *guest = &request->guest;
	struct vm_disk *larger =
		add_one(request->disks, &guest->n_disks, sizeof(*larger));

	if (!larger) {
		error_oom(err);
		return NULL;
	}
	request->disks = larger;
	guest->disks = larger;
	return &larger[guest->n_disks++];
}

/* "20G": a number alone would be read as bytes by one and as GiB by another. */
static int parse_size(const char *text, uint64_t *ret_bytes, struct error *err)
{
	static const char units[] = "MGT";
	size_t digits = strspn(text, "0123456789");
	const char *unit = text[digits] ? strchr(units, text[digits]) : NULL;
	char number[8] = "";
	uint64_t value;

	if (digits < sizeof(number))
		memcpy(number, text, digits);
	if (!unit || text[digits + 1] || text_parse_number(number, 999999, &value) < 0 ||
	    !value)
		return error_usage(err, "--disk", "%s is no size such as 512M, 20G or 1T",
				   text);
	*ret_bytes = value << (20 + 10 * (unit - units));
	return 0;
}

static int take_new_disk(struct vm_create_request *request, struct vm_disk *disk,
			 const char *path, const char *size, struct error *err)
{
	char *full;
	int r = parse_size(size, &disk->size, err);

	if (r == 0)
		r = file_locate_new(path, &full, err);
	if (r == -EEXIST)
		error_hint(err, "leave ,size=%s out to use it", size);
	if (r < 0)
		return r;
	if (string_list_add_owned(&request->made, full) < 0)
		return error_oom(err);
	disk->path = full;
	return 0;
}

int vm_take_disk(struct vm_create_request *request, const char *text, struct error *err)
{
	static const char size_word[] = ",size=";
	const char *size = strstr(text, size_word);
	_cleanup_free_ char *path =
		size ? strndup(text, (size_t)(size - text)) : strdup(text);
	struct vm_disk *disk = add_disk(request, err);
	int r;

	if (!path)
		return error_oom(err);
	if (!disk)
		return -ENOMEM;
	if (size)
		r = take_new_disk(request, disk, path, size + strlen(size_word), err);
	else
		r = vm_keep_path(request, path, &disk->path, &disk->is_block, err);
	disk->is_qcow2 = !disk->is_block && fnmatch("*.qcow2", path, 0) == 0;
	return r;
}

int vm_take_cdrom(struct vm_create_request *request, const char *path, struct error *err)
{
	struct vm_disk *disk = add_disk(request, err);

	if (!disk)
		return -ENOMEM;
	disk->is_cdrom = true;
	return vm_keep_path(request, path, &disk->path, &disk->is_block, err);
}

/*
 * By a name that stays: event numbers are given anew at each boot. udev's rules say by
 * the name what it is (60-persistent-input.rules), and libvirt follows the link whenever
 * the guest starts.
 */
int vm_take_evdev(struct vm_create_request *request, const char *path, struct error *err)
{
	struct vm_guest *guest = &request->guest;
	struct vm_input *larger;

	if (strncmp(path, "/dev/input/by-", strlen("/dev/input/by-")) != 0) {
		error_usage(err, "--evdev", "%s is no name that stays", path);
		error_hint(err, "ls -l /dev/input/by-id /dev/input/by-path shows those"
				" that do");
		return -EINVAL;
	}
	larger = add_one(request->inputs, &guest->n_inputs, sizeof(*larger));
	if (!larger)
		return error_oom(err);
	request->inputs = larger;
	guest->inputs = larger;
	larger[guest->n_inputs++] = (struct vm_input){
		.path = path,
		.is_keyboard = text_ends_with(path, "-event-kbd"),
	};
	return 0;
}

/* What the device can tell the guest (virtio 1.2, 5.11.4: tag). */
enum { TAG_MAX = 36 };

static int check_tag(const struct vm_guest *guest, const char *tag, struct error *err)
{
	if (!*tag || strlen(tag) > TAG_MAX)
		return error_usage(err, "--share", "%s is no tag of 1 to %d bytes", tag,
				   TAG_MAX);
	for (size_t i = 0; i < guest->n_shares; i++)
		if (!strcmp(guest->shares[i].tag, tag))
			return error_usage(err, "--share",
					   "%s is the tag of another one as well: add"
					   " =TAG to this one",
					   tag);
	return 0;
}

int vm_take_share(struct vm_create_request *request, const char *text, struct error *err)
{
	struct vm_guest *guest = &request->guest;
	const char *tag = strrchr(text, '=');
	size_t len = tag ? (size_t)(tag - text) : strlen(text);
	_cleanup_free_ char *folder = NULL;
	struct vm_share *larger, share;
	bool is_block;
	int r;

	if (!len)
		return error_usage(err, "--share", "%s names no folder", text);
	/* Of what is no folder this is nothing. */
	if (asprintf(&folder, "%.*s/.", (int)len, text) < 0) {
		folder = NULL;
		return error_oom(err);
	}
	r = vm_keep_path(request, folder, &share.path, &is_block, err);
	if (r < 0)
		return r;
	share.tag = tag ? tag + 1 : strrchr(share.path, '/') + 1;
	r = check_tag(guest, share.tag, err);
	if (r < 0)
		return r;
	larger = add_one(request->shares, &guest->n_shares, sizeof(*larger));
	if (!larger)
		return error_oom(err);
	request->shares = larger;
	guest->shares = larger;
	larger[guest->n_shares++] = share;
	return 0;
}

/* "1920x1080": what no screen has is a slip of the finger. */
static int parse_picture(const char *text, uint64_t *ret_pixels)
{
	static const uint64_t max = 16384;
	const char *x = strchr(text, 'x');
	_cleanup_free_ char *width = x ? strndup(text, (size_t)(x - text)) : NULL;
	uint64_t wide, high;

	if (!width || text_parse_number(width, max, &wide) < 0 ||
	    text_parse_number(x + 1, max, &high) < 0 || !wide || !high)
		return -EINVAL;
	*ret_pixels = wide * high;
	return 0;
}

/*
 * Two pictures of four bytes a pixel, and ten MiB, in a BAR, whose size is a power of two
 * (https://looking-glass.io/docs/B6/install/, "Determining memory").
 */
int vm_take_looking_glass(struct vm_create_request *request, const char *text,
			  struct error *err)
{
	uint64_t pixels, bytes = 16 << 20;

	if (parse_picture(text ? text : "1920x1080", &pixels) < 0)
		return error_usage(err, "--looking-glass",
				   "%s is no size of a picture such as 2560x1440", text);
	while (bytes < pixels * 4 * 2 + (10 << 20))
		bytes *= 2;
	request->guest.picture_mib = (unsigned int)(bytes >> 20);
	return 0;
}

static int check_input(const struct host *host, const struct vm_input *input,
		       struct error *err)
{
	if (host_exists(host, input->path + 1))
		return 0;
	error_set(err, ENOENT, input->path, "no such input is there");
	error_hint(err, "ls -l /dev/input/by-id /dev/input/by-path");
	return -ENOENT;
}

int vm_find_parts(const struct host *host, struct vm_create_request *request,
		  struct error *err)
{
	size_t count = request->usb_names.count;
	int r = 0;

	for (size_t i = 0; r == 0 && i < request->guest.n_inputs; i++)
		r = check_input(host, &request->inputs[i], err);
	if (r < 0)
		return r;
	request->usb = calloc(count + 1, sizeof(*request->usb));
	if (!request->usb)
		return error_oom(err);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = vm_usb_find(host, request->usb_names.items[i], &request->usb[i], err);
	request->guest.usb = request->usb;
	request->guest.n_usb = count;
	return r;
}

/* Under another name until it is whole: what is cut off is not taken for a disk. */
static int make_disk(const struct vm_disk *disk, struct error *err)
{
	_cleanup_free_ char *part = NULL;
	int r;

	if (asprintf(&part, "%s.part", disk->path) < 0) {
		part = NULL;
		return error_oom(err);
	}
	r = file_reserve(part, err);
	if (r < 0)
		return r;
	r = vm_make_image(disk, part, err);
	if (r == 0)
		r = file_rename_new(part, disk->path, err);
	if (r < 0)
		file_remove(part);
	return r;
}

static void remove_first(const struct vm_guest *guest, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (guest->disks[i].size)
			file_remove(guest->disks[i].path);
}

int vm_make_disks(const struct vm_guest *guest, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < guest->n_disks; i++) {
		if (guest->disks[i].size)
			r = make_disk(&guest->disks[i], err);
		if (r < 0)
			remove_first(guest, i);
	}
	return r;
}

void vm_remove_made_disks(const struct vm_guest *guest)
{
	remove_first(guest, guest->n_disks);
}
