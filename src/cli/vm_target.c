/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/vm_target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "change/change.h"
#include "cli/file.h"
#include "cli/output.h"
#include "cli/take.h"
#include "cli/vm_options.h"
#include "vm/domain.h"

enum {
	OPTION_CONFIG = 1,
	OPTION_LIVE,
	OPTION_XML,
	OPTION_CONNECT,
	OPTION_ALL_MATCHING,
	OPTION_TIMEOUT,
	OPTION_SHARED,
	OPTION_ROM,
	OPTION_MAC,
};

#define COMMON                                                     \
	{ "xml", required_argument, NULL, OPTION_XML },            \
	{                                                          \
		"connect", required_argument, NULL, OPTION_CONNECT \
	}
#define SIDES                                                          \
	{ "config", no_argument, NULL, OPTION_CONFIG },                \
		{ "live", no_argument, NULL, OPTION_LIVE },            \
	{                                                              \
		"all-matching", no_argument, NULL, OPTION_ALL_MATCHING \
	}

static const struct option attach_options[] = {
	COMMON,
	SIDES,
	{ "shared", no_argument, NULL, OPTION_SHARED },
	{ "rom", required_argument, NULL, OPTION_ROM },
	{ "mac", required_argument, NULL, OPTION_MAC },
	{ 0 },
};

static const struct option detach_options[] = {
	COMMON,
	SIDES,
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ 0 },
};

static const struct option lint_options[] = { COMMON, { 0 } };

static const struct {
	const struct option *options;
	bool takes_devices;
} verbs[] = {
	[VM_TARGET_ATTACH] = { attach_options, true },
	[VM_TARGET_DETACH] = { detach_options, true },
	[VM_TARGET_LINT] = { lint_options, false },
};

static int take_timeout(struct vm_target_request *request, struct error *err)
{
	struct take_options options = TAKE_OPTIONS_INIT;
	int r = take_parse_timeout(optarg, &options, err);

	request->deadline_ms = options.deadline_ms;
	return r;
}

static int take_option(struct vm_target_request *request, int value, struct error *err)
{
	switch (value) {
	case OPTION_CONFIG:
		request->config = true;
		return 0;
	case OPTION_LIVE:
		request->live = true;
		return 0;
	case OPTION_XML:
		request->file = optarg;
		return 0;
	case OPTION_CONNECT:
		return vm_parse_uri(optarg, &request->uri, err);
	case OPTION_ALL_MATCHING:
		request->all_matching = true;
		return 0;
	case OPTION_SHARED:
		request->shared = true;
		return 0;
	case OPTION_TIMEOUT:
		return take_timeout(request, err);
	case OPTION_ROM:
		return string_list_add(&request->roms, optarg) < 0 ? error_oom(err) : 0;
	case OPTION_MAC:
		return string_list_add(&request->macs, optarg) < 0 ? error_oom(err) : 0;
	default:
		return value;
	}
}

void vm_target_request_free(struct vm_target_request *request)
{
	string_list_free(&request->roms);
	string_list_free(&request->macs);
}

int vm_target_parse(struct cli *cli, enum vm_target_verb verb, int argc, char **argv,
		    struct vm_target_request *ret_request, const char **ret_name,
		    int *ret_words, struct error *err)
{
	bool takes_devices = verbs[verb].takes_devices;
	int value, r = 0;

	*ret_request = (struct vm_target_request){ .only_looks = !takes_devices,
						   .deadline_ms = 30000 };
	*ret_name = NULL;
	while (r == 0 &&
	       (value = cli_next_option(cli, argc, argv, verbs[verb].options, err)) != -1)
		r = take_option(ret_request, value, err);
	if (r < 0)
		return r;
	if (!ret_request->file && optind < argc)
		*ret_name = argv[optind++];
	*ret_words = optind;
	if (!ret_request->file && !*ret_name)
		return error_usage(err, "", "%s needs a DOMAIN, or --xml FILE",
				   cli->command->name);
	if (ret_request->file && (ret_request->config || ret_request->live))
		return error_usage(err, "--xml", "a file is neither --config nor --live");
	if (takes_devices && optind >= argc)
		return error_usage(err, "", "%s needs a DEVICE", cli->command->name);
	if (!takes_devices && optind < argc)
		return error_usage(err, argv[optind], "%s looks at one domain",
				   cli->command->name);
	return 0;
}

static int read_side(struct vm_side *side, char *text, size_t len, bool is_meant,
		     struct error *err)
{
	side->text = text;
	side->len = len;
	side->is_meant = is_meant;
	return vm_definition_read(text, len, &side->definition, err);
}

/* Takes the text. */
static int read_text(struct vm_side *side, char **text, bool is_meant, struct error *err)
{
	size_t len = strlen(*text);

	return read_side(side, steal(*text), len, is_meant, err);
}

static int open_file(const char *path, struct vm_target *target, struct error *err)
{
	char *bytes = NULL;
	size_t len;
	int r = file_read(path, VM_DOMAIN_MAX, &bytes, &len, err);

	target->name = path;
	return r < 0 ? r : read_side(&target->config, bytes, len, true, err);
}

static int tell_missing(const char *name, bool live, struct error *err)
{
	error_set(err, EINVAL, name,
		  live ? "it does not run" : "its definition is not kept when it ends");
	error_hint(err, live ? "--config changes what it starts with"
			     : "--live changes what it runs with");
	return -EINVAL;
}

static int join_libvirt(const struct host *host, const struct vm_target_request *request,
			struct vm_connection **ret_connection, struct error *err)
{
	int r;

	if (request->only_looks)
		return vm_connect_to_look(request->uri, ret_connection, err);
	r = change_check_host(host, err);
	return r == 0 ? vm_connect(request->uri, ret_connection, err) : r;
}

int vm_target_open(const struct host *host, const struct vm_target_request *request,
		   const char *name, struct vm_target *ret_target, struct error *err)
{
	_cleanup_(vm_domain_texts_free) struct vm_domain_texts texts = { 0 };
	bool both = request->config == request->live;
	int r;

	if (request->file)
		return open_file(request->file, ret_target, err);
	ret_target->name = name;
	r = join_libvirt(host, request, &ret_target->connection, err);
	if (r == 0)
		r = vm_read_domain(ret_target->connection, name, &texts, err);
	if (r < 0)
		return r;
	if (request->config && !texts.config)
		return tell_missing(name, false, err);
	if (request->live && !texts.live)
		return tell_missing(name, true, err);
	if (texts.config)
		r = read_text(&ret_target->config, &texts.config, both || request->config,
			      err);
	if (r == 0 && texts.live)
		r = read_text(&ret_target->live, &texts.live, both || request->live, err);
	return r;
}

void vm_target_close(struct vm_target *target)
{
	vm_disconnect(target->connection);
	free(target->config.text);
	vm_definition_free(&target->config.definition);
	free(target->live.text);
	vm_definition_free(&target->live.definition);
}

int vm_target_save(const struct vm_target *target, char *edited, size_t len,
		   struct error *err)
{
	if (target->connection)
		return vm_redefine_domain(target->connection, target->name,
					  target->config.text, edited, err);
	output_file(edited, len);
	return 0;
}
