#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: a running guest gets devices, and lets go of them
# lab-timeout: 560
# Real: libvirtd, QEMU with KVM and VFIO, and a Linux in the guest that sees them come and go.
# Not real: what the guest does with them is nothing.
# Functions are called by way of check.
# shellcheck disable=SC2317 source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

words="console=ttyS0 panic=-1 mitigations=off no_timer_check hold=500"
small=(--memory 256M --cpus 1 --screen none --bios)

said() { grep -q "$1" /run/console; }
has() { virsh -q dumpxml "$@" | grep -q "<address domain='0x0000' bus='0x${LAB_NVME_FREE:5:2}' slot='0x${LAB_NVME_FREE:8:2}'"; }
has_not() { ! has "$@"; }
count() { [ "$(virsh -q dumpxml running | grep -c "$1")" = "$2" ]; }

# libvirt looks for /dev/vfio/vfio, which elsewhere systemd makes before the module is there.
modprobe vfio-pci
check "libvirt has come up" start_libvirt
expect 0 "has started" "$PCIFERRY" vm create running "$LAB_GPU" "${small[@]}" \
	--kernel "$LAB_KERNEL_QUICK" --initrd "$LAB_INITRD" --append "$words" --start
cat "$(virsh -q ttyconsole running)" >/run/console 2>/dev/null &
eventually "the guest is up" said "guest: ready"
virsh -q dumpxml --inactive running >/run/before.xml

# What is in use, and what is not free as a whole, stays.
expect 3 "/mnt/data" "$PCIFERRY" vm attach running "$LAB_NVME_MOUNTED"
expect 3 "bind the group first" "$PCIFERRY" vm attach running "$LAB_NIC_PAIR0" --live
expect 1 "libvirt has no domain" "$PCIFERRY" vm attach nobody "$LAB_NVME_FREE"
# As does what shares a slot of the guest with another: libvirt takes nothing out of one.
expect 3 "shut the guest down" "$PCIFERRY" vm detach running "$LAB_GPU"
check "the card is the guest's still" is_on "$LAB_GPU" vfio-pci
virsh -q dumpxml --inactive running >/run/after.xml
check "nothing has changed" cmp /run/before.xml /run/after.xml

# To both: what it runs with, and what it starts with.
expect 0 "in the running guest" "$PCIFERRY" vm attach running "$LAB_NVME_FREE"
check "the disk is on vfio-pci" is_on "$LAB_NVME_FREE" vfio-pci
check "the running guest has it" has running
check "and its definition" has --inactive running
eventually "the guest sees it" said "1b36:0010.*010802"
expect 1 "has them already" "$PCIFERRY" vm attach running "$LAB_NVME_FREE"
expect 0 "domain-memory" "$PCIFERRY" vm lint running

# Not to another.
expect 0 "is defined" "$PCIFERRY" vm create other "$LAB_NIC_IDLE" "${small[@]}"
expect 3 "running has it, and runs" "$PCIFERRY" vm attach other "$LAB_NVME_FREE" --shared
check "the other has it not" has_not other
virsh -q dumpxml other | sed "s|<devices>|<devices><hostdev mode='subsystem' type='pci' \
managed='yes'><source><address domain='0x0000' bus='0x${LAB_NVME_FREE:5:2}' \
slot='0x${LAB_NVME_FREE:8:2}' function='0x0'/></source></hostdev>|" >/run/other.xml
virsh -q define /run/other.xml
expect 1 "running has it, and runs" "$PCIFERRY" vm lint other
virsh -q undefine other

# A guest that does not answer keeps it, and it stays in what it starts with, as does what someone
# writes there meanwhile.
virsh -q suspend running
virsh -q dumpxml --inactive running >/run/with.xml
"$PCIFERRY" vm detach running "$LAB_NVME_FREE" --timeout 10 >/run/detach 2>&1 &
waiting=$!
sleep 4
check "while it waits nothing is written" has --inactive running
virsh -q desc running --config "edited meanwhile"
wait "$waiting"
check "that is told" grep -q "does not let go" /run/detach
virsh -q dumpxml --inactive running >/run/after.xml
check "what was edited is kept" grep -q "edited meanwhile" /run/after.xml
virsh -q define /run/with.xml
check "its definition has it still" has --inactive running
check "the disk is the guest's still" is_on "$LAB_NVME_FREE" vfio-pci
virsh -q resume running
eventually "the guest lets go in the end" is_on "$LAB_NVME_FREE" nvme

# Back again, and away from both.
expect 0 "in the running guest" "$PCIFERRY" vm attach running "$LAB_NVME_FREE" --live
expect 0 "no longer in the running guest" "$PCIFERRY" vm detach running "$LAB_NVME_FREE"
eventually "the disk is the host's" is_on "$LAB_NVME_FREE" nvme
check "the running guest has it no more" has_not running
virsh -q dumpxml --inactive running >/run/after.xml
check "its definition is what it was" cmp /run/before.xml /run/after.xml

# What the guest itself has is not in use by another: it can be kept.
expect 0 "in the running guest" "$PCIFERRY" vm attach running "$LAB_NVME_FREE" --live
check "its definition has it not" has_not --inactive running
expect 1 "--config adds them" "$PCIFERRY" vm attach running "$LAB_NVME_FREE"
expect 0 "in the guest" "$PCIFERRY" vm attach running "$LAB_NVME_FREE" --config
check "its definition has it, too" has --inactive running
expect 0 "no longer in the running guest" "$PCIFERRY" vm detach running "$LAB_NVME_FREE"
eventually "the disk is the host's once more" is_on "$LAB_NVME_FREE" nvme

# Two guests that are not to run at the same time.
virsh -q define /run/other.xml
expect 3 "--shared lets both have it" "$PCIFERRY" vm attach running "$LAB_NVME_FREE" --config
expect 0 "in the guest" "$PCIFERRY" vm attach running "$LAB_NVME_FREE" --config --shared
check "the disk is the host's still" is_on "$LAB_NVME_FREE" nvme
expect 1 "it does not run" "$PCIFERRY" vm detach other "$LAB_NVME_FREE" --live
expect 0 "no longer in the guest" "$PCIFERRY" vm detach running "$LAB_NVME_FREE"
virsh -q undefine other

# A group of two: bound before, each at a port of its own, and bound afterwards.
"$PCIFERRY" bind "$LAB_NIC_PAIR0" >/dev/null 2>&1
expect 0 "in the running guest" "$PCIFERRY" vm attach running "$LAB_NIC_PAIR0" --live
check "two more devices" count "<hostdev" 4
sees() { [ "$(grep -o "8086:10d3" /run/console | wc -l)" -ge "$1" ]; }
eventually "the guest sees both" sees 2
expect 0 "is not given back" "$PCIFERRY" vm detach running "$LAB_NIC_PAIR0"
check "two less" count "<hostdev" 2
check "they stay bound" is_on "$LAB_NIC_PAIR0" vfio-pci
expect 0 "" "$PCIFERRY" release "$LAB_NIC_PAIR0"
check "and are the host's again" is_on "$LAB_NIC_PAIR0" e1000e

# A virtual function, by its number; the next line of the guest's about such a device is new.
"$PCIFERRY" vf "$LAB_NVME_SRIOV" 2 >/dev/null 2>&1
seen=$(grep -c "1b36:0010.*010802" /run/console)
said_more() { [ "$(grep -c "1b36:0010.*010802" /run/console)" -gt "$seen" ]; }
expect 0 "in the running guest" "$PCIFERRY" vm attach running "$LAB_NVME_SRIOV/vf1" --live
check "one more device" count "<hostdev" 3
eventually "the guest sees the function" said_more
expect 0 "no longer in the running guest" "$PCIFERRY" vm detach running "$LAB_NVME_SRIOV/vf1"
check "one less" count "<hostdev" 2

# Two of one group that libvirt manages would come back one by one, the first too early.
"$PCIFERRY" bind "$LAB_NIC_PAIR0" >/dev/null 2>&1
for address in "$LAB_NIC_PAIR0" "$LAB_NIC_PAIR1"; do
	echo "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' \
bus='0x${address:5:2}' slot='0x${address:8:2}' function='0x${address:11:1}'/></source></hostdev>" \
		>/run/managed.xml
	virsh -q attach-device running /run/managed.xml --live
done
expect 3 "another of its group" "$PCIFERRY" vm detach running "$LAB_NIC_PAIR0"
check "the guest has both" count "<hostdev" 4
check "none has come back" is_on "$LAB_NIC_PAIR0" vfio-pci
virsh -q destroy running
finish
