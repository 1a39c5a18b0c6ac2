/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An interface for a guest, in a bridge of the host's. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/rooted.h"
#include "change/internal.h"

static struct ifreq request_for(const char *name)
{
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return request;
}

/*
 * A packet that is too large for one port of a bridge is lost there. By what a bridge
 * answers is the lowest address among its ports: 0xfe is no manufacturer's, and above
 * all of them (br_stp_recalculate_bridge_id(), net/bridge/br_stp_if.c).
 */
static int set_like_bridge(int line, const char *bridge, const char *name,
			   const unsigned char mac[HOST_MAC_LEN])
{
	struct ifreq size = request_for(bridge), address = request_for(name);

	if (ioctl(line, SIOCGIFMTU, &size) < 0)
		return -errno;
	memcpy(size.ifr_name, address.ifr_name, sizeof(size.ifr_name));
	if (ioctl(line, SIOCSIFMTU, &size) < 0)
		return -errno;
	address.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(address.ifr_hwaddr.sa_data, mac, HOST_MAC_LEN);
	address.ifr_hwaddr.sa_data[0] = (char)0xfe;
	return ioctl(line, SIOCSIFHWADDR, &address) < 0 ? -errno : 0;
}

static int put_into_bridge(int line, const char *bridge, const char *name)
{
	struct ifreq port = request_for(bridge), state = request_for(name);

	port.ifr_ifindex = (int)if_nametoindex(name);
	if (ioctl(line, SIOCBRADDIF, &port) < 0 || ioctl(line, SIOCGIFFLAGS, &state) < 0)
		return -errno;
	state.ifr_flags |= IFF_UP;
	return ioctl(line, SIOCSIFFLAGS, &state) < 0 ? -errno : 0;
}

int change_make_tap(const struct host *host, const char *bridge, const char *name,
		    const unsigned char mac[HOST_MAC_LEN], int *ret_fd, struct error *err)
{
	_cleanup_close_ int fd = -1;
	_cleanup_close_ int line = -1;
	struct ifreq tap = request_for(name);
	int r = change_check_host(host, err);

	if (r < 0)
		return r;
	fd = rooted_open(host_root_fd(host), "dev/net/tun", O_RDWR, 0);
	if (fd < 0) {
		error_set(err, -fd, "/dev/net/tun", "%s", strerror(-fd));
		if (fd == -ENOENT)
			error_hint(err, "modprobe tun");
		return fd;
	}
	/* A new one: not that of another guest by the same name. */
	tap.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL);
	if (ioctl(fd, TUNSETIFF, &tap) < 0) {
		r = error_set(err, errno, name, "%s", strerror(errno));
		if (r == -EBUSY)
			error_hint(err, "a guest of the same name has it: give this one"
					" another --name");
		return r;
	}
	line = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	r = line < 0 ? -errno : set_like_bridge(line, bridge, name, mac);
	if (r == 0)
		r = put_into_bridge(line, bridge, name);
	if (r < 0)
		return error_set(err, -r, bridge, "an interface for the guest: %s",
				 strerror(-r));
	*ret_fd = steal_fd(&fd);
	return 0;
}
