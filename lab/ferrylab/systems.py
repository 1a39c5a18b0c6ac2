# SPDX-License-Identifier: GPL-2.0-or-later
"""Whole systems, on disks that a UEFI machine boots: Debian, by the machine's own apt.

A disk is made once: mmdebstrap fills a root, systems/configure makes a disk of it, and in a
first boot, with the kernel given by QEMU, the system installs its boot loader itself.
"""
import collections
import hashlib
import os
import shutil

from . import cache, tools
from .errors import LabError, say
from .orders import firmware

# packages: beside COMMON. parameters: for the kernel. installer: a script of lab/systems, run
# in the first boot.
System = collections.namedtuple("System", "summary packages parameters installer")

# Under TCG nothing speculates, and a busy machine would fail the check of the timer.
CONSOLE = "console=ttyS0 mitigations=off no_timer_check"

# The kernel, an init, and the libraries that pciferry is built with.
COMMON = ["linux-image-amd64", "systemd-sysv", "udev", "kmod", "zstd", "pciutils", "e2fsprogs",
          "libsmartcols1", "libjson-c5", "libmount1", "libudev1", "libkmod2", "libarchive13",
          "libmnl0"]

SYSTEMS = {
    "grub": System("GRUB, initramfs-tools; the IOMMU is turned off on the command line",
                   ["grub-efi-amd64", "efibootmgr", "initramfs-tools"],
                   f"{CONSOLE} intel_iommu=off", "install-grub"),
    "dracut": System("GRUB, dracut",
                     ["grub-efi-amd64", "efibootmgr", "dracut"], CONSOLE, "install-grub"),
    "systemd-boot": System("systemd-boot, initramfs-tools",
                           ["systemd-boot", "efibootmgr", "initramfs-tools"], CONSOLE,
                           "install-systemd-boot"),
}

# Nothing of these is ever read.
LEFT_OUT = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*"]


def get(name, first_boot):
    """The folder with disk.img and vars.fd, which are not to be written to.

    first_boot(folder, script, QEMU's arguments): boots folder/disk.img and runs the script.
    Only inside cache.preparing().
    """
    system = SYSTEMS[name]
    parent = os.path.join(cache.cache_dir(), "systems")
    folder = os.path.join(parent, f"{name}-{_key(system)}")
    if os.path.isdir(folder):
        return folder
    with cache.unfinished_dir() as work:
        say(f"making the system {name} (once, some minutes): packages...")
        _make_root(system, work)
        say(f"making the system {name}: its first boot...")
        shutil.copy(_variables(), os.path.join(work, "vars.fd"))
        first_boot(work, _script(system.installer),
                   ["-kernel", os.path.join(work, "vmlinuz"),
                    "-initrd", os.path.join(work, "initrd"),
                    "-append", f"root=LABEL=root ro quiet {system.parameters}"])
        for other in os.listdir(parent) if os.path.isdir(parent) else []:
            if other.rpartition("-")[0] == name:
                shutil.rmtree(os.path.join(parent, other))
        os.makedirs(parent, exist_ok=True)
        os.rename(work, folder)
    return folder


def _script(name):
    return os.path.join(cache.LAB_DIR, "systems", name)


def _variables():
    path = firmware("LAB_OVMF_VARS")
    if not path:
        raise LabError("OVMF", "not found", "run scripts/install-deps lab")
    return path


def _key(system):
    digest = hashlib.sha256(repr((system, COMMON, LEFT_OUT, _sources())).encode())
    for name in ("configure", system.installer):
        with open(_script(name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()[:16]


def _sources():
    """The lines of sources.list that lead to Debian's own packages."""
    words = "$(ORIGIN) deb $(REPO_URI) $(RELEASE) $(COMPONENT)"
    told = tools.run(["apt-get", "indextargets", "--format", words, "Created-By: Packages"],
                     "apt-get").decode()
    lines = sorted({line.partition(" ")[2] for line in told.splitlines()
                    if line.startswith("Debian ")})
    if not lines:
        raise LabError("apt", "offers no packages of Debian", "run apt-get update")
    return lines


def _make_root(system, work):
    # For apt's own user, which reads what mmdebstrap makes here. Killed, it leaves a whole
    # root behind; here the next lab removes it.
    os.chmod(work, 0o755)
    sources = os.path.join(work, "sources.list")
    with open(sources, "w", encoding="utf-8") as file:
        file.write("".join(line + "\n" for line in _sources()))
    tools.run(["mmdebstrap", "--variant=minbase", "--format=null",
               "--include=" + ",".join(COMMON + system.packages),
               "--dpkgopt=force-unsafe-io",
               *[f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT],
               "--customize-hook=" + _script("configure"), "", "-", sources],
              "mmdebstrap", env=dict(os.environ, LAB_WORK=work, TMPDIR=work,
                                     LAB_PARAMETERS=system.parameters,
                                     PATH=tools.SEARCH_PATH))
