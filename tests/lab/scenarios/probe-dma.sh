#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: devices are made to do DMA, and held back where they may not
# lab-timeout: 400
# lab-memory: 1500
#
# Real: the kernel, VFIO, the tables of the IOMMU, its faults, and that a device's DMA and
# interrupts go through it. The devices and the IOMMU are QEMU's. QEMU's AMD-Vi tells of no fault
# where no page is mapped (amdvi_page_walk() in hw/i386/amd_iommu.c), so that there the second
# proof is lacking, and has to be said to be. With 1500 MiB there is free memory within the 28 bits
# that edu reaches.
# Functions are called by way of check and eventually.
# shellcheck disable=SC2317 source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

verdict=isolated
[ "$LAB_IOMMU" = amd ] && verdict=not_proven

says() { grep -q "$1" /run/probe.json || { fail "no $1"; sed -n '/"dma_test"/,/^  }/p' /run/probe.json; }; }
is_mastering() { [ $((0x$(setpci -s "$1" COMMAND) & 4)) != 0 ]; }

for device in "$LAB_NVME_FREE" "$LAB_EDU" "$LAB_NIC_PAIR0"; do
	before=$(driver_of "$device")
	"$PCIFERRY" probe "$device" --bind --dma-test --json >/run/probe.json
	status=$?
	sed -n '/"dma_test"/,/^  }/p' /run/probe.json
	[ $status = 0 ] || fail "status $status of probe $device"
	says "\"verdict\": \"$verdict\""
	says '"inside_reached": true'
	says '"interrupt_came": true'
	says '"memory_unchanged": true'
	if [ $verdict = isolated ]; then
		says "\"fault\": \"DMAR: \[DMA Write.*\[${device#0000:}\] fault addr"
		says "\"requester\": \"$device\""
		address=$(sed -n '/"outside"/s/.*//; s/.*"address": \([0-9]*\),.*/\1/p' \
			/run/probe.json | tail -1)
		check "the kernel's log has that address" \
			eval "dmesg | grep -q $(printf 'fault.addr.0x%x' "$address")"
	else
		says '"fault": null'
		says "no line of the kernel's log"
	fi
	check "$device is on $before again" is_on "$device" "$before"
done
check "the disk is as it was" eval \
	"head -c 64 /dev/disk/by-id/nvme-*FERRY-FREE* | grep -q 'the free disk'"

# From here on by devices that stay on VFIO.
check "bind" "$PCIFERRY" bind "$LAB_NVME_FREE" "$LAB_EDU" -q

# Only on devices that there is a test for, and before anything is bound.
expect 2 "there is no DMA test for such a device" \
	"$PCIFERRY" probe "$LAB_NIC_IDLE" --bind --dma-test
check "the network card stays" is_on "$LAB_NIC_IDLE" e1000
# Never on what is in use.
expect 3 "default route" "$PCIFERRY" probe "$LAB_NIC_UP" --bind --dma-test
expect 3 "mounted" "$PCIFERRY" probe "$LAB_NVME_MOUNTED" --bind --dma-test
check "the mounted disk stays" is_on "$LAB_NVME_MOUNTED" nvme

# A log that cannot be read proves nothing, and is no failure.
mv /dev/kmsg /dev/kmsg.away
expect 0 "not proven: the kernel's log cannot be read" \
	"$PCIFERRY" probe "$LAB_NVME_FREE" --dma-test
mv /dev/kmsg.away /dev/kmsg

# That the test can fail: the call that takes the memory back from the device is left out, so that
# the mapping is still there, and the device writes through it.
strace -f -o /run/calls -e trace=ioctl "$PCIFERRY" probe "$LAB_NVME_FREE" --dma-test >/dev/null
# The last one: all the rest goes as the session is closed.
last=$(grep -n "IOMMU_UNMAP_DMA\|_IOC(_IOC_NONE, 0x3b, 0x72" /run/calls | tail -1 |
	cut -d: -f1)
expect 1 "its DMA is not held back" \
	strace -f -o /run/mutated -e trace=ioctl -e "inject=ioctl:retval=0:when=$last" \
	"$PCIFERRY" probe "$LAB_NVME_FREE" --dma-test
grep INJECTED /run/mutated
check "a later test is unharmed" eval \
	"'$PCIFERRY' probe '$LAB_NVME_FREE' --dma-test --json | grep -q '\"$verdict\"'"

# Ended in the midst, by any signal: the kernel takes all of it back. Without the log the test waits
# for three seconds, in which the device may do DMA.
for signal in TERM KILL; do
	mv /dev/kmsg /dev/kmsg.away
	"$PCIFERRY" probe "$LAB_EDU" --dma-test >/dev/null &
	probe=$!
	eventually "edu may do DMA" is_mastering "$LAB_EDU"
	kill -$signal $probe
	wait $probe
	mv /dev/kmsg.away /dev/kmsg
	check "after $signal edu may not" eval "! is_mastering '$LAB_EDU'"
	check "after $signal it can be tested" eval \
		"'$PCIFERRY' probe '$LAB_EDU' --dma-test --json | grep -q '\"$verdict\"'"
done
check "release" "$PCIFERRY" release "$LAB_NVME_FREE" "$LAB_EDU" -q
check "the disk is its driver's" is_on "$LAB_NVME_FREE" nvme
finish
