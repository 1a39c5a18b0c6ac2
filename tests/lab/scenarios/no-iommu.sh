#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: a host without an IOMMU
# lab-timeout: 120
# lab-iommu: none
# shellcheck source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

expect 0 "no group" "$PCIFERRY" list
expect 0 "No device is in an IOMMU group" "$PCIFERRY" list
expect 0 "it is in no IOMMU group" "$PCIFERRY" show "$LAB_NVME_FREE"
expect 1 "turn VT-d or AMD-Vi on" "$PCIFERRY" bind "$LAB_NVME_FREE"
expect 1 "it is in no IOMMU group" "$PCIFERRY" vm run --bios "$LAB_NVME_FREE"
expect 1 "it is in no IOMMU group" "$PCIFERRY" probe "$LAB_NVME_FREE" --bind
check "the disk is still on nvme" is_on "$LAB_NVME_FREE" nvme
finish
