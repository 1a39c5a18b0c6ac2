# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel unpacked, for a boot that saves what TCG is slow at.

A packaged kernel (bzImage) decompresses itself: 5 seconds under TCG. QEMU also starts an
ELF kernel that has a PVH entry (Xen's docs/misc/pvh.pandoc; CONFIG_PVH), and this is the
very same kernel. What it lacks is what the real-mode code finds out: the text console on the
boot VGA. Scenarios that need that, and UEFI, boot the packaged image.
"""
import lzma
import struct
import subprocess
import zlib

from . import cache, tools
from .errors import say

# Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header".
SETUP_SECTS = 0x1f1
PAYLOAD_OFFSET = 0x248

# XEN_ELFNOTE_PHYS32_ENTRY of Xen's public/elfnote.h: name size, (value size), type, name.
PVH_NOTE_TYPE = 18


def _gunzip(data):
    # zlib.decompress() refuses what follows the stream, the size.
    return zlib.decompressobj(31).decompress(data)


def _unxz(data):
    return lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(data)


def _unzstd(data):
    # Complains about the trailing size after it has written all.
    return subprocess.run([tools.find("zstd"), "-dcq"], input=data, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


_COMPRESSIONS = {b"\x1f\x8b": _gunzip, b"\xfd7zXZ\0": _unxz, b"\x28\xb5\x2f\xfd": _unzstd}


def image(kernel):
    """The path of the unpacked kernel; of the packaged one where that cannot be had."""
    def make():
        say(f"unpacking the kernel {kernel.release}...")
        with open(kernel.image, "rb") as file:
            return _unpack(file.read())

    path = cache.keyed(f"quickboot/{kernel.name}.elf", cache.file_key(kernel.image), make)
    with open(path, "rb") as file:
        return path if file.read(4) == b"\x7fELF" else kernel.image


def _unpack(packaged):
    """The ELF file inside a bzImage, or nothing when it cannot be booted by itself."""
    sectors = packaged[SETUP_SECTS] or 4
    offset, length = struct.unpack_from("<II", packaged, PAYLOAD_OFFSET)
    start = (sectors + 1) * 512 + offset
    payload = packaged[start:start + length]
    for magic, decompress in _COMPRESSIONS.items():
        if payload.startswith(magic):
            elf = decompress(payload)
            return elf if _has_pvh_entry(elf) else b""
    return b""


def _has_pvh_entry(elf):
    return any(struct.pack("<III", 4, size, PVH_NOTE_TYPE) + b"Xen\0" in elf
               for size in (4, 8))
