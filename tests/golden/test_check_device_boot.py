# SPDX-License-Identifier: GPL-2.0-or-later
"""The checks of who else wants a device: drivers, other tools, settings by model or address."""
import pytest

from checks import CARD, RELEASE, attribute, find_wrong, findings, in_turn, remove

GUEST = "etc/libvirt/qemu/win.xml"
HOSTDEV = """<domain>
  <devices>
    <hostdev mode='subsystem' type='pci' managed='yes'>
      <source>
        <address domain='0x0000' bus='{bus}' slot='0x00' function='0x0'/>
      </source>
      <address type='pci' domain='0x0000' bus='{guest}' slot='0x00' function='0x0'/>
    </hostdev>
  </devices>
</domain>
"""


def write(path, text):
    return lambda host: host.file(path, text)


def twin(host):
    host.device("0000:06:00.0", "1234:8086", "020000", None, 7)


BUILTIN = write(f"lib/modules/{RELEASE}/modules.builtin", "kernel/drivers/net/ferry/ferry-net.ko\n")

# Of each check: what goes wrong, what it then says, and a word that its fix must have.
WRONG = [
    ("device-driver", BUILTIN, "INFO", f"pciferry bind {CARD}"),
    ("device-driver", write("sys/module/ferry_net/initstate", "live\n"), "INFO", "softdep"),
    ("device-override", attribute("driver_override", "ferry"), "WARN", "driver_override"),
    ("device-override", write(f"etc/driverctl.d/pci-{CARD}", "vfio-pci\n"), "INFO", "driverctl"),
    ("device-siblings", twin, "INFO", "address"),
    ("device-mentioned", write(GUEST, HOSTDEV.format(bus="0x05", guest="0x01")), "INFO", "cards"),
    ("device-mentioned", write(f"etc/driverctl.d/pci-{CARD}", "vfio-pci\n"), "INFO", "cards"),
]


@pytest.mark.parametrize("check,change,status,fix", WRONG)
def test_what_is_wrong_is_found_and_the_way_out_named(host, check, change, status, fix):
    change(host)
    find_wrong(host, check, status, fix, CARD)


def loops(path):
    """It is there, and nobody can read it, not even root."""
    return lambda host: host.link(path, path.split("/")[-1])


# What is taken away, and the check that can then not know.
UNREAD = [
    ("device-driver", remove(f"lib/modules/{RELEASE}/modules.alias")),
    ("device-driver", remove(f"lib/modules/{RELEASE}/modules.builtin")),
    ("device-driver", remove("proc/sys/kernel/osrelease")),
    ("device-override", attribute("driver_override", None)),
    ("device-override", loops(f"etc/driverctl.d/pci-{CARD}")),
    ("device-siblings", attribute("modalias", "x")),
    ("device-mentioned", loops(GUEST)),
    ("device-mentioned", in_turn(remove("etc/modprobe.d"), loops("etc/modprobe.d"))),
    ("device-mentioned", loops("etc/network/interfaces")),
    ("device-mentioned", remove("etc")),
]


@pytest.mark.parametrize("check,change", UNREAD)
def test_what_could_not_be_read_is_unknown_and_never_well(host, check, change):
    change(host)
    found = findings(host, "--only", check, CARD)
    assert found and {one["status"] for one in found} == {"UNKNOWN"}, found


def test_a_driver_for_vfio_is_none_that_is_in_the_way(host):
    in_turn(write(f"lib/modules/{RELEASE}/modules.alias",
                  "alias pci:v00001234d00008086sv*sd*bc*sc*i* ferry_vfio_pci\n"),
            write("sys/module/ferry_vfio_pci/initstate", "live\n"),
            attribute("driver_override", "vfio-pci"))(host)
    found = findings(host, "--only", "device-driver,device-override", CARD)
    assert {one["status"] for one in found} == {"PASS"}


def test_those_alike_that_go_along_are_no_twins(host):
    twin(host)
    link = host.root / host.folder("0000:06:00.0") / "iommu_group"
    link.unlink()
    link.symlink_to("../../../kernel/iommu_groups/5")
    assert findings(host, "--only", "device-siblings", CARD)[0]["status"] == "PASS"


def mentions(host, path, text):
    host.file(path, text)
    found = findings(host, "--only", "device-mentioned", CARD)
    return [one["seen"] for one in found if one["status"] != "PASS"]


@pytest.mark.parametrize("path,text,line", [
    (GUEST, HOSTDEV.format(bus="0x05", guest="0x01"), 5),
    (GUEST, HOSTDEV.format(bus="5", guest="0x01").replace("'", '"'), 5),
    (GUEST, "<a>\n<qemu:arg value='vfio-pci,host=0000:05:00.0,id=x'/>\n</a>\n", 2),
    ("etc/modprobe.d/vfio.conf", "# 05:00.0\ninstall a echo 05:00.0 > b\n", 2),
    ("etc/udev/rules.d/9.rules", '\nKERNEL=="0000:05:00.0", ATTR{a}="b"\n', 2),
    ("etc/udev/rules.d/9.rules", 'ENV{ID_PATH}=="pci-0000:05:00.0"', 1),
    ("etc/network/interfaces", "auto lo\niface enp5s0 inet dhcp\n", 2),
    ("etc/network/interfaces", "auto enp5s0f0np0", 1),
    ("etc/network/interfaces.d/card", "auto br0\n bridge_ports eno1 enp5s0\n", 2),
])
def test_a_file_that_names_the_address_is_told_with_its_line(host, path, text, line):
    assert mentions(host, path, text) == [f"/{path} names it in line {line}"]


@pytest.mark.parametrize("path,text", [
    (GUEST, HOSTDEV.format(bus="0x01", guest="0x05")),
    (GUEST, HOSTDEV.format(bus="0x55", guest="0x05")),
    (GUEST, "<!--" + HOSTDEV.format(bus="0x05", guest="0x01") + "-->"),
    (GUEST, "<source file='a'/><address bus='0x05' slot='0x00'/>"),
    (GUEST, "<source><address bus='0x05' slot='0x00' function='0x0'"),
    (GUEST, "<source><address bus='0x05"), (GUEST, "<"), (GUEST, "<!--"), (GUEST, ""),
    (GUEST + ".bak", HOSTDEV.format(bus="0x05", guest="0x01")),
    ("etc/modprobe.d/vfio.conf", "install a 0001:05:00.0 05:00.00 105:00.0 05:00.1 a:05:00.0.1\n"),
    ("etc/modprobe.d/vfio.conf", "install a 52:54:00:05:00.0 0:0:05:00.0 x05:00.0 05:00.0"[:-1]),
    ("etc/network/interfaces", "auto enp5s0f1 enp5s01 enp55s0 xenp5s0 enP1p5s0 enp5s\n"),
])
def test_what_names_another_is_not_told(host, path, text):
    assert not mentions(host, path, text)
