/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which guests have cores of their own: what is kept of it, and what that leaves. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "vm/isolate.h"

/* Between libvirt's asking and its note of the process other people's hooks run. */
enum { START_S = 600 };

static const char guest_word[] = "guest";

const char *const vm_isolate_units[VM_ISOLATE_UNITS] = {
	"system.slice",
	"user.slice",
	"init.scope",
};

void vm_isolation_free(struct vm_isolation *isolation)
{
	if (!isolation)
		return;
	for (size_t i = 0; i < isolation->n_guests; i++)
		free(isolation->guests[i].guest);
	free(isolation->guests);
	memset(isolation, 0, sizeof(*isolation));
}

static struct vm_isolated *find(struct vm_isolation *isolation, const char *guest)
{
	for (size_t i = 0; i < isolation->n_guests; i++)
		if (!strcmp(isolation->guests[i].guest, guest))
			return &isolation->guests[i];
	return NULL;
}

int vm_isolation_take(struct vm_isolation *isolation, const char *guest,
		      const struct vm_cpuset *cpus, long since)
{
	struct vm_isolated *mine = find(isolation, guest), *larger;
	char *name;

	if (!mine) {
		larger = reallocarray(isolation->guests, isolation->n_guests + 1,
				      sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		isolation->guests = larger;
		name = strdup(guest);
		if (!name)
			return -ENOMEM;
		mine = &larger[isolation->n_guests++];
		mine->guest = name;
	}
	mine->cpus = *cpus;
	mine->since = since;
	return 0;
}

void vm_isolation_drop(struct vm_isolation *isolation, const char *guest)
{
	struct vm_isolated *mine = find(isolation, guest);

	if (!mine)
		return;
	free(mine->guest);
	*mine = isolation->guests[--isolation->n_guests];
}

/* "system.slice 0-7" or "guest 2-3 812 web"; a name may have spaces. 0 or -errno. */
static int take_line(char *line, size_t number, struct vm_isolation *isolation)
{
	const char *word = strsep(&line, " "), *list = strsep(&line, " ");
	struct vm_cpuset cpus;
	const char *since;
	uint64_t seconds;

	if (!list || vm_cpuset_parse(list, strlen(list), &cpus) < 0)
		return -EINVAL;
	if (number < VM_ISOLATE_UNITS) {
		isolation->first[number] = cpus;
		return !line && !strcmp(word, vm_isolate_units[number]) ? 0 : -EINVAL;
	}
	since = strsep(&line, " ");
	if (strcmp(word, guest_word) != 0 || !line || !*line ||
	    text_parse_number(since, LONG_MAX, &seconds) < 0)
		return -EINVAL;
	return vm_isolation_take(isolation, line, &cpus, (long)seconds);
}

int vm_isolation_parse(const char *text, size_t len, struct vm_isolation *ret_isolation)
{
	_cleanup_(vm_isolation_free) struct vm_isolation isolation = { 0 };
	_cleanup_free_ char *copy = strndup(text, len);
	size_t number = 0;
	char *rest = copy;

	if (!copy)
		return -ENOMEM;
	while (rest && *rest) {
		int r = take_line(strsep(&rest, "\n"), number++, &isolation);

		if (r < 0)
			return r;
	}
	if (number < VM_ISOLATE_UNITS)
		return -EINVAL;
	*ret_isolation = isolation;
	memset(&isolation, 0, sizeof(isolation));
	return 0;
}

static int print_set(FILE *stream, const char *word, const struct vm_cpuset *set)
{
	_cleanup_free_ char *list = vm_cpuset_format(set);

	return list ? fprintf(stream, "%s %s", word, list) : -ENOMEM;
}

char *vm_isolation_format(const struct vm_isolation *isolation)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	int r = 0;

	for (size_t i = 0; stream && r >= 0 && i < VM_ISOLATE_UNITS; i++) {
		r = print_set(stream, vm_isolate_units[i], &isolation->first[i]);
		fputc('\n', stream);
	}
	for (size_t i = 0; stream && r >= 0 && i < isolation->n_guests; i++) {
		const struct vm_isolated *guest = &isolation->guests[i];

		r = print_set(stream, guest_word, &guest->cpus);
		fprintf(stream, " %ld %s\n", guest->since, guest->guest);
	}
	if (stream && fclose(stream) == 0 && r >= 0)
		return text;
	free(text);
	return NULL;
}

/* By the file that libvirt keeps of each process (virPidFileBuildPath()). */
static bool has_ended(const struct host *host, const struct vm_isolated *guest, long now)
{
	char path[NAME_MAX + 32], text[32];
	uint64_t process;
	enum fact fact;

	if (now - guest->since < START_S)
		return false;
	snprintf(path, sizeof(path), "run/libvirt/qemu/%s.pid", guest->guest);
	fact = host_read(host, path, text, sizeof(text));
	if (fact != FACT_KNOWN || text_parse_number(text, INT_MAX, &process) < 0)
		return fact == FACT_ABSENT;
	snprintf(path, sizeof(path), "proc/%d", (int)process);
	return !host_exists(host, path);
}

void vm_isolation_drop_ended(const struct host *host, long now,
			     struct vm_isolation *isolation)
{
	for (size_t i = isolation->n_guests; i-- > 0;)
		if (has_ended(host, &isolation->guests[i], now))
			vm_isolation_drop(isolation, isolation->guests[i].guest);
}

void vm_isolation_left(const struct vm_isolation *isolation, size_t unit,
		       const struct vm_cpuset *all, struct vm_cpuset *ret_set)
{
	const struct vm_cpuset *first = &isolation->first[unit];

	*ret_set = vm_cpuset_is_empty(first) ? *all : *first;
	for (size_t i = 0; i < isolation->n_guests; i++)
		vm_cpuset_remove(ret_set, &isolation->guests[i].cpus);
}
