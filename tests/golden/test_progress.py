# SPDX-License-Identifier: GPL-2.0-or-later
"""What is told of a tool while it runs, and of one that failed."""
import os
import pty
import re
import subprocess

from checks import CARD
from planhost import UPDATE_INITRAMFS, debian, make, needs_tools, run, tool
from program import PROGRAM

pytestmark = needs_tools

GENERATOR = "usr/sbin/update-initramfs"
SLOW = UPDATE_INITRAMFS + """
echo first
printf 'packing \\033[31mred\\033[m 1/9\\rpacking %s 9/9' "$(printf '%0150d' 7)"
busybox sleep 2.3
"""
FAILING = """#!/bin/sh
i=0
while [ $i -lt 30 ]; do i=$((i+1)); echo "line $i"; done
[ -e /etc/pciferry.tab ] || exec busybox touch /boot/initrd.img-*
echo "cp: error writing: No space left on device" >&2
exit 1
"""


def apply(host, term, *args):
    """It runs on a terminal of 60 columns; returns what was written to that, and its end."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, True)
    subprocess.run(["stty", "cols", "60"], stdin=theirs, check=True)
    with subprocess.Popen([PROGRAM, "apply", CARD, "--root", host.root, *args], stdin=theirs,
                          stdout=theirs, stderr=theirs, env={**os.environ, "TERM": term}) as done:
        os.close(theirs)
        written = b""
        try:
            while chunk := os.read(ours, 4096):
                written += chunk
        except OSError:
            pass  # the other side is closed
    os.close(ours)
    return written.decode(), done.returncode


def test_who_watches_sees_how_long_it_takes_and_the_last_line(off):
    make(off, debian)
    tool(off, GENERATOR, SLOW)
    written, status = apply(off, "xterm")
    assert status == 0
    assert "\r\033[K  2 s: packing 0000" in written
    # It is written over, and fits into a line.
    for line in re.split(r"\r\n|\r\033\[K", written):
        assert "\033" not in line
        assert " s: " not in line or len(line) < 60, line
    # Nothing of it stays: what comes next begins in its place.
    assert re.search(r" s: [^\r]*\r\033\[Krun /usr/sbin/update-grub\r\n", written)
    assert "pciferry undo 1 takes it back.\r\n" in written


def test_a_terminal_that_cannot_write_over_a_line_gets_few_of_them(off):
    make(off, debian)
    tool(off, GENERATOR, SLOW)
    written, status = apply(off, "dumb")
    assert status == 0
    assert "\033" not in written and " s: packing" not in written


def test_who_wants_it_quiet_gets_no_progress(off):
    make(off, debian)
    tool(off, GENERATOR, SLOW)
    written, status = apply(off, "xterm", "--quiet")
    assert status == 0
    assert written.splitlines()[:3] == ["Change 1 is made: it takes effect at the next boot.",
                                        "pciferry undo 1 takes it back.", "Next boot:"]


def test_a_log_gets_no_progress(off):
    make(off, debian)
    tool(off, GENERATOR, SLOW)
    done = run("apply", CARD, "--root", off.root)
    assert done.returncode == 0
    assert "\r" not in done.stderr and "packing" not in done.stderr
    assert "run /usr/sbin/update-initramfs -u -k all" in done.stderr


def test_of_a_tool_that_failed_the_last_lines_are_shown(off):
    make(off, debian)
    tool(off, GENERATOR, FAILING)
    done = run("apply", CARD, "--root", off.root, "--quiet")
    assert done.returncode == 1
    said = [f"    line {n}" for n in range(12, 31)]
    said += ["    cp: error writing: No space left on device"]
    assert done.stderr.splitlines() == [
        "pciferry: /usr/sbin/update-initramfs: it failed with status 1: "
        "cp: error writing: No space left on device",
        "  what it wrote last:", *said, "  everything is as it was before",
        "  all that it wrote is in /var/lib/pciferry/journal/1/output-2"]


def test_the_history_of_one_change_shows_what_its_tools_wrote(off):
    make(off, debian)
    tool(off, GENERATOR, FAILING)
    run("apply", CARD, "--root", off.root)
    told = run("history", "1", "--root", off.root)
    assert told.returncode == 0
    lines = told.stdout.splitlines()
    assert "+GRUB_CMDLINE_LINUX_DEFAULT" in told.stdout
    at = lines.index("    its last lines; the rest is in /var/lib/pciferry/journal/1/output-2:")
    # Once for the change, once when it was taken back.
    assert lines[at + 1:at + 21] == [f"      line {n}" for n in range(11, 31)]
    assert "    it has not run" in lines
    assert "line 30" not in run("history", "--root", off.root).stdout
    missing = run("history", "7", "--root", off.root)
    assert missing.returncode == 1 and missing.stderr.startswith("pciferry: 7: there is no such")
    assert run("history", "x", "--root", off.root).returncode == 2
    assert run("history", "1", "2", "--root", off.root).returncode == 2
