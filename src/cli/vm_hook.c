/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Having libvirt call pciferry, or not any more. */
#include "cli/vm_hook.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "change/edit.h"
#include "cli/edits.h"
#include "cli/json.h"
#include "cli/output.h"
#include "vm/domain.h"
#include "vm/hook.h"
#include "vm/libvirt.h"

enum { OPTION_DRY_RUN = 1 };

struct job {
	bool is_removal;
	bool dry_run;
	char program[PATH_MAX]; /* which the hook is to call */
	struct vm_libvirt libvirt;
	struct change_edits edits;
	unsigned int id; /* of the change; 0: none was needed */
};

static void job_free(struct job *job)
{
	change_edits_free(&job->edits);
}

static int parse(struct cli *cli, int argc, char **argv, struct job *job,
		 struct error *err)
{
	static const struct option own[] = {
		{ "dry-run", no_argument, NULL, OPTION_DRY_RUN },
		{ 0 },
	};
	int value;

	while ((value = cli_next_option(cli, argc, argv, own, err)) != -1) {
		if (value < 0)
			return value;
		job->dry_run = true;
	}
	if (optind < argc)
		return error_usage(err, argv[optind], "vm hook %s takes no argument",
				   argv[0]);
	return 0;
}

static int find_program(const struct host *host, struct job *job, struct error *err)
{
	if (host_link_target(host, "proc/self/exe", job->program, sizeof(job->program)) ==
	    FACT_KNOWN)
		return 0;
	return error_set(err, ENOENT, "/proc/self/exe",
			 "where this program is cannot be told");
}

static int plan(const struct host *host, struct job *job, struct error *err)
{
	int r;

	if (job->is_removal)
		return vm_hook_remove(host, &job->edits, err);
	vm_libvirt_read(host, &job->libvirt);
	r = vm_libvirt_check_hooks(&job->libvirt, err);
	if (r == 0)
		r = find_program(host, job, err);
	return r < 0 ? r : vm_hook_install(host, job->program, &job->edits, err);
}

static int make(const struct cli *cli, const struct host *host, struct job *job,
		struct error *err)
{
	const char *title = job->is_removal
				    ? "libvirt does not call pciferry any more"
				    : "libvirt calls pciferry for guests that ask for it";
	struct change *change;
	int r = edits_begin(cli, host, &change, err);

	if (r < 0)
		return r;
	r = change_refuse_interrupted(change, err);
	if (r == 0)
		r = plan(host, job, err);
	if (r == 0 && job->edits.count)
		r = edits_apply(cli, change, title, NULL, 0, &job->edits, &job->id, err);
	change_end(change);
	return r;
}

static int print_json(const struct job *job)
{
	struct json_object *root = json_root("vm");
	struct json_object *hook = json_object_new_object();
	char version[32];

	snprintf(version, sizeof(version), "%u.%u", job->libvirt.major,
		 job->libvirt.minor);
	json_object_object_add(root, "hook", hook);
	json_add_text(hook, "path", "/" VM_HOOK);
	json_add_text(hook, "program", job->is_removal ? NULL : job->program);
	json_add_text(hook, "libvirt_version",
		      job->libvirt.version_fact == FACT_KNOWN ? version : NULL);
	json_add_text(hook, "restart", job->id ? job->libvirt.daemon : NULL);
	json_add_number(hook, "change", job->id ? FACT_KNOWN : FACT_ABSENT, job->id);
	json_object_object_add(hook, "edits", edits_json(&job->edits));
	return output_json(root);
}

/* What a person has to do as well. */
static void tell_rest(const struct job *job)
{
	if (job->libvirt.daemon)
		output_line("%s looks for hooks when it starts: systemctl restart %s"
			    " (guests run on)",
			    job->libvirt.daemon, job->libvirt.daemon);
	if (job->libvirt.fact != FACT_KNOWN || job->libvirt.version_fact != FACT_KNOWN)
		output_line("Which libvirt is here could not be told: it reads hooks in"
			    " qemu.d since 6.5.");
	output_line("A guest asks for it in its definition (virsh edit), within"
		    " <metadata>:");
	output_line("  <pciferry:" VM_DOMAIN_ELEMENT
		    " xmlns:pciferry=\"" VM_DOMAIN_NAMESPACE "\"/>");
}

static int print_result(const struct job *job, struct error *err)
{
	if (!job->edits.count) {
		output_line(job->is_removal ? "/" VM_HOOK " is not there."
					    : "/" VM_HOOK " is there already.");
		return 0;
	}
	if (job->dry_run)
		return edits_print_all(&job->edits, NULL, err);
	output_line(job->is_removal
			    ? "libvirt calls pciferry no more: change %u, pciferry undo"
			      " %u takes it back."
			    : "libvirt calls pciferry: change %u, pciferry undo %u takes"
			      " it back.",
		    job->id, job->id);
	if (job->is_removal)
		output_line("What guests that run now were given goes back by pciferry"
			    " release; cores by pciferry vm hook run -- GUEST release end"
			    " -.");
	else
		tell_rest(job);
	return 0;
}

static int run_job(struct cli *cli, int argc, char **argv, bool is_removal,
		   struct error *err)
{
	_cleanup_(job_free) struct job job = { .is_removal = is_removal };
	_cleanup_(host_cleanup) struct host *host = NULL;
	int r = parse(cli, argc, argv, &job, err);

	if (r == 0)
		r = cli_open_host(cli, &host, err);
	if (r == 0)
		r = change_check_host(host, err);
	if (r == 0)
		r = job.dry_run ? plan(host, &job, err) : make(cli, host, &job, err);
	if (r == 0)
		r = cli->json ? print_json(&job) : print_result(&job, err);
	return r == -ENOMEM ? error_oom(err) : r;
}

static int run(struct cli *cli, int argc, char **argv, struct error *err)
{
	static const struct option none[] = { { 0 } };
	const char *word = argc > 1 ? argv[1] : "";
	int r;

	if (!strcmp(word, "run"))
		return vm_hook_run(cli, argc - 1, argv + 1, err);
	if (!strcmp(word, "install") || !strcmp(word, "remove"))
		return run_job(cli, argc - 1, argv + 1, word[0] == 'r', err);
	r = word[0] == '-' ? cli_next_option(cli, argc, argv, none, err) : -1;
	if (r != -1)
		return r;
	error_usage(err, word, "vm hook takes install, remove or run");
	error_hint(err, "pciferry vm hook --help tells more");
	return -EINVAL;
}

const struct cli_command cli_vm_hook = {
	.name = "vm hook",
	.arguments = "install|remove [--dry-run]",
	.summary = "have libvirt call pciferry as a guest starts and ends",
	.options =
		"The devices that a guest's definition names with managed='no' are bound, and\n"
		"those that were bound for it go back. Only for guests that ask for it, in\n"
		"<metadata>, as vm create --hand-over has them do:\n"
		"  <pciferry:hand-over xmlns:pciferry=\"urn:pciferry:domain:1\"/>\n"
		"With this one (vm create --isolate) the host's tasks are kept off its cores:\n"
		"  <pciferry:isolate xmlns:pciferry=\"urn:pciferry:domain:1:isolate\"/>\n",
	.run = run,
};
