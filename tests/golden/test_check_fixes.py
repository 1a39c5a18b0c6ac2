# SPDX-License-Identifier: GPL-2.0-or-later
"""That the fix which a check names is the way out: the change is made, and the check passes.

What is real: the changes of files. What is not: what a kernel makes of them at its next boot,
which the table writes by hand where it is needed."""
import importlib
import pathlib

import pytest

import bootfiles
import checks
import test_check_boot as boot
import test_check_device_boot as device_boot
import test_check_device_slices as slices
import test_check_guests as guests
import test_check_iommu as iommu
import test_check_kernel as kernel
import test_check_vfio as vfio
from checks import (CARD, CONTROLLERS, DEFAULT_GRUB, NESTED, PARAMETERS, TDX, UNSAFE, attribute,
                    cmdline, findings, grub, hugepages, in_turn, menuentry, node, remove, user)
from test_check import AREAS


@pytest.fixture(name="host")
def ready_host(tmp_path):
    return checks.ready(tmp_path / "host")


def writes(path, text):
    return lambda host: host.file(path, text)


def boots(parameters):
    """The next boot's command line."""
    return lambda host: cmdline(host, parameters)


def generated(host):
    """What update-grub makes of the ready host's settings and those of a test."""
    grub(host, menuentry("Debian", f"{PARAMETERS} vfio-pci.ids=1234:5046"),
         default=(host.root / "etc/default/grub").read_text())


def moved(old, new):
    return lambda host: (host.root / old).rename(host.root / new)


def proxmox_refreshed(host):
    bootfiles.bls(host, "efi/loader/entries", f"{bootfiles.OPTIONS} vfio-pci.ids=1234:5046")


def grubby(host):
    host.file("boot/grub2/grubenv", f"kernelopts={PARAMETERS} vfio-pci.ids=1234:5046\n")


# Of each check: what goes wrong, and the change that its fix names.
FIXED = [
    ("kvm-nested", writes(NESTED, "N\n"),
     in_turn(writes("etc/modprobe.d/kvm.conf", "options kvm_intel nested=1\n"),
             writes(NESTED, "Y\n"))),
    ("kvm-access", lambda host: node(host, *iommu.IN_GROUP),
     lambda host: node(host, "0660", 106, "yes")),
    ("iommu-unsafe", writes(UNSAFE, "Y\n"), writes(UNSAFE, "N\n")),
    ("iommu-acs-override", boots(f"{PARAMETERS} {boot.ACS}"), boots(PARAMETERS)),
    ("iommu-cmdline", boots("intel_iommu=on iommu=off"), boots("intel_iommu=on")),
    ("iommu-cmdline", boots("intel_iommu=on,iommu=pt"), boots("intel_iommu=on iommu=pt")),
    ("iommu-cmdline", boots("intel_iommu = on"), boots("intel_iommu=on")),
    ("iommu-cmdline", boots("intel_iommu=on intremap=off"), boots("intel_iommu=on")),
    ("iommu-cmdline", boots("iommu_intel=on"), boots("intel_iommu=on")),
    ("iommu-cmdline", boots("amd_iommu=off iommu=pt"), boots("intel_iommu=on iommu=pt")),
    ("kernel-iommu-default", boots("quiet"), boots("quiet intel_iommu=on")),
    ("kernel-modules", kernel.run_later,
     writes("proc/sys/kernel/osrelease", f"{checks.RELEASE}\n")),
    ("boot-running", boots("ro quiet iommu=pt"), boots(PARAMETERS)),
    ("boot-generated", boot.edited("vfio-pci.ids=1234:5046"), generated),
    ("boot-generated", boot.setting(DEFAULT_GRUB.replace("iommu=pt", "")),
     boot.setting(DEFAULT_GRUB.replace("='quiet'", "='quiet iommu=pt'"))),
    ("boot-generated", in_turn(boot.drop_in("vfio", 'GRUB_CMDLINE_LINUX+=" kvm.x=1"'),
                               boot.entries(f"{PARAMETERS} kvm.x=1")),
     moved("etc/default/grub.d/vfio", "etc/default/grub.d/vfio.cfg")),
    ("boot-generated", boot.proxmox_forgotten, proxmox_refreshed),
    ("boot-generated", boot.fedora_forgotten, grubby),
    ("boot-kernels", boot.older_kernel, boot.entries(PARAMETERS, PARAMETERS)),
    ("boot-cmdline", boot.edited("intel_iommu=on,iommu=pt"), boot.setting(DEFAULT_GRUB)),
    ("boot-cmdline", boot.entries(f"{PARAMETERS} iommu=off"), boot.entries(PARAMETERS)),
    ("vfio-memlock", lambda host: user(host, 1000, "8388608"),
     in_turn(writes("etc/security/limits.d/vfio.conf", "@kvm - memlock unlimited\n"),
             lambda host: user(host, 1000, "unlimited"))),
    ("vfio-hugepages", lambda host: hugepages(host, 512, 0),
     lambda host: hugepages(host, 512, 512)),
    ("vfio-reserved", vfio.pages_line("node1 2M 513"), lambda host: hugepages(host, 512, 513)),
    ("guest-network", remove("dev/vhost-net"),
     in_turn(writes("etc/modules-load.d/vhost.conf", "vhost_net\n"), writes("dev/vhost-net", ""))),
    ("guest-cgroups", in_turn(guests.few_controllers, boots(f"{PARAMETERS} cgroup_disable=memory")),
     in_turn(boots(PARAMETERS), writes(CONTROLLERS, "cpuset cpu io memory\n"))),
    ("guest-secure", writes(TDX, "N\n"),
     in_turn(writes("etc/modprobe.d/kvm.conf", "options kvm_intel tdx=1\n"), writes(TDX, "Y\n"))),
    ("device-override", attribute("driver_override", "ferry"), attribute("driver_override", "")),
    ("device-override", writes(f"etc/driverctl.d/pci-{CARD}", "vfio-pci\n"),
     remove(f"etc/driverctl.d/pci-{CARD}")),
    ("device-driver", writes("sys/module/ferry_net/initstate", "live\n"),
     writes("etc/modprobe.d/vfio.conf", checks.MODPROBE.replace(
         "ids=1234:5046", "ids=1234:8086,1234:5046") + "softdep ferry_net pre: vfio-pci\n")),
    ("device-driver", in_turn(remove("etc/modprobe.d/vfio.conf"),
                              writes("sys/module/ferry_net/initstate", "live\n")),
     writes("etc/modprobe.d/card.conf",
            "options vfio-pci ids=1234:8086\nsoftdep ferry_net pre: vfio-pci\n")),
    ("vfio-tools", vfio.ids_and_driverctl, remove("etc/driverctl.d")),
    ("device-mentioned", device_boot.WRONG[-1][1], remove(f"etc/driverctl.d/pci-{CARD}")),
    ("device-slices", slices.WITHOUT_KVMGT, slices.loads_kvmgt),
    ("modprobe-ignored", moved("etc/modprobe.d/vfio.conf", "etc/modprobe.d/vfio"),
     moved("etc/modprobe.d/vfio", "etc/modprobe.d/vfio.conf")),
]

# Fixes that are no change of a file of this host: where each of them is done instead.
MANUAL = {
    "in the firmware's set-up": ["cpu-virtualization", "iommu-table", "iommu-interrupts",
                                 "firmware-lockdown", "firmware-memory", "device-display",
                                 "device-vmd", "log-rmrr"],
    "with a tool that installs packages": ["kernel-options", "guest-qemu", "guest-firmware",
                                           "guest-libvirt", "guest-swtpm"],
    "by the kernel, once its parameters are right": ["iommu-groups"],
    "at the running kernel": ["kvm-module", "kvm-device", "vfio-modules", "vfio-nodes",
                              "device-in-use", "device-framebuffer", "device-power", "log-denied"],
    "at the slot, or with another guest": ["device-group", "device-memory", "device-reset",
                                           "device-link", "device-known", "log-aer", "log-reset"],
    "in the guest, or in its definition": ["device-rom", "device-siblings", "log-dmar", "log-bar",
                                           "log-rom", "log-vfio", "log-xid"],
    "with a choice of the person": ["boot-loader"],
}


def told(host, check):
    return [one for one in findings(host, CARD, "--only", check) if one["status"] != "PASS"]


@pytest.mark.parametrize("check,change,fix", FIXED)
def test_what_the_fix_says_is_the_way_out(host, check, change, fix):
    change(host)
    assert any(one["fix"] for one in told(host, check)), told(host, check)
    fix(host)
    assert not told(host, check)


def test_every_fix_was_followed_or_is_done_elsewhere():
    modules = [importlib.import_module(area) for area in AREAS]
    with_fix = {row[0] for module in modules for row in getattr(module, "WRONG", []) if row[3]}
    followed = {row[0] for module in modules for row in getattr(module, "FIXED", [])}
    manual = [check for kind in MANUAL.values() for check in kind]
    assert len(manual) == len(set(manual)) and not set(manual) & followed
    assert with_fix == (set(manual) | followed) & with_fix
    assert set(manual) <= with_fix, "a fix that no check names any more"
