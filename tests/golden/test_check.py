# SPDX-License-Identifier: GPL-2.0-or-later
"""What holds for all checks; each area has a file of its own, test_check_<area>.py, with a
table WRONG: rows of the check's id, what goes wrong, what it then says, and a word of its fix."""
import importlib
import pathlib

import fakehost
from checks import CARD, all_checks, findings, run

AREAS = sorted(path.stem for path in pathlib.Path(__file__).parent.glob("test_check_*.py"))


def test_all_is_well_on_a_host_that_is_ready(host):
    found = findings(host, "--boot", CARD)
    assert {one["check"] for one in found} == set(all_checks())
    assert not [one for one in found if one["status"] != "PASS"]
    done = run(host)
    areas = list(dict.fromkeys(one["area"] for one in findings(host)))
    assert done.returncode == 0
    assert done.stdout == "".join(f"{area:10} PASS\n" for area in areas)


def test_every_check_has_a_host_on_which_it_finds_something():
    wrong = [row[0] for area in AREAS
             for row in getattr(importlib.import_module(area), "WRONG", [])]
    assert set(wrong) == set(all_checks())


def test_what_is_slow_is_done_when_asked_for(host):
    def checks_run(*args):
        return {one["check"] for one in findings(host, *args)}
    assert "boot-image" not in checks_run()
    assert checks_run("--boot") - checks_run() == {"boot-image", "boot-next"}
    assert checks_run("--only", "boot-image") == {"boot-image"}
    assert "boot-image" not in checks_run("--only", "boot")
    assert "boot-image" in checks_run("--only", "boot", "--boot")
    assert "boot-image" not in checks_run("--boot", "--skip", "boot-image")


def test_a_copy_of_the_devices_alone_says_nothing_of_the_rest(tmp_path):
    told = findings(fakehost.usual(tmp_path / "bare"))
    seen = {one["check"] for one in told if one["status"] != "UNKNOWN"}
    assert seen == {"iommu-groups", "iommu-domain"}


def test_checks_are_chosen_by_id_or_area(host):
    assert {one["area"] for one in findings(host, "--only", "iommu")} == {"iommu"}
    chosen = findings(host, "--only", "processor,iommu", "--skip", "iommu,cpu-guest")
    assert {one["check"] for one in chosen} >= {"cpu-virtualization", "kvm-module"}
    assert "cpu-guest" not in {one["check"] for one in chosen}
    assert {one["area"] for one in chosen} == {"processor"}
    done = run(host, "--only", "no-such")
    assert done.returncode == 2 and "check --list" in done.stderr
