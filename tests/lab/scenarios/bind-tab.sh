#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: bind --tab takes what is listed and is what its line says, group by group
# lab-timeout: 240
# shellcheck source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

# A line of the tab: line ADDRESS [DRIVER]
line() { echo "device $1 $(identity_of "$1") ${2-vfio-pci}"; }

# Nothing is bound, and nothing said, where there is nothing to do.
expect 1 "there is none" "$PCIFERRY" bind --tab
expect 2 "no DEVICE is named" "$PCIFERRY" bind --tab "$LAB_NVME_FREE"

{
	line "$LAB_NVME_FREE"
	line "$LAB_NVME_MOUNTED"
	line "$LAB_GPU"
	line "$LAB_NVME_SWAP" | sed 's/1b36:0010/1b36:0011/'
} >/etc/pciferry.tab
cat /etc/pciferry.tab

# Of the card only one function is listed; a disk is in use, another one is not what its line
# says. The rest is bound all the same, and verify tells each.
expect 1 "" "$PCIFERRY" verify
status=0
"$PCIFERRY" bind --tab >/run/said 2>&1 || status=$?
cat /run/said
[ "$status" != 0 ] || fail "refused devices, and status 0"
grep -q "mounted on /mnt/data" /run/said || fail "the mounted disk is not told"
grep -q "another device is there" /run/said || fail "the other device is not told"
grep -q "$LAB_NVME_FREE: vfio-pci, was nvme" /run/said || fail "what was bound is not told"
grep -q "the group stays" /run/said || fail "the card's group is not told"
[ "$(driver_of "$LAB_NVME_FREE")" = vfio-pci ] || fail "the free disk is not bound"
[ "$(driver_of "$LAB_NVME_MOUNTED")" = nvme ] || fail "the mounted disk is bound"
[ "$(driver_of "$LAB_NVME_SWAP")" = nvme ] || fail "a device that does not fit is bound"
[ "$(driver_of "$LAB_GPU")" != vfio-pci ] || fail "half of a group is bound"

# With the whole group listed, and nothing else: all holds, also the second time.
{
	line "$LAB_NVME_FREE"
	line "$LAB_GPU"
	line "$LAB_GPU_AUDIO"
} >/etc/pciferry.tab
expect 0 "" "$PCIFERRY" bind --tab
expect 0 "" "$PCIFERRY" bind --tab
expect 0 "" "$PCIFERRY" verify --wait=5
[ "$(driver_of "$LAB_GPU_AUDIO")" = vfio-pci ] || fail "the card's audio is not bound"
finish
