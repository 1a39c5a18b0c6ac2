# SPDX-License-Identifier: GPL-2.0-or-later
"""The checks of a device's hardware: resets, displays, links, power, what is above it."""
import pytest

import checks
import fakehost
from checks import CARD, PORT, attribute, card_space, find_wrong, findings, in_turn, remove

BESIDE = "0000:05:00.1"
DISK = "10000:e1:00.0"  # behind the card, where that is a VMD controller
OTHER = "0000:01:00.0"  # the display that the firmware booted with


def is_a(ids="1234:8086", code="030000"):
    """The card is of that model and class."""
    vendor, device = ids.upper().split(":")
    parts = [code[i:i + 2].upper() for i in (0, 2, 4)]
    return attribute("modalias", f"pci:v0000{vendor}d0000{device}sv00001234sd00000002"
                     f"bc{parts[0]}sc{parts[1]}i{parts[2]}")


def beside(group):
    """A second function in the card's slot, in that group."""
    return lambda host: host.device(BESIDE, "1234:293e", "040300", None, group, PORT,
                                    reset_method="flr")


def has_config(make):
    return lambda host: host.file(f"{host.folder(CARD)}/config", make().make())


def behind_vmd(host):
    folder = f"{host.folder(CARD)}/pci10000:e0"
    host.device(DISK, "1234:0010", "010802", None, 9, CARD)
    (host.root / folder).mkdir()
    (host.root / host.folder(DISK)).rename(host.root / folder / DISK)
    (host.root / "sys/bus/pci/devices" / DISK).unlink()
    host.link(f"sys/bus/pci/devices/{DISK}", f"../../..{folder.removeprefix('sys')}/{DISK}")


def placeless(host):
    """What a copy has that followed links: the folder is there, its place is not."""
    folder = host.root / host.folder(CARD)
    (host.root / "sys/bus/pci/devices" / CARD).unlink()
    folder.rename(host.root / "sys/bus/pci/devices" / CARD)


def iomem(name):
    """The framebuffer is in the memory of the card, which is a display."""
    return in_turn(is_a(), lambda host: host.file("proc/iomem", (
        "4000000000-400fffffff : 0000:00:02.0\n  4000000000-400fffffff : 0000:05:00.0\n"
        f"    4000000000-40002fffff : {name}\n")))


NO_ROM = "\n".join(fakehost.RESOURCES.split("\n")[:6] +
                   ["0x0000000000000000 0x0000000000000000 0x0000000000000000"] * 7)
DISPLAY = in_turn(is_a(), attribute("boot_vga", 0))

# Of each check: what goes wrong, what it then says, and a word that its fix must have.
WRONG = [
    ("device-reset", in_turn(attribute("reset_method", "bus"), beside(7)), "WARN", "same guest"),
    ("device-reset", in_turn(attribute("reset_method", None), beside(7)), "WARN", "same guest"),
    ("device-reset", in_turn(attribute("reset_method", "bus"), beside(5)), "INFO", None),
    ("device-display", in_turn(is_a(), attribute("boot_vga", 1)), "WARN", "set-up"),
    ("device-display", in_turn(DISPLAY, attribute("modalias", "x", OTHER)), "WARN", "serial"),
    ("device-framebuffer", iomem("efifb"), "WARN", "video=efifb:off"),
    ("device-framebuffer", iomem("BOOTFB"), "WARN", "initcall_blacklist=sysfb_init"),
    ("device-rom", in_turn(DISPLAY, attribute("resource", NO_ROM)), "INFO", "romfile"),
    ("device-link", has_config(lambda: card_space(speed=1)), "INFO", "while it works"),
    ("device-link", has_config(lambda: card_space(width=4)), "INFO", "slot"),
    ("device-power", attribute("power_state", "D3cold"), "INFO", "d3cold_allowed"),
    ("device-vmd", behind_vmd, "FAIL", f"the controller {CARD}"),
    ("device-known", is_a("10de:1b80"), "INFO", "465"),
    ("device-known", is_a("1002:67df"), "WARN", "vendor-reset"),
]


@pytest.mark.parametrize("check,change,status,fix", WRONG)
def test_what_is_wrong_is_found_and_the_way_out_named(host, check, change, status, fix):
    change(host)
    find_wrong(host, check, status, fix, DISK if check == "device-vmd" else CARD)


# What is taken away, and the check that can then not know.
UNREAD = [
    ("device-reset", in_turn(attribute("reset_method", None),
                             lambda host: host.file("proc/sys/kernel/osrelease", "5.10.0\n"))),
    ("device-reset", in_turn(attribute("reset_method", None),
                             remove("proc/sys/kernel/osrelease"))),
    ("device-display", is_a()),
    ("device-display", attribute("modalias", "x")),
    ("device-framebuffer", is_a()),
    ("device-rom", in_turn(is_a(), attribute("resource", None))),
    ("device-rom", in_turn(is_a(), attribute("resource", NO_ROM))),
    ("device-link", lambda host: host.file(f"{host.folder(CARD)}/config",
                                           card_space().make(64))),
    ("device-link", attribute("config", None)),
    ("device-power", attribute("power_state", None)),
    ("device-power", attribute("power_state", "unknown")),
    ("device-vmd", placeless),
    ("device-reset", in_turn(attribute("reset_method", "bus"), placeless)),
    ("device-known", attribute("modalias", "x")),
    ("device-known", in_turn(is_a("1002:731f"), attribute("reset_method", None),
                             remove("proc/sys/kernel/osrelease"))),
]


@pytest.mark.parametrize("check,change", UNREAD)
def test_what_could_not_be_read_is_unknown_and_never_well(host, check, change):
    change(host)
    found = findings(host, "--only", check, CARD)
    assert found and {one["status"] for one in found} == {"UNKNOWN"}, found


def test_those_that_a_reset_hits_are_named_unless_they_go_along(host):
    attribute("reset_method", "bus")(host)
    assert findings(host, "--only", "device-reset", CARD)[0]["status"] == "PASS"
    beside(7)(host)
    found, = findings(host, "--only", "device-reset", CARD)
    assert found["seen"] == f"it is reset with its bus only, with {BESIDE}"


def test_a_device_that_nothing_resets_is_told_so(host):
    host.device("0000:00:1f.6", "1234:0021", "020000", None, 8)
    found, = findings(host, "--only", "device-reset", "00:1f.6")
    assert found["status"] == "WARN" and "no reset at all" in found["seen"]


@pytest.mark.parametrize("change", [
    in_turn(is_a("1002:67df"), attribute("reset_method", "device_specific bus")),
    is_a("1002:73bf"), is_a("10de:10f0", "040300"), is_a("1002:7314", "0c0330"),
])
def test_models_without_a_complaint_are_well(host, change):
    change(host)
    assert findings(host, "--only", "device-known", CARD)[0]["status"] == "PASS"


def test_a_display_beside_the_hosts_own_is_well(host):
    in_turn(DISPLAY, lambda made: made.file("proc/iomem", "0-fff : Reserved\n"))(host)
    found = {one["check"]: one["status"] for one in findings(host, CARD)}
    for check in ("device-display", "device-framebuffer", "device-rom"):
        assert found[check] == "PASS", check


def test_the_copy_of_a_bios_is_not_called_the_cards_rom(host):
    in_turn(DISPLAY, attribute("resource", fakehost.SHADOWED))(host)
    found, = findings(host, "--only", "device-rom", CARD)
    assert found["status"] == "PASS" and "the copy of its option ROM" in found["seen"]


def test_the_link_is_judged_by_what_its_port_can_do(host):
    host.file(f"{host.folder(PORT)}/config", checks.port_space(max_speed=1).make())
    host.file(f"{host.folder(CARD)}/config", card_space(speed=1).make())
    found, = findings(host, "--only", "device-link", CARD)
    assert found["status"] == "PASS" and found["seen"] == "2.5 GT/s x8"
