# SPDX-License-Identifier: GPL-2.0-or-later
"""Configuration space, made: as much as groups, links and capabilities are read from."""
import struct

ENDPOINT, ROOT_PORT, UPSTREAM, DOWNSTREAM, TO_PCI, INTEGRATED = 0, 4, 5, 6, 7, 9
ACS_BITS = 0x1f


class Config:
    """make() gives the bytes; each method adds a structure and returns self."""

    def __init__(self, ids, class_code, bridge=None, multifunction=False):
        vendor, device = (int(part, 16) for part in ids.split(":"))
        self.bytes = bytearray(4096)
        struct.pack_into("<HHHH", self.bytes, 0, vendor, device, 0x0006, 0)
        self.bytes[8:12] = bytes([1]) + int(class_code, 16).to_bytes(3, "little")
        self.bytes[0x0e] = (1 if bridge else 0) | (0x80 if multifunction else 0)
        if bridge:
            self.bytes[0x18:0x1b] = bytes(bridge)
        self.next_standard, self.last_standard = 0x40, 0x34
        self.next_extended, self.last_extended = 0x100, None

    def standard(self, identifier, body):
        at = self.next_standard
        self.bytes[self.last_standard] = at
        self.bytes[at] = identifier
        self.bytes[at + 2:at + 2 + len(body)] = body
        self.bytes[6] |= 0x10
        self.last_standard = at + 1
        self.next_standard = (at + 2 + len(body) + 3) & ~3
        return self

    def extended(self, identifier, body, version=1):
        at = self.next_extended
        struct.pack_into("<I", self.bytes, at, identifier | version << 16)
        if self.last_extended is not None:
            self.bytes[self.last_extended + 2] |= at << 4 & 0xf0
            self.bytes[self.last_extended + 3] = at >> 4
        self.bytes[at + 4:at + 4 + len(body)] = body
        self.last_extended = at
        self.next_extended = (at + 4 + len(body) + 3) & ~3
        return self

    def express(self, port_type, speed=3, width=8, max_speed=3, max_width=8, flr=False):
        body = bytearray(0x3a)
        struct.pack_into("<HI", body, 0, 2 | port_type << 4, (1 << 28) if flr else 0)
        struct.pack_into("<I", body, 0x0a, max_speed | max_width << 4)
        struct.pack_into("<H", body, 0x10, speed | width << 4)
        return self.standard(0x10, body)

    def msix(self, vectors):
        return self.standard(0x11, struct.pack("<HII", vectors - 1, 0, 0x1000))

    def acs(self, capability=ACS_BITS, control=0):
        return self.extended(0x0d, struct.pack("<HH", capability, control))

    def serial(self, number):
        return self.extended(0x03, struct.pack("<Q", number))

    def sriov(self, total):
        body = bytearray(0x3c)
        struct.pack_into("<HH", body, 8, total, total)
        return self.extended(0x10, body)

    def rebar(self, bar, size, sizes):
        return self.extended(0x15, struct.pack("<II", sizes << 4, bar | 1 << 5 | size << 8))

    def make(self, length=4096):
        return bytes(self.bytes[:length])
