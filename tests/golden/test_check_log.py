# SPDX-License-Identifier: GPL-2.0-or-later
"""What `check` finds in the kernel's log; its lines are the kernel's, the addresses made."""
import pytest

import checks
from checks import find_wrong, findings, log, remove


CARD = "0000:01:00.0"
# Of each check: the line, what it is said to be, and a word that its fix must have.
LINES = [
    ("log-dmar", "DMAR: [DMA Read NO_PASID] Request device [01:00.0] fault addr 0x7c401000"
     " [fault reason 0x06] PTE Read access is not set", "WARN", "guest"),
    ("log-dmar", "DMAR: [DMA Write] Request device [01:00.0] fault addr ff000"
     " [fault reason 05] PTE Write access is not set", "WARN", "guest"),
    ("log-dmar", "DMAR: [INTR-REMAP] Request device [01:00.0] fault index 0x8"
     " [fault reason 0x22] Present field in the IRTE entry is clear", "WARN", "firmware"),
    ("log-dmar", "AMD-Vi: Event logged [IO_PAGE_FAULT device=01:00.0 domain=0x000e"
     " address=0x1000 flags=0x0000]", "WARN", "guest"),
    ("log-dmar", f"vfio-pci {CARD}: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x000e"
     " address=0x1000 flags=0x0000]", "WARN", "guest"),
    ("log-dmar", "AMD-Vi: Event logged [IOTLB_INV_TIMEOUT device=0000:01:00.0 address=0x1000]",
     "WARN", "power the host off"),
    ("log-aer", f"nvidia {CARD}: PCIe Bus Error: severity=Corrected, type=Physical Layer,"
     " (Receiver ID)", "INFO", "seat"),
    ("log-aer", f"vfio-pci {CARD}: PCIe Bus Error: severity=Uncorrected (Fatal),"
     " type=Transaction Layer, (Requester ID)", "WARN", "seat"),
    ("log-bar", f"vfio-pci {CARD}: BAR 0: can't reserve [mem 0xd0000000-0xdfffffff 64bit pref]",
     "WARN", "sysfb_init"),
    ("log-reset", f"vfio-pci {CARD}: not ready 65535ms after FLR; giving up", "WARN", "power"),
    ("log-reset", f"vfio-pci {CARD}: not ready 1023ms after bus reset; waiting", "INFO", None),
    ("log-reset", f"vfio-pci {CARD}: timed out waiting for pending transaction; performing"
     " function level reset anyway", "WARN", "show DEVICE"),
    ("log-rom", f"vfio-pci {CARD}: Invalid PCI ROM header signature: expecting 0xaa55, got"
     " 0xffff", "WARN", "romfile="),
    ("log-rmrr", f"vfio-pci {CARD}: DMAR: Device is ineligible for IOMMU domain attach due to"
     " platform RMRR requirement.  Contact your platform vendor.", "WARN", "firmware"),
    ("log-rmrr", f"vfio-pci {CARD}: Firmware has requested this device have a 1:1 IOMMU mapping,"
     " rejecting configuring the device without a 1:1 mapping.", "WARN", "firmware"),
    ("log-vfio", f"vfio-pci {CARD}: probe with driver vfio-pci failed with error -22", "WARN",
     "IOMMU group"),
    ("log-vfio", f"vfio-pci: probe of {CARD} failed with error -16", "WARN", "someone else"),
    ("log-vfio", f"vfio {CARD}: group 1 is not viable", "WARN", "pciferry bind"),
    ("log-vfio", f"vfio-pci {CARD}: Unable to change power state from D3cold to D0, device"
     " inaccessible", "WARN", "disable_idle_d3"),
    ("log-vfio", f"vfio-pci {CARD}: vfio_bar_restore: stuck in D3", "WARN", "d3cold_allowed"),
    ("log-xid", "NVRM: Xid (PCI:0000:01:00): 79, pid=1234, GPU has fallen off the bus.", "WARN",
     "power the host off"),
    ("log-xid", "NVRM: Xid (PCI:0000:01:00): 13, pid=1234, Graphics Exception", "WARN", "Xid"),
]


def with_line(line):
    return lambda host: log(host, *checks.USUAL_LOG, line)


WRONG = [(check, with_line(line), status, fix) for check, line, status, fix in LINES] + [
    ("log-denied", remove("pciferry/kernel-log"), "UNKNOWN", "as root"),
]


@pytest.mark.parametrize("check,change,status,fix", WRONG)
def test_what_is_wrong_is_found_and_the_way_out_named(host, check, change, status, fix):
    change(host)
    find_wrong(host, check, status, fix)


@pytest.mark.parametrize("check,line", [row[:2] for row in LINES])
def test_a_line_is_told_of_its_device_and_by_one_check_only(host, check, line):
    with_line(line)(host)
    told = [one for one in findings(host, "--only", "log") if one["status"] != "PASS"]
    assert [(one["check"], one["subject"]) for one in told] == [(check, CARD)]
    assert line[:60] in told[0]["seen"]


def test_lines_are_counted_by_device_and_the_last_one_is_shown(host):
    fault = "DMAR: [DMA Read] Request device [{}] fault addr {} [fault reason 06]"
    log(host, fault.format("01:00.0", "1000"), fault.format("02:00.0", "2000"),
        fault.format("01:00.0", "3000"))
    told = findings(host, "--only", "log-dmar")
    assert [one["subject"] for one in told] == ["0000:01:00.0", "0000:02:00.0"]
    assert told[0]["seen"].startswith("2 times") and "addr 3000" in told[0]["seen"]
    assert "times" not in told[1]["seen"]


def test_lines_without_a_device_are_the_hosts(host):
    log(host, "AMD-Vi: Completion-Wait loop timed out",
        "vfio_pci: unknown parameter 'disable_vga' ignored")
    told = [one for one in findings(host, "--only", "log") if one["status"] != "PASS"]
    assert [one["check"] for one in told] == ["log-dmar", "log-vfio"]
    assert not any(one["subject"] for one in told)


def test_a_log_of_ever_new_devices_ends(host):
    log(host, *(f"NVRM: Xid (PCI:0000:{bus:02x}:00): 79" for bus in range(256)))
    told = findings(host, "--only", "log-xid")
    assert len(told) == 65 and "192 lines" in told[-1]["seen"]


def test_without_the_log_nothing_passes(host):
    remove("pciferry/kernel-log")(host)
    assert {one["status"] for one in findings(host, "--only", "log")} == {"UNKNOWN"}


def test_cut_and_strange_lines_harm_nothing(host):
    host.file("pciferry/kernel-log", b"<4\n<>\n\n<4>[\0 NVRM: Xid \0\xff\n<4>PCI:NVRM: Xid PCI:")
    told = findings(host, "--only", "log-xid")
    assert [one["status"] for one in told] == ["WARN"]
