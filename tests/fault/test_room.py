# SPDX-License-Identifier: GPL-2.0-or-later
"""A change of a system whose disk is full, or cannot be written to."""
import contextlib
import os
import subprocess

import pytest

import machine as machines

AFTER = b'GRUB_CMDLINE_LINUX="quiet intel_iommu=on"\n'
PAGE = os.sysconf("SC_PAGESIZE")


class Disk:
    """A file system in memory, in a mount namespace that ends with the process in it."""
    def __init__(self, folder):
        self.folder = folder
        self.process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c",
             'mount -t tmpfs pciferry "$0" && echo ready && exec cat', folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            pytest.skip("nothing can be mounted here: "
                        + self.process.communicate()[1].decode().strip())
        self.path = f"/proc/{self.process.pid}/root{folder}"

    def close(self):
        self.process.communicate()

    def mount(self, *arguments):
        subprocess.run(["nsenter", f"--mount=/proc/{self.process.pid}/ns/mnt", "mount",
                        *arguments], check=True)

    def remount(self, options):
        self.mount("-o", f"remount,{options}", self.folder)

    def leave(self, pages=None, files=None):
        """Leaves room for so many more pages and files; without, plenty of both."""
        self.remount("size=64m,nr_inodes=10000")
        status = os.statvfs(self.path)
        if pages is not None:
            used = (status.f_blocks - status.f_bfree) * status.f_frsize
            self.remount(f"size={used + pages * PAGE}")
        if files is not None:
            self.remount(f"nr_inodes={status.f_files - status.f_ffree + files}")


@pytest.fixture(name="disk")
def mounted_disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root mounts")
    if not machines.BUSYBOX.exists():
        pytest.skip("busybox, for the tools, is not installed")
    disk = Disk(str(tmp_path))
    with contextlib.closing(disk):
        yield disk


@pytest.mark.parametrize("what", ["pages", "files"])
def test_a_full_disk_loses_nothing(disk, what):
    machine, failed = machines.Machine(f"{disk.path}/root"), 0
    # The lock is there already, as on a host that was changed before.
    assert machine.run("history").returncode == 0
    for room in range(100):
        where = f"room for {room} more {what}"
        disk.leave(**{what: room})
        done = machine.run("apply")
        if done.returncode == 0:
            assert machine.snapshot()["etc/default/grub"][-1] == AFTER
            break
        machine.assert_told(done, where)
        machine.assert_files_are_back(where)
        failed += 1
        disk.leave()
        machine.undo(where)
        machine.reset()
    assert failed > 10
    disk.leave()
    machine.undo("with room")


def test_a_change_without_room_for_its_journal_leaves_no_journal(disk):
    machine = machines.Machine(f"{disk.path}/root")
    assert machine.run("history").returncode == 0
    disk.leave(files=6)
    done = machine.run("apply")
    assert done.stderr.startswith("/var/lib/pciferry/journal: No space left on device\n")
    assert "nothing was changed" in done.stderr
    assert machine.run("history").stdout == ""


def test_a_disk_that_cannot_be_written_to_is_told(disk):
    machine = machines.Machine(f"{disk.path}/root")
    disk.mount("-t", "tmpfs", "run", f"{disk.folder}/root/run")
    disk.remount("ro")
    done = machine.run("apply")
    machine.assert_told(done, "read-only")
    assert "Read-only file system" in done.stderr
    assert "nothing was changed" in done.stderr
    machine.assert_back("read-only")
    disk.remount("rw")
    assert machine.run("apply").returncode == 0
    after = machine.snapshot()
    disk.remount("ro")
    done = machine.run("undo")
    machine.assert_told(done, "an undo, read-only")
    assert machine.snapshot() == after
    disk.remount("rw")
    machine.undo("writable again")


def test_a_folder_that_cannot_be_written_to_undoes_all(disk):
    """As /boot or /usr is on some systems, and /etc in a container."""
    machine = machines.Machine(f"{disk.path}/root")
    locked = f"{disk.folder}/root/etc/modprobe.d"
    disk.mount("--bind", locked, locked)
    disk.mount("-o", "remount,bind,ro", locked)
    done = machine.run("apply")
    machine.assert_told(done, "modprobe.d is read-only")
    assert done.stderr.splitlines() == [
        "/etc/modprobe.d/old.conf: Read-only file system",
        "  everything is as it was before",
        "  mount its file system for writing, and try again",
    ]
    machine.assert_back("modprobe.d is read-only")
    machine.undo("modprobe.d is read-only")


MIB = 1 << 20


def test_images_without_room_are_refused_before_anything_is_done(disk):
    """A part of an image boots nothing."""
    machine = machines.Machine(f"{disk.path}/root")
    image = machine.root / "made/second"
    image.parent.mkdir()
    image.write_bytes(bytes(8 * MIB))
    before = machine.snapshot()
    # It is written beside the old one, and may become larger by an eighth.
    disk.leave(pages=(8 * MIB + MIB // 2) // PAGE)
    done = machine.run("apply")
    assert done.returncode == 3
    assert done.stderr.splitlines() == [
        "/made: 8 MiB are free on its file system, and new images need 9 MiB: nothing was changed",
        "  remove kernels that are not needed any more, and try again"]
    assert machine.snapshot() == before
    assert machine.run("history").stdout == ""
    disk.leave(pages=(9 * MIB + MIB // 2) // PAGE)
    assert machine.run("apply").returncode == 0
    # One that was interrupted needs the room, too; what is taken back is taken back without.
    image.write_bytes(bytes(8 * MIB))
    (machine.root / machines.JOURNAL / "journal/1/state").write_text("begin 0\n")
    disk.leave(pages=MIB // PAGE)
    assert "new images need" in machine.run("resume").stderr
    machine.run("undo")
    machine.assert_files_are_back("without room for images")


def test_images_on_a_read_only_file_system_are_refused(disk):
    """update-initramfs says a word about it, makes none, and ends well."""
    machine = machines.Machine(f"{disk.path}/root")
    made = f"{disk.folder}/root/made"
    (machine.root / "made").mkdir()
    disk.mount("-t", "tmpfs", "boot", made)
    (machine.root / "made/second").write_bytes(b"an image")
    disk.mount("-o", "remount,ro", made)
    done = machine.run("apply")
    assert done.returncode == 3
    assert done.stderr.splitlines() == [
        "/made: its file system is read-only, and new images are written to it: nothing was changed",
        "  mount it for writing: mount -o remount,rw /made"]
    machine.assert_files_are_back("made is read-only")


@pytest.mark.parametrize("path", ["etc/default/grub", "etc/modprobe.d/old.conf", "etc/default"])
def test_an_immutable_file_is_named_and_all_the_rest_is_back(tmp_path, path):
    if os.geteuid() != 0 or not machines.BUSYBOX.exists():
        pytest.skip("only root changes files of a system, with busybox for the tools")
    machine = machines.Machine(tmp_path / "root")
    target = machine.root / path
    if subprocess.run(["chattr", "+i", target], capture_output=True, check=False).returncode:
        pytest.skip("this file system has no immutable files")
    try:
        done = machine.run("apply")
        machine.assert_told(done, path)
        assert done.stderr.splitlines() == [
            f"/{path}{'/grub' if path == 'etc/default' else ''}: Operation not permitted",
            "  everything is as it was before",
            "  it may be immutable: lsattr -d shows that, and chattr -i ends it"]
        machine.assert_back(path)
    finally:
        subprocess.run(["chattr", "-i", target], check=True)
    assert machine.run("apply").returncode == 0
    subprocess.run(["chattr", "+i", target if target.exists() else target.parent], check=True)
    try:
        machine.assert_told(machine.run("undo"), path)
    finally:
        subprocess.run(["chattr", "-i", target if target.exists() else target.parent], check=True)
    machine.undo("no longer immutable")
