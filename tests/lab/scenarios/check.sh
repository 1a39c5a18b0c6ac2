#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: what check and virt-host-validate say of this host, in the states that are named
#
# check.sh [bare] [kvmless] [legacy]: without nodes for networks; without KVM; that and with
# some controllers of cgroup v1. The test compares it with how the host was started, and the one
# program with the other.
# shellcheck source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

# As whoever the arguments make of us.
both()
{
	local name=$1
	shift
	echo "=== ${name}_check"
	"$@" "$PCIFERRY" check --json "$LAB_NVME_FREE" "$LAB_NVME_MOUNTED"
	echo "=== ${name}_validate"
	"$@" virt-host-validate qemu
}

# A package's kernel has it there.
cp "${LAB_KERNEL%/*}/config-$(uname -r)" /boot

[[ " $* " != *" bare "* ]] || both bare

# The nodes that systemd makes at boot, before their modules are loaded.
while read -r module node number; do
	[[ $module =~ ^(tun|vhost_net)$ && $number =~ ^c([0-9]+):([0-9]+)$ ]] || continue
	mkdir -p "/dev/$(dirname "$node")"
	mknod "/dev/$node" c "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
done <"/lib/modules/$(uname -r)/modules.devname"
both root
both nobody setpriv --reuid=65534 --regid=65534 --clear-groups
echo "=== words"
"$PCIFERRY" check "$LAB_NVME_FREE"

if [[ " $* " == *" kvmless "* ]]; then
	modprobe -rq kvm_amd || modprobe -rq kvm_intel
	both kvmless
fi
if [[ " $* " == *" legacy "* ]]; then
	umount /sys/fs/cgroup
	mount -t tmpfs tmpfs /sys/fs/cgroup
	for controllers in cpu,cpuacct devices; do
		mkdir "/sys/fs/cgroup/$controllers"
		mount -t cgroup -o "$controllers" cgroup "/sys/fs/cgroup/$controllers"
	done
	both legacy
fi

# Whether VFIO hands out a device, which is what the checks are to foresee.
echo "=== guest"
"$PCIFERRY" bind "$LAB_NVME_FREE"
timeout 60 qemu-system-x86_64 -nodefaults -display none -M q35 -m 64 -S -monitor stdio \
	-device vfio-pci,host="$LAB_NVME_FREE" <<<quit 2>&1
echo "status $?"
echo "=== end"
finish
