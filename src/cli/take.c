/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/take.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "change/change.h"
#include "cli/display.h"
#include "cli/output.h"
#include "vfio/group.h"

enum { MAX_TIMEOUT_S = 3600 };

int take_parse_timeout(const char *text, struct take_options *options, struct error *err)
{
	uint64_t seconds;

	if (text_parse_number(text, MAX_TIMEOUT_S, &seconds) < 0 || !seconds)
		return error_usage(err, "--timeout",
				   "%s is no number of seconds from 1 to %d", text,
				   MAX_TIMEOUT_S);
	options->deadline_ms = (unsigned int)seconds * 1000;
	return 0;
}

int take_parse_user(const char *text, struct take_options *options, struct error *err)
{
	const struct passwd *entry = getpwnam(text);
	uint64_t number;

	if (entry)
		number = entry->pw_uid;
	else if (text_parse_number(text, UINT32_MAX - 1, &number) < 0)
		return error_usage(err, "--user", "there is no user %s", text);
	options->user = text;
	options->user_number = (uid_t)number;
	return 0;
}

int take_parse_forced(const char *text, struct take_options *options, struct error *err)
{
	struct pci_address address, *larger;

	if (pci_address_parse(text, &address) < 0) {
		error_usage(err, "--force", "%s is no address of a device", text);
		error_hint(err, "name each device that is to go although it is in use:"
				" --force 0000:01:00.0");
		return -EINVAL;
	}
	larger = reallocarray(options->forced, options->n_forced + 1, sizeof(*larger));
	if (!larger)
		return error_oom(err);
	options->forced = larger;
	larger[options->n_forced++] = address;
	return 0;
}

/* Whether they make sense together is known when all are there. */
int take_parse_setting(const char *text, struct take_options *options, struct error *err)
{
	const char *before = options->settings;
	char *longer;

	if (!*text || strchr(text, ' '))
		return error_usage(err, "--set", "%s is no NAME=VALUE", text);
	if (asprintf(&longer, "%s%s%s", before ? before : "", before ? " " : "", text) <
	    0)
		return error_oom(err);
	free(options->settings);
	options->settings = longer;
	return 0;
}

/* One that is no longer there, and of which there is something to forget. */
static bool has_gone(const struct host *host, const struct take_options *options,
		     const char *argument, struct pci_address *ret_address)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE];

	return options->gives_back && pci_address_parse(argument, ret_address) == 0 &&
	       !host_exists(host, pci_attribute_path(ret_address, NULL, path)) &&
	       bind_is_kept(host, ret_address);
}

/* Most name addresses: for those nobody has to look at all devices. */
static bool are_addresses(const struct host *host, int argc, char **argv,
			  struct pci_address *addresses, size_t *ret_count)
{
	size_t count = 0;

	for (int i = 0; i < argc; i++) {
		char path[PCI_ATTRIBUTE_PATH_SIZE];
		size_t same = 0;

		if (pci_address_parse(argv[i], &addresses[count]) < 0 ||
		    !host_exists(host, pci_attribute_path(&addresses[count], NULL, path)))
			return false;
		while (pci_address_compare(&addresses[same], &addresses[count]) != 0)
			same++;
		count += same == count;
	}
	*ret_count = count;
	return true;
}

/* Those of the devices, and behind them those that have gone. */
static int join(struct pci_device *const *devices, size_t count,
		const struct pci_address *gone, size_t n_gone,
		struct pci_address **ret_addresses, struct error *err)
{
	struct pci_address *addresses = calloc(count + n_gone, sizeof(*addresses));

	if (!addresses)
		return error_oom(err);
	for (size_t i = 0; i < count; i++)
		addresses[i] = devices[i]->address;
	for (size_t i = 0; i < n_gone; i++)
		addresses[count + i] = gone[i];
	*ret_addresses = addresses;
	return 0;
}

int take_select(const struct cli *cli, const struct take_options *options, int argc,
		char **argv, struct host **ret_host, struct pci_address **ret_addresses,
		size_t *ret_count, struct error *err)
{
	_cleanup_(cli_view_close) struct cli_view view = { 0 };
	_cleanup_free_ struct pci_device **devices = NULL;
	_cleanup_free_ struct pci_address *addresses = NULL;
	size_t count = 0, n_gone = 0;
	int r;

	if (!argc) {
		error_usage(err, "", "%s needs a DEVICE", cli->command->name);
		error_hint(err, "pciferry list shows what there is");
		return -EINVAL;
	}
	addresses = calloc((size_t)argc, sizeof(*addresses));
	r = addresses ? cli_open_host(cli, &view.host, err) : error_oom(err);
	if (r == 0 && are_addresses(view.host, argc, argv, addresses, ret_count)) {
		*ret_host = steal(view.host);
		*ret_addresses = steal(addresses);
		return 0;
	}
	if (r == 0)
		r = cli_view_look(&view, 0, err);
	for (int i = 0; r == 0 && i < argc; i++) {
		if (has_gone(view.host, options, argv[i], &addresses[n_gone]))
			n_gone++;
		else
			r = cli_select_to_change(&view, argv[i], options->all_matching,
						 &devices, &count, err);
	}
	if (r == 0)
		r = join(devices, count, addresses, n_gone, ret_addresses, err);
	if (r < 0)
		return r;
	*ret_host = steal(view.host);
	*ret_count = count + n_gone;
	return 0;
}

static void say_step(const struct change_step *step, void *argument)
{
	const struct cli *cli = argument;

	if (cli->verbose)
		output_talk("%s: %s", step->device ? step->device : step->target,
			    step->purpose);
}

static int make_plan(const struct host *host, const struct bind_request *request,
		     enum take_direction direction, struct bind_plan *ret_plan,
		     struct error *err)
{
	return direction == TAKE ? bind_plan_take(host, request, ret_plan, err)
				 : bind_plan_release(host, request, ret_plan, err);
}

bool take_is_done(const struct host *host, const struct take_options *options,
		  const struct pci_address *addresses, size_t count,
		  struct bind_plan *ret_plan)
{
	struct bind_request request = {
		.addresses = addresses,
		.count = count,
		.driver = options->driver,
	};
	_cleanup_(bind_plan_free) struct bind_plan plan = { 0 };

	if (make_plan(host, &request, TAKE, &plan, NULL) < 0 || !bind_plan_is_done(&plan))
		return false;
	*ret_plan = plan;
	memset(&plan, 0, sizeof(plan));
	return true;
}

int take_begin(const struct cli *cli, const struct host *host,
	       const struct take_options *options, const struct change_options *late,
	       struct change **ret_change, struct error *err)
{
	struct change_options change_options = {
		.deadline_ms = options->deadline_ms,
		.progress = say_step,
		.came_back = late->came_back,
		.late = late->late,
		.argument = (void *)cli,
	};

	/* A reader of our talk that goes away must not end the work half-way. */
	signal(SIGPIPE, SIG_IGN);
	return change_begin(host, &change_options, options->lock_ms, ret_change, err);
}

static int take(struct change *change, const struct take_options *options,
		struct bind_plan *plan, struct error *err)
{
	int r;

	for (size_t i = 0; i < plan->overridden.count; i++)
		output_talk("forced: %s", plan->overridden.items[i]);
	r = display_warn(change_host(change), plan, err);
	if (r == 0 && !bind_plan_is_done(plan))
		r = bind_take(change, plan, err);
	if (r == 0 && options->user)
		r = bind_give(change, plan, options->user_number, err);
	return r;
}

int take_carry_out(const struct cli *cli, const struct host *host,
		   const struct take_options *options,
		   const struct pci_address *addresses, size_t count,
		   enum take_direction direction, struct bind_plan *ret_plan,
		   struct error *err)
{
	struct bind_request request = {
		.addresses = addresses,
		.count = count,
		.driver = options->driver,
		.guest = options->guest,
		.alone = direction == GIVE_BACK_ALONE,
		.last_look = !options->dry_run,
		.stop_display = options->stop_display,
		.forced = options->forced,
		.n_forced = options->n_forced,
	};
	static const struct change_options late = {
		.came_back = bind_came_back,
		.late = "a process holds the device; when it lets go, the device goes"
			" back to its first driver by itself",
	};
	_cleanup_(bind_plan_free) struct bind_plan plan = { 0 };
	struct bind_settings settings;
	struct change *change;
	int r;

	if (options->settings) {
		r = bind_settings_parse(options->settings, &settings, err);
		if (r < 0)
			return r;
		request.settings = &settings;
	}
	if (options->dry_run)
		return make_plan(host, &request, direction, ret_plan, err);
	r = take_begin(cli, host, options, &late, &change, err);
	if (r < 0)
		return r;
	bind_wait(change, host, &request);
	/* Made only now, with the lock held: the host may have changed since it was
	 * asked. */
	r = make_plan(host, &request, direction, &plan, err);
	if (r == 0)
		r = direction == TAKE ? take(change, options, &plan, err)
				      : bind_release(change, &plan, err);
	change_end(change);
	if (r < 0)
		return r;
	*ret_plan = plan;
	memset(&plan, 0, sizeof(plan));
	return 0;
}

int take_give(const struct cli *cli, const struct host *host,
	      const struct take_options *options, const struct bind_plan *plan,
	      uid_t user, struct error *err)
{
	static const struct change_options none = { 0 };
	struct change *change;
	int r = take_begin(cli, host, options, &none, &change, err);

	if (r < 0)
		return r;
	r = bind_give(change, plan, user, err);
	change_end(change);
	return r;
}

int take_verify(const struct host *host, const struct bind_plan *plan, struct error *err)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE];

	for (size_t i = 0; i < plan->count; i++) {
		bool viable = false;
		int r;

		if (i && plan->members[i].group == plan->members[i - 1].group)
			continue;
		r = vfio_group_viable(host, plan->members[i].group, &viable, err);
		if (r == -EBUSY) /* a guest has it, so it was viable when that began */
			continue;
		if (r < 0)
			return r;
		if (!viable)
			return error_set(err, EIO,
					 pci_attribute_path(&plan->members[i].address,
							    NULL, path),
					 "bound, but VFIO does not call group %u viable",
					 plan->members[i].group);
	}
	error_clear(err);
	return 0;
}

struct pci_address *take_moved(const struct bind_plan *plan, size_t *ret_count)
{
	struct pci_address *moved = calloc(plan->count + 1, sizeof(*moved));

	*ret_count = 0;
	for (size_t i = 0; moved && i < plan->count; i++)
		if (strcmp(plan->members[i].now.driver, plan->members[i].wanted.driver) !=
		    0)
			moved[(*ret_count)++] = plan->members[i].address;
	return moved;
}

void take_block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

void take_print_step_list(const struct change_steps *steps)
{
	for (size_t i = 0; i < steps->count; i++) {
		const struct change_step *step = &steps->items[i];

		switch (step->kind) {
		case CHANGE_LOAD_MODULE:
		case CHANGE_UNLOAD_MODULE:
			output_line("%s %s", step->purpose, step->target);
			break;
		case CHANGE_STOP_UNIT:
		case CHANGE_START_UNIT:
		case CHANGE_SET_UNIT:
			output_line("%s: %s", step->target, step->purpose);
			break;
		case CHANGE_SET_FUNCTION:
		case CHANGE_COPY_ATTRIBUTE:
			output_line("%s: %s", step->device, step->purpose);
			break;
		case CHANGE_WRITE_ATTRIBUTE:
		case CHANGE_GIVE_NODE:
			output_line("%s%s%s (%.*s to /%s)",
				    step->device ? step->device : "",
				    step->device ? ": " : "", step->purpose,
				    (int)strcspn(step->value, "\n"), step->value,
				    step->target);
			break;
		}
	}
}

int take_print_steps(const struct host *host, const struct bind_plan *plan,
		     const struct take_options *options, struct error *err)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	char address[PCI_ADDRESS_SIZE];
	int r = plan->gives_back ? 0 : display_warn(host, plan, err);

	if (r < 0)
		return r;
	if (bind_plan_is_done(plan) && !options->user) {
		output_line("nothing to do");
		return 0;
	}
	if (bind_plan_steps(host, plan, &steps) < 0)
		return error_oom(err);
	for (size_t i = 0; i < plan->overridden.count; i++)
		output_line("forced: %s", plan->overridden.items[i]);
	take_print_step_list(&steps);
	for (size_t i = 0; i < plan->n_gone; i++)
		output_line("%s: no longer there: forget what is kept of it",
			    pci_address_format(&plan->gone[i].address, address));
	for (size_t i = 0; options->user && i < plan->count; i++)
		if (!i || plan->members[i - 1].group != plan->members[i].group)
			output_line("/dev/vfio/%u: give it to %s", plan->members[i].group,
				    options->user);
	return 0;
}
