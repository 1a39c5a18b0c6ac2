#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: what else a guest that vm run starts may have: a screen, a TPM, a bridge
# lab-timeout: 400
# Real: QEMU with the device by VFIO, its VNC and swtpm. Not real: the guest has no operating
# system; it waits in its firmware until it is ended.
# Functions are called by way of check.
# shellcheck disable=SC2317 source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

runs_or_not() { runs || ! kill -0 "$run" 2>/dev/null; }
runs() { [ -n "$(pidof qemu-system-x86_64)" ] && said "starting the guest"; }
has_ended() { [ -z "$(pidof qemu-system-x86_64 swtpm)" ]; }
nobody_keeps() { ! pgrep -f "vm run" >/dev/null; }
has_no_socket() { [ -z "$(find /run/home /run/user /run/pciferry -type s)" ]; }
said() { grep -qF -- "$1" /run/said; }
is_owned() { [ "$(stat -c "%U %a" "$1")" = "$2" ]; }
has_line() { grep -qE "$1" "$2"; }

# begin OPTION...: in the background, as $run.
begin()
{
	echo "\$ vm run $*"
	"$PCIFERRY" vm run "$LAB_NVME_FREE" --bios --accel tcg --memory 128M --name more \
		"$@" >/run/said 2>&1 </dev/null &
	run=$!
	eventually "the guest runs, or has told why not" runs_or_not
	check "it runs" runs
}

# finish_guest [SIGNAL]: and all is as it was.
finish_guest()
{
	kill -"${1-TERM}" "$run"
	wait "$run"
	cat /run/said
	eventually "the guest has ended, and what was begun for it" has_ended
	eventually "the device is the host's again" is_on "$LAB_NVME_FREE" nvme
	eventually "nothing is left running" nobody_keeps
	check "no socket is left" has_no_socket
}

# greets SOCKET: as a server of VNC does (RFC 6143, 7.1.1).
greets()
{
	python3 - "$1" <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(5)
s.connect(sys.argv[1])
sys.exit(not s.recv(12).startswith(b"RFB 003.008"))
END
}

mkdir -p /run/home
getent passwd ferry >/dev/null || echo "ferry:x:4242:65534::/run/home:/bin/false" >>/etc/passwd
chown 4242 /run/home

# A screen, unasked.
begin --user ferry
eventually "it shows a screen" greets /run/home/.local/share/pciferry/run/more.vnc
check "it is said where" said "vnc+unix:///run/home/.local/share/pciferry/run/more.vnc"
check "which is his alone" is_owned /run/home/.local/share/pciferry/run "ferry 700"
expect 1 "another --name" "$PCIFERRY" vm run "$LAB_EDU" --bios --accel tcg --name more --user ferry
check "the first one's screen stays" greets /run/home/.local/share/pciferry/run/more.vnc
finish_guest
check "the socket has gone" test ! -e /run/home/.local/share/pciferry/run/more.vnc

# Who has a session has it there; who can have none has no screen, and a guest.
install -d -o 4242 -m 700 /run/user/4242
begin --user ferry
eventually "it is in his session" greets /run/user/4242/pciferry/more.vnc
finish_guest
begin --user nobody
check "a guest without a screen" said "the guest has no screen: /nonexistent"
finish_guest
SUDO_USER='' begin --user root
eventually "root's is root's" greets /run/pciferry/guests/more.vnc
finish_guest

# A TPM, whose state stays.
state=/run/home/.local/share/pciferry/tpm/more
begin --user ferry --tpm
eventually "it has a state" test -s $state/tpm2-00.permall
check "which is his" is_owned $state/tpm2-00.permall "ferry 600"
tpm=/proc/$(pidof swtpm)
check "swtpm is his, too" has_line "^Uid:.4242.4242.4242.4242" "$tpm/status"
check "QEMU has it" has_line "tpm-crb" "/proc/$(pidof qemu-system-x86_64)/cmdline"
finish_guest
check "its state is kept" test -s $state/tpm2-00.permall

# pciferry is killed: both end, and the device is back.
begin --user ferry --tpm
eventually "swtpm runs" pidof swtpm
finish_guest KILL

# swtpm hangs; QEMU never comes.
begin --user ferry --tpm
kill -STOP "$(pidof swtpm)"
finish_guest
expect 1 "ended with status 1" "$PCIFERRY" vm run "$LAB_NVME_FREE" --bios --accel tcg --tpm -- \
	-no-such-option
check "no swtpm is left" has_ended
mkdir -p /run/none
ln -s "$(command -v qemu-system-x86_64)" /run/none/
PATH=/run/none expect 1 "package swtpm" "$PCIFERRY" vm run "$LAB_NVME_FREE" --tpm
check "the device is the host's" is_on "$LAB_NVME_FREE" nvme

# In a bridge. Its firmware asks the network for a system, so that packets come.
# On a system with systemd kmod makes the node of a module that is not there yet.
modprobe tun
ip link add guests type bridge
ip link set guests mtu 1400 address 52:54:00:00:00:01 up
tap() { basename /sys/class/net/ferry-*; }
is_port() { [ -e "/sys/class/net/guests/brif/$(tap)" ]; }
has_learned() { bridge fdb show br guests | grep -i "^52:54:00:$1 dev $(tap) "; }
begin --user ferry --network bridge:guests
check "the guest is in the bridge" is_port
check "with its size of packets" test "$(cat "/sys/class/net/$(tap)/mtu")" = 1400
check "the bridge has kept its address" grep -q 52:54:00:00:00:01 /sys/class/net/guests/address
mac=$(tap | sed 's/^ferry-\(..\)\(..\)\(..\)$/\1:\2:\3/')
eventually "what the guest sends arrives" has_learned "$mac"
expect 1 "another --name" "$PCIFERRY" vm run "$LAB_EDU" --bios --accel tcg --name more \
	--network bridge:guests
check "the first one's interface stays" is_port
finish_guest
check "the interface has gone" test ! -e /sys/class/net/ferry-*
begin --network bridge:guests
finish_guest KILL
check "the interface has gone" test ! -e /sys/class/net/ferry-*
expect 1 "no bridge" "$PCIFERRY" vm run "$LAB_NVME_FREE" --bios --network bridge:lo
expect 1 "only root makes" setpriv --reuid 4242 --clear-groups "$PCIFERRY" vm run \
	"$LAB_NVME_FREE" --bios --network bridge:guests
check "the device is the host's" is_on "$LAB_NVME_FREE" nvme

# By the script, the same.
mkdir -p /run/bin
ln -s "$PCIFERRY" /run/bin/pciferry
"$PCIFERRY" vm run "$LAB_NVME_FREE" --bios --accel tcg --memory 128M --tpm \
	--network bridge:guests --script \
	>/run/guest.sh
PATH="/run/bin:$PATH" sh /run/guest.sh >/run/said 2>&1 </dev/null &
eventually "the script's guest has a TPM" test -s \
	"/var/lib/pciferry/tpm/pciferry-$LAB_NVME_FREE/tpm2-00.permall"
eventually "it runs" pidof qemu-system-x86_64
check "and is in the bridge" is_port
kill "$(pidof qemu-system-x86_64)"
wait $!
cat /run/said
eventually "all has ended" has_ended
check "the interface has gone" test ! -e /sys/class/net/ferry-*
check "the device is the host's" is_on "$LAB_NVME_FREE" nvme
finish
