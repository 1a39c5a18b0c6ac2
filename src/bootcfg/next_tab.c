/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What pciferry's script in the image does: docs/design/early-binding.md. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/image_order.h"
#include "bootcfg/next_internal.h"

static const struct bootcfg_tab_line *find_line(const struct bootcfg_tab *tab,
						const struct pci_device *device)
{
	struct bootcfg_tab_entry place = { .kind = TAB_DEVICE,
					   .address = device->address };

	return tab ? bootcfg_tab_find(tab, &place) : NULL;
}

static int note(struct next_search *search, enum bootcfg_next_cause cause,
		const char *format, ...) __attribute__((format(printf, 3, 4)));

static int note(struct next_search *search, enum bootcfg_next_cause cause,
		const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(search->note, sizeof(search->note), format, args);
	va_end(args);
	search->cause = cause;
	return 0;
}

static bool fits(const struct next_search *search, const struct bootcfg_tab_line *line,
		 size_t index)
{
	char misfit[PCI_MISFIT_SIZE];

	return pci_identity_fits(&line->entry.identity,
				 &search->all->topology->nodes[index],
				 &search->all->configs[index], misfit);
}

/* Whether the host's own tab has the device, as it is. */
static bool is_told(const struct next_search *search)
{
	const struct bootcfg_tab_line *line =
		find_line(search->boot->tab, search->device);

	return line && fits(search, line, search->index);
}

static bool drops_tab(const struct bootcfg_next_boot *boot)
{
	const struct bootcfg_parameter *word =
		bootcfg_find_parameter(boot->cmdline, "rd.hostonly");

	return boot->image && boot->image->builder == BUILDER_DRACUT && word &&
	       word->value && !strcmp(word->value, "0");
}

/* In the image, or in the kernel. */
static enum fact has_driver(const struct bootcfg_next_boot *boot, const char *driver)
{
	enum bootcfg_state state = bootcfg_module(boot->kernel, driver);

	if (state == BOOTCFG_BUILTIN ||
	    (!boot->remade && bootcfg_image_has(boot->image, driver)) ||
	    (boot->remade && state == BOOTCFG_MODULE))
		return FACT_KNOWN;
	return state == BOOTCFG_UNKNOWN ? FACT_UNREADABLE : FACT_ABSENT;
}

/* One member of the group: 0 where it goes, else 1 with an answer, or -EXDEV and a note.
 */
static int look_at_member(struct next_search *search, const struct bootcfg_tab *tab,
			  size_t index)
{
	const struct pci_device *member = &search->all->devices->items[index];
	const struct bootcfg_tab_line *line = find_line(tab, member);
	char address[PCI_ADDRESS_SIZE];
	enum fact fact;

	pci_address_format(&member->address, address);
	if (!line || !fits(search, line, index)) {
		note(search, NEXT_OTHER_DEVICE,
		     "%s, of its IOMMU group, has no line that fits in the image's"
		     " tab",
		     address);
		return -EXDEV;
	}
	fact = has_driver(search->boot, line->entry.to);
	if (fact == FACT_UNREADABLE)
		return next_is_unknown(search, "whether its image has %s is not known",
				       line->entry.to);
	if (fact == FACT_KNOWN)
		return 0;
	note(search, NEXT_IMAGE_OLD, "%.64s is not in the image", line->entry.to);
	return -EXDEV;
}

static int look_at_group(struct next_search *search, const struct bootcfg_tab *tab)
{
	const struct bootcfg_next_devices *all = search->all;
	long group = all->groups[search->index];
	int r = 0;

	if (search->boot->iommu == FACT_UNREADABLE)
		return next_is_unknown(search, "whether the IOMMU will be on is not"
					       " known");
	if (search->boot->iommu == FACT_KNOWN && group == BOOTCFG_GROUP_UNKNOWN)
		return next_is_unknown(search, "what else is in its IOMMU group is not"
					       " certain");
	if (search->boot->iommu == FACT_ABSENT) {
		note(search, NEXT_IOMMU_OFF,
		     "the IOMMU will be off, so nothing is bound by address");
		return -EXDEV;
	}
	if (group == BOOTCFG_NO_GROUP) {
		note(search, NEXT_IOMMU_OFF, "it is in no IOMMU group");
		return -EXDEV;
	}
	for (size_t i = 0; r == 0 && i < all->devices->count; i++)
		if (all->groups[i] == group &&
		    !pci_has_class(&all->devices->items[i], PCI_CLASS_BRIDGE))
			r = look_at_member(search, tab, i);
	return r;
}

static int bind(struct next_search *search, const struct bootcfg_tab *tab)
{
	const struct bootcfg_tab_line *line = find_line(tab, search->device);
	const char *which = search->boot->remade ? "the new image's" : "the image's";
	int r;

	if (!fits(search, line, search->index) && !search->boot->remade &&
	    is_told(search))
		return note(search, NEXT_IMAGE_OLD,
			    "the line for it in the image's copy of the tab is an older"
			    " one");
	if (!fits(search, line, search->index))
		return note(search, NEXT_OTHER_DEVICE,
			    "the tab's line is another device's");
	r = look_at_group(search, tab);
	if (r == -EXDEV)
		return 0;
	if (r != 0)
		return r;
	if (search->builtin.count)
		return next_is(search, line->entry.to,
			       "listed in %s tab, and taken from %s, which is built in",
			       which, search->builtin.items[0]);
	return next_is(search, line->entry.to, "listed in %s tab", which);
}

/* The tab that will be there, where something reads it. Returns 0 or -ENOMEM. */
static int find_tab(struct next_search *search, bool wanted, struct bootcfg_tab *parsed,
		    const struct bootcfg_tab **ret_tab)
{
	const struct bootcfg_next_boot *boot = search->boot;

	*ret_tab = boot->remade ? boot->tab : parsed;
	if (boot->remade)
		return 0;
	if (!boot->image || !boot->image->tab) {
		*ret_tab = NULL;
		return wanted ? note(search, NEXT_IMAGE_OLD,
				     boot->image ? "the image has no copy of the"
						   " tab"
						 : "without an image nothing"
						   " reads the tab")
			      : 0;
	}
	if (!string_list_has(&boot->image->scripts, bootcfg_early_script)) {
		*ret_tab = NULL;
		return wanted ? note(search, NEXT_IMAGE_OLD,
				     "nothing in the image reads its copy of the"
				     " tab")
			      : 0;
	}
	return bootcfg_tab_parse(boot->image->tab, strlen(boot->image->tab), parsed);
}

int next_in_tab(struct next_search *search)
{
	_cleanup_(bootcfg_tab_free) struct bootcfg_tab parsed = { 0 };
	const struct bootcfg_next_boot *boot = search->boot;
	const struct bootcfg_tab_line *line = find_line(boot->tab, search->device);
	bool wanted = line != NULL;
	const struct bootcfg_tab *tab;
	int r = find_tab(search, wanted, &parsed, &tab);

	if (line)
		snprintf(search->wanted, sizeof(search->wanted), "%s", line->entry.to);
	if (r < 0 || !tab)
		return r;
	wanted |= find_line(tab, search->device) != NULL;
	if (wanted && search->all->topology->nodes[search->index].physical)
		return next_is_unknown(search, "it is a virtual function, which is made"
					       " only later in the boot");
	if (bootcfg_is_disarmed(boot->cmdline) && wanted)
		return note(search, NEXT_DISARMED, "pciferry=off is on the command line");
	if (bootcfg_trial_word(boot->cmdline))
		return next_is_unknown(search, "its command line asks for a trial, whose"
					       " list in the image is not read");
	if (drops_tab(boot) && wanted)
		return note(search, NEXT_DISARMED,
			    "rd.hostonly=0 drops the image's copy of the tab");
	if (find_line(tab, search->device))
		return bind(search, tab);
	return wanted ? note(search, NEXT_IMAGE_OLD,
			     "the image's copy of the tab is an older one and"
			     " does not list it")
		      : 0;
}

/* All of the group in the host's tab, as it is, for drivers that the kernel has. */
static bool takes_group(const struct next_search *search)
{
	const struct bootcfg_next_devices *all = search->all;
	long group = all->groups[search->index];

	for (size_t i = 0; i < all->devices->count; i++) {
		const struct pci_device *member = &all->devices->items[i];
		const struct bootcfg_tab_line *line;
		enum bootcfg_state state;

		if (all->groups[i] != group || pci_has_class(member, PCI_CLASS_BRIDGE))
			continue;
		line = find_line(search->boot->tab, member);
		if (!line || !fits(search, line, i))
			return false;
		state = bootcfg_module(search->boot->kernel, line->entry.to);
		if (state != BOOTCFG_MODULE && state != BOOTCFG_BUILTIN)
			return false;
	}
	return group >= 0;
}

/* It refuses what is in use by then, and that nobody knows before. */
void next_in_service(struct next_search *search)
{
	const struct bootcfg_next_boot *boot = search->boot;
	const struct bootcfg_tab_line *line = find_line(boot->tab, search->device);
	struct bootcfg_next before = *search->next;

	if (!boot->has_service || !line || before.fact == FACT_UNREADABLE ||
	    bootcfg_same_name(before.driver, line->entry.to) ||
	    boot->iommu != FACT_KNOWN || bootcfg_is_disarmed(boot->cmdline) ||
	    !takes_group(search))
		return;
	if (before.fact == FACT_ABSENT)
		next_is(search, line->entry.to, "pciferry.service binds it; before, %s",
			before.reason);
	else
		next_is_unknown(search,
				"%s; then pciferry.service takes it, unless it is in use",
				before.reason);
	search->next->cause = before.cause;
}
