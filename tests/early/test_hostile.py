# SPDX-License-Identifier: GPL-2.0-or-later
"""A tab that anybody may have written: nothing in it is run, and nothing but the devices that
are rightly listed is changed."""
import os
import pathlib
import subprocess
import time

import pytest

import made
from made import NVME

GOOD = f"device 0000:01:00.0 {NVME}@03.0/00.0 vfio-pci\n"
OTHER = "0000:02:00.0"

# Each is put where an address, an identity, a driver or a whole line is expected.
WORDS = ["$(touch x)", "`touch x`", "';touch x;'", '";touch x;"', ";touch x", "&&touch x",
         "|touch x", ">x", "$((1/0))", "${IFS}touch${IFS}x", "$TAB", "*", "?", "[a-z]*", "~",
         "\\", "\\n", "%s%n", "-n", "--", "'", '"', "../../x", "0000:02:00.0/../../x",
         "../../../../x", "\x1b[2J", "\u00e9", "a" * 300, "0" * 5000]
SHAPES = ["device {} 1b36:0010/1af4:1100@04.0/00.0 vfio-pci",
          "device 0000:02:00.0 {} vfio-pci",
          "device 0000:02:00.0 {}@04.0/00.0 vfio-pci",
          "device 0000:02:00.0 1b36:0010/1af4:1100@{} vfio-pci",
          "device 0000:02:00.0 1b36:0010/1af4:1100@04.0/00.0#{} vfio-pci",
          "device 0000:02:00.0 1b36:0010/1af4:1100@04.0/00.0 {}",
          "device 0000:02:00.0 1b36:0010/1af4:1100@04.0/00.0 vfio-pci {}",
          "{} 0000:02:00.0 1b36:0010/1af4:1100@04.0/00.0 vfio-pci", "{}"]


@pytest.fixture(name="disks")
def two_disks(host):
    return [host.device(f"pci0000:00/0000:00:0{number + 2}.0/0000:0{number}:00.0",
                        group=number) for number in (1, 2)]


def assert_only_the_first_is_bound(host, disks, before):
    """And nothing else is there that was not before."""
    assert [host.driver(disk) for disk in disks] == ["vfio-pci", None]
    assert host.loaded() == ["vfio-pci"]
    after = host.state()
    link = "sys/devices/pci0000:00/0000:00:03.0/0000:01:00.0"
    changed = {name for name in before.keys() | after.keys()
               if before.get(name) != after.get(name)}
    assert changed <= {"kmsg", "log", "sys/bus/pci/drivers/vfio-pci/unbind", f"{link}/driver",
                       f"{link}/driver_override"}
    assert not list(host.folder.parent.glob("x*"))


@pytest.mark.parametrize("word", WORDS, ids=range(len(WORDS)))
def test_no_word_of_it_is_run_or_leads_elsewhere(host, shell, disks, word):
    lines = [shape.format(word) for shape in SHAPES]
    host.tab("\n".join(lines) + "\n" + GOOD)
    before = host.state()
    told = host.run(shell)
    assert_only_the_first_is_bound(host, disks, before)
    assert all(0x20 <= ord(c) < 0x7f for c in "".join(told)) and max(map(len, told)) < 200


@pytest.mark.parametrize("text", [
    GOOD.rstrip("\n"), GOOD.replace("\n", "\r\n"), GOOD.replace(" ", " \t "), "\t" + GOOD,
    GOOD.rstrip("\n") + " # the disk that goes; `touch x`\n", GOOD * 3,
    GOOD + "\0", "\0\n" + GOOD, "\n" * 1000 + GOOD, GOOD + "device", GOOD + "device ",
    GOOD + "vf 0000:02:00.0 x 4\nmdev $(touch x) y z\n", "\ufeff\n" + GOOD,
    GOOD + "set 0000:02:00.0 x=$(touch x)\n", GOOD + "pages node0 2M $(touch x)\n",
    "device " + "0 " * 20000 + "\n" + GOOD, "#" * 200000 + "\n" + GOOD,
    "device 0000:02:00.0 " + "A" * 200000 + " vfio-pci\n" + GOOD,
], ids=range(18))
def test_what_is_right_in_it_is_still_bound(host, shell, disks, text):
    host.tab(text)
    before = host.state()
    host.run(shell)
    assert_only_the_first_is_bound(host, disks, before)


@pytest.mark.parametrize("line", [
    b"device 0000:02:00.0 1b36:0010/1af4:1100@04.0/00.0 vfio\0-pci extra",
    b"device 0000:02:00.0 1b36:0010/1af4:1100@04.0/00.0 vfio-pci\xff",
    b"device 0000:02:00.0\xa01b36:0010/1af4:1100@04.0/00.0 vfio-pci",
    b"device 0000:02:00.0\r1b36:0010/1af4:1100@04.0/00.0 vfio-pci",
    b"Device 0000:02:00.0 1b36:0010/1af4:1100@04.0/00.0 vfio-pci",
    b"device 02:00.0 1b36:0010/1af4:1100@04.0/00.0 vfio-pci",
    b"device 00000000:02:00.0 1b36:0010/1af4:1100@04.0/00.0 vfio-pci",
    b"device 0000:02:00.8 1b36:0010/1af4:1100@04.0/00.0 vfio-pci",
    b"device 0000:02:20.0 1b36:0010/1af4:1100@04.0/00.0 vfio-pci",
    b"device 0000:02:00.0 1b36:0010@04.0/00.0 vfio-pci",
    b"device 0000:02:00.0 1b36:0010/1af4:1100@ vfio-pci",
    b"device 0000:02:00.0 1b36:0010/1af4:1100@04.0/00.0/ vfio-pci",
    b"device 0000:02:00.0 1b36:0010/1af4:1100@04.0//00.0 vfio-pci",
    b"device 0000:02:00.0 1b36:0010/1af4:1100@04.0/00.0# vfio-pci",
    b"device 0000:02:00.0 1b36:0010/1af4:1100@04.0/00.0#12 vfio-pci",
    b"device 0000:02:00.0 1b36:0010/1af4:1100@04.0/00.0 vfio_pci",
])
def test_what_is_nearly_right_is_not_guessed(host, shell, disks, line):
    host.tab(line + b"\n" + GOOD.encode())
    before = host.state()
    assert len(host.run(shell)) == 2
    assert_only_the_first_is_bound(host, disks, before)


def ten_thousand():
    for number in range(9997):
        yield f"device 0000:{number % 256:02x}:{number % 32:02x}.1 {NVME}@03.0/00.0 vfio-pci\n"
    yield "nonsense\n" * 2
    yield GOOD


def test_ten_thousand_lines_take_seconds_and_not_the_kernel_s_log(host, shell, disks, capsys):
    host.tab("".join(ten_thousand()))
    before = host.state()
    start = time.monotonic()
    told = host.run(shell)
    seconds = time.monotonic() - start
    with capsys.disabled():
        print(f" {shell}: 10,000 lines in {seconds:.1f} s ", end="")
    assert seconds < 60 and len(told) < 50
    assert_only_the_first_is_bound(host, disks, before)


def test_the_shells_say_the_same(tmp_path):
    """Of all of it at once."""
    text = "\n".join(shape.format(word) for shape in SHAPES for word in WORDS) + "\n" + GOOD
    told = {}
    for shell in made.shells():
        host = made.Host(tmp_path / shell)
        two_disks.__wrapped__(host)
        host.tab(text)
        told[shell] = [line.replace(str(host.folder), "") for line in host.run(shell)]
    assert len(told) > 1 and len(told["dash"]) > 40
    assert all(lines == told["dash"] for lines in told.values())


LINES = [shape.format(word) for shape in SHAPES for word in WORDS] + [
    GOOD.strip() + more for more in ("", " #", " # x", "#", "\r", " \r", "\r\r", " x", "\t", "/",
                                     "\x0b", "\x0c", "\u00a0")] + [
    GOOD.replace(*change).strip() for change in [
        ("0000:01", "0000:1"), ("0000:01", "00000:01"), ("0000:01", "01"), ("1b36", "1B36"),
        ("1b36", "1b3"), ("@", "#"), ("@", "@@"), ("03.0", "3.0"), ("03.0", "03.8"),
        ("03.0", "23.0"), ("/00.0", "/00.0/"), ("/00.0", ""), ("00.0 ", "00.0#0123456789abcdef "),
        ("00.0 ", "00.0#0123456789ABCDEF "), ("00.0 ", "00.0#0123 "), ("00.0 ", "00.0## "),
        ("00.0 v", "00.0" + "/00.0" * 23 + " v"), ("00.0 v", "00.0" + "/00.0" * 24 + " v"),
        ("vfio-pci", "pci-stub"), ("vfio-pci", "vfio_pci"), ("vfio-pci", "x-vfio_pci"),
        ("vfio-pci", "x_vfio-pci"), ("vfio-pci", "xvfio-pci"), ("vfio-pci", "-x-vfio-pci"),
        ("vfio-pci", "0_vfio_pci"), ("vfio-pci", "_vfio_pci"), ("vfio-pci", "--vfio-pci"),
        ("vfio-pci", "X-vfio-pci"), ("vfio-pci", "vfio-pcix"), ("device", "DEVICE"),
        ("device ", "device\t\t"), ("device", "device\r"), ("device", "#device"),
        ("device", "\ufeffdevice"), (" vfio-pci", ""), ("device ", ""), ("1af4", "$(x)")]]


def test_the_program_and_the_script_take_the_same_lines(host, shell):
    """Alone in a tab, each is told as wrong by both or by neither."""
    program = pathlib.Path(os.environ.get("PCIFERRY", made.ROOT / "build/pciferry"))
    printer = program.parent / "tests/print-tab"
    differ, taken = [], 0
    for line in LINES:
        host.tab(line)
        told = host.run(shell)
        counts = bool(subprocess.run([printer], input=line.encode(), check=True,
                                     capture_output=True).stdout)
        taken += counts
        comment = line.startswith("#")
        # Nothing is there: so a line that is right is told as that.
        right = bool(told) and "nothing is there" in told[0]
        if right != counts or (not told) != comment:
            differ.append((line, told, counts))
    assert not differ
    assert 10 < taken < len(LINES) / 2
