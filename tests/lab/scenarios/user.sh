#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: a group's node is given to a user, who can open it, and to nobody else
# lab-timeout: 240
# Functions are called by way of check.
# shellcheck disable=SC2317 source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

group=$(basename "$(readlink "/sys/bus/pci/devices/$LAB_NVME_FREE/iommu_group")")
node=/dev/vfio/$group
is_whose() { [ "$(stat -c %u:%a "$node")" = "$1:600" ]; }
opens() { setpriv --reuid="$1" --regid="$1" --clear-groups bash -c ": <>$node" 2>/dev/null; }
opens_not() { ! opens "$1"; }

expect 0 "was nvme" "$PCIFERRY" bind "$LAB_NVME_FREE" --user 65534
check "the node is the user's" is_whose 65534
check "he opens it" opens 65534
check "another one does not" opens_not 65533

# Bound already, it can be another one's.
expect 0 "already" "$PCIFERRY" bind "$LAB_NVME_FREE" --user 65533
check "the node is the other one's" is_whose 65533
expect 0 "already" "$PCIFERRY" bind "$LAB_NVME_FREE"
check "it stays so where nobody is named" is_whose 65533
expect 0 "already" "$PCIFERRY" bind "$LAB_NVME_FREE" --user root
check "it is root's again" is_whose 0

# What comes next is root's, whoever had the last one. udev, just started, sees each node come.
"$PCIFERRY" bind "$LAB_NVME_FREE" --user 65534 >/dev/null
expect 0 "nvme, was vfio-pci" "$PCIFERRY" release "$LAB_NVME_FREE"
check "the node is gone" test ! -e "$node"
expect 0 "was nvme" "$PCIFERRY" bind "$LAB_NVME_FREE"
check "the next one is root's" is_whose 0
for i in 1 2 3 4 5 6 7 8; do
	"$PCIFERRY" release "$LAB_NVME_FREE" >/dev/null
	"$PCIFERRY" bind "$LAB_NVME_FREE" --user 65534 >/dev/null
	udevadm settle --timeout=10 2>/dev/null
	check "udev does not take it away again ($i)" is_whose 65534
done
"$PCIFERRY" release "$LAB_NVME_FREE"
finish
