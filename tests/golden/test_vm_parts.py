# SPDX-License-Identifier: GPL-2.0-or-later
"""What a guest has of its host besides PCI functions: USB devices, inputs, folders, disks that are
made. What is real: the program, qemu-img, and libvirt's schema. The hosts are made: that a USB disk
in use is found out by asking the kernel is shown on the virtual host (tests/lab, vm-parts.sh)."""
import xml.etree.ElementTree as ET

import pytest

from fakehost import usual
from program import expect, run
from test_vm_create import is_valid

CARD = "01:00.0"
KEYBOARD = "/dev/input/by-id/usb-1234_Keys-event-kbd"
MOUSE = "/dev/input/by-path/pci-0000:00:14.0-usb-0:2:1.0-event-mouse"


def usb(host, port, ids, number, device_class="00"):
    base = "sys/devices/pci0000:00/0000:00:14.0/usb1"
    vendor, product = ids.split(":")
    for name, value in {"idVendor": vendor, "idProduct": product, "bDeviceClass": device_class,
                        "busnum": 1, "devnum": number}.items():
        host.file(f"{base}/{port}/{name}", f"{value}\n")
    host.link(f"sys/bus/usb/devices/{port}", f"../../../{base[4:]}/{port}")


@pytest.fixture(name="host")
def host_with_usb(tmp_path):
    host = usual(tmp_path / "host")
    usb(host, "usb1", "1d6b:0002", 1, "09")
    usb(host, "1-1", "046d:c52b", 2)
    usb(host, "1-2", "1234:0005", 3)
    usb(host, "1-4.1", "1234:0005", 7)
    usb(host, "1-4", "1234:0009", 5, "09")
    host.link("sys/bus/usb/devices/1-1:1.0",
              "../../../devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0")
    for node in (KEYBOARD, MOUSE):
        host.file(node[1:], "")
    return host


def create(host, tmp_path, *args):
    done = run("vm", "create", "guest", CARD, "--bios", "--xml", *args, "--host", host.root)
    assert done.returncode == 0, done.stderr
    assert is_valid(done.stdout, tmp_path)
    return ET.fromstring(done.stdout), done.stderr


def usb_sources(domain):
    return [{node.tag: node.get("id") or (node.get("bus"), node.get("device"))
             for node in one.find("source")}
            for one in domain.iter("hostdev") if one.get("type") == "usb"]


def test_a_usb_device_goes_wherever_it_is_plugged_in(host, tmp_path):
    domain, said = create(host, tmp_path, "--usb", "046D:c52b")
    assert usb_sources(domain) == [{"vendor": "0x046d", "product": "0xc52b"}]
    assert "046D" not in said


def test_of_two_alike_the_port_says_which(host, tmp_path):
    lines = expect(1, "several such devices", "vm", "create", "guest", CARD, "--bios", "--xml",
                   "--usb", "1234:0005", "--host", host.root)
    assert any("port 1-2" in line for line in lines) and any("port 1-4.1" in line for line in lines)
    domain, said = create(host, tmp_path, "--usb", "1-4.1", "--usb", "1-1")
    assert usb_sources(domain) == [
        {"vendor": "0x1234", "product": "0x0005", "address": ("1", "7")},
        {"vendor": "0x046d", "product": "0xc52b", "address": ("1", "2")}]
    assert "until it is plugged in anew" in said


def test_a_usb_network_card_in_use_stays(host, tmp_path):
    folder = "devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0/net/eth7"
    host.file(f"sys/{folder}/flags", "0x1003\n")
    host.link("sys/class/net/eth7", f"../../{folder}")
    lines = expect(3, "eth7 is up", "vm", "create", "guest", CARD, "--bios", "--xml", "--usb",
                   "046d:c52b", "--host", host.root)
    assert any("ip link set eth7 down" in line for line in lines)
    # That of another port is not taken for it.
    create(host, tmp_path, "--usb", "1-2")
    host.file(f"sys/{folder}/flags", "0x1002\n")
    create(host, tmp_path, "--usb", "046d:c52b")
    # What is not known is not down.
    (host.root / "sys" / folder / "flags").unlink()
    expect(3, "whether its network interface eth7 is up could not be read", "vm", "create", "guest",
           CARD, "--bios", "--xml", "--usb", "046d:c52b", "--host", host.root)


def test_inputs_are_switched_by_the_keyboard(host, tmp_path):
    domain, said = create(host, tmp_path, "--evdev", KEYBOARD, "--evdev", MOUSE)
    assert [node.attrib for node in domain.iterfind("devices/input[@type='evdev']/source")] == [
        {"dev": KEYBOARD, "grab": "all", "repeat": "on"}, {"dev": MOUSE}]
    assert "none of --evdev" not in said
    assert "none of --evdev is a keyboard" in create(host, tmp_path, "--evdev", MOUSE)[1]


def test_a_folder_is_shared_with_memory_that_its_server_sees(host, tmp_path):
    (tmp_path / "a=b").mkdir()
    (tmp_path / "pictures").mkdir()
    domain, _ = create(host, tmp_path, "--share", f"{tmp_path}/a=b=first", "--share",
                       f"{tmp_path}/pictures/")
    assert [(node.find("source").get("dir"), node.find("target").get("dir"))
            for node in domain.iter("filesystem")] == [
        (f"{tmp_path}/a=b", "first"), (f"{tmp_path}/pictures", "pictures")]
    backing = domain.find("memoryBacking")
    assert backing.find("source").get("type") == "memfd"
    assert backing.find("access").get("mode") == "shared"


@pytest.mark.parametrize("size,mib", [("", 32), ("=1280x720", 32), ("=3840x2160", 128),
                                      ("=1024x768", 16)])
def test_looking_glass_has_room_for_two_pictures(size, mib, host, tmp_path):
    domain, _ = create(host, tmp_path, f"--looking-glass{size}")
    assert domain.find("devices/shmem").get("name") == "looking-glass"
    assert domain.find("devices/shmem/size").text == str(mib)
    # Its keys come by SPICE; a tablet's place would be where it is not.
    assert domain.find("devices/graphics").get("type") == "spice"
    assert sorted(node.get("type") for node in domain.iter("input")) == ["keyboard", "mouse"]


def test_a_screen_that_was_asked_for_is_had_with_looking_glass(host, tmp_path):
    domain, _ = create(host, tmp_path, "--screen", "none", "--looking-glass")
    assert domain.find("devices/graphics") is None


def test_a_disk_that_is_to_be_made_is_not_made_by_printing(host, tmp_path):
    domain, said = create(host, tmp_path, "--disk", f"{tmp_path}/new.qcow2,size=20G")
    assert domain.find("devices/disk/source").get("file") == f"{tmp_path}/new.qcow2"
    assert domain.find("devices/disk/driver").get("type") == "qcow2"
    assert f"qemu-img create -f qcow2 {tmp_path}/new.qcow2 20480M" in said
    assert not (tmp_path / "new.qcow2").exists()


@pytest.mark.parametrize("args,status,words", [
    (("--usb", "046d"), 2, "neither IDs such as"),
    (("--usb", "1-"), 2, "neither IDs such as"),
    (("--usb", "usb1"), 2, "neither IDs such as"),
    (("--usb", "1-1:1.0"), 2, "neither IDs such as"),
    (("--usb", "dead:beef"), 1, "no such device is plugged in"),
    (("--usb", "1-3"), 1, "no such device is plugged in"),
    (("--usb", "1234:0009"), 3, "a hub goes to no guest"),
    (("--evdev", "/dev/input/event3"), 2, "no name that stays"),
    (("--evdev", KEYBOARD + "s"), 1, "no such input is there"),
    (("--share", "/proc/version"), 1, "Not a directory"),
    (("--share", "/nowhere"), 1, "No such file"),
    (("--share", "=data"), 2, "names no folder"),
    (("--share", "/usr="), 2, "no tag"),
    (("--share", "/"), 2, "no tag"),
    (("--share", "/usr", "--share", "/etc=usr"), 2, "tag of another one"),
    (("--share", "/usr=" + "x" * 37), 2, "no tag"),
    (("--looking-glass=big",), 2, "no size of a picture"),
    (("--looking-glass=0x1080",), 2, "no size of a picture"),
    (("--looking-glass=1x1x1",), 2, "no size of a picture"),
    (("--looking-glass=-1x-1",), 2, "no size of a picture"),
    (("--looking-glass=99999x99999",), 2, "no size of a picture"),
    (("--disk", "/tmp/new.qcow2,size=20"), 2, "no size such as"),
    (("--disk", "/tmp/new.qcow2,size=0G"), 2, "no size such as"),
    (("--disk", "/tmp/new.qcow2,size=99999999T"), 2, "no size such as"),
    (("--disk", "/nowhere/new.qcow2,size=1G"), 1, "No such file"),
    (("--disk", "/proc/version,size=1G"), 1, "it is there already"),
    (("--disk", "/tmp/,size=1G"), 1, "names a folder"),
])
def test_a_wrong_word_is_told(args, status, words, host):
    expect(status, words, "vm", "create", "guest", CARD, "--bios", "--xml", *args, "--host",
           host.root)
