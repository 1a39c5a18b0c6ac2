/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a device that nothing holds back would find what is written here in the
 * machine's memory as it was written.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "vfio/dma_kind.h"

/* Whether a line of words has this one. */
static bool has_word(const char *line, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = line; (at = strstr(at, word)); at += n)
		if ((at == line || strchr(" \t:", at[-1])) && strchr(" \n", at[n]))
			return true;
	return false;
}

/* The kernel sets AMD's where the firmware has turned it on (early_detect_mem_encrypt()).
 */
static bool may_encrypt(const struct host *host, const char *flags)
{
	_cleanup_free_ char *words = NULL;
	size_t len;

	if (has_word(flags, "tdx_guest") || host_exists(host, "dev/tdx_guest") ||
	    host_exists(host, "dev/sev-guest"))
		return true;
	if (!has_word(flags, "sme") && !has_word(flags, "sev"))
		return false;
	if (has_word(flags, "hypervisor"))
		return true;
	return host_read_file(host, "proc/cmdline", &words, &len) < 0 ||
	       !has_word(words, "mem_encrypt=off");
}

bool vfio_dma_memory_is_plain(const struct host *host, char *ret_reason, size_t size)
{
	_cleanup_free_ char *text = NULL;
	const char *begin;
	char *end;
	size_t len;

	if (host_read_file(host, "proc/cpuinfo", &text, &len) < 0) {
		snprintf(ret_reason, size,
			 "/proc/cpuinfo cannot be read, which tells"
			 " whether memory may be encrypted");
		return false;
	}
	/* Those of Arm and others have no such line. */
	begin = strstr(text, "\nflags\t");
	if (!begin) {
		snprintf(ret_reason, size,
			 "there is a test on x86 alone: of this machine neither its"
			 " memory nor its IOMMU's faults are known well enough");
		return false;
	}
	end = strchr(begin + 1, '\n');
	if (end)
		end[1] = '\0';
	if (!may_encrypt(host, begin))
		return true;
	snprintf(ret_reason, size,
		 "memory may be encrypted (sme, sev or tdx_guest in /proc/cpuinfo), and"
		 " a device that nothing holds back would take what is encrypted for"
		 " commands; on a host without it, mem_encrypt=off says so to the"
		 " kernel");
	return false;
}
