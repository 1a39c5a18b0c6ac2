/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "bind/internal.h"

int bind_add_write(struct change_steps *steps, const char *address, const char *attribute,
		   const char *value, const char *reads, const char *purpose)
{
	/* It takes copies. */
	const struct change_step step = {
		.kind = CHANGE_WRITE_ATTRIBUTE,
		.device = (char *)address,
		.target = (char *)attribute,
		.value = (char *)value,
		.purpose = (char *)purpose,
		.reads = (char *)reads,
	};

	return change_add(steps, &step);
}

static int add_override(struct change_steps *steps, const char *address,
			const char *value)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE], line[BIND_OVERRIDE_SIZE + 1], purpose[192];

	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/driver_override", address);
	/* A bare newline clears it (driver_set_override, drivers/base/driver.c). */
	snprintf(line, sizeof(line), "%s\n", value);
	if (value[0])
		snprintf(purpose, sizeof(purpose), "let only %s have it", value);
	else
		snprintf(purpose, sizeof(purpose), "let any driver have it again");
	return bind_add_write(steps, address, path, line, NULL, purpose);
}

/*
 * Writes the address to the driver's `bind` or `unbind`, after which its link tells; or
 * to drivers_probe without a driver, which may come to nothing.
 */
static int add_driver_write(struct change_steps *steps, char *address, const char *driver,
			    const char *attribute, const struct string_list *disks)
{
	bool binds = driver && !strcmp(attribute, "bind");
	char path[PATH_MAX], link[PCI_ATTRIBUTE_PATH_SIZE], purpose[128];
	char name[BIND_DRIVER_SIZE];
	struct change_step step = {
		.kind = CHANGE_WRITE_ATTRIBUTE,
		.device = address,
		.target = path,
		.value = address,
		.purpose = purpose,
		.link = driver ? link : NULL,
		.link_name = binds ? name : NULL,
	};

	if (disks)
		step.disks = *disks;
	snprintf(link, sizeof(link), "sys/bus/pci/devices/%s/driver", address);
	if (driver) {
		snprintf(name, sizeof(name), "%s", driver);
		snprintf(path, sizeof(path), "sys/bus/pci/drivers/%s/%s", driver,
			 attribute);
		snprintf(purpose, sizeof(purpose), "%s %s %s", attribute,
			 binds ? "to" : "from", driver);
	} else {
		snprintf(path, sizeof(path), "sys/bus/pci/drivers_probe");
		snprintf(purpose, sizeof(purpose), "let the kernel choose a driver");
	}
	return change_add(steps, &step);
}

/*
 * The override comes first: from then on no other driver can get hold of the device,
 * however long it is without one, and a run that ends here leaves nothing but the
 * override.
 */
int bind_add_steps(struct change_steps *steps, const struct bind_member *member,
		   const struct bind_state *from, const struct bind_state *to)
{
	char address[PCI_ADDRESS_SIZE];
	bool move = strcmp(from->driver, to->driver) != 0 || member->let_kernel_choose ||
		    bind_settings_move(&to->settings, &from->settings);
	int r = 0;

	pci_address_format(&member->address, address);
	if (strcmp(from->override, to->override) != 0)
		r = add_override(steps, address, to->override);
	if (r == 0 && move && from->driver[0])
		r = add_driver_write(steps, address, from->driver, "unbind",
				     iommu_is_vfio_driver(from->driver) ? NULL
									: &member->disks);
	if (r == 0)
		r = bind_settings_add_steps(steps, address, &from->settings,
					    &to->settings, false, move);
	/* By the driver's own bind: unlike drivers_probe it says why a driver refuses. */
	if (r == 0 && move && to->driver[0])
		r = add_driver_write(steps, address, to->driver, "bind", NULL);
	else if (r == 0 && move && member->let_kernel_choose)
		r = add_driver_write(steps, address, NULL, NULL, NULL);
	if (r == 0)
		r = bind_settings_add_steps(steps, address, &from->settings,
					    &to->settings, true, move);
	return r;
}

int bind_add_module(struct change_steps *steps, const char *module)
{
	char name[BIND_DRIVER_SIZE], purpose[] = "load the module";
	struct change_step step = {
		.kind = CHANGE_LOAD_MODULE,
		.target = name,
		.purpose = purpose,
	};

	snprintf(name, sizeof(name), "%s", module);
	return change_add(steps, &step);
}

int bind_plan_steps(const struct host *host, const struct bind_plan *plan,
		    struct change_steps *ret_steps)
{
	struct change_steps steps = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && !plan->gives_back && i < plan->count; i++)
		r = bind_display_add_end(&steps, &plan->members[i]);
	for (size_t i = 0; r == 0 && i < plan->modules.count; i++)
		r = bind_add_module(&steps, plan->modules.items[i]);
	for (size_t i = 0; r == 0 && i < plan->count; i++)
		if (!plan->members[i].stuck)
			r = bind_add_steps(&steps, &plan->members[i],
					   &plan->members[i].now,
					   &plan->members[i].wanted);
	for (size_t i = 0; r == 0 && plan->gives_back && i < plan->count; i++)
		r = bind_display_add_begin(host, &steps, &plan->members[i]);
	for (size_t i = 0; r == 0 && i < plan->n_gone; i++)
		r = bind_display_add_begin(host, &steps, &plan->gone[i]);
	if (r < 0) {
		change_steps_free(&steps);
		return r;
	}
	*ret_steps = steps;
	return 0;
}
