/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/vm_usb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "change/change.h"
#include "cli/output.h"
#include "vm/usb.h"

static int find(const struct host *host, struct vm_request *request, struct error *err)
{
	struct vm_usb *usb = request->usb;
	int r = 0;

	for (size_t i = 0; r == 0 && i < request->usb_names.count; i++) {
		const char *name = request->usb_names.items[i];

		r = vm_usb_find(host, name, &usb[i], err);
		for (size_t j = 0; r == 0 && j < i; j++)
			if (!strcmp(usb[i].port, usb[j].port))
				r = error_usage(err, "--usb", "%s is %s as well", name,
						request->usb_names.items[j]);
	}
	return r;
}

int vm_usb_look(const struct cli *cli, const struct host *host,
		struct vm_request *request, struct error *err)
{
	size_t count = request->usb_names.count;
	bool runs = !request->take.dry_run;
	int r;

	if (!count)
		return 0;
	if (runs && geteuid() != 0) {
		error_set(err, EPERM, request->usb_names.items[0],
			  "only root hands a device of the host's USB to a guest");
		error_hint(err, "use sudo: the guest runs as you all the same");
		return -EPERM;
	}
	request->usb = calloc(count, sizeof(*request->usb));
	if (!request->usb)
		return error_oom(err);
	r = find(host, request, err);
	if (r < 0)
		return r;
	request->config.usb = request->usb;
	request->config.n_usb = count;
	if (!runs && !cli->quiet)
		output_talk("vm run itself opens --usb for QEMU; %s has to be run by"
			    " root, who may open /dev/bus/usb",
			    request->script ? "this script" : "this command line");
	return 0;
}

int vm_usb_begin(const struct host *host, struct vm_request *request, struct error *err)
{
	size_t count = request->usb_names.count;
	int r;

	if (!count)
		return 0;
	request->usb_fds = malloc(count * sizeof(*request->usb_fds));
	if (!request->usb_fds)
		return error_oom(err);
	for (size_t i = 0; i < count; i++)
		request->usb_fds[i] = -1;
	request->config.usb_fds = request->usb_fds;
	r = find(host, request, err);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = change_open_usb(host, request->usb[i].bus, request->usb[i].device,
				    &request->usb_fds[i], err);
	return r;
}

static void return_one(const char *name, int fd)
{
	int r = change_return_usb(fd);

	if (r < 0)
		output_talk("%s: whether its driver is back is not known: %s", name,
			    strerror(-r));
	close(fd);
}

void vm_usb_end(const struct vm_request *request)
{
	for (size_t i = 0; request->usb_fds && i < request->usb_names.count; i++)
		if (request->usb_fds[i] >= 0)
			return_one(request->usb_names.items[i], request->usb_fds[i]);
}

void vm_usb_end_instead(const struct host *host, const struct vm_request *request)
{
	for (size_t i = 0; i < request->config.n_usb; i++) {
		const struct vm_usb *usb = &request->usb[i];
		int fd;

		/* One that was plugged out has that number no more. */
		if (change_open_usb(host, usb->bus, usb->device, &fd, NULL) == 0)
			return_one(request->usb_names.items[i], fd);
	}
}
