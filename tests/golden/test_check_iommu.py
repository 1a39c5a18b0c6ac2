# SPDX-License-Identifier: GPL-2.0-or-later
"""The checks of the processor and the IOMMU."""
import pytest

import fakehost
from checks import (IGNORE_MSRS, NESTED, UNSAFE, cmdline, cpuinfo, dmar, find_wrong, findings,
                    in_turn, interrupts, node, remove, statuses)


def remove_groups(host):
    for link in host.root.glob("sys/devices/**/iommu_group"):
        link.unlink()


def all_identity(host):
    for place in host.root.glob("sys/kernel/iommu_groups/*/type"):
        place.write_text("identity\n")


def unmapped(host):
    interrupts(host, remapped=False)


def unload_vfio(host):
    remove("sys/module/vfio_iommu_type1")(host)


def allow_unsafe(host):
    host.file(UNSAFE, "Y\n")


ONLY_ROOT, NO_GROUP, IN_GROUP = ("0600", 0, "yes"), ("0600", 0, "no"), ("0660", 106, "no")

# Of each check: what goes wrong, what it then says, and a word that its fix must have.
WRONG = [
    ("cpu-virtualization", lambda host: cpuinfo(host, flags="fpu sse"), "FAIL", "VT-x"),
    ("cpu-virtualization", lambda host: cpuinfo(host, "AuthenticAMD", "fpu hypervisor"), "FAIL",
     "nested"),
    ("cpu-guest", lambda host: cpuinfo(host, flags="vmx hypervisor"), "INFO", None),
    ("kvm-module", remove("sys/module/kvm_intel"), "FAIL", "kvm_intel"),
    ("kvm-device", remove("dev/kvm"), "FAIL", "container"),
    ("kvm-access", lambda host: node(host, *IN_GROUP), "WARN", "usermod -aG $(stat"),
    ("kvm-access", lambda host: node(host, *NO_GROUP), "WARN", "groupadd"),
    ("kvm-access", lambda host: node(host, *ONLY_ROOT), "WARN", "udevadm trigger"),
    ("kvm-nested", lambda host: host.file(NESTED, "N\n"), "INFO", "nested=1"),
    ("kvm-options", lambda host: host.file(IGNORE_MSRS, "Y\n"), "INFO", None),
    ("kvm-options", lambda host: host.file("sys/module/kvm_intel/parameters/ept", "N\n"), "INFO",
     None),
    ("iommu-table", remove("sys/firmware/acpi/tables/DMAR"), "FAIL", "VT-d"),
    ("iommu-table", lambda host: host.file("sys/firmware/acpi/tables/DMAR", dmar()[:-1] + b"x"),
     "WARN", "firmware"),
    ("iommu-groups", remove_groups, "FAIL", "update-grub"),
    ("iommu-interrupts",
     in_turn(unmapped, lambda host: host.file("sys/firmware/acpi/tables/DMAR", dmar(0))), "FAIL",
     "allow_unsafe_interrupts"),
    ("iommu-interrupts", unmapped, "FAIL", "iommu-cmdline"),
    ("iommu-interrupts", in_turn(unmapped, allow_unsafe), "WARN", "dmesg"),
    ("iommu-unsafe", allow_unsafe, "WARN", "modprobe.d"),
    ("iommu-unsafe", in_turn(unload_vfio, lambda host: host.file(
        "etc/modprobe.d/unsafe.conf", "options vfio_iommu_type1 allow_unsafe_interrupts=1\n")),
     "WARN", "modprobe.d"),
    ("iommu-unsafe", in_turn(unload_vfio, lambda host: cmdline(
        host, "vfio_iommu_type1.allow_unsafe_interrupts")), "WARN", "command line"),
    ("iommu-acs-override",
     lambda host: cmdline(host, "intel_iommu=on pcie_acs_override=downstream"), "WARN",
     "--predict"),
    ("iommu-cmdline", lambda host: cmdline(host, "intel_iommu=on iommu=off"), "FAIL", "iommu=off"),
    ("iommu-cmdline", lambda host: cmdline(host, "intel_iommu=on intel-iommu=off"), "FAIL", "off"),
    ("iommu-cmdline", lambda host: cmdline(host, "intel_iommu=on,iommu=pt"), "WARN", "space"),
    ("iommu-cmdline", lambda host: cmdline(host, "intel_iommu = on"), "WARN", "without spaces"),
    ("iommu-cmdline", lambda host: cmdline(host, "iommu_intel=on"), "WARN", "intel_iommu=on"),
    ("iommu-cmdline", lambda host: cmdline(host, "intel_iommu=yes"), "WARN", "spelling"),
    ("iommu-cmdline", lambda host: cmdline(host, "amd_iommu=off iommu=pt"), "WARN",
     "intel_iommu=on"),
    ("iommu-cmdline", lambda host: cmdline(host, "intel_iommu=on intremap=off"), "FAIL",
     "intremap=off"),
    ("iommu-cmdline", lambda host: cmdline(host, "intremap=on nointremap"), "FAIL", "nointremap"),
    ("iommu-cmdline", in_turn(allow_unsafe, lambda host: cmdline(host, "intremap=off")), "WARN",
     "intremap=off"),
    ("iommu-cmdline", lambda host: cmdline(host, "intremap=no"), "WARN", "spelling"),
    ("iommu-domain", all_identity, "INFO", None),
]


@pytest.mark.parametrize("check,change,status,fix", WRONG)
def test_what_is_wrong_is_found_and_the_way_out_named(host, check, change, status, fix):
    change(host)
    find_wrong(host, check, status, fix)


def test_a_guest_is_sent_to_its_own_host_and_not_to_its_firmware(host):
    cpuinfo(host, flags="vmx hypervisor")
    remove("sys/firmware/acpi/tables/DMAR")(host)
    assert "own host" in find_wrong(host, "iommu-table", "FAIL", None)[0]["fix"]


def test_the_table_says_whose_iommu_it_is_and_not_the_processor(host):
    """So it is on machines that are emulated."""
    cpuinfo(host, "AuthenticAMD", "svm")
    assert [one["status"] for one in findings(host, "--only", "iommu-cmdline")] == ["PASS"]


def test_amd_needs_no_parameter_and_is_told_so(host):
    cpuinfo(host, "AuthenticAMD", "svm")
    remove("sys/firmware/acpi/tables/DMAR")(host)
    remove("sys/class/iommu/dmar0")(host)
    cmdline(host, "amd_iommu=on iommu=pt")
    found = findings(host, "--only", "iommu-cmdline")
    assert [one["status"] for one in found] == ["INFO"]
    assert "on without it" in found[0]["why"]


@pytest.mark.parametrize("text", [
    "intel_iommu=on", '"intel_iommu=on"', 'intel_iommu="on"', "intel-iommu=on,strict",
    "intel_iommu=off intel_iommu=on", "nointremap intremap=on,nosid",
    "intel_iommu=on iommu=pt -- iommu=off",
])
def test_what_the_kernel_hears_is_no_finding(host, text):
    cmdline(host, text)
    wrong = [one for one in findings(host, "--only", "iommu-cmdline") if one["status"] != "PASS"]
    assert not wrong


def test_without_groups_interrupts_are_not_what_is_to_be_done_first(host):
    unmapped(host)
    remove_groups(host)
    assert statuses(host, "iommu-interrupts") == ["PASS"]


@pytest.mark.parametrize("table", [None, dmar(0), dmar(1)])
def test_what_the_kernel_does_counts_more_than_what_could_be(host, table):
    """And everyone may read that, unlike the firmware's table."""
    if table:
        host.file("sys/firmware/acpi/tables/DMAR", table)
    else:
        remove("sys/firmware")(host)
    assert statuses(host, "iommu-interrupts") == ["PASS"]
    unmapped(host)
    assert statuses(host, "iommu-interrupts") == ["FAIL"]


def test_interrupts_that_tell_nothing_leave_it_to_the_table(host):
    host.file("proc/interrupts", " 11:   3   GICv3  30 Level   arch_timer\n")
    assert statuses(host, "iommu-interrupts") == ["PASS"]
    remove("sys/firmware")(host)
    assert statuses(host, "iommu-interrupts") == ["UNKNOWN"]


@pytest.mark.parametrize("line,found", [
    ("options vfio-iommu-type1 allow_unsafe_interrupts", "WARN"),
    ("options vfio_iommu_type1 allow_unsafe_interrupts=N", "PASS"),
    ("options vfio_iommu_type1 dma_entry_limit=9 allow_unsafe_interrupts=Y", "WARN"),
    ("options vfio_iommu_type1 allow_unsafe_interrupts=1\n"
     "options vfio_iommu_type1 allow_unsafe_interrupts=0", "PASS"),
    ("options vfio_pci allow_unsafe_interrupts=1", "PASS"),
])
def test_a_module_that_is_not_loaded_will_do_what_its_options_say(host, line, found):
    host.file("etc/modprobe.d/unsafe.conf", line + "\n")
    assert statuses(host, "iommu-unsafe") == ["PASS"]
    unload_vfio(host)
    assert statuses(host, "iommu-unsafe") == [found]


def test_who_may_use_kvm_is_not_guessed_from_a_copy(host):
    remove("pciferry/nodes")(host)
    assert statuses(host, "kvm-access") == ["UNKNOWN"]
    host.file("pciferry/nodes/dev/kvm", "mode 0660\n")
    assert statuses(host, "kvm-access") == ["UNKNOWN"]


@pytest.mark.parametrize("family,words", [
    ("ID=fedora\n", "grubby"), ("ID=ubuntu\nID_LIKE=debian\n", "update-grub"),
    ('ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n', "grub2-mkconfig"),
    ("ID=nixos\n", "boot loader"), ('ID="almalinux"\nID_LIKE="rhel centos fedora"\n', "grubby"),
])
def test_the_fix_is_the_distributions_where_no_loader_is_known(host, family, words):
    remove("boot")(host)
    remove_groups(host)
    host.file("etc/os-release", family)
    found = findings(host, "--only", "iommu-groups")
    assert words in found[0]["fix"]


def test_what_could_not_be_read_is_unknown_and_never_well(tmp_path):
    host = fakehost.usual(tmp_path / "host")
    found = {one["check"]: one["status"] for one in findings(host)}
    for check in ("cpu-virtualization", "kvm-module", "kvm-device", "kvm-access", "kvm-nested",
                  "kvm-options", "iommu-cmdline", "iommu-acs-override"):
        assert found[check] == "UNKNOWN", check


def test_other_processors_are_not_judged_by_what_only_x86_has(host):
    host.file("proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\n")
    remove("sys/firmware/acpi/tables/DMAR")(host)
    found = {one["check"]: one["status"] for one in findings(host)}
    assert found["cpu-virtualization"] == found["iommu-table"] == "UNKNOWN"
    assert "FAIL" not in found.values()


def test_one_group_that_is_held_back_is_enough_and_those_of_guests_do_not_count(host):
    all_identity(host)
    host.file("sys/kernel/iommu_groups/1/type", "unmanaged\n")
    assert [one["status"] for one in findings(host, "--only", "iommu-domain")] == ["INFO"]
    host.file("sys/kernel/iommu_groups/2/type", "DMA\n")
    assert [one["status"] for one in findings(host, "--only", "iommu-domain")] == ["PASS"]
    remove("sys/kernel/iommu_groups/1/type")(host)
    assert [one["status"] for one in findings(host, "--only", "iommu-domain")] == ["UNKNOWN"]
