/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What went wrong, also where several things did. */
#include "tree.h"

#include <errno.h>

#include "base/error.h"

static void an_error_keeps_its_subject_evidence_and_first_hint(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(error_refuse(&err, "0000:01:00.0", "in use"), -EBUSY);
	error_evidence(&err, "%s is mounted", "nvme0n1");
	error_evidence(&err, "and swap");
	error_hint(&err, "umount it");
	error_hint(&err, "less precise");
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_string_equal(err.subject, "0000:01:00.0");
	assert_string_equal(err.message, "in use");
	assert_string_equal(err.hint, "umount it");
	assert_string_equal(err.evidence[0], "nvme0n1 is mounted");
	assert_string_equal(err.evidence[1], "and swap");
	assert_null(err.evidence[2]);
	assert_int_equal(error_set(&err, EIO, NULL, "other"), -EIO);
	assert_null(err.evidence);
	assert_string_equal(err.hint, "");
	error_clear(&err);
	assert_int_equal(error_set(NULL, EIO, "x", "no place for it"), -EIO);
}

static int find_busy(struct error *one, const char *subject)
{
	error_set(one, EBUSY, subject, "it is in use");
	error_hint(one, "wait for %s", subject);
	return -EBUSY;
}

static void of_several_failures_none_is_lost(void **state)
{
	struct error err = ERROR_INIT, one = ERROR_INIT;
	int result = 0;

	(void)state;
	result = error_gather(result, 0, &one, &err);
	assert_int_equal(result, 0);
	assert_false(error_is_set(&err));
	result = error_gather(result, find_busy(&one, "first"), &one, &err);
	assert_int_equal(result, -EBUSY);
	assert_false(error_is_set(&one));
	assert_null(one.evidence);
	error_set(&one, EIO, "second", "no answer");
	result = error_gather(result, -EIO, &one, &err);
	result = error_gather(result, 0, &one, &err);
	assert_int_equal(result, -EBUSY);
	assert_string_equal(err.subject, "first");
	assert_string_equal(err.hint, "wait for first");
	assert_string_equal(err.evidence[0], "second: no answer");
	assert_null(err.evidence[1]);
	error_clear(&err);
}

static void nobody_need_listen(void **state)
{
	struct error one = ERROR_INIT;

	(void)state;
	assert_int_equal(error_gather(0, find_busy(&one, "first"), &one, NULL), -EBUSY);
	assert_false(error_is_set(&one));
	assert_int_equal(error_gather(-EIO, find_busy(&one, "second"), &one, NULL), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_keeps_its_subject_evidence_and_first_hint),
		cmocka_unit_test(of_several_failures_none_is_lost),
		cmocka_unit_test(nobody_need_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
