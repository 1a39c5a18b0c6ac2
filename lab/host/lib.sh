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
# The status is QEMU's, or 124 after $lab_guest_seconds (120; for UEFI 600). A guest that ran
# to its end has printed the line "guest: done".
#
#	lab_guest_words=hold=5	for its kernel's command line, see lab/guest/initramfs-init
#	lab_guest_firmware=uefi	OVMF, by TCG: KVM under TCG mostly aborts there. Some minutes
lab_guest()
{
	local seconds=120 accel=kvm firmware=()
	# Unpacked: it starts at once, the packaged one decompresses itself for 10 s.
	local kernel=$LAB_KERNEL_QUICK

	if [ "${lab_guest_firmware-}" = uefi ]; then
		seconds=600 accel=tcg kernel=$LAB_KERNEL
		firmware=(-drive "if=pflash,format=raw,readonly=on,file=$LAB_OVMF_CODE")
	fi
	timeout "${lab_guest_seconds:-$seconds}" qemu-system-x86_64 \
		-nodefaults -no-user-config -no-reboot -display none -vga none \
		-accel "$accel" -cpu max -M q35 -m 256 -smp 1 "${firmware[@]}" \
		-serial stdio -kernel "$kernel" -initrd "$LAB_INITRD" \
		-append "console=ttyS0 quiet panic=-1 mitigations=off no_timer_check ${lab_guest_words-}" \
		"$@" </dev/null
}
