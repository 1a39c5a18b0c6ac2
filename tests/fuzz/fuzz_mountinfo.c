/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#include <string.h>

#include "usage/block.h"

/* Tables as the kernel writes them, and what must be found of them whatever stands
 * between. */
static const struct {
	const char *name, *before, *after;
	const char *first, *last; /* sources */
} tables[] = {
	{ "mountinfo", "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n",
	  "36 21 259:2 / /mnt\\040x rw,noatime shared:1 - xfs /dev/nvme0n1p2 rw\n",
	  "/dev/sda1", "/dev/nvme0n1p2" },
	{ "swaps",
	  "Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n"
	  "/dev/sda2                               partition\t9765884\t0\t-2\n",
	  "/dev/dm-1                               partition\t9765884\t0\t-3\n",
	  "/dev/sda2", "/dev/dm-1" },
	{ "fstab", "/dev/sda1 / ext4 defaults 0 1\n",
	  "UUID=1234-ABCD /boot vfat noauto\n", "/dev/sda1", "UUID=1234-ABCD" },
};

/* Reads all that the scanner does. Returns how often the source is there. */
static size_t look_for(struct libmnt_table *table, const char *source)
{
	struct libmnt_iter *iter = libmount.mnt_new_iter(MNT_ITER_FORWARD);
	struct block_device block = { .name = "sda1", .dm_name = "root" };
	struct libmnt_fs *fs;
	size_t found = 0;

	while (iter && libmount.mnt_table_next_fs(table, iter, &fs) == 0) {
		const char *other = libmount.mnt_fs_get_source(fs);
		const char *target = libmount.mnt_fs_get_target(fs);
		size_t len;
		char *value;

		found += other && !strcmp(other, source);
		must(!block_is_path(&block, other) ||
		     !strncmp(other, "/dev/", strlen("/dev/")));
		must(!target || strlen(target) < SIZE_MAX);
		libmount.mnt_fs_get_devno(fs);
		libmount.mnt_fs_get_option(fs, "noauto", &value, &len);
	}
	libmount.mnt_free_iter(iter);
	return found;
}

/* A line that means nothing does not hide those before and behind it. */
static void check_between(unsigned int i, const char *bytes, size_t len)
{
	struct libmnt_table *table;
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return;
	fputs(tables[i].before, stream);
	fwrite(bytes, 1, len, stream);
	fprintf(stream, "\n%s", tables[i].after);
	fclose(stream);
	table = block_table_parse(text, size, tables[i].name);
	if (table) {
		must(look_for(table, tables[i].first) >= 1);
		must(look_for(table, tables[i].last) >= 1);
		libmount.mnt_unref_table(table);
	}
	free(text);
}

/* Lines that say something, as libmount reads them. */
static size_t count_lines(const char *bytes, size_t len)
{
	static const char heading[] = "Filename\t"; /* of swaps */
	const char *end = bytes + len;
	size_t count = 0;

	while (bytes < end) {
		const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
		const char *stop = newline ? newline : end;

		if (bytes < stop && stop[-1] == '\r')
			stop--;
		while (bytes < stop && (*bytes == ' ' || *bytes == '\t'))
			bytes++;
		count += bytes < stop && *bytes && *bytes != '#' &&
			 ((size_t)(stop - bytes) < strlen(heading) ||
			  memcmp(bytes, heading, strlen(heading)) != 0);
		bytes = newline ? newline + 1 : end;
	}
	return count;
}

/* What the kernel writes is understood to its last line, or unreadable. */
static void check_alone(unsigned int i, const char *bytes, size_t len)
{
	struct libmnt_table *table = block_table_parse(bytes, len, tables[i].name);

	if (!table)
		return;
	must(look_for(table, "") <= (size_t)libmount.mnt_table_get_nents(table));
	if (strcmp(tables[i].name, "fstab") != 0)
		must((size_t)libmount.mnt_table_get_nents(table) ==
		     count_lines(bytes, len));
	libmount.mnt_unref_table(table);
}

static void check_crypttab(const char *bytes, size_t len)
{
	struct string_list pairs = { 0 };

	if (block_crypttab_parse(bytes, len, &pairs) == 0) {
		must(pairs.count % 2 == 0);
		for (size_t i = 0; i < pairs.count; i++)
			must(pairs.items[i][0] && !strpbrk(pairs.items[i], " \t\n"));
	}
	string_list_free(&pairs);
}

/* The lines that udev keeps of a disk. */
static void check_properties(const char *bytes, size_t len)
{
	struct block_device block = {
		.name = "sda1",
		.properties = strndup(bytes, len),
	};
	char value[16] = "", line[64];

	if (!block.properties)
		return;
	if (block_property(&block, "ID_FS_UUID", value, sizeof(value))) {
		must(strlen(value) < sizeof(value) && !strchr(value, '\n'));
		snprintf(line, sizeof(line), "E:ID_FS_UUID=%s", value);
		must(strstr(block.properties, line));
	}
	must(block_is_path(&block, "/dev/sda1"));
	must(!block_is_path(&block, "sda1"));
	block_is_path(&block, "/dev/disk/by-uuid/1234-ABCD");
	block_is_spec(&block, "UUID=1234-ABCD");
	block_is_spec(&block, "PARTLABEL=\"a label\"");
	/* A device without a file of udev's has no properties. */
	free(block.properties);
	block.properties = NULL;
	must(!block_property(&block, "ID_FS_UUID", value, sizeof(value)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data + 1;
	unsigned int kind;

	if (!size--)
		return 0;
	/* The first byte says what the rest is. */
	kind = *data % 5;
	if (kind == 3) {
		check_crypttab(bytes, size);
	} else if (kind == 4) {
		check_properties(bytes, size);
	} else {
		check_alone(kind, bytes, size);
		check_between(kind, bytes, size);
	}
	return 0;
}
