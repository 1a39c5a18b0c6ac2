/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who plays, records, or holds a device's node open. */
#include "looked.h"

#include <stdio.h>

#define CARD  "0000:02:00.0"
#define OTHER "0000:03:00.0"
#define SOUND "0000:04:00.0"
#define NVME  "0000:05:00.0"
#define PCM   "proc/asound/card0/pcm3p/sub0/status"

/* Two displays, of which nothing uses the other in any test, a sound card and a disk. */
static int devices_setup(void **state)
{
	const struct tree *tree = quiet_setup(state);

	tree_function(tree, CARD, MODALIAS_VGA, "amdgpu", "2");
	tree_function(tree, OTHER, MODALIAS_VGA, "amdgpu", "3");
	tree_function(tree, SOUND, MODALIAS_HDA, "snd_hda_intel", "4");
	tree_function(tree, NVME, MODALIAS_NVME, "nvme", "5");
	quiet_class(tree, "drm", "pci0000:00/0000:02:00.0/drm", "card0");
	quiet_class(tree, "drm", "pci0000:00/0000:02:00.0/drm", "renderD128");
	quiet_class(tree, "drm", "pci0000:00/0000:03:00.0/drm", "card1");
	quiet_class(tree, "sound", "pci0000:00/0000:04:00.0/sound/card0", "controlC0");
	quiet_class(tree, "sound", "pci0000:00/0000:04:00.0/sound/card0", "pcmC0D3p");
	quiet_class(tree, "sound", "pci0000:00/0000:04:00.0/sound/card0", "pcmC0D0c");
	quiet_class(tree, "nvme", "pci0000:00/0000:05:00.0/nvme", "nvme0");
	quiet_disk(tree, "pci0000:00/0000:05:00.0/nvme/nvme0", "nvme0n1", NULL, "259:0");
	tree_file(tree, PCM, "closed\n");
	tree_file(tree, "proc/asound/card0/pcm0c/sub0/status", "closed\n");
	return 0;
}

static void expect_all_free(const struct tree *tree)
{
	struct looked looked;

	look(tree, &looked);
	expect_free(&looked, CARD);
	expect_free(&looked, OTHER);
	expect_free(&looked, SOUND);
	expect_free(&looked, NVME);
	look_away(&looked);
}

static void what_no_process_holds_is_free(void **state)
{
	const struct tree *tree = *state;

	/* Names that begin alike, and one that has been removed. */
	quiet_process(tree, "700", "sleep", "/dev/dri/card00");
	quiet_process(tree, "701", "sleep", "/dev/dri/card0 (deleted)");
	quiet_process(tree, "702", "sleep", "/home/dev/dri/card0");
	quiet_process(tree, "703", "sleep", "socket:[12345]");
	expect_all_free(tree);
}

static void a_node_that_a_process_holds_is_in_use(void **state)
{
	static const struct {
		const char *node, *address;
	} held[] = {
		{ "/dev/dri/card0", CARD },	{ "/dev/dri/renderD128", CARD },
		{ "/dev/snd/pcmC0D3p", SOUND }, { "/dev/nvme0", NVME },
		{ "/dev/nvme0n1", NVME },
	};
	const struct tree *tree = *state;
	char text[96];

	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++) {
		struct looked looked;

		quiet_process(tree, "812", "Xorg", held[i].node);
		snprintf(text, sizeof(text), "process 812 (Xorg) holds %s", held[i].node);
		look(tree, &looked);
		expect_use(&looked, held[i].address, USAGE_PROCESS, text);
		expect_free(&looked, OTHER);
		look_away(&looked);
		quiet_end(tree, "812");
	}
}

static void each_process_that_holds_a_node_is_told(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	quiet_process(tree, "812", "Xorg", "/dev/dri/card0");
	quiet_process(tree, "9", "my game", "/dev/dri/renderD128");
	/* Twice by one process is one finding. */
	tree_link(tree, "proc/812/fd/14", "/dev/dri/card0");
	look(tree, &looked);
	expect_use(&looked, CARD, USAGE_PROCESS, "process 812 (Xorg) holds");
	expect_use(&looked, CARD, USAGE_PROCESS, "process 9 (my game) holds");
	assert_int_equal(count_use(&looked, CARD, USAGE_PROCESS), 2);
	look_away(&looked);
}

/* udev opens each new disk for a moment; a sound server keeps the controls open. */
static void those_who_hinder_no_driver_do_not_count(void **state)
{
	const struct tree *tree = *state;

	quiet_process(tree, "700", "systemd-udevd", "/dev/nvme0n1");
	quiet_process(tree, "701", "(udev-worker)", "/dev/nvme0n1");
	quiet_process(tree, "702", "pipewire", "/dev/snd/controlC0");
	expect_all_free(tree);
}

/* NVIDIA's driver makes nodes that are in no class. */
static void a_node_of_nvidias_driver_is_found_by_its_minor(void **state)
{
	const struct tree *tree = *state;

	tree_file(tree, "proc/driver/nvidia/gpus/0000:02:00.0/information",
		  "Model: \t\t Some GPU\nIRQ:   \t\t 42\nDevice Minor: \t 1\n");
	quiet_process(tree, "812", "ollama", "/dev/nvidia1");
	look_expect_only(tree, CARD, OTHER, USAGE_PROCESS,
			 "process 812 (ollama) holds /dev/nvidia1");
}

/* With multipath the node is the subsystem's: a guest may have the whole disk by it. */
static void a_multipath_disk_that_a_process_holds_is_in_use(void **state)
{
	static const char subsystem[] = "virtual/nvme-subsystem/nvme-subsys5";
	static const char *const held[] = { "/dev/nvme5n1", "/dev/nvme5n1p2" };
	const struct tree *tree = *state;
	struct looked looked;

	tree_function(tree, "0000:06:00.0", MODALIAS_NVME, "nvme", "6");
	tree_function(tree, "0000:07:00.0", MODALIAS_NVME, "nvme", "7");
	quiet_class(tree, "block", "pci0000:00/0000:06:00.0/nvme/nvme7", "nvme5c7n1");
	quiet_class(tree, "block", "pci0000:00/0000:07:00.0/nvme/nvme8", "nvme5c8n1");
	quiet_disk(tree, subsystem, "nvme5n1", NULL, "259:30");
	quiet_disk(tree, subsystem, "nvme5n1", "nvme5n1p2", "259:32");
	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++) {
		quiet_process(tree, "812", "qemu-system-x86", held[i]);
		look(tree, &looked);
		expect_use(&looked, "0000:06:00.0", USAGE_PROCESS, held[i]);
		expect_use(&looked, "0000:07:00.0", USAGE_PROCESS, held[i]);
		expect_free(&looked, NVME);
		look_away(&looked);
		quiet_end(tree, "812");
	}
}

static void a_node_whose_name_cannot_be_read_may_be_held(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	quiet_unreadable(tree, "proc/driver/nvidia/gpus/0000:02:00.0/information");
	look(tree, &looked);
	expect_unreadable(&looked, CARD, "which node of NVIDIA's driver");
	expect_free(&looked, OTHER);
	look_away(&looked);
}

/* The kernel's own threads have neither a namespace to show nor files. */
static void a_thread_of_the_kernel_hides_nothing(void **state)
{
	const struct tree *tree = *state;

	tree_file(tree, "proc/2/comm", "kthreadd\n");
	expect_all_free(tree);
}

static void a_process_that_cannot_be_looked_at_may_hold_any_node(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	tree_function(tree, "0000:06:00.0", MODALIAS_VGA, NULL, "6");
	quiet_unreadable(tree, "proc/812/ns/mnt");
	look(tree, &looked);
	expect_unreadable(&looked, CARD, "asked whether it holds /dev/dri/renderD128");
	expect_unreadable(&looked, SOUND, "asked whether it holds /dev/snd/pcmC0D3p");
	expect_unreadable(&looked, NVME, "asked whether it holds /dev/nvme0");
	/* Without a driver there are no nodes to hold. */
	expect_free(&looked, "0000:06:00.0");
	look_away(&looked);
}

/* hidepid=2: one sees one's own processes, and no sign that there are others. */
static void where_processes_are_hidden_one_may_hold_any_node(void **state)
{
	const struct tree *tree = *state;

	assert_int_equal(renameat(tree->fd, "proc/1", tree->fd, "proc/4711"), 0);
	look_expect_unreadable(tree, CARD, "asked whether it holds /dev/dri/card0");
}

static void what_is_held_for_certain_is_the_reason_given(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	quiet_unreadable(tree, "proc/700/ns/mnt");
	quiet_process(tree, "812", "Xorg", "/dev/dri/card0");
	look(tree, &looked);
	expect_use(&looked, CARD, USAGE_PROCESS, "process 812 (Xorg)");
	expect_use(&looked, CARD, USAGE_UNREADABLE, "asked whether it holds");
	expect_verdict(&looked, CARD, USAGE_IN_USE, CARD ": process 812 (Xorg) holds");
	look_away(&looked);
}

static void a_card_that_plays_or_records_is_in_use(void **state)
{
	const struct tree *tree = *state;

	tree_file(tree, PCM, "state: RUNNING\nowner_pid   : 812\ntrigger_time: 1.2\n");
	look_expect_use(tree, SOUND, USAGE_SOUND, "pcmC0D3p is playing");
	tree_file(tree, PCM, "closed\n");
	tree_file(tree, "proc/asound/card0/pcm0c/sub0/status", "state: PREPARED\n");
	look_expect_use(tree, SOUND, USAGE_SOUND, "pcmC0D0c is recording");
	/* Of another card. */
	tree_file(tree, "proc/asound/card0/pcm0c/sub0/status", "closed\n");
	tree_file(tree, "proc/asound/card1/pcm3p/sub0/status", "state: RUNNING\n");
	expect_all_free(tree);
}

static void a_stream_that_cannot_be_read_may_be_open(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	quiet_unreadable(tree, PCM);
	look(tree, &looked);
	expect_unreadable(&looked, SOUND, "whether pcmC0D3p is open could not be read");
	expect_free(&looked, CARD);
	look_away(&looked);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, devices_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_no_process_holds_is_free),
		TEST(a_node_that_a_process_holds_is_in_use),
		TEST(each_process_that_holds_a_node_is_told),
		TEST(those_who_hinder_no_driver_do_not_count),
		TEST(a_node_of_nvidias_driver_is_found_by_its_minor),
		TEST(a_multipath_disk_that_a_process_holds_is_in_use),
		TEST(a_node_whose_name_cannot_be_read_may_be_held),
		TEST(a_thread_of_the_kernel_hides_nothing),
		TEST(a_process_that_cannot_be_looked_at_may_hold_any_node),
		TEST(where_processes_are_hidden_one_may_hold_any_node),
		TEST(what_is_held_for_certain_is_the_reason_given),
		TEST(a_card_that_plays_or_records_is_in_use),
		TEST(a_stream_that_cannot_be_read_may_be_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
