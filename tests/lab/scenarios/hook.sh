#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: libvirt starts and ends guests that ask pciferry for their devices, by its hook
# lab-timeout: 400
# Real: libvirtd, its hook, QEMU with the device by VFIO. Not real: the guest has no disk but the
# device, and no operating system; it waits in its firmware until it is ended.
# Functions are called by way of check.
# shellcheck disable=SC2317 source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

hook=/etc/libvirt/hooks/qemu.d/pciferry
ask="<metadata><pciferry:hand-over xmlns:pciferry='urn:pciferry:domain:1'/></metadata>"

hostdev()
{
	local bus=${1:5:2} slot=${1:8:2} function=${1:11:1}
	local managed=
	[ -z "$2" ] || managed="managed='$2'"
	echo "<hostdev mode='subsystem' type='pci' $managed><source>" \
		"<address domain='0' bus='0x$bus' slot='0x$slot' function='$function'/>" \
		"</source></hostdev>"
}

kept() { [ -e "/run/pciferry/$1.guest.first" ]; }
not_kept() { ! kept "$1"; }
nothing_kept() { [ -z "$(find /run/pciferry -name "$1.*first")" ]; }
is_overridden()
{
	[ "$(driver_of "$1")" = "$2" ] &&
		[ "$(cat "/sys/bus/pci/devices/$1/driver_override")" = "$2" ]
}
is_gone() { [ ! -e "$hook" ]; }
is_program() { [ "$(stat -c %a "$hook")" = 755 ]; }

# Before the daemon runs: it looks for hooks when it starts.
expect 0 "exec $PCIFERRY vm hook run" "$PCIFERRY" vm hook install --dry-run
check "a dry run writes nothing" is_gone
expect 0 "libvirt calls pciferry" "$PCIFERRY" vm hook install
check "everybody may run it" is_program
expect 0 "there already" "$PCIFERRY" vm hook install
chmod -x "$hook"
expect 0 "libvirt calls pciferry" "$PCIFERRY" vm hook install
check "it is a program again" is_program
expect 0 "PASS" "$PCIFERRY" check --only libvirt-hooks
check "libvirt has come up" start_libvirt
chmod -x "$hook"
expect 0 "systemctl restart libvirtd" "$PCIFERRY" vm hook install

# One that asks: bound as it starts, given back as it ends.
define_guest asks "$ask" "$(hostdev "$LAB_NVME_FREE" no)"
expect 0 "started" virsh start asks
check "the device is on VFIO" is_on "$LAB_NVME_FREE" vfio-pci
check "for whom is noted" kept "$LAB_NVME_FREE"
expect 3 "guest asks" "$PCIFERRY" release "$LAB_NVME_FREE"
expect 0 "destroyed" virsh destroy asks
check "the device is the host's again" is_on "$LAB_NVME_FREE" nvme
check "nothing is noted any more" not_kept "$LAB_NVME_FREE"

# What was on VFIO before stays there; without managed it is the same as no.
define_guest asks "$ask" "$(hostdev "$LAB_NVME_FREE" '')" "$(hostdev "$LAB_NIC_PAIR0" no)"
"$PCIFERRY" bind "$LAB_NVME_FREE" >/dev/null
expect 0 "started" virsh start asks
check "the other function goes along" is_on "$LAB_NIC_PAIR1" vfio-pci
check "only what was moved is noted" not_kept "$LAB_NVME_FREE"
expect 0 "destroyed" virsh destroy asks
check "the user's stays" is_on "$LAB_NVME_FREE" vfio-pci
check "the guest's goes back" is_on "$LAB_NIC_PAIR0" e1000e
check "and its group" is_on "$LAB_NIC_PAIR1" e1000e
"$PCIFERRY" release "$LAB_NVME_FREE" >/dev/null

# Parked on a driver that does nothing: by hand, or by pciferry, which knows a first driver
# besides. There it goes back, and from there to its first one.
parked() { is_overridden "$1" pci-stub; }
modprobe pci-stub
echo pci-stub >"/sys/bus/pci/devices/$LAB_NVME_FREE/driver_override"
echo "$LAB_NVME_FREE" >"/sys/bus/pci/devices/$LAB_NVME_FREE/driver/unbind"
echo "$LAB_NVME_FREE" >/sys/bus/pci/drivers_probe
define_guest asks "$ask" "$(hostdev "$LAB_NVME_FREE" no)"
check "parked by hand" parked "$LAB_NVME_FREE"
expect 0 "started" virsh start asks
check "the parked one is on VFIO" is_on "$LAB_NVME_FREE" vfio-pci
expect 0 "destroyed" virsh destroy asks
check "it is parked again" parked "$LAB_NVME_FREE"
check "nothing is kept of what was parked by hand" nothing_kept "$LAB_NVME_FREE"
echo >"/sys/bus/pci/devices/$LAB_NVME_FREE/driver_override"
echo "$LAB_NVME_FREE" >"/sys/bus/pci/devices/$LAB_NVME_FREE/driver/unbind"
echo "$LAB_NVME_FREE" >/sys/bus/pci/drivers_probe
check "no more" is_on "$LAB_NVME_FREE" nvme

expect 0 "pci-stub, was nvme" "$PCIFERRY" bind "$LAB_NVME_FREE" --driver pci-stub
for time in first second; do
	expect 0 "started" virsh start asks
	check "the $time time: on VFIO" is_on "$LAB_NVME_FREE" vfio-pci
	expect 0 "destroyed" virsh destroy asks
	check "the $time time: parked again" parked "$LAB_NVME_FREE"
	check "the $time time: nothing is noted" not_kept "$LAB_NVME_FREE"
done
# A start that is cut off anywhere knows it as well.
for n in 1 2 3 4 5 6; do
	killed_at write "$n" "$PCIFERRY" vm hook run -- asks prepare begin - <"/tmp/asks.xml"
	killed_at write "$n" "$PCIFERRY" vm hook run -- asks prepare begin - <"/tmp/asks.xml"
	check "its end, killed before ($n)" "$hook" asks release end -
	check "parked again ($n)" parked "$LAB_NVME_FREE"
done
expect 0 "nvme, was pci-stub" "$PCIFERRY" release "$LAB_NVME_FREE"
check "it is on its first driver" is_on "$LAB_NVME_FREE" nvme
check "nothing is kept" nothing_kept "$LAB_NVME_FREE"

# Two guests, one group.
define_guest asks "$ask" "$(hostdev "$LAB_NIC_PAIR0" no)"
define_guest other "$ask" "$(hostdev "$LAB_NIC_PAIR1" no)"
expect 0 "started" virsh start asks
expect 1 "another guest has it" virsh start other
expect 1 "bound for asks" virsh start other
check "the first one keeps it" is_on "$LAB_NIC_PAIR0" vfio-pci
expect 0 "destroyed" virsh destroy asks
check "it ends as ever" is_on "$LAB_NIC_PAIR0" e1000e

# In use: refused, and why stands in libvirt's error.
define_guest mounted "$ask" "$(hostdev "$LAB_NVME_MOUNTED" no)" "$(hostdev "$LAB_NVME_FREE" no)"
expect 1 "in use, so nothing was changed" virsh start mounted
expect 1 "/mnt/data" virsh start mounted
check "the mounted disk is the host's" is_on "$LAB_NVME_MOUNTED" nvme
check "and so is the free one" is_on "$LAB_NVME_FREE" nvme
check "it can be read" ls /mnt/data >/dev/null

# One that does not ask is not touched.
define_guest plain "" "$(hostdev "$LAB_NVME_FREE" no)"
expect 1 "/dev/vfio/" virsh start plain
check "its device is the host's" is_on "$LAB_NVME_FREE" nvme
define_guest managed "$ask" "$(hostdev "$LAB_NVME_SRIOV" yes)"
expect 0 "started" virsh start managed
check "libvirt's own is not noted" not_kept "$LAB_NVME_SRIOV"
expect 0 "destroyed" virsh destroy managed
check "libvirt has given it back" is_on "$LAB_NVME_SRIOV" nvme

# By hand: a start that was cut off, twice, and a definition that has changed since.
define_guest asks "$ask" "$(hostdev "$LAB_NVME_FREE" no)"
run_hook() { "$hook" "$1" "$2" "$3" - <"/tmp/$1.xml"; }
check "a start" run_hook asks prepare begin
check "the same start again" run_hook asks prepare begin
check "it is bound" is_on "$LAB_NVME_FREE" vfio-pci
define_guest asks "$ask"
check "its end" run_hook asks release end
check "it is back" is_on "$LAB_NVME_FREE" nvme
define_guest asks "$ask" "$(hostdev "$LAB_NVME_FREE" no)"
for n in 1 2 3 4 5 6; do
	killed_at write "$n" "$PCIFERRY" vm hook run -- asks prepare begin - <"/tmp/asks.xml"
	check "its end, killed before ($n)" run_hook asks release end
	check "it is back ($n)" is_on "$LAB_NVME_FREE" nvme
done

# An end that cannot be told is told, and nothing is forgotten.
check "a start" run_hook asks prepare begin
group=$(basename "$(readlink "/sys/bus/pci/devices/$LAB_NVME_FREE/iommu_group")")
exec 7<>"/dev/vfio/$group"
check "it is told" eval '! run_hook asks release end 2>/tmp/why'
check "by which process" grep -q "held by process" /tmp/why
check "it stays noted" kept "$LAB_NVME_FREE"
exec 7>&-
check "its end" run_hook asks release end
check "it is back" is_on "$LAB_NVME_FREE" nvme

expect 0 "is undone" "$PCIFERRY" undo 1
expect 0 "libvirt calls pciferry" "$PCIFERRY" vm hook install
expect 0 "no more" "$PCIFERRY" vm hook remove
check "it is gone" is_gone
finish
