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

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("PCIFERRY", ROOT / "build/pciferry")).resolve()
SCHEMA = json.loads((ROOT / "docs/pciferry-1.schema.json").read_text())

RELEASE = "6.1.0-56-amd64"
OPTIONS = {"VFIO": "m", "VFIO_PCI": "m", "VFIO_IOMMU_TYPE1": "m", "INTEL_IOMMU": "y",
           "IRQ_REMAP": "y", "KVM": "m", "KVM_INTEL": "m", "KVM_AMD": "m", "AMD_IOMMU": "y"}
MODULES = ["drivers/vfio/vfio", "drivers/vfio/pci/vfio-pci", "drivers/vfio/vfio_iommu_type1",
           "drivers/vfio/vfio_virqfd", "arch/x86/kvm/kvm-intel", "arch/x86/kvm/kvm-amd",
           "drivers/gpu/drm/nouveau/nouveau", "drivers/net/e1000e/e1000e"]

MODPROBE = """# The card and its sound.
options vfio-pci ids=1234:5046,1234:293e \\
    disable_vga=1
softdep nouveau pre: vfio-pci
blacklist nouveau
"""

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


def dmar(flags=1):
    """One unit for all functions (VT-d 8.1 and 8.3)."""
    unit = struct.pack("<HHBBHQ", 0, 16, 1, 0, 0, 0xfed90000)
    table = bytearray(b"DMAR" + struct.pack("<IBB", 48 + len(unit), 1, 0) + b"FERRY " +
                      b"FERRYHST" + struct.pack("<I", 1) + b"FRRY" + struct.pack("<I", 1) +
                      bytes([46, flags]) + bytes(10) + unit)
    table[9] = -sum(table) & 0xff
    return bytes(table)


def cpuinfo(host, vendor="GenuineIntel", flags="fpu vmx sse"):
    host.file("proc/cpuinfo", f"processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: {flags}\n\n")


def cmdline(host, text):
    host.file("proc/cmdline", f"BOOT_IMAGE=/vmlinuz root=/dev/vda {text}\n")


def config(**changed):
    """A kernel's configuration; None: the option is not mentioned."""
    options = {**OPTIONS, **changed}
    lines = [f"# CONFIG_{name} is not set" if value == "n" else f"CONFIG_{name}={value}"
             for name, value in options.items() if value]
    return "\n".join(["# Automatically generated", *lines, ""])


def kernel(host, release=RELEASE, built_in=(), without=(), **options):
    """An installed kernel, with those modules (by the end of their paths) built in or away."""
    def named(names):
        return [path for path in MODULES if path.split("/")[-1] in names]
    gone = named(built_in) + named(without)
    folder = f"lib/modules/{release}"
    host.file(f"{folder}/modules.dep", "".join(
        f"kernel/{path}.ko.xz: kernel/lib/crc8.ko.xz\n" for path in MODULES if path not in gone))
    host.file(f"{folder}/modules.builtin", "kernel/fs/ext4/ext4.ko\n" + "".join(
        f"kernel/{path}.ko\n" for path in named(built_in)))
    host.file(f"boot/config-{release}", config(**options))


def ready(root):
    """A host on which every check passes."""
    host = fakehost.usual(root)
    cpuinfo(host)
    cmdline(host, "ro quiet intel_iommu=on,sm_on iommu=pt")
    host.file("etc/os-release", 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
    host.file("sys/module/kvm_intel/parameters/nested", "Y\n")
    host.file("sys/firmware/acpi/tables/DMAR", dmar())
    host.file("sys/devices/virtual/iommu/dmar0/intel-iommu/address", "fed90000\n")
    host.file("sys/devices/virtual/iommu/dmar0/intel-iommu/ecap", "f020df\n")
    host.link("sys/class/iommu/dmar0", "../../devices/virtual/iommu/dmar0")
    host.file(UNSAFE, "N\n")
    host.file("proc/sys/kernel/osrelease", f"{RELEASE}\n")
    kernel(host)
    host.file("etc/modprobe.d/vfio.conf", MODPROBE)
    host.file("usr/lib/modprobe.d/distribution.conf", "blacklist no_such_watchdog\n")
    host.file("etc/modules-load.d/vfio.conf", "vfio-pci\n")
    return host


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
