#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: an unbind hangs in the kernel; list, and other devices, must go on
# lab-timeout: 240
# shellcheck source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

list_answers()
{
	local from until
	from=$(date +%s%N)
	"$PCIFERRY" list >/run/list.txt
	until=$(date +%s%N)
	echo "list took $(((until - from) / 1000000)) ms"
	check "list answers within two seconds" test $(((until - from) / 1000000)) -lt 2000
	grep "$LAB_NVME_FREE" /run/list.txt
	check "list shows the device as stuck" grep -q "$LAB_NVME_FREE.*stuck" /run/list.txt
}

echo "--- pciferry's own unbind hangs"
"$PCIFERRY" bind "$LAB_NVME_FREE"
hold "$LAB_NVME_FREE"
expect 1 "has not come back" "$PCIFERRY" release --timeout 3 "$LAB_NVME_FREE"
list_answers
expect 0 "stuck" "$PCIFERRY" show "$LAB_NVME_FREE"
expect 0 '"stuck": true' "$PCIFERRY" show --json "$LAB_NVME_FREE"
expect 0 "vfio-pci" "$PCIFERRY" bind "$LAB_NIC_PAIR0"
expect 0 "e1000e" "$PCIFERRY" release "$LAB_NIC_PAIR0"
expect 3 "stuck" "$PCIFERRY" bind --timeout 1 "$LAB_NVME_FREE"
# Whoever looked at the stuck device may hang as well, and must hold up nobody.
expect 0 "vfio-pci" "$PCIFERRY" bind "$LAB_NIC_PAIR0"
expect 0 "e1000e" "$PCIFERRY" release "$LAB_NIC_PAIR0"
kill "$holder"
eventually "the device is back on nvme by itself" is_on "$LAB_NVME_FREE" nvme
eventually "and nothing is kept of it" test ! -e "/run/pciferry/$LAB_NVME_FREE.first"

echo "--- somebody else's unbind hangs"
"$PCIFERRY" bind "$LAB_NVME_FREE"
hold "$LAB_NVME_FREE"
echo "$LAB_NVME_FREE" >/sys/bus/pci/drivers/vfio-pci/unbind &
writer=$!
sleep 1
list_answers
expect 0 "vfio-pci" "$PCIFERRY" bind "$LAB_GPU"
expect 0 "" "$PCIFERRY" release "$LAB_GPU"
expect 3 "stuck" "$PCIFERRY" bind "$LAB_NVME_FREE"
kill "$holder"
wait "$writer"
expect 0 "nvme" "$PCIFERRY" release "$LAB_NVME_FREE"
check "the device is back on nvme" is_on "$LAB_NVME_FREE" nvme

echo "--- a process holds the group"
"$PCIFERRY" bind "$LAB_NVME_FREE"
group=$(basename "$(readlink "/sys/bus/pci/devices/$LAB_NVME_FREE/iommu_group")")
sleep 60 8<>"/dev/vfio/$group" &
holder=$!
sleep 0.5
expect 3 "is held by process $holder (sleep)" "$PCIFERRY" release "$LAB_NVME_FREE"
kill "$holder"
wait "$holder"
expect 0 "nvme" "$PCIFERRY" release "$LAB_NVME_FREE"
finish
