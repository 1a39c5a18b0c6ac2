#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: a guest that vm run starts, as a user, has devices of the host's USB, and they come back
# lab-machine: free-port
# lab-timeout: 400
# Real: QEMU with KVM and with its filter, the kernel's USB, and a Linux in the guest that reports
# what it has. Not real: what is plugged in, which QEMU emulates.
# Functions are called by way of check.
# shellcheck disable=SC2317 source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

runs_or_not() { runs || ! kill -0 "$run" 2>/dev/null; }
runs() { [ -n "$(pidof qemu-system-x86_64)" ] && said "starting the guest"; }
has_ended() { [ -z "$(pidof qemu-system-x86_64)" ]; }
nobody_keeps() { ! pgrep -f "vm run" >/dev/null; }
said() { grep -q -- "$1" /run/said; }
is_taken() { [ -e "/sys/bus/usb/devices/$1:1.0" ] && ! is_usb_on "$1" "$2"; }
is_plugged_out() { [ ! -e "/sys/bus/usb/devices/$1" ]; }
is_his() { grep -qE "^Uid:.4242.4242.4242.4242" "/proc/$(pidof qemu-system-x86_64)/status"; }
is_roots() { [ "$(stat -c %U "/dev/bus/usb/$(printf %03d/%03d "$1" "$(cat \
	"/sys/bus/usb/devices/$2/devnum")")")" = root ]; }

# begin OPTION...: in the background, as $run.
begin()
{
	echo "\$ vm run $*"
	"$PCIFERRY" vm run "$LAB_NVME_FREE" --bios --memory 256M --name usb --display none \
		--user ferry "$@" >/run/said 2>&1 </dev/null &
	run=$!
	eventually "the guest runs, or has told why not" runs_or_not
	check "it runs" runs
}

over()
{
	wait "$run"
	cat /run/said
	eventually "the guest has ended" has_ended
	eventually "nothing is left running" nobody_keeps
	eventually "the device is the host's again" is_on "$LAB_NVME_FREE" nvme
}

mkdir -p /run/home
getent passwd ferry >/dev/null || echo "ferry:x:4242:65534::/run/home:/bin/false" >>/etc/passwd
chown 4242 /run/home

modprobe vfio-pci
chmod 666 /dev/kvm
plug_usb

# What stays, and who may not.
echo "0 131072 linear $stick 0" | dmsetup create --noudevsync used
expect 3 "${stick##*/} claimed" "$PCIFERRY" vm run "$LAB_NVME_FREE" --bios --usb 46f4:0001
dmsetup remove --noudevsync used
expect 1 "port $slow-3" "$PCIFERRY" vm run "$LAB_NVME_FREE" --bios --usb 0627:0001
expect 1 "only root hands" setpriv --reuid 4242 --clear-groups "$PCIFERRY" vm run \
	"$LAB_NVME_FREE" --bios --usb 46f4:0001
check "no device was touched" is_on "$LAB_NVME_FREE" nvme

# A guest has them, as a user who may not open them.
begin --kernel "$LAB_KERNEL_QUICK" --initrd "$LAB_INITRD" --usb 46f4:0001 --usb "$slow-4" \
	--append "console=ttyS0 quiet panic=-1 mitigations=off no_timer_check usb=2 hold=20"
eventually "the stick is QEMU's" is_usb_on "$fast-1" usbfs
eventually "so is the mouse that was named" is_usb_on "$slow-4" usbfs
check "and not the other" is_usb_on "$slow-3" usbhid
check "QEMU is his" is_his
check "the stick's node is root's" is_roots "$fast" "$fast-1"
over
check "the guest has the stick" said "guest: usb .* 46f4:0001"
check "and the mouse" said "guest: usb .* 0627:0001"
eventually "the stick is the host's again" is_usb_on "$fast-1" usb-storage
eventually "and the mouse" is_usb_on "$slow-4" usbhid

# Whoever is killed.
begin --accel tcg --usb "$slow-4" --usb 46f4:0001
eventually "the mouse is taken" is_taken "$slow-4" usbhid
eventually "so is the stick" is_taken "$fast-1" usb-storage
kill -KILL "$(pidof qemu-system-x86_64)"
over
eventually "the mouse is the host's again" is_usb_on "$slow-4" usbhid
eventually "and the stick" is_usb_on "$fast-1" usb-storage
begin --accel tcg --usb "$slow-4"
eventually "the mouse is taken" is_taken "$slow-4" usbhid
kill -KILL "$run"
over
eventually "the mouse is the host's again" is_usb_on "$slow-4" usbhid

# Plugged out, it has left the guest, and is the host's when it comes again.
begin --accel tcg --usb "$slow-4"
eventually "the guest's firmware has the mouse" is_usb_on "$slow-4" usbfs
monitor device_del id=mouse
eventually "it is gone" is_plugged_out "$slow-4"
monitor device_add driver=usb-mouse bus=usb.0 port=4 id=mouse
eventually "it is there again, for the host" is_usb_on "$slow-4" usbhid
check "the guest runs on" runs
kill "$run"
over
check "it ended well" said "its devices are back"
check "the mouse is the host's" is_usb_on "$slow-4" usbhid

# By the script, which finds it by its port.
mkdir -p /run/bin
ln -s "$PCIFERRY" /run/bin/pciferry
"$PCIFERRY" vm run "$LAB_NVME_FREE" --bios --accel tcg --memory 128M --usb "$slow-4" --script \
	>/run/guest.sh
PATH="/run/bin:$PATH" sh /run/guest.sh >/run/said 2>&1 </dev/null &
run=$!
eventually "the script's guest has the mouse" is_taken "$slow-4" usbhid
kill "$(pidof qemu-system-x86_64)"
over
eventually "the mouse is the host's again" is_usb_on "$slow-4" usbhid
finish
