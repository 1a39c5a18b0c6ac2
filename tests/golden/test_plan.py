# SPDX-License-Identifier: GPL-2.0-or-later
"""plan, apply, undo and history, on the root of a system that does not run (planhost.py)."""
import json
import os
import shutil
import subprocess

import jsonschema
import pytest

import bootfiles
import checks
from checks import CARD, PORT
from configspace import ENDPOINT, Config
from planhost import (BY_HAND, NOTHING, TAB, WAYS, debian, make, needs_tools, run, snapshot,
                      tool, without_generated)
from program import SCHEMA

pytestmark = needs_tools
LINE = "device 0000:05:00.0 1234:8086/1234:0002@02.0/00.0 vfio-pci\n"


@pytest.mark.parametrize("way", [way for way, *_ in WAYS if way not in BY_HAND])
def test_the_parameters_get_where_the_loader_looks_and_back(off, way):
    make(off, way)
    before = snapshot(off.root)
    done = run("apply", CARD, "--root", off.root, "--json")
    assert done.returncode == 0, done.stderr
    applied = json.loads(done.stdout)
    assert applied["change"] == 1 and applied["reboot_required"]
    # It is where the loader looks, in every entry but those for repairs...
    found = json.loads(run("check", "--json", "--only", "boot-generated,boot-kernels",
                           "--host", off.root).stdout)["findings"]
    built = way in (bootfiles.unified, bootfiles.proxmox, bootfiles.limine_by_tool)
    assert built or {one["status"] for one in found} == {"PASS"}, found
    changed = {name for name, value in snapshot(off.root).items() if before.get(name) != value}
    texts = {name: (off.root / name).read_text() for name in changed
             if not name.endswith(".efi")}
    assert LINE in texts.pop(TAB) and LINE in texts.pop(checks.IMAGE)
    assert texts and all("intel_iommu=on" in text for text in texts.values()), texts
    for text in texts.values():
        assert not [line for line in text.splitlines() if "single" in line and "iommu" in line]
    # ... a second time there is nothing to do ...
    again = json.loads(run("apply", CARD, "--root", off.root, "--json").stdout)
    assert again["change"] is None and not again["edits"]
    # ... and it can be taken back, to the last byte.
    assert run("undo", "--root", off.root).returncode == 0
    assert without_generated(snapshot(off.root)) == without_generated(before)
    history = json.loads(run("history", "--root", off.root, "--json").stdout)["changes"]
    assert [(one["change"], one["state"], one["devices"]) for one in history] == [
        (1, "undone", [CARD])]


@pytest.mark.parametrize("way", BY_HAND)
def test_what_is_not_safe_to_edit_is_told_and_left_alone(off, way):
    make(off, way)
    before = snapshot(off.root)
    told = json.loads(run("plan", CARD, "--root", off.root, "--json").stdout)
    assert told["instructions"] and not told["edits"]
    assert any("intel_iommu=on" in line for line in told["instructions"])
    done = run("apply", CARD, "--root", off.root)
    assert done.returncode == 3 and "intel_iommu=on" in done.stderr
    assert snapshot(off.root) == before


def test_a_tool_that_fails_takes_everything_back(off):
    make(off, debian)
    tool(off, "usr/sbin/update-grub", "#!/bin/sh\necho no space left >&2\nexit 3\n")
    before = snapshot(off.root)
    done = run("apply", CARD, "--root", off.root)
    assert done.returncode == 1
    assert "update-grub" in done.stderr and "status 3: no space left" in done.stderr
    assert without_generated(snapshot(off.root)) == without_generated(before)
    assert not (off.root / "etc/default/grub.d").exists()


def test_a_value_that_a_command_makes_is_left_to_the_person(off):
    make(off, bootfiles.openeuler)
    off.file("etc/default/grub", 'GRUB_CMDLINE_LINUX_DEFAULT="$(cat /etc/parameters)"\n')
    before = snapshot(off.root)
    done = run("apply", CARD, "--root", off.root)
    assert done.returncode == 3 and "a command makes its value" in done.stderr
    assert snapshot(off.root) == before


def test_what_turns_it_off_is_taken_out(off):
    make(off, debian)
    off.file("etc/default/grub", 'GRUB_CMDLINE_LINUX_DEFAULT="quiet iommu=off splash"\n')
    off.file("boot/grub/grub.cfg", (off.root / "boot/grub/grub.cfg").read_text().replace(
        "quiet", "quiet iommu=off splash"))
    assert run("apply", CARD, "--root", off.root).returncode == 0
    assert (off.root / "etc/default/grub").read_text() == (
        'GRUB_CMDLINE_LINUX_DEFAULT="quiet splash"\n')
    assert "iommu=off" not in (off.root / "boot/grub/grub.cfg").read_text()


def added(host):
    """The words that a plan adds to the kernel's command line."""
    told = json.loads(run("plan", CARD, "--root", host.root, "--json").stdout)
    return [one["purpose"] for one in told["edits"] if "grub" in one["path"]
            and one["kind"] == "write"]


def test_the_word_is_written_only_where_no_kernel_needs_none(off):
    """Debian's kernels turn it on by themselves, but for the integrated display."""
    make(off, debian)
    assert added(off) == ["add intel_iommu=on iommu=pt"]
    for option in ("INTEL_IOMMU_DEFAULT_ON", "INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF"):
        off.file(f"boot/config-{checks.RELEASE}", checks.config(**{option: "y"}))
        assert not added(off)
    checks.kernel(off, "6.12.9-amd64")
    assert added(off) == ["add intel_iommu=on iommu=pt"], "the other kernel needs it"


def test_a_word_typed_for_one_boot_is_written_down(rooted):
    """The IOMMU is on, with groups, and no entry would turn it on again."""
    make(rooted, debian)
    assert added(rooted) == ["add intel_iommu=on iommu=pt"]
    checks.grub(rooted, checks.menuentry("Debian", "ro intel_iommu=on,sm_on"))
    assert not added(rooted)


def test_without_an_iommu_there_is_nothing_to_plan(off):
    make(off, debian)
    (off.root / "sys/firmware/acpi/tables/DMAR").unlink()
    done = run("plan", CARD, "--root", off.root)
    assert done.returncode == 1 and "pciferry check --only iommu" in done.stderr


def test_two_settings_of_one_file_are_both_changed(off):
    make(off, bootfiles.openeuler)
    off.file("etc/default/grub", 'GRUB_CMDLINE_LINUX="ro intel_iommu=off a"\n'
             'GRUB_CMDLINE_LINUX_DEFAULT="iommu=off quiet"\n')
    subprocess.run(["chroot", off.root, "/usr/sbin/grub2-mkconfig", "-o",
                    "/boot/efi/EFI/openEuler/grub.cfg"], check=True, capture_output=True)
    assert run("apply", CARD, "--root", off.root).returncode == 0
    assert (off.root / "etc/default/grub").read_text() == (
        'GRUB_CMDLINE_LINUX="ro a"\n'
        'GRUB_CMDLINE_LINUX_DEFAULT="quiet intel_iommu=on iommu=pt"\n')


def test_a_file_edited_since_is_not_undone(off):
    make(off, debian)
    assert run("apply", CARD, "--root", off.root).returncode == 0
    path = off.root / "etc/default/grub.d/pciferry.cfg"
    path.write_text(path.read_text() + "GRUB_TIMEOUT=9\n")
    after = snapshot(off.root)
    done = run("undo", "--root", off.root)
    assert done.returncode == 3
    assert "+GRUB_TIMEOUT=9" in done.stderr and "nothing was undone" in done.stderr
    assert snapshot(off.root) == after


def test_a_plan_is_only_looked_at(off):
    make(off, debian)
    before = snapshot(off.root)
    done = run("plan", CARD, "--host", off.root)
    assert done.returncode == 0
    assert '+GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT intel_iommu=on iommu=pt"' in \
        done.stdout
    assert run("apply", CARD, "--root", off.root, "--dry-run").stdout == done.stdout
    assert snapshot(off.root) == before
    refused = run("apply", CARD, "--host", off.root)
    assert refused.returncode == 1 and "it is a copy, and cannot be changed" in refused.stderr


def test_all_of_a_group_goes_and_the_rest_of_the_tab_stays(off):
    make(off, debian)
    off.file(TAB, "# mine\nvf 0000:00:02.0 1234:000c/0000:0000@02.0 4\n")
    space = bytearray((off.root / off.folder(CARD) / "config").read_bytes())
    space[0x0e] |= 0x80
    off.file(f"{off.folder(CARD)}/config", bytes(space))
    for function, kind in (("1", "040300"), ("2", "0c0330")):
        off.device(f"0000:05:00.{function}", "1234:8087", kind, None, None, PORT,
                   Config("1234:8087", kind).express(ENDPOINT).make())
    told = json.loads(run("plan", CARD, "--root", off.root, "--json").stdout)
    assert [(one["address"][-1], one["named"]) for one in told["devices"]] == [
        ("0", True), ("1", False), ("2", False)]
    assert run("apply", CARD, "--root", off.root).returncode == 0
    lines = (off.root / TAB).read_text().splitlines()
    assert lines[:2] == ["# mine", "vf 0000:00:02.0 1234:000c/0000:0000@02.0 4"]
    assert [line.split()[1] for line in lines[2:]] == [CARD, "0000:05:00.1", "0000:05:00.2"]


def test_what_the_host_boots_from_is_refused(off):
    """The root file system is on it; nothing overrides that."""
    make(off, debian)
    off.file("proc/self/mountinfo", "25 0 259:0 / / rw - ext4 /dev/nvme0n1 rw\n")
    before = snapshot(off.root)
    disk = "0000:02:00.0"
    done = run("apply", disk, "--root", off.root, "--headless")
    assert done.returncode == 3 and "the host needs it at its next boot" in done.stderr
    assert "/dev/nvme0n1" in done.stderr or "root" in done.stderr
    assert snapshot(off.root) == before


def test_what_is_only_mounted_now_is_told_as_a_loss(off):
    make(off, debian)
    told = json.loads(run("plan", "0000:02:00.0", "--root", off.root, "--json").stdout)
    assert any("/mnt" in line or "mounted" in line for line in told["losses"]), told


def test_the_only_display_goes_only_with_headless(off):
    make(off, debian)
    displays = [one["address"]
                for one in json.loads(run("list", "--json", "--host", off.root).stdout)["devices"]
                if one["class"].startswith("0300")]
    assert displays
    done = run("plan", *displays, "--root", off.root)
    assert done.returncode == 3 and "only display" in done.stderr and "--headless" in done.stderr
    told = run("plan", *displays, "--root", off.root, "--headless")
    assert told.returncode == 0 and "the host will have no picture" in told.stdout


def test_a_hook_that_is_not_installed_is_named(off):
    make(off, debian)
    (off.root / "usr/share/initramfs-tools/hooks/pciferry").unlink()
    done = run("apply", CARD, "--root", off.root)
    assert done.returncode == 1
    assert done.stderr.startswith("pciferry: /usr/share/initramfs-tools/hooks/pciferry: ")
    assert not (off.root / TAB).exists()


@pytest.mark.parametrize("mark,hook,program,config", [
    ("usr/lib/dracut/dracut-functions.sh", "usr/lib/dracut/modules.d/90pciferry/module-setup.sh",
     "dracut --force --regenerate-all", None),
    ("usr/lib/initcpio/functions", "usr/lib/initcpio/install/pciferry", "mkinitcpio -P",
     "etc/mkinitcpio.conf.d/pciferry.conf")])
def test_images_are_made_by_the_tool_that_is_there(off, mark, hook, program, config):
    make(off, debian)
    shutil.rmtree(off.root / "usr/share/initramfs-tools")
    off.file(mark, "")
    off.file(hook, "")
    tool(off, f"usr/bin/{program.split()[0]}", NOTHING)
    told = json.loads(run("plan", CARD, "--root", off.root, "--json").stdout)["edits"]
    tools = [" ".join([one["path"].split("/")[-1], *one["arguments"]]) for one in told
             if one["kind"] == "run"]
    assert tools == [program, "update-grub"]
    assert config is None or config in [one["path"] for one in told]


def verified(host):
    done = run("verify", "--host", host.root, "--json")
    told = json.loads(done.stdout) if done.stdout else None
    if done.returncode not in (0, 1) or not told:
        return done.stderr, None
    jsonschema.validate(told, SCHEMA)
    assert done.returncode == (0 if all(one["holds"] for one in told["devices"]) and
                               not told["bad_lines"] else 1)
    return told["devices"][0], told["bad_lines"]


def test_after_the_boot_it_is_told_what_came_true(host):
    (host.root / "run").mkdir(exist_ok=True)
    host.file(TAB, "device 0000:05:00.0 1234:8086/1234:0002@02.0/00.0 vfio-pci\n")
    device, _ = verified(host)
    assert not device["holds"] and device["driver"] is None
    host.link(f"{host.folder(CARD)}/driver", "../../../../bus/pci/drivers/vfio-pci")
    device, bad = verified(host)
    assert device["holds"] and device["driver"] == "vfio-pci" and not bad
    host.file(TAB, "device 0000:05:00.0 1234:9999/1234:0002@02.0/00.0 vfio-pci\nnonsense\n")
    device, bad = verified(host)
    assert not device["holds"] and "another device is there" in device["why"]
    assert bad and bad[0].startswith("line 2: ")
    host.file(TAB, "device 0000:7f:00.0 1234:8086/1234:0002@02.0/00.0 vfio-pci\n")
    assert "nothing is at this address" in verified(host)[0]["why"]


@pytest.mark.parametrize("change,why", [
    (lambda host: host.file("proc/cmdline", "ro pciferry=off\n"), "pciferry=off"),
    (lambda host: [path.unlink() for path in host.root.rglob("iommu_group")], "the IOMMU is off"),
    (lambda host: None, "the initramfs has not this tab"),
])
def test_it_is_told_why_it_did_not(host, change, why):
    host.file(TAB, "device 0000:05:00.0 1234:8086/1234:0002@02.0/00.0 vfio-pci\n")
    change(host)
    assert why in verified(host)[0]["why"]


def test_without_a_tab_there_is_nothing_to_verify(host):
    done = run("verify", "--host", host.root)
    assert done.returncode == 1 and "pciferry apply DEVICE writes it" in done.stderr
