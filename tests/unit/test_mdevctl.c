/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of mdevctl's. The bytes in here are what mdevctl 1.2 of Debian 12 writes. */
#include "tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bootcfg/mdevctl.h"

#define UUID "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define PLAIN                                                               \
	"{\n  \"mdev_type\": \"i915-GVTg_V5_8\",\n  \"start\": \"auto\",\n" \
	"  \"attrs\": []\n}"
#define ATTRIBUTES                                                            \
	"{\n  \"mdev_type\": \"i915-GVTg_V5_8\",\n  \"start\": \"manual\",\n" \
	"  \"attrs\": [\n    {\n      \"assign_adapter\": \"5\"\n    },\n"    \
	"    {\n      \"assign/domain\": \"0xab\"\n    }\n  ]\n}"

static void assert_written(const char *before, const char *type, bool starts,
			   const char *wanted)
{
	_cleanup_free_ char *bytes = NULL;
	size_t len;

	assert_int_equal(bootcfg_definition_write(before, before ? strlen(before) : 0,
						  type, starts, &bytes, &len),
			 0);
	assert_string_equal(bytes, wanted);
	assert_int_equal(len, strlen(wanted));
}

static void a_file_is_written_as_mdevctl_writes_it(void **state)
{
	(void)state;
	assert_written(NULL, "i915-GVTg_V5_8", true, PLAIN);
	assert_written(PLAIN, "i915-GVTg_V5_8", true, PLAIN);
	assert_written(ATTRIBUTES, "i915-GVTg_V5_8", false, ATTRIBUTES);
}

static void what_nobody_here_knows_is_not_lost(void **state)
{
	(void)state;
	assert_written("{\"later\": {\"x\": [1.50, null, true, {}]}, \"start\": \"auto\","
		       " \"attrs\": [{\"a\": \"1\"}], \"mdev_type\": \"x\"}\n",
		       "x", false,
		       "{\n  \"later\": {\n    \"x\": [\n      1.50,\n      null,\n"
		       "      true,\n      {}\n    ]\n  },\n  \"start\": \"manual\",\n"
		       "  \"attrs\": [\n    {\n      \"a\": \"1\"\n    }\n  ],\n"
		       "  \"mdev_type\": \"x\"\n}");
}

static void a_damaged_file_is_never_written_over(void **state)
{
	_cleanup_free_ char *bytes = NULL;
	char text[] = ATTRIBUTES;
	size_t len;

	(void)state;
	/* Wherever its end was lost. */
	for (size_t cut = 0; cut < strlen(text); cut++) {
		struct bootcfg_definition definition;

		assert_int_equal(bootcfg_definition_parse(text, cut, &definition), 0);
		assert_non_null(definition.damage);
		assert_null(definition.type);
		bootcfg_definition_free(&definition);
		assert_int_equal(bootcfg_definition_write(text, cut, "x", true, &bytes,
							  &len),
				 -EINVAL);
	}
}

/* As mdevctl: whatever else it says means by hand. */
static void only_auto_starts_by_itself(void **state)
{
	static const char text[] = "{\"mdev_type\": \"x\", \"start\": \"Auto\"}\n\n";
	struct bootcfg_definition definition;

	(void)state;
	assert_int_equal(bootcfg_definition_parse(text, strlen(text), &definition), 0);
	assert_null(definition.damage);
	assert_false(definition.starts);
	bootcfg_definition_free(&definition);
}

static struct bootcfg_definitions read_all(const struct tree *tree)
{
	struct bootcfg_definitions definitions;
	struct host *host;

	tree_folder(tree, "sys/bus/pci/devices");
	assert_int_equal(host_open_directory(tree->path, &host, NULL), 0);
	assert_int_equal(bootcfg_definitions_read(host, &definitions, NULL), 0);
	host_free(host);
	return definitions;
}

static void nothing_else_in_its_folder_is_taken_for_one(void **state)
{
	const struct tree *tree = *state;
	struct bootcfg_definitions definitions;

	tree_file(tree, BOOTCFG_MDEVCTL "/" UUID, PLAIN);
	tree_file(tree, BOOTCFG_MDEVCTL "/scripts.d/" UUID, PLAIN);
	tree_file(tree, BOOTCFG_MDEVCTL "/mtty/" UUID "~", PLAIN);
	tree_file(tree, BOOTCFG_MDEVCTL "/mtty/.pciferry.new", PLAIN);
	tree_folder(tree, BOOTCFG_MDEVCTL "/mdpy/" UUID);
	tree_link(tree, BOOTCFG_MDEVCTL "/matrix/" UUID, "nowhere");
	definitions = read_all(tree);
	assert_int_equal(definitions.count, 0);
	bootcfg_definitions_free(&definitions);
}

/* mdevctl starts them at boot, and does not find them by their UUID again. */
static void names_that_only_mdevctl_takes_are_told_apart(void **state)
{
	static const char *const names[] = { "83B8F4F2-509F-382F-3C1E-E6BFE0FA1001",
					     "83b8f4f2509f382f3c1ee6bfe0fa1001",
					     "urn:uuid:" UUID, "{" UUID "}" };
	const struct tree *tree = *state;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct bootcfg_definitions definitions;
		char path[128];

		snprintf(path, sizeof(path), BOOTCFG_MDEVCTL "/p%zu/%s", i, names[i]);
		tree_file(tree, path, PLAIN);
		definitions = read_all(tree);
		assert_int_equal(definitions.count, i + 1);
		assert_true(definitions.items[i].is_odd);
		assert_string_equal(definitions.items[i].uuid, UUID);
		bootcfg_definitions_free(&definitions);
	}
}

static void no_parent_s_name_leads_out_of_its_folder(void **state)
{
	(void)state;
	assert_true(bootcfg_is_mdevctl_parent("0000:00:02.0"));
	assert_true(bootcfg_is_mdevctl_parent("mtty"));
	assert_false(bootcfg_is_mdevctl_parent(""));
	assert_false(bootcfg_is_mdevctl_parent("."));
	assert_false(bootcfg_is_mdevctl_parent(".."));
	assert_false(bootcfg_is_mdevctl_parent("a/b"));
	assert_false(bootcfg_is_mdevctl_parent("scripts.d"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_written_as_mdevctl_writes_it),
		cmocka_unit_test(what_nobody_here_knows_is_not_lost),
		cmocka_unit_test(a_damaged_file_is_never_written_over),
		cmocka_unit_test(only_auto_starts_by_itself),
		cmocka_unit_test_setup_teardown(
			nothing_else_in_its_folder_is_taken_for_one, tree_setup,
			tree_teardown),
		cmocka_unit_test_setup_teardown(
			names_that_only_mdevctl_takes_are_told_apart, tree_setup,
			tree_teardown),
		cmocka_unit_test(no_parent_s_name_leads_out_of_its_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
