# SPDX-License-Identifier: GPL-2.0-or-later
"""The cache folder: downloaded kernels, images, and one folder for each run.

Everything the lab writes on the machine is below it. What is in place is whole: files and
folders are made under another name and renamed when finished.
"""
import contextlib
import fcntl
import os
import shutil
import tempfile
import time

from .errors import LabError, say

LAB_DIR = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
REPOSITORY = os.path.dirname(LAB_DIR)

KEPT_RUNS = 20


def cache_dir():
    """The cache folder's path; made when missing."""
    path = os.environ.get("PCIFERRY_LAB_CACHE") or os.path.join(REPOSITORY, "build", "lab")
    path = os.path.realpath(path)
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise LabError(path, f"cannot be made: {error.strerror}",
                       "set PCIFERRY_LAB_CACHE to a folder you may write to") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise LabError(path, "not writable",
                       "set PCIFERRY_LAB_CACHE to a folder you may write to")
    return path


@contextlib.contextmanager
def preparing():
    """Only one lab prepares at a time; the others wait, then find it done."""
    with open(os.path.join(cache_dir(), "lock"), "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another lab is preparing this cache folder, waiting for it...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        # The lock is ours, so whatever lies here belongs to a lab that was killed.
        shutil.rmtree(os.path.join(cache_dir(), "unfinished"), ignore_errors=True)
        yield


@contextlib.contextmanager
def unfinished_dir():
    """A folder for work in progress. Only inside preparing()."""
    parent = os.path.join(cache_dir(), "unfinished")
    os.makedirs(parent, exist_ok=True)
    path = tempfile.mkdtemp(dir=parent)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def write_whole(path, data):
    """Write a file so that a reader sees the old bytes or all of the new ones."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    handle, name = tempfile.mkstemp(dir=os.path.dirname(path))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, 0o644)
        os.rename(name, path)
    except BaseException:
        os.unlink(name)
        raise


def keyed(name, key, make):
    """The path of a cached file: what make() returned when the key was the same.

    key: bytes, which tell whether the file would come out differently now.
    """
    path = os.path.join(cache_dir(), name)
    key_path = path + ".key"
    if os.path.exists(path) and _content(key_path) == key:
        return path
    data = make()
    # In this order, and without a key in between: no key ever describes other bytes.
    with contextlib.suppress(FileNotFoundError):
        os.unlink(key_path)
    write_whole(path, data)
    write_whole(key_path, key)
    return path


def _content(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def file_key(path):
    """Changes when the file does, as far as make(1) would see it."""
    status = os.stat(path)
    return f"{path} {status.st_size} {status.st_mtime_ns}\n".encode()


def new_run_dir():
    """A new folder below runs/, and the open lock file that marks it as in use."""
    runs = os.path.join(cache_dir(), "runs")
    os.makedirs(runs, exist_ok=True)
    _forget_old_runs(runs)
    path = tempfile.mkdtemp(prefix=time.strftime("%Y%m%d-%H%M%S-"), dir=runs)
    # The guest's root reads it whatever the user, and may write to out/ only.
    os.chmod(path, 0o755)
    lock = open(os.path.join(path, "lock"), "w", encoding="ascii")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return path, lock


def _forget_old_runs(runs):
    for name in sorted(os.listdir(runs))[:-KEPT_RUNS]:
        path = os.path.join(runs, name)
        try:
            with open(os.path.join(path, "lock"), encoding="ascii") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
        except BlockingIOError:
            continue  # still running
        except OSError:
            shutil.rmtree(path, ignore_errors=True)
