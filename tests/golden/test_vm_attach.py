# SPDX-License-Identifier: GPL-2.0-or-later
"""Devices given to and taken from definitions that are there, as files. What is real: the program;
the hosts and the definitions are made. Where DOMAINS names a folder, such as tests/qemuxml2argvdata
of libvirt's sources, each definition in it is edited, too. Running guests are shown on the virtual
host (tests/lab, vm-attach.sh)."""
import os
import pathlib
import subprocess
import xml.etree.ElementTree as ET

import pytest

from fakehost import usual
from program import PROGRAM, expect, run
from test_vm_create import NO_BAR

CARD = "01:00.0"
MOUNTED = "02:00.0"
FREE_DISK = "03:00.0"
NO_GROUP = "04:00.0"
VF = "05:00.1"

# As a person and as libvirt write it, with what neither of us knows.
DOMAIN = """<?xml version='1.0' encoding='utf-8'?>
<!-- WARNING: <devices> here is not one. -->
<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' id = "7">
  <name>guest</name>
  <metadata>
    <my:note xmlns:my="urn:mine">a &amp; b &#xe4; ä <![CDATA[</devices>]]></my:note>
  </metadata>
  <memory unit='KiB'>4194304</memory>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>

    <controller type='pci' index='0' model='pcie-root'/>
    <controller type="pci" index="1" model="pcie-root-port"/>
    <controller type='pci' index='2' model='pcie-root-port'>
      <target chassis='2' port='0x9'/>
    </controller>
    <disk type='file' device='disk'>  <!-- mine -->
      <target dev='vda' bus='virtio'/>
      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
    </disk>
    <later unknown='yes'><devices/></later>
\t<panic model='isa'/> <!-- the last -->
  </devices>
  <qemu:commandline>
    <qemu:arg value='-device'/>
  </qemu:commandline>
</domain>
"""


@pytest.fixture(name="host")
def usual_host(tmp_path):
    return usual(tmp_path / "host")


@pytest.fixture(name="path")
def definition(tmp_path):
    path = tmp_path / "guest.xml"
    path.write_text(DOMAIN)
    return path


def edit(verb, host, path, *args):
    done = run("vm", verb, "--xml", path, *args, "--host", host.root)
    assert done.returncode == 0, done.stderr
    return done


def edit_bytes(verb, host, path, *args):
    """What is written to a file: as bytes, since Python's text makes one line end of all."""
    out = path.with_suffix(".out")
    with open(out, "wb") as stream:
        done = subprocess.run([PROGRAM, "vm", verb, "--xml", path, *args, "--host", host.root],
                              stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.PIPE,
                              check=False)
    return done.returncode, out.read_bytes(), done.stderr.decode()


def functions(text):
    """Of the host, and their places in the guest."""
    found = {}
    for node in ET.fromstring(text).iter("hostdev"):
        source, own = node.find("source/address"), node.find("address")
        key = ":".join(source.get(name)[2:] for name in ("bus", "slot", "function"))
        found[key] = own is not None and (int(own.get("bus"), 16), int(own.get("function"), 16))
    return found


def test_only_the_devices_are_added_and_taken_away_again(host, path):
    done = edit("attach", host, path, CARD)
    assert functions(done.stdout) == {"01:00:0": (2, 0), "01:00:1": (2, 1)}
    assert "01:00.1 at 02:00.1 in the guest" in done.stderr
    lines, before = done.stdout.splitlines(), DOMAIN.splitlines()
    added = [line for line in lines if line not in before]
    assert [line for line in lines if line not in added] == before
    at = lines.index("\t<panic model='isa'/> <!-- the last -->")
    assert lines[at + 1].startswith("    <hostdev ") and lines[at + 1] in added
    path.write_text(done.stdout)
    assert edit("detach", host, path, CARD).stdout == DOMAIN


@pytest.mark.parametrize("old,new", [("\n", "\r\n"), ("    ", "\t\t"), ("\n", "")],
                         ids=["windows", "tabs", "one line"])
def test_each_way_to_write_it_is_kept(old, new, host, path):
    text = DOMAIN.replace(old, new).encode()
    path.write_bytes(text)
    status, longer, _ = edit_bytes("attach", host, path, FREE_DISK)
    assert status == 0 and len(longer) > len(text)
    path.write_bytes(longer)
    assert edit_bytes("detach", host, path, FREE_DISK)[1] == text


def test_what_is_missing_of_a_card_is_added_alone(host, path):
    text = edit("attach", host, path, CARD).stdout
    at = text.index("    <hostdev", text.index("<hostdev") + 1)
    half = text[:at] + text[text.index("</hostdev>", at) + len("</hostdev>\n"):]
    assert list(functions(half)) == ["01:00:0"]
    path.write_text(half)
    done = edit("attach", host, path, CARD)
    assert "01:00.0: the definition has it already" in done.stderr
    assert "01:00.1 at where libvirt finds room" in done.stderr
    assert functions(done.stdout) == {"01:00:0": (2, 0), "01:00:1": False}
    path.write_text(done.stdout)
    assert edit("detach", host, path, CARD).stdout == DOMAIN


def test_twice_is_once(host, path):
    path.write_text(edit("attach", host, path, FREE_DISK).stdout)
    expect(1, "its definition has them already", "vm", "attach", "--xml", path, FREE_DISK,
           "--host", host.root)


def test_a_disk_in_use_is_refused_unless_the_hook_looks_at_each_start(host, path):
    lines = expect(3, "libvirt would take it all the same", "vm", "attach", "--xml", path, MOUNTED,
                   "--host", host.root)
    assert any("/srv" in line for line in lines)
    path.write_text(DOMAIN.replace(
        "<metadata>", "<metadata><p:hand-over xmlns:p='urn:pciferry:domain:1'/>"))
    expect(1, "pciferry vm hook install", "vm", "attach", "--xml", path, MOUNTED,
           "--host", host.root)
    host.file("etc/libvirt/hooks/qemu.d/pciferry", "")
    done = edit("attach", host, path, MOUNTED)
    assert "/srv" in done.stderr and "managed=\"no\"" in done.stdout


def test_a_device_that_has_gone_can_be_taken_away(host, path):
    text = edit("attach", host, path, FREE_DISK).stdout
    path.write_text(text.replace('bus="0x03" slot="0x00"', 'bus="0x77" slot="0x00"'))
    assert edit("detach", host, path, "77:00.0").stdout == DOMAIN
    expect(1, "78:00.0", "vm", "detach", "--xml", path, "78:00.0", "--host", host.root)
    expect(1, "it has none of these devices", "vm", "detach", "--xml", path, CARD,
           "--host", host.root)


def test_where_a_bridge_is_now_the_device_can_be_taken_away_alone(host, path):
    text = edit("attach", host, path, FREE_DISK).stdout
    path.write_text(text.replace('bus="0x03" slot="0x00"', 'bus="0x00" slot="0x01"'))
    assert edit("detach", host, path, "00:01.0").stdout == DOMAIN
    path.write_text(DOMAIN)
    expect(3, "a bridge never goes", "vm", "detach", "--xml", path, "00:01.0",
           "--host", host.root)


def test_a_device_that_no_guest_can_have_is_told(host, path):
    assert "in no IOMMU group" in edit("attach", host, path, NO_GROUP).stderr
    assert "IOMMU" not in edit("attach", host, path, FREE_DISK).stderr


def test_memory_that_a_guest_has_no_room_for_is_told(host, path):
    lines = ["0x0000000000000000 0x0000000000000000 0x0000000000000000"] * 13
    lines[0] = "0x0000004000000000 0x0000004fffffffff 0x000000000014220c"
    host.file(host.folder("0000:03:00.0") + "/resource", "\n".join(lines) + "\n")
    assert "takes 128 GiB above 4 GiB" in edit("attach", host, path, FREE_DISK).stderr


def test_each_name_of_utf8_is_known(host, path):
    path.write_text(DOMAIN.replace("encoding='utf-8'", 'encoding="UTF8"'))
    path.write_text(edit("attach", host, path, FREE_DISK).stdout)
    assert edit("detach", host, path, FREE_DISK).returncode == 0


def test_a_rom_and_a_network_address_go_along(host, path):
    text = edit("attach", host, path, CARD, "--rom", f"{CARD}=/roms/a b.rom").stdout
    assert ET.fromstring(text).find("devices/hostdev/rom").get("file") == "/roms/a b.rom"
    host.device("0000:05:00.1", "1234:0100", "020000", "netvf", 7)
    host.link(host.folder("0000:05:00.1") + "/physfn", "../0000:04:00.0")
    text = edit("attach", host, path, VF, "--mac", f"{VF}=52:54:00:aa:bb:cc,7").stdout
    assert ET.fromstring(text).find("devices/interface/vlan/tag").get("id") == "7"
    path.write_text(text)
    assert edit("detach", host, path, VF).stdout == DOMAIN


@pytest.mark.parametrize("text,words", [
    ("", "not XML"), ("<domain>", "not XML"), ("<network/>", "not one of libvirt's"),
    ("<!DOCTYPE a [<!ENTITY b SYSTEM '/etc/passwd'>]><domain><name>&b;</name></domain>",
     "not one of libvirt's"),
    ("<domain><devices/></domain>", "write <devices></devices>"),
    ("<domain><devices></devices><devices></devices></domain>", "not one <devices>"),
    ("<?xml version='1.0' encoding='latin1'?><domain><devices></devices></domain>",
     "is not certain"),
])
def test_what_is_no_definition_is_not_edited(text, words, host, path):
    path.write_text(text)
    expect(1, words, "vm", "attach", "--xml", path, FREE_DISK, "--host", host.root)


def test_a_disk_of_qemus_own_driver_is_not_taken_away_unasked(host, path):
    path.write_text(DOMAIN.replace("<disk type='file' device='disk'>", "<disk type='nvme'>"
                                   "<source><address bus='3'/></source>"))
    expect(1, "take the <disk> out with an editor", "vm", "detach", "--xml", path, FREE_DISK,
           "--host", host.root)


@pytest.mark.parametrize("args,words", [
    (("attach",), "needs a DOMAIN, or --xml FILE"),
    (("attach", "guest"), "vm attach needs a DEVICE"),
    (("detach", "--xml", "x"), "vm detach needs a DEVICE"),
    (("attach", "--xml", "x", "--live", CARD), "neither --config nor --live"),
    (("detach", "guest", CARD, "--timeout", "0"), "no number of seconds"),
    (("detach", "guest", CARD, "--shared"), "--shared"),
    (("attach", "guest", CARD, "--connect", "qemu+ssh://other/system"), "another host"),
])
def test_a_wrong_word_is_told(args, words, host):
    expect(2, words, "vm", *args, "--host", host.root)


def test_a_recording_has_no_domains(host):
    for verb in ("attach", "detach"):
        expect(1, "it is a copy, and cannot be changed", "vm", verb, "guest", FREE_DISK,
               "--host", host.root)
    expect(1, "--xml FILE looks at a definition", "vm", "lint", "guest.xml", "--host", host.root)


@pytest.mark.skipif("DOMAINS" not in os.environ, reason="DOMAINS names no folder of definitions")
def test_definitions_of_others_are_what_they_were(host, path):
    """Each that is edited is the same again; what is not edited is told why."""
    nobodys = "e7:1d.3"
    host.device(f"0000:{nobodys}", "1234:0011", "010802", None, 9,
                resource="\n".join([NO_BAR] * 7))
    edited, refused = 0, []
    for file in sorted(pathlib.Path(os.environ["DOMAINS"]).glob("**/*.xml")):
        text = file.read_bytes()
        path.write_bytes(text)
        status, longer, told = edit_bytes("attach", host, path, nobodys)
        if status != 0:
            assert told.startswith("pciferry: "), told
            refused.append(f"{file.name}: {told.splitlines()[0]}")
            continue
        path.write_bytes(longer)
        status, back, told = edit_bytes("detach", host, path, nobodys)
        assert status == 0 and back == text, (file, told)
        edited += 1
    print(f"{edited} definitions edited; not edited:", *refused, sep="\n  ")
    assert edited > 0
