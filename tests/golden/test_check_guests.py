# SPDX-License-Identifier: GPL-2.0-or-later
"""The checks of what runs guests."""
import pytest

from checks import (APPARMOR, CONTROLLERS, RELEASE, TDX, cgroups, cmdline, cpuinfo, find_wrong,
                    findings, in_turn, kernel, remove, statuses, uefi)

QEMU = "usr/bin/qemu-system-x86_64"
LIBVIRT = "usr/sbin/libvirtd"
SWTPM = "usr/bin/swtpm"
FIRMWARE = "usr/share/qemu/firmware"
SELINUX = "sys/fs/selinux/enforce"


def only_secure(host):
    uefi(host, features=["requires-smm", "secure-boot"])


def without_v2(host):
    remove(CONTROLLERS)(host)
    cgroups(host, 0, "cpu memory")


def few_controllers(host):
    host.file(CONTROLLERS, "cpu io pids\n")


def sev(on, node=True):
    """A processor that has it, what KVM says of it, and whether its node is there."""
    def change(host):
        cpuinfo(host, "AuthenticAMD", "svm sme sev sev_es")
        host.file("sys/module/kvm_amd/parameters/sev", f"{on}\n")
        if node:
            host.file("dev/sev", "")
    return change


# Of each check: what goes wrong, what it then says, and a word that its fix must have.
WRONG = [
    ("guest-qemu", remove(QEMU), "FAIL", "qemu-system-x86"),
    ("guest-firmware", remove(FIRMWARE), "WARN", "ovmf"),
    ("guest-firmware", only_secure, "WARN", "ovmf"),
    ("guest-firmware", remove("usr/share/OVMF"), "WARN", "ovmf"),
    ("guest-libvirt", remove(LIBVIRT), "INFO", "libvirt-daemon-system"),
    ("guest-swtpm", remove(SWTPM), "INFO", "swtpm"),
    ("guest-network", remove("dev/vhost-net"), "WARN", "modprobe vhost_net"),
    ("guest-network", remove("dev/net/tun"), "WARN", "modules-load.d"),
    ("guest-network", remove("dev/net"), "WARN", "modprobe tun"),
    ("guest-network", lambda host: kernel(host, without=["tun"]), "WARN", "module tun"),
    ("guest-network", remove(f"lib/modules/{RELEASE}"), "WARN", "reboot"),
    ("guest-cgroups", few_controllers, "WARN", "CONFIG_MEMCG"),
    ("guest-cgroups", without_v2, "WARN", "CONFIG_CPUSETS"),
    ("guest-cgroups", in_turn(few_controllers, lambda host: cmdline(
        host, "intel_iommu=on cgroup_disable=memory,cpuset")), "WARN", "cgroup_disable"),
    ("guest-cgroups", lambda host: kernel(host, CGROUP_BPF="n"), "WARN", "CONFIG_CGROUP_BPF"),
    ("guest-secure", lambda host: host.file(TDX, "N\n"), "INFO", "kvm_intel tdx=1"),
    ("guest-secure", remove(TDX), "INFO", None),
    ("guest-secure", sev("N"), "INFO", "kvm_amd sev=1"),
    ("guest-secure", sev("Y", node=False), "INFO", "ccp"),
    ("guest-secure", lambda host: cpuinfo(host, "AuthenticAMD", "svm"), "INFO", None),
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


def test_missing_controllers_are_named_and_no_others(host):
    few_controllers(host)
    told = find_wrong(host, "guest-cgroups", "WARN", None)
    assert len(told) == 1 and told[0]["seen"].endswith(": cpuset, memory")


def test_the_first_cgroups_count_with_a_controller_that_the_second_need_not_have(host):
    cgroups(host, 4, "cpu cpuset blkio memory")
    assert statuses(host, "guest-cgroups")[0] == "PASS"
    remove(CONTROLLERS)(host)
    told = find_wrong(host, "guest-cgroups", "WARN", None)
    assert told[0]["seen"].endswith(": cpuacct")


@pytest.mark.parametrize("place", ["", "unified/"])
def test_controllers_of_the_first_cgroups_count_wherever_the_second_are(host, place):
    """cgroup v1 alone, and beside v2, as systemd's hybrid hierarchy has it."""
    remove(CONTROLLERS)(host)
    if place:
        host.file("sys/fs/cgroup/unified/cgroup.controllers", "\n")
    cgroups(host, 4)
    kernel(host, CGROUP_BPF="n")
    assert statuses(host, "guest-cgroups") == ["PASS", "PASS"]
    cgroups(host, 4, "cpuset cpu cpuacct blkio memory")
    assert statuses(host, "guest-cgroups") == ["PASS", "WARN"]


def test_kernels_without_the_first_cgroups_have_no_table_and_need_none(host):
    remove("proc/cgroups")(host)
    assert statuses(host, "guest-cgroups") == ["PASS", "PASS"]


def test_a_node_that_waits_for_its_module_is_enough_and_so_is_a_module_built_in(host):
    kernel(host, built_in=["tun"])
    assert statuses(host, "guest-network") == ["PASS", "PASS"]
    kernel(host, without=["tun", "vhost_net"])
    assert statuses(host, "guest-network") == ["WARN", "WARN"]
    host.file("sys/module/tun/refcnt", "0\n")
    assert statuses(host, "guest-network") == ["PASS", "WARN"]


@pytest.mark.parametrize("on", ["Y", "1"])
def test_memory_that_can_be_encrypted_is_seen(host, on):
    sev(on)(host)
    assert statuses(host, "guest-secure") == ["PASS"]


def test_what_could_not_be_read_is_unknown_and_never_well(host):
    remove("usr", "sys/module", "dev", "sys/fs", "proc/cgroups", "boot", "proc/cpuinfo",
           "etc")(host)
    told = findings(host, "--only", "guests")
    assert {one["status"] for one in told} == {"UNKNOWN"}
    assert len({one["check"] for one in told}) == 9


def test_a_node_says_nothing_of_modules_that_are_not_in_the_copy(host):
    remove("lib")(host)
    assert statuses(host, "guest-network") == ["UNKNOWN", "UNKNOWN"]


def test_an_unread_configuration_leaves_it_open_whether_devices_can_be_held(host):
    remove("boot")(host)
    assert statuses(host, "guest-cgroups") == ["PASS", "UNKNOWN"]
