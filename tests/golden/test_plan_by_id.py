# SPDX-License-Identifier: GPL-2.0-or-later
"""--by-id: for booster, which runs no scripts, and for hosts without an initramfs."""
import json
import shutil

import pytest

import bootfiles
import checks
from checks import CARD
from planhost import (TAB, WAYS, debian, make, needs_tools, run, snapshot, tool,
                      without_generated)

pytestmark = needs_tools
TWIN, FREE = "0000:02:00.0", "0000:03:00.0"
SOFTDEPS, LOADS = "etc/modprobe.d/pciferry.conf", "etc/modules-load.d/pciferry.conf"
BOOSTER = "etc/booster.yaml"
WORD = "vfio-pci.ids=1234:8086"
SETTING = "etc/default/grub.d/pciferry.cfg"


def without_builder(host, way=debian):
    """No initramfs; its card has a driver that is a module of the kernel."""
    make(host, way)
    shutil.rmtree(host.root / "usr/share/initramfs-tools")
    host.file("etc/modprobe.d/vfio.conf", "")
    host.file(f"lib/modules/{checks.RELEASE}/modules.alias",
              "alias pci:v00001234d00008086sv*sd*bc*sc*i* e1000e\n")
    return host


def booster(host, text="compression: zstd\n"):
    without_builder(host)
    tool(host, "usr/lib/booster/regenerate_images", "#!/bin/sh\necho done\n")
    if text is not None:
        host.file(BOOSTER, text)
    return host


def told(host, *args, command="plan"):
    done = run(command, *args, "--root", host.root, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def there_and_back(host, *args):
    """Applied, applied again, and undone; what had changed in between, images aside."""
    before = snapshot(host.root)
    assert told(host, CARD, "--by-id", *args, command="apply")["change"]
    after = snapshot(host.root)
    again = told(host, CARD, "--by-id", *args, command="apply")
    assert again["change"] is None and not again["edits"], again
    assert run("undo", "--root", host.root).returncode == 0
    assert without_generated(snapshot(host.root)) == without_generated(before)
    return {name: value[3][0].decode() for name, value in after.items()
            if value != before.get(name) and "initrd" not in name and not name.endswith(".efi")}


def test_without_an_initramfs_the_module_comes_before_the_driver(rooted):
    changed = there_and_back(without_builder(rooted))
    head = "# Written by pciferry; pciferry undo takes it back.\n"
    assert changed.pop(SOFTDEPS) == f"{head}softdep e1000e pre: vfio-pci\n"
    assert changed.pop(LOADS) == f"{head}vfio-pci\n"
    assert f" {WORD} " in changed.pop(SETTING)
    assert f"device {CARD} " in changed.pop(TAB)
    entries = changed.pop("boot/grub/grub.cfg").splitlines()
    assert [WORD in line for line in entries if "\tlinux" in line and "single" not in line] == [
        True, True]
    assert not [line for line in entries if "single" in line and WORD in line]
    assert not changed


def test_built_in_it_needs_the_ids_alone(rooted):
    without_builder(rooted)
    checks.kernel(rooted, built_in=("vfio-pci",))
    assert set(there_and_back(rooted)) == {TAB, SETTING, "boot/grub/grub.cfg"}
    assert not [line for line in told(rooted, CARD, "--by-id")["risks"] if "vfio-pci is a" in line]
    # The next kernel has it as a module.
    checks.kernel(rooted, "6.12.9-amd64")
    plan = told(rooted, CARD, "--by-id")
    assert LOADS in [one["path"] for one in plan["edits"]]
    assert any("a module of the kernel 6.12.9-amd64" in line and "root file system" in line
               for line in plan["risks"])


def test_what_it_cannot_do_is_told_before(rooted):
    without_builder(rooted)
    checks.kernel(rooted, built_in=("e1000e",))
    checks.kernel(rooted, "6.12.9-amd64", without=("vfio-pci",))
    plan = told(rooted, CARD, "--by-id")
    assert any(f"{CARD}: its driver e1000e is built into the kernel {checks.RELEASE}" in line
               for line in plan["risks"])
    assert any("the kernel 6.12.9-amd64 has no vfio-pci" in line for line in plan["risks"])
    assert SOFTDEPS not in [one["path"] for one in plan["edits"]]


LISTS = {
    "no such key": ("compression: zstd\n", "compression: zstd\nmodules_force_load: vfio_pci\n"),
    "no newline": ("compression: zstd", "compression: zstd\nmodules_force_load: vfio_pci\n"),
    "no file": (None, "modules_force_load: vfio_pci\n"),
    "a list": ("modules_force_load: amdgpu,nvme\nstrip: true\n",
               "modules_force_load: amdgpu,nvme,vfio_pci\nstrip: true\n"),
    "with a comment": ("---\n# mine\nmodules_force_load:  amdgpu  # why\n",
                       "---\n# mine\nmodules_force_load:  amdgpu,vfio_pci  # why\n"),
    "in quotes": ('modules_force_load: "amdgpu"\r\nx: y\r\n',
                  'modules_force_load: "amdgpu,vfio_pci"\r\nx: y\r\n'),
    "in empty quotes": ("modules_force_load: ''\n", "modules_force_load: 'vfio_pci'\n"),
    "of another level": ("network:\n  modules_force_load: x\n",
                         "network:\n  modules_force_load: x\nmodules_force_load: vfio_pci\n"),
    "in a comment": ("#modules_force_load: x\n", "#modules_force_load: x\n"
                     "modules_force_load: vfio_pci\n"),
}


@pytest.mark.parametrize("name", LISTS)
def test_booster_loads_it_first(rooted, name):
    before, after = LISTS[name]
    booster(rooted)
    (rooted.root / BOOSTER).unlink()
    if before is not None:
        (rooted.root / BOOSTER).write_bytes(before.encode())
    changed = there_and_back(rooted)
    assert changed.pop(BOOSTER) == after
    assert WORD in changed.pop(SETTING)
    assert set(changed) == {TAB, "boot/grub/grub.cfg"}
    plan = told(rooted, CARD, "--by-id")
    assert [one["path"] for one in plan["edits"] if one["kind"] == "run"] == [
        "usr/lib/booster/regenerate_images", "usr/sbin/update-grub"]
    assert any("does not wait for it" in line for line in plan["risks"])


def test_what_booster_has_already_is_not_added_again(rooted):
    booster(rooted, "modules_force_load: amdgpu, vfio_pci\n")
    assert BOOSTER not in there_and_back(rooted)


@pytest.mark.parametrize("text", [
    "modules_force_load:\n  - amdgpu\n", "modules_force_load: [amdgpu]\n",
    "modules_force_load: >\n  amdgpu\n", "{modules_force_load: x}\n", "a: b\n---\nc: d\n",
    "modules_force_load: a\nmodules_force_load: b\n", "modules_force_load: 'a\n"])
def test_a_booster_yaml_that_is_written_otherwise_is_left_to_the_person(rooted, text):
    booster(rooted, text)
    before = snapshot(rooted.root)
    done = run("apply", CARD, "--by-id", "--root", rooted.root)
    assert done.returncode == 3 and "add vfio_pci to modules_force_load by hand" in done.stderr
    assert snapshot(rooted.root) == before


@pytest.mark.parametrize("way", [without_builder, booster])
def test_where_nothing_binds_by_address_it_is_named_as_the_way(rooted, way):
    way(rooted)
    done = run("apply", CARD, "--root", rooted.root)
    assert done.returncode == 3 and "add --by-id" in done.stderr


def grub(host, words):
    host.file("etc/default/grub", f'GRUB_CMDLINE_LINUX_DEFAULT="quiet {words} splash"\n'
              'GRUB_CMDLINE_LINUX="intel_iommu=on"\n')
    checks.grub(host, checks.menuentry("Debian", f"ro intel_iommu=on quiet {words} splash"),
                default=(host.root / "etc/default/grub").read_text())


@pytest.mark.parametrize("words,after", [
    ("vfio-pci.ids=1234:0001", "vfio-pci.ids=1234:0001,1234:8086"),
    ("vfio_pci.ids=1234:8086,1234:0001", "vfio-pci.ids=1234:8086,1234:0001"),
    ("vfio-pci.ids=1234:0001,1234:8086", "vfio-pci.ids=1234:0001,1234:8086")])
def test_ids_that_are_there_are_merged_and_not_doubled(rooted, words, after):
    without_builder(rooted)
    grub(rooted, words)
    changed = there_and_back(rooted)
    text = changed.get("etc/default/grub", (rooted.root / "etc/default/grub").read_text())
    assert text == (f'GRUB_CMDLINE_LINUX_DEFAULT="quiet {after} splash"\n'
                    'GRUB_CMDLINE_LINUX="intel_iommu=on"\n')
    assert SETTING not in changed
    rooted.file("etc/modprobe.d/mine.conf", "options vfio-pci ids=1234:0077\n")
    assert "1234:0077" in there_and_back(rooted)["etc/default/grub"]


@pytest.mark.parametrize("way", [way for way, *_ in WAYS if way not in (
    bootfiles.kernelstub, bootfiles.ostree, bootfiles.nixos)])
def test_the_ids_get_where_the_loader_looks(rooted, way):
    changed = there_and_back(without_builder(rooted, way))
    for name in (TAB, SOFTDEPS, LOADS):
        assert changed.pop(name)
    assert changed and all(WORD in text for text in changed.values()), changed


def test_each_entry_gets_them_though_only_one_has_some(rooted):
    without_builder(rooted, bootfiles.systemd_boot)
    entries = "efi/loader/entries"
    text = (rooted.root / entries / "debian.conf").read_text()
    rooted.file(f"{entries}/other.conf", text.replace("ro quiet", "ro vfio-pci.ids=1:2 quiet"))
    changed = there_and_back(rooted)
    assert "ro vfio-pci.ids=1:2,1234:8086 quiet" in changed[f"{entries}/other.conf"]
    for name in ("debian", "other"):
        assert changed[f"{entries}/{name}.conf"].count("vfio-pci.ids=1:2,1234:8086") == 1


def test_a_twin_that_stays_with_the_host_is_not_taken(rooted):
    without_builder(rooted)
    before = snapshot(rooted.root)
    for command in ("plan", "apply"):
        done = run(command, FREE, "--by-id", "--root", rooted.root)
        assert done.returncode == 3
        assert f"{TWIN}: it has the IDs of {FREE}, 1234:0010:1234:0002" in done.stderr
    assert snapshot(rooted.root) == before
    words = [one["purpose"] for one in told(rooted, FREE, TWIN, "--by-id")["edits"]]
    assert any("vfio-pci.ids=1234:0010" in word for word in words)
    path = rooted.root / rooted.folder(TWIN) / "modalias"
    path.write_text(path.read_text().replace("sd00000002", "sd00000003"))
    words = [one["purpose"] for one in told(rooted, FREE, "--by-id")["edits"]]
    assert any("vfio-pci.ids=1234:0010:1234:0002" in word for word in words)


def test_the_way_back_is_an_entry_without_them(rooted):
    without_builder(rooted)
    plan = told(rooted, CARD, "--by-id")
    assert any("recovery entry" in line and "without the IDs" in line for line in plan["ways_back"])
    assert not any("pciferry=off" in line for line in plan["ways_back"])
    checks.grub(rooted, checks.menuentry("Debian", "ro quiet intel_iommu=on"))
    plan = told(rooted, CARD, "--by-id")
    assert not any("recovery entry" in line for line in plan["ways_back"])
    assert any("no recovery entry" in line for line in plan["risks"])
    assert not any("recovery entry" in line for line in told(rooted, CARD, "--by-id")["ways_back"])


def test_where_it_works_by_address_it_is_done_only_when_asked_for(rooted):
    make(rooted, debian)
    rooted.file("etc/modprobe.d/vfio.conf", "")
    plan = told(rooted, CARD)
    assert not [one for one in plan["edits"] if "vfio-pci.ids" in one["purpose"]]
    plan = told(rooted, CARD, "--by-id")
    assert any("by address, without --by-id" in line for line in plan["risks"])
    assert [one["path"] for one in plan["edits"] if one["kind"] == "run"][0] == (
        "usr/sbin/update-initramfs")
    for other in ("--adopt", "--trial"):
        assert run("apply", CARD, "--by-id", other, "--root", rooted.root).returncode == 2
