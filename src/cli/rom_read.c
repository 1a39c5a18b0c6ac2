/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes of a ROM: of a file, of a device by the kernel, of AMD's table of ACPI. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "change/rom.h"
#include "cli/file.h"
#include "cli/output.h"
#include "cli/rom.h"
#include "cli/take.h"
#include "iommu/vfct.h"

enum { AMD = 0x1002, COMMAND_MEMORY = 0x2 /* PCIe 6.0, 7.5.1.1.3 */ };

/* A dump of a whole flash chip has other things beside the ROM. */
enum { FILE_MAX = 4 * CHANGE_ROM_MAX };

void rom_found_free(struct rom_found *found)
{
	free(found->bytes);
	memset(found, 0, sizeof(*found));
}

static bool begins(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

/*
 * An address or IDs have a colon; a FILE that has one can be written "./FILE". What is in
 * /dev is a device by its node, but for what the shell gives.
 */
bool rom_is_file(const char *argument)
{
	if (argument[0] != '/' && argument[0] != '.')
		return !strchr(argument, ':');
	return !begins(argument, "/dev/") || begins(argument, "/dev/fd/") ||
	       begins(argument, "/dev/std");
}

/* A device's attribute is a file as well, but to be read with the lock. */
static int check_place(const char *path, struct error *err)
{
	_cleanup_free_ char *full = NULL;
	bool is_block;

	if (file_locate(path, &full, &is_block, NULL) < 0 || !begins(full, "/sys/"))
		return 0;
	error_usage(err, path, "it is no FILE but what a device shows");
	error_hint(err, "name the DEVICE: pciferry rom reads it while nobody uses it");
	return -EINVAL;
}

int rom_read_file(const char *path, struct rom_found *found, struct error *err)
{
	int r = check_place(path, err);

	if (r == 0)
		r = file_read(path, FILE_MAX, &found->bytes, &found->len, err);
	if (r < 0)
		return r;
	if (found->len > FILE_MAX)
		return error_set(err, EFBIG, path, "too large for a ROM: over %d MiB",
				 FILE_MAX >> 20);
	found->source = CHECK_ROM_OF_FILE;
	found->file = path;
	return 0;
}

int rom_find_device(const struct cli_view *view, const char *argument,
		    const struct pci_device **ret_device, struct error *err)
{
	_cleanup_free_ struct pci_device **devices = NULL;
	_cleanup_free_ char *file = NULL;
	size_t count = 0;
	bool several, is_block;
	int r = cli_select(view, argument, &devices, &count, &several, err);

	if (r < 0 && file_locate(argument, &file, &is_block, NULL) == 0 && !is_block) {
		error_clear(err);
		error_usage(err, argument, "no device, but there is a FILE of this name");
		error_hint(err, "write it ./%s", argument);
	}
	if (r < 0)
		return r;
	if (count != 1) {
		error_usage(err, argument, "%zu devices are meant", count);
		error_hint(err, "name one by its address: pciferry list shows them");
		return -EINVAL;
	}
	*ret_device = devices[0];
	return 0;
}

/* -ENOENT: there is no such table, or it has none of this device. */
static int read_vfct(const struct cli_view *view, struct rom_found *found,
		     struct error *err)
{
	_cleanup_free_ char *table = NULL;
	const uint8_t *rom;
	size_t len;
	int r = host_read_file(view->host, VFCT_PATH, &table, &len);

	if (r == -ENOENT) {
		error_set(err, ENOENT, "/" VFCT_PATH, "this firmware has no such table");
		error_hint(err, "it comes with graphics of AMD's");
	} else if (r == -EACCES) {
		error_set(err, EACCES, "/" VFCT_PATH, "only root may read it");
		error_hint(err, "run it with sudo");
	} else if (r < 0) {
		error_set(err, -r, "/" VFCT_PATH, "%s", strerror(-r));
	}
	if (r == 0)
		r = vfct_find((const uint8_t *)table, len, found->device, &rom, &len,
			      err);
	if (r < 0)
		return r;
	found->bytes = malloc(len);
	if (!found->bytes)
		return error_oom(err);
	memcpy(found->bytes, rom, len);
	found->len = len;
	found->source = CHECK_ROM_OF_VFCT;
	return 0;
}

/*
 * Of one that is on a driver of VFIO's, any process that holds it may be a guest; and one
 * may have a virtual function, which hangs on the memory of the physical one.
 */
static bool is_guests(const struct pci_device *device, enum usage_kind kind)
{
	return kind == USAGE_VFIO || kind == USAGE_UNREADABLE || kind == USAGE_FUNCTION ||
	       (kind == USAGE_PROCESS && device->driver &&
		iommu_is_vfio_driver(device->driver));
}

/*
 * The ROM and the rest of a card may share what decodes addresses (pci_enable_rom() in
 * drivers/pci/rom.c): then whoever works with it meanwhile gets nothing. Nothing is
 * touched where a copy in memory is read.
 */
static int refuse_in_use(const struct cli_view *view, const struct rom_request *request,
			 const struct rom_found *found, struct error *err)
{
	const struct usage_findings *findings = usage_of(&view->usage, found->device);
	bool allowed = request->in_use || found->is_shadow, guest = false,
	     refused = false, known = false;
	char address[PCI_ADDRESS_SIZE];

	pci_address_format(&found->device->address, address);
	for (size_t i = 0; i < findings->count; i++) {
		enum usage_kind kind = findings->items[i].kind;
		bool is_of_guest = is_guests(found->device, kind);

		if (kind == USAGE_BOOT || (allowed && !is_of_guest))
			continue;
		if (!refused)
			error_refuse(err, address, "it is in use: its ROM is not read");
		error_evidence(err, "%s", findings->items[i].detail);
		refused = true;
		guest |= is_of_guest;
		known |= is_of_guest && kind != USAGE_UNREADABLE;
	}
	if (guest && known)
		error_hint(err, "end what may be a guest first, and read it then");
	else if (guest)
		error_hint(err, "make readable what could not be read: until then a guest"
				" may have it");
	else if (refused)
		error_hint(err,
			   "--in-use reads it all the same; a card that decodes nothing"
			   " but its ROM meanwhile may fail");
	return refused ? -EBUSY : 0;
}

/* Why the kernel finds none: of its IDs, its place and its state a guess. */
static void explain_none(struct cli_view *view, const struct rom_found *found,
			 struct error *err)
{
	const struct pci_config *config = NULL;
	char path[PCI_ATTRIBUTE_PATH_SIZE];

	error_evidence(err,
		       "what it reads does not begin with 0xaa55 and a PCIR; dmesg | grep"
		       " \"PCI ROM\" may tell what it is");
	if (cli_view_read(view, CLI_NEEDS_CONFIG, NULL) == 0)
		config = cli_view_config(view, found->device);
	if (config && config->pm_fact == FACT_KNOWN && config->pm.state &&
	    !host_exists(view->host, pci_attribute_path(&found->device->address,
							"power_state", path))) {
		error_hint(err,
			   "it sleeps, which kernels before 5.11 do not tell beforehand:"
			   " take it from its driver first (pciferry release)");
		return;
	}
	if (config && config->header_fact == FACT_KNOWN &&
	    !(config->command & COMMAND_MEMORY)) {
		error_hint(err,
			   "its memory is switched off, as by a driver that let it go:"
			   " give it to its driver, or write 1 to its attribute enable");
		return;
	}
	error_hint(
		err, "%s",
		pci_is_display(found->device)
			? "the firmware may hide it: let another card be the first in its"
			  " set-up, or move this one to another slot; or give the guest"
			  " the maker's file (vm create --rom DEVICE=/FILE). A guest"
			  " whose driver"
			  " starts without it needs none"
			: "its maker may have left the ROM empty: a guest needs none but"
			  " to boot from it");
}

static int begin(const struct cli *cli, struct cli_view *view, struct change **ret_change,
		 struct error *err)
{
	static const struct take_options options = TAKE_OPTIONS_INIT;
	static const struct change_options late = {
		.came_back = change_rom_came_back,
		.late = "when the kernel comes back from it, its ROM is closed",
	};

	return take_begin(cli, view->host, &options, &late, ret_change, err);
}

/* With the lock held, and a view from then: see look_again(). */
static int read_changing(struct change *change, struct cli_view *view,
			 const struct rom_request *request, struct rom_found *found,
			 struct error *err)
{
	char address[PCI_ADDRESS_SIZE], state[PCI_STATE_SIZE];
	enum change_rom_power power;
	bool sleeps;
	int r = cli_view_read(view, CLI_NEEDS_USAGE, err);

	if (r == 0)
		r = refuse_in_use(view, request, found, err);
	if (r < 0)
		return r;
	pci_address_format(&found->device->address, address);
	sleeps = !found->is_shadow && pci_memory_sleeps(view->host, found->device, state);
	if (sleeps && !request->wake) {
		error_set(err, EAGAIN, address, "%s sleeps%s%s%s, and its ROM with it",
			  state[0] ? "it" : "the port above it", state[0] ? " (" : "",
			  state, state[0] ? ")" : "");
		error_hint(err, "--wake wakes it for as long as it is read");
		return -EAGAIN;
	}
	power = found->is_shadow ? CHANGE_ROM_LEAVE
		: sleeps	 ? CHANGE_ROM_WAKE
				 : CHANGE_ROM_STAY_AWAKE;
	r = change_read_rom(change, address, power, &found->bytes, &found->len, err);
	if (r == -EIO)
		explain_none(view, found, err);
	if (r == 0)
		found->source = found->is_shadow ? CHECK_ROM_OF_SHADOW : CHECK_ROM_OF_BAR;
	return r;
}

static void look_at_bar(const struct cli_view *view, struct rom_found *found)
{
	struct pci_resource resources[PCI_RESOURCE_COUNT];

	found->bar_fact = pci_resources_read(view->host, found->device, resources);
	if (found->bar_fact != FACT_KNOWN)
		return;
	found->bar_size = resources[PCI_RESOURCE_ROM].size;
	found->is_shadow = resources[PCI_RESOURCE_ROM].is_shadow;
}

/*
 * While somebody else had the lock the device may have got another driver, and a guest.
 */
static int look_again(const struct cli *cli, struct cli_view *now,
		      const struct rom_found *found, struct rom_found *ret_again,
		      struct error *err)
{
	char address[PCI_ADDRESS_SIZE];
	struct rom_found again = { 0 };
	int r = cli_view_open(cli, now, 0, err);

	pci_address_format(&found->device->address, address);
	if (r == 0)
		r = rom_find_device(now, address, &again.device, err);
	if (r < 0)
		return r;
	if (again.device->vendor_id != found->device->vendor_id ||
	    again.device->device_id != found->device->device_id) {
		error_set(err, EAGAIN, address, "another device is there now");
		error_hint(err, "pciferry list shows what it is");
		return -EAGAIN;
	}
	look_at_bar(now, &again);
	*ret_again = again;
	return 0;
}

static int read_bar(const struct cli *cli, struct cli_view *view,
		    const struct rom_request *request, struct rom_found *found,
		    struct error *err)
{
	_cleanup_(cli_view_close) struct cli_view now = { 0 };
	struct rom_found again;
	struct change *change;
	int r = begin(cli, view, &change, err);

	if (r < 0)
		return r;
	r = look_again(cli, &now, found, &again, err);
	if (r == 0)
		r = read_changing(change, &now, request, &again, err);
	change_end(change);
	if (r < 0)
		return r;
	again.device = found->device;
	*found = again;
	return 0;
}

static int tell_no_bar(const struct rom_found *found, struct error *err)
{
	char address[PCI_ADDRESS_SIZE];

	error_set(err, ENOENT, pci_address_format(&found->device->address, address),
		  "it has no ROM of its own");
	error_hint(
		err, "%s",
		pci_is_display(found->device)
			? "graphics within a processor have none; a guest whose driver"
			  " needs one gets a file: vm create --rom DEVICE=/FILE"
			: "few devices have one: a guest needs none but to boot from it");
	return -ENOENT;
}

/* AMD's graphics have it in the firmware's table as well, or only there. */
static bool may_be_in_vfct(const struct rom_found *found)
{
	return found->device->ids == FACT_KNOWN && found->device->vendor_id == AMD &&
	       pci_is_display(found->device);
}

/* Instead of what could not be read of the device itself. */
static int fall_back(const struct cli *cli, const struct cli_view *view,
		     struct rom_found *found, int r, struct error *err)
{
	if (!may_be_in_vfct(found) || read_vfct(view, found, NULL) < 0)
		return r;
	if (error_is_set(err) && !cli->quiet)
		output_talk("%s: %s; this is the firmware's copy", err->subject,
			    err->message);
	error_clear(err);
	return 0;
}

int rom_read_device(const struct cli *cli, struct cli_view *view,
		    const struct rom_request *request, struct rom_found *found,
		    struct error *err)
{
	int r;

	look_at_bar(view, found);
	if (request->vfct)
		return read_vfct(view, found, err);
	if (!host_is_live(view->host)) {
		pci_memory_sleeps(view->host, found->device, found->sleeps);
		return fall_back(cli, view, found, 0, err);
	}
	if (found->bar_fact == FACT_KNOWN && !found->bar_size)
		r = tell_no_bar(found, err);
	else
		r = read_bar(cli, view, request, found, err);
	/* Only where its own is not to be had: another failure is told. */
	return r == -ENOENT || r == -EIO || r == -EAGAIN
		       ? fall_back(cli, view, found, r, err)
		       : r;
}
