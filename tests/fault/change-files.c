/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes a fixed change of a root that tests/fault prepares, or undoes it, or goes on with
 * it. What went wrong
 * is one line on standard error; what is evidence for it, or a hint, is indented.
 *
 *     change-files ROOT apply|undo|resume|history
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "change/edit.h"

/* Two new files in new folders, one edited, one removed, two tools. */
static int make_edits(struct change_edits *edits)
{
	static const char edited[] = "GRUB_CMDLINE_LINUX=\"quiet intel_iommu=on\"\n";
	static const char *const first[] = { "-u", NULL }, *const none[] = { NULL };
	char large[9000];

	memset(large, 'x', sizeof(large));
	if (change_edit_write(edits, "etc/new/deep/file", "make a file", "new\n", 4) <
		    0 ||
	    change_edit_write(edits, "etc/default/grub", "edit a file", edited,
			      sizeof(edited) - 1) < 0 ||
	    change_edit_remove(edits, "etc/modprobe.d/old.conf", "remove a file") < 0 ||
	    change_edit_write(edits, "etc/other/large", "make a large file", large,
			      sizeof(large)) < 0 ||
	    change_edit_run(edits, "sbin/first", first, "make an image") < 0 ||
	    change_edit_run(edits, "sbin/second", none, "make another image") < 0)
		return -ENOMEM;
	/* As update-initramfs does: beside the old one, which it takes the place of. */
	edits->items[edits->count - 1].makes_beside = true;
	return string_list_add(&edits->items[edits->count - 1].makes, "made/second");
}

static int apply(struct change *change, struct error *err)
{
	struct string_list subjects = { 0 };
	struct change_title title = { .title = "a fixed change", .subjects = &subjects };
	struct change_edits edits = { 0 };
	unsigned int id;
	int r = make_edits(&edits);

	if (r == 0)
		r = change_edits_look(change_host(change), &edits, err);
	if (r == 0)
		r = change_apply(change, &title, &edits, NULL, &id, err);
	change_edits_free(&edits);
	return r;
}

/* All that was not undone, the last one first. */
static int undo(struct change *change, struct error *err)
{
	struct change_history history = { 0 };
	int r = change_history_read(change_host(change), &history, err);

	for (size_t i = history.count; r == 0 && i-- > 0;)
		r = change_undo(change, history.items[i].id, NULL, err);
	change_history_free(&history);
	return r;
}

static int resume(struct change *change, struct error *err)
{
	struct change_record record = { 0 };
	int r = change_resume(change, NULL, &record, err);

	change_record_free(&record);
	return r;
}

static int show(struct change *change, struct error *err)
{
	static const char *const states[] = { "interrupted", "applied", "undone" };
	struct change_history history = { 0 };
	int r = change_history_read(change_host(change), &history, err);

	for (size_t i = 0; i < history.count; i++)
		printf("%u %s %s\n", history.items[i].id, states[history.items[i].state],
		       history.items[i].damage ? history.items[i].damage : "sound");
	change_history_free(&history);
	return r;
}

static int run(const struct host *host, const char *what, struct error *err)
{
	struct change_options options = { .deadline_ms = 1000 };
	struct change *change = NULL;
	int r = change_begin(host, &options, 0, &change, err);

	if (r == 0)
		r = !strcmp(what, "apply")    ? apply(change, err)
		    : !strcmp(what, "undo")   ? undo(change, err)
		    : !strcmp(what, "resume") ? resume(change, err)
					      : show(change, err);
	change_end(change);
	return r;
}

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	struct host *host = NULL;
	int r, status;

	if (argc != 3) {
		fprintf(stderr, "usage: change-files ROOT apply|undo|resume|history\n");
		return 2;
	}
	r = host_open_root(argv[1], &host, &err);
	if (r == 0)
		r = run(host, argv[2], &err);
	status = r == 0 ? 0 : err.kind == ERROR_REFUSED ? 3 : 1;
	if (r < 0)
		fprintf(stderr, "%s: %s\n", err.subject, err.message);
	for (char **line = err.evidence; line && *line; line++)
		fprintf(stderr, "  %s\n", *line);
	if (err.hint[0])
		fprintf(stderr, "  %s\n", err.hint);
	error_clear(&err);
	host_free(host);
	return status;
}
