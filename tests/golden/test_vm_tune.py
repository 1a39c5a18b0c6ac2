# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a guest's processors and memory are on its host. What is real: the program, and libvirt's
schema. The hosts are made, of what hwloc tells of such (tests/unit/test_tune.c asks it); that the
guest's threads are where it says is shown on the virtual host (tests/lab, vm-tune.sh)."""
import os
import pathlib
import re
import xml.etree.ElementTree as ET

import pytest

from fakehost import usual
from program import expect, run
from test_vm_create import is_valid

GOLDEN = pathlib.Path(__file__).parent / "vm-tune.txt"
CARD, AUDIO, DISK = "0000:01:00.0", "0000:01:00.1", "0000:03:00.0"


def processors(host, count, core, cache, node, vendor="GenuineIntel", kind=lambda i: 0):
    host.file("pciferry/cpus", "".join(
        f"cpu {i} core {core(i)} cache {cache(i)} node {node(i)} kind {kind(i)}\n"
        for i in range(count)))
    host.file("proc/cpuinfo", f"processor\t: 0\nvendor_id\t: {vendor}\n")


def pages(host, node, reserved, unused):
    host.file("proc/meminfo", "MemTotal: 1 kB\nHugepagesize:       2048 kB\n")
    folder = f"sys/devices/system/node/node{node}/hugepages/hugepages-2048kB"
    host.file(f"{folder}/nr_hugepages", f"{reserved}\n")
    host.file(f"{folder}/free_hugepages", f"{unused}\n")


def at_node(host, node, *addresses):
    for address in addresses:
        host.file(f"{host.folder(address)}/numa_node", f"{node}\n")


def two_sockets(host):
    """Each with eight cores of two threads, as Linux counts them; the card is at the second."""
    processors(host, 32, lambda i: i % 16, lambda i: i % 16 // 8, lambda i: i % 16 // 8)
    pages(host, 0, 8192, 8192)
    pages(host, 1, 1024, 512)
    at_node(host, 1, CARD, AUDIO)


def two_dies(host):
    """A desktop with two dies of eight cores, and pages enough."""
    processors(host, 32, lambda i: i % 16, lambda i: i % 16 // 8, lambda i: 0, "AuthenticAMD")
    pages(host, 0, 8192, 8192)


def eight_dies(host):
    """A server's processor with four cores to a cache."""
    processors(host, 64, lambda i: i % 32, lambda i: i % 32 // 4, lambda i: 0, "AuthenticAMD")


def hybrid(host):
    """Eight fast cores of two threads, and eight slow ones; the kernel says which."""
    processors(host, 24, lambda i: i // 2 if i < 16 else i - 8, lambda i: 0, lambda i: 0)
    host.file("sys/devices/cpu_core/cpus", "0-15\n")
    host.file("sys/devices/cpu_atom/cpus", "16-23\n")


HOSTS = {made.__name__: made for made in (two_sockets, two_dies, eight_dies, hybrid)}


@pytest.fixture(name="host")
def made_host(tmp_path):
    return usual(tmp_path / "host")


def create(host, *args, status=0):
    done = run("vm", "create", "guest", CARD, "--bios", "--xml", *args, "--host", host.root)
    assert done.returncode == status, done.stderr
    assert "Sanitizer" not in done.stderr
    return done


def tell(name, args, done):
    """What is said, and what of the definition is of it."""
    yield f"== {name}: {HOSTS[name].__doc__}\n$ pciferry vm create guest {' '.join(args)}\n"
    yield done.stderr
    for part in ("memoryBacking", "iothreads", "cputune", "numatune"):
        yield from re.findall(rf"^  <{part}.*?</{part}>\n", done.stdout,
                              re.MULTILINE | re.DOTALL)
    yield from re.findall(r"^    <(?:topology|feature) .*\n", done.stdout, re.MULTILINE)


def test_the_tuning_is_what_was_read_and_found_good(host, tmp_path):
    """Read: the devices' node; whole cores, their threads side by side; one cache where it is
    enough; never the first core while others are left; fast cores alone."""
    (tmp_path / "disk.qcow2").touch()
    disk = ("--disk", str(tmp_path / "disk.qcow2"))
    found = []
    for name, args in [("two_sockets", ("--cpus", "8", "--memory", "8G")),
                       ("two_sockets", ("--cpus", "4", "--memory", "1G")),
                       ("two_dies", ("--cpus", "8", *disk)),
                       ("two_dies", ("--cpus", "20",)),
                       ("two_dies", ("--cpus", "3", "--tcg")),
                       ("eight_dies", ("--cpus", "16",)),
                       ("hybrid", ("--cpus", "6",)), ("hybrid", ("--cpus", "16",))]:
        made = usual(tmp_path / f"host{len(found)}")
        HOSTS[name](made)
        done = create(made, "--tune", *args)
        assert is_valid(done.stdout, tmp_path)
        found += tell(name, [arg.replace(str(tmp_path), "") for arg in args], done)
    text = "".join(found)
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


def test_a_disk_has_a_thread_that_is_pinned_with_it(host, tmp_path):
    two_dies(host)
    for name in ("a.qcow2", "b.iso"):
        (tmp_path / name).touch()
    done = create(host, "--tune", "--disk", tmp_path / "a.qcow2", "--cdrom", tmp_path / "b.iso")
    assert is_valid(done.stdout, tmp_path)
    domain = ET.fromstring(done.stdout)
    assert [node.find("driver").get("iothread") for node in domain.iter("disk")] == ["1", None]
    assert domain.find("iothreads").text == "1"
    pins = domain.find("cputune")
    assert pins.find("iothreadpin").get("cpuset") == pins.find("emulatorpin").get("cpuset")


def test_huge_pages_that_are_asked_for_and_are_too_few_are_told_with_numbers(host):
    two_sockets(host)
    done = create(host, "--tune", "--hugepages", "--memory", "8G")
    assert "node 1 has 512 of 4096 free pages of 2 MiB: the guest will not start" in done.stderr
    # Those that are in use stay: what is reserved grows by what is lacking.
    assert "pciferry apply --hugepages 9G@1 reserves them at each boot" in done.stderr
    # What the tab has for other guests is theirs, also before it is reserved.
    host.file("etc/pciferry.tab", "pages node1 2M 16384\n")
    done = create(host, "--tune", "--hugepages", "--memory", "8G")
    assert "pciferry apply --hugepages 39G@1 reserves them at each boot" in done.stderr
    assert ET.fromstring(done.stdout).find("memoryBacking/hugepages/page").get("size") == "2048"
    assert "memoryBacking" not in create(host, "--tune", "--memory", "8G").stdout
    expect(2, "no whole pages", "vm", "create", "guest", CARD, "--tune", "--hugepages", "--memory",
           "513M", "--bios", "--xml", "--host", host.root)
    (host.root / "proc/meminfo").unlink()
    expect(1, "not known", "vm", "create", "guest", CARD, "--tune", "--hugepages", "--bios",
           "--xml", "--host", host.root)


def test_another_node_is_asked_for_where_the_devices_do_not_say_one(host):
    two_sockets(host)
    at_node(host, 0, DISK)
    lines = expect(1, "several nodes", "vm", "create", "guest", CARD, DISK, "--tune", "--bios",
                   "--xml", "--host", host.root)
    assert any("0000:03:00.0 is at node 0" in line for line in lines)
    assert any("--tune=NODE" in line for line in lines)
    done = create(host, DISK, "--tune=1")
    assert "0000:03:00.0 is farther away, at node 0" in done.stderr
    at_node(host, -1, CARD, AUDIO)
    expect(1, "does not say at which node", "vm", "create", "guest", CARD, "--tune", "--bios",
           "--xml", "--host", host.root)
    assert "node 0" in create(host, "--tune=0").stderr
    expect(1, "no processor is there", "vm", "create", "guest", CARD, "--tune=7", "--bios",
           "--xml", "--host", host.root)
    expect(2, "no number of a NUMA node", "vm", "create", "guest", CARD, "--tune=x", "--bios",
           "--xml", "--host", host.root)


def test_what_has_no_room_is_told_with_what_would(host):
    hybrid(host)
    lines = expect(1, "8 fast cores of 2 threads, too few for 20", "vm", "create", "guest", CARD,
                   "--tune", "--cpus", "20", "--bios", "--xml", "--host", host.root)
    assert any("--cpus 16 fits" in line for line in lines)


def test_a_host_of_which_no_processors_were_kept_is_told(host):
    expect(1, "pciferry record keeps it", "vm", "create", "guest", CARD, "--tune", "--bios",
           "--xml", "--host", host.root)
    host.file("pciferry/cpus", "cpu 0 core 0\n")
    expect(1, "Invalid argument", "vm", "create", "guest", CARD, "--tune", "--bios", "--xml",
           "--host", host.root)
    expect(2, "it goes with --tune", "vm", "create", "guest", CARD, "--hugepages", "--bios",
           "--xml", "--host", host.root)
