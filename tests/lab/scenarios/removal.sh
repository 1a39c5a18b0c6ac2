#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: a device that is bound, or is being bound, is removed; it comes again
# lab-timeout: 480
#
# Real: the kernel's removal and what comes of it; in the last part also that the slot is empty,
# as the port's own hot-plug controller sees it (pciehp). Not real: in the parts before it the
# device is removed and found again by sysfs alone; strace makes the child wait before a write, so
# that there is time.
# shellcheck disable=SC2317 source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lab/host/lib.sh
. "$LAB_LIB"
# The lab's fail ends the scenario; here all is to be told.
fail()
{
	echo "FAIL: $1"
	failures=$((failures + 1))
}

devices=/sys/bus/pci/devices
free=$LAB_NVME_FREE

remove() { echo 1 >"$devices/$1/remove"; }

find_again()
{
	echo 1 >/sys/bus/pci/rescan
	eventually "$1 is there again, on $2" is_on "$1" "$2"
	udevadm settle
}

disk() { echo "/dev/$(basename "$(echo "$devices/$free"/nvme/nvme*/nvme*n1)")"; }
has_disk() { [ -b "$(disk)" ]; }

lists() { "$PCIFERRY" list | grep "$1"; }
is_not_listed() { ! lists "$free"; }
is_not_called_taken() { ! "$PCIFERRY" show "$1" | grep "by pciferry"; }

nothing_kept() { ! ls /run/pciferry/*.first 2>/dev/null; }

pair_is_back() { is_on "$LAB_NIC_PAIR0" e1000e && is_on "$LAB_NIC_PAIR1" e1000e; }

# expect_lines FILE LINE...: these and no others.
expect_lines()
{
	local file=$1
	shift
	cat "$file"
	check "it says so, and no more" diff <(printf '%s\n' "$@") "$file"
}

modprobe vfio-pci

echo "--- removed while it is bound and nobody has it"
expect 0 "vfio-pci" "$PCIFERRY" bind "$free"
remove "$free"
expect 1 "no such device" "$PCIFERRY" bind "$free"
check "list goes on" lists "$LAB_NVME_SWAP"
check "list does not show it" is_not_listed
find_again "$free" nvme
expect 0 "it can go to a guest" "$PCIFERRY" show "$free"
check "show does not say that pciferry has it" is_not_called_taken "$free"
eventually "its disk is there" has_disk
mkfs.ext2 -q "$(disk)"
mkdir -p /run/mnt
mount "$(disk)" /run/mnt
expect 0 "left as it is" "$PCIFERRY" release "$free"
check "what was kept of the old one is gone" nothing_kept
check "the new one is mounted" findmnt /run/mnt
expect 3 "is mounted on /run/mnt" "$PCIFERRY" bind "$free"
umount /run/mnt
expect 0 "vfio-pci" "$PCIFERRY" bind "$free"
expect 0 "nvme, was vfio-pci" "$PCIFERRY" release "$free"
check "nothing is kept" nothing_kept

echo "--- the same, and bound anew before anybody released it"
expect 0 "vfio-pci" "$PCIFERRY" bind "$free"
remove "$free"
find_again "$free" nvme
expect 0 "vfio-pci, was nvme" "$PCIFERRY" bind "$free"
expect 0 "nvme, was vfio-pci" "$PCIFERRY" release "$free"
check "it is on nvme" is_on "$free" nvme
check "nothing is kept" nothing_kept

echo "--- the same of one that never had a driver"
expect 0 "vfio-pci, was no driver" "$PCIFERRY" bind "$LAB_EDU"
remove "$LAB_EDU"
find_again "$LAB_EDU" none
check "show does not say that pciferry has it" is_not_called_taken "$LAB_EDU"
expect 0 "left as it is" "$PCIFERRY" release "$LAB_EDU"
check "nothing is kept" nothing_kept

echo "--- a device that comes and goes while others look"
udevadm settle
for _ in 1 2 3 4 5 6; do
	remove "$free"
	sleep 0.3
	echo 1 >/sys/bus/pci/rescan
	sleep 0.3
done &
looks=0
while kill -0 $! 2>/dev/null; do
	"$PCIFERRY" list >/run/list 2>&1 || fail "list: $(tail -3 /run/list)"
	"$PCIFERRY" check >/run/check 2>&1
	[ $? -le 1 ] || fail "check: $(tail -3 /run/check)"
	"$PCIFERRY" bind --dry-run "$LAB_NIC_PAIR0" >/run/list 2>&1 ||
		fail "bind --dry-run: $(cat /run/list)"
	looks=$((looks + 1))
done
echo "looked $looks times"
find_again "$free" nvme

# Each child waits four seconds where INJECTION says; the device goes when COMMAND is true.
removed_during()
{
	local injection=$1
	shift
	udevadm settle
	strace -f -o /dev/null -e trace=write -e "inject=write:$injection" \
		"$PCIFERRY" bind "$free" "$LAB_NIC_PAIR0" >/run/said 2>&1 </dev/null &
	for ((i = 0; i < 600; i++)); do
		if "$@"; then break; fi
		sleep 0.05
	done
	remove "$free"
	wait $! && fail "it was a success"
	check "the others are back" pair_is_back
	check "nothing is kept" nothing_kept
	find_again "$free" nvme
	expect 0 "left as it is" "$PCIFERRY" release "$free" "$LAB_NIC_PAIR0"
}

has_override() { [ "$(cat "$devices/$free/driver_override")" = vfio-pci ]; }
has_no_driver() { [ "$(driver_of "$free")" = none ]; }
# The link to the driver goes at the beginning of an unbind.
is_between() { has_override && has_no_driver && sleep 2; }
is_planned() { [ -e "/run/pciferry/$free.first" ]; }

echo "--- removed between the plan and the first write"
removed_during delay_enter=4000000:when=1 is_planned
# As the last look finds it, or the write.
sed -i 's/: let only vfio-pci have it//' /run/said
expect_lines /run/said "pciferry: $free: it is no longer there" \
	"  it was unplugged or removed in the meantime"

echo "--- removed between the override and the unbind"
# Not once the child holds the disk: an nvme of Linux 6.1 frees its memory with the last who has
# the disk open, and with the device gone that is an oops, whoever it is.
removed_during delay_exit=4000000:when=1 has_override
expect_lines /run/said "pciferry: $free: unbind from nvme: it is no longer there" \
	"  it was unplugged or removed in the meantime"

echo "--- removed between the unbind and the bind"
removed_during delay_enter=4000000:when=3 is_between
expect_lines /run/said "pciferry: $free: bind to vfio-pci: it is no longer there" \
	"  it was unplugged or removed in the meantime"

echo "--- removed while it is being released"
expect 0 "vfio-pci" "$PCIFERRY" bind "$free" "$LAB_NIC_PAIR0"
strace -f -o /dev/null -e trace=write -e "inject=write:delay_enter=4000000:when=3" \
	"$PCIFERRY" release "$free" "$LAB_NIC_PAIR0" >/run/said 2>&1 </dev/null &
eventually "it is between the drivers" has_no_driver
remove "$free"
wait $! && fail "it was a success"
expect_lines /run/said "pciferry: $free: bind to nvme: it is no longer there" \
	"  it was unplugged or removed in the meantime"
check "the others are back" pair_is_back
check "nothing is kept" nothing_kept
find_again "$free" nvme

echo "--- removed while a process has it"
expect 0 "vfio-pci" "$PCIFERRY" bind "$free"
hold "$free"
remove "$free" &
remover=$!
eventually "its driver is letting go" has_no_driver
check "list shows it as stuck" lists "$free.*stuck"
expect 0 "stuck" "$PCIFERRY" show "$free"
expect 1 "stuck" "$PCIFERRY" release --timeout 1 "$free"
expect 0 "vfio-pci" "$PCIFERRY" bind "$LAB_NIC_PAIR0"
expect 0 "e1000e" "$PCIFERRY" release "$LAB_NIC_PAIR0"
kill "$holder"
wait "$remover"
check "then it is gone" test ! -e "$devices/$free"
find_again "$free" nvme
expect 0 "left as it is" "$PCIFERRY" release "$free"
check "nothing is kept" nothing_kept

echo "--- unplugged: its slot is empty"
expect 0 "vfio-pci" "$PCIFERRY" bind "$free"
"$(dirname "$0")/monitor" device_del id=at-04_0-00_0
eventually "the slot is empty" test ! -e "$devices/$free"
expect 0 "$free: no longer there; what was kept of it is forgotten" "$PCIFERRY" release "$free"
check "and so it is" nothing_kept
expect 1 "no such device" "$PCIFERRY" release "$free"
"$(dirname "$0")/monitor" blockdev-add driver=null-co node-name=again size:=67108864 read-zeroes:=true
"$(dirname "$0")/monitor" device_add driver=nvme id=again bus=at-04_0 drive=again serial=FERRY-AGAIN
eventually "another one is there, on nvme" is_on "$free" nvme
udevadm settle
eventually "with its disk" has_disk
expect 0 "left as it is" "$PCIFERRY" release "$free"
check "nothing is kept" nothing_kept
expect 0 "vfio-pci" "$PCIFERRY" bind "$free"

echo "--- unplugged while a process has it"
hold "$free"
"$(dirname "$0")/monitor" device_del id=again
eventually "its driver is letting go" has_no_driver
check "list shows it as stuck" lists "$free.*stuck"
expect 1 "stuck" "$PCIFERRY" release --timeout 1 "$free"
expect 0 "vfio-pci" "$PCIFERRY" bind "$LAB_NIC_PAIR0"
expect 0 "e1000e" "$PCIFERRY" release "$LAB_NIC_PAIR0"
kill "$holder"
eventually "then the slot is empty" test ! -e "$devices/$free"
finish
