/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What boot loaders offer, and which one it was. */
#include "tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bootcfg/entries.h"
#include "bootcfg/loader.h"

static void a_script_of_grub_gives_its_entries(void **state)
{
	static const char text[] =
		"set more=\"a=1 b=2\"\n"
		"if true; then set maybe=c; fi\n"
		"menuentry 'One' --class x --id one {\n"
		"  linux /vmlinuz-6.1.0-1-amd64 root=/dev/sda1 $more \"quoted words\"\n"
		"  initrd /micro.img /initrd.img-6.1.0-1-amd64\n"
		"}\n"
		"submenu \"More\" {\n"
		"  menuentry \"Two (recovery mode)\" { linuxefi ($root)/vmlinuz single\n}\n"
		"  menuentry Three {\n"
		"    linux16 /vmlinuz $maybe # comment\n"
		"  }\n"
		"  menuentry Windows {\n    chainloader +1\n  }\n"
		"}\n"
		"configfile /other/grub.cfg\n";
	struct bootcfg_entries entries = { 0 };
	struct bootcfg_grub grub = { 0 };

	(void)state;
	assert_int_equal(bootcfg_grub_parse(text, strlen(text), "f", &grub, &entries), 0);
	assert_int_equal(entries.count, 3);
	assert_string_equal(entries.items[0].title, "One");
	assert_string_equal(entries.items[0].kernel, "/vmlinuz-6.1.0-1-amd64");
	assert_string_equal(entries.items[0].release, "6.1.0-1-amd64");
	assert_string_equal(entries.items[0].options,
			    "root=/dev/sda1 a=1 b=2 \"quoted words\"");
	assert_int_equal(entries.items[0].line, 4);
	assert_int_equal(entries.items[0].initrds.count, 2);
	assert_int_equal(entries.items[0].cmdline.count, 4);
	assert_false(entries.items[0].uncertain);
	assert_false(entries.items[0].recovery);
	assert_string_equal(entries.items[1].title, "Two (recovery mode)");
	assert_string_equal(entries.items[1].kernel, "()/vmlinuz");
	assert_true(entries.items[1].recovery);
	assert_string_equal(entries.items[2].title, "Three");
	assert_string_equal(entries.items[2].options, "c");
	assert_true(entries.items[2].uncertain);
	assert_false(grub.loads_bls || grub.is_generated);
	bootcfg_entries_free(&entries);
	bootcfg_grub_free(&grub);
}

static void passwords_of_grub_are_blanked(void **state)
{
	char text[] =
		"set superusers=\"a\"\n  password_pbkdf2 a grub.pbkdf2.1.2\npassword";

	(void)state;
	bootcfg_grub_anonymise(text, strlen(text));
	assert_string_equal(text, "set superusers=\"a\"\n"
				  "  passwordxxxxxxxxxxxxxxxxxxxxxxxxx\npassword");
}

static void entries_in_files_take_variables_of_grub_alone(void **state)
{
	static const char text[] = "title Fedora\nversion 6.9.1\nlinux /vmlinuz\n"
				   "initrd /i.img $tuned_initrd\n"
				   "options root=x $kernelopts $tuned_params\n"
				   "# options no\noptions b\n";
	static const char env[] = "# GRUB Environment Block\nkernelopts=ro a=b\n####";
	struct bootcfg_variables variables = { 0 };
	struct bootcfg_entries entries = { 0 };

	(void)state;
	assert_int_equal(bootcfg_grubenv_parse(env, strlen(env), "e", &variables), 0);
	assert_int_equal(bootcfg_bls_parse(text, strlen(text), "f", &variables, &entries),
			 0);
	assert_int_equal(bootcfg_bls_parse(text, strlen(text), "f", NULL, &entries), 0);
	assert_int_equal(entries.count, 2);
	assert_string_equal(entries.items[0].options, "root=x ro a=b  b");
	assert_string_equal(entries.items[0].release, "6.9.1");
	assert_int_equal(entries.items[0].initrds.count, 1);
	assert_string_equal(entries.items[1].options,
			    "root=x $kernelopts $tuned_params b");
	bootcfg_entries_free(&entries);
	bootcfg_variables_free(&variables);
}

static void both_forms_of_limines_file_are_read(void **state)
{
	static const char now[] = "timeout: 3\n/Linux\n  protocol: linux\n"
				  "  path: boot():/vmlinuz-linux#00ff\n"
				  "  cmdline: root=x quiet\n"
				  "  module_path: boot():/initramfs-linux.img\n"
				  "/Windows\n  protocol: efi\n  path: boot():/w.efi\n";
	static const char before[] = "TIMEOUT=3\n:Linux\nPROTOCOL=linux\n"
				     "KERNEL_PATH=boot:///vmlinuz-linux\n"
				     "CMDLINE=root=x quiet\n";
	struct bootcfg_entries entries = { 0 };

	(void)state;
	assert_int_equal(bootcfg_limine_parse(now, strlen(now), "f", &entries), 0);
	assert_int_equal(bootcfg_limine_parse(before, strlen(before), "f", &entries), 0);
	assert_int_equal(entries.count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(entries.items[i].title, "Linux");
		assert_string_equal(entries.items[i].options, "root=x quiet");
		assert_string_equal(entries.items[i].file, "f");
		assert_string_equal(entries.items[i].kernel, "/vmlinuz-linux");
	}
	assert_string_equal(entries.items[0].initrds.items[0], "/initramfs-linux.img");
	bootcfg_entries_free(&entries);
}

static void a_release_is_found_in_a_kernels_path(void **state)
{
	static const struct {
		const char *path, *release;
	} cases[] = {
		{ "/boot/vmlinuz-6.1.0-56-amd64", "6.1.0-56-amd64" },
		{ "/0123abcd/6.1.0-56-amd64/linux", "6.1.0-56-amd64" },
		{ "\\EFI\\x", "" },
		{ "/vmlinuz-linux", "" },
		{ "/vmlinuz-linux-lts", "" },
		{ "/kernel-x86_64-6.6.1-gentoo", "6.6.1-gentoo" },
		{ "/EFI/Linux/arch-6.9.1.efi", "6.9.1" },
		{ "vmlinuz", "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bootcfg_entry entry = { .kernel = strdup(cases[i].path) };
		struct bootcfg_entries entries = { 0 };

		assert_int_equal(bootcfg_entry_add(&entries, &entry), 0);
		assert_string_equal(entries.items[0].release, cases[i].release);
		bootcfg_entries_free(&entries);
	}
}

static void variables_of_the_firmware_cut_short_are_refused(void **state)
{
	static const unsigned char option[] = {
		7,    0,    0,	0,	    /* attributes */
		1,    0,    0,	0, 18,	 0, /* active; the path's length */
		'L',  0,    0,	0,	    /* description */
		4,    4,    14, 0, '\\', 0, 'E', 0, '\\', 0, 'x', 0, 0, 0, /* a file */
		0x7f, 0xff, 4,	0,
	};
	char text[16];

	(void)state;
	assert_int_equal(bootcfg_efi_program(option, sizeof(option), text, sizeof(text)),
			 0);
	assert_string_equal(text, "E/x");
	assert_int_equal(bootcfg_efi_program(option, sizeof(option), text, 3),
			 -ENAMETOOLONG);
	for (size_t len = 0; len < sizeof(option) - 4; len++) {
		unsigned char *copy = malloc(len ? len : 1);

		assert_non_null(copy);
		memcpy(copy, option, len);
		bootcfg_efi_program(copy, len, text, sizeof(text));
		assert_string_equal(text, "");
		free(copy);
	}
	assert_int_equal(bootcfg_efi_text("\6\0\0\0G\0\377\0", 8, text, sizeof(text)), 0);
	assert_string_equal(text, "G?");
	assert_int_equal(bootcfg_efi_text("\6\0\0", 3, text, sizeof(text)), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_script_of_grub_gives_its_entries),
		cmocka_unit_test(passwords_of_grub_are_blanked),
		cmocka_unit_test(entries_in_files_take_variables_of_grub_alone),
		cmocka_unit_test(both_forms_of_limines_file_are_read),
		cmocka_unit_test(a_release_is_found_in_a_kernels_path),
		cmocka_unit_test(variables_of_the_firmware_cut_short_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
