/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Room for what tools make: on a full /boot they end with a part of an image, or with
 * none. Whether they made anything is looked at, too: update-initramfs leaves a /boot
 * that is read-only, or a host that is configured so, as it is, and calls that a success.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/rooted.h"
#include "change/internal.h"
#include "change/perform.h"

/* What one file system gets, by the first folder of it that was met. */
struct place {
	dev_t device;
	const char *path;
	size_t folder_len; /* of the path */
	struct statvfs status;
	unsigned long long all, largest; /* bytes of the files as they are */
	bool beside;
};

/* The new ones have more in them: an eighth, and at least this for each file system. */
enum { GROWTH_SHARE = 8, GROWTH_MIN = 1 << 20 };

static unsigned long long need_of(const struct place *place)
{
	unsigned long long growth = place->all / GROWTH_SHARE;

	growth = growth > GROWTH_MIN ? growth : GROWTH_MIN;
	return growth + (place->beside ? place->largest : 0);
}

static struct place *find_place(struct place *places, size_t *count, dev_t device)
{
	for (size_t i = 0; i < *count; i++)
		if (places[i].device == device)
			return &places[i];
	places[*count] = (struct place){ .device = device };
	return &places[(*count)++];
}

/* What cannot be looked at, the tool will tell of. */
static void add_file(const struct host *host, const char *path, bool beside,
		     struct place *places, size_t *count)
{
	_cleanup_close_ int fd = rooted_open(host_root_fd(host), path, O_PATH, 0);
	struct statvfs system;
	struct stat status;
	struct place *place;

	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
	    fstatvfs(fd, &system) < 0)
		return;
	place = find_place(places, count, status.st_dev);
	if (!place->path) {
		place->path = path;
		place->folder_len = (size_t)(change_file_name(path) - path);
		place->folder_len -= place->folder_len > 0;
		place->status = system;
	}
	place->all += (unsigned long long)status.st_size;
	if ((unsigned long long)status.st_size > place->largest)
		place->largest = (unsigned long long)status.st_size;
	place->beside |= beside;
}

static int check_place(const struct place *place, struct error *err)
{
	unsigned long long free =
		(unsigned long long)place->status.f_bfree * place->status.f_frsize;
	char subject[ERROR_SUBJECT_SIZE];
	int r;

	snprintf(subject, sizeof(subject), "/%.*s", (int)place->folder_len, place->path);
	if (place->status.f_flag & ST_RDONLY) {
		r = error_refuse(
			err, subject,
			"its file system is read-only, and new images are written"
			" to it: nothing was changed");
		error_hint(err, "mount it for writing: mount -o remount,rw %s", subject);
		return r;
	}
	/* Some file systems do not tell. */
	if (!place->status.f_blocks || free >= need_of(place))
		return 0;
	r = error_refuse(err, subject,
			 "%llu MiB are free on its file system, and new images need %llu"
			 " MiB: nothing was changed",
			 free >> 20, (need_of(place) + (1 << 20) - 1) >> 20);
	error_hint(err, "remove kernels that are not needed any more, and try again");
	return r;
}

int change_check_room(const struct host *host, const struct change_edits *edits,
		      struct error *err)
{
	_cleanup_free_ struct place *places = NULL;
	size_t count = 0, files = 0;
	int r = 0;

	for (size_t i = 0; i < edits->count; i++)
		files += edits->items[i].makes.count + 1;
	places = calloc(files + 1, sizeof(*places));
	if (!places)
		return error_oom(err);
	for (size_t i = 0; i < edits->count; i++)
		if (edits->items[i].made_like)
			add_file(host, edits->items[i].made_like, true, places, &count);
	for (size_t i = 0; i < edits->count; i++)
		for (size_t j = 0; j < edits->items[i].makes.count; j++)
			add_file(host, edits->items[i].makes.items[j],
				 edits->items[i].makes_beside, places, &count);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = check_place(&places[i], err);
	return r;
}

int change_made_look(const struct host *host, const struct change_edit *edit,
		     struct host_status **ret_status)
{
	struct host_status *status = calloc(edit->makes.count + 1, sizeof(*status));

	if (!status)
		return -ENOMEM;
	/* One that is not there, or cannot be looked at, stays all zero. */
	for (size_t i = 0; i < edit->makes.count; i++)
		host_file_status(host, edit->makes.items[i], &status[i]);
	*ret_status = status;
	return 0;
}

int change_made_check(const struct host *host, const struct change_edit *edit,
		      const struct host_status *before, struct error *err)
{
	_cleanup_free_ struct host_status *now = NULL;
	char subject[ERROR_SUBJECT_SIZE];
	const char *same = NULL;
	int r = change_made_look(host, edit, &now);

	if (r < 0)
		return error_oom(err);
	for (size_t i = 0; i < edit->makes.count; i++) {
		if (memcmp(&now[i], &before[i], sizeof(now[i])) != 0)
			return 0;
		/* Those of kernels that are gone tell nothing. */
		if (now[i].inode && !same)
			same = edit->makes.items[i];
	}
	if (!same)
		return 0;
	r = error_set(err, EALREADY, change_subject(edit->path, subject),
		      "it ended as if all were well, and /%s is as it was before", same);
	error_hint(err, "its configuration may say that it shall make none");
	return r;
}
