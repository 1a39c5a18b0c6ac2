/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The least that listing a host's PCI functions can cost: for each, one open, read and
 * close of modalias and the two links driver and iommu_group. What list takes is measured
 * against it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int visit(int dir, const char *name)
{
	char path[512], buffer[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/modalias", name);
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, buffer, sizeof(buffer)) <= 0)
		return -1;
	close(fd);
	snprintf(path, sizeof(path), "%s/driver", name);
	if (readlinkat(dir, path, buffer, sizeof(buffer)) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/iommu_group", name);
	return readlinkat(dir, path, buffer, sizeof(buffer)) < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	const struct dirent *entry;
	unsigned int count = 0;
	DIR *dir;

	if (argc != 2 || !(dir = opendir(argv[1]))) {
		fprintf(stderr, "usage: floor .../sys/bus/pci/devices\n");
		return 2;
	}
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && visit(dirfd(dir), entry->d_name) == 0)
			count++;
	closedir(dir);
	printf("%u functions\n", count);
	return count ? 0 : 1;
}
