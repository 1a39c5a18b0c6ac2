#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: virtual functions at each boot: kept in the tab, made by bind --tab, verified, undone
# lab-timeout: 300
#
# What a reboot leaves is made by hand here; test_boot_service.py reboots.
# Functions are called by way of check.
# shellcheck disable=SC2317 source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

pf=/sys/bus/pci/devices/$LAB_NVME_SRIOV
count() { find "$pf/" -maxdepth 1 -name 'virtfn*' | wc -l; }
has() { [ "$(count)" = "$1" ]; }
vf() { basename "$(readlink "$pf/virtfn$1")"; }
listed() { grep -q "^vf $LAB_NVME_SRIOV .* $1\$" /etc/pciferry.tab; }
# As after a boot: its driver has just made none.
reboot_it() { echo 0 >"$pf/sriov_numvfs"; }

expect 0 "make 2 virtual functions" \
	"$PCIFERRY" vf "$LAB_NVME_SRIOV" 2 --driver vfio-pci --persist --dry-run
check "a dry run changes nothing" test ! -e /etc/pciferry.tab
check "nor makes any" has 0

expect 0 "At each boot as well: change 1" \
	"$PCIFERRY" vf "$LAB_NVME_SRIOV" 2 --driver vfio-pci --persist
check "they are there" has 2
check "the tab lists them" listed "2 vfio-pci"
expect 0 "2 virtual functions, each on vfio-pci" "$PCIFERRY" verify
expect 0 "/etc/pciferry.tab says so already" \
	"$PCIFERRY" vf "$LAB_NVME_SRIOV" 2 --driver vfio-pci --persist

reboot_it
expect 1 "0 virtual functions, of 2" "$PCIFERRY" verify
expect 0 "make 2 virtual functions" "$PCIFERRY" bind --tab --dry-run
check "a dry run makes none" has 0
dmesg --clear
expect 0 "2 virtual functions, had 0, each on vfio-pci" "$PCIFERRY" bind --tab
expect 0 "" "$PCIFERRY" verify
for i in 0 1; do
	check "function $i is on vfio-pci" is_on "$(vf "$i")" vfio-pci
	check "nvme never saw function $i" sh -c "! dmesg | grep -q 'nvme.*$(vf "$i")'"
done
expect 0 "" "$PCIFERRY" bind --tab

# One that somebody has given back is taken again; the other is not touched.
expect 0 "was vfio-pci" "$PCIFERRY" release "$LAB_NVME_SRIOV/vf1"
expect 1 "virtual function 1 is on" "$PCIFERRY" verify
group=$(basename "$(readlink "/sys/bus/pci/devices/$(vf 0)/iommu_group")")
sleep 600 9<>"/dev/vfio/$group" &
holder=$!
expect 0 "" "$PCIFERRY" bind --tab
expect 0 "" "$PCIFERRY" verify
kill "$holder"
wait "$holder"

# A driver that comes late is waited for, and no longer than it takes.
reboot_it
echo "$LAB_NVME_SRIOV" >/sys/bus/pci/drivers/nvme/unbind
expect 1 "no driver has it, and that makes them" "$PCIFERRY" verify
expect 1 "its driver makes the virtual functions" "$PCIFERRY" bind --tab
{
	sleep 3
	echo "$LAB_NVME_SRIOV" >/sys/bus/pci/drivers/nvme/bind
} &
expect 0 "2 virtual functions, had 0" "$PCIFERRY" bind --tab --wait=60
wait
expect 0 "" "$PCIFERRY" verify

# Another card in its place makes none, and says so; a group of the others goes all the same.
reboot_it
cp /etc/pciferry.tab /run/tab
sed -i "/^vf/s/1b36:0010/1b36:0011/" /etc/pciferry.tab
expect 1 "another device is there" "$PCIFERRY" bind --tab
check "none were made" has 0
cp /run/tab /etc/pciferry.tab

expect 0 "At boot no more: change 2" "$PCIFERRY" vf "$LAB_NVME_SRIOV" 0 --persist
check "the tab lists none" sh -c '! grep -q "^vf" /etc/pciferry.tab'
expect 0 "" "$PCIFERRY" undo 2
check "the tab is as it was" cmp /run/tab /etc/pciferry.tab
expect 0 "" "$PCIFERRY" undo 1
check "there is no tab, as before" test ! -e /etc/pciferry.tab

# A tab that cannot be written: what was made is told, and that it is not kept.
mkdir /etc/pciferry.tab
expect 1 "/etc/pciferry.tab" "$PCIFERRY" vf "$LAB_NVME_SRIOV" 3 --persist
check "it was looked at before anything was made" has 0
rmdir /etc/pciferry.tab
finish
