/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/node.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/rooted.h"
#include "host/backend.h"
#include "host/recording.h"

static enum fact read_kept(const struct host *host, const char *kept,
			   struct host_node *ret_node)
{
	struct host_node node;
	char text[80], usable[4];

	if (host_read(host, kept, text, sizeof(text)) != FACT_KNOWN ||
	    sscanf(text, "mode %o owner %u group %u usable %3s", &node.mode, &node.owner,
		   &node.group, usable) != 4)
		return FACT_UNREADABLE;
	node.usable = !strcmp(usable, "yes");
	*ret_node = node;
	return FACT_KNOWN;
}

static enum fact ask(const struct host *host, const char *path,
		     struct host_node *ret_node)
{
	_cleanup_close_ int fd = rooted_open(host->root, path, O_PATH, 0);
	struct stat status;
	bool usable;

	if (fd < 0)
		return fd == -ENOENT || fd == -ENOTDIR ? FACT_ABSENT : FACT_UNREADABLE;
	usable = faccessat(fd, "", R_OK | W_OK, AT_EMPTY_PATH | AT_EACCESS) == 0;
	if ((!usable && errno != EACCES && errno != EPERM && errno != EROFS) ||
	    fstat(fd, &status) < 0)
		return FACT_UNREADABLE;
	*ret_node = (struct host_node){
		.mode = status.st_mode & 07777,
		.owner = status.st_uid,
		.group = status.st_gid,
		.usable = usable,
	};
	return FACT_KNOWN;
}

enum fact host_node_read(const struct host *host, const char *path,
			 struct host_node *ret_node)
{
	struct host_node node;
	char kept[PATH_MAX], text[80];
	enum fact fact;

	snprintf(kept, sizeof(kept), "pciferry/nodes/%s", path);
	if (!host->live)
		return read_kept(host, kept, ret_node);
	fact = ask(host, path, &node);
	if (fact != FACT_KNOWN)
		return fact;
	snprintf(text, sizeof(text), "mode %04o owner %u group %u usable %s\n", node.mode,
		 node.owner, node.group, node.usable ? "yes" : "no");
	if (host->recording)
		host_recording_keep(host, kept, text, strlen(text));
	*ret_node = node;
	return FACT_KNOWN;
}
