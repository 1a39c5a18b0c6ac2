# SPDX-License-Identifier: GPL-2.0-or-later
"""Slices of devices, on made hosts (mdevhost.py): what is shown, what would be done, what is
refused. That a kernel makes and removes them is shown in the virtual host (tests/lab)."""
import json
import os
import pathlib
import re
import shutil
import time

import jsonschema
import pytest

import mdevhost
from fakehost import usual
from livehost import LiveHost, changeable, needs_root
from mdevhost import knows_processes, process
from program import PROGRAM, ROOT, SCHEMA, expect, run

ONE = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
TWO = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1002"
KEPT = f"etc/mdevctl.d/{mdevhost.IGPU}"
WHOLE = '{\n  "mdev_type": "i915-GVTg_V5_4",\n  "start": "auto",\n  "attrs": []\n}'
SEED = ROOT.parent / "shared" / "cases" / "seed-host"


@pytest.fixture(name="host")
def host_with_gvtg(tmp_path):
    host = usual(tmp_path / "host")
    mdevhost.gvtg(host)
    return host


def mdev(host, *args):
    done = run("mdev", *args, "--host", host.root)
    assert done.returncode == 0, done.stderr
    return done.stdout


def document(host, *args):
    found = json.loads(mdev(host, *args, "--json"))
    jsonschema.validate(found, SCHEMA)
    return found


def types(host, *args):
    return {(of["parent"], of["type"]): of for of in document(host, "types", *args)["types"]}


def slices(host):
    return {of["uuid"] or of["function"]: of for of in document(host, "list")["slices"]}


def rows(text):
    """Without the heading; each as its words."""
    return [line.split() for line in text.splitlines()[1:]]


def test_what_a_type_of_gvtg_costs_is_told(host):
    found = types(host)
    assert [name for _, name in found] == [f"i915-GVTg_V5_{n}" for n in "1248"]
    four = found[mdevhost.IGPU, "i915-GVTg_V5_4"]
    assert (four["kind"], four["available"], four["device_api"]) == ("mdev", 5, "vfio-pci")
    assert {key: value for key, value in four["cost"].items() if value is not None} == {
        "aperture_mib": 128, "hidden_mib": 512, "fences": 4, "weight": 4, "width": 1920,
        "height": 1200}
    assert "128 MiB aperture, 512 MiB hidden, 4 fences, 4 weight, 1920x1200" in mdev(
        host, "types", "00:02.0")


def test_what_a_type_of_a_vgpu_costs_is_told(host):
    mdevhost.vgpu(host)
    found = types(host, mdevhost.CARD)
    assert [name for _, name in found] == ["nvidia-283", "nvidia-284", "nvidia-285"]
    of = found[mdevhost.CARD, "nvidia-284"]
    assert (of["name"], of["available"]) == ("GRID P4-2Q", 4)
    assert {key: value for key, value in of["cost"].items() if value is not None} == {
        "memory_mib": 2048, "heads": 4, "frames_per_second": 60, "width": 4096,
        "height": 2160, "max_instances": 4}


def test_slices_without_mdev_are_shown_beside_those_with_it(host):
    functions = mdevhost.vendor(host, [0, 1148, 0, 1300])
    mdevhost.amd(host)
    found = types(host)
    two = found[mdevhost.PHYSICAL, "1148"]
    assert (two["kind"], two["name"]) == ("vendor", "NVIDIA L40S-2Q")
    # How much memory is left nothing tells: so many functions could have it, no more.
    assert (two["available"], two["free_functions"], two["existing"]) == (None, 2, 1)
    assert two["cost"]["memory_mib"] == 2048
    # It is offered no more, and its name is gone with that.
    assert found[mdevhost.PHYSICAL, "1300"]["name"] is None
    amd = found[mdevhost.AMD, "vf"]
    # Whether its driver makes more, before these have gone, nothing tells either.
    assert (amd["kind"], amd["existing"]) == ("virtual_function", 2)
    assert (amd["available"], amd["free_functions"]) == (None, 6)
    there = slices(host)
    assert list(there) == [functions[1], functions[3]]
    assert there[functions[1]]["type"] == "1148"
    assert there[functions[1]]["uuid"] is None
    expect(1, "not mediated devices", "mdev", "create", mdevhost.AMD, "vf", "--dry-run",
           "--host", host.root)


def test_a_type_that_lacks_something_hides_no_other(host):
    folder = host.folder(mdevhost.IGPU)
    (host.root / folder / "mdev_supported_types/i915-GVTg_V5_8/available_instances").unlink()
    (host.root / folder / "mdev_supported_types/i915-GVTg_V5_8/name").unlink()
    found = types(host)
    assert len(found) == 4
    assert found[mdevhost.IGPU, "i915-GVTg_V5_8"]["available"] is None
    assert ["i915-GVTg_V5_8", "?"] == [row[1:3] for row in rows(mdev(host, "types"))][-1]


def test_a_parent_that_is_no_pci_device_is_one(host):
    mdevhost.add_parent(host, "sys/devices/virtual/mdpy/mdpy", "mdpy")
    mdevhost.add_type(host, "sys/devices/virtual/mdpy/mdpy", "mdpy-vga", 4,
                      "virtual display, 640x480 framebuffer")
    assert types(host, "mdpy")["mdpy", "mdpy-vga"]["cost"]["width"] == 640
    assert "make it, a slice of mdpy" in mdev(host, "create", "mdpy", "mdpy-vga", "--dry-run")


def test_a_device_that_cannot_be_cut_is_said_to_be_none(host):
    done = run("mdev", "types", "01:00.0", "--host", host.root)
    assert (done.returncode, done.stdout) == (0, "")
    assert "Nothing of this device" in done.stderr
    expect(1, "cannot be cut into slices", "mdev", "create", "01:00.0", "x", "--dry-run",
           "--host", host.root)


def test_the_seed_host_s_listing_is_that_of_its_mdevctl(tmp_path):
    listing = SEED / "mdevctl_list_output"
    if not listing.exists():
        pytest.skip(f"{listing} is not here")
    wanted = [line.split() for line in listing.read_text().splitlines()]
    host = usual(tmp_path / "host")
    mdevhost.vgpu(host, [uuid for uuid, _, _ in wanted])
    assert sorted(row[:3] for row in rows(mdev(host, "list"))) == sorted(wanted)


def recorded_domain(ask):
    """Four slices, as virsh dumpxml has them of a host with vGPU."""
    elements = SEED / "libvirt_vgpu.xml"
    if not elements.exists():
        pytest.skip(f"{elements} is not here")
    metadata = "<metadata><p:hand-over xmlns:p='urn:pciferry:domain:1'/></metadata>" if ask else ""
    return (f"<domain type='kvm'><name>web</name>{metadata}<devices>{elements.read_text()}"
            "</devices></domain>")


def lint(host, tmp_path, text):
    path = tmp_path / "domain.xml"
    path.write_text(text)
    done = run("vm", "lint", "--xml", path, "--json", "--host", host.root)
    return [(one["status"], one["subject"], one["seen"]) for one in
            json.loads(done.stdout)["findings"] if one["check"] == "domain-slices"]


def test_a_recorded_guest_s_slices_are_looked_for(tmp_path):
    """Its host's mdevctl lists others, of another time: these are made."""
    text = recorded_domain(False)
    wanted = re.findall("uuid='(.*)'", text)
    assert len(wanted) == 4
    host = usual(tmp_path / "host")
    mdevhost.vgpu(host, wanted[1:])
    found = lint(host, tmp_path, text)
    assert [one[:2] for one in found] == [("FAIL", wanted[0])]
    host.file(f"etc/mdevctl.d/{mdevhost.CARD}/{wanted[0]}",
              '{"mdev_type": "nvidia-284", "start": "manual"}')
    assert lint(host, tmp_path, text) == [
        ("WARN", wanted[0], f"it is defined, as a slice of {mdevhost.CARD}, and not there now")]
    assert lint(host, tmp_path, recorded_domain(True))[0][0] == "PASS"
    host.file(f"etc/mdevctl.d/{mdevhost.CARD}/{wanted[0]}", "{")
    assert "half written" in lint(host, tmp_path, recorded_domain(True))[0][2]


def test_a_slice_that_a_guest_has_is_not_removed(host):
    mdevhost.add_slice(host, host.folder(mdevhost.IGPU), ONE, "i915-GVTg_V5_4", 9)
    knows_processes(host)
    process(host, 812, "qemu-system-x86", "/dev/vfio/9", "qemu", "-name", "guest=web,x=y")
    assert slices(host)[ONE]["held_by"] == ["process 812 (qemu-system-x86), guest web"]
    lines = expect(3, "it is in use", "mdev", "remove", ONE, "--dry-run", "--host", host.root)
    assert "guest web" in lines[1]


def test_a_slice_of_which_it_is_not_known_who_has_it_is_not_removed(host):
    mdevhost.add_slice(host, host.folder(mdevhost.IGPU), ONE, "i915-GVTg_V5_4", 9)
    shutil.rmtree(host.root / "proc/1")  # hidepid= of proc(5)
    assert slices(host)[ONE]["held_by"] is None
    expect(3, "not all that may hold it could be looked at", "mdev", "remove", ONE, "--dry-run", "--host",
           host.root)


def test_a_slice_that_nobody_has_is_removed(host):
    mdevhost.add_slice(host, host.folder(mdevhost.IGPU), ONE, "i915-GVTg_V5_4", 9)
    knows_processes(host)
    assert slices(host)[ONE]["held_by"] == []
    assert f"{ONE}: remove it" in mdev(host, "remove", ONE.upper(), "--dry-run")
    expect(1, "no such slice of mtty", "mdev", "remove", ONE, "--parent", "mtty", "--dry-run",
           "--host", host.root)


def test_a_removal_that_hangs_is_seen(host):
    folder = host.folder(mdevhost.IGPU)
    mdevhost.add_slice(host, folder, ONE, "i915-GVTg_V5_4", 9)
    knows_processes(host)
    process(host, 812, "qemu-system-x86", "/dev/vfio/9", "qemu", "-name", "web")
    mdevhost.let_leave(host, folder, ONE, "i915-GVTg_V5_4")
    assert slices(host)[ONE]["state"] == "leaving"
    for words in ("create", mdevhost.IGPU, "i915-GVTg_V5_4", ONE), ("remove", ONE):
        lines = expect(3, "it is being removed", "mdev", *words, "--dry-run", "--host",
                       host.root)
        assert any("guest web" in line for line in lines)


def test_mistakes_are_told_before_anything_is_made(host):
    folder = host.folder(mdevhost.IGPU)
    mdevhost.add_slice(host, folder, ONE, "i915-GVTg_V5_4", 9)
    host.file(f"{folder}/mdev_supported_types/i915-GVTg_V5_1/available_instances", "0\n")
    for status, words, *arguments in (
            (2, "not a UUID", mdevhost.IGPU, "i915-GVTg_V5_4", "83b8f4f2"),
            (2, "takes PARENT, TYPE", mdevhost.IGPU),
            (1, "it has no type i915-GVTg_V5_16", mdevhost.IGPU, "i915-GVTg_V5_16"),
            (1, "this UUID is that of a slice", mdevhost.IGPU, "i915-GVTg_V5_8", ONE),
            (1, "no room for another slice", mdevhost.IGPU, "i915-GVTg_V5_1"),
            (1, "no device of that name", "matrix", "vfio_ap-passthrough"),
            (1, "no such device", "0000:99:00.0", "x")):
        expect(status, words, "mdev", "create", *arguments, "--dry-run", "--host", host.root)
    assert mdev(host, "create", mdevhost.IGPU, "i915-GVTg_V5_4", ONE, "--dry-run") == \
        "nothing to do\n"


def test_what_is_defined_and_what_is_there_are_one_list(host):
    mdevhost.add_slice(host, host.folder(mdevhost.IGPU), ONE, "i915-GVTg_V5_4", 9)
    host.file(f"{KEPT}/{ONE}", WHOLE)
    host.file(f"{KEPT}/{TWO}", WHOLE.replace("auto", "manual"))
    host.file("etc/mdevctl.d/mtty/README", "not one")
    (host.root / "etc/mdevctl.d/scripts.d/callouts").mkdir(parents=True)
    found = slices(host)
    assert [(of["state"], of["start"]) for of in found.values()] == [
        ("active", "auto"), ("defined", "manual")]
    assert found[TWO]["definition"] == f"{KEPT}/{TWO}"


@pytest.mark.parametrize("text, why", [
    (WHOLE[:30], "half written"), (WHOLE + 4 * "\0", "half written"),
    (WHOLE.replace("auto", "au\nto"), "half written"), (WHOLE.replace('"', "'"), "half written"),
    ("", "half written"), ("mdev_type=x\nstart=auto\n", "JSON"),
    ('{"mdev_type": 4, "start": "auto"}', "mdev_type"), ('{"mdev_type": "x"}', "start"),
    ('{"mdev_type": "x", "start": "auto", "attrs": [{"a": "1", "b": "2"}]}', "attrs")])
def test_a_damaged_file_is_named_and_left_as_it_is(host, text, why):
    host.file(f"{KEPT}/{ONE}", text)
    done = run("mdev", "list", "--host", host.root)
    assert f"/{KEPT}/{ONE}" in done.stderr and why in done.stderr
    assert slices(host)[ONE]["state"] == "damaged"
    expect(3, f"pciferry: /{KEPT}/{ONE}: mdevctl could not read it, so it was left as it is", "mdev", "create", mdevhost.IGPU, "i915-GVTg_V5_4", ONE,
           "--persist", "--dry-run", "--host", host.root)
    # That of another is told of one that would start.
    assert f"{ONE} is damaged" in mdev(host, "create", mdevhost.IGPU, "i915-GVTg_V5_4", TWO,
                                       "--persist", "--dry-run")


def persisted(host, *args):
    return mdev(host, "create", mdevhost.IGPU, "i915-GVTg_V5_4", *args, "--persist",
                "--dry-run")


def test_whether_mdevctl_will_start_it_is_said(host):
    assert "have pciferry bind --tab --wait run at boot" in persisted(host, ONE)
    host.file("usr/lib/udev/rules.d/60-mdevctl.rules",
              "RUN+=\"/bin/sh -c '/usr/sbin/mdevctl start-parent-mdevs %k'\"\n")
    assert "calls a program that is not there" in persisted(host, ONE)
    host.file("usr/sbin/mdevctl", "")
    assert "pciferry=off does not stop that" in persisted(host, ONE)
    for text in "", "# /usr/sbin/mdevctl start-parent-mdevs %k\n":
        host.file("etc/udev/rules.d/60-mdevctl.rules", text)
        assert "is turned off" in persisted(host, ONE)
    (host.root / "etc/udev/rules.d/60-mdevctl.rules").unlink()
    host.link("etc/udev/rules.d/60-mdevctl.rules", "/dev/null")
    assert "is turned off" in persisted(host, ONE)


def test_a_uuid_is_not_defined_twice(host):
    host.file(f"etc/mdevctl.d/mtty/{ONE}", WHOLE)
    expect(1, "it is defined for mtty", "mdev", "create", mdevhost.IGPU, "i915-GVTg_V5_4", ONE,
           "--persist", "--dry-run", "--host", host.root)
    host.file(f"{KEPT}/{ONE}", WHOLE)
    expect(1, "it is defined for", "mdev", "remove", ONE, "--persist", "--dry-run", "--host",
           host.root)
    assert f"remove /{KEPT}/{ONE}" in mdev(host, "remove", ONE, "--persist", "--parent",
                                           mdevhost.IGPU, "--dry-run")


def test_a_definition_of_its_own_is_found_beside_others(host):
    host.file(f"etc/mdevctl.d/{mdevhost.CARD}/{ONE}", WHOLE)
    host.file("etc/mdevctl.d/0000:00:01.0/" + ONE, WHOLE[:30])
    host.file(f"{KEPT}/{ONE.upper()}", WHOLE)
    host.file(f"{KEPT}/{ONE}", WHOLE)
    assert f"write /{KEPT}/" not in persisted(host, ONE)


def test_a_slice_with_attributes_is_mdevctl_s_to_make(host):
    host.file(f"{KEPT}/{ONE}", WHOLE.replace("[]", '[{"a": "1"}]'))
    lines = expect(3, "attributes, which only mdevctl sets", "mdev", "create", mdevhost.IGPU,
                   "i915-GVTg_V5_4", ONE, "--dry-run", "--host", host.root)
    assert "mdevctl start" in lines[-1]


def test_one_parent_s_slice_and_another_s_definition_are_two(host):
    mdevhost.add_slice(host, host.folder(mdevhost.IGPU), ONE, "i915-GVTg_V5_4", 9)
    knows_processes(host)
    host.file(f"etc/mdevctl.d/mtty/{ONE}", WHOLE)
    lines = expect(1, f"defined in /etc/mdevctl.d/mtty/{ONE}", "mdev", "remove", ONE, "--persist",
                   "--dry-run", "--host", host.root)
    assert any("--parent" in line for line in lines)
    found = mdev(host, "remove", ONE, "--persist", "--parent", "mtty", "--dry-run")
    assert "remove it" not in found and "mtty" in found


@needs_root
def test_a_definition_is_changed_no_more_than_it_must(tmp_path):
    """A slice that is there already: nothing is asked of a kernel, only the file is written."""
    host = changeable(tmp_path / "host")
    mdevhost.add_slice(host, mdevhost.gvtg(host), ONE, "i915-GVTg_V5_4", 9)
    live = LiveHost(host, PROGRAM)
    path = pathlib.Path(host.root, KEPT, ONE)
    arguments = ("mdev", "create", mdevhost.IGPU, "i915-GVTg_V5_4", ONE, "--persist")
    done = live.run(*arguments)
    assert done.returncode == 0, done.stderr
    assert path.read_text() == WHOLE
    assert "defined so already" in live.run(*arguments).stdout
    before = ('{\n  "mdev_type": "i915-GVTg_V5_4",\n  "start": "manual",\n  "attrs": [\n    {\n'
              '      "a/b": "5"\n    }\n  ],\n  "later": {\n    "x": 1.50\n  }\n}')
    path.write_text(before)
    assert live.run(*arguments).returncode == 0
    assert path.read_text() == before.replace("manual", "auto")
    assert live.run("undo", "2").returncode == 0
    assert path.read_text() == before
    assert live.run("undo", "1").returncode == 3


@needs_root
def test_a_definition_for_guests_starts_says_manual_and_who_makes_it(tmp_path):
    """As above; what it is to be defined for, libvirt's hook, tests/lab shows."""
    host = changeable(tmp_path / "host")
    mdevhost.add_slice(host, mdevhost.gvtg(host), ONE, "i915-GVTg_V5_4", 9)
    live = LiveHost(host, PROGRAM)
    path = pathlib.Path(host.root, KEPT, ONE)
    arguments = ("mdev", "create", mdevhost.IGPU, "i915-GVTg_V5_4", ONE)
    done = live.run(*arguments, "--persist=manual")
    assert done.returncode == 0 and "hand-over" in done.stdout + done.stderr, done.stderr
    assert path.read_text() == WHOLE.replace("auto", "manual")
    assert live.run(*arguments, "--persist=auto").returncode == 0
    assert path.read_text() == WHOLE
    expect(2, "neither auto nor manual", *arguments, "--persist=later")
    expect(2, "no value", "mdev", "remove", ONE, "--persist=manual")


def wait_until(is_so):
    for _ in range(100):
        if is_so():
            return
        time.sleep(0.1)
    raise AssertionError("it has not come true")


@needs_root
@pytest.mark.parametrize("node, removed", [("/dev/null", "1\n"), ("/dev/vfio/9", "")])
def test_what_is_made_too_late_goes_unless_somebody_has_it(tmp_path, node, removed):
    """The kernel is a pipe here, in which the write waits until the test reads it."""
    host = changeable(tmp_path / "host")
    folder = mdevhost.gvtg(host)
    live = LiveHost(host, PROGRAM)
    host.file("dev/null", "")  # else the step would keep the program's output open
    pipe = host.root / folder / "mdev_supported_types/i915-GVTg_V5_4/create"
    os.mkfifo(pipe)
    knows_processes(host)
    process(host, 812, "qemu-system-x86", node, "qemu", "-name", "guest=web")
    kept = host.root / f"run/pciferry/{ONE}.first"
    arguments = ("mdev", "create", mdevhost.IGPU, "i915-GVTg_V5_4", ONE, "--timeout", "1")
    done = live.run(*arguments)
    assert done.returncode == 1 and "has not come back" in done.stderr, done.stderr
    assert kept.exists()
    mdevhost.add_slice(host, folder, ONE, "i915-GVTg_V5_4", 9)
    host.file(f"{folder}/{ONE}/remove", "")
    # It is there, and not to stay: what was given up is not told as done.
    done = live.run(*arguments, "--persist")
    assert done.returncode == 1 and "still hangs in the kernel" in done.stderr, done.stderr
    assert not (host.root / KEPT).exists()
    assert pipe.read_text() == f"{ONE}\n"
    wait_until(lambda: not kept.exists())
    assert (host.root / folder / ONE / "remove").read_text() == removed


def hook(live, uuid):
    return live.run(
        "vm", "hook", "run", "--", "web", "prepare", "begin", "-",
        given="<domain><metadata><p:hand-over xmlns:p='urn:pciferry:domain:1'/></metadata>"
        "<devices><hostdev mode='subsystem' type='mdev' model='vfio-pci'><source>"
        f"<address uuid='{uuid}'/></source></hostdev></devices></domain>")


@needs_root
@pytest.mark.parametrize("text, status, why", [
    (None, 1, "none is defined"),
    (WHOLE[:30], 1, f"/{KEPT}/{TWO}: it is no whole JSON document"),
    (WHOLE.replace("[]", '[{"a": "1"}]'), 1, "attributes, which only mdevctl sets"),
    (WHOLE.replace("V5_4", "V5_9"), 1, "it has no type i915-GVTg_V5_9")])
def test_a_guest_does_not_start_without_its_slice(tmp_path, text, status, why):
    host = changeable(tmp_path / "host")
    mdevhost.add_slice(host, mdevhost.gvtg(host), ONE, "i915-GVTg_V5_4", 9)
    if text:
        host.file(f"{KEPT}/{TWO}", text)
    live = LiveHost(host, PROGRAM)
    done = hook(live, TWO)
    assert done.returncode == status and why in done.stderr, done.stderr
    assert not list((live.root / "run/pciferry").glob("*.first"))
    # One that is there is not looked for in a file.
    assert hook(live, ONE).returncode == 0


@needs_root
def test_the_hook_leaves_a_function_on_the_driver_that_hands_it_over(tmp_path):
    host = changeable(tmp_path / "host")
    functions = mdevhost.vendor(host, [1148, 0])
    live = LiveHost(host, PROGRAM)
    for function, status, words in zip(functions, (0, 1), ("", "it has no type")):
        done = live.run(
            "vm", "hook", "run", "--", "web", "prepare", "begin", "-",
            given="<domain><metadata><p:hand-over xmlns:p='urn:pciferry:domain:1'/></metadata>"
            "<devices><hostdev mode='subsystem' type='pci' managed='no'><source><address"
            f" bus='0x{function[5:7]}' slot='0x{function[8:10]}' function='{function[11]}'/>"
            "</source></hostdev></devices></domain>")
        assert done.returncode == status and words in done.stderr, done.stderr
    assert not list((live.root / "run/pciferry").glob("*.first"))


def test_help_says_what_each_command_takes():
    for command in "types", "list", "create", "remove":
        done = run("mdev", command, "--help")
        assert done.returncode == 0 and f"pciferry mdev {command}" in done.stdout
    expect(2, "mdev has no such command", "mdev", "make")


def test_a_device_with_slices_is_not_taken(host):
    mdevhost.add_slice(host, host.folder(mdevhost.IGPU), ONE, "i915-GVTg_V5_4", 9)
    lines = expect(3, "in use", "bind", mdevhost.IGPU, "--dry-run", "--host", host.root)
    assert f"  {mdevhost.IGPU}: there is a slice of it, {ONE}" in lines
    lines = expect(3, "in use", "bind", mdevhost.IGPU, "--force", mdevhost.IGPU, "--dry-run",
                   "--host", host.root)
    assert f"  {mdevhost.IGPU}: there is a slice of it, {ONE}" in lines


def test_a_device_whose_slice_is_being_removed_is_not_taken(host):
    """The kernel's write waits for the guest that has it; the driver's unbind would, too."""
    folder = host.folder(mdevhost.IGPU)
    mdevhost.add_slice(host, folder, ONE, "i915-GVTg_V5_4", 9)
    mdevhost.let_leave(host, folder, ONE, "i915-GVTg_V5_4")
    lines = expect(3, "in use", "bind", mdevhost.IGPU, "--dry-run", "--host", host.root)
    assert f"  {mdevhost.IGPU}: there is a slice of it, {ONE}, whose removal waits for who holds it" in lines


@pytest.mark.parametrize("types, why", [
    ([0, 1148], "0000:41:00.5: its driver hands it to guests, as type 1148"),
    ([0, 0], "0000:41:00.5: group 51 is held by process 812 (qemu-system-x86), guest web")])
def test_functions_that_their_driver_has_handed_to_guests_stay(host, types, why):
    mdevhost.vendor(host, types)
    knows_processes(host)
    node = "/dev/vfio/51" if not any(types) else "/dev/null"
    process(host, 812, "qemu-system-x86", node, "qemu", "-name", "guest=web")
    lines = expect(3, "in use", "vf", mdevhost.PHYSICAL, "4", "--dry-run", "--host", host.root)
    assert f"  {why}" in lines


def test_a_function_that_its_driver_hands_to_guests_is_left_there(host):
    functions = mdevhost.vendor(host, [0, 1148])
    for function in functions:
        lines = expect(3, "its driver itself hands it to guests", "bind", function,
                       "--dry-run", "--host", host.root)
        assert "managed='no'" in lines[1]


@needs_root
def test_a_recording_tells_the_same_slices_under_other_uuids(tmp_path):
    host = changeable(tmp_path / "host")
    mdevhost.add_slice(host, mdevhost.gvtg(host), ONE, "i915-GVTg_V5_4", 9)
    host.file(f"{KEPT}/{ONE}", WHOLE)
    knows_processes(host)
    process(host, 812, "qemu-system-x86", "/dev/vfio/9", "qemu", "-name", "guest=web")
    live = LiveHost(host, PROGRAM)
    assert live.run("record", "/out/host.tar").returncode == 0
    replayed = run("mdev", "list", "--host", host.root / "out/host.tar")
    there, = rows(live.run("mdev", "list").stdout)
    again, = rows(replayed.stdout)
    assert again[1:] == there[1:] and again[0] != ONE
    assert run("mdev", "types", "--host", host.root / "out/host.tar").stdout == \
        live.run("mdev", "types").stdout
