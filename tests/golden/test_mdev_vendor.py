# SPDX-License-Identifier: GPL-2.0-or-later
"""NVIDIA's slices that are virtual functions, on made hosts (mdevhost.py): their attributes are plain
files here, which keep what is written and never refuse. No such card was at hand."""
import contextlib
import json
import pathlib
import subprocess
import sys

import jsonschema
import pytest

import mdevhost
from fakehost import usual
from livehost import LiveHost, changeable, needs_root
from mdevhost import knows_processes, process
from program import PROGRAM, SCHEMA, expect

UUID = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
FIRST, SECOND = "0000:41:00.4", "0000:41:00.5"


@pytest.fixture(name="live")
def host_with_two_functions(tmp_path):
    host = changeable(tmp_path / "host")
    assert mdevhost.vendor(host, [0, 0]) == [FIRST, SECOND]
    # Of one digit: what is written over a plain file leaves the rest of it.
    for function in FIRST, SECOND:
        host.file(f"{host.folder(function)}/nvidia/creatable_vgpu_types",
                  "ID    : vGPU Name\n7     : NVIDIA L40S-2Q\n8     : NVIDIA L40S-4Q\n")
    live = LiveHost(host, PROGRAM)
    live.host = host
    return live


def type_of(live, function):
    path = pathlib.Path(live.root, live.host.folder(function), "nvidia/current_vgpu_type")
    return int(path.read_text())


def mdev(live, *args, status=0):
    done = live.run("mdev", *args)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


@needs_root
def test_one_after_the_other_gets_a_type_until_none_is_left(live):
    assert "give it a type" in mdev(live, "create", mdevhost.PHYSICAL, "7", "--dry-run")
    assert type_of(live, FIRST) == 0
    assert f"{FIRST}: type 7\n" in mdev(live, "create", mdevhost.PHYSICAL, "7")
    document = json.loads(live.run("mdev", "create", mdevhost.PHYSICAL, "7", "--json").stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["function"] == SECOND and document["type_number"] == 7
    assert (type_of(live, FIRST), type_of(live, SECOND)) == (7, 7)
    assert "no room" in mdev(live, "create", mdevhost.PHYSICAL, "7", status=1)
    listed = live.run("mdev", "list").stdout
    assert FIRST in listed and SECOND in listed
    assert "its type is taken off" in mdev(live, "remove", FIRST)
    assert (type_of(live, FIRST), type_of(live, SECOND)) == (0, 7)
    assert "it has no type" in mdev(live, "remove", FIRST, status=1)


@needs_root
def test_the_function_that_is_named_is_meant(live):
    assert f"{SECOND}: type 8" in mdev(live, "create", SECOND, "8")
    assert (type_of(live, FIRST), type_of(live, SECOND)) == (0, 8)
    assert "had that already" in mdev(live, "create", SECOND, "8")
    assert "it has a type already, 8" in mdev(live, "create", SECOND, "7", status=1)
    assert "no room" in mdev(live, "create", FIRST, "9", status=1)
    document = json.loads(live.run("mdev", "remove", SECOND, "--json").stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["type_number"] is None and type_of(live, SECOND) == 0


@contextlib.contextmanager
def hanging(live, function, seconds=None):
    """As a child does that is in the kernel, by a process of its own."""
    folder = live.root / "run/pciferry"
    folder.mkdir(exist_ok=True)
    code = ("import fcntl, sys, time\n"
            "file = open(sys.argv[1], 'w')\n"
            "fcntl.lockf(file, fcntl.LOCK_EX)\n"
            "print(flush=True)\n"
            "time.sleep(float(sys.argv[2]))\n")
    with subprocess.Popen([sys.executable, "-c", code, folder / f"{function}.lock",
                           str(seconds or 3600)], stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        try:
            yield
        finally:
            holder.kill()


@needs_root
def test_one_function_that_hangs_leaves_the_others_to_be_had(live):
    with hanging(live, FIRST):
        assert f"{SECOND}: type 7\n" in mdev(live, "create", mdevhost.PHYSICAL, "7")
        assert (type_of(live, FIRST), type_of(live, SECOND)) == (0, 7)
        assert f"{FIRST}: an earlier step on it still hangs" in mdev(
            live, "create", mdevhost.PHYSICAL, "7", status=1)
        assert f"{FIRST}: an earlier step on it still hangs" in mdev(
            live, "create", FIRST, "7", "--timeout", "1", status=1)


@needs_root
def test_a_step_that_is_about_to_end_is_waited_for(live):
    with hanging(live, FIRST, 2):
        assert f"{FIRST}: type 8" in mdev(live, "create", FIRST, "8")


@needs_root
def test_one_that_a_guest_has_is_not_taken(live):
    mdev(live, "create", FIRST, "7")
    knows_processes(live.host)
    live.host.file("dev/vfio/50", "")
    process(live.host, 812, "qemu-system-x86", "/dev/vfio/50", "qemu", "-name", "guest=web")
    assert "guest web" in mdev(live, "remove", FIRST, status=3)
    assert type_of(live, FIRST) == 7


def test_what_it_does_not_take_is_said(tmp_path):
    host = usual(tmp_path / "host")
    mdevhost.vendor(host, [0, 0])
    for status, words, args in [
            (2, "has no UUID", ["create", mdevhost.PHYSICAL, "1148", UUID]),
            (2, "its types are numbers", ["create", mdevhost.PHYSICAL, "nvidia-1"]),
            (2, "mediated devices alone", ["create", mdevhost.PHYSICAL, "1148", "--persist"]),
            (1, "it is no slice", ["remove", mdevhost.IGPU])]:
        expect(status, words, "mdev", *args, "--dry-run", "--host", host.root)
