/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm/hook.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "vm/domain.h"
#include "vm/vm.h"

/*
 * libvirt starts it for each step of each guest, so what does not matter ends here, and
 * so do guests that do not ask: they start, whatever is the matter with pciferry. Where
 * that has been removed, no guest is its business.
 */
static char *make_script(const char *program)
{
	_cleanup_free_ char *word = vm_shell_quote(program);
	char *text;

	if (!word ||
	    asprintf(
		    &text,
		    "#!/bin/sh\n"
		    "# Written by pciferry vm hook install; pciferry vm hook remove takes"
		    " it out.\n"
		    "# Hands devices over for guests that ask for it: pciferry vm hook"
		    " --help\n"
		    "[ -x %s ] || exit 0\n"
		    "case $2/$3 in\n"
		    "prepare/begin)\n"
		    "    definition=$(cat)\n"
		    "    case $definition in\n"
		    "    *" VM_DOMAIN_NAMESPACE "*) ;;\n"
		    "    *) exit 0 ;;\n"
		    "    esac\n"
		    "    printf '%%s\\n' \"$definition\" | %s vm hook run -- \"$@\"\n"
		    "    ;;\n"
		    "release/end) exec %s vm hook run -- \"$@\" ;;\n"
		    "esac\n",
		    word, word, word) < 0)
		return NULL;
	return text;
}

/* In a folder like /tmp nobody can take away what is root's. */
static bool is_roots(const struct host_mode *mode, bool is_folder)
{
	return !mode->owner && (!(mode->mode & 022) || (is_folder && mode->mode & 01000));
}

static int check_place(const struct host *host, const char *path, const char *program,
		       bool is_folder, struct error *err)
{
	struct host_mode mode;
	enum fact fact = host_file_mode(host, path, &mode);

	if (fact != FACT_KNOWN) {
		error_set(err, fact == FACT_ABSENT ? ENOENT : EIO, program,
			  fact == FACT_ABSENT ? "it is not there any more"
					      : "whose it is could not be read");
		error_hint(err, "install pciferry, and run that one");
		return fact == FACT_ABSENT ? -ENOENT : -EIO;
	}
	if (is_roots(&mode, is_folder))
		return 0;
	error_refuse(err, program,
		     "others than root can put another in its place, and libvirt would"
		     " run it as root: nothing was changed");
	error_evidence(err, "/%s: mode %04o, owner %u", path, mode.mode, mode.owner);
	error_hint(err, "install pciferry, and run that one");
	return -EPERM;
}

/* libvirt runs hooks as root, and so whoever can change the program would be root. */
static int check_program(const struct host *host, const char *program, struct error *err)
{
	const char *path = program + strspn(program, "/");
	_cleanup_free_ char *folder = strdup(path);
	int r = folder ? check_place(host, path, program, false, err) : error_oom(err);

	for (char *slash; r == 0 && (slash = strrchr(folder, '/'));) {
		*slash = '\0';
		r = check_place(host, folder, program, true, err);
	}
	return r;
}

/* Whether a rule of AppArmor's lets it be started: "[owner] PATH PERMISSIONS,". */
static bool rule_allows(const char *line, const char *program, const char *all)
{
	char words[3][512] = { "", "", "" };
	size_t path;

	if (sscanf(line, " %511s %511s %511s", words[0], words[1], words[2]) < 2)
		return false;
	path = words[0][0] != '/';
	return (!strcmp(words[path], program) || !strcmp(words[path], all)) &&
	       strchr(words[path + 1], 'x');
}

static bool file_allows(const struct host *host, const char *path, const char *program)
{
	size_t folder = (size_t)(strrchr(program, '/') - program), len;
	_cleanup_free_ char *text = NULL, *all = NULL;
	char *rest, *line;

	if (host_read_file(host, path, &text, &len) < 0)
		return false;
	if (asprintf(&all, "%.*s/*", (int)folder, program) < 0) {
		all = NULL;
		return false;
	}
	rest = text;
	while ((line = strsep(&rest, "\n")))
		if (line[strspn(line, " \t")] != '#' && rule_allows(line, program, all))
			return true;
	return false;
}

/*
 * A hook runs under the daemon's own profile (hooks are "rmix" in libvirt's
 * src/security/apparmor/usr.sbin.libvirtd.in), which lets it start what is in these
 * folders. One that cannot start pciferry would keep each guest from starting.
 */
static int check_confinement(const struct host *host, const char *program,
			     struct error *err)
{
	static const char *const folders[] = { "/usr/bin/", "/usr/sbin/", "/bin/",
					       "/sbin/" };
	static const char *const profiles[] = { "usr.sbin.libvirtd",
						"usr.sbin.virtqemud" };
	char enabled[8], profile[64], local[64];

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (!strncmp(program, folders[i], strlen(folders[i])) &&
		    !strchr(program + strlen(folders[i]), '/'))
			return 0;
	if (host_read(host, "sys/module/apparmor/parameters/enabled", enabled,
		      sizeof(enabled)) != FACT_KNOWN ||
	    strcmp(enabled, "Y") != 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
		snprintf(profile, sizeof(profile), "etc/apparmor.d/%s", profiles[i]);
		snprintf(local, sizeof(local), "etc/apparmor.d/local/%s", profiles[i]);
		if (!host_exists(host, profile) || file_allows(host, profile, program) ||
		    file_allows(host, local, program))
			continue;
		error_set(err, EACCES, program,
			  "AppArmor does not let libvirt's hooks start it, by /%s:"
			  " nothing was changed",
			  profile);
		error_hint(err,
			   "install pciferry in /usr/bin; or add the line \"%s PUx,\" to"
			   " /%s, and: apparmor_parser -r /%s",
			   program, local, profile);
		return -EACCES;
	}
	return 0;
}

int vm_hook_install(const struct host *host, const char *program,
		    struct change_edits *ret_edits, struct error *err)
{
	_cleanup_free_ char *text = make_script(program);
	int r = text ? check_program(host, program, err) : error_oom(err);

	if (r == 0)
		r = check_confinement(host, program, err);
	if (r == 0 && change_edit_write_program(ret_edits, VM_HOOK,
						"have libvirt call pciferry for guests"
						" that ask for it",
						text, strlen(text)) < 0)
		r = error_oom(err);
	return r == 0 ? change_edits_look(host, ret_edits, err) : r;
}

int vm_hook_remove(const struct host *host, struct change_edits *ret_edits,
		   struct error *err)
{
	if (change_edit_remove(ret_edits, VM_HOOK,
			       "have libvirt not call pciferry any more") < 0)
		return error_oom(err);
	return change_edits_look(host, ret_edits, err);
}
