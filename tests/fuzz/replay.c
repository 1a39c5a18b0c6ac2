/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gives each file of a folder to a fuzz target, and every shorter beginning of it too:
 * what fuzzing found stays found, without libFuzzer.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* At most this many beginnings of one file. */
enum { CUTS = 256 };

/* Each in its own allocation, so that a sanitizer sees a read past the end. */
static int give(const uint8_t *bytes, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1);

	if (!exact)
		return -1;
	memcpy(exact, bytes, len);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	return 0;
}

static int replay(const char *folder, const char *name)
{
	static uint8_t bytes[1 << 20];
	char path[4096];
	FILE *file;
	size_t len, step;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	if (!file) {
		perror(path);
		return -1;
	}
	len = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	step = len / CUTS + 1;
	for (size_t cut = 0; cut < len; cut += step)
		if (give(bytes, cut) < 0)
			return -1;
	return give(bytes, len);
}

int main(int argc, char **argv)
{
	struct dirent **entries;
	int count, replayed = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	count = scandir(argv[1], &entries, NULL, alphasort);
	if (count < 0) {
		perror(argv[1]);
		return 1;
	}
	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.') {
			if (replay(argv[1], entries[i]->d_name) < 0)
				return 1;
			replayed++;
		}
		free(entries[i]);
	}
	free(entries);
	printf("%d files\n", replayed);
	return replayed ? 0 : 1;
}
