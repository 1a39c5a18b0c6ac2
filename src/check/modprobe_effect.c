/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of modprobe.d that do nothing on the kernels that are installed. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/internal.h"

/* What the kernels have of a module. */
struct having {
	const struct bootcfg_kernel *builtin; /* the running one before others; or NULL */
	bool module, unknown;
};

static struct having having(const struct check_facts *facts, const char *module)
{
	const struct bootcfg_kernels *kernels = facts->kernels;
	struct having having = { .unknown = kernels->count == 0 };

	for (size_t i = 0; i < kernels->count; i++) {
		struct bootcfg_kernel *kernel = &kernels->items[i];
		enum bootcfg_state state = bootcfg_module(kernel, module);

		if (state == BOOTCFG_BUILTIN && (!having.builtin || kernel->running))
			having.builtin = kernel;
		having.module |= state == BOOTCFG_MODULE;
		/* Of a kernel without a folder nobody knows what it once had. */
		having.unknown |= state == BOOTCFG_UNKNOWN || !kernel->folder;
	}
	return having;
}

/* Files of the person who runs the host; a distribution's are for all its kernels. */
static bool is_own(const struct bootcfg_modprobe_line *line)
{
	return !strncmp(line->file, "etc/", strlen("etc/")) ||
	       !strncmp(line->file, "run/", strlen("run/")) ||
	       !strncmp(line->file, "usr/local/", strlen("usr/local/"));
}

/* The options of a line as parameters of the kernel: "vfio-pci.ids=10de:1e37". */
static bool to_parameters(const struct check_facts *facts,
			  const struct bootcfg_modprobe_line *line, char *buffer,
			  size_t size)
{
	_cleanup_(bootcfg_cmdline_free) struct bootcfg_cmdline words = { 0 };
	bool missing = false;
	size_t len = 0;

	buffer[0] = '\0';
	if (bootcfg_cmdline_parse(line->rest, strlen(line->rest), &words) < 0)
		return true;
	for (size_t i = 0; i < words.count; i++) {
		const char *value = words.items[i].value;
		const struct bootcfg_parameter *given;
		char name[128];

		snprintf(name, sizeof(name), "%s.%s", line->module, words.items[i].name);
		given = bootcfg_find_parameter(&facts->cmdline, name);
		if (given &&
		    !strcmp(given->value ? given->value : "", value ? value : ""))
			continue;
		missing = true;
		if (len < size)
			len += (size_t)snprintf(buffer + len, size - len, "%s%s%s%s",
						len ? " " : "", name, value ? "=" : "",
						value ? value : "");
	}
	return missing;
}

static int tell_builtin(struct check_run *run, const struct bootcfg_modprobe_line *line,
			const struct bootcfg_kernel *kernel)
{
	bool vfio = !strncmp(line->module, "vfio", strlen("vfio"));
	char parameters[256];
	int r;

	if (!to_parameters(run->facts, line, parameters, sizeof(parameters)))
		return 0;
	r = check_tell(run, vfio && kernel->running ? CHECK_FAIL : CHECK_WARN, NULL,
		       "/%s:%u: options for %.60s, which is built into the kernel %s",
		       line->file, line->number, line->module, kernel->release);
	if (r == 0)
		r = check_why(run, "modprobe does not load it, so its options are never"
				   " given to it");
	return r < 0 ? r : check_fix_parameter(run, parameters);
}

static int tell_missing(struct check_run *run, const struct bootcfg_modprobe_line *line)
{
	int r = check_tell(run, CHECK_WARN, NULL,
			   "/%s:%u: options for %.60s, which no installed kernel has",
			   line->file, line->number, line->module);

	if (r == 0)
		r = check_why(run, "the line does nothing");
	return r < 0 ? r
		     : check_fix(run, "look for a spelling mistake, or install the"
				      " module for the kernels that boot");
}

/* Hosts have dozens of blacklist lines for what they do not have: one finding a file. */
static int tell_not_there(struct check_run *run, const char *file,
			  const struct check_names *names)
{
	int r;

	if (!names->len)
		return 0;
	r = check_tell(run, CHECK_INFO, NULL,
		       "/%s: no installed kernel has these modules: %s", file,
		       names->text);
	return r < 0 ? r
		     : check_why(run, "such lines do nothing; they matter where a name is"
				      " misspelt");
}

static int look_at_line(struct check_run *run, const struct bootcfg_modprobe_line *line,
			struct check_names *not_there, bool *ret_unknown)
{
	struct having found = having(run->facts, line->module);

	if (line->kind == MODPROBE_OPTIONS && found.builtin)
		return tell_builtin(run, line, found.builtin);
	if (found.builtin || found.module ||
	    /* Options may be given to an alias as well. */
	    bootcfg_modprobe_find(&run->facts->modprobe, MODPROBE_ALIAS, line->module))
		return 0;
	if (found.unknown)
		*ret_unknown = true;
	else if (line->kind == MODPROBE_OPTIONS)
		return tell_missing(run, line);
	else
		check_add_name(not_there, "", line->module);
	return 0;
}

int check_modprobe_missing(struct check_run *run)
{
	const struct bootcfg_modprobe *modprobe = &run->facts->modprobe;
	size_t before = run->findings->count;
	struct check_names names = { 0 };
	const char *file = NULL;
	bool unknown = false;
	int r = 0;

	if (!check_has_modprobe(run, &r))
		return r;
	for (size_t i = 0; r == 0 && i < modprobe->count; i++) {
		const struct bootcfg_modprobe_line *line = &modprobe->lines[i];

		if (file && line->file != file) {
			r = tell_not_there(run, file, &names);
			names = (struct check_names){ 0 };
		}
		file = line->file;
		if (r == 0 && is_own(line) &&
		    (line->kind == MODPROBE_OPTIONS || line->kind == MODPROBE_BLACKLIST ||
		     line->kind == MODPROBE_SOFTDEP))
			r = look_at_line(run, line, &names, &unknown);
	}
	if (r == 0)
		r = tell_not_there(run, file, &names);
	if (r == 0 && unknown && run->findings->count == before)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "the modules of an installed kernel could not be read");
	return r < 0 ? r
		     : check_modprobe_end(run, before,
					  "each line of the host's own is about a module"
					  " that takes it");
}

/* The modules that use it, and for which it was loaded. */
static int find_users(const struct host *host, const char *module,
		      struct check_names *names)
{
	_cleanup_(string_list_free) struct string_list holders = { 0 };
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "sys/module/%s/holders", module);
	r = host_list(host, path, &holders);
	for (size_t i = 0; i < holders.count; i++)
		check_add_name(names, "", holders.items[i]);
	return r == -ENOMEM ? r : 0;
}

/* "pre: a b post: c" */
static bool softdep_has(const char *rest, const char *module)
{
	char word[64];

	while (*rest) {
		size_t len = strcspn(rest, " \t");

		snprintf(word, sizeof(word), "%.*s", (int)len, rest);
		if (bootcfg_same_name(word, module))
			return true;
		rest += len + strspn(rest + len, " \t");
	}
	return false;
}

static const struct bootcfg_modprobe_line *
find_softdep(const struct bootcfg_modprobe *modprobe, const char *module)
{
	for (size_t i = 0; i < modprobe->count; i++)
		if (modprobe->lines[i].kind == MODPROBE_SOFTDEP &&
		    softdep_has(modprobe->lines[i].rest, module))
			return &modprobe->lines[i];
	return NULL;
}

static int tell_blacklisted(struct check_run *run,
			    const struct bootcfg_modprobe_line *line,
			    const struct bootcfg_kernel *builtin)
{
	int r = check_tell(run, CHECK_WARN, NULL, "/%s:%u: %.60s is %s%s", line->file,
			   line->number, line->module,
			   builtin ? "built into the kernel " : "loaded all the same",
			   builtin ? builtin->release : "");

	return r < 0 ? r
		     : check_why(run, "a blacklist only keeps a module from being chosen"
				      " for a device that is found");
}

static int tell_loaded(struct check_run *run, const struct bootcfg_modprobe_line *line,
		       const char *module)
{
	const struct bootcfg_modprobe_line *softdep =
		find_softdep(&run->facts->modprobe, module);
	struct check_names users = { 0 };
	int r = find_users(run->facts->host, module, &users);

	if (r == 0)
		r = tell_blacklisted(run, line, NULL);
	if (r < 0)
		return r;
	if (users.len)
		return check_fix(run,
				 "it is loaded for modules that need it: put those on"
				 " the blacklist as well (%s), then %s, and reboot",
				 users.text, check_rebuild(run->facts));
	if (softdep)
		return check_fix(run,
				 "%.60s asks for it: take the softdep line out of"
				 " /%s:%u",
				 softdep->module, softdep->file, softdep->number);
	return check_fix(run,
			 "%s, and reboot; if it comes back, something loads it by name:"
			 " \"install %.60s /bin/false\" in that file stops it",
			 check_rebuild(run->facts), module);
}

static int look_at_blacklist(struct check_run *run,
			     const struct bootcfg_modprobe_line *line)
{
	const struct having found = having(run->facts, line->module);
	char module[64], path[PATH_MAX];
	int r;

	if (found.builtin) {
		r = tell_blacklisted(run, line, found.builtin);
		return r < 0 ? r
			     : check_fix(run,
					 "it cannot be kept away: give the device to"
					 " vfio-pci with pciferry bind, and take the"
					 " line out of /%s",
					 line->file);
	}
	/* The kernel writes every name with "_". */
	snprintf(module, sizeof(module), "%s", line->module);
	for (char *at = module; *at; at++)
		if (*at == '-')
			*at = '_';
	if (strchr(module, '/'))
		return 0;
	snprintf(path, sizeof(path), "sys/module/%s", module);
	return host_exists(run->facts->host, path) ? tell_loaded(run, line, module) : 0;
}

int check_modprobe_blacklist(struct check_run *run)
{
	const struct bootcfg_modprobe *modprobe = &run->facts->modprobe;
	size_t before = run->findings->count;
	bool any = false;
	int r = 0;

	if (!check_has_modprobe(run, &r))
		return r;
	for (size_t i = 0; r == 0 && i < modprobe->count; i++) {
		const struct bootcfg_modprobe_line *line = &modprobe->lines[i];

		if (line->kind != MODPROBE_BLACKLIST || !is_own(line))
			continue;
		any = true;
		r = look_at_blacklist(run, line);
	}
	if (r == 0 && any && run->findings->count == before &&
	    !host_exists(run->facts->host, "sys/module"))
		return check_tell_unread(run, "sys/module");
	return r < 0 ? r
		     : check_modprobe_end(run, before,
					  "no module of the host's own blacklists is"
					  " there");
}
