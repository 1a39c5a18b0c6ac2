# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What init and start have in common. The output goes to the lab through one virtio port;
# there, lines that begin with a NUL and this run's token are the lab's own:
#
#	boot		the host is up, the scenario starts
#	fail TEXT	it did not come up
#	exit STATUS	the scenario ended
#
# Who sources it has a function power_off, and $lab_token.
lab_token=${lab_token-}

tell()
{
	printf '\0%s %s\n' "$lab_token" "$*" >&9
}

fail()
{
	tell "fail $*"
	# The lab takes it from here; a host that nobody watches powers itself off.
	read -rt 10 <> <(:)
	power_off
}

# Opens the port as descriptor 9. udev may not have named it yet. It can be opened only once,
# so that a scenario gets a pipe, which it may open again as /dev/stdout.
open_port()
{
	local port tries

	for ((tries = 0; tries < 100; tries++)); do
		for port in /dev/vport*p1; do
			break
		done
		[ -c "$port" ] && break
		read -rt 0.1 <> <(:)
	done
	[ -c "$port" ] || power_off
	exec 7<>"$port"
	exec 9> >(exec cat >&7)
	# The lab's pokes (ferrylab/run.py) end here.
	cat <&7 >/dev/null &
	exec 7>&-
}

# Where is each device of the machine's table, and is it the right one? Its address goes into
# the variable that the table names.
find_devices()
{
	local variable path ids serial folder rest vendor device found file

	while read -r variable path ids serial; do
		folder=/sys/bus/pci/devices/0000:00:${path%%/*}
		rest=$path
		while [[ $rest == */* ]]; do
			rest=${rest#*/}
			for folder in "$folder"/0000:??:"${rest%%/*}"; do
				break
			done
		done
		[ -e "$folder/vendor" ] || fail "$variable: nothing at $path"
		read -r vendor <"$folder/vendor"
		read -r device <"$folder/device"
		[ "${vendor#0x}:${device#0x}" = "$ids" ] ||
			fail "$variable: ${vendor#0x}:${device#0x} instead of $ids at $path"
		if [ "$serial" != - ]; then
			found=
			for file in "$folder"/nvme/nvme*/serial; do
				read -r found <"$file"
			done
			[ "$found" = "$serial" ] ||
				fail "$variable: serial number '$found' instead of '$serial'"
		fi
		export "$variable=${folder##*/}"
	done </run/lab/devices
}
