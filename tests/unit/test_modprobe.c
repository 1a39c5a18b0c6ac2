/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include <string.h>

#include "bootcfg/modprobe.h"

static struct bootcfg_modprobe parse(const char *text)
{
	struct bootcfg_modprobe modprobe = { 0 };

	assert_int_equal(
		bootcfg_modprobe_parse(text, strlen(text), "vfio.conf", &modprobe), 0);
	return modprobe;
}

static void a_line_is_read_as_modprobe_reads_it(void **state)
{
	static const struct {
		const char *text;
		enum bootcfg_modprobe_kind kind;
		const char *module, *rest;
	} cases[] = {
		{ "options vfio-pci ids=10de:1e37", MODPROBE_OPTIONS, "vfio-pci",
		  "ids=10de:1e37" },
		{ " \toptions\tvfio_pci  a=1 b=2 \n", MODPROBE_OPTIONS, "vfio_pci",
		  "a=1 b=2" },
		{ "options \\\n  x \\\n  a=1\n", MODPROBE_OPTIONS, "x", "a=1" },
		{ "options x a=\\b", MODPROBE_OPTIONS, "x", "a=b" },
		{ "blacklist nouveau", MODPROBE_BLACKLIST, "nouveau", "" },
		{ "blacklist nouveau nvidia", MODPROBE_BLACKLIST, "nouveau", "nvidia" },
		{ "softdep nvidia pre: vfio-pci", MODPROBE_SOFTDEP, "nvidia",
		  "pre: vfio-pci" },
		{ "install nouveau /bin/false", MODPROBE_INSTALL, "nouveau",
		  "/bin/false" },
		{ "remove x /bin/true", MODPROBE_REMOVE, "x", "/bin/true" },
		{ "alias pci:v* vfio-pci", MODPROBE_ALIAS, "pci:v*", "vfio-pci" },
		{ "weakdep a b", MODPROBE_WEAKDEP, "a", "b" },
		{ "options vfio-pci", MODPROBE_BAD, "", "options vfio-pci" },
		{ "blacklist", MODPROBE_BAD, "", "blacklist" },
		{ "option vfio-pci ids=1:2", MODPROBE_BAD, "",
		  "option vfio-pci ids=1:2" },
		{ "EOF", MODPROBE_BAD, "", "EOF" },
		{ "\\", MODPROBE_BAD, "", "\\" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bootcfg_modprobe modprobe = parse(cases[i].text);

		assert_int_equal(modprobe.count, 1);
		assert_int_equal(modprobe.lines[0].kind, cases[i].kind);
		assert_string_equal(modprobe.lines[0].module, cases[i].module);
		assert_string_equal(modprobe.lines[0].rest, cases[i].rest);
		assert_int_equal(modprobe.lines[0].number, 1);
		bootcfg_modprobe_free(&modprobe);
	}
}

static void lines_keep_their_numbers_behind_comments_and_continued_ones(void **state)
{
	struct bootcfg_modprobe modprobe = parse("# one\n"
						 "\n"
						 "options a \\\n"
						 "  x=1\n"
						 "  # five\n"
						 "blacklist b\n"
						 "# goes on \\\n"
						 "blacklist c\n"
						 "blacklist d");

	(void)state;
	assert_int_equal(modprobe.count, 3);
	assert_int_equal(modprobe.lines[0].number, 3);
	assert_int_equal(modprobe.lines[1].number, 6);
	assert_int_equal(modprobe.lines[2].number, 9);
	assert_string_equal(modprobe.lines[2].module, "d");
	bootcfg_modprobe_free(&modprobe);
}

static void a_module_to_load_is_the_first_word(void **state)
{
	static const char text[] = "# a comment\n; another\n\nvfio-pci\n  tun  a=1\nlast";
	struct bootcfg_modprobe loads = { 0 };

	(void)state;
	assert_int_equal(bootcfg_loads_parse(text, strlen(text), "modules", &loads), 0);
	assert_int_equal(loads.count, 3);
	assert_string_equal(loads.lines[0].module, "vfio-pci");
	assert_int_equal(loads.lines[0].number, 4);
	assert_string_equal(loads.lines[1].module, "tun");
	assert_string_equal(loads.lines[2].module, "last");
	bootcfg_modprobe_free(&loads);
}

static void the_first_folder_hides_files_of_a_name_in_others(void **state)
{
	const struct tree *tree = *state;
	struct bootcfg_modprobe modprobe;
	const struct bootcfg_modprobe_line *line;
	struct host *host = NULL;

	tree_folder(tree, "sys/bus/pci/devices");
	tree_file(tree, "usr/lib/modprobe.d/a.conf", "blacklist hidden\n");
	tree_file(tree, "usr/lib/modprobe.d/z.conf", "blacklist seen\n");
	tree_file(tree, "usr/lib/modprobe.d/null.conf", "blacklist masked\n");
	tree_link(tree, "etc/modprobe.d/null.conf", "/dev/null");
	tree_file(tree, "run/modprobe.d/a.conf", "blacklist a-b\n");
	tree_file(tree, "etc/modprobe.d/m.conf", "options seen x=1\nblacklist m\n");
	tree_file(tree, "etc/modprobe.d/vfio", "blacklist ignored\n");
	tree_file(tree, "etc/modprobe.d/README", "Put files here.\n");
	tree_file(tree, "etc/modprobe.d/m.conf.bak", "blacklist old\n");
	tree_file(tree, "etc/modprobe.d/.m.conf", "blacklist dot\n");
	tree_link(tree, "etc/modprobe.d/loop.conf", "loop.conf");
	assert_int_equal(host_open_directory(tree->path, &host, NULL), 0);
	assert_int_equal(bootcfg_modprobe_read(host, &modprobe), 0);
	assert_int_equal(modprobe.fact, FACT_KNOWN);
	assert_int_equal(modprobe.count, 4);
	assert_string_equal(modprobe.lines[0].file, "run/modprobe.d/a.conf");
	assert_string_equal(modprobe.lines[3].file, "usr/lib/modprobe.d/z.conf");
	assert_int_equal(modprobe.ignored.count, 1);
	assert_string_equal(modprobe.ignored.items[0], "etc/modprobe.d/vfio");
	assert_int_equal(modprobe.unreadable.count, 1);
	assert_string_equal(modprobe.unreadable.items[0], "etc/modprobe.d/loop.conf");
	line = bootcfg_modprobe_find(&modprobe, MODPROBE_BLACKLIST, "a_b");
	assert_ptr_equal(line, &modprobe.lines[0]);
	line = bootcfg_modprobe_find(&modprobe, MODPROBE_OPTIONS, "seen");
	assert_int_equal(line->number, 1);
	assert_null(bootcfg_modprobe_find(&modprobe, MODPROBE_OPTIONS, "m"));
	assert_null(bootcfg_modprobe_find(&modprobe, MODPROBE_SOFTDEP, "m"));
	bootcfg_modprobe_free(&modprobe);
	host_free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_read_as_modprobe_reads_it),
		cmocka_unit_test(
			lines_keep_their_numbers_behind_comments_and_continued_ones),
		cmocka_unit_test(a_module_to_load_is_the_first_word),
		cmocka_unit_test_setup_teardown(
			the_first_folder_hides_files_of_a_name_in_others, tree_setup,
			tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
