/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libvirt waits for. It never talks to libvirt, which would wait for itself, and it
 * ends in time, whatever a driver does.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "bind/slices.h"
#include "cli/file.h"
#include "cli/output.h"
#include "cli/take.h"
#include "cli/vm_functions.h"
#include "cli/vm_hook.h"
#include "vm/domain.h"
#include "vm/isolate.h"
#include "vm/slices.h"

/*
 * A step that takes longer hangs. All has its end, too: nothing else of libvirt's goes on
 * with this guest meanwhile.
 */
enum { STEP_MS = 30000, LOCK_MS = 20000, ALL_S = 120 };

/* An end that is refused is not tried again: it waits for images that are being made. */
enum { LOCK_AT_END_MS = 90000 };

enum { OPTION_TIMEOUT = 1 };

/* The words that libvirt gives; what comes behind them is of no account. */
enum { DOMAIN, OPERATION, SUB_OPERATION, WORDS };

static void too_late(int number)
{
	output_last_words("pciferry: it is not done after two minutes, and is given up\n"
			  "  pciferry list shows what has moved; pciferry release gives"
			  " it back\n");
	raise(number);
}

/* Killed there, nothing is lost: what was moved is written down. */
static void begin_deadline(void)
{
	/* The second time it is as ever, and ends the program. */
	const struct sigaction action = { .sa_handler = too_late,
					  .sa_flags = SA_RESETHAND };

	sigaction(SIGALRM, &action, NULL);
	alarm(ALL_S);
}

/* The parser says that it is too large. */
static int read_definition(char **ret_bytes, size_t *ret_len, struct error *err)
{
	int r = file_read_open(STDIN_FILENO, VM_DOMAIN_MAX, ret_bytes, ret_len);

	return r < 0 ? error_set(err, -r, "the domain's definition", "%s", strerror(-r))
		     : 0;
}

/* A guest that has not got what it asks for does not start: docs/design/hooks.md. */
static int isolate(const struct cli *cli, const struct host *host,
		   const struct take_options *options, const struct vm_cpuset *pinned,
		   struct error *err)
{
	static const struct change_options none = { 0 };
	struct change *change;
	int r;

	if (vm_cpuset_is_empty(pinned)) {
		error_set(err, EINVAL, options->guest,
			  "it asks for cores of its own, and none of its processors is"
			  " pinned to any");
		error_hint(err, "virsh vcpupin --config says where they run");
		return -EINVAL;
	}
	r = take_begin(cli, host, options, &none, &change, err);
	if (r < 0)
		return r;
	r = vm_isolate(change, options->guest, pinned, err);
	change_end(change);
	if (r < 0)
		error_hint(err, "without <isolate> in its <metadata> it starts (virsh"
				" edit)");
	return r;
}

/*
 * They are made in a change of their own, behind that of the functions; and looked at
 * before it, so that nothing is moved for a guest that does not start.
 */
static int get_slices(const struct cli *cli, const struct host *host,
		      const struct take_options *options, const struct string_list *uuids,
		      bool only_looks, struct error *err)
{
	struct change *change;
	int r = take_begin(cli, host, options, &vm_slices_late, &change, err);

	if (r < 0)
		return r;
	r = only_looks ? vm_slices_check(change, uuids, err)
		       : vm_slices_make(change, uuids, options->guest, err);
	change_end(change);
	return r;
}

static int remove_slices(const struct cli *cli, const struct host *host,
			 const struct take_options *options, struct error *err)
{
	_cleanup_(string_list_free) struct string_list uuids = { 0 };
	struct change *change;
	int r = bind_guest_slices(host, options->guest, &uuids, err);

	if (r < 0 || !uuids.count)
		return r;
	r = take_begin(cli, host, options, &vm_slices_late, &change, err);
	if (r < 0)
		return r;
	r = vm_slices_remove(change, options->guest, err);
	change_end(change);
	return r;
}

static int end_isolation(const struct cli *cli, const struct host *host,
			 const struct take_options *options, struct error *err)
{
	static const struct change_options none = { 0 };
	struct change *change;
	int r;

	if (!vm_isolate_is_kept(host))
		return 0;
	r = take_begin(cli, host, options, &none, &change, err);
	if (r < 0)
		return r;
	r = vm_isolate_end(change, options->guest, err);
	change_end(change);
	return r;
}

/* Functions that stay on a driver which hands them to guests itself. */
static int leave_vendors(const struct host *host, struct vm_domain *domain,
			 struct error *err)
{
	size_t left = 0;

	for (size_t i = 0; i < domain->n_devices; i++) {
		bool stays;
		int r = vm_function_stays(host, &domain->devices[i], &stays, err);

		if (r < 0)
			return r;
		if (!stays)
			domain->devices[left++] = domain->devices[i];
	}
	domain->n_devices = left;
	return 0;
}

static int prepare(const struct cli *cli, const struct take_options *options,
		   struct error *err)
{
	_cleanup_(vm_domain_free) struct vm_domain domain = { 0 };
	_cleanup_(bind_plan_free) struct bind_plan plan = { 0 };
	_cleanup_(host_cleanup) struct host *host = NULL;
	_cleanup_free_ char *bytes = NULL;
	size_t len = 0;
	int r = read_definition(&bytes, &len, err);

	if (r == 0)
		r = vm_domain_parse(bytes, len, &domain, err);
	if (r < 0 || (!domain.n_devices && !domain.slices.count && !domain.isolates))
		return r;
	r = cli_open_host(cli, &host, err);
	if (r == 0)
		r = leave_vendors(host, &domain, err);
	if (r == 0 && domain.n_devices && domain.slices.count)
		r = get_slices(cli, host, options, &domain.slices, true, err);
	if (r == 0 && domain.n_devices) {
		r = take_carry_out(cli, host, options, domain.devices, domain.n_devices,
				   TAKE, &plan, err);
		if (r == 0)
			r = take_verify(host, &plan, err);
	}
	if (r == 0 && domain.slices.count)
		r = get_slices(cli, host, options, &domain.slices, false, err);
	if (r == 0 && domain.isolates)
		r = isolate(cli, host, options, &domain.pinned, err);
	return r;
}

/* Also what has been left behind by a start that was cut off, or an older definition. */
static int give_back(const struct cli *cli, const struct host *host,
		     const struct take_options *options, struct error *err)
{
	_cleanup_free_ struct pci_address *addresses = NULL;
	_cleanup_(error_clear) struct error all = ERROR_INIT;
	struct bind_plan plan = { 0 };
	size_t count = 0;
	int r = bind_guest_devices(host, options->guest, &addresses, &count, err);
	int result = 0;

	if (r < 0 || !count)
		return r;
	r = take_carry_out(cli, host, options, addresses, count, GIVE_BACK_ALONE, &plan,
			   &all);
	bind_plan_free(&plan);
	if (r == 0 || all.kind != ERROR_REFUSED || count == 1) {
		*err = all;
		memset(&all, 0, sizeof(all));
		return r;
	}
	/* One that is in use again keeps none of the others. */
	for (size_t i = 0; i < count; i++) {
		struct error one = ERROR_INIT;
		struct bind_plan alone = { 0 };

		r = take_carry_out(cli, host, options, &addresses[i], 1, GIVE_BACK_ALONE,
				   &alone, &one);
		bind_plan_free(&alone);
		result = error_gather(result, r, &one, err);
	}
	return result;
}

/* None waits for another's success. */
static int release(const struct cli *cli, const struct take_options *options,
		   struct error *err)
{
	static int (*const parts[])(const struct cli *, const struct host *,
				    const struct take_options *, struct error *) = {
		give_back,
		remove_slices,
		end_isolation,
	};
	_cleanup_(host_cleanup) struct host *host = NULL;
	int result = cli_open_host(cli, &host, err);

	for (size_t i = 0; host && i < ARRAY_SIZE(parts); i++) {
		struct error one = ERROR_INIT;
		int r = parts[i](cli, host, options, &one);

		result = error_gather(result, r, &one, err);
	}
	return result;
}

static int parse(struct cli *cli, int argc, char **argv, struct take_options *options,
		 struct error *err)
{
	static const struct option own[] = {
		{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
		{ 0 },
	};
	int value, r = 0;

	while (r == 0 && (value = cli_next_option(cli, argc, argv, own, err)) != -1)
		r = value == OPTION_TIMEOUT ? take_parse_timeout(optarg, options, err)
					    : value;
	if (r < 0)
		return r;
	if (argc - optind < WORDS) {
		error_usage(err, "",
			    "vm hook run needs what libvirt gives a hook:"
			    " DOMAIN OPERATION SUB-OPERATION EXTRA");
		error_hint(err, "pciferry vm hook install has libvirt call it");
		return -EINVAL;
	}
	options->guest = argv[optind + DOMAIN];
	return bind_is_guest_name(options->guest)
		       ? 0
		       : error_usage(err, options->guest, "not the name of a domain");
}

int vm_hook_run(struct cli *cli, int argc, char **argv, struct error *err)
{
	struct take_options options = {
		.deadline_ms = STEP_MS,
		.lock_ms = LOCK_MS,
	};
	int r = parse(cli, argc, argv, &options, err);

	if (r < 0)
		return r;
	begin_deadline();
	cli->quiet = true;
	argv += optind;
	if (!strcmp(argv[OPERATION], "prepare") && !strcmp(argv[SUB_OPERATION], "begin"))
		return prepare(cli, &options, err);
	if (strcmp(argv[OPERATION], "release") != 0 ||
	    strcmp(argv[SUB_OPERATION], "end") != 0)
		return 0;
	options.lock_ms = LOCK_AT_END_MS;
	return release(cli, &options, err);
}
