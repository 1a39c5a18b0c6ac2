# SPDX-License-Identifier: GPL-2.0-or-later
"""A made host that the program takes for the machine it runs on: record takes no other."""
import os
import shutil
import subprocess

import pytest

from fakehost import usual
from program import PROGRAM

# Its root is the made host, with this machine's programs and libraries, and no network.
ENTER = 'mount --bind /usr "$0/usr" && exec chroot "$0" "$@"'


class LiveHost:
    """OUT is where a recording can be made, by anybody; outside it is .out."""

    OUT = "/out"

    def __init__(self, host, program):
        self.root = host.root
        self.out = self.root / "out"
        for folder in ("usr", "dev", "out"):
            (self.root / folder).mkdir()
        self.out.chmod(0o1777)
        self.root.chmod(0o755)
        for name in ("bin", "lib", "lib64"):
            if os.path.islink(f"/{name}"):
                (self.root / name).symlink_to(os.readlink(f"/{name}"))
        self.program = shutil.copy(program, self.root / "pciferry")

    def run(self, *args, user=None, given=None, **environment):
        """As run() of program.py, in there; what is given stands on standard input."""
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        command = ["unshare", "--mount", "--net",
                   *([] if os.geteuid() == 0 else ["--map-root-user"]),
                   "sh", "-c", ENTER, self.root, *(become if user else []), "/pciferry", *args]
        return subprocess.run(
            command, input=given or "", capture_output=True, text=True, check=False,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **environment})


def is_possible():
    """Whether this user may make one here, and libraries are where they are looked for."""
    tried = subprocess.run(
        ["unshare", "--mount", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"]),
         "mount", "--bind", "/usr", "/mnt"], capture_output=True, check=False)
    return tried.returncode == 0 and os.path.islink("/lib")


# The sanitizers want a /proc of their own.
needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or not is_possible() or b"__asan_init" in PROGRAM.read_bytes(),
    reason="no host to live in can be made here")


def changeable(folder):
    """The usual host, with what a change wants of the one that it is made on."""
    host = usual(folder)
    for name in ("etc", "run", "var/lib"):
        (host.root / name).mkdir(parents=True)
    host.file("proc/sys/kernel/osrelease", "6.1.0\n")
    return host
