# SPDX-License-Identifier: GPL-2.0-or-later
"""Virtual functions, on made hosts: what is shown, what would be done, what is refused. That a
kernel makes and removes them is shown in the virtual host (tests/lab)."""
import json

import jsonschema
import pytest

from fakehost import usual
from program import SCHEMA, expect, run

PF = "0000:06:00.0"


def physical(host, count, driver="ixgbe", **attributes):
    """A network card with room for 63, and `count` of them on 06:10.x, each in a group."""
    host.device(PF, "1234:1528", "020000", driver, 20, sriov_totalvfs=63,
                **{"sriov_drivers_autoprobe": 1, **attributes})
    for i in range(count):
        address = f"0000:06:10.{i}"
        host.device(address, "1234:1515", "020000", "ixgbevf" if i else None, 21 + i)
        host.link(f"{host.folder(PF)}/virtfn{i}", f"../{address}")
        host.link(f"{host.folder(address)}/physfn", f"../{PF}")


def give_interface(host, address, name):
    folder = host.folder(address)
    host.link(f"sys/class/net/{name}", f"../../{folder.removeprefix('sys/')}/net/{name}")
    host.file(f"{folder}/net/{name}/flags", "0x1003\n")
    host.file(f"{folder}/net/{name}/ifindex", "7\n")


@pytest.fixture(name="host")
def host_with_functions(tmp_path):
    host = usual(tmp_path / "host")
    physical(host, 2)
    return host


def vf(host, *args):
    done = run("vf", *args, "--host", host.root)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_those_that_are_there_are_shown_by_number(host):
    assert vf(host, PF).splitlines() == [
        "0000:06:00.0: 2 of 63 virtual functions",
        "  vf0    0000:06:10.0  no driver (group 21)",
        "  vf1    0000:06:10.1  ixgbevf (group 22)"]


def test_the_same_as_json(host):
    document = json.loads(vf(host, PF, "--json"))
    jsonschema.validate(document, SCHEMA)
    assert document["physical_function"] == PF
    assert (document["total"], document["count_before"]) == (63, 2)
    assert document["functions"] == [
        {"index": 0, "address": "0000:06:10.0", "iommu_group": 21, "driver": None},
        {"index": 1, "address": "0000:06:10.1", "iommu_group": 22, "driver": "ixgbevf"}]


def purposes(text):
    return [line.split(" (")[0] for line in text.splitlines()]


def test_another_number_goes_by_way_of_none(host):
    assert purposes(vf(host, PF, "4", "--dry-run")) == [
        "0000:06:00.0: remove its virtual functions",
        "0000:06:00.0: make 4 virtual functions"]
    assert purposes(vf(host, PF, "0", "--dry-run")) == [
        "0000:06:00.0: remove its virtual functions"]
    assert vf(host, PF, "2", "--dry-run") == "there are as many already\n"


def test_with_a_driver_no_other_gets_them_first(host):
    assert purposes(vf(host, PF, "4", "--driver", "vfio-pci", "--dry-run")) == [
        "0000:06:00.0: remove its virtual functions",
        "0000:06:00.0: no driver takes the new virtual functions",
        "0000:06:00.0: make 4 virtual functions",
        "each of them: bind to vfio-pci; then drivers may take new ones as before"]


@pytest.mark.parametrize("autoprobe", ["0", None])
def test_where_no_driver_takes_them_anyway_that_is_left_so(tmp_path, autoprobe):
    host = usual(tmp_path / "host")
    physical(host, 0, sriov_drivers_autoprobe=autoprobe)
    if autoprobe is None:
        (host.root / host.folder(PF) / "sriov_drivers_autoprobe").unlink()
    assert purposes(vf(host, PF, "4", "--driver", "vfio-pci", "--dry-run")) == [
        "0000:06:00.0: make 4 virtual functions",
        "each of them: bind to vfio-pci; then drivers may take new ones as before"]


@pytest.mark.parametrize("count", ["0", "1", "4"])
def test_one_in_use_keeps_them_all(host, count):
    give_interface(host, "0000:06:10.1", "eth9")
    lines = expect(3, "virtual function 1 is in use and would go", "vf", PF, count, "--dry-run",
                   "--host", host.root)
    assert any("eth9" in line for line in lines)
    assert vf(host, PF, "2", "--dry-run") == "there are as many already\n"


def test_more_than_it_can_have_are_not_asked_for(host):
    expect(1, "it can have 63 virtual functions at most", "vf", PF, "64", "--dry-run", "--host",
           host.root)


def test_its_driver_makes_them(tmp_path):
    host = usual(tmp_path / "host")
    physical(host, 0, driver=None)
    expect(1, "its driver makes the virtual functions", "vf", PF, "2", "--dry-run", "--host",
           host.root)
    assert vf(host, PF, "0", "--dry-run") == "there are as many already\n"


@pytest.mark.parametrize("status, words, args", [
    (1, "it is no physical function", ("01:00.0",)),
    (1, "it is no physical function", ("01:00.0", "2", "--dry-run")),
    (2, "not a number of virtual functions", (PF, "some")),
    (2, "not a number of virtual functions", (PF, "65536")),
    (2, "vf takes one DEVICE and one COUNT", (PF, "2", "3")),
    (2, "vf needs a DEVICE", ()),
    (2, "it goes with a COUNT", (PF, "--driver", "vfio-pci")),
    (2, "not the name of a driver", (PF, "4", "--driver", "a/b", "--dry-run")),
    (2, "not the name of a driver", (PF, "2", "--driver", "", "--dry-run")),
    (1, "no such device", ("00:1e.7",)),
    (1, "it is a copy, and cannot be changed", (PF, "3"))])
def test_what_cannot_be_is_told(host, status, words, args):
    expect(status, words, "vf", *args, "--host", host.root)


@pytest.mark.parametrize("name", ["06:00.0/vf1", "0000:06:00.0/vf1", "1234:1528/vf1"])
def test_one_is_named_by_its_number(host, name):
    done = run("show", name, "--host", host.root)
    assert done.returncode == 0 and "0000:06:10.1" in done.stdout.splitlines()[0]


@pytest.mark.parametrize("status, words, name", [
    (1, "it has no such virtual function", "06:00.0/vf2"),
    (1, "it has no such virtual function", "01:00.0/vf0"),
    (2, "not a device", "06:00.0/vf"), (2, "not a device", "06:00.0/vf-1"),
    (2, "not a device", "06:00.0/vf99999"), (2, "not a device", "/vf0"),
    (2, "not a device", "06:00.0/vf0/vf0"), (1, "no such device", "00:1e.7/vf0"),
    (2, "several devices are meant", "1234:0010/vf0")])
def test_a_number_that_is_none_is_told(host, status, words, name):
    expect(status, words, "show", name, "--host", host.root)
