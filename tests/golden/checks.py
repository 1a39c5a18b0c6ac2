# SPDX-License-Identifier: GPL-2.0-or-later
"""A made host on which all is well, and what `check` says of it.

What is real: the program. What is not: the host, which is as much of /proc and /sys as the
checks read.
"""
import json
import os
import pathlib
import struct
import subprocess

import jsonschema

import fakehost
from configspace import ENDPOINT, ROOT_PORT, Config

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("PCIFERRY", ROOT / "build/pciferry")).resolve()
SCHEMA = json.loads((ROOT / "docs/pciferry-1.schema.json").read_text())

CARD, PORT = "0000:05:00.0", "0000:00:02.0"
GROUP = "sys/kernel/iommu_groups/5"
KERNEL = "6.1.0-13-amd64"
UNSAFE = "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"


def run(host, *args):
    return subprocess.run([PROGRAM, "check", *args, "--host", host.root], check=False,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env={**os.environ, "LC_ALL": "C.UTF-8"})


def findings(host, *args):
    done = run(host, "--json", *args)
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    jsonschema.validate(found, SCHEMA)
    assert done.returncode == any(one["status"] == "FAIL" for one in found["findings"])
    return found["findings"]


def all_checks():
    done = subprocess.run([PROGRAM, "check", "--list", "--json"], capture_output=True, text=True,
                          check=True)
    listed = json.loads(done.stdout)
    jsonschema.validate(listed, SCHEMA)
    return [check["id"] for check in listed["checks"]]


def dmar(flags=1, more=b""):
    """One unit for all functions (VT-d 8.1 and 8.3), and more structures."""
    unit = struct.pack("<HHBBHQ", 0, 16, 1, 0, 0, 0xfed90000) + more
    table = bytearray(b"DMAR" + struct.pack("<IBB", 48 + len(unit), 1, 0) + b"FERRY " +
                      b"FERRYHST" + struct.pack("<I", 1) + b"FRRY" + struct.pack("<I", 1) +
                      bytes([46, flags]) + bytes(10) + unit)
    table[9] = -sum(table) & 0xff
    return bytes(table)


def cpuinfo(host, vendor="GenuineIntel", flags="fpu vmx sse"):
    host.file("proc/cpuinfo", f"processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: {flags}\n\n")


def cmdline(host, text):
    host.file("proc/cmdline", f"BOOT_IMAGE=/vmlinuz root=/dev/vda {text}\n")


def card_space(speed=3, width=8):
    return Config("1234:8086", "020000").express(ENDPOINT, speed=speed, width=width, flr=True)


def port_space(max_speed=3):
    return Config("1234:000c", "060400", (0, 5, 5)).express(ROOT_PORT, max_speed=max_speed).acs()


def card(host):
    """A network card that any guest can have: free, in a slot and a group of its own."""
    host.device(PORT, "1234:000c", "060400", "pcieport", 6, config=port_space().make())
    host.device(CARD, "1234:8086", "020000", None, 5, PORT, card_space().make(),
                reset_method="flr bus", power_state="D0", resource=fakehost.RESOURCES)
    host.file(f"{GROUP}/reserved_regions", "0x00000000fee00000 0x00000000feefffff msi\n")


def ready(root):
    """A host on which every check passes."""
    host = fakehost.usual(root)
    card(host)
    host.file("proc/sys/kernel/osrelease", f"{KERNEL}\n")
    host.file(f"lib/modules/{KERNEL}/modules.alias",
              "alias pci:v00001234d00008086sv*sd*bc*sc*i* ferry_net\n")
    host.file(f"lib/modules/{KERNEL}/modules.builtin", "kernel/drivers/tty/serial/8250/8250.ko\n")
    cpuinfo(host)
    cmdline(host, "ro quiet intel_iommu=on,sm_on iommu=pt")
    host.file("etc/os-release", 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
    host.file("sys/module/kvm_intel/parameters/nested", "Y\n")
    host.file("sys/firmware/acpi/tables/DMAR", dmar())
    host.file("sys/devices/virtual/iommu/dmar0/intel-iommu/address", "fed90000\n")
    host.file("sys/devices/virtual/iommu/dmar0/intel-iommu/ecap", "f020df\n")
    host.link("sys/class/iommu/dmar0", "../../devices/virtual/iommu/dmar0")
    host.file(UNSAFE, "N\n")
    return host


def attribute(name, text, address=CARD):
    """For a table WRONG: that attribute of a device has this text, or is not there."""
    def change(host):
        path = f"{host.folder(address)}/{name}"
        if text is None:
            (host.root / path).unlink()
        else:
            host.file(path, f"{text}\n")
    return change


def in_turn(*changes):
    """For a table WRONG: several of these."""
    def change(host):
        for one in changes:
            one(host)
    return change


def remove(path):
    """For a table WRONG: that file is not there."""
    def change(host):
        (host.root / path).unlink()
    return change


def find_wrong(host, check, status, fix, *devices):
    """What the check says with that status, with the words that a person needs."""
    told = findings(host, "--only", check, *devices)
    found = [one for one in told if one["status"] == status]
    assert found and all(one["check"] == check for one in found), told
    for one in found:
        assert one["seen"] and (one["why"] or one["status"] == "INFO"), one
    if fix:
        assert any(one["fix"] and fix in one["fix"] for one in found), found
    return found
