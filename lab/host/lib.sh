# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What scenarios share: . "$LAB_LIB"

# Ends the scenario: fail "what was expected, and what was found"
fail()
{
	echo "FAIL: $*" >&2
	exit 1
}

# The name of a device's driver, or none: lab_driver 0000:01:00.0
lab_driver()
{
	local link
	link=$(readlink "/sys/bus/pci/devices/$1/driver") || link=none
	echo "${link##*/}"
}

# The name of a device's entry that fits a pattern: lab_entry "$LAB_NVME_FREE" 'nvme/nvme*'
lab_entry()
{
	local entry
	# The pattern is to be expanded.
	# shellcheck disable=SC2231
	for entry in /sys/bus/pci/devices/$1/$2; do
		[ -e "$entry" ] || fail "$1: no $2"
		echo "${entry##*/}"
		return
	done
}

# Makes the virtual functions of an NVMe controller usable: lab_vfs_online "$LAB_NVME_SRIOV"
# (see nvme-vfs-online). Enable them with sriov_drivers_autoprobe at 0, or wait for the driver
# to give them up.
lab_vfs_online()
{
	"${LAB_LIB%/*}/nvme-vfs-online" "$1" || fail "$1: virtual functions not online"
}

# Starts the inner guest (KVM, SeaBIOS) with further QEMU options, and prints its console:
#
#	lab_guest -device vfio-pci,host="$LAB_NVME_FREE"
#
# $lab_guest_words are for the command line of its kernel (see lab/guest/initramfs-init), and
# $lab_guest_accel can be tcg. The status is QEMU's, or 124 after $lab_guest_seconds (120).
# A guest that ran to its end has printed the line "guest: done".
lab_guest()
{
	# Unpacked: SeaBIOS starts it at once, the packaged one decompresses itself for 10 s.
	timeout "${lab_guest_seconds:-120}" qemu-system-x86_64 \
		-nodefaults -no-user-config -no-reboot -display none -vga none \
		-accel "${lab_guest_accel:-kvm}" -cpu max -M q35 -m 256 -smp 1 \
		-serial stdio -kernel "$LAB_KERNEL_QUICK" -initrd "$LAB_INITRD" \
		-append "console=ttyS0 quiet panic=-1 mitigations=off ${lab_guest_words-}" \
		"$@" </dev/null
}
