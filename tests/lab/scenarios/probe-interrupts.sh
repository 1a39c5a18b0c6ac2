#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: an IOMMU that cannot remap interrupts stops a probe, unless that is allowed
# lab-timeout: 180
# lab-iommu: vtd-no-intremap
#
# The refusal is VFIO's own (vfio_iommu_type1_attach_group() in drivers/vfio).
# shellcheck source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

expect 1 "does not remap interrupts" "$PCIFERRY" probe "$LAB_NVME_FREE" --bind
expect 1 "allow_unsafe_interrupts=1 of vfio_iommu_type1" "$PCIFERRY" probe "$LAB_NVME_FREE" --bind
check "it is back on nvme" is_on "$LAB_NVME_FREE" nvme
echo Y >/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts
expect 0 "is assignable" "$PCIFERRY" probe "$LAB_NVME_FREE" --bind
check "it is back on nvme" is_on "$LAB_NVME_FREE" nvme
finish
