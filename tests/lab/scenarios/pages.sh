#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: huge pages of a node: kept in the tab, reserved by bind --tab, verified, undone
# lab-timeout: 400
# lab-smp: 4
# lab-append: numa=fake=2
# Real: the kernel's pools of huge pages, and its search for memory. Not real: the nodes, which it
# makes of its memory alone (numa=fake), and the boot, of which what it leaves is made by hand;
# test_boot_service.py reboots.
# Functions are called by way of check.
# shellcheck disable=SC2317 source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

nodes=/sys/devices/system/node
pool() { echo "$nodes/node$1/hugepages/hugepages-2048kB/nr_hugepages"; }
has() { [ "$(cat "$(pool "$1")")" = "$2" ]; }
listed() { grep -qx "pages $1" /etc/pciferry.tab; }
reboot_it()
{
	echo 0 >"$(pool 0)"
	echo 0 >"$(pool 1)"
}
mib=$(($(sed -n 's/.*MemTotal: *\([0-9]*\) kB/\1/p' "$nodes/node1/meminfo") / 1024))
echo "node 1 has $mib MiB"

expect 2 "several NUMA nodes" "$PCIFERRY" plan --hugepages 128M
expect 3 "more than four fifths" "$PCIFERRY" apply --hugepages "$((mib / 2 * 2 * 9 / 10 / 2 * 2))M@1"
expect 0 "+pages node1 2M 64" "$PCIFERRY" plan --hugepages 128M@1
check "a plan changes nothing" test ! -e /etc/pciferry.tab
expect 0 "pciferry bind --tab reserves the huge pages now" "$PCIFERRY" apply --hugepages 128M@1
check "the tab has them" listed "node1 2M 64"
check "none are reserved yet" has 1 0
expect 1 "node 1  0 of 64 huge pages of 2 MiB" "$PCIFERRY" verify
expect 0 "it has 0 of 64 huge pages" "$PCIFERRY" check --only vfio-reserved

expect 0 "have 64 huge pages of 2 MiB at node 1" "$PCIFERRY" bind --tab --dry-run
check "a dry run reserves none" has 1 0
expect 0 "node 1: 64 huge pages of 2 MiB are reserved" "$PCIFERRY" bind --tab
check "they are at that node" has 1 64
check "and none at the other" has 0 0
check "the kernel counts them" grep -q "HugePages_Total: *64$" /proc/meminfo
expect 0 "node 1  64 huge pages of 2 MiB" "$PCIFERRY" verify
expect 0 "" "$PCIFERRY" bind --tab
check "done twice is done once" has 1 64

# Those that others have reserved there count, and more than are wanted stay.
echo 70 >"$(pool 1)"
expect 0 "" "$PCIFERRY" bind --tab
check "none is taken from others" has 1 70
reboot_it
echo 10 >"$(pool 1)"
expect 0 "" "$PCIFERRY" bind --tab
check "others' are among them" has 1 64

# What `vm create --tune` says is what is to be typed.
reboot_it
small=(--memory 256M --screen none --bios --tcg --xml)
"$PCIFERRY" vm create g "$LAB_NVME_FREE" "${small[@]}" --tune=0 2>/run/said >/dev/null
cat /run/said
hint=$(sed -n 's/^pciferry \(apply --hugepages [^ ]*\) .*/\1/p' /run/said)
# shellcheck disable=SC2086 # into words
expect 0 "node 0  perhaps 128 huge pages" "$PCIFERRY" $hint
expect 0 "node 0: 128 huge pages of 2 MiB are reserved" "$PCIFERRY" bind --tab
check "those of the other line, too" has 1 64
"$PCIFERRY" vm create g "$LAB_NVME_FREE" "${small[@]}" --tune=0 2>&1 >/dev/null | tee /run/said
check "then they are enough" grep -q "huge pages: 128 of 2 MiB, of 128" /run/said

# Too little memory in one piece: what there is is reserved, and the number told.
reboot_it
mkdir -p /run/full
mount -t tmpfs -o "size=$((mib * 7 / 10))M,mpol=bind:1" tmpfs /run/full
dd if=/dev/zero of=/run/full/it bs=1M count=$((mib * 6 / 10)) 2>/dev/null
want=$((mib * 7 / 10 / 2))
sed -i "s/^pages node1 .*/pages node1 2M $want/" /etc/pciferry.tab
expect 1 "of $want huge pages of 2 MiB, and keeps them" "$PCIFERRY" bind --tab
check "the other node has its own all the same" has 0 128
got=$(cat "$(pool 1)")
echo "$got of $want"
check "some were found" test "$got" -gt 0
check "not all were found" test "$got" -lt "$want"
umount /run/full
expect 0 "node 1: $want huge pages of 2 MiB are reserved" "$PCIFERRY" bind --tab

# A line by hand that the host cannot spare is not done, at boot neither.
reboot_it
sed -i "s/^pages node1 .*/pages node1 2M $((mib / 2))/" /etc/pciferry.tab
expect 3 "more than four fifths" "$PCIFERRY" bind --tab
check "nothing was reserved for it" has 1 0
check "the other line counts" has 0 128
sed -i "s/^pages node1 .*/pages node1 2M 64/" /etc/pciferry.tab

expect 0 "" "$PCIFERRY" undo 2
check "the other line is left" listed "node1 2M 64"
check "and it alone" sh -c '! grep -q "^pages node0" /etc/pciferry.tab'
expect 0 "" "$PCIFERRY" undo 1
check "there is no tab, as before" test ! -e /etc/pciferry.tab
finish
