# SPDX-License-Identifier: GPL-2.0-or-later
"""Archives as nobody should make them: each is refused in a line, or says less; none costs
seconds, gigabytes or a file of this machine."""
import bz2
import functools
import gzip
import io
import lzma
import os
import random
import shutil
import subprocess
import tarfile

import pytest

import fakehost
from program import PROGRAM, expect

INDEX = b"pciferry-recording 1\nlisted sys/bus/pci/devices\n"
# The address sanitizer takes terabytes of address space for itself.
SANITIZED = b"__asan_init" in PROGRAM.read_bytes()
MEMORY = 768 << 20
SECONDS = 60 if SANITIZED else 8


def member(name, **fields):
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def add(tar, name, data=b"x"):
    tar.addfile(member(name, size=len(data)), io.BytesIO(data))


def link(tar, name, target):
    tar.addfile(member(name, type=tarfile.SYMTYPE, linkname=target))


@pytest.fixture(name="host", scope="module")
def usual_host(tmp_path_factory):
    return fakehost.usual(tmp_path_factory.mktemp("hostile") / "host").root


def recording(path, host, *fill, index=INDEX, mode="w", fmt=tarfile.PAX_FORMAT):
    """A made host as a recording, with what the functions add to it."""
    with tarfile.open(path, mode, format=fmt) as tar:
        for folder in ("sys", "proc"):
            tar.add(host / folder, folder)
        for one in fill:
            one(tar)
        if index is not None:
            add(tar, "pciferry/recording", index)
    return path


# SIGXFSZ ends what writes to a file.
LIMITED = ["prlimit", "--fsize=0", *([] if SANITIZED else [f"--as={MEMORY}"]),
           PROGRAM]


def look(path, *args):
    """What list says of it, within the limits, and that nothing appeared beside it."""
    before = sorted(os.listdir(path.parent))
    done = subprocess.run([*LIMITED, *(args or ("list",)), "--host", path], cwd=path.parent,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, timeout=SECONDS, errors="surrogateescape")
    assert sorted(os.listdir(path.parent)) == before
    assert done.returncode in (0, 1), done
    for text in (done.stdout, done.stderr):
        assert not set(text) & {chr(code) for code in range(32) if code != 10}, text
        assert not any(0xdc80 <= ord(letter) <= 0xdcff or 0x7f <= ord(letter) <= 0x9f
                       for letter in text), text
    return done


def refuse(path, words=""):
    done = look(path)
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and done.stdout == "", done
    assert lines[0].startswith(f"pciferry: {path}: ") and words in lines[0], lines
    assert len(lines) <= 2


HOSTILE = {
    "up": (lambda tar: add(tar, "../evil"), "../evil: not a name"),
    "inner-up": (lambda tar: add(tar, "sys/../../evil"), "not a name"),
    "last-up": (lambda tar: add(tar, "sys/bus/.."), "not a name"),
    "dot": (lambda tar: add(tar, "sys/./evil"), "not a name"),
    "absolute": (lambda tar: add(tar, "/etc/evil"), "/etc/evil: not a name"),
    "absolute-folder": (lambda tar: tar.addfile(member("/etc", type=tarfile.DIRTYPE)),
                        "not a name"),
    "absolute-link": (lambda tar: link(tar, "/etc/evil", "x"), "not a name"),
    "behind-a-dot": (lambda tar: add(tar, ".///../evil"), "not a name"),
    "hard": (lambda tar: tar.addfile(member("hard", type=tarfile.LNKTYPE,
                                            linkname="/etc/shadow")), "hard: a hard link"),
    "hard-inside": (lambda tar: tar.addfile(member("hard", type=tarfile.LNKTYPE,
                                                   linkname="proc/swaps")), "a hard link"),
    "fifo": (lambda tar: tar.addfile(member("pipe", type=tarfile.FIFOTYPE)), "pipe: neither"),
    "disk": (lambda tar: tar.addfile(member("disk", type=tarfile.BLKTYPE, devmajor=8)),
             "disk: neither"),
    "tty": (lambda tar: tar.addfile(member("tty", type=tarfile.CHRTYPE, devmajor=4)),
            "tty: neither"),
    "below-a-link": (lambda tar: (link(tar, "l", "/etc"), add(tar, "l/evil")),
                     "l/evil: not a name"),
    "below-a-file": (lambda tar: (add(tar, "f"), add(tar, "f/evil")), "f/evil: not a name"),
    "long": (lambda tar: add(tar, 300 * "w"), "not a name"),
    "longer": (lambda tar: add(tar, 2000 * "w/"), "w/w/w/"),
    "deep": (lambda tar: add(tar, 65 * "d/" + "x"), "not a name"),
    "escape": (lambda tar: add(tar, "../\x1b]0;owned\x07\x1b[2J\u009b31m"), "\\x1b]0;owned"),
    "lines": (lambda tar: add(tar, "../a\npciferry: all is well"), "../a\\x0apciferry"),
    "no-utf8": (lambda tar: add(tar, "../\udcff\udcfe"), "not a name"),
    "empty-name": (lambda tar: tar.fileobj.write(member("").tobuf()), ""),
    "claims": (lambda tar: tar.fileobj.write(member("huge", size=1 << 40).tobuf()), "huge: "),
    "negative": (lambda tar: tar.fileobj.write(member("minus", size=-1).tobuf(
        tarfile.GNU_FORMAT)), ""),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_member_is_refused_by_name(name, host, tmp_path):
    fill, words = HOSTILE[name]
    refuse(recording(tmp_path / "hostile.tar", host, fill, fmt=tarfile.GNU_FORMAT), words)


@pytest.mark.parametrize("index,words", [
    (None, "it is not there"), (b"", "damaged"), (b"pciferry-recording 2\n", "damaged"),
    (b"listed sys\n", "damaged"), (INDEX + b"nonsense\n", "damaged"),
    (INDEX + b"EWHAT sys/x\n", "damaged"), (INDEX + b"listed\n", "damaged"),
    (INDEX + b"ENOENT ../etc\n", "damaged"), (INDEX + b"entry /etc/shadow\n", "damaged"),
    (INDEX + b"entry " + 5000 * b"x" + b"\n", "damaged"),
    (INDEX + b"listed proc/swaps\n", "damaged"), (INDEX + bytes(4096), "damaged"),
])
def test_an_index_of_lies_is_refused(index, words, host, tmp_path):
    refuse(recording(tmp_path / "x.tar", host, index=index), f"pciferry/recording: it is {words}"
           if words == "damaged" else words)


def test_links_never_lead_to_this_machines_files(host, tmp_path):
    """Absolute, upwards, in a chain, in a loop: what is not in the archive is not there."""
    device = "sys/devices/pci0000:00/0000:05:00.0"
    secret = tmp_path / "secret"
    secret.write_text("pci:v00001234d0000BEEFsv00001234sd00000002bc01sc08i02\n")
    secret.chmod(0o644)
    above = "../" * 20
    for n, target in enumerate([secret, f"{above}{secret}", f"/proc/self/root{secret}",
                                "modalias", "../0000:05:00.0/modalias", "/sys/a0"]):
        def fill(tar, target=target):
            for step in range(60):
                link(tar, f"sys/a{step}", f"a{step + 1}")
            link(tar, "sys/bus/pci/devices/0000:05:00.0", f"../../../../{device}")
            link(tar, f"{device}/modalias", str(target))
        done = look(recording(tmp_path / f"{n}.tar", host, fill))
        assert done.returncode == 0 and "beef" not in done.stdout
        assert "0000:05:00.0 (its IDs could not be read)" in " ".join(done.stdout.split()) or \
            "0000:05:00.0" in done.stdout


def test_names_that_act_on_a_terminal_are_escaped(host, tmp_path):
    device = "sys/devices/pci0000:00/0000:03:00.0"

    def fill(tar):
        link(tar, "sys/bus/pci/devices/0000:05:00.0", "../../../devices/pci0000:00/0000:03:00.0")
        link(tar, f"{device}/evil", "x")
        add(tar, f"{device}/label", b"\x1b]0;owned\x07\xff\xfe")
        add(tar, "sys/class/net/\x1b[2J\udcff/flags")
        add(tar, "proc/1/mountinfo",
            b"30 22 259:1 / /mnt/\x1b[31m\xff rw - ext4 /dev/nvme1n1 rw\n" * 9)
    path = recording(tmp_path / "x.tar", host, fill, fmt=tarfile.GNU_FORMAT,
                     index=INDEX + b"listed sys/class/block\nlisted sys/class/net\n")
    for args in (("list",), ("list", "--json"), ("list", "--dot"), ("show", "03:00.0")):
        done = look(path, *args)
        assert done.returncode == 0, done.stderr
    assert "/mnt/\\x1b[31m" in look(path, "show", "03:00.0").stdout


# Bombs: bodies of gigabytes in some KB. A compressed file may be pieces, one after the other.

COMPRESSORS = {
    "gz": lambda data: gzip.compress(data, 6, mtime=0),
    "xz": lambda data: lzma.compress(data, preset=0),
    "zst": lambda data: subprocess.run(["zstd", "-q"], input=data, capture_output=True,
                                       check=True).stdout,
}


@functools.lru_cache
def pressed(kind, piece, size):
    return COMPRESSORS[kind](piece * (size // len(piece)))


def bomb(path, kind, head, piece=b"\0"):
    """HEAD, then the piece again and again: 8 GB by gzip, and more by the others."""
    part = pressed(kind, piece, 16 << 20)
    path.write_bytes(COMPRESSORS[kind](head) + part * ((8 << 20) // len(part)))
    return path


def kinds():
    return [kind for kind in COMPRESSORS if kind != "zst" or shutil.which("zstd")]


@pytest.mark.parametrize("kind", kinds())
@pytest.mark.parametrize("name,head", {
    "file": member("huge", size=1 << 40).tobuf(tarfile.GNU_FORMAT),
    "index": member("pciferry/recording", size=1 << 40).tobuf(tarfile.GNU_FORMAT),
    "folder": member("huge", size=1 << 40, type=tarfile.DIRTYPE).tobuf(tarfile.GNU_FORMAT),
    "dump": member("huge", size=1 << 40, type=b"D").tobuf(tarfile.GNU_FORMAT),
    "link": member("huge", size=1 << 40, type=tarfile.SYMTYPE, linkname="x").tobuf(
        tarfile.GNU_FORMAT),
    "volume": member("huge", size=1 << 40, type=b"V").tobuf(tarfile.GNU_FORMAT),
    "name": member("././@LongLink", size=1 << 40, type=b"L").tobuf(tarfile.GNU_FORMAT),
    "target": member("././@LongLink", size=1 << 40, type=b"K").tobuf(tarfile.GNU_FORMAT),
    "pax": member("huge", size=1 << 33, type=tarfile.XHDTYPE).tobuf(tarfile.GNU_FORMAT),
    "global": member("huge", size=1 << 33, type=tarfile.XGLTYPE).tobuf(tarfile.GNU_FORMAT),
    "nothing": b"",
}.items(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_compression_bomb_does_not_go_off(kind, name, head, tmp_path):
    refuse(bomb(tmp_path / f"{name}.tar.{kind}", kind, head))


def sparse(size, pieces, map_text=b""):
    """The head of a member with a map in its body (GNU tar's manual, "PAX Format, Version
    1.0"), and of it that much."""
    # pylint: disable=protected-access
    return tarfile.TarInfo._create_pax_generic_header(
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "sparse",
         "GNU.sparse.realsize": str(size)}, tarfile.XHDTYPE, "utf-8") + member(
             "sparse", size=1 << 36).tobuf(tarfile.GNU_FORMAT) + b"%d\n" % pieces + map_text


@pytest.mark.parametrize("kind", kinds())
def test_a_map_of_holes_does_not_fill_the_memory(kind, tmp_path):
    refuse(bomb(tmp_path / f"map.tar.{kind}", kind, sparse(1 << 40, 1 << 30), b"0\n1\n"))


@pytest.mark.parametrize("fmt", ["gnu", "oldgnu", "pax", "posix"])
def test_ten_gigabytes_of_nothing_are_refused(fmt, tmp_path):
    holes = tmp_path / "holes"
    with open(holes, "wb") as file:
        file.seek(10 << 30)
        file.write(b"x")
    path = tmp_path / "sparse.tar"
    subprocess.run(["tar", "-S", f"--format={fmt}", "-cf", path, "-C", tmp_path, "holes"],
                   check=True)
    assert path.stat().st_size < 20000
    refuse(path, "holes: too large")


def test_many_large_members_are_too_much_together(tmp_path):
    kind = kinds()[-1]
    path = tmp_path / "x.tar"
    path.write_bytes(b"".join(
        COMPRESSORS[kind](member(f"part{n}", size=60 << 20).tobuf(tarfile.USTAR_FORMAT))
        + pressed(kind, b"\0", 60 << 20) for n in range(5)))
    refuse(path, "part4: the archive is too large")


def crowd(path, names):
    """Members without content; more of the same is no more work, as it is not read."""
    template = member("x").tobuf(tarfile.USTAR_FORMAT)
    rest = sum(template) - sum(template[148:156]) + 8 * ord(" ") - ord("x")
    blocks = []
    for name in names:
        block = bytearray(template)
        block[:100] = name[:100].ljust(100, b"\0")
        block[345:500] = name[100:].ljust(155, b"\0")
        block[148:156] = b"%06o\0 " % (rest + sum(name))
        blocks.append(bytes(block))
    path.write_bytes(COMPRESSORS[kinds()[-1]](b"".join(blocks)))
    return path


@pytest.mark.parametrize("names", [
    lambda: (b"%07d" % n for n in range(250000)),
    lambda: (b"%07d" % n for n in range(250000, 0, -1)),
    lambda: (b"%07d/%s" % (n, b"a/" * 45 + b"a") for n in range(50000)),
], ids=["upwards", "downwards", "deep"])
def test_a_crowd_of_members_are_refused_soon(names, tmp_path):
    refuse(crowd(tmp_path / "crowd.tar", names()), "too many")


def test_an_index_of_millions_is_refused_soon(host, tmp_path):
    lines = b"".join(b"entry x/%07d\n" % n for n in range(1000000, 0, -1))
    refuse(recording(tmp_path / "x.tar", host, index=INDEX + lines), "pciferry/recording: ")


@pytest.mark.parametrize("kind", "xgLK")
def test_headers_before_headers_end_somewhere(kind, tmp_path):
    """Each is read by a call of the one before it."""
    head = member("././@LongLink", size=1, type=kind.encode()).tobuf(tarfile.GNU_FORMAT)
    path = tmp_path / "x.tar"
    path.write_bytes((head + b"a".ljust(512, b"\0")) * 50000)
    refuse(path)


# Damage.

def damaged(original, path, change):
    """What is said of it is a line, or that the host lacks something."""
    path.write_bytes(change(original))
    done = look(path)
    if done.returncode:
        lines = done.stderr.splitlines()
        assert lines[0].startswith("pciferry: ") and len(lines) <= 2, lines
    return done.returncode


@pytest.fixture(name="originals", scope="module")
def whole_recordings(host, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    plain = recording(folder / "whole.tar", host).read_bytes()
    return {"tar": plain, **{kind: COMPRESSORS[kind](plain) for kind in kinds()}}


@pytest.mark.parametrize("kind", ["tar", *kinds()])
def test_half_a_recording_is_never_taken_for_a_whole_one(kind, originals, tmp_path):
    """The index is the last member: as long as it is whole, nothing is missing."""
    original = originals[kind]
    whole = original.rstrip(b"\0")
    points = sorted({*range(0, len(whole), len(whole) // 40), *range(8), 511, 512, 513,
                     len(whole) - 1})
    for n in points:
        assert damaged(original, tmp_path / "x", lambda data, n=n: data[:n]) == 1, n
    assert damaged(original, tmp_path / "x", lambda data: data) == 0


@pytest.mark.parametrize("kind", ["tar", *kinds()])
def test_flipped_bits_end_in_an_error_or_less_to_tell(kind, originals, tmp_path):
    chance = random.Random(20240607)
    original = originals[kind]
    # A plain tar is mostly zeros, and what is flipped in a file's text is told as it is.
    interesting = [n for n, byte in enumerate(original) if byte]

    def flip(data):
        data = bytearray(data)
        for _ in range(chance.choice((1, 1, 2, 8))):
            data[chance.choice(interesting)] ^= 1 << chance.randrange(8)
        return bytes(data)
    seen = {damaged(original, tmp_path / "x", flip) for _ in range(75)}
    assert 1 in seen


@pytest.mark.parametrize("content", [
    b"", b"\n", b"hello\n" * 500, bytes(10240), b"\x28\xb5\x2f\xfd" + 999 * b"z",
    b"\x1f\x8b\x08" + 999 * b"z", b"\xfd7zXZ\0" + 999 * b"z", b"PK\3\4" + bytes(999),
    b"!<arch>\n", b"070701" + 999 * b"0", bz2.compress(bytes(10240)),
    gzip.compress(gzip.compress(b"", mtime=0), mtime=0), random.Random(1).randbytes(5000),
], ids=range(13))
def test_what_is_no_recording_is_said_to_be_none(content, tmp_path):
    path = tmp_path / "x.tar"
    path.write_bytes(content)
    refuse(path)


def test_another_archive_is_told_from_a_recording(tmp_path):
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as tar:
        add(tar, "etc/hosts")
    refuse(path, "pciferry/recording: it is not there")
    os.mkfifo(tmp_path / "fifo")
    refuse(tmp_path / "fifo", "neither file nor directory")
    (tmp_path / "folder").mkdir()
    refuse(tmp_path / "folder", "not a host")
    (tmp_path / "loop").symlink_to("loop")
    refuse(tmp_path / "loop", "Too many levels of symbolic links")
    expect(1, "No such file", "list", "--host", tmp_path / "nothing")
    expect(1, "neither file nor directory", "list", "--host", "/dev/null")
    with open(tmp_path / "large", "wb") as file:
        file.truncate(10 << 30)
    refuse(tmp_path / "large", "File too large")


def test_a_recording_is_parsed_with_no_rights_and_no_open_file(host, tmp_path):
    """Seen from outside: what it opens after it has opened the archive, and as whom."""
    if not shutil.which("strace"):
        pytest.skip("strace is not here")
    path = recording(tmp_path / "x.tar", host)
    traced = subprocess.run(["strace", "-f", "-e", "trace=%file,%creds,socket", "-s", "4096",
                             PROGRAM, "list", "--host", path], capture_output=True, text=True, check=False)
    if "ptrace" in traced.stderr and traced.returncode:
        pytest.skip("strace may not trace here")
    assert traced.returncode == 0
    lines = traced.stderr.splitlines()
    opened = next(n for n, line in enumerate(lines) if f'"{path}"' in line and "open" in line)
    if os.geteuid() == 0:
        dropped = next(n for n, line in enumerate(lines)
                       if "setresuid(65534, 65534, 65534)" in line)
        assert any("setgroups(0, NULL)" in line for line in lines[opened:dropped])
        assert any("setresgid(65534, 65534, 65534)" in line
                   for line in lines[opened:dropped])
        assert opened < dropped
    for line in lines[opened + 1:]:
        assert not any(word in line for word in (
            "O_WRONLY", "O_RDWR", "O_CREAT", "mkdir", "symlink", "link(", "rename", "mknod",
            "unlink", "chmod", "socket(", '"/sys/bus', '"/sys/class', '"/proc/1', '"/dev/')), line
