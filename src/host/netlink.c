/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

static void close_socket(struct mnl_socket *const *socket)
{
	if (*socket)
		mnl_socket_close(*socket);
}

/* The kernel answers in a message of any size: a card with 128 functions has 20 KiB. */
static int receive(struct mnl_socket *socket, void **ret_bytes, size_t *ret_len)
{
	_cleanup_free_ void *bytes = NULL;
	ssize_t n;

	do
		n = recv(mnl_socket_get_fd(socket), NULL, 0, MSG_PEEK | MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	bytes = malloc((size_t)n + 1);
	if (!bytes)
		return -ENOMEM;
	n = mnl_socket_recvfrom(socket, bytes, (size_t)n + 1);
	if (n < 0)
		return -errno;
	*ret_bytes = steal(bytes);
	*ret_len = (size_t)n;
	return 0;
}

/*
 * What the kernel has to say beside the number, a driver's words among it: attributes
 * behind the header of the request (Documentation/userspace-api/netlink/intro.rst).
 */
static int take_reason(const struct nlattr *attribute, void *reason)
{
	if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG &&
	    mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
		snprintf(reason, HOST_REASON_SIZE, "%s", mnl_attr_get_str(attribute));
	return MNL_CB_OK;
}

/* Of an error: 0 where it says that all went well. */
static int take_error(const struct nlmsghdr *message, char reason[HOST_REASON_SIZE])
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);
	unsigned int with = NLM_F_ACK_TLVS | NLM_F_CAPPED;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*error))
		return -EBADMSG;
	if (reason && (message->nlmsg_flags & with) == with)
		mnl_attr_parse(message, sizeof(*error), take_reason, reason);
	return error->error;
}

/* Sends a request; *ret_socket is for close_socket(), also on failure. */
static int begin(const struct nlmsghdr *request, struct mnl_socket **ret_socket)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int on = 1;

	*ret_socket = socket;
	if (!socket)
		return -errno;
	/* Both since Linux 4.12; without them an error is but a number. */
	mnl_socket_setsockopt(socket, NETLINK_CAP_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(socket, NETLINK_EXT_ACK, &on, sizeof(on));
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	return 0;
}

int host_netlink_ask(struct nlmsghdr *request, void **ret_answer, size_t *ret_len,
		     char reason[HOST_REASON_SIZE])
{
	_cleanup_(close_socket) struct mnl_socket *socket = NULL;
	_cleanup_free_ void *bytes = NULL;
	const struct nlmsghdr *message;
	size_t len = 0;
	int r;

	if (reason)
		*reason = '\0';
	r = begin(request, &socket);
	if (r == 0)
		r = receive(socket, &bytes, &len);
	if (r < 0)
		return r;
	message = bytes;
	if (!mnl_nlmsg_ok(message, (int)len))
		return -EBADMSG;
	if (message->nlmsg_type == NLMSG_ERROR)
		return take_error(message, reason);
	if (request->nlmsg_flags & NLM_F_ACK)
		return -EBADMSG;
	*ret_answer = steal(bytes);
	*ret_len = len;
	return 0;
}

/* A dump that broke off ends as well, with the number of what broke it
 * (netlink_dump_done(), net/netlink/af_netlink.c). 0 or -errno. */
static int how_it_ended(const struct nlmsghdr *done)
{
	int number = 0;

	if (mnl_nlmsg_get_payload_len(done) >= sizeof(number))
		memcpy(&number, mnl_nlmsg_get_payload(done), sizeof(number));
	return number < 0 ? number : 0;
}

/* Returns 1 while more is to come, 0 at the end, or -errno. */
static int take_part(struct mnl_socket *socket,
		     int (*take)(const struct nlmsghdr *message, void *argument),
		     void *argument)
{
	/* As large as the kernel's own buffers for dumps get. */
	_Alignas(struct nlmsghdr) char buffer[32768];
	ssize_t n = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
	const struct nlmsghdr *message = (const struct nlmsghdr *)buffer;
	int left = (int)n, r;

	if (n < 0)
		return errno == EINTR ? 1 : -errno;
	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
		if (message->nlmsg_type == NLMSG_DONE)
			return how_it_ended(message);
		if (message->nlmsg_type == NLMSG_ERROR)
			return -EIO;
		r = take(message, argument);
		if (r < 0)
			return r;
	}
	return 1;
}

int host_netlink_dump(unsigned short type,
		      int (*take)(const struct nlmsghdr *message, void *argument),
		      void *argument)
{
	_cleanup_(close_socket) struct mnl_socket *socket = NULL;
	_Alignas(struct nlmsghdr) char
		buffer[MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct rtgenmsg))];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	int r;

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	/* Of zeros: AF_UNSPEC, all families. */
	mnl_nlmsg_put_extra_header(request, sizeof(struct rtgenmsg));
	r = begin(request, &socket);
	if (r < 0)
		return r;
	do
		r = take_part(socket, take, argument);
	while (r > 0);
	return r;
}
