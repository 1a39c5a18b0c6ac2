/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check/order.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "pci/claims.h"

static const char vfio_pci[] = "vfio-pci";

bool check_order_find(const struct string_list *names, const char *module, size_t *ret_at)
{
	for (size_t i = 0; i < names->count; i++)
		if (bootcfg_same_name(names->items[i], module)) {
			*ret_at = i;
			return true;
		}
	return false;
}

static const char *parameter(const struct check_order *order, const char *name)
{
	const struct bootcfg_parameter *found =
		bootcfg_find_parameter(order->wanted->cmdline, name);

	return found ? found->value : NULL;
}

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

	for (size_t i = 0; i < scripts->count; i++)
		if (!strstr(scripts->items[i], "pciferry"))
			order->script = scripts->items[i];
	if (tab && string_list_has(scripts, check_early_script))
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
		if (check_is_softdep(&modprobe->lines[i]))
			r = string_list_add(&modules, modprobe->lines[i].module);
	for (size_t i = 0; r == 0 && i < modules.count; i++) {
		const char *module = modules.items[i];
		size_t at;

		if (!iommu_is_vfio_driver(module) &&
		    !bootcfg_same_name(module, "pci-stub") &&
		    !check_order_find(&order->rivals, module, &at))
			r = string_list_add(&order->rivals, module);
	}
	return r;
}

/* Each of them reads the command line for modules to leave alone. */
static bool is_kept_away_by_cmdline(const struct check_order *order, const char *module)
{
	static const struct {
		const char *parameter;
		enum bootcfg_builder builder; /* UNKNOWN: any */
	} rows[] = {
		{ "module_blacklist", BUILDER_UNKNOWN },   /* the kernel itself */
		{ "modprobe.blacklist", BUILDER_UNKNOWN }, /* libkmod */
		{ "rd.driver.blacklist", BUILDER_DRACUT },
		{ "rdblacklist", BUILDER_DRACUT },
		{ "blacklist", BUILDER_INITRAMFS_TOOLS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if ((!rows[i].builder || rows[i].builder == order->image->builder) &&
		    check_names_module(parameter(order, rows[i].parameter), module))
			return true;
	return false;
}

/* "install MODULE /bin/false": nothing is loaded. Any other command is somebody's own. */
static bool is_false(const char *command)
{
	return strstr(command, "/false") || strstr(command, "/true");
}

/* booster has no modprobe, and heeds its options alone. */
static bool is_kept_away(const struct check_order *order, const char *module)
{
	const struct bootcfg_modprobe *modprobe = &order->image->modprobe;
	const struct bootcfg_modprobe_line *line =
		bootcfg_modprobe_find(modprobe, MODPROBE_INSTALL, module);

	if (is_kept_away_by_cmdline(order, module))
		return true;
	if (order->image->builder == BUILDER_BOOSTER)
		return false;
	return (line && is_false(line->rest)) ||
	       bootcfg_modprobe_find(modprobe, MODPROBE_BLACKLIST, module);
}

bool check_order_has(const struct check_order *order, const char *module)
{
	return bootcfg_modules_find(&order->image->modules, module) != NULL;
}

/* Whether it is loaded by name there before drivers are looked for. */
static bool loads_vfio_early(const struct check_order *order)
{
	size_t at;

	if (check_order_find(&order->image->early, vfio_pci, &at))
		return true;
	switch (order->image->builder) {
	case BUILDER_DRACUT:
		return check_names_module(parameter(order, "rd.driver.pre"), vfio_pci);
	case BUILDER_MKINITCPIO:
		return check_names_module(parameter(order, "earlymodules"), vfio_pci);
	default:
		return false;
	}
}

static bool comes_second(const struct check_order *order, const char *module)
{
	size_t vfio_at, at;

	if (!check_order_has(order, vfio_pci))
		return false;
	if (order->image->builder != BUILDER_BOOSTER &&
	    check_comes_after_vfio(&order->image->modprobe, module))
		return true;
	if (!loads_vfio_early(order))
		return false;
	return !check_order_find(&order->image->early, module, &at) ||
	       (check_order_find(&order->image->early, vfio_pci, &vfio_at) &&
		vfio_at < at);
}

/* Whether the image would do, were its modprobe.d the host's. */
static bool is_told_outside(const struct check_order *order, const char *module)
{
	const struct bootcfg_modprobe *modprobe = &order->run->facts->modprobe;

	return check_comes_after_vfio(modprobe, module) ||
	       bootcfg_modprobe_find(modprobe, MODPROBE_BLACKLIST, module);
}

static void sort_out(struct check_order *order)
{
	order->is_known = true;
	for (size_t i = 0; i < order->rivals.count; i++) {
		const char *module = order->rivals.items[i];
		enum bootcfg_state state = bootcfg_module(order->kernel, module);

		order->is_unknown |= state == BOOTCFG_UNKNOWN;
		if (state == BOOTCFG_BUILTIN) {
			check_add_name(&order->builtin, "", module);
		} else if (!check_order_has(order, module)) {
			continue;
		} else if (is_kept_away(order, module) || comes_second(order, module)) {
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

bool check_order_loads_vfio(const struct check_order *order)
{
	size_t at;

	if (!check_order_has(order, vfio_pci))
		return false;
	if (loads_vfio_early(order) ||
	    check_order_find(&order->image->late, vfio_pci, &at))
		return true;
	for (size_t i = 0; i < order->image->modprobe.count; i++) {
		const struct bootcfg_modprobe_line *line =
			&order->image->modprobe.lines[i];

		if (check_is_softdep(line) && check_order_has(order, line->module))
			return true;
	}
	return false;
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
