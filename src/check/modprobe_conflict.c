/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of modprobe.d that contradict each other, or the modules to load. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/internal.h"

/* An option of a module, with where it is given. */
struct given {
	const struct bootcfg_modprobe_line *line;
	struct bootcfg_cmdline words; /* of the whole line; held by its first option */
	const char *name, *value;
	size_t order; /* in which modprobe reads them */
};

struct all_given {
	struct given *items;
	size_t count, room;
};

static void all_given_free(struct all_given *all)
{
	for (size_t i = 0; i < all->count; i++)
		bootcfg_cmdline_free(&all->items[i].words);
	free(all->items);
}

static int add_options(struct all_given *all, const struct bootcfg_modprobe_line *line)
{
	struct bootcfg_cmdline words;

	if (bootcfg_cmdline_parse(line->rest, strlen(line->rest), &words) < 0)
		return -ENOMEM;
	if (all->count + words.count > all->room) {
		size_t room = 2 * (all->count + words.count);
		struct given *larger = reallocarray(all->items, room, sizeof(*larger));

		if (!larger) {
			bootcfg_cmdline_free(&words);
			return -ENOMEM;
		}
		all->items = larger;
		all->room = room;
	}
	for (size_t i = 0; i < words.count; i++)
		all->items[all->count + i] = (struct given){
			.line = line,
			.order = all->count + i,
			.name = words.items[i].name,
			.value = words.items[i].value ? words.items[i].value : "",
		};
	if (words.count)
		all->items[all->count].words = words;
	else
		bootcfg_cmdline_free(&words);
	all->count += words.count;
	return 0;
}

/* By module and option, and then in the order in which modprobe reads them. */
static int compare(const void *a, const void *b)
{
	const struct given *left = a, *right = b;
	int order = bootcfg_compare_names(left->line->module, right->line->module);

	if (!order)
		order = bootcfg_compare_names(left->name, right->name);
	return order ? order
		     : (left->order > right->order) - (left->order < right->order);
}

static int tell_twice(struct check_run *run, const struct given *one,
		      const struct given *two)
{
	int r = check_tell(run, CHECK_WARN, NULL,
			   "%.60s %.60s=%.80s in /%s:%u, and =%.80s in /%s:%u",
			   one->line->module, one->name, one->value, one->line->file,
			   one->line->number, two->value, two->line->file,
			   two->line->number);

	if (r == 0)
		r = check_why(run,
			      "the values are not added up: the last one read"
			      " counts, that in /%s",
			      two->line->file);
	return r < 0 ? r
		     : check_fix(run,
				 "keep one line, with all values that are meant, commas"
				 " between them; then %s",
				 check_rebuild(run->facts));
}

static int look_at_options(struct check_run *run)
{
	_cleanup_(all_given_free) struct all_given all = { 0 };
	const struct bootcfg_modprobe *modprobe = &run->facts->modprobe;
	int r = 0;

	for (size_t i = 0; r == 0 && i < modprobe->count; i++)
		if (modprobe->lines[i].kind == MODPROBE_OPTIONS)
			r = add_options(&all, &modprobe->lines[i]);
	if (r == 0 && all.count)
		qsort(all.items, all.count, sizeof(*all.items), compare);
	for (size_t i = 1; r == 0 && i < all.count; i++) {
		const struct given *one = &all.items[i - 1], *two = &all.items[i];

		if (!bootcfg_same_name(one->line->module, two->line->module) ||
		    !bootcfg_same_name(one->name, two->name))
			continue;
		/* Who changes the one file later is undone by the other. */
		if (strcmp(one->value, two->value) != 0 ||
		    (bootcfg_same_name(one->line->module, "vfio-pci") &&
		     !strcmp(one->name, "ids") && one->line->file != two->line->file))
			r = tell_twice(run, one, two);
	}
	return r;
}

static int tell_loaded(struct check_run *run, const struct bootcfg_modprobe_line *load,
		       const struct bootcfg_modprobe_line *line)
{
	int r = check_tell(run, CHECK_WARN, NULL,
			   "%.60s is on the blacklist in /%s:%u, and to be loaded in"
			   " /%s:%u",
			   line->module, line->file, line->number, load->file,
			   load->number);

	if (r == 0)
		r = check_why(run, "%s",
			      !strcmp(load->file, "etc/initramfs-tools/modules")
				      ? "it is loaded by its name, which a blacklist"
					" does not stop"
				      : "systemd obeys the blacklist and does not load"
					" it; other init systems do");
	return r < 0 ? r
		     : check_fix(run, "take it out of /%s, or off the blacklist",
				 load->file);
}

int check_modprobe_conflict(struct check_run *run)
{
	const struct bootcfg_modprobe *loads = &run->facts->loads;
	size_t before = run->findings->count;
	int r = 0;

	if (!check_has_modprobe(run, &r))
		return r;
	r = look_at_options(run);
	for (size_t i = 0; r == 0 && i < loads->count; i++) {
		const struct bootcfg_modprobe_line *line =
			bootcfg_modprobe_find(&run->facts->modprobe, MODPROBE_BLACKLIST,
					      loads->lines[i].module);

		if (line)
			r = tell_loaded(run, &loads->lines[i], line);
	}
	if (r == 0 && run->findings->count == before && loads->unreadable.count)
		return check_tell_unread(run, loads->unreadable.items[0]);
	return r < 0 ? r : check_modprobe_end(run, before, "no line contradicts another");
}
