# SPDX-License-Identifier: GPL-2.0-or-later
"""Option ROMs, made byte by byte: PCI Firmware 3.2, 5.1, and UEFI 2.10, 14.4.2.1."""
import struct

PCIR, TEXT = 28, 0x80
X86_64, AARCH64, BYTE_CODE = 0x8664, 0xaa64, 0x0ebc


def image(code=0, ids="1234:5046", *, size=512, stated=None, last=True, class_code=0x030000,
          devices=(), efi=(11, X86_64, 0), npde=None, signature=b"PCIR", pcir=PCIR, text=b"",
          sum_wrong=0):
    """
    One image. stated: the size that its PCIR tells. efi: subsystem, machine, compression; None:
    no header of UEFI's. npde: size and whether it is the last, of NVIDIA's extension. code 0 is
    for a BIOS, and its bytes add up to sum_wrong.
    """
    vendor, device = (int(part, 16) for part in ids.split(":"))
    blocks = size // 512
    data = bytearray(size)
    struct.pack_into("<HB", data, 0, 0xaa55, blocks & 0xff)
    if code == 3 and efi:
        struct.pack_into("<HIHHH8xH", data, 2, blocks, 0x0ef1, *efi, TEXT)
    struct.pack_into("<H", data, 24, pcir)
    stated = blocks if stated is None else stated // 512
    head = struct.pack("<4sHHHHB3sHHBBH", signature, vendor, device, 24 if devices else 0, 24,
                       3 if devices else 0, class_code.to_bytes(3, "little"), stated, 7, code,
                       0x80 if last else 0, 0)
    behind = b"".join(struct.pack("<H", one) for one in (*devices, 0)) if devices else b""
    if pcir + len(head) <= size:
        data[pcir:pcir + len(head) + len(behind)] = head + behind
    if npde:
        at = (pcir + 24 + 15) // 16 * 16
        struct.pack_into("<4s4xHB", data, at, b"NPDE", npde[0] // 512, 0x80 if npde[1] else 0)
    data[TEXT:TEXT + len(text)] = text
    if code == 0:
        data[-1] = (sum_wrong - sum(data)) & 0xff
    return bytes(data)


def chain(*codes, ids="1234:5046", size=512, **more):
    """An image for each code, and the last one says so."""
    return b"".join(image(code, ids, size=size, last=number == len(codes) - 1, **more)
                    for number, code in enumerate(codes))


def vfct(*entries, sum_wrong=0):
    """AMD's table of ACPI: (bus, device, function, ids, rom) each."""
    body = b""
    for bus, device, function, ids, rom in entries:
        vendor, number = (int(part, 16) for part in ids.split(":"))
        body += struct.pack("<IIIHHHHII", bus, device, function, vendor, number, 0, 0, 0,
                            len(rom)) + rom
    head = struct.pack("<4sIBB6s8sI4sI", b"VFCT", 0x4c + len(body), 1, 0, b"FERRY ", b"MADEHERE",
                       1, b"TEST", 1)
    table = bytearray(head + b"\0" * 16 + struct.pack("<II16x", 0x4c, 0) + body)
    table[9] = (sum_wrong - sum(table)) & 0xff
    return bytes(table)
