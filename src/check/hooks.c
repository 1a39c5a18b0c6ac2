/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt's hooks: what it passes over, what it cannot start, and what makes it wait
 * (src/util/virhook.c of libvirt, and https://libvirt.org/hooks.html).
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/internal.h"
#include "check/script.h"
#include "vm/hook.h"

enum { DEPTH_MAX = 5 };

/* Who calls hooks of which name, and for what, in words. */
struct driver {
	const char *name, *noun;
	bool heeds; /* how they end: one that fails ends the start */
};

/* A file that was found, and who starts it. */
struct hook {
	const char *path;
	const struct driver *driver;
	bool is_libvirts; /* else a hook's own, such as those that a dispatcher starts */
};

/* By its first bytes, as the kernel sees it (fs/binfmt_script.c, fs/binfmt_elf.c). */
enum kind {
	KIND_DATA,
	KIND_SCRIPT, /* begins with #! */
	KIND_ELF,
};

/* All that it was told of is counted, so that a PASS can say of how much. */
struct search {
	struct check_run *run;
	size_t found;
};

static enum kind kind_of(const char *text, size_t len)
{
	if (len >= 2 && !memcmp(text, "#!", 2))
		return KIND_SCRIPT;
	return len >= 4 && !memcmp(text, "\177ELF", 4) ? KIND_ELF : KIND_DATA;
}

/*
 * The daemon does not look at how its own ended (virHookCall() in
 * src/remote/remote_daemon.c), the network's driver does (networkRunHook()).
 */
static const struct driver drivers[] = {
	{ "qemu", "guest", true },	{ "lxc", "container", true },
	{ "libxl", "Xen guest", true }, { "bhyve", "guest", true },
	{ "network", "network", true }, { "daemon", "daemon", false },
};

static bool is_driver(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
		if (!strcmp(name, drivers[i].name))
			return true;
	return false;
}

/* By the name in libvirt's folder; what has another is some hook's, most likely QEMU's.
 */
static const struct driver *driver_of(const char *path)
{
	const char *name = path + strlen(VM_HOOK_FOLDER "/");
	size_t len = strcspn(name, "./");

	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
		if (strlen(drivers[i].name) == len &&
		    !strncmp(name, drivers[i].name, len))
			return &drivers[i];
	return &drivers[0];
}

static int tell_not_run(struct check_run *run, const struct hook *hook,
			const struct host_mode *mode)
{
	int r = check_tell(run, hook->is_libvirts ? CHECK_WARN : CHECK_INFO, NULL,
			   "/%s has the mode %04o: it is not executable", hook->path,
			   mode->mode);

	if (r == 0)
		r = check_why(run, "%s",
			      hook->is_libvirts
				      ? "libvirt passes it over, and says so only in its"
					" log"
				      : "the hook that is to start it can only read it");
	return r < 0 ? r
		     : check_fix(run,
				 "chmod +x /%s, and restart libvirtd or virtqemud; or"
				 " take it out",
				 hook->path);
}

static int tell_no_start(struct check_run *run, const struct hook *hook, const char *what,
			 const char *fix)
{
	bool heeds = hook->driver->heeds;
	int r = check_tell(run, heeds ? CHECK_FAIL : CHECK_WARN, NULL, "/%s:1: %s",
			   hook->path, what);

	if (r == 0 && heeds)
		r = check_why(run,
			      "the kernel cannot start it: libvirt takes that for a"
			      " refusal, and starts no %s",
			      hook->driver->noun);
	else if (r == 0)
		r = check_why(run, "the kernel cannot start it: libvirt says so in its"
				   " log, and goes on without it");
	return r < 0 ? r : check_fix(run, "%s", fix);
}

static int tell_note(struct check_run *run, const struct hook *hook,
		     const struct check_script_note *note)
{
	static const struct {
		enum check_status status;
		const char *seen, *why, *of_it, *fix; /* the noun between */
	} words[] = {
		[SCRIPT_BACKGROUND] = {
			CHECK_WARN,
			"runs in the background and keeps the hook's output",
			"libvirt reads both outputs to their ends: it waits for this"
			" process, and the",
			"'s start or end hangs meanwhile",
			"write >/dev/null 2>&1 (or into a file) before the &",
		},
		[SCRIPT_LIBVIRT] = {
			CHECK_WARN,
			"talks to libvirt",
			"libvirt waits for the hook, and the hook for libvirt: it can"
			" hang for ever, and does where it is about this",
			"",
			"do without it; or start it in the background, with"
			" >/dev/null 2>&1 before the &",
		},
		[SCRIPT_WAITS] = {
			CHECK_INFO,
			"waits in the hook",
			"each start or end of a",
			" takes as long, and a slower machine needs longer",
			"wait for what is to come, in a loop with an end",
		},
	};
	int r = check_tell(run, words[note->kind].status, NULL, "/%s:%u: %s %s",
			   hook->path, note->line, note->command, words[note->kind].seen);

	if (r == 0)
		r = check_why(run, "%s %s%s", words[note->kind].why, hook->driver->noun,
			      words[note->kind].of_it);
	return r < 0 ? r : check_fix(run, "%s", words[note->kind].fix);
}

/* "/bin/sh", "/usr/bin/env bash": whether a shell reads it. */
static bool is_shells(const char *line, size_t len)
{
	static const char *const shells[] = { "sh", "bash", "dash", "ash", "ksh", "zsh" };
	_cleanup_free_ char *copy = strndup(line, len);
	char *rest = copy, *word;

	while (rest && (word = strsep(&rest, " \t"))) {
		const char *slash = strrchr(word, '/');
		const char *name = slash ? slash + 1 : word;

		if (!*word || word[0] == '-' || !strcmp(name, "env"))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(shells); i++)
			if (!strcmp(name, shells[i]))
				return true;
		return false;
	}
	return false;
}

static int read_script(struct check_run *run, const struct hook *hook, const char *text,
		       size_t len)
{
	_cleanup_(check_script_free) struct check_script_notes notes = { 0 };
	int r = check_script_read(text, len, &notes);

	for (size_t i = 0; r == 0 && i < notes.count; i++)
		r = tell_note(run, hook, &notes.items[i]);
	return r;
}

static int look_inside(struct check_run *run, const struct hook *hook, bool is_executable,
		       const char *text, size_t len)
{
	const char *newline = memchr(text, '\n', len);
	size_t first = newline ? (size_t)(newline - text) : len;
	enum kind kind = kind_of(text, len);

	/* Data, or what another hook reads. */
	if (kind != KIND_SCRIPT && !is_executable)
		return 0;
	if (kind == KIND_ELF)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "/%s is a program: what it does cannot be read",
				  hook->path);
	if (kind == KIND_DATA)
		return hook->is_libvirts
			       ? tell_no_start(run, hook, "it does not begin with #!",
					       "write #!/bin/sh into its first line")
			       : 0;
	if (first && text[first - 1] == '\r')
		return is_executable
			       ? tell_no_start(run, hook,
					       "its lines end as those of DOS do",
					       "take the carriage returns out: sed -i"
					       " 's/\\r$//' FILE")
			       : 0;
	if (!is_shells(text + 2, first - 2))
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "/%s is no shell's script: what it does is not read",
				  hook->path);
	return read_script(run, hook, text, len);
}

static int look_at(struct search *search, const struct hook *hook)
{
	struct check_run *run = search->run;
	_cleanup_free_ char *text = NULL;
	struct host_mode mode = { 0 };
	enum fact fact = host_file_mode(run->facts->host, hook->path, &mode);
	size_t len;
	int r = host_read_file(run->facts->host, hook->path, &text, &len);

	if (r < 0)
		return r == -ENOMEM   ? r
		       : r == -ENOENT ? 0
				      : check_tell_unread(run, hook->path);
	search->found++;
	if (fact != FACT_KNOWN && hook->is_libvirts)
		r = check_tell(run, CHECK_UNKNOWN, NULL,
			       "whether /%s is executable could not be read", hook->path);
	/* What the kernel could not start is data, and must not be made to look like one.
	 */
	else if (fact == FACT_KNOWN && !(mode.mode & 0111) &&
		 kind_of(text, len) != KIND_DATA)
		r = tell_not_run(run, hook, &mode);
	return r < 0 ? r : look_inside(run, hook, mode.mode & 0111, text, len);
}

/* Folders in NAME.d are not libvirt's: dispatchers keep theirs there. */
static int look_through(struct search *search, const char *folder, unsigned int depth)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	const struct host *host = search->run->facts->host;
	size_t len = strlen(folder);
	int r = host_list(host, folder, &names);

	if (r < 0)
		return r == -ENOMEM   ? r
		       : r == -ENOENT ? 0
				      : check_tell_unread(search->run, folder);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		_cleanup_(string_list_free) struct string_list below = { 0 };
		char path[PATH_MAX];
		struct hook hook = { .path = path };

		snprintf(path, sizeof(path), "%s/%s", folder, names.items[i]);
		hook.driver = driver_of(path);
		if (!depth)
			hook.is_libvirts = is_driver(names.items[i]);
		else if (depth == 1 && len > 2 && !strcmp(folder + len - 2, ".d"))
			hook.is_libvirts = true;
		if (host_list(host, path, &below) != -ENOTDIR)
			r = depth < DEPTH_MAX ? look_through(search, path, depth + 1) : 0;
		else
			r = look_at(search, &hook);
	}
	return r;
}

int check_libvirt_hooks(struct check_run *run)
{
	struct search search = { .run = run };
	size_t before = run->findings->count;
	enum fact fact = check_presence(run->facts->host, "etc/libvirt");
	int r;

	if (fact == FACT_UNREADABLE)
		return check_tell_unread(run, "etc/libvirt");
	if (fact == FACT_KNOWN)
		fact = check_presence(run->facts->host, VM_HOOK_FOLDER);
	if (fact == FACT_UNREADABLE)
		return check_tell_unread(run, VM_HOOK_FOLDER);
	if (fact == FACT_ABSENT)
		return check_tell(run, CHECK_PASS, NULL, "there is no /" VM_HOOK_FOLDER);
	r = look_through(&search, VM_HOOK_FOLDER, 0);
	if (r < 0 || run->findings->count > before)
		return r;
	return check_tell(run, CHECK_PASS, NULL,
			  "libvirt can start the %zu in /" VM_HOOK_FOLDER
			  ", and need not wait for them",
			  search.found);
}
