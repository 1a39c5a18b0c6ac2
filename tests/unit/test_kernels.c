/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bootcfg/kernels.h"
#include "bootcfg/modules.h"
#include "host/gzip.h"

static void an_option_is_found_by_its_whole_name(void **state)
{
	static const char text[] = "CONFIG_VFIO=m\n"
				   "CONFIG_VFIO_PCI=y\n"
				   "# CONFIG_KVM is not set\n"
				   "#CONFIG_IOMMUFD=y\n"
				   "MY_CONFIG_HUGE=y\n"
				   "CONFIG_NAME=\"CONFIG_AMD_IOMMU=y\"\n"
				   "CONFIG_CUT=";
	static const struct {
		const char *name;
		enum bootcfg_state state;
	} cases[] = {
		{ "VFIO", BOOTCFG_MODULE },	{ "VFIO_PCI", BOOTCFG_BUILTIN },
		{ "KVM", BOOTCFG_MISSING },	{ "IOMMUFD", BOOTCFG_MISSING },
		{ "HUGE", BOOTCFG_MISSING },	{ "AMD_IOMMU", BOOTCFG_MISSING },
		{ "VFIO_P", BOOTCFG_MISSING },	{ "CUT", BOOTCFG_MISSING },
		{ "NOWHERE", BOOTCFG_MISSING },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(bootcfg_option_parse(text, strlen(text), cases[i].name),
				 cases[i].state);
	assert_int_equal(bootcfg_option_parse("", 0, "VFIO"), BOOTCFG_MISSING);
}

static enum bootcfg_state state_of(const struct bootcfg_modules *modules,
				   const char *name)
{
	const struct bootcfg_module *module = bootcfg_modules_find(modules, name);

	return module ? module->state : BOOTCFG_MISSING;
}

static void a_module_is_found_however_it_is_packed_and_written(void **state)
{
	static const char builtin[] = "kernel/fs/ext4/ext4.ko\n"
				      "kernel/arch/x86/kvm/kvm-intel.ko";
	static const char dep[] =
		"kernel/drivers/vfio/pci/vfio-pci.ko: kernel/drivers/vfio/vfio.ko\n"
		"kernel/drivers/vfio/vfio.ko.xz:\n"
		"updates/dkms/vendor-reset.ko.zst:\n"
		"kernel/kvm-intel.ko:\n"
		"flat.ko.gz: kernel/only-needed.ko\n"
		"kernel/readme.txt:\n"
		"kernel/.ko:\n"
		"\n";
	struct bootcfg_modules modules = { 0 };

	(void)state;
	assert_null(bootcfg_modules_find(&modules, "vfio"));
	assert_int_equal(bootcfg_modules_parse(builtin, strlen(builtin), BOOTCFG_BUILTIN,
					       &modules),
			 0);
	assert_int_equal(
		bootcfg_modules_parse(dep, strlen(dep), BOOTCFG_MODULE, &modules), 0);
	assert_int_equal(modules.count, 6);
	assert_int_equal(state_of(&modules, "vfio_pci"), BOOTCFG_MODULE);
	assert_int_equal(state_of(&modules, "vfio-pci"), BOOTCFG_MODULE);
	assert_int_equal(state_of(&modules, "vfio"), BOOTCFG_MODULE);
	assert_int_equal(state_of(&modules, "vendor_reset"), BOOTCFG_MODULE);
	assert_int_equal(state_of(&modules, "flat"), BOOTCFG_MODULE);
	assert_int_equal(state_of(&modules, "kvm_intel"), BOOTCFG_BUILTIN);
	assert_int_equal(state_of(&modules, "ext4"), BOOTCFG_BUILTIN);
	assert_int_equal(state_of(&modules, "only_needed"), BOOTCFG_MISSING);
	assert_int_equal(state_of(&modules, "vfio_"), BOOTCFG_MISSING);
	assert_int_equal(state_of(&modules, "readme.txt"), BOOTCFG_MISSING);
	bootcfg_modules_free(&modules);
}

/* More than the table has room for at first. */
static void thousands_of_modules_are_all_found(void **state)
{
	enum { COUNT = 5000 };
	static char text[COUNT * 32];
	struct bootcfg_modules modules = { 0 };
	size_t len = 0;
	char name[32];

	(void)state;
	for (int i = 0; i < COUNT; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"kernel/m-%d.ko:\n", i);
	assert_int_equal(bootcfg_modules_parse(text, len, BOOTCFG_MODULE, &modules), 0);
	assert_int_equal(modules.count, COUNT);
	for (int i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "m_%d", i);
		assert_int_equal(state_of(&modules, name), BOOTCFG_MODULE);
	}
	assert_int_equal(state_of(&modules, "m_5000"), BOOTCFG_MISSING);
	bootcfg_modules_free(&modules);
}

static void a_release_tells_its_version(void **state)
{
	static const char *const bad[] = { "",	  "linux", "6",	     "6.",
					   "6.x", "-6.1",  "6.99999" };
	unsigned int version = 7, patchlevel = 7;
	struct bootcfg_kernel kernel = { .version = 6, .patchlevel = 1 }, none = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(bootcfg_release_parse(bad[i], &version, &patchlevel),
				 -EINVAL);
	assert_int_equal(version, 7);
	assert_int_equal(bootcfg_release_parse("6.1.0-56-amd64", &version, &patchlevel),
			 0);
	assert_true(version == 6 && patchlevel == 1);
	assert_int_equal(bootcfg_release_parse("5.14-rc3", &version, &patchlevel), 0);
	assert_true(version == 5 && patchlevel == 14);
	assert_true(bootcfg_is_before(&kernel, 6, 2));
	assert_true(bootcfg_is_before(&kernel, 7, 0));
	assert_false(bootcfg_is_before(&kernel, 6, 1));
	assert_false(bootcfg_is_before(&kernel, 5, 19));
	assert_false(bootcfg_is_before(&none, 6, 2));
}

static void an_unpacked_configuration_has_a_limit(void **state)
{
	/* printf 'CONFIG_VFIO=m\n' | gzip -n */
	static const unsigned char packed[] = {
		0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x73, 0xf6,
		0xf7, 0x73, 0xf3, 0x74, 0x8f, 0x0f, 0x73, 0xf3, 0xf4, 0xb7, 0xcd, 0xe5,
		0x02, 0x00, 0x67, 0x36, 0xce, 0xd6, 0x0e, 0x00, 0x00, 0x00,
	};
	const struct tree *tree = *state;
	struct bootcfg_kernels kernels;
	struct host *host = NULL;
	char *bytes = NULL;
	size_t len;

	tree_folder(tree, "sys/bus/pci/devices");
	tree_file(tree, "proc/sys/kernel/osrelease", "6.1.0\n");
	tree_bytes(tree, "proc/config.gz", packed, sizeof(packed));
	assert_int_equal(host_open_directory(tree->path, &host, NULL), 0);
	assert_int_equal(bootcfg_kernels_read(host, &kernels), 0);
	assert_int_equal(kernels.fact, FACT_ABSENT);
	assert_int_equal(kernels.count, 1);
	assert_true(kernels.items[0].running);
	assert_int_equal(bootcfg_option(&kernels.items[0], "VFIO"), BOOTCFG_MODULE);
	assert_int_equal(bootcfg_module(&kernels.items[0], "vfio"), BOOTCFG_MISSING);
	bootcfg_kernels_free(&kernels);
	assert_int_equal(host_read_gzip(host, "proc/config.gz", 13, &bytes, &len),
			 -EFBIG);
	assert_int_equal(host_read_gzip(host, "proc/config.gz", 14, &bytes, &len), 0);
	assert_int_equal(len, 14);
	assert_string_equal(bytes, "CONFIG_VFIO=m\n");
	free(bytes);
	host_free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_option_is_found_by_its_whole_name),
		cmocka_unit_test(a_module_is_found_however_it_is_packed_and_written),
		cmocka_unit_test(thousands_of_modules_are_all_found),
		cmocka_unit_test(a_release_tells_its_version),
		cmocka_unit_test_setup_teardown(an_unpacked_configuration_has_a_limit,
						tree_setup, tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
