#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: a guest that boots by UEFI, in emulation within the emulation
# lab-timeout: 900
#
# Not by KVM: OVMF under KVM makes the outer machine's emulation of SVM stop now and then.
# shellcheck source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

"$PCIFERRY" vm run "$LAB_NVME_FREE" --accel tcg --memory 512M --name uefi \
	--kernel "$LAB_KERNEL" --initrd "$LAB_INITRD" \
	--append "console=ttyS0 quiet panic=-1" -- -no-reboot </dev/null | tee /run/guest.log
check "the guest ran to its end" grep -q "guest: done" /run/guest.log
check "by UEFI" grep -q "guest: firmware uefi" /run/guest.log
check "it read the disk" grep -q "guest: data /dev/nvme0n1 sha256" /run/guest.log
check "it has variables of its own" test -s /var/lib/pciferry/vars/uefi.fd
check "the disk is back on nvme" is_on "$LAB_NVME_FREE" nvme
finish
