# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests that have slices of devices, as they are told to libvirt and QEMU, on made hosts
(mdevhost.py). What is real: the program, and libvirt's own schema. That they start and the guest
sees them is shown in the virtual host (tests/lab, mdev-guest.sh), for parents without OpenGL."""
import json
import os
import shlex
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest

import livehost
import mdevhost
from fakehost import usual
from livehost import needs_root
from program import PROGRAM, expect, run
from test_vm_create import is_valid
from test_vm_hook import ASK, HOOK

ONE = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
FIVE = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1005"
TWO = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1002"
QEMU = "{http://libvirt.org/schemas/domain/qemu/1.0}"
PLACE = f"etc/mdevctl.d/{mdevhost.IGPU}/{TWO}"
DEFINED = '{"mdev_type": "i915-GVTg_V5_8", "start": "manual"}'


@pytest.fixture(name="host")
def host_with_slices(tmp_path):
    host = usual(tmp_path / "host")
    mdevhost.add_slice(host, mdevhost.gvtg(host), ONE, "i915-GVTg_V5_4", 9)
    host.file(PLACE, DEFINED)
    return host


def create(host, tmp_path, *args):
    done = run("vm", "create", "guest", *args, "--xml", "--bios", "--host", host.root)
    assert done.returncode == 0, done.stderr
    assert is_valid(done.stdout, tmp_path)
    return ET.fromstring(done.stdout), done.stderr


def graphics(domain):
    return [(node.get("type"), node.find("gl") is not None, node.find("listen") is not None and
             node.find("listen").get("type")) for node in domain.iter("graphics")]


def test_a_slice_beside_qemus_own_screen(host, tmp_path):
    domain, _ = create(host, tmp_path, "--mdev", ONE)
    node, = domain.iter("hostdev")
    assert (node.get("type"), node.get("model"), node.get("display"), node.get("ramfb")) == (
        "mdev", "vfio-pci", "off", None)
    assert node.find("source/address").get("uuid") == ONE
    assert domain.find("devices/video/model").get("type") == "vga"
    # Intel's drivers look for the OpRegion with or without a screen.
    prop, = domain.iter(f"{QEMU}property")
    assert (prop.get("name"), prop.get("type"), prop.get("value")) == (
        "x-igd-opregion", "bool", "true")
    device, = domain.iter(f"{QEMU}device")
    assert device.get("alias") == node.find("alias").get("name")


@pytest.mark.parametrize("screen, expected", [
    ("vnc", [("vnc", False, "address"), ("egl-headless", False, False)]),
    ("spice", [("spice", True, "none")])])
def test_its_picture_is_the_only_screen_and_is_drawn_by_opengl(host, tmp_path, screen, expected):
    rom = tmp_path / "vbios.rom"
    rom.touch()
    domain, _ = create(host, tmp_path, "--mdev", f"{ONE},display,rom={rom}", "--screen", screen)
    node, = domain.iter("hostdev")
    assert (node.get("display"), node.get("ramfb")) == ("on", "on")
    assert graphics(domain) == expected
    assert domain.find("devices/video/model").get("type") == "none"
    assert {prop.get("name"): prop.get("value") for prop in domain.iter(f"{QEMU}property")} == {
        "x-igd-opregion": "true", "romfile": str(rom)}


def test_a_picture_in_plain_memory_takes_no_opengl(host, tmp_path):
    folder = "sys/devices/virtual/mdpy/mdpy"
    mdevhost.add_parent(host, folder, "mdpy")
    mdevhost.add_type(host, folder, "mdpy-vga", 3, "virtual display, 640x480 framebuffer")
    mdevhost.add_slice(host, folder, TWO, "mdpy-vga", 10)
    domain, _ = create(host, tmp_path, "--mdev", f"{TWO},display", "--tcg")
    assert graphics(domain) == [("vnc", False, "address")]
    assert not list(domain.iter(f"{QEMU}override"))


def test_what_lets_the_guest_start_after_a_boot_is_said(host, tmp_path):
    assert f"create PARENT TYPE {ONE} --persist" in create(host, tmp_path, "--mdev", ONE)[1]
    assert "with --hand-over it is made" in create(host, tmp_path, "--mdev", TWO)[1]


def test_a_picture_that_nvidia_shows_takes_no_opengl(host, tmp_path):
    """By a VFIO region, as mdpy: QEMU starts on a host without a render node."""
    mdevhost.vgpu(host, [FIVE])
    domain, _ = create(host, tmp_path, "--mdev", f"{FIVE},display")
    assert graphics(domain) == [("vnc", False, "address")]
    words, devices = command(host, "--mdev", f"{FIVE},display")
    assert words[words.index("-display") + 1] == "none"
    assert any(one.startswith("vfio-pci-nohotplug,") for one in devices)


def test_the_elements_alone_have_all_that_was_asked_for(host, tmp_path):
    rom = tmp_path / "vbios.rom"
    rom.touch()
    done = run("vm", "xml", "--mdev", f"{ONE},display,rom={rom}", "--host", host.root)
    assert done.returncode == 0, done.stderr
    device, override = ET.fromstring(f"<both>{done.stdout}</both>")
    assert device.get("display") == "on" and override.tag == f"{QEMU}override"
    assert override.find(f"{QEMU}device").get("alias") == device.find("alias").get("name")
    assert {prop.get("name"): prop.get("value") for prop in override.iter(f"{QEMU}property")} == {
        "x-igd-opregion": "true", "romfile": str(rom)}
    assert "<qemu:override> goes beneath <domain>" in done.stderr
    assert "egl-headless" in done.stderr and "until the host boots" in done.stderr


def test_the_elements_alone_are_for_a_definition_that_is_there(host):
    done = run("vm", "xml", "--mdev", ONE, "--host", host.root)
    assert done.returncode == 0, done.stderr
    device, _ = ET.fromstring(f"<both>{done.stdout}</both>")
    assert device.find("source/address").get("uuid") == ONE


def command(host, *args):
    done = run("vm", "run", *args, "--bios", "--dry-run", "--host", host.root)
    assert done.returncode == 0, done.stderr
    words = shlex.split(done.stdout.splitlines()[-1])
    return words, [words[i + 1] for i, word in enumerate(words) if word == "-device"]


def test_qemu_alone_gets_it_by_its_path_and_the_guest_a_uuid(host):
    words, devices = command(host, "--mdev", ONE)
    assert words[words.index("-uuid") + 1] == ONE
    assert words[words.index("-name") + 1] == f"pciferry-{ONE}"
    assert [one for one in devices if one.startswith("vfio-pci,")] == [
        f"vfio-pci,sysfsdev=/sys/bus/mdev/devices/{ONE},addr=0x10,display=off,x-igd-opregion=on"]
    assert any(one.startswith("VGA,") for one in devices)
    words, devices = command(host, "--mdev", f"{ONE},display")
    assert f"vfio-pci-nohotplug,sysfsdev=/sys/bus/mdev/devices/{ONE},addr=0x10,display=on," \
        "ramfb=on,x-igd-opregion=on" in devices
    assert not any(one.startswith("VGA,") for one in devices)
    assert words[words.index("-display") + 1] == "egl-headless"


@pytest.mark.parametrize("status, text, args", [
    (2, "is no UUID", ["--mdev", "1"]),
    (2, "neither display nor rom=FILE", ["--mdev", f"{ONE},picture"]),
    (2, "stands there twice", ["--mdev", ONE, "--mdev", ONE.upper()]),
    (2, "one alone", ["--mdev", f"{ONE},display", "--mdev", f"{TWO},display"]),
    (2, "none shows no slice's picture", ["--mdev", f"{ONE},display", "--screen", "none"]),
    (1, "none is defined", ["--mdev", ONE.replace("1001", "1009")]),
    (1, "GVT-g takes KVM", ["--mdev", ONE, "--tcg"])])
def test_what_cannot_be_is_said_before_anything_is_defined(host, status, text, args):
    expect(status, text, "vm", "create", "guest", *args, "--xml", "--host", host.root)


def test_what_is_for_another_kind_of_machine_is_not_taken_for_pci(host):
    folder = "sys/devices/vfio_ap/matrix"
    mdevhost.add_parent(host, folder, "matrix")
    mdevhost.add_type(host, folder, "vfio_ap-passthrough", 9, api="vfio-ap")
    mdevhost.add_slice(host, folder, TWO, "vfio_ap-passthrough", 11)
    expect(1, "one for vfio-ap", "vm", "run", "--mdev", TWO, "--dry-run", "--host", host.root)


def test_a_shell_is_told_to_make_it_first(host):
    expect(1, "a shell does not make it", "vm", "run", "--mdev", TWO, "--script", "--host",
           host.root)


def test_a_script_for_slices_alone_runs(host, tmp_path):
    done = run("vm", "run", "--mdev", ONE, "--bios", "--script", "--host", host.root)
    assert done.returncode == 0, done.stderr
    qemu = tmp_path / "qemu-system-x86_64"
    qemu.write_text(f"#!/bin/sh\necho \"$@\" >{tmp_path}/started\n")
    qemu.chmod(0o755)
    for name in ("run", "var/lib"):
        done.stdout = done.stdout.replace(f"/{name}/pciferry", f"{tmp_path}/{name}/pciferry")
    ended = subprocess.run(["sh"], input=done.stdout, text=True, capture_output=True, check=False,
                           env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert (ended.returncode, ended.stderr) == (0, "")
    assert f"devices/{ONE}" in (tmp_path / "started").read_text()


@pytest.mark.parametrize("others", [["01:00.0"], ["--kernel", "/k", "--append", "console=ttyS0"]])
def test_a_picture_has_a_screen_whatever_else_the_guest_has(host, others):
    words, _ = command(host, *others, "--mdev", f"{ONE},display")
    assert words[words.index("-display") + 1] == "egl-headless" and "-vnc" in words


def test_a_picture_that_nobody_can_be_shown_is_refused(host):
    for status, text, args in ((2, "none cannot take", ["--display", "none"]),
                               (1, "too long for a socket", ["--name", "n" * 90])):
        expect(status, text, "vm", "run", "--mdev", f"{ONE},display", *args, "--bios", "--dry-run",
               "--host", host.root)


@pytest.mark.parametrize("mode", ["mode='subsystem' ", ""])  # libvirt's own, and the same by hand
@pytest.mark.parametrize("managed, status", [("no", "PASS"), ("yes", "FAIL")])
def test_lint_lets_a_function_stay_on_the_driver_that_hands_it_over(host, tmp_path, mode, managed,
                                                                   status):
    function, = mdevhost.vendor(host, [1148])
    text = (f"<domain><name>web</name>{ASK}<devices><hostdev {mode}type='pci' managed='{managed}'>"
            "<source><address bus='0x41' slot='0x00' function='0x4'/></source></hostdev></devices>"
            "</domain>")
    assert function == "0000:41:00.4"
    found = lint(host, tmp_path, text, "domain-use")
    assert found[0] == status and (status == "PASS" or "managed='yes' takes it" in found[1])


@pytest.mark.parametrize("version, told", [("9000", "this one, 9.0, may not start"),
                                           ("9009", None), (None, None)])
def test_a_libvirt_that_does_not_start_such_a_function_is_told(host, tmp_path, version, told):
    function, = mdevhost.vendor(host, [1148])
    if version:
        host.link("usr/lib64/libvirt.so.0", f"libvirt.so.0.{version}.0")
    said = create(host, tmp_path, function, "--memory", "2G")[1]
    assert told in said if told else "may not start" not in said


def test_vm_run_tells_who_gives_such_a_function_to_a_guest(host):
    function, = mdevhost.vendor(host, [1148])
    found = expect(3, "hands it to guests itself", "vm", "run", function, "--dry-run", "--host",
                   host.root)
    assert any(f"pciferry vm create NAME {function}" in line for line in found)


@needs_root
def test_a_function_without_a_type_is_told_alike_by_all(live):
    function, = mdevhost.vendor(live.host, [0])
    text = (f"<domain><name>web</name>{ASK}<devices><hostdev mode='subsystem' type='pci'><source>"
            "<address bus='0x41' slot='0x00' function='0x4'/></source></hostdev></devices></domain>")
    for done in (live.run("vm", "hook", "run", "--", "web", "prepare", "begin", "-", given=text),
                 live.run("vm", "create", "web", function, "--xml")):
        assert done.returncode == 1 and f"pciferry mdev create {function} TYPE" in done.stderr


@needs_root
def test_a_slice_that_somebody_else_has_removed_is_the_guests_no_more(live):
    """mdevctl, after an end that failed: what comes under that UUID later is another's."""
    ours, others = (live.root / f"run/pciferry/{uuid}.first" for uuid in (TWO, ONE))
    live.host.file(f"run/pciferry/{TWO}.first", "guest web\n")
    live.host.file(f"run/pciferry/{ONE}.first", "making\nguest mail\n")
    done = live.run("vm", "hook", "run", "--", "web", "release", "end", "-")
    assert done.returncode == 0, done.stderr
    assert not ours.exists() and others.exists()


@needs_root
def test_a_slice_that_a_person_wants_as_well_stays_when_the_guest_ends(live):
    mdevhost.add_slice(live.host, live.host.folder(mdevhost.IGPU), ONE, "i915-GVTg_V5_4", 9)
    live.host.file(f"run/pciferry/{ONE}.first", "guest web\n")
    done = live.run("mdev", "create", mdevhost.IGPU, "i915-GVTg_V5_4", ONE)
    assert done.returncode == 0 and "there already" in done.stdout
    assert not (live.root / f"run/pciferry/{ONE}.first").exists()


def by_qemu(live, *args):
    return live.run("vm", "run", *args, "--bios", "--qemu", "/usr/bin/true")


@needs_root
def test_who_changes_nothing_needs_no_root(live):
    mdevhost.add_slice(live.host, live.host.folder(mdevhost.IGPU), ONE, "i915-GVTg_V5_4", 9)
    (live.root / "dev/kvm").chmod(0o666)
    done = live.run("vm", "run", "--mdev", ONE, "--bios", "--qemu", "/usr/bin/true", "--display",
                    "none", user=65534)
    assert done.returncode == 0 and "the guest has ended" in done.stderr, done


@needs_root
def test_a_slice_of_another_user_is_told_with_a_way_out(live):
    mdevhost.add_slice(live.host, live.host.folder(mdevhost.IGPU), ONE, "i915-GVTg_V5_4", 9)
    live.host.file("etc/passwd", "nobody:x:65534:65534::/:/bin/false\n")
    (live.root / "dev/kvm").chmod(0o666)
    done = by_qemu(live, "--mdev", ONE, "--user", "nobody")
    assert done.returncode == 1 and "it was made before, and not for nobody" in done.stderr
    assert f"pciferry mdev remove {ONE} has vm run make it" in done.stderr


@needs_root
def test_what_qemu_could_not_open_for_a_slice_is_told_before_a_device_is_moved(live):
    live.host.file("etc/passwd", "nobody:x:65534:65534::/:/bin/false\n")
    (live.root / "dev/kvm").chmod(0o666)
    live.host.file("vbios.rom", "")
    (live.root / "vbios.rom").chmod(0o600)
    done = by_qemu(live, "03:00.0", "--mdev", f"{TWO},rom=/vbios.rom", "--user", "nobody")
    assert done.returncode == 1 and "/vbios.rom: Permission denied" in done.stderr
    done = by_qemu(live, "03:00.0", "--mdev", f"{TWO},display")
    assert done.returncode == 1 and "/dev/dri/renderD128: No such file" in done.stderr
    live.host.file("dev/dri/renderD130", "")
    assert "/dev/dri" not in by_qemu(live, "03:00.0", "--mdev", f"{TWO},display").stderr


@pytest.mark.parametrize("odd", [TWO.upper(), TWO.replace("-", "")])
def test_two_files_for_one_parent_are_one_slice(host, tmp_path, odd):
    host.file(HOOK, "")
    host.file(f"etc/mdevctl.d/{mdevhost.IGPU}/{odd}", DEFINED[:20])
    assert lint(host, tmp_path, definition("web"))[0] == "PASS"


def test_a_function_that_its_driver_hands_over_itself_is_left_on_it(host, tmp_path):
    """NVIDIA's vGPU without mediated devices."""
    with_type, without = mdevhost.vendor(host, [1148, 0])
    domain, told = create(host, tmp_path, with_type, "--memory", "2G")
    node, = domain.iter("hostdev")
    assert (node.get("type"), node.get("managed")) == ("pci", "no")
    assert "in use" not in told
    expect(1, "it has no type", "vm", "create", "guest", without, "--xml", "--host", host.root)


def definition(name, text=""):
    return (f"<domain><name>{name}</name>{ASK}<devices>{text}"
            "<hostdev mode='subsystem' type='pci'><source><address bus='0x03' slot='0x00'"
            " function='0x0'/></source></hostdev><hostdev mode='subsystem' type='mdev'"
            f" model='vfio-pci'><source><address uuid='{TWO}'/></source></hostdev></devices>"
            "</domain>")


def attributes(host):
    host.file(PLACE, DEFINED.replace("}", ', "attrs": [{"a": "b"}]}'))
    return "which only mdevctl sets"


def twice(host):
    host.file(f"etc/mdevctl.d/mtty/{TWO}", DEFINED)
    return "it is defined for 0000:00:02.0 and for mtty"


def half_written(host):
    host.file(PLACE, DEFINED[:20])
    return "half written"


def undefined(host):
    (host.root / PLACE).unlink()
    return "none is defined"


def parent_gone(host):
    (host.root / f"sys/class/mdev_bus/{mdevhost.IGPU}").unlink()
    shutil.rmtree(host.root / host.folder(mdevhost.IGPU) / "mdev_supported_types")
    return "it cannot be cut into slices"


def type_gone(host):
    host.file(PLACE, DEFINED.replace("V5_8", "V5_9"))
    return "it has no type i915-GVTg_V5_9"


def full(host):
    host.file(f"{host.folder(mdevhost.IGPU)}/mdev_supported_types/i915-GVTg_V5_8/"
              "available_instances", "0\n")
    return "there is no room"


CANNOT_BE_HAD = [attributes, twice, half_written, undefined, parent_gone, type_gone, full]


def lint(host, tmp_path, text, check="domain-slices"):
    path = tmp_path / "guest.xml"
    path.write_text(text)
    done = run("vm", "lint", "--xml", path, "--json", "--host", host.root)
    found, = (one for one in json.loads(done.stdout)["findings"] if one["check"] == check)
    return found["status"], found["seen"], found["fix"]


@pytest.mark.parametrize("spoil", CANNOT_BE_HAD)
def test_lint_foresees_what_the_hook_would_say(host, tmp_path, spoil):
    host.file(HOOK, "")
    found = lint(host, tmp_path, definition("web"))
    assert found[0] == "PASS"
    words = spoil(host)
    found = lint(host, tmp_path, definition("web"))
    assert found[0] == "FAIL" and words in found[1] and found[2]


def test_lint_tells_that_nobody_would_make_it(host, tmp_path):
    host.file(f"{HOOK}-of-another", "")
    found = lint(host, tmp_path, definition("web"))
    assert found[0] == "FAIL" and found[2] == "pciferry vm hook install"
    host.file(HOOK, "")
    found = lint(host, tmp_path, definition("web").replace(ASK, ""))
    assert found[0] == "WARN" and f"create 0000:00:02.0 i915-GVTg_V5_8 {TWO}" in found[2]


@pytest.fixture(name="live")
def live_host(tmp_path):
    host = livehost.changeable(tmp_path / "host")
    mdevhost.gvtg(host)
    host.file(PLACE, DEFINED)
    mdevhost.knows_processes(host)
    live = livehost.LiveHost(host, PROGRAM)
    live.host = host
    host.file("dev/kvm", "")
    return live


@needs_root
@pytest.mark.parametrize("spoil", CANNOT_BE_HAD)
def test_no_device_is_moved_for_a_guest_that_cannot_have_its_slice(live, spoil):
    """The device is free, and VFIO's driver is there: nothing else is in the way."""
    words = spoil(live.host)
    kept = live.root / "run/pciferry/0000:03:00.0.first"
    for given, call in (
            (definition("web"), ("vm", "hook", "run", "--", "web", "prepare", "begin", "-")),
            (None, ("vm", "run", "03:00.0", "--mdev", TWO, "--bios", "--qemu", "/usr/bin/true"))):
        done = live.run(*call, given=given)
        assert done.returncode == 1 and words in done.stderr, done
        assert not kept.exists()
