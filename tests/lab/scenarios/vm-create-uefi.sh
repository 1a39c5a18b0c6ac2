#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: a guest defined for libvirt boots by UEFI, with a card of two functions and a disk
# lab-timeout: 1200
# Real: libvirtd, OVMF from QEMU's descriptors with variables of the guest's own, VFIO, and a Linux
# in the guest that reads the disk. Not real: the graphics card draws nothing. Not by KVM: OVMF
# under KVM makes the outer machine's emulation of SVM stop now and then.
# Functions are called by way of check.
# shellcheck disable=SC2317 source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

has_ended() { [ "$(virsh -q domstate uefi)" = "shut off" ]; }
said() { grep -q "$1" /run/console; }

modprobe vfio-pci
check "libvirt has come up" start_libvirt
expect 0 "has started" "$PCIFERRY" vm create uefi "$LAB_GPU" "$LAB_NVME_FREE" --tcg --memory 512M \
	--cpus 1 --screen none --kernel "$LAB_KERNEL" --initrd "$LAB_INITRD" \
	--append "console=ttyS0 quiet panic=-1" --start
[ "$failures" = 0 ] || finish
cat "$(virsh -q ttyconsole uefi)" >/run/console 2>/dev/null &
check "the card is the guest's" is_on "$LAB_GPU" vfio-pci
check "and the disk" is_on "$LAB_NVME_FREE" vfio-pci
check "it has variables of its own" test -s /var/lib/libvirt/qemu/nvram/uefi_VARS.fd
for _ in $(seq 100); do
	! has_ended || break
	sleep 10
done
check "the guest has ended" has_ended
check "by UEFI" said "guest: firmware uefi"
check "one slot: the card" said "guest: 0000:01:00.0 .* 03"
check "one slot: its audio function" said "guest: 0000:01:00.1 .* 0403"
check "another: the disk" said "guest: 0000:02:00.0 .* 010802 driver nvme"
check "the guest reads it" said "guest: text /dev/nvme0n1 pciferry lab: the free disk"
eventually "the disk is the host's again" is_on "$LAB_NVME_FREE" nvme
eventually "its audio function is" is_on "$LAB_GPU_AUDIO" snd_hda_intel
check "the card has no driver, as before" is_on "$LAB_GPU" none
finish
