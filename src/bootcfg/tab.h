/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_TAB_H
#define PCIFERRY_BOOTCFG_TAB_H

/*
 * /etc/pciferry.tab: what this host is to hand over at each boot, a line each. It is the
 * user's to edit: what is not changed here stays byte for byte, lines that are not
 * understood among it. docs/design/early-binding.md has its grammar, which
 * packaging/early/pciferry-early follows as well.
 */
#include <stdbool.h>
#include <stddef.h>

#include "host/host.h"
#include "pci/address.h"
#include "pci/identity.h"

#define BOOTCFG_TAB "etc/pciferry.tab"

enum bootcfg_tab_kind {
	TAB_EMPTY,  /* or a comment */
	TAB_DEVICE, /* device ADDRESS IDENTITY DRIVER */
	TAB_VF,	    /* vf ADDRESS IDENTITY COUNT [DRIVER] */
	TAB_SET,    /* set ADDRESS IDENTITY NAME=VALUE... */
	TAB_PAGES,  /* pages NODE SIZE COUNT */
	TAB_OTHER,  /* begins with another word */
};

struct bootcfg_tab_entry {
	enum bootcfg_tab_kind kind;
	struct pci_address address; /* of all but pages, as the next */
	struct pci_identity identity;

	/*
	 * The driver; of vf NULL: the kernel's choice. Of set the settings, one blank
	 * between two.
	 */
	const char *to;
	unsigned int count;	     /* of vf and pages */
	unsigned int node, page_kib; /* of pages: of NUMA, and of one page */
};

struct bootcfg_tab_line {
	struct bootcfg_tab_entry entry; /* only the kind where the line is bad */
	char *to;	     /* what the entry's points at; owned, as all below */
	char *bad;	     /* what is wrong with it; NULL: nothing, it counts */
	bool repeats;	     /* bad for no more than being the second for its place */
	unsigned int number; /* from 1 on; 0: not from the file */
	char *text;	     /* as it stands in the file, without its newline */
	size_t len;
	bool has_end; /* the newline: the last line may have none */
};

/* Zero-initialised is empty. */
struct bootcfg_tab {
	struct bootcfg_tab_line *lines;
	size_t count, room;
};

/* Returns 0 or -ENOMEM. */
int bootcfg_tab_parse(const char *text, size_t len, struct bootcfg_tab *ret_tab);
void bootcfg_tab_free(struct bootcfg_tab *tab); /* takes NULL */

/* A tab of the host's, BOOTCFG_TAB. Returns 0; -ENOENT: there is none; or -errno. */
int bootcfg_tab_read(const struct host *host, const char *path,
		     struct bootcfg_tab *ret_tab);

/*
 * "2M", "1G", "64K": the size of huge pages as the kernel's command line has it too.
 * Returns the buffer.
 */
enum { BOOTCFG_PAGE_SIZE = sizeof("4294967295K") };
const char *bootcfg_page_size(unsigned int kib, char text[BOOTCFG_PAGE_SIZE]);

/* The whole file. The caller frees *ret_text. Returns 0 or -ENOMEM. */
int bootcfg_tab_write(const struct bootcfg_tab *tab, char **ret_text, size_t *ret_len);

/*
 * The line that counts for this place, which is an entry's kind and address, or its node
 * and size. NULL: there is none.
 */
const struct bootcfg_tab_line *bootcfg_tab_find(const struct bootcfg_tab *tab,
						const struct bootcfg_tab_entry *place);

/*
 * Makes the entry the one that counts for its place: replaces that line, whose comment
 * stays, or adds one at the end. A line that says the same stays as it is. Returns 0,
 * -ENOMEM, or -EINVAL where the entry cannot be written as a line that is understood.
 */
int bootcfg_tab_set(struct bootcfg_tab *tab, const struct bootcfg_tab_entry *entry);

/* Whether the devices that count are the same, in the same order, whatever else there is.
 */
bool bootcfg_tab_same_devices(const struct bootcfg_tab *a, const struct bootcfg_tab *b);

/*
 * The settings of a set line with these in the place of those by the same names, and the
 * rest of these behind them. The caller frees it; NULL: out of memory.
 */
char *bootcfg_settings_merge(const char *settings, const char *with);

/* Takes out all lines for the place, so that none counts. Whether there was one. */
bool bootcfg_tab_remove(struct bootcfg_tab *tab, const struct bootcfg_tab_entry *place);

#endif
