/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may do what with a file, of each kind of host. */
#include "recorder.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static int setup(void **state)
{
	int r = tree_setup(state);
	const struct tree *tree;

	if (r < 0)
		return r;
	tree = *state;
	tree_folder(tree, "sys/bus/pci/devices");
	tree_file(tree, "etc/hook", "#!/bin/sh\n");
	tree_file(tree, "etc/never-asked", "");
	tree_link(tree, "etc/link", "/etc/hook");
	return fchmodat(tree->fd, "etc/hook", 0751, 0);
}

static void assert_mode(const struct host *host, const char *path, unsigned int wanted)
{
	struct host_mode mode;

	assert_int_equal(host_file_mode(host, path, &mode), FACT_KNOWN);
	assert_int_equal(mode.mode, wanted);
	assert_int_equal(mode.owner, getuid());
}

static void the_mode_of_a_file_is_told_and_what_is_not_there_is_absent(void **state)
{
	struct host *host = recorder_open(*state, false);
	struct host_mode mode;

	assert_mode(host, "etc/hook", 0751);
	assert_mode(host, "etc/link", 0751);
	assert_int_equal(host_file_mode(host, "etc/none", &mode), FACT_ABSENT);
	host_free(host);
}

/* So that a report of a hook that does not run can be repeated elsewhere. */
static void a_recording_carries_it_and_an_older_one_does_not_know(void **state)
{
	struct host *recorder = recorder_open(*state, true), *host;
	_cleanup_free_ char *text = NULL;
	struct host_mode mode;
	size_t len;

	assert_mode(recorder, "etc/hook", 0751);
	assert_int_equal(host_file_mode(recorder, "etc/none", &mode), FACT_ABSENT);
	assert_int_equal(host_read_file(recorder, "etc/never-asked", &text, &len), 0);
	host = recorder_replay(recorder, HOST_ARCHIVE_TAR, NULL);
	assert_mode(host, "etc/hook", 0751);
	assert_int_equal(host_file_mode(host, "etc/none", &mode), FACT_ABSENT);
	/* As all files are in one that was made before modes were kept. */
	assert_int_equal(host_file_mode(host, "etc/never-asked", &mode), FACT_UNREADABLE);
	host_free(host);
	host_free(recorder);
}

/* A recording that was unpacked has the modes of the machine where that was done. */
static void in_a_folder_what_was_recorded_counts_more(void **state)
{
	struct host *host = recorder_open(*state, false);
	struct host_mode mode;

	tree_file(*state, "pciferry/modes/etc/hook.mode", "mode 0644 owner 7\n");
	assert_int_equal(host_file_mode(host, "etc/hook", &mode), FACT_KNOWN);
	assert_int_equal(mode.mode, 0644);
	assert_int_equal(mode.owner, 7);
	tree_file(*state, "pciferry/modes/etc/hook.mode", "mode 0944 owner 7 more\n");
	assert_mode(host, "etc/hook", 0751);
	host_free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_mode_of_a_file_is_told_and_what_is_not_there_is_absent, setup,
			tree_teardown),
		cmocka_unit_test_setup_teardown(
			a_recording_carries_it_and_an_older_one_does_not_know, setup,
			tree_teardown),
		cmocka_unit_test_setup_teardown(in_a_folder_what_was_recorded_counts_more,
						setup, tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
