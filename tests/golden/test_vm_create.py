# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest's definition for libvirt. What is real: the program, and libvirt's own schema, by which
every definition here is checked. The hosts are made. That libvirt takes it, and the guest sees its
devices, is shown on the virtual host (tests/lab, vm-create.sh)."""
import json
import os
import pathlib
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest

from fakehost import usual
from program import expect, run

GOLDEN = pathlib.Path(__file__).parent
CARD = "01:00.0"
FREE_DISK = "03:00.0"
VF = "05:00.1"
SECURE = ["requires-smm", "secure-boot", "enrolled-keys"]
BAR_32G = "0x0000002000000000 0x00000027ffffffff 0x000000000014220c"  # 64-bit, prefetchable
BAR_32M = "0x0000002800000000 0x0000002801ffffff 0x000000000014220c"
NO_BAR = "0x0000000000000000 0x0000000000000000 0x0000000000000000"


def describe(host, name, features, code):
    host.file(f"usr/share/qemu/firmware/{name}.json", json.dumps({
        "interface-types": ["uefi"], "features": features,
        "mapping": {"device": "flash",
                    "executable": {"filename": f"/fw/{code}.fd", "format": "raw"},
                    "nvram-template": {"filename": f"/fw/{code}_VARS.fd", "format": "raw"}},
        "targets": [{"architecture": "x86_64", "machines": ["pc-q35-*"]}]}))
    host.file(f"fw/{code}.fd", "")
    host.file(f"fw/{code}_VARS.fd", "")


@pytest.fixture(name="host")
def host_with_firmware(tmp_path):
    host = usual(tmp_path / "host")
    describe(host, "60-plain", ["acpi-s3"], "CODE")
    describe(host, "40-secure", SECURE, "SECURE")
    return host


SCHEMA = shutil.which("xmllint") and shutil.which("virt-xml-validate")


def is_valid(text, tmp_path):
    """By libvirt's schema, where it is installed; what libvirt refuses beyond it, the virtual host
    shows."""
    path = tmp_path / "domain.xml"
    path.write_text(text)
    done = SCHEMA and subprocess.run([SCHEMA, path, "domain"], capture_output=True, text=True,
                                     check=False)
    assert not done or done.returncode == 0, done.stdout + done.stderr + text
    return True


def create(host, tmp_path, *args):
    done = run("vm", "create", "guest", *args, "--xml", "--host", host.root)
    assert done.returncode == 0, done.stderr
    assert is_valid(done.stdout, tmp_path)
    return ET.fromstring(done.stdout)


def places(domain):
    """Of the host, and of the guest."""
    found = {}
    for node in domain.iter("hostdev"):
        source, own = node.find("source/address"), node.find("address")
        key = ":".join(source.get(name)[2:] for name in ("bus", "slot", "function"))
        found[key] = tuple(int(own.get(name), 16) for name in ("bus", "slot", "function"))
    return found


def compare(name, text):
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(text)
    assert text == path.read_text()


def test_the_definition_is_what_was_read_and_found_good(host):
    done = run("vm", "create", "guest", CARD, FREE_DISK, "--memory", "8G", "--cpus", "4",
               "--xml", "--host", host.root)
    assert done.returncode == 0
    compare("vm-create", done.stdout)
    done = run("vm", "xml", CARD, "--host", host.root)
    assert done.returncode == 0
    compare("vm-xml", done.stdout)


def test_a_card_is_one_slot_of_several_functions_and_a_disk_has_its_own(host, tmp_path):
    domain = create(host, tmp_path, CARD, FREE_DISK)
    assert places(domain) == {"01:00:0": (1, 0, 0), "01:00:1": (1, 0, 1), "03:00:0": (2, 0, 0)}
    flags = {node.find("source/address").get("function"): node.find("address").get("multifunction")
             for node in domain.iter("hostdev") if node.find("source/address").get("bus") == "0x01"}
    assert flags == {"0x0": "on", "0x1": None}
    ports = [int(node.get("index")) for node in domain.iter("controller")
             if node.get("model") == "pcie-root-port"]
    # Each index once, from 1 on; more than the guest begins with.
    assert ports == list(range(1, len(ports) + 1)) and len(ports) >= 6


@pytest.mark.skipif(not SCHEMA, reason="libvirt's schema and xmllint are not installed")
@pytest.mark.parametrize("options", [
    (), ("--bios",), ("--secure-boot",), ("--windows",), ("--windows", "--hide", "--tpm"),
    ("--tcg",), ("--tcg", "--windows", "--hide"), ("--screen", "none"), ("--screen", "spice"),
    ("--network", "default"), ("--network", "bridge:br0"), ("--hide",),
    ("--rom", f"{CARD}=/roms/card, patched.rom"), ("--cpus", "7"),
], ids=" ".join)
def test_libvirts_schema_takes_what_each_option_makes(options, host, tmp_path):
    create(host, tmp_path, CARD, *options)


def test_disks_are_what_their_names_say_and_start_before_the_installer(host, tmp_path):
    for name in ("a.qcow2", "b.img", "installer.iso", "drivers & tools.iso"):
        (tmp_path / name).touch()
    domain = create(host, tmp_path, CARD, "--cdrom", tmp_path / "installer.iso", "--disk",
                    tmp_path / "a.qcow2", "--disk", tmp_path / "b.img", "--cdrom",
                    tmp_path / "drivers & tools.iso")
    disks = [(node.find("target").get("dev"), node.find("driver").get("type"),
              node.find("boot").get("order"), node.get("device"),
              os.path.basename(node.find("source").get("file")))
             for node in domain.iter("disk")]
    assert disks == [("vda", "qcow2", "1", "disk", "a.qcow2"), ("vdb", "raw", "2", "disk", "b.img"),
                     ("sda", "raw", "3", "cdrom", "installer.iso"),
                     ("sdb", "raw", "4", "cdrom", "drivers & tools.iso")]


def test_a_disk_of_the_hosts_can_be_installed_to_and_booted(host, tmp_path):
    """Firmware starts nothing that has no place, once one thing has one."""
    (tmp_path / "a.img").touch()
    (tmp_path / "installer.iso").touch()
    domain = create(host, tmp_path, CARD, FREE_DISK, "--disk", tmp_path / "a.img", "--cdrom",
                    tmp_path / "installer.iso")
    orders = [(node.tag, node.find("boot").get("order")) for node in domain.find("devices")
              if node.find("boot") is not None]
    assert orders == [("disk", "1"), ("disk", "3"), ("hostdev", "2")]
    assert create(host, tmp_path, FREE_DISK).find("devices/hostdev/boot") is None


def test_the_twenty_seventh_disk_has_a_name(host, tmp_path):
    disk = tmp_path / "disk.img"
    disk.touch()
    domain = create(host, tmp_path, CARD, *["--disk", disk] * 28)
    names = [node.find("target").get("dev") for node in domain.iter("disk")]
    assert names[0] == "vda" and names[25:] == ["vdz", "vdaa", "vdab"]


def test_secure_boot_is_firmware_with_keys_and_smm(host, tmp_path):
    domain = create(host, tmp_path, CARD, "--secure-boot")
    assert domain.find("os/loader").text == "/fw/SECURE.fd"
    assert domain.find("os/loader").get("secure") == "yes"
    assert domain.find("features/smm").get("state") == "on"
    assert create(host, tmp_path, CARD).find("os/loader").text == "/fw/CODE.fd"
    (host.root / "usr/share/qemu/firmware/40-secure.json").unlink()
    expect(1, "with Secure Boot and its keys", "vm", "create", "guest", CARD, "--secure-boot",
           "--xml", "--host", host.root)


def arguments(domain):
    return [node.get("value") for node in
            domain.iter("{http://libvirt.org/schemas/domain/qemu/1.0}arg")]


@pytest.mark.parametrize("bars,window_gib", [
    ([BAR_32G, NO_BAR, BAR_32M], 128), ([BAR_32G], 64), ([BAR_32M], 0),
    # Of a host that is damaged, or lies: no number, and an end.
    ([f"0x0 0x{(1 << 63) - 1:x} 0x14220c"] * 2, 0)])
def test_large_ranges_have_room_in_the_guest(bars, window_gib, host, tmp_path):
    lines = bars + [NO_BAR] * (7 - len(bars))
    host.file(host.folder("0000:03:00.0") + "/resource", "\n".join(lines) + "\n")
    domain = create(host, tmp_path, FREE_DISK)
    words = arguments(domain)
    assert words == (["-fw_cfg", f"name=opt/ovmf/X-PciMmio64Mb,string={window_gib << 10}"]
                     if window_gib else [])
    hole = domain.find("devices/controller/pcihole64")
    assert (int(hole.text) >> 20 if hole is not None else 0) == window_gib


def test_a_virtual_function_gets_its_address_from_libvirt(host, tmp_path):
    host.device("0000:05:00.1", "1234:0100", "020000", "netvf", 7)
    host.link(host.folder("0000:05:00.1") + "/physfn", "../0000:04:00.0")
    domain = create(host, tmp_path, "05:00.1", "--mac", "05:00.1=52:54:00:aa:bb:cc,42")
    node = domain.find("devices/interface")
    assert node.get("type") == "hostdev" and node.find("mac").get("address") == "52:54:00:aa:bb:cc"
    assert node.find("vlan/tag").get("id") == "42"
    assert domain.find("devices/hostdev") is None


def test_a_kernel_is_started_without_a_disk(host, tmp_path):
    for name in ("vmlinuz", "initrd"):
        (tmp_path / name).touch()
    domain = create(host, tmp_path, CARD, "--bios", "--kernel", tmp_path / "vmlinuz", "--initrd",
                    tmp_path / "initrd", "--append", "console=ttyS0 a=<b>&'c\"")
    found = {node.tag: node.text for node in domain.find("os")}
    assert found == {"type": "hvm", "kernel": str(tmp_path / "vmlinuz"),
                     "initrd": str(tmp_path / "initrd"), "cmdline": "console=ttyS0 a=<b>&'c\""}
    expect(1, "No such file", "vm", "create", "guest", CARD, "--kernel", tmp_path / "none",
           "--xml", "--host", host.root)


def test_a_battery_is_an_argument_of_qemus_own(host, tmp_path):
    table = tmp_path / "battery, mine.aml"
    table.touch()
    domain = create(host, tmp_path, CARD, "--battery", table)
    assert arguments(domain) == ["-acpitable", f"file={str(table).replace(',', ',,')}"]


def test_a_disk_in_use_is_refused_unless_the_hook_looks_at_each_start(host):
    lines = expect(3, "libvirt would take it all", "vm", "create", "guest", "02:00.0",
                   "--xml", "--host", host.root)
    assert any("/srv" in line for line in lines) and any("--hand-over" in line for line in lines)
    expect(1, "pciferry vm hook install", "vm", "create", "guest", "02:00.0", "--hand-over",
           "--xml", "--host", host.root)
    host.file("etc/libvirt/hooks/qemu.d/pciferry", "")
    done = run("vm", "create", "guest", "02:00.0", "--hand-over", "--xml", "--host", host.root)
    assert done.returncode == 0 and "/srv" in done.stderr
    domain = ET.fromstring(done.stdout)
    assert domain.find("metadata/{urn:pciferry:domain:1}hand-over") is not None
    assert domain.find("devices/hostdev").get("managed") == "no"


def test_a_disk_in_use_behind_a_usb_controller_is_one(host):
    host.device("0000:06:00.0", "1234:00aa", "0c0330", "xhci_hcd", 9)
    host.disk("0000:06:00.0", "sda", "8:0", "/media/stick")
    lines = expect(3, "libvirt would take it all", "vm", "create", "guest", "06:00.0",
                   "--xml", "--host", host.root)
    assert any("/media/stick" in line for line in lines)


def test_a_domain_that_libvirt_has_no_number_for_is_told(host):
    host.device("10000:e1:00.0", "1234:0010", "010802", "nvme", 9)
    expect(1, "no number for a domain above ffff", "vm", "xml", "10000:e1:00.0", "--host",
           host.root)


@pytest.mark.parametrize("args,words", [
    ((), "needs a NAME"),
    (("guest",), "needs a DEVICE"),
    (("a/b", CARD), "not a name for a guest"),
    (("a\nb", CARD), "not a name for a guest"),
    (("guest", CARD, "--screen", "big"), "none of vnc, spice and none"),
    (("guest", CARD, "--bios", "--secure-boot"), "takes UEFI"),
    (("guest", CARD, "--xml", "--start"), "defines nothing"),
    (("guest", CARD, "--append", "quiet"), "go with --kernel"),
    (("guest", CARD, "--rom", CARD), "no DEVICE=VALUE"),
    (("guest", CARD, "--rom", f"{FREE_DISK}=/x"), "not one of the functions"),
    (("guest", CARD, "--rom", f"{CARD}=x.rom"), "no absolute path"),
    (("guest", CARD, "--mac", f"{CARD}=52:54:00:00:00:01"), "no virtual function of a network"),
    (("guest", VF, "--mac", f"{VF}=01:00:00:00:00:00"), "no address of a network card"),
    (("guest", VF, "--mac", f"{VF}=52:54:00:00:00"), "no address of a network card"),
    (("guest", VF, "--mac", f"{VF}=52:54:00:00:00:01,4095"), "no VLAN"),
    (("guest", CARD, "--connect", "qemu+ssh://other/system"), "another host"),
    (("guest", CARD, "--cpus", "256"), "no number from 1 to 255"),
])
def test_a_wrong_word_is_told(args, words, host):
    host.device("0000:05:00.1", "1234:0100", "020000", "netvf", 7)
    host.link(host.folder("0000:05:00.1") + "/physfn", "../0000:04:00.0")
    expect(2, words, "vm", "create", *args, "--host", host.root)


def test_a_bridge_never_goes(host):
    expect(3, "a bridge never goes to a guest", "vm", "xml", "00:01.0", "--host", host.root)


def test_a_recording_defines_nothing(host):
    done = run("vm", "create", "guest", CARD, "--host", host.root)
    assert done.returncode == 1 and "guest" not in done.stdout
