/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who holds a group open. A guest opens /dev/vfio/<group> and keeps it for as long as it
 * runs; so long its devices can neither be given to another nor be taken back.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "usage/internal.h"

/* The groups that a driver of VFIO has devices of: only they can be held. */
static bool any_group_on_vfio(const struct iommu_group *group)
{
	for (size_t i = 0; i < group->count; i++)
		if (group->members[i]->driver &&
		    strstr(group->members[i]->driver, "vfio"))
			return true;
	return false;
}

static int mark_group(struct usage *usage, const struct iommu_group *group,
		      enum usage_kind kind, const char *detail)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < group->count; i++)
		if (!iommu_member_stays(group->members[i]))
			r = usage_add(usage, group->members[i], kind, "%s", detail);
	return r;
}

static int visit_descriptor(const struct host *host, const struct iommu_groups *groups,
			    struct usage *usage, const char *pid, const char *fd)
{
	static const char node[] = "/dev/vfio/";
	char path[PATH_MAX], target[PATH_MAX], command[64], detail[256];
	const struct iommu_group *group;
	uint64_t number;

	snprintf(path, sizeof(path), "proc/%s/fd/%s", pid, fd);
	if (host_link_target(host, path, target, sizeof(target)) != FACT_KNOWN ||
	    strncmp(target, node, sizeof(node) - 1) != 0 ||
	    text_parse_number(target + sizeof(node) - 1, UINT_MAX, &number) < 0)
		return 0;
	group = iommu_find_group(groups, (unsigned int)number);
	if (!group)
		return 0;
	snprintf(path, sizeof(path), "proc/%s/comm", pid);
	if (host_read(host, path, command, sizeof(command)) != FACT_KNOWN)
		snprintf(command, sizeof(command), "?");
	snprintf(detail, sizeof(detail), "group %u is held by process %s (%s)",
		 group->number, pid, command);
	return mark_group(usage, group, USAGE_VFIO, detail);
}

static int visit_process(const struct host *host, const struct iommu_groups *groups,
			 struct usage *usage, const char *pid, bool *ret_unreadable)
{
	_cleanup_(string_list_free) struct string_list fds = { 0 };
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "proc/%s/fd", pid);
	r = host_list(host, path, &fds);
	if (r == -EACCES || r == -EPERM)
		*ret_unreadable = true;
	if (r < 0) /* or the process has ended meanwhile */
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; r == 0 && i < fds.count; i++)
		r = visit_descriptor(host, groups, usage, pid, fds.items[i]);
	return r;
}

static int mark_unreadable(const struct iommu_groups *groups, struct usage *usage)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < groups->count; i++)
		if (any_group_on_vfio(&groups->items[i]))
			r = mark_group(
				usage, &groups->items[i], USAGE_UNREADABLE,
				"only root can tell whether a process holds its group");
	return r;
}

int usage_scan_vfio(const struct host *host, const struct iommu_groups *groups,
		    struct usage *usage)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	bool wanted = false, unreadable = false;
	int r;

	for (size_t i = 0; !wanted && i < groups->count; i++)
		wanted = any_group_on_vfio(&groups->items[i]);
	if (!wanted)
		return 0;
	r = host_list(host, "proc", &names);
	if (r == -ENOMEM)
		return r;
	unreadable = r < 0;
	r = 0;
	for (size_t i = 0; r == 0 && i < names.count; i++)
		if (isdigit((unsigned char)names.items[i][0]))
			r = visit_process(host, groups, usage, names.items[i],
					  &unreadable);
	if (r == 0 && unreadable)
		r = mark_unreadable(groups, usage);
	return r;
}
