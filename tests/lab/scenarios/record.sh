#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: record as root and as nobody; each replay says what that user was told
# lab-timeout: 300
# shellcheck source=lab/host/lib.sh
. "$LAB_LIB"
# shellcheck source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

# Called by way of say and check.
# shellcheck disable=SC2317
nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }

# say FOLDER COMMAND...: what the program, run by COMMAND..., says of this host.
say()
{
	local folder=$1
	shift
	mkdir -p "$folder"
	"$@" list >"$folder/list.txt"
	"$@" list --json >"$folder/list.json"
	"$@" list --tree >"$folder/tree.txt"
	"$@" list --dot >"$folder/graph.dot"
	"$@" show "${devices[@]}" >"$folder/show.txt"
	"$@" show --json "$disk" "net:$up" >"$folder/named.json"
	"$@" list --predict >"$folder/predict.txt" 2>&1
}

# same NAME FOLDER FOLDER: the files say the same, but for what record replaces and for the
# width of a column, which follows it.
same()
{
	local file
	for file in "$2"/*; do
		if diff <(masked "$file") <(masked "$3/${file##*/}"); then
			ok "$1: ${file##*/}"
		else
			fail "$1: ${file##*/} is another"
		fi
	done
}

masked()
{
	sed -E -e 's/\b([0-9]{1,3}\.){3}[0-9]{1,3}\b/IPV4/g' \
		-e 's/\b[0-9a-f]{1,4}:[0-9a-f:]*::[0-9a-f:]*|\b[0-9a-f]{1,4}::[0-9a-f:]*/IPV6/g' \
		-e 's/\b([0-9a-f]{2}-){7}[0-9a-f]{2}\b|\b[0-9a-f]{16}\b/SERIAL/g' \
		-e 's/ +/ /g' -e 's/─+/─/g' "$1"
}

mapfile -t devices < <(ls /sys/bus/pci/devices)
up=$(lab_entry "$LAB_NIC_UP" 'net/*')

disk=/dev/$(lab_entry "$LAB_NVME_SWAP" 'nvme/nvme*/nvme*n1')

# One is with vfio-pci, and held as by a guest.
expect 0 "" "$PCIFERRY" bind "$LAB_NVME_FREE"
group=$(basename "$(readlink "/sys/bus/pci/devices/$LAB_NVME_FREE/iommu_group")")
sleep 300 9<>"/dev/vfio/$group" &
holder=$!
# Until then it is a copy of this shell.
while [ "$(cat "/proc/$holder/comm")" != sleep ]; do :; done
ip -6 addr add 2001:db8:77::1234/64 dev "$up" nodad
# The kernel adds one of its own when the link is up, which must not be between the record
# and what it is compared with.
for _ in $(seq 100); do
	[ -n "$(ip -6 addr show dev "$up" scope link -tentative)" ] && break
	sleep 0.1
done

check "root records" "$PCIFERRY" record "$LAB_OUT/root.tar.zst"
install -d -o 65534 -g 65534 /run/nobody
check "nobody records" nobody "$PCIFERRY" record /run/nobody/nobody.tar.gz

say /run/root-live "$PCIFERRY"
say /run/root-replay "$PCIFERRY" --host "$LAB_OUT/root.tar.zst"
same root /run/root-live /run/root-replay
say /run/nobody-live nobody "$PCIFERRY"
say /run/nobody-replay nobody "$PCIFERRY" --host /run/nobody/nobody.tar.gz
same nobody /run/nobody-live /run/nobody-replay
check "root and nobody see different things" \
	test "$(md5sum </run/root-live/list.json)" != "$(md5sum </run/nobody-live/list.json)"

check "the holder is told of" grep -q "group $group is held by process $holder" \
	/run/root-replay/show.txt
check "the mount is told of" grep -q "is mounted on /mnt/data" /run/root-replay/list.json
check "the route is told of" grep -q "$up carries the default route" /run/root-replay/list.json
check "the archive is its owner's" test "$(stat -c %a "$LAB_OUT/root.tar.zst")" = 600
expect 1 "it is a copy" "$PCIFERRY" --host "$LAB_OUT/root.tar.zst" release "$LAB_NVME_FREE"
expect 1 "it is there already" "$PCIFERRY" record "$LAB_OUT/root.tar.zst"

echo "--- what tells whose it is"
mkdir /run/unpacked
tar -xf "$LAB_OUT/root.tar.zst" -C /run/unpacked
{
	cat /sys/class/net/*/address /sys/class/nvme/*/serial
	cat /sys/class/block/*/wwid
	lsblk -ndo UUID,PTUUID
	ip -o addr show dev "$up" | awk '{ sub("/.*", "", $4); print $4 }'
} 2>/dev/null | tr -s ' ' '\n' | grep -v '^00:00:00:00:00:00$' | grep ...... | sort -u >/run/secrets
cat /run/secrets
check "there are addresses and serial numbers to look for" \
	test "$(grep -c -e 192.0.2.10 -e 2001:db8:77::1234 -e 52:54:00 -e FERRY /run/secrets)" -ge 5
found=$(grep -rwFof /run/secrets /run/unpacked)
check "none of them is in the archive: $found" test -z "$found"

# For the machine that has neither these devices nor an IOMMU.
masked /run/root-live/list.json >"$LAB_OUT/list.json"
masked /run/root-live/show.txt >"$LAB_OUT/show.txt"
chmod a+r "$LAB_OUT"/*
kill "$holder"
wait "$holder" 2>/dev/null
finish
