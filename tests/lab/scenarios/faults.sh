#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: modules that are missing, a /run that cannot be written, drivers that refuse, two at once
# lab-timeout: 480
# shellcheck disable=SC2317 source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

free=$LAB_NVME_FREE
modules=/lib/modules/$(uname -r)/kernel/drivers
run=/run/pciferry

pair_is_on() { [ "$(driver_of "$LAB_NIC_PAIR0") $(driver_of "$LAB_NIC_PAIR1")" = "$1 $1" ]; }

no_overrides()
{
	local device
	for device in "$free" "$LAB_NIC_PAIR0" "$LAB_NIC_PAIR1"; do
		grep -qx '(null)' "/sys/bus/pci/devices/$device/driver_override" || return 1
	done
}

lists() { "$PCIFERRY" list | grep "$1"; }
nothing_kept() { [ -z "$(find "$run" -type f ! -name '*lock')" ]; }

all_as_first()
{
	check "the disk is on nvme" is_on "$free" nvme
	check "the pair is on e1000e" pair_is_on e1000e
	check "no override is left" no_overrides
	check "nothing is kept" nothing_kept
}

# expect_lines STATUS COMMAND... <LINES: that exit status, these lines and no others.
expect_lines()
{
	local wanted=$1 status=0
	shift
	cat >/run/lines
	"$@" >/run/said 2>&1 </dev/null || status=$?
	echo "\$ $*"
	check "$* ($wanted)" test "$status" = "$wanted"
	check "it says so, and no more" diff /run/lines /run/said
}

mkdir /run/empty

echo "--- there is no vfio-pci"
mount --bind /run/empty "$modules/vfio"
expect_lines 1 "$PCIFERRY" bind "$free" <<LINES
pciferry: vfio-pci: this kernel has no such module
  install the module, or boot a kernel that has it
LINES
umount "$modules/vfio"
all_as_first

echo "--- the first driver is not there any more"
expect 0 "vfio-pci" "$PCIFERRY" bind "$LAB_NIC_PAIR0" "$free"
modprobe -r e1000e
mount --bind /run/empty "$modules/net/ethernet/intel/e1000e"
expect_lines 1 "$PCIFERRY" release "$LAB_NIC_PAIR0" "$free" <<LINES
pciferry: e1000e: this kernel has no such module
  $LAB_NIC_PAIR0: bind to e1000e: there is no such driver
  $LAB_NIC_PAIR0 is without a driver now; once that is mended, release it again
  $LAB_NIC_PAIR1: bind to e1000e: there is no such driver
  $LAB_NIC_PAIR1 is without a driver now; once that is mended, release it again
  install the module, or boot a kernel that has it
LINES
check "the disk is back all the same" is_on "$free" nvme
check "the pair is without a driver" pair_is_on none
check "no override is left" no_overrides
for device in "$LAB_NIC_PAIR0" "$LAB_NIC_PAIR1"; do
	check "what $device had is kept" grep -qx "driver e1000e" "$run/$device.first"
	expect 0 "from e1000e by pciferry, which can release it" "$PCIFERRY" show "$device"
done
umount "$modules/net/ethernet/intel/e1000e"
expect 0 "e1000e, was no driver" "$PCIFERRY" release "$LAB_NIC_PAIR0"
all_as_first
ip link set "$(basename /sys/bus/pci/devices/"$LAB_NIC_UP"/net/*)" up

echo "--- a driver that refuses the device"
# e1000 has the device once its IDs are overridden, and finds no card of its own.
expect 1 "bind to e1000: " "$PCIFERRY" bind --driver e1000 "$free"
expect 1 "bind to ahci: " "$PCIFERRY" bind --driver ahci "$free" "$LAB_NIC_PAIR0"
all_as_first

echo "--- /run/pciferry cannot be written"
mount --bind "$run" "$run"
mount -o remount,bind,ro "$run"
for command in bind release; do
	expect_lines 1 "$PCIFERRY" "$command" "$free" <<-LINES
		pciferry: /run/pciferry/lock: Read-only file system
		  /run has to be writable: mount -o remount,rw /run
	LINES
done
umount "$run"
all_as_first

echo "--- /run is full: for the first record, for the second, for the locks"
for options in size=4k size=8k nr_inodes=3; do
	mount -t tmpfs -o "mode=755,$options" none "$run"
	[[ $options != size* ]] || head -c 4096 /dev/zero >"$run/big.lock"
	expect 1 "No space left on device
  make room: df -h /run and df -i /run show what is full" \
		"$PCIFERRY" bind "$LAB_NIC_PAIR0"
	all_as_first
	umount "$run"
done

echo "--- /run/pciferry is somebody else's"
rm -r "$run"
mkdir -m 777 /run/elsewhere
ln -s /run/elsewhere "$run"
expect_lines 1 "$PCIFERRY" bind "$free" <<LINES
pciferry: /run/pciferry: it is a link or a file
  remove it: the folder is made anew
LINES
check "the link was not followed" test -z "$(ls -A /run/elsewhere)"
rm "$run"
for command in "chown 65534" "chmod 777"; do
	mkdir "$run"
	$command "$run"
	expect_lines 1 "$PCIFERRY" bind "$free" <<-LINES
		pciferry: /run/pciferry: others than root may write to it
		  look at what is in it, and remove it: it is made anew
	LINES
	check "nothing was written to it" test -z "$(ls -A "$run")"
	rmdir "$run"
done
all_as_first

echo "--- two at once"
# both COMMAND -- COMMAND: each is a success.
both()
{
	local first=() second
	while [ "$1" != -- ]; do
		first+=("$1")
		shift
	done
	shift
	"$PCIFERRY" "${first[@]}" >/run/first 2>&1 </dev/null &
	second=0
	"$PCIFERRY" "$@" >/run/second 2>&1 </dev/null || second=$?
	check "${first[*]}" wait $!
	check "$*, meanwhile" test "$second" = 0
	cat /run/first /run/second
}
both bind "$free" -- bind "$LAB_NIC_PAIR0"
check "the disk is on vfio-pci" is_on "$free" vfio-pci
check "the pair is on vfio-pci" pair_is_on vfio-pci
both release "$free" -- release "$LAB_NIC_PAIR0"
all_as_first
both bind "$LAB_NIC_PAIR0" -- bind "$LAB_NIC_PAIR1"
check "one has bound it, the other found it so" test \
	"$(cat /run/first /run/second | grep -c "vfio-pci, was e1000e")" = 2 -a \
	"$(cat /run/first /run/second | grep -c "vfio-pci (group [0-9]*), already")" = 2
both release "$LAB_NIC_PAIR0" -- release "$LAB_NIC_PAIR0"
all_as_first
both bind "$free" -- release "$free"
expect 0 "nvme" "$PCIFERRY" release "$free"
all_as_first

echo "--- one that does not end"
python3 -c 'import fcntl, time
lock = open("/run/pciferry/lock", "r+")
fcntl.lockf(lock, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(600)' >/run/held &
holder=$!
until grep -qs held /run/held; do sleep 0.1; done
check "list goes on" lists "$free"
expect_lines 1 "$PCIFERRY" bind "$free" <<LINES
pciferry: another pciferry (process $holder) is changing this host
  try again when it has finished
LINES
kill "$holder"
all_as_first
finish
