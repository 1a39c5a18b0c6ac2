/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_HOST_NODE_H
#define PCIFERRY_HOST_NODE_H

/*
 * Who may use a device node. On this machine the kernel is asked, which knows of ACLs and
 * of the user's groups; nothing is opened. Another host: what was true for the user who
 * made a recording, which keeps it in the file "pciferry/nodes/" and the path, as "mode
 * 0660 owner 0 group 106 usable yes".
 */
#include <stdbool.h>

#include "host/host.h"

struct host_node {
	unsigned int mode; /* of permissions */
	unsigned int owner, group;
	bool usable; /* this user may read and write it */
};

/* FACT_UNREADABLE: the kernel is too old to tell (before 5.8), or nothing was recorded.
 */
enum fact host_node_read(const struct host *host, const char *path,
			 struct host_node *ret_node);

#endif
