#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: what the virtual host has: kernel, devices, IOMMU groups, variables

uname -sr
cat /proc/cmdline
cut -d' ' -f1 /proc/uptime

echo
lspci -nnk

echo
for group in /sys/kernel/iommu_groups/*; do
	[ -d "$group" ] || echo "no IOMMU groups"
	for device in "$group"/devices/*; do
		[ -e "$device" ] && echo "group ${group##*/}: ${device##*/}"
	done
done | sort -V

echo
export -p | grep -o 'LAB_.*\|PCIFERRY=.*'
for argument; do
	echo "argument: <$argument>"
done
