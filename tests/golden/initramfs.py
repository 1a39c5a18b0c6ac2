# SPDX-License-Identifier: GPL-2.0-or-later
"""Small initramfs images, as their builders lay them out: cpio archives of the kernel's
format newc (Documentation/driver-api/early-userspace/buffer-format.rst of the kernel)."""
import bz2
import gzip
import lzma
import shutil
import stat
import subprocess

MICROCODE = "kernel/x86/microcode/GenuineIntel.bin"


def _member(name, data, mode, inode=0, links=1, magic=b"070701"):
    raw = name.encode() + b"\0"
    # ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
    fields = (inode, mode, 0, 0, links, 0, len(data), 8, 1, 0, 0, len(raw), 0)
    head = magic + b"".join(b"%08X" % field for field in fields) + raw
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def trailer():
    return _member("TRAILER!!!", b"", 0)


class Link(str):
    """The target of a symbolic link."""


class Hard(bytes):
    """What several names have together; as GNU cpio does, it stands at the last one."""


def cpio(members, prefix="", magic=b"070701", end=True):
    """An archive of these names: text or bytes, a Link, Hard, or None for a folder."""
    last = {bytes(data): name for name, data in members.items() if isinstance(data, Hard)}
    count = {data: sum(bytes(other) == data for other in members.values()
                       if isinstance(other, Hard)) for data in last}
    parts = []
    for inode, (name, data) in enumerate(members.items(), 1):
        mode, links = stat.S_IFREG | 0o644, 1
        if data is None:
            mode, data, links = stat.S_IFDIR | 0o755, b"", 2
        elif isinstance(data, Link):
            mode, data = stat.S_IFLNK | 0o777, data.encode()
        elif isinstance(data, Hard):
            links, inode = count[bytes(data)], 1000 + list(last).index(bytes(data))
            data = bytes(data) if last[bytes(data)] == name else b""
        elif isinstance(data, str):
            data = data.encode()
        parts.append(_member(prefix + name, data, mode, inode, links, magic))
    return b"".join(parts) + (trailer() if end else b"")


def early():
    """What holds microcode: not compressed, and filled up with zeros to a block."""
    archive = cpio({"kernel": None, MICROCODE: bytes(3000)})
    return archive + bytes(-len(archive) % 512)


def has(program):
    return shutil.which(program) is not None


def _program(*command):
    return lambda data: subprocess.run(command, input=data, check=True,
                                       stdout=subprocess.PIPE).stdout


# As mkinitramfs, dracut and mkinitcpio call them.
COMPRESS = {
    "none": bytes,
    "gzip": lambda data: gzip.compress(data, 1, mtime=0),
    "bzip2": bz2.compress,
    "xz": lambda data: lzma.compress(data, check=lzma.CHECK_CRC32),
    "lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
    "zstd": _program("zstd", "-q", "-c"),
    "lz4": _program("lz4", "-q", "-c"),
    "lz4 -l": _program("lz4", "-q", "-l", "-c"),
}


def modules(release, *names, ending=""):
    """Members for these modules of a kernel."""
    return {f"usr/lib/modules/{release}/kernel/drivers/x/{name}.ko{ending}": b"\x7fELF" + bytes(60)
            for name in names}


def debian(members):
    """Laid out by initramfs-tools."""
    return {"conf": None, "conf/initramfs.conf": "MODULES=most\n", "init": "#!/bin/sh\n",
            "scripts/functions": "load_modules()\n", **members}


def mkinitcpio(members, *loaded):
    return {"VERSION": "39", "buildconfig": "HOOKS=(base udev)\n", "init_functions": "",
            "config": f'MODULES="{" ".join(loaded)}"\nEARLYHOOKS="udev"\nHOOKS="udev"\n', **members}


def dracut(members, *loaded):
    drivers = "".join(f"rd.driver.pre={name}\n" for name in loaded)
    return {"usr/lib/dracut/build-parameter.txt": "--force\n",
            "etc/cmdline.d/20-force_drivers.conf": drivers, **members}


def booster(release, names, loaded=(), options=""):
    listed = "".join(f"    - {name}\n" for name in loaded)
    config = ("moduledependencies:\n    vfio_pci:\n        - vfio_pci_core\n" +
              (f"modulesforceload:\n{listed}" if listed else "") +
              (f"modprobeoptions:\n    vfio_pci: {options}\n" if options else "") +
              f"builtinmodules:\n    ext4: true\nkernel: {release}\nmounttimeout: 180\n")
    return {"etc/booster.init.yaml": config, "init": b"\x7fELF",
            **{f"usr/lib/modules/{name}.ko": b"\x7fELF" for name in names}}
