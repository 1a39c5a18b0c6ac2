#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: slices of a device: their types, made, listed as mdevctl does, kept, removed unless held
# lab-timeout: 600
# lab-modules: mtty mdpy
#
# Real: the kernel's mediated devices, with its own sample drivers as their parents, VFIO's
# nodes, mdevctl as the oracle, and a QEMU that holds one. Not real: the parents are no
# hardware, and what a guest sees of a slice is not looked at.
# Functions are called by way of check.
# shellcheck disable=SC2317 source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

one=6a1b2c3d-1111-4222-8333-000000000001
two=6a1b2c3d-1111-4222-8333-000000000002
three=6a1b2c3d-1111-4222-8333-000000000003
bus=/sys/bus/mdev/devices
kept=/etc/mdevctl.d/mtty
is_there() { [ -e "$bus/$1" ]; }
is_gone() { [ ! -e "$bus/$1" ]; }
node_of() { echo "/dev/vfio/$(basename "$(readlink "$bus/$1/iommu_group")")"; }
has_node() { [ -c "$(node_of "$1")" ]; }
# UUID, parent, type of each, as both tell it.
ours() { "$PCIFERRY" mdev list -q | awk -v state="$1" 'NR > 1 && $0 ~ state { print $1, $2, $3 }'; }
theirs() { mdevctl list "$@" | awk 'NF { print $1, $2, $3 }'; }
are_equal() { [ -n "$(ours "$1")" ] && diff <(ours "$1") <(theirs "${@:2}"); }
# Parent, type and how many more, as both tell it.
types() { "$PCIFERRY" mdev types --json | python3 -c '
import json, sys
for of in json.load(sys.stdin)["types"]:
    print(of["parent"], of["type"], of["available"], of["device_api"])' | sort; }
types_of_mdevctl() { mdevctl types --dumpjson | python3 -c '
import json, sys
for parents in json.load(sys.stdin):
    for parent, types in parents.items():
        for one in types:
            for name, of in one.items():
                print(parent, name, of["available_instances"], of["device_api"])' | sort; }
same_types() { diff <(types) <(types_of_mdevctl); }
# A guest that runs without an end, and holds the slice.
start_guest()
{
	qemu-system-x86_64 -name guest=slicer -M q35 -accel tcg -m 64 -nodefaults -display none \
		-S -device "vfio-pci,sysfsdev=$bus/$1" &
	guest=$!
	eventually "a guest has $1" holds "$guest" "$(node_of "$1")"
}
holds() { find "/proc/$1/fd" -lname "$2" 2>/dev/null | grep -q .; }
end_guest() { kill "$guest" && wait "$guest"; }

expect 0 "No device of this host" "$PCIFERRY" mdev types
expect 0 "There are no slices" "$PCIFERRY" mdev list
expect 1 "can be cut into slices" "$PCIFERRY" mdev create mtty mtty-1

modprobe -a vfio mdev
insmod "$LAB_MODULES/mtty.ko" || exit 1
insmod "$LAB_MODULES/mdpy.ko" count=1 || exit 1

expect 0 "mdpy-hd" "$PCIFERRY" mdev types
check "types are those that mdevctl tells" same_types
expect 0 "640x480" "$PCIFERRY" mdev types mdpy

# Made, and found.
expect 0 "make it, a slice of mtty" "$PCIFERRY" mdev create mtty mtty-2 $one --dry-run
check "a dry run makes none" is_gone $one
expect 0 "a slice of mtty, type mtty-2, /dev/vfio/" "$PCIFERRY" mdev create mtty mtty-2 ${one^^}
check "it is there" is_there $one
check "with a node" has_node $one
expect 0 "it was there already" "$PCIFERRY" mdev create mtty mtty-2 $one
check "it is listed as mdevctl does" are_equal active
check "one is taken from what is left" same_types
expect 0 "a slice of mtty" "$PCIFERRY" mdev create mtty mtty-1
check "and one with a UUID of its own" are_equal active

# Mistakes.
expect 2 "not a UUID" "$PCIFERRY" mdev create mtty mtty-1 6a1b2c3d
expect 1 "this UUID is that of a slice of mtty" "$PCIFERRY" mdev create mdpy mdpy-vga $one
expect 1 "it has no type mtty-3" "$PCIFERRY" mdev create mtty mtty-3
expect 1 "there is no such slice" "$PCIFERRY" mdev remove $two
expect 0 "a slice of mdpy" "$PCIFERRY" mdev create mdpy mdpy-vga $two
expect 1 "no room for another slice" "$PCIFERRY" mdev create mdpy mdpy-hd $three
check "a full device has made none" is_gone $three

# Held.
start_guest $one
expect 0 "guest slicer" "$PCIFERRY" mdev list
expect 3 "guest slicer" "$PCIFERRY" mdev remove $one
check "it stays" is_there $one
# Somebody else removes it, and hangs.
echo 1 >"$bus/$one/remove" &
eventually "its removal has begun" is_gone $one
expect 0 "leaving" "$PCIFERRY" mdev list
expect 3 "it is being removed" "$PCIFERRY" mdev create mtty mtty-2 $one
expect 3 "guest slicer" "$PCIFERRY" mdev remove $one
end_guest
eventually "then it is gone" test ! -e "/sys/class/mdev_bus/mtty/$one"

# Held by a descriptor of the device alone, of which nobody can tell whose it is: the removal
# hangs, is given up, and comes true when the holder lets go.
expect 0 "a slice of mtty" "$PCIFERRY" mdev create mtty mtty-2 $one
hold $one
expect 1 "the kernel has not come back from it after 2 s" "$PCIFERRY" mdev remove $one --timeout 2
expect 0 "leaving" "$PCIFERRY" mdev list
kill "$holder"
eventually "when it is let go it is gone" test ! -e "/sys/class/mdev_bus/mtty/$one"
eventually "and with it what was remembered" test ! -e "/run/pciferry/$one.first"

# Kept for each boot, as mdevctl does it.
expect 0 "At each boot as well: change 1" "$PCIFERRY" mdev create mtty mtty-2 $one --persist
check "Debian 12's mdevctl would start nothing, and that is said" \
	grep -q "calls a program that is not there" \
	<("$PCIFERRY" mdev create mtty mtty-2 $one --persist 2>&1)
cp "$kept/$one" /run/ours
check "mdevctl has it defined" are_equal auto -d
mdevctl undefine -u $one
mdevctl define -p mtty -t mtty-2 -u $one -a
check "its file is the same, byte for byte" cmp "$kept/$one" /run/ours
expect 0 "defined still" "$PCIFERRY" mdev remove $one
check "it is not there" is_gone $one
check "mdevctl starts it from that" mdevctl start -u $one
expect 0 "At boot no more: change 2" "$PCIFERRY" mdev remove $one --persist
check "neither it is" is_gone $one
check "nor what defines it" test ! -e "$kept/$one"
expect 0 "" "$PCIFERRY" undo 2
check "undone, that is there again" cmp "$kept/$one" /run/ours

# A file that was half written.
head -c 20 /run/ours >"$kept/$three"
cp "$kept/$three" /run/half
expect 1 "EOF while parsing" mdevctl list -d
expect 0 "perhaps half written" "$PCIFERRY" mdev list
expect 3 "left as it is" "$PCIFERRY" mdev create mtty mtty-1 $three --persist
check "nothing was made" is_gone $three
check "and nothing of it lost" cmp "$kept/$three" /run/half
expect 0 "At boot no more" "$PCIFERRY" mdev remove $three --persist
check "mdevctl can read the rest again" are_equal auto -d

# The child that writes to the kernel dies: that is told, and nothing is kept of it.
create=$(realpath /sys/class/mdev_bus/mtty/mdev_supported_types/mtty-1/create)
expect 1 "the process that did it died" strace -f -s 64 -o /run/trace -P "$create" \
	-e inject=write:signal=SIGKILL "$PCIFERRY" mdev create mtty mtty-1 $three
check "it was to write when it died" grep -q "write.*$three" /run/trace
check "none was made" is_gone $three
check "and nothing is remembered of it" test ! -e "/run/pciferry/$three.first"

# mdevctl is faster: it has made the same one between the plan and the write.
strace -f -o /run/trace -P "$create" -e inject=write:delay_enter=3000000 \
	"$PCIFERRY" mdev create mtty mtty-1 $three >/run/said 2>&1 &
late=$!
eventually "it is about to write" test -e "/run/pciferry/$three.first"
echo $three >"$create"
check "then it finds it there, as it was to be" wait $late
check "and says so" grep -q "$three: a slice of mtty, type mtty-1" /run/said
check "and nothing is remembered of it" test ! -e "/run/pciferry/$three.first"
expect 0 "removed from" "$PCIFERRY" mdev remove $three

# Killed at each system call that does anything.
for call in write renameat unlinkat; do
	for ((n = 1; ; n++)); do
		killed_at "$call" "$n" "$PCIFERRY" mdev create mtty mtty-1 $three
		[ $? = 137 ] || break
		"$PCIFERRY" mdev create mtty mtty-1 $three >/dev/null 2>&1 ||
			fail "killed at $call $n: cannot be made any more"
		"$PCIFERRY" mdev remove $three >/dev/null 2>&1 ||
			fail "killed at $call $n: cannot be removed"
	done
	"$PCIFERRY" mdev remove $three >/dev/null 2>&1
	check "killed at $((n - 1)) calls of $call" test "$n" -gt 1
done

# And so where it is kept for each boot: mdevctl never sees half a file, and one undo brings back
# what there was.
undo_interrupted()
{
	! "$PCIFERRY" history | grep -q interrupted || "$PCIFERRY" undo >/dev/null
}
for call in renameat unlinkat; do
	for ((n = 1; ; n++)); do
		killed_at "$call" "$n" "$PCIFERRY" mdev create mtty mtty-1 $three --persist
		[ $? = 137 ] || break
		are_equal auto -d || fail "killed at $call $n: mdevctl reads something else"
		undo_interrupted || fail "killed at $call $n: no undo"
		"$PCIFERRY" mdev create mtty mtty-1 $three --persist >/dev/null ||
			fail "killed at $call $n: cannot be kept any more"
		killed_at "$call" "$n" "$PCIFERRY" mdev remove $three --persist
		undo_interrupted || fail "killed at $call $n of remove: no undo"
		"$PCIFERRY" mdev remove $three --persist >/dev/null
		[ ! -e "$kept/$three" ] || fail "killed at $call $n: cannot be forgotten"
		is_gone $three || fail "killed at $call $n: cannot be removed"
	done
	"$PCIFERRY" mdev remove $three --persist >/dev/null
	check "killed at $((n - 1)) calls of $call with --persist" test "$n" -gt 1
done

# Made again as at a boot, by pciferry.service's command; the parent appears late.
expect 0 "At each boot as well" "$PCIFERRY" mdev create mtty mtty-1 $three --persist
expect 1 "$one  not a slice of mtty" "$PCIFERRY" verify
expect 0 "$one: a slice of mtty, type mtty-2" "$PCIFERRY" bind --tab
expect 0 "$three  a slice of mtty, type mtty-1" "$PCIFERRY" verify
for uuid in "$bus"/*; do "$PCIFERRY" mdev remove "${uuid##*/}" >/dev/null; done
rmmod mtty
expect 1 "its parent is not there" "$PCIFERRY" verify
# What can be made does not wait for that.
mkdir -p /etc/mdevctl.d/mdpy
sed s/mtty-1/mdpy-vga/ "$kept/$three" >/etc/mdevctl.d/mdpy/$two
"$PCIFERRY" bind --tab --wait --json >/run/said &
binding=$!
eventually "one whose parent is there is made at once" is_there $two
check "the others wait meanwhile" is_gone $three
insmod "$LAB_MODULES/mtty.ko"
check "until their parent comes" wait $binding
check "it is there again" is_there $three
check "all of them are told" grep -qz "$two.*$three\|$three.*$two" /run/said
expect 0 "$three  a slice of mtty" "$PCIFERRY" verify
expect 0 "" "$PCIFERRY" bind --tab

# The parent goes.
for uuid in "$bus"/*; do
	expect 0 "removed from" "$PCIFERRY" mdev remove "${uuid##*/}"
done
check "nothing of what is remembered is left" test -z "$(ls /run/pciferry/*.first 2>/dev/null)"
rmmod mtty
expect 1 "can be cut into slices" "$PCIFERRY" mdev create mtty mtty-1 $one

finish
