#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: what must be refused, and bad input; nothing may have changed afterwards
# lab-timeout: 240
# shellcheck source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

snapshot()
{
	for device in /sys/bus/pci/devices/*; do
		echo "${device##*/} $(driver_of "${device##*/}") $(cat "$device/driver_override")"
	done
}
before=$(snapshot)

expect 3 "is mounted on /mnt/data" "$PCIFERRY" bind "$LAB_NVME_MOUNTED"
expect 3 "is swap space" "$PCIFERRY" bind "$LAB_NVME_SWAP"
expect 3 "is up with address" "$PCIFERRY" bind "$LAB_NIC_UP"
expect 3 "on the driver shpchp" "$PCIFERRY" bind "$LAB_NIC_IDLE"
expect 3 "is mounted on /mnt/data" "$PCIFERRY" vm run "$LAB_NVME_MOUNTED" --bios
expect 2 "4 devices have these IDs" "$PCIFERRY" bind 1b36:0010
expect 3 "is swap space" "$PCIFERRY" bind --all-matching 1b36:0010
expect 2 "not a device" "$PCIFERRY" bind 00:99.9
expect 2 "not a device" "$PCIFERRY" show group:abc
expect 1 "no such device" "$PCIFERRY" bind 00:1e.7
expect 1 "no such IOMMU group" "$PCIFERRY" show group:9999
expect 1 "a bridge stays with the host" "$PCIFERRY" bind 00:02.0
expect 1 "no such module" "$PCIFERRY" bind --driver nosuchdriver "$LAB_NVME_FREE"
expect 1 "not found" "$PCIFERRY" vm run --qemu /nowhere/qemu --bios "$LAB_NVME_FREE"
expect 1 "No such file" "$PCIFERRY" vm run --kernel /nowhere/vmlinuz --bios "$LAB_NVME_FREE"
expect 1 "needs root" setpriv --reuid=65534 --regid=65534 --clear-groups \
	"$PCIFERRY" bind "$LAB_NVME_FREE"

# Taken, and given back, when the guest cannot be made for want of firmware.
mkdir -p /run/empty
mount --bind /run/empty /usr/share/qemu/firmware
expect 1 "no UEFI firmware" "$PCIFERRY" vm run "$LAB_NVME_FREE"
umount /usr/share/qemu/firmware

# A driver that does not take the device: everything goes back, the sibling as well.
expect 1 "bind to i801_smbus" "$PCIFERRY" bind --driver i801_smbus "$LAB_NIC_PAIR0"
check "the group is back on e1000e" is_on "$LAB_NIC_PAIR0" e1000e
check "its sibling too" is_on "$LAB_NIC_PAIR1" e1000e

# Used as the member of something else, without an address of its own.
ip link add ferrybr type bridge
idle=$(basename /sys/bus/pci/devices/"$LAB_NIC_PAIR1"/net/*)
ip link set "$idle" master ferrybr
expect 3 "is part of ferrybr" "$PCIFERRY" bind "$LAB_NIC_PAIR0"
ip link del ferrybr

# Held by a program: for all that is known it is a guest that has the disk as a file.
sleep 600 9</dev/"$(basename /sys/bus/pci/devices/"$LAB_NVME_FREE"/nvme/nvme*/nvme*n1)" &
holder=$!
expect 3 "cannot be forced" "$PCIFERRY" bind "$LAB_NVME_FREE" --force "$LAB_NVME_FREE"
kill "$holder"
wait "$holder"

# Claimed by a program whose descriptor has another name: only the kernel knows.
name=$(basename /sys/bus/pci/devices/"$LAB_NVME_FREE"/nvme/nvme*/nvme*n1)
IFS=: read -r major minor <"/sys/class/block/$name/dev"
python3 -c 'import os, sys, time
os.open(sys.argv[1], os.O_RDONLY | os.O_EXCL)
print("held", flush=True)
time.sleep(600)' "/dev/$name" >/run/held &
holder=$!
until grep -qs held /run/held; do sleep 0.1; done
mv "/dev/$name" /dev/another
mknod "/dev/$name" b "$major" "$minor"
expect 0 "unbind from nvme" "$PCIFERRY" bind --dry-run "$LAB_NVME_FREE"
expect 3 "claimed" "$PCIFERRY" bind "$LAB_NVME_FREE"
kill "$holder"
wait "$holder"
mv /dev/another "/dev/$name"

# A network can be given up by name; a disk with something on it cannot.
expect 3 "cannot be forced" "$PCIFERRY" bind "$LAB_NVME_MOUNTED" --force "$LAB_NVME_MOUNTED"
expect 0 "forced: $LAB_NIC_UP" "$PCIFERRY" bind "$LAB_NIC_UP" --force "$LAB_NIC_UP"
check "the interface's device went" is_on "$LAB_NIC_UP" vfio-pci
expect 0 "was vfio-pci" "$PCIFERRY" release "$LAB_NIC_UP"

check "no first states are left" test -z "$(ls /run/pciferry/*.first 2>/dev/null)"
check "drivers and overrides are as before" test "$before" = "$(snapshot)"
finish
