# SPDX-License-Identifier: GPL-2.0-or-later
"""The checks of the firmware; the log's lines are the kernel's, the addresses made."""
import pytest

from checks import LOCKDOWN, SECURE_BOOT, dmar, find_wrong, findings, log, remove, statuses


def lock(level, secure_boot=None):
    def change(host):
        host.file(LOCKDOWN, "none integrity confidentiality\n".replace(level, f"[{level}]"))
        if secure_boot is not None:
            host.file(SECURE_BOOT, b"\6\0\0\0" + bytes([secure_boot]))
    return change


CARD = "0000:01:00.0"
OPT_IN = 4
WITHOUT_MEMORY = [
    f"pci {CARD}: BAR 1: no space for [mem size 0x400000000 64bit pref]",
    f"pci {CARD}: BAR 1: failed to assign [mem size 0x400000000 64bit pref]",
    f"pci {CARD}: BAR 1 [mem size 0x400000000 64bit pref]: can't assign; no space",
    f"pci {CARD}: BAR 1 [mem size 0x400000000 64bit pref]: failed to assign",
    f"pci {CARD}: BAR 7: no space for [mem size 0x00100000 64bit pref]",
    f"pci {CARD}: VF BAR 0 [mem size 0x00100000 64bit pref]: can't assign; no space",
]

# Of each check: what goes wrong, what it then says, and a word that its fix must have.
WRONG = [
    ("firmware-boot", remove("sys/firmware/efi"), "INFO", None),
    ("firmware-lockdown", lock("integrity", 1), "WARN", "mokutil"),
    ("firmware-lockdown", lock("confidentiality", 1), "WARN", "Secure Boot"),
    ("firmware-lockdown", lock("integrity", 0), "WARN", "command line"),
    ("firmware-dma-optin",
     lambda host: host.file("sys/firmware/acpi/tables/DMAR", dmar(1 | OPT_IN)), "INFO", None),
] + [("firmware-memory", lambda host, line=line: log(host, line), "WARN", "Above 4G")
     for line in WITHOUT_MEMORY]


@pytest.mark.parametrize("check,change,status,fix", WRONG)
def test_what_is_wrong_is_found_and_the_way_out_named(host, check, change, status, fix):
    change(host)
    find_wrong(host, check, status, fix)


def test_each_bar_without_memory_is_told_once_and_of_its_device(host):
    log(host, *WITHOUT_MEMORY)
    told = findings(host, "--only", "firmware-memory")
    assert [one["subject"] for one in told] == [CARD, CARD]
    assert "virtual functions" in told[1]["why"]


@pytest.mark.parametrize("line", [
    f"pci {CARD}: BAR 1: assigned [mem 0x4000000000-0x43ffffffff 64bit pref]",
    f"pci {CARD}: BAR 1 [mem 0x4000000000-0x43ffffffff 64bit pref]: assigned",
])
def test_memory_that_a_later_try_found_is_no_finding(host, line):
    log(host, *WITHOUT_MEMORY[:4], line)
    assert statuses(host, "firmware-memory") == ["PASS"]


@pytest.mark.parametrize("line", [
    "pci 0000:00:01.0: BAR 14: no space for [mem size 0x00200000]",
    f"pci {CARD}: BAR 6: no space for [mem size 0x00080000 pref]",
    f"pci {CARD}: BAR 5: no space for [io  size 0x0080]",
    f"pci {CARD}: ROM [mem size 0x00080000 pref]: can't assign; no space",
    "pci 0000:00:01.0: bridge window [mem size 0x00200000]: failed to assign",
])
def test_windows_ports_and_roms_that_no_guest_misses_are_no_finding(host, line):
    log(host, line)
    assert statuses(host, "firmware-memory") == ["PASS"]


def test_secure_boot_alone_locks_nothing(host):
    lock("none", 1)(host)
    assert statuses(host, "firmware-lockdown") == ["PASS"]


def test_a_kernel_without_lockdown_is_told_from_one_that_was_not_asked(host):
    remove(LOCKDOWN)(host)
    assert statuses(host, "firmware-lockdown") == ["UNKNOWN"]
    host.file("sys/kernel/security/lsm", "capability,apparmor\n")
    assert statuses(host, "firmware-lockdown") == ["PASS"]


def test_what_could_not_be_read_is_unknown_and_never_well(host):
    remove("sys/firmware", "pciferry/kernel-log")(host)
    assert statuses(host, "firmware-boot") == statuses(host, "firmware-memory") == ["UNKNOWN"]
    host.file("sys/firmware/acpi/tables/DMAR", dmar()[:-1] + b"x")
    assert statuses(host, "firmware-dma-optin") == ["UNKNOWN"]
