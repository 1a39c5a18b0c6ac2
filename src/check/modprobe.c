/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether modprobe reads what was written for it. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/internal.h"

bool check_has_modprobe(struct check_run *run, int *ret_r)
{
	if (run->facts->modprobe.fact == FACT_KNOWN)
		return true;
	*ret_r = check_tell(run, CHECK_UNKNOWN, NULL,
			    run->facts->modprobe.fact == FACT_ABSENT
				    ? "no folder modprobe.d in /etc, /run or /usr/lib"
				    : "the folders modprobe.d could not be read");
	return false;
}

int check_modprobe_end(struct check_run *run, size_t before, const char *seen)
{
	const struct string_list *unreadable = &run->facts->modprobe.unreadable;

	if (run->findings->count > before)
		return 0;
	if (unreadable->count)
		return check_tell_unread(run, unreadable->items[0]);
	return check_tell(run, CHECK_PASS, NULL, "%s", seen);
}

/* "vfio" and "vfio.conf.txt" were both meant to be vfio.conf. */
static int tell_ignored(struct check_run *run, const char *path)
{
	const char *name = strrchr(path, '/');
	const char *conf = strstr(name ? name : path, ".conf");
	int len = (int)(conf ? (size_t)(conf - path) : strlen(path));
	int r = check_tell(run, CHECK_WARN, NULL,
			   "/%s has lines for modprobe, but its name does not end with"
			   " .conf",
			   path);

	if (r == 0)
		r = check_why(run, "modprobe does not read it: nothing in it takes"
				   " effect");
	return r < 0 ? r
		     : check_fix(run, "mv -n /%s /%.*s.conf; then %s", path, len, path,
				 check_rebuild(run->facts));
}

static int ignored(struct check_run *run)
{
	const struct string_list *list = &run->facts->modprobe.ignored;
	size_t before = run->findings->count;
	int r = 0;

	if (!check_has_modprobe(run, &r))
		return r;
	for (size_t i = 0; r == 0 && i < list->count; i++)
		r = tell_ignored(run, list->items[i]);
	return r < 0 ? r
		     : check_modprobe_end(run, before,
					  "modprobe reads each file with lines for it");
}

/* Bad lines of one file, of which the first is shown. */
static int tell_bad(struct check_run *run, const struct bootcfg_modprobe_line *line,
		    size_t more)
{
	char others[48] = "";
	int r;

	if (more)
		snprintf(others, sizeof(others), ", nor %zu other%s in it", more,
			 more > 1 ? "s" : "");
	r = check_tell(run, CHECK_WARN, NULL,
		       "/%s:%u: modprobe does not know the line \"%.60s\"%s", line->file,
		       line->number, line->rest, others);
	if (r == 0)
		r = check_why(run, "it passes over such a line: what was meant does not"
				   " happen");
	return r < 0 ? r
		     : check_fix(run, "take it out, or write options, blacklist, softdep,"
				      " install or alias as modprobe.d(5) has it");
}

static int tell_second(struct check_run *run, const struct bootcfg_modprobe_line *line)
{
	int r = check_tell(run, CHECK_WARN, NULL, "/%s:%u: blacklist %.60s %.60s",
			   line->file, line->number, line->module, line->rest);

	if (r == 0)
		r = check_why(run, "a line takes one module: the others are not on the"
				   " blacklist");
	return r < 0 ? r : check_fix(run, "write a blacklist line for each module");
}

static int lines(struct check_run *run)
{
	const struct bootcfg_modprobe *modprobe = &run->facts->modprobe;
	size_t before = run->findings->count;
	int r = 0;

	if (!check_has_modprobe(run, &r))
		return r;
	for (size_t i = 0; r == 0 && i < modprobe->count;) {
		const struct bootcfg_modprobe_line *first = NULL;
		const char *file = modprobe->lines[i].file;
		size_t bad = 0;

		for (; r == 0 && i < modprobe->count; i++) {
			const struct bootcfg_modprobe_line *line = &modprobe->lines[i];

			if (line->file != file)
				break;
			if (line->kind == MODPROBE_BAD && !bad++)
				first = line;
			else if (line->kind == MODPROBE_BLACKLIST && *line->rest &&
				 *line->rest != '#')
				r = tell_second(run, line);
		}
		if (r == 0 && first)
			r = tell_bad(run, first, bad - 1);
	}
	return r < 0 ? r
		     : check_modprobe_end(run, before,
					  "modprobe knows every line of"
					  " its files");
}

/* Since Linux 6.2 it is a part of vfio, and no module. */
static int tell_virqfd(struct check_run *run, const struct bootcfg_modprobe_line *line,
		       bool older)
{
	bool harmless = older || run->facts->distro.family == BOOTCFG_DEBIAN;
	int r = check_tell(run, harmless ? CHECK_INFO : CHECK_WARN, NULL,
			   "/%s:%u: vfio_virqfd, which is no module since Linux 6.2",
			   line->file, line->number);

	if (r == 0)
		r = check_why(
			run, "%s",
			older	   ? "an installed kernel is older and has it; the"
				     " others report a failure at boot"
			: harmless ? "it is a part of vfio: all works, and the boot log"
				     " reports a failure"
				   : "it is a part of vfio; the boot log reports a"
				     " failure, and some builders of the initramfs"
				     " stop with an error");
	if (r < 0 || older)
		return r;
	return check_fix(run, "take the line out of /%s", line->file);
}

static int virqfd(struct check_run *run)
{
	const struct bootcfg_kernels *kernels = run->facts->kernels;
	const struct bootcfg_modprobe *loads = &run->facts->loads;
	const struct bootcfg_modprobe_line *line =
		bootcfg_modprobe_find(loads, MODPROBE_LOAD, "vfio_virqfd");
	size_t older = 0;

	for (size_t i = 0; i < kernels->count; i++)
		older += bootcfg_is_before(&kernels->items[i], 6, 2);
	if (line && !kernels->count)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "/%s:%u: vfio_virqfd, and no kernel that could be read",
				  line->file, line->number);
	if (line && older < kernels->count)
		return tell_virqfd(run, line, older > 0);
	if (line)
		return check_tell(run, CHECK_PASS, NULL,
				  "vfio_virqfd is a module of all installed kernels");
	if (loads->unreadable.count)
		return check_tell_unread(run, loads->unreadable.items[0]);
	if (!loads->files.count && loads->fact != FACT_KNOWN)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "neither /etc/modules nor a folder modules-load.d");
	return check_tell(run, CHECK_PASS, NULL,
			  "vfio_virqfd is not among the modules to load");
}

const struct check check_modprobe_table[] = {
	{ "modprobe-ignored", "modprobe", "modprobe reads the files of modprobe.d", false,
	  ignored },
	{ "modprobe-lines", "modprobe", "modprobe knows each line there", false, lines },
	{ "modprobe-conflict", "modprobe", "no two lines contradict each other", false,
	  check_modprobe_conflict },
	{ "modprobe-missing", "modprobe", "lines are about modules that there are", false,
	  check_modprobe_missing },
	{ "modprobe-blacklist", "modprobe", "what is on a blacklist stays away", false,
	  check_modprobe_blacklist },
	{ "modprobe-virqfd", "modprobe",
	  "vfio_virqfd is loaded only where it is a module", false, virqfd },
	{ 0 },
};
