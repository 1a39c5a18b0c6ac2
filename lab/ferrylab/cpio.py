# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes a cpio archive in the kernel's own format (newc).

Documentation/driver-api/early-userspace/buffer-format.rst of the kernel. Not compressed:
inflating costs more under TCG than reading.
"""
import stat


class Archive:
    """Members are kept in order: a folder is added before what it holds."""

    def __init__(self):
        self._parts = []
        self._count = 0
        self._folders = set()

    def folder(self, path):
        parts = path.split("/")
        for length in range(1, len(parts) + 1):
            name = "/".join(parts[:length])
            if name not in self._folders:
                self._folders.add(name)
                self._add(name, stat.S_IFDIR | 0o755, b"")

    def file(self, path, data, mode=0o644):
        if "/" in path:
            self.folder(path.rpartition("/")[0])
        self._add(path, stat.S_IFREG | mode, data)

    def symlink(self, path, target):
        if "/" in path:
            self.folder(path.rpartition("/")[0])
        self._add(path, stat.S_IFLNK | 0o777, target.encode())

    def device(self, path, major, minor):
        """A character device."""
        self._add(path, stat.S_IFCHR | 0o600, b"", major, minor)

    def bytes(self):
        self._add("TRAILER!!!", 0, b"")
        return b"".join(self._parts)

    def _add(self, path, mode, data, major=0, minor=0):
        self._count += 1
        name = path.encode() + b"\0"
        links = 2 if stat.S_ISDIR(mode) else 1
        # ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor
        # namesize check
        fields = (self._count, mode, 0, 0, links, 0, len(data), 0, 0, major, minor,
                  len(name), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        self._parts += [header + name, _padding(len(header) + len(name)),
                        data, _padding(len(data))]


def _padding(length):
    return b"\0" * (-length % 4)
