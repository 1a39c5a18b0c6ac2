# SPDX-License-Identifier: GPL-2.0-or-later
"""The checks of the installed kernels."""
import gzip

import pytest

import checks
import fakehost
from checks import RELEASE, cmdline, cpuinfo, find_wrong, findings, kernel, remove

LATER = "6.12.9-amd64"
CONFIG = f"boot/config-{RELEASE}"


def run_later(host, **options):
    """An update: the running kernel's modules are gone, those of the next one there."""
    host.file("proc/sys/kernel/osrelease", "6.11.0-arch1-1\n")
    kernel(host, LATER, **options)


# Of each check: what goes wrong, what it then says, and a word that its fix must have.
WRONG = [
    ("kernel-options", lambda host: kernel(host, VFIO_PCI="n"), "FAIL", "linux-image-$(dpkg"),
    ("kernel-options", lambda host: kernel(host, VFIO_IOMMU_TYPE1=None), "FAIL", "boot it"),
    ("kernel-options", lambda host: kernel(host, IOMMUFD="m", VFIO_IOMMU_TYPE1="n"), "FAIL",
     "boot it"),
    ("kernel-options", lambda host: kernel(host, IRQ_REMAP="n"), "FAIL", "boot it"),
    ("kernel-options", lambda host: kernel(host, LATER, KVM_INTEL="n"), "WARN", "boot it"),
    ("kernel-modules", lambda host: kernel(host, without=["vfio-pci"]), "FAIL", "linux-image"),
    ("kernel-modules", lambda host: kernel(host, without=["vfio_virqfd"]), "FAIL", "linux-image"),
    ("kernel-modules", lambda host: kernel(host, LATER, without=["kvm-intel"]), "WARN",
     "linux-image"),
    ("kernel-modules", run_later, "FAIL", "reboot"),
    ("kernel-iommu-default", lambda host: cmdline(host, "quiet"), "INFO", "intel_iommu=on"),
    ("kernel-iommu-default", lambda host: kernel(host, INTEL_IOMMU_DEFAULT_ON="y"), "INFO", None),
]


@pytest.mark.parametrize("check,change,status,fix", WRONG)
def test_what_is_wrong_is_found_and_the_way_out_named(host, check, change, status, fix):
    change(host)
    find_wrong(host, check, status, fix)


def statuses(host, check):
    return {one["subject"]: one["status"] for one in findings(host, "--only", check)}


def packed(**options):
    return gzip.compress(checks.config(**options).encode(), mtime=0)


def test_built_in_is_as_good_as_a_module(host):
    host.file(CONFIG, checks.config(VFIO="y", VFIO_PCI="y", KVM="y", KVM_INTEL="y"))
    kernel(host, built_in=["vfio", "vfio-pci", "kvm-intel"])
    for check in ("kernel-options", "kernel-modules"):
        assert statuses(host, check) == {RELEASE: "PASS"}


def test_a_kernel_that_loads_no_modules_has_them_by_its_configuration(host):
    host.file("proc/sys/kernel/osrelease", "6.18.1\n")
    host.file("proc/config.gz", packed(**dict.fromkeys(checks.OPTIONS, "y")))
    for check in ("kernel-options", "kernel-modules"):
        assert statuses(host, check) == {RELEASE: "PASS", "6.18.1": "PASS"}


def test_the_configuration_is_read_where_the_distribution_puts_it(host):
    remove(CONFIG)(host)
    host.file("proc/config.gz", packed(VFIO="n"))
    assert statuses(host, "kernel-options") == {RELEASE: "FAIL"}
    host.file(f"lib/modules/{RELEASE}/config", checks.config())
    assert statuses(host, "kernel-options") == {RELEASE: "PASS"}


def test_that_of_the_running_kernel_is_not_taken_for_anothers(host):
    host.file("proc/config.gz", packed())
    kernel(host, LATER)
    remove(f"boot/config-{LATER}")(host)
    assert statuses(host, "kernel-options") == {RELEASE: "PASS", LATER: "UNKNOWN"}


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b\x08 no gzip", packed()[:40]],
                         ids=["empty", "no-gzip", "cut"])
def test_a_damaged_configuration_is_unknown(host, content):
    remove(CONFIG)(host)
    host.file("proc/config.gz", content)
    for check in ("kernel-options", "kernel-iommu-default"):
        assert statuses(host, check) == {RELEASE: "UNKNOWN"}


@pytest.mark.parametrize("name", ["modules.dep", "modules.builtin"])
def test_modules_that_could_not_be_listed_are_unknown(host, name):
    kernel(host, without=["vfio-pci"])
    path = f"lib/modules/{RELEASE}/{name}"
    remove(path)(host)
    host.link(path, name)
    assert statuses(host, "kernel-modules") == {RELEASE: "UNKNOWN"}


def test_nothing_read_is_unknown_and_never_well(tmp_path):
    host = fakehost.usual(tmp_path / "host")
    for check in ("kernel-options", "kernel-modules", "kernel-iommu-default"):
        assert statuses(host, check) == {None: "UNKNOWN"}
    kernel(host)
    for check in ("kernel-options", "kernel-modules"):
        assert statuses(host, check) == {RELEASE: "UNKNOWN"}, "which vendor's part?"


def test_the_parts_of_the_other_vendor_are_not_asked_for(host):
    options = {"INTEL_IOMMU": "n", "KVM_INTEL": "n"}
    kernel(host, without=["kvm-intel"], **options)
    assert statuses(host, "kernel-options") == {RELEASE: "FAIL"}
    cpuinfo(host, "AuthenticAMD", "svm")
    for check in ("kernel-options", "kernel-modules"):
        assert statuses(host, check) == {RELEASE: "PASS"}
    assert statuses(host, "kernel-iommu-default") == {None: "PASS"}


def test_virqfd_is_a_module_of_its_own_before_6_2_only(host):
    kernel(host, LATER, without=["vfio_virqfd"])
    assert statuses(host, "kernel-modules") == {RELEASE: "PASS", LATER: "PASS"}


def test_iommufd_whole_is_a_way_without_type1(host):
    kernel(host, without=["vfio_iommu_type1"], VFIO_IOMMU_TYPE1="n", IOMMUFD="m",
           VFIO_DEVICE_CDEV="y")
    for check in ("kernel-options", "kernel-modules"):
        assert statuses(host, check) == {RELEASE: "PASS"}


def test_what_a_removed_kernel_leaves_behind_is_none(host):
    host.file("lib/modules/5.10.0-old/updates/dkms/vendor-reset.ko", "")
    kernel(host, LATER)
    assert set(statuses(host, "kernel-options")) == {RELEASE, LATER}


def test_lib_and_usr_lib_may_be_one(host):
    (host.root / "usr/lib").mkdir(parents=True, exist_ok=True)
    (host.root / "lib/modules").rename(host.root / "usr/lib/modules")
    assert statuses(host, "kernel-modules") == {RELEASE: "PASS"}
    host.link("lib/modules", "../usr/lib/modules")
    assert [one["subject"] for one in findings(host, "--only", "kernel-modules")] == [RELEASE]


@pytest.mark.parametrize("family,words", [
    ("ID=fedora\n", f"kernel-modules-{RELEASE}"), ("ID=ubuntu\n", "linux-image-generic"),
    ("ID=opensuse\n", "kernel-default"), ("ID=arch\n", "pacman"), ("ID=gentoo\n", "build it"),
])
def test_the_fix_is_the_distributions(host, family, words):
    host.file("etc/os-release", family)
    kernel(host, without=["vfio-pci"])
    assert words in findings(host, "--only", "kernel-modules")[0]["fix"]


def test_installing_the_missing_modules_is_the_way_out(host):
    kernel(host, without=["vfio-pci", "vfio"])
    told = findings(host, "--only", "kernel-modules")[0]
    assert told["status"] == "FAIL" and told["seen"].endswith(": vfio, vfio_pci")
    kernel(host)
    assert statuses(host, "kernel-modules") == {RELEASE: "PASS"}
