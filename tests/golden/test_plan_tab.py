# SPDX-License-Identifier: GPL-2.0-or-later
"""plan and apply without arguments: an edited /etc/pciferry.tab is made true."""
import json
import shutil

import pytest

import checks
from checks import CARD, PORT
from configspace import ENDPOINT, Config
from planhost import TAB, debian, make, needs_tools, run, snapshot, without_generated

pytestmark = needs_tools
LINE = "device 0000:05:00.0 1234:8086/1234:0002@02.0/00.0 vfio-pci"
OTHERS = "vf 0000:00:02.0 1234:000c/0000:0000@02.0 4\npages node0 2M 4\n"


@pytest.fixture(name="debian")
def host_of_debian(off):
    make(off, debian)
    return off


def told(host, command="plan", *args):
    done = run(command, *args, "--root", host.root, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(host, *words):
    before = snapshot(host.root)
    for command in ("plan", "apply"):
        done = run(command, "--root", host.root)
        assert done.returncode == 3 and "/etc/pciferry.tab" in done.stderr, done.stderr
        for word in words:
            assert word in done.stderr, done.stderr
    assert snapshot(host.root) == before


def image(host):
    return (host.root / checks.IMAGE).read_bytes()


def test_a_line_that_was_written_by_hand_comes_true_and_can_be_taken_back(debian):
    text = f"# mine\n{OTHERS}{LINE}   # the card"
    debian.file(TAB, text)
    before = snapshot(debian.root)
    plan = told(debian)
    assert [(one["address"], one["named"]) for one in plan["devices"]] == [(CARD, True)]
    assert told(debian, "apply")["change"] == 1
    assert (debian.root / TAB).read_text() == text, "it is the person's"
    assert text.encode() in image(debian)
    assert "intel_iommu=on" in (debian.root / "boot/grub/grub.cfg").read_text()
    again = told(debian, "apply")
    assert again["change"] is None and not again["edits"]
    assert run("undo", "--root", debian.root).returncode == 0
    assert without_generated(snapshot(debian.root)) == without_generated(before)


def test_a_line_that_was_taken_out_is_bound_no_more(debian):
    assert told(debian, "apply", CARD)["change"] == 1
    path = debian.root / TAB
    path.write_text(path.read_text().replace(LINE + "\n", ""))
    plan = told(debian)
    assert plan["released"] == [CARD] and not plan["devices"]
    assert [one["path"] for one in plan["edits"]] == ["usr/sbin/update-initramfs"]
    shown = run("plan", "--root", debian.root).stdout
    assert "At each boot, for a guest: nothing\nNo longer:\n  0000:05:00.0\n" in shown
    assert told(debian, "apply")["change"] == 2
    assert b"device 0000" not in image(debian)
    assert told(debian, "apply")["change"] is None and not told(debian)["released"]


def test_a_tab_that_is_gone_is_gone_in_the_images_too(debian):
    assert told(debian, "apply", CARD)["change"] == 1
    (debian.root / TAB).unlink()
    assert told(debian)["released"] == [CARD]
    assert told(debian, "apply")["change"] == 2
    assert b"device 0000" not in image(debian) and not (debian.root / TAB).exists()
    done = run("apply", "--root", debian.root)
    assert done.returncode == 1 and "/etc/pciferry.tab: there is none" in done.stderr


def test_an_image_without_the_tab_is_made_anew_though_no_file_changes(debian):
    assert told(debian, "apply", CARD)["change"] == 1
    before = image(debian)
    checks.ready_image(debian)
    assert told(debian, "apply", CARD)["change"] == 2
    assert LINE.encode() in image(debian) and LINE.encode() in before
    # Of one that cannot be read it is not known: it is made anew when the tab is the wish.
    (debian.root / checks.IMAGE).write_bytes(b"nonsense")
    assert told(debian, "apply", CARD)["change"] is None
    assert told(debian, "apply")["change"] == 3
    assert LINE.encode() in image(debian)


def test_each_line_that_cannot_come_true_is_told_with_its_number(debian):
    debian.file(TAB, f"# mine\n{LINE}\n{LINE}\nnonsense\n"
                "device 0000:05:00.0 1234:8086 vfio-pci\n"
                "device 0000:7f:00.0 1234:8086/1234:0002@02.0/00.0 vfio-pci\n"
                "device 0000:03:00.0 1234:8086/1234:0002@02.0/00.0 vfio-pci\n")
    refused(debian, "line 3: line 2 is for the same", "line 4: it begins with no word",
            "line 5: its identity is none", "line 6: 0000:7f:00.0: nothing is at this address",
            "line 7: 0000:03:00.0: it is 1234:0010/1234:0002, not 1234:8086/1234:0002")


def test_another_device_at_the_address_is_told_as_what_it_is(debian):
    debian.file(TAB, LINE.replace("@02.0", "@1c.0") + "\n")
    refused(debian, "line 1: 0000:05:00.0: its path is 02.0/00.0, not 1c.0/00.0")


def test_the_rest_of_a_group_is_added_and_the_choice_of_a_driver_stays(debian):
    space = bytearray((debian.root / debian.folder(CARD) / "config").read_bytes())
    space[0x0e] |= 0x80
    debian.file(f"{debian.folder(CARD)}/config", bytes(space))
    debian.device("0000:05:00.1", "1234:8087", "040300", None, None, PORT,
                  Config("1234:8087", "040300").express(ENDPOINT).make())
    debian.file(f"lib/modules/{checks.RELEASE}/kernel/drivers/vfio/pci/mlx5_vfio_pci.ko", "")
    line = LINE.replace("vfio-pci", "mlx5_vfio_pci") + "  # mine"
    debian.file(TAB, line + "\n")
    plan = told(debian)
    assert [(one["address"][-1], one["named"]) for one in plan["devices"]] == [
        ("0", True), ("1", False)]
    assert told(debian, "apply")["change"] == 1
    lines = (debian.root / TAB).read_text().splitlines()
    assert lines[0] == line and lines[1].startswith("device 0000:05:00.1 1234:8087/")
    assert lines[1].endswith(" vfio-pci")


def test_what_the_host_boots_from_is_refused_in_the_tab_too(debian):
    debian.file("proc/self/mountinfo", "25 0 259:0 / / rw - ext4 /dev/nvme0n1 rw\n")
    debian.file(TAB, "device 0000:02:00.0 1234:0010/1234:0002@1c.0/00.0 vfio-pci\n")
    path = json.loads(run("show", "0000:02:00.0", "--json", "--host",
                          debian.root).stdout)["devices"][0]["path"]
    debian.file(TAB, f"device 0000:02:00.0 1234:0010/1234:0002@{path} vfio-pci\n")
    before = snapshot(debian.root)
    done = run("apply", "--root", debian.root)
    assert done.returncode == 3 and "the host needs it at its next boot" in done.stderr
    assert snapshot(debian.root) == before


def test_a_tab_can_be_saved_as_a_plan(debian, tmp_path):
    debian.file(TAB, LINE + "\n")
    path = tmp_path / "plan.json"
    assert run("plan", "--root", debian.root, "-o", path).returncode == 0
    done = run("apply", path, "--root", debian.root)
    assert done.returncode == 0, done.stderr
    assert LINE.encode() in image(debian)
    debian.file(TAB, "# nothing\n")
    before = snapshot(debian.root)
    done = run("apply", path, "--root", debian.root)
    assert done.returncode == 3 and f"{CARD}: it does not go along now" in done.stderr
    assert snapshot(debian.root) == before


def test_other_lines_alone_need_nothing(debian):
    debian.file(TAB, OTHERS)
    shutil.rmtree(debian.root / "usr/share/initramfs-tools")
    plan = told(debian, "apply")
    assert plan["change"] is None and not plan["devices"] and not plan["instructions"]
