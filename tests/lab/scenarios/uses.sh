#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: each kind of use, its evidence, and a free device of each kind
# lab-timeout: 420
#
# Real: kernel, drivers, what uses the devices. Not real: the devices are QEMU's. A keyboard, a
# sound that plays and the firmware's framebuffer, which this machine has not, are in tests/unit.
# shellcheck source=lab/host/lib.sh
. "$LAB_LIB"
# shellcheck source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

"$PCIFERRY" list --json >/run/before.json

# uses DEVICE KIND TEXT: list says so now.
uses()
{
	local device=$1 kind=$2 text=$3
	if "$PCIFERRY" list --json | python3 -c '
import json, sys
device, kind, text = sys.argv[1:]
found = [one for one in json.load(sys.stdin)["devices"] if one["address"] == device][0]
for use in found["in_use"]:
    print(" ", device, use["kind"], use["detail"])
print(" ", device, found["verdict"], found["verdict_reason"])
sys.exit(not (found["verdict"] == "in_use" and any(
    use["kind"] == kind and text in use["detail"] for use in found["in_use"])))
' "$device" "$kind" "$text"; then
		ok "$device: $kind: $text"
	else
		fail "$device: no $kind: $text"
	fi
}

# is_free DEVICE: no use is found, and it can go.
is_free()
{
	if "$PCIFERRY" list --json | python3 -c '
import json, sys
found = [one for one in json.load(sys.stdin)["devices"] if one["address"] == sys.argv[1]][0]
print(" ", found["address"], found["verdict"], found["in_use"])
sys.exit(not (found["verdict"] in ("can_go", "can_go_with_group") and not found["in_use"]))
' "$1"; then
		ok "$1 is free"
	else
		fail "$1 is not called free"
	fi
}

eventually_free()
{
	for _ in 1 2 3 4 5 6 7 8; do
		if "$PCIFERRY" show "$1" | grep -q "it can go"; then break; fi
		sleep 0.5
	done
	is_free "$1"
}

disk=/dev/$(lab_entry "$LAB_NVME_FREE" 'nvme/nvme*/nvme*n1')
nic=$(lab_entry "$LAB_NIC_PAIR0" 'net/*')
sibling=$(lab_entry "$LAB_NIC_PAIR1" 'net/*')
up=$(lab_entry "$LAB_NIC_UP" 'net/*')

echo "--- free ones"
for device in "$LAB_NVME_FREE" "$LAB_NIC_PAIR0" "$LAB_GPU" "$LAB_GPU_AUDIO" "$LAB_EDU" \
	"$LAB_NVME_SRIOV"; do
	is_free "$device"
done

echo "--- disks"
uses "$LAB_NVME_MOUNTED" mount "is mounted on /mnt/data"
uses "$LAB_NVME_SWAP" swap "is swap space"
sleep 300 9<"$disk" &
holder=$!
uses "$LAB_NVME_FREE" process "process $holder (sleep) holds $disk"
kill "$holder"
wait "$holder" 2>/dev/null
cp /etc/fstab /run/fstab.before 2>/dev/null || : >/run/fstab.before
echo "$disk /srv/later ext4 defaults 0 2" >/etc/fstab
uses "$LAB_NVME_FREE" boot "is in /etc/fstab, for /srv/later"
cp /run/fstab.before /etc/fstab
mkfs.ext4 -q -F "$disk"
unshare --mount bash -c "mount $disk /mnt && sleep 300" &
holder=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
	grep -q "$disk" "/proc/$holder/mountinfo" 2>/dev/null && break
	sleep 0.5
done
uses "$LAB_NVME_FREE" mount "in the mount namespace of process"
pkill -P "$holder"
kill "$holder" 2>/dev/null
wait "$holder" 2>/dev/null
wipefs -qa "$disk"
modprobe dm-mod
echo "0 1000 linear $disk 0" | dmsetup create --noudevsync ferrymap
uses "$LAB_NVME_FREE" holder "(ferrymap)"
dmsetup remove --noudevsync ferrymap
if command -v pvcreate >/dev/null; then
	export DM_DISABLE_UDEV=1
	pvcreate -qq -ff -y "$disk" && vgcreate -qq ferryvg "$disk" &&
		lvcreate -qq -y -Zn -L 4m -n part ferryvg
	uses "$LAB_NVME_FREE" holder "(ferryvg-part)"
	vgremove -qq -f ferryvg
	pvremove -qq -ff -y "$disk"
fi
if command -v mdadm >/dev/null; then
	modprobe raid1
	mdadm --create /dev/md77 --run --quiet --metadata=1.2 --level=1 --force \
		--raid-devices=1 "$disk"
	uses "$LAB_NVME_FREE" holder "is part of md77"
	mdadm --stop --quiet /dev/md77
	mdadm --zero-superblock --quiet "$disk"
fi
modprobe loop
losetup /dev/loop0 "$disk"
uses "$LAB_NVME_FREE" holder "is what loop0 is made of"
losetup -d /dev/loop0
mkfs.ext4 -q -F "$disk"
mount "$disk" /mnt
exec 9</mnt/lost+found
umount -l /mnt
uses "$LAB_NVME_FREE" mount "though no process shows where"
exec 9<&-
wipefs -qa "$disk"
generic=${disk/nvme/ng}
if [ -c "$generic" ]; then
	sleep 300 9<"$generic" &
	holder=$!
	uses "$LAB_NVME_FREE" process "process $holder (sleep) holds $generic"
	kill "$holder"
	wait "$holder" 2>/dev/null
fi
eventually_free "$LAB_NVME_FREE"

echo "--- network"
uses "$LAB_NIC_UP" network "$up is up with address 192.0.2.10"
uses "$LAB_NIC_UP" route "$up carries the default route"
ip route add 198.51.100.0/24 via 192.0.2.2 dev "$up" table 77
uses "$LAB_NIC_UP" route "carries the route to 198.51.100.0/24 of table 77"
SSH_CONNECTION="192.0.2.99 50000 192.0.2.10 22" uses "$LAB_NIC_UP" ssh "that you came by"
ip link add ferrybr type bridge
ip link set "$nic" master ferrybr
uses "$LAB_NIC_PAIR0" network "$nic is part of ferrybr"
ip addr add 198.51.100.1/24 dev ferrybr
ip link set ferrybr up
ip route add 203.0.113.0/24 via 198.51.100.2
uses "$LAB_NIC_PAIR0" route "ferrybr, of which $nic is a part, carries the route to"
ip link del ferrybr
ip link add link "$nic" name ferryvlan type vlan id 7
uses "$LAB_NIC_PAIR0" network "$nic is part of ferryvlan"
ip link del ferryvlan
ip link set "$nic" down
ip netns add ferryns
ip link set "$sibling" netns ferryns
uses "$LAB_NIC_PAIR1" unreadable "in another network namespace"
ip netns exec ferryns ip link set "$sibling" netns 1
ip netns del ferryns
is_free "$LAB_NIC_PAIR0"

echo "--- display"
"$PCIFERRY" show "$LAB_BOCHS" | grep "In use"
uses "$LAB_BOCHS" console "the kernel's console is on its framebuffer"
for console in /sys/class/vtconsole/vtcon*; do
	grep -q "frame buffer" "$console/name" && echo 0 >"$console/bind"
done
card=/dev/dri/$(lab_entry "$LAB_BOCHS" 'drm/card*')
sleep 300 9<>"$card" &
holder=$!
uses "$LAB_BOCHS" process "process $holder (sleep) holds $card"
kill "$holder"
wait "$holder" 2>/dev/null

echo "--- a guest"
"$PCIFERRY" bind "$LAB_EDU" >/dev/null
is_free "$LAB_EDU"
group=$(basename "$(readlink "/sys/bus/pci/devices/$LAB_EDU/iommu_group")")
qemu-system-x86_64 -name guest=ferry,debug-threads=on -nodefaults -display none -accel tcg \
	-m 64 -S -device vfio-pci,host="$LAB_EDU" </dev/null &
holder=$!
for _ in $(seq 60); do
	find "/proc/$holder/fd" -lname "/dev/vfio/$group" 2>/dev/null | grep -q . && break
	sleep 0.5
done
uses "$LAB_EDU" vfio "(qemu-system-x86), guest ferry"
kill "$holder"
wait "$holder" 2>/dev/null
eventually_free "$LAB_EDU"
"$PCIFERRY" release "$LAB_EDU" >/dev/null

echo "--- virtual functions"
echo 0 >"/sys/bus/pci/devices/$LAB_NVME_SRIOV/sriov_drivers_autoprobe"
echo 1 >"/sys/bus/pci/devices/$LAB_NVME_SRIOV/sriov_numvfs"
virtual=$(basename "$(readlink "/sys/bus/pci/devices/$LAB_NVME_SRIOV/virtfn0")")
"$PCIFERRY" bind "$virtual" >/dev/null
is_free "$LAB_NVME_SRIOV"
group=$(basename "$(readlink "/sys/bus/pci/devices/$virtual/iommu_group")")
sleep 300 9<>"/dev/vfio/$group" &
holder=$!
uses "$LAB_NVME_SRIOV" virtual_function "its virtual function $virtual: group $group is held"
kill "$holder"
wait "$holder" 2>/dev/null
finish
