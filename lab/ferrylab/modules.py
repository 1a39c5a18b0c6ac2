# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel modules for the virtual host, built against the headers of its kernel.

The headers come as the kernel does: from the package archive, into the cache folder. A
scenario asks for modules by name (`# lab-modules: ferrynic`); others pay nothing.
"""
import glob
import hashlib
import os
import re
import shutil

from . import cache, samples, tools
from .errors import LabError, say

SOURCES = os.path.join(cache.LAB_DIR, "host", "modules")


def build(kernel, name, source=None):
    """The path of NAME.ko. Only inside cache.preparing().

    source: the folder of its C files and Makefile; else one of the kernel's samples, or
    host/modules/NAME.
    """
    if not source and name in samples.FILES:
        source = samples.source(kernel, name)
    source = source or os.path.join(SOURCES, name)
    if not re.fullmatch(r"\w+", name) or not os.path.isdir(source):
        raise LabError(f"module {name}", "no such folder below lab/host/modules")
    key = f"{kernel.release} {_hash_of(source)}".encode()
    return cache.keyed(f"modules/{kernel.name}/{name}.ko", key,
                       lambda: _make(kernel, name, source))


def _hash_of(folder):
    digest = hashlib.sha256()
    for path in sorted(glob.glob(os.path.join(folder, "**"), recursive=True)):
        if os.path.isfile(path):
            digest.update(os.path.relpath(path, folder).encode() + b"\0")
            with open(path, "rb") as file:
                digest.update(hashlib.sha256(file.read()).digest())
    return digest.hexdigest()


def _make(kernel, name, source):
    headers = _headers(kernel)
    say(f"building the module {name} (kernel {kernel.release})...")
    with cache.unfinished_dir() as work:
        # kbuild leaves its files beside the sources.
        work = shutil.copytree(source, os.path.join(work, name))
        # Type information for BPF would need pahole, and nobody asks for it here.
        tools.run(["make", "-s", "-C", headers, f"M={work}", "CONFIG_DEBUG_INFO_BTF_MODULES=",
                   "modules"], f"module {name}")
        with open(os.path.join(work, name + ".ko"), "rb") as file:
            return file.read()


def _headers(kernel):
    """The folder that `make -C` wants: of the kernel's own package, or an archive's."""
    own = os.path.join(kernel.root, "lib/modules", kernel.release, "build")
    if os.path.exists(os.path.join(own, "Makefile")):
        return own
    folder = os.path.join(cache.cache_dir(), "headers", kernel.release)
    if not os.path.isdir(folder):
        _download(kernel.release, folder)
    return _rooted(folder, kernel.release)


def _download(release, folder):
    package = f"linux-headers-{release}"
    if not shutil.which("apt-get", path=tools.SEARCH_PATH):
        raise LabError(package, "this system has no apt-get to download it with",
                       f"put headers at lib/modules/{release}/build of the kernel's folder")
    say(f"downloading {package} (once)...")
    with cache.unfinished_dir() as work:
        tools.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download",
                   *_packages(package, release)], package, cwd=work)
        tree = os.path.join(work, "tree")
        for archive in glob.glob(os.path.join(work, "*.deb")):
            tools.run(["dpkg-deb", "-x", archive, tree], package)
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        os.rename(tree, folder)


def _packages(package, release):
    """It, what it is made of, and of what version: a name alone may mean an older build."""
    try:
        words = tools.run(["apt-cache", "show", "--no-all-versions", package],
                          package).decode()
    except LabError as error:
        # The archive has a newer kernel than the cache folder by now.
        raise LabError(package, "the package archive offers none for this kernel any more",
                       "run apt-get update; or remove it from the cache folder's kernels/,"
                       " so that a newer one is downloaded with its headers") from error
    parts = re.findall(r"\b(linux-(?:headers-[\w.+-]+-common|kbuild-[\w.+-]+))",
                       re.search(r"^Depends: (.*)$", words, re.MULTILINE).group(1))
    if len(parts) < 2:
        raise LabError(package, f"its parts are not told: {release}")
    version = re.search(r"^Version: (\S+)$", words, re.MULTILINE).group(1)
    return [f"{name}={version}" for name in (package, *parts)]


def _rooted(folder, release):
    """The headers' one absolute path, which leads to where they would be installed."""
    path = os.path.join(folder, "usr/src", f"linux-headers-{release}")
    makefile = os.path.join(path, "Makefile")
    with open(makefile, encoding="utf-8") as file:
        text = file.read()
    # The cache folder may have moved since.
    here = re.sub(r"^include .*?/usr/src/", lambda _: f"include {folder}/usr/src/",
                  text.replace("include /usr/src/", "include //usr/src/"), flags=re.MULTILINE)
    if here != text:
        cache.write_whole(makefile, here.encode())
    return path
