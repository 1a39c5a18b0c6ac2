#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: a guest's devices come back however it and pciferry end; it runs as whom it should
# lab-timeout: 300
# Real: QEMU with the device by VFIO, users, limits and seccomp. Not real: the guest has no
# operating system; it waits in its firmware until it is ended.
# Functions are called by way of check.
# shellcheck disable=SC2317 source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

runs() { [ -S /run/guest/monitor ] && [ -n "$(pidof qemu-system-x86_64)" ]; }
has_ended() { [ -z "$(pidof qemu-system-x86_64)" ]; }
nobody_keeps() { ! pgrep -f "vm run" >/dev/null; }
is_owned() { [ "$(stat -c %U "$1")" = "$2" ]; }
said() { grep -q "$1" /run/said; }
group() { echo "/dev/vfio/$(basename "$(readlink "/sys/bus/pci/devices/$1/iommu_group")")"; }

firmware=(--bios)

# begin OPTION...: in the background, as $run.
begin()
{
	rm -f /run/guest/monitor
	"$PCIFERRY" vm run "$LAB_NVME_FREE" "${firmware[@]}" --accel tcg --memory 128M \
		--monitor /run/guest/monitor "$@" >/run/said 2>&1 </dev/null &
	run=$!
	eventually "the guest runs" runs
	check "the device is on VFIO" is_on "$LAB_NVME_FREE" vfio-pci
}

# ended STATUS: it has, with that status.
ended()
{
	local status
	wait "$run"
	status=$?
	cat /run/said
	check "it ends with status $1" test "$status" = "$1"
}

over()
{
	eventually "the device is the host's again" is_on "$LAB_NVME_FREE" nvme
	eventually "the guest has ended" has_ended
	eventually "nothing is left running" nobody_keeps
}

install -d -m 1777 /run/guest
touch /run/installer.iso
begin --network user --cdrom /run/installer.iso
check "asked by its monitor" grep -q "QMP" <(timeout 5 bash -c \
	'exec 3<>/dev/null; python3 -c "import socket; s = socket.socket(socket.AF_UNIX);
s.connect(\"/run/guest/monitor\"); print(s.recv(200))"')
kill -KILL "$run"
ended 137
over
check "what was done is told" said "pciferry was killed; the guest is ended"

begin
kill -KILL "$(pidof qemu-system-x86_64)"
ended 1
check "how it ended is told" said "ended with status 137"
over

begin
kill -TERM "$run"
ended 0
over

# Both at once, and what should have kept it: nothing is lost, the next command has it.
begin
killed=$(pgrep -f "vm run")
# shellcheck disable=SC2086
kill -KILL $killed "$(pidof qemu-system-x86_64)"
ended 137
eventually "the guest has ended" has_ended
check "the device waits" is_on "$LAB_NVME_FREE" vfio-pci
expect 0 "nvme" "$PCIFERRY" release "$LAB_NVME_FREE"

# As another user: bound by root, run by him, the group his for as long.
begin --user nobody
qemu=/proc/$(pidof qemu-system-x86_64)
check "the guest is nobody's" grep -qE "^Uid:.65534.65534.65534.65534" "$qemu/status"
check "for good" grep -q "^NoNewPrivs:.1" "$qemu/status"
check "with few system calls" grep -q "^Seccomp:.2" "$qemu/status"
check "it may lock its memory, and a GiB" \
	grep -qE "^Max locked memory +$((1152 << 20)) +$((1152 << 20)) " "$qemu/limits"
node=$(group "$LAB_NVME_FREE")
check "the group is nobody's" is_owned "$node" nobody
kill -TERM "$run"
ended 0
over

# By UEFI, whose variables are his as well.
firmware=(--vars /run/guest/mine/vars.fd)
begin --user nobody
check "its variables are nobody's" is_owned /run/guest/mine/vars.fd nobody
kill -TERM "$run"
ended 0
over
firmware=(--bios)

# A group that was bound before is whose it was; it stays so.
"$PCIFERRY" --quiet bind "$LAB_NVME_FREE"
SUDO_USER=nobody begin
check "root runs it instead" grep -qE "^Uid:.0" "/proc/$(pidof qemu-system-x86_64)/status"
check "the group is root's" is_owned "$(group "$LAB_NVME_FREE")" root
kill -TERM "$run"
ended 0
check "and it stays bound" is_on "$LAB_NVME_FREE" vfio-pci
expect 1 "was bound before" "$PCIFERRY" vm run "$LAB_NVME_FREE" --bios --accel tcg --user nobody
"$PCIFERRY" --quiet release "$LAB_NVME_FREE"

# sudo tells who called; root is root.
SUDO_USER=nobody begin
check "who called sudo runs it" grep -qE "^Uid:.65534" "/proc/$(pidof qemu-system-x86_64)/status"
kill -TERM "$run"
ended 0
over
SUDO_USER=nobody begin --user root
check "unless root is asked for" grep -qE "^Uid:.0" "/proc/$(pidof qemu-system-x86_64)/status"
kill -TERM "$run"
ended 0
over

# What a user may not open, he may not; and everything is back.
echo secret >/run/disk.img
chmod 600 /run/disk.img
expect 1 "user root" "$PCIFERRY" vm run "$LAB_NVME_FREE" --bios --accel tcg --user nobody \
	--disk /run/disk.img
check "the device is the host's" is_on "$LAB_NVME_FREE" nvme

# A script in the manner people keep by hand does the same.
"$PCIFERRY" vm run "$LAB_NVME_FREE" --bios --accel tcg --memory 128M --qemu /bin/true \
	--script >/run/guest.sh
mkdir -p /run/bin
ln -s "$PCIFERRY" /run/bin/pciferry
expect 0 "nvme" env PATH="/run/bin:$PATH" sh /run/guest.sh
check "the device is the host's" is_on "$LAB_NVME_FREE" nvme
finish
