# SPDX-License-Identifier: GPL-2.0-or-later
"""Settings of virtual functions, on made hosts: what is shown, what would be set, what is
refused. That a kernel takes them is shown in the virtual host (tests/lab)."""
import json

import jsonschema
import pytest

from fakehost import usual
from program import SCHEMA, expect, run
from test_vf import ENABLED, PF, TAB, UNIT, give_interface, identity, make, physical, vf

LINK = """up
vf 0 mac 52:54:00:00:00:01 vlan 100 qos 3 trust on spoofchk off
vf 1 mac 00:00:00:00:00:00 vlan 0 spoofchk on
"""


@pytest.fixture(name="host")
def host_with_a_card_that_tells(tmp_path):
    host = usual(tmp_path / "host")
    physical(host, 2)
    give_interface(host, PF, "ens6")
    host.file("pciferry/links/ens6", LINK)
    return host


def steps(host, *args):
    return [line.removeprefix(f"{PF}: ").split(" (")[0]
            for line in vf(host, PF, *args, "--dry-run").splitlines()]


def sets(*texts):
    """--set before each."""
    return [word for text in texts for word in ("--set", text)]


def test_what_is_set_of_each_is_shown_and_what_is_not_known_is_not(host):
    assert vf(host, PF).splitlines()[1:] == [
        "  vf0    0000:06:10.0  no driver (group 21)  mac 52:54:00:00:00:01 vlan 100 qos 3"
        " trust on spoofchk off",
        "  vf1    0000:06:10.1  ixgbevf (group 22)  mac 00:00:00:00:00:00 vlan 0 spoofchk on"]
    document = json.loads(vf(host, PF, "--json"))
    jsonschema.validate(document, SCHEMA)
    first, second = document["functions"]
    assert (first["mac"], first["vlan"], first["vlan_priority"]) == ("52:54:00:00:00:01", 100, 3)
    assert (first["trust"], first["spoof_check"]) == (True, False)
    assert (second["trust"], second["spoof_check"], second["vlan"]) == (None, True, 0)


def test_new_ones_are_made_then_set_then_bound(host):
    assert steps(host, "3", "--driver", "vfio-pci",
                 *sets("vf2.mac=52:54:00:AA:00:02", "vf*.trust=on", "vf0.vlan=7:1")) == [
        "remove its virtual functions",
        "no driver takes the new virtual functions",
        "make 3 virtual functions",
        "set vf0 through ens6: vlan 7 qos 1",
        "set vf0 through ens6: trust on",
        "set vf1 through ens6: trust on",
        "set vf2 through ens6: mac 52:54:00:aa:00:02",
        "set vf2 through ens6: trust on",
        "each of them: bind to vfio-pci; then drivers may take new ones as before"]


def test_without_a_driver_none_has_them_before_they_are_set(host):
    assert steps(host, "1", *sets("vf0.spoofchk=off")) == [
        "remove its virtual functions",
        "no driver takes the new virtual functions",
        "make 1 virtual functions",
        "set vf0 through ens6: spoofchk off",
        "drivers may take them then, and new ones as before"]


def test_of_those_that_are_there_only_what_differs_is_set(host):
    assert steps(host, *sets("vf0.vlan=100:3", "vf0.trust=off", "vf1.trust=off")) == [
        "set vf0 through ens6: trust off",
        "set vf1 through ens6: trust off"]
    assert steps(host, "2", *sets("vf0.vlan=100", "vf1.vlan=0")) == [
        "set vf0 through ens6: vlan 100"]
    assert steps(host, *sets("vf0.mac=52:54:00:00:00:01", "vf*.vlan=0")) == [
        "set vf0 through ens6: vlan 0"]
    assert steps(host, *sets("vf0.trust=on", "vf1.spoofchk=on")) == [
        "there are as many already, and they are set so"]


def test_one_in_use_is_set_as_it_is_or_not_at_all(host):
    give_interface(host, "0000:06:10.1", "eth9")
    lines = expect(3, "virtual function 1 is in use and would be set otherwise", "vf", PF,
                   "--dry-run", *sets("vf0.trust=off", "vf1.vlan=5"), "--host", host.root)
    assert any("eth9" in line for line in lines)
    assert steps(host, *sets("vf0.trust=off", "vf1.vlan=0")) == [
        "set vf0 through ens6: trust off"]


@pytest.mark.parametrize("words, args", [
    ("not a setting of virtual functions", sets("mac=52:54:00:00:00:01")),
    ("not a setting of virtual functions", sets("vf.trust=on")),
    ("not a setting of virtual functions", sets("vf-1.trust=on")),
    ("not a setting of virtual functions", sets("vf65536.trust=on")),
    ("not a setting of virtual functions", sets("vf0")),
    ("no such setting", sets("vf0.trust")),
    ("no such setting", sets("vf0.speed=1")),
    ("not a MAC address", sets("vf0.mac=52:54:00:00:00")),
    ("not a MAC address", sets("vf0.mac=52-54-00-00-00-01")),
    ("not a MAC address", sets("vf0.mac=52:54:00:00:00:0g")),
    ("not a MAC address", sets("vf0.mac=52:54:00:00:00:01:")),
    ("a MAC address of a group", sets("vf0.mac=33:33:00:00:00:01")),
    ("a MAC address of a group", sets("vf0.mac=ff:ff:ff:ff:ff:ff")),
    ("the MAC address of zeros", sets("vf0.mac=00:00:00:00:00:00")),
    ("each function has a MAC address of its own", sets("vf*.mac=52:54:00:00:00:01")),
    ("not a VLAN", sets("vf0.vlan=4095")),
    ("not a VLAN", sets("vf0.vlan=")),
    ("not a VLAN", sets("vf0.vlan=0x10")),
    ("not a VLAN's priority", sets("vf0.vlan=10:8")),
    ("not a VLAN's priority", sets("vf0.vlan=10:")),
    ("it is on or off", sets("vf0.trust=yes")),
    ("it is on or off", sets("vf0.spoofchk=")),
    ("the same is set twice", sets("vf0.trust=on", "vf0.trust=on")),
    ("the same is set twice", sets("vf0.trust=on", "vf*.trust=off")),
    ("the same is set twice", sets("vf*.vlan=1", "vf1.vlan=2")),
    ("there is no such function of 2", sets("vf2.trust=on")),
    ("there is no such function of 3", ["3", *sets("vf3.trust=on")]),
    ("there is no virtual function to be set", ["0", *sets("vf*.trust=on")]),
    ("it goes with a COUNT", ["--persist", *sets("vf0.trust=on")])])
def test_a_setting_that_is_none_is_told_before_anything_is_touched(host, words, args):
    expect(2, words, "vf", PF, *args, "--dry-run", "--host", host.root)


def test_without_an_interface_nothing_is_made(tmp_path):
    host = usual(tmp_path / "host")
    physical(host, 0)
    lines = expect(1, "it has no network interface", "vf", PF, "2", *sets("vf0.trust=on"),
                   "--dry-run", "--host", host.root)
    assert any("its driver is ixgbe" in line for line in lines)
    assert steps(host, "2") == ["make 2 virtual functions"]


def test_an_interface_that_stands_for_a_function_is_not_asked(host):
    give_interface(host, PF, "ens6f0r0")
    give_interface(host, PF, "a-second-port")
    folder = host.folder(PF)
    host.file(f"{folder}/net/ens6f0r0/phys_port_name", "pf0vf0\n")
    host.file(f"{folder}/net/ens6/phys_port_name", "p0\n")
    host.file(f"{folder}/net/a-second-port/dev_port", "1\n")
    assert steps(host, *sets("vf1.vlan=5")) == ["set vf1 through ens6: vlan 5"]


def test_what_an_interface_does_not_tell_is_not_guessed(host):
    (host.root / "pciferry/links/ens6").unlink()
    expect(1, "could not be read", "vf", PF, *sets("vf0.vlan=5"), "--dry-run", "--host",
           host.root)
    assert "mac" not in vf(host, PF)


# At each boot.

@pytest.fixture(name="persistent")
def host_with_a_known_card(tmp_path):
    host = usual(tmp_path / "host")
    host.device(PF, "1234:1528", "020000", "ixgbe", 20, sriov_totalvfs=63,
                sriov_drivers_autoprobe=1)
    give_interface(host, PF, "ens6")
    host.file("pciferry/links/ens6", "up\n")
    host.file(UNIT, "[Service]\n")
    host.link(ENABLED, "/" + UNIT)
    return host


def tab_after(host, *args):
    """The lines that come and go in the tab, without what is in each of them."""
    lines = vf(host, PF, *args, "--persist", "--dry-run").splitlines()
    return [line.strip().replace(f"{PF} {identity(host)} ", "") for line in lines
            if line.strip().startswith(("+", "-")) and line.strip()[1:3] not in ("++", "--")
            and "#" not in line]


def test_settings_are_kept_beside_the_number(persistent):
    host = persistent
    assert tab_after(host, "2", "--driver", "vfio-pci",
                     *sets("vf1.mac=52:54:00:00:00:01", "vf*.trust=on", "vf0.vlan=5:2")) == [
        "+vf 2 vfio-pci",
        "+set vf0.vlan=5:2 vf0.trust=on vf1.mac=52:54:00:00:00:01 vf1.trust=on"]


def test_what_was_kept_stays_until_it_is_set_otherwise_or_its_function_goes(persistent):
    host = persistent
    ids = identity(host)
    host.file(TAB, f"vf {PF} {ids} 3\nset {PF} {ids} reset_method=flr vf0.trust=on vf2.vlan=7\n")
    assert tab_after(host, "3", *sets("vf0.trust=off")) == [
        "-set reset_method=flr vf0.trust=on vf2.vlan=7",
        "+set reset_method=flr vf0.trust=off vf2.vlan=7"]
    assert tab_after(host, "2") == [
        "-vf 3", "-set reset_method=flr vf0.trust=on vf2.vlan=7", "+vf 2",
        "+set reset_method=flr vf0.trust=on"]
    assert tab_after(host, "0") == [
        "-vf 3", "-set reset_method=flr vf0.trust=on vf2.vlan=7", "+set reset_method=flr"]
    assert tab_after(host, "3", *sets("vf0.trust=on")) == []


def test_a_line_with_settings_of_functions_alone_goes_with_them(persistent):
    host = persistent
    ids = identity(host)
    host.file(TAB, f"vf {PF} {ids} 1\nset {PF} {ids} vf0.trust=on\n")
    assert tab_after(host, "0") == ["-vf 1", "-set vf0.trust=on"]


def test_a_tab_with_a_setting_that_is_none_is_the_users_to_mend(persistent):
    host = persistent
    ids = identity(host)
    host.file(TAB, f"set {PF} {ids} vf0.mac=no\n")
    expect(1, "line 1: vf0.mac=no: not a MAC address", "vf", PF, "1", "--persist", "--dry-run",
           "--host", host.root)


@pytest.mark.parametrize("line, words", [
    ("vf0.vlan=100:3 vf1.spoofchk=on", None),
    ("reset_method=flr vf0.mac=52:54:00:00:00:01", None),
    ("vf0.vlan=100", "virtual function 0 has vlan 100 qos 3, not vlan 100: pciferry bind"),
    ("vf1.trust=off", "virtual function 1 has what is not told, not trust off"),
    ("vf2.trust=off", "vf2: there is no such function of 2"),
    ("vf0.trust=maybe", "vf0.trust=maybe: it is on or off")])
def test_after_a_boot_it_is_said_whether_they_are_set(persistent, line, words):
    host = persistent
    ids = identity(host)
    make(host, "ixgbevf", None)
    host.file("pciferry/links/ens6", LINK)
    host.file(TAB, f"vf {PF} {ids} 2\nset {PF} {ids} {line}\n")
    done = run("verify", "--host", host.root)
    assert done.returncode == (1 if words else 0), done.stdout
    assert (words or f"{PF}  2 virtual functions") in done.stdout


def test_settings_of_functions_that_nothing_makes_are_told(persistent):
    host = persistent
    host.file(TAB, f"set {PF} {identity(host)} reset_method=flr vf0.trust=on\n")
    done = run("verify", "--host", host.root)
    assert done.returncode == 1 and "there is no device or vf line" in done.stdout


def test_settings_of_another_card_in_its_place_are_not_for_this_one(persistent):
    host = persistent
    ids = identity(host)
    make(host, "ixgbevf")
    host.file("pciferry/links/ens6", LINK)
    host.file(TAB, f"vf {PF} {ids} 1\nset {PF} 1234:1529/1234:0002@06.0 vf0.vlan=9\n")
    assert run("verify", "--host", host.root).returncode == 0
