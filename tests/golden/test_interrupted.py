# SPDX-License-Identifier: GPL-2.0-or-later
"""A change that was cut off: what the next command says, and the ways on.

It is cut off as by a crash: the tool that it runs kills pciferry."""
import json
import shutil
import subprocess

import pytest

import livehost
from checks import CARD
from planhost import (TAB, UPDATE_INITRAMFS, debian, make, needs_tools, run, snapshot, tool,
                      without_generated)
from program import PROGRAM

pytestmark = needs_tools

WAYS = "pciferry undo 1 --root {0} takes it back, pciferry apply --resume --root {0} goes on with it"
GENERATOR = "usr/sbin/update-initramfs"


@pytest.fixture(name="cut")
def host_with_an_interrupted_change(off):
    make(off, debian)
    mended = (off.root / GENERATOR).read_text()
    off.before = without(snapshot(off.root))
    tool(off, GENERATOR, "#!/bin/sh\nbusybox kill -9 $PPID\n")
    assert run("apply", CARD, "--root", off.root).returncode == -9
    tool(off, GENERATOR, mended)
    return off


def without(files):
    """What a tool has made anew, and the tool that was put there twice."""
    return without_generated({name: value for name, value in files.items()
                              if name != GENERATOR})


def told(done):
    return [line for line in done.stderr.splitlines() if "interrupted" in line]


def test_the_next_command_says_so_and_names_both_ways(cut):
    for command in ("history", "--json"), ("plan", CARD, "--json"):
        done = run(*command, "--root", cut.root)
        assert told(done) == [f"pciferry: change 1 was interrupted: {WAYS.format(cut.root)}"]
        json.loads(done.stdout)
        assert not told(run(*command, "--quiet", "--root", cut.root))
    assert told(run("apply", CARD, "--dry-run", "--root", cut.root))


def test_every_command_on_the_machine_itself_says_so(cut):
    if not livehost.is_possible():
        pytest.skip("no host to live in can be made here")
    if b"__asan_init" in PROGRAM.read_bytes():
        pytest.skip("the sanitizers want a /proc of their own")
    for name in ("bin", "dev", "lib", "lib64", "pciferry", "usr"):
        shutil.rmtree(cut.root / name, ignore_errors=True)
    live = livehost.LiveHost(cut, PROGRAM)
    for command in ["list"], ["show", CARD], ["check", "--only", "iommu"], ["verify"]:
        done = live.run(*command)
        assert told(done) == [
            "pciferry: change 1 was interrupted: pciferry undo 1 takes it back,"
            " pciferry apply --resume goes on with it"], command
    assert not told(live.run("list", "--quiet"))
    # One who may not read the journal is told nothing, and stopped by nothing.
    done = live.run("list", user=65534)
    assert done.returncode == 0 and not told(done)
    # A recording is of another machine.
    assert live.run("record", "/out/host.tar").returncode == 0
    assert not told(live.run("list", "--host", "/out/host.tar"))


def test_a_new_change_waits_until_that_one_is_mended(cut):
    half = snapshot(cut.root)
    done = run("apply", CARD, "--root", cut.root)
    assert done.returncode == 3
    assert done.stderr.splitlines() == [
        "pciferry: change 1: it was interrupted, and comes first: nothing was changed",
        "  " + WAYS.format(cut.root)]
    assert snapshot(cut.root) == half


def test_it_can_be_gone_on_with(cut):
    done = run("apply", "--resume", "--root", cut.root, "--json")
    assert done.returncode == 0, done.stderr
    resumed = json.loads(done.stdout)
    assert resumed["change"] == 1 and resumed["reboot_required"]
    assert [one["address"] for one in resumed["devices"]] == [CARD]
    assert CARD in (cut.root / TAB).read_text()
    assert "intel_iommu=on" in (cut.root / "boot/grub/grub.cfg").read_text()
    assert not told(run("history", "--root", cut.root))
    again = run("apply", CARD, "--root", cut.root)
    assert again.returncode == 0 and again.stdout == "Nothing had to be changed.\n"
    assert run("undo", "--root", cut.root).returncode == 0
    assert without(snapshot(cut.root)) == cut.before


def test_it_can_be_taken_back(cut):
    assert run("undo", "1", "--root", cut.root).returncode == 0
    assert without(snapshot(cut.root)) == cut.before
    assert not told(run("history", "--root", cut.root))
    assert run("apply", CARD, "--root", cut.root).returncode == 0


def test_what_somebody_has_edited_since_is_not_gone_on_with(cut):
    (cut.root / TAB).write_text("# mine\n")
    half = snapshot(cut.root)
    done = run("apply", "--resume", "--root", cut.root)
    assert done.returncode == 3
    assert done.stderr.startswith(f"pciferry: /{TAB}: it is not as change 1 left it: "
                                  "nothing was done\n")
    assert "+# mine" in done.stderr
    assert snapshot(cut.root) == half


def test_without_an_interrupted_change_there_is_nothing_to_go_on_with(off):
    make(off, debian)
    done = run("apply", "--resume", "--root", off.root)
    assert done.returncode == 1 and "no change was interrupted" in done.stderr
    assert run("apply", "--resume", CARD, "--root", off.root).returncode == 2
    assert run("apply", "--resume", "--dry-run", "--root", off.root).returncode == 2


def test_a_change_that_is_being_made_is_not_called_interrupted(off):
    """Another one asks in the middle of it."""
    make(off, debian)
    tool(off, GENERATOR, UPDATE_INITRAMFS.replace("\n", "\nbusybox touch /running\n"
         "while [ -e /running ]; do busybox sleep 0.05; done\n", 1))
    with subprocess.Popen([PROGRAM, "apply", CARD, "--root", off.root],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as apply:
        while not (off.root / "running").exists():
            assert apply.poll() is None
        history = run("history", "--root", off.root, "--json")
        (off.root / "running").unlink()
        if apply.wait(60):
            apply.kill()
            raise AssertionError("it failed")
    changes = json.loads(history.stdout)["changes"]
    assert [change["state"] for change in changes] == ["in progress"] and not history.stderr
