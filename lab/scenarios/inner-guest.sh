#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: without pciferry: a guest inside gets a disk through vfio-pci and reads the right data
# lab-timeout: 240

# shellcheck source=lab/host/lib.sh
. "$LAB_LIB"

device=$LAB_NVME_FREE
disk=$(lab_entry "$device" 'nvme/nvme*/nvme*n1') || exit
expected=$(dd if="/dev/$disk" bs=4096 count=1 status=none | sha256sum | cut -d' ' -f1)
echo "host: data /dev/$disk sha256 $expected"

modprobe vfio-pci
echo vfio-pci >"/sys/bus/pci/devices/$device/driver_override"
echo "$device" >"/sys/bus/pci/devices/$device/driver/unbind"
echo "$device" >/sys/bus/pci/drivers_probe
[ "$(lab_driver "$device")" = vfio-pci ] || fail "$device is at $(lab_driver "$device")"
[ ! -e "/dev/$disk" ] || fail "/dev/$disk is still there"

report=$(lab_guest -device "vfio-pci,host=$device" | tee /dev/stderr)
grep -q '^guest: done' <<<"$report" || fail "the guest did not run to its end"
found=$(sed -n 's/^guest: data .* sha256 \([0-9a-f]*\).*/\1/p' <<<"$report")
[ "$found" = "$expected" ] || fail "the guest read '$found', the host had '$expected'"

echo "$device" >"/sys/bus/pci/devices/$device/driver/unbind"
echo >"/sys/bus/pci/devices/$device/driver_override"
echo "$device" >/sys/bus/pci/drivers_probe
[ "$(lab_driver "$device")" = nvme ] || fail "$device did not go back to nvme"
echo "PASS: host and guest read the same disk"
