/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bind/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "bind/internal.h"
#include "pci/config.h"

/* pci_reset_fn_methods in drivers/pci/pci.c */
static const char *const reset_methods[] = { "device_specific", "acpi", "flr",
					     "af_flr",		"pm",	"bus",
					     "cxl_bus" };

/* Sizes of a BAR: 2^(n + 20) bytes, PCIe 6.0, 7.8.6.2. */
enum { BAR_SHIFT = 20, BAR_SIZES = 44 };

static bool is_bar(enum bind_setting setting)
{
	return setting >= SETTING_BAR0 && setting <= SETTING_BAR5;
}

/* A BAR's have its number. */
static const struct {
	const char *name, *attribute;
} words[BIND_SETTINGS] = {
	[SETTING_RESET_METHOD] = { "reset_method", "reset_method" },
	[SETTING_D3COLD] = { "d3cold_allowed", "d3cold_allowed" },
	[SETTING_POWER] = { "power_control", "power/control" },
};

static const char *name_of(enum bind_setting setting, char name[16])
{
	if (is_bar(setting))
		snprintf(name, 16, "bar%d", (int)(setting - SETTING_BAR0));
	else
		snprintf(name, 16, "%s", words[setting].name);
	return name;
}

static void attribute_of(enum bind_setting setting, char attribute[32])
{
	if (is_bar(setting))
		snprintf(attribute, 32, "resource%d_resize",
			 (int)(setting - SETTING_BAR0));
	else
		snprintf(attribute, 32, "%s", words[setting].attribute);
}

/* "256M" to the bit that stands for it. Returns a negative number where it is no size. */
static int size_bit(const char *text)
{
	static const char units[] = "MGT";
	size_t len = strlen(text);
	const char *unit = len ? strchr(units, text[len - 1]) : NULL;
	char number[16];
	uint64_t value;
	int bit = 0;

	if (!unit || !*unit || len > sizeof(number))
		return -1;
	memcpy(number, text, len - 1);
	number[len - 1] = '\0';
	if (text_parse_number(number, 1 << 20, &value) < 0 || !value ||
	    (value & (value - 1)))
		return -1;
	while (value >>= 1)
		bit++;
	bit += 10 * (int)(unit - units);
	return bit < BAR_SIZES ? bit : -1;
}

static void write_size(int bit, char *text, size_t size)
{
	snprintf(text, size, "%u%c", 1U << (bit % 10), "MGTPE"[bit / 10]);
}

/* A comma between two, as it is one word; the kernel has blanks. */
static bool take_methods(const char *text, char value[BIND_SETTING_SIZE])
{
	char copy[BIND_SETTING_SIZE], *rest = copy, *method;
	bool seen[ARRAY_SIZE(reset_methods)] = { false };

	if (strlen(text) >= sizeof(copy))
		return false;
	snprintf(copy, sizeof(copy), "%s", text);
	while ((method = strsep(&rest, ","))) {
		size_t i = 0;

		while (i < ARRAY_SIZE(reset_methods) && strcmp(method, reset_methods[i]))
			i++;
		if (i == ARRAY_SIZE(reset_methods) || seen[i])
			return false;
		seen[i] = true;
	}
	snprintf(value, BIND_SETTING_SIZE, "%s", text);
	for (char *comma = value; (comma = strchr(comma, ','));)
		*comma = ' ';
	return true;
}

static bool take_value(enum bind_setting setting, const char *text,
		       char value[BIND_SETTING_SIZE], const char **ret_allowed)
{
	const char *words[] = { "0", "1" };
	int bit;

	if (setting == SETTING_RESET_METHOD) {
		*ret_allowed = "device_specific, acpi, flr, af_flr, pm, bus, cxl_bus, a"
			       " comma between two; or none";
		if (!strcmp(text, "none"))
			return snprintf(value, BIND_SETTING_SIZE, "none") > 0;
		return take_methods(text, value);
	}
	if (is_bar(setting)) {
		*ret_allowed = "a power of two: 256M, 16G";
		bit = size_bit(text);
		return bit >= 0 && snprintf(value, BIND_SETTING_SIZE, "%d", bit) > 0;
	}
	*ret_allowed = "0 or 1";
	if (setting == SETTING_POWER) {
		*ret_allowed = "on or auto";
		words[0] = "on";
		words[1] = "auto";
	}
	snprintf(value, BIND_SETTING_SIZE, "%s", text);
	return !strcmp(text, words[0]) || !strcmp(text, words[1]);
}

static int take(const char *word, struct bind_settings *settings, struct error *err)
{
	const char *equals = strchr(word, '='), *allowed;
	size_t len = equals ? (size_t)(equals - word) : 0;
	char name[16];

	for (enum bind_setting i = 0; equals && i < BIND_SETTINGS; i++) {
		name_of(i, name);
		if (strlen(name) != len || strncmp(name, word, len) != 0)
			continue;
		if (settings->values[i][0])
			return error_usage(err, word, "%s is set twice", name);
		if (!take_value(i, equals + 1, settings->values[i], &allowed))
			return error_usage(err, word, "%s can be %s", name, allowed);
		return 0;
	}
	error_usage(err, word, "no setting of a device");
	error_hint(err, "reset_method=flr, d3cold_allowed=0, power_control=on, bar1=256M;"
			" pciferry vf sets those of virtual functions");
	return -EINVAL;
}

int bind_settings_parse(const char *text, struct bind_settings *ret_settings,
			struct error *err)
{
	_cleanup_free_ char *copy = strdup(text);
	struct bind_settings settings = { 0 };
	char *rest = copy, *word;
	int r = 0;

	if (!copy)
		return error_oom(err);
	while (r == 0 && (word = strsep(&rest, " ")))
		if (*word)
			r = take(word, &settings, err);
	if (r == 0)
		*ret_settings = settings;
	return r;
}

const char *bind_settings_format(const struct bind_settings *settings,
				 char text[BIND_SETTINGS_TEXT_SIZE])
{
	size_t len = 0;

	text[0] = '\0';
	for (enum bind_setting i = 0; i < BIND_SETTINGS; i++) {
		char name[16], value[BIND_SETTING_SIZE];

		if (!settings->values[i][0])
			continue;
		snprintf(value, sizeof(value), "%s", settings->values[i]);
		for (char *blank = value; (blank = strchr(blank, ' '));)
			*blank = ',';
		if (is_bar(i))
			write_size(atoi(settings->values[i]), value, sizeof(value));
		len += (size_t)snprintf(text + len, BIND_SETTINGS_TEXT_SIZE - len,
					"%s%s=%s", len ? " " : "", name_of(i, name),
					value);
	}
	return text;
}

/* A BAR's size now, as its bit; refused where it cannot have the one that is wanted. */
static int read_bar(const struct host *host, const struct pci_address *address,
		    unsigned int bar, const char *wanted, const char *sizes,
		    char now[BIND_SETTING_SIZE], struct error *err)
{
	struct pci_resource resources[PCI_RESOURCE_COUNT];
	const struct pci_device device = { .address = *address };
	char text[PCI_ADDRESS_SIZE], possible[256] = "", one[16];
	uint64_t mask = strtoull(sizes, NULL, 16);
	size_t len = 0;
	int bit = 0;

	pci_address_format(address, text);
	if (pci_resources_read(host, &device, resources) != FACT_KNOWN ||
	    !resources[bar].size)
		return error_set(err, EIO, text, "the size of its BAR %u is not known",
				 bar);
	while (bit < BAR_SIZES && resources[bar].size >> (bit + BAR_SHIFT) > 1)
		bit++;
	snprintf(now, BIND_SETTING_SIZE, "%d", bit);
	if (mask >> atoi(wanted) & 1)
		return 0;
	for (int i = 0; i < BAR_SIZES; i++)
		if (mask >> i & 1 && len < sizeof(possible) - sizeof(one) - 2) {
			write_size(i, one, sizeof(one));
			len += (size_t)snprintf(possible + len, sizeof(possible) - len,
						"%s%s", len ? ", " : "", one);
		}
	return error_set(err, ENOTSUP, text, "its BAR %u can have %s", bar, possible);
}

static int read_one(const struct host *host, const struct pci_address *address,
		    enum bind_setting setting, const char *wanted,
		    char now[BIND_SETTING_SIZE], struct error *err)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE], attribute[32], text[PCI_ADDRESS_SIZE];
	char read[BIND_SETTING_SIZE];
	enum fact fact;

	attribute_of(setting, attribute);
	fact = host_read(host, pci_attribute_path(address, attribute, path), read,
			 sizeof(read));
	pci_address_format(address, text);
	if (fact == FACT_ABSENT) {
		error_set(err, ENOTSUP, text, "it has no %s to be set", attribute);
		error_hint(err, "%s",
			   is_bar(setting)
				   ? "it takes a device with Resizable BARs, and Linux"
				     " 6.1 or later"
			   : setting == SETTING_RESET_METHOD
				   ? "it takes a device that can be reset, and Linux 5.15"
				     " or later"
				   : "this kernel was built without power management");
		return -ENOTSUP;
	}
	if (fact != FACT_KNOWN)
		return error_set(err, EIO, text, "its %s could not be read", attribute);
	if (is_bar(setting))
		return read_bar(host, address, setting - SETTING_BAR0, wanted, read, now,
				err);
	snprintf(now, BIND_SETTING_SIZE, "%s", read[0] ? read : "none");
	return 0;
}

int bind_settings_read(const struct host *host, const struct pci_address *address,
		       const struct bind_settings *which, struct bind_settings *ret_now,
		       struct error *err)
{
	struct bind_settings now = { 0 };
	int r = 0;

	for (enum bind_setting i = 0; r == 0 && i < BIND_SETTINGS; i++)
		if (which->values[i][0])
			r = read_one(host, address, i, which->values[i], now.values[i],
				     err);
	if (r == 0)
		*ret_now = now;
	return r;
}

bool bind_settings_hold(const struct bind_settings *wanted,
			const struct bind_settings *now)
{
	for (enum bind_setting i = 0; i < BIND_SETTINGS; i++)
		if (wanted->values[i][0] && strcmp(wanted->values[i], now->values[i]))
			return false;
	return true;
}

bool bind_settings_move(const struct bind_settings *wanted,
			const struct bind_settings *now)
{
	for (enum bind_setting i = SETTING_BAR0; i <= SETTING_BAR5; i++)
		if (wanted->values[i][0] && strcmp(wanted->values[i], now->values[i]))
			return true;
	return false;
}

static int add_step(struct change_steps *steps, const char *address,
		    enum bind_setting setting, const char *value)
{
	const char *written = !strcmp(value, "none") ? "" : value;
	char path[PCI_ATTRIBUTE_PATH_SIZE + 32], attribute[32], purpose[160];
	char text[BIND_SETTINGS_TEXT_SIZE], line[BIND_SETTING_SIZE + 1];
	struct bind_settings one = { 0 };

	attribute_of(setting, attribute);
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/%s", address, attribute);
	snprintf(line, sizeof(line), "%s\n", written);
	snprintf(one.values[setting], BIND_SETTING_SIZE, "%s", value);
	snprintf(purpose, sizeof(purpose), "set %.140s",
		 bind_settings_format(&one, text));
	/* What was taken is not always what is so afterwards. */
	return bind_add_write(steps, address, path, line,
			      is_bar(setting) ? NULL : written, purpose);
}

/*
 * A BAR is resized while no driver has the device (__resource_resize_store() in
 * drivers/pci/pci-sysfs.c), and what a driver does to the power is done when it binds.
 */
int bind_settings_add_steps(struct change_steps *steps, char *address,
			    const struct bind_settings *from,
			    const struct bind_settings *to, bool after_driver, bool moved)
{
	int r = 0;

	for (enum bind_setting i = 0; r == 0 && i < BIND_SETTINGS; i++) {
		bool is_late = i == SETTING_POWER;

		if (!to->values[i][0] || is_late != after_driver ||
		    (!strcmp(from->values[i], to->values[i]) && !(is_late && moved)))
			continue;
		r = add_step(steps, address, i, to->values[i]);
	}
	return r;
}
