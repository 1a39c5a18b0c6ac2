# SPDX-License-Identifier: GPL-2.0-or-later
"""What check says of real kernels, beside virt-host-validate: nothing is to be missing that
this finds. MATRIX in the environment (make check-full sets it) adds hosts."""
import json
import re

import pytest

from test_devices import FULL, SCENARIOS, lab, sections

SEVERITY = ["PASS", "INFO", "UNKNOWN", "WARN", "FAIL"]

OFF = {"iommu-groups": "FAIL", "iommu-cmdline": "FAIL"}
UNMAPPED = {"iommu-interrupts": "FAIL"}
UNMAPPED_BY_WORD = {**UNMAPPED, "iommu-cmdline": "FAIL"}
NO_KVM = {"kvm-module": "FAIL", "kvm-device": "FAIL"}

# How the host is started, and all that is then wrong with it.
HOSTS = [
    ("vtd", "6.1", "", {}),
    ("vtd", "6.1", "intel_iommu=off", OFF),
    ("vtd-no-intremap", "6.1", "", UNMAPPED),
    ("none", "6.1", "", {"iommu-table": "FAIL", "iommu-groups": "FAIL"}),
    ("amd", "6.1", "cgroup_disable=cpu,cpuset,io,memory", {"guest-cgroups": "WARN"}),
]
if FULL:
    HOSTS += [
        ("vtd", "6.12", "", {}),
        ("vtd", "6.12", "clearcpuid=svm", {**NO_KVM, "cpu-virtualization": "FAIL"}),
        ("vtd", "6.1", "intremap=off", UNMAPPED_BY_WORD),
        ("vtd", "6.12", "nointremap", UNMAPPED_BY_WORD),
        ("vtd-no-intremap", "6.12", "", UNMAPPED),
        ("off", "6.1", "", OFF),
        ("amd", "6.1", "", {}),
        ("amd", "6.12", "", {}),
        ("amd", "6.1", "amd_iommu=off", OFF),
        ("amd", "6.12", "intremap=off", UNMAPPED_BY_WORD),
    ]

# States of a host, and what each adds to what is wrong.
STATES = {"bare": {"guest-network": "WARN"}, "root": {}, "nobody": {"kvm-access": "WARN"},
          "kvmless": NO_KVM, "legacy": {**NO_KVM, "guest-cgroups": "WARN"}}

# What virt-host-validate asks, which check of ours answers that, and how severe it is at most:
# docs/checks.md has the reasons.
ANSWERS = [
    (r"for hardware virtualization", "cpu-virtualization", "FAIL"),
    (r"if device /dev/kvm exists", "kvm-device", "FAIL"),
    (r"if device /dev/kvm is accessible", "kvm-access", "WARN"),
    (r"if device /dev/(vhost-net|net/tun) exists", "guest-network", "WARN"),
    (r"for cgroup '(cpu|cpuacct|cpuset|memory|devices|blkio)' controller support",
     "guest-cgroups", "WARN"),
    (r"for device assignment IOMMU support", "iommu-table", "FAIL"),
    (r"if IOMMU is enabled by kernel", "iommu-groups", "FAIL"),
    (r"for secure guest support", "guest-secure", "INFO"),
]


def worst(found):
    """The worst status of each check of the host."""
    statuses = {}
    for one in found:
        if one["area"] != "device":
            statuses[one["check"]] = max(one["status"], statuses.get(one["check"], "PASS"),
                                         key=SEVERITY.index)
    return statuses


def validated(text):
    """What virt-host-validate printed: (question, status, message)."""
    lines = re.findall(r"^ *QEMU: (?:Checking )?(.*?) +: (PASS|WARN|FAIL|NOTE)(?: \((.*)\))?$",
                       text, re.MULTILINE)
    assert len(lines) > 8 and len(lines) == text.count("QEMU:"), text
    return lines


def is_mistaken(state, iommu, question, message):
    """It looks for the table that goes with the processor, and the emulated one is AMD's; and
    asks for a BPF program as an ordinary user, who may not."""
    return (question.startswith("for device assignment") and "IVRS" in message and iommu != "none"
            or question.startswith("for device assignment") and message.startswith("Unknown if")
            or question.startswith("for cgroup 'devices'") and state == "nobody")


def compare(state, iommu, ours, theirs):
    for question, status, message in theirs:
        if status not in ("WARN", "FAIL") or is_mistaken(state, iommu, question, message):
            continue
        told = [(check, most) for pattern, check, most in ANSWERS
                if re.fullmatch(pattern, question)]
        assert len(told) == 1, question
        check, most = told[0]
        wanted = min(status, most, key=SEVERITY.index)
        assert SEVERITY.index(ours[check]) >= SEVERITY.index(wanted), (question, message)


@pytest.mark.parametrize("iommu,kernel,words,wrong", HOSTS)
def test_check_finds_what_is_wrong_with_the_host_and_nothing_else(iommu, kernel, words, wrong):
    """And all that virt-host-validate finds; as nobody nothing is better than it is."""
    states = list(STATES) if FULL or not wrong else ["root", "nobody"]
    told = sections(lab(SCENARIOS / "check.sh", *states, iommu=iommu, kernel=kernel,
                        options=["--append", words] if words else []))
    for state in states:
        ours = worst(json.loads(told[f"{state}_check"])["findings"])
        expected = {**wrong, **STATES[state]}
        found = {check: status for check, status in ours.items() if status in ("WARN", "FAIL")}
        hidden = {check: status for check, status in expected.items()
                  if ours[check] == "UNKNOWN"}
        assert not hidden or state == "nobody"
        assert {**found, **hidden} == expected, state
        compare(state, iommu, ours, validated(told[f"{state}_validate"]))
    refused = "Operation not permitted" in told["guest"]
    assert refused == ("iommu-interrupts" in wrong)
    assert ("status 0" in told["guest"]) == ("FAIL" not in [
        status for check, status in wrong.items() if check.startswith("iommu-")])
