# SPDX-License-Identifier: GPL-2.0-or-later
"""The checks of what runs guests."""
import pytest

from checks import APPARMOR, find_wrong, findings, remove, statuses, uefi

QEMU = "usr/bin/qemu-system-x86_64"
LIBVIRT = "usr/sbin/libvirtd"
SWTPM = "usr/bin/swtpm"
FIRMWARE = "usr/share/qemu/firmware"
SELINUX = "sys/fs/selinux/enforce"


def only_secure(host):
    uefi(host, features=["requires-smm", "secure-boot"])


# Of each check: what goes wrong, what it then says, and a word that its fix must have.
WRONG = [
    ("guest-qemu", remove(QEMU), "FAIL", "qemu-system-x86"),
    ("guest-firmware", remove(FIRMWARE), "WARN", "ovmf"),
    ("guest-firmware", only_secure, "WARN", "ovmf"),
    ("guest-firmware", remove("usr/share/OVMF"), "WARN", "ovmf"),
    ("guest-libvirt", remove(LIBVIRT), "INFO", "libvirt-daemon-system"),
    ("guest-swtpm", remove(SWTPM), "INFO", "swtpm"),
    ("guest-confinement", lambda host: host.file(APPARMOR, "Y\n"), "INFO", None),
    ("guest-confinement", lambda host: host.file(SELINUX, "1"), "INFO", None),
]


@pytest.mark.parametrize("check,change,status,fix", WRONG)
def test_what_is_wrong_is_found_and_the_way_out_named(host, check, change, status, fix):
    change(host)
    find_wrong(host, check, status, fix)


@pytest.mark.parametrize("family,words", [
    ("ID=fedora\n", "dnf install qemu-kvm"), ("ID=arch\n", "pacman -S qemu-base"),
    ("ID=ubuntu\nID_LIKE=debian\n", "apt install qemu-system-x86"),
    ('ID="opensuse-leap"\nID_LIKE="suse opensuse"\n', "zypper install qemu-x86"),
    ("ID=nixos\n", "install QEMU"),
])
def test_the_package_is_the_distributions(host, family, words):
    remove(QEMU)(host)
    host.file("etc/os-release", family)
    assert words in findings(host, "--only", "guest-qemu")[0]["fix"]


@pytest.mark.parametrize("place", ["usr/libexec/qemu-kvm", "usr/local/bin/qemu-system-x86_64"])
def test_qemu_is_found_where_other_distributions_have_it(host, place):
    remove(QEMU)(host)
    host.file(place, "")
    assert statuses(host, "guest-qemu") == ["PASS"]


def test_firmware_that_is_installed_is_seen(host):
    remove(FIRMWARE)(host)
    assert statuses(host, "guest-firmware") == ["WARN"]
    uefi(host)
    assert statuses(host, "guest-firmware") == ["PASS"]


def test_confinement_concerns_libvirts_guests_only(host):
    remove(LIBVIRT)(host)
    host.file(APPARMOR, "Y\n")
    assert statuses(host, "guest-confinement") == ["PASS"]


def test_what_could_not_be_read_is_unknown_and_never_well(host):
    remove("usr", "sys/module")(host)
    assert statuses(host, "guests") == ["UNKNOWN"] * 5
