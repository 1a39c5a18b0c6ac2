/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/child.h"

static void sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

static int answer_hello(void *argument, char *answer, size_t *ret_len)
{
	memcpy(answer, "hello", 5);
	child_publish(ret_len, 5);
	return *(int *)argument;
}

static int die(void *argument, char *answer, size_t *ret_len)
{
	(void)argument, (void)answer, (void)ret_len;
	raise(SIGKILL);
	return 0;
}

/* A test that has ended leaves nobody behind. */
static bool is_removed(const struct tree *tree)
{
	struct stat status;

	return fstat(tree->fd, &status) < 0 || status.st_nlink == 0;
}

static int hang_after_half(void *argument, char *answer, size_t *ret_len)
{
	const struct tree *tree = argument;

	memcpy(answer, "half", 4);
	child_publish(ret_len, 4);
	while (faccessat(tree->fd, "let-go", F_OK, 0) < 0 && !is_removed(tree))
		sleep_ms(5);
	return 0;
}

static void leave_a_note(void *argument)
{
	const struct tree *tree = argument;
	int fd = openat(tree->fd, "came-back", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
}

static void what_the_child_found_out_arrives(void **state)
{
	struct child_answer answer = { .len = 0 };
	int result = -ENODEV;
	struct child_task task = { .run = answer_hello,
				   .argument = &result,
				   .deadline_ms = 10000 };

	(void)state;
	assert_int_equal(child_run(&task, &answer, NULL), -ENODEV);
	assert_int_equal(answer.len, 5);
	assert_memory_equal(answer.bytes, "hello", 5);
	result = 0;
	assert_int_equal(child_run(&task, NULL, NULL), 0);
}

static void a_child_that_dies_is_neither_success_nor_a_hang(void **state)
{
	struct child_task task = { .run = die, .deadline_ms = 60000 };

	(void)state;
	assert_int_equal(child_run(&task, NULL, NULL), -ECHILD);
}

static void a_hang_ends_at_the_deadline_and_is_put_right_later(void **state)
{
	const struct tree *tree = *state;
	struct child_answer answer = { .len = 0 };
	struct child_task task = { .run = hang_after_half,
				   .run_after_deadline = leave_a_note,
				   .argument = *state,
				   /* On a busy machine it comes to its half late. */
				   .deadline_ms = 2000 };
	bool came_back = false;
	pid_t pid = 0;

	assert_int_equal(child_run(&task, &answer, &pid), -ETIMEDOUT);
	assert_true(pid > 0);
	assert_int_equal(answer.len, 4);
	assert_int_not_equal(faccessat(tree->fd, "came-back", F_OK, 0), 0);
	tree_file(tree, "let-go", "");
	for (int i = 0; i < 2000 && !came_back; i++) {
		sleep_ms(5);
		came_back = faccessat(tree->fd, "came-back", F_OK, 0) == 0;
	}
	assert_true(came_back);
}

static int work_in_pieces(void *argument, char *answer, size_t *ret_len)
{
	(void)argument, (void)answer, (void)ret_len;
	for (int i = 0; i < 5; i++) {
		if (!child_go_on())
			return -ECANCELED;
		sleep_ms(600);
	}
	return 0;
}

/* Three seconds, in pieces that each have two. */
static void each_piece_of_its_work_has_the_whole_deadline(void **state)
{
	struct child_task task = { .run = work_in_pieces, .deadline_ms = 2000 };

	(void)state;
	assert_int_equal(child_run(&task, NULL, NULL), 0);
}

static int go_on_after_the_hang(void *argument, char *answer, size_t *ret_len)
{
	hang_after_half(argument, answer, ret_len);
	return child_go_on() ? 0 : -ECANCELED;
}

static void note_that_it_was_cancelled(void *argument)
{
	if (!child_go_on())
		leave_a_note(argument);
}

static void of_several_one_that_hangs_holds_no_other_up(void **state)
{
	const struct tree *tree = *state;
	struct child_task hanging = { .run = go_on_after_the_hang,
				      .run_after_deadline = note_that_it_was_cancelled,
				      .argument = *state,
				      .deadline_ms = 1500 };
	int result = 0;
	struct child_task quick = { .run = answer_hello,
				    .argument = &result,
				    .deadline_ms = 60000 };
	struct child *children[3];
	bool came_back = false;

	for (int i = 0; i < 3; i++)
		assert_int_equal(child_start(i == 1 ? &quick : &hanging, &children[i]),
				 0);
	assert_int_equal(child_join(children[0], NULL, NULL), -ETIMEDOUT);
	assert_int_equal(child_join(children[1], NULL, NULL), 0);
	assert_int_equal(child_join(children[2], NULL, NULL), -ETIMEDOUT);
	tree_file(tree, "let-go", "");
	for (int i = 0; i < 2000 && !came_back; i++) {
		sleep_ms(5);
		came_back = faccessat(tree->fd, "came-back", F_OK, 0) == 0;
	}
	assert_true(came_back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_child_found_out_arrives),
		cmocka_unit_test(a_child_that_dies_is_neither_success_nor_a_hang),
		cmocka_unit_test_setup_teardown(
			a_hang_ends_at_the_deadline_and_is_put_right_later, tree_setup,
			tree_teardown),
		cmocka_unit_test(each_piece_of_its_work_has_the_whole_deadline),
		cmocka_unit_test_setup_teardown(
			of_several_one_that_hangs_holds_no_other_up, tree_setup,
			tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
