#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: guests of libvirt's have slices, which are made when they start and go when they end
# lab-timeout: 400
# lab-modules: mtty mdpy
#
# Real: libvirtd, its hook, the kernel's mediated devices and VFIO, and a QEMU that has them.
# Not real: the parents are no hardware; the guest has no system, and waits in its firmware.
# Functions are called by way of check.
# shellcheck disable=SC2317 source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

serial=6a1b2c3d-1111-4222-8333-000000000001
display=6a1b2c3d-1111-4222-8333-000000000002
other=6a1b2c3d-1111-4222-8333-000000000003
bus=/sys/bus/mdev/devices
ask="<metadata><pciferry:hand-over xmlns:pciferry='urn:pciferry:domain:1'/></metadata>"
is_there() { [ -e "$bus/$1" ]; }
is_gone() { [ ! -e "$bus/$1" ]; }
is_noted() { grep -qx "guest $2" "/run/pciferry/$1.first"; }
nothing_noted() { [ -z "$(ls /run/pciferry/*.first 2>/dev/null)" ]; }
slice()
{
	echo "<hostdev mode='subsystem' type='mdev' model='vfio-pci' ${2-}><source>" \
		"<address uuid='$1'/></source></hostdev>"
}

# define_guest()'s, with nothing on its screen but what a slice shows.
screen="<video><model type='none'/></video><graphics type='vnc'/>"
# What the guest's firmware has found on its buses.
sees() { virsh qemu-monitor-command --hmp "$1" "info pci" | grep -q "PCI device $2"; }

modprobe -a vfio mdev vfio-pci
insmod "$LAB_MODULES/mtty.ko" || exit 1
insmod "$LAB_MODULES/mdpy.ko" || exit 1
expect 0 "libvirt calls pciferry" "$PCIFERRY" vm hook install
check "libvirt has come up" start_libvirt

expect 0 "Defined for later" "$PCIFERRY" mdev create mtty mtty-2 $serial --persist=manual
expect 0 "Defined for later" "$PCIFERRY" mdev create mdpy mdpy-vga $display --persist=manual
expect 0 "defined still" "$PCIFERRY" mdev remove $serial
expect 0 "defined still" "$PCIFERRY" mdev remove $display

# Made as it starts, seen by the guest, gone as it ends.
define_guest web "$ask" "$screen" "$(slice $serial)" "$(slice $display "display='on'")"
expect 0 "started" virsh start web
check "the serial card is there" is_there $serial
check "the display is there" is_there $display
check "for whom is noted" is_noted $display web
eventually "the guest sees the serial card" sees web 4348:3253
check "the guest sees the display" sees web 1b36:000f
expect 0 "guest web" "$PCIFERRY" mdev list
expect 3 "guest web" "$PCIFERRY" mdev remove $serial
expect 0 "destroyed" virsh destroy web
check "the serial card has gone" is_gone $serial
check "the display has gone" is_gone $display
check "nothing is noted any more" nothing_noted

# As pciferry defines it: the display is the guest's screen, which firmware draws to by ramfb.
check "defined as pciferry does it" "$PCIFERRY" vm create made --mdev "$display,display" \
	--mdev $serial --hand-over --tcg --bios --memory 128M --start
check "made for it" is_noted $serial made
eventually "it sees the serial card" sees made 4348:3253
check "it sees the display, and no other" sees made 1b36:000f
# mdpy_reset() fills it with grey that grows lighter from row to row.
shown()
{
	virsh -q qemu-monitor-command --hmp made "screendump /run/shown.ppm" >/dev/null
	[ "$(head -n 2 /run/shown.ppm | tail -n 1)" = "640 480" ] &&
		[ "$(tail -c 3 /run/shown.ppm | od -An -tx1)" = " fe fe fe" ]
}
eventually "its picture is the screen" shown
expect 0 "destroyed" virsh destroy made
check "gone with it" is_gone $serial

# What was there before stays, and so does what another guest has.
expect 0 "a slice of mtty" "$PCIFERRY" mdev create mtty mtty-2 $serial
expect 0 "started" virsh start web
define_guest second "$ask" "$screen" "$(slice $serial)"
expect 1 "in use" virsh start second
check "the first one's is there still" is_there $display
expect 0 "destroyed" virsh destroy web
check "a person's stays" is_there $serial
check "the guest's goes" is_gone $display
expect 0 "removed from" "$PCIFERRY" mdev remove $serial

# It does not start without; what was made for it before goes again.
define_guest web "$ask" "$screen" "$(slice $serial)" "$(slice $other)"
expect 1 "none is defined" virsh start web
check "the first of two has gone again" is_gone $serial
check "nothing is noted of it" nothing_noted
head -c 20 "/etc/mdevctl.d/mtty/$serial" >"/etc/mdevctl.d/mtty/$other"
expect 1 "half written" virsh start web
rm "/etc/mdevctl.d/mtty/$other"

# One that does not ask is none of pciferry's business.
define_guest web "" "$screen" "$(slice $serial)"
expect 1 "not found" virsh start web
check "nothing was made for it" is_gone $serial

mkdir -m 777 /run/guest
# By QEMU alone: made for it, its user's, and gone as it ends, however that is.
begin()
{
	rm -f /run/guest/qmp
	"$PCIFERRY" vm run --mdev "$display,display" --mdev $serial --accel tcg --bios \
		--memory 128M --monitor /run/guest/qmp --display none "$@" </dev/null &
	run=$!
	eventually "the guest runs" test -S /run/guest/qmp
	qemu=$(pidof qemu-system-x86_64)
	eventually "it has both" has_both
}
has_both() { [ "$(find "/proc/$qemu/fd" -lname "/dev/vfio/[0-9]*" | wc -l)" = 2 ]; }
ended() { wait "$run" && is_gone "$serial" && is_gone "$display" && nothing_noted; }
begin
kill -TERM "$run"
check "what was made for it is gone" ended
begin --user nobody
check "the guest is nobody's" grep -qE "^Uid:.65534" "/proc/$qemu/status"
kill -TERM "$run"
check "nobody's slices are gone" ended
begin
kill -KILL "$run"
gone_both() { is_gone "$serial" && is_gone "$display"; }
eventually "pciferry is killed: they go all the same" gone_both
eventually "and nothing is noted" nothing_noted
wait "$run"
expect 0 "a slice of mtty" "$PCIFERRY" mdev create mtty mtty-2 $serial
begin
kill "$qemu"
wait "$run"
check "a person's stays" is_there $serial
check "the other one goes" is_gone $display
expect 0 "removed from" "$PCIFERRY" mdev remove $serial
expect 1 "a shell does not make it" "$PCIFERRY" vm run --mdev $serial --script

# The hook is killed at its system calls: the next start, or the end, puts it right.
sed "s,</devices>,$(slice $display)&," /tmp/second.xml >/tmp/killed.xml
begin="exec $PCIFERRY vm hook run -- second prepare begin - </tmp/killed.xml"
for call in write renameat unlinkat; do
	for ((n = 1; ; n++)); do
		killed_at "$call" "$n" sh -c "$begin"
		[ $? = 137 ] || break
		sh -c "$begin" ||
			fail "killed at $call $n: cannot be started any more"
		"$PCIFERRY" vm hook run -- second release end - </dev/null ||
			fail "killed at $call $n: its end fails"
		[ -z "$(ls $bus)" ] || fail "killed at $call $n: there is left $(ls $bus)"
	done
	"$PCIFERRY" vm hook run -- second release end - </dev/null || fail "its end fails"
	check "killed at $((n - 1)) calls of $call" test "$n" -gt 1
done
finish
