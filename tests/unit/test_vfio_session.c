/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two ways in, and what is left open when one of them fails. No kernel is involved.
 */
#include "kernel.h"

#include <errno.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <string.h>

#include "base/error.h"

static void a_device_is_opened_by_its_group(void **state)
{
	static const struct kernel_row rows[] = { ENTERS_BY_GROUP, { 0 } };
	struct vfio_session session;
	struct kernel kernel;

	(void)state;
	kernel_begin(&kernel, rows);
	kernel_enter_by_group(&kernel, &session);
	assert_int_equal(session.way, VFIO_BY_GROUP);
	assert_int_equal(session.type, VFIO_TYPE1v2_IOMMU);
	vfio_close(&session);
	vfio_close(&session);
	kernel_expect_end(&kernel);
}

static void a_device_is_opened_by_its_own_node_with_an_iommufd(void **state)
{
	static const struct kernel_row rows[] = { ENTERS_BY_CDEV, { 0 } };
	struct vfio_session session;
	struct kernel kernel;

	(void)state;
	kernel_begin(&kernel, rows);
	kernel_enter_by_cdev(&kernel, &session);
	assert_int_equal(session.way, VFIO_BY_CDEV);
	assert_int_equal(session.device_id, 7);
	assert_int_equal(session.space, 9);
	vfio_close(&session);
	kernel_expect_end(&kernel);
}

static void an_older_kernel_has_type_1_alone(void **state)
{
	static const struct kernel_row rows[] = {
		OPENS("dev/vfio/vfio", CONTAINER),
		ASKS(CONTAINER, VFIO_GET_API_VERSION, 0),
		ASKS(CONTAINER, VFIO_CHECK_EXTENSION, 0),
		ASKS(CONTAINER, VFIO_CHECK_EXTENSION, 1),
		OPENS("dev/vfio/5", GROUP),
		ANSWERS(GROUP, VFIO_GROUP_GET_STATUS, kernel_is_viable),
		ASKS(GROUP, VFIO_GROUP_SET_CONTAINER, 0),
		ASKS(CONTAINER, VFIO_SET_IOMMU, 0),
		ASKS(GROUP, VFIO_GROUP_GET_DEVICE_FD, DEVICE),
		{ 0 },
	};
	struct vfio_session session;
	struct kernel kernel;

	(void)state;
	kernel_begin(&kernel, rows);
	kernel_enter_by_group(&kernel, &session);
	assert_int_equal(session.type, VFIO_TYPE1_IOMMU);
	assert_string_equal(vfio_type_name(session.type), "type1");
	vfio_close(&session);
	kernel_expect_end(&kernel);
}

/* Cuts the rows off after n of them, of which the last one fails. */
static void fail_at(const struct kernel_row *rows, size_t n, int code,
		    struct kernel_row *ret_rows)
{
	memcpy(ret_rows, rows, (n + 1) * sizeof(*rows));
	ret_rows[n].result = -code;
	ret_rows[n].answer = NULL;
	memset(&ret_rows[n + 1], 0, sizeof(*rows));
}

static void whatever_fails_on_the_way_in_nothing_is_left_open(void **state)
{
	static const struct kernel_row by_group[] = { ENTERS_BY_GROUP };
	static const struct kernel_row by_cdev[] = { ENTERS_BY_CDEV };
	/* That the version is another, and no type there, is below. */
	static const struct {
		size_t row;
		enum vfio_step step;
		const char *message;
	} groups[] = {
		{ 0, VFIO_STEP_CONTAINER, "Operation not permitted" },
		{ 3, VFIO_STEP_GROUP, "Operation not permitted" },
		{ 4, VFIO_STEP_VIABLE, "VFIO_GROUP_GET_STATUS: Operation not permitted" },
		{ 5, VFIO_STEP_JOIN,
		  "VFIO_GROUP_SET_CONTAINER: Operation not permitted" },
		{ 6, VFIO_STEP_IOMMU, "VFIO_SET_IOMMU: Operation not permitted" },
		{ 7, VFIO_STEP_DEVICE,
		  "VFIO_GROUP_GET_DEVICE_FD: Operation not permitted" },
	}, cdevs[] = {
		{ 0, VFIO_STEP_IOMMUFD, "Operation not permitted" },
		{ 1, VFIO_STEP_CDEV, "Operation not permitted" },
		{ 2, VFIO_STEP_BIND, "VFIO_DEVICE_BIND_IOMMUFD: Operation not permitted" },
		{ 3, VFIO_STEP_SPACE, "IOMMU_IOAS_ALLOC: Operation not permitted" },
		{ 4, VFIO_STEP_ATTACH,
		  "VFIO_DEVICE_ATTACH_IOMMUFD_PT: Operation not permitted" },
	};
	struct kernel_row rows[16];
	struct vfio_session session;
	struct kernel kernel;

	(void)state;
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		struct error err = ERROR_INIT;

		fail_at(by_group, groups[i].row, EPERM, rows);
		kernel_begin(&kernel, rows);
		assert_int_equal(vfio_open_by_group(&kernel.transport, &kernel_address, 5,
						    &session, &err),
				 -EPERM);
		assert_int_equal(session.step, groups[i].step);
		assert_string_equal(err.message, groups[i].message);
		assert_true(err.subject[0]);
		kernel_expect_end(&kernel);
	}
	for (size_t i = 0; i < sizeof(cdevs) / sizeof(*cdevs); i++) {
		struct error err = ERROR_INIT;

		fail_at(by_cdev, cdevs[i].row, EPERM, rows);
		kernel_begin(&kernel, rows);
		assert_int_equal(vfio_open_by_cdev(&kernel.transport, &kernel_address,
						   "vfio3", &session, &err),
				 -EPERM);
		assert_int_equal(session.step, cdevs[i].step);
		assert_string_equal(err.message, cdevs[i].message);
		assert_true(err.subject[0]);
		kernel_expect_end(&kernel);
	}
}

static void expect_failure(const struct kernel_row *rows, int code, const char *message)
{
	struct error err = ERROR_INIT;
	struct vfio_session session;
	struct kernel kernel;

	kernel_begin(&kernel, rows);
	assert_int_equal(vfio_open_by_group(&kernel.transport, &kernel_address, 5,
					    &session, &err),
			 -code);
	assert_non_null(strstr(err.message, message));
	kernel_expect_end(&kernel);
}

static void not_viable(void *argument)
{
	((struct vfio_group_status *)argument)->flags = 0;
}

static void a_kernel_that_is_not_understood_is_told(void **state)
{
	static const struct kernel_row another[] = {
		OPENS("dev/vfio/vfio", CONTAINER),
		ASKS(CONTAINER, VFIO_GET_API_VERSION, 1),
		{ 0 },
	};
	static const struct kernel_row none[] = {
		OPENS("dev/vfio/vfio", CONTAINER),
		ASKS(CONTAINER, VFIO_GET_API_VERSION, -ENOTTY),
		{ 0 },
	};
	static const struct kernel_row typeless[] = {
		OPENS("dev/vfio/vfio", CONTAINER),
		ASKS(CONTAINER, VFIO_GET_API_VERSION, 0),
		ASKS(CONTAINER, VFIO_CHECK_EXTENSION, 0),
		ASKS(CONTAINER, VFIO_CHECK_EXTENSION, 0),
		{ 0 },
	};

	(void)state;
	expect_failure(another, EPROTO, "VFIO_GET_API_VERSION: 1, not 0");
	expect_failure(none, ENOTTY, "VFIO_GET_API_VERSION: Inappropriate ioctl");
	expect_failure(typeless, ENODEV, "no type 1");
}

static void a_group_that_is_not_viable_or_held_is_told(void **state)
{
	static const struct kernel_row unviable[] = {
		OPENS("dev/vfio/vfio", CONTAINER),
		ASKS(CONTAINER, VFIO_GET_API_VERSION, 0),
		ASKS(CONTAINER, VFIO_CHECK_EXTENSION, 1),
		OPENS("dev/vfio/5", GROUP),
		ANSWERS(GROUP, VFIO_GROUP_GET_STATUS, not_viable),
		{ 0 },
	};
	static const struct kernel_row held[] = {
		OPENS("dev/vfio/vfio", CONTAINER),
		ASKS(CONTAINER, VFIO_GET_API_VERSION, 0),
		ASKS(CONTAINER, VFIO_CHECK_EXTENSION, 1),
		OPEN_FAILS("dev/vfio/5", EBUSY),
		{ 0 },
	};

	(void)state;
	expect_failure(unviable, EPERM, "not viable");
	expect_failure(held, EBUSY, "a process holds the group");
}

static void nothing_is_reset_but_when_it_is_asked_for(void **state)
{
	static const struct kernel_row rows[] = {
		ENTERS_BY_GROUP,
		ASKS(DEVICE, VFIO_DEVICE_RESET, 0),
		ASKS(DEVICE, VFIO_DEVICE_RESET, -ENOTTY),
		{ 0 },
	};
	struct error err = ERROR_INIT;
	struct vfio_session session;
	struct kernel kernel;

	(void)state;
	kernel_begin(&kernel, rows);
	kernel_enter_by_group(&kernel, &session);
	assert_int_equal(vfio_reset(&session, &err), 0);
	assert_int_equal(vfio_reset(&session, &err), -ENOTTY);
	assert_non_null(strstr(err.message, "VFIO_DEVICE_RESET"));
	vfio_close(&session);
	kernel_expect_end(&kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_is_opened_by_its_group),
		cmocka_unit_test(a_device_is_opened_by_its_own_node_with_an_iommufd),
		cmocka_unit_test(an_older_kernel_has_type_1_alone),
		cmocka_unit_test(whatever_fails_on_the_way_in_nothing_is_left_open),
		cmocka_unit_test(a_kernel_that_is_not_understood_is_told),
		cmocka_unit_test(a_group_that_is_not_viable_or_held_is_told),
		cmocka_unit_test(nothing_is_reset_but_when_it_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
