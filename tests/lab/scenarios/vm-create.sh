#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: guests that pciferry defines for libvirt see their devices, and give them back
# lab-timeout: 560
# Real: libvirtd, its schema, QEMU with KVM and VFIO, SeaBIOS, and a Linux in the guest that reads
# the disk. Not real: the graphics card draws nothing.
# Functions are called by way of check.
# shellcheck disable=SC2317 source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

words="console=ttyS0 quiet panic=-1 mitigations=off no_timer_check"
small=(--memory 256M --cpus 1 --screen none)
linux=(--kernel "$LAB_KERNEL_QUICK" --initrd "$LAB_INITRD" --append "$words")

is_defined() { virsh -q dominfo "$1" >/dev/null 2>&1; }
is_not_defined() { ! is_defined "$1"; }
has_ended() { [ "$(virsh -q domstate "$1")" = "shut off" ]; }
said() { grep -q "$2" "/run/$1.console"; }

# What a guest writes, from its start on.
listen()
{
	cat "$(virsh -q ttyconsole "$1")" >"/run/$1.console" 2>/dev/null &
}

# Where there is systemd, its node is there from the start, and loads it (kmod static-nodes).
modprobe vfio-pci
check "libvirt has come up" start_libvirt

# By BIOS, with KVM: a card of two functions, and a disk.
expect 0 "will be 01:00.1 in the guest" "$PCIFERRY" vm create card "$LAB_GPU" "$LAB_NVME_FREE" \
	"${small[@]}" "${linux[@]}" --bios --start
listen card
check "the card is the guest's" is_on "$LAB_GPU" vfio-pci
check "its other function too" is_on "$LAB_GPU_AUDIO" vfio-pci
check "and the disk" is_on "$LAB_NVME_FREE" vfio-pci
expect 3 "held by" "$PCIFERRY" release "$LAB_NVME_FREE"
eventually "the guest has ended" has_ended card
check "one slot: the card" said card "guest: 0000:01:00.0 .* 03"
check "one slot: its audio function" said card "guest: 0000:01:00.1 .* 0403"
check "another: the disk" said card "guest: 0000:02:00.0 .* 010802 driver nvme"
check "the guest reads it" said card "guest: text /dev/nvme0n1 pciferry lab: the free disk"
check "the guest ran to its end" said card "guest: done"
eventually "the disk is the host's again" is_on "$LAB_NVME_FREE" nvme
eventually "its audio function is" is_on "$LAB_GPU_AUDIO" snd_hda_intel
check "the card has no driver, as before" is_on "$LAB_GPU" none

# What is there stays as it is.
virsh -q dumpxml card >/run/before.xml
expect 1 "there is a domain of that name" "$PCIFERRY" vm create card "$LAB_NVME_FREE" --bios
virsh -q dumpxml card >/run/after.xml
check "the first one is as it was" cmp /run/before.xml /run/after.xml

# Nothing is defined that would take a disk in use, or that libvirt does not take.
expect 3 "/mnt/data" "$PCIFERRY" vm create mounted "$LAB_NVME_MOUNTED" --bios
check "it is not defined" is_not_defined mounted
expect 1 "nowhere is defined" "$PCIFERRY" vm create nowhere "$LAB_NVME_FREE" --bios "${small[@]}" \
	--network bridge:none0 --start
check "it is defined, and told so" is_defined nowhere
check "the disk is the host's" is_on "$LAB_NVME_FREE" nvme
expect 1 "systemctl start libvirtd" "$PCIFERRY" vm create other "$LAB_NVME_FREE" --bios \
	--connect qemu+unix:///system?socket=/run/none

# All that it can have at once, as libvirt reads it; firmware's window, TPM and all.
touch /run/disk.qcow2 /run/installer.iso /run/battery.aml
tpm=()
! command -v swtpm_setup >/dev/null || tpm=(--tpm)
expect 0 "is defined" "$PCIFERRY" vm create all "$LAB_GPU" "$LAB_NIC_PAIR0" --windows --hide \
	"${tpm[@]}" --secure-boot --screen spice --network default --disk /run/disk.qcow2 \
	--cdrom /run/installer.iso --battery /run/battery.aml --memory 2G --cpus 3
check "both functions of the network card" \
	test "$(virsh -q dumpxml all | grep -c '<hostdev')" = 4

# A card of 32 GiB, which is not here, on a made host: libvirt takes the room that it gets.
made=/run/made/sys
device=$made/devices/pci0000:00/0000:03:00.0
mkdir -p "$device" $made/bus/pci/devices $made/class/block $made/class/net /run/made/proc/self \
	/run/made/usr/share/qemu /run/made/usr/share/OVMF
cp -r /usr/share/qemu/firmware /run/made/usr/share/qemu/
for file in /usr/share/OVMF/*; do touch "/run/made/usr/share/OVMF/${file##*/}"; done
ln -s ../../../devices/pci0000:00/0000:03:00.0 $made/bus/pci/devices/0000:03:00.0
echo pci:v00001B36d00000010sv00001AF4sd00001100bc03sc00i00 >"$device/modalias"
echo 0x0000002000000000 0x00000027ffffffff 0x000000000014220c >"$device/resource"
for _ in 1 2 3 4 5 6; do
	echo 0x0000000000000000 0x0000000000000000 0x0000000000000000
done >>"$device/resource"
"$PCIFERRY" vm create large 03:00.0 --xml --host /run/made >/run/large.xml 2>/run/said
cat /run/said
check "it asks for 64 GiB" grep -q "X-PciMmio64Mb,string=65536" /run/large.xml
expect 0 "defined" virsh define --validate /run/large.xml

# What vm xml prints, virsh takes.
expect 0 "hostdev" "$PCIFERRY" vm xml "$LAB_NVME_SRIOV"
"$PCIFERRY" vm xml "$LAB_NVME_SRIOV" >/run/disk.xml
expect 0 "attached" virsh attach-device nowhere /run/disk.xml --config

# Handed over by the hook, which looks first.
expect 1 "vm hook install" "$PCIFERRY" vm create handed "$LAB_NVME_FREE" --bios --hand-over
"$PCIFERRY" vm hook install >/dev/null 2>&1
kill "$(cat /run/libvirtd.pid)"
eventually "libvirt has ended" test ! -e /run/libvirtd.pid
libvirtd -d
eventually "libvirt is there again" virsh -q uri
expect 0 "has started" "$PCIFERRY" vm create handed "$LAB_NVME_FREE" "${small[@]}" "${linux[@]}" \
	--bios --hand-over --start
check "noted for whom" test -e "/run/pciferry/$LAB_NVME_FREE.guest.first"
listen handed
eventually "it has ended" has_ended handed
check "it reads the disk" said handed "guest: text /dev/nvme0n1 pciferry lab"
eventually "the hook has given it back" is_on "$LAB_NVME_FREE" nvme
expect 0 "now in use" "$PCIFERRY" vm create later "$LAB_NVME_MOUNTED" --bios --hand-over
expect 1 "/mnt/data" virsh start later
check "the mounted disk is the host's" is_on "$LAB_NVME_MOUNTED" nvme
finish
