# SPDX-License-Identifier: GPL-2.0-or-later
"""What rom tells of option ROMs: those of iPXE and SeaBIOS, which are real, and made ones that
are damaged. The ROMs of NVIDIA and AMD are not here: what NPDE, NPDS and VFCT are is shown by
fixtures alone. Reading a device's own is for test_rom_device.py."""
import json
import os
import pathlib
import struct
import subprocess

import jsonschema
import pytest

from fakehost import RESOURCES, SHADOWED, usual
from program import PROGRAM, SCHEMA, expect, run
from roms import AARCH64, BYTE_CODE, X86_64, chain, image, vfct

IPXE, SEABIOS = pathlib.Path("/usr/lib/ipxe/qemu"), pathlib.Path("/usr/share/seabios")
CARD = "0000:01:00.0"


@pytest.fixture(name="host")
def usual_host(tmp_path):
    return usual(tmp_path / "host")


def told(*args, status=0, **options):
    done = run("rom", *args, "--json", **options)
    assert done.returncode == status, done
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    return document


def told_of(tmp_path, rom, *args):
    path = tmp_path / "card.rom"
    path.write_bytes(rom)
    return told(path, *args)


def fatal(document):
    return [remark["seen"] for remark in document["remarks"] if remark["fatal"]]


def harmless(document):
    return [remark["seen"] for remark in document["remarks"] if not remark["fatal"]]


def images_by_hand(rom):
    """The chain as this test reads it: code type, IDs, size; nothing without a PCIR."""
    found, at = [], 0
    while True:
        pcir = at + struct.unpack_from("<H", rom, at + 24)[0]
        if rom[pcir:pcir + 4] != b"PCIR":
            return found
        vendor, device = struct.unpack_from("<HH", rom, pcir + 4)
        size = struct.unpack_from("<H", rom, pcir + 16)[0] * 512
        found.append((rom[pcir + 20], f"{vendor:04x}", f"{device:04x}", size))
        if rom[pcir + 21] & 0x80:
            return found
        at += size


@pytest.mark.parametrize("path", sorted([*IPXE.glob("*.rom"), *SEABIOS.glob("vgabios*.bin")]),
                         ids=lambda path: path.name)
def test_each_rom_of_ipxe_and_seabios_is_told_rightly(path):
    rom = path.read_bytes()
    document = told(path)
    expected = images_by_hand(rom)
    found = document["images"]
    assert [(one["code_type"], one["vendor_id"], one["device_id"], one["size"])
            for one in found if one["code_type"] is not None] == expected
    assert all(one["checksum"] == "right" for one in found if one["code_type"] in (None, 0))
    codes = [code for code, *_ in expected]
    assert document["uefi_guest"] == (3 in codes) == path.name.startswith("efi-")
    assert document["bios_guest"] == (0 in codes)
    assert document["offset"] == 0 and document["length"] == len(rom)
    assert bool(fatal(document)) == (not codes)
    if not codes:
        assert "no PCIR" in fatal(document)[0] and len(found) == 1


def test_real_roms_are_told_in_words():
    both = run("rom", IPXE / "efi-e1000e.rom").stdout
    for words in ("BIOS (code type 00), for 8086:10d3, class 020000, 75264 bytes at 0x0\n",
                  "checksum right", '"iPXE (http://ipxe.org)"', "174592 bytes at 0x12600, the last",
                  "boot driver, x86-64 (8664), not compressed", "UEFI guest   yes",
                  "BIOS guest   yes"):
        assert words in both
    legacy = run("rom", SEABIOS / "vgabios-stdvga.bin").stdout
    assert "UEFI guest   no, only a guest by BIOS" in legacy and "SeaVGABIOS" in legacy
    expect(1, "no option ROM", "rom", SEABIOS / "bios-256k.bin")


def test_a_rom_of_another_device_is_told(host):
    document = told(IPXE / "pxe-e1000e.rom", "--for", "04:00.0", "--host", host.root)
    assert document["ids"] == "other" and not document["bios_guest"]
    assert "it is for 8086:10d3, the device is 1234:0099" in fatal(document)[0]
    both = told(IPXE / "efi-e1000e.rom", "--for", "04:00.0", "--host", host.root)
    assert both["uefi_guest"] and not both["bios_guest"] and not fatal(both)
    assert "may not take it" in harmless(both)[0]


@pytest.mark.parametrize("ids,devices,expected,bios", [
    ("1234:5046", (), "same", True),
    ("1234:5047", (0x5046, 0x5048), "listed", False),
    ("1234:5047", (0x5048,), "other", False),
    ("1235:5045", (0x5046,), "other", False),
])
def test_the_list_of_devices_counts_but_not_for_a_bios(ids, devices, expected, bios, host,
                                                       tmp_path):
    document = told_of(tmp_path, chain(0, ids=ids, devices=devices), "--for", CARD, "--host",
                       host.root)
    assert (document["ids"], document["bios_guest"]) == (expected, bios)
    assert bool(fatal(document)) == (expected != "same")
    assert document["images"][0]["other_device_ids"] == [f"{one:04x}" for one in devices]


# UEFI guest, BIOS guest, and words of what is fatal and of what is not.
DAMAGED = {
    "whole": (chain(0, 3), True, True, None, None),
    "uefi alone": (chain(3), True, False, None, None),
    "open firmware": (chain(1), False, False, "no image of it is for a PC's firmware", None),
    "pa-risc": (chain(2), False, False, "no image of it", None),
    "vendor's header": (b"NVGI" + b"\0" * 0x5fc + chain(0, 3), False, False,
                        "1536 bytes of a vendor's tool", None),
    "vendor's header, bios alone": (b"NVGI" + b"\0" * 0x5fc + chain(0), False, False,
                                    "1536 bytes of a vendor's tool", "no image for UEFI"),
    "cut in the last image": (chain(0, 3)[:-1], False, True, "cut off: image 2 is 512 bytes, of"
                              " which 511", None),
    "cut in the first": (chain(0, 3)[:300], False, False, "cut off: image 1", None),
    "more behind it": (chain(0, 3) + b"\xff" * 512, True, True, None,
                       "512 bytes behind the last image"),
    "without an end": (image(0, last=False), False, True, "says that another follows", None),
    "an end that is no image": (image(0, last=False) + b"\xff" * 512, False, True,
                                "says that another follows", None),
    "without an end, but uefi": (image(3, last=False), True, False, None,
                                 "says that another follows"),
    "a gap": (image(0, last=False) + b"\xff" * 1024 + image(3), True, True, None, None),
    "a gap, a bios behind it": (image(3, last=False) + b"\xff" * 512 + image(0), True, False,
                                None, None),
    "unaligned before uefi": (image(0, last=False, pcir=30) + image(3), False, True,
                              "UEFI does not come to its image", None),
    "npds before uefi": (image(0, last=False) + image(0, last=False, signature=b"NPDS")
                         + image(3), False, True, "UEFI does not come to its image", None),
    "two for a bios, the first wrong": (image(0, last=False, sum_wrong=1) + image(0), False,
                                        False, "the checksum of its image for a BIOS", None),
    "nvidia's, by the kernel": (image(0, last=False, npde=(512, False))
                                + image(3, npde=(512, False)), True, True, None, None),
    "size by npde smaller": (image(0, last=False) + image(3, size=2048, npde=(1024, False)),
                             True, True, None, None),
    "more than are looked at": (chain(*[0] * 17, 3), False, True, None, "more images than the 16"),
    "size 0": (image(3, stated=0), False, False, "does not tell its size", None),
    "checksum": (chain(0, sum_wrong=1), False, False, "the checksum of its image for a BIOS", None),
    "checksum, but uefi": (chain(0, 3, sum_wrong=1), True, False, None, "the checksum"),
    "no pcir": (image(0, signature=b"XXXX"), False, False, "no PCIR", None),
    "pcir outside": (image(0, pcir=0xfff0), False, False, "no PCIR", None),
    "pcir unaligned": (image(3, pcir=30), False, False, "at no multiple of 4", None),
    "no header of uefi's": (image(3, efi=None), False, False, "no header of UEFI's", None),
    "aarch64": (chain(0, 3, efi=(11, AARCH64, 0)), False, True, "machine aa64", None),
    "byte code": (chain(3, efi=(11, BYTE_CODE, 0)), True, False, None, None),
    "application": (chain(3, efi=(10, X86_64, 0)), False, False, "no driver (subsystem 10)", None),
    "runtime driver": (chain(3, efi=(12, X86_64, 1)), True, False, None, None),
    "compression": (chain(3, efi=(11, X86_64, 2)), False, False, "UEFI does not know (2)", None),
    "npds": (image(0, signature=b"NPDS"), False, False, "NPDS", None),
    "longer by its header": (image(0)[:2] + b"\2" + image(0)[3:], False, False,
                             "by its header longer", None),
}


def test_json_has_the_reasons(tmp_path):
    images = told_of(tmp_path, image(3, last=False, pcir=30) + image(3))["images"]
    assert [one["aligned"] for one in images] == [False, True]
    assert [one["efi"]["fits"] for one in images] == [True, True]
    short = bytearray(image(3))
    struct.pack_into("<H", short, 22, 512)
    assert not told_of(tmp_path, bytes(short))["images"][0]["efi"]["fits"]
    bare = told_of(tmp_path, image(0, signature=b"XXXX"))["images"][0]
    assert bare["aligned"] is None and bare["other_device_ids"] is None
    assert "exit status is 0 whatever" in run("rom", "--help").stdout


def bios_alone(document):
    codes = [one["code_type"] for one in document["images"]]
    return document["bios_guest"] and 3 not in codes and not any(
        "another follows" in one["seen"] or "more images" in one["seen"]
        for one in document["remarks"])


@pytest.mark.parametrize("rom,uefi,bios,fatally,harmlessly", DAMAGED.values(), ids=DAMAGED)
def test_what_is_wrong_with_a_rom_is_told_and_what_it_costs(rom, uefi, bios, fatally, harmlessly,
                                                            tmp_path):
    document = told_of(tmp_path, rom)
    assert (document["uefi_guest"], document["bios_guest"]) == (uefi, bios)
    remarks = harmless(document)
    if bios_alone(document):
        assert "no image for UEFI: in a guest by UEFI a display shows nothing" in remarks.pop()
    for words, seen in ((fatally, fatal(document)), (harmlessly, remarks)):
        assert len(seen) == (words is not None) and all(words in one for one in seen)
    assert run("rom", tmp_path / "card.rom").returncode == 0
    out = tmp_path / "out.rom"
    told(tmp_path / "card.rom", "--trim", "-o", out)
    trimmed = told(out)
    assert trimmed["offset"] == 0 and len(trimmed["images"]) == len(document["images"])
    if not document["offset"]:
        assert (trimmed["uefi_guest"], trimmed["bios_guest"]) == (uefi, bios)
        assert fatal(trimmed) == fatal(document)


@pytest.mark.parametrize("content,words", [
    (b"", "it is empty"), (b"\xff" * 4096, "all its bytes are the same"),
    (b"\0" * 4096, "all its bytes are the same"), (b"\x55\xaa", "no option ROM"),
    (b"\xff" + b"\x55\xaa" * 3000, "no option ROM"),
])
def test_what_is_no_rom_is_not_called_one(content, words, tmp_path):
    (tmp_path / "file").write_bytes(content)
    expect(1, words, "rom", tmp_path / "file")


def test_nvidia_s_extension_shows_what_firmware_does_not_see(tmp_path):
    """A fixture after nouveau's nvbios_imagen(): own images behind the last one of the PCIRs."""
    own = b"VN" + image(0xe0, signature=b"NPDS", npde=(512, False))[2:]
    last = b"\x77\xbb" + image(0x70, signature=b"RGIS", npde=(512, False))[2:]
    rom = (image(0, last=False, npde=(512, False)) + image(3, npde=(1024, False), size=1024)
           + own + last)
    document = told_of(tmp_path, rom + b"\xff" * 512)
    assert [(one["code_type"], one["extension"], one["beyond"]) for one in document["images"]] == [
        (0, "NPDE", False), (3, "NPDE", False), (0xe0, "NPDS", True), (0x70, "NPDS", True)]
    assert document["uefi_guest"] and document["length"] == len(rom)
    assert not fatal(document)
    assert [one[:9] for one in harmless(document)] == ["512 bytes"]
    ends = image(0, npde=(512, True)) + own
    assert len(told_of(tmp_path, ends)["images"]) == 1


def test_texts_that_a_person_looks_for_are_shown(tmp_path):
    """Of the kind that cards have; no vendor's ROM is here."""
    gop = "FERRY GOP Driver 1.07".encode("utf-16le")
    rom = image(0, last=False, text=b"\0" b"113-FERRY-01 BIOS \x1b[2J\0Version 1.2\0short\0") \
        + image(3, text=b"\0" + gop + b"\0\0")
    found = [one["texts"] for one in told_of(tmp_path, rom)["images"]]
    assert found == [["113-FERRY-01 BIOS", "Version 1.2"], ["FERRY GOP Driver 1.07"]]
    assert "\x1b" not in run("rom", tmp_path / "card.rom").stdout


def test_trim_writes_what_a_guest_needs(tmp_path):
    whole, out = chain(0, 3), tmp_path / "out.rom"
    (tmp_path / "dump").write_bytes(b"NVGI\x55\xaa" + b"\1" * 1530 + whole + b"\xff" * 100)
    done = run("rom", tmp_path / "dump", "-o", out)
    assert done.returncode == 0 and out.stat().st_size == 1536 + len(whole) + 100
    expect(1, "it is there already", "rom", tmp_path / "dump", "--trim", "-o", out)
    done = run("rom", tmp_path / "dump", "--trim", "-o", out, "--force")
    assert done.returncode == 0 and out.read_bytes() == whole
    assert f"{out}: 1024 bytes written" in done.stderr
    assert not told(out)["remarks"] and told(tmp_path / "dump", "-o", out, "--force")["written"]


def test_what_trim_would_damage_is_not_written(tmp_path):
    """Its PCIR stands behind the end that the PCIR tells."""
    (tmp_path / "dump").write_bytes(image(0, size=1024, stated=512, pcir=600))
    expect(1, "points behind its own end", "rom", tmp_path / "dump", "--trim", "-o",
           tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("other")])
def test_what_is_no_regular_file_is_never_replaced(make, tmp_path):
    """As /dev/null and /dev/stdout are none: of them nothing is left for the host then."""
    (tmp_path / "rom").write_bytes(chain(0))
    make(tmp_path / "out")
    before = (tmp_path / "out").lstat()
    for more in ([], ["--force"]):
        expect(1, "no regular file", "rom", tmp_path / "rom", "-o", tmp_path / "out", *more)
    assert (tmp_path / "out").lstat().st_mode == before.st_mode
    expect(2, "standard output", "rom", tmp_path / "rom", "-o", "-", cwd=tmp_path)
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_guest_s_qemu_may_read_what_was_written(mask, tmp_path):
    """It runs as a user of its own, and libvirt gives it no right to a ROM's file."""
    (tmp_path / "rom").write_bytes(chain(0))
    subprocess.run([PROGRAM, "rom", tmp_path / "rom", "-o", tmp_path / "out"], umask=mask,
                   check=True, stdout=subprocess.DEVNULL)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o666 & ~mask


def test_nothing_is_written_where_nobody_said_so(tmp_path):
    expect(2, "goes with -o", "rom", IPXE / "pxe-e1000e.rom", "--trim")
    expect(2, "goes with -o", "rom", IPXE / "pxe-e1000e.rom", "--force")
    (tmp_path / "none").write_bytes(b"none")
    expect(1, "no option ROM", "rom", tmp_path / "none", "-o", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("args,status,words", [
    ((), 2, "rom needs one DEVICE or FILE"), (("a", "b"), 2, "rom needs one DEVICE or FILE"),
    (("00:99.9",), 2, "not a device"), (("00:1e.7",), 1, "no such device"),
    (("nowhere.rom",), 1, "No such file"), (("/",), 1, "Is a directory"),
    (("1234:0010",), 2, "2 devices are meant"), (("01:00.0", "--for", "01:00.0"), 2, "--for"),
    (("./a.rom", "--wake"), 2, "--wake"), (("a.rom", "--vfct"), 2, "--vfct"),
    (("a.rom", "--in-use"), 2, "--in-use"), (("01:00.0", "-o", "out"), 1, "are not in"),
])
def test_wrong_words_are_answered(args, status, words, host, tmp_path):
    assert len(expect(status, words, "rom", *args, "--host", host.root, cwd=tmp_path)) <= 3


def test_a_file_whose_name_has_a_colon_is_found(host, tmp_path):
    (tmp_path / "gtx1080:v2.rom").write_bytes(chain(0))
    expect(2, "./gtx1080:v2.rom", "rom", "gtx1080:v2.rom", "--host", host.root, cwd=tmp_path)
    assert run("rom", "./gtx1080:v2.rom", cwd=tmp_path).returncode == 0
    with open(tmp_path / "gtx1080:v2.rom", "rb") as rom:
        assert subprocess.run([PROGRAM, "rom", "/dev/stdin"], stdin=rom, check=True,
                              capture_output=True).stdout
    piped = subprocess.run([PROGRAM, "rom", "/dev/fd/0"], input=chain(0), check=False,
                           capture_output=True)
    assert piped.returncode == 1 and b"it is no file" in piped.stderr


def test_a_device_s_attribute_is_no_file():
    """Who reads it so goes round the lock, and round what uses the device."""
    expect(2, "name the DEVICE", "rom", "/sys/kernel/uevent_seqnum")


def test_of_a_copy_what_is_known_without_the_bytes_is_told(host):
    bare = told(CARD, "--host", host.root)
    assert bare["images"] is None and bare["source"] is None and bare["rom_bar_size"] is None
    host.file(host.folder(CARD) + "/resource", RESOURCES)
    host.file(host.folder(CARD) + "/power_state", "D3cold\n")
    assert told(CARD, "--host", host.root)["rom_bar_size"] == 128 << 10
    words = run("rom", CARD, "--host", host.root).stdout
    assert told(CARD, "--host", host.root)["sleeps"] == "D3cold" and bare["sleeps"] is None
    assert "ROM BAR      128 KiB\n" in words and "Sleeps       D3cold" in words
    host.file(host.folder(CARD) + "/resource", SHADOWED)
    assert told(CARD, "--host", host.root)["shadow"]
    assert "BIOS's copy in memory" in run("rom", CARD, "--host", host.root).stdout


def amd(host, *entries):
    host.device("0000:0b:00.0", "1002:1638", "030000", None, 12, resource=RESOURCES.replace(
        "0x00000000fce40000 0x00000000fce5ffff 0x0000000000046200", "0x" + "0" * 16 + " 0x"
        + "0" * 16 + " 0x" + "0" * 16))
    if entries:
        host.file("sys/firmware/acpi/tables/VFCT", vfct(*entries))
    return "0000:0b:00.0"


ROM = chain(0, ids="1002:1638", text=b"\0AMD ATOMBIOS FERRY\0")
OTHER = chain(0, 3, ids="1002:1638")


def test_the_rom_of_amd_s_graphics_is_found_in_the_firmware_s_table(host):
    """VFCT as a fixture: no table of a firmware's is here."""
    card = amd(host, (3, 0, 0, "1002:73bf", OTHER), (11, 0, 0, "1002:1638", ROM))
    document = told(card, "--host", host.root)
    assert document["source"] == "vfct" and document["size"] == len(ROM)
    assert document["ids"] == "same" and document["images"][0]["texts"] == ["AMD ATOMBIOS FERRY"]
    # Buses may have other numbers than they had for the firmware.
    amd(host.__class__(host.root.with_name("second")))
    host.file("sys/firmware/acpi/tables/VFCT", vfct((4, 0, 0, "1002:1638", ROM)))
    assert told(card, "--host", host.root)["source"] == "vfct"


@pytest.mark.parametrize("entries,words", [
    ([(11, 0, 1, "1002:1638", ROM)], "no ROM of this device"),
    ([(11, 0, 0, "1002:1639", ROM)], "no ROM of this device"),
    ([(1, 0, 0, "1002:1638", ROM), (2, 0, 0, "1002:1638", OTHER)], "no ROM of this device"),
    ([(11, 0, 0, "1002:1638", b"")], "no ROM of this device"),
    ([], "no such table"),
])
def test_another_card_s_rom_is_not_taken_for_it(entries, words, host):
    card = amd(host, *entries)
    expect(1, words, "rom", card, "--vfct", "--host", host.root)
    assert told(card, "--host", host.root)["source"] is None


@pytest.mark.parametrize("table,words", [
    (vfct((11, 0, 0, "1002:1638", ROM), sum_wrong=1), "a wrong checksum"),
    (vfct((11, 0, 0, "1002:1638", ROM))[:-1], "not the table's"), (b"VFCT", "too short"),
])
def test_a_damaged_table_is_told(table, words, host):
    card = amd(host)
    host.file("sys/firmware/acpi/tables/VFCT", table)
    expect(1, words, "rom", card, "--vfct", "--host", host.root)


def test_only_options_that_there_are_are_named(tmp_path):
    """--rom is of vm create and vm attach, and wants an absolute path."""
    assert "--rom" not in run("vm", "run", "--help").stdout
    assert "--rom" in run("vm", "create", "--help").stdout
    assert "--rom" in run("vm", "attach", "--help").stdout
    (tmp_path / "dump").write_bytes(b"NVGI" + b"\0" * 0x5fc + chain(0))
    for text in (run("rom", tmp_path / "dump").stdout, run("rom", "--help").stdout):
        assert "vm create" in text and "vm run and" not in text and "=FILE" not in text
