/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/vm_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sha256.h"
#include "cli/output.h"
#include "pci/device.h"
#include "pci/modalias.h"

/* The guest's variables: its own copy, made once, its user's. */
static int make_vars(const struct host *host, const struct vm_user *user,
		     const struct vm_firmware *firmware, const char *path,
		     struct error *err)
{
	_cleanup_free_ char *bytes = NULL;
	size_t len;
	int r = host_read_file(host, firmware->vars_template, &bytes, &len);

	if (r < 0)
		return error_set(err, -r, firmware->vars_template, "%s", strerror(-r));
	r = vm_user_create_file(user, host, path, bytes, len, err);
	if (r == -EEXIST)
		return 0;
	if (r < 0)
		error_hint(err,
			   "name a place for the guest's firmware variables with --vars");
	return r;
}

static int absolute_path(const char *path, char *buffer, size_t size, struct error *err)
{
	char here[PATH_MAX] = "";
	int len;

	if (path[0] != '/' && !getcwd(here, sizeof(here)))
		return error_set(err, errno, path, "%s", strerror(errno));
	len = snprintf(buffer, size, "%s%s%s", here, path[0] != '/' ? "/" : "", path);
	return len < 0 || (size_t)len >= size
		       ? error_set(err, ENAMETOOLONG, path, "%s", strerror(ENAMETOOLONG))
		       : 0;
}

/* Whose folders are used; NULL: the system's. A script is run by root, who is not to work
 * in those of another. */
static const char *home_of(const struct vm_request *request)
{
	return request->script ? NULL : request->user.home;
}

/* What stays: where a user's programs keep what is theirs (XDG Base Directory
 * Specification). */
static int place_to_keep(const struct vm_request *request, const char *folder,
			 const char *suffix, char buffer[PATH_MAX], struct error *err)
{
	const char *home = home_of(request);
	int len = snprintf(buffer, PATH_MAX, "%s%s/pciferry/%s/%s%s",
			   home ? home : "/var/lib", home ? "/.local/share" : "", folder,
			   request->config.name, suffix);

	return len < PATH_MAX ? 0
			      : error_set(err, ENAMETOOLONG, request->config.name, "%s",
					  strerror(ENAMETOOLONG));
}

/* What is of this run alone: where a session keeps such things, if there is one. */
static int place_to_run(const struct host *host, const struct vm_request *request,
			const char *suffix, char buffer[PATH_MAX], struct error *err)
{
	char session[VM_SESSION_SIZE];
	int r = 0;

	vm_user_session(&request->user, session);
	if (!home_of(request))
		snprintf(buffer, PATH_MAX, "/run/pciferry/guests/%s%s",
			 request->config.name, suffix);
	else if (host_exists(host, session))
		snprintf(buffer, PATH_MAX, "%s/pciferry/%s%s", session,
			 request->config.name, suffix);
	else
		r = place_to_keep(request, "run", suffix, buffer, err);
	if (r == 0 && strlen(buffer) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
		error_set(err, ENAMETOOLONG, buffer, "too long for a socket (unix(7))");
		error_hint(err, "give the guest a shorter --name");
		r = -ENAMETOOLONG;
	}
	return r;
}

/* The card's own outputs show what the guest draws, once its firmware has started it. */
static bool brings_screen(const struct host *host, const struct pci_address *address)
{
	_cleanup_free_ char *text = NULL;
	char path[PCI_ATTRIBUTE_PATH_SIZE];
	struct pci_device device = { 0 };
	size_t len;

	if (host_read_file(host, pci_attribute_path(address, "modalias", path), &text,
			   &len) < 0 ||
	    pci_modalias_parse(text, strcspn(text, "\n"), &device) < 0)
		return false;
	device.ids = FACT_KNOWN;
	return pci_gives_picture(&device);
}

/* What was said to QEMU itself. */
static bool has_display_of_its_own(char *const *extra)
{
	static const char *const words[] = {
		"-display", "-vnc", "-spice", "-nographic", "-curses", "-vga",
	};

	for (; extra && *extra; extra++)
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			if (!strcmp(*extra + (!strncmp(*extra, "--", 2) ? 1 : 0),
				    words[i]))
				return true;
	return false;
}

/* Whether its user would see nothing of the guest, who has not said what he wants. */
static bool needs_screen(const struct host *host, const struct vm_config *config)
{
	if (has_display_of_its_own(config->extra))
		return false;
	if (vm_shown_slice(config->slices, config->n_slices))
		return true;
	if (config->kernel && config->append && strstr(config->append, "console=ttyS"))
		return false;
	for (size_t i = 0; i < config->n_devices; i++)
		if (brings_screen(host, &config->devices[i]))
			return false;
	return true;
}

/* Of the file or socket. */
static int make_folder_of(const struct host *host, const struct vm_user *user,
			  const char *path, struct error *err)
{
	_cleanup_free_ char *folder = strndup(path, (size_t)(strrchr(path, '/') - path));

	return folder ? vm_user_create_folder(user, host, folder, err) : error_oom(err);
}

static int make_screen(const struct host *host, const struct vm_request *request,
		       struct vm_files *files, struct error *err)
{
	int r = place_to_run(host, request, ".vnc", files->screen, err);

	if (r < 0 || request->take.dry_run)
		return r;
	r = make_folder_of(host, &request->user, files->screen, err);
	return r < 0 ? r : vm_user_check_socket(&request->user, host, files->screen, err);
}

/* A guest that nobody wanted to see starts without, rather than not at all. */
static int prepare_screen(const struct cli *cli, const struct host *host,
			  struct vm_request *request, struct vm_files *files,
			  struct error *err)
{
	_cleanup_(error_clear) struct error failure = ERROR_INIT;
	struct vm_config *config = &request->config;
	bool is_asked = config->display && !strcmp(config->display, "vnc");
	int r;

	if (!is_asked && (config->display || !needs_screen(host, config)))
		return 0;
	/* Who wants a slice's picture wants to see it. */
	is_asked |= vm_shown_slice(config->slices, config->n_slices) != NULL;
	config->display = NULL;
	r = make_screen(host, request, files, is_asked ? err : &failure);
	if (r == -EADDRINUSE) {
		error_set(err, -r, config->name,
			  "a guest of that name runs, and shows"
			  " its screen at %s",
			  files->screen);
		error_hint(err, "give this one another --name");
		return r;
	}
	if (r == 0)
		config->screen = files->screen;
	else if (!is_asked && !cli->quiet)
		output_talk("the guest has no screen: %s: %s", failure.subject,
			    failure.message);
	return is_asked ? r : 0;
}

/* A shell has it by a path; QEMU, from here, by a socket that nobody else has. */
static int prepare_tpm(const struct host *host, struct vm_request *request,
		       struct vm_files *files, struct error *err)
{
	int r = place_to_keep(request, "tpm", "", files->tpm, err);

	if (r == 0 && strchr(files->tpm, ','))
		return error_set(err, EINVAL, files->tpm,
				 "swtpm takes no path with a comma");
	if (r == 0 && !request->take.dry_run)
		return vm_user_create_folder(&request->user, host, files->tpm, err);
	if (r == 0)
		r = place_to_run(host, request, ".tpm", files->tpm_socket, err);
	if (r == 0)
		r = place_to_run(host, request, ".tpm.pid", files->tpm_pid, err);
	files->tpm_line.path = files->tpm_socket;
	request->config.tpm = &files->tpm_line;
	return r;
}

/*
 * QEMU gives every guest the same address. This one is the guest's for good, and another
 * host's guest by the same name has another; 52:54:00 is what guests of QEMU's have.
 */
static int prepare_network(const struct host *host, struct vm_request *request,
			   struct vm_files *files, struct error *err)
{
	struct vm_config *config = &request->config;
	_cleanup_free_ char *machine = NULL, *text = NULL;
	char sum[SHA256_TEXT_SIZE];
	struct sha256 sha;
	size_t len;
	int r = sha256_load(&sha, err);

	if (r < 0)
		return r;
	/* machine-id(5); a host without is told from no other. */
	if (host_read_file(host, "etc/machine-id", &machine, &len) < 0)
		machine = strdup("");
	if (!machine || asprintf(&text, "%s\n%s", config->name, machine) < 0)
		return error_oom(err);
	sha256_text(&sha, text, strlen(text), sum);
	snprintf(files->mac, sizeof(files->mac), "52:54:00:%.2s:%.2s:%.2s", sum, sum + 2,
		 sum + 4);
	config->mac = files->mac;
	snprintf(files->tap, sizeof(files->tap), "ferry-%.6s", sum);
	config->tap = files->tap;
	return 0;
}

static int prepare_vars(const struct host *host, struct vm_request *request,
			struct vm_files *files, struct error *err)
{
	struct vm_config *config = &request->config;
	int r = vm_find_firmware(host, VM_FIRMWARE_PLAIN, &files->firmware, err);

	if (r == 0 && request->vars)
		r = absolute_path(request->vars, files->vars, sizeof(files->vars), err);
	else if (r == 0)
		r = place_to_keep(request, "vars", ".fd", files->vars, err);
	if (r == 0 && !request->take.dry_run)
		r = make_vars(host, &request->user, &files->firmware, files->vars, err);
	config->firmware = &files->firmware;
	config->vars = files->vars;
	return r;
}

static void name_guest(struct vm_config *config, struct vm_files *files)
{
	char address[PCI_ADDRESS_SIZE];

	if (config->name)
		return;
	snprintf(files->name, sizeof(files->name), "pciferry-%s",
		 config->n_devices ? pci_address_format(&config->devices[0], address)
				   : config->slices[0].uuid);
	config->name = files->name;
}

int vm_files_prepare(const struct cli *cli, const struct host *host,
		     struct vm_request *request, struct vm_files *ret_files,
		     struct error *err)
{
	struct vm_config *config = &request->config;
	int r = 0;

	name_guest(config, ret_files);
	if (request->script)
		r = place_to_run(host, request, ".lock", ret_files->lock, err);
	if (r == 0 && !request->bios)
		r = prepare_vars(host, request, ret_files, err);
	if (r == 0 && request->has_tpm)
		r = prepare_tpm(host, request, ret_files, err);
	if (r == 0 && config->network == VM_NETWORK_BRIDGE)
		r = prepare_network(host, request, ret_files, err);
	return r < 0 ? r : prepare_screen(cli, host, request, ret_files, err);
}

void vm_files_end(const struct host *host, const struct vm_request *request,
		  struct vm_files *files)
{
	/* QEMU leaves it. Where another listens by now, it is not this run's. */
	if (request->config.screen && !request->take.dry_run)
		vm_user_remove_socket(&request->user, host, files->screen);
	vm_firmware_free(&files->firmware);
}

void vm_files_end_instead(const struct host *host, const struct vm_request *request)
{
	struct vm_request its = *request;
	struct vm_files files = { 0 };

	name_guest(&its.config, &files);
	if (place_to_run(host, &its, ".vnc", files.screen, NULL) == 0)
		vm_user_remove_socket(&its.user, host, files.screen);
}
