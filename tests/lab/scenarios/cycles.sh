#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: a disk bound and released again and again, read in between: nothing is lost, nothing left
# lab-timeout: 3600
#
#   cycles.sh [COUNT]       25; with 1000 half an hour
#
# Bound, VFIO says each time that a guest can have it, and at the beginning, in the midst and at
# the end a guest reads it; released, the host does.
# shellcheck source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
count=${1-25}
# shellcheck source=lab/host/lib.sh
. "$LAB_LIB"
# The lab's fail ends the scenario; here all is to be told.
fail()
{
	echo "FAIL: $1"
	failures=$((failures + 1))
}

device=/sys/bus/pci/devices/$LAB_NVME_FREE

# What must be the same after each cycle.
state()
{
	local disk i
	# nvme looks for namespaces once it has the controller, on its own time.
	for ((i = 0; i < 400; i++)); do
		disk=$(basename "$(echo "$device"/nvme/nvme*/nvme*n1)")
		[ ! -b "/dev/$disk" ] || break
		sleep 0.05
	done
	echo "driver $(driver_of "$LAB_NVME_FREE") override $(cat "$device/driver_override")" \
		"group $(readlink "$device/iommu_group") power $(cat "$device/power/control")" \
		"reset $(cat "$device/reset_method") sum $(head -c 1048576 "/dev/$disk" | sha256sum)" \
		"left $(find /run/pciferry -type f ! -name '*lock' | wc -l)"
}

# What must not grow: descriptors and processes of the machine, its free memory in MiB.
descriptors() { cut -f1 /proc/sys/fs/file-nr; }
# Without the kernel's threads, which come and go: they have no program.
processes() { readlink /proc/[0-9]*/exe 2>/dev/null | wc -l; }
free_memory()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '/^MemFree:/ { print int($2 / 1024) }' /proc/meminfo
}

guest()
{
	"$PCIFERRY" bind "$LAB_NVME_FREE" >/dev/null || fail "bind for a guest"
	lab_guest -device "vfio-pci,host=$LAB_NVME_FREE" >/run/guest.log
	grep -q '^guest: text .*the free disk' /run/guest.log || fail "the guest has not read it"
	"$PCIFERRY" release "$LAB_NVME_FREE" >/dev/null || fail "release after a guest"
	udevadm settle
}

cycle()
{
	"$PCIFERRY" bind "$LAB_NVME_FREE" >/run/said 2>&1 || fail "bind $1: $(cat /run/said)"
	[ "$(driver_of "$LAB_NVME_FREE")" = vfio-pci ] || fail "cycle $1: not on vfio-pci"
	"$PCIFERRY" release "$LAB_NVME_FREE" >/run/said 2>&1 || fail "release $1: $(cat /run/said)"
	[ "$(state)" = "$first" ] || fail "cycle $1: $(state)"
}

mkdir -p /run/pciferry
first=$(state)
echo "$first"
guest
# What the first ones load and cache is no leak.
for ((i = 0; i < 10 && i < count; i++)); do cycle "$i"; done
before=$(free_memory) before_files=$(descriptors) before_processes=$(processes)
for (( ; i < count && failures < 5; i++)); do
	cycle "$i"
	((i % 100)) || echo "$i cycles, $(free_memory) MiB free"
	((i != count / 2)) || guest
done
guest
after=$(free_memory) after_files=$(descriptors) after_processes=$(processes)
echo "$i cycles: free memory $before then $after MiB, open files $before_files then" \
	"$after_files, processes $before_processes then $after_processes"
[ "$after" -ge $((before - 24)) ] || fail "memory is lost"
[ "$after_files" -le $((before_files + 16)) ] || fail "descriptors are lost"
[ "$after_processes" -le $((before_processes + 4)) ] || fail "processes are left"
[ "$(state)" = "$first" ] || fail "at the end: $(state)"
finish
