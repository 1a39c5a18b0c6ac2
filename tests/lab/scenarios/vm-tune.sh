#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: a guest's threads and memory are where pciferry has said
# lab-timeout: 560
# lab-smp: 4
# lab-append: numa=fake=2
# Real: hwloc, libvirtd, the kernel's scheduler and its policies for memory, QEMU's threads. Not
# real: the four processors, which have one thread each, and the two nodes, which the kernel makes
# of its memory alone (numa=fake); systemctl, a script that tells the kernel's cpusets what it is
# told, with which test_boot_service.py has systemd itself. The guest's QEMU emulates its
# processors, a thread for each, since more than one processor and KVM do not go together here
# (lab/README.md).
# Functions are called by way of check.
# shellcheck disable=SC2317 source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

pages=/sys/devices/system/node/node0/hugepages/hugepages-2048kB
small=(--memory 256M --screen none --bios --tcg)
linux=(--kernel "$LAB_KERNEL_QUICK" --initrd "$LAB_INITRD"
	--append "console=ttyS0 quiet panic=-1 mitigations=off no_timer_check hold=600")

has_said() { grep -qF "$1" /run/said; }

# ask QUESTION: of QEMU's monitor. "CPU #0: thread_id=812", "main: thread_id=813"
ask() { virsh -q qemu-monitor-command tuned --hmp "$1" | tr -d '\r'; }

isolates() { virsh dumpxml tuned | grep -q "<pciferry:isolate "; }
nothing_kept() { [ ! -e /run/pciferry/isolation.first ]; }

cat >/usr/bin/systemctl <<'END'
#!/bin/sh
case $1 in
show) echo "AllowedCPUs=$(cat "/run/told-$5")" ;;
set-property)
	echo "${5#*=}" >"/run/told-$4"
	# None at all the kernel refuses where tasks are (ENOSPC), which systemd passes over.
	echo "${5#*=}" >"/sys/fs/cgroup/$4/cpuset.cpus" || :
	;;
esac
END
chmod +x /usr/bin/systemctl
echo +cpuset >/sys/fs/cgroup/cgroup.subtree_control
for unit in system.slice user.slice init.scope; do
	mkdir -p "/sys/fs/cgroup/$unit"
	echo >"/run/told-$unit"
done
sh -c 'echo $$ >/sys/fs/cgroup/system.slice/cgroup.procs; exec sleep 3000' &
task=$!

# Before the daemon runs: it looks for hooks when it starts.
expect 0 "libvirt calls pciferry" "$PCIFERRY" vm hook install
mkdir -p /dev/hugepages
mount -t hugetlbfs hugetlbfs /dev/hugepages
# libvirt asks for /dev/vfio/vfio, which systemd makes before its module is there.
modprobe vfio-pci
check "libvirt has come up" start_libvirt
truncate -s 16M /run/disk.img
ls -d /sys/devices/system/node/node[0-9]*

# A recording is answered as the host itself is, without hwloc.
"$PCIFERRY" record /run/host.tar >/dev/null 2>&1
wish=(vm create other "$LAB_NVME_FREE" "${small[@]}" --tune=0 --cpus 3 --xml)
"$PCIFERRY" "${wish[@]}" >/run/live.xml 2>/run/live.said
"$PCIFERRY" "${wish[@]}" --host /run/host.tar >/run/recorded.xml 2>/run/recorded.said
check "the definition has pins" grep -q "<vcpupin" /run/live.xml
check "recorded, it is the same" cmp /run/live.xml /run/recorded.xml
check "and so is what is said" cmp /run/live.said /run/recorded.said

expect 0 "node 0 has 0 of 128 free pages of 2 MiB" "$PCIFERRY" vm create none "$LAB_NVME_FREE" \
	"${small[@]}" --tune=0
expect 1 "4 cores, one of them for the host: too few for 4" "$PCIFERRY" vm create many \
	"$LAB_NVME_FREE" "${small[@]}" --tune=0 --cpus 4
expect 1 "systemd does not run this host" "$PCIFERRY" vm create alone "$LAB_NVME_FREE" \
	"${small[@]}" --tune=0 --isolate
mkdir -p /run/systemd/system
echo 160 >"$pages/nr_hugepages"
check "huge pages are there" test "$(cat "$pages/free_hugepages")" = 160

"$PCIFERRY" vm create tuned "$LAB_NVME_FREE" "${small[@]}" "${linux[@]}" --tune=0 --cpus 2 \
	--isolate --disk /run/disk.img --start 2>/run/said
check "the guest has started" test $? = 0
cat /run/said
check "said: its processors" has_said "the guest's processors, in their order: CPUs 1-2 of node 0"
check "said: QEMU's threads" has_said "QEMU's own threads: CPUs 0,3"
check "said: its memory" has_said "its memory: of node 0"
check "said: the host's tasks" has_said "the host's other tasks are kept off its cores"
check "said: huge pages" has_said "huge pages: 128 of 2 MiB, of 160 that are free there"

pid=$(cat /run/libvirt/qemu/tuned.pid)
mapfile -t vcpus < <(ask "info cpus" | sed -n 's/.*thread_id=//p')
mapfile -t io < <(ask "info iothreads" | sed -n 's/.*thread_id=//p')
check "there are two threads of processors" test "${#vcpus[@]}" = 2
check "which are not one" test "${vcpus[0]}" != "${vcpus[1]}"
check "the first is where it was said" runs_on 1 "${vcpus[0]}"
check "the second is where it was said" runs_on 2 "${vcpus[1]}"
check "QEMU's main thread is elsewhere" runs_on 0,3 "$pid"
check "and so is the disk's" runs_on 0,3 "${io[0]}"
virsh vcpuinfo tuned
check "libvirt has kept what asks for it" isolates
check "a task of the host's is off its cores" runs_on 0,3 "$task"

grep -E 'huge|bind' "/proc/$pid/numa_maps" | head -n 5
check "128 huge pages of it are at the node" test "$(at_node "$pid" 0 huge)" = 128
check "and none at the other" test -z "$(at_node "$pid" 1 huge)"
check "which is its policy" grep -q "bind:0.* huge" "/proc/$pid/numa_maps"
check "the kernel counts them" test "$(cat "$pages/free_hugepages")" = 32
virsh -q destroy tuned
eventually "the disk is the host's again" is_on "$LAB_NVME_FREE" nvme
eventually "and so are its cores" runs_on 0-3 "$task"
eventually "nothing is kept of it" nothing_kept

expect 0 "" "$PCIFERRY" vm create both "$LAB_NVME_FREE" "${small[@]}" --tune=0 --isolate --hand-over
check "libvirt keeps both elements" test "$(virsh dumpxml both | grep -c '<pciferry:')" = 2
finish
