# SPDX-License-Identifier: GPL-2.0-or-later
"""A real server's logs and lists of kernel options, which lead to the right findings.

What is real: the captures, of other people, which are not in the repository. What is not: the
host around them, and that lists from a kernel's menu are written as its .config has them."""
import re

import pytest

import checks
from checks import RELEASE, cmdline, cpuinfo, findings, log
from program import ROOT

SEED = ROOT.parent / "shared/cases/seed-host"

pytestmark = pytest.mark.skipif(not SEED.is_dir(), reason="the real captures are not here")

# What the menu calls an option (the prompts in drivers/iommu and drivers/vfio of Linux).
PROMPTS = {
    "AMD IOMMU support": "AMD_IOMMU",
    "Support for Intel IOMMU using DMA Remapping Devices": "INTEL_IOMMU",
    "Enable Intel DMA Remapping Devices by default": "INTEL_IOMMU_DEFAULT_ON",
    "IOMMU Userspace API": "IOMMUFD",
    "Support for Interrupt Remapping": "IRQ_REMAP",
    "VFIO Non-Privileged": "VFIO",
    "Support for the VFIO container /dev/vfio/vfio": "VFIO_IOMMU_TYPE1",
    "Generic VFIO support for any PCI devices": "VFIO_PCI",
}


def menu_options():
    """Of lines "[*]   Support for ...", "<M> VFIO ...", "-*- ..."."""
    found = {}
    for name in ("kernel", "kernel_vfio"):
        for mark, prompt in re.findall(r"[\[<-]([ *M])[\]>-]\s+(.*?)(?: --->| ----|$)",
                                       (SEED / name).read_text(), re.M):
            for start, option in PROMPTS.items():
                if prompt.startswith(start):
                    found[option] = {"*": "y", "M": "m", " ": "n"}[mark]
    return found


def statuses(host, *only):
    return {one["check"]: one["status"] for one in findings(host, "--only", ",".join(only))}


def test_the_options_are_right_for_its_processor_and_not_for_the_other(host):
    options = menu_options()
    assert set(options) == set(PROMPTS.values())
    host.file(f"boot/config-{RELEASE}", checks.config(**options))
    cmdline(host, "quiet")
    found = statuses(host, "kernel-options", "kernel-iommu-default")
    assert found == {"kernel-options": "PASS", "kernel-iommu-default": "PASS"}
    (host.root / "sys/firmware/acpi/tables/DMAR").rename(
        host.root / "sys/firmware/acpi/tables/IVRS")
    cpuinfo(host, "AuthenticAMD", "fpu svm")
    one, = [one for one in findings(host, "--only", "kernel-options")
            if one["status"] == "FAIL"]
    assert "AMD_IOMMU" in one["seen"]


@pytest.mark.parametrize("name", ["dmesg_iommu.txt", "dmesg_iommu_enabled", "dmesg_no_iommu.txt",
                                  "dmesg_vfio", "dmesg_vfio-pci.ids"])
def test_a_log_of_a_host_that_works_gives_no_alarm(host, name):
    log(host, *(line.split("] ", 1)[-1] for line in (SEED / name).read_text().splitlines()))
    assert {one["status"] for one in findings(host, "--only", "log")} == {"PASS"}


def test_the_log_alone_does_not_decide_whether_the_iommu_is_on(host):
    """"DMAR: IOMMU enabled" stands in one of them, and groups are what counts."""
    log(host, *(SEED / "dmesg_iommu_enabled").read_text().splitlines())
    for path in host.root.rglob("iommu_group"):
        path.unlink()
    assert statuses(host, "iommu-groups") == {"iommu-groups": "FAIL"}
