#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: the option ROM of a device is read as it is, and closed again whatever happens
# lab-machine: free-port
# lab-timeout: 900
#
# Real: the kernel's attribute, its states of power, its shadow copy, VFIO. Not real: the devices,
# whose ROMs are files that QEMU was given; they answer at once, and no two share a decoder.

# Functions are called by way of check.
# shellcheck disable=SC2317 source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

roms=/usr/lib/ipxe/qemu
device=/sys/bus/pci/devices/$LAB_NIC_PAIR0
rom() { "$PCIFERRY" rom "$@"; }

# The kernel does not let anybody read it, whom it has not been opened for.
is_closed() { ! dd if="/sys/bus/pci/devices/$1/rom" of=/dev/null count=1 2>/run/dd.log &&
	grep -q "Invalid argument" /run/dd.log; }
nothing_kept() { [ -z "$(find /run/pciferry -name '*.rom.first')" ]; }
is_as_first() { is_closed "$1" && nothing_kept; }
answers() { echo >/dev/udp/192.0.2.2/9 && ip neigh show 192.0.2.2 | grep -q lladdr; }
same() { cmp "$1" "$2"; }

# What QEMU was given comes out.
first_power=$(cat "$device/power/control")
expect 0 "UEFI guest   yes" rom "$LAB_NIC_PAIR0" -o /run/pair.rom
check "the dump is QEMU's file" same /run/pair.rom $roms/efi-e1000e.rom
check "closed again" is_as_first "$LAB_NIC_PAIR0"
expect 0 "those of the device" rom "$LAB_NIC_PAIR0"
expect 1 "it is there already" rom "$LAB_NIC_PAIR0" -o /run/pair.rom
expect 0 "249856 bytes written" rom "$LAB_NIC_PAIR0" -o /run/pair.rom --force
expect 0 '"source": "rom_bar"' rom "$LAB_NIC_PAIR0" --json
check "its power as first" test "$(cat "$device/power/control")" = "$first_power"

# In use by the host: only when asked.
expect 3 "it is in use" rom "$LAB_NIC_UP"
expect 0 "no, only a guest by BIOS" rom "$LAB_NIC_UP" --in-use -o /run/up.rom
check "the dump is the file of its command line" same /run/up.rom $roms/pxe-e1000e.rom
check "closed again, the network's too" is_as_first "$LAB_NIC_UP"
ip neigh flush all
eventually "the network works" answers

# Somebody else has it open: it stays so.
echo 1 >"$device/rom"
expect 0 "UEFI guest   yes" rom "$LAB_NIC_PAIR0"
check "it is open still" test "$(head -c 2 "$device/rom" | od -An -tx1)" = " 55 aa"
echo 0 >"$device/rom"
check "nothing is kept" nothing_kept

# No ROM of its own.
expect 1 "it has no ROM of its own" rom "$LAB_EDU"

# The copy that the BIOS has left of the display that it began with.
expect 0 "0xc0000" rom "$LAB_GPU" -o /run/shadow.rom
check "the shadow begins as an image" \
	test "$(head -c 2 /run/shadow.rom | od -An -tx1)" = " 55 aa"
expect 1 "no such table" rom "$LAB_GPU" --vfct

# Asleep, as all that idles on vfio-pci.
"$PCIFERRY" bind "$LAB_NIC_PAIR0" >/dev/null
sleeps() { [ "$(cat "$device/power_state")" = D3hot ]; }
eventually "it sleeps" sleeps
expect 1 "sleeps (D3hot)" rom "$LAB_NIC_PAIR0"
check "not even opened" is_as_first "$LAB_NIC_PAIR0"
expect 0 "UEFI guest   yes" rom "$LAB_NIC_PAIR0" --wake -o /run/woken.rom
check "the dump of the woken one" same /run/woken.rom $roms/efi-e1000e.rom
eventually "it sleeps again" sleeps
check "it may sleep, as before" test "$(cat "$device/power/control")" = auto
check "closed again, asleep" is_as_first "$LAB_NIC_PAIR0"

# A process, which may be a guest, has the group: never.
exec 9<>"/dev/vfio/$(basename "$(readlink "$device/iommu_group")")"
expect 3 "is held by process" rom "$LAB_NIC_PAIR0" --wake --in-use
exec 9>&-
check "not opened for it" is_as_first "$LAB_NIC_PAIR0"

# Killed wherever it does anything: whatever changes the host next closes it.
killed=0
kill_everywhere()
{
	local call=$1 n status
	shift
	for ((n = 1; n < 40; n++)); do
		killed_at "$call" "$n" "$PCIFERRY" rom "$LAB_NIC_PAIR0" --wake
		status=$?
		[ "$status" = 137 ] || break
		killed=$((killed + 1))
		"$@" >/run/next.log 2>&1
		if ! is_as_first "$LAB_NIC_PAIR0" || [ "$(cat "$device/power/control")" != auto ]; then
			cat /run/next.log
			fail "killed at $call $n: not closed by $*"
		fi
	done
	[ "$status" = 0 ] || fail "status $status at $call $n"
	echo "killed at $call up to $((n - 1))"
}
kill_everywhere clone "$PCIFERRY" rom "$LAB_NIC_UP" --in-use
kill_everywhere poll "$PCIFERRY" undo
kill_everywhere wait4 "$PCIFERRY" vf "$LAB_NVME_SRIOV" 0
kill_everywhere renameat "$PCIFERRY" rom "$LAB_NIC_PAIR0" --wake
kill_everywhere unlinkat "$PCIFERRY" undo
echo "killed at $killed points"
check "it was killed at more than 8 points" test "$killed" -gt 8

# Its child alone, at each write and at the first reads: it closes what that left open, and where
# the child that closes dies as well, what changes the host next does.
kill_child()
{
	local call=$1 n status attribute
	local -a paths=()
	shift
	for attribute; do paths+=(-P "$(readlink -f "$device")/$attribute"); done
	for ((n = 1; n < 6; n++)); do
		strace -f -o /run/child "${paths[@]}" -e "trace=$call" \
			-e "inject=$call:signal=SIGKILL:when=$n" \
			"$PCIFERRY" rom "$LAB_NIC_PAIR0" --wake >/dev/null 2>/run/killed.log
		status=$?
		[ "$status" != 0 ] || break
		children=$((children + 1))
		echo "$call $n: status $status, $(head -1 /run/killed.log)"
		[ "$status" = 1 ] || fail "status $status at $call $n: not its child was killed"
		[ "$call" = write ] || is_as_first "$LAB_NIC_PAIR0" ||
			fail "its child killed at $call $n: it did not close the ROM"
		"$PCIFERRY" undo >/run/next.log 2>&1
		if ! is_as_first "$LAB_NIC_PAIR0" || [ "$(cat "$device/power/control")" != auto ]; then
			cat /run/next.log /run/child
			fail "its child killed at $call $n: not closed"
		fi
	done
}
children=0
kill_child write rom power/control
kill_child read rom
check "its child was killed at more than 4 points" test "$children" -gt 4

# Killed, and its child with it, in the middle of the read.
stopped() { grep -qs SIGSTOP /run/trace; }
kill_both()
{
	local pid
	strace -f -o /run/trace -P "$(readlink -f "$device")/rom" -e trace=read \
		-e inject=read:signal=SIGSTOP:when=3 "$PCIFERRY" rom "$LAB_NIC_PAIR0" --wake &
	tracer=$!
	eventually "it reads" stopped
	for pid in $(pgrep -f "^$PCIFERRY rom"); do kill -9 "$pid"; done
	wait "$tracer"
	cat /run/trace
}
kill_both
check "killed in the middle of the read, it is open" \
	test "$(head -c 2 "$device/rom" | od -An -tx1)" = " 55 aa"
check "and what it was first is kept" test -e "/run/pciferry/$LAB_NIC_PAIR0.rom.first"
cat "/run/pciferry/$LAB_NIC_PAIR0.rom.first"
expect 1 "nothing to undo" "$PCIFERRY" undo
check "undo closes it" is_as_first "$LAB_NIC_PAIR0"
eventually "and lets it sleep again" sleeps

"$PCIFERRY" release "$LAB_NIC_PAIR0" >/dev/null
check "back" is_on "$LAB_NIC_PAIR0" e1000e

# ROMs that are wrong: of another device, without a PCIR, none.
plugged() { wrong=$(basename "$(echo "/sys/bus/pci/devices/0000:00:0c.0/"0000:*)") && [ -e "/sys/bus/pci/devices/$wrong" ]; }
gone() { ! plugged; }
plug()
{
	# The one before goes from QEMU somewhat later than from the kernel.
	eventually "QEMU has room for it" monitor_does device_add driver=e1000e id=wrong \
		bus=at-0c_0 romfile="$1"
	eventually "it is plugged in" plugged
}
unplug()
{
	monitor device_del id=wrong
	eventually "it is unplugged" gone
}
plug /usr/share/seabios/vgabios-ati.bin
expect 0 "Fatal" rom "$wrong"
expect 0 "the device is 8086:10d3" rom "$wrong"
unplug
plug /usr/share/qemu/kvmvapic.bin
expect 1 "the kernel finds no ROM there" rom "$wrong"
check "closed all the same" is_as_first "$wrong"
dmesg | grep "PCI ROM" | tail -3
finish
