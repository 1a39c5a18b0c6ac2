# SPDX-License-Identifier: GPL-2.0-or-later
"""The disk images of a machine, made once. A run writes to a snapshot, never to them."""
import hashlib
import os
import struct

from . import cache, tools
from .errors import say

MIB = 1024 * 1024
SIZE = 64 * MIB


def _blank(path):
    with open(path, "wb") as file:
        file.truncate(SIZE)


def _ext4(path):
    _blank(path)
    tools.run(["mke2fs", "-q", "-F", "-t", "ext4", "-L", "ferry-data", path], path)


def _swap(path):
    _blank(path)
    # mkswap writes holes on some filesystems, and swapon refuses nothing on a whole disk.
    os.chmod(path, 0o600)
    tools.run(["mkswap", "-q", "-L", "ferry-swap", path], path)


def _pattern(path):
    """One line of text, then bytes that no all-zero disk could be taken for.

    The bytes are SHA-256 of the block number, so that a test can name what it read.
    """
    _blank(path)
    line = b"pciferry lab: the free disk, as the lab wrote it\n"
    blocks = (hashlib.sha256(struct.pack("<Q", number)).digest()
              for number in range(MIB // 32))
    with open(path, "r+b") as file:
        file.write(line + b"".join(blocks)[len(line):])


_CONTENTS = {"blank": _blank, "ext4": _ext4, "swap": _swap, "pattern": _pattern}


def build(machine):
    """The machine's disk images, as {device path: file}. Only inside cache.preparing()."""
    files = {}
    for device in machine.devices:
        if device.disk:
            files[device.path] = _image(device.disk)
    return files


def _image(contents):
    path = os.path.join(cache.cache_dir(), "disks", f"{contents}.img")
    if not os.path.exists(path):
        say(f"making the {contents} disk...")
        with cache.unfinished_dir() as work:
            name = os.path.join(work, "disk")
            _CONTENTS[contents](name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.rename(name, path)
    return path
