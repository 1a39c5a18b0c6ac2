# SPDX-License-Identifier: GPL-2.0-or-later
"""Virtual functions, on made hosts: what is shown, what would be done, what is refused. That a
kernel makes and removes them is shown in the virtual host (tests/lab)."""
import json

import jsonschema
import pytest

from fakehost import usual
from program import SCHEMA, expect, run

PF = "0000:06:00.0"
MANY = f"{PF}: there are as many already\n"
UNKNOWN = {"mac": None, "vlan": None, "vlan_priority": None, "trust": None,
           "spoof_check": None}


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
        {"index": 0, "address": "0000:06:10.0", "iommu_group": 21, "driver": None, **UNKNOWN},
        {"index": 1, "address": "0000:06:10.1", "iommu_group": 22, "driver": "ixgbevf",
         **UNKNOWN}]


def purposes(text):
    return [line.split(" (")[0] for line in text.splitlines()]


def test_another_number_goes_by_way_of_none(host):
    assert purposes(vf(host, PF, "4", "--dry-run")) == [
        "0000:06:00.0: remove its virtual functions",
        "0000:06:00.0: make 4 virtual functions"]
    assert purposes(vf(host, PF, "0", "--dry-run")) == [
        "0000:06:00.0: remove its virtual functions"]
    assert vf(host, PF, "2", "--dry-run") == MANY


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
    assert vf(host, PF, "2", "--dry-run") == MANY


def test_more_than_it_can_have_are_not_asked_for(host):
    expect(1, "it can have 63 virtual functions at most", "vf", PF, "64", "--dry-run", "--host",
           host.root)


def test_its_driver_makes_them(tmp_path):
    host = usual(tmp_path / "host")
    physical(host, 0, driver=None)
    expect(1, "its driver makes the virtual functions", "vf", PF, "2", "--dry-run", "--host",
           host.root)
    assert vf(host, PF, "0", "--dry-run") == MANY


@pytest.mark.parametrize("status, words, args", [
    (1, "it is no physical function", ("01:00.0",)),
    (1, "it is no physical function", ("01:00.0", "2", "--dry-run")),
    (2, "not a number of virtual functions", (PF, "some")),
    (2, "not a number of virtual functions", (PF, "65536")),
    (2, "vf takes one DEVICE and one COUNT", (PF, "2", "3")),
    (2, "vf needs a DEVICE", ()),
    (2, "it goes with a COUNT", (PF, "--driver", "vfio-pci")),
    (2, "it goes with a COUNT", (PF, "--persist")),
    (2, "names drivers for guests alone", (PF, "4", "--driver", "e1000e", "--persist",
                                           "--dry-run")),
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


# At each boot. That the service makes them is shown in the virtual host.

IDENTITY = "1234:1528/1234:0002@06.0"
TAB = "etc/pciferry.tab"
UNIT = "usr/lib/systemd/system/pciferry.service"
ENABLED = "etc/systemd/system/multi-user.target.wants/pciferry.service"


@pytest.fixture(name="persistent")
def host_with_a_known_card(tmp_path):
    """Its identity can be told: what it is, and where it sits."""
    host = usual(tmp_path / "host")
    host.device(PF, "1234:1528", "020000", "ixgbe", 20, sriov_totalvfs=63,
                sriov_drivers_autoprobe=1)
    return host


def edits(host, *args):
    """The lines that come and go in the tab."""
    lines = [line.strip() for line in vf(host, PF, *args, "--persist", "--dry-run").splitlines()]
    return [line for line in lines if line.startswith(("+", "-")) and line[1:3] not in ("++", "--")]


def identity(host):
    """As pciferry writes it."""
    line, = (line for line in edits(host, "63") if line.startswith("+vf "))
    return line.split()[2]


def test_a_line_for_each_boot(persistent):
    host = persistent
    host.link(ENABLED, "/" + UNIT)
    host.file(TAB, "# mine\ndevice 0000:05:00.0 1234:8086/1234:0002@02.0/00.0 vfio-pci\n")
    assert f"+vf {PF} {identity(host)} 4" in edits(host, "4")
    assert f"+vf {PF} {identity(host)} 4 vfio-pci" in edits(host, "4", "--driver", "vfio-pci")
    assert edits(host, "0") == []


def test_a_line_that_is_there_is_changed_or_taken_out(persistent):
    host = persistent
    host.link(ENABLED, "/" + UNIT)
    ids = identity(host)
    host.file(TAB, f"vf {PF} {ids} 4 # mine\n")
    assert edits(host, "4") == []
    assert edits(host, "8") == [f"-vf {PF} {ids} 4 # mine", f"+vf {PF} {ids} 8 # mine"]
    assert edits(host, "0") == [f"-vf {PF} {ids} 4 # mine"]


def test_the_service_is_turned_on_where_it_is_off(persistent):
    host = persistent
    said = vf(host, PF, "4", "--persist", "--dry-run")
    assert "have pciferry bind --tab --wait run at boot" in said and "systemctl" not in said
    host.file(UNIT, "[Service]\n")
    assert "systemctl enable pciferry.service" in vf(host, PF, "4", "--persist", "--dry-run")
    host.link(ENABLED, "/" + UNIT)
    assert "systemctl" not in vf(host, PF, "4", "--persist", "--dry-run")


def test_one_that_guests_get_themselves_can_make_none(persistent):
    host = persistent
    host.file(TAB, f"device {PF} {identity(host)} vfio-pci\n")
    expect(3, "gives it to vfio-pci at each boot", "vf", PF, "4", "--persist", "--dry-run",
           "--host", host.root)


def test_one_that_makes_them_is_not_given_to_guests(persistent):
    host = persistent
    host.file(TAB, f"vf {PF} {identity(host)} 4\n")
    lines = expect(3, "by the driver that it would lose", "plan", PF, "--host", host.root)
    assert any(f"pciferry vf {PF} 0 --persist" in line for line in lines)


def test_none_at_boot_without_a_tab_is_so_already(persistent):
    assert "pciferry.tab" not in vf(persistent, PF, "0", "--persist", "--dry-run")


def test_a_service_that_is_masked_is_told(persistent):
    persistent.file(UNIT, "[Service]\n")
    persistent.link("etc/systemd/system/pciferry.service", "/dev/null")
    said = vf(persistent, PF, "4", "--persist", "--dry-run")
    assert "systemctl unmask" in said and "have systemd make them" not in said


def make(host, *drivers):
    """They are there, with these drivers."""
    for i, driver in enumerate(drivers):
        address = f"0000:06:10.{i}"
        host.device(address, "1234:1515", "020000", driver, 21 + i)
        host.link(f"{host.folder(PF)}/virtfn{i}", f"../{address}")
        host.link(f"{host.folder(address)}/physfn", f"../{PF}")


@pytest.mark.parametrize("wanted, drivers, words", [
    ("2", ("ixgbevf", None), None),
    ("2 vfio-pci", ("vfio-pci", "vfio-pci"), None),
    ("2", (), "0 virtual functions, of 2"),
    ("3", ("ixgbevf", None), "2 virtual functions, of 3"),
    ("2 vfio-pci", ("vfio-pci", "ixgbevf"), "virtual function 1 is on ixgbevf, not vfio-pci"),
    ("2 vfio-pci", (None, "vfio-pci"), "virtual function 0 is on no driver")])
def test_after_a_boot_it_is_said_whether_they_are_there(persistent, wanted, drivers, words):
    host = persistent
    host.file(TAB, f"vf {PF} {identity(host)} {wanted}\n")
    make(host, *drivers)
    done = run("verify", "--host", host.root)
    assert done.returncode == (1 if words else 0)
    assert (words or f"{PF}  2 virtual functions") in done.stdout
    document = json.loads(run("verify", "--host", host.root, "--json").stdout)
    jsonschema.validate(document, SCHEMA)
    told, = document["virtual_functions"]
    assert told["holds"] is (words is None) and told["count"] == len(drivers)


@pytest.mark.parametrize("line, words", [
    ("vf 0000:07:00.0 IDENTITY 2", "nothing is at this address"),
    (f"vf {PF} 1234:1529/1234:0002@06.0 2", "another device is there"),
    (f"vf {PF} IDENTITY 64", "0 virtual functions, of 64")])
def test_what_the_tab_cannot_have_is_told(persistent, line, words):
    host = persistent
    host.file(TAB, line.replace("IDENTITY", identity(host)) + "\n")
    done = run("verify", "--host", host.root)
    assert done.returncode == 1 and words in done.stdout


def test_without_its_driver_none_are_made(persistent):
    host = persistent
    host.file(TAB, f"vf {PF} {identity(host)} 2\n")
    (host.root / host.folder(PF) / "driver").unlink()
    assert "no driver has it, and that makes them" in run("verify", "--host", host.root).stdout


def test_one_of_them_is_not_there_for_the_initramfs(host):
    lines = expect(3, "there are none when the host boots", "plan", "06:10.1", "--host", host.root)
    assert any(f"pciferry vf {PF} COUNT" in line for line in lines)
