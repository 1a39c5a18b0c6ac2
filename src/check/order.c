/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check/order.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "bootcfg/image_order.h"
#include "bootcfg/precedence.h"
#include "pci/claims.h"

static const char vfio_pci[] = "vfio-pci";

static bool is_bound_by_address(const struct check_order *order,
				const struct pci_device *device)
{
	struct bootcfg_tab_entry place = { .kind = TAB_DEVICE,
					   .address = device->address };

	return bootcfg_tab_find(&order->tab, &place) != NULL;
}

/* pciferry's own script is known, by what it reads; of others nothing is. */
static int read_scripts(struct check_order *order)
{
	const struct string_list *scripts = &order->image->scripts;
	const char *tab = order->image->tab;
	int r = 0;

	order->script = bootcfg_image_foreign_script(order->image);
	if (tab && string_list_has(scripts, bootcfg_early_script))
		r = bootcfg_tab_parse(tab, strlen(tab), &order->tab);
	for (size_t i = 0; r == 0 && i < order->tab.count; i++)
		order->n_by_address += order->tab.lines[i].entry.kind == TAB_DEVICE &&
				       !order->tab.lines[i].bad;
	return r;
}

/* The drivers that this kernel has for the devices, and those that a softdep names. */
static int find_rivals(struct check_order *order)
{
	const struct bootcfg_modprobe *modprobe = &order->run->facts->modprobe;
	_cleanup_(string_list_free) struct string_list modules = { 0 };
	int r = 0;

	for (size_t i = 0; i < order->wanted->n_devices; i++) {
		const struct pci_device *device = order->wanted->devices[i];

		if (!is_bound_by_address(order, device) &&
		    (!order->kernel->folder ||
		     pci_read_claims_of(order->run->facts->host, order->kernel->folder,
					device, &modules) == FACT_UNREADABLE))
			order->is_unknown = true;
	}
	for (size_t i = 0; r == 0 && i < modprobe->count; i++)
		if (bootcfg_is_softdep(&modprobe->lines[i], vfio_pci))
			r = string_list_add(&modules, modprobe->lines[i].module);
	for (size_t i = 0; r == 0 && i < modules.count; i++) {
		const char *module = modules.items[i];

		if (!iommu_is_vfio_driver(module) &&
		    !bootcfg_same_name(module, "pci-stub") &&
		    !bootcfg_find_module(&order->rivals, module, NULL))
			r = string_list_add(&order->rivals, module);
	}
	return r;
}

/* Whether the image would do, were its modprobe.d the host's. */
static bool is_told_outside(const struct check_order *order, const char *module)
{
	const struct bootcfg_modprobe *modprobe = &order->run->facts->modprobe;

	return bootcfg_comes_after(modprobe, module, vfio_pci) ||
	       bootcfg_modprobe_find(modprobe, MODPROBE_BLACKLIST, module);
}

static void sort_out(struct check_order *order)
{
	const struct bootcfg_cmdline *cmdline = order->wanted->cmdline;

	order->is_known = true;
	for (size_t i = 0; i < order->rivals.count; i++) {
		const char *module = order->rivals.items[i];
		enum bootcfg_state state = bootcfg_module(order->kernel, module);

		order->is_unknown |= state == BOOTCFG_UNKNOWN;
		if (state == BOOTCFG_BUILTIN) {
			check_add_name(&order->builtin, "", module);
		} else if (!bootcfg_image_has(order->image, module)) {
			continue;
		} else if (bootcfg_image_keeps_away(order->image, cmdline, module) ||
			   bootcfg_image_comes_after(order->image, cmdline, module,
						     vfio_pci)) {
			check_add_name(&order->second, "", module);
		} else if (bootcfg_modprobe_find(&order->image->modprobe,
						 MODPROBE_INSTALL, module)) {
			check_add_name(&order->scripts, "", module);
		} else {
			check_add_name(&order->first, "", module);
			order->is_known &= is_told_outside(order, module);
		}
	}
}

int check_order_read(struct check_order *order)
{
	enum bootcfg_state state = bootcfg_module(order->kernel, vfio_pci);
	int r = read_scripts(order);

	if (r == 0)
		r = find_rivals(order);
	if (r < 0)
		return r;
	order->vfio_is_builtin = state == BOOTCFG_BUILTIN;
	if (order->rivals.count && state == BOOTCFG_UNKNOWN)
		order->is_unknown = true;
	if (!order->vfio_is_builtin)
		sort_out(order);
	return 0;
}

const char *check_order_rebuild(const struct check_order *order)
{
	return check_rebuild_image(order->run->facts, order->image->builder);
}

void check_order_free(struct check_order *order)
{
	bootcfg_tab_free(&order->tab);
	string_list_free(&order->rivals);
}
