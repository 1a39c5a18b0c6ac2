# SPDX-License-Identifier: GPL-2.0-or-later
"""Finding and running the machine's own programs."""
import ctypes
import os
import shutil
import signal
import subprocess

from .errors import LabError

# An ordinary user's PATH lacks the folders of modprobe, depmod and mke2fs.
SEARCH_PATH = os.pathsep.join(
    [os.environ.get("PATH", "/usr/bin:/bin"), "/usr/local/sbin", "/usr/sbin", "/sbin"])

PR_SET_PDEATHSIG = 1


def find(program):
    """The program's path; an error that says how to get it when there is none."""
    path = shutil.which(program, path=SEARCH_PATH)
    if not path:
        raise LabError(program, "not found", "run scripts/install-deps lab")
    return path


def run(argv, what, **options):
    """Run a program that must succeed; its output, as bytes."""
    argv = [find(argv[0])] + argv[1:]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, **options)
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        last = words[-1] if words else f"{os.path.basename(argv[0])} ended with " \
                                       f"status {done.returncode}"
        raise LabError(what, last)
    return done.stdout


def die_with_parent():
    """For preexec_fn: the child is killed when the lab ends, however the lab ends."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
