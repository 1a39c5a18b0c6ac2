/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The least that binding takes, and a stop-watch for programs that do it:
 *
 *     bench-bind take ADDRESS...	to vfio-pci: override, unbind, probe
 *     bench-bind give ADDRESS...	back to the driver that the kernel chooses
 *     bench-bind time COMMAND...	runs it, and says how many milliseconds it took
 *
 * As a shell loop over sysfs would, but in one process; each device has its driver at the
 * end, or the exit status is 1.
 */
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

static int put(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) >= 0 ? 0 : -1;
}

static bool is_on_vfio(const char *folder)
{
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t len;

	snprintf(path, sizeof(path), "%s/driver", folder);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return false;
	target[len] = '\0';
	return !strcmp(strrchr(target, '/'), "/vfio-pci");
}

static int move(const char *address, bool take)
{
	char folder[128], path[PATH_MAX];

	snprintf(folder, sizeof(folder), "/sys/bus/pci/devices/%s", address);
	snprintf(path, sizeof(path), "%s/driver_override", folder);
	if (put(path, take ? "vfio-pci" : "\n") < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/driver/unbind", folder);
	if (access(path, F_OK) == 0 && put(path, address) < 0)
		return -1;
	if (put("/sys/bus/pci/drivers_probe", address) < 0)
		return -1;
	return is_on_vfio(folder) == take ? 0 : -1;
}

static int move_all(char **addresses, bool take)
{
	for (; *addresses; addresses++)
		if (move(*addresses, take) < 0) {
			fprintf(stderr, "bench-bind: %s: %s\n", *addresses, "not moved");
			return 1;
		}
	return 0;
}

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int time_command(char **command)
{
	extern char **environ;
	posix_spawn_file_actions_t quiet;
	double start = now_ms();
	pid_t pid;
	int status;

	/* What it says is not of interest, and not in the way of the number. */
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, command[0], &quiet, NULL, command, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid || status != 0) {
		fprintf(stderr, "bench-bind: %s failed\n", command[0]);
		return 1;
	}
	printf("%.1f\n", now_ms() - start);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "time"))
		return time_command(argv + 2);
	if (argc > 2 && !strcmp(argv[1], "take"))
		return move_all(argv + 2, true);
	if (argc > 2 && !strcmp(argv[1], "give"))
		return move_all(argv + 2, false);
	fprintf(stderr, "usage: bench-bind take|give ADDRESS...\n"
			"       bench-bind time COMMAND...\n");
	return 2;
}
