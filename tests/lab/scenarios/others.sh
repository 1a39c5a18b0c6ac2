#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: devices that others bind to vfio-pci as well
# shellcheck source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

unbind()
{
	echo "$1" >"/sys/bus/pci/devices/$1/driver/unbind"
}

echo "--- the module takes devices by their IDs as it is loaded"
mkdir -p /run/modprobe.d
echo "options vfio-pci ids=8086:10d3" >/run/modprobe.d/vfio.conf
modprobe -r vfio_pci 2>/dev/null
unbind "$LAB_NIC_PAIR0"
unbind "$LAB_NIC_PAIR1"
expect 0 "vfio-pci" "$PCIFERRY" bind "$LAB_NIC_PAIR0"
check "both are on vfio-pci" is_on "$LAB_NIC_PAIR1" vfio-pci
expect 0 "" "$PCIFERRY" release "$LAB_NIC_PAIR0"
check "both are without a driver, as they were" is_on "$LAB_NIC_PAIR1" none
rm /run/modprobe.d/vfio.conf
modprobe -r vfio_pci
modprobe vfio-pci

echo "--- a guest gives back what its run has taken, and no more"
echo "$LAB_NIC_PAIR0" >/sys/bus/pci/drivers/e1000e/bind
echo vfio-pci >"/sys/bus/pci/devices/$LAB_NIC_PAIR1/driver_override"
echo "$LAB_NIC_PAIR1" >/sys/bus/pci/drivers/vfio-pci/bind
expect 0 "its devices are back" "$PCIFERRY" vm run --bios --qemu /bin/true "$LAB_NIC_PAIR0"
check "what was taken is back" is_on "$LAB_NIC_PAIR0" e1000e
check "what somebody else keeps on vfio-pci is still there" is_on "$LAB_NIC_PAIR1" vfio-pci
check "and its override, too" grep -qx vfio-pci \
	"/sys/bus/pci/devices/$LAB_NIC_PAIR1/driver_override"

echo "--- a caller who ignores the end of its children"
expect 0 "its devices are back" bash -c "trap '' CHLD
	exec '$PCIFERRY' vm run --bios --qemu /bin/true '$LAB_NIC_PAIR0'"

echo "--- a device given back by other means, and used since"
expect 0 "vfio-pci" "$PCIFERRY" bind "$LAB_NVME_FREE"
echo >"/sys/bus/pci/devices/$LAB_NVME_FREE/driver_override"
unbind "$LAB_NVME_FREE"
echo "$LAB_NVME_FREE" >/sys/bus/pci/drivers/nvme/bind
udevadm settle
mkfs.ext4 -q "/dev/$(basename "/sys/bus/pci/devices/$LAB_NVME_FREE"/nvme/nvme*/nvme*n1)"
mkdir -p /run/free
mount "/dev/$(basename "/sys/bus/pci/devices/$LAB_NVME_FREE"/nvme/nvme*/nvme*n1)" /run/free
expect 0 "" "$PCIFERRY" release "$LAB_NVME_FREE"
check "it is still mounted" findmnt /run/free
check "it is still on nvme" is_on "$LAB_NVME_FREE" nvme
umount /run/free
finish
