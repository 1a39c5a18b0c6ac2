# SPDX-License-Identifier: GPL-2.0-or-later
"""Finding a scenario and reading what its header asks for."""
import collections
import os
import re

from . import cache
from .errors import LabError

SUFFIX = ".sh"

# path: absolute. settings: of the header, as {"timeout": "300"}; "" is the description.
Scenario = collections.namedtuple("Scenario", "name path settings")

SETTINGS = ("timeout", "iommu", "kernel", "machine", "memory", "smp", "append", "boot",
            "modules")


def scenarios_dir():
    return os.path.join(cache.LAB_DIR, "scenarios")


def every_one():
    return [find(name[:-len(SUFFIX)]) for name in sorted(os.listdir(scenarios_dir()))
            if name.endswith(SUFFIX)]


def find(name):
    """A bare name is one of lab/scenarios; all else is a path."""
    path = name
    if "/" not in name:
        known = os.path.join(scenarios_dir(), name + SUFFIX)
        if os.path.isfile(known):
            path = known
    if not os.path.isfile(path):
        raise LabError(name, "no such scenario", "lab/lab list shows them")
    path = os.path.realpath(path)
    return Scenario(name, path, _header(path))


def command(path):
    """How to run it: by its first line, executable or not; without one, by bash."""
    try:
        with open(path, "rb") as file:
            line = file.readline(256)
    except OSError as error:
        raise LabError(path, error.strerror) from error
    if not line.startswith(b"#!"):
        return ["/bin/bash", path]
    # As the kernel's fs/binfmt_script.c: an interpreter and at most one argument.
    return os.fsdecode(line[2:].strip()).split(None, 1) + [path]


def _header(path):
    """`# lab: TEXT` and `# lab-NAME: VALUE` in the comments that the file begins with."""
    settings = {}
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            if not line.startswith("#"):
                break
            match = re.match(r"# lab(?:-(\w+))?: *(.*)", line.rstrip())
            if not match:
                continue
            key = match.group(1) or ""
            if key and key not in SETTINGS:
                raise LabError(path, f"lab-{key}: unknown setting",
                               "there are: " + " ".join(SETTINGS))
            settings[key] = match.group(2)
    return settings
