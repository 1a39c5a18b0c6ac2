# SPDX-License-Identifier: GPL-2.0-or-later
"""The checks of boot loaders, their entries, and what those are made from."""
import pytest

import bootfiles
from bootfiles import OPTIONS, WAYS
from checks import (DEFAULT_GRUB, PARAMETERS, cmdline, find_wrong, findings, grub, in_turn,
                    menuentry, remove)
from program import ROOT

SEED = ROOT.parent / "shared/cases/seed-host"
ACS = "pcie_acs_override=downstream,multifunction"
OLD = "5.10.0-30-amd64"


def entries(*texts, default=DEFAULT_GRUB):
    """For a table WRONG: grub.cfg has entries with these parameters."""
    return lambda host: grub(host, *(menuentry(f"Debian {number}", text)
                                     for number, text in enumerate(texts)), default=default)


def setting(text):
    """For a table WRONG: /etc/default/grub was edited, and update-grub not run."""
    return lambda host: host.file("etc/default/grub", text)


def edited(text):
    return setting(DEFAULT_GRUB.replace("iommu=pt", f"iommu=pt {text}"))


def running(text):
    return lambda host: cmdline(host, text)


def drop_in(name, text):
    return lambda host: host.file(f"etc/default/grub.d/{name}", f"{text}\n")


def older_kernel(host):
    """The one before, whose entry was written by hand."""
    grub(host, menuentry("Debian", PARAMETERS), menuentry("Debian, before", "ro quiet", OLD))


def openeuler_with_another(host):
    bootfiles.openeuler(host)
    host.file("boot/grub2/grub.cfg", menuentry("openEuler", "ro"))


def proxmox_forgotten(host):
    bootfiles.proxmox(host, f"{OPTIONS} vfio-pci.ids=1234:5046")


def image_forgotten(host):
    """A parameter written where it belongs, and the image not built since."""
    bootfiles.unified(host, f"{OPTIONS} vfio-pci.ids=1234:5046")


def limine_forgotten(host):
    bootfiles.limine_by_tool(host, f"{OPTIONS} vfio-pci.ids=1234:5046")


def fedora_forgotten(host):
    """What guides say, and what does nothing there."""
    bootfiles.fedora(host)
    host.file("etc/default/grub", f'GRUB_CMDLINE_LINUX="{PARAMETERS} vfio-pci.ids=1234:5046"\n')


# Of each check: what goes wrong, what it then says, and a word that its fix must have.
WRONG = [
    ("boot-loader", remove("boot"), "UNKNOWN", None),
    ("boot-loader", openeuler_with_another, "INFO", "grub2-mkconfig -o /boot/efi/EFI/openEuler"),
    ("boot-loader", lambda host: bootfiles.efi_text(host, "LoaderInfo", "ferryboot 1"), "UNKNOWN",
     None),
    ("boot-running", running("ro quiet iommu=pt"), "WARN", "reboot"),
    ("boot-running", running(f"{PARAMETERS} {ACS}"), "WARN",
     f"{ACS} to GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub, run update-grub"),
    ("boot-running", running(f"{PARAMETERS} splash"), "INFO", None),
    ("boot-running", entries(f"{PARAMETERS} splash"), "INFO", "reboot"),
    ("boot-generated", edited("vfio-pci.ids=1234:5046"), "WARN", "run update-grub"),
    ("boot-generated", edited("splash"), "INFO", "run update-grub"),
    ("boot-generated", setting(DEFAULT_GRUB.replace("iommu=pt", "")), "WARN", "iommu=pt to GRUB"),
    ("boot-generated", drop_in("vfio.cfg", 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX kvm.x=1"'),
     "WARN", "run update-grub"),
    ("boot-generated", drop_in("vfio", 'GRUB_CMDLINE_LINUX="kvm.x=1"'), "WARN",
     "mv -n /etc/default/grub.d/vfio /etc/default/grub.d/vfio.cfg"),
    ("boot-generated", setting('GRUB_CMDLINE_LINUX="$(cat /etc/parameters)"\n'), "INFO", None),
    ("boot-generated", setting(f'if true; then\n\tGRUB_CMDLINE_LINUX="{PARAMETERS}"\nfi\n'),
     "INFO", None),
    ("boot-generated", proxmox_forgotten, "WARN", "run proxmox-boot-tool refresh"),
    ("boot-generated", image_forgotten, "WARN", "run mkinitcpio -P"),
    ("boot-generated", limine_forgotten, "WARN", "run limine-update"),
    ("boot-generated", fedora_forgotten, "WARN", "grubby --update-kernel=ALL --args="),
    ("boot-kernels", older_kernel, "WARN", "run update-grub"),
    ("boot-cmdline", edited(f"{ACS.replace('=', ' =')}"), "WARN", "take the space out"),
    ("boot-cmdline", edited("intel_iommu=on,iommu=pt"), "WARN", "a space, not a comma"),
    ("boot-cmdline", entries(f"{PARAMETERS} iommu=off"), "FAIL", "take iommu=off out"),
    ("boot-cmdline", entries(f"{PARAMETERS} intremap=off"), "FAIL", "take intremap=off out"),
]


@pytest.mark.parametrize("check,change,status,fix", WRONG)
def test_what_is_wrong_is_found_and_the_way_out_named(host, check, change, status, fix):
    change(host)
    find_wrong(host, check, status, fix)


@pytest.mark.parametrize("make,told,_fix", WAYS)
def test_each_way_to_boot_is_understood(host, make, told, _fix):
    make(host)
    found = {one["check"]: one for one in findings(host, "--only", "boot")}
    assert not [one for one in found.values() if one["status"] != "PASS"]
    assert told in found["boot-loader"]["seen"]


@pytest.mark.parametrize("make,_told,fix", WAYS)
def test_a_parameter_is_added_as_that_loader_takes_it(host, make, _told, fix):
    make(host)
    cmdline(host, f"{PARAMETERS} vfio-pci.ids=1234:5046")
    one, = find_wrong(host, "boot-running", "WARN", fix)
    assert "vfio-pci.ids=1234:5046" in one["fix"]


@pytest.mark.parametrize("name", ["grub", "grub.cfg"])
def test_a_setting_that_was_generated_since_is_no_finding(host, name):
    """The fix of boot-generated, done: update-grub writes what the setting says."""
    if name == "grub":
        edited("kvm.x=1")(host)
        grub(host, menuentry("Debian", f"{PARAMETERS} kvm.x=1"),
             default=(host.root / "etc/default/grub").read_text())
    else:
        drop_in("vfio.cfg", 'GRUB_CMDLINE_LINUX+=" kvm.x=1"')(host)
        entries(f"{PARAMETERS} kvm.x=1")(host)
    cmdline(host, f"{PARAMETERS} kvm.x=1")
    assert {one["status"] for one in findings(host, "--only", "boot")} == {"PASS"}


def test_drop_ins_are_not_read_where_grub_mkconfig_does_not(host):
    in_turn(drop_in("vfio.cfg", 'GRUB_CMDLINE_LINUX="kvm.x=1"'),
            lambda host: host.file("usr/sbin/grub-mkconfig", "#!/bin/sh\n. /etc/default/grub\n")
            )(host)
    assert {one["status"] for one in findings(host, "--only", "boot-generated")} == {"PASS"}


def test_what_grub_adds_by_itself_is_no_finding(host):
    """$vt_handoff of Ubuntu's entries, which a condition sets."""
    grub(host, menuentry("Ubuntu", f"{PARAMETERS} $vt_handoff"))
    cmdline(host, f"{PARAMETERS} vt.handoff=7")
    assert {one["status"] for one in findings(host, "--only", "boot")} == {"PASS"}


def test_another_system_on_the_disk_may_boot_as_it_likes(host):
    other = menuentry("Other", "ro quiet", OLD).replace("root=UUID=0b7a", "root=UUID=ffff")
    grub(host, menuentry("Debian", PARAMETERS), other)
    assert {one["status"] for one in findings(host, "--only", "boot-kernels")} == {"PASS"}


@pytest.mark.skipif(not SEED.is_dir(), reason="the real captures are not here")
def test_a_real_grub_cfg_written_by_hand(host):
    """That of a Linux From Scratch, whose kernel was started before it was edited."""
    release = "6.10.5-lfs-12.2"
    bootfiles.without_grub(host)
    host.file("boot/grub/grub.cfg", (SEED / "grub.cfg").read_text())
    host.file("proc/sys/kernel/osrelease", f"{release}\n")
    line = f"BOOT_IMAGE=/boot/vmlinuz-{release} root=PARTUUID=cf8d6f20 ro iommu=pt"
    host.file("proc/cmdline", f"{line}\n")
    found = findings(host, "--only", "boot")
    assert [one["seen"] for one in found if one["status"] == "WARN"] == [
        "intel_iommu=on is in /boot/grub/grub.cfg:3, and not in /proc/cmdline",
        f"{ACS} is in /boot/grub/grub.cfg:3, and not in /proc/cmdline"]
    assert not [one for one in found if one["status"] in ("FAIL", "UNKNOWN")]
    host.file("proc/cmdline", f"{line} vfio-pci.ids=144d:a80a intel_iommu=on {ACS}\n")
    one, = [one for one in findings(host, "--only", "boot") if one["status"] != "PASS"]
    assert "vfio-pci.ids=144d:a80a" in one["seen"]
    assert "lines that begin with linux in /boot/grub/grub.cfg" in one["fix"]


@pytest.mark.skipif(not SEED.is_dir(), reason="the real captures are not here")
def test_a_real_setting_for_grub_is_read(host):
    host.file("etc/default/grub", (SEED / "grub_vfio-pci.ids").read_text())
    found = [one["seen"] for one in findings(host, "--only", "boot-generated")]
    assert any(one.startswith("vfio-pci.ids=144d:a80a,10de:1b39 is in /etc/default/grub:1, and in "
                              "0 of the ") for one in found), found
