/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/names.h"

#include <errno.h>
#include <locale.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/libudev.h"
#include "base/text.h"
#include "pci/device.h"

/* Hosts have many devices of few kinds: each kind is looked up once. */
struct kind {
	uint64_t key; /* vendor << 16 | device, or a class marked by CLASS_KEY */
	char *first;  /* vendor name, or class name */
	char *second; /* device name */
};

#define CLASS_KEY (1ULL << 63)

static const char names_path[] = "pciferry/names";

struct pci_names {
	struct libudev library;
	struct udev *udev; /* NULL: no names */
	struct udev_hwdb *hwdb;
	locale_t bytes; /* see look_up() */
	void *kinds;	/* tsearch tree of struct kind */
};

static void kind_free(void *node)
{
	struct kind *kind = node;

	free(kind->first);
	free(kind->second);
	free(kind);
}

void pci_names_free(struct pci_names *names)
{
	if (!names)
		return;
	tdestroy(names->kinds, kind_free);
	if (names->hwdb)
		names->library.udev_hwdb_unref(names->hwdb);
	if (names->udev)
		names->library.udev_unref(names->udev);
	if (names->bytes)
		freelocale(names->bytes);
	free(names);
}

static int compare_kinds(const void *a, const void *b)
{
	const struct kind *left = a, *right = b;

	return left->key < right->key ? -1 : left->key > right->key;
}

/*
 * Keeps the value of the property named first_key or second_key in the kind. The database
 * matches with fnmatch(), which would make wide characters of everything in a locale of
 * several bytes per character; its patterns are ASCII.
 */
static void look_up(struct pci_names *names, const char *modalias, const char *first_key,
		    const char *second_key, struct kind *kind)
{
	const struct libudev *library = &names->library;
	struct udev_list_entry *entry;
	locale_t usual;

	if (!names->hwdb)
		return;
	usual = uselocale(names->bytes);
	entry = library->udev_hwdb_get_properties_list_entry(names->hwdb, modalias, 0);
	uselocale(usual);
	for (; entry; entry = library->udev_list_entry_get_next(entry)) {
		const char *name = library->udev_list_entry_get_name(entry);
		const char *value = library->udev_list_entry_get_value(entry);

		if (!strcmp(name, first_key)) {
			free(kind->first);
			kind->first = strdup(value);
		} else if (!strcmp(name, second_key)) {
			free(kind->second);
			kind->second = strdup(value);
		}
	}
}

/* The kind with this key, and whether it is new and must be filled. NULL: out of memory.
 */
static struct kind *find_kind(struct pci_names *names, uint64_t key, bool *ret_new)
{
	struct kind *kind = calloc(1, sizeof(*kind));
	struct kind **found;

	*ret_new = false;
	if (!kind)
		return NULL;
	kind->key = key;
	found = tsearch(kind, &names->kinds, compare_kinds);
	if (!found || *found != kind) {
		free(kind);
		return found ? *found : NULL;
	}
	*ret_new = true;
	return kind;
}

static char *copy_field(const char *field)
{
	return field && *field ? strdup(field) : NULL;
}

/* "device\t80861521\tIntel Corporation\tI350", "class\t0200\t\tEthernet controller" */
static int take_line(struct pci_names *names, char *line)
{
	const char *what = strsep(&line, "\t"), *key = line ? strsep(&line, "\t") : NULL;
	const char *first = line ? strsep(&line, "\t") : NULL;
	struct kind *kind;
	uint32_t number;
	bool new;

	if (!key || text_parse_hex(key, strlen(key), &number) < 0)
		return 0;
	kind = find_kind(names, strcmp(what, "class") ? number : CLASS_KEY | number,
			 &new);
	if (!kind)
		return -ENOMEM;
	if (new) {
		kind->first = copy_field(first);
		kind->second = copy_field(line);
	}
	return 0;
}

/* The names that a recording brings. Returns 1; 0 when it has none; or -ENOMEM. */
static int take_recorded(struct pci_names *names, const struct host *host)
{
	_cleanup_free_ char *text = NULL;
	char *rest, *line;
	size_t len;

	if (host_is_live(host) || host_read_file(host, names_path, &text, &len) < 0)
		return 0;
	rest = text;
	while ((line = strsep(&rest, "\n")))
		if (take_line(names, line) < 0)
			return -ENOMEM;
	return 1;
}

/* Without the database's library devices have no names, as without the database. */
static void open_database(struct pci_names *names)
{
	struct libudev *library = &names->library;

	if (libudev_load(library, NULL) < 0)
		return;
	names->udev = library->udev_new();
	names->hwdb = names->udev ? library->udev_hwdb_new(names->udev) : NULL;
}

struct pci_names *pci_names_open(const struct host *host)
{
	struct pci_names *names = calloc(1, sizeof(*names));
	int recorded;

	if (!names)
		return NULL;
	recorded = take_recorded(names, host);
	if (recorded < 0) {
		pci_names_free(names);
		return NULL;
	}
	if (recorded)
		return names;
	open_database(names);
	names->bytes = newlocale(LC_CTYPE_MASK, "C", (locale_t)0);
	return names;
}

static void add_line(const void *node, VISIT visit, void *argument)
{
	const struct kind *kind = *(struct kind *const *)node;
	struct string_list *lines = argument;
	bool is_class = kind->key & CLASS_KEY;

	if ((visit != postorder && visit != leaf) || (!kind->first && !kind->second))
		return;
	string_list_addf(lines, is_class ? "class\t%04x\t%s\t%s" : "device\t%08x\t%s\t%s",
			 (unsigned int)(kind->key & 0xffffffff),
			 kind->first ? kind->first : "",
			 kind->second ? kind->second : "");
}

char *pci_names_text(const struct pci_names *names, size_t *ret_len)
{
	_cleanup_(string_list_free) struct string_list lines = { 0 };

	twalk_r(names->kinds, add_line, &lines);
	string_list_sort(&lines);
	return string_list_lines(&lines, ret_len);
}

static const struct kind *device_kind(struct pci_names *names,
				      const struct pci_device *device)
{
	uint64_t key = (uint64_t)device->vendor_id << 16 | device->device_id;
	struct kind *kind;
	char modalias[64];
	bool new;

	if (device->ids != FACT_KNOWN)
		return NULL;
	kind = find_kind(names, key, &new);
	if (!kind || !new)
		return kind;
	/* Vendor and device alone: with the subsystem in it, the name would be the
	 * board's. */
	snprintf(modalias, sizeof(modalias), "pci:v%08Xd%08X", device->vendor_id,
		 device->device_id);
	look_up(names, modalias, "ID_VENDOR_FROM_DATABASE", "ID_MODEL_FROM_DATABASE",
		kind);
	return kind;
}

const char *pci_vendor_name(struct pci_names *names, const struct pci_device *device)
{
	const struct kind *kind = device_kind(names, device);

	return kind ? kind->first : NULL;
}

const char *pci_device_name(struct pci_names *names, const struct pci_device *device)
{
	const struct kind *kind = device_kind(names, device);

	return kind ? kind->second : NULL;
}

const char *pci_class_name(struct pci_names *names, const struct pci_device *device)
{
	struct kind *kind;
	char modalias[64];
	bool new;

	if (device->ids != FACT_KNOWN)
		return NULL;
	kind = find_kind(names, CLASS_KEY | device->class_code >> 8, &new);
	if (!kind)
		return NULL;
	if (new) {
		/* The database's patterns for classes have a "*" for every ID. */
		snprintf(modalias, sizeof(modalias), "pci:vdsvsdbc%02Xsc%02X",
			 device->class_code >> 16, device->class_code >> 8 & 0xff);
		look_up(names, modalias, "ID_PCI_CLASS_FROM_DATABASE",
			"ID_PCI_SUBCLASS_FROM_DATABASE", kind);
	}
	return kind->second ? kind->second : kind->first;
}
