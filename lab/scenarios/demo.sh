#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: the main job, told step by step: a card and a disk go to a guest and come back
# lab-timeout: 400
# shellcheck source=lab/host/lib.sh
. "$LAB_LIB"

bold=$'\e[1m' plain=$'\e[0m'

# tell WHAT WHY: one line before each step.
tell() { printf '\n%s%s%s  %s\n' "$bold" "$1" "$plain" "$2"; }

# run COMMAND...: shows it as a person would type it, and ends the demo when it fails.
run()
{
	echo "# pciferry ${*:2}"
	"$@" || fail "pciferry ${*:2}: status $?"
}

tell "1. Look." "A guest can only be given a whole IOMMU group. These are the groups of this host:"
run "$PCIFERRY" list

tell "2. Refuse." "The first NVMe disk is mounted on /mnt/data; taking it would lose data:"
echo "# pciferry bind $LAB_NVME_MOUNTED"
"$PCIFERRY" bind "$LAB_NVME_MOUNTED"
status=$?
[ "$status" = 3 ] || fail "status $status where 3, a refusal, was expected"
[ "$(lab_driver "$LAB_NVME_MOUNTED")" = nvme ] || fail "the mounted disk was touched"

tell "3. Write." "The second NVMe disk, alike to the first, is free. The host writes a line to it:"
disk=/dev/$(lab_entry "$LAB_NVME_FREE" 'nvme/nvme*/nvme*n1') || exit
text="written by the host at $(date +%s%N)"
echo "$text" | dd of="$disk" conv=notrunc,fsync status=none || fail "$disk cannot be written"
expected=$(dd if="$disk" bs=4096 count=1 iflag=direct status=none | sha256sum | cut -d' ' -f1)
echo "$disk: $text"

tell "4. Hand over." "The graphics card brings its audio function along: same group. First only the plan:"
run "$PCIFERRY" bind --dry-run "$LAB_GPU" "$LAB_NVME_FREE"

tell "5. Run a guest." "It gets the card and the disk, and reports what it sees (a minute, since all is emulated):"
echo "# pciferry vm run $LAB_GPU $LAB_NVME_FREE --bios --memory 256M --kernel ... --initrd ..."
# To a file as well: what the guest says is compared below.
"$PCIFERRY" vm run "$LAB_GPU" "$LAB_NVME_FREE" --bios --memory 256M \
	--kernel "$LAB_KERNEL_QUICK" --initrd "$LAB_INITRD" \
	--append "console=ttyS0 quiet panic=-1 mitigations=off" -- -no-reboot \
	</dev/null | sed -u 's/\r$//' | tee "$LAB_OUT/guest.log" | grep --line-buffered '^guest:'
[ "${PIPESTATUS[0]}" = 0 ] || fail "vm run failed"

tell "6. Compare." "The guest's disk reads went through the IOMMU into the guest's own memory:"
seen=$(sed -n 's/^guest: data .* sha256 //p' "$LAB_OUT/guest.log")
echo "host   $expected"
echo "guest  $seen"
[ "$seen" = "$expected" ] || fail "the guest read something else"
echo "The guest read what the host had written."
for id in 1002:5046 8086:293e 1b36:0010; do
	grep -q "^guest: .* $id " "$LAB_OUT/guest.log" || fail "the guest did not see $id"
done

tell "7. Back." "The devices are on their own drivers again:"
for device in "$LAB_GPU" "$LAB_GPU_AUDIO" "$LAB_NVME_FREE"; do
	echo "$device  $(lab_driver "$device")"
	[ "$(cat "/sys/bus/pci/devices/$device/driver_override")" = "(null)" ] ||
		fail "$device still has an override"
done
[ "$(lab_driver "$LAB_NVME_FREE")" = nvme ] || fail "the disk is not back on nvme"
[ "$(lab_driver "$LAB_GPU_AUDIO")" = snd_hda_intel ] || fail "the audio function is not back"
disk=/dev/$(lab_entry "$LAB_NVME_FREE" 'nvme/nvme*/nvme*n1') || exit
echo "$disk: $(head -n 1 "$disk" | head -c 80)"
tell "Done." "On a machine of your own: sudo make install, then pciferry list."
