/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/vm_audio.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

int vm_audio_take(const char *text, struct vm_request *request, struct error *err)
{
	struct vm_audio_wish *wish = &request->audio;

	*wish = (struct vm_audio_wish){ .is_wanted = true };
	if (!text)
		return 0;
	wish->driver = !strcmp(text, "pa")     ? VM_AUDIO_PA
		       : !strcmp(text, "alsa") ? VM_AUDIO_ALSA
					       : VM_AUDIO_NONE;
	if (wish->driver != VM_AUDIO_NONE)
		return 0;
	error_usage(err, "--audio", "%s is neither pa nor alsa", text);
	error_hint(err,
		   "QEMU's others go behind --, with a card for the guest: -- -audiodev"
		   " DRIVER,id=NAME -device ...");
	return -EINVAL;
}

/* PipeWire answers there as PulseAudio does (pipewire-pulse(1)). */
static bool find_server(const struct host *host, struct vm_request *request)
{
	char *server = request->audio.server, session[VM_SESSION_SIZE];

	vm_user_session(&request->user, session);
	snprintf(server, sizeof(request->audio.server), "%s/pulse/native", session);
	return host_exists(host, server);
}

static bool goes_to_guest(const char *target, const struct pci_address *asked,
			  size_t n_asked)
{
	for (size_t i = 0; i < n_asked; i++) {
		char address[PCI_ADDRESS_SIZE], slot[PCI_ADDRESS_SIZE + 1];

		/* All functions of the slot go. */
		snprintf(slot, sizeof(slot), "/%s",
			 pci_address_format(&asked[i], address));
		slot[strlen(slot) - 1] = '\0';
		if (strstr(target, slot))
			return true;
	}
	return false;
}

/* One of ALSA's that the host keeps; its controls are what a user may open or not. */
static bool find_card(const struct host *host, struct vm_request *request,
		      const struct pci_address *asked, size_t n_asked)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	unsigned int card;

	if (host_list(host, "sys/class/sound", &names) < 0)
		return false;
	for (size_t i = 0; i < names.count; i++) {
		char path[PATH_MAX], target[PATH_MAX];

		snprintf(path, sizeof(path), "sys/class/sound/%s", names.items[i]);
		if (sscanf(names.items[i], "card%u", &card) != 1 ||
		    host_link_target(host, path, target, sizeof(target)) != FACT_KNOWN ||
		    goes_to_guest(target, asked, n_asked))
			continue;
		snprintf(request->audio.control, sizeof(request->audio.control),
			 "/dev/snd/controlC%u", card);
		return true;
	}
	return false;
}

static int tell_missing(const struct vm_request *request, struct error *err)
{
	const struct vm_audio_wish *wish = &request->audio;

	if (wish->driver == VM_AUDIO_PA)
		error_set(err, ENOENT, wish->server, "no sound server listens there");
	else
		error_set(err, ENOENT, "--audio",
			  "no sound card stays with the host, and no sound server listens"
			  " at %s",
			  wish->server);
	error_hint(err,
		   "log in as the user whose guest it is, for a session with PipeWire or"
		   " PulseAudio; or leave --audio out");
	return -ENOENT;
}

int vm_audio_look(const struct host *host, struct vm_request *request,
		  const struct pci_address *asked, size_t n_asked, struct error *err)
{
	struct vm_config *config = &request->config;
	enum vm_audio wanted = request->audio.driver;
	bool has_server;

	if (!request->audio.is_wanted)
		return 0;
	if (wanted == VM_AUDIO_PA && request->script)
		return error_usage(
			err, "--audio",
			"pa does not go with --script: root runs a script, whom"
			" the sound server of a session does not answer");
	has_server = find_server(host, request);
	if (has_server && wanted != VM_AUDIO_ALSA && !request->script) {
		config->audio = VM_AUDIO_PA;
		config->audio_server = request->audio.server;
		return 0;
	}
	if (wanted == VM_AUDIO_PA || !find_card(host, request, asked, n_asked))
		return tell_missing(request, err);
	config->audio = VM_AUDIO_ALSA;
	/* What mixes the sound of several programs is a process of its own, which the
	 * first of them starts (alsa-lib's src/pcm/pcm_direct.c). */
	if (config->sandbox == VM_SANDBOX_FULL)
		config->sandbox = VM_SANDBOX_USUAL;
	return 0;
}
