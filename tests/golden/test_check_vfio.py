# SPDX-License-Identifier: GPL-2.0-or-later
"""The checks of VFIO, and of the memory that guests need with it."""
import pytest

import checks
from checks import RELEASE, find_wrong, findings, hugepages, in_turn, kernel, remove, user

IDLE = "sys/module/vfio_pci/parameters/disable_idle_d3"
UNLOADED = remove("sys/module/vfio_pci", "sys/module/vfio_iommu_type1")


def without_modules(host):
    UNLOADED(host)
    host.file(f"lib/modules/{RELEASE}/modules.dep", "kernel/drivers/net/e1000e.ko.xz:\n")


def kernel_was_updated(host):
    UNLOADED(host)
    remove(f"lib/modules/{RELEASE}")(host)


# Of each check: what goes wrong, what it then says, and a word that its fix must have.
def overridden(driver):
    """By driverctl."""
    return lambda host: host.file(f"etc/driverctl.d/pci-{checks.CARD}", f"{driver}\n")


def ids_and_driverctl(host):
    host.file("etc/modprobe.d/vfio.conf", "options vfio-pci ids=1234:8086\n")
    overridden("pci-stub")(host)


def script(path):
    return lambda host: host.file(path, "#!/bin/sh\necho vfio-pci > $device/driver_override\n")


def pages_line(line):
    """That the tab has it, on two nodes with 512 pages each."""
    def change(host):
        host.file("etc/pciferry.tab", f"pages {line}\n")
        for node in (0, 1):
            host.file(f"sys/devices/system/node/node{node}/hugepages/hugepages-2048kB/"
                      "free_hugepages", "512\n")
    return change


WRONG = [
    ("vfio-tools", ids_and_driverctl, "FAIL", "leave it to one of them"),
    ("vfio-tools", overridden("vfio-pci"), "INFO", None),
    ("vfio-tools", script("etc/libvirt/hooks/qemu.d/win/prepare/begin/start.sh"), "INFO", None),
    ("vfio-tools", script("etc/initramfs-tools/scripts/init-top/vfio-pci-override"), "INFO", None),
    ("vfio-tools", lambda host: host.file("etc/supergfxd.conf", '{\n "vfio_enable": true\n}\n'),
     "INFO", None),
    ("vfio-modules", kernel_was_updated, "FAIL", "reboot"),
    ("vfio-modules", without_modules, "FAIL", "CONFIG_VFIO_PCI"),
    ("vfio-nodes", remove("dev/vfio/vfio"), "FAIL", "modprobe"),
    ("vfio-nodes", remove("dev/vfio"), "FAIL", "container"),
    ("vfio-memlock", lambda host: user(host, 1000, "8388608"), "INFO", "limits.d"),
    ("vfio-hugepages", lambda host: hugepages(host, 512, 0), "INFO", "node1/hugepages"),
    ("vfio-hugepages", lambda host: hugepages(host, 512, 0), "INFO", "--hugepages SIZE@1"),
    ("vfio-reserved", pages_line("node1 2M 513"), "WARN", "pciferry bind --tab"),
    ("vfio-reserved", pages_line("node7 2M 1"), "WARN", "pciferry bind --tab"),
    ("vfio-reserved", in_turn(pages_line("node1 2M 513"), lambda host: host.file(
        "usr/lib/systemd/system/pciferry.service", "")), "WARN", "systemctl enable"),
    ("vfio-idle-d3", lambda host: host.file(IDLE, "Y\n"), "INFO", None),
]


@pytest.mark.parametrize("check,change,status,fix", WRONG)
def test_what_is_wrong_is_found_and_the_way_out_named(host, check, change, status, fix):
    change(host)
    find_wrong(host, check, status, fix)


def statuses(host, check):
    return {one["status"] for one in findings(host, "--only", check)}


@pytest.mark.parametrize("family,words", [
    ("ID=ubuntu\nID_LIKE=debian\n", f"linux-modules-extra-{RELEASE}"),
    ("ID=fedora\n", "kernel-modules"), ("ID=debian\n", "clouds"),
])
def test_the_package_that_has_the_modules_is_the_distributions(host, family, words):
    without_modules(host)
    host.file("etc/os-release", family)
    assert words in findings(host, "--only", "vfio-modules")[0]["fix"]


def test_modules_that_are_there_are_loaded_when_they_are_needed(host):
    UNLOADED(host)
    remove("sys/module/vfio", "dev/vfio")(host)
    host.file(f"lib/modules/{RELEASE}/modules.dep", "kernel/drivers/vfio/pci/vfio-pci.ko.xz: a\n")
    assert statuses(host, "vfio-modules") == {"PASS", "FAIL"}
    host.file(f"lib/modules/{RELEASE}/modules.builtin",
              "kernel/drivers/vfio/vfio_iommu_type1.ko\n")
    assert statuses(host, "vfio") == {"PASS"}


@pytest.mark.parametrize("uid,limit", [(0, "65536"), (1000, "unlimited"), (1000, "68719476736")])
def test_who_may_lock_enough_is_told_nothing(host, uid, limit):
    user(host, uid, limit)
    assert statuses(host, "vfio-memlock") == {"PASS"}


def test_pages_written_for_the_node_without_them_are_seen(host):
    hugepages(host, 512, 0)
    assert statuses(host, "vfio-hugepages") == {"INFO"}
    host.file("sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages", "8\n")
    assert statuses(host, "vfio-hugepages") == {"PASS"}


def test_one_node_has_nothing_to_share(host):
    remove("sys/devices/system/node/node1")(host)
    hugepages(host, 0)
    assert statuses(host, "vfio-hugepages") == {"PASS"}


def test_what_could_not_be_read_is_unknown_and_never_well(host):
    remove("sys/module", "sys/devices/system/node", "proc/self/limits")(host)
    assert statuses(host, "vfio-modules") == statuses(host, "vfio-nodes") == {"UNKNOWN"}
    assert statuses(host, "vfio-memlock") == statuses(host, "vfio-idle-d3") == {"UNKNOWN"}
    remove("sys/devices/system")(host)
    assert statuses(host, "vfio-hugepages") == {"UNKNOWN"}


def test_modules_are_unknown_where_lib_modules_is_not_in_the_copy(host):
    UNLOADED(host)
    remove("lib")(host)
    assert statuses(host, "vfio-modules") == {"UNKNOWN"}


@pytest.mark.parametrize("name", ["modules.dep", "modules.builtin"])
def test_modules_are_unknown_where_a_list_of_them_is_not_in_the_copy(host, name):
    UNLOADED(host)
    kernel(host, without=["vfio-pci", "vfio_iommu_type1"])
    remove(f"lib/modules/{RELEASE}/{name}")(host)
    assert statuses(host, "vfio-modules") == {"UNKNOWN"}


def test_modules_are_found_where_a_copy_has_no_link_to_usr_lib(host):
    UNLOADED(host)
    (host.root / "usr/lib").mkdir(parents=True, exist_ok=True)
    (host.root / "lib/modules").rename(host.root / "usr/lib/modules")
    assert statuses(host, "vfio-modules") == {"PASS"}


def test_nodes_are_unknown_where_dev_is_not_in_the_copy(host):
    remove("dev")(host)
    assert statuses(host, "vfio-nodes") == {"UNKNOWN"}


def test_a_script_that_cannot_be_read_is_not_taken_for_none(host):
    host.link("etc/libvirt/hooks/qemu", "qemu")
    assert [one["status"] for one in findings(host, "--only", "vfio-tools")] == ["UNKNOWN"]


def test_huge_pages_that_the_tab_wants_and_that_are_there_are_no_warning(host):
    pages_line("node1 2M 512")(host)
    assert statuses(host, "vfio-reserved") == {"PASS"}
    remove("sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages")(host)
    host.file("sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages", "x\n")
    assert statuses(host, "vfio-reserved") == {"UNKNOWN"}
