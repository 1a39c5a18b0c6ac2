# SPDX-License-Identifier: GPL-2.0-or-later
"""What is wrong or slow in a definition. What is real: the program; the hosts, the definitions and
the option ROMs are made."""
import json
import shutil

import jsonschema
import pytest

from fakehost import RESOURCES, usual
from program import SCHEMA, expect, run
from roms import chain

GOOD = """<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>guest</name>
  <memory unit='GiB'>8</memory>
  <memoryBacking>
    <hugepages/>
  </memoryBacking>
  <vcpu>2</vcpu>
  <!-- tuned -->
  <os firmware='efi'/>
  <features>
    <acpi/>
  </features>
  <devices>
    <!-- devices -->
  </devices>
</domain>
"""
HOSTDEV = ("<hostdev mode='subsystem' type='pci' managed='yes'><source>"
           "<address domain='0x0000' bus='0x{}' slot='0x00' function='0x{}'/></source>{}</hostdev>")
CARD = HOSTDEV.format("01", 0, "") + HOSTDEV.format("01", 1, "")
FREE_DISK = HOSTDEV.format("03", 0, "")


@pytest.fixture(name="host")
def usual_host(tmp_path):
    host = usual(tmp_path / "host")
    host.file("sys/devices/system/node/node0/cpulist", "0-3,8-11\n")
    host.file("proc/meminfo", "MemTotal: 16777216 kB\nHugepagesize:    2048 kB\n")
    pages(host, 4096)
    for address in ("0000:01:00.0", "0000:01:00.1", "0000:02:00.0", "0000:03:00.0", "0000:04:00.0"):
        host.file(host.folder(address) + "/resource", RESOURCES)
    return host


def pages(host, unused, above="sys/devices/system/node/node0"):
    folder = f"{above}/hugepages/hugepages-2048kB"
    host.file(f"{folder}/nr_hugepages", "8192\n")
    host.file(f"{folder}/free_hugepages", f"{unused}\n")


def definition(tmp_path, devices, *changes):
    text = GOOD.replace("<!-- devices -->", devices)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "guest.xml"
    path.write_text(text)
    return path


# Of every definition whose devices are no lines of /etc/pciferry.tab, and of every file.
UNTOLD = [("domain-device", "INFO"), ("domain-shared", "UNKNOWN")]


def look(host, path, status):
    """All that was found but what passed."""
    done = run("vm", "lint", "--xml", path, "--json", "--host", host.root)
    assert done.returncode == status, done
    found = json.loads(done.stdout)
    jsonschema.validate(found, SCHEMA)
    assert found["command"] == "vm lint"
    assert all(finding["area"] == "domain" for finding in found["findings"])
    left = [finding for finding in found["findings"] if finding["status"] != "PASS"]
    assert all(finding["fix"] for finding in left if finding["status"] in ("WARN", "FAIL"))
    return left


def lint(host, path, status=0):
    """What was found, but for what passed and what a file does not tell, by check."""
    told = [finding for finding in look(host, path, status)
            if (finding["check"], finding["status"]) not in UNTOLD]
    return [(finding["check"], finding["status"], finding["subject"], finding["seen"])
            for finding in told]


def test_a_definition_without_fault_has_none(host, tmp_path):
    assert lint(host, definition(tmp_path, CARD + FREE_DISK)) == []
    done = run("vm", "lint", "--xml", definition(tmp_path, CARD), "--host", host.root)
    assert done.returncode == 0
    assert done.stdout == ("domain     UNKNOWN\n  INFO     domain-device: each address has a device"
                           " that a guest can have; whether it is the one that was meant is not"
                           " known\n  UNKNOWN  domain-shared: a file does not tell which guests"
                           " run\n")


def test_a_device_that_has_moved_is_told(host, tmp_path):
    gone = HOSTDEV.format("77", 0, "")
    assert lint(host, definition(tmp_path, gone), 1) == [
        ("domain-device", "FAIL", "0000:77:00.0", "nothing is at this address")]
    bridge = FREE_DISK.replace("bus='0x03' slot='0x00'", "bus='0x00' slot='0x01'")
    assert "a bridge is there" in lint(host, definition(tmp_path, bridge), 1)[0][3]
    card = "<interface type='hostdev'><source><address type='pci' bus='3'/></source></interface>"
    assert "no network card is there" in lint(host, definition(tmp_path, card), 1)[0][3]
    host.file("etc/pciferry.tab",
              "device 0000:03:00.0 1234:9999/1234:0002@03.0/00.0 vfio-pci\n")
    found = lint(host, definition(tmp_path, FREE_DISK), 1)
    assert found[0][0:3] == ("domain-device", "FAIL", "0000:03:00.0")
    assert "1234:9999" in found[0][3]


def test_what_the_host_uses_is_told(host, tmp_path):
    """As after a move: what was the guest's disk is now the one that is mounted."""
    found = look(host, definition(tmp_path, HOSTDEV.format("02", 0, "")), 1)
    assert [(row["check"], row["status"], row["subject"]) for row in found] == [
        ("domain-device", "INFO", None), ("domain-use", "FAIL", "0000:02:00.0"),
        ("domain-shared", "UNKNOWN", None)]
    assert "is not known" in found[0]["seen"]
    assert "/srv" in found[1]["seen"] and "libvirt does not look" in found[1]["why"]
    host.file("etc/pciferry.tab",
              "device 0000:03:00.0 1234:0010/1234:0002@00.0 vfio-pci\n")
    found = look(host, definition(tmp_path, FREE_DISK), 0)
    assert [row["check"] for row in found] == ["domain-shared"]


def test_a_fix_is_a_command_that_a_shell_takes(host, tmp_path):
    path = definition(tmp_path, HOSTDEV.format("77", 0, "")).rename(tmp_path / "web two.xml")
    found = look(host, path, 1)
    assert f"pciferry vm detach --xml '{path}' 0000:77:00.0" in found[0]["fix"]
    path = definition(tmp_path, HOSTDEV.format("01", 0, "")).rename(tmp_path / "web two.xml")
    assert (f"pciferry vm attach --xml '{path}' 0000:01:00.1"
            in [row["fix"] for row in look(host, path, 1)])
    bridge = FREE_DISK.replace("bus='0x03' slot='0x00'", "bus='0x00' slot='0x01'")
    disk = ("<disk type='nvme' device='disk'><source type='pci' namespace='1'><address"
            " bus='0x77'/></source></disk>")
    for element, name in ((bridge, "hostdev"), (disk, "disk")):
        fix = look(host, definition(tmp_path, element), 1)[0]["fix"]
        assert f"<source> of the <{name}> of line 14" in fix and "detach" not in fix


def test_what_of_a_group_is_missing_is_told_once(host, tmp_path):
    found = lint(host, definition(tmp_path, HOSTDEV.format("01", 0, "")), 1)
    assert found == [("domain-siblings", "FAIL", "0000:01:00.0", "0000:01:00.1 is in its group, and"
                      " not in the domain; driver snd_hda_intel")]
    host.device("0000:01:00.2", "1234:293f", "0c0330", None, 2)
    found = lint(host, definition(tmp_path, CARD))
    assert [row[1] for row in found] == ["INFO"] and "0000:01:00.2" in found[0][3]


def test_a_device_in_no_group_is_told(host, tmp_path):
    """The IOMMU is off."""
    found = lint(host, definition(tmp_path, HOSTDEV.format("04", 0, "")), 1)
    assert found == [("domain-siblings", "FAIL", "0000:04:00.0", "it is in no group")]


@pytest.mark.parametrize("rom,status,words", [
    (None, 1, "there is no such file"),
    (b"", 0, "it is no option ROM"),
    (b"\x55\xaa" + b"\xff" * 100, 0, "it is no option ROM"),
    (chain(0), 0, "no image for UEFI"),
    (chain(0, 3), 0, None),
    (chain(0, 3)[:600], 0, "it is cut off"),
    (b"NVGI" + b"\0" * 508 + chain(0, 3), 0, "stands before the ROM"),
    (b"\x55\xaa\x01" + b"\0" * 509, 0, "it is no option ROM"),
    (chain(3, ids="1234:5047"), 0, "is for 1234:5047, not 1234:5046"),
])
def test_a_rom_that_the_guest_cannot_use_is_told(rom, status, words, host, tmp_path):
    host.file("roms/other", "")
    if rom is not None:
        host.file("roms/card", rom)
    card = CARD.replace("</source>", "</source><rom file='/roms/card'/>", 1)
    found = lint(host, definition(tmp_path, card), status)
    assert len(found) == (words is not None)
    assert not words or (found[0][0] == "domain-rom" and words in found[0][3])


def test_the_roms_of_amd_s_integrated_graphics_are_kept(host, tmp_path):
    """Without them its driver fails with error 43: nobody is told to take them out."""
    host.device("0000:06:00.0", "1002:1638", "030000", None, 6)
    host.device("0000:06:00.1", "1002:1637", "040300", None, 6)
    host.file("roms/vbios.bin", chain(0, ids="1002:1636"))
    host.file("roms/AMDGopDriver.rom", chain(3, ids="1002:1638"))
    path = definition(tmp_path, HOSTDEV.format("06", 0, "<rom file='/roms/vbios.bin'/>")
                      + HOSTDEV.format("06", 1, "<rom file='/roms/AMDGopDriver.rom'/>"))
    found = [row for row in look(host, path, 0) if row["check"] == "domain-rom"]
    assert [(row["status"], row["subject"], row["fix"]) for row in found] == [
        ("INFO", "0000:06:00.0", "keep it")]


def test_a_network_card_s_rom_need_not_show_anything(host, tmp_path):
    host.device("0000:07:00.0", "1234:10d3", "020000", None, 7, resource=RESOURCES)
    host.file("roms/nic", chain(0, ids="1234:10d3"))
    path = definition(tmp_path, HOSTDEV.format("07", 0, "<rom file='/roms/nic'/>"))
    assert lint(host, path) == []
    path = definition(tmp_path, HOSTDEV.format("07", 0, "<rom file='efi-e1000e.rom'/>"))
    assert lint(host, path) == [("domain-rom", "UNKNOWN", "0000:07:00.0",
                                 "efi-e1000e.rom: QEMU looks for it in its own folders")]


def test_a_rom_for_bios_does_for_a_guest_by_bios(host, tmp_path):
    host.file("roms/card", chain(0))
    card = CARD.replace("</source>", "</source><rom file='/roms/card'/>", 1)
    assert lint(host, definition(tmp_path, card, (" firmware='efi'", ""))) == []


def test_what_qemu_no_longer_takes_is_told(host, tmp_path):
    line = ("</devices>{}<qemu:commandline>{}<qemu:arg value='-set'/><qemu:arg"
            " value='device.hostdev0.x-vga=on'/><qemu:arg value='-set'/>"
            "<qemu:arg value='drive.a.b=c'/></qemu:commandline>")
    told = [("domain-set", "WARN", None, "line 15: -set device.hostdev0.x-vga=on")]

    def found(capabilities="", arguments=""):
        return lint(host, definition(tmp_path, CARD, (
            "</devices>", line.format(capabilities, arguments))))

    assert found() == told
    assert found("<qemu:capabilities><qemu:del capability='device.json'/>"
                 "</qemu:capabilities>") == []
    assert found("<qemu:capabilities><qemu:del capability='blockdev'/>"
                 "</qemu:capabilities>") == told
    device = "<qemu:arg value='-device'/><qemu:arg value='{}'/>"
    assert found(arguments=device.format("vfio-pci,id=hostdev0,host=05:00.0")) == []
    assert found(arguments=device.format("vfio-pci,id=hostdev01")) == told
    assert found(arguments=device.format('{"driver":"vfio-pci","id":"hostdev0"}')) == told


def test_features_that_libvirt_does_not_see_are_told(host, tmp_path):
    nested = ("<acpi/>", "<acpi/><features><kvm><hidden state='on'/></kvm></features>")
    assert lint(host, definition(tmp_path, CARD, nested), 1) == [
        ("domain-features", "FAIL", None, "line 11: <features> inside <features>")]


def test_hiding_is_told_where_an_nvidia_driver_needs_it_no_more(host, tmp_path):
    hidden = ("<acpi/>", "<kvm><hidden state='on'/></kvm>")
    assert lint(host, definition(tmp_path, CARD, hidden)) == []
    host.device("0000:05:00.0", "10de:1b80", "030000", None, 5)
    card = HOSTDEV.format("05", 0, "")
    found = [row for row in look(host, definition(tmp_path, card, hidden), 0)
             if row["check"] == "domain-hidden"]
    assert found[0]["status"] == "WARN" and "is slower" in found[0]["why"]
    windows = ("<acpi/>", "<hyperv/><kvm><hidden state='on'/></kvm>")
    found = [row for row in look(host, definition(tmp_path, card, windows), 0)
             if row["check"] == "domain-hidden"]
    assert found[0]["status"] == "WARN" and "slower" not in found[0]["why"]


def test_small_pages_are_slow_only_where_the_kernel_gives_no_huge_ones(host, tmp_path):
    path = definition(tmp_path, CARD, ("<hugepages/>", "<locked/>"))
    assert [row[0:2] for row in lint(host, path)] == [("domain-memory", "INFO")]
    enabled = "sys/kernel/mm/transparent_hugepage/enabled"
    host.file(enabled, "always [madvise] never\n")
    assert [row[0:2] for row in lint(host, path)] == [("domain-memory", "INFO")]
    host.file(enabled, "always madvise [never]\n")
    assert [row[0:2] for row in lint(host, path)] == [("domain-memory", "WARN")]
    assert lint(host, definition(tmp_path, "", ("<hugepages/>", "<locked/>"))) == []


def test_huge_pages_are_counted(host, tmp_path):
    pages(host, 4095)
    told = ("domain-memory", "WARN", None, "it needs 4096 huge pages of 2048 KiB, 4095 are free")
    assert lint(host, definition(tmp_path, CARD)) == [told]
    page = "<hugepages><page size='2' unit='M'/></hugepages>"
    assert lint(host, definition(tmp_path, CARD, ("<hugepages/>", page))) == [told]
    page = "<hugepages><page size='1' unit='GiB'/></hugepages>"
    path = definition(tmp_path, CARD, ("<hugepages/>", page))
    assert [row[0:2] for row in lint(host, path)] == [("domain-memory", "UNKNOWN")]
    # Numbers of nodes have gaps, and go beyond their count.
    pages(host, 1, "sys/devices/system/node/node255")
    assert lint(host, definition(tmp_path, CARD)) == []


def test_devices_with_much_memory_are_told_where_the_guest_has_no_room_for_it(host, tmp_path):
    large = "0x0000004000000000 0x00000047ffffffff 0x000000000014220c"
    host.file(host.folder("0000:01:00.0") + "/resource",
              "\n".join([large] + RESOURCES.split("\n")[1:]))
    assert lint(host, definition(tmp_path, CARD)) == [
        ("domain-window", "INFO", None,
         "its devices need 128 GiB of addresses above 4 GiB, and it does not ask for room")]
    bios = (" firmware='efi'", "")
    found = look(host, definition(tmp_path, CARD, bios), 0)
    found = [row for row in found if row["check"] == "domain-window"]
    assert found[0]["status"] == "WARN" and "<pcihole64 unit='KiB'>134217728<" in found[0]["fix"]
    room = ("<!-- devices -->", "<controller type='pci' index='0'><pcihole64 unit='KiB'>134217728"
            "</pcihole64></controller>")
    path = definition(tmp_path, "<!-- devices -->" + CARD, room, bios)
    assert lint(host, path) == []


def test_groups_by_number_are_told_wherever_they_stand(host, tmp_path):
    line = ("</devices>", "</devices>\n<!-- /dev/vfio/12 --><description>/sys/kernel/iommu_groups/7/"
            "devices, /dev/vfio/vfio</description>")
    assert [row[3] for row in lint(host, definition(tmp_path, CARD, line))] == [
        "line 16: /dev/vfio/12", "line 16: /iommu_groups/7/devices"]


def test_cpus_memory_and_devices_on_several_nodes_are_told(host, tmp_path):
    host.file("sys/devices/system/node/node1/cpulist", "4-7,12-15\n")
    host.file(host.folder("0000:03:00.0") + "/numa_node", "1\n")

    def found(pins, more="", devices=FREE_DISK, status=0):
        path = definition(tmp_path, devices, ("<!-- tuned -->", f"<cputune>{pins}</cputune>{more}"))
        return [(row[1], row[3]) for row in lint(host, path, status)]

    one = "<vcpupin vcpu='0' cpuset='{}'/>".format
    two = "<vcpupin vcpu='1' cpuset='{}'/>".format
    assert found(one("4") + two("12-15,^13")) == []
    assert found(one("1") + two("0-3,^1"), devices=CARD) == []
    assert found(one("1") + two("2")) == [
        ("WARN", "it is on node 1, the domain's CPUs are on 0")]
    assert found(one("1") + two("4")) == [("WARN", "its CPUs are pinned to nodes 0, 1")]
    cells = "<cpu><numa><cell cpus='0' memory='1'/><cell cpus='1' memory='1'/></numa></cpu>"
    assert found(one("0-3") + two("4-7"), cells) == []
    assert found(one("4") + two("5"), "<numatune><memory nodeset='0'/></numatune>") == [
        ("WARN", "its memory is on nodes 0, the CPUs are on 1")]
    assert found(one("4") + two("5"), "<numatune><memory nodeset='0-1'/></numatune>") == [
        ("WARN", "its memory is on nodes 0-1, the CPUs are on 1")]
    assert found("") == [("INFO", "2 of its 2 CPUs are not pinned")]
    # What one takes out another may have; one of two that is pinned is not all.
    assert found(one("0-7,^0-3") + two("0-3,^1"), devices=CARD) == [
        ("WARN", "its CPUs are pinned to nodes 0, 1")]
    assert found(one("4")) == [("INFO", "1 of its 2 CPUs are not pinned")]


def test_memory_of_a_guest_s_own_nodes_is_compared(host, tmp_path):
    host.file("sys/devices/system/node/node1/cpulist", "4-7,12-15\n")
    text = ("<cputune><vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='1' cpuset='4'/></cputune>"
            "<cpu><numa><cell id='0' cpus='0' memory='1'/><cell id='1' cpus='1' memory='1'/></numa>"
            "</cpu><numatune><memnode cellid='0' mode='strict' nodeset='{}'/>"
            "<memnode cellid='1' mode='strict' nodeset='{}'/></numatune>")
    right = definition(tmp_path, CARD, ("<!-- tuned -->", text.format(0, 1)))
    assert lint(host, right) == []
    crossed = definition(tmp_path, CARD, ("<!-- tuned -->", text.format(1, 0)))
    assert [row[3] for row in lint(host, crossed)] == [
        "its node 0's memory is on nodes 1, the CPUs are on 0",
        "its node 1's memory is on nodes 0, the CPUs are on 1"]


def test_cpus_that_the_host_has_not_are_told_also_with_one_node(host, tmp_path):
    host.file("sys/devices/system/cpu/online", "0-3,8-11\n")

    def found(cpuset, status):
        pins = f"<cputune><vcpupin vcpu='1' cpuset='{cpuset}'/></cputune>"
        return [(row[1], row[3]) for row in
                lint(host, definition(tmp_path, CARD, ("<!-- tuned -->", pins)), status)]

    assert found("3", 0) == []
    assert found("3-4", 0) == [
        ("WARN", "its CPU 1 is pinned to 3-4, some of which this host has not")]
    for none in ("99", "a,^,-,9999999999,7-3,^4-"):
        assert found(none, 1) == [
            ("FAIL", f"its CPU 1 is pinned to {none}, which this host has not")]


def test_a_kernel_that_knows_of_no_nodes_has_one(host, tmp_path):
    shutil.rmtree(host.root / "sys/devices/system/node")
    (host.root / "sys/devices/system").mkdir(exist_ok=True)
    pages(host, 4096, "sys/kernel/mm")
    assert lint(host, definition(tmp_path, CARD)) == []


def test_what_could_not_be_read_is_not_said_to_be_well(host, tmp_path):
    (host.root / "sys/devices/system/node/node0/cpulist").unlink()
    assert lint(host, definition(tmp_path, CARD)) == [
        ("domain-numa", "UNKNOWN", None, "/sys/devices/system/node could not be read")]


@pytest.mark.parametrize("args,words", [
    ((), "vm lint needs a DOMAIN, or --xml FILE"),
    (("guest", "01:00.0"), "vm lint looks at one domain"),
    (("guest", "--live"), "--live"),
    (("guest", "--connect", "qemu+ssh://other/system"), "another host"),
])
def test_a_wrong_word_is_told(args, words, host):
    expect(2, words, "vm", "lint", *args, "--host", host.root)


def test_what_is_no_definition_is_not_looked_at(host, tmp_path):
    path = tmp_path / "a.xml"
    path.write_text("<network/>")
    expect(1, "not one of libvirt's", "vm", "lint", "--xml", path, "--host", host.root)
    expect(1, "No such file", "vm", "lint", "--xml", tmp_path / "none", "--host", host.root)
