/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a device's DMA is held back, on made machines: see machine.h. */
#include "machine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "iommu/requester.h"
#include "pci/config.h"
#include "vfio/dma_test.h"
#include "vfio/probe.h"

/* A machine, its test, and what came of it. */
struct trial {
	struct machine machine;
	struct vfio_dma_test test;
	struct error error;
	int result;
};

static void prepare(struct trial *trial, void **state)
{
	const struct tree *tree = *state;

	*trial = (struct trial){ .error = ERROR_INIT };
	tree_file(tree, "dev/kmsg", "");
	tree_file(tree, "proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu smep sse2\n");
	tree_file(tree, "proc/cmdline", "quiet\n");
	tree_folder(tree, "sys/bus/pci/devices");
	machine_make(&trial->machine, tree);
}

static void run(struct trial *trial)
{
	trial->result = machine_test(&trial->machine, &trial->test, &trial->error);
	machine_is_quiet(&trial->machine);
	machine_free(&trial->machine);
}

static void expect(struct trial *trial, enum vfio_dma_verdict verdict, const char *words)
{
	const char *said = trial->result < 0 ? trial->error.message : trial->test.reason;

	assert_int_equal(trial->test.verdict, verdict);
	assert_int_equal(trial->result == 0,
			 verdict == VFIO_DMA_ISOLATED || verdict == VFIO_DMA_NOT_PROVEN);
	if (!strstr(said, words))
		fail_msg("no \"%s\" in \"%s\"", words, said);
	error_clear(&trial->error);
}

static void a_device_that_is_held_back_is_isolated_by_both_proofs(void **state)
{
	struct trial trial;

	prepare(&trial, state);
	run(&trial);
	assert_true(trial.test.reached && trial.test.interrupted && trial.test.aimed &&
		    trial.test.unchanged);
	assert_string_equal(trial.test.kind, "nvme");
	/* It is told before it is disabled: 3.6.1 of NVM Express 2.0c. */
	assert_true(trial.machine.shut_down);
	assert_non_null(strstr(trial.test.fault, "Request device [03:00.0]"));
	assert_int_equal(trial.test.requester.bus, 3);
	assert_false(trial.test.by_alias);
	expect(&trial, VFIO_DMA_ISOLATED, "");
}

static void a_mapping_that_outlives_its_end_is_not_isolation(void **state)
{
	struct trial trial;

	prepare(&trial, state);
	trial.machine.forgets_unmap = true;
	run(&trial);
	assert_true(trial.test.reached);
	assert_false(trial.test.unchanged);
	assert_non_null(strstr(trial.error.evidence[0], "was changed by it"));
	expect(&trial, VFIO_DMA_NOT_ISOLATED, "not held back");
}

static void without_translation_only_the_tests_own_memory_is_hit(void **state)
{
	struct trial trial;

	prepare(&trial, state);
	trial.machine.passes_through = true;
	run(&trial);
	assert_false(trial.test.unchanged);
	expect(&trial, VFIO_DMA_NOT_ISOLATED, "not held back");
}

/* It had the page until now, and whatever was said of it before is no proof. */
static void what_the_kernel_said_before_is_no_proof(void **state)
{
	struct trial trial;
	char line[256];

	prepare(&trial, state);
	snprintf(line, sizeof(line),
		 "3,1,1,-;DMAR: [DMA Write NO_PASID] Request device [03:00.0] fault addr"
		 " 0x%llx [fault reason 0x05] PTE Write access is not set\n",
		 0x12300000ULL);
	tree_file(trial.machine.tree, "dev/kmsg", line);
	trial.machine.says_nothing = true;
	run(&trial);
	assert_int_equal(trial.test.outside, 0x12300000);
	assert_true(trial.test.unchanged);
	assert_string_equal(trial.test.fault, "");
	expect(&trial, VFIO_DMA_NOT_PROVEN, "no line of the kernel's log");
}

static void a_fault_of_another_requester_is_no_proof(void **state)
{
	struct trial trial;

	prepare(&trial, state);
	trial.machine.requester = "04:00.0";
	run(&trial);
	assert_true(trial.test.unchanged);
	expect(&trial, VFIO_DMA_NOT_PROVEN, "names another requester");
}

static void without_the_kernels_log_nothing_is_proven(void **state)
{
	struct trial trial;

	prepare(&trial, state);
	assert_int_equal(unlinkat(trial.machine.tree->fd, "dev/kmsg", 0), 0);
	run(&trial);
	assert_true(trial.test.reached && trial.test.unchanged);
	assert_int_equal(trial.test.log_fact, FACT_ABSENT);
	expect(&trial, VFIO_DMA_NOT_PROVEN, "log cannot be read");
}

static void who_is_not_told_where_memory_is_aims_at_none(void **state)
{
	struct trial trial;

	prepare(&trial, state);
	trial.machine.hides_frames = true;
	run(&trial);
	assert_int_equal(trial.machine.touched, 0);
	expect(&trial, VFIO_DMA_NOT_PROVEN, "only root is told");
}

static void a_controller_that_is_dead_is_told_in_one_line(void **state)
{
	struct trial trial;

	prepare(&trial, state);
	trial.machine.never_ready = true;
	run(&trial);
	assert_int_equal(trial.result, -ETIMEDOUT);
	expect(&trial, VFIO_DMA_FAILED, "did not become ready (CSTS.RDY) within 1 s");

	prepare(&trial, state);
	trial.machine.fails = true;
	run(&trial);
	expect(&trial, VFIO_DMA_FAILED, "it says that it failed");

	prepare(&trial, state);
	trial.machine.gone = true;
	run(&trial);
	assert_int_equal(trial.result, -ENODEV);
	expect(&trial, VFIO_DMA_FAILED, "CAP is all ones");
}

static void a_controller_that_cannot_be_tested_is_no_bad_one(void **state)
{
	struct trial trial;

	prepare(&trial, state);
	trial.machine.has_large_pages = true;
	run(&trial);
	expect(&trial, VFIO_DMA_NOT_PROVEN, "CAP.MPSMIN");
}

static void a_device_that_only_says_that_it_wrote_has_failed(void **state)
{
	struct trial trial;

	prepare(&trial, state);
	trial.machine.writes_nothing = true;
	run(&trial);
	assert_false(trial.test.reached || trial.test.aimed);
	expect(&trial, VFIO_DMA_FAILED, "nothing came");
}

static void an_interrupt_that_does_not_come_is_a_failure(void **state)
{
	struct trial trial;

	prepare(&trial, state);
	trial.machine.sends_nothing = true;
	run(&trial);
	assert_true(trial.test.reached && trial.test.unchanged);
	expect(&trial, VFIO_DMA_FAILED, "interrupt (MSI-X) did not come");
}

static void a_fault_by_the_bridge_that_stands_for_a_device_is_its_own(void **state)
{
	uint8_t bridge[256] = { [0x0e] = 1, [0x19] = 5 };
	const struct tree *tree = *state;
	struct trial trial;

	prepare(&trial, state);
	tree_place(tree, "pci0000:00/0000:00:1e.0");
	tree_bytes(tree, "sys/devices/pci0000:00/0000:00:1e.0/config", bridge,
		   sizeof(bridge));
	tree_place(tree, "pci0000:00/0000:00:1e.0/0000:05:01.0");
	trial.machine.device.address = (struct pci_address){ .bus = 5, .device = 1 };
	trial.machine.requester = "05:00.0";
	run(&trial);
	assert_true(trial.test.by_alias);
	assert_int_equal(trial.test.requester.bus, 5);
	assert_int_equal(trial.test.requester.device, 0);
	expect(&trial, VFIO_DMA_ISOLATED, "");
}

static void a_port_of_pcie_stands_for_nothing_behind_it(void **state)
{
	/* Header, and a PCI Express capability at 0x40 of a root port. */
	uint8_t port[256] = {
		[0x06] = 0x10, [0x0e] = 1,    [0x19] = 5,
		[0x34] = 0x40, [0x40] = 0x10, [0x42] = PCIE_ROOT_PORT << 4 | 2,
	};
	const struct tree *tree = *state;
	struct iommu_requesters requesters;
	struct trial trial;

	prepare(&trial, state);
	tree_place(tree, "pci0000:00/0000:00:1c.0");
	tree_bytes(tree, "sys/devices/pci0000:00/0000:00:1c.0/config", port,
		   sizeof(port));
	tree_place(tree, "pci0000:00/0000:00:1c.0/0000:05:00.0");
	trial.machine.device.address = (struct pci_address){ .bus = 5 };
	iommu_requesters_read(trial.machine.host, &trial.machine.device, &requesters);
	assert_int_equal(requesters.count, 1);
	machine_free(&trial.machine);
}

static void
what_its_last_owner_told_a_device_is_forgotten_before_it_may_write(void **state)
{
	struct trial trial;

	prepare(&trial, state);
	trial.machine.passes_through = true;
	machine_leave_enabled(&trial.machine);
	run(&trial);
	assert_true(trial.test.reached);
	expect(&trial, VFIO_DMA_NOT_ISOLATED, "not held back");
}

static void a_device_that_cannot_be_made_quiet_is_never_let_write(void **state)
{
	struct trial trial;

	prepare(&trial, state);
	trial.machine.passes_through = trial.machine.never_stops = true;
	machine_leave_enabled(&trial.machine);
	run(&trial);
	assert_false(trial.test.reached || trial.test.aimed);
	expect(&trial, VFIO_DMA_NOT_PROVEN, "could not reset it as it was opened");
}

static void memory_is_not_given_back_while_a_device_may_write_to_it(void **state)
{
	struct trial trial;

	prepare(&trial, state);
	trial.machine.keeps_master = true;
	run(&trial);
	assert_true(trial.machine.is_closed);
	expect(&trial, VFIO_DMA_FAILED, "bus mastering cannot be turned off");
}

static void
where_a_device_could_take_ciphertext_for_commands_it_is_told_none(void **state)
{
	static const struct {
		const char *cpuinfo, *cmdline;
		bool is_plain;
	} cases[] = {
		{ "processor\t: 0\nflags\t\t: fpu sme sse2\n", "quiet\n", false },
		{ "processor\t: 0\nflags\t\t: fpu sse2 sme\n", "mem_encrypt=on\n",
		  false },
		{ "processor\t: 0\nflags\t\t: fpu sme sse2\n", "quiet mem_encrypt=off\n",
		  true },
		{ "processor\t: 0\nflags\t\t: hypervisor sev\n", "mem_encrypt=off\n",
		  false },
		{ "processor\t: 0\nflags\t\t: fpu tdx_guest\n", "quiet\n", false },
		{ "processor\t: 0\nFeatures\t: fp asimd\n", "quiet\n", false },
	};
	const struct tree *tree = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct trial trial;

		prepare(&trial, state);
		tree_file(tree, "proc/cpuinfo", cases[i].cpuinfo);
		tree_file(tree, "proc/cmdline", cases[i].cmdline);
		run(&trial);
		if (!cases[i].is_plain)
			assert_int_equal(trial.machine.touched, 0);
		expect(&trial,
		       cases[i].is_plain ? VFIO_DMA_ISOLATED : VFIO_DMA_NOT_PROVEN, "");
	}
}

static void where_no_line_would_be_understood_no_fault_is_made(void **state)
{
	const struct tree *tree = *state;
	struct trial trial;

	prepare(&trial, state);
	tree_place(tree, "pci0000:00/0000:03:00.0");
	tree_link(tree, "sys/devices/pci0000:00/0000:03:00.0/iommu",
		  "../../virtio0/iommu/virtio-iommu0");
	run(&trial);
	assert_int_equal(trial.machine.touched, 0);
	expect(&trial, VFIO_DMA_NOT_PROVEN, "its IOMMU is virtio-iommu0");
}

static void a_host_that_panics_at_an_nmi_is_not_made_to(void **state)
{
	static const char *const names[] = { "unknown_nmi_panic", "panic_on_io_nmi",
					     "panic_on_unrecovered_nmi" };
	const struct tree *tree = *state;
	struct trial trial;
	struct host *host;

	prepare(&trial, state);
	host = trial.machine.host;
	assert_int_equal(vfio_dma_check_panic(host, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct error err = ERROR_INIT;
		char path[64];

		snprintf(path, sizeof(path), "proc/sys/kernel/%s", names[i]);
		tree_file(tree, path, "1\n");
		assert_int_equal(vfio_dma_check_panic(host, &err), -EBUSY);
		assert_int_equal(err.kind, ERROR_REFUSED);
		assert_non_null(strstr(err.evidence[0], names[i]));
		error_clear(&err);
		tree_file(tree, path, "0\n");
		assert_int_equal(vfio_dma_check_panic(host, NULL), 0);
	}
	tree_folder(tree, "sys/module/hpwdt");
	assert_int_equal(vfio_dma_check_panic(host, NULL), -EBUSY);
	machine_free(&trial.machine);
}

static void each_kind_of_device_is_held_to_both_proofs(void **state)
{
	static void (*const make[])(struct machine *) = { machine_make_edu,
							  machine_make_82574 };

	for (size_t i = 0; i < ARRAY_SIZE(make); i++) {
		struct trial trial;

		prepare(&trial, state);
		make[i](&trial.machine);
		run(&trial);
		assert_true(trial.test.interrupted && trial.test.unchanged);
		expect(&trial, VFIO_DMA_ISOLATED, "");

		prepare(&trial, state);
		make[i](&trial.machine);
		trial.machine.passes_through = true;
		run(&trial);
		assert_false(trial.test.unchanged);
		expect(&trial, VFIO_DMA_NOT_ISOLATED, "not held back");
	}
}

static void what_a_network_does_is_not_laid_to_a_card(void **state)
{
	struct trial trial;

	prepare(&trial, state);
	machine_make_82574(&trial.machine);
	trial.machine.hears_another = true;
	run(&trial);
	expect(&trial, VFIO_DMA_NOT_PROVEN, "nothing came");

	prepare(&trial, state);
	machine_make_82574(&trial.machine);
	trial.machine.writes_nothing = true;
	run(&trial);
	expect(&trial, VFIO_DMA_NOT_PROVEN, "no frame came back");
}

static void what_is_reserved_is_no_memory_to_aim_at(void **state)
{
	struct vfio_range ranges[] = { { 0, 0x122fffff }, { 0x12301000, 0x1fffffff } };
	struct trial trial;

	prepare(&trial, state);
	trial.machine.iommu.ranges = ranges;
	trial.machine.iommu.n_ranges = ARRAY_SIZE(ranges);
	run(&trial);
	assert_int_equal(trial.test.outside, 0x12301000);
	expect(&trial, VFIO_DMA_ISOLATED, "");

	prepare(&trial, state);
	trial.machine.range.start = 1ULL << 32;
	run(&trial);
	assert_int_equal(trial.machine.touched, 0);
	expect(&trial, VFIO_DMA_NOT_PROVEN, "where the IOMMU offers addresses");
}

static void memory_is_where_it_is_once_it_is_pinned(void **state)
{
	struct trial trial;

	prepare(&trial, state);
	trial.machine.is_moved_by_pinning = trial.machine.passes_through = true;
	run(&trial);
	assert_int_equal(trial.test.outside, 0x12b00000);
	expect(&trial, VFIO_DMA_NOT_ISOLATED, "not held back");

	prepare(&trial, state);
	trial.machine.is_moved_late = true;
	run(&trial);
	expect(&trial, VFIO_DMA_NOT_PROVEN, "the kernel moved the memory");
}

static void a_device_that_cannot_be_told_to_be_quiet_is_left_alone(void **state)
{
	struct trial trial;

	prepare(&trial, state);
	trial.machine.refuses_command = true;
	run(&trial);
	assert_int_equal(trial.result, -EIO);
	assert_false(trial.test.reached || trial.test.aimed);
	expect(&trial, VFIO_DMA_FAILED, "");
}

static void what_comes_after_the_fault_is_seen_too(void **state)
{
	struct trial trial;

	prepare(&trial, state);
	trial.machine.forgets_unmap = trial.machine.writes_late = true;
	run(&trial);
	assert_false(trial.test.unchanged);
	expect(&trial, VFIO_DMA_NOT_ISOLATED, "not held back");
}

static void a_fault_while_it_had_the_memory_is_no_proof(void **state)
{
	struct trial trial;

	prepare(&trial, state);
	trial.machine.faults_early = true;
	run(&trial);
	expect(&trial, VFIO_DMA_NOT_PROVEN, "no line of the kernel's log");
}

static void a_read_that_was_held_back_says_nothing_of_writes(void **state)
{
	struct trial trial;

	prepare(&trial, state);
	trial.machine.faults_reading = true;
	run(&trial);
	expect(&trial, VFIO_DMA_NOT_PROVEN, "no line of the kernel's log");
}

static void an_interrupt_from_before_is_not_that_of_the_write(void **state)
{
	struct trial trial;

	prepare(&trial, state);
	trial.machine.sends_early = trial.machine.sends_nothing = true;
	run(&trial);
	assert_false(trial.test.interrupted);
	expect(&trial, VFIO_DMA_FAILED, "interrupt (MSI-X) did not come");
}

static void what_the_host_lacks_for_the_test_is_no_fault_of_the_device(void **state)
{
	struct trial trial;

	prepare(&trial, state);
	trial.machine.cannot_listen = true;
	run(&trial);
	assert_int_equal(trial.machine.touched, 0);
	expect(&trial, VFIO_DMA_NOT_PROVEN, "VFIO_DEVICE_SET_IRQS");
}

static void a_device_without_a_test_is_refused_before_it_is_touched(void **state)
{
	struct trial trial;

	prepare(&trial, state);
	trial.machine.device.class_code = 0x020000;
	run(&trial);
	assert_int_equal(trial.machine.touched, 0);
	assert_int_equal(trial.result, -EOPNOTSUPP);
	expect(&trial, VFIO_DMA_FAILED, "no DMA test");
}

static void what_a_device_does_stops_a_guest_by_whichever_way_it_was_opened(void **state)
{
	struct vfio_probe probe = {
		.ways = { { .way = VFIO_BY_GROUP,
			    .offered = true,
			    .step = VFIO_STEP_DMA },
			  { .way = VFIO_BY_CDEV, .offered = true } },
		.described_by = VFIO_BY_GROUP,
		.dma = { .verdict = VFIO_DMA_NOT_ISOLATED },
	};

	(void)state;
	error_set(&probe.ways[VFIO_BY_GROUP].failure, EFAULT, "", "not held back");
	assert_ptr_equal(vfio_probe_obstacle(&probe), &probe.ways[VFIO_BY_GROUP]);
	error_clear(&probe.ways[VFIO_BY_GROUP].failure);
	probe.dma.verdict = VFIO_DMA_NOT_PROVEN;
	assert_null(vfio_probe_obstacle(&probe));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_device_that_is_held_back_is_isolated_by_both_proofs),
		TEST(a_mapping_that_outlives_its_end_is_not_isolation),
		TEST(without_translation_only_the_tests_own_memory_is_hit),
		TEST(what_the_kernel_said_before_is_no_proof),
		TEST(a_fault_of_another_requester_is_no_proof),
		TEST(without_the_kernels_log_nothing_is_proven),
		TEST(who_is_not_told_where_memory_is_aims_at_none),
		TEST(a_controller_that_is_dead_is_told_in_one_line),
		TEST(a_controller_that_cannot_be_tested_is_no_bad_one),
		TEST(a_device_that_only_says_that_it_wrote_has_failed),
		TEST(an_interrupt_that_does_not_come_is_a_failure),
		TEST(a_fault_by_the_bridge_that_stands_for_a_device_is_its_own),
		TEST(a_port_of_pcie_stands_for_nothing_behind_it),
		TEST(what_its_last_owner_told_a_device_is_forgotten_before_it_may_write),
		TEST(a_device_that_cannot_be_made_quiet_is_never_let_write),
		TEST(memory_is_not_given_back_while_a_device_may_write_to_it),
		TEST(where_a_device_could_take_ciphertext_for_commands_it_is_told_none),
		TEST(where_no_line_would_be_understood_no_fault_is_made),
		TEST(a_host_that_panics_at_an_nmi_is_not_made_to),
		TEST(each_kind_of_device_is_held_to_both_proofs),
		TEST(what_a_network_does_is_not_laid_to_a_card),
		TEST(what_is_reserved_is_no_memory_to_aim_at),
		TEST(memory_is_where_it_is_once_it_is_pinned),
		TEST(a_device_that_cannot_be_told_to_be_quiet_is_left_alone),
		TEST(what_comes_after_the_fault_is_seen_too),
		TEST(a_fault_while_it_had_the_memory_is_no_proof),
		TEST(a_read_that_was_held_back_says_nothing_of_writes),
		TEST(an_interrupt_from_before_is_not_that_of_the_write),
		TEST(what_the_host_lacks_for_the_test_is_no_fault_of_the_device),
		TEST(a_device_without_a_test_is_refused_before_it_is_touched),
		cmocka_unit_test(
			what_a_device_does_stops_a_guest_by_whichever_way_it_was_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
