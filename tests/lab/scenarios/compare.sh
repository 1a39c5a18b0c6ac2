#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: what list says, and what lspci and a loop over the groups say, for a test to compare
# lab-timeout: 180
#
# $1: a script, its text, that prints the groups as the guides do, or "-".
echo "=== list"
"$PCIFERRY" list --json
echo "=== lspci"
lspci -Dvmmnnk
echo "=== groups"
if [ "$1" = - ]; then
	for link in /sys/kernel/iommu_groups/*/devices/*; do
		group=${link%/devices/*}
		echo "IOMMU Group ${group##*/}:"
		echo "	${link##*/}"
	done
else
	bash -c "$1"
fi
echo "=== end"
