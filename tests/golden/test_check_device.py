# SPDX-License-Identifier: GPL-2.0-or-later
"""The checks of a device: what goes with it, who uses it, what the firmware does with it."""
import struct

import pytest

import checks
from checks import CARD, GROUP, PORT, attribute, find_wrong, findings, in_turn


DISK = "0000:03:00.0"
DMAR = "sys/firmware/acpi/tables/DMAR"


def linked(name, target, *addresses):
    def change(host):
        for address in addresses:
            folder = host.folder(address)
            (host.root / folder / name).unlink(missing_ok=True)
            host.link(f"{folder}/{name}", "../" * folder.count("/") + target)
    return change


def group_of(*addresses):
    """These devices are in the card's group as well."""
    return linked("iommu_group", "kernel/iommu_groups/5", *addresses)


def on_driver(driver, address):
    return linked("driver", f"bus/pci/drivers/{driver}", address)


def no_group(host):
    (host.root / host.folder(CARD) / "iommu_group").unlink()


def regions(kind):
    return lambda host: host.file(f"{GROUP}/reserved_regions",
                                  f"0x00000000000e0000 0x00000000000fffff {kind}\n")


def rmrr(host):
    """The firmware's table names the card, function 00.0 behind the port 00:02.0."""
    scope = struct.pack("<BBHBB4B", 1, 10, 0, 0, 0, 2, 0, 0, 0)
    host.file(DMAR, checks.dmar(1, struct.pack("<HHHHQQ", 1, 24 + len(scope), 0, 0, 0xe0000,
                                               0xfffff) + scope))


# Of each check: what goes wrong, what it then says, and a word that its fix must have.
WRONG = [
    ("device-group", no_group, "FAIL", "another slot"),
    ("device-group", in_turn(group_of(PORT), on_driver("shpchp", PORT)), "FAIL", "unbind"),
    ("device-group", group_of("0000:01:00.1"), "INFO", None),
    ("device-in-use", group_of("0000:02:00.0"), "WARN", "umount"),
    ("device-memory", regions("direct"), "FAIL", "slot"),
    ("device-memory", regions("direct-relaxable"), "INFO", None),
    ("device-memory", in_turn(no_group, rmrr), "FAIL", "slot"),
]


@pytest.mark.parametrize("check,change,status,fix", WRONG)
def test_what_is_wrong_is_found_and_the_way_out_named(host, check, change, status, fix):
    change(host)
    find_wrong(host, check, status, fix, CARD)


# What is taken away, and the check that can then not know.
UNREAD = [
    ("device-group", attribute("modalias", "x")),
    ("device-in-use", in_turn(group_of(DISK), checks.remove("proc/swaps"))),
    ("device-memory", in_turn(no_group, checks.remove(DMAR))),
    ("device-memory", checks.remove(f"{GROUP}/reserved_regions")),
]


@pytest.mark.parametrize("check,change", UNREAD)
def test_what_could_not_be_read_is_unknown_and_never_well(host, check, change):
    change(host)
    found = findings(host, "--only", check, CARD)
    assert found and {one["status"] for one in found} == {"UNKNOWN"}, found


def test_devices_are_checked_only_where_they_are_named(host):
    assert "device" not in {one["area"] for one in findings(host)}


def test_those_that_go_along_are_named(host):
    group_of("0000:01:00.1", PORT)(host)
    found, = findings(host, "--only", "device-group", CARD)
    assert found["seen"] == "in group 5 with 0000:01:00.1"


def test_a_bridge_is_told_to_stay(host):
    found, = findings(host, "--only", "device-group", PORT)
    assert found["status"] == "FAIL" and "behind it" in found["fix"]


def test_without_an_iommu_the_group_that_there_would_be_is_told(host):
    for link in host.root.glob("sys/devices/**/iommu_group"):
        link.unlink()
    found, = findings(host, "--only", "device-group", CARD)
    assert "with the IOMMU on it would have a group of its own" in found["seen"]
    assert "iommu-table" in found["fix"]


def test_use_of_another_member_is_told_with_its_address(host):
    group_of("0000:02:00.0")(host)
    found = findings(host, "--only", "device-in-use", CARD)
    assert any(one["seen"].startswith("0000:02:00.0: ") and "/srv" in one["seen"]
               for one in found)
