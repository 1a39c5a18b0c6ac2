#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: for test_boot.py: one boot of a system on its own disk
# lab-timeout: 1800
#
#   boot.sh ACTION...       each is a function below, run in this order
set -u
# shellcheck source=lab/host/lib.sh
. "$LAB_LIB"

kept=/var/tmp/boot
slice=6a1b2c3d-1111-4222-8333-00000000000a
other_slice=6a1b2c3d-1111-4222-8333-00000000000b

# run NAME COMMAND...: its output and exit status, for the test to read.
run()
{
	local name=$1 status=0
	shift
	echo "$name: $*"
	"$@" >"$LAB_OUT/$name" 2>&1 || status=$?
	echo "status $name $status"
	sed 's/^/  | /' "$LAB_OUT/$name"
}

report()
{
	local name device
	for name in GPU GPU_AUDIO NVME_FREE NVME_SWAP NVME_MOUNTED NVME_SRIOV NIC_UP; do
		name=LAB_$name
		echo "at ${name#LAB_} ${!name}"
	done
	for device in /sys/bus/pci/devices/*; do
		echo "driver ${device##*/} $(lab_driver "${device##*/}")"
	done
	echo "cmdline $(cat /proc/cmdline)"
	dmesg >"$LAB_OUT/dmesg"
	cp /etc/pciferry.tab "$LAB_OUT/tab" 2>/dev/null || :
}

# As `make install` would: what the test has had installed into a folder.
install()
{
	cp -a "$LAB_FILES/." / || fail "pciferry: not installed"
}

# Each file that a change of the boot may touch: all of it, or (what a tool makes anew) its
# bytes. The images are left out: no tool makes the same one twice.
files()
{
	local folder folders=(/etc)
	for folder in /boot/grub /boot/efi/loader; do
		[ ! -d "$folder" ] || folders+=("$folder")
	done
	# A folder's time is when something came or went in it; systemd writes its machine-id at
	# each boot whose command line has that.
	find /etc \( -type d -o -path /etc/machine-id \) -printf '%p %M %U:%G\n' \
		-o -printf '%p %M %U:%G %T@ %l\n'
	find "${folders[@]}" -type f ! -name grubenv -exec sha256sum {} +
	find /boot /usr/lib/pciferry -printf '%p\n'
}

remember()
{
	mkdir -p "$kept"
	files | sort >"$kept/before"
	[ -s "$kept/before" ] || fail "nothing to remember"
	# It has to be there after a loss of power, too.
	sync
}

compare()
{
	files | sort >"$kept/after"
	run compare diff "$kept/before" "$kept/after"
}

plan()
{
	run plan pciferry plan --headless "$LAB_NVME_FREE" "$LAB_GPU"
}

apply()
{
	# Before the first edit, as soon as the change is described.
	{
		until [ -e /var/lib/pciferry/journal/1/change.json ]; do sleep 0.02; done
		echo "apply has begun"
	} &
	run apply pciferry apply --headless "$LAB_NVME_FREE" "$LAB_GPU"
}

apply_again()
{
	files | sort >"$kept/applied"
	run again pciferry apply --headless "$LAB_NVME_FREE" "$LAB_GPU"
	files | sort | run kept diff "$kept/applied" -
}

# The tab lists one more than the image does, as where somebody has not made that anew.
list_more()
{
	mkdir -p "$kept/images"
	cp -a /boot/initrd.img-* "$kept/images/" || fail "no image"
	run more pciferry apply "$LAB_NVME_SWAP"
	cp -a "$kept/images/." /boot/
}

# Nothing is reserved before the boot.
reserve()
{
	run reserve pciferry apply --hugepages 128M
	run pages cat /sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages
}

show_pages()
{
	run pages cat /sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages
}

# For each boot; systemd does not start the service any more.
functions()
{
	rm -f {/etc,/usr/lib,/usr/local/lib}/systemd/system/multi-user.target.wants/pciferry.service
	run functions pciferry vf "$LAB_NVME_SRIOV" 2 --driver vfio-pci --persist
	run enabled systemctl is-enabled pciferry.service
	run shown pciferry vf "$LAB_NVME_SRIOV"
}

show_functions()
{
	run shown pciferry vf "$LAB_NVME_SRIOV"
}

# Its parent is a sample driver of Linux, which this system loads at each boot from now on.
slices()
{
	local folder
	folder=/lib/modules/$(uname -r)/updates
	mkdir -p "$folder"
	cp "$LAB_MODULES/mtty.ko" "$folder/"
	depmod
	echo mtty >/etc/modules-load.d/lab-mtty.conf
	modprobe mtty || fail "mtty: not loaded"
	run slice pciferry mdev create mtty mtty-2 "$slice" --persist
	run left_to_the_user pciferry mdev create mtty mtty-1 "$other_slice" --persist=manual
	show_slices
}

show_slices()
{
	run slices pciferry mdev list
	run slice_node find -L "/sys/bus/mdev/devices/$slice/iommu_group" -maxdepth 0
}

# Stays away at the next boot.
forget_slices()
{
	run forget pciferry mdev remove "$slice" --persist
}

# A unit that stands for a display manager: systemd's own doing is real, and so is the card.
display()
{
	local card
	card=/dev/dri/$(lab_entry "$LAB_BOCHS" 'drm/card*')
	cat >/etc/systemd/system/ferry-display.service <<-END
		[Service]
		ExecStart=/bin/sh -c 'exec 9<>$card; exec sleep infinity'
	END
	ln -s ferry-display.service /etc/systemd/system/display-manager.service
	systemctl daemon-reload
	systemctl start ferry-display.service
	run card_in_use pciferry bind "$LAB_BOCHS"
	run card_goes pciferry bind "$LAB_BOCHS" --stop-display
	run stopped systemctl is-active ferry-display.service
	run card_back pciferry release "$LAB_BOCHS"
	run started systemctl is-active ferry-display.service
}

# Where tasks may run: of the host's units, with what systemd was told of these; of what stands for
# a guest; and of what has chosen its processor itself.
cpus()
{
	local unit
	for unit in system.slice user.slice init.scope; do
		echo "$unit [$(cat "/sys/fs/cgroup/$unit/cpuset.cpus.effective" 2>/dev/null)]" \
			"[$(systemctl show -p AllowedCPUs --value "$unit")]"
	done
	for unit in ferry-system ferry-user ferry-guest ferry-chosen; do
		echo "$unit $(taskset -pc "$(systemctl show -p MainPID --value "$unit")" |
			sed 's/.* //')"
	done
}

# hook NAME GUEST CPUS STEP...: as libvirt calls it, which is not here.
hook()
{
	local name=$1 guest=$2 list=$3
	shift 3
	run "$name" pciferry vm hook run -- "$guest" "$@" - <<-END
		<domain><name>$guest</name><metadata><p:isolate
		xmlns:p='urn:pciferry:domain:1:isolate'/></metadata><cputune>
		<vcpupin vcpu='0' cpuset='$list'/></cputune></domain>
	END
	run "$name-cpus" cpus
}

# With four processors.
isolate()
{
	local slice
	for slice in system user machine; do
		systemd-run --quiet --slice=$slice.slice --unit="ferry-${slice/machine/guest}" \
			sleep infinity
	done
	systemd-run --quiet --slice=system.slice --unit=ferry-chosen taskset -c 3 sleep infinity
	run before-cpus cpus
	hook begins one 3 prepare begin
	hook second-begins two 1 prepare begin
	hook all three 0-3 prepare begin
	hook ends one 3 release end
	hook second-ends two 1 release end
	run left ls /run/pciferry
	systemctl set-property --runtime user.slice AllowedCPUs="0 3"
	hook narrows one 3 prepare begin
	systemctl daemon-reload
	run reloaded-cpus cpus
	hook widens one 3 release end
}

# The service has been started by systemd, not by us.
service()
{
	run service systemctl is-active pciferry.service
	run journal journalctl -b -u pciferry.service --no-pager -o cat
}

verify()
{
	run verify pciferry verify
}

undo()
{
	run undo pciferry undo
}

# For one boot; the card is in it, so that what nobody can see is tried as well.
trial()
{
	run trial pciferry apply --trial --headless "$LAB_NVME_FREE" "$LAB_GPU"
}

# The same, and huge pages with it.
trial_pages()
{
	run trial pciferry apply --trial --headless "$LAB_NVME_FREE" "$LAB_GPU" --hugepages 64M
}

# The initramfs of the trial is not one: the kernel finds no root, and panics.
spoil_trial()
{
	local image
	for image in /boot/*.pciferry-trial; do
		head -c 4096 /dev/urandom >"$image" || fail "$image"
	done
}

commit()
{
	run commit pciferry commit
}

# Nobody commits. Ten minutes are a long time for a test: the unit's own timer, started with
# less. What reboots is the unit as it is.
await_reboot()
{
	systemctl is-active pciferry-trial.timer || fail "the timer does not run"
	systemctl show -P TimersMonotonic pciferry-trial.timer
	mkdir -p /run/systemd/system/pciferry-trial.timer.d
	printf '[Timer]\nOnBootSec=\nOnActiveSec=5s\n' \
		>/run/systemd/system/pciferry-trial.timer.d/lab.conf
	systemctl daemon-reload
	systemctl restart pciferry-trial.timer || fail "the timer"
	echo "waiting for the reboot"
	sleep 120
	fail "nothing has rebooted"
}

# systemd stops for good, as it does after a crash of its own, and no longer tells the watchdog
# that it lives. Its timer is as dead as the rest.
hang()
{
	cat /sys/class/watchdog/watchdog0/identity || fail "no watchdog"
	echo "systemd crashes"
	kill -SEGV 1
	sleep 300
	fail "nothing has reset the machine"
}

# The same as await_reboot, where it must not.
await_nothing()
{
	printf '[Timer]\nOnBootSec=\nOnActiveSec=1s\n' >/run/lab.conf
	mkdir -p /run/systemd/system/pciferry-trial.timer.d
	cp /run/lab.conf /run/systemd/system/pciferry-trial.timer.d/
	systemctl daemon-reload
	systemctl restart pciferry-trial.timer || fail "the timer"
	sleep 10
	echo "still here"
}

# The next boot, and no other, has pciferry=off: by an entry of GRUB's of its own.
off_once()
{
	sed -n '/^menuentry /,/^}/p' /boot/grub/grub.cfg | sed '/^}/q' |
		sed -e "1s/.*/menuentry 'off' --id off {/" -e '/^\tlinux/s/$/ pciferry=off/' \
			>/boot/grub/custom.cfg
	grub-reboot off || fail "grub-reboot"
}

off_no_more()
{
	rm /boot/grub/custom.cfg
}

# systemd may still be at it.
while systemctl list-jobs --no-legend pciferry.service | grep -q .; do sleep 1; done
report
for action; do
	"$action" || exit
done
