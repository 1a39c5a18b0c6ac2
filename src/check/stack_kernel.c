/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What guests get from the kernel beside KVM: networks and limits. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/internal.h"

/* Nodes that udev makes before their modules are loaded, which opening them does. */
static const struct network_node {
	const char *module, *folder, *path, *why;
} network_nodes[] = {
	{ "tun", "dev/net", "dev/net/tun",
	  "guests reach no network of this host but by QEMU's own, which is slow; one that"
	  " is given a network card needs none" },
	{ "vhost_net", "dev", "dev/vhost-net",
	  "virtio network cards of guests are done by QEMU instead of the kernel, which"
	  " is slower" },
};

/* Whether the running kernel has the module. */
static enum bootcfg_state module_state(const struct check_facts *facts,
				       const char *module)
{
	struct bootcfg_kernel *kernel = bootcfg_running_kernel(facts->kernels);
	enum bootcfg_state state;
	char path[64];

	snprintf(path, sizeof(path), "sys/module/%s", module);
	if (host_exists(facts->host, path))
		return BOOTCFG_MODULE;
	if (!kernel)
		return BOOTCFG_UNKNOWN;
	state = bootcfg_module(kernel, module);
	/* A copy of a host need not have /lib/modules. */
	if (state == BOOTCFG_MISSING && !kernel->folder &&
	    facts->kernels->fact != FACT_KNOWN)
		return BOOTCFG_UNKNOWN;
	return state;
}

static int fix_network(struct check_run *run, const char *module,
		       enum bootcfg_state state)
{
	const struct bootcfg_kernel *kernel = bootcfg_running_kernel(run->facts->kernels);

	if (state != BOOTCFG_MISSING)
		return check_fix(run,
				 "modprobe %s, and a line %s in a file of"
				 " /etc/modules-load.d; in a container, hand it in",
				 module, module);
	if (!kernel->folder)
		return check_fix(run, "the modules of the kernel that runs are gone,"
				      " mostly after an update: reboot");
	return check_fix(run, "boot a kernel that has the module %s", module);
}

static int look_at_node(struct check_run *run, const struct network_node *node)
{
	const struct host *host = run->facts->host;
	enum bootcfg_state state = module_state(run->facts, node->module);
	enum fact fact = check_presence(host, node->folder);
	int r;

	if (fact == FACT_KNOWN)
		fact = check_presence(host, node->path);
	if (fact == FACT_UNREADABLE)
		return check_tell(run, CHECK_UNKNOWN, node->module,
				  "/%s could not be read", node->folder);
	if (fact == FACT_KNOWN && state >= BOOTCFG_MODULE)
		return check_tell(run, CHECK_PASS, node->module, "/%s is there",
				  node->path);
	if (fact == FACT_KNOWN && state == BOOTCFG_UNKNOWN)
		return check_tell(run, CHECK_UNKNOWN, node->module,
				  "/%s is there; whether the kernel has its module could"
				  " not be read",
				  node->path);
	r = check_tell(run, CHECK_WARN, node->module,
		       fact == FACT_KNOWN
			       ? "/%s is there, but the kernel that runs has no module"
				 " for it"
			       : "there is no /%s",
		       node->path);
	if (r == 0)
		r = check_why(run, "%s", node->why);
	return r < 0 ? r : fix_network(run, node->module, state);
}

int check_guest_network(struct check_run *run)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(network_nodes); i++)
		r = look_at_node(run, &network_nodes[i]);
	return r;
}

/* Those that libvirt uses. */
static const struct controller {
	const char *name;   /* of cgroup v2; NULL: what it does v2 does itself */
	const char *legacy; /* of v1 */
} controllers[] = {
	{ "cpu", "cpu" },  { NULL, "cpuacct" },	   { "cpuset", "cpuset" },
	{ "io", "blkio" }, { "memory", "memory" },
};

/* The controllers of cgroup v2 and, as a table, those of v1. */
struct cgroups {
	char *names, *table;
};

static void cgroups_free(struct cgroups *cgroups)
{
	free(cgroups->names);
	free(cgroups->table);
}

/* Whether a controller is in a hierarchy of v1, by the table in /proc/cgroups: its name,
 * number of hierarchy, which is 0 for v2, number of cgroups, and whether it is enabled.
 */
static bool is_in_v1(const struct cgroups *cgroups, const char *name)
{
	const char *line = cgroups->table;
	size_t len = strlen(name);

	for (; line; line = strchr(line, '\n')) {
		unsigned long numbers[3];
		char *end;

		line += *line == '\n';
		if (strncmp(line, name, len) != 0 || line[len] != '\t')
			continue;
		end = (char *)line + len;
		for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
			numbers[i] = strtoul(end, &end, 10);
		return numbers[0] && numbers[2];
	}
	return false;
}

static bool is_in_v2(const struct cgroups *cgroups, const char *name)
{
	size_t len;

	if (!name)
		return cgroups->names;
	len = strlen(name);
	for (const char *at = cgroups->names; at && *(at += strspn(at, " \n"));
	     at += strcspn(at, " \n"))
		if (strcspn(at, " \n") == len && !strncmp(at, name, len))
			return true;
	return false;
}

static int fix_controllers(struct check_run *run)
{
	if (bootcfg_find_parameter(&run->facts->cmdline, "cgroup_disable"))
		return check_fix(run, "take cgroup_disable= out of the boot loader's"
				      " configuration and reboot");
	return check_fix(run, "boot a kernel with CONFIG_CGROUP_SCHED, CONFIG_CPUSETS,"
			      " CONFIG_BLK_CGROUP and CONFIG_MEMCG; in a container, its"
			      " own host decides");
}

static int look_at_controllers(struct check_run *run, const struct cgroups *cgroups)
{
	struct check_names missing = { 0 };
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++) {
		const struct controller *one = &controllers[i];

		if (!is_in_v2(cgroups, one->name) && !is_in_v1(cgroups, one->legacy))
			check_add_name(&missing, "", one->name ? one->name : one->legacy);
	}
	if (!missing.len)
		return check_tell(run, CHECK_PASS, NULL,
				  "cpu, cpuset, io and memory of guests can be limited");
	r = check_tell(run, CHECK_WARN, NULL,
		       "neither in /sys/fs/cgroup/cgroup.controllers nor a hierarchy of"
		       " /proc/cgroups: %s",
		       missing.text);
	if (r == 0)
		r = check_why(run, "libvirt starts no guest with limits of these, and no"
				   " other keeps to its share of the host");
	return r < 0 ? r : fix_controllers(run);
}

/* In v2 a BPF program takes the place of the controller (libvirt's vircgroupv2devices.c).
 */
static int look_at_devices(struct check_run *run, const struct cgroups *cgroups)
{
	struct bootcfg_kernel *kernel = bootcfg_running_kernel(run->facts->kernels);
	enum bootcfg_state state =
		kernel ? bootcfg_option(kernel, "CGROUP_BPF") : BOOTCFG_UNKNOWN;
	int r;

	if (is_in_v1(cgroups, "devices"))
		return check_tell(run, CHECK_PASS, "devices",
				  "in a hierarchy of /proc/cgroups");
	if (state == BOOTCFG_UNKNOWN)
		return check_tell(run, CHECK_UNKNOWN, "devices",
				  "the configuration of the kernel that runs could not be"
				  " read");
	if (state != BOOTCFG_MISSING)
		return check_tell(run, CHECK_PASS, "devices",
				  "the kernel that runs has CONFIG_CGROUP_BPF");
	r = check_tell(run, CHECK_WARN, "devices",
		       "the kernel that runs has no CONFIG_CGROUP_BPF");
	if (r == 0)
		r = check_why(run, "libvirt cannot keep a guest's QEMU from devices that"
				   " are not its own, other than by their nodes' modes");
	return r < 0 ? r : check_fix(run, "boot a kernel with CONFIG_CGROUP_BPF");
}

int check_guest_cgroups(struct check_run *run)
{
	_cleanup_(cgroups_free) struct cgroups cgroups = { 0 };
	const struct host *host = run->facts->host;
	size_t len;
	int r;

	r = host_read_file(host, "sys/fs/cgroup/cgroup.controllers", &cgroups.names,
			   &len);
	/* Beside v1 it may be mounted there, as systemd's hybrid has it. */
	if (r == -ENOENT)
		r = host_read_file(host, "sys/fs/cgroup/unified/cgroup.controllers",
				   &cgroups.names, &len);
	if (r == 0 || r == -ENOENT) {
		r = host_read_file(host, "proc/cgroups", &cgroups.table, &len);
		/* Kernels without v1 have no such table. */
		if (r == -ENOENT && cgroups.names)
			r = 0;
	}
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "/sys/fs/cgroup or /proc/cgroups could not be read");
	r = look_at_controllers(run, &cgroups);
	return r < 0 ? r : look_at_devices(run, &cgroups);
}
