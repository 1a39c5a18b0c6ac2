#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: what a guest that vm run starts plays is heard at the host's sound card
# lab-timeout: 300
# Real: QEMU with KVM and with its filter, ALSA with its mixer, the kernel's sound driver, and a
# Linux in the guest that plays. Not real: the card, which QEMU emulates; and there is no sound
# server (tests/golden/test_vm_run.py has the words for one).
# Functions are called by way of check.
# shellcheck disable=SC2317 source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

said() { grep -qF -- "$1" /run/said; }
has_said() { said "$1" || ! kill -0 "$run" 2>/dev/null; }
nobody_keeps() { ! pgrep -f "vm run" >/dev/null; }
is_heard() { [ "$(tr -d '\0' </run/home/heard | head -c 4096 | wc -c)" = 4096 ]; }
is_playing() { grep -q RUNNING /proc/asound/card0/pcm0p/sub0/status; }
is_silent() { grep -q closed /proc/asound/card0/pcm0p/sub0/status; }
plays_as()
{
	local owner
	owner=$(sed -n 's/^owner_pid *: //p' /proc/asound/card0/pcm0p/sub0/status)
	grep -qE "^Uid:.$1.$1.$1.$1" "/proc/$owner/status" &&
		readlink "/proc/$owner/exe" | grep qemu
}

mkdir -p /run/home
getent passwd ferry >/dev/null || echo "ferry:x:4242:65534::/run/home:/bin/false" >>/etc/passwd
chown 4242 /run/home
modprobe vfio-pci
chmod 666 /dev/kvm
eventually "the host has a sound card" test -c /dev/snd/controlC0
guest=("$LAB_NVME_FREE" --bios --memory 256M --name audio --user ferry --kernel
	"$LAB_KERNEL_QUICK" --initrd "$LAB_INITRD" --append
	"console=ttyS0 quiet panic=-1 mitigations=off no_timer_check play=yes hold=600")

# Before a device is touched.
expect 1 "controlC0: Permission denied" "$PCIFERRY" vm run "${guest[@]}" --audio
expect 1 "no sound server listens there" "$PCIFERRY" vm run "${guest[@]}" --audio=pa
expect 1 "no sound card stays with the host" "$PCIFERRY" vm run "$LAB_GPU" --bios --audio
check "no device was touched" is_on "$LAB_NVME_FREE" nvme

# His own settings count, which keep what is played. The first to play starts ALSA's mixer.
cat >/run/home/.asoundrc <<'END'
pcm.!default { type file; slave.pcm "sysdefault"; file "/run/home/heard"; format "raw" }
END
chown -R 4242 /dev/snd
check "nothing plays" is_silent
"$PCIFERRY" vm run "${guest[@]}" --audio >/run/said 2>&1 </dev/null &
run=$!
eventually "the guest has started, or told why not" has_said "guest: ready"
check "the guest has a card" said "guest: sound Intel"
eventually "what it plays is heard at the host" is_heard
check "the card plays" is_playing
check "for a QEMU of the user's" plays_as 4242
kill "$run"
wait "$run"
cat /run/said
check "the guest saw the disk as well" said "guest: text /dev/nvme0n1"
eventually "it is silent again" is_silent
eventually "nothing is left running" nobody_keeps
eventually "the device is the host's again" is_on "$LAB_NVME_FREE" nvme
