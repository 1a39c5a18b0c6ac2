#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: the threads and the memory of a guest that vm run starts are where it has said
# lab-timeout: 400
# lab-smp: 4
# lab-append: numa=fake=2
# Real: hwloc, the kernel's scheduler and its policies for memory, QEMU's threads under its own
# filter of system calls. Not real: the four processors, which have one thread each, the two nodes,
# which the kernel makes of its memory alone, and the guest, which waits in its firmware. QEMU
# emulates its processors, a thread for each (lab/README.md says why).
# Functions are called by way of check.
# shellcheck disable=SC2317 source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

pages=/sys/devices/system/node/node0/hugepages/hugepages-2048kB
small=(--bios --accel tcg --memory 256M --display none)

runs() { pid=$(pidof qemu-system-x86_64) && threads "CPU 1/TCG"; }
runs_or_not() { runs || ! kill -0 "$run" 2>/dev/null; }
has_ended() { [ -z "$(pidof qemu-system-x86_64)" ]; }
nobody_keeps() { ! pgrep -f "vm run" >/dev/null; }
said() { grep -qF -- "$1" /run/said; }

# threads NAME: of QEMU's, by the names that it has given them.
threads() { grep -lx -- "$1" "/proc/$pid/task"/*/comm | cut -d/ -f5 | grep .; }

others_run_on()
{
	local thread
	while read -r thread; do
		runs_on "$1" "$thread" || return
	done < <(grep -Lx "CPU ./TCG" "/proc/$pid/task"/*/comm | cut -d/ -f5)
}

# The line that QEMU has told its threads by.
is_closed()
{
	local fd
	fd=$(tr '\0' '\n' <"/proc/$pid/cmdline" | sed -n 's/^socket,id=pins,fd=//p')
	[ -n "$fd" ] && [[ $(readlink "/proc/$pid/fd/$fd") != socket:* ]]
}

begin()
{
	echo "\$ vm run $*"
	"$PCIFERRY" vm run "$LAB_NVME_FREE" "${small[@]}" "$@" >/run/said 2>&1 </dev/null &
	run=$!
	eventually "the guest runs, or has told why not" runs_or_not
	check "it runs" runs
	eventually "its second processor is where it was said" runs_on 2 "$(threads "CPU 1/TCG")"
	eventually "nobody listens to QEMU any more" is_closed
}

finish_guest()
{
	kill -TERM "$run"
	wait "$run"
	check "it ends well" test $? = 0
	cat /run/said
	eventually "the guest has ended" has_ended
	check "the device is the host's again" is_on "$LAB_NVME_FREE" nvme
	eventually "nothing is left running" nobody_keeps
}

# By root, of usual pages.
begin --user root --tune=0 --cpus 2
check "said: its processors" said "the guest's processors, in their order: CPUs 1-2 of node 0"
check "said: too few huge pages" said "node 0 has 0 of 128 free pages of 2 MiB: the guest goes without"
check "its first is where it was said" runs_on 1 "$(threads "CPU 0/TCG")"
check "QEMU's other threads are elsewhere" others_run_on 0,3
check "its memory is bound to the node" grep -q "bind:0.* anon=" "/proc/$pid/numa_maps"
finish_guest

expect 1 "node 0 has 0 of 128 free pages" "$PCIFERRY" vm run "$LAB_NVME_FREE" "${small[@]}" \
	--tune=0 --hugepages
check "the device is the host's" is_on "$LAB_NVME_FREE" nvme

# By a user, who may not, of huge pages.
echo 160 >"$pages/nr_hugepages"
check "huge pages are there" test "$(cat "$pages/free_hugepages")" = 160
begin --user nobody --tune=0 --cpus 2 --hugepages
check "it is nobody's" grep -q "^Uid:.65534" "/proc/$pid/status"
check "with few system calls" grep -q "^Seccomp:.2" "/proc/$pid/status"
check "its first is where it was said" runs_on 1 "$(threads "CPU 0/TCG")"
check "QEMU's other threads are elsewhere" others_run_on 0,3
grep huge "/proc/$pid/numa_maps" | head -n 3
check "128 huge pages of it are at the node" test "$(at_node "$pid" 0 huge)" = 128
check "and none at the other" test -z "$(at_node "$pid" 1 huge)"
check "the kernel counts them" test "$(cat "$pages/free_hugepages")" = 32
finish_guest
check "they are free again" test "$(cat "$pages/free_hugepages")" = 160

# Asked to end before QEMU has told its threads, and a program that never does.
printf '#!/bin/sh\nexec sleep 1000\n' >/run/silent
chmod +x /run/silent
"$PCIFERRY" vm run "$LAB_NVME_FREE" "${small[@]}" --tune=0 --qemu /run/silent >/run/said 2>&1 &
run=$!
eventually "it waits for what never comes" pidof sleep
kill -TERM "$run"
wait "$run"
check "it ends when it is asked to" test $? = 0
check "the device is the host's" is_on "$LAB_NVME_FREE" nvme
finish
