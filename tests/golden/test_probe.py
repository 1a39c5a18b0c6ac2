# SPDX-License-Identifier: GPL-2.0-or-later
"""probe where there is no VFIO to open: what it takes, and what it says of a device that it cannot
open. The host is made, and taken for the machine's own where it has to be. What VFIO tells is
shown in the virtual host (tests/lab) and by a scripted kernel (tests/unit/test_vfio_*.c)."""
import json

import jsonschema
import pytest

import livehost
from fakehost import usual
from program import PROGRAM, SCHEMA, expect

DISK = "0000:03:00.0"

needs_live = pytest.mark.skipif(
    not livehost.is_possible() or b"__asan_init" in PROGRAM.read_bytes(),
    reason="makes a host of its own, with this machine's libraries at their places")


@pytest.fixture(name="host")
def usual_host(tmp_path):
    return usual(tmp_path / "host")


@pytest.mark.parametrize("args,words", [
    ((), "probe needs a DEVICE"),
    ((DISK, "0000:02:00.0"), "several devices are meant; name one"),
    (("nonsense", ), "nonsense"),
    ((DISK, "--memory", "much"), "much is no size such as 2048M or 4G"),
    ((DISK, "--memory", "1M"), "1M is no size"),
    ((DISK, "--timeout", "0"), "no number of seconds"),
    ((DISK, "--risk-panic"), "it goes with --dma-test alone"),
    ((DISK, "--dry-run"), "--dry-run: no such option"),
])
def test_a_mistake_is_told_before_anything_is_opened(host, args, words):
    expect(2, words, "probe", *args, "--host", host.root)


def test_another_hosts_devices_are_not_opened_here(host):
    expect(1, "cannot be changed", "probe", DISK, "--host", host.root)
    expect(1, "cannot be changed", "probe", DISK, "--bind", "--host", host.root)


def test_a_device_that_is_not_there_is_told(host):
    expect(1, "0000:77:00.0", "probe", "0000:77:00.0", "--host", host.root)


@pytest.fixture(name="live")
def live_host(host):
    return livehost.LiveHost(host, PROGRAM)


@needs_live
def test_a_device_of_the_hosts_stays_and_the_way_to_probe_it_is_named(live):
    done = live.run("probe", DISK)
    assert done.returncode == 1
    assert done.stdout.splitlines()[1:] == [
        "  Group        4, nvme",
        f"{DISK} is not assignable: nvme has it, not VFIO",
        f"  pciferry probe {DISK} --bind binds its group for the time of the probe, and"
        " gives it back"]


@needs_live
def test_the_same_as_json(live):
    done = live.run("probe", DISK, "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["assignable"] is False
    assert document["obstacle"]["step"] == "look"
    assert document["ways"][0]["works"] is False
    assert document["ways"][1]["works"] is None
    assert document["regions"] is None and document["configuration"] is None


@needs_live
@pytest.mark.parametrize("device,words", [
    ("0000:00:01.0", "a bridge stays with the host"),
    ("0000:04:00.0", "it is in no IOMMU group"),
    ("0000:01:00.0", "no driver has it, not VFIO"),
])
def test_what_cannot_be_opened_is_told_for_what_it_is(live, device, words):
    done = live.run("probe", device)
    assert done.returncode == 1
    assert f"{device} is not assignable: {words}" in done.stdout


@needs_live
@pytest.mark.parametrize("options", [(), ("--dma-test", )])
def test_what_is_in_use_is_not_bound_for_a_probe(live, options):
    (live.root / "run").mkdir()
    done = live.run("probe", "0000:02:00.0", "--bind", *options)
    assert done.returncode == 3
    assert "mounted on /srv" in done.stderr
    assert done.stdout == ""


@needs_live
def test_a_device_that_cannot_be_tested_for_isolation_is_told_before_it_is_bound(live):
    (live.root / "run").mkdir()
    done = live.run("probe", "0000:01:00.0", "--bind", "--dma-test")
    assert done.returncode == 2
    assert "there is no DMA test for such a device" in done.stderr
    assert done.stdout == ""
    assert not list((live.root / "run").iterdir())


@needs_live
def test_a_host_that_may_panic_is_asked_for_a_second_word(host, live):
    host.file("proc/sys/kernel/unknown_nmi_panic", "1\n")
    refused = live.run("probe", DISK, "--dma-test")
    assert refused.returncode == 3
    assert "kernel.unknown_nmi_panic=1" in refused.stderr
    assert "--risk-panic" in refused.stderr
    assert refused.stdout == ""
    done = live.run("probe", DISK, "--dma-test", "--risk-panic")
    assert done.returncode == 1
    assert f"{DISK} is not assignable" in done.stdout


@needs_live
@pytest.mark.parametrize("options", [(), ("--bind", ), ("--reset", )])
def test_a_physical_function_is_not_opened_while_a_virtual_one_is_in_use(host, live, options):
    """It is on VFIO already, so that nothing else stands in the way."""
    host.device("0000:05:00.0", "1234:0010", "010802", "vfio-pci", 9)
    host.file(host.folder("0000:05:00.0") + "/sriov_numvfs", "1\n")
    host.device("0000:05:00.1", "1234:0011", "010802", "nvme", 10)
    host.link(host.folder("0000:05:00.1") + "/physfn", "../0000:05:00.0")
    host.disk("0000:05:00.1", "nvme7n1", "259:70", "/home")
    (live.root / "run").mkdir()
    done = live.run("probe", "0000:05:00.0", *options)
    assert done.returncode == 3
    assert "its virtual functions are in use" in done.stderr
    assert "its virtual function 0000:05:00.1: " in done.stderr
    assert "mounted on /home" in done.stderr
    assert done.stdout == ""


@needs_live
def test_a_group_without_its_node_is_told_by_name(host, live):
    """On vfio-pci by its link alone: the container can be opened, and its ioctl fails."""
    host.device("0000:05:00.0", "1234:0010", "010802", "vfio-pci", 9)
    done = live.run("probe", "0000:05:00.0", "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["obstacle"]["step"] == "open_container"
    assert document["obstacle"]["subject"] == "/dev/vfio/vfio"
    assert document["obstacle"]["hint"] == "sudo modprobe vfio-pci"
