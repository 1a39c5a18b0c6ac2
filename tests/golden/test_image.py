# SPDX-License-Identifier: GPL-2.0-or-later
"""What is read of an initramfs image, and what of a damaged or hostile one is refused."""
import subprocess

import pytest

from initramfs import (COMPRESS, Hard, Link, booster, cpio, debian, dracut, early, has, mkinitcpio,
                       modules, trailer)
from program import PROGRAM

RELEASE = "6.1.0-56-amd64"
OPTIONS = "options vfio-pci ids=1234:5046\nsoftdep nouveau pre: vfio-pci\n"
USUAL = debian({**modules(RELEASE, "vfio-pci", "nouveau", ending=".xz"),
                "etc/modprobe.d/vfio.conf": OPTIONS, "conf/modules": "vfio-pci\n"})
TOLD = f"""pciferry-image 1
builder initramfs-tools
kernel {RELEASE}
module vfio-pci.ko
module nouveau.ko
late vfio-pci
text etc/modprobe.d/vfio.conf
\toptions vfio-pci ids=1234:5046
\tsoftdep nouveau pre: vfio-pci
end
"""


@pytest.fixture(name="tell")
def fixture_tell(tmp_path):
    def tell(image):
        path = tmp_path / "image"
        path.write_bytes(image)
        done = subprocess.run([PROGRAM.parent / "tests/print-image", path], capture_output=True,
                              timeout=60, check=True)
        return done.stdout.decode()
    return tell


def problem(told):
    lines = told.splitlines()
    assert lines[0] == "pciferry-image 1" and lines[-1] == "end" and len(lines) == 3, told
    return lines[1].removeprefix("problem ")


@pytest.fixture(name="compress", params=COMPRESS)
def fixture_compress(request):
    if request.param.split()[0] in ("zstd", "lz4") and not has(request.param.split()[0]):
        pytest.skip(f"{request.param.split()[0]} is not installed")
    return COMPRESS[request.param]


def large():
    """More than any buffer on the way, and not all zeros."""
    noise = bytes(index * index >> 7 & 0xff for index in range(300_000))
    return {**USUAL, "usr/lib/firmware/card.bin": noise}


def test_each_compression_is_read(tell, compress):
    assert tell(compress(cpio(large()))) == TOLD
    assert tell(early() + compress(cpio(large()))) == TOLD
    assert tell(early() + early() + compress(cpio(large()))) == TOLD


@pytest.mark.parametrize("after", [bytes(4), bytes(509), early(), bytes(512) + early()],
                         ids=["zeros", "more zeros", "archive", "zeros and archive"])
def test_what_follows_a_compressed_archive_does_not_hide_it(tell, compress, after):
    told = tell(compress(cpio(large())) + after)
    if compress is COMPRESS["xz"] and after != bytes(4):
        # libarchive does not say where the stream ended: better no answer than half of one.
        assert "damaged" in problem(told)
    else:
        assert told == TOLD


def test_later_archives_replace_files_of_earlier_ones(tell, compress):
    first = cpio(debian({"etc/modprobe.d/vfio.conf": "options vfio-pci ids=1:2\n",
                         "conf/modules": "nouveau\n"}))
    assert tell(compress(first) + compress(cpio(USUAL))) == TOLD
    assert tell(compress(first + bytes(512) + cpio(USUAL))) == TOLD


@pytest.mark.parametrize("prefix", ["", "./", "/", ".//"])
@pytest.mark.parametrize("magic", [b"070701", b"070702"])
def test_names_may_begin_in_any_way(tell, prefix, magic):
    assert tell(cpio(USUAL, prefix, magic)) == TOLD
    assert tell(cpio(USUAL, prefix, magic, end=False)) == TOLD


def texts(told):
    """{path: lines} of the files that are told."""
    found = {}
    for line in told.splitlines():
        if line.startswith("text "):
            lines = found.setdefault(line.removeprefix("text "), [])
        elif line.startswith("\t"):
            lines.append(line[1:])
    return found


def named(told, word):
    return [line.removeprefix(f"{word} ") for line in told.splitlines()
            if line.startswith(f"{word} ")]


def test_modprobe_reads_a_name_once_from_the_first_folder(tell):
    told = tell(cpio(debian({
        "usr/lib/modprobe.d/a.conf": "blacklist hidden\n", "lib/modprobe.d/b.conf": "blacklist b\n",
        "etc/modprobe.d/a.conf": "blacklist a\n", "run/modprobe.d/c.conf": "blacklist c",
        "etc/modprobe.d/notes.txt": "blacklist no\n", "etc/modprobe.d/x/y.conf": "blacklist no\n"})))
    assert texts(told) == {"etc/modprobe.d/a.conf": ["blacklist a"], "lib/modprobe.d/b.conf":
                           ["blacklist b"], "run/modprobe.d/c.conf": ["blacklist c"]}
    assert list(texts(told)) == sorted(texts(told), key=lambda path: path.split("/")[-1])


def test_links_are_followed_in_the_image(tell):
    told = tell(cpio(debian({
        "etc/modprobe.d/nvidia.conf": Link("/etc/alternatives/nvidia.conf"),
        "etc/alternatives/nvidia.conf": Link("../nvidia/current.conf"),
        "etc/nvidia/current.conf": "blacklist nouveau\n",
        "usr/lib/modprobe.d/none.conf": "blacklist hidden\n",
        "etc/modprobe.d/none.conf": Link("/dev/null"),
        "etc/modprobe.d/loop.conf": Link("loop.conf"),
        "etc/modprobe.d/out.conf": Link("../../../../etc/passwd"),
        "etc/modprobe.d/lib.conf": Link("/usr/lib/modprobe.d/real.conf"),
        "usr/lib/modprobe.d/real.conf": "blacklist real\n"})))
    found = texts(told)
    assert found["etc/modprobe.d/nvidia.conf"] == ["blacklist nouveau"]
    assert found["etc/modprobe.d/lib.conf"] == ["blacklist real"]
    assert not any(found[f"etc/modprobe.d/{name}.conf"] for name in ("none", "loop", "out"))
    assert "etc/nvidia/current.conf" not in found, "only what modprobe reads is told"


def test_hard_links_have_one_content(tell):
    same = Hard(b"blacklist nouveau\n")
    told = tell(cpio(debian({"etc/modprobe.d/a.conf": same, "etc/modprobe.d/b.conf": same,
                             "usr/share/doc/c": same})) + cpio(
        {"etc/modprobe.d/d.conf": Hard(b""), "usr/share/e": Hard(b"")}))
    assert texts(told) == {"etc/modprobe.d/a.conf": ["blacklist nouveau"],
                           "etc/modprobe.d/b.conf": ["blacklist nouveau"],
                           "etc/modprobe.d/d.conf": []}


def test_mkinitcpio_loads_its_modules_before_it_looks_for_devices(tell):
    told = tell(cpio(mkinitcpio({}, "vfio_pci", "amdgpu")))
    assert named(told, "builder") == ["mkinitcpio"]
    assert named(told, "early") == ["vfio_pci", "amdgpu"] and not named(told, "late")
    with_systemd = {"etc/modules-load.d/MODULES.conf": "vfio_pci\namdgpu\n"}
    told = tell(cpio(mkinitcpio(with_systemd, "vfio_pci", "amdgpu")))
    assert named(told, "late") == ["vfio_pci", "amdgpu"] and not named(told, "early")


def test_dracut_loads_what_its_command_line_says(tell):
    told = tell(cpio(dracut({
        "etc/cmdline.d/90.conf": 'rd.driver.blacklist=nouveau,nvidia rd.driver.post="e1000e"\n'
                                 "netroot=iscsi:user:secret@192.0.2.1::::x\n",
        "etc/modules-load.d/a.conf": "# none\nkvm\n",
        "usr/lib/modules-load.d/a.conf": "hidden\n"}, "vfio-pci,vfio")))
    assert named(told, "builder") == ["dracut"]
    assert named(told, "early") == ["vfio-pci", "vfio"] and named(told, "late") == ["kvm"]
    assert texts(told) == {"etc/cmdline.d": ["blacklist nouveau", "blacklist nvidia",
                                             "blacklist e1000e"]}
    assert "secret" not in told


def test_boosters_settings_are_its_loads_and_options(tell):
    told = tell(cpio({**booster(RELEASE, ["vfio_pci", "amdgpu"], ["vfio_pci", "vfio"],
                                '"ids=1234:5046"'), "etc/ssh": "secret"}))
    assert named(told, "builder") == ["booster"] and named(told, "kernel") == [RELEASE]
    assert named(told, "module") == ["vfio_pci.ko", "amdgpu.ko"]
    assert named(told, "early") == ["vfio_pci", "vfio"]
    assert texts(told) == {"etc/booster.init.yaml": ["options vfio_pci ids=1234:5046"]}


def test_scripts_about_vfio_are_named(tell):
    paths = ["scripts/init-top/vfio-pci-override", "hooks/vfio", "scripts/init-top/pciferry",
             "usr/lib/dracut/hooks/pre-udev/00-gpu-passthrough.sh"]
    others = ["scripts/init-top/udev", "scripts/init-bottom/vfio", "usr/bin/vfio"]
    told = tell(cpio(debian({path: "#!/bin/sh\n" for path in paths + others})))
    assert named(told, "script") == [path.removeprefix("usr/") for path in paths]


def test_the_wanted_state_of_pciferry_is_told(tell):
    told = tell(cpio(debian({"etc/pciferry.tab": "device 0000:82:00.0 10de:1b39 vfio-pci\n"})))
    assert texts(told) == {"etc/pciferry.tab": ["device 0000:82:00.0 10de:1b39 vfio-pci"]}


WRONG = [
    (b"", "empty"), (bytes(1024), "empty"), (trailer(), "empty"),
    (b"LUKS\xba\xbe" + bytes(500), "no initramfs"), (b"MZ" + bytes(500), "no initramfs"),
    (b"hsqs" + bytes(500), "no initramfs"), (b"\x89LZO\0\r\n\x1a\n" + bytes(500), "lzo"),
    (early() + b"LUKS\xba\xbe" + bytes(500), "what follows"),
    (cpio(USUAL)[:-200], "cut off"), (cpio(USUAL)[:50], "cut off"),
    (COMPRESS["gzip"](cpio(USUAL))[:-60], "damaged"),
    (COMPRESS["gzip"](cpio(USUAL)[:-200]), "cut off"),
    (COMPRESS["gzip"](b"no archive at all" * 50), "no archive"),
    (COMPRESS["xz"](COMPRESS["gzip"](cpio(USUAL))), "no archive"),
    (b"\x1f\x8b" + bytes(500), "damaged"), (b"\xfd7zXZ\0" + bytes(500), "damaged"),
    (b"070707" + bytes(200), "another format"), (b"0707" + bytes(200), "another format"),
    (b"070701" + b"zzzzzzzz" * 13, "header"), (b"070701" + b"FFFFFFFF" * 13, "name"),
    (b"070701" + b"00000000" * 13, "name"),
    (cpio(USUAL, end=False) + b"070701" + b"00000001" * 11 + b"00000002" * 2 + b"no", "name"),
    (cpio({"etc/modprobe.d/a.conf": bytes(2 << 20)}), "too large"),
    (cpio({f"etc/{number}.conf": bytes(1 << 20) for number in range(9)}), "too much"),
    (cpio({f"etc/{number}.conf": b"" for number in range(4097)}), "too many files of"),
    (cpio({f"lib/modules/6.1/{number}.ko": b"" for number in range(20001)}), "too many modules"),
    (cpio({f"hooks/vfio{number}": b"" for number in range(65)}), "too many scripts"),
]


@pytest.mark.parametrize("image,words", WRONG, ids=[str(index) for index in range(len(WRONG))])
def test_why_an_image_cannot_be_read_is_told(tell, image, words):
    assert words in problem(tell(image))


def test_a_bomb_is_not_unpacked(tell):
    zeros = COMPRESS["gzip"](bytes(1 << 24))
    assert "too much" in problem(tell(zeros * 130))


def test_a_member_without_end_is_not_kept_in_memory(tell):
    endless = cpio({"etc/modprobe.d/a.conf": b"x"}, end=False)
    endless = endless.replace(b"%08X" % 1, b"%08X" % 0xffffffff)
    assert problem(tell(endless))


def test_odd_names_do_not_reach_the_text(tell):
    told = tell(cpio(debian({"etc/modprobe.d/a\nend.conf": "blacklist a\n",
                             "lib/modules/6.1/a\nb.ko": b"", "etc/modprobe.d/" + "a" * 600 + ".conf":
                             "blacklist a\n", "hooks/vfio\x1b[2J": ""})))
    assert told == "pciferry-image 1\nbuilder initramfs-tools\nend\n"
