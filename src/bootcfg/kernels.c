/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootcfg/kernels.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "host/gzip.h"

/* The largest configurations are some 300 KB. */
enum { CONFIG_MAX = 4 << 20 };

static const char running_config[] = "proc/config.gz";

int bootcfg_release_parse(const char *release, unsigned int *ret_version,
			  unsigned int *ret_patchlevel)
{
	unsigned long version, patchlevel;
	char *end;

	if (!isdigit((unsigned char)release[0]))
		return -EINVAL;
	version = strtoul(release, &end, 10);
	if (*end != '.' || !isdigit((unsigned char)end[1]))
		return -EINVAL;
	patchlevel = strtoul(end + 1, &end, 10);
	if (version > USHRT_MAX || patchlevel > USHRT_MAX)
		return -EINVAL;
	*ret_version = (unsigned int)version;
	*ret_patchlevel = (unsigned int)patchlevel;
	return 0;
}

bool bootcfg_is_before(const struct bootcfg_kernel *kernel, unsigned int version,
		       unsigned int patchlevel)
{
	if (kernel->version != version)
		return kernel->version && kernel->version < version;
	return kernel->patchlevel < patchlevel;
}

/* An option that depends on one that is off is not even mentioned. */
enum bootcfg_state bootcfg_option_parse(const char *text, size_t len, const char *name)
{
	const char *end = text + len, *at = text;
	char key[80];
	size_t n;

	snprintf(key, sizeof(key), "CONFIG_%s=", name);
	n = strlen(key);
	while ((at = memmem(at, (size_t)(end - at), key, n))) {
		bool starts = at == text || at[-1] == '\n';

		at += n;
		if (starts && at < end)
			return *at == 'y'   ? BOOTCFG_BUILTIN
			       : *at == 'm' ? BOOTCFG_MODULE
					    : BOOTCFG_MISSING;
	}
	return BOOTCFG_MISSING;
}

static void read_config(struct bootcfg_kernel *kernel)
{
	static const char *const patterns[] = {
		"boot/config-%s",
		"lib/modules/%s/config",
		"usr/lib/modules/%s/config",
	};
	char path[PATH_MAX];

	kernel->config_read = true;
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		kernel->config_path = patterns[i];
		bootcfg_config_path(kernel, path, sizeof(path));
		if (host_read_file(kernel->host, path, &kernel->config,
				   &kernel->config_len) == 0)
			return;
	}
	/* Last, for it takes a library to unpack it. */
	kernel->config_path = running_config;
	if (!kernel->running || host_read_gzip(kernel->host, running_config, CONFIG_MAX,
					       &kernel->config, &kernel->config_len) < 0)
		kernel->config_path = NULL;
}

const char *bootcfg_config_path(const struct bootcfg_kernel *kernel, char *buffer,
				size_t size)
{
	const char *pattern = kernel->config_path ? kernel->config_path : "";
	const char *hole = strstr(pattern, "%s");

	if (hole)
		snprintf(buffer, size, "%.*s%s%s", (int)(hole - pattern), pattern,
			 kernel->release, hole + strlen("%s"));
	else
		snprintf(buffer, size, "%s", pattern);
	return buffer;
}

enum bootcfg_state bootcfg_option(struct bootcfg_kernel *kernel, const char *name)
{
	if (!kernel->config_read)
		read_config(kernel);
	if (!kernel->config)
		return BOOTCFG_UNKNOWN;
	return bootcfg_option_parse(kernel->config, kernel->config_len, name);
}

static enum fact read_modules(struct bootcfg_kernel *kernel, const char *name,
			      enum bootcfg_state state, char **ret_text)
{
	char path[PATH_MAX];
	size_t len;
	int r;

	snprintf(path, sizeof(path), "%s/%s", kernel->folder, name);
	r = host_read_file(kernel->host, path, ret_text, &len);
	if (r == -ENOENT)
		return FACT_ABSENT;
	if (r < 0 || bootcfg_modules_parse(*ret_text, len, state, &kernel->modules) < 0)
		return FACT_UNREADABLE;
	return FACT_KNOWN;
}

enum bootcfg_state bootcfg_module(struct bootcfg_kernel *kernel, const char *name)
{
	const struct bootcfg_module *module;

	if (!kernel->folder)
		return BOOTCFG_MISSING;
	if (!kernel->modules_read) {
		kernel->modules_read = true;
		kernel->builtin_fact = read_modules(kernel, "modules.builtin",
						    BOOTCFG_BUILTIN, &kernel->builtin);
		kernel->dep_fact =
			read_modules(kernel, "modules.dep", BOOTCFG_MODULE, &kernel->dep);
	}
	module = bootcfg_modules_find(&kernel->modules, name);
	if (module)
		return module->state;
	return kernel->dep_fact == FACT_KNOWN && kernel->builtin_fact == FACT_KNOWN
		       ? BOOTCFG_MISSING
		       : BOOTCFG_UNKNOWN;
}

static int add_kernel(const struct host *host, const char *folder, const char *release,
		      struct bootcfg_kernels *kernels)
{
	struct bootcfg_kernel *larger, *kernel;

	larger = reallocarray(kernels->items, kernels->count + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	kernels->items = larger;
	kernel = &larger[kernels->count++];
	*kernel = (struct bootcfg_kernel){ .host = host, .release = strdup(release) };
	if (!kernel->release)
		return -ENOMEM;
	if (folder && asprintf(&kernel->folder, "%s/%s", folder, release) < 0) {
		kernel->folder = NULL;
		return -ENOMEM;
	}
	bootcfg_release_parse(release, &kernel->version, &kernel->patchlevel);
	return 0;
}

static struct bootcfg_kernel *find_kernel(const struct bootcfg_kernels *kernels,
					  const char *release)
{
	for (size_t i = 0; i < kernels->count; i++)
		if (!strcmp(kernels->items[i].release, release))
			return &kernels->items[i];
	return NULL;
}

/* What a removed kernel leaves behind, such as modules of others, is none. */
static bool is_installed(const struct host *host, const char *folder, const char *release)
{
	static const char *const images[] = { "vmlinuz", "vmlinux", "kernel" };
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/modules.dep", folder, release);
	if (host_exists(host, path))
		return true;
	snprintf(path, sizeof(path), "%s/%s/vmlinuz", folder, release);
	if (host_exists(host, path))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(images); i++) {
		snprintf(path, sizeof(path), "boot/%s-%s", images[i], release);
		if (host_exists(host, path))
			return true;
	}
	return false;
}

/* The running kernel's folder is its own, even where what is in it cannot be read. */
static int read_folder(const struct host *host, const char *folder, const char *running,
		       struct bootcfg_kernels *kernels)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = host_list(host, folder, &names);

	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		if (r != -ENOENT && kernels->fact == FACT_ABSENT)
			kernels->fact = FACT_UNREADABLE;
		return 0;
	}
	kernels->fact = FACT_KNOWN;
	/* Where /lib is a link to /usr/lib, both folders are the same. */
	for (size_t i = 0; r == 0 && i < names.count; i++)
		if (!find_kernel(kernels, names.items[i]) &&
		    (!strcmp(names.items[i], running) ||
		     is_installed(host, folder, names.items[i])))
			r = add_kernel(host, folder, names.items[i], kernels);
	return r;
}

int bootcfg_kernels_read(const struct host *host, struct bootcfg_kernels *ret_kernels)
{
	_cleanup_(bootcfg_kernels_free) struct bootcfg_kernels kernels = { 0 };
	struct bootcfg_kernel *running;
	char release[256];
	int r;

	host_read(host, "proc/sys/kernel/osrelease", release, sizeof(release));
	if (strchr(release, '/'))
		release[0] = '\0';
	r = read_folder(host, "lib/modules", release, &kernels);
	if (r == 0)
		r = read_folder(host, "usr/lib/modules", release, &kernels);
	if (r == 0 && *release && !find_kernel(&kernels, release))
		r = add_kernel(host, NULL, release, &kernels);
	running = find_kernel(&kernels, release);
	if (running)
		running->running = true;
	if (r < 0)
		return r;
	*ret_kernels = kernels;
	memset(&kernels, 0, sizeof(kernels));
	return 0;
}

void bootcfg_kernels_free(struct bootcfg_kernels *kernels)
{
	if (!kernels)
		return;
	for (size_t i = 0; i < kernels->count; i++) {
		struct bootcfg_kernel *kernel = &kernels->items[i];

		free(kernel->release);
		free(kernel->folder);
		free(kernel->config);
		free(kernel->dep);
		free(kernel->builtin);
		bootcfg_modules_free(&kernel->modules);
	}
	free(kernels->items);
	memset(kernels, 0, sizeof(*kernels));
}

struct bootcfg_kernel *bootcfg_running_kernel(const struct bootcfg_kernels *kernels)
{
	for (size_t i = 0; i < kernels->count; i++)
		if (kernels->items[i].running)
			return &kernels->items[i];
	return NULL;
}
