#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: a graphics card with the kernel's console and a display manager on it goes and comes back
# lab-timeout: 300
#
# Real: the card's DRM driver, the kernel's console on its framebuffer, the process that holds
# the card. Not real: systemctl, which a script stands for; with systemd itself it is in
# test_boot_service.py.

# Functions are called by way of check.
# shellcheck disable=SC2317 source=lab/host/lib.sh
. "$LAB_LIB"
# shellcheck source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

unit=ferry-display.service
cgroup=/sys/fs/cgroup/system.slice/$unit
driver=$(driver_of "$LAB_BOCHS")

# The console that is on a framebuffer.
for one in /sys/class/vtconsole/vtcon*; do
	grep -q "frame buffer" "$one/name" && console=${one##*/}
done
attached() { [ "$(cat "/sys/class/vtconsole/$console/bind" 2>/dev/null)" = 1 ]; }
check "the kernel's console is on a framebuffer" attached

# What stands for systemctl: a "display manager" that holds the card.
cat >/usr/bin/systemctl <<'END'
#!/bin/sh
echo "$*" >>/run/orders
[ ! -e /run/systemctl-fails ] || exit 1
case $1 in
start)
	mkdir -p CGROUP
	for card in /sys/bus/pci/devices/DEVICE/drm/card*; do
		node=/dev/dri/${card##*/}
		# Without any card it shows nothing, and runs all the same.
		[ -e /sys/bus/pci/devices/DEVICE ] || node=/dev/null
		[ -e "$node" ] || exit 1
		setsid sh -c 'exec 9<>"$0"; exec sleep 3000' "$node" </dev/null >/dev/null 2>&1 &
	done
	echo $! >CGROUP/cgroup.procs
	sleep 1
	;;
stop)
	# As a session ends: after the order is done.
	(sleep 2; kill $(cat CGROUP/cgroup.procs)) >/dev/null 2>&1 &
	[ -e /run/keeps-cgroup ] || { sleep 3; rmdir CGROUP; }
	;;
esac
END
sed -i "s|CGROUP|$cgroup|g; s|DEVICE|$LAB_BOCHS|g" /usr/bin/systemctl
chmod +x /usr/bin/systemctl
mkdir -p /etc/systemd/system /sys/fs/cgroup/system.slice
ln -sf /lib/systemd/system/$unit /etc/systemd/system/display-manager.service
running() { grep -q . "$cgroup/cgroup.procs" 2>/dev/null; }
systemctl start $unit
check "the display manager runs" running
rm /run/orders

as_before()
{
	attached && running && is_on "$LAB_BOCHS" "$driver" &&
		[ -z "$(find /run/pciferry -name "$LAB_BOCHS.*" ! -name '*.lock')" ]
}

# Without the word nothing of it is touched.
expect 3 "in use" "$PCIFERRY" bind "$LAB_BOCHS"
check "refused, all as before" as_before
expect 0 "$unit: stop it" "$PCIFERRY" bind "$LAB_BOCHS" --stop-display --dry-run
check "a dry run changes nothing" as_before

# With it.
expect 0 "without the service $unit until the release" "$PCIFERRY" bind "$LAB_BOCHS" --stop-display
check "bound" is_on "$LAB_BOCHS" vfio-pci
attached && fail "the console is on it still"
running && fail "the display manager still runs"
expect 0 "start it again" "$PCIFERRY" release "$LAB_BOCHS" --dry-run
expect 0 "$driver, was vfio-pci" "$PCIFERRY" release "$LAB_BOCHS"
check "released, all as before" as_before
[ "$(cat /run/orders)" = "stop $unit
start $unit" ] || fail "the orders were: $(cat /run/orders)"

# systemctl fails: nothing goes.
touch /run/systemctl-fails
expect 1 "systemctl status $unit" "$PCIFERRY" bind "$LAB_BOCHS" --stop-display
rm /run/systemctl-fails
attached || fail "the console is gone"
check "the card stays" is_on "$LAB_BOCHS" "$driver"

# Somebody else holds the card, too: the display manager comes back, and it is told who.
card=/dev/dri/$(lab_entry "$LAB_BOCHS" 'drm/card*')
sleep 3000 9<>"$card" &
holder=$!
expect 3 "process $holder (sleep) holds $card" "$PCIFERRY" bind "$LAB_BOCHS" --stop-display --timeout 8
check "given up, all as before" as_before
kill "$holder"

# The driver fails: all of it comes back.
expect 1 "" "$PCIFERRY" bind "$LAB_BOCHS" --stop-display --driver e1000
check "rolled back, all as before" as_before

# Unplugged for good: what was stopped for it begins again without it.
nothing_kept() { [ -z "$(find /run/pciferry -name "$LAB_BOCHS.*first")" ]; }
is_gone() { [ ! -e "/sys/bus/pci/devices/$LAB_BOCHS" ]; }
expect 0 "" "$PCIFERRY" bind "$LAB_BOCHS" --stop-display
echo 1 >"/sys/bus/pci/devices/$LAB_BOCHS/remove"
check "the card has gone" is_gone
running && fail "the display manager runs"
expect 0 "$unit: start it again" "$PCIFERRY" release "$LAB_BOCHS" --dry-run
touch /run/systemctl-fails
expect 1 "systemctl status $unit" "$PCIFERRY" release "$LAB_BOCHS"
rm /run/systemctl-fails
running && fail "the display manager runs by now"
expect 0 "$LAB_BOCHS: no longer there; begun again: $unit" "$PCIFERRY" release "$LAB_BOCHS"
check "the display manager runs again" running
check "nothing is kept of the card" nothing_kept
expect 1 "no such device" "$PCIFERRY" release "$LAB_BOCHS"
systemctl stop $unit
echo 1 >/sys/bus/pci/rescan
eventually "the card is back" is_on "$LAB_BOCHS" "$driver"
eventually "with its console" attached
systemctl start $unit

# Without anything that was stopped it is forgotten.
expect 0 "" "$PCIFERRY" bind "$LAB_NVME_FREE"
echo 1 >"/sys/bus/pci/devices/$LAB_NVME_FREE/remove"
expect 0 "no longer there; what was kept of it is forgotten" "$PCIFERRY" release "$LAB_NVME_FREE"
expect 1 "no such device" "$PCIFERRY" release "$LAB_NVME_FREE"

# Killed in between: release knows what to begin again.
for n in 2 6; do
	killed_at write "$n" "$PCIFERRY" bind "$LAB_BOCHS" --stop-display
	expect 0 "" "$PCIFERRY" release "$LAB_BOCHS"
	check "killed at write $n and released: all as before" as_before
	killed_at write "$n" "$PCIFERRY" bind "$LAB_BOCHS" --stop-display
	expect 0 "" "$PCIFERRY" bind "$LAB_BOCHS" --stop-display
	expect 0 "" "$PCIFERRY" release "$LAB_BOCHS"
	check "killed at write $n, bound and released: all as before" as_before
done
finish
