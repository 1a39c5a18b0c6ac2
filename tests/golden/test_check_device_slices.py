# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a device could be cut into slices, on made hosts: what is said of each is what the kernel
and NVIDIA document; no such machine was at hand."""
import pytest

import mdevhost
from checks import CARD, attribute, findings, in_turn
from test_check_device_hardware import is_a

GVT = "sys/module/i915/parameters/enable_gvt"
GUC = "sys/module/i915/parameters/enable_guc"
MANAGER = "sys/module/nvidia_vgpu_vfio/refcnt"


def on(driver):
    return lambda host: host.link(f"{host.folder(CARD)}/driver", f"../../../bus/pci/drivers/{driver}")


def has(path, text):
    return lambda host: host.file(path, f"{text}\n")


def intel(*changes):
    return in_turn(is_a("8086:5912"), on("i915"), *changes)


def nvidia(*changes):
    return in_turn(is_a("10de:26b9"), on("nvidia"), *changes)


def functions(driver, most, made):
    """Of Intel's graphics, of a generation with SR-IOV."""
    return in_turn(is_a("8086:a780"), on(driver), attribute("sriov_totalvfs", most),
                   attribute("sriov_numvfs", made))


def seen(host, change, device=CARD):
    change(host)
    found, = findings(host, "--only", "device-slices", device)
    return found["status"], found["seen"], found["fix"] or ""


WITHOUT_KVMGT = intel(has(GVT, "Y"), has("sys/module/vfio/x", ""))


def loads_kvmgt(host):
    """What the kernel then has."""
    host.file("sys/module/kvmgt/refcnt", "0\n")
    mdevhost.add_parent(host, host.folder(CARD), CARD)
    mdevhost.add_type(host, host.folder(CARD), "i915-GVTg_V5_4", 5)


# What the host is like, and what is then said of the device.
TOLD = [
    (in_turn(), "PASS", "into no slices", ""),
    (is_a("1002:67df"), "PASS", "into no slices", ""),
    (in_turn(is_a("8086:9a49"), on("i915")), "PASS", "which this is not", ""),
    (is_a("8086:5912"), "PASS", "has not got it", ""),
    (intel(), "PASS", "made without GVT-g", ""),
    (intel(has(GVT, "N")), "INFO", "GVT-g is off", "apply --gvt"),
    (WITHOUT_KVMGT, "WARN", "kvmgt is not loaded",
     "apply --gvt"),
    (intel(has(GVT, "Y"), has("sys/module/kvmgt/x", "")), "WARN", "offers no types", "dmesg"),
    (intel(has(GVT, "N"), has(GUC, "3")), "INFO", "GVT-g is off", "apply --gvt"),
    (intel(has(GVT, "N"), has(GUC, "3"), has("proc/sys/kernel/osrelease", "5.2.0")), "INFO",
     "would be in its way on a kernel before 5.3", "enable_guc"),
    # i915 has given up, so that nothing drives it.
    (in_turn(is_a("8086:5912"), has(GVT, "Y"), has(GUC, "3"),
             has("proc/sys/kernel/osrelease", "5.2.0")), "FAIL", "before 5.3", "enable_guc"),
    (intel(has(GVT, "N"), has(GUC, "2"), has("proc/sys/kernel/osrelease", "5.2.0")), "INFO",
     "GVT-g is off", "apply --gvt"),
    (functions("i915", 7, 0), "INFO", "i915, makes none of its 7 virtual functions", "xe does"),
    (functions("i915", 7, 3), "PASS", "cut into slices of 1 type", ""),
    (in_turn(functions("i915", 7, 0), has("sys/module/i915/parameters/max_vfs", "7")), "PASS",
     "cut into slices of 1 type", ""),
    (in_turn(functions("xe", 24, 0), has("sys/module/xe/parameters/max_vfs", "0")), "INFO",
     "xe, makes none of its 24", "xe.max_vfs"),
    (in_turn(functions("xe", 24, 0), has("sys/module/xe/parameters/max_vfs", "4294967295")),
     "PASS", "cut into slices of 1 type", ""),
    (nvidia(has("sys/module/vfio/x", ""), has("usr/bin/env", ""), has("usr/lib/nvidia/x", "")),
     "PASS", "vGPU manager is not here", ""),
    (in_turn(is_a("10de:26b9"), has(MANAGER, "0")), "PASS", "has not got it", ""),
    (nvidia(has(MANAGER, "0")), "WARN", "offers no types", "systemctl status"),
    (nvidia(has(MANAGER, "0"), attribute("sriov_totalvfs", 32), attribute("sriov_numvfs", 0)),
     "INFO", "not turned on (of 32)", "sriov-manage -e " + CARD),
]

WRONG = [("device-slices", *row) for row in TOLD if row[1] != "PASS"]


@pytest.mark.parametrize("change, status, words, fix", TOLD)
def test_what_it_takes_to_cut_a_device_is_told(host, change, status, words, fix):
    found = seen(host, change)
    assert found[0] == status and words in found[1] and fix in found[2], found


def test_one_that_offers_types_is_pointed_to_them(host):
    found = seen(host, lambda made: (
        mdevhost.add_parent(made, made.folder(CARD), CARD),
        mdevhost.add_type(made, made.folder(CARD), "nvidia-284", 4)))
    assert found[:2] == ("PASS", "it can be cut into slices of 1 type: pciferry mdev types " + CARD)


def test_a_card_whose_functions_are_the_parents_can_be_cut(host):
    """As an Ampere's are, whose types are each function's own."""
    first, second = mdevhost.vendor(host, [0, 0])
    for address in first, second:
        (host.root / host.folder(address) / "nvidia/current_vgpu_type").unlink()
        mdevhost.add_parent(host, host.folder(address), address)
        mdevhost.add_type(host, host.folder(address), "nvidia-558", 1)
    found = seen(host, has(MANAGER, "0"), mdevhost.PHYSICAL)
    assert found[:2] == ("PASS", f"it can be cut into slices of 1 type: pciferry mdev types {first}")


def test_a_function_that_its_driver_hands_to_guests_is_a_slice(host):
    free, taken = mdevhost.vendor(host, [0, 1148])
    assert seen(host, has(MANAGER, "0"), free)[:2] == (
        "PASS", f"a slice can be made of it: pciferry mdev types {mdevhost.PHYSICAL}")
    assert seen(host, has(MANAGER, "0"), taken)[:2] == (
        "PASS", "it is a slice itself, of type 1148")
