/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/vm_look.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/cleanup.h"
#include "vm/tpm.h"

/* For files on a network, too. */
enum { LOOK_MS = 30000 };

/* Whether a program is there, before any device is touched for it. */
static int find_program(const char *name, const char *hint, struct error *err)
{
	const char *path = getenv("PATH");
	_cleanup_free_ char *copy = strdup(path ? path : "/usr/sbin:/usr/bin:/sbin:/bin");
	char *rest = copy, *folder;

	if (!copy)
		return error_oom(err);
	if (strchr(name, '/') && access(name, X_OK) == 0)
		return 0;
	while (!strchr(name, '/') && (folder = strsep(&rest, ":"))) {
		_cleanup_free_ char *full = NULL;

		if (asprintf(&full, "%s/%s", folder, name) < 0)
			return error_oom(err);
		if (access(full, X_OK) == 0)
			return 0;
	}
	error_set(err, ENOENT, name, "not found");
	error_hint(err, "%s", hint);
	return -ENOENT;
}

static int find_programs(const struct vm_request *request, struct error *err)
{
	int r = find_program(request->config.qemu,
			     "install QEMU (package qemu-system-x86), or name it with"
			     " --qemu",
			     err);

	if (r == 0 && request->has_tpm)
		r = find_program(VM_TPM_PROGRAM,
				 "install swtpm (package swtpm), or leave --tpm out",
				 err);
	return r;
}

/* What QEMU is to open, and how. */
struct needed {
	const char *path;
	int mode; /* as of access(2) */
};

struct look {
	const struct vm_request *request;
	struct needed *files;
	size_t count;
	bool renders; /* a node by which OpenGL draws is needed as well */
};

/* QEMU takes the first that it can open (qemu_drm_rendernode_open(), ui/egl-helpers.c);
 * the kernel gives them the numbers from 128 to 191 (drm_minor_alloc()). */
static const char *find_renderer(char path[32])
{
	for (unsigned int i = 28; i < 92; i++) {
		snprintf(path, 32, "/dev/dri/renderD1%u", i);
		if (access(path, R_OK | W_OK) == 0)
			return path;
	}
	snprintf(path, 32, "/dev/dri/renderD128");
	return path;
}

static int look_at_file(const char *path, int mode, char *answer, size_t *ret_len)
{
	int failure;

	if (access(path, mode) == 0)
		return 0;
	failure = errno;
	snprintf(answer, CHILD_ANSWER_MAX, "%s", path);
	child_publish(ret_len, strlen(answer));
	return -failure;
}

/* In a child: as whom QEMU will be. The answer is which one cannot be opened. */
static int look_at_files(void *argument, char *answer, size_t *ret_len)
{
	const struct look *look = argument;
	char renderer[32];
	int r = launch_become(&look->request->user.user);

	for (size_t i = 0; r == 0 && i < look->count; i++)
		r = look_at_file(look->files[i].path, look->files[i].mode, answer,
				 ret_len);
	if (r == 0 && look->renders)
		r = look_at_file(find_renderer(renderer), R_OK | W_OK, answer, ret_len);
	return r;
}

static void add_needed(struct look *look, const char *path, int mode)
{
	if (path)
		look->files[look->count++] = (struct needed){ path, mode };
}

static int tell_missing(const struct vm_request *request, int failure, const char *path,
			struct error *err)
{
	const char *user = request->user.user.name;

	error_set(err, -failure, *path ? path : "the guest's files", "%s",
		  strerror(-failure));
	if (user && failure == -EACCES)
		error_hint(err, "let %s open it, or run QEMU as root: --user root", user);
	else if (!strncmp(path, "/dev/dri/", strlen("/dev/dri/")))
		error_hint(err, "a GVT-g slice's picture takes OpenGL: without ,display"
				" the guest has a card of QEMU's");
	else if (!strcmp(path, "/dev/kvm"))
		error_hint(err,
			   "turn virtualisation on in the firmware and load kvm_intel or"
			   " kvm_amd, or use --accel tcg, which is slow");
	return failure;
}

/* Unless it was said to QEMU itself where it shows what. */
static bool renders(const struct vm_config *config)
{
	const struct vm_slice *shown = vm_shown_slice(config->slices, config->n_slices);

	return shown && shown->is_intels && !config->extra &&
	       (!config->display || !strcmp(config->display, "vnc"));
}

int vm_look_at_files(const struct vm_request *request, struct error *err)
{
	const struct vm_config *config = &request->config;
	size_t count =
		request->disks.count + request->cdroms.count + config->n_slices + 5;
	struct look look = { .request = request, .renders = renders(config) };
	const struct child_task task = {
		.run = look_at_files,
		.argument = &look,
		.deadline_ms = LOOK_MS,
		.only_looks = true,
	};
	char path[CHILD_ANSWER_MAX + 1] = "";
	struct child_answer answer = { .len = 0 };
	int r = find_programs(request, err);

	if (r < 0)
		return r;
	look.files = calloc(count, sizeof(*look.files));
	if (!look.files)
		return error_oom(err);
	add_needed(&look, config->kernel, R_OK);
	add_needed(&look, config->initrd, R_OK);
	for (size_t i = 0; i < request->disks.count; i++)
		add_needed(&look, request->disks.items[i], R_OK | W_OK);
	for (size_t i = 0; i < request->cdroms.count; i++)
		add_needed(&look, request->cdroms.items[i], R_OK);
	for (size_t i = 0; i < config->n_slices; i++)
		add_needed(&look, config->slices[i].rom, R_OK);
	add_needed(&look, config->audio_server, R_OK | W_OK);
	if (config->audio == VM_AUDIO_ALSA)
		add_needed(&look, request->audio.control, R_OK | W_OK);
	if (config->accelerator == VM_KVM)
		add_needed(&look, "/dev/kvm", R_OK | W_OK);
	r = child_run(&task, &answer, NULL);
	free(look.files);
	memcpy(path, answer.bytes, answer.len);
	return r < 0 ? tell_missing(request, r, path, err) : 0;
}

int vm_look_at_network(const struct host *host, const struct vm_request *request,
		       struct error *err)
{
	const char *bridge = request->config.bridge;
	char path[64];

	if (request->config.network != VM_NETWORK_BRIDGE)
		return 0;
	snprintf(path, sizeof(path), "sys/class/net/%s/bridge", bridge);
	if (!host_exists(host, path)) {
		error_set(err, ENODEV, bridge, "no bridge of this host");
		error_hint(err, "ip -brief link show type bridge lists them; --network"
				" user needs none");
		return -ENODEV;
	}
	if (request->take.dry_run || geteuid() == 0)
		return 0;
	error_set(err, EPERM, bridge, "only root makes an interface for a guest");
	error_hint(err, "use sudo, or --network tap:NAME for one that root has made you");
	return -EPERM;
}
