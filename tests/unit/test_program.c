/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/program.h"

struct heard {
	char text[256]; /* the first of it */
	size_t len;	/* all of it */
	unsigned int ticks;
};

static void hear(const char *bytes, size_t len, void *argument)
{
	struct heard *heard = argument;

	for (size_t i = 0; i < len; i++)
		if (heard->len + i < sizeof(heard->text) - 1)
			heard->text[heard->len + i] = bytes[i];
	heard->len += len;
}

static void count_tick(unsigned int seconds, void *argument)
{
	struct heard *heard = argument;

	(void)seconds;
	heard->ticks++;
}

/* Runs a shell's script; returns its end and what was heard. */
static struct program_end run(const char *script, unsigned int deadline_s,
			      struct heard *heard)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };
	struct program program = {
		.root_fd = -1,
		.path = "/bin/sh",
		.argv = argv,
		.deadline_s = deadline_s,
		.output = hear,
		.tick = count_tick,
		.argument = heard,
	};
	struct program_end end = { 0 };

	memset(heard, 0, sizeof(*heard));
	assert_int_equal(program_run(&program, &end), 0);
	return end;
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void both_outputs_and_the_status_are_heard(void **state)
{
	struct heard heard;
	struct program_end end = run("echo out; echo err >&2; exit 3", 60, &heard);

	(void)state;
	assert_true(end.in_time);
	assert_int_equal(WEXITSTATUS(end.status), 3);
	assert_string_equal(heard.text, "out\nerr\n");
}

static void a_person_s_environment_and_input_do_not_reach_it(void **state)
{
	struct heard heard;

	(void)state;
	setenv("MKINITRD_OPTIONS", "of my shell", 1);
	run("echo \"<$MKINITRD_OPTIONS> $LANG $(pwd) $(cat)\"", 60, &heard);
	assert_string_equal(heard.text, "<> C.UTF-8 / \n");
}

static void a_signal_is_told_from_a_status(void **state)
{
	struct heard heard;
	struct program_end end = run("kill -9 $$", 60, &heard);

	(void)state;
	assert_true(end.in_time);
	assert_true(WIFSIGNALED(end.status));
	assert_int_equal(WTERMSIG(end.status), 9);
}

static void what_is_not_there_or_no_program_is_told(void **state)
{
	const struct tree *tree = *state;
	struct heard heard = { 0 };
	char path[128];
	char *argv[] = { path, NULL };
	struct program program = { .root_fd = -1,
				   .path = path,
				   .argv = argv,
				   .deadline_s = 60,
				   .output = hear,
				   .argument = &heard };
	struct program_end end;

	snprintf(path, sizeof(path), "%s/tool", tree->path);
	assert_int_equal(program_run(&program, &end), 0);
	assert_int_equal(WEXITSTATUS(end.status), 127);
	tree_file(tree, "tool", "#!/bin/sh\n");
	assert_int_equal(program_run(&program, &end), 0);
	assert_int_equal(WEXITSTATUS(end.status), 126);
	assert_int_equal(heard.len, 0);
}

static void all_of_a_long_line_is_taken(void **state)
{
	struct heard heard;
	struct program_end end = run("head -c 3000000 /dev/zero", 60, &heard);

	(void)state;
	assert_int_equal(end.status, 0);
	assert_int_equal(heard.len, 3000000);
}

static void one_that_never_ends_is_killed_with_its_children(void **state)
{
	const struct tree *tree = *state;
	struct heard heard;
	struct program_end end;
	char script[256];

	/* A child that lives on would write once more. */
	snprintf(script, sizeof(script),
		 "(while echo x >%s/alive; do sleep 0.1; done) & wait", tree->path);
	end = run(script, 1, &heard);
	assert_false(end.in_time);
	unlinkat(tree->fd, "alive", 0);
	usleep(400000);
	assert_int_not_equal(faccessat(tree->fd, "alive", F_OK, 0), 0);
	end = run("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", 1, &heard);
	assert_false(end.in_time);
}

static void one_that_closes_its_output_is_waited_for_and_its_time_told(void **state)
{
	struct heard heard;
	struct program_end end = run("exec >&- 2>&-; sleep 0.5; exit 4", 60, &heard);

	(void)state;
	assert_true(end.in_time);
	assert_int_equal(WEXITSTATUS(end.status), 4);
	assert_true(heard.ticks > 2);
	/* The deadline holds for it as well. */
	end = run("exec >&- 2>&-; sleep 60", 1, &heard);
	assert_false(end.in_time);
}

static void a_child_left_behind_is_not_waited_for(void **state)
{
	struct heard heard;
	long start = now_ms();
	struct program_end end = run("sleep 20 & echo done; exit 5", 60, &heard);

	(void)state;
	assert_true(end.in_time);
	assert_int_equal(WEXITSTATUS(end.status), 5);
	assert_string_equal(heard.text, "done\n");
	/* Nor one that goes on writing, without an end. */
	end = run("(while :; do echo x; done) & echo done", 60, &heard);
	assert_true(end.in_time);
	assert_int_equal(end.status, 0);
	assert_true(now_ms() - start < 15000);
}

static void a_tool_does_not_go_on_without_its_parent(void **state)
{
	const struct tree *tree = *state;
	char script[256];
	struct heard heard;
	pid_t pid = fork();

	snprintf(script, sizeof(script),
		 "echo x >%s/begun; sleep 1 & wait; echo x >%s/ended", tree->path,
		 tree->path);
	if (pid == 0) {
		run(script, 60, &heard);
		_exit(0);
	}
	for (int i = 0; i < 500 && faccessat(tree->fd, "begun", F_OK, 0) != 0; i++)
		usleep(10000);
	assert_int_equal(faccessat(tree->fd, "begun", F_OK, 0), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	usleep(1500000);
	assert_int_not_equal(faccessat(tree->fd, "ended", F_OK, 0), 0);
}

static void a_tool_of_another_root_sees_that_root(void **state)
{
	const struct tree *tree = *state;
	struct heard heard = { 0 };
	char *argv[] = { (char *)"busybox", (char *)"ls", (char *)"/", NULL };
	struct program program = { .root_fd = tree->fd,
				   .path = "/busybox",
				   .argv = argv,
				   .deadline_s = 60,
				   .output = hear,
				   .argument = &heard };
	struct program_end end;
	char command[128];

	if (geteuid() != 0 || access("/bin/busybox", X_OK) != 0)
		skip();
	snprintf(command, sizeof(command), "cp /bin/busybox %s/busybox", tree->path);
	assert_int_equal(system(command), 0);
	assert_int_equal(program_run(&program, &end), 0);
	assert_int_equal(end.status, 0);
	assert_string_equal(heard.text, "busybox\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_outputs_and_the_status_are_heard),
		cmocka_unit_test(a_person_s_environment_and_input_do_not_reach_it),
		cmocka_unit_test(a_signal_is_told_from_a_status),
		cmocka_unit_test_setup_teardown(what_is_not_there_or_no_program_is_told,
						tree_setup, tree_teardown),
		cmocka_unit_test(all_of_a_long_line_is_taken),
		cmocka_unit_test_setup_teardown(
			one_that_never_ends_is_killed_with_its_children, tree_setup,
			tree_teardown),
		cmocka_unit_test(
			one_that_closes_its_output_is_waited_for_and_its_time_told),
		cmocka_unit_test(a_child_left_behind_is_not_waited_for),
		cmocka_unit_test_setup_teardown(a_tool_does_not_go_on_without_its_parent,
						tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(a_tool_of_another_root_sees_that_root,
						tree_setup, tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
