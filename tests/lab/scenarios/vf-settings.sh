#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: settings of virtual functions: made, set, bound; refused, ignored, taken back; kept
# lab-timeout: 600
# lab-modules: ferrynic
#
# Real: the kernel's virtual functions and rtnetlink, vfio-pci, ip-link(8) as the oracle. Not
# real: the card. Its driver is the lab's own (lab/host/modules/ferrynic), which keeps what is
# set in memory; no packet goes anywhere.
# Functions are called by way of check.
# shellcheck disable=SC2317 source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

card=$LAB_NVME_SRIOV
pf=/sys/bus/pci/devices/$card
knobs=/sys/module/ferrynic/parameters
count() { find "$pf/" -maxdepth 1 -name 'virtfn*' | wc -l; }
has() { [ "$(count)" = "$1" ]; }
probes() { [ "$(cat "$pf/sriov_drivers_autoprobe")" = "$1" ]; }
vf() { basename "$(readlink "$pf/virtfn$1")"; }
all_on() { for i in 0 1 2 3; do is_on "$(vf "$i")" "$1" || return 1; done; }
# What iproute2 says of one, in its words.
told() { ip link show "$nic" | sed -n "s/^ *vf $1 *//p"; }
says() { [[ "$(told "$1")" == *"$2"* ]]; }
knob() { echo "$2" >"$knobs/$1"; }
none_kept() { ! ls /run/pciferry/*.first 2>/dev/null; }

# A disk's driver has no interface, and nothing is made.
expect 1 "it has no network interface" "$PCIFERRY" vf "$card" 2 --set vf0.trust=on
check "none were made for it" has 0

insmod "$LAB_MODULES/ferrynic.ko" || exit 1
echo ferrynic >"$pf/driver_override"
echo "$card" >"$pf/driver/unbind"
echo "$card" >/sys/bus/pci/drivers_probe
udevadm settle
nic=$(ls "$pf/net")
check "the card has an interface" test -n "$nic"

# What cannot be is told before anything is made.
for bad in vf0.mac=01:00:5e:00:00:01 vf0.mac=00:00:00:00:00:00 vf4.trust=on vf0.vlan=4095 \
	'vf*.mac=52:54:00:00:00:01' vf0.speed=10; do
	expect 2 "" "$PCIFERRY" vf "$card" 4 --set "$bad"
done
expect 2 "the same is set twice" "$PCIFERRY" vf "$card" 4 --set vf1.vlan=5 --set 'vf*.vlan=6'
check "none were made" has 0

# Made, set, then bound: the last message to the interface is before the first bind.
settings=(--set vf0.mac=52:54:00:aa:00:01 --set vf1.mac=52:54:00:aa:00:02 --set vf1.vlan=100:3
	--set 'vf*.spoofchk=off' --set vf2.trust=on)
expect 0 "set vf1 through $nic: vlan 100 qos 3" \
	"$PCIFERRY" vf "$card" 4 --driver vfio-pci "${settings[@]}" --dry-run
check "a dry run makes none" has 0
{
	strace -f -y -s 64 -e trace=sendto,write -o /run/calls \
		"$PCIFERRY" vf "$card" 4 --driver vfio-pci "${settings[@]}" >/run/vf.log 2>&1
}
status=$?
cat /run/vf.log
check "it was done" test "$status" = 0
check "there are four" has 4
check "all are on vfio-pci" all_on vfio-pci
set_last=$(grep -n 'RTM_SETLINK\|nlmsg_type=0x13\|type=RTM_SETLINK' /run/calls | tail -n 1 | cut -d: -f1)
bound_first=$(grep -n 'drivers/vfio-pci/bind' /run/calls | head -n 1 | cut -d: -f1)
made=$(grep -n 'sriov_numvfs' /run/calls | head -n 1 | cut -d: -f1)
echo "made at $made, last set at $set_last, first bound at $bound_first"
check "made, then set, then bound" \
	test "$made" -lt "$set_last" -a "$set_last" -lt "$bound_first"
check "drivers may take new ones, as before" probes 1
check "vf0: its address" says 0 "link/ether 52:54:00:aa:00:01"
check "vf0: not trusted, as ever" says 0 "trust off"
check "vf1: its address" says 1 "link/ether 52:54:00:aa:00:02"
check "vf1: its VLAN and priority" says 1 "vlan 100, qos 3"
check "vf2: trusted" says 2 "trust on"
check "vf3: what is set of all" says 3 "spoof checking off"
check "vf3: no VLAN" sh -c "! ip link show $nic | grep 'vf 3' | grep -q vlan"
expect 0 "mac 52:54:00:aa:00:02 vlan 100 qos 3 trust off spoofchk off" "$PCIFERRY" vf "$card"
expect 0 '"spoof_check": false' "$PCIFERRY" vf "$card" --json

# A recording tells the same, but for the address itself.
"$PCIFERRY" record /run/host.tar.zst >/dev/null 2>&1
expect 0 "vlan 100 qos 3 trust off spoofchk off" "$PCIFERRY" vf "$card" --host /run/host.tar.zst
check "the address is taken out of it" \
	sh -c "! '$PCIFERRY' vf '$card' --host /run/host.tar.zst | grep -q 52:54:00:aa"

# Without a number those that are there are set, and stay where they are.
expect 0 "4 of 4 virtual functions" "$PCIFERRY" vf "$card" --set vf1.vlan=0 --set vf3.trust=on
check "vf1: no VLAN any more" sh -c "! ip link show $nic | grep 'vf 1' | grep -q vlan"
check "vf3: trusted" says 3 "trust on"
check "vf0 is as it was" says 0 "link/ether 52:54:00:aa:00:01"
check "all are on vfio-pci still" all_on vfio-pci

# What a guest holds stays, unless nothing would change.
group=$(basename "$(readlink "/sys/bus/pci/devices/$(vf 2)/iommu_group")")
sleep 600 9<>"/dev/vfio/$group" &
holder=$!
expect 3 "virtual function 2 is in use and would be set otherwise" \
	"$PCIFERRY" vf "$card" --set vf0.trust=on --set vf2.vlan=7
check "nor was another one set" says 0 "trust off"
expect 0 "4 of 4" "$PCIFERRY" vf "$card" --set vf2.trust=on --set vf1.trust=on
expect 0 "and they are set so" "$PCIFERRY" vf "$card" --set vf2.trust=on --dry-run
expect 3 "virtual function 2 is in use and would go" "$PCIFERRY" vf "$card" 2 --set vf0.vlan=3
kill "$holder"
wait "$holder"

# A setting that is refused half-way: those before it are taken back.
before=$(ip link show "$nic")
knob refused trust
expect 1 "set vf1 through $nic: trust off: Operation not permitted" \
	"$PCIFERRY" vf "$card" --set vf0.vlan=9 --set vf1.trust=off
check "all is set as it was" test "$before" = "$(ip link show "$nic")"
knob refused trust
expect 1 "set vf1 through $nic: trust on" "$PCIFERRY" vf "$card" 2 --driver vfio-pci \
	--set vf0.mac=52:54:00:aa:00:09 --set 'vf*.trust=on'
check "there are four, as before" has 4
check "they are set as before" test "$before" = "$(ip link show "$nic")"
check "drivers may take new ones, as ever" probes 1
check "no setting of it is left to be refused" test -z "$(cat "$knobs/refused")"
# Nor does the driver take one of them back: the others are, and it is told.
knob unsupported mac
expect 1 "not all is set as it was before: set vf0 through $nic: mac 52:54:00:aa:00:01" \
	"$PCIFERRY" vf "$card" 2 --set vf0.mac=52:54:00:aa:00:09
knob unsupported none
check "there are four, again" has 4
check "vf3: what is set of all, again" says 3 "spoof checking off"
check "vf3: trusted, again" says 3 "trust on"
check "drivers may take new ones, even so" probes 1
check "nothing is kept of that" none_kept
expect 0 "4 of 4" "$PCIFERRY" vf "$card" 4 --driver vfio-pci
check "all are on vfio-pci again" all_on vfio-pci

# One that the driver does not have, takes and forgets, or does not take while it is down.
knob unsupported spoofchk
expect 1 "Operation not supported" "$PCIFERRY" vf "$card" --set vf0.spoofchk=on
expect 1 "its driver does not have this setting" "$PCIFERRY" vf "$card" --set vf0.spoofchk=on
knob unsupported none
knob ignored vlan
expect 1 "the driver took it, but it is now vlan 0" "$PCIFERRY" vf "$card" --set vf3.vlan=12
knob ignored none
# What a driver does not tell is not known, and is not shown as off.
knob unsupported trust
check "vf3: no trust is told" sh -c "! '$PCIFERRY' vf '$card' | grep -q trust"
expect 0 '"trust": null' "$PCIFERRY" vf "$card" --json
knob unsupported none
knob needs_up 1
expect 1 "$nic is down, and many drivers set nothing then" "$PCIFERRY" vf "$card" \
	--set vf3.vlan=12
ip link set "$nic" up
expect 0 "vlan 12" "$PCIFERRY" vf "$card" --set vf3.vlan=12
check "vf3: its VLAN" says 3 "vlan 12"
ip link set "$nic" down
knob needs_up 0

# A driver that hangs keeps the network's lock (rtnl_lock()), and the kernel tells nothing of
# any link: not known, in time, and no other device has to wait for it.
ip link set "$nic" up
knob hangs trust
ip link set "$nic" vf 0 trust on &
setter=$!
# As by now has whoever asks: it is killable in no way.
sleep 1
began=$SECONDS
expect 0 "what is set of its virtual functions could not be read" "$PCIFERRY" vf "$card"
expect 1 "could not be read: nothing was changed" "$PCIFERRY" vf "$card" --set vf3.vlan=13
expect 0 "whether it has an address is not known" "$PCIFERRY" show "$card"
# Nobody asks the network for a disk: each that did would wait for three seconds.
disk_began=$SECONDS
expect 0 "vfio-pci" "$PCIFERRY" bind "$LAB_NVME_FREE"
expect 0 "nvme, was vfio-pci" "$PCIFERRY" release "$LAB_NVME_FREE"
check "the disk did not wait for it" test $((SECONDS - disk_began)) -lt 6
check "it took a minute at most" test $((SECONDS - began)) -lt 60
check "it hangs still" kill -0 "$setter"
knob hangs none
wait "$setter"
expect 0 "vlan 12" "$PCIFERRY" vf "$card"
check "vf3: its VLAN, as it was" says 3 "vlan 12"
ip link set "$nic" down

# None was there before: none is left, and no driver has seen one.
expect 0 "0 of 4" "$PCIFERRY" vf "$card" 0
knob refused mac
dmesg --clear
expect 1 "set vf1 through $nic: mac" "$PCIFERRY" vf "$card" 2 --set vf1.mac=52:54:00:aa:00:02
check "there are none, as before" has 0
check "no driver has seen one" sh -c "! dmesg | grep -q 'nvme'"
check "drivers may take new ones, still" probes 1
check "nothing is kept of it" none_kept

# Without a driver for guests the kernel's has them, once they are set.
dmesg --clear
expect 0 "trust on" "$PCIFERRY" vf "$card" 1 --set vf0.trust=on
check "the host's driver has been asked, then" sh -c "dmesg | grep -q 'nvme.*$(vf 0)'"
check "drivers may take new ones, after that" probes 1
check "nothing is kept, after that" none_kept
expect 0 "0 of 4" "$PCIFERRY" vf "$card" 0

# Killed at its steps, it leaves nothing that the next run does not put right.
killed=0
for ((n = 1; n < 60; n++)); do
	killed_at clone "$n" "$PCIFERRY" vf "$card" 2 --driver vfio-pci --set vf1.vlan=5 \
		--set vf0.mac=52:54:00:aa:00:01
	status=$?
	"$PCIFERRY" vf "$card" 0 >/run/vf.log 2>&1 || cat /run/vf.log
	if ! has 0 || ! probes 1 || ! none_kept; then
		cat /run/vf.log
		fail "killed at clone $n"
	fi
	[ "$status" != 0 ] || break
	killed=$((killed + 1))
done
echo "killed at $killed points"
check "it was killed at more than 5 points" test "$killed" -gt 5

# At each boot as well. Settings of the device itself in the same line stay.
expect 0 "At each boot as well: change 1" "$PCIFERRY" vf "$card" 3 --driver vfio-pci \
	--set vf0.mac=52:54:00:aa:00:01 --set 'vf*.vlan=20' --persist
cat /etc/pciferry.tab
check "the tab has them" grep -q \
	"^set $card .* vf0.mac=52:54:00:aa:00:01 vf0.vlan=20 vf1.vlan=20 vf2.vlan=20\$" \
	/etc/pciferry.tab
sed -i "s/^set .*@[^ ]* /&reset_method=flr /" /etc/pciferry.tab
expect 0 "3 virtual functions" "$PCIFERRY" verify
ip link set "$nic" vf 1 vlan 21
expect 1 "virtual function 1 has vlan 21, not vlan 20" "$PCIFERRY" verify
expect 0 "3 virtual functions, had 3" "$PCIFERRY" bind --tab
check "vf1: its VLAN again" says 1 "vlan 20"
# As after a boot.
echo 0 >"$pf/sriov_numvfs"
expect 1 "0 virtual functions, of 3" "$PCIFERRY" verify
expect 0 "set vf2 through $nic: vlan 20" "$PCIFERRY" bind --tab --dry-run
expect 0 "3 virtual functions, had 0, each on vfio-pci" "$PCIFERRY" bind --tab
expect 0 "" "$PCIFERRY" verify
check "vf0: its address, after that" says 0 "52:54:00:aa:00:01"
check "vf2: its VLAN, after that" says 2 "vlan 20"
check "function 2 is on vfio-pci" is_on "$(vf 2)" vfio-pci
expect 0 "" "$PCIFERRY" bind --tab
# One more: what it says takes the place of what was said, of fewer functions the rest goes.
expect 0 "At each boot as well" "$PCIFERRY" vf "$card" 2 --driver vfio-pci \
	--set vf1.vlan=30 --persist
check "the tab has what is left" grep -q \
	"^set $card .* reset_method=flr vf0.mac=52:54:00:aa:00:01 vf0.vlan=20 vf1.vlan=30\$" \
	/etc/pciferry.tab
# What this run did not ask for is not set, and verify tells.
expect 1 "virtual function 0 has" "$PCIFERRY" verify
expect 0 "" "$PCIFERRY" bind --tab
expect 0 "" "$PCIFERRY" verify
expect 0 "At boot no more" "$PCIFERRY" vf "$card" 0 --persist
check "what is for the device stays" grep -q "^set $card .* reset_method=flr\$" /etc/pciferry.tab
check "no functions are listed" sh -c '! grep -q "^vf" /etc/pciferry.tab'
finish
