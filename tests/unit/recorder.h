/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_TESTS_RECORDER_H
#define PCIFERRY_TESTS_RECORDER_H

/* A made host, recorded and replayed. Everything in here asserts that it worked. */
#include "tree.h"

#include "host/recording.h"

/* With `record` the folder is taken for this machine: no other host is recorded. */
struct host *recorder_open(const struct tree *tree, bool record);

/* What was recorded so far, as a host of its own; ret_summary may be NULL. */
struct host *recorder_replay(const struct host *recorder, enum host_archive kind,
			     struct host_recording_summary *ret_summary);

#endif
