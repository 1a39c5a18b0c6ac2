/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "change/rom.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/rooted.h"
#include "base/text.h"
#include "change/internal.h"

/*
 * How long a step of a reading that was killed may still take, and each of those that
 * close the ROM then.
 */
enum { SETTLE_MS = 5000, CLOSE_MS = 30000 };

/* Behind a device's address: under which name its first state is kept. */
#define KEPT ".rom"

/* What a device was like first, of what reading its ROM changes. */
struct first {
	unsigned long long node; /* the inode of its folder: another device has another */
	int is_open;
	int sleeps; /* power/control is "auto", and it is to be awake meanwhile */
};

static void attribute_path(const char *device, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "sys/bus/pci/devices/%s/%s", device, name);
}

static void name_kept(const char *device, char name[NAME_MAX])
{
	snprintf(name, NAME_MAX, "%s" KEPT, device);
}

/* Returns 1, 0, or -errno. Only what is not open does not answer with -EINVAL. */
static int is_open(const struct host *host, const char *device)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX], byte;

	attribute_path(device, "rom", path);
	fd = rooted_open(host_root_fd(host), path, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	return read(fd, &byte, 1) >= 0 || errno != EINVAL;
}

static int read_node(const struct host *host, const char *device,
		     unsigned long long *ret_node)
{
	struct host_status status;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s", device);
	switch (host_file_status(host, path, &status)) {
	case FACT_KNOWN:
		break;
	case FACT_ABSENT:
		return -ENODEV;
	default:
		return -EIO;
	}
	*ret_node = status.inode;
	return 0;
}

/* Whether it is open is not asked: who asks decodes what is, and the device may sleep. */
static int read_first(const struct host *host, const char *device,
		      enum change_rom_power power, struct first *ret_first)
{
	struct first first = { .is_open = 1 };
	char path[PATH_MAX], control[16];
	int r = read_node(host, device, &first.node);

	if (r < 0)
		return r;
	attribute_path(device, "rom", path);
	if (!host_exists(host, path))
		return -ENOENT;
	attribute_path(device, "power/control", path);
	first.sleeps = power != CHANGE_ROM_LEAVE &&
		       host_read(host, path, control, sizeof(control)) == FACT_KNOWN &&
		       !strcmp(control, "auto");
	*ret_first = first;
	return 0;
}

static int keep(struct change *change, const char *device, const struct first *first,
		struct error *err)
{
	char name[NAME_MAX], text[128];

	name_kept(device, name);
	snprintf(text, sizeof(text), "node %llu\nopen %d\nsleeps %d\n", first->node,
		 first->is_open, first->sleeps);
	return change_keep_state(change, name, text, err);
}

static int recall(const struct host *host, const char *device, struct first *ret_first)
{
	_cleanup_free_ char *text = NULL;
	char name[NAME_MAX];
	struct first first;
	int r;

	name_kept(device, name);
	r = change_read_state(host, name, &text);
	if (r < 0)
		return r;
	if (sscanf(text, "node %llu\nopen %d\nsleeps %d\n", &first.node, &first.is_open,
		   &first.sleeps) != 3)
		return -EINVAL;
	*ret_first = first;
	return 0;
}

static int add_write(struct change_steps *steps, const char *device,
		     const char *attribute, const char *value, const char *purpose)
{
	char path[PATH_MAX];
	const struct change_step step = {
		.kind = CHANGE_WRITE_ATTRIBUTE,
		.device = (char *)device,
		.target = path,
		.value = (char *)value,
		.purpose = (char *)purpose,
	};

	attribute_path(device, attribute, path);
	return change_add(steps, &step);
}

static int add_reading(struct change_steps *steps, const char *device,
		       const struct first *first, int copy)
{
	char path[PATH_MAX];
	const struct change_step step = {
		.kind = CHANGE_COPY_ATTRIBUTE,
		.device = (char *)device,
		.target = path,
		.purpose = (char *)"read its ROM",
		.copy = copy,
	};
	int r = 0;

	if (first->sleeps)
		r = add_write(steps, device, "power/control", "on\n", "wake it");
	if (r == 0 && !first->is_open)
		r = add_write(steps, device, "rom", "1\n", "open its ROM");
	attribute_path(device, "rom", path);
	return r == 0 ? change_add(steps, &step) : r;
}

/* With both bytes: one alone opens it. */
static int add_closing(struct change_steps *steps, const char *device,
		       const struct first *first)
{
	int r = 0;

	if (!first->is_open)
		r = add_write(steps, device, "rom", "0\n", "close its ROM");
	if (r == 0 && first->sleeps)
		r = add_write(steps, device, "power/control", "auto\n",
			      "let it sleep again");
	return r;
}

int change_copy_attribute(const struct change *change, const struct change_step *step)
{
	_cleanup_close_ int fd =
		rooted_open(host_root_fd(change->host), step->target, O_RDONLY, 0);
	char page[HOST_ATTRIBUTE_MAX];
	size_t total = 0;
	ssize_t n;

	if (fd < 0)
		return fd;
	/* The kernel decodes the ROM for each read anew, and gives a page at most. */
	while ((n = read(fd, page, sizeof(page))) > 0) {
		if (total + (size_t)n > CHANGE_ROM_MAX)
			return -EFBIG;
		if (pwrite(step->copy, page, (size_t)n, (off_t)total) != n)
			return -ENOMEM;
		total += (size_t)n;
	}
	return n < 0 ? -errno : 0;
}

/* Brings the device back to what it was first; forgets what is kept of it then. */
static int close_again(struct change *change, const char *device,
		       const struct first *first, struct error *err)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	char name[NAME_MAX];
	int r;

	if (add_closing(&steps, device, first) < 0)
		return error_oom(err);
	r = change_perform_all(change, &steps, 1, err);
	if (r == 0 && !first->is_open && is_open(change->host, device) == 1)
		r = error_set(err, EIO, device, "its ROM is still open");
	if (r < 0 && change_device_is_there(change->host, device))
		return r;
	name_kept(device, name);
	change_drop_state(change, name);
	return r;
}

static int take_bytes(int fd, char **ret_bytes, size_t *ret_len, struct error *err)
{
	off_t len = lseek(fd, 0, SEEK_END);
	char *bytes = len < 0 ? NULL : malloc((size_t)len + 1);

	if (!bytes)
		return error_oom(err);
	if (pread(fd, bytes, (size_t)len, 0) != len) {
		free(bytes);
		return error_set(err, EIO, "", "what was read is gone from memory");
	}
	*ret_bytes = bytes;
	*ret_len = (size_t)len;
	return 0;
}

static int read_once(struct change *change, const char *device, const struct first *first,
		     int copy, struct error *err)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };

	if (add_reading(&steps, device, first, copy) < 0)
		return error_oom(err);
	return change_perform_all(change, &steps, 1, err);
}

/*
 * What slept at the end may have slept all the time: vfio-pci of kernels before 5.19 puts
 * it to sleep itself, whatever power/control says. Then 0xff was read, or no ROM.
 */
static int check_awake(const struct host *host, const char *device, struct error *err)
{
	char path[PATH_MAX], state[16];

	attribute_path(device, "power_state", path);
	if (host_read(host, path, state, sizeof(state)) != FACT_KNOWN ||
	    state[0] != 'D' || !strcmp(state, "D0"))
		return 0;
	error_clear(err);
	error_set(err, EAGAIN, device, "it did not stay awake while it was read (%s)",
		  state);
	error_hint(err, "take it from its driver first (pciferry release), and read it"
			" then");
	return -EAGAIN;
}

static int read_opened(struct change *change, const char *device, struct first *first,
		       enum change_rom_power power, int copy, struct error *err)
{
	_cleanup_(error_clear) struct error unclosed = ERROR_INIT;
	int closed, r = keep(change, device, first, err);

	if (r < 0)
		return r;
	r = read_once(change, device, first, copy, err);
	/* Only what is not open says so. */
	if (r == -EINVAL) {
		error_clear(err);
		first->is_open = 0;
		r = keep(change, device, first, err);
		if (r == 0)
			r = read_once(change, device, first, copy, err);
	}
	if ((r == 0 || r == -EIO) && power != CHANGE_ROM_LEAVE &&
	    check_awake(change->host, device, err) < 0)
		r = -EAGAIN;
	/* What hangs closes it itself when it comes back. */
	if (r == -ETIMEDOUT)
		return r;
	closed = close_again(change, device, first, &unclosed);
	if (closed == 0)
		return r;
	/* No caller may take it for a device without a ROM, whatever the reading said. */
	if (r < 0)
		error_evidence(err, "and %s: %s", unclosed.subject, unclosed.message);
	else
		error_set(err, EBUSY, unclosed.subject, "%s", unclosed.message);
	return -EBUSY;
}

int change_read_rom(struct change *change, const char *device,
		    enum change_rom_power power, char **ret_bytes, size_t *ret_len,
		    struct error *err)
{
	_cleanup_close_ int copy = -1;
	struct first first;
	int r = change_wait_for_device(change, device, 0, err);

	if (r < 0)
		return r;
	r = read_first(change->host, device, power, &first);
	if (r == -ENOENT)
		return error_set(err, ENOENT, device, "it has no ROM");
	if (r < 0)
		return error_set(err, -r, device, "its ROM: %s", strerror(-r));
	if (power == CHANGE_ROM_WAKE && !first.sleeps) {
		error_set(err, EAGAIN, device,
			  "it sleeps, and not since power/control lets it: writing there"
			  " does not wake it");
		error_hint(err,
			   "its driver keeps it asleep, as vfio-pci of older kernels"
			   " does: take it from that driver first (pciferry release)");
		return -EAGAIN;
	}
	copy = memfd_create("rom", MFD_CLOEXEC);
	if (copy < 0)
		return error_set(err, errno, device, "no room for its ROM: %s",
				 strerror(errno));
	r = read_opened(change, device, &first, power, copy, err);
	return r < 0 ? r : take_bytes(copy, ret_bytes, ret_len, err);
}

void change_rom_came_back(struct change *change, const char *device, void *argument)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	struct first first;
	char name[NAME_MAX];

	(void)argument;
	if (recall(change->host, device, &first) < 0 ||
	    add_closing(&steps, device, &first) < 0)
		return;
	for (size_t i = 0; i < steps.count; i++)
		if (change_perform_here(change, &steps.items[i]) < 0)
			return;
	name_kept(device, name);
	change_drop_state(change, name);
}

static void close_left(struct change *change, const char *device)
{
	unsigned long long node = 0;
	struct first first;
	char name[NAME_MAX];
	int r = recall(change->host, device, &first);

	if (r == 0)
		r = read_node(change->host, device, &node);
	/* Of what is kept nothing is forgotten but what is of no device, or of no use. */
	if (r < 0 && r != -ENODEV && r != -EINVAL)
		return;
	if (r == 0 && node == first.node) {
		if (change_wait_for_device(change, device, SETTLE_MS, NULL) == 0)
			close_again(change, device, &first, NULL);
		return;
	}
	name_kept(device, name);
	change_drop_state(change, name);
}

void change_close_roms(struct change *change)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	const struct change_options asked = change->options;
	static const char end[] = KEPT ".first";

	if (host_list(change->host, "run/pciferry", &names) < 0)
		return;
	/* The change that is to begin may have no steps of its own. */
	change->options.deadline_ms = CLOSE_MS;
	change->options.came_back = change_rom_came_back;
	for (size_t i = 0; i < names.count; i++) {
		char *name = names.items[i];

		if (!text_ends_with(name, end))
			continue;
		name[strlen(name) - strlen(end)] = '\0';
		close_left(change, name);
	}
	change->options = asked;
}
