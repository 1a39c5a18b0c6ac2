/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads an initramfs image as the kernel unpacks it (init/initramfs.c): archives one
 * behind the other, zeros between them, each compressed or not.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "bootcfg/image_digest.h"
#include "host/libarchive.h"

enum { BLOCK = 65536, SECONDS_MAX = 60 };

/* Some hundred MB are usual where firmware of graphics cards is among it. */
static const unsigned long long unpacked_max = 2ULL << 30;

struct reader {
	int fd;
	unsigned long long size, at; /* at: where the archive begins that is read now */
	unsigned long long position; /* of the next block that libarchive gets */
	unsigned long long end;	     /* of what it gets */
	unsigned long long unpacked;
	long deadline;
	bool has_library;
	struct libarchive la;
	struct bootcfg_cpio cpio;
	struct image_digest digest;
	char problem[160];
	char packed[BLOCK], block[BLOCK];

	/* Of the archive at cut_at it is known where it ends: see read_packed(). */
	unsigned long long cut_at, cut_end;
};

static int refuse(struct reader *reader, const char *problem)
{
	snprintf(reader->problem, sizeof(reader->problem), "%s", problem);
	return -EINVAL;
}

/* Fills the buffer as far as there is something. Returns how much, or -errno. */
static ssize_t read_at(const struct reader *reader, unsigned long long at, char *buffer,
		       size_t size)
{
	ssize_t n;

	do
		n = pread(reader->fd, buffer, size, (off_t)at);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Gives bytes of an archive on; *ret_used as bootcfg_cpio_parse() has it. */
static int feed(struct reader *reader, const char *bytes, size_t len, size_t *ret_used)
{
	int r = bootcfg_cpio_parse(&reader->cpio, bytes, len, ret_used);

	reader->unpacked += len;
	if (r == -EINVAL)
		return refuse(reader, reader->cpio.problem ? reader->cpio.problem
							   : reader->digest.problem);
	if (r == 0 && reader->unpacked > unpacked_max)
		return refuse(reader, "it holds too much");
	if (r == 0 && clock_now_s() > reader->deadline)
		return refuse(reader, "reading it takes too long");
	return r;
}

/* One that is not compressed, and zeros. Stops in front of anything else. */
static int read_plain(struct reader *reader)
{
	size_t used;
	ssize_t n;
	int r;

	do {
		n = read_at(reader, reader->at, reader->block, sizeof(reader->block));
		if (n <= 0)
			return (int)n;
		r = feed(reader, reader->block, (size_t)n, &used);
		reader->at += used;
	} while (r == 0 && used == (size_t)n);
	return r;
}

static la_ssize_t give_block(struct archive *archive, void *argument,
			     const void **ret_bytes)
{
	struct reader *reader = argument;
	unsigned long long left = reader->end - reader->position;
	ssize_t n = read_at(reader, reader->position, reader->packed,
			    left < BLOCK ? (size_t)left : BLOCK);

	*ret_bytes = reader->packed;
	if (n < 0) {
		reader->la.archive_set_error(archive, (int)-n, "%s", strerror((int)-n));
		return ARCHIVE_FATAL;
	}
	reader->position += (unsigned long long)n;
	return n;
}

typedef int (*support)(struct archive *archive);

struct compression {
	const char *name, *magic;
	size_t len;
	size_t offset; /* in struct libarchive, of the function that adds its filter */
};

/* lib/decompress.c of the kernel; xz and zstd in full, as each defines it. */
static const struct compression compressions[] = {
	{ "gzip", "\x1f\x8b", 2,
	  offsetof(struct libarchive, archive_read_support_filter_gzip) },
	{ "bzip2", "BZ", 2,
	  offsetof(struct libarchive, archive_read_support_filter_bzip2) },
	{ "lzma", "\x5d\0\0", 3,
	  offsetof(struct libarchive, archive_read_support_filter_lzma) },
	{ "xz",
	  "\xfd"
	  "7zXZ",
	  6, offsetof(struct libarchive, archive_read_support_filter_xz) },
	{ "zstd", "\x28\xb5\x2f\xfd", 4,
	  offsetof(struct libarchive, archive_read_support_filter_zstd) },
	{ "lz4", "\x04\x22\x4d\x18", 4,
	  offsetof(struct libarchive, archive_read_support_filter_lz4) },
	{ "lz4", "\x02\x21\x4c\x18", 4, /* its older format, which the kernel wants */
	  offsetof(struct libarchive, archive_read_support_filter_lz4) },
	{ "lzo", "\x89LZO", 4, 0 },
};

static const struct compression *find_compression(const struct reader *reader)
{
	char magic[8] = "";

	read_at(reader, reader->at, magic, sizeof(magic));
	for (size_t i = 0; i < ARRAY_SIZE(compressions); i++)
		if (!memcmp(compressions[i].magic, magic, compressions[i].len))
			return &compressions[i];
	return NULL;
}

/* Where libarchive would call a program to unpack, it says ARCHIVE_WARN. */
static int open_packed(struct reader *reader, const struct compression *compression,
		       struct archive *archive)
{
	const struct libarchive *la = &reader->la;
	struct archive_entry *entry;
	support add;

	if (compression->offset)
		memcpy(&add, (const char *)la + compression->offset, sizeof(add));
	if (!compression->offset || add(archive) != ARCHIVE_OK) {
		snprintf(reader->problem, sizeof(reader->problem),
			 "it is compressed with %s, which cannot be unpacked here",
			 compression->name);
		return -EINVAL;
	}
	la->archive_read_support_format_raw(archive);
	if (la->archive_read_open(archive, reader, NULL, give_block, NULL) !=
		    ARCHIVE_OK ||
	    la->archive_read_next_header(archive, &entry) != ARCHIVE_OK ||
	    la->archive_filter_code(archive, 0) == ARCHIVE_FILTER_NONE)
		return refuse(reader, "what is compressed in it is damaged");
	return 0;
}

/* Returns 0 at its end, 1 where libarchive gives up, or -errno. */
static int unpack(struct reader *reader, struct archive *archive)
{
	size_t used;
	la_ssize_t n;

	for (;;) {
		int r;

		n = reader->la.archive_read_data(archive, reader->block,
						 sizeof(reader->block));
		if (n <= 0)
			return n < 0;
		r = feed(reader, reader->block, (size_t)n, &used);
		if (r < 0)
			return r;
		if (used < (size_t)n)
			return refuse(reader, "what is compressed in it is no archive");
	}
}

/* Of a compressed archive, before another try; -EAGAIN. */
static int cut(struct reader *reader, unsigned long long end)
{
	reader->cut_at = reader->at;
	reader->cut_end = end;
	return -EAGAIN;
}

/*
 * libarchive takes archives of one compression that follow each other for one, and where
 * something else follows, gives up, and what it had unpacked last is lost. But it says
 * how far it came: then everything is read again, and this archive only to there.
 */
static int read_packed(struct reader *reader, const struct compression *compression)
{
	const struct libarchive *la = &reader->la;
	struct archive *archive = la->archive_read_new();
	unsigned long long used = 0;
	int64_t position;
	int r;

	if (!archive)
		return -ENOMEM;
	reader->position = reader->at;
	reader->end = reader->cut_end && reader->at == reader->cut_at ? reader->cut_end
								      : reader->size;
	r = open_packed(reader, compression, archive);
	if (r == 0)
		r = unpack(reader, archive);
	position = r < 0 ? 0 : la->archive_filter_bytes(archive, -1);
	la->archive_read_free(archive);
	if (r < 0)
		return r;
	if (position > 0)
		used = (unsigned long long)position;
	/* It looked at four bytes for the magic number of another one. */
	if (r == 0 && !strcmp(compression->name, "lz4") && used > 4 &&
	    reader->at + used < reader->end)
		used -= 4;
	if (r == 1 && !reader->cut_end && used && reader->at + used < reader->end)
		return cut(reader, reader->at + used);
	if (r == 1 || !used)
		return refuse(reader, "what is compressed in it is damaged");
	reader->at += used;
	return bootcfg_cpio_is_whole(&reader->cpio)
		       ? 0
		       : refuse(reader, "what is compressed in it is cut off");
}

static int load_library(struct reader *reader)
{
	if (reader->has_library)
		return 0;
	if (libarchive_load(&reader->la, NULL) < 0)
		return refuse(reader, "libarchive, which unpacks it, is not installed");
	reader->has_library = true;
	return 0;
}

static int read_archives(struct reader *reader)
{
	int r = 0;

	while (r == 0) {
		const struct compression *compression;

		r = read_plain(reader);
		if (r < 0 || reader->at >= reader->size)
			break;
		compression = find_compression(reader);
		if (!compression)
			return refuse(reader, reader->digest.members
						      ? "what follows the first archive"
							" in it is not known"
						      : "it is no initramfs: encrypted,"
							" or of another format");
		r = load_library(reader);
		if (r == 0)
			r = read_packed(reader, compression);
	}
	if (r == 0 && !bootcfg_cpio_is_whole(&reader->cpio))
		return refuse(reader, "it is cut off");
	if (r == 0 && !reader->digest.members)
		return refuse(reader, "it is empty");
	return r;
}

static int read_once(struct reader *reader)
{
	bootcfg_cpio_free(&reader->cpio);
	image_digest_free(&reader->digest);
	reader->cpio = (struct bootcfg_cpio){
		.wants = image_digest_wants,
		.take = image_digest_take,
		.end = image_digest_end,
		.argument = &reader->digest,
	};
	reader->at = 0;
	reader->unpacked = 0;
	return read_archives(reader);
}

int bootcfg_image_make(int fd, const struct host_status *status, void *argument,
		       char **ret_text, size_t *ret_len)
{
	_cleanup_free_ struct reader *reader = calloc(1, sizeof(*reader));
	int r;

	(void)argument;
	if (!reader)
		return -ENOMEM;
	reader->fd = fd;
	reader->size = status->size;
	reader->deadline = clock_now_s() + SECONDS_MAX;
	r = read_once(reader);
	if (r == -EAGAIN)
		r = read_once(reader);
	if (r == 0)
		r = image_digest_write(&reader->digest, ret_text, ret_len);
	else if (r == -EINVAL)
		r = image_digest_write_problem(reader->problem, ret_text, ret_len);
	bootcfg_cpio_free(&reader->cpio);
	image_digest_free(&reader->digest);
	return r;
}
