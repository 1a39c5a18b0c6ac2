# SPDX-License-Identifier: GPL-2.0-or-later
"""What other tools for this job were seen to do to the way a host boots. Each test would fail if
pciferry did the same."""
import json
import os
import subprocess

import pytest

import bootfiles
import fakehost
from checks import CARD, RELEASE
from configspace import ENDPOINT, ROOT_PORT, Config
from planhost import TAB, WAYS, BY_HAND, debian, make, needs_tools, run, snapshot, tool
from program import ROOT
from program import run as run_program

pytestmark = needs_tools

WANTED = {"intel_iommu=on", "iommu=pt"}
EDITED = [way for way, *_ in WAYS if way not in BY_HAND]


def edits(host, *args):
    done = run("plan", CARD, "--root", host.root, "--json", *args)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["edits"]


def tools(host):
    return [" ".join([os.path.basename(one["path"]), *one["arguments"]])
            for one in edits(host) if one["kind"] == "run"]


def apply(host):
    done = run("apply", CARD, "--root", host.root)
    assert done.returncode == 0, done.stderr


# quickpassthrough: a file without its ending in a folder whose tool reads only *.conf.
@pytest.mark.parametrize("way", EDITED)
def test_no_file_is_written_that_its_reader_passes_over(off, way):
    endings = {"modprobe.d": ".conf", "dracut.conf.d": ".conf", "mkinitcpio.conf.d": ".conf",
               "modules-load.d": ".conf", "grub.d": ".cfg", "entries": ".conf"}
    make(off, way)
    off.file("usr/lib/initcpio/functions", "")
    for one in edits(off):
        folder = os.path.basename(os.path.dirname(one["path"]))
        if one["kind"] == "write" and folder in endings:
            assert one["path"].endswith(endings[folder]), one["path"]


# quickpassthrough: an image for one kernel only, so that the others boot without it.
@pytest.mark.parametrize("mark,hook,command", [
    ("usr/share/initramfs-tools/hook-functions", "usr/share/initramfs-tools/hooks/pciferry",
     "update-initramfs -u -k all"),
    ("usr/lib/dracut/dracut-functions.sh", "usr/lib/dracut/modules.d/90pciferry/module-setup.sh",
     "dracut --force --regenerate-all"),
    ("usr/lib/initcpio/functions", "usr/lib/initcpio/install/pciferry", "mkinitcpio -P")])
def test_the_images_of_all_kernels_are_made_anew(off, mark, hook, command):
    make(off, debian)
    (off.root / "usr/share/initramfs-tools/hook-functions").unlink()
    for path in mark, hook:
        off.file(path, "")
    tool(off, f"usr/bin/{command.split()[0]}", "#!/bin/sh\n")
    assert command in tools(off)
    assert RELEASE not in " ".join(tools(off))


# quickpassthrough and GPU-Passthrough-Manager: an expression that knows only double quotes finds
# nothing in a file with single ones, and its caller calls that done.
def test_a_value_in_single_quotes_gets_the_words(off):
    make(off, bootfiles.openeuler)
    off.file("etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT='quiet splash'\n")
    apply(off)
    assert (off.root / "etc/default/grub").read_text() == (
        "GRUB_CMDLINE_LINUX_DEFAULT='quiet splash intel_iommu=on iommu=pt'\n")


# quickpassthrough: a word taken out wherever its letters stand, within longer ones as well.
def test_only_whole_words_are_taken_out(off):
    make(off, bootfiles.openeuler)
    longer = "x.iommu=off iommu=offset my_iommu=off"
    off.file("etc/default/grub", f'GRUB_CMDLINE_LINUX_DEFAULT="{longer} iommu=off quiet"\n')
    apply(off)
    assert (off.root / "etc/default/grub").read_text() == (
        f'GRUB_CMDLINE_LINUX_DEFAULT="{longer} quiet intel_iommu=on iommu=pt"\n')


# quickpassthrough: the loader is whichever has its tool installed, not the one that booted.
@pytest.mark.parametrize("way", [bootfiles.systemd_boot, bootfiles.refind, bootfiles.limine])
def test_tools_of_another_loader_decide_nothing(off, way):
    make(off, way)
    for name in ("grubby", "kernelstub", "grub-mkconfig", "update-grub"):
        tool(off, f"usr/sbin/{name}", "#!/bin/sh\nexit 1\n")
    assert not [one for one in edits(off) if "grub" in one["path"] or "kernelstub" in one["path"]]
    apply(off)


# What stands around the words in a file that is new.
FRAME = set("# Written by pciferry; pciferry undo takes it back. GRUB_CMDLINE_LINUX_DEFAULT= "
            "$GRUB_CMDLINE_LINUX_DEFAULT".split())


def words(path):
    text = path.read_text() if path.exists() else ""
    return text.replace('"', " ").replace("'", " ").split()


# deploy-VFIO: a template copied over /etc/default/grub, with the person's root= and cryptdevice=
# gone, and parameters in it that nobody asked for (acpi=force, pcie_aspm=off).
@pytest.mark.parametrize("way", EDITED)
def test_all_that_was_there_stays_and_nothing_unasked_comes_in(off, way):
    make(off, way)
    mine = ('GRUB_TIMEOUT=3\n# a comment\nGRUB_CMDLINE_LINUX="cryptdevice=UUID=1:root"\n'
            'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n')
    if (off.root / "etc/default/grub").exists():
        off.file("etc/default/grub", mine)
    changed = [off.root / one["path"] for one in edits(off) if one["kind"] == "write"]
    before = {path: words(path) for path in changed}
    apply(off)
    assert before.keys() - {off.root / TAB}
    for path in before.keys() - {off.root / TAB}:
        added = words(path)
        for word in before[path]:
            assert word in added, (path, word)
            added.remove(word)
        assert set(added) <= WANTED | FRAME, (path, added)


# MobilePassThrough: what would set the parameters stood behind a test that is never true, and the
# end was a success all the same.
def test_what_is_called_done_is_in_the_files(off):
    make(off, debian)
    done = run("apply", CARD, "--root", off.root, "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["reboot_required"]
    entries = [line for line in (off.root / "boot/grub/grub.cfg").read_text().splitlines()
               if line.startswith("\tlinux") and "single" not in line]
    assert entries and all(WANTED <= set(line.split()) for line in entries)
    # What says that it makes them, and makes none, is not believed.
    assert run("undo", "--root", off.root).returncode == 0
    tool(off, "usr/sbin/update-initramfs", "#!/bin/sh\necho not updating\n")
    done = run("apply", CARD, "--root", off.root)
    assert done.returncode == 1 and "as if all were well" in done.stderr


# GPU-Passthrough-Manager: its own vfio.conf copied over the one that is there, and removed
# afterwards; grub edited in place without a copy of what was there.
def test_a_file_of_the_person_s_is_not_written_over(off):
    make(off, debian)
    mine = off.root / "etc/modprobe.d/vfio.conf"
    mine.write_text("# mine\noptions kvm ignore_msrs=1\n")
    os.utime(mine, (1_000_000_000, 1_000_000_000))
    before = snapshot(off.root)
    apply(off)
    assert snapshot(off.root)["etc/modprobe.d/vfio.conf"] == before["etc/modprobe.d/vfio.conf"]
    assert run("undo", "--root", off.root).returncode == 0
    assert snapshot(off.root)["etc/modprobe.d/vfio.conf"] == before["etc/modprobe.d/vfio.conf"]


def test_what_was_in_a_file_that_is_edited_is_kept(off):
    make(off, bootfiles.openeuler)
    mine = (off.root / "etc/default/grub").read_bytes()
    apply(off)
    assert (off.root / "etc/default/grub").read_bytes() != mine
    assert mine in [path.read_bytes()
                    for path in (off.root / "var/lib/pciferry/journal/1").glob("before-*")]


# ansible-vfio-redhat: grub2-mkconfig written over the file on the EFI partition, which on Fedora
# since 34 only leads to the one in /boot.
def test_the_stub_on_the_efi_partition_stays_one(off):
    make(off, bootfiles.fedora)
    stub = off.root / "boot/efi/EFI/fedora/grub.cfg"
    before = stub.read_bytes()
    assert not [line for line in tools(off) if "mkconfig" in line or "/boot/efi" in line]
    apply(off)
    assert stub.read_bytes() == before
    assert WANTED <= set((off.root / "boot/loader/entries/fedora.conf").read_text().split())


# driverctl 0.111: of several overrides only the last one's module got into dracut's image.
def test_the_drivers_of_all_lines_get_into_the_image(tmp_path):
    tab = tmp_path / "tab"
    tab.write_text("device 0000:01:00.0 10de:1b39/10de:1217@03.0 vfio-pci\n"
                   "device 0000:02:00.0 10de:1b39/10de:1217@04.0 mlx5_vfio_pci\n"
                   "device 0000:03:00.0 10de:1b39/10de:1217@05.0 vfio-pci\n")
    done = subprocess.run([ROOT / "packaging/early/tab-drivers", tab], capture_output=True,
                          text=True, check=True)
    assert sorted(set(done.stdout.split())) == ["mlx5_vfio_pci", "vfio-pci"]


# driverctl: unbound first, and the override set afterwards: in between any driver may have it.
def test_the_override_is_set_before_a_driver_lets_go(tmp_path):
    host = fakehost.usual(tmp_path / "host")
    done = run_program("bind", "0000:01:00.0", "--dry-run", "--host", host.root)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    bound = [line.partition(": unbind")[0] for line in lines if ": unbind" in line]
    assert bound
    for address in bound:
        override = [f"{address}/driver_override)" in line for line in lines].index(True)
        assert override < [line.startswith(f"{address}: unbind") for line in lines].index(True)


# VFIO-Tools: new_id, which takes all of a model; the domain 0000 for every device; an initramfs
# that stays as it was.
def test_a_device_of_another_domain_is_named_by_its_address(rooted):
    make(rooted, debian)
    port, disk = "10000:e0:01.0", "10000:e1:00.0"
    rooted.device(port, "1234:000c", "060400", "pcieport", 16, None,
                  Config("1234:000c", "060400", (0xe0, 0xe1, 0xe1)).express(ROOT_PORT).acs().make())
    for number, address in enumerate((disk, "10000:e2:00.0")):
        rooted.device(address, "1234:0010", "010802", None, 17 + number,
                      port if not number else None,
                      Config("1234:0010", "010802").express(ENDPOINT).make())
    done = run("apply", disk, "--root", rooted.root, "--json")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)["edits"]
    lines = [line for line in (rooted.root / TAB).read_text().splitlines()
             if line.startswith("device")]
    assert len(lines) == 1 and lines[0].split()[1] == disk
    assert any(one["path"] == "usr/sbin/update-initramfs" for one in made)
    assert not [one for one in made if "new_id" in str(one) or "vfio-pci.ids" in str(one)]
