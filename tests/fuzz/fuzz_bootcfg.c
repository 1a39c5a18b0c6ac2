/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a host boots: the first byte chooses the kind of file, the rest is the file. */
#include "fuzz.h"

#include <string.h>

#include "bootcfg/cmdline.h"
#include "bootcfg/kernels.h"
#include "bootcfg/modprobe.h"
#include "bootcfg/modules.h"

/* What was understood, written again, is understood the same. */
static void check_cmdline(const char *text, size_t len)
{
	struct bootcfg_cmdline cmdline, again;
	char *written = NULL;
	size_t size = 0;
	FILE *stream;

	must(bootcfg_cmdline_parse(text, len, &cmdline) == 0);
	stream = open_memstream(&written, &size);
	must(stream != NULL);
	for (size_t i = 0; i < cmdline.count; i++) {
		const struct bootcfg_parameter *one = &cmdline.items[i];

		must(strlen(one->name) <= len);
		/* A quote inside, or no name at all, has no way to be written. */
		if (strchr(one->name, '"') || !one->name[0] ||
		    (one->value && strchr(one->value, '"')))
			continue;
		fprintf(stream, "\"%s%s%s\" ", one->name, one->value ? "=" : "",
			one->value ? one->value : "");
		must(bootcfg_find_parameter(&cmdline, one->name) >= one);
	}
	must(fclose(stream) == 0);
	must(bootcfg_cmdline_parse(written, size, &again) == 0);
	must(again.count <= cmdline.count);
	for (size_t i = 0, j = 0; i < again.count; i++, j++) {
		while (strcmp(cmdline.items[j].name, again.items[i].name) != 0 ||
		       !cmdline.items[j].value != !again.items[i].value ||
		       (again.items[i].value &&
			strcmp(cmdline.items[j].value, again.items[i].value) != 0))
			must(++j < cmdline.count);
	}
	free(written);
	bootcfg_cmdline_free(&cmdline);
	bootcfg_cmdline_free(&again);
}

static void check_modprobe(const char *text, size_t len, bool loads)
{
	struct bootcfg_modprobe modprobe = { .fact = FACT_KNOWN };
	unsigned int before = 0, lines = 1;

	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	must((loads ? bootcfg_loads_parse(text, len, "file", &modprobe)
		    : bootcfg_modprobe_parse(text, len, "file", &modprobe)) == 0);
	for (size_t i = 0; i < modprobe.count; i++) {
		const struct bootcfg_modprobe_line *line = &modprobe.lines[i];

		must(line->number > before && line->number <= lines);
		must(line->module && line->rest);
		must((line->kind == MODPROBE_BAD) == !line->module[0]);
		must(!loads || line->kind == MODPROBE_LOAD);
		before = line->number;
	}
	bootcfg_modprobe_free(&modprobe);
}

static void check_modules(const char *text, size_t len)
{
	struct bootcfg_modules modules = { 0 };
	char name[64];

	must(bootcfg_modules_parse(text, len, BOOTCFG_MODULE, &modules) == 0);
	must(bootcfg_modules_parse(text, len, BOOTCFG_BUILTIN, &modules) == 0);
	for (size_t i = 0; i < modules.room; i++) {
		const struct bootcfg_module *one = &modules.slots[i];

		if (!one->name)
			continue;
		must(one->name >= text && one->name + one->len <= text + len);
		must(one->state == BOOTCFG_MODULE);
		if (one->len >= sizeof(name) || memchr(one->name, '\0', one->len))
			continue;
		memcpy(name, one->name, one->len);
		name[one->len] = '\0';
		must(bootcfg_modules_find(&modules, name) == one);
	}
	bootcfg_modules_free(&modules);
}

/* A line before the text decides, whatever follows. */
static void check_options(const char *text, size_t len)
{
	static const char line[] = "CONFIG_FERRY=m\n";
	char *longer = malloc(len + sizeof(line));

	must(longer != NULL);
	memcpy(longer, line, sizeof(line) - 1);
	memcpy(longer + sizeof(line) - 1, text, len);
	longer[len + sizeof(line) - 1] = '\0';
	must(bootcfg_option_parse(longer, len + sizeof(line) - 1, "FERRY") ==
	     BOOTCFG_MODULE);
	bootcfg_option_parse(longer, len + sizeof(line) - 1, "VFIO_PCI");
	free(longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	/* As host_read_file() gives it: a NUL stands behind the last byte. */
	text = malloc(size);
	must(text != NULL);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0] % 5) {
	case 0:
		check_cmdline(text, size - 1);
		break;
	case 1:
		check_modprobe(text, size - 1, false);
		break;
	case 2:
		check_modprobe(text, size - 1, true);
		break;
	case 3:
		check_modules(text, size - 1);
		break;
	default:
		check_options(text, size - 1);
		break;
	}
	free(text);
	return 0;
}
