/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What VFIO tells of a device, and that no length or offset in it is trusted. The answers
 * are made here, in the layout of include/uapi/linux/vfio.h.
 */
#include "kernel.h"

#include <errno.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"
#include "vfio/device.h"
#include "vfio/irq.h"

typedef int question(const struct vfio_session *session, void *answer, struct error *err);

/* Asks a device that is opened by its group, and closes it. */
static int ask(const struct kernel_row *rows, question *question, void *answer,
	       struct error *err)
{
	struct vfio_session session;
	struct kernel kernel;
	int r;

	kernel_begin(&kernel, rows);
	kernel_enter_by_group(&kernel, &session);
	r = question(&session, answer, err);
	vfio_close(&session);
	kernel_expect_end(&kernel);
	return r;
}

static int describe(const struct vfio_session *session, void *answer, struct error *err)
{
	return vfio_device_describe(session, answer, err);
}

static int set_of(const struct vfio_session *session, void *answer, struct error *err)
{
	return vfio_hot_reset_set(session, answer, err);
}

static void has_one_region(void *argument)
{
	struct vfio_device_info *info = argument;

	info->flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
	info->num_regions = 1;
	info->num_irqs = 0;
}

/* A region of 64 KiB, of which all can be mapped but the page of the MSI-X table. */
struct sparse_answer {
	struct vfio_region_info info;
	struct vfio_region_info_cap_type type;
	/* vfio_region_info_cap_sparse_mmap, of two areas. */
	struct {
		struct vfio_info_cap_header header;
		uint32_t nr_areas, reserved;
		struct vfio_region_sparse_mmap_area areas[2];
	} sparse;
};

static void make_sparse(struct sparse_answer *answer)
{
	uint32_t argsz = answer->info.argsz;

	answer->info.flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE |
			     VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_CAPS;
	answer->info.size = 0x10000;
	answer->info.offset = 0x100000;
	answer->info.argsz = sizeof(*answer);
	answer->info.cap_offset = 0;
	if (argsz < sizeof(*answer))
		return;
	answer->info.cap_offset = offsetof(struct sparse_answer, type);
	answer->type = (struct vfio_region_info_cap_type){
		.header = { VFIO_REGION_INFO_CAP_TYPE, 1,
			    offsetof(struct sparse_answer, sparse) },
		.type = VFIO_REGION_TYPE_GFX,
		.subtype = VFIO_REGION_SUBTYPE_GFX_EDID,
	};
	answer->sparse.header =
		(struct vfio_info_cap_header){ VFIO_REGION_INFO_CAP_SPARSE_MMAP, 1, 0 };
	answer->sparse.nr_areas = 2;
	answer->sparse.areas[0] = (struct vfio_region_sparse_mmap_area){ 0, 0x2000 };
	answer->sparse.areas[1] = (struct vfio_region_sparse_mmap_area){ 0x3000, 0xd000 };
}

static void tells_sparse(void *argument)
{
	make_sparse(argument);
}

/* Each asks for more room first, then fills it. */
#define TELLS(answer_)                                                                  \
	ENTERS_BY_GROUP, ANSWERS(DEVICE, VFIO_DEVICE_GET_INFO, has_one_region),         \
	{                                                                               \
		.call = KERNEL_IOCTL, .fd = DEVICE,                                     \
		.request = VFIO_DEVICE_GET_REGION_INFO, .answer = (answer_), .times = 2 \
	}

static void what_can_be_mapped_of_a_region_is_known(void **state)
{
	static const struct kernel_row rows[] = {
		TELLS(tells_sparse),
		{ .call = KERNEL_MAP, .fd = DEVICE },
		{ 0 },
	};
	struct vfio_mapping mapping = { 0 };
	struct error err = ERROR_INIT;
	struct vfio_device device;
	char bytes[4] = "";
	struct vfio_session session;
	struct kernel kernel;

	(void)state;
	kernel_begin(&kernel, rows);
	kernel_enter_by_group(&kernel, &session);
	assert_int_equal(vfio_device_describe(&session, &device, &err), 0);
	assert_true(device.is_pci && device.can_reset);
	assert_int_equal(device.n_regions, 1);
	assert_int_equal(device.regions[0].size, 0x10000);
	assert_true(device.regions[0].is_sparse);
	assert_int_equal(device.regions[0].n_areas, 2);
	assert_int_equal(device.regions[0].areas[1].offset, 0x3000);
	assert_true(device.regions[0].has_type);
	assert_int_equal(device.regions[0].type, VFIO_REGION_TYPE_GFX);
	/* The table's page, across it, beyond the end: no system call is made. */
	assert_int_equal(vfio_region_map(&session, &device.regions[0], 0x2000, 0x1000,
					 &mapping, &err),
			 -EINVAL);
	assert_int_equal(vfio_region_map(&session, &device.regions[0], 0x1000, 0x3000,
					 &mapping, &err),
			 -EINVAL);
	assert_int_equal(vfio_region_map(&session, &device.regions[0], 0xf000, 0x2000,
					 &mapping, &err),
			 -EINVAL);
	assert_int_equal(vfio_region_map(&session, &device.regions[0], 0x3000, 0xd000,
					 &mapping, &err),
			 0);
	assert_int_equal(kernel.mapped_offset, 0x103000);
	vfio_region_unmap(&mapping);
	vfio_region_unmap(&mapping);
	/* Nor for bytes that are not there, however large the offset. */
	assert_int_equal(vfio_region_read(&session, &device.regions[0], 0xfffe, bytes, 4,
					  &err),
			 -ERANGE);
	assert_int_equal(vfio_region_write(&session, &device.regions[0], UINT64_MAX,
					   bytes, 4, &err),
			 -ERANGE);
	vfio_device_free(&device);
	vfio_close(&session);
	kernel_expect_end(&kernel);
	error_clear(&err);
}

#define LIES(name, spoil)                                              \
	static void name(void *argument)                               \
	{                                                              \
		struct sparse_answer *answer = argument;               \
		bool has_room = answer->info.argsz >= sizeof(*answer); \
                                                                       \
		make_sparse(answer);                                   \
		if (has_room)                                          \
			spoil;                                         \
	}

LIES(counts_too_much, answer->sparse.nr_areas = 3)
LIES(counts_millions, answer->sparse.nr_areas = UINT32_MAX)
LIES(leads_out, answer->type.header.next = sizeof(*answer) - 4)
LIES(leads_far_out, answer->type.header.next = 0xfffffff8)
LIES(leads_back, answer->sparse.header.next = offsetof(struct sparse_answer, type))
LIES(leads_to_itself, answer->type.header.next = answer->info.cap_offset)
LIES(begins_crooked, answer->info.cap_offset += 2)
LIES(begins_outside, answer->info.cap_offset = UINT32_MAX)
LIES(has_an_area_beyond_its_end, answer->sparse.areas[1].size = 0xd001)
LIES(has_an_area_that_wraps, answer->sparse.areas[1].offset = UINT64_MAX)
LIES(is_larger_than_a_file, answer->info.size = UINT64_MAX)
LIES(wants_still_more, answer->info.argsz = sizeof(*answer) + 1)
LIES(is_shorter_than_it_is, answer->info.argsz = 8)

static void an_answer_that_cannot_be_is_told_and_not_followed(void **state)
{
	static void (*const lies[])(void *) = {
		counts_too_much,
		counts_millions,
		leads_out,
		leads_far_out,
		leads_back,
		leads_to_itself,
		begins_crooked,
		begins_outside,
		has_an_area_beyond_its_end,
		has_an_area_that_wraps,
		is_larger_than_a_file,
		wants_still_more,
		is_shorter_than_it_is,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		const struct kernel_row rows[] = { TELLS(lies[i]), { 0 } };
		struct error err = ERROR_INIT;
		struct vfio_device device = { 0 };

		assert_int_equal(ask(rows, describe, &device, &err), -EPROTO);
		assert_non_null(strstr(err.message, "VFIO_DEVICE_GET_REGION_INFO"));
		assert_null(device.regions);
	}
}

static void has_regions_without_end(void *argument)
{
	((struct vfio_device_info *)argument)->num_regions = UINT32_MAX;
}

static void a_number_of_the_kernels_is_no_size_of_an_allocation(void **state)
{
	static const struct kernel_row rows[] = {
		ENTERS_BY_GROUP,
		ANSWERS(DEVICE, VFIO_DEVICE_GET_INFO, has_regions_without_end),
		{ 0 },
	};
	struct error err = ERROR_INIT;
	struct vfio_device device;

	(void)state;
	assert_int_equal(ask(rows, describe, &device, &err), -EPROTO);
}

static void has_nine_regions_and_five_interrupts(void *argument)
{
	struct vfio_device_info *info = argument;

	info->flags = VFIO_DEVICE_FLAGS_PCI;
	info->num_regions = VFIO_PCI_NUM_REGIONS;
	info->num_irqs = VFIO_PCI_NUM_IRQS;
}

static void is_bar(void *argument)
{
	struct vfio_region_info *info = argument;

	info->flags = VFIO_REGION_INFO_FLAG_READ;
	info->size = 0x100 * (info->index + 1);
}

static void is_interrupt(void *argument)
{
	struct vfio_irq_info *info = argument;

	info->flags = VFIO_IRQ_INFO_EVENTFD;
	if (info->index == VFIO_PCI_INTX_IRQ_INDEX)
		info->flags |= VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
	info->count = info->index == VFIO_PCI_MSIX_IRQ_INDEX ? 65 : 1;
}

static void what_the_device_has_not_is_no_failure(void **state)
{
	static const struct kernel_row rows[] = {
		ENTERS_BY_GROUP,
		ANSWERS(DEVICE, VFIO_DEVICE_GET_INFO,
			has_nine_regions_and_five_interrupts),
		{ .call = KERNEL_IOCTL,
		  .fd = DEVICE,
		  .request = VFIO_DEVICE_GET_REGION_INFO,
		  .answer = is_bar,
		  .times = 8 },
		/* VGA's, and the interrupt of errors. */
		ASKS(DEVICE, VFIO_DEVICE_GET_REGION_INFO, -EINVAL),
		{ .call = KERNEL_IOCTL,
		  .fd = DEVICE,
		  .request = VFIO_DEVICE_GET_IRQ_INFO,
		  .answer = is_interrupt,
		  .times = 3 },
		ASKS(DEVICE, VFIO_DEVICE_GET_IRQ_INFO, -EINVAL),
		ANSWERS(DEVICE, VFIO_DEVICE_GET_IRQ_INFO, is_interrupt),
		{ 0 },
	};
	struct error err = ERROR_INIT;
	struct vfio_device device;

	(void)state;
	assert_int_equal(ask(rows, describe, &device, &err), 0);
	assert_false(device.can_reset);
	assert_int_equal(vfio_region(&device, 3)->size, 0x400);
	assert_null(vfio_region(&device, VFIO_PCI_VGA_REGION_INDEX));
	assert_null(vfio_region(&device, 4000));
	assert_false(device.regions[VFIO_PCI_VGA_REGION_INDEX].is_there);
	assert_int_equal(device.irqs[VFIO_PCI_MSIX_IRQ_INDEX].count, 65);
	assert_true(device.irqs[VFIO_PCI_INTX_IRQ_INDEX].automasked);
	assert_false(device.irqs[VFIO_PCI_ERR_IRQ_INDEX].is_there);
	vfio_device_free(&device);
}

/* The interrupt that is listened to, as SET_IRQS has it. */
static int listened = -1;

static void listens(void *argument)
{
	struct vfio_irq_set *set = argument;
	int32_t fd;

	assert_int_equal(set->argsz, sizeof(*set) + sizeof(fd));
	assert_int_equal(set->flags,
			 VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER);
	assert_int_equal(set->index, VFIO_PCI_MSIX_IRQ_INDEX);
	assert_int_equal(set->count, 1);
	memcpy(&fd, set->data, sizeof(fd));
	listened = fd;
}

static void sends(void *argument)
{
	struct vfio_irq_set *set = argument;
	const uint64_t one = 1;

	assert_int_equal(set->flags,
			 VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_ACTION_TRIGGER);
	assert_int_equal(set->start, 0);
	assert_int_equal(set->data[0], 1);
	assert_int_equal(write(listened, &one, sizeof(one)), sizeof(one));
}

static void ends(void *argument)
{
	struct vfio_irq_set *set = argument;

	assert_int_equal(set->flags,
			 VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER);
	assert_int_equal(set->count, 0);
}

static void an_event_that_the_kernel_pretends_comes_once(void **state)
{
	static const struct kernel_row rows[] = {
		ENTERS_BY_GROUP,
		ANSWERS(DEVICE, VFIO_DEVICE_SET_IRQS, listens),
		ANSWERS(DEVICE, VFIO_DEVICE_SET_IRQS, sends),
		ANSWERS(DEVICE, VFIO_DEVICE_SET_IRQS, ends),
		ASKS(DEVICE, VFIO_DEVICE_SET_IRQS, -EBUSY),
		{ 0 },
	};
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	unsigned long long count = 0;
	struct error err = ERROR_INIT;
	struct vfio_session session;
	struct kernel kernel;

	(void)state;
	kernel_begin(&kernel, rows);
	kernel_enter_by_group(&kernel, &session);
	assert_int_equal(
		vfio_irq_listen(&session, VFIO_PCI_MSIX_IRQ_INDEX, &event, 1, &err), 0);
	assert_int_equal(vfio_irq_wait(event, 0, &count), -ETIMEDOUT);
	assert_int_equal(vfio_irq_pretend(&session, VFIO_PCI_MSIX_IRQ_INDEX, 0, &err), 0);
	assert_int_equal(vfio_irq_wait(event, 0, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(vfio_irq_end(&session, VFIO_PCI_MSIX_IRQ_INDEX, &err), 0);
	assert_int_equal(vfio_irq_listen(&session, VFIO_PCI_INTX_IRQ_INDEX, &event, 1,
					 &err),
			 -EBUSY);
	assert_non_null(strstr(err.message, "VFIO_DEVICE_SET_IRQS of INTx"));
	vfio_close(&session);
	close(event);
	kernel_expect_end(&kernel);
}

static void wants_room_for_two(void *argument)
{
	((struct vfio_pci_hot_reset_info *)argument)->count = 2;
}

static void wants_room_for_three(void *argument)
{
	((struct vfio_pci_hot_reset_info *)argument)->count = 3;
}

static void wants_too_much_room(void *argument)
{
	((struct vfio_pci_hot_reset_info *)argument)->count = UINT32_MAX;
}

static void tells_groups(void *argument)
{
	struct vfio_pci_hot_reset_info *info = argument;

	assert_int_equal(info->argsz, sizeof(*info) + 3 * sizeof(info->devices[0]));
	/* One was unplugged meanwhile. */
	info->count = 2;
	info->devices[0] = (struct vfio_pci_dependent_device){ { 5 }, 0, 4, 0 };
	info->devices[1] =
		(struct vfio_pci_dependent_device){ { 6 }, 1, 4, 0x1f << 3 | 7 };
}

static void tells_devices(void *argument)
{
	struct vfio_pci_hot_reset_info *info = argument;

	info->flags = VFIO_PCI_HOT_RESET_FLAG_DEV_ID;
	info->count = 3;
	info->devices[0] = (struct vfio_pci_dependent_device){ { 7 }, 0, 4, 0 };
	info->devices[1] =
		(struct vfio_pci_dependent_device){ { VFIO_PCI_DEVID_OWNED }, 0, 4, 1 };
	info->devices[2] = (struct vfio_pci_dependent_device){
		{ (uint32_t)VFIO_PCI_DEVID_NOT_OWNED }, 0, 4, 2
	};
}

static void tells_more_than_there_was_room(void *argument)
{
	((struct vfio_pci_hot_reset_info *)argument)->count = 1;
}

#define ASKED_FOR_SET(answer_, result_)                                             \
	{                                                                           \
		.call = KERNEL_IOCTL, .fd = DEVICE,                                 \
		.request = VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, .result = (result_), \
		.answer = (answer_)                                                 \
	}

static void what_a_hot_reset_takes_is_asked_until_it_fits(void **state)
{
	static const struct kernel_row rows[] = {
		ENTERS_BY_GROUP,
		ASKED_FOR_SET(wants_room_for_two, -ENOSPC),
		ASKED_FOR_SET(wants_room_for_three, -ENOSPC),
		ASKED_FOR_SET(tells_groups, 0),
		{ 0 },
	};
	struct error err = ERROR_INIT;
	struct vfio_hot_reset set;
	struct vfio_session session;
	struct kernel kernel;
	char text[PCI_ADDRESS_SIZE];

	(void)state;
	kernel_begin(&kernel, rows);
	kernel_enter_by_group(&kernel, &session);
	assert_int_equal(vfio_hot_reset_set(&session, &set, &err), 0);
	assert_true(set.possible);
	assert_false(set.by_devices);
	assert_int_equal(set.count, 2);
	assert_int_equal(set.items[1].group, 6);
	assert_string_equal(pci_address_format(&set.items[1].address, text),
			    "0001:04:1f.7");
	vfio_hot_reset_free(&set);
	vfio_close(&session);
	kernel_expect_end(&kernel);
}

static void an_iommufd_tells_which_of_the_set_it_has(void **state)
{
	static const struct kernel_row rows[] = {
		ENTERS_BY_CDEV,
		ASKED_FOR_SET(wants_room_for_three, -ENOSPC),
		ASKED_FOR_SET(tells_devices, 0),
		{ 0 },
	};
	struct error err = ERROR_INIT;
	struct vfio_hot_reset set;
	struct vfio_session session;
	struct kernel kernel;

	(void)state;
	kernel_begin(&kernel, rows);
	kernel_enter_by_cdev(&kernel, &session);
	assert_int_equal(vfio_hot_reset_set(&session, &set, &err), 0);
	assert_true(set.by_devices);
	assert_false(set.all_owned);
	assert_true(set.items[0].is_owned);
	assert_int_equal(set.items[0].device_id, 7);
	/* It shares the group of one that is there, and is in nobody else's hands. */
	assert_true(set.items[1].is_owned);
	assert_false(set.items[2].is_owned);
	vfio_hot_reset_free(&set);
	vfio_close(&session);
	kernel_expect_end(&kernel);
}

static void a_set_that_cannot_be_or_never_holds_still_is_told(void **state)
{
	static const struct kernel_row none[] = {
		ENTERS_BY_GROUP,
		ASKED_FOR_SET(NULL, -ENODEV),
		{ 0 },
	};
	static const struct kernel_row groupless[] = {
		ENTERS_BY_GROUP,
		ASKED_FOR_SET(NULL, -EPERM),
		{ 0 },
	};
	static const struct kernel_row too_much[] = {
		ENTERS_BY_GROUP,
		ASKED_FOR_SET(wants_too_much_room, -ENOSPC),
		{ 0 },
	};
	static const struct kernel_row beyond[] = {
		ENTERS_BY_GROUP,
		ASKED_FOR_SET(tells_more_than_there_was_room, 0),
		{ 0 },
	};
	static const struct kernel_row restless[] = {
		ENTERS_BY_GROUP,
		ASKED_FOR_SET(wants_room_for_two, -ENOSPC),
		ASKED_FOR_SET(wants_room_for_three, -ENOSPC),
		ASKED_FOR_SET(wants_room_for_two, -ENOSPC),
		ASKED_FOR_SET(wants_room_for_three, -ENOSPC),
		{ 0 },
	};
	struct error err = ERROR_INIT;
	struct vfio_hot_reset set = { .possible = true };

	(void)state;
	assert_int_equal(ask(none, set_of, &set, &err), 0);
	assert_false(set.possible || set.groupless);
	set.possible = true;
	assert_int_equal(ask(groupless, set_of, &set, &err), 0);
	assert_false(set.possible);
	assert_true(set.groupless);
	assert_int_equal(ask(too_much, set_of, &set, &err), -EPROTO);
	assert_int_equal(ask(beyond, set_of, &set, &err), -EPROTO);
	assert_int_equal(ask(restless, set_of, &set, &err), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_can_be_mapped_of_a_region_is_known),
		cmocka_unit_test(an_answer_that_cannot_be_is_told_and_not_followed),
		cmocka_unit_test(a_number_of_the_kernels_is_no_size_of_an_allocation),
		cmocka_unit_test(what_the_device_has_not_is_no_failure),
		cmocka_unit_test(an_event_that_the_kernel_pretends_comes_once),
		cmocka_unit_test(what_a_hot_reset_takes_is_asked_until_it_fits),
		cmocka_unit_test(an_iommufd_tells_which_of_the_set_it_has),
		cmocka_unit_test(a_set_that_cannot_be_or_never_holds_still_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
