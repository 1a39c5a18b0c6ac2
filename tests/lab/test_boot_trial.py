# SPDX-License-Identifier: GPL-2.0-or-later
"""Trials on a whole system: firmware, GRUB, its grubenv, initramfs-tools and systemd are real,
the reboots are the machine's own (QEMU ends at each). Shorter than in life is only the time
that pciferry-trial.timer waits.

With MATRIX=systems in the environment: it takes half an hour, and is run by itself.
"""
import re
import shutil

import pytest

from test_boot import ROOT, Boot, by_itself, installed_files, run

pytestmark = by_itself("many boots of a whole system", "trial")
installed = installed_files
TRIED = "NVME_FREE", "GPU", "GPU_AUDIO"
# The lab's status where the machine was reset before the scenario came to its end.
RESET = 125


@pytest.fixture(name="boots", scope="module")
def boots_of_trials(installed, tmp_path_factory):
    """A trial that nobody commits, one that is committed, one that cannot boot, and one whose
    systemd dies."""
    folder = tmp_path_factory.mktemp("trial")
    run(ROOT / "lab/lab", "install", "grub", folder)

    def boot(name, *words, allowed=(0,)):
        return Boot(folder, folder / name, *words, options=["--files", installed],
                    allowed=allowed)

    yield {
        "first": boot("first", "install", "remember", "trial"),
        "tried": boot("tried", "verify", "await_reboot", allowed=(RESET,)),
        "back": boot("back", "verify", "undo", "compare", "trial_pages"),
        "again": boot("again", "verify", "commit", "await_nothing"),
        "bound": boot("bound", "verify", "show_pages", "undo", "compare", "trial", "spoil_trial"),
        "spoilt": boot("spoilt", allowed=(RESET,)),
        "after": boot("after", "verify", "undo", "compare", "trial"),
        "hung": boot("hung", "hang", allowed=(RESET,)),
        "freed": boot("freed", "undo", "compare"),
    }
    shutil.rmtree(folder)


def on_vfio(boot):
    return [name for name in TRIED if boot.driver[boot.at[name]] == "vfio-pci"]


def test_the_next_boot_goes_by_the_trial(boots):
    assert boots["first"].status["trial"] == 0 and "pciferry=trial" not in boots["first"].cmdline
    tried = boots["tried"]
    assert "pciferry=trial:1" in tried.cmdline and "panic=30" in tried.cmdline
    assert on_vfio(tried) == list(TRIED)
    assert tried.status["verify"] == 0
    assert tried.driver[tried.at["NVME_SWAP"]] == "nvme"


def test_nobody_commits_and_it_reboots_by_itself_into_the_old_system(boots):
    assert "waiting for the reboot" in boots["tried"].told
    assert "nothing has rebooted" not in boots["tried"].told
    # The timer that a person has is the one of ten minutes.
    assert re.search(r"OnBootUSec=10min", boots["tried"].told)
    back = boots["back"]
    assert back.cmdline == boots["first"].cmdline and back.driver == boots["first"].driver


def test_the_old_system_is_untouched_when_the_trial_is_undone(boots):
    assert boots["back"].status["undo"] == 0 and boots["back"].status["compare"] == 0


def test_a_commit_makes_it_permanent_and_it_no_longer_reboots(boots):
    again = boots["again"]
    assert again.status["verify"] == 0 and again.status["commit"] == 0
    assert "still here" in again.told
    bound = boots["bound"]
    assert "pciferry=" not in bound.cmdline and "panic=30" not in bound.cmdline
    assert on_vfio(bound) == list(TRIED) and bound.status["verify"] == 0
    assert bound.text("pages").strip() == "32"
    assert bound.status["undo"] == 0 and bound.status["compare"] == 0


def test_a_trial_that_cannot_boot_comes_back_as_it_was(boots):
    assert boots["bound"].status["trial"] == 0
    assert "driver " not in boots["spoilt"].told
    after = boots["after"]
    assert after.cmdline == boots["first"].cmdline
    assert after.status["undo"] == 0 and after.status["compare"] == 0


def test_a_trial_that_hangs_is_reset_by_the_hardware_watchdog(boots):
    hung, freed = boots["hung"], boots["freed"]
    assert "pciferry=trial:" in hung.cmdline and "systemd.watchdog_sec=60" in hung.cmdline
    assert "systemd crashes" in hung.told and "nothing has reset" not in hung.told
    assert freed.cmdline == boots["first"].cmdline
    assert freed.status["undo"] == 0 and freed.status["compare"] == 0
