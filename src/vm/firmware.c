/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fnmatch.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "vm/firmware.h"

/* Later ones are shadowed by earlier ones with the same file name. */
static const char *const folders[] = { "etc/qemu/firmware", "usr/share/qemu/firmware" };

void vm_firmware_free(struct vm_firmware *firmware)
{
	if (!firmware)
		return;
	free(firmware->code);
	free(firmware->code_format);
	free(firmware->vars_template);
	free(firmware->vars_format);
	memset(firmware, 0, sizeof(*firmware));
}

/* 0 of what is no array. */
static size_t array_length(const struct json_object *array)
{
	return json_object_is_type(array, json_type_array)
		       ? json_object_array_length(array)
		       : 0;
}

static bool array_has(const struct json_object *array, const char *text)
{
	for (size_t i = 0; i < array_length(array); i++) {
		struct json_object *item = json_object_array_get_idx(array, i);

		if (json_object_is_type(item, json_type_string) &&
		    !strcmp(json_object_get_string(item), text))
			return true;
	}
	return false;
}

static bool is_for_q35(const struct json_object *target)
{
	struct json_object *architecture = json_object_object_get(target, "architecture");
	struct json_object *machines = json_object_object_get(target, "machines");

	if (!json_object_is_type(architecture, json_type_string) ||
	    strcmp(json_object_get_string(architecture), "x86_64") != 0)
		return false;
	for (size_t i = 0; i < array_length(machines); i++) {
		struct json_object *machine = json_object_array_get_idx(machines, i);

		/* Patterns such as "pc-q35-*"; any version of the machine will do. */
		if (json_object_is_type(machine, json_type_string) &&
		    fnmatch(json_object_get_string(machine), "pc-q35-7.2", 0) == 0)
			return true;
	}
	return false;
}

static bool has_features(const struct json_object *features, enum vm_firmware_kind kind)
{
	bool smm = array_has(features, "requires-smm");
	bool secure = array_has(features, "secure-boot");

	if (kind == VM_FIRMWARE_PLAIN)
		return !smm && !secure;
	return smm && secure && array_has(features, "enrolled-keys");
}

static bool fits(const struct json_object *root, enum vm_firmware_kind kind)
{
	struct json_object *features = json_object_object_get(root, "features");
	struct json_object *targets = json_object_object_get(root, "targets");

	if (!array_has(json_object_object_get(root, "interface-types"), "uefi") ||
	    !has_features(features, kind))
		return false;
	for (size_t i = 0; i < array_length(targets); i++)
		if (is_for_q35(json_object_array_get_idx(targets, i)))
			return true;
	return false;
}

static char *copy_member(const struct json_object *object, const char *key)
{
	struct json_object *value = json_object_object_get(object, key);

	return json_object_is_type(value, json_type_string)
		       ? strdup(json_object_get_string(value))
		       : NULL;
}

/* Both files of a flash mapping in mode "split", which is also what no mode means. */
static int take_files(const struct json_object *root, struct vm_firmware *firmware)
{
	struct json_object *mapping = json_object_object_get(root, "mapping");
	struct json_object *executable = json_object_object_get(mapping, "executable");
	struct json_object *template = json_object_object_get(mapping, "nvram-template");
	_cleanup_free_ char *device = copy_member(mapping, "device");
	_cleanup_free_ char *mode = copy_member(mapping, "mode");

	if (!device || strcmp(device, "flash") != 0 ||
	    (mode && strcmp(mode, "split") != 0))
		return -ENOENT;
	firmware->code = copy_member(executable, "filename");
	firmware->code_format = copy_member(executable, "format");
	firmware->vars_template = copy_member(template, "filename");
	firmware->vars_format = copy_member(template, "format");
	return firmware->code && firmware->code_format && firmware->vars_template &&
			       firmware->vars_format
		       ? 0
		       : -EINVAL;
}

int vm_firmware_parse(const char *text, size_t len, enum vm_firmware_kind kind,
		      struct vm_firmware *ret_firmware)
{
	struct json_tokener *tokener = json_tokener_new();
	struct vm_firmware firmware = { .kind = kind };
	struct json_object *root = NULL;
	int r = -EINVAL;

	if (!tokener)
		return -ENOMEM;
	if (len <= INT_MAX)
		root = json_tokener_parse_ex(tokener, text, (int)len);
	json_tokener_free(tokener);
	if (json_object_is_type(root, json_type_object))
		r = fits(root, kind) ? take_files(root, &firmware) : -ENOENT;
	json_object_put(root);
	if (r < 0)
		vm_firmware_free(&firmware);
	else
		*ret_firmware = firmware;
	return r;
}

/* All names of descriptors, of both folders, each once. */
static int list_descriptors(const struct host *host, struct string_list *names)
{
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		_cleanup_(string_list_free) struct string_list found = { 0 };
		int r = host_list(host, folders[i], &found);

		if (r == -ENOMEM)
			return r;
		for (size_t j = 0; r == 0 && j < found.count; j++)
			if (fnmatch("*.json", found.items[j], 0) == 0 &&
			    !string_list_has(names, found.items[j]))
				r = string_list_add(names, found.items[j]);
		if (r == -ENOMEM)
			return r;
	}
	string_list_sort(names);
	return 0;
}

static int try_descriptor(const struct host *host, const char *name,
			  enum vm_firmware_kind kind, struct vm_firmware *ret_firmware)
{
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		_cleanup_free_ char *text = NULL;
		char path[PATH_MAX];
		size_t len;
		int r;

		snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		r = host_read_file(host, path, &text, &len);
		if (r == -ENOENT)
			continue;
		return r < 0 ? r : vm_firmware_parse(text, len, kind, ret_firmware);
	}
	return -ENOENT;
}

int vm_find_firmware(const struct host *host, enum vm_firmware_kind kind,
		     struct vm_firmware *ret_firmware, struct error *err)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = list_descriptors(host, &names);

	if (r < 0)
		return error_oom(err);
	for (size_t i = 0; i < names.count; i++) {
		struct vm_firmware firmware = { 0 };

		if (try_descriptor(host, names.items[i], kind, &firmware) < 0)
			continue;
		if (host_exists(host, firmware.code) &&
		    host_exists(host, firmware.vars_template)) {
			*ret_firmware = firmware;
			return 0;
		}
		vm_firmware_free(&firmware);
	}
	error_set(err, ENOENT, "/usr/share/qemu/firmware",
		  "no UEFI firmware for an x86-64 q35 guest%s is described here",
		  kind == VM_FIRMWARE_SECURE ? " with Secure Boot and its keys" : "");
	error_hint(err, "install OVMF (package ovmf or edk2-ovmf), or use --bios");
	return -ENOENT;
}
