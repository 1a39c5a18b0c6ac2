/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "vm/tune.h"
#include "vm/vm.h"

/* Of an answer about 255 processors, a fifth of it. */
enum { ANSWER_MAX = 1 << 18 };

int vm_pins_open(const struct vm_tuning *tuning, struct vm_pins *ret_pins,
		 struct error *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(err, errno, "--tune", "%s", strerror(errno));
	*ret_pins = (struct vm_pins){ tuning, ends[0], ends[1] };
	return 0;
}

void vm_pins_close(struct vm_pins *pins)
{
	if (!pins->tuning)
		return;
	if (pins->ours >= 0)
		close(pins->ours);
	if (pins->its >= 0)
		close(pins->its);
	pins->tuning = NULL;
}

static bool read_thread(json_object *row, pid_t *threads, size_t count)
{
	json_object *index, *thread;
	int64_t i, number;

	if (!json_object_object_get_ex(row, "cpu-index", &index) ||
	    !json_object_object_get_ex(row, "thread-id", &thread))
		return false;
	i = json_object_get_int64(index);
	number = json_object_get_int64(thread);
	if (i < 0 || (size_t)i >= count || number <= 0 || number > INT_MAX)
		return false;
	threads[i] = (pid_t)number;
	return true;
}

static int read_threads(json_object *answer, pid_t *threads, size_t count)
{
	json_object *rows;

	if (json_object_object_get_ex(answer, "error", NULL))
		return -EBADMSG;
	if (!json_object_object_get_ex(answer, "return", &rows) ||
	    !json_object_is_type(rows, json_type_array))
		return 0;
	for (size_t i = 0; i < json_object_array_length(rows); i++)
		if (!read_thread(json_object_array_get_idx(rows, i), threads, count))
			return -EBADMSG;
	for (size_t i = 0; i < count; i++)
		if (!threads[i])
			return -EBADMSG;
	return 1;
}

/* NULL: it is none, or there is no memory. */
static json_object *parse(const char *text, size_t len)
{
	struct json_tokener *tokener = len <= ANSWER_MAX ? json_tokener_new() : NULL;
	json_object *object;

	if (!tokener)
		return NULL;
	object = json_tokener_parse_ex(tokener, text, (int)len);
	json_tokener_free(tokener);
	return object;
}

int vm_threads_parse(const char *text, size_t len, pid_t *ret_threads, size_t count)
{
	_cleanup_free_ pid_t *threads = calloc(count + 1, sizeof(*threads));
	json_object *answer = parse(text, len);
	int r = threads ? -EBADMSG : -ENOMEM;

	if (threads && json_object_is_type(answer, json_type_object))
		r = read_threads(answer, threads, count);
	if (r > 0)
		memcpy(ret_threads, threads, count * sizeof(*threads));
	json_object_put(answer);
	return r;
}

/* Whether something has come, and not what it is waited for only as long as. */
static bool has_more(int line, int signals)
{
	struct pollfd fds[] = {
		{ .fd = line, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};
	int n;

	do
		n = poll(fds, ARRAY_SIZE(fds), -1);
	while (n < 0 && errno == EINTR);
	return n > 0 && !fds[1].revents;
}

/* 1: they are known; 0: they will not be; or -errno. */
static int hear_threads(int line, int signals, pid_t *ret_threads, size_t count)
{
	_cleanup_free_ char *buffer = malloc(ANSWER_MAX);
	size_t len = 0;

	if (!buffer)
		return -ENOMEM;
	while (has_more(line, signals)) {
		ssize_t n = read(line, buffer + len, ANSWER_MAX - len);
		const char *end;

		if (n <= 0)
			return n < 0 && errno != ECONNRESET ? -errno : 0;
		len += (size_t)n;
		while ((end = memchr(buffer, '\n', len))) {
			size_t line_len = (size_t)(end - buffer);
			int r = vm_threads_parse(buffer, line_len, ret_threads, count);

			if (r != 0)
				return r;
			len -= line_len + 1;
			memmove(buffer, end + 1, len);
		}
		if (len == ANSWER_MAX)
			return -EBADMSG;
	}
	return 0;
}

static int ask_threads(int line, const sigset_t *until, pid_t *ret_threads, size_t count)
{
	static const char questions[] = "{\"execute\":\"qmp_capabilities\"}\n"
					"{\"execute\":\"query-cpus-fast\"}\n";
	_cleanup_close_ int signals = signalfd(-1, until, SFD_CLOEXEC);

	if (signals < 0)
		return -errno;
	/* Short enough for the socket to take it at once, whoever reads it when. */
	if (send(line, questions, strlen(questions), MSG_NOSIGNAL) < 0)
		return errno == EPIPE ? 0 : -errno;
	return hear_threads(line, signals, ret_threads, count);
}

/* Whatever QEMU says: no thread but its own, were it not to end in between
 * (SECURITY.md). */
static int pin_thread(pid_t qemu, pid_t thread, unsigned int cpu)
{
	if (syscall(SYS_tgkill, qemu, thread, 0) < 0)
		return -errno;
	return launch_pin(thread, &cpu, 1);
}

int vm_pin(const struct vm_pins *pins, pid_t qemu, const sigset_t *until,
	   struct error *err)
{
	const struct vm_tuning *tuning = pins->tuning;
	_cleanup_free_ pid_t *threads = calloc(tuning->n_vcpus + 1, sizeof(*threads));
	int r;

	if (!threads)
		return error_oom(err);
	r = ask_threads(pins->ours, until, threads, tuning->n_vcpus);
	if (r < 0)
		return error_set(err, -r, "--tune", "QEMU does not tell its threads: %s",
				 strerror(-r));
	for (size_t i = 0; r > 0 && i < tuning->n_vcpus; i++) {
		int failure = pin_thread(qemu, threads[i], tuning->vcpus[i]);

		if (failure < 0)
			return error_set(err, -failure, "--tune",
					 "the guest's processor %zu does not get CPU %u:"
					 " %s",
					 i, tuning->vcpus[i], strerror(-failure));
	}
	return 0;
}
