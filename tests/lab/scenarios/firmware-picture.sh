#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: what the firmware made of a display adapter, and no driver has taken over, does not keep it
# lab-timeout: 300
#
# On the machine firmware-picture, booted with vga=0x314: the kernel's vesafb is in the memory of
# LAB_VGA. UEFI's efifb and simpledrm are platform devices as well, and have not been seen here.

# shellcheck source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

framebuffer=/sys/bus/platform/devices/vesa-framebuffer.0
[ -e "$framebuffer/driver" ] || fail "the firmware's framebuffer is not there"
grep -q vesafb /proc/iomem || fail "it is not in the adapter's memory"

expect 3 "the firmware's framebuffer (vesafb) is in its memory" "$PCIFERRY" bind "$LAB_VGA"
expect 3 "--stop-display" "$PCIFERRY" bind "$LAB_VGA"
[ -e "$framebuffer/driver" ] || fail "refused, and yet it is gone"

# A driver that fails: it comes back.
expect 1 "bind to e1000" "$PCIFERRY" bind "$LAB_VGA" --stop-display --driver e1000
[ -e "$framebuffer/driver" ] || fail "rolled back, and it is not there again"
grep -q vesafb /proc/iomem || fail "rolled back, it is not in the memory again"
[ -z "$(find /run/pciferry -name "$LAB_VGA.*" ! -name '*.lock')" ] || fail "something is kept"

# vfio-pci ends it for good (aperture_remove_conflicting_pci_devices()).
expect 0 "until the next boot" "$PCIFERRY" bind "$LAB_VGA" --stop-display
grep -q vesafb /proc/iomem && fail "it is in the memory still"
expect 0 "no driver, was vfio-pci" "$PCIFERRY" release "$LAB_VGA"
[ -z "$(find /run/pciferry -name "$LAB_VGA.*" ! -name '*.lock')" ] || fail "something is kept"
finish
