#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: devices of each kind are opened through VFIO without a guest, and given back
# lab-timeout: 300
#
# VFIO, groups and drivers are the kernel's own; the devices are QEMU's. For a test to compare:
# what probe says of each device ("=== probe_NAME"), lspci ("=== lspci_NAME") and sysfs of groups.
# Functions are called by way of check.
# shellcheck disable=SC2317 source=tests/lab/scenarios/lib.sh source=lab/host/lib.sh
. "$LAB_LIB"
. "$(dirname "$0")/lib.sh"

nothing_is_kept() { [ -z "$(find /run/pciferry -name '*.first' 2>/dev/null)" ]; }

# compared NAME DEVICE DRIVER: bound for the probe alone. Its driver was there before.
compared()
{
	local status
	echo "=== lspci_$1"
	lspci -D -vv -s "$2"
	echo "=== groups_$1"
	find /sys/kernel/iommu_groups -path '*/devices/*'
	echo "=== probe_$1"
	"$PCIFERRY" probe "$2" --bind --json 2>/dev/null
	status=$?
	echo "=== checks_$1"
	[ "$status" = 0 ] || fail "probe of $2: status $status"
	check "$2 is back on $3" is_on "$2" "$3"
}

# Nothing is bound that was not asked for.
expect 1 "nvme has it, not VFIO" "$PCIFERRY" probe "$LAB_NVME_FREE"
expect 1 "probe $LAB_NVME_FREE --bind" "$PCIFERRY" probe "$LAB_NVME_FREE"
check "it stays on nvme" is_on "$LAB_NVME_FREE" nvme
expect 3 "mounted on /mnt/data" "$PCIFERRY" probe "$LAB_NVME_MOUNTED" --bind
expect 1 "a bridge stays with the host" "$PCIFERRY" probe "$LAB_BRIDGE"

# Those that are compared. VFIO does not want this bridge's driver, and the NIC beside is up.
echo "$LAB_BRIDGE" >"/sys/bus/pci/devices/$LAB_BRIDGE/driver/unbind"
ip link set "$(ls "/sys/bus/pci/devices/$LAB_NIC_NOADDR/net")" down
compared gpu "$LAB_GPU" none
compared nvme "$LAB_NVME_FREE" nvme
compared pair "$LAB_NIC_PAIR0" e1000e
compared conventional "$LAB_NIC_IDLE" e1000
sriov=/sys/bus/pci/devices/$LAB_NVME_SRIOV
echo 0 >"$sriov/sriov_drivers_autoprobe"
echo 2 >"$sriov/sriov_numvfs" || fail "no virtual functions"
lab_vfs_online "$LAB_NVME_SRIOV"
vf=$(basename "$(readlink "$sriov/virtfn0")")
compared vf "$vf" none
check "nothing is kept of them" nothing_is_kept

# A reset, where nothing else may go along; and not where something would.
expect 0 "was, as asked for" "$PCIFERRY" probe "$LAB_NIC_PAIR0" --bind --reset
mkswap -q /dev/nvme3n1
swapon /dev/nvme3n1 || fail "no swap on the disk that the functions share"
expect 3 "$LAB_NVME_SRIOV: " "$PCIFERRY" probe "$vf" --bind --reset
check "refused, it is where it was" is_on "$vf" none
swapoff /dev/nvme3n1

# Who has it is told: the group, or, by hold(), the device alone.
"$PCIFERRY" bind "$LAB_NVME_FREE" >/dev/null
group=$(basename "$(readlink "/sys/bus/pci/devices/$LAB_NVME_FREE/iommu_group")")
sleep 1000 7<>"/dev/vfio/$group" &
expect 1 "is held by process $! (sleep)" "$PCIFERRY" probe "$LAB_NVME_FREE"
kill $!
hold "$LAB_NVME_FREE"
expect 1 "a process holds the group" "$PCIFERRY" probe "$LAB_NVME_FREE"
kill "$holder"
wait

# A user who was given it probes within his own limit; and it stays on VFIO.
"$PCIFERRY" bind "$LAB_NVME_FREE" --user 65534 >/dev/null
as_user() { prlimit --memlock=8388608 setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
expect 0 "at most 8 MiB" as_user "$PCIFERRY" probe "$LAB_NVME_FREE"
expect 1 "8 MiB may be locked, and a guest of 512 MiB wants up to 1536" \
	as_user "$PCIFERRY" probe "$LAB_NVME_FREE" --memory 512M
check "it stays on vfio-pci" is_on "$LAB_NVME_FREE" vfio-pci
"$PCIFERRY" release "$LAB_NVME_FREE" >/dev/null

# Killed while it is open: release knows the way back.
killed_at ioctl 20 "$PCIFERRY" probe "$LAB_NVME_FREE" --bind
check "killed, it is on vfio-pci" is_on "$LAB_NVME_FREE" vfio-pci
expect 0 "nvme, was vfio-pci" "$PCIFERRY" release "$LAB_NVME_FREE"
check "released, it is on nvme" is_on "$LAB_NVME_FREE" nvme
check "nothing is kept of it" nothing_is_kept
finish
