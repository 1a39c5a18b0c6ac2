# SPDX-License-Identifier: GPL-2.0-or-later
"""Roots of systems that do not run, for plan and apply.

What is real: the files, the shell that reads them, the edits, the journal. What is not: the
tools of the distributions, which are a few lines of shell here."""
import json
import os
import pathlib
import shutil
import subprocess

import jsonschema
import pytest

import bootfiles
from program import PROGRAM, SCHEMA

BUSYBOX = pathlib.Path("/usr/bin/busybox")
TAB = "etc/pciferry.tab"

needs_tools = pytest.mark.skipif(os.geteuid() != 0 or not BUSYBOX.exists(),
                                 reason="needs root and busybox, for the tools in the root")

# What grub-mkconfig makes of the settings, as far as parameters go.
MKCONFIG = """#!/bin/sh
. /etc/default/grub
for file in /etc/default/grub.d/*.cfg; do
	[ -e "$file" ] && [ -n "$DROP_INS" ] && . "$file"
done
echo "Generating grub configuration file ..."
sed -i "/single/!s|^\\\\(\\tlinux[efi]*\\t[^ ]* root=UUID=0b7a\\\\).*|\\\\1 ro $GRUB_CMDLINE_LINUX \
$GRUB_CMDLINE_LINUX_DEFAULT|" "${2:-/boot/grub/grub.cfg}"
"""
# What builds images, or copies entries: it takes /etc/kernel/cmdline and its like as it is.
NOTHING = """#!/bin/sh
for image in /boot/initrd.img-* /efi/EFI/Linux/*.efi; do
	[ -e "$image" ] && busybox touch "$image"
done
echo "made $*"
"""


def debian(_host):
    """The ready host as it is."""


WAYS = [(debian, "", "")] + bootfiles.WAYS
BY_HAND = (bootfiles.kernelstub, bootfiles.ostree, bootfiles.nixos)


def tool(host, path, text):
    host.file(path, text)
    (host.root / path).chmod(0o755)


# Of an image the tab and what reads it, and the drivers that it names.
UPDATE_INITRAMFS = """#!/bin/sh
cd /
for image in /boot/initrd.img-*; do
	echo "update-initramfs: Generating $image"
	DRIVERS=$(find lib/modules -name "*vfio?pci.ko")
	find lib/pciferry etc/pciferry.tab $DRIVERS 2>/dev/null | cpio -o -H newc >"$image" 2>/dev/null
done
"""


def early(host):
    """initramfs-tools, with pciferry's hook."""
    for path in ("hook-functions", "hooks/pciferry"):
        host.file(f"usr/share/initramfs-tools/{path}", "")
    host.file("lib/pciferry/pciferry-early", "")
    for kernel in (host.root / "lib/modules").iterdir():
        host.file(f"lib/modules/{kernel.name}/kernel/drivers/vfio/pci/vfio-pci.ko", "")
    tool(host, "usr/sbin/update-initramfs", UPDATE_INITRAMFS)


def make(host, way):
    way(host)
    for path in host.root.rglob("*"):
        if path.is_file() and not path.is_symlink() and b"iommu=pt" in path.read_bytes():
            status = path.stat()
            text = path.read_bytes().replace(b"intel_iommu=on,sm_on iommu=pt", b"")
            path.write_bytes(text.replace(b"intel_iommu=on,sm_on \\\niommu=pt", b""))
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    mkconfig = MKCONFIG.replace('"$DROP_INS"', '1') if way is debian else MKCONFIG
    early(host)
    for name in ("update-grub", "grub2-mkconfig"):
        tool(host, f"usr/sbin/{name}", mkconfig)
    tool(host, "usr/sbin/grub-mkconfig", "#!/bin/sh\n# /etc/default/grub.d\n"
         if way is debian else "#!/bin/sh\n")
    for name in ("kernel-install", "proxmox-boot-tool", "mkinitcpio", "limine-update"):
        tool(host, f"usr/bin/{name}", NOTHING)
    if way in (debian, bootfiles.openeuler):
        path = "/boot/grub/grub.cfg" if way is debian else "/boot/efi/EFI/openEuler/grub.cfg"
        subprocess.run(["chroot", host.root, "/usr/sbin/grub2-mkconfig", "-o", path], check=True,
                       capture_output=True)


def run(*args):
    done = subprocess.run([PROGRAM, *args], check=False, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C.UTF-8"})
    if "--json" in args and done.returncode == 0:
        jsonschema.validate(json.loads(done.stdout), SCHEMA)
    return done


def snapshot(root):
    """All files, but what pciferry keeps of its own."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if name.split("/")[0] in ("run", "var", "dev") or path.is_dir() and not path.is_symlink():
            continue
        status = path.lstat()
        found[name] = (status.st_mode, status.st_uid, status.st_gid,
                       path.is_symlink() or (path.read_bytes(), status.st_mtime_ns))
    return found


def without_generated(files):
    """Of what a tool has made anew, the time differs, and of an image its very bytes."""
    return {name: value[:3] if "initrd" in name else value[:3] + (value[3][:1],)
            if name.endswith(("grub.cfg", ".efi")) else value for name, value in files.items()}


def can_run(host):
    """The host, in which tools can run."""
    for folder in ("run", "bin", "dev"):
        (host.root / folder).mkdir(exist_ok=True)
    shutil.copy(BUSYBOX, host.root / "bin/busybox")
    for name in ("sh", "sed", "echo", "find", "cpio"):
        (host.root / f"bin/{name}").symlink_to("busybox")
    return host


def turn_off(host):
    """The IOMMU, as before anybody has turned it on."""
    for path in host.root.rglob("iommu_group"):
        path.unlink()
    shutil.rmtree(host.root / "sys/kernel/iommu_groups")
    return host
