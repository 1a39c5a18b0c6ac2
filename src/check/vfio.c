/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VFIO: its modules, its nodes, and the memory that guests need with it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "check/internal.h"

/* Below this no guest fits beside what VFIO pins. */
enum { MEMLOCK_MIN = 1 << 30 };

static int fix_missing(struct check_run *run, const struct bootcfg_kernel *kernel)
{
	if (!kernel->folder)
		return check_fix(run,
				 "the modules of the running kernel (%s) are gone, mostly"
				 " after an update: reboot",
				 kernel->release);
	if (!strcmp(run->facts->distro.id, "ubuntu"))
		return check_fix(run, "apt install linux-modules-extra-%s",
				 kernel->release);
	if (run->facts->distro.family == BOOTCFG_FEDORA)
		return check_fix(run, "dnf install kernel-modules-%s", kernel->release);
	return check_fix(run, "boot a kernel that was built with CONFIG_VFIO_PCI, such as"
			      " the distribution's usual one instead of one for clouds");
}

static int look_for_module(struct check_run *run, const char *module)
{
	struct bootcfg_kernel *kernel = bootcfg_running_kernel(run->facts->kernels);
	enum bootcfg_state state;
	char path[64];
	int r;

	snprintf(path, sizeof(path), "sys/module/%s", module);
	if (host_exists(run->facts->host, path))
		return check_tell(run, CHECK_PASS, module, "it is loaded or built in");
	if (!kernel)
		return check_tell(run, CHECK_UNKNOWN, module,
				  "it is not loaded, and which kernel runs could not be"
				  " read");
	state = bootcfg_module(kernel, module);
	if (state >= BOOTCFG_MODULE)
		return check_tell(run, CHECK_PASS, module,
				  "it will be loaded when it is needed: it is in /%s",
				  kernel->folder);
	if (state == BOOTCFG_UNKNOWN || run->facts->kernels->fact != FACT_KNOWN)
		return check_tell(run, CHECK_UNKNOWN, module,
				  "it is not loaded, and /lib/modules/%s could not be"
				  " read",
				  kernel->release);
	r = check_tell(run, CHECK_FAIL, module,
		       "it is neither loaded nor in /lib/modules/%s", kernel->release);
	if (r == 0)
		r = check_why(run, "no device can be given to a guest without it");
	return r < 0 ? r : fix_missing(run, kernel);
}

static int modules(struct check_run *run)
{
	int r;

	if (!host_exists(run->facts->host, "sys/module"))
		return check_tell_unread(run, "sys/module");
	r = look_for_module(run, "vfio_pci");
	return r < 0 ? r : look_for_module(run, "vfio_iommu_type1");
}

static int nodes(struct check_run *run)
{
	const struct host *host = run->facts->host;
	enum fact fact;
	int r;

	if (!host_exists(host, "sys/module"))
		return check_tell_unread(run, "sys/module");
	if (!host_exists(host, "sys/module/vfio"))
		return check_tell(run, CHECK_PASS, NULL,
				  "VFIO is not loaded: its nodes come with it");
	fact = check_presence(host, "dev/vfio");
	if (fact == FACT_KNOWN)
		fact = check_presence(host, "dev/vfio/vfio");
	if (fact == FACT_KNOWN)
		return check_tell(run, CHECK_PASS, NULL, "/dev/vfio/vfio is there");
	if (fact == FACT_UNREADABLE)
		return check_tell_unread(run, "dev/vfio");
	r = check_tell(run, CHECK_FAIL, NULL,
		       "VFIO is loaded, but there is no /dev/vfio/vfio");
	if (r == 0)
		r = check_why(run, "QEMU reaches VFIO by that node only");
	return r < 0 ? r
		     : check_fix(run, "modprobe vfio; in a container, hand /dev/vfio in;"
				      " else look at what mounts /dev");
}

/* The value behind a label in a file of /proc; NULL: not there. */
static const char *value_of(const char *text, const char *label)
{
	const char *at = text ? strstr(text, label) : NULL;

	return at ? at + strlen(label) + strspn(at + strlen(label), " \t") : NULL;
}

static int memlock(struct check_run *run)
{
	const struct host *host = run->facts->host;
	_cleanup_free_ char *limits = NULL, *status = NULL;
	const char *limit, *user;
	size_t len;
	unsigned long long bytes;
	int r;

	if (host_read_file(host, "proc/self/limits", &limits, &len) < 0 ||
	    host_read_file(host, "proc/self/status", &status, &len) < 0)
		return check_tell_unread(run, "proc/self/limits");
	user = value_of(status, "\nUid:");
	limit = value_of(limits, "Max locked memory");
	if (!user || !limit)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "/proc/self/limits says nothing of locked memory");
	if (user[0] == '0' && strchr(" \t", user[1]))
		return check_tell(run, CHECK_PASS, NULL,
				  "guests that root or libvirt run have no limit");
	if (!strncmp(limit, "unlimited", strlen("unlimited")))
		return check_tell(run, CHECK_PASS, NULL, "this user has no limit");
	bytes = strtoull(limit, NULL, 10);
	if (bytes >= MEMLOCK_MIN)
		return check_tell(run, CHECK_PASS, NULL, "this user may lock %llu MiB",
				  bytes >> 20);
	r = check_tell(run, CHECK_INFO, NULL, "this user may lock %llu KiB of memory",
		       bytes >> 10);
	if (r == 0)
		r = check_why(run, "VFIO locks all memory of a guest: one that this user"
				   " starts ends with VFIO_MAP_DMA failed, error -12;"
				   " root's and libvirt's are not concerned");
	return r < 0 ? r
		     : check_fix(run, "\"@kvm - memlock unlimited\" in a file of"
				      " /etc/security/limits.d, for members of the group"
				      " kvm, who then log in again");
}

/* Tells of one size when only some of the nodes have pages of it. */
static int look_at_pool(struct check_run *run, const struct string_list *names,
			const char *size)
{
	const char *with = NULL, *without = NULL;
	long long pages_with = 0;
	int r;

	for (size_t i = 0; i < names->count; i++) {
		char path[256];
		long long pages;

		snprintf(path, sizeof(path),
			 "sys/devices/system/node/%s/hugepages/%s/nr_hugepages",
			 names->items[i], size);
		if (host_read_number(run->facts->host, path, &pages) != FACT_KNOWN)
			continue;
		if (pages > 0) {
			with = names->items[i];
			pages_with = pages;
		} else {
			without = names->items[i];
		}
	}
	if (!with || !without)
		return 0;
	r = check_tell(run, CHECK_INFO, size, "%lld pages on %s, none on %s", pages_with,
		       with, without);
	if (r == 0)
		r = check_why(run, "a guest whose processors or device are on the node"
				   " without them gets far memory, or does not start,"
				   " however many there are in all");
	return r < 0 ? r
		     : check_fix(run,
				 "pciferry apply --hugepages SIZE@%s has some there at"
				 " each boot; for this one write the number into"
				 " /sys/devices/system/node/%s/hugepages/%s/nr_hugepages",
				 without + strlen("node"), without, size);
}

static int hugepages(struct check_run *run)
{
	static const char folder[] = "sys/devices/system/node";
	const struct host *host = run->facts->host;
	_cleanup_(string_list_free) struct string_list all = { 0 }, names = { 0 },
						       sizes = { 0 };
	size_t before = run->findings->count;
	char path[128];
	int r = 0;

	if (check_presence(host, folder) == FACT_ABSENT)
		return check_tell(run, CHECK_PASS, NULL, "one node");
	if (host_list(host, folder, &all) < 0)
		return check_tell_unread(run, folder);
	for (size_t i = 0; r == 0 && i < all.count; i++)
		if (!strncmp(all.items[i], "node", 4) && all.items[i][4] >= '0' &&
		    all.items[i][4] <= '9')
			r = string_list_add(&names, all.items[i]);
	if (r == 0 && names.count > 1) {
		snprintf(path, sizeof(path), "%s/%s/hugepages", folder, names.items[0]);
		if (host_list(host, path, &sizes) == -ENOMEM)
			return -ENOMEM;
	}
	for (size_t i = 0; r == 0 && i < sizes.count; i++)
		r = look_at_pool(run, &names, sizes.items[i]);
	if (r < 0 || run->findings->count > before)
		return r;
	return check_tell(run, CHECK_PASS, NULL,
			  names.count > 1 ? "no pool of hugepages that only some of the"
					    " nodes have"
					  : "one node");
}

static int idle_d3(struct check_run *run)
{
	static const char path[] = "sys/module/vfio_pci/parameters/disable_idle_d3";
	char text[16];
	int r;

	if (!host_exists(run->facts->host, "sys/module"))
		return check_tell_unread(run, "sys/module");
	if (host_read(run->facts->host, path, text, sizeof(text)) == FACT_UNREADABLE)
		return check_tell_unread(run, path);
	if (strcmp(text, "Y") != 0)
		return check_tell(run, CHECK_PASS, NULL, "idle devices may sleep");
	r = check_tell(run, CHECK_INFO, NULL, "/%s is Y", path);
	return r < 0 ? r
		     : check_why(run, "devices on vfio-pci that no guest has stay awake:"
				      " it takes power, and helps those that do not wake"
				      " up");
}

const struct check check_vfio_table[] = {
	{ "vfio-modules", "vfio", "the modules of VFIO are there", false, modules },
	{ "vfio-nodes", "vfio", "the nodes of VFIO are there", false, nodes },
	{ "vfio-memlock", "vfio", "this user may lock a guest's memory", false, memlock },
	{ "vfio-hugepages", "vfio", "hugepages are on all nodes or on none", false,
	  hugepages },
	{ "vfio-reserved", "vfio", "the hugepages that pciferry.tab wants are there",
	  false, check_vfio_reserved },
	{ "vfio-idle-d3", "vfio", "idle devices may sleep", false, idle_d3 },
	{ "vfio-tools", "vfio", "no other tool chooses drivers as well", false,
	  check_vfio_tools, true },
	{ 0 },
};
