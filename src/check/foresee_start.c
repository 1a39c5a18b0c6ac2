/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each kernel is started with: the words of its entry, and its image. */
#include "check/foresee_start.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/confd.h"
#include "bootcfg/service.h"
#include "bootcfg/uki.h"
#include "check/images.h"

/*
 * A loader adds what only it knows to an uncertain entry. Where the running kernel came
 * from an entry like it, what that added is seen, and is the same for all kernels.
 */
static bool adds_nothing(const struct check_view *view)
{
	const struct bootcfg_kernel *kernel = bootcfg_running_kernel(view->kernels);
	const struct bootcfg_entry *entry =
		kernel ? bootcfg_boot_running(view->boot, kernel->release, view->running)
		       : NULL;

	if (!entry || !entry->uncertain || !view->running->count)
		return false;
	for (size_t i = 0; i < view->running->count; i++) {
		const struct bootcfg_parameter *word = &view->running->items[i];

		if (check_parameter_matters(word->name) &&
		    !bootcfg_cmdline_has(&entry->cmdline, word))
			return false;
	}
	return true;
}

/* What comes of a word: itself, nothing (""), or what is to stand in its place. */
static const char *replace(const struct check_view *view, const char *word)
{
	for (size_t i = 0; view->remove && i < view->remove->count; i++)
		if (!strcmp(view->remove->items[i], word))
			return view->instead && i < view->instead->count
				       ? view->instead->items[i]
				       : "";
	return word;
}

static int add_word(FILE *stream, const struct bootcfg_parameter *parameter,
		    const struct check_view *view)
{
	_cleanup_free_ char *text = NULL;
	const char *word;

	if (asprintf(&text, "%s%s%s", parameter->name, parameter->value ? "=" : "",
		     parameter->value ? parameter->value : "") < 0) {
		text = NULL;
		return -ENOMEM;
	}
	word = replace(view, text);
	fprintf(stream, strchr(word, ' ') ? "\"%s\" " : "%s ", word);
	return 0;
}

/* A command line as it will be, after a plan's edits. */
static int copy_words(const struct bootcfg_cmdline *from, const struct check_view *view,
		      struct bootcfg_cmdline *ret_cmdline)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);
	int r = 0;

	if (!stream)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < from->count; i++)
		r = add_word(stream, &from->items[i], view);
	for (size_t i = 0; view->add && i < view->add->count; i++)
		fprintf(stream, "%s ", view->add->items[i]);
	if (fclose(stream) != 0)
		r = -ENOMEM;
	return r < 0 ? r : bootcfg_cmdline_parse(text, len, ret_cmdline);
}

static int read_words(const struct check_view *view, const struct bootcfg_entry *entry,
		      struct check_start *start)
{
	const struct bootcfg_cmdline none = { 0 }, *from = &none;

	if (view->this_boot)
		from = view->running;
	else if (entry)
		from = &entry->cmdline;
	start->boot.words =
		view->this_boot || (entry && (!entry->uncertain || adds_nothing(view)))
			? FACT_KNOWN
			: FACT_UNREADABLE;
	start->boot.cmdline = &start->cmdline;
	return copy_words(from, view, &start->cmdline);
}

/* The image that an entry names, without what Limine checks it by; NULL: none. */
static const char *named_image(const struct bootcfg_entry *entry)
{
	for (size_t i = 0; entry && i < entry->initrds.count; i++)
		if (!bootcfg_is_microcode(entry->initrds.items[i]))
			return entry->initrds.items[i];
	return NULL;
}

/* The image that the entry names; else the kernel's only one, but for a fallback. */
static const struct bootcfg_image_file *pick_image(const struct bootcfg_images *images,
						   const struct bootcfg_entry *entry,
						   const struct bootcfg_kernel *kernel,
						   size_t *ret_count)
{
	const struct bootcfg_image_file *found = NULL;
	const char *named = named_image(entry);
	size_t len = named ? strcspn(bootcfg_confd_name(named), "#") : 0;

	*ret_count = 0;
	for (size_t i = 0; i < images->count; i++) {
		const struct bootcfg_image_file *file = &images->items[i];
		const char *name = bootcfg_confd_name(file->path);

		if (strcmp(file->release, kernel->release) != 0)
			continue;
		if (named ? strlen(name) == len &&
				    !strncmp(name, bootcfg_confd_name(named), len)
			  : !strstr(name, "fallback")) {
			found = file;
			++*ret_count;
		}
	}
	return found;
}

static int set_problem(struct check_start *start, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&start->problem, format, args);
	va_end(args);
	if (n < 0) {
		start->problem = NULL;
		return -ENOMEM;
	}
	start->boot.image_fact = FACT_UNREADABLE;
	start->boot.image_problem = start->problem;
	return 0;
}

/* No file was found: is there to be none? */
static int explain_none(const struct bootcfg_images *images,
			const struct bootcfg_entry *entry, struct check_start *start)
{
	if (images->unreadable.count)
		return set_problem(start, "/%s could not be read",
				   images->unreadable.items[0]);
	if (named_image(entry))
		return set_problem(start, "its image %s was not found",
				   named_image(entry));
	if (!entry)
		return set_problem(start, "no image of it was found, and no entry that"
					  " names one");
	start->boot.image_fact = FACT_ABSENT;
	return 0;
}

static int read_image(const struct check_view *view, const struct bootcfg_entry *entry,
		      struct check_start *start)
{
	const struct bootcfg_image_file *file;
	size_t count;
	int r;

	if (entry && bootcfg_is_efi(entry->file))
		return set_problem(start, "its image is inside /%s, which is not read",
				   entry->file);
	file = pick_image(view->images, entry, start->boot.kernel, &count);
	if (!file)
		return explain_none(view->images, entry, start);
	if (count > 1)
		return set_problem(start,
				   "with which of its %zu images it starts is not"
				   " certain",
				   count);
	start->image_path = strdup(file->path);
	if (!start->image_path)
		return -ENOMEM;
	r = check_read_image(view->host, file->path, &start->image);
	if (r == -ENOMEM)
		return r;
	if (r < 0 || start->image.problem)
		return set_problem(start, "its image /%s could not be read: %s",
				   file->path,
				   r < 0 ? strerror(-r) : start->image.problem);
	start->boot.image_fact = FACT_KNOWN;
	start->boot.image = &start->image;
	return 0;
}

static int read_start(const struct check_view *view, struct check_start *start)
{
	struct bootcfg_kernel *kernel = start->boot.kernel;
	const struct bootcfg_entry *entry =
		view->this_boot
			? bootcfg_boot_running(view->boot, kernel->release, view->running)
			: check_usual_entry(view, kernel);
	int r = read_words(view, entry, start);

	if (r == 0)
		r = read_image(view, entry, start);
	/* A tool makes those anew that are there. */
	start->boot.remade = view->remade && (start->image_path ||
					      (entry && bootcfg_is_efi(entry->file)));
	start->boot.unsettled = view->unsettled;
	/* Of this boot it is asked what came before that. */
	start->boot.has_service =
		!view->this_boot && bootcfg_service(view->host) == SERVICE_ENABLED;
	start->boot.iommu = check_iommu_next(view, kernel, &start->cmdline);
	return r;
}

int check_starts_read(const struct check_view *view, struct check_foresight *foresight)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < view->kernels->count; i++) {
		struct bootcfg_kernel *kernel = &view->kernels->items[i];
		struct check_start *start;

		if (view->this_boot && !kernel->running)
			continue;
		start = &foresight->starts[foresight->count++];
		start->boot = (struct bootcfg_next_boot){
			.host = view->host,
			.kernel = kernel,
			.tab = &foresight->tab,
			.modprobe = view->modprobe,
			.loads = view->loads,
			.overrides = &foresight->overrides,
		};
		r = read_start(view, start);
	}
	return r;
}
