# SPDX-License-Identifier: GPL-2.0-or-later
"""Sample drivers of Linux itself, for the virtual host: of mediated devices.

Distributions build none of them. Their sources are the kernel's of the same version, from
the package archive: 130 MB once, of which a few files are kept in the cache folder. A
scenario asks for one as for any module (`# lab-modules: mtty`); others pay nothing.
"""
import glob
import os
import re
import shutil

from . import cache, tools
from .errors import LabError, say

FOLDER = "samples/vfio-mdev"
FILES = {"mtty": ["mtty.c"], "mdpy": ["mdpy.c", "mdpy-defs.h"]}


def source(kernel, name):
    """The folder of a sample's C files and Makefile. Only inside cache.preparing()."""
    version = re.match(r"\d+\.\d+", kernel.release).group()
    folder = os.path.join(cache.cache_dir(), "samples", version)
    if not os.path.isdir(folder):
        _download(version, folder)
    return os.path.join(folder, name)


def _download(version, folder):
    package = f"linux-source-{version}"
    if not shutil.which("apt-get", path=tools.SEARCH_PATH):
        raise LabError(package, "this system has no apt-get to download it with")
    say(f"downloading {package} for {', '.join(FILES)} (130 MB, once)...")
    with cache.unfinished_dir() as work:
        tools.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package],
                  package, cwd=work)
        for archive in glob.glob(os.path.join(work, "*.deb")):
            tools.run(["dpkg-deb", "-x", archive, work], package)
        _unpack(package, work, os.path.join(work, "tree"))
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        os.rename(os.path.join(work, "tree"), folder)


def _unpack(package, work, tree):
    wanted = [f"{package}/{FOLDER}/{name}" for names in FILES.values() for name in names]
    # Once each is found, the rest is not unpacked.
    tools.run(["tar", "-xJf", os.path.join(work, "usr/src", f"{package}.tar.xz"), "-C", work,
               "--occurrence=1", *wanted], package)
    for name, files in FILES.items():
        place = os.path.join(tree, name)
        os.makedirs(place)
        for file in files:
            os.rename(os.path.join(work, package, FOLDER, file), os.path.join(place, file))
        cache.write_whole(os.path.join(place, "Makefile"), f"obj-m := {name}.o\n".encode())
