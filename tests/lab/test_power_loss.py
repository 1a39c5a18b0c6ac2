# SPDX-License-Identifier: GPL-2.0-or-later
"""The power goes while apply works: the disk of a whole system is copied at many instants of
one apply, and each copy is a machine that lost its power then.

Real: the system and its apply, with update-initramfs and update-grub; ext4 and its journal; the
boots at the end. Not real: the disk has no volatile cache of its own. What the kernel has sent
to it is in the copy, in the order in which it was sent; what it has not yet sent is not.

Each copy's file systems are repaired as a boot would, and undone from outside, with tools that
only touch what they would make, which takes minutes. Three are booted, and undone by the real
ones.

Only with MATRIX=systems in the environment: it takes long, and is run by itself.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import socket
import stat
import subprocess
import time

import pytest

from test_boot import by_itself, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
PCIFERRY = os.environ.get("PCIFERRY", ROOT / "build/pciferry")
BOOT = ROOT / "tests/lab/scenarios/boot.sh"
# COPIES=200 in the environment looks closer: half an hour more, and 40 GB.
COPIES = int(os.environ.get("COPIES", "20"))
BOOTED = 3
# systems/configure's second partition.
ROOT_OFFSET = (2048 + 524288) * 512

pytestmark = [
    *by_itself("many copies of a whole system", "power"),
    pytest.mark.skipif(os.geteuid() != 0, reason="undo --root is for root")]


def gaps(count, first=0.02, together=130):
    """Seconds between the copies: ever more, until the tools are at work for two minutes."""
    low, high = 1.0, 4.0
    while high - low > 1e-6:
        growth = (low + high) / 2
        if first * sum(growth ** i for i in range(count)) < together:
            low = growth
        else:
            high = growth
    return [first * low ** i for i in range(count)]


class Monitor:
    """QEMU's, by docs/interop/qmp-spec.rst."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile()
        self._lines.readline()
        self.do("qmp_capabilities")

    def do(self, command):
        self._socket.sendall(json.dumps({"execute": command}).encode() + b"\n")
        while True:
            answer = json.loads(self._lines.readline())
            assert "error" not in answer
            if "return" in answer:
                return


def copy_during_apply(folder, installed):
    """Copies, close together at first, when the files are written; the tools take minutes."""
    command = [ROOT / "lab/lab", "start", "--quiet", "--qmp", folder / "qmp", "--files",
               installed, "--output", folder / "first", folder, BOOT, "install", "remember",
               "apply"]
    copies = []
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True) as process:
        told = iter(process.stdout.readline, "")
        assert any(line.startswith("apply: ") for line in told)
        monitor = Monitor(folder / "qmp")
        assert any(line.startswith("apply has begun") for line in told)
        for gap in gaps(COPIES):
            time.sleep(gap)
            monitor.do("stop")
            copy = folder / f"copy-{len(copies)}"
            copy.mkdir()
            for name in ("disk.qcow2", "vars.fd"):
                run("cp", "--sparse=always", folder / name, copy)
            monitor.do("cont")
            copies.append(copy)
        told = process.stdout.read()
        assert process.wait() == 0
    assert "status apply 0" in told
    return copies


def lost(copy, change):
    """The copy's root is mounted for change(root), and is not changed itself."""
    raw, root = copy / "disk.img", copy / "root"
    root.mkdir()
    run("qemu-img", "convert", "-O", "raw", copy / "disk.qcow2", raw)
    # The kernel plays back the journal of a file system that was not unmounted.
    run("mount", "-o", f"loop,offset={ROOT_OFFSET}", raw, root)
    try:
        return change(root)
    finally:
        run("umount", root)
        raw.unlink()
        root.rmdir()


def files_of(root):
    """{path: (mode, owner, time, bytes)} of /etc."""
    found = {}
    for path in sorted((root / "etc").rglob("*")):
        status = path.lstat()
        is_file = stat.S_ISREG(status.st_mode)
        # A folder's time is when something came or went in it.
        found[str(path.relative_to(root))] = (
            status.st_mode, status.st_uid, status.st_gid, is_file and status.st_mtime_ns,
            path.read_bytes() if is_file else None)
    return found


def state(root):
    changes = json.loads(run(PCIFERRY, "history", "--json", "--root", root))["changes"]
    assert not any(change.get("damage") for change in changes)
    return [change["state"] for change in changes]


def undo(root):
    """(The state before, /etc before and after), by tools that only touch their files."""
    for name, made in (("update-initramfs", "/boot/initrd.img-*"),
                       ("update-grub", "/boot/grub/grub.cfg")):
        (root / "usr/sbin" / name).write_text(f"#!/bin/sh\ntouch {made}\n")
    before, was = state(root), files_of(root)
    # Without its description, which is written last, nothing was begun: it counts as undone.
    if before not in ([], ["undone"]):
        run(PCIFERRY, "undo", "--root", root)
        assert state(root) == ["undone"]
    return before, was, files_of(root)


@pytest.fixture(name="lost_machines", scope="module")
def machines_that_lost_their_power(tmp_path_factory):
    """(/etc before the apply, /etc after it, the copies, what installing pciferry adds)."""
    folder = tmp_path_factory.mktemp("power")
    installed = folder / "installed"
    run("meson", "install", "-C", pathlib.Path(PCIFERRY).parent, "--no-rebuild", "--destdir",
        installed)
    run(ROOT / "lab/lab", "install", "grub", folder)
    before = lost(folder, files_of)
    copies = copy_during_apply(folder, installed)
    yield before, lost(folder, files_of), copies, files_of(installed).keys()
    shutil.rmtree(folder)


def test_undo_gives_back_every_file_whenever_the_power_went(lost_machines):
    before, applied, copies, installed = lost_machines
    assert before != applied
    states = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as workers:
        results = list(workers.map(lambda copy: lost(copy, undo), copies))
    for found, was, after in results:
        states += found
        # Pciferry itself was installed in the same boot.
        assert {path: file for path, file in after.items()
                if path in before or path not in installed} == before
        # A file was as before, or as the change makes it, never half of it.
        for path in was.keys() - {"etc/.pciferry.new", "etc/default/.pciferry.new"}:
            assert was[path][4] in (before.get(path, applied[path])[4], applied[path][4])
    assert states.count("interrupted") > COPIES / 2


def test_a_machine_whose_power_went_boots_and_undoes_the_change_itself(lost_machines):
    copies = lost_machines[2]
    for copy in copies[-1::-(COPIES // BOOTED)][:BOOTED]:
        told = run(ROOT / "lab/lab", "start", "--quiet", "--output", copy / "undone", copy,
                   BOOT, "undo", "compare")
        assert dict(re.findall(r"^status (\S+) (\d+)$", told, re.MULTILINE)) == {
            "undo": "0", "compare": "0"}
