#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: virtual functions of an NVMe controller: made, named, bound, kept while in use, removed
# lab-timeout: 600
#
#   vf.sh [all]     all: killed at more of its system calls
# Functions are called by way of check.
# shellcheck disable=SC2317 source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

pf=/sys/bus/pci/devices/$LAB_NVME_SRIOV
count() { find "$pf/" -maxdepth 1 -name 'virtfn*' | wc -l; }
has() { [ "$(count)" = "$1" ]; }
probes() { [ "$(cat "$pf/sriov_drivers_autoprobe")" = "$1" ]; }
vf() { basename "$(readlink "$pf/virtfn$1")"; }
unbound() { [ ! -e "/sys/bus/pci/devices/$1/driver" ]; }

expect 0 "$LAB_NVME_SRIOV: 0 of 4 virtual functions" "$PCIFERRY" vf "$LAB_NVME_SRIOV"
expect 1 "it can have 4 virtual functions at most" "$PCIFERRY" vf "$LAB_NVME_SRIOV" 5
expect 1 "it is no physical function" "$PCIFERRY" vf "$LAB_GPU" 2
expect 1 "needs root" setpriv --reuid=65534 --regid=65534 --clear-groups \
	"$PCIFERRY" vf "$LAB_NVME_SRIOV" 2
check "nothing was made" has 0

# The kernel gives them to the host's driver.
expect 0 "2 of 4 virtual functions, had 0" "$PCIFERRY" vf "$LAB_NVME_SRIOV" 2
check "there are two" has 2
expect 0 "2 of 4 virtual functions" "$PCIFERRY" vf "$LAB_NVME_SRIOV" 2
expect 0 "$(vf 1)" "$PCIFERRY" show "$LAB_NVME_SRIOV/vf1"

# With a driver for guests no other ever has them.
dmesg --clear
expect 0 "3 of 4 virtual functions, had 2" \
	"$PCIFERRY" vf "$LAB_NVME_SRIOV" 3 --driver vfio-pci
check "there are three" has 3
for i in 0 1 2; do
	check "function $i is on vfio-pci" is_on "$(vf "$i")" vfio-pci
	check "nvme never saw function $i" sh -c "! dmesg | grep -q 'nvme.*$(vf "$i")'"
done
check "drivers may take new ones, as before" probes 1

# A guest, or whoever holds its group, keeps all of them.
group=$(basename "$(readlink "/sys/bus/pci/devices/$(vf 2)/iommu_group")")
sleep 600 9<>"/dev/vfio/$group" &
holder=$!
for wanted in 0 1 4; do
	expect 3 "virtual function 2 is in use" "$PCIFERRY" vf "$LAB_NVME_SRIOV" "$wanted"
done
expect 3 "its virtual function" "$PCIFERRY" bind "$LAB_NVME_SRIOV" --force "$LAB_NVME_SRIOV"
check "there are still three" has 3
kill "$holder"
wait "$holder"

# Released, one goes to the driver that the kernel chooses; the others stay.
dmesg --clear
expect 0 "was vfio-pci" "$PCIFERRY" release "$LAB_NVME_SRIOV/vf0"
check "nvme has been asked now" sh -c "dmesg | grep -q 'nvme.*$(vf 0)'"
check "function 1 stays on vfio-pci" is_on "$(vf 1)" vfio-pci

# An administrator's own setting stays.
echo 0 >"$pf/sriov_drivers_autoprobe"
expect 0 "1 of 4 virtual functions, had 3" "$PCIFERRY" vf "$LAB_NVME_SRIOV" 1
check "no driver took it" unbound "$(vf 0)"
check "drivers take none, as before" probes 0
echo 1 >"$pf/sriov_drivers_autoprobe"

expect 0 "0 of 4 virtual functions, had 1" "$PCIFERRY" vf "$LAB_NVME_SRIOV" 0
check "there are none" has 0
check "no first states are left" test -z "$(ls /run/pciferry/*.first 2>/dev/null)"
check "the controller itself is where it was" is_on "$LAB_NVME_SRIOV" nvme

# Killed at each of its steps, it leaves nothing that the next run does not put right.
killed=0 calls=(clone)
[ "${1-}" != all ] || calls+=(wait4 renameat unlinkat)
for call in "${calls[@]}"; do
	for ((n = 1; n < 100; n++)); do
		# From one, so that it removes, too.
		"$PCIFERRY" vf "$LAB_NVME_SRIOV" 1 --driver vfio-pci >/run/vf.log
		killed_at "$call" "$n" "$PCIFERRY" vf "$LAB_NVME_SRIOV" 2 --driver vfio-pci
		status=$?
		"$PCIFERRY" vf "$LAB_NVME_SRIOV" 0 >/run/vf.log 2>&1 || cat /run/vf.log
		if ! has 0 || ! probes 1 || ls /run/pciferry/*.first 2>/dev/null; then
			cat /run/vf.log
			fail "killed at $call $n"
		fi
		[ "$status" != 0 ] || break
		killed=$((killed + 1))
		[ "$status" = 137 ] || fail "status $status where it should have been killed"
	done
done
echo "killed at $killed points"
check "it was killed at more than 8 points" test "$killed" -gt 8

# What the kernel refuses leaves all as it was: here it finds no memory for them.
{
	strace -f -o /dev/null -P "$pf/sriov_numvfs" -e inject=write:error=ENOMEM \
		"$PCIFERRY" vf "$LAB_NVME_SRIOV" 2 --driver vfio-pci >/run/vf.log 2>&1
}
check "it failed for want of memory" grep -q "Cannot allocate memory" /run/vf.log
check "none were made" has 0
check "drivers may take new ones, again" probes 1
check "no first states are left, again" test -z "$(ls /run/pciferry/*.first 2>/dev/null)"

# A driver that does not take them: there are as many as before.
"$PCIFERRY" vf "$LAB_NVME_SRIOV" 1 >/run/vf.log
expect 1 "bind to i801_smbus" "$PCIFERRY" vf "$LAB_NVME_SRIOV" 3 --driver i801_smbus
check "there is one, as before" has 1
check "drivers may take new ones, as ever" probes 1
check "nothing is kept of it" test -z "$(ls /run/pciferry/*.first 2>/dev/null)"

# The kernel takes longer than the deadline: told, and put right when it comes back.
{
	strace -f -o /dev/null -P "$pf/sriov_numvfs" -e inject=write:delay_enter=3000000 \
		"$PCIFERRY" vf "$LAB_NVME_SRIOV" 2 --driver vfio-pci --timeout 1 \
		>/run/vf.log 2>&1 &
}
wait $!
cat /run/vf.log
check "the deadline is told" grep -q "has not come back from it after 1 s" /run/vf.log
expect 0 "of 4 virtual functions, had" "$PCIFERRY" vf "$LAB_NVME_SRIOV" 3
check "there are three, after that" has 3
check "drivers may take new ones, after that" probes 1
expect 0 "0 of 4" "$PCIFERRY" vf "$LAB_NVME_SRIOV" 0

# Its driver makes them; VFIO's does not.
expect 0 "vfio-pci, was nvme" "$PCIFERRY" bind "$LAB_NVME_SRIOV"
expect 1 "its driver makes no virtual functions" "$PCIFERRY" vf "$LAB_NVME_SRIOV" 2
check "none were made" has 0
check "drivers may take new ones, still" probes 1
expect 0 "nvme, was vfio-pci" "$PCIFERRY" release "$LAB_NVME_SRIOV"
finish
