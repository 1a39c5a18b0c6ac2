#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: settings of a device for its guest, with a way back, and at each boot
# lab-timeout: 300
#
# The reset methods and the runtime power management are the kernel's own, on devices that
# QEMU makes. None of those has Resizable BARs: of them only the refusal is shown here.

# Functions are called by way of check.
# shellcheck disable=SC2317 source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

device=/sys/bus/pci/devices/$LAB_NVME_FREE
first_methods=$(cat "$device/reset_method")
first_cold=$(cat "$device/d3cold_allowed")
first_power=$(cat "$device/power/control")
echo "first: $first_methods, d3cold_allowed $first_cold, power $first_power"

# reads ATTRIBUTE VALUE
reads() { [ "$(cat "$device/$1")" = "$2" ] || { cat "$device/$1"; return 1; }; }

as_first()
{
	reads reset_method "$first_methods" && reads d3cold_allowed "$first_cold" &&
		reads power/control "$first_power" && is_on "$LAB_NVME_FREE" nvme &&
		[ -z "$(find /run/pciferry -name "$LAB_NVME_FREE.*" ! -name '*.lock')" ]
}

[[ $first_methods == "flr bus" ]] || fail "the disk can be reset in other ways here"

# What makes no sense is told before anything is touched.
expect 2 "no setting of a device" "$PCIFERRY" bind "$LAB_NVME_FREE" --set colour=red
expect 2 "reset_method can be" "$PCIFERRY" bind "$LAB_NVME_FREE" --set reset_method=hard
expect 2 "is set twice" "$PCIFERRY" bind "$LAB_NVME_FREE" --set d3cold_allowed=0 \
	--set d3cold_allowed=1
expect 1 "no resource0_resize" "$PCIFERRY" bind "$LAB_NVME_FREE" --set bar0=256M
check "nothing was touched" as_first

# The kernel refuses a method that the device has not: all goes back.
expect 1 "reset_method=pm: Invalid argument" "$PCIFERRY" bind "$LAB_NVME_FREE" --set reset_method=pm
check "a setting that is refused: all as before" as_first

# With the driver, and back with it.
expect 0 "reset_method=bus" "$PCIFERRY" bind "$LAB_NVME_FREE" --set reset_method=bus \
	--set d3cold_allowed=0 --set power_control=on
check "bound" is_on "$LAB_NVME_FREE" vfio-pci
check "reset by the bus" reads reset_method bus
check "never without power" reads d3cold_allowed 0
check "awake on vfio-pci" reads power/control on
check "awake, and the kernel says so" reads power/runtime_status active
expect 0 "already" "$PCIFERRY" bind "$LAB_NVME_FREE" --set reset_method=bus

# Changed once more: release finds the way back to the first.
expect 0 "reset_method=flr" "$PCIFERRY" bind "$LAB_NVME_FREE" --set reset_method=flr
expect 0 "nvme, was vfio-pci" "$PCIFERRY" release "$LAB_NVME_FREE"
check "all as it was first" as_first

# Killed at any write: release still knows.
for n in 1 2 3 4 5 6; do
	killed_at write "$n" "$PCIFERRY" bind "$LAB_NVME_FREE" --set reset_method=bus \
		--set power_control=on
	"$PCIFERRY" release "$LAB_NVME_FREE" >/dev/null || fail "release after a kill at $n"
	check "killed at write $n, released: all as it was first" as_first
done

# On a device that is bound already, by somebody else: its driver stays.
"$PCIFERRY" bind "$LAB_NVME_FREE" >/dev/null
rm "/run/pciferry/$LAB_NVME_FREE.first"
expect 0 "power_control=on, was power_control=auto" \
	"$PCIFERRY" bind "$LAB_NVME_FREE" --set power_control=on
expect 0 "" "$PCIFERRY" release "$LAB_NVME_FREE"
check "back on the kernel's choice" is_on "$LAB_NVME_FREE" nvme

# At each boot: only of what the tab gives away, and the service's command does it.
expect 1 "first pciferry apply" "$PCIFERRY" bind "$LAB_NVME_FREE" --set reset_method=bus --persist
identity=$(identity_of "$LAB_NVME_FREE")
echo "device $LAB_NVME_FREE $identity vfio-pci" >/etc/pciferry.tab
expect 0 "set $LAB_NVME_FREE $identity reset_method=bus" \
	"$PCIFERRY" bind "$LAB_NVME_FREE" --set reset_method=bus --persist --dry-run
expect 0 "At each boot as well" "$PCIFERRY" bind "$LAB_NVME_FREE" --set reset_method=bus --persist
expect 0 "says so already" "$PCIFERRY" bind "$LAB_NVME_FREE" --set reset_method=bus --persist
expect 0 "At each boot" "$PCIFERRY" bind "$LAB_NVME_FREE" --set power_control=on --persist
grep -q "^set $LAB_NVME_FREE $identity reset_method=bus power_control=on$" /etc/pciferry.tab ||
	fail "the tab: $(cat /etc/pciferry.tab)"
expect 0 "vfio-pci  reset_method=bus power_control=on" "$PCIFERRY" verify
"$PCIFERRY" release "$LAB_NVME_FREE" >/dev/null
check "as first" as_first
expect 1 "nvme, not vfio-pci" "$PCIFERRY" verify
expect 0 "reset_method=bus" "$PCIFERRY" bind --tab
expect 0 "" "$PCIFERRY" verify
echo "flr" >"$device/reset_method"
expect 1 "bind --tab does it" "$PCIFERRY" verify
expect 0 "" "$PCIFERRY" bind --tab
check "set again, the driver stays" reads reset_method bus
expect 0 "" "$PCIFERRY" verify
expect 0 "" "$PCIFERRY" undo
expect 0 "" "$PCIFERRY" undo
[ "$(cat /etc/pciferry.tab)" = "device $LAB_NVME_FREE $identity vfio-pci" ] ||
	fail "undone, the tab is $(cat /etc/pciferry.tab)"
"$PCIFERRY" release "$LAB_NVME_FREE" >/dev/null

# Two devices of one group, each with a line of its own; and one of another device's.
for one in "$LAB_NIC_PAIR0" "$LAB_NIC_PAIR1"; do
	echo "device $one $(identity_of "$one") vfio-pci"
	echo "set $one $(identity_of "$one") power_control=on"
done >/etc/pciferry.tab
expect 0 "$LAB_NIC_PAIR1: vfio-pci" "$PCIFERRY" bind --tab
expect 0 "$LAB_NIC_PAIR1  vfio-pci  power_control=on" "$PCIFERRY" verify
"$PCIFERRY" release "$LAB_NIC_PAIR0" >/dev/null
sed -i "s|^set $LAB_NIC_PAIR1 8086:10d3|set $LAB_NIC_PAIR1 8086:10d4|" /etc/pciferry.tab
expect 1 "its set line" "$PCIFERRY" bind --tab
expect 1 "its set line: another device is there" "$PCIFERRY" verify
[ "$(cat "/sys/bus/pci/devices/$LAB_NIC_PAIR0/power/control")" = on ] ||
	fail "what is right in the tab is not set"
[ "$(cat "/sys/bus/pci/devices/$LAB_NIC_PAIR1/power/control")" = auto ] ||
	fail "another device's settings are set"
finish
