# SPDX-License-Identifier: GPL-2.0-or-later
"""Slices that are to be there after each boot, on made hosts (mdevhost.py): what verify says of them,
and what bind --tab would do. That a kernel makes them is shown in the virtual host (tests/lab)."""
import json

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


def test_without_tab_and_slices_there_is_nothing_to_verify(host):
    (host.root / f"etc/mdevctl.d/{mdevhost.IGPU}/{ONE}").unlink()
    expect(1, "pciferry.tab", "verify", "--host", host.root)
