# SPDX-License-Identifier: GPL-2.0-or-later
"""What is read of images that initramfs-tools and dracut have made.

What is real: the builders, and a kernel with all its modules, that of the virtual host. The
files of /etc and /usr are changed in a mount namespace alone."""
import os
import pathlib
import shutil
import subprocess

import pytest

import initramfs
from program import PROGRAM, ROOT

CACHE = pathlib.Path(os.environ.get("PCIFERRY_LAB_CACHE", ROOT / "build/lab"))
KERNELS = sorted(CACHE.glob("kernels/*/lib/modules/*/modules.dep.bin"))
VFIO = "options vfio-pci ids=10de:1e37\nsoftdep nouveau pre: vfio-pci\n"

# $0: a folder for what is written, $1: the folder with the kernel's boot and lib.
ENTER = r"""set -e
mount -t tmpfs tmpfs "$0"
for folder in usr etc; do
    mkdir -p "$0/$folder" "$0/$folder.work"
    mount -t overlay overlay \
        -o "lowerdir=/$folder,upperdir=$0/$folder,workdir=$0/$folder.work" "/$folder"
done
mkdir -p /usr/lib/modules /etc/modprobe.d
mount --bind "$1/lib/modules" /usr/lib/modules
mount --bind "$1/boot" /boot
shift
"""
MKINITRAMFS = ENTER + r"""
echo MODULES=list >> "$1/initramfs.conf"
printf 'nouveau\n' > "$1/modules"
printf '%s' "$VFIO" > /etc/modprobe.d/vfio.conf
mkdir -p "$1/conf.d" "$1/hooks" "$1/scripts/init-top"
printf '#!/bin/sh\n' > "$1/scripts/init-top/vfio-override"
chmod +x "$1/scripts/init-top/vfio-override"
mkinitramfs -d "$1" -c "$4" -o "$2" "$3"
lsinitramfs "$2"
"""
DRACUT = ENTER + r"""
printf '%s' "$VFIO" > /usr/lib/modprobe.d/vfio-test.conf
dracut -q --kver "$3" --no-hostonly -m base --drivers nouveau --force-drivers vfio-pci \
    -I /usr/lib/modprobe.d/vfio-test.conf "--$4" -f "$2" >&2
lsinitrd "$2" | awk '/^[-l]r/ { print $9 }'
"""


@pytest.fixture(name="build")
def fixture_build(tmp_path):
    def build(script, program, compression):
        if not shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin"):
            pytest.skip(f"{program} is not installed")
        if os.geteuid() or not os.path.islink("/lib") or not KERNELS:
            pytest.skip("this takes root, /usr with all in it, and a kernel of the virtual host")
        if not initramfs.has(compression):
            pytest.skip(f"{compression} is not installed")
        for folder in ("work", "configuration"):
            (tmp_path / folder).mkdir()
        modules, image = KERNELS[0].parent, tmp_path / "image"
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", script, tmp_path / "work", modules.parents[2],
             tmp_path / "configuration", image, modules.name, compression],
            env={**os.environ, "VFIO": VFIO}, capture_output=True, text=True, timeout=300,
            check=False)
        if "overlay" in done.stderr and done.returncode:
            pytest.skip("no overlay file system here")
        assert done.returncode == 0, done.stderr
        told = subprocess.run([PROGRAM.parent / "tests/print-image", image], capture_output=True,
                              text=True, check=True).stdout
        return modules.name, done.stdout.splitlines(), told
    return build


def modules_among(paths):
    """The names of the modules' files, without what packs them."""
    names = (path.split("/")[-1] for path in paths if "/modules/" in path)
    return sorted(name.split(".ko")[0] + ".ko" for name in names if ".ko" in name)


def told_of(told, word):
    return sorted(line.removeprefix(f"{word} ") for line in told.splitlines()
                  if line.startswith(f"{word} "))


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_what_mkinitramfs_makes(build, compression):
    release, listed, told = build(MKINITRAMFS, "mkinitramfs", compression)
    assert told_of(told, "builder") == ["initramfs-tools"]
    assert told_of(told, "kernel") == [release]
    assert told_of(told, "module") == modules_among(listed)
    assert "vfio-pci.ko" in told_of(told, "module"), "brought by the softdep"
    assert "nouveau" in told_of(told, "late") and not told_of(told, "early")
    assert told_of(told, "script") == ["scripts/init-top/vfio-override"]
    assert "text etc/modprobe.d/vfio.conf\n\t" + "\n\t".join(VFIO.splitlines()) in told


def test_what_dracut_makes(build):
    release, listed, told = build(DRACUT, "dracut", "gzip")
    assert told_of(told, "builder") == ["dracut"]
    assert told_of(told, "kernel") == [release]
    assert told_of(told, "module") == modules_among(listed)
    assert [name.replace("_", "-") for name in told_of(told, "early")] == ["vfio-pci"]
    assert "text lib/modprobe.d/vfio-test.conf\n\t" + "\n\t".join(VFIO.splitlines()) in told
