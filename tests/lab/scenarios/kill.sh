#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: bind is killed at each of its steps; release must bring everything back
# lab-timeout: 900
#
# strace kills it when it enters the Nth call of each of the system calls by which it does
# anything: making and awaiting the children that write to sysfs (clone, poll, wait4), keeping
# and dropping first states (renameat, fchmod, unlinkat), locking (flock). N grows until the
# command ends by itself.
# Real: kernel, drivers, sysfs, signal. Not real: the devices are QEMU's.
# shellcheck source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

is_back()
{
	is_on "$LAB_NIC_PAIR0" e1000e && is_on "$LAB_NIC_PAIR1" e1000e &&
		! ls /run/pciferry/*.first 2>/dev/null
}

release()
{
	"$PCIFERRY" release "$LAB_NIC_PAIR0" >/run/release.log 2>&1
}

killed=0

# kill_everywhere CALL bind|release
kill_everywhere()
{
	local call=$1 command=$2 n status state
	for ((n = 1; n < 100; n++)); do
		[ "$command" = bind ] || "$PCIFERRY" bind "$LAB_NIC_PAIR0" >/dev/null
		killed_at "$call" "$n" "$PCIFERRY" "$command" "$LAB_NIC_PAIR0"
		status=$?
		[ "$status" != 0 ] || break
		state="$(driver_of "$LAB_NIC_PAIR0") $(driver_of "$LAB_NIC_PAIR1")"
		echo "$command killed at $call $n: status $status, drivers then: $state"
		[ "$status" = 137 ] || fail "status $status where it should have been killed"
		killed=$((killed + 1))
		if ! release || ! is_back; then
			cat /run/release.log
			fail "$command killed at $call $n"
		fi
	done
	release
}

modprobe vfio-pci
for call in clone poll wait4 renameat fchmod flock; do
	kill_everywhere "$call" bind
done
for call in clone wait4 unlinkat; do
	kill_everywhere "$call" release
done
echo "killed at $killed points"
check "it was killed at more than 30 points" test "$killed" -gt 30

# Each child that writes to sysfs dies before it writes, also those that put things back.
{
	strace -f -o /dev/null -e trace=write -e inject=write:signal=SIGKILL:when=1 \
		"$PCIFERRY" bind "$LAB_NIC_PAIR0" >/dev/null
} 2>/dev/null
check "release after its children were killed" release
check "back after its children were killed" is_back
finish
