/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which driver each member of a plan is to have, and the modules that takes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bind/internal.h"
#include "pci/claims.h"

static bool driver_is_there(const struct host *host, const char *driver)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/bus/pci/drivers/%s", driver);
	return host_exists(host, path);
}

static int need_driver(const struct host *host, struct bind_plan *plan,
		       const char *driver, struct error *err)
{
	if (driver_is_there(host, driver) || string_list_has(&plan->modules, driver))
		return 0;
	return string_list_add(&plan->modules, driver) < 0 ? error_oom(err) : 0;
}

bool bind_is_for_vfio(const char *driver)
{
	return !driver || iommu_is_vfio_driver(driver);
}

bool bind_is_driver_name(const char *driver)
{
	return driver[0] && !strchr(driver, '/') && strlen(driver) < BIND_DRIVER_SIZE;
}

static void want(struct bind_member *member, const char *driver)
{
	snprintf(member->wanted.driver, BIND_DRIVER_SIZE, "%s", driver);
	snprintf(member->wanted.override, BIND_OVERRIDE_SIZE, "%s", driver);
}

/*
 * The driver that a module has registered, by /sys/module/NAME/drivers/pci:DRIVER. It may
 * have another name (xe_vfio_pci has "xe-vfio-pci").
 */
static bool find_driver(const struct host *host, const char *module,
			char driver[BIND_DRIVER_SIZE])
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	char path[BIND_DRIVER_SIZE + sizeof("sys/module//drivers")];
	size_t count = 0;

	snprintf(path, sizeof(path), "sys/module/%s/drivers", module);
	if (host_list(host, path, &names) < 0)
		return false;
	for (size_t i = 0; i < names.count; i++) {
		const char *name = names.items[i];

		if (strncmp(name, "pci:", strlen("pci:")) != 0 ||
		    !bind_is_driver_name(name + strlen("pci:")))
			continue;
		snprintf(driver, BIND_DRIVER_SIZE, "%s", name + strlen("pci:"));
		count++;
	}
	return count == 1;
}

int bind_name_drivers(const struct host *host, struct bind_plan *plan, struct error *err)
{
	char driver[BIND_DRIVER_SIZE];

	for (size_t i = 0; i < plan->count; i++) {
		struct bind_member *member = &plan->members[i];

		if (!member->module[0])
			continue;
		if (!find_driver(host, member->module, driver)) {
			error_set(err, ENODEV, member->module,
				  "the module is loaded, and which driver it has is not"
				  " told");
			error_hint(err, "name the driver: --driver vfio-pci is for each"
					" device");
			return -ENODEV;
		}
		want(member, driver);
	}
	return 0;
}

/* Several that fit are nobody's to choose from: vfio-pci is for each device. */
static void choose_vfio(const struct host *host, const struct bind_view *view,
			const struct pci_aliases *aliases, struct bind_member *member)
{
	_cleanup_(string_list_free) struct string_list variants = { 0 };
	char driver[BIND_DRIVER_SIZE];
	const char *module;

	want(member, "vfio-pci");
	if (pci_find_vfio_variants(host, aliases,
				   pci_find(&view->devices, &member->address),
				   &variants) != FACT_KNOWN ||
	    variants.count != 1 || !bind_is_driver_name(variants.items[0]))
		return;
	module = variants.items[0];
	if (find_driver(host, module, driver)) {
		want(member, driver);
		return;
	}
	want(member, module);
	snprintf(member->module, sizeof(member->module), "%s", module);
}

int bind_want_driver(const struct host *host, const struct bind_view *view,
		     const struct bind_request *request, struct bind_plan *plan,
		     struct error *err)
{
	_cleanup_(pci_aliases_free) struct pci_aliases aliases = { 0 };
	int r = 0;

	if (request->driver && !bind_is_driver_name(request->driver))
		return error_usage(err, request->driver, "not the name of a driver");
	if (!request->driver)
		pci_aliases_read(host, &aliases);
	for (size_t i = 0; r == 0 && i < plan->count; i++) {
		struct bind_member *member = &plan->members[i];

		if (request->driver)
			want(member, request->driver);
		else if (!iommu_is_vfio_driver(member->now.driver))
			choose_vfio(host, view, &aliases, member);
		/* Bound already, perhaps by other means such as vfio-pci.ids=: it is left
		 * so. */
		if (!member->wanted.driver[0] ||
		    !strcmp(member->now.driver, member->wanted.driver)) {
			member->wanted = member->now;
			continue;
		}
		r = need_driver(host, plan, member->wanted.driver, err);
	}
	return r;
}

static int want_settings(const struct host *host, const struct bind_settings *settings,
			 struct bind_member *member, struct error *err)
{
	int r;

	member->wanted.settings = *settings;
	r = bind_settings_read(host, &member->address, settings, &member->now.settings,
			       err);
	for (enum bind_setting i = 0; r == 0 && i < BIND_SETTINGS; i++) {
		/* What the host had is gone; this is what VFIO leaves behind
		 * (vfio_pci_core_unregister_device(), drivers/vfio/pci/). */
		bool is_vfios =
			i == SETTING_POWER && iommu_is_vfio_driver(member->now.driver);

		if (settings->values[i][0] && !member->first.settings.values[i][0])
			snprintf(member->first.settings.values[i], BIND_SETTING_SIZE,
				 "%s", is_vfios ? "on" : member->now.settings.values[i]);
	}
	return r;
}

int bind_want_settings(const struct host *host, const struct bind_request *request,
		       struct bind_plan *plan, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && request->settings && i < plan->count; i++)
		for (size_t j = 0; r == 0 && j < request->count; j++)
			if (!pci_address_compare(&plan->members[i].address,
						 &request->addresses[j]))
				r = want_settings(host, request->settings,
						  &plan->members[i], err);
	return r;
}

/* What to give a device back to. What cannot be read now is set in any case. */
static void want_back(const struct host *host, struct bind_member *member)
{
	bind_settings_read(host, &member->address, &member->first.settings,
			   &member->now.settings, NULL);
	member->wanted = member->now;
	member->wanted.settings = member->first.settings;
	if (bind_goes_on(member)) {
		member->wanted = member->before;
		return;
	}
	if (member->kept) {
		member->wanted = member->first;
		return;
	}
	if (iommu_is_vfio_driver(member->now.override))
		member->wanted.override[0] = '\0';
	if (iommu_is_vfio_driver(member->now.driver)) {
		member->wanted.driver[0] = '\0';
		member->let_kernel_choose = true;
	}
}

int bind_want_back(const struct host *host, struct bind_plan *plan, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->count; i++) {
		want_back(host, &plan->members[i]);
		/* Its module may have been unloaded meanwhile; loading it binds it as
		 * well. */
		if (plan->members[i].wanted.driver[0])
			r = need_driver(host, plan, plan->members[i].wanted.driver, err);
	}
	return r;
}
