# SPDX-License-Identifier: GPL-2.0-or-later
"""The root of a system whose files are changed, and what becomes of it."""
import contextlib
import os
import pathlib
import re
import shutil
import stat
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("PCIFERRY", ROOT / "build/pciferry")).resolve().parent \
    / "tests/change-files"
JOURNAL = "var/lib/pciferry"
BUSYBOX = pathlib.Path("/bin/busybox")

# In which a change is not undone, or is made again.
LEFT_OUT = {"run", "made", JOURNAL}

# The image follows from the file that was edited, and from nothing else.
TOOL = """#!/bin/sh
echo "reading the configuration"
busybox mkdir -p /made
busybox cat /etc/default/grub >/made/$(busybox basename $0).new &&
busybox mv /made/$(busybox basename $0).new /made/$(busybox basename $0)
"""


def dress(path):
    """Gives a file what a new one does not have."""
    os.chown(path, 12, 34)
    os.chmod(path, 0o640)
    for name, value in {"user.origin": b"a\0b", "security.pciferry": b"label"}.items():
        with contextlib.suppress(OSError):
            os.setxattr(path, name, value)
    os.utime(path, ns=(2_000_000_000_000_000_007, 1_000_000_000_123_456_789))


def attributes(path):
    with contextlib.suppress(OSError):
        return {name: os.getxattr(path, name, follow_symlinks=False)
                for name in os.listxattr(path, follow_symlinks=False)}
    return {}


class Machine:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        for folder in "etc/default etc/modprobe.d run var/lib dev bin sbin".split():
            (self.root / folder).mkdir(parents=True)
        (self.root / "etc/default/grub").write_text('GRUB_CMDLINE_LINUX="quiet"\n')
        (self.root / "etc/modprobe.d/old.conf").write_bytes(b"options x y=1")
        (self.root / "etc/with spaces").write_text("not touched\n")
        shutil.copy(BUSYBOX, self.root / "bin/busybox")
        (self.root / "bin/sh").symlink_to("busybox")
        for name in "first", "second":
            tool = self.root / "sbin" / name
            tool.write_text(TOOL)
            tool.chmod(0o755)
        for path in "etc/default/grub", "etc/modprobe.d/old.conf":
            dress(self.root / path)
        self.before = self.snapshot()

    def run(self, what, *wrapper, program=PROGRAM):
        return subprocess.run([*wrapper, program, self.root, what], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, check=False, timeout=60)

    def snapshot(self):
        """All of every file but when it was last read, which reading it for this changes."""
        found = {}
        for folder, folders, files in os.walk(self.root):
            here = pathlib.Path(folder).relative_to(self.root)
            folders[:] = [name for name in folders if str(here / name) not in LEFT_OUT]
            for name in folders + files:
                path = self.root / here / name
                status = path.lstat()
                entry = [status.st_mode, status.st_uid, status.st_gid, attributes(path)]
                if stat.S_ISREG(status.st_mode):
                    entry += [status.st_mtime_ns, path.read_bytes()]
                found[str(here / name)] = entry
        return found

    def images(self):
        made = self.root / "made"
        return {path.read_text() for path in made.iterdir()
                if path.suffix != ".new"} if made.exists() else set()

    def reset(self):
        """The next change is the first one again. The files must be as they were."""
        assert self.snapshot() == self.before
        for path in LEFT_OUT - {"run"}:
            shutil.rmtree(self.root / path, ignore_errors=True)

    def assert_files_are_back(self, where):
        now = self.snapshot()
        assert {path for path in now.keys() | self.before.keys()
                if now.get(path) != self.before.get(path)} == set(), where

    def assert_back(self, where):
        self.assert_files_are_back(where)
        # Either no tool ran, or what it made is of the file as it was.
        assert self.images() <= {'GRUB_CMDLINE_LINUX="quiet"\n'}, where

    def made(self):
        """All but when a file was written, which is not the same twice."""
        return {path: entry[:4] + entry[5:] for path, entry in self.snapshot().items()}

    def undo(self, where):
        done = self.run("undo")
        assert done.returncode == 0, (where, done.stderr)
        self.assert_back(where)

    def assert_told(self, done, where):
        """One line that names what it is about, and lines that belong to it."""
        assert done.returncode in (1, 3), (where, done)
        told = [line for line in done.stderr.splitlines() if not line.startswith(" ")]
        assert len(told) == 1, (where, done.stderr)
        assert re.match(r"(/[^:]+|out of memory.*|): \S", told[0]), (where, done.stderr)
        assert 'Success' not in told[0], (where, done.stderr)


@contextlib.contextmanager
def machine():
    """In memory where that can be, since every step is synced."""
    shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="pciferry-fault-", dir=shared) as folder:
        yield Machine(folder)
