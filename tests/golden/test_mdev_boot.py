# SPDX-License-Identifier: GPL-2.0-or-later
"""Slices that are to be there after each boot, on made hosts (mdevhost.py): what verify says of them,
and what bind --tab would do. That a kernel makes them is shown in the virtual host (tests/lab)."""
import json
import shutil
import time

import jsonschema
import pytest

import mdevhost
from fakehost import usual
from program import SCHEMA, expect, run

ONE = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
TWO = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1002"
THREE = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1003"
AUTO = '{"mdev_type": "i915-GVTg_V5_4", "start": "auto"}'


def define(host, uuid, text=AUTO, parent=mdevhost.IGPU):
    host.file(f"etc/mdevctl.d/{parent}/{uuid}", text)


@pytest.fixture(name="host")
def host_with_one_that_is_there(tmp_path):
    host = usual(tmp_path / "host")
    mdevhost.add_slice(host, mdevhost.gvtg(host), ONE, "i915-GVTg_V5_4", 9)
    host.file("proc/cmdline", "root=/dev/sda1\n")
    define(host, ONE)
    return host


def verify(host, status):
    done = run("verify", "--json", "--host", host.root)
    assert done.returncode == status, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    return {one["uuid"]: one for one in document["slices"]}


def test_what_is_there_as_it_is_defined_holds_without_a_tab(host):
    found = verify(host, 0)
    assert found == {ONE: {"uuid": ONE, "parent": mdevhost.IGPU, "type": "i915-GVTg_V5_4",
                           "holds": True, "why": None}}
    assert f"{ONE}  a slice of {mdevhost.IGPU}, type i915-GVTg_V5_4" in run(
        "verify", "--host", host.root).stdout


def test_what_starts_by_hand_is_not_expected(host):
    define(host, TWO, AUTO.replace("auto", "manual"))
    assert list(verify(host, 0)) == [ONE]


@pytest.mark.parametrize("text, parent, why", [
    (AUTO, mdevhost.IGPU, "pciferry bind --tab makes it"),
    (AUTO.replace("V5_4", "V5_9"), mdevhost.IGPU, "does not offer this type"),
    (AUTO, "mtty", "its parent is not there"),
    (AUTO[:-1] + ', "attrs": [{"a": "1"}]}', mdevhost.IGPU, f"mdevctl start --uuid {TWO}"),
    (AUTO[:20], mdevhost.IGPU, "half written")])
def test_why_one_is_not_there_is_told(host, text, parent, why):
    define(host, TWO, text, parent)
    found = verify(host, 1)
    assert found[ONE]["holds"] and not found[TWO]["holds"]
    assert why in found[TWO]["why"]
    assert f"{TWO}  not a slice of {parent}" in run("verify", "--host", host.root).stdout


def test_one_that_is_another_type_is_not_taken_for_it(host):
    define(host, ONE, AUTO.replace("V5_4", "V5_8"))
    assert "it is a slice of 0000:00:02.0, type i915-GVTg_V5_4" in verify(host, 1)[ONE]["why"]


def test_bind_tab_makes_those_that_can_be_and_names_the_others(host):
    define(host, TWO)
    define(host, THREE, parent="mtty")
    done = run("bind", "--tab", "--dry-run", "--host", host.root)
    assert done.returncode == 1
    assert "mdev_supported_types/i915-GVTg_V5_4/create" in done.stdout and TWO in done.stdout
    assert ONE not in done.stdout
    assert f"{THREE}: its parent is not there" in done.stderr


def test_pciferry_off_makes_none(host):
    host.file("proc/cmdline", "root=/dev/sda1 pciferry=off\n")
    define(host, TWO)
    done = run("bind", "--tab", "--dry-run", "--host", host.root)
    assert done.returncode == 0 and TWO not in done.stdout
    assert "pciferry=off" in done.stderr


def test_pciferry_off_is_told_as_the_reason_and_another_way_out(host):
    host.file("proc/cmdline", "root=/dev/sda1 pciferry=off\n")
    define(host, TWO)
    why = verify(host, 1)[TWO]["why"]
    assert "pciferry=off was on" in why and "bind --tab" not in why
    assert f"pciferry mdev create {mdevhost.IGPU} i915-GVTg_V5_4 {TWO}" in why


@pytest.mark.parametrize("text, parent", [
    (AUTO.replace("V5_4", "V5_9"), mdevhost.IGPU),
    (AUTO[:-1] + ', "attrs": [{"a": "1"}]}', mdevhost.IGPU),
    (AUTO[:-1] + ', "attrs": [{"a": "1"}]}', "mtty"),
    (AUTO[:20], mdevhost.IGPU)])
def test_nobody_waits_for_what_does_not_come_by_waiting(host, text, parent):
    """With a boot behind it: libvirtd waits for the service."""
    define(host, TWO, text, parent)
    done = run("bind", "--tab", "--wait=3600", "--dry-run", "--host", host.root, timeout=60)
    assert done.returncode == 1 and TWO in done.stderr
    assert run("verify", "--wait=3600", "--host", host.root, timeout=60).returncode == 1


def test_verify_does_not_wait_again_for_a_parent_that_bind_has_waited_for(host):
    define(host, TWO, parent="mtty")
    begun = time.monotonic()
    assert run("bind", "--tab", "--wait=1", "--dry-run", "--host", host.root).returncode == 1
    assert time.monotonic() - begun >= 1
    assert run("verify", "--wait=3600", "--host", host.root, timeout=60).returncode == 1


def test_verify_waits_for_what_mdevctl_may_be_making(host):
    host.file("usr/lib/udev/rules.d/60-mdevctl.rules",
              'RUN+="/usr/sbin/mdevctl start-parent-mdevs %k"\n')
    host.file("usr/sbin/mdevctl", "")
    define(host, TWO, AUTO[:-1] + ', "attrs": [{"a": "1"}]}')
    begun = time.monotonic()
    assert run("verify", "--wait=1", "--host", host.root).returncode == 1
    assert time.monotonic() - begun >= 1


def test_what_starts_by_hand_alone_fails_no_boot(host):
    """The service starts wherever anything is defined."""
    define(host, ONE, AUTO.replace("auto", "manual"))
    assert not verify(host, 0)
    done = run("bind", "--tab", "--wait=3600", "--json", "--host", host.root, timeout=60)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["slices"] == []


def break_definitions(host):
    shutil.rmtree(host.root / "etc/mdevctl.d")
    host.file("etc/mdevctl.d", "")


def test_definitions_that_cannot_be_read_leave_the_tab_as_it_is(host):
    break_definitions(host)
    host.file("etc/pciferry.tab", "device 0000:00:1f.6 8086:15d8/8086:15d8@1f.6 vfio-pci\n")
    told = run("verify", "--host", host.root).stdout.splitlines()
    assert "0000:00:1f.6  no driver, not vfio-pci" in told
    assert "/etc/mdevctl.d: Not a directory" in told
    document = json.loads(run("verify", "--json", "--host", host.root).stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["bad_lines"] == ["/etc/mdevctl.d: Not a directory"]
    assert document["devices"] and not document["slices"]
    told = run("bind", "--tab", "--dry-run", "--host", host.root).stderr
    assert "/etc/mdevctl.d: Not a directory" in told
    assert "0000:00:1f.6: nothing is at this address" in told


def test_definitions_that_cannot_be_read_are_no_missing_tab(host):
    break_definitions(host)
    done = run("verify", "--wait=3600", "--host", host.root, timeout=60)
    assert done.returncode == 1 and done.stdout == "/etc/mdevctl.d: Not a directory\n"


def test_without_tab_and_slices_there_is_nothing_to_verify(host):
    (host.root / f"etc/mdevctl.d/{mdevhost.IGPU}/{ONE}").unlink()
    expect(1, "pciferry.tab", "verify", "--host", host.root)
