# SPDX-License-Identifier: GPL-2.0-or-later
"""Turns what lspci -xxxx printed into a made host: nested by the bridges' bus numbers."""
import re

import fakehost

DEVICE = re.compile(r"^(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) ")
BYTES = re.compile(r"^([0-9a-f]{2,3}): ((?:[0-9a-f]{2} ?)+)$")


def parse(text):
    """{full address: bytes of configuration space}"""
    spaces = {}
    current = None
    for line in text.splitlines():
        device = DEVICE.match(line)
        row = BYTES.match(line.rstrip())
        if device:
            current = spaces.setdefault(f"{device.group(1) or '0000'}:{device.group(2)}",
                                        bytearray())
        elif row and current is not None:
            at = int(row.group(1), 16)
            part = bytes.fromhex(row.group(2))
            current.extend(bytes(max(0, at + len(part) - len(current))))
            current[at:at + len(part)] = part
    return {address: bytes(space) for address, space in spaces.items() if space}


def bridges(spaces):
    """{(domain, secondary bus): the bridge's address}"""
    return {(address.rsplit(":", 2)[0], space[0x19]): address
            for address, space in spaces.items() if space[0x0e] & 0x7f in (1, 2) and space[0x19]}


def make_host(text, folder):
    host = fakehost.FakeHost(folder)
    spaces = parse(text)
    above = bridges(spaces)
    made = set()

    def make(address):
        if address in made:
            return
        made.add(address)
        domain, bus, _ = address.rsplit(":", 2)
        parent = above.get((domain, int(bus, 16)))
        if parent:
            make(parent)
        space = spaces[address]
        host.device(address, f"{space[1]:02x}{space[0]:02x}:{space[3]:02x}{space[2]:02x}",
                    f"{space[11]:02x}{space[10]:02x}{space[9]:02x}", parent=parent,
                    config=space)

    for address in spaces:
        make(address)
    return host, spaces
