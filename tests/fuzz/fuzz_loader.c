/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of boot loaders: the first byte chooses the kind, the rest is the file. */
#include "fuzz.h"

#include <string.h>

#include "bootcfg/entries.h"
#include "bootcfg/loader.h"
#include "bootcfg/shell.h"
#include "bootcfg/uki.h"

static unsigned int count_lines(const char *text, size_t len)
{
	unsigned int lines = 1;

	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	return lines;
}

static void check_variables(const struct bootcfg_variables *variables, unsigned int lines)
{
	for (size_t i = 0; i < variables->count; i++) {
		const struct bootcfg_variable *one = &variables->items[i];

		must(one->name && one->value && !strcmp(one->file, "file"));
		must(one->line >= 1 && one->line <= lines);
		must(bootcfg_variable_find(variables, one->name) == one);
	}
}

static void check_shell(const char *text, size_t len)
{
	struct bootcfg_shell shell = { 0 };

	must(bootcfg_shell_parse(text, len, "file", &shell) == 0);
	check_variables(&shell.variables, count_lines(text, len));
	bootcfg_shell_free(&shell);
}

static void check_grub(const char *text, size_t len, struct bootcfg_entries *entries)
{
	struct bootcfg_grub grub = { 0 };

	must(bootcfg_grub_parse(text, len, "file", &grub, entries) == 0);
	check_variables(&grub.variables, count_lines(text, len));
	bootcfg_grub_free(&grub);
}

static void check_grubenv(const char *text, size_t len)
{
	struct bootcfg_variables variables = { 0 };

	must(bootcfg_grubenv_parse(text, len, "file", &variables) == 0);
	check_variables(&variables, count_lines(text, len));
	bootcfg_variables_free(&variables);
}

static void check_bls(const char *text, size_t len, struct bootcfg_entries *entries)
{
	struct bootcfg_variables variables = { 0 };
	struct bootcfg_variable more = { (char *)"kernelopts", (char *)"quiet a=b" };

	must(bootcfg_variable_set(&variables, &more, false) == 0);
	must(bootcfg_bls_parse(text, len, "file", NULL, entries) == 0);
	must(bootcfg_bls_parse(text, len, "file", &variables, entries) == 0);
	must(entries->count == 0 || entries->count == 2);
	bootcfg_variables_free(&variables);
}

static void check_firmware(const char *text, size_t len)
{
	char buffer[32];

	if (bootcfg_efi_text(text, len, buffer, sizeof(buffer)) == 0)
		must(strlen(buffer) <= len / 2);
	if (bootcfg_efi_program(text, len, buffer, sizeof(buffer)) == 0)
		must(strlen(buffer) <= len / 2 && !strchr(buffer, '\\'));
}

static void check_program(const char *bytes, size_t len, struct bootcfg_entries *entries)
{
	uint32_t offset, size;

	bootcfg_pe_find(bytes, len, ".cmdline", &offset, &size);
	must(bootcfg_uki_parse(bytes, len, "/EFI/Linux/x.efi", "file", entries) == 0);
}

static void check_entries(const struct bootcfg_entries *entries, unsigned int lines)
{
	for (size_t i = 0; i < entries->count; i++) {
		const struct bootcfg_entry *one = &entries->items[i];

		must(one->title && one->kernel && one->release && one->options);
		must(!strcmp(one->file, "file") && one->line <= lines);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bootcfg_entries entries = { 0 };
	char *text;
	size_t len;

	if (!size)
		return 0;
	/* As host_read_file() gives it: a NUL stands behind the last byte. */
	len = size - 1;
	text = malloc(size);
	must(text != NULL);
	memcpy(text, data + 1, len);
	text[len] = '\0';
	switch (data[0] % 8) {
	case 0:
		check_shell(text, len);
		break;
	case 1:
		check_grub(text, len, &entries);
		break;
	case 2:
		check_grubenv(text, len);
		break;
	case 3:
		check_bls(text, len, &entries);
		break;
	case 4:
		must(bootcfg_limine_parse(text, len, "file", &entries) == 0);
		break;
	case 5:
		must(bootcfg_refind_parse(text, len, "file", &entries) == 0);
		break;
	case 6:
		check_firmware(text, len);
		break;
	default:
		check_program(text, len, &entries);
		break;
	}
	check_entries(&entries, count_lines(text, len));
	bootcfg_entries_free(&entries);
	free(text);
	return 0;
}
