/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plan that is tried for one boot. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/trial.h"
#include "bootcfg/confd.h"
#include "plan/internal.h"
#include "plan/trial.h"

/* The file that the entry loads, by the name that both have for it. */
static int find_image(const struct plan_view *view, const struct bootcfg_entry *entry,
		      char **ret_path, struct error *err)
{
	const struct bootcfg_images *images = &view->images;
	const char *initrd = entry->initrds.items[entry->initrds.count - 1];

	for (size_t i = 0; i < images->count; i++)
		if (!strcmp(bootcfg_confd_name(images->items[i].path),
			    bootcfg_confd_name(initrd))) {
			*ret_path = strdup(images->items[i].path);
			return *ret_path ? 0 : error_oom(err);
		}
	error_refuse(err, initrd,
		     "the initramfs of the kernel that runs was not found: no second one"
		     " can be put beside it");
	error_hint(err, "mount /boot and the EFI system partition, and try again");
	return -EPERM;
}

static int refuse_obstacles(const struct plan_view *view,
			    const struct bootcfg_entry *entry, struct error *err)
{
	struct error obstacles = ERROR_INIT;

	if (!boot_trial_obstacles(view->host, &view->boot, entry, &obstacles))
		return 0;
	error_refuse(err, "--trial",
		     "it could not end by itself here, so nothing was changed");
	for (char **line = obstacles.evidence; line && *line; line++)
		error_evidence(err, "%s", *line);
	error_hint(err, "where somebody can stand at the machine, apply without --trial:"
			" pciferry=off at the boot menu is the way back");
	error_clear(&obstacles);
	return -EPERM;
}

/* What nothing of all this catches is said before it begins. */
static int tell_limits(const struct plan_view *view, struct plan *plan)
{
	bool watched = host_exists(view->host, "sys/class/watchdog/watchdog0");
	int r = string_list_add(&plan->risks,
				"a kernel that hangs before systemd runs, without a"
				" panic: only turning the power off and on helps");

	if (r == 0)
		r = string_list_add(
			&plan->risks,
			watched ? "a hang later than that: the hardware watchdog"
				  " resets the machine after a minute"
				: "a hang later than that: there is no hardware"
				  " watchdog, so the same helps");
	if (r == 0)
		r = string_list_add(&plan->returns,
				    "reboot: the boot after the trial's is the old one");
	if (r == 0)
		r = string_list_addf(&plan->returns,
				     "wait: unless somebody says pciferry commit, it"
				     " reboots %d minutes after it has started",
				     PLAN_TRIAL_MINUTES);
	if (r == 0)
		r = string_list_add(&plan->returns,
				    "pciferry undo: every file as it was");
	return r;
}

int plan_edit_trial(const struct plan_view *view, struct plan *plan, struct error *err)
{
	const struct bootcfg_kernel *kernel = bootcfg_running_kernel(view->kernels);
	_cleanup_free_ struct boot_binding *bindings = NULL;
	_cleanup_free_ char *image = NULL;
	struct boot_trial trial = { .release = kernel ? kernel->release : "",
				    .parameters = &plan->parameters };
	int r;

	trial.entry = bootcfg_boot_running(&view->boot, trial.release, &view->cmdline);
	r = refuse_obstacles(view, trial.entry, err);
	if (r == 0)
		r = find_image(view, trial.entry, &image, err);
	if (r == 0 && plan->count)
		r = plan_want_parameters(view, plan, &plan->parameters, err);
	if (r < 0)
		return r;
	bindings = plan_bindings(plan);
	if (!bindings)
		return error_oom(err);
	r = change_next_id(view->host, &trial.id);
	if (r < 0)
		return error_set(err, -r, "/var/lib/pciferry/journal", "%s",
				 strerror(-r));
	plan->trial = trial.id;
	trial.image = image;
	r = boot_edit_trial(view->host, &view->boot, &trial, bindings, plan->count,
			    &plan->edits, err);
	return r == 0 && tell_limits(view, plan) < 0 ? error_oom(err) : r;
}

bool plan_trial_now(const struct host *host, unsigned int *ret_id)
{
	_cleanup_(bootcfg_cmdline_free) struct bootcfg_cmdline cmdline = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t len;

	return host_read_file(host, "proc/cmdline", &text, &len) == 0 &&
	       bootcfg_cmdline_parse(text, len, &cmdline) == 0 &&
	       boot_trial_of(&cmdline, ret_id);
}

bool plan_trial_pending(const struct host *host, unsigned int *ret_id)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	bool found = false;

	if (host_list(host, BOOT_TRIAL_TABS, &names) < 0)
		return false;
	for (size_t i = 0; !found && i < names.count; i++) {
		uint64_t id;

		if (!text_ends_with(names.items[i], ".tab"))
			continue;
		names.items[i][strlen(names.items[i]) - strlen(".tab")] = '\0';
		found = text_parse_number(names.items[i], UINT32_MAX, &id) == 0;
		if (found)
			*ret_id = (unsigned int)id;
	}
	return found;
}

/* What an earlier trial put there would be the trial's and the host's at once. */
int plan_refuse_pending(const struct host *host, struct error *err)
{
	unsigned int trial;

	if (!plan_trial_pending(host, &trial))
		return 0;
	error_refuse(err, "", "trial %u is not over: nothing was changed", trial);
	error_hint(err,
		   "pciferry commit in its boot makes it permanent; pciferry undo %u"
		   " takes it out",
		   trial);
	return -EPERM;
}
