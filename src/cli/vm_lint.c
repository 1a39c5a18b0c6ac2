/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciferry vm lint: what is wrong or slow in a domain. */
#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "check/domain.h"
#include "cli/findings.h"
#include "cli/vm.h"
#include "cli/vm_target.h"

/* What it starts with counts; of a domain that is not kept, what it runs with. */
static int look(const struct cli_view *view, const struct vm_target *target,
		struct check_findings *findings, struct error *err)
{
	_cleanup_(vm_domain_list_free) struct vm_domain_list others = { 0 };
	const struct vm_side *side =
		target->config.text ? &target->config : &target->live;
	struct check_domain_request request = {
		.devices = &view->devices,
		.groups = &view->groups,
		.topology = &view->topology,
		.configs = view->configs,
		.usage = &view->usage,
		.file = target->connection ? NULL : target->name,
		.live = target->live.text ? &target->live.definition : NULL,
		.bytes = side->text,
		.len = side->len,
	};

	if (target->connection) {
		int r = vm_list_domains(target->connection, &others, err);

		if (r < 0)
			return r;
		request.others = &others;
	}
	return check_domain(view->host, &request, findings, err);
}

static int run_lint(struct cli *cli, int argc, char **argv, struct error *err)
{
	_cleanup_(vm_target_request_free) struct vm_target_request request = { 0 };
	_cleanup_(check_findings_free) struct check_findings findings = { 0 };
	_cleanup_(vm_target_close) struct vm_target target = { 0 };
	_cleanup_(cli_view_close) struct cli_view view = { 0 };
	const char *name;
	int words, r;

	r = vm_target_parse(cli, VM_TARGET_LINT, argc, argv, &request, &name, &words,
			    err);
	if (r == 0)
		r = cli_view_open(cli, &view,
				  CLI_NEEDS_TOPOLOGY | CLI_NEEDS_CONFIG | CLI_NEEDS_USAGE,
				  err);
	if (r == 0 && !request.file && !host_is_live(view.host)) {
		error_set(err, EROFS, name, "%s has no libvirt to ask",
			  host_name(view.host));
		error_hint(err, "--xml FILE looks at a definition");
		r = -EROFS;
	}
	if (r == 0)
		r = vm_target_open(view.host, &request, name, &target, err);
	if (r == 0)
		r = look(&view, &target, &findings, err);
	if (r == 0 && cli->json)
		r = findings_print_json("vm lint", &findings, err);
	else if (r == 0)
		findings_print(cli, &findings);
	if (r < 0)
		return r;
	return findings_count(&findings, CHECK_FAIL) ? CLI_FAILED : CLI_DONE;
}

const struct cli_command cli_vm_lint = {
	.name = "vm lint",
	.arguments = "DOMAIN",
	.summary = "what is wrong or slow in a domain, and what to do",
	.options =
		"  --connect URI    another libvirt (qemu:///system)\n"
		"  --xml FILE       look at a file instead of a DOMAIN\n"
		"\n"
		"As check: FAIL is wrong, WARN slow or at risk. Exit status 1 when one FAILs.\n",
	.run = run_lint,
};
