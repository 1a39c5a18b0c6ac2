# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernels of the virtual host: from the package archive, the machine, or a folder.

An archive kernel is unpacked into the cache folder; nothing is installed.
"""
import collections
import glob
import os
import re
import shutil

from . import cache, tools
from .errors import LabError, say

# name: for people and for cache file names. root: lib/modules/RELEASE is below it.
Kernel = collections.namedtuple("Kernel", "name release image root")

USE_HOST = "use --kernel host, or --kernel DIR with an unpacked kernel package"


def default_name():
    """The kernel that this system would install, or the running one where there is no apt."""
    if not shutil.which("apt-cache", path=tools.SEARCH_PATH):
        return "host"
    # Asked once: apt-cache takes longer than all else before QEMU starts.
    path = os.path.join(cache.cache_dir(), "default-kernel")
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except FileNotFoundError:
        name = _installable_name()
        cache.write_whole(path, name.encode())
        return name


def _installable_name():
    for package in _dependencies("linux-image-amd64"):
        match = re.match(r"linux-image-(\d+\.\d+)\.", package)
        if match:
            return match.group(1)
    raise LabError("linux-image-amd64", "the package archive does not know it",
                   f"run apt-get update, or {USE_HOST}")


def get(name):
    """The Kernel called name, downloaded when needed. Only inside cache.preparing()."""
    if name == "host":
        return _running_kernel()
    if re.fullmatch(r"\d+\.\d+", name):
        return _archive_kernel(name)
    if os.path.isdir(name):
        return _kernel_in_folder(name)
    raise LabError(name, "not a kernel: give 6.1, 6.12, host or a folder")


def _running_kernel():
    release = os.uname().release
    for image in (f"/boot/vmlinuz-{release}", f"/lib/modules/{release}/vmlinuz"):
        if os.path.isdir(f"/lib/modules/{release}") and os.path.exists(image):
            if not os.access(image, os.R_OK):
                raise LabError(image, "not readable by this user", "run as root")
            return Kernel("host", release, image, "/")
    raise LabError("--kernel host", f"no image and modules of the running kernel {release}",
                   "use --kernel 6.1, or --kernel DIR with an unpacked kernel package")


def _kernel_in_folder(folder, name=None):
    """A folder that holds lib/modules/RELEASE and boot/vmlinuz-RELEASE (or vmlinuz)."""
    folder = os.path.realpath(folder)
    releases = glob.glob(os.path.join(folder, "lib/modules/*/"))
    if len(releases) != 1:
        raise LabError(folder, f"holds {len(releases)} folders lib/modules/RELEASE, not one",
                       "give the folder of one unpacked kernel package")
    release = os.path.basename(os.path.dirname(releases[0]))
    for image in (f"boot/vmlinuz-{release}", "vmlinuz", f"lib/modules/{release}/vmlinuz"):
        image = os.path.join(folder, image)
        if os.path.exists(image):
            break
    else:
        raise LabError(folder, f"no boot/vmlinuz-{release} in it")
    if not os.path.exists(os.path.join(releases[0], "modules.dep.bin")):
        tools.run(["depmod", "-b", folder, release], folder)
    return Kernel(name or "folder-" + re.sub(r"[^\w.+-]", "_", folder.strip("/")),
                  release, image, folder)


def _archive_kernel(version):
    folder = os.path.join(cache.cache_dir(), "kernels", version)
    if not os.path.isdir(folder):
        _download(version, folder)
    return _kernel_in_folder(folder, version)


def _download(version, folder):
    if not shutil.which("apt-get", path=tools.SEARCH_PATH):
        raise LabError(f"kernel {version}", "this system has no apt-get to download it with",
                       USE_HOST)
    package = _archive_package(version)
    say(f"downloading the kernel {version} ({package}, once)...")
    with cache.unfinished_dir() as work:
        # The download is only read by dpkg-deb: no need for apt's own user, which may
        # not be allowed into this folder.
        tools.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package],
                  f"kernel {version}", cwd=work)
        tree = os.path.join(work, "tree")
        for archive in glob.glob(os.path.join(work, "*.deb")):
            tools.run(["dpkg-deb", "-x", archive, tree], f"kernel {version}")
        if not os.path.isdir(os.path.join(tree, "lib")):
            # Packages made for a merged /usr; modprobe -d and depmod -b want lib/modules.
            os.symlink("usr/lib", os.path.join(tree, "lib"))
        _kernel_in_folder(tree)  # complete, and with the lists of depmod, before the rename
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        os.rename(tree, folder)


def _archive_package(version):
    """The package with the image itself: what the meta packages depend on."""
    for meta in ("linux-image-amd64", f"linux-image-{version}-amd64"):
        for package in _dependencies(meta):
            if package.startswith(f"linux-image-{version}."):
                return package
    raise LabError(f"kernel {version}", "the package archive offers none",
                   f"run apt-get update, or {USE_HOST}")


def _dependencies(package):
    try:
        words = tools.run(["apt-cache", "depends", package], package).decode()
    except LabError:
        return []  # apt does not know it
    return re.findall(r"^ *Depends: (\S+)", words, re.MULTILINE)
