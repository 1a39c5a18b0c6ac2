/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bind/bind.h"
#include "bind/functions.h"
#include "bootcfg/entries.h"
#include "bootcfg/mdevctl.h"
#include "check/check.h"
#include "cli/cli.h"
#include "cli/file.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/page.h"
#include "host/recording.h"
#include "pci/claims.h"
#include "pci/slices.h"
#include "vm/cpus.h"
#include "vm/reserve.h"

/* What reading commands ask of one device beyond what the view has. */
static int read_device(const struct cli_view *view, const struct pci_device *device,
		       struct error *err)
{
	_cleanup_(pci_details_free) struct pci_details details = { 0 };
	struct pci_resource resources[PCI_RESOURCE_COUNT];
	struct bind_state first;
	char text[256];

	pci_resources_read(view->host, device, resources);
	iommu_unit_name(view->host, device, text, sizeof(text));
	usage_verdict(&view->usage, &view->groups, device, text, sizeof(text));
	bind_is_taken(view->host, device, &first);
	pci_vendor_name(view->names, device);
	pci_class_name(view->names, device);
	return pci_details_read(view->host, device, &details, err);
}

/* What vf asks of a physical function. */
static void read_functions(const struct cli_view *view, const struct pci_device *device)
{
	_cleanup_(bind_functions_free) struct bind_functions functions = { 0 };
	_cleanup_(host_link_free) struct host_link link = { 0 };
	char interface[IF_NAMESIZE];

	if (bind_functions_read(view->host, &device->address, &functions, NULL) == 0 &&
	    bind_functions_find_interface(view->host, &device->address, interface) ==
		    FACT_KNOWN)
		host_link_read(view->host, interface, &link);
}

static void read_group(const struct cli_view *view, const struct iommu_group *group)
{
	_cleanup_free_ struct iommu_reserved *regions = NULL;
	char type[32];
	size_t count;

	iommu_group_type(view->host, group, type, sizeof(type));
	iommu_reserved_read(view->host, group->number, &regions, &count);
}

/*
 * How this host boots, beyond what checks read of it. No command of this version asks for
 * it; who looks into a recording because a guest does not start does.
 */
static const char *const files[] = {
	"proc/version",	      "proc/modules",	"etc/default/grub",
	"etc/kernel/cmdline", "proc/config.gz", "proc/sys/kernel/hostname",
};
static const char *const folders[] = {
	"etc/modprobe.d",    "etc/modules-load.d",	   "etc/default/grub.d",
	"etc/dracut.conf.d", "etc/initramfs-tools/conf.d", "boot/loader/entries",
};
static const char *const kernel_files[] = { "boot/config-%s",
					    "lib/modules/%s/modules.softdep" };

static void read_file(const struct cli_view *view, const char *path)
{
	_cleanup_free_ char *bytes = NULL;
	size_t len;

	host_read_file(view->host, path, &bytes, &len);
}

static void read_folder(const struct cli_view *view, const char *folder)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	char path[PATH_MAX];

	host_list(view->host, folder, &names);
	for (size_t i = 0; i < names.count; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names.items[i]);
		read_file(view, path);
	}
}

static void read_boot(const struct cli_view *view)
{
	char release[128], path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		read_file(view, files[i]);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		read_folder(view, folders[i]);
	if (host_read(view->host, "proc/sys/kernel/osrelease", release,
		      sizeof(release)) == FACT_KNOWN)
		for (size_t i = 0; i < ARRAY_SIZE(kernel_files); i++) {
			snprintf(path, sizeof(path), kernel_files[i], release);
			read_file(view, path);
		}
}

/* And `plan --hugepages`. */
static void read_pages(const struct cli_view *view, unsigned int node)
{
	struct vm_reserve one = { .node = node };
	struct vm_pages pages;
	unsigned long long kib;

	vm_node_memory(view->host, node, &kib);
	if (vm_pages_read(view->host, node, &pages) != FACT_KNOWN)
		return;
	one.kib = pages.kib;
	vm_reserve_check(view->host, &one, NULL, 0, NULL);
}

/* What `vm create --tune` asks. Where hwloc is not installed there is nothing to keep. */
static void read_processors(const struct cli_view *view)
{
	_cleanup_(vm_cpus_free) struct vm_cpus cpus = { 0 };

	vm_cpus_read(view->host, &cpus, NULL);
	vm_count_nodes(view->host);
	for (size_t i = 0; i < cpus.count; i++)
		if (!i || cpus.items[i].node != cpus.items[i - 1].node)
			read_pages(view, cpus.items[i].node);
}

/* What `mdev` looks at, and mdevctl's rule; its definitions may have been made by hand.
 */
static void read_slices(const struct cli_view *view)
{
	_cleanup_(
		bootcfg_definitions_free) struct bootcfg_definitions definitions = { 0 };
	_cleanup_(pci_slice_types_free) struct pci_slice_types types = { 0 };
	_cleanup_(pci_slices_free) struct pci_slices slices = { 0 };

	pci_slice_types_read(view->host, &types, NULL);
	pci_slices_read(view->host, &slices, NULL);
	for (size_t i = 0; i < slices.count; i++) {
		_cleanup_(string_list_free) struct string_list holders = { 0 };
		const struct string_list *nodes = &slices.items[i].nodes;
		bool all;

		usage_find_holders(view->host, &nodes, 1, &holders, &all);
	}
	bootcfg_definitions_read(view->host, &definitions, NULL);
	bootcfg_mdevctl_start(view->host);
}

static bool is_public(const struct check *check, void *argument)
{
	(void)argument;
	return !check->is_private;
}

/* What `check` looks at, of the host and of every device. */
static int read_checks(const struct cli_view *view, struct error *err)
{
	_cleanup_(check_findings_free) struct check_findings findings = { 0 };
	_cleanup_free_ struct pci_device **all = pci_all(&view->devices);
	struct check_request request = {
		.devices = &view->devices,
		.groups = &view->groups,
		.named = all,
		.n_named = view->devices.count,
		.wanted = is_public,
	};

	if (!all)
		return error_oom(err);
	return check_host(view->host, &request, &findings, err);
}

static int read_everything(struct cli_view *view, struct error *err)
{
	_cleanup_(string_list_free) struct string_list modules = { 0 };
	_cleanup_free_ char *names = NULL;
	size_t len;
	int r = cli_view_read(view, JSON_NEEDS | PAGE_NEEDS, err);

	for (size_t i = 0; r == 0 && i < view->devices.count; i++)
		r = read_device(view, &view->devices.items[i], err);
	for (size_t i = 0; r == 0 && i < view->devices.count; i++)
		if (view->configs[i].sriov_fact == FACT_KNOWN)
			read_functions(view, &view->devices.items[i]);
	for (size_t i = 0; r == 0 && i < view->groups.count; i++)
		read_group(view, &view->groups.items[i]);
	if (r == 0)
		r = read_checks(view, err);
	if (r < 0)
		return r;
	/* The kernel's tables are the same for all. */
	if (view->devices.count)
		pci_read_claims(view->host, &view->devices.items[0], &modules);
	read_boot(view);
	read_processors(view);
	read_slices(view);
	names = pci_names_text(view->names, &len);
	if (!names)
		return error_oom(err);
	host_recording_keep(view->host, "pciferry/names", names, len);
	return 0;
}

/* Configuration space holds a serial number, where the anonymiser of texts sees none. */
static void edit(const char *path, unsigned char *bytes, size_t len)
{
	static uint32_t count;
	const char *name = strrchr(path, '/');

	if (name && !strcmp(name, "/config"))
		pci_config_anonymise(bytes, len, ++count);
	else if (name && (!strcmp(name, "/grub.cfg") || strstr(path, "default/grub")))
		bootcfg_grub_anonymise((char *)bytes, len);
}

struct record_options {
	const char *path;
	bool force;
	enum host_archive kind;
};

static int parse_options(struct cli *cli, int argc, char **argv,
			 struct record_options *options, struct error *err)
{
	static const struct option own[] = {
		{ "force", no_argument, NULL, 'f' },
		{ 0 },
	};
	int value;

	while ((value = cli_next_option(cli, argc, argv, own, err)) != -1) {
		if (value < 0)
			return value;
		options->force = true;
	}
	if (optind + 1 != argc) {
		error_usage(err, "", "record needs one FILE");
		error_hint(err, "pciferry record host.tar.zst");
		return -EINVAL;
	}
	if (cli->host_path)
		return error_usage(err, "--host", "only this machine is recorded");
	options->path = argv[optind];
	return host_archive_kind(options->path, &options->kind, err);
}

/* "proc/812/fd" becomes "proc/N/fd": what differs in a number only is told once. */
static void leave_out_numbers(char *path)
{
	char *to = path;

	for (const char *from = path; *from;) {
		size_t len = strcspn(from, "/"), digits = strspn(from, "0123456789");

		if (digits == len)
			*to++ = 'N';
		else
			to = (char *)memmove(to, from, len) + len;
		from += len;
		if (*from)
			*to++ = *from++;
	}
	*to = '\0';
}

static int print_unreadable(const struct cli *cli, const struct string_list *paths)
{
	_cleanup_(string_list_free) struct string_list kinds = { 0 };

	if (!paths->count)
		return 0;
	for (size_t i = 0; i < paths->count; i++) {
		if (string_list_add(&kinds, paths->items[i]) < 0)
			return -ENOMEM;
		if (!cli->verbose)
			leave_out_numbers(kinds.items[i]);
	}
	string_list_sort(&kinds);
	output_talk("Not recorded, because it could not be read%s:",
		    geteuid() ? " (as root, more can)" : "");
	for (size_t i = 0, next; i < kinds.count; i = next) {
		for (next = i + 1; next < kinds.count; next++)
			if (strcmp(kinds.items[i], kinds.items[next]) != 0)
				break;
		if (next - i > 1)
			output_talk("  /%s (%zu of them)", kinds.items[i], next - i);
		else
			output_talk("  /%s", kinds.items[i]);
	}
	return 0;
}

static int print_summary(const struct cli *cli, const struct record_options *options,
			 const struct cli_view *view, size_t len,
			 const struct host_recording_summary *summary)
{
	struct json_object *root;

	if (cli->json) {
		root = json_recording(options->path, view->devices.count, len, summary);
		return root ? output_json(root) : -ENOMEM;
	}
	output_line("%s: %zu devices, %zu files and %zu links in %zu KiB", options->path,
		    view->devices.count, summary->files, summary->links,
		    (len + 1023) / 1024);
	if (cli->quiet)
		return 0;
	if (print_unreadable(cli, &summary->unreadable) < 0)
		return -ENOMEM;
	output_talk("Serial numbers, UUIDs, host name, MAC and IP addresses are replaced."
		    " Look into it before you pass it on: tar -tvf, tar -xOf.");
	output_talk("pciferry list --host %s shows this host, wherever it is.",
		    options->path);
	return 0;
}

static int run_record(struct cli *cli, int argc, char **argv, struct error *err)
{
	_cleanup_(cli_view_close) struct cli_view view = { 0 };
	struct record_options options = { 0 };
	_cleanup_(host_recording_summary_free) struct host_recording_summary summary = {
		0
	};
	_cleanup_free_ char *bytes = NULL;
	size_t len;
	int r = parse_options(cli, argc, argv, &options, err);

	view.record = true;
	if (r == 0)
		r = cli_view_open(cli, &view, 0, err);
	if (r == 0)
		r = read_everything(&view, err);
	if (r == 0)
		r = host_recording_write(view.host, options.kind, edit, &bytes, &len,
					 &summary, err);
	if (r == 0)
		r = file_write(options.path, bytes, len, options.force, false, err);
	if (r < 0)
		return r;
	return print_summary(cli, &options, &view, len, &summary) < 0 ? error_oom(err)
								      : 0;
}

const struct cli_command cli_record = {
	.name = "record",
	.arguments = "FILE [--force]",
	.summary = "this host's facts in one archive, without what tells whose it is",
	.options = "  --force          replace a file that is there\n"
		   "\n"
		   "FILE ends with .tar.zst, .tar.xz, .tar.gz or .tar.\n",
	.run = run_record,
};
