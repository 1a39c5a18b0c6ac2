/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vm/guest.h"
#include "vm/tune.h"
#include "vm/vm.h"

#define DESCRIPTOR(features, arch, device)                                           \
	"{\"interface-types\":[\"uefi\"],\"mapping\":{\"device\":\"" device "\","    \
	"\"executable\":{\"filename\":\"/code.fd\",\"format\":\"raw\"},"             \
	"\"nvram-template\":{\"filename\":\"/vars.fd\",\"format\":\"raw\"}},"        \
	"\"targets\":[{\"architecture\":\"" arch "\",\"machines\":[\"pc-q35-*\"]}]," \
	"\"features\":[" features "]}"

static void only_firmware_that_fits_is_taken(void **state)
{
	static const struct {
		const char *text;
		int result;
	} cases[] = {
		{ DESCRIPTOR("\"acpi-s3\"", "x86_64", "flash"), 0 },
		{ DESCRIPTOR("\"secure-boot\"", "x86_64", "flash"), -ENOENT },
		{ DESCRIPTOR("\"requires-smm\"", "x86_64", "flash"), -ENOENT },
		{ DESCRIPTOR("", "aarch64", "flash"), -ENOENT },
		{ DESCRIPTOR("", "x86_64", "memory"), -ENOENT },
		{ "", -EINVAL },
		{ "[]", -EINVAL },
		{ "{\"features\":", -EINVAL },
		{ "{}", -ENOENT },
		{ "{\"interface-types\":\"uefi\",\"targets\":7,\"mapping\":[]}",
		  -ENOENT },
		{ "{\"interface-types\":[\"uefi\"],\"targets\":[{\"architecture\":\"x86_64\","
		  "\"machines\":[\"pc-q35-*\"]}],\"mapping\":{\"device\":\"flash\"}}",
		  -EINVAL },
		{ "{\"interface-types\":[null,1,\"uefi\"],\"targets\":[null,[],{}]}",
		  -ENOENT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vm_firmware firmware = { 0 };
		int r = vm_firmware_parse(cases[i].text, strlen(cases[i].text),
					  VM_FIRMWARE_PLAIN, &firmware);

		if (r != cases[i].result)
			fail_msg("%s: %d instead of %d", cases[i].text, r,
				 cases[i].result);
		if (r == 0)
			assert_string_equal(firmware.vars_template, "/vars.fd");
		vm_firmware_free(&firmware);
	}
}

static void an_administrators_descriptor_comes_first(void **state)
{
	const struct tree *tree = *state;
	struct vm_firmware firmware = { 0 };
	struct host *host = NULL;

	tree_folder(tree, "sys/bus/pci/devices");
	tree_file(tree, "code.fd", "");
	tree_file(tree, "vars.fd", "");
	tree_file(tree, "usr/share/qemu/firmware/10-a.json",
		  DESCRIPTOR("", "x86_64", "flash"));
	assert_int_equal(host_open_directory(tree->path, &host, NULL), 0);
	assert_int_equal(vm_find_firmware(host, VM_FIRMWARE_PLAIN, &firmware, NULL), 0);
	vm_firmware_free(&firmware);
	/* An empty file of the same name hides it. */
	tree_file(tree, "etc/qemu/firmware/10-a.json", "");
	assert_int_equal(vm_find_firmware(host, VM_FIRMWARE_PLAIN, &firmware, NULL),
			 -ENOENT);
	host_free(host);
}

static void a_word_reaches_the_shell_unharmed(void **state)
{
	static const char *const words[] = {
		"plain", "",  "two words", "it's", "$(reboot)", "a;b",	"`x`", "'",
		"\\",	 "*", "file=/a,b", "\"",   "-append",	"a\nb", "~",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char *quoted = vm_shell_quote(words[i]), command[128], back[64] = "";
		FILE *shell;
		size_t n;

		snprintf(command, sizeof(command), "printf %%s %s", quoted);
		shell = popen(command, "r");
		assert_non_null(shell);
		n = fread(back, 1, sizeof(back) - 1, shell);
		back[n] = '\0';
		assert_int_equal(pclose(shell), 0);
		assert_string_equal(back, words[i]);
		free(quoted);
	}
}

/* The argument vector as one text, words parted by "|". */
static char *join(const struct vm_config *config)
{
	static char joined[4096];
	struct string_list argv = { 0 };

	joined[0] = '\0';
	assert_int_equal(vm_build_argv(config, &argv), 0);
	for (size_t i = 0; i < argv.count; i++) {
		strcat(joined, "|");
		strcat(joined, argv.items[i]);
	}
	strcat(joined, "|");
	string_list_free(&argv);
	return joined;
}

static void a_card_and_its_audio_share_a_slot_as_on_the_host(void **state)
{
	static const struct pci_address devices[] = {
		{ .bus = 1 },
		{ .bus = 1, .function = 1 },
		{ .bus = 2, .function = 1 },
		{ .domain = 0x10000, .bus = 0xe1 },
	};
	static const char *const disks[] = { "/a,b.img", "c.qcow2" };
	struct vm_config config = {
		.qemu = "qemu",
		.name = "guest",
		.memory_mib = 512,
		.cpus = 2,
		.display = "none",
		.devices = devices,
		.n_devices = 4,
		.disks = disks,
		.n_disks = 2,
	};
	const char *argv = join(&config);

	(void)state;
	assert_non_null(strstr(argv,
			       "|vfio-pci,host=0000:01:00.0,bus=ferry1,addr=0x0.0x0,"
			       "multifunction=on|"));
	assert_non_null(
		strstr(argv, "|vfio-pci,host=0000:01:00.1,bus=ferry1,addr=0x0.0x1|"));
	/* A slot without function 0 would not be found: the lowest takes its place. */
	assert_non_null(
		strstr(argv, "|vfio-pci,host=0000:02:00.1,bus=ferry2,addr=0x0.0x0|"));
	assert_non_null(strstr(argv, "|vfio-pci,sysfsdev=/sys/bus/pci/devices/"
				     "10000:e1:00.0,bus=ferry3,addr=0x0.0x0|"));
	assert_non_null(strstr(argv, "|if=virtio,format=raw,file=/a,,b.img|"));
	assert_non_null(strstr(argv, "|if=virtio,format=qcow2,file=c.qcow2|"));
	assert_null(strstr(argv, "ferry4"));
}

static const struct pci_address device = { .bus = 1 };
static const struct vm_config of_one_device = {
	.qemu = "qemu",
	.name = "guest",
	.memory_mib = 512,
	.cpus = 1,
	.devices = &device,
	.n_devices = 1,
};

static void guests_memory_and_processors_are_described_as_they_are_placed(void **state)
{
	static const struct vm_tuning tuning = {
		.node = 1, .dies = 2, .threads = 2, .needs_topoext = true
	};
	struct vm_config config = of_one_device;
	const char *argv;

	(void)state;
	config.cpus = 8;
	config.tuning = &tuning;
	argv = join(&config);
	assert_non_null(strstr(argv, "|-smp|8,sockets=1,dies=2,cores=2,threads=2|"));
	assert_non_null(strstr(argv, "|-cpu|host,topoext=on|"));
	assert_non_null(strstr(argv, "|-machine|q35|"));
	assert_null(strstr(argv, "memory-backend"));
	assert_null(strstr(argv, "chardev"));
	config.binds_memory = true;
	argv = join(&config);
	assert_non_null(strstr(argv, "|-machine|q35,memory-backend=ram|"));
	assert_non_null(strstr(argv, "|memory-backend-ram,id=ram,size=512M,host-nodes=1,"
				     "policy=bind|"));
	config.page_kib = 2048;
	config.pins_fd = 9;
	config.accelerator = VM_TCG;
	argv = join(&config);
	assert_non_null(strstr(argv, "|memory-backend-memfd,id=ram,size=512M,hugetlb=on,"
				     "hugetlbsize=2048K,prealloc=on,host-nodes=1,"
				     "policy=bind|"));
	assert_non_null(strstr(argv, "|socket,id=pins,fd=9|-mon|chardev=pins,"));
	assert_non_null(strstr(argv, "|-cpu|max|"));
}

static void what_qemu_inherits_it_is_told_by_number_and_a_shell_by_name(void **state)
{
	static const struct vm_line by_path = { .path = "/a,b" }, by_fd = { .fd = 7 };
	struct vm_config config = of_one_device;
	const char *argv;

	(void)state;
	config.network = VM_NETWORK_BRIDGE;
	config.tap = "ferry-0";
	config.mac = "52:54:00:00:00:01";
	config.tpm = &by_path;
	config.screen = "/run/a,b.vnc";
	argv = join(&config);
	assert_non_null(strstr(argv, "|socket,id=tpm,path=/a,,b|"));
	assert_non_null(strstr(argv, "|tap,id=net0,ifname=ferry-0,script=no,"));
	assert_non_null(
		strstr(argv, "|virtio-net-pci,netdev=net0,mac=52:54:00:00:00:01|"));
	assert_non_null(strstr(argv, "|-vnc|unix:/run/a,,b.vnc|-vga|none|"));
	config.tpm = &by_fd;
	config.tap_fd = 8;
	argv = join(&config);
	assert_non_null(strstr(argv, "|socket,id=tpm,fd=7|"));
	assert_non_null(strstr(argv, "|tap,id=net0,fd=8|"));
}

static void sound_goes_to_the_server_or_to_whatever_alsa_calls_default(void **state)
{
	struct vm_config config = {
		.qemu = "q",
		.name = "g",
		.audio = VM_AUDIO_PA,
		.audio_server = "/run/user/1,0/pulse/native",
	};
	const char *argv = join(&config);

	(void)state;
	assert_non_null(strstr(argv, "|-audiodev|pa,id=ferry-audio,"
				     "server=unix:/run/user/1,,0/pulse/native|-device|"
				     "ich9-intel-hda,id=ferry-sound,addr=0x1b|-device|"
				     "hda-duplex,bus=ferry-sound.0,"
				     "audiodev=ferry-audio|"));
	config.audio = VM_AUDIO_ALSA;
	argv = join(&config);
	assert_non_null(strstr(argv, "|-audiodev|alsa,id=ferry-audio|-device|"));
	config.audio = VM_AUDIO_NONE;
	argv = join(&config);
	assert_null(strstr(argv, "audio"));
}

static void a_usb_device_is_by_descriptor_or_for_a_shell_by_what_stays(void **state)
{
	static const struct vm_usb usb[] = {
		{ 0x46d, 0xc52b, 1, 9, "1-2", true },
		{ 0x46d, 0xc52b, 3, 5, "3-4.1", false },
	};
	static const int fds[] = { 11, 12 };
	struct vm_config config = of_one_device;
	const char *argv;

	(void)state;
	config.usb = usb;
	config.n_usb = 2;
	argv = join(&config);
	assert_non_null(strstr(argv, "|qemu-xhci,id=ferry-usb,addr=0x1d,p2=15,p3=15|"));
	assert_non_null(strstr(
		argv, "|usb-host,bus=ferry-usb.0,vendorid=0x046d,productid=0xc52b|"));
	assert_non_null(
		strstr(argv, "|usb-host,bus=ferry-usb.0,hostbus=3,hostport=4.1|"));
	config.usb_fds = fds;
	config.screen = "/run/a.vnc";
	argv = join(&config);
	assert_non_null(strstr(argv,
			       "|-add-fd|set=1,fd=11|-device|usb-host,bus=ferry-usb.0,"
			       "hostdevice=/dev/fdset/1|"));
	assert_non_null(strstr(argv,
			       "|-add-fd|set=2,fd=12|-device|usb-host,bus=ferry-usb.0,"
			       "hostdevice=/dev/fdset/2|"));
	assert_null(strstr(argv, "hostbus"));
	/* Of one controller there is one. */
	assert_null(strstr(strstr(argv, "|qemu-xhci,") + 1, "|qemu-xhci,"));
}

static void only_threads_of_all_processors_are_believed(void **state)
{
	static const struct {
		const char *text;
		int result;
	} cases[] = {
		{ "{\"return\":[{\"cpu-index\":1,\"thread-id\":11},"
		  "{\"cpu-index\":0,\"thread-id\":10}]}",
		  1 },
		{ "{\"return\":{}}", 0 },
		{ "{\"QMP\":{\"version\":{}}}\r", 0 },
		{ "{\"event\":\"RESUME\"}", 0 },
		{ "{\"return\":[{\"cpu-index\":1,\"thread-id\":11}]}", -EBADMSG },
		{ "{\"return\":[{\"cpu-index\":2,\"thread-id\":11}]}", -EBADMSG },
		{ "{\"return\":[{\"cpu-index\":0,\"thread-id\":-1}]}", -EBADMSG },
		{ "{\"return\":[7]}", -EBADMSG },
		{ "{\"error\":{\"class\":\"CommandNotFound\"}}", -EBADMSG },
		{ "{\"return\":", -EBADMSG },
		{ "", -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pid_t threads[2] = { 0, 0 };
		int r = vm_threads_parse(cases[i].text, strlen(cases[i].text), threads,
					 2);

		if (r != cases[i].result)
			fail_msg("%s: %d instead of %d", cases[i].text, r,
				 cases[i].result);
		assert_int_equal(threads[0], r > 0 ? 10 : 0);
		assert_int_equal(threads[1], r > 0 ? 11 : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_firmware_that_fits_is_taken),
		cmocka_unit_test_setup_teardown(an_administrators_descriptor_comes_first,
						tree_setup, tree_teardown),
		cmocka_unit_test(a_word_reaches_the_shell_unharmed),
		cmocka_unit_test(a_card_and_its_audio_share_a_slot_as_on_the_host),
		cmocka_unit_test(
			guests_memory_and_processors_are_described_as_they_are_placed),
		cmocka_unit_test(
			what_qemu_inherits_it_is_told_by_number_and_a_shell_by_name),
		cmocka_unit_test(
			sound_goes_to_the_server_or_to_whatever_alsa_calls_default),
		cmocka_unit_test(
			a_usb_device_is_by_descriptor_or_for_a_shell_by_what_stays),
		cmocka_unit_test(only_threads_of_all_processors_are_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
