# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole job on whole systems: UEFI firmware, boot loader, kernel, initramfs and systemd,
from a disk on which pciferry is installed and does its work itself. Three disks are alike.

MATRIX=systems in the environment adds dracut and systemd-boot: an hour, and by itself.
"""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PCIFERRY", ROOT / "build/pciferry")).parent
MORE = ["dracut", "systemd-boot"] if os.environ.get("MATRIX") == "systems" else []
SYSTEMS = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ["grub", *MORE]]

needs_packages = pytest.mark.skipif(not shutil.which("mmdebstrap"),
                                    reason="a system's packages come by mmdebstrap")
pytestmark = needs_packages


def by_itself(what, group):
    """Marks of what takes too long for every run, and all of the machine."""
    return [pytest.mark.skipif(os.environ.get("MATRIX") != "systems",
                               reason=f"{what}: with MATRIX=systems, by itself"),
            needs_packages, pytest.mark.xdist_group(group)]


def run(*command, allowed=(0,)):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, errors="replace")
    print(done.stdout)
    print(done.stderr[-4000:])
    assert done.returncode in allowed
    return done.stdout


@pytest.fixture(name="installed", scope="module")
def installed_files(tmp_path_factory):
    """A folder with what `make install` would install."""
    folder = tmp_path_factory.mktemp("installed")
    run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", folder)
    return folder


class Boot:
    """One boot, with what it printed and left."""

    def __init__(self, folder, output, *words, options=(), allowed=(0,)):
        self.told = run(ROOT / "lab/lab", "start", "--quiet", "--output", output, *options,
                        folder, ROOT / "tests/lab/scenarios/boot.sh", *words, allowed=allowed)
        self.driver = dict(self.found(r"driver (\S+) (\S+)"))
        self.at = dict(self.found(r"at (\S+) (\S+)"))
        self.status = {name: int(status)
                       for name, status in self.found(r"status (\S+) (\d+)")}
        # Nothing is told of a boot that does not come that far.
        self.cmdline = "".join(self.found(r"cmdline (.*)"))
        self.output = output
        self.log = self.text("dmesg") if (output / "dmesg").exists() else ""

    def found(self, pattern):
        return re.findall(rf"^{pattern}$", self.told, re.MULTILINE)

    def text(self, name):
        return (self.output / name).read_text(errors="replace")

    def names(self, driver, address):
        """Has this driver said anything of this device?"""
        return bool(re.search(rf"\b{driver}\b.*{re.escape(address)}", self.log))


@pytest.fixture(name="system", scope="module", params=SYSTEMS)
def boots_of_a_system(request, installed, tmp_path_factory):
    """The boots of a system's life with pciferry, by name."""
    folder = tmp_path_factory.mktemp(request.param)
    run(ROOT / "lab/lab", "install", request.param, folder)

    def boot(name, *words, options=()):
        return Boot(folder, folder / name, *words, options=["--files", installed, *options])

    boots = {"name": request.param,
             "first": boot("first", "install", "remember", "plan", "apply", "apply_again")}
    if request.param == "grub":
        boots["bound"] = boot("bound", "verify", "off_once")
        boots["off"] = boot("off", "verify", "off_no_more")
        boots["moved"] = boot("moved", "verify", "undo", options=["--machine", "moved"])
    else:
        boots["bound"] = boot("bound", "verify", "undo")
    boots["undone"] = boot("undone", "compare")
    yield boots
    shutil.rmtree(folder)


def test_apply_is_done_once_and_a_second_one_changes_nothing(system):
    first = system["first"]
    assert first.status == {"plan": 0, "apply": 0, "again": 0, "kept": 0}
    assert first.driver[first.at["NVME_FREE"]] == "nvme"
    assert "Nothing had to be changed" in first.text("again")


def test_at_the_next_boot_no_other_driver_ever_had_the_devices(system):
    boot = system["bound"]
    for name in ("NVME_FREE", "GPU", "GPU_AUDIO"):
        assert boot.driver[boot.at[name]] == "vfio-pci"
        assert re.search(rf"pciferry: bound: .*{boot.at[name]}=vfio-pci", boot.log)
    assert not boot.names("nvme", boot.at["NVME_FREE"])
    assert not boot.names("snd_hda_intel", boot.at["GPU_AUDIO"])


def test_its_siblings_are_left_to_the_host(system):
    boot = system["bound"]
    for name in ("NVME_SWAP", "NVME_MOUNTED"):
        assert boot.driver[boot.at[name]] == "nvme"
        assert boot.names("nvme", boot.at[name])


def test_verify_finds_all_as_wanted(system):
    assert system["bound"].status["verify"] == 0


def test_words_that_turn_the_iommu_off_are_gone_and_come_back_with_the_undo(system):
    if system["name"] != "grub":
        pytest.skip("this system has none")
    assert "intel_iommu=off" in system["first"].cmdline
    assert "intel_iommu=off" not in system["bound"].cmdline
    assert "intel_iommu=off" in system["undone"].cmdline


def test_pciferry_off_in_the_loader_leaves_all_to_the_host_and_verify_says_so(system):
    if "off" not in system:
        pytest.skip("once is enough")
    boot = system["off"]
    assert "pciferry=off" in boot.cmdline
    assert "vfio-pci" not in boot.driver.values()
    assert boot.driver[boot.at["NVME_FREE"]] == "nvme"
    assert boot.status["verify"] == 1
    assert "pciferry=off" in boot.text("verify")


def test_another_device_at_the_address_is_not_bound_and_verify_says_so(system):
    if "moved" not in system:
        pytest.skip("once is enough")
    boot, address = system["moved"], system["first"].at["NVME_FREE"]
    assert boot.at["NIC_UP"] == address and boot.at["NVME_FREE"] != address
    assert boot.driver[address] == "e1000e"
    assert boot.driver[boot.at["NVME_FREE"]] == "nvme"
    assert boot.status["verify"] == 1
    assert re.search(rf"{address}  e1000e, not vfio-pci\n *another device is there",
                     boot.text("verify"))
    # What is where it was is bound as ever.
    assert boot.driver[boot.at["GPU"]] == "vfio-pci"


def test_after_undo_the_system_boots_as_it_did_and_its_files_are_the_same(system):
    assert system["undone"].driver == system["first"].driver
    assert system["undone"].cmdline == system["first"].cmdline
    assert system["undone"].status["compare"] == 0, system["undone"].text("compare")
    undo = next(boot for boot in system.values()
                if isinstance(boot, Boot) and "undo" in boot.status)
    assert undo.status["undo"] == 0
