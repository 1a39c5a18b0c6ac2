# SPDX-License-Identifier: GPL-2.0-or-later
"""What --tune chooses on machines that people own and have told of. What is real: the numbers of
their processors, as the kernel there gave them, with the source of each below; the program; and
libvirt's schema. What is not: the devices, where one of them is, and the size of the memory. Why an
expert would choose so stands in the golden file, beside each answer."""
import os
import pathlib
import re

from fakehost import usual
from test_vm_create import is_valid
from test_vm_tune import AUDIO, CARD, at_node, create, processors

GOLDEN = pathlib.Path(__file__).parent / "vm-tune-recorded.txt"


def nodes(host, count, node, empty=()):
    """So many, with the card at that one; in these no slot for memory is filled."""
    for i in range(count):
        host.file(f"sys/devices/system/node/node{i}/meminfo",
                  f"Node {i} MemTotal:       {0 if i in empty else 16777216} kB\n")
    at_node(host, node, CARD, AUDIO)


# github.com/open-mpi/hwloc, tests/hwloc/linux/32intel64-2p8co2t+8ve.console, by Linux 3.10: nodes
# and PCI devices are there, too.
def xeon_4108(host):
    """Supermicro SYS-4029GP, two Xeon Silver 4108: each socket's numbers are neighbours"""
    processors(host, 32, lambda i: i % 16, lambda i: i % 16 // 8, lambda i: i % 16 // 8)
    nodes(host, 2, 0)


# github.com/open-mpi/hwloc, tests/hwloc/x86/Intel-CascadeLake-2xXeon6230.output. It is of CPUID,
# which does not know nodes: that each socket is one is the usual setting.
def xeon_6230(host):
    """Two Xeon Gold 6230: even numbers at one socket, odd ones at the other"""
    processors(host, 80, lambda i: i % 40, lambda i: i % 2, lambda i: i % 2)
    nodes(host, 2, 1)


# github.com/deater/test_proc/issues/3, /proc/cpuinfo of which CPUs 5 to 7 could be read.
def core_4770k(host):
    """Core i7-4770K, four cores of two threads: a plain desktop"""
    processors(host, 8, lambda i: i % 4, lambda i: 0, lambda i: 0)


# github.com/cyring/CoreFreq/issues/172, the table with a column CCX.
def ryzen_3600(host):
    """Ryzen 5 3600: three cores to an L3 cache, for one of each four is off"""
    processors(host, 12, lambda i: i % 6, lambda i: i % 6 // 3, lambda i: 0, "AuthenticAMD")


# github.com/FeralInteractive/gamemode/issues/460, lscpu -e. Of the 7950X3D's numbers
# github.com/spheenik/vfio-isolate/issues/14 says the same.
def ryzen_5950x(host):
    """Ryzen 9 5950X: two dies of eight cores, an L3 cache each"""
    processors(host, 32, lambda i: i % 16, lambda i: i % 16 // 8, lambda i: 0, "AuthenticAMD")


# Nodes: github.com/OpenMathLib/OpenBLAS/issues/1461, numactl -H; caches:
# github.com/nviennot/core-to-core-latency/pull/17, lstopo.
def threadripper_1950x(host):
    """Threadripper 1950X, its memory by node: two dies of two L3 caches, four cores to each"""
    processors(host, 32, lambda i: i % 16, lambda i: i % 16 // 4, lambda i: i % 16 // 8,
               "AuthenticAMD")
    nodes(host, 2, 1)


# Nodes: github.com/numactl/numactl/issues/165, numactl -H; caches: of one of that build,
# github.com/autonomys/subspace/issues/2456, lscpu -e.
def threadripper_3960x(host):
    """Threadripper 3960X: four nodes of two L3 caches of three cores, memory at 1 and 2 alone"""
    processors(host, 48, lambda i: i % 24, lambda i: i % 24 // 3, lambda i: i % 24 // 6,
               "AuthenticAMD")
    nodes(host, 4, 0, (0, 3))


# github.com/open-mpi/hwloc/issues/690, lstopo --cpukinds: as many kinds as there are cores whose
# top frequency differs, though all cores are alike. What it says of 24-31 could not be read.
# Caches: of the 7970X, of the same build, github.com/WildPixelGames/gdt-cpus/issues/7, lstopo.
def threadripper_7975wx(host):
    """Threadripper PRO 7975WX: four dies of eight cores, of which hwloc makes nine kinds or more"""
    ranks = {23: 1, 22: 2, 16: 3, 18: 4, 19: 5, 17: 6, 20: 7, 21: 8}
    processors(host, 64, lambda i: i % 32, lambda i: i % 32 // 8, lambda i: 0, "AuthenticAMD",
               lambda i: ranks.get(i % 32, 0 if i % 32 < 16 else 9))


# github.com/open-mpi/hwloc, tests/hwloc/x86/AMD-17h-Zen-2xEpyc-7451.output, of CPUID, which tells
# AMD's nodes.
def epyc_7451(host):
    """Two EPYC 7451: four nodes a socket, of six cores in two L3 caches"""
    processors(host, 96, lambda i: i % 48, lambda i: i % 48 // 3, lambda i: i % 48 // 6,
               "AuthenticAMD")
    nodes(host, 8, 2)


# github.com/open-mpi/hwloc, tests/hwloc/linux/20em64t-hybrid-1p6c2t+2ca4co1t.console, by Linux 6.1:
# the kinds, too. The 12900K's numbers differ only by two fast cores more, 0-15 and 16-23 (Linux,
# tools/perf/Documentation/intel-hybrid.txt).
def core_1370p(host):
    """Core i7-1370P: six fast cores of two threads, 0-11, and eight slow ones"""
    processors(host, 20, lambda i: i // 2 if i < 12 else i - 6, lambda i: 0, lambda i: 0,
               kind=lambda i: int(i < 12))
    host.file("sys/devices/cpu_core/cpus", "0-11\n")
    host.file("sys/devices/cpu_atom/cpus", "12-19\n")


# The machine, what is asked for, and why the answer is right; status 1: that it is refused.
ASKED = (
    (xeon_4108, 8, 0, "Four whole cores of the card's socket, not the first, which has the host's"
     " interrupts; the guest is told that they are pairs; memory of that socket alone."),
    (xeon_4108, 16, 1, "Half the machine is a whole socket, and then QEMU's own threads would wait"
     " behind the guest's or cross to the other. 14 leave them a core."),
    (xeon_6230, 8, 0, "The card is at the second socket: odd numbers alone, though 2 and 4 are"
     " nearer by number. Threads of a core are 40 apart."),
    (core_4770k, 4, 0, "Cores 1 and 2, both threads of each; 0 and 4 are the host's. The numbers"
     " 4-7 would be second threads of all four cores."),
    (core_4770k, 6, 0, "All but core 0: as much as a desktop of this size can give."),
    (ryzen_3600, 6, 0, "The three cores of the cache that the host's first core is not in."),
    (ryzen_3600, 8, 0, "Four have no room in one cache. Two and two, and the guest is told of two"
     " dies: of three and one it could not be."),
    (ryzen_5950x, 8, 0, "All in the second die, whose cache the host's first core does not use."),
    (ryzen_5950x, 16, 0, "Half the machine: the second die, whole; the host has the first, whole."),
    (ryzen_5950x, 20, 0, "Five of each die, told as two dies. Eight and two would be told as one"
     " cache, and the guest would move work across as if that cost nothing."),
    (threadripper_1950x, 8, 0, "One cache of the card's die, and not the one of its first core."),
    (threadripper_1950x, 12, 0, "Three of each cache of that die, told as two; the memory behind"
     " the other die's controller is not used."),
    (threadripper_3960x, 6, 0, "One cache of the card's node. That has no memory, and the kernel"
     " binds nothing to such a node; the others are all as near, by the table of distances there."),
    (threadripper_7975wx, 16, 0, "A whole die. All cores are alike, whatever hwloc makes of their"
     " top frequencies: none is called fast, none is left out."),
    (threadripper_7975wx, 32, 0, "Half the machine: two whole dies, told as two; not the first."),
    (epyc_7451, 6, 0, "One cache of the card's node, all of it."),
    (epyc_7451, 8, 0, "Two of each cache of the node; one of each is left to QEMU's threads."),
    (epyc_7451, 48, 1, "Half the machine is a socket of four nodes: a guest of several is not"
     " there, and one that does not know of them would have most memory far away."),
    (core_1370p, 8, 0, "Fast cores alone, in pairs that are neighbours by number, unlike on all"
     " machines above; the slow ones serve QEMU."),
    (core_1370p, 12, 0, "All fast cores, the first among them, which is said: eight slow ones are"
     " left to the host."),
)


def tell(machine, cpus, why, done):
    yield f"== {machine.__doc__}\n$ pciferry vm create guest --tune --cpus {cpus}\n"
    # It is of the card, which is not of this machine.
    yield re.sub(r"^how large .*\n", "", done.stderr, flags=re.MULTILINE)
    for part in ("cputune", "numatune"):
        for text in re.findall(rf"^  <{part}.*?</{part}>\n", done.stdout,
                               re.MULTILINE | re.DOTALL):
            # Two on a line.
            yield re.sub(r"(<vcpupin.*)\n +(<vcpupin.*)", r"\1 \2", text)
    yield from re.findall(r"^    <(?:topology|feature) .*\n", done.stdout, re.MULTILINE)
    yield f"-- {why}\n\n"


def test_the_pinning_is_what_an_expert_would_choose_on_machines_that_people_have(tmp_path):
    found = []
    for machine, cpus, status, why in ASKED:
        made = usual(tmp_path / f"host{len(found)}")
        machine(made)
        done = create(made, "--tune", "--cpus", str(cpus), status=status)
        assert status or is_valid(done.stdout, tmp_path)
        found.append("".join(tell(machine, cpus, why, done)))
    text = "".join(found)
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()
