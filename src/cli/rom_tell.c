/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told of a ROM, for people and as JSON. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/describe.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/rom.h"

static const char *source_name(enum check_rom_source source)
{
	static const char *const names[] = {
		[CHECK_ROM_OF_FILE] = "file",
		[CHECK_ROM_OF_BAR] = "rom_bar",
		[CHECK_ROM_OF_SHADOW] = "shadow",
		[CHECK_ROM_OF_VFCT] = "vfct",
	};

	return source == CHECK_ROM_UNREAD ? NULL : names[source];
}

static const char *code_name(const struct pci_rom_image *image)
{
	static const char *const names[] = {
		[PCI_ROM_BIOS] = "BIOS",
		[PCI_ROM_OPEN_FIRMWARE] = "Open Firmware",
		[PCI_ROM_HP_PA] = "HP PA-RISC",
		[PCI_ROM_UEFI] = "UEFI",
	};

	return image->code < ARRAY_SIZE(names) ? names[image->code] : "a vendor's own";
}

static const char *sum_name(const struct pci_rom_image *image)
{
	static const char *const names[] = {
		[PCI_ROM_SUM_RIGHT] = "right",
		[PCI_ROM_SUM_WRONG] = "wrong",
	};

	return image->sum < ARRAY_SIZE(names) ? names[image->sum] : NULL;
}

/* Of PE files (Microsoft, PE and COFF specification, 3.3.1). */
static const char *machine_name(uint16_t machine)
{
	static const struct {
		uint16_t machine;
		const char *name;
	} names[] = {
		{ 0x014c, "x86" },
		{ PCI_ROM_X86_64, "x86-64" },
		{ 0x01c2, "ARM" },
		{ 0xaa64, "AArch64" },
		{ PCI_ROM_BYTE_CODE, "byte code" },
		{ 0x0200, "Itanium" },
		{ 0x5064, "RISC-V 64" },
		{ 0x6264, "LoongArch 64" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].machine == machine)
			return names[i].name;
	return "unknown machine";
}

static const char *subsystem_name(uint16_t subsystem)
{
	switch (subsystem) {
	case 10:
		return "application";
	case PCI_ROM_BOOT_DRIVER:
		return "boot driver";
	case PCI_ROM_RUNTIME_DRIVER:
		return "runtime driver";
	default:
		return "unknown subsystem";
	}
}

static void tell_source(const struct cli_view *view, const struct rom_found *found)
{
	char name[256], address[PCI_ADDRESS_SIZE], size[32];

	if (found->source == CHECK_ROM_OF_FILE)
		output_line("%s: %zu bytes", found->file, found->len);
	if (!found->device)
		return;
	describe_name(view, found->device, name, sizeof(name));
	output_line("%s%s  %s", found->source == CHECK_ROM_OF_FILE ? "for " : "",
		    pci_address_format(&found->device->address, address), name);
	describe_size(found->bar_size, size, sizeof(size));
	if (found->source == CHECK_ROM_OF_BAR)
		output_line("  Source       its ROM BAR (%s): %zu bytes", size,
			    found->len);
	else if (found->source == CHECK_ROM_OF_SHADOW)
		output_line(
			"  Source       the BIOS's copy in memory (0xc0000): %zu bytes",
			found->len);
	else if (found->source == CHECK_ROM_OF_VFCT)
		output_line("  Source       the firmware's table VFCT: %zu bytes",
			    found->len);
}

static void tell_efi(const struct pci_rom_efi *efi)
{
	if (!efi->is_there)
		output_line("    %s", "without UEFI's header");
	else
		output_line("    %s, %s (%04x), %s", subsystem_name(efi->subsystem),
			    machine_name(efi->machine), efi->machine,
			    efi->compression == 0 ? "not compressed"
			    : efi->compression == 1
				    ? "compressed (its texts are not seen)"
				    : "compressed in an unknown way");
}

static void tell_devices(const struct pci_rom_image *image)
{
	char text[PCI_ROM_DEVICES_MAX * 6 + 1] = "";
	size_t len = 0;

	for (size_t i = 0; i < image->n_devices; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, " %04x",
					image->devices[i]);
	if (len)
		output_line("    also for   %s", text + 1);
}

static void tell_image(const struct rom_found *found, const struct pci_rom_image *image,
		       size_t number)
{
	_cleanup_(string_list_free) struct string_list texts = { 0 };
	const char *sum = sum_name(image);

	if (!image->has_pcir)
		output_line("  Image %-6zu no PCIR, %zu bytes at 0x%zx", number,
			    image->size, image->start);
	else
		output_line(
			"  Image %-6zu %s (code type %02x), for %04x:%04x, class %06x,"
			" %zu bytes at 0x%zx%s",
			number, code_name(image), image->code, image->vendor_id,
			image->device_id, image->class_code, image->size, image->start,
			image->indicator & 0x80 ? ", the last" : "");
	if (image->is_npds || image->has_npde)
		output_line("    with NVIDIA's extension (%s)",
			    image->is_npds ? "NPDS" : "NPDE");
	if (image->is_beyond)
		output_line("    %s", "behind what firmware looks at");
	if (sum)
		output_line("    checksum %s", sum);
	if (image->has_pcir && image->code == PCI_ROM_UEFI)
		tell_efi(&image->efi);
	tell_devices(image);
	/* Without memory for them it is told without. */
	pci_rom_texts(found->bytes, found->len, image, &texts);
	for (size_t i = 0; i < texts.count; i++)
		output_line("    \"%s\"", texts.items[i]);
}

static void tell_verdict(const struct rom_found *found, const struct check_rom *verdict)
{
	static const char *const ids[] = {
		[CHECK_ROM_IDS_SAME] = "those of the device",
		[CHECK_ROM_IDS_LISTED] = "the device is in its list of others",
		[CHECK_ROM_IDS_OTHER] = "others than the device's",
	};

	output_line("  UEFI guest   %s", verdict->uefi	 ? "yes"
					 : verdict->bios ? "no, only a guest by BIOS"
							 : "no");
	output_line("  BIOS guest   %s%s", verdict->bios ? "yes" : "no",
		    verdict->bios && !found->device ? ", with a device of these IDs"
						    : "");
	if (verdict->ids != CHECK_ROM_IDS_UNKNOWN)
		output_line("  IDs          %s", ids[verdict->ids]);
	for (size_t i = 0; i < verdict->n_remarks; i++) {
		const struct check_rom_remark *remark = &verdict->remarks[i];

		output_line("  %s     %s", remark->is_fatal ? "Fatal   " : "Harmless",
			    remark->seen);
		if (remark->fix[0])
			output_line("    fix: %s", remark->fix);
	}
}

void rom_tell_unread(const struct cli_view *view, const struct rom_found *found)
{
	char size[32];

	tell_source(view, found);
	describe_size(found->bar_size, size, sizeof(size));
	if (found->bar_fact != FACT_KNOWN)
		output_line("  ROM BAR      it could not be read");
	else if (!found->bar_size)
		output_line("  ROM BAR      none: it has no ROM of its own");
	else
		output_line("  ROM BAR      %s%s", size,
			    found->is_shadow
				    ? "; the kernel gives the BIOS's copy in memory"
				      " (0xc0000)"
				    : "");
	if (found->sleeps[0])
		output_line("  Sleeps       %s: on that host it takes --wake",
			    found->sleeps);
	output_line("  Bytes        not here: only that host can read them");
}

void rom_tell(const struct cli_view *view, const struct rom_found *found,
	      const struct pci_rom *rom, const struct check_rom *verdict)
{
	tell_source(view, found);
	for (size_t i = 0; i < rom->count; i++)
		tell_image(found, &rom->images[i], i + 1);
	tell_verdict(found, verdict);
}

static void add_hex(struct json_object *object, const char *key, int digits,
		    unsigned int value, bool is_known)
{
	char text[16];

	snprintf(text, sizeof(text), "%0*x", digits, value);
	json_add_text(object, key, is_known ? text : NULL);
}

static struct json_object *json_efi(const struct pci_rom_efi *efi)
{
	struct json_object *object = json_object_new_object();

	json_add_number(object, "subsystem", FACT_KNOWN, efi->subsystem);
	add_hex(object, "machine", 4, efi->machine, true);
	json_add_number(object, "compression", FACT_KNOWN, efi->compression);
	json_add_boolean(object, "fits", FACT_KNOWN, efi->fits);
	return object;
}

static struct json_object *json_devices(const struct pci_rom_image *image)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < image->n_devices; i++) {
		char text[8];

		snprintf(text, sizeof(text), "%04x", image->devices[i]);
		json_object_array_add(array, output_json_text(text));
	}
	return array;
}

static struct json_object *json_image(const struct rom_found *found,
				      const struct pci_rom_image *image)
{
	_cleanup_(string_list_free) struct string_list texts = { 0 };
	struct json_object *object = json_object_new_object();
	enum fact pcir = image->has_pcir ? FACT_KNOWN : FACT_UNREADABLE;

	json_add_number(object, "offset", FACT_KNOWN, (long long)image->start);
	json_add_number(object, "size", FACT_KNOWN, (long long)image->size);
	json_add_boolean(object, "cut_off", FACT_KNOWN, image->is_cut);
	json_add_text(object, "kind", image->has_pcir ? code_name(image) : NULL);
	json_add_number(object, "code_type", pcir, image->code);
	add_hex(object, "vendor_id", 4, image->vendor_id, image->has_pcir);
	add_hex(object, "device_id", 4, image->device_id, image->has_pcir);
	json_object_object_add(object, "other_device_ids",
			       image->has_pcir ? json_devices(image) : NULL);
	add_hex(object, "class", 6, image->class_code, image->has_pcir);
	json_add_number(object, "revision", pcir, image->revision);
	json_add_number(object, "pcir_revision", pcir, image->pcir_revision);
	json_add_number(object, "indicator", pcir, image->indicator);
	json_add_text(object, "extension",
		      image->is_npds	? "NPDS"
		      : image->has_npde ? "NPDE"
					: NULL);
	json_add_boolean(object, "beyond", FACT_KNOWN, image->is_beyond);
	json_add_boolean(object, "aligned", pcir, image->is_aligned);
	json_add_text(object, "checksum", sum_name(image));
	json_object_object_add(object, "efi",
			       image->efi.is_there ? json_efi(&image->efi) : NULL);
	pci_rom_texts(found->bytes, found->len, image, &texts);
	json_add_list(object, "texts", &texts);
	return object;
}

static struct json_object *json_remarks(const struct check_rom *verdict)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < verdict->n_remarks; i++) {
		const struct check_rom_remark *remark = &verdict->remarks[i];
		struct json_object *object = json_object_new_object();

		json_add_boolean(object, "fatal", FACT_KNOWN, remark->is_fatal);
		json_add_text(object, "seen", remark->seen);
		json_add_text_or_null(object, "fix", remark->fix);
		json_object_array_add(array, object);
	}
	return array;
}

static void json_add_verdict(struct json_object *root, const struct check_rom *verdict)
{
	static const char *const ids[] = {
		[CHECK_ROM_IDS_UNKNOWN] = NULL,
		[CHECK_ROM_IDS_SAME] = "same",
		[CHECK_ROM_IDS_LISTED] = "listed",
		[CHECK_ROM_IDS_OTHER] = "other",
	};
	enum fact fact = verdict ? FACT_KNOWN : FACT_UNREADABLE;

	json_add_boolean(root, "uefi_guest", fact, verdict && verdict->uefi);
	json_add_boolean(root, "bios_guest", fact, verdict && verdict->bios);
	json_add_text(root, "ids", verdict ? ids[verdict->ids] : NULL);
	json_object_object_add(root, "remarks", verdict ? json_remarks(verdict) : NULL);
}

int rom_tell_json(const struct rom_found *found, const struct pci_rom *rom,
		  const struct check_rom *verdict, const char *written)
{
	struct json_object *root = json_root("rom"), *images = NULL;
	enum fact fact = rom ? FACT_KNOWN : FACT_UNREADABLE;
	char address[PCI_ADDRESS_SIZE];

	if (!root)
		return -ENOMEM;
	json_add_text(root, "source", source_name(found->source));
	json_add_text(root, "file", found->file);
	if (found->device)
		pci_address_format(&found->device->address, address);
	json_add_text(root, "device", found->device ? address : NULL);
	json_add_number(root, "rom_bar_size",
			found->device ? found->bar_fact : FACT_ABSENT,
			(long long)found->bar_size);
	json_add_boolean(root, "shadow", found->device ? found->bar_fact : FACT_ABSENT,
			 found->is_shadow);
	json_add_text_or_null(root, "sleeps", found->sleeps);
	json_add_number(root, "size", fact, (long long)found->len);
	json_add_number(root, "offset", fact, rom ? (long long)rom->start : 0);
	json_add_number(root, "length", fact, rom ? (long long)rom->size : 0);
	if (rom)
		images = json_object_new_array();
	for (size_t i = 0; rom && i < rom->count; i++)
		json_object_array_add(images, json_image(found, &rom->images[i]));
	json_object_object_add(root, "images", images);
	json_add_verdict(root, verdict);
	json_add_text(root, "written", written);
	return output_json(root);
}
