/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which drivers claim a function, by the patterns of the kernel's modules. */
#include "tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "pci/claims.h"
#include "pci/device.h"

#define NVME "pci:v0000144Dd0000A808sv0000144Dsd0000A801bc01sc08i02"
#define GPU  "pci:v000010DEd00001B80sv00001043sd00008591bc03sc00i00"

static const char aliases[] =
	"# Aliases extracted from modules themselves.\n"
	"alias pci:v*d*sv*sd*bc01sc08i02* nvme\n"
	"alias usb:v10DEp1B80d*dc*dsc*dp*ic*isc*ip*in* usbgpu\n"
	"alias pci:v000010DEd*sv*sd*bc03sc0[0-2]i00* nouveau\n"
	"alias pci:v000010DEd*sv*sd*bc03sc00i00* nvidia\n"
	"alias pci:v000010DEd00001B80sv*sd*bc*sc*i* nouveau\n"
	"alias pci:v000010DEd00001B81sv*sd*bc*sc*i* other_card\n"
	"alias vfio_pci:v000010DEd00001B80sv*sd*bc*sc*i* nvgrace_vfio\n"
	"alias pci:v?????144Dd*sv*sd*bc*sc*i* anything\n"
	"alias pci:v0000144D cut\n";

/* The modules, separated by spaces. */
static void assert_list(const struct string_list *list, const char *expected)
{
	char seen[256] = "";

	for (size_t i = 0; i < list->count; i++) {
		assert_true(strlen(seen) + strlen(list->items[i]) + 2 < sizeof(seen));
		strcat(strcat(seen, i ? " " : ""), list->items[i]);
	}
	assert_string_equal(seen, expected);
}

static void assert_aliases(const char *text, size_t len, const char *modalias,
			   const char *expected)
{
	_cleanup_(string_list_free) struct string_list modules = { 0 };

	assert_int_equal(pci_aliases_parse(text, len, modalias, &modules), 0);
	assert_list(&modules, expected);
}

static void a_pattern_claims_what_it_fits_and_no_more(void **state)
{
	(void)state;
	assert_aliases(aliases, strlen(aliases), GPU, "nouveau nvidia");
	assert_aliases(aliases, strlen(aliases), NVME, "nvme");
	/* In vfio-pci's place, and not as an ordinary driver. */
	assert_aliases(aliases, strlen(aliases), "vfio_" GPU, "nvgrace_vfio");
	assert_aliases(aliases, strlen(aliases),
		       "pci:v00008086d000029C0sv00001AF4sd00001100bc06sc00i00", "");
	assert_aliases("alias pci:v?000144Dd*sv*sd*bc*sc*i* one", 39, NVME, "one");
	assert_aliases("", 0, NVME, "");
	assert_aliases(aliases, strlen(aliases), "", "");
}

static void a_damaged_line_of_aliases_costs_that_line_alone(void **state)
{
	static const char text[] = "\n\n"
				   "alias\n"
				   "alias \n"
				   "alias pci:v*\n"
				   "alias pci:v* \n"
				   "alias  pci:v* two_spaces\n"
				   "options pci:v* not_an_alias\n"
				   "alias pci:[ unended\n"
				   "alias pci:v* good\n"
				   "alias pci:v*";
	char longest[600];

	(void)state;
	assert_aliases(text, strlen(text), NVME, "good");
	memset(longest, '*', sizeof(longest));
	memcpy(longest, "alias pci:v", 11);
	memcpy(longest + 400, " too_long\nalias pci:v* next\n", 28);
	assert_aliases(longest, 428, NVME, "next");
}

/* Parses a copy of just this size, so that a sanitizer sees every byte too far. */
static void parse_cut(int (*parse)(const char *bytes, size_t len, const char *modalias,
				   struct string_list *ret_modules),
		      const char *bytes, size_t len, const char *modalias,
		      struct string_list *modules)
{
	_cleanup_free_ char *exact = malloc(len ? len : 1);

	assert_non_null(exact);
	memcpy(exact, bytes, len);
	assert_int_equal(parse(exact, len, modalias, modules), 0);
}

static void a_cut_table_of_aliases_claims_what_is_before_the_cut(void **state)
{
	size_t nouveau = (size_t)(strstr(aliases, "nouveau\n") - aliases);
	size_t nvidia = (size_t)(strstr(aliases, "nvidia\n") - aliases);

	(void)state;
	for (size_t len = 0; len <= strlen(aliases); len++) {
		_cleanup_(string_list_free) struct string_list modules = { 0 };

		parse_cut(pci_aliases_parse, aliases, len, GPU, &modules);
		if (len <= nouveau)
			assert_int_equal(modules.count, 0);
		if (len >= nouveau + strlen("nouveau"))
			assert_string_equal(modules.items[0], "nouveau");
		if (len >= nvidia + strlen("nvidia"))
			assert_string_equal(modules.items[1], "nvidia");
	}
}

static const char builtin[] = "nvme.license=GPL\0"
			      "nvme.alias=pci:v*d*sv*sd*bc01sc08i02*\0"
			      "nvme.alias=pci:v0000144Dd0000A808sv*sd*bc*sc*i*\0"
			      "ahci.alias=pci:v*d*sv*sd*bc01sc06i01*\0"
			      "vesa.description=.aliases\0"
			      "simple.alias=platform:simple\0"
			      "\0"
			      ".alias=pci:v*\0"
			      "vfio.alias=vfio_pci:v*d*sv*sd*bc*sc*i*";

static void what_is_built_in_claims_as_well(void **state)
{
	size_t first = sizeof("nvme.license=GPL");

	(void)state;
	for (size_t len = 0; len <= sizeof(builtin); len++) {
		_cleanup_(string_list_free) struct string_list modules = { 0 };

		parse_cut(pci_builtin_aliases_parse, builtin, len, NVME, &modules);
		if (len <= first + strlen("nvme.alias="))
			assert_list(&modules, "");
		else if (len == first + strlen(builtin + first) || len == sizeof(builtin))
			assert_list(&modules, "nvme");
	}
	for (size_t i = 0; i < 2; i++) {
		_cleanup_(string_list_free) struct string_list modules = { 0 };

		parse_cut(pci_builtin_aliases_parse, builtin, sizeof(builtin),
			  i ? "vfio_" NVME : GPU, &modules);
		assert_list(&modules, i ? "vfio" : "");
	}
}

static enum fact claims(const struct tree *tree, struct string_list *modules)
{
	const struct pci_device device = { .address = { .bus = 1 } };
	struct host *host = NULL;
	enum fact fact;

	assert_int_equal(host_open_directory(tree->path, &host, NULL), 0);
	fact = pci_read_claims(host, &device, modules);
	host_free(host);
	return fact;
}

static void without_the_modules_nobody_is_said_not_to_claim(void **state)
{
	_cleanup_(string_list_free) struct string_list modules = { 0 };
	const struct tree *tree = *state;

	tree_folder(tree, "sys/bus/pci/devices");
	assert_int_equal(claims(tree, &modules), FACT_UNREADABLE);
	tree_function(tree, "0000:01:00.0", NVME "\n", NULL, NULL);
	tree_file(tree, "proc/sys/kernel/osrelease", "6.1.0-49-amd64\n");
	assert_int_equal(claims(tree, &modules), FACT_UNREADABLE);
	/* Of another kernel. */
	tree_file(tree, "lib/modules/6.1.0-48-amd64/modules.alias", aliases);
	assert_int_equal(claims(tree, &modules), FACT_UNREADABLE);
	assert_int_equal(modules.count, 0);
	/* Where nothing is built in, or the kernel does not list it yet. */
	tree_file(tree, "lib/modules/6.1.0-49-amd64/modules.alias", "");
	assert_int_equal(claims(tree, &modules), FACT_ABSENT);
	/* Reading a folder fails for root, too. */
	tree_folder(tree, "lib/modules/6.1.0-49-amd64/modules.builtin.modinfo");
	assert_int_equal(claims(tree, &modules), FACT_UNREADABLE);
}

static void modules_and_what_is_built_in_are_told_together(void **state)
{
	_cleanup_(string_list_free) struct string_list modules = { 0 };
	const struct tree *tree = *state;

	tree_function(tree, "0000:01:00.0", NVME "\n", NULL, NULL);
	tree_file(tree, "proc/sys/kernel/osrelease", "6.1.0\n");
	tree_file(tree, "lib/modules/6.1.0/modules.alias",
		  "alias pci:v0000144Dd*sv*sd*bc*sc*i* disk\n"
		  "alias pci:v000010DEd*sv*sd*bc*sc*i* card\n");
	tree_bytes(tree, "lib/modules/6.1.0/modules.builtin.modinfo", builtin,
		   sizeof(builtin));
	assert_int_equal(claims(tree, &modules), FACT_KNOWN);
	assert_list(&modules, "disk nvme");
}

static void a_release_leads_nowhere_else(void **state)
{
	_cleanup_(string_list_free) struct string_list modules = { 0 };
	const struct tree *tree = *state;

	tree_function(tree, "0000:01:00.0", NVME "\n", NULL, NULL);
	tree_folder(tree, "lib/modules");
	tree_file(tree, "proc/sys/kernel/osrelease", "../../elsewhere\n");
	tree_file(tree, "elsewhere/modules.alias", aliases);
	assert_int_equal(claims(tree, &modules), FACT_UNREADABLE);
	assert_int_equal(modules.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pattern_claims_what_it_fits_and_no_more),
		cmocka_unit_test(a_damaged_line_of_aliases_costs_that_line_alone),
		cmocka_unit_test(a_cut_table_of_aliases_claims_what_is_before_the_cut),
		cmocka_unit_test(what_is_built_in_claims_as_well),
		TEST(without_the_modules_nobody_is_said_not_to_claim),
		TEST(modules_and_what_is_built_in_are_told_together),
		TEST(a_release_leads_nowhere_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
