# SPDX-License-Identifier: GPL-2.0-or-later
"""What an apply meets on hosts that are not as they should be."""
import os
import pathlib
import resource
import subprocess
import tempfile

import pytest

import bootfiles
import checks
import planhost
from checks import CARD
from planhost import debian, make, needs_tools, run, snapshot, tool, without_generated
from program import PROGRAM

pytestmark = needs_tools

ENTRIES = 3000


@pytest.fixture(name="in_memory")
def host_in_memory():
    """Where that can be: thousands of files are synced here."""
    shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="pciferry-entries-", dir=shared) as folder:
        yield planhost.turn_off(planhost.can_run(checks.ready(pathlib.Path(folder) / "host")))


def run_small(*args):
    """In so much memory as the entries may need."""
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (256 << 20, 256 << 20))
    # A sanitizer's shadow is larger than any such limit.
    is_plain = b"__asan_init" not in PROGRAM.read_bytes()
    return subprocess.run([PROGRAM, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, preexec_fn=limit if is_plain else None)


def test_entries_by_the_thousand_are_edited_and_come_back(in_memory):
    """A loader that keeps one for each kernel that ever was."""
    make(in_memory, bootfiles.fedora)
    folder = in_memory.root / "boot/loader/entries"
    text = (folder / "fedora.conf").read_text()
    for number in range(ENTRIES):
        (folder / f"entry-{number:04}.conf").write_text(text)
    before = snapshot(in_memory.root)
    done = run_small("apply", CARD, "--root", in_memory.root)
    assert done.returncode == 0, done.stderr
    assert all("intel_iommu=on" in path.read_text() for path in folder.iterdir())
    again = run_small("apply", CARD, "--root", in_memory.root)
    assert again.stdout == "Nothing had to be changed.\n", again
    done = run_small("undo", "--root", in_memory.root)
    assert done.returncode == 0, done.stderr
    assert without_generated(snapshot(in_memory.root)) == without_generated(before)


def test_a_second_apply_says_for_whom_it_waits(off):
    make(off, debian)
    generator = "usr/sbin/update-initramfs"
    made = (off.root / generator).read_text()
    tool(off, generator, made.replace("cd /\n", "cd /\nbusybox touch /running\n"
                                      "while [ -e /running ]; do busybox sleep 0.05; done\n"))
    command = [PROGRAM, "apply", CARD, "--root", off.root]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    second = None
    try:
        while not (off.root / "running").exists():
            assert first.poll() is None
        second = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True)
        told = second.stderr.readline()
        (off.root / "running").unlink()
        assert told == (f"another pciferry (process {first.pid}) is changing this host:"
                        " waiting for it\n")
        written, _ = second.communicate(timeout=60)
        assert first.wait(60) == 0 and second.returncode == 0
        assert written == "Nothing had to be changed.\n"
    finally:
        (off.root / "running").unlink(missing_ok=True)
        for process in filter(None, (first, second)):
            process.kill()
            process.wait()


@pytest.mark.parametrize("name,status", [("update-initramfs", 1), ("update-grub", 1)])
def test_a_tool_that_fails_is_named_with_what_it_said(off, name, status):
    make(off, debian)
    before = snapshot(off.root)
    works = (off.root / "usr/sbin" / name).read_text()
    # It fails with the change, and not when what was there before comes back.
    tool(off, f"usr/sbin/{name}", "#!/bin/sh\nif [ -e /etc/pciferry.tab ]; then\n"
         "echo 'no room' >&2; exit 9; fi\n" + works)
    done = run("apply", CARD, "--root", off.root, "--quiet")
    assert done.returncode == status
    assert done.stderr.splitlines()[0] == (
        f"pciferry: /usr/sbin/{name}: it failed with status 9: no room")
    assert "everything is as it was before" in done.stderr
    assert "/var/lib/pciferry/journal/1/output-" in done.stderr
    after = snapshot(off.root)
    for files in before, after:
        files.pop(f"usr/sbin/{name}")
    assert without_generated(after) == without_generated(before)
