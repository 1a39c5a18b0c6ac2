# SPDX-License-Identifier: GPL-2.0-or-later
"""Binding by address in a real boot: an initramfs that initramfs-tools made with pciferry's
hook, started by a real kernel, with udev loading drivers as ever. Three disks are alike."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PCIFERRY", ROOT / "build/pciferry")).parent
PACKAGES = ["initramfs-tools-core", "klibc-utils", "libklibc"]

pytestmark = pytest.mark.skipif(not shutil.which("apt-get"),
                                reason="initramfs-tools comes from Debian's archive")


def run(*command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, errors="replace", **options)
    print(done.stdout[-20000:])
    print(done.stderr[-4000:])
    assert done.returncode == 0
    return done.stdout


@pytest.fixture(name="image", scope="module")
def built_image(tmp_path_factory):
    """The image, and {"FREE": address, ...}. Built on the virtual host, so that nothing of
    this machine's /etc, /boot and /usr is in its way."""
    folder = tmp_path_factory.mktemp("early")
    for name in ("packages", "installed", "out"):
        (folder / name).mkdir()
    if not shutil.which("mkinitramfs"):
        run("apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *PACKAGES,
            cwd=folder / "packages")
    run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", folder / "installed")
    told = run(ROOT / "lab/lab", "run", "--kernel", "6.1", "--output", folder / "out",
               ROOT / "tests/lab/scenarios/initramfs.sh", folder / "packages",
               folder / "installed")
    words = next(line for line in told.splitlines() if line.startswith("FREE ")).split()
    return folder / "out/image", dict(zip(words[::2], words[1::2]))


class Boot:
    def __init__(self, image, *options):
        self.console = run(ROOT / "lab/lab", "boot", "--kernel", "6.1", *options, image)
        assert "report done" in self.console
        self.driver = dict(re.findall(r"^driver (\S+) (\S+)\r?$", self.console, re.MULTILINE))
        assert len(self.driver) > 20

    def names(self, driver, address):
        """Has this driver said anything of this device?"""
        return bool(re.search(rf"\b{driver}\b.*{re.escape(address)}", self.console))


def test_only_what_is_listed_and_fits_is_bound_and_no_other_driver_touched_it(image):
    boot, at = Boot(image[0]), image[1]
    for name in ("FREE", "GPU", "AUDIO"):
        assert boot.driver[at[name]] == "vfio-pci"
    for name in ("SWAP", "MOUNTED"):
        assert boot.driver[at[name]] == "nvme" and boot.names("nvme", at[name])
    assert not boot.names("nvme", at["FREE"])
    assert not boot.names("snd_hda_intel", at["AUDIO"])
    # Half of a group is listed, and a disk by IDs that are not its own.
    assert boot.driver[at["NIC"]] == "e1000e"
    assert f"pciferry: {at['NIC']}: not bound: " in boot.console
    assert f"pciferry: {at['SWAP']}: not bound: 1b36:0010/" in boot.console
    assert boot.console.index("pciferry: bound: ") < boot.console.index("nvme nvme0: pci")


def test_off_on_the_command_line_leaves_all_to_their_drivers(image):
    boot, at = Boot(image[0], "--append", "pciferry=off"), image[1]
    for name in ("FREE", "SWAP", "MOUNTED"):
        assert boot.driver[at[name]] == "nvme"
    assert boot.driver[at["AUDIO"]] == "snd_hda_intel"
    assert "vfio-pci" not in boot.driver.values()
    assert "pciferry: off, by the kernel's command line" in boot.console


def test_a_trial_s_boot_binds_what_the_trial_lists(image):
    boot, at = Boot(image[0], "--append", "pciferry=trial:lab-1"), image[1]
    assert [name for name, address in at.items() if boot.driver[address] == "vfio-pci"] == [
        "SWAP"]


def test_with_the_iommu_off_nothing_is_bound_and_it_is_said(image):
    boot, at = Boot(image[0], "--iommu", "off"), image[1]
    assert "vfio-pci" not in boot.driver.values()
    assert f"pciferry: {at['FREE']}: not bound: it has no IOMMU group" in boot.console
