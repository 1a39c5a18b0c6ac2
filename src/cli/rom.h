/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_ROM_H
#define PCIFERRY_CLI_ROM_H

/* The parts of the command rom: where the bytes come from, and what is told of them. */
#include "check/rom.h"
#include "cli/cli.h"

struct rom_request {
	const char *argument; /* DEVICE or FILE */
	const char *meant;    /* the DEVICE that a FILE is for; NULL: not said */
	const char *output;   /* a file to write; NULL: none */
	bool force;	      /* over one that is there */
	bool trim;	      /* only from the first image to the end of the last */
	bool wake;	      /* a device that sleeps */
	bool in_use;	      /* one that this host uses */
	bool vfct;	      /* the firmware's table in place of the ROM BAR */
};

/* What was found; for rom_found_free(). */
struct rom_found {
	enum check_rom_source source;
	const char *file;		 /* of CHECK_ROM_OF_FILE */
	const struct pci_device *device; /* that it is of, or is meant for; may be NULL */
	enum fact bar_fact;
	uint64_t bar_size; /* 0: it has no ROM BAR */
	bool is_shadow;
	char sleeps[PCI_STATE_SIZE]; /* of CHECK_ROM_UNREAD: "D3hot"; "": it does not */
	char *bytes;
	size_t len;
};
void rom_found_free(struct rom_found *found); /* takes NULL */

/* Whether the argument is meant as a FILE. */
bool rom_is_file(const char *argument);

/* A FILE's bytes. Returns 0 or -errno. */
int rom_read_file(const char *path, struct rom_found *found, struct error *err);

/* The device that an argument means: one alone. Returns 0 or -errno. */
int rom_find_device(const struct cli_view *view, const char *argument,
		    const struct pci_device **ret_device, struct error *err);

/*
 * The bytes of a device's ROM, of found->device. Refuses (ERROR_REFUSED) one that is in
 * use. Of a host that cannot be changed only what is told without them, and its VFCT.
 * Returns 0 or -errno.
 */
int rom_read_device(const struct cli *cli, struct cli_view *view,
		    const struct rom_request *request, struct rom_found *found,
		    struct error *err);

/* Tells what it is, and what that means; or what is known where it was not read. */
void rom_tell(const struct cli_view *view, const struct rom_found *found,
	      const struct pci_rom *rom, const struct check_rom *verdict);
void rom_tell_unread(const struct cli_view *view, const struct rom_found *found);

/* The same as JSON; `rom` and `verdict` NULL: it was not read. Returns 0 or -ENOMEM. */
int rom_tell_json(const struct rom_found *found, const struct pci_rom *rom,
		  const struct check_rom *verdict, const char *written);

#endif
