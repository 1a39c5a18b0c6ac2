#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# dracut.modules(7). The tabs are this host's, and are marked so (-H): rd.hostonly=0 drops
# them. An image that is not hostonly has them too: some systems make no other.
# shellcheck disable=SC2154 # dracut sets moddir, dracutsysrootdir and systemdsystemunitdir

pciferry_tabs()
{
	local tab
	for tab in "${dracutsysrootdir-}"/etc/pciferry.tab \
		"${dracutsysrootdir-}"/etc/pciferry.trial/*.tab; do
		[[ ! -f $tab ]] || printf '%s\n' "$tab"
	done
}

check()
{
	[[ $(pciferry_tabs) ]] || return 1
	require_binaries modprobe || return 1
}

depends()
{
	return 0
}

installkernel()
{
	local driver tabs
	mapfile -t tabs < <(pciferry_tabs)
	for driver in $("${dracutsysrootdir-}/usr/lib/pciferry/tab-drivers" "${tabs[@]}"); do
		# hostonly would leave out what this host has not loaded yet.
		hostonly='' instmods -c "$driver" ||
			dwarn "pciferry: this kernel has no driver $driver"
	done
}

install()
{
	local tab
	while read -r tab; do
		inst_simple -H "${tab#"${dracutsysrootdir-}"}"
	done < <(pciferry_tabs)
	inst_simple /usr/lib/pciferry/pciferry-early
	inst_multiple modprobe sh
	# For serial numbers, and while a driver lets go.
	inst_multiple -o od sleep
	# Before udev, and before what rd.driver.pre= and force_drivers+= name is loaded: the
	# pre-udev hooks would be in time for that only where systemd is init (parse-kernel.sh
	# of 90kernel-modules is a cmdline hook, the second).
	inst_hook cmdline 00 "$moddir/pciferry.sh"
	if dracut_module_included systemd; then
		inst_simple "$moddir/modules-load.conf" \
			"$systemdsystemunitdir/systemd-modules-load.service.d/pciferry.conf"
	fi
}
