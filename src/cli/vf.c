/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/edits.h"
#include "cli/functions.h"
#include "cli/json.h"
#include "cli/output.h"

enum { OPTION_DRIVER = 1, OPTION_TIMEOUT, OPTION_DRY_RUN, OPTION_PERSIST, OPTION_SET };

/* What is asked for. */
struct wish {
	struct take_options take;
	struct bind_functions_request request;
	struct bind_function_settings settings;
	bool counted; /* a COUNT was given */
	bool changes; /* that, or settings: else they are only shown */
	bool persist;
};

static void wish_free(struct wish *wish)
{
	bind_function_settings_free(&wish->settings);
}

static int parse_options(struct cli *cli, int argc, char **argv, struct wish *wish,
			 struct error *err)
{
	static const struct option own[] = {
		{ "driver", required_argument, NULL, OPTION_DRIVER },
		{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
		{ "dry-run", no_argument, NULL, OPTION_DRY_RUN },
		{ "persist", no_argument, NULL, OPTION_PERSIST },
		{ "set", required_argument, NULL, OPTION_SET },
		{ 0 },
	};
	int value, r = 0;

	while (r == 0 && (value = cli_next_option(cli, argc, argv, own, err)) != -1) {
		if (value == OPTION_DRIVER) {
			wish->take.driver = optarg;
		} else if (value == OPTION_TIMEOUT) {
			r = take_parse_timeout(optarg, &wish->take, err);
		} else if (value == OPTION_DRY_RUN) {
			wish->take.dry_run = true;
		} else if (value == OPTION_PERSIST) {
			wish->persist = true;
		} else if (value == OPTION_SET) {
			r = bind_function_settings_add(&wish->settings, optarg, err);
			wish->changes = true;
		} else {
			r = value;
		}
	}
	return r;
}

static int parse_arguments(struct cli *cli, int argc, char **argv, struct wish *wish,
			   struct host **ret_host, struct error *err)
{
	_cleanup_free_ struct pci_address *addresses = NULL;
	uint64_t number;
	size_t count;
	int r;

	if (argc > 2)
		return error_usage(err, argv[2], "vf takes one DEVICE and one COUNT");
	wish->counted = argc == 2;
	wish->changes |= wish->counted;
	if (wish->counted && text_parse_number(argv[1], BIND_FUNCTIONS_MAX, &number) < 0)
		return error_usage(err, argv[1], "not a number of virtual functions");
	if (wish->take.driver && !wish->counted)
		return error_usage(err, "--driver", "it goes with a COUNT");
	if (wish->persist && !wish->counted)
		return error_usage(err, "--persist", "it goes with a COUNT");
	r = take_select(cli, &wish->take, argc ? 1 : 0, argv, ret_host, &addresses,
			&count, err);
	if (r < 0)
		return r;
	if (count != 1)
		return error_usage(err, argv[0], "several devices are meant; name one");
	wish->request.physical = addresses[0];
	wish->request.wanted = wish->counted ? (unsigned int)number : 0;
	wish->request.as_many = !wish->counted;
	wish->request.settings = &wish->settings;
	wish->request.driver = wish->take.driver;
	wish->request.last_look = !wish->take.dry_run;
	return 0;
}

/* What is not known is null, all of it where nothing tells. */
static void add_settings(struct json_object *item, const struct host_function *function)
{
	static const struct host_function unknown;
	const struct host_function *of = function ? function : &unknown;
	enum fact vlan = of->settings & HOST_SETTING_VLAN ? FACT_KNOWN : FACT_UNREADABLE;
	char mac[HOST_MAC_SIZE];

	json_add_text_or_null(
		item, "mac",
		of->settings & HOST_SETTING_MAC ? host_mac_format(of->mac, mac) : "");
	json_add_number(item, "vlan", vlan, of->vlan);
	json_add_number(item, "vlan_priority", vlan, of->priority);
	json_add_boolean(item, "trust",
			 of->settings & HOST_SETTING_TRUST ? FACT_KNOWN : FACT_UNREADABLE,
			 of->trust);
	json_add_boolean(item, "spoof_check",
			 of->settings & HOST_SETTING_SPOOF_CHECK ? FACT_KNOWN
								 : FACT_UNREADABLE,
			 of->spoof_check);
}

static void print_function(struct json_object *array, const struct pci_devices *devices,
			   size_t index, const struct pci_address *function,
			   const struct host_function *settings)
{
	char set[HOST_FUNCTION_TEXT_SIZE] = "";
	const struct pci_device *device = pci_find(devices, function);
	const char *driver = device ? device->driver : NULL;
	char address[PCI_ADDRESS_SIZE], group[32];
	struct json_object *item;

	pci_address_format(function, address);
	if (array) {
		item = json_object_new_object();
		json_add_number(item, "index", FACT_KNOWN, (long long)index);
		json_add_text(item, "address", address);
		json_add_number(item, "iommu_group",
				device ? device->group_fact : FACT_UNREADABLE,
				device ? device->group_number : 0);
		json_add_text(item, "driver", driver);
		add_settings(item, settings);
		json_object_array_add(array, item);
		return;
	}
	if (!device || device->group_fact == FACT_UNREADABLE)
		snprintf(group, sizeof(group), "group unknown");
	else if (device->group_fact == FACT_ABSENT)
		snprintf(group, sizeof(group), "in no group");
	else
		snprintf(group, sizeof(group), "group %u", device->group_number);
	if (settings)
		host_function_format(settings, settings->settings, set);
	output_line("  vf%-4zu %s  %s (%s)%s%s", index, address,
		    driver					   ? driver
		    : device && device->driver_fact == FACT_ABSENT ? "no driver"
								   : "driver unknown",
		    group, *set ? "  " : "", set);
}

/* What is set of them, as far as it is known. */
static void read_settings(const struct host *host, const struct bind_functions *functions,
			  struct host_link *ret_link)
{
	char address[PCI_ADDRESS_SIZE], interface[IF_NAMESIZE];
	enum fact fact = FACT_ABSENT;

	if (functions->count)
		fact = bind_functions_find_interface(host, &functions->physical,
						     interface);
	if (fact == FACT_KNOWN)
		fact = host_link_read(host, interface, ret_link);
	if (fact == FACT_UNREADABLE)
		output_talk("%s: what is set of its virtual functions could not be read",
			    pci_address_format(&functions->physical, address));
}

/* As they are now, whatever was wanted. */
static int print_now(const struct cli *cli, const struct host *host,
		     const struct wish *wish, const struct bind_functions *before,
		     unsigned int id, struct error *err)
{
	_cleanup_(bind_functions_free) struct bind_functions now = { 0 };
	_cleanup_(pci_devices_free) struct pci_devices devices = { 0 };
	_cleanup_(host_link_free) struct host_link link = { 0 };
	struct json_object *root = NULL, *array = NULL;
	char address[PCI_ADDRESS_SIZE];
	int r = bind_functions_read(host, &wish->request.physical, &now, err);

	if (r == 0)
		r = pci_scan(host, &devices, err);
	if (r < 0)
		return r;
	pci_address_format(&now.physical, address);
	if (cli->json) {
		root = json_root(cli->command->name);
		array = json_object_new_array();
		json_add_text(root, "physical_function", address);
		json_add_number(root, "total", FACT_KNOWN, now.total);
		json_add_number(root, "count_before", FACT_KNOWN,
				(long long)(before ? before->count : now.count));
		if (id)
			json_add_number(root, "change", FACT_KNOWN, id);
	} else if (before && before->count != now.count) {
		output_line("%s: %zu of %u virtual functions, had %zu", address,
			    now.count, now.total, before->count);
	} else {
		output_line("%s: %zu of %u virtual functions", address, now.count,
			    now.total);
	}
	read_settings(host, &now, &link);
	for (size_t i = 0; i < now.count; i++)
		print_function(array, &devices, i, &now.items[i],
			       host_link_find(&link, (unsigned int)i));
	if (!cli->json)
		return 0;
	json_object_object_add(root, "functions", array);
	return output_json(root);
}

static int run(struct cli *cli, int argc, char **argv, struct error *err)
{
	_cleanup_(wish_free) struct wish wish = { .take = TAKE_OPTIONS_INIT };
	_cleanup_(bind_functions_free) struct bind_functions before = { 0 };
	_cleanup_(functions_kept_free) struct functions_kept kept = { 0 };
	_cleanup_(host_cleanup) struct host *host = NULL;
	int r = parse_options(cli, argc, argv, &wish, err);

	if (r == 0)
		r = parse_arguments(cli, argc - optind, argv + optind, &wish, &host, err);
	if (r < 0)
		return r;
	if (wish.changes && wish.take.dry_run)
		return functions_print_steps(host, &wish.request, wish.persist, err);
	if (wish.changes)
		r = functions_make(cli, host, &wish.take, &wish.request, &before,
				   wish.persist ? &kept : NULL, err);
	if (r == 0)
		r = print_now(cli, host, &wish, wish.changes ? &before : NULL, kept.id,
			      err);
	if (r == 0 && wish.persist && !cli->json)
		edits_tell_kept(kept.id, wish.request.wanted ? "At each boot as well"
							     : "At boot no more");
	for (size_t i = 0; r == 0 && i < kept.instructions.count; i++)
		output_talk("%s", kept.instructions.items[i]);
	return r;
}

const struct cli_command cli_vf = {
	.name = "vf",
	.arguments = "DEVICE [COUNT] [--driver DRIVER] [--set NAME=VALUE]... [--persist]"
		     " [--dry-run]",
	.summary = "a device's virtual functions (SR-IOV): show them, or have COUNT",
	.options =
		"  --driver DRIVER  bind them to DRIVER, before any other has them\n"
		"  --set NAME=VALUE of function N, before any driver has it:\n"
		"                   vfN.mac=52:54:00:00:00:01, vfN.vlan=100 (or 100:3,\n"
		"                   with its priority; 0: none), vfN.trust=on|off,\n"
		"                   vfN.spoofchk=on|off; vf* is each of them\n"
		"  --persist        at each boot, too: a line of /etc/pciferry.tab\n"
		"  --dry-run        print the steps, change nothing\n"
		"  --timeout SEC    give a step up after SEC seconds (30)\n",
	.run = run,
};
