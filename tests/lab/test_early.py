# SPDX-License-Identifier: GPL-2.0-or-later
"""Binding by address in a real boot: an initramfs that initramfs-tools made with pciferry's
hook, started by a real kernel, with udev loading drivers as ever. Three disks are alike."""
import json
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
    """The image, {"FREE": address, ...}, and what was foreseen of its boots. Built on the virtual host, so that nothing of
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
    return folder / "out/image", dict(zip(words[::2], words[1::2])), {
        path.stem.partition("-")[2]: json.loads(path.read_text())["predictions"]
        for path in (folder / "out").glob("foreseen-*.json")}


class Boot:
    def __init__(self, image, *options):
        self.console = run(ROOT / "lab/lab", "boot", "--kernel", "6.1", *options, image)
        assert "report done" in self.console
        self.driver = dict(re.findall(r"^driver (\S+) (\S+)\r?$", self.console, re.MULTILINE))
        assert len(self.driver) > 20

    def names(self, driver, address):
        """Has this driver said anything of this device?"""
        return bool(re.search(rf"\b{driver}\b.*{re.escape(address)}", self.console))

    def holds(self, predictions, at):
        """Each device has the driver that was foreseen, for a reason that is told."""
        found = {one["address"]: one for one in predictions}
        assert set(found) == {at[name] for name in ("FREE", "GPU", "AUDIO", "SWAP", "NIC")}
        for address, one in found.items():
            # What has none when udev is done may get one from the root file system.
            late = self.driver[address] == "none" and "root file system" in one["reason"]
            assert one["known"] and one["reason"], one
            assert late or (one["driver"] or "none") == self.driver[address], one
        return {name: found[at[name]]["reason"] for name in at if at[name] in found}


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
    reasons = boot.holds(image[2]["plain"], at)
    assert reasons["FREE"] == reasons["AUDIO"] == "listed in the image's tab"
    assert reasons["SWAP"] == "nvme is in the image; the tab's line is another device's"
    assert "of its IOMMU group, has no line that fits" in reasons["NIC"]
    # The tab was put right since: this image is an older one.
    assert boot.holds(image[2]["stale"], at)["SWAP"] == (
        "nvme is in the image; the line for it in the image's copy of the tab is an older one")


def test_off_on_the_command_line_leaves_all_to_their_drivers(image):
    boot, at = Boot(image[0], "--append", "pciferry=off"), image[1]
    for name in ("FREE", "SWAP", "MOUNTED"):
        assert boot.driver[at[name]] == "nvme"
    assert boot.driver[at["AUDIO"]] == "snd_hda_intel"
    assert "vfio-pci" not in boot.driver.values()
    assert "pciferry: off, by the kernel's command line" in boot.console
    assert "pciferry=off is on the command line" in boot.holds(image[2]["off"], at)["FREE"]


def test_a_trial_s_boot_binds_what_the_trial_lists(image):
    boot, at = Boot(image[0], "--append", "pciferry=trial:lab-1"), image[1]
    assert [name for name, address in at.items() if boot.driver[address] == "vfio-pci"] == [
        "SWAP"]


def test_with_the_iommu_off_nothing_is_bound_and_it_is_said(image):
    boot, at = Boot(image[0], "--iommu", "off"), image[1]
    assert "vfio-pci" not in boot.driver.values()
    assert f"pciferry: {at['FREE']}: not bound: it has no IOMMU group" in boot.console


def test_with_the_iommu_off_by_the_command_line_that_was_foreseen(image):
    boot, at = Boot(image[0], "--append", "intel_iommu=off"), image[1]
    assert "vfio-pci" not in boot.driver.values()
    assert "the IOMMU will be off" in boot.holds(image[2]["iommu-off"], at)["FREE"]
