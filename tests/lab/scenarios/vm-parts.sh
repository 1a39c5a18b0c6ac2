#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: what a guest has of its host besides PCI functions: USB, inputs, a folder, a new disk
# lab-machine: free-port
# lab-timeout: 400
# Real: libvirtd, QEMU with KVM, virtiofsd, qemu-img, the kernel's USB and input devices, and a
# Linux in the guest that reports them. Not real: what is plugged in, which QEMU emulates; Looking
# Glass's two programs are not there, only its memory is.
# Functions are called by way of check.
# shellcheck disable=SC2317 source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

words="console=ttyS0 quiet panic=-1 mitigations=off no_timer_check"
small=(--memory 256M --cpus 1 --screen none --bios)
linux=(--kernel "$LAB_KERNEL_QUICK" --initrd "$LAB_INITRD")

has_ended() { [ "$(virsh -q domstate "$1")" = "shut off" ]; }
said() { grep -q "$2" "/run/$1.console"; }
has_size() { [ "$(qemu-img info -U --output=json "$1" | grep -c "\"virtual-size\": $2")" = 1 ]; }
listen() { cat "$(virsh -q ttyconsole "$1")" >"/run/$1.console" 2>/dev/null & }
is_not_there() { [ ! -e "$1" ]; }

modprobe -a vfio-pci evdev
plug_usb
check "libvirt has come up" start_libvirt
ls -l /dev/input/by-path /dev/input/by-id
keyboard=$(find /dev/input/by-path -name "pci-*usb-0:2:*-event-kbd" | head -1)
mouse=$(find /dev/input/by-path -name "pci-*usb-0:3:*-event-mouse" | head -1)

# A disk in use stays, whoever asks; the kernel says so.
echo "0 131072 linear $stick 0" | dmsetup create --noudevsync used
expect 3 "${stick##*/} claimed" "$PCIFERRY" vm create stick "$LAB_EDU" "${small[@]}" --usb 46f4:0001
expect 3 "${stick##*/} claimed" "$PCIFERRY" vm create stick "$LAB_EDU" "${small[@]}" \
	--usb "$fast-1"
dmsetup remove --noudevsync used

expect 1 "port $slow-3" "$PCIFERRY" vm create mice "$LAB_EDU" "${small[@]}" --usb 0627:0001

# All at once.
mkdir -p /run/pictures
echo "from the host" >/run/pictures/text
cd /run || exit 1
expect 0 "has started" "$PCIFERRY" vm create all "$LAB_EDU" "${small[@]}" "${linux[@]}" \
	--append "$words share=pictures usb=2 hold=20" --usb 46f4:0001 --usb "$slow-4" \
	--evdev "$keyboard" --evdev "$mouse" --share pictures --looking-glass=800x600 \
	--disk new.qcow2,size=3G --disk new.img,size=64M --start
[ "$failures" = 0 ] || finish
listen all
# QEMU takes each when the guest has found it.
eventually "the stick is QEMU's" is_usb_on "$fast-1" usbfs
eventually "so is the mouse that was named" is_usb_on "$slow-4" usbfs
check "and not the other" is_usb_on "$slow-3" usbhid
check "its memory for the picture" test -e /dev/shm/looking-glass
check "QEMU reads the keyboard" \
	grep -q "$(readlink -f "$keyboard")" <(ls -l /proc/"$(pidof qemu-system-x86_64)"/fd)
check "the image is as large as was said" has_size /run/new.qcow2 3221225472
check "the raw one too" has_size /run/new.img 67108864
eventually "the guest has ended" has_ended all
cat /run/all.console
check "the guest reads the folder" said all "guest: share pictures from the host"
check "and writes to it" grep -q "from the guest" /run/pictures/answer
check "the guest has the stick" said all "guest: usb .* 46f4:0001"
check "and the mouse" said all "guest: usb .* 0627:0001"
check "and the memory" said all "guest: .* 1af4:1110 "
eventually "the stick is the host's again" is_usb_on "$fast-1" usb-storage
eventually "and the mouse" is_usb_on "$slow-4" usbhid

# What is there is not made anew, and what was made for nothing goes.
expect 1 "there already" "$PCIFERRY" vm create more "$LAB_EDU" "${small[@]}" \
	--disk new.qcow2,size=3G
expect 1 "there is a domain of that name" "$PCIFERRY" vm create all "$LAB_EDU" "${small[@]}" \
	--disk other.qcow2,size=3G
check "its disk is gone again" is_not_there /run/other.qcow2
expect 1 "qemu-img could not make it" "$PCIFERRY" vm create more "$LAB_EDU" "${small[@]}" \
	--disk first.qcow2,size=3G --disk large.qcow2,size=999999T
check "of two, neither is left" is_not_there /run/first.qcow2
check "nor the other" is_not_there /run/large.qcow2
finish
