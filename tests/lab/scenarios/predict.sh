#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: what list predicts of the groups, and what they are, for a test to compare
# lab-timeout: 180
#
# With virtual functions on, which get groups too.
echo 4 >"/sys/bus/pci/devices/$LAB_NVME_SRIOV/sriov_numvfs" || exit
echo "=== list"
"$PCIFERRY" list --json
echo "=== predict"
"$PCIFERRY" list --predict
echo "=== tree"
"$PCIFERRY" list --tree --columns device,driver,port,link,acs,path,slot
echo "=== dot"
"$PCIFERRY" list --dot
echo "=== show"
"$PCIFERRY" show "$LAB_NIC_PAIR0" "$LAB_GPU" "$LAB_NVME_SRIOV"
echo "=== end"
