# SPDX-License-Identifier: GPL-2.0-or-later
"""A change that meets a fault, or is killed, at each system call by which it does anything:
all is back then, at once or by an undo."""
import pytest

import strace

# Fewer than these, and the counting has gone wrong.
APPLY_POINTS, UNDO_POINTS = 80, 40

# The edited file, of which the tools make their images.
BEFORE = b'GRUB_CMDLINE_LINUX="quiet"\n'
AFTER = b'GRUB_CMDLINE_LINUX="quiet intel_iommu=on"\n'


def test_a_change_is_made_and_undone(machine):
    assert machine.run("apply").returncode == 0
    after = machine.snapshot()
    assert after["etc/default/grub"][-1] == AFTER
    assert after["etc/default/grub"][:4] == machine.before["etc/default/grub"][:4]
    assert "etc/modprobe.d/old.conf" not in after
    assert {"etc/new/deep/file", "etc/other/large"} <= after.keys()
    assert machine.images() == {AFTER.decode()}
    assert machine.run("history").stdout == "1 applied sound\n"
    machine.undo("without a fault")
    assert machine.images() == {BEFORE.decode()}
    assert machine.run("history").stdout == "1 undone sound\n"


def test_faults_are_made_at_all_points(faulty):
    apply = strace.count(faulty, "apply")
    undo = strace.count(faulty, "undo")
    assert set(apply) | set(undo) == set(strace.CALLS) - {"fremovexattr"}
    assert sum(map(len, apply.values())) > APPLY_POINTS
    assert sum(map(len, undo.values())) > UNDO_POINTS


def each_point(machine, what, call):
    """Prepares the machine for `what` and yields the number of each of its calls."""
    if what == "undo":
        assert machine.run("apply").returncode == 0
    points = strace.count(machine, what)[call]
    if what == "apply":
        machine.undo("after counting")
    machine.reset()
    for number in points:
        if what == "undo":
            assert machine.run("apply").returncode == 0
        yield number, f"{what}: {call} {number}"
        machine.reset()


@pytest.mark.parametrize("call", strace.CALLS)
def test_an_apply_that_meets_a_fault_leaves_all_or_nothing(faulty, call):
    for number, where in each_point(faulty, "apply", call):
        done = strace.inject(faulty, "apply", call, f"error=EIO:when={number}")
        if done.returncode:
            faulty.assert_told(done, where)
            faulty.assert_back(where)
        else:
            # A fault that did not matter: all of it was made.
            assert faulty.snapshot()["etc/default/grub"][-1] == AFTER, where
            assert faulty.images() == {AFTER.decode()}, where
        faulty.undo(where)


@pytest.mark.parametrize("call", "openat write renameat fsync mkdirat".split())
def test_a_disk_that_is_full_from_some_point_on_loses_nothing(faulty, call):
    for number, where in each_point(faulty, "apply", call):
        done = strace.inject(faulty, "apply", call, f"error=ENOSPC:when={number}+")
        assert done.returncode == 1, where
        # The message is written, too.
        if call != "write":
            faulty.assert_told(done, where)
        faulty.undo(where)


@pytest.mark.parametrize("call", strace.CALLS)
def test_an_apply_that_is_killed_can_be_undone(faulty, call):
    for number, where in each_point(faulty, "apply", call):
        done = strace.inject(faulty, "apply", call, f"signal=SIGKILL:when={number}")
        # How often it looks for a tool's end is a matter of time.
        assert done.returncode in (-9, 137) or call == "waitid", (where, done)
        faulty.undo(where)


@pytest.fixture(name="whole")
def what_a_whole_change_makes(faulty):
    assert faulty.run("apply").returncode == 0
    whole = faulty.made()
    faulty.undo("after looking")
    faulty.reset()
    return whole


def resume(machine, whole, where):
    """All of it is made then, unless nothing of it had been written down yet."""
    begun = "interrupted" in machine.run("history").stdout
    done = machine.run("resume")
    if begun:
        assert done.returncode == 0, (where, done.stderr)
        assert machine.made() == whole, where
        assert machine.images() == {AFTER.decode()}, where
        assert machine.run("history").stdout == "1 applied sound\n", where
    else:
        assert done.returncode == 1 and "no change was interrupted" in done.stderr, where
    return begun


@pytest.mark.parametrize("call", strace.CALLS)
def test_an_apply_that_is_killed_can_be_gone_on_with(faulty, whole, call):
    for number, where in each_point(faulty, "apply", call):
        strace.inject(faulty, "apply", call, f"signal=SIGKILL:when={number}")
        resume(faulty, whole, where)
        faulty.undo(where)


@pytest.mark.parametrize("call", strace.CALLS)
@pytest.mark.parametrize("fault", ["error=EIO", "signal=SIGKILL"])
def test_a_resumed_change_that_fails_can_be_undone(faulty, call, fault):
    """It was killed before it made the second file."""
    def interrupt():
        strace.inject(faulty, "apply", "renameat", f"signal=SIGKILL:when={second}")

    # The first one is the journal's, the others are of the three files that are written.
    second = strace.count(faulty, "apply")["renameat"][-2]
    faulty.undo("after counting")
    faulty.reset()
    interrupt()
    half = faulty.snapshot()
    points = strace.count(faulty, "resume")[call]
    faulty.undo("after counting")
    faulty.reset()
    for number in points:
        where = f"resume: {call} {number}"
        interrupt()
        done = strace.inject(faulty, "resume", call, f"{fault}:when={number}")
        if done.returncode == 1:
            faulty.assert_told(done, where)
            # It had not begun, or has taken all of it back.
            if {path: entry[5:] for path, entry in faulty.snapshot().items()} != {
                    path: entry[5:] for path, entry in half.items()}:
                faulty.assert_back(where)
        faulty.undo(where)
        faulty.reset()


@pytest.mark.parametrize("call", ["renameat", "clone,clone3,fork,vfork"])
def test_an_undo_that_is_killed_can_be_turned_round(faulty, whole, call):
    """Who wants the change after all can have it."""
    for number, where in each_point(faulty, "undo", call):
        strace.inject(faulty, "undo", call, f"signal=SIGKILL:when={number}")
        assert resume(faulty, whole, where), where
        faulty.undo(where)


@pytest.mark.parametrize("call", strace.CALLS)
@pytest.mark.parametrize("fault", ["error=EIO", "signal=SIGKILL"])
def test_an_undo_that_fails_can_be_done_again(faulty, call, fault):
    for number, where in each_point(faulty, "undo", call):
        done = strace.inject(faulty, "undo", call, f"{fault}:when={number}")
        if done.returncode not in (0, -9, 137):
            faulty.assert_told(done, where)
        faulty.undo(where)


@pytest.mark.parametrize("call", strace.CHILD_CALLS)
@pytest.mark.parametrize("fault", ["error=EIO", "signal=SIGKILL"])
def test_a_tool_that_cannot_start_leaves_nothing_changed(faulty, call, fault):
    for number in 1, 2:
        where = f"tool: {call} {number}"
        done = strace.inject(faulty, "apply", call, f"{fault}:when={number}", "-f")
        if done.returncode:
            faulty.assert_told(done, where)
        faulty.undo(where)
        faulty.reset()
