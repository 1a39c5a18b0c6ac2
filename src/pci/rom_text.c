/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a person would look for in an image with strings(1). */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "pci/rom.h"

enum { TEXT_MIN = 6, TEXT_MAX = 80, TEXTS_MAX = 6 };

/*
 * Words of vendors and of firmware. UEFI's own texts are UTF-16, the others ASCII; what
 * is in a compressed program is not seen.
 */
static const char *const words[] = {
	"GOP",	    "BIOS",	"UEFI", "ATOM",	  "NVIDIA", "AMD ",
	"Intel(R)", "Version ", "113-", "iPXE (", "efidrv", "Copyright",
};

static bool has_word(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(text, words[i]))
			return true;
	return false;
}

/*
 * The run of printable characters at `at`, each `width` bytes: as much of it as has room.
 * Returns how many characters it has.
 */
static size_t take_run(const uint8_t *at, size_t left, size_t width,
		       char text[TEXT_MAX + 1])
{
	size_t count = 0;

	while (left >= (count + 1) * width && at[count * width] >= ' ' &&
	       at[count * width] <= '~' && (width == 1 || !at[count * width + 1])) {
		if (count < TEXT_MAX)
			text[count] = (char)at[count * width];
		count++;
	}
	text[count < TEXT_MAX ? count : TEXT_MAX] = '\0';
	return count;
}

static int add(struct string_list *texts, const char *text)
{
	const char *from = text + strspn(text, " ");

	if (!has_word(text) || string_list_has(texts, from))
		return 0;
	return string_list_add(texts, from);
}

int pci_rom_texts(const void *bytes, size_t len, const struct pci_rom_image *image,
		  struct string_list *ret_texts)
{
	const uint8_t *at = (const uint8_t *)bytes + image->start;
	size_t left = len - image->start, size = image->is_cut ? left : image->size;
	int r = 0;

	for (size_t i = 0; r == 0 && i < size && ret_texts->count < TEXTS_MAX;) {
		char text[TEXT_MAX + 1];
		size_t width = 1, count = take_run(at + i, size - i, 1, text);

		if (count == 1) {
			width = 2;
			count = take_run(at + i, size - i, 2, text);
		}
		if (count >= TEXT_MIN)
			r = add(ret_texts, text_trim_end(text));
		i += count ? count * width : 1;
	}
	return r;
}
