# SPDX-License-Identifier: GPL-2.0-or-later
"""Seeds of the corpora of option ROMs, and of AMD's table of ACPI with such."""
import roms as made


def roms():
    nvidia = made.image(0, last=False, npde=(512, False)) \
        + made.image(3, npde=(1024, False), size=1024) + made.image(0xe0)
    yield "both", made.chain(0, 3)
    yield "one", made.chain(3)
    yield "endless", made.image(0, stated=0, last=False)
    yield "outside", made.image(0, pcir=0xffff)
    yield "cut", made.chain(0, 3)[:540]
    yield "long", made.image(0, stated=512 * 0xffff, last=False)
    yield "vendor-header", b"NVGI" + bytes(508) + made.chain(0, 3)
    yield "nvidia", nvidia
    yield "npds", made.image(0, signature=b"NPDS")
    yield "devices", made.chain(0, devices=(0x5047, 0x5048))
    yield "texts", made.image(0, text=b"\0Version 1.2\0" + "FERRY GOP".encode("utf-16le"))
    yield "many", made.image(0, last=False) * 20


def tables():
    one = (11, 0, 0, "1002:1638", made.chain(0, ids="1002:1638"))
    yield "one", made.vfct(one)
    yield "moved", made.vfct((3, 0, 0, "1002:73bf", b"other"), (4, *one[1:]))
    yield "twice", made.vfct((3, *one[1:]), (4, *one[1:]))
    yield "empty", made.vfct()
    yield "cut", made.vfct(one)[:300]
