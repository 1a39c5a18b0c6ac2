# SPDX-License-Identifier: GPL-2.0-or-later
"""What was set up by hand for the same purpose: found, told, and with --adopt taken over; all
else in those files stays byte for byte, and undo gives them back."""
import json
import re

import pytest

import bootfiles
import checks
from checks import CARD
from planhost import (TAB, debian, make, needs_tools, run, snapshot, tool, without_generated)

pytestmark = needs_tools
TWIN, FREE = "0000:02:00.0", "0000:03:00.0"
VFIO, MODULES = "etc/modprobe.d/vfio.conf", "etc/initramfs-tools/modules"
DRIVERCTL = f"etc/driverctl.d/pci-{CARD}"
ALIASES = f"lib/modules/{checks.RELEASE}/modules.alias"


@pytest.fixture(name="debian")
def host_of_debian(rooted):
    make(rooted, debian)
    rooted.file(ALIASES, (rooted.root / ALIASES).read_text() +
                "alias pci:v*d*sv*sd*bc01sc08i02* nvme\n")
    rooted.file(VFIO, "# mine\n")
    return rooted


def told(host, *args, command="plan"):
    done = run(command, *args, "--root", host.root, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def grub(host, words):
    """Settings with these words, and the entries made of them."""
    host.file("etc/default/grub", f'GRUB_CMDLINE_LINUX_DEFAULT="quiet {words}"\n'
              'GRUB_CMDLINE_LINUX="intel_iommu=on"\n')
    checks.grub(host, checks.menuentry("Debian", f"ro intel_iommu=on quiet {words}"),
                default=(host.root / "etc/default/grub").read_text())


def adopt(host, device, path, after):
    """It is found, agrees, is taken over when asked for, once, and comes back."""
    before = snapshot(host.root)
    found = told(host, device)["found"]
    assert [one["place"].partition(":")[0] for one in found if one["can_be_adopted"]], found
    assert not [one for one in found if one["adopted"] or one["fights"]], found
    done = told(host, device, "--adopt", command="apply")
    assert done["change"] == 1, done
    assert [one for one in done["found"] if one["adopted"]]
    place = host.root / path
    assert (place.read_bytes().decode() if place.exists() else None) == after
    again = told(host, device, "--adopt", command="apply")
    assert again["change"] is None and not again["found"], again
    assert run("undo", "--root", host.root).returncode == 0
    assert without_generated(snapshot(host.root)) == without_generated(before)
    return found


# The file before, and afterwards; None: it is gone.
LINES = {
    "the only ID of the only line": ("options vfio-pci ids=1234:8086\n", None),
    "with a comment": ("# mine\noptions vfio-pci ids=1234:8086\n# end", "# mine\n# end"),
    "one of three": ("options vfio-pci ids=1234:0001,1234:8086,1234:0003 disable_vga=1\n",
                     "options vfio-pci ids=1234:0001,1234:0003 disable_vga=1\n"),
    "the last of two": ("options vfio_pci ids=1234:0001,1234:8086\n",
                        "options vfio_pci ids=1234:0001\n"),
    "with another parameter": ("options vfio-pci  ids=1234:8086 disable_vga=1\n",
                               "options vfio-pci disable_vga=1\n"),
    "with its subsystem": ("options vfio-pci ids=1234:8086:1234:0002\n", None),
    "by pci-stub": ("options pci-stub ids=1234:8086\n", None),
    "over two lines": ("options vfio-pci \\\n\tids=1234:8086 \\\n\tdisable_vga=1\nalias a b\n",
                       "options vfio-pci \\\n \\\n\tdisable_vga=1\nalias a b\n"),
    "a whole line over two": ("alias a b\noptions vfio-pci \\\n  ids=1234:8086\nalias c d\n",
                              "alias a b\nalias c d\n"),
    "in the form of DOS": ("alias a b\r\noptions vfio-pci ids=1234:8086\r\n", "alias a b\r\n"),
    "in two lines": ("options vfio-pci ids=1234:8086\n# x\noptions pci-stub ids=1234:8086,1:2\n",
                     "# x\noptions pci-stub ids=1:2\n"),
    "with what belongs to it": ("softdep ferry_net pre: vfio-pci\nblacklist ferry_net\n"
                                "options vfio-pci ids=1234:8086\n", None),
    "a softdep alone": ("softdep ferry-net pre: vfio-pci vfio\n", None),
    "a blacklist alone": ("blacklist ferry_net # for guests\nblacklist other\n",
                          "blacklist other\n"),
}


@pytest.mark.parametrize("name", LINES)
def test_a_line_of_modprobe_is_taken_over_and_the_rest_stays(debian, name):
    before, after = LINES[name]
    debian.file(VFIO, before)
    for one in adopt(debian, CARD, VFIO, after):
        assert one["devices"] == [CARD] and one["place"].startswith(f"/{VFIO}:"), one


def test_a_softdep_stays_while_others_are_bound_by_their_ids(debian):
    text = "softdep ferry_net pre: vfio-pci\noptions vfio-pci ids=1234:9999\n"
    debian.file(VFIO, text)
    found = told(debian, CARD, "--adopt")["found"]
    assert [one["adopted"] for one in found] == [False]
    assert told(debian, CARD, "--adopt", command="apply")["change"]
    assert (debian.root / VFIO).read_text() == text
    debian.file(VFIO, "softdep ferry_net pre: vfio-pci something\n")
    assert not told(debian, CARD, "--adopt")["found"][0]["adopted"]


WORDS = {
    "vfio-pci.ids=1234:8086": "",
    "vfio_pci.ids=1234:8086,1234:0001": " vfio_pci.ids=1234:0001",
    "pci-stub.ids=1234:0001,1234:8086 x": " pci-stub.ids=1234:0001 x",
    "modprobe.blacklist=ferry_net": "",
    "rd.driver.blacklist=other,ferry_net": " rd.driver.blacklist=other",
    "vfio-pci.ids=1234:8086 rd.driver.blacklist=ferry_net": "",
}


@pytest.mark.parametrize("words", WORDS)
def test_a_word_of_the_command_line_is_taken_over_in_its_place(debian, words):
    grub(debian, words)
    after = f'GRUB_CMDLINE_LINUX_DEFAULT="quiet{WORDS[words]}"\nGRUB_CMDLINE_LINUX="intel_iommu=on"\n'
    for one in adopt(debian, CARD, "etc/default/grub", after):
        assert one["place"] == "the kernel's command line" and one["devices"] == [CARD]


@pytest.mark.parametrize("way", [way for way, *_ in bootfiles.WAYS if way not in (
    bootfiles.kernelstub, bootfiles.ostree, bootfiles.nixos, bootfiles.openeuler)])
def test_it_is_taken_over_wherever_the_loader_has_it(rooted, way):
    make(rooted, way)
    rooted.file(VFIO, "")
    for path in snapshot(rooted.root):
        place = rooted.root / path
        if path.startswith(("boot/", "efi/", "etc/")) and place.suffix != ".efi":
            place.write_bytes(re.sub(rb"(root=UUID=0b7a)( ro| \$)",
                                     rb"\1 vfio-pci.ids=1234:8086,1234:0001\2",
                                     place.read_bytes()))
    before = snapshot(rooted.root)
    done = told(rooted, CARD, "--adopt", command="apply")
    assert [one["adopted"] for one in done["found"]] == [True], done["found"]
    changed = [value[3][0] for name, value in snapshot(rooted.root).items()
               if value != before.get(name) and b"root=UUID" in value[3][0]
               and not name.endswith(".efi")]
    assert changed
    for text in changed:
        assert b"=UUID=0b7a vfio-pci.ids=1234:0001 " in text and b"1234:8086,1234" not in text
    assert run("undo", "--root", rooted.root).returncode == 0
    assert without_generated(snapshot(rooted.root)) == without_generated(before)


@pytest.mark.parametrize("way,words", [
    (bootfiles.nixos, ['take "vfio-pci.ids=1234:8086,1:2" out of boot.kernelParams',
                       'boot.kernelParams = [ "vfio-pci.ids=1:2" ]']),
    (bootfiles.ostree, ["rpm-ostree kargs --delete-if-present=vfio-pci.ids=1234:8086,1:2",
                        "rpm-ostree kargs --append-if-missing=vfio-pci.ids=1:2"])])
def test_where_an_edit_is_not_safe_the_person_is_told(rooted, way, words):
    make(rooted, way)
    rooted.file(VFIO, "")
    for path in rooted.root.rglob("*.conf"):
        if b"root=UUID=0b7a" in path.read_bytes():
            path.write_bytes(path.read_bytes().replace(
                b"root=UUID=0b7a", b"root=UUID=0b7a vfio-pci.ids=1234:8086,1:2"))
    before = snapshot(rooted.root)
    done = run("apply", CARD, "--adopt", "--root", rooted.root)
    assert done.returncode == 3
    for word in words:
        assert word in done.stderr, done.stderr
    assert snapshot(rooted.root) == before


def test_an_id_that_a_twin_has_too_is_told(debian):
    debian.file(VFIO, "options vfio-pci ids=1234:0010\n")
    shown = run("plan", FREE, "--root", debian.root).stdout
    assert (f"/{VFIO}:1: options vfio-pci ids=1234:0010: vfio-pci takes {FREE} by its IDs, and "
            f"takes as well: {TWIN}: --adopt takes it over") in shown
    plan = told(debian, FREE, "--adopt")
    assert plan["found"][0]["also"] == [TWIN]
    assert any(TWIN in line and "the host's again" in line for line in plan["risks"])
    assert not told(debian, FREE)["risks"]


def test_a_driver_that_is_kept_from_others_too_stays_away(debian):
    """Another driver may be meant for them: nvidia's own, in place of nouveau."""
    text = "blacklist nvme\n"
    debian.file(VFIO, text)
    found = told(debian, FREE, "--adopt")["found"]
    assert [(one["devices"], one["also"], one["adopted"], one["can_be_adopted"])
            for one in found] == [([FREE], [TWIN], False, False)]
    assert "left alone" in found[0]["meaning"]
    assert told(debian, FREE, "--adopt", command="apply")["change"]
    assert (debian.root / VFIO).read_text() == text


def test_settings_for_other_devices_are_nobodys_business(debian):
    debian.file(VFIO, checks.MODPROBE)
    grub(debian, "vfio-pci.ids=1234:5046 modprobe.blacklist=nouveau")
    debian.file("etc/driverctl.d/pci-0000:01:00.0", "nouveau\n")
    assert told(debian, CARD, "--adopt")["found"] == []


MODULES_FILE = {
    "the modules of VFIO": ("# List\next4\nvfio\nvfio_iommu_type1\nvfio_virqfd\nvfio_pci\n",
                            "# List\next4\n"),
    "with the IDs": ("vfio-pci ids=1234:8086\next4\n", "ext4\n"),
    "with more IDs": ("vfio-pci ids=1234:8086,1234:1\next4\n", "vfio-pci ids=1234:1\next4\n"),
    "as in modprobe.d": ("softdep nouveau pre: vfio vfio_pci\noptions vfio_pci disable_vga=1\n# x\n",
                         "# x\n"),
}


@pytest.mark.parametrize("name", MODULES_FILE)
def test_lines_in_debians_file_of_modules_are_taken_over(debian, name):
    before, after = MODULES_FILE[name]
    debian.file(MODULES, before)
    adopt(debian, CARD, MODULES, after)


def test_an_override_of_driverctl_is_taken_over_or_fights(debian):
    debian.file(DRIVERCTL, "vfio-pci\n")
    assert adopt(debian, CARD, DRIVERCTL, None)[0]["place"] == f"/{DRIVERCTL}"
    debian.file(DRIVERCTL, "ferry_net\n")
    before = snapshot(debian.root)
    for more in ([], ["--adopt"]):
        plan = told(debian, CARD, *more)
        assert plan["found"][0]["fights"] and not plan["found"][0]["can_be_adopted"]
        assert not plan["edits"] and plan["instructions"]
        done = run("apply", CARD, *more, "--root", debian.root)
        assert done.returncode == 3 and f"driverctl unset-override {CARD}" in done.stderr
    assert snapshot(debian.root) == before


def test_a_packages_file_is_told_and_not_edited(debian):
    path = "usr/lib/modprobe.d/vendor.conf"
    debian.file(path, "options vfio-pci ids=1234:8086\n")
    before = snapshot(debian.root)
    assert not told(debian, CARD)["instructions"]
    done = run("apply", CARD, "--adopt", "--root", debian.root)
    assert done.returncode == 3 and f"/{path}:1" in done.stderr
    assert "hide it with a file of that name in /etc/modprobe.d" in done.stderr
    assert snapshot(debian.root) == before


def test_without_the_option_nothing_of_it_is_touched(debian):
    debian.file(VFIO, "options vfio-pci ids=1234:8086\n")
    grub(debian, "vfio-pci.ids=1234:8086")
    debian.file(DRIVERCTL, "vfio-pci\n")
    before = snapshot(debian.root)
    assert told(debian, CARD, command="apply")["change"] == 1
    after = snapshot(debian.root)
    assert {name for name in after if after[name] != before.get(name)} == {TAB, checks.IMAGE}


def test_the_tab_adopts_as_well(debian, tmp_path):
    debian.file(TAB, "device 0000:05:00.0 1234:8086/1234:0002@02.0/00.0 vfio-pci\n")
    debian.file(VFIO, "options vfio-pci ids=1234:8086\n")
    path = tmp_path / "plan.json"
    assert run("plan", "--adopt", "--root", debian.root, "-o", path).returncode == 0
    assert run("apply", path, "--root", debian.root).returncode == 0
    assert not (debian.root / VFIO).exists()


def test_a_failing_tool_gives_back_what_was_taken_over(debian):
    debian.file(VFIO, "options vfio-pci ids=1234:8086\n")
    debian.file(DRIVERCTL, "vfio-pci\n")
    tool(debian, "usr/sbin/update-initramfs", "#!/bin/sh\nexit 1\n")
    before = snapshot(debian.root)
    assert run("apply", CARD, "--adopt", "--root", debian.root).returncode == 1
    assert without_generated(snapshot(debian.root)) == without_generated(before)


def test_a_trial_takes_nothing_over(debian):
    done = run("apply", CARD, "--adopt", "--trial", "--root", debian.root)
    assert done.returncode == 2 and "--adopt" in done.stderr
