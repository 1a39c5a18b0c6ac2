/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rules of udev's (udev(7)) that set driver_override, for the event "add" of one PCI
 * function. Of what a rule can ask only what is known without asking the device is
 * understood; with anything else it is not known whether the rule fits.
 */
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/overrides.h"

enum answer { FITS, FITS_NOT, NOT_KNOWN };

/* KEY{attribute}OPERATOR"value" */
struct part {
	char key[32], attribute[64], operator[4], value[256];
};

struct rule {
	enum answer answer;
	char override[64]; /* what it sets; "": it does not */
	char jump[64], label[64];
	bool runs, probes;
};

/* The part at *at, which moves on. Returns 1, 0 at the end, or -EINVAL. */
static int next_part(const char **at, struct part *part)
{
	const char *text = *at + strspn(*at, " \t,");
	size_t n;

	*part = (struct part){ 0 };
	if (!*text)
		return 0;
	n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
	snprintf(part->key, sizeof(part->key), "%.*s", (int)n, text);
	text += n;
	if (*text == '{') {
		n = strcspn(text, "}");
		snprintf(part->attribute, sizeof(part->attribute), "%.*s", (int)n - 1,
			 text + 1);
		text += n + (text[n] == '}');
	}
	text += strspn(text, " \t");
	n = strspn(text, "=!+-:");
	snprintf(part->operator, sizeof(part->operator), "%.*s", (int)n, text);
	text += n;
	text += strspn(text, " \t");
	if (!part->key[0] || !n || *text != '"')
		return -EINVAL;
	n = strcspn(++text, "\"");
	snprintf(part->value, sizeof(part->value), "%.*s", (int)n, text);
	*at = text + n + (text[n] == '"');
	return 1;
}

/* Patterns of a shell, of which "|" parts several. */
static bool is_like(const char *patterns, const char *text)
{
	char pattern[256];

	for (;;) {
		size_t n = strcspn(patterns, "|");

		snprintf(pattern, sizeof(pattern), "%.*s", (int)n, patterns);
		if (!fnmatch(pattern, text, 0))
			return true;
		if (!patterns[n])
			return false;
		patterns += n + 1;
	}
}

static bool is_named(const char *patterns, const struct pci_node *node)
{
	char address[PCI_ADDRESS_SIZE];

	return is_like(patterns, pci_address_format(&node->device->address, address));
}

/* An attribute of /sys that the scan has. */
static bool format_attribute(const struct pci_device *device, const char *name,
			     char *buffer, size_t size)
{
	if (device->ids != FACT_KNOWN)
		return false;
	if (!strcmp(name, "vendor"))
		snprintf(buffer, size, "0x%04x", device->vendor_id);
	else if (!strcmp(name, "device"))
		snprintf(buffer, size, "0x%04x", device->device_id);
	else if (!strcmp(name, "subsystem_vendor"))
		snprintf(buffer, size, "0x%04x", device->subsystem_vendor_id);
	else if (!strcmp(name, "subsystem_device"))
		snprintf(buffer, size, "0x%04x", device->subsystem_device_id);
	else if (!strcmp(name, "class"))
		snprintf(buffer, size, "0x%06x", device->class_code);
	else
		return false;
	return true;
}

static enum answer ask(const struct part *part, const struct pci_node *node)
{
	char text[32];

	if (!strcmp(part->key, "ACTION"))
		return is_like(part->value, "add") ? FITS : FITS_NOT;
	if (!strcmp(part->key, "SUBSYSTEM") || !strcmp(part->key, "SUBSYSTEMS"))
		return is_like(part->value, "pci") ? FITS : FITS_NOT;
	if (!strcmp(part->key, "KERNEL"))
		return is_named(part->value, node) ? FITS : FITS_NOT;
	if (!strcmp(part->key, "KERNELS")) {
		for (; node; node = node->parent)
			if (is_named(part->value, node))
				return FITS;
		return FITS_NOT;
	}
	if (!strcmp(part->key, "ATTR") &&
	    format_attribute(node->device, part->attribute, text, sizeof(text)))
		return is_like(part->value, text) ? FITS : FITS_NOT;
	return NOT_KNOWN;
}

static void take_part(const struct part *part, const struct pci_node *node,
		      struct rule *rule)
{
	bool unlike = !strcmp(part->operator, "!=");
	enum answer answer;

	if (!strcmp(part->key, "GOTO")) {
		snprintf(rule->jump, sizeof(rule->jump), "%.63s", part->value);
	} else if (!strcmp(part->key, "LABEL")) {
		snprintf(rule->label, sizeof(rule->label), "%.63s", part->value);
	} else if (!strcmp(part->key, "RUN")) {
		rule->runs = true;
		rule->probes |= strstr(part->value, "drivers_probe") ||
				strstr(part->value, "/bind");
	} else if (unlike || !strcmp(part->operator, "==")) {
		answer = ask(part, node);
		if (unlike && answer != NOT_KNOWN)
			answer = answer == FITS ? FITS_NOT : FITS;
		/* One part that does not fit decides, whatever the others are. */
		if (rule->answer == FITS || answer == FITS_NOT)
			rule->answer = answer;
	} else if (!strcmp(part->key, "ATTR") &&
		   !strcmp(part->attribute, "driver_override")) {
		snprintf(rule->override, sizeof(rule->override), "%.63s", part->value);
	} else if (!strcmp(part->key, "ATTR") &&
		   strstr(part->attribute, "drivers_probe")) {
		rule->probes = true;
	}
}

static void read_rule(const char *line, const struct pci_node *node, struct rule *rule)
{
	struct part part;
	int r;

	*rule = (struct rule){ 0 };
	while ((r = next_part(&line, &part)) > 0)
		take_part(&part, node, rule);
	/* udev passes over a line that it does not understand. */
	if (r < 0)
		*rule = (struct rule){ .answer = FITS_NOT };
}

static void set_override(const struct rule *rule, enum answer answer, const char *path,
			 unsigned int number, struct bootcfg_override *override)
{
	*override = (struct bootcfg_override){
		.fact = answer == FITS ? FACT_KNOWN : FACT_UNREADABLE,
		.probes = rule->probes,
		.runs = rule->runs,
	};
	snprintf(override->driver, sizeof(override->driver), "%s", rule->override);
	snprintf(override->place, sizeof(override->place), "/%.250s:%u", path, number);
}

/* One line, of which "\" and a newline have been taken out; *text moves on. */
static char *next_line(char **text, unsigned int *number)
{
	char *line = *text, *to = line, *from = line;

	if (!*line)
		return NULL;
	++*number;
	while (*from && *from != '\n') {
		if (from[0] == '\\' && from[1] == '\n') {
			from += 2;
			++*number;
		} else {
			*to++ = *from++;
		}
	}
	*text = from + (*from == '\n');
	*to = '\0';
	return line;
}

int bootcfg_override_rules(const char *text, size_t len, const char *path,
			   const struct pci_node *node, struct bootcfg_override *override)
{
	_cleanup_free_ char *copy = strndup(text, len);
	char *rest = copy, *line, jump[64] = "";
	bool jumps = false; /* perhaps, to a label further down */
	unsigned int number = 0;
	struct rule rule;

	if (!copy)
		return -ENOMEM;
	while ((line = next_line(&rest, &number))) {
		if (line[strspn(line, " \t")] == '#')
			continue;
		read_rule(line, node, &rule);
		if (rule.label[0] && !strcmp(rule.label, jump)) {
			jump[0] = '\0';
			jumps = false;
		}
		if ((jump[0] && !jumps) || rule.answer == FITS_NOT)
			continue;
		if (rule.jump[0]) {
			snprintf(jump, sizeof(jump), "%s", rule.jump);
			jumps = rule.answer == NOT_KNOWN;
		} else if (rule.override[0]) {
			set_override(&rule, jumps ? NOT_KNOWN : rule.answer, path, number,
				     override);
		}
	}
	return 0;
}
