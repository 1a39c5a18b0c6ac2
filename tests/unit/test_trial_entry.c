/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Entries for a trial, made of others: no loader reads them here. */
#include "tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "boot/trial_entry.h"

static char *words[] = { (char *)"pciferry=trial:7", (char *)"iommu=pt" };
static char *off[] = { (char *)"iommu=off" };
static const struct boot_parameters parameters = { .add = { words, 2, 2 },
						   .remove = { off, 1, 1 } };

static struct boot_trial_entry entry_at(unsigned int line)
{
	return (struct boot_trial_entry){ .name = "it",
					  .title = "Trial",
					  .initrd = "initrd-6.1",
					  .suffix = ".new",
					  .line = line,
					  .parameters = &parameters };
}

static void assert_made(int (*make)(const char *, size_t, const struct boot_trial_entry *,
				    char **, const char **),
			unsigned int line, const char *text, const char *expected)
{
	struct boot_trial_entry entry = entry_at(line);
	char *made = NULL;
	const char *why = NULL;

	assert_int_equal(make(text, strlen(text), &entry, &made, &why), 0);
	assert_string_equal(made, expected);
	free(made);
}

static void assert_refused(int (*make)(const char *, size_t,
				       const struct boot_trial_entry *, char **,
				       const char **),
			   unsigned int line, const char *text, const char *because)
{
	struct boot_trial_entry entry = entry_at(line);
	char *made = NULL;
	const char *why = NULL;

	assert_int_equal(make(text, strlen(text), &entry, &made, &why), -EINVAL);
	assert_null(made);
	assert_non_null(strstr(why, because));
}

static void grub_s_is_a_copy_of_one_in_its_menu(void **state)
{
	(void)state;
	assert_made(boot_trial_grub_entry, 8,
		    "set default=0\n"
		    "menuentry 'Other' {\n\tlinux /x\n}\n"
		    "submenu 'More' {\n"
		    "\tmenuentry 'One' --class os --unrestricted $id 'one' {\n"
		    "\t\tsearch --set=root 0b7a\n"
		    "\t\tlinux\t/boot/vmlinuz-6.1 root=LABEL=a iommu=off quiet\n"
		    "\t\tinitrd\t/boot/ucode.img /boot/initrd-6.1\n"
		    "\t}\n"
		    "}\n",
		    "menuentry 'Trial' --id it --unrestricted {\n"
		    "\t\tsearch --set=root 0b7a\n"
		    "\t\tlinux\t/boot/vmlinuz-6.1 root=LABEL=a quiet pciferry=trial:7"
		    " iommu=pt\n"
		    "\t\tinitrd\t/boot/ucode.img /boot/initrd-6.1.new\n"
		    "}\n");
	/* The name within another name, or within a folder's, is not the file. */
	assert_made(boot_trial_grub_entry, 2,
		    "menuentry One {\nlinux /k\ninitrd /initrd-6.1.old"
		    " /initrd-6.1/initrd-6.1\n}",
		    "menuentry 'Trial' --id it {\nlinux /k pciferry=trial:7 iommu=pt\n"
		    "initrd /initrd-6.1.old /initrd-6.1/initrd-6.1.new\n}\n");
}

static void what_grub_s_menu_does_not_say_plainly_is_refused(void **state)
{
	(void)state;
	assert_refused(boot_trial_grub_entry, 2, "menuentry a {\nlinux /k\n}\n",
		       "does not load its initramfs");
	assert_refused(boot_trial_grub_entry, 2,
		       "menuentry a {\nlinux /k\ninitrd /other\n}\n",
		       "does not load its initramfs");
	assert_refused(boot_trial_grub_entry, 2,
		       "menuentry a {\nlinux /k\ninitrd /initrd-6.1\n", "begin and end");
	assert_refused(boot_trial_grub_entry, 1, "linux /k\ninitrd /initrd-6.1\n}\n",
		       "begin and end");
	assert_refused(boot_trial_grub_entry, 3,
		       "menuentry a\n{\nlinux /k\ninitrd /initrd-6.1\n}\n",
		       "begin and end");
	assert_refused(boot_trial_grub_entry, 9, "menuentry a {\nlinux /k\n}\n",
		       "not where they were");
	assert_refused(boot_trial_grub_entry, 2,
		       "menuentry a {\nlinux /k \\\nquiet\ninitrd /initrd-6.1\n}\n",
		       "goes on");
	assert_refused(boot_trial_grub_entry, 1, "", "not where they were");
}

static void a_file_s_is_a_copy_with_another_title(void **state)
{
	(void)state;
	assert_made(boot_trial_bls_entry, 7,
		    "# by hand\n"
		    "title  Linux\n"
		    "version 6.1\n"
		    "sort-key linux\n"
		    "linux  /k/linux\n"
		    "initrd /k/ucode\n"
		    "options root=LABEL=a iommu=off\n"
		    "initrd /k/initrd-6.1\n",
		    "title Trial\n"
		    "# by hand\n"
		    "version 6.1\n"
		    "sort-key linux\n"
		    "linux  /k/linux\n"
		    "initrd /k/ucode\n"
		    "options root=LABEL=a pciferry=trial:7 iommu=pt\n"
		    "initrd /k/initrd-6.1.new\n");
	assert_refused(boot_trial_bls_entry, 2, "linux /k\noptions a\n",
		       "does not load its initramfs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grub_s_is_a_copy_of_one_in_its_menu),
		cmocka_unit_test(what_grub_s_menu_does_not_say_plainly_is_refused),
		cmocka_unit_test(a_file_s_is_a_copy_with_another_title),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
