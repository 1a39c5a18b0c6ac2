#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: a disk that is taken into use between pciferry's last look and the unbind stays
# lab-timeout: 300
#
# Real: the mounts, the swap and the claims. Not real: that the child waits four seconds after its
# first write, the override, or before its second, the unbind (strace), so that there is time.
# shellcheck source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

device=/sys/bus/pci/devices/$LAB_NVME_FREE
disk=/dev/$(basename "$(echo "$device"/nvme/nvme*/nvme*n1)")
modprobe vfio-pci
mkdir -p /run/mnt

# slowly INJECTION COMMAND...: bind in the background; COMMAND once the override is written,
# which is the last step before the unbind.
slowly()
{
	local injection=$1
	shift
	strace -f -o /dev/null -e "trace=${injection%%:*}" -e "inject=$injection" \
		"$PCIFERRY" bind "$LAB_NVME_FREE" >/run/said 2>&1 </dev/null &
	for ((i = 0; i < 600; i++)); do
		[ "$(cat "$device/driver_override")" != vfio-pci ] || break
		sleep 0.05
	done
	command_status=0
	"$@" || command_status=$?
	bind_status=0
	wait $! || bind_status=$?
	cat /run/said
}

taken() { grep -q "${disk#/dev/} was taken into use in the meantime" /run/said; }

mkfs.ext2 -q "$disk"
slowly write:delay_exit=4000000:when=1 mount "$disk" /run/mnt
[ "$command_status" = 0 ] || fail "the mount came too late to be of use"
[ "$bind_status" = 3 ] || fail "status $bind_status with a disk that was mounted"
taken || fail "the mount is not told"
check "the disk is still there" test -b "$disk"
check "its driver has it" is_on "$LAB_NVME_FREE" nvme
echo still here >/run/mnt/file || fail "the file system is gone"
umount /run/mnt

# A partition of it, and swap.
echo 'label: dos
2048,8192
' | sfdisk -q "$disk"
udevadm settle
mkswap -q "${disk}p1"
slowly write:delay_exit=4000000:when=1 swapon "${disk}p1"
[ "$command_status" = 0 ] || fail "swapon came too late to be of use"
[ "$bind_status" = 3 ] || fail "status $bind_status with swap on the disk"
taken || fail "the swap is not told"
check "its driver has it still" is_on "$LAB_NVME_FREE" nvme
swapoff "${disk}p1"
wipefs -qa "$disk"
blockdev --rereadpt "$disk"

# Whoever comes later, while the unbind is being written, is refused: the disk is the child's.
mkfs.ext2 -q "$disk"
slowly write:delay_enter=4000000:when=2 sh -c "sleep 2; mount $disk /run/mnt"
[ "$command_status" != 0 ] || fail "mounted in the midst of the unbind"
[ "$bind_status" = 0 ] || fail "status $bind_status where nobody was before"
check "the device is bound" is_on "$LAB_NVME_FREE" vfio-pci
expect 0 "was vfio-pci" "$PCIFERRY" release "$LAB_NVME_FREE"
finish
