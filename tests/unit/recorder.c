/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder.h"

#include "base/cleanup.h"
#include "host/backend.h"

struct host *recorder_open(const struct tree *tree, bool record)
{
	struct host *host = NULL;

	assert_int_equal(host_open_directory(tree->path, &host, NULL), 0);
	host->live = record;
	if (record)
		assert_int_equal(host_record(host, NULL), 0);
	return host;
}

struct host *recorder_replay(const struct host *recorder, enum host_archive kind,
			     struct host_recording_summary *ret_summary)
{
	struct host_recording_summary summary;
	_cleanup_free_ char *bytes = NULL;
	struct host *host = NULL;
	size_t len;

	assert_int_equal(host_recording_write(recorder, kind, NULL, &bytes, &len,
					      &summary, NULL),
			 0);
	if (ret_summary)
		*ret_summary = summary;
	else
		host_recording_summary_free(&summary);
	assert_int_equal(host_open_recording("x.tar", bytes, len, &host, NULL), 0);
	return host;
}
