# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For scenarios that check: each line that begins with FAIL is a failure, and finish() turns
# them into the scenario's exit status.
failures=0

ok() { echo "ok: $1"; }

fail()
{
	echo "FAIL: $1"
	failures=$((failures + 1))
}

# check NAME COMMAND...: the command must succeed.
check()
{
	local name=$1
	shift
	if "$@"; then ok "$name"; else fail "$name"; fi
}

# eventually NAME COMMAND...: the command must succeed in the end, in the kernel's own time.
eventually()
{
	local name=$1
	shift
	for _ in $(seq 300); do
		if "$@"; then
			ok "$name"
			return
		fi
		sleep 0.1
	done
	fail "$name"
}

# monitor COMMAND WORD...: of the virtual host's own QEMU; monitor_does leaves it to the caller
# what it means that QEMU does not do it.
monitor_does() { "$(dirname "$0")/monitor" "$@" >/dev/null; }
monitor() { monitor_does "$@" || fail "monitor $*"; }

usb_driver_of() { basename "$(readlink "/sys/bus/usb/devices/$1:1.0/driver")"; }
is_usb_on() { [ "$(usb_driver_of "$1")" = "$2" ]; }
has_stick() { [ -b /dev/disk/by-id/usb-QEMU_QEMU_HARDDISK_FERRY-USB-0:0 ]; }

# plug_usb: into the machine free-port a controller with a stick in port 1, a keyboard in 2, and
# two mice that only their ports tell apart. The stick is $fast-1 and its disk $stick; the others
# are $slow-2, $slow-3 and $slow-4.
# Scenarios use them.
# shellcheck disable=SC2034
plug_usb()
{
	monitor device_add driver=qemu-xhci id=usb bus=at-0c_0 p2:=4 p3:=4
	monitor blockdev-add driver=null-co node-name=stick size:=67108864 read-zeroes:=true
	monitor device_add driver=usb-storage bus=usb.0 port=1 drive=stick serial=FERRY-USB
	monitor device_add driver=usb-kbd bus=usb.0 port=2
	monitor device_add driver=usb-mouse bus=usb.0 port=3
	monitor device_add driver=usb-mouse bus=usb.0 port=4 id=mouse
	modprobe -a xhci_pci usb_storage sd_mod usbhid
	eventually "the stick is there" has_stick
	stick=$(readlink -f /dev/disk/by-id/usb-QEMU_QEMU_HARDDISK_FERRY-USB-0:0)
	# Of the two halves of the controller a stick is on the fast one.
	slow=$(grep -l "^480$" /sys/bus/usb/devices/usb*/speed)
	slow=${slow%/speed}
	slow=${slow##*/usb}
	fast=$((slow % 2 + 1))
	eventually "a mouse is" is_usb_on "$slow-3" usbhid
	eventually "and another" is_usb_on "$slow-4" usbhid
}

# hold DEVICE: by a process, $holder, that has it open through VFIO.
hold()
{
	"$(dirname "$0")/hold-device" "$1" >/run/held 2>&1 &
	# The scenario ends it.
	# shellcheck disable=SC2034
	holder=$!
	eventually "$1 is held" grep -q held /run/held
}

# runs_on CPUS THREAD: it may use these processors, and no other.
runs_on()
{
	local list
	list=$(taskset -pc "$2") || return 1
	echo "$list"
	[ "${list##*: }" = "$1" ]
}

# at_node PROCESS NODE KIND: how many pages the largest mapping of that kind has there.
at_node()
{
	grep "$3" "/proc/$1/numa_maps" | tr ' ' '\n' | sed -n "s/^N$2=//p" | sort -n | tail -n 1
}

# In the virtual host nobody else is: no confinement, no cgroups, and QEMU is root's. Debian's
# libvirt looks for its user all the same, whom only its package for systemd makes.
start_libvirt()
{
	getent passwd libvirt-qemu >/dev/null ||
		echo "libvirt-qemu:x:64055:64055::/var/lib/libvirt:/bin/false" >>/etc/passwd
	getent group libvirt-qemu >/dev/null || echo "libvirt-qemu:x:64055:" >>/etc/group
	mkdir -p /run/dbus /etc/libvirt /var/log/libvirt/qemu /var/cache/libvirt/qemu \
		/var/lib/libvirt/qemu
	dbus-daemon --system --fork
	printf '%s\n' 'user = "root"' 'group = "root"' 'security_driver = "none"' \
		'remember_owner = 0' 'cgroup_controllers = [ ]' >/etc/libvirt/qemu.conf
	virtlogd -d && libvirtd -d || return 1
	for _ in $(seq 100); do
		virsh -q uri >/dev/null 2>&1 && return
		sleep 0.2
	done
	return 1
}
export LIBVIRT_DEFAULT_URI=qemu:///system

# define_guest NAME METADATA DEVICE...: a domain of libvirt's, defined anew, with no more than it
# is given.
define_guest()
{
	local name=$1 metadata=$2
	shift 2
	cat >"/tmp/$name.xml" <<-XML
		<domain type='qemu'><name>$name</name><memory unit='MiB'>64</memory>$metadata
		<os><type arch='x86_64' machine='q35'>hvm</type></os>
		<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
		<memballoon model='none'/><controller type='usb' model='none'/>$*</devices></domain>
	XML
	virsh -q undefine "$name" 2>/dev/null
	virsh -q define "/tmp/$name.xml"
}

# killed_at CALL N COMMAND...: by strace, when it enters the Nth call of this system call. The
# exit status, 137 when it was killed.
killed_at()
{
	local call=$1 n=$2
	shift 2
	{
		strace -o /dev/null -e "trace=$call" -e "inject=$call:signal=SIGKILL:when=$n" \
			"$@" >/dev/null </dev/null
	} 2>/dev/null
}

# expect STATUS TEXT COMMAND...: that exit status, and that text in what it prints.
expect()
{
	local wanted=$1 text=$2 output status
	shift 2
	output=$("$@" 2>&1 </dev/null)
	status=$?
	echo "\$ $*"
	echo "$output"
	if [ "$status" != "$wanted" ]; then
		fail "status $status instead of $wanted: $*"
	elif [[ $output != *"$text"* ]]; then
		fail "no \"$text\" in what it prints: $*"
	else
		ok "$* ($wanted)"
	fi
}

driver_of()
{
	local link=/sys/bus/pci/devices/$1/driver
	if [ -e "$link" ]; then basename "$(readlink "$link")"; else echo none; fi
}

# What a line of /etc/pciferry.tab knows the device by, read without pciferry.
identity_of()
{
	local device=/sys/bus/pci/devices/$1 path ids chain="" part
	ids=$(cut -c3- "$device/vendor"):$(cut -c3- "$device/device")
	ids+=/$(cut -c3- "$device/subsystem_vendor"):$(cut -c3- "$device/subsystem_device")
	path=$(readlink -f "$device")
	for part in $(echo "${path#/sys/devices/pci*/}" | tr / ' '); do
		chain+=${chain:+/}${part##*:}
	done
	echo "$ids@$chain"
}

# is_on DEVICE DRIVER: has that driver, and no override (or, on vfio-pci, any).
is_on()
{
	local override
	override=$(cat "/sys/bus/pci/devices/$1/driver_override")
	[ "$(driver_of "$1")" = "$2" ] || return 1
	[ "$2" = vfio-pci ] || [ "$override" = "(null)" ]
}

finish()
{
	echo "$failures failures"
	[ "$failures" = 0 ]
	exit
}
