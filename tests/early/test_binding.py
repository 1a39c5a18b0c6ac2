# SPDX-License-Identifier: GPL-2.0-or-later
"""What the early script binds, under each shell that an initramfs may have."""
import os
import time

import pytest

from made import CARD, NVME


def three_disks(host):
    """Alike but for their places, each in a group of its own behind its port."""
    disks = []
    for number in (1, 2, 3):
        port = f"pci0000:00/0000:00:0{number + 2}.0"
        host.port(port, number)
        disks.append(host.device(f"{port}/0000:0{number}:00.0", group=10 + number))
    return disks


def card(host):
    """A graphics card and its sound function, in one group with their port."""
    host.port("pci0000:00/0000:00:02.0", 20)
    return (host.device("pci0000:00/0000:00:02.0/0000:05:00.0", CARD, 20, code="0x030000"),
            host.device("pci0000:00/0000:00:02.0/0000:05:00.1", "10de:10f0/10de:1217", 20,
                        code="0x040300"))


CARD_LINES = (f"device 0000:05:00.0 {CARD}@02.0/00.0 vfio-pci\n"
              "device 0000:05:00.1 10de:10f0/10de:1217@02.0/00.1 vfio-pci\n")


def line(address, ids=NVME, path="04.0/00.0", driver="vfio-pci"):
    return f"device {address} {ids}@{path} {driver}\n"


def assert_untouched(host, *addresses):
    for address in addresses:
        assert host.override(address) in ("(null)", "") and host.driver(address) is None


def test_of_three_alike_only_the_listed_one_is_bound(host, shell):
    disks = three_disks(host)
    host.tab(line(disks[1]))
    assert host.run(shell) == ["pciferry: bound: 0000:02:00.0=vfio-pci"]
    assert [host.override(disk) for disk in disks] == ["(null)", "vfio-pci", "(null)"]
    assert [host.driver(disk) for disk in disks] == [None, "vfio-pci", None]
    assert host.loaded() == ["vfio-pci"]


def test_a_card_goes_with_its_sound_and_its_port_stays(host, shell):
    both = card(host)
    host.tab("# what  where\n\n" + CARD_LINES)
    assert host.run(shell) == [
        "pciferry: bound: 0000:05:00.0=vfio-pci 0000:05:00.1=vfio-pci"]
    assert [host.driver(one) for one in both] == ["vfio-pci"] * 2
    assert host.driver("0000:00:02.0") == "pcieport"
    assert host.override("0000:00:02.0") == "(null)"


def test_a_second_run_changes_nothing(host, shell):
    card(host)
    host.tab(CARD_LINES)
    host.run(shell)
    before = host.state()
    host.run(shell)
    before.pop("log"), before.pop("kmsg")
    after = host.state()
    assert {name: after[name] for name in before} == before


def test_a_group_with_a_member_that_is_not_listed_stays_whole(host, shell):
    both = card(host)
    host.tab(CARD_LINES.splitlines(keepends=True)[0])
    assert host.run(shell) == ["pciferry: 0000:05:00.0: not bound: 0000:05:00.1 in IOMMU"
                               " group 20 has no line that fits"]
    assert_untouched(host, *both)
    assert host.loaded() == []


def test_a_group_with_a_member_that_does_not_fit_stays_whole(host, shell):
    both = card(host)
    host.tab(CARD_LINES.replace("10f0", "10f1"))
    assert host.run(shell) == [
        "pciferry: 0000:05:00.1: not bound: 10de:10f0/10de:1217 is there, not"
        " 10de:10f1/10de:1217",
        "pciferry: 0000:05:00.0: not bound: 0000:05:00.1 in IOMMU group 20 is not what its"
        " line says"]
    assert_untouched(host, *both)


@pytest.mark.parametrize("ids,path,told", [
    ("1b37:0010/1af4:1100", "04.0/00.0", f"{NVME} is there, not 1b37:0010/1af4:1100"),
    ("1b36:0011/1af4:1100", "04.0/00.0", f"{NVME} is there, not 1b36:0011/1af4:1100"),
    ("1b36:0010/1af5:1100", "04.0/00.0", f"{NVME} is there, not 1b36:0010/1af5:1100"),
    ("1b36:0010/1af4:1101", "04.0/00.0", f"{NVME} is there, not 1b36:0010/1af4:1101"),
    (NVME, "04.0/00.1", "it is at 04.0/00.0, not at 04.0/00.1"),
    (NVME, "03.0/00.0", "it is at 04.0/00.0, not at 03.0/00.0"),
    (NVME, "00.0", "it is at 04.0/00.0, not at 00.0"),
    (NVME, "04.0/00.0/00.0", "it is at 04.0/00.0, not at 04.0/00.0/00.0"),
])
def test_what_is_not_the_listed_device_is_left_alone(host, shell, ids, path, told):
    disks = three_disks(host)
    host.tab(line(disks[1], ids, path))
    assert host.run(shell) == [f"pciferry: {disks[1]}: not bound: {told}"]
    assert_untouched(host, *disks)


def test_an_address_where_nothing_is_does_not_stop_the_others(host, shell):
    disks = three_disks(host)
    host.tab(line("0000:7f:00.0") + line(disks[1]))
    assert host.run(shell) == ["pciferry: 0000:7f:00.0: nothing is there",
                               "pciferry: bound: 0000:02:00.0=vfio-pci"]


def test_without_groups_nothing_is_bound_and_the_iommu_is_named(host, shell):
    host.device("pci0000:00/0000:00:1f.2")
    host.tab(line("0000:00:1f.2", path="1f.2"))
    assert host.run(shell) == ["pciferry: 0000:00:1f.2: not bound: it has no IOMMU group;"
                               " is the IOMMU on?"]
    assert_untouched(host, "0000:00:1f.2")


def test_a_bridge_is_never_bound(host, shell):
    host.port("pci0000:00/0000:00:02.0", 1)
    host.tab(line("0000:00:02.0", "8086:1901/0000:0000", "02.0"))
    assert host.run(shell) == ["pciferry: 0000:00:02.0: not bound: it is a bridge"]
    assert host.driver("0000:00:02.0") == "pcieport"


def test_a_disk_behind_vmd_is_found_by_its_own_chain(host, shell):
    host.device("pci0000:00/0000:00:0e.0", "8086:9a0b/0000:0000", 1, code="0x010400")
    controller = "pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0"
    host.port(controller, 2)
    disk = host.device(f"{controller}/10000:e1:00.0", group=3)
    host.tab(line("10000:e1:00.0", path="06.0/00.0"))
    host.run(shell)
    assert host.driver(disk) == "vfio-pci"


def test_capital_digits_are_the_same_digits(host, shell):
    both = card(host)
    host.tab(CARD_LINES.replace("10de:1b39", "10DE:1B39").replace("05:00.0 ", "05:00.0  "))
    host.run(shell)
    assert [host.driver(one) for one in both] == ["vfio-pci"] * 2


def test_each_device_goes_to_the_driver_of_its_line(host, shell):
    both = card(host)
    host.tab(CARD_LINES.replace("00.1 vfio-pci", "00.1 pci-stub")
             .replace("vfio-pci", "mlx5-vfio-pci"))
    host.run(shell)
    assert [host.driver(one) for one in both] == ["mlx5-vfio-pci", "pci-stub"]
    assert host.loaded() == ["mlx5-vfio-pci", "pci-stub"]


@pytest.mark.parametrize("driver", ["nvme", "vfio-pci.ko", "../vfio-pci", "-vfio-pci",
                                    "vfio-pci;reboot", "VFIO-PCI", "nvme-vfio-pci-x", "-q"])
def test_no_other_driver_is_ever_loaded(host, shell, driver):
    disks = three_disks(host)
    host.tab(line(disks[1], driver=driver) + line(disks[2], path="05.0/00.0"))
    told = host.run(shell)
    assert told[0].endswith("line 1: no address, identity or driver as it must be")
    assert_untouched(host, disks[1])
    assert host.driver(disks[2]) == "vfio-pci" and host.loaded() == ["vfio-pci"]


@pytest.mark.parametrize("words,off", [
    ("pciferry=off", True), ("quiet pciferry=off ro", True), ("pciferry=off pciferry=off", True),
    ("nopciferry=off", False), ("pciferry=offline", False), ("pciferry=of", False),
    ("x.pciferry=off", False), ("pciferry", False), ("pciferry=off=1", False),
])
def test_off_on_the_command_line_is_a_word_of_its_own(host, shell, words, off):
    disks = three_disks(host)
    host.tab(line(disks[1]))
    host.cmdline(f"root=/dev/vda1 {words}")
    told = host.run(shell)
    if off:
        assert told == ["pciferry: off, by the kernel's command line"]
        assert_untouched(host, *disks)
    else:
        assert host.driver(disks[1]) == "vfio-pci"


def test_a_trial_has_a_tab_of_its_own_and_only_its_boot_reads_it(host, shell):
    disks = three_disks(host)
    host.tab(line(disks[1]))
    host.tab(line(disks[2], path="05.0/00.0"), "pciferry.trial/20260101-1.tab")
    host.cmdline("ro pciferry=trial:20260101-1 quiet")
    host.run(shell)
    assert [host.driver(disk) for disk in disks] == [None, None, "vfio-pci"]


def test_without_the_trial_s_word_its_tab_is_not_read(host, shell):
    disks = three_disks(host)
    host.tab(line(disks[2], path="05.0/00.0"), "pciferry.trial/20260101-1.tab")
    assert host.run(shell) == []
    assert_untouched(host, *disks)


@pytest.mark.parametrize("name,told", [
    ("2", "nothing is bound: trial 2 is not in this image"),
    ("../pciferry", "nothing is bound: pciferry=trial: names no trial"),
    (".", "nothing is bound: pciferry=trial: names no trial"),
    ("$(touch_x)", "nothing is bound: pciferry=trial: names no trial"),
    ("1 pciferry=off", "off, by the kernel's command line"),
])
def test_a_trial_that_is_not_there_binds_nothing(host, shell, name, told):
    disks = three_disks(host)
    host.tab(line(disks[1]))
    host.tab(line(disks[1]), "pciferry.trial/1.tab")
    host.cmdline(f"ro pciferry=trial:{name}")
    assert host.run(shell) == [f"pciferry: {told}"]
    assert_untouched(host, *disks)


def test_without_a_tab_nothing_is_said_or_done(host, shell):
    disks = three_disks(host)
    assert host.run(shell) == []
    assert_untouched(host, *disks)


def test_an_image_without_the_driver_leaves_the_devices_to_the_others(host, shell):
    both = card(host)
    host.tab(CARD_LINES)
    host.missing.write_text("")
    assert host.run(shell) == ["pciferry: 0000:05:00.0: not bound: there is no driver"
                               " vfio-pci in this image"]
    assert_untouched(host, *both)


def test_a_driver_that_is_built_in_lets_go_first(host, shell):
    disks = three_disks(host)
    other = host.device("pci0000:00/0000:00:09.0/0000:09:00.0", group=9, driver="nvme")
    bound = host.device("pci0000:00/0000:00:0a.0/0000:0a:00.0", group=8, driver="nvme")
    host.tab(line(bound, path="0a.0/00.0") + line(disks[1]))
    host.run(shell)
    assert host.unbound() == [bound] and host.driver(bound) == "vfio-pci"
    assert host.driver(other) == "nvme" and host.driver(disks[1]) == "vfio-pci"


def test_a_driver_that_does_not_take_one_gives_the_whole_group_back(host, shell):
    both = card(host)
    host.tab(CARD_LINES)
    host.add_driver("vfio-pci")
    (host.refused / both[1]).write_text("")
    assert host.run(shell) == [
        "pciferry: 0000:05:00.1: not bound: vfio-pci did not take all of"
        " 0000:05:00.0=vfio-pci 0000:05:00.1=vfio-pci"]
    assert host.unbound() == [both[0]]
    assert_untouched(host, *both)


def test_an_unbind_that_hangs_does_not_hang_the_boot(host, shell):
    bound = host.device("pci0000:00/0000:00:0a.0/0000:0a:00.0", group=8, driver="nvme")
    disks = three_disks(host)
    host.tab(line(bound, path="0a.0/00.0") + line(disks[1]))
    pipe = host.drivers / "nvme/unbind"
    pipe.unlink()
    os.mkfifo(pipe)
    start = time.monotonic()
    told = host.run(shell, seconds="1")
    assert time.monotonic() - start < 20
    assert told == ["pciferry: nvme has not let go after 1 seconds: 0000:0a:00.0=vfio-pci"
                    " waits for it", "pciferry: bound: 0000:02:00.0=vfio-pci"]
    assert host.driver(bound) == "nvme" and host.override(bound) == "vfio-pci"
    # Now it lets go, and what waited goes on.
    (host.devices / bound / "driver").unlink()
    assert pipe.read_text() == f"{bound}\n"
    while not host.driver(bound) and time.monotonic() - start < 60:
        time.sleep(0.1)
    assert host.driver(bound) == "vfio-pci"


SERIAL = "0011223344556677"


def config_space(*extended):
    """4 KiB with extended capabilities (offset, ID, bytes)."""
    space = bytearray(4096)
    for index, (offset, identity, content) in enumerate(extended):
        after = extended[index + 1][0] if index + 1 < len(extended) else 0
        space[offset:offset + 4] = (after << 20 | 1 << 16 | identity).to_bytes(4, "little")
        space[offset + 4:offset + 4 + len(content)] = content
    return bytes(space)


NUMBER = (0x150, 0x0003, int(SERIAL, 16).to_bytes(8, "little"))


@pytest.mark.parametrize("space,told", [
    (config_space((0x100, 0x0001, b"\xff" * 40), NUMBER), None),
    (config_space((0x100, 0x0003, bytes(range(8)))),
     f"its serial number is 0706050403020100, not {SERIAL}"),
    (config_space((0x100, 0x0001, b"")), f"its serial number is not readable, not {SERIAL}"),
    (config_space((0x100, 0x0001, b""), (0x140, 0x000d, b""), (0x100, 0x0001, b"")),
     f"its serial number is not readable, not {SERIAL}"),
    (config_space((0x100, 0x0001, b""), NUMBER)[:0x156],
     f"its serial number is not readable, not {SERIAL}"),
    (bytes(256), f"its serial number is not readable, not {SERIAL}"),
    (b"", f"its serial number is not readable, not {SERIAL}"),
])
def test_a_serial_number_that_is_listed_must_be_the_device_s(host, shell, space, told):
    disks = three_disks(host)
    (host.devices / disks[1] / "config").write_bytes(space)
    host.tab(line(disks[1], path=f"04.0/00.0#{SERIAL}"))
    lines = host.run(shell)
    if told:
        assert lines == [f"pciferry: {disks[1]}: not bound: {told}"]
        assert_untouched(host, *disks)
    else:
        assert host.driver(disks[1]) == "vfio-pci"
