# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds the two initramfs images: of the virtual host, and of the guest inside it."""
import gzip
import hashlib
import lzma
import os
import subprocess
import tempfile

from . import cache, tools
from .cpio import Archive
from .errors import LabError, say

# What the virtual host needs before it has a root: its disks of files, and the way out.
HOST_MODULES = ["virtio_pci", "virtio_console", "9p", "9pnet_virtio", "overlay"]

# What the inner guest may be given. It loads those that fit a device by their alias.
GUEST_MODULES = ["nvme", "e1000e", "e1000", "igb", "virtio_net", "virtio_blk", "virtio_pci",
                 "snd_hda_intel", "snd_hda_codec_generic", "snd_pcm_oss", "bochs", "ahci",
                 "sd_mod", "xhci_pci", "virtiofs"]

BUSYBOX_PLACES = ["/bin/busybox", "/usr/bin/busybox", "/usr/sbin/busybox",
                  "/usr/lib/initcpio/busybox"]


def build(kernel):
    """Paths of (host image, guest image), built again when an ingredient has changed."""
    busybox = _busybox()
    return (_cached(kernel, "host", HOST_MODULES, busybox, _add_host_files),
            _cached(kernel, "guest", GUEST_MODULES, busybox, _add_guest_files))


def _cached(kernel, kind, modules, busybox, add_files):
    def make():
        say(f"building the initramfs of the {kind} (kernel {kernel.release})...")
        archive = Archive()
        for folder in ("bin", "dev", "proc", "sys", "modules"):
            archive.folder(folder)
        # Before /dev is mounted, init's own messages go through this node.
        archive.device("dev/console", 5, 1)
        archive.file("bin/busybox", _bytes_of(busybox), 0o755)
        for name in tools.run([busybox, "--list"], busybox).decode().split():
            if name != "busybox":
                archive.symlink(f"bin/{name}", "busybox")
        archive.file("init", _bytes_of(_init_script(kind)), 0o755)
        add_files(archive, kernel, modules)
        return archive.bytes()

    return cache.keyed(f"initramfs/{kernel.name}-{kind}.cpio",
                       _key(kernel, kind, modules, busybox), make)


def _bytes_of(path):
    with open(path, "rb") as file:
        return file.read()


def _init_script(kind):
    return os.path.join(cache.LAB_DIR, kind, "initramfs-init")


def _key(kernel, kind, modules, busybox):
    digest = hashlib.sha256()
    for path in (_init_script(kind), os.path.realpath(__file__)):
        digest.update(_bytes_of(path))
    for path in (busybox, kernel.image):
        digest.update(cache.file_key(path))
    digest.update(repr((kernel.release, kernel.root, modules)).encode())
    return digest.hexdigest().encode()


def _add_host_files(archive, kernel, modules):
    # All of them are wanted, in this order: insmod by number, no lists of aliases needed.
    for number, path in enumerate(_with_dependencies(kernel, modules)):
        archive.file(f"modules/{number:02}-{_module_name(path)}.ko", _module_bytes(path))


def _add_guest_files(archive, kernel, modules):
    with tempfile.TemporaryDirectory(dir=cache.cache_dir()) as tree:
        folder = os.path.join(tree, "lib/modules", kernel.release)
        os.makedirs(folder)
        for path in _with_dependencies(kernel, modules):
            with open(os.path.join(folder, _module_name(path) + ".ko"), "wb") as file:
                file.write(_module_bytes(path))
        # depmod warns that these are missing.
        for name in ("modules.builtin", "modules.order", "modules.builtin.modinfo"):
            source = os.path.join(kernel.root, "lib/modules", kernel.release, name)
            with open(os.path.join(folder, name), "wb") as file, open(source, "rb") as old:
                file.write(old.read() if name != "modules.order" else b"")
        tools.run(["depmod", "-b", tree, kernel.release], "the guest's modules")
        for name in sorted(os.listdir(folder)):
            # busybox reads the text lists, the kernel's own kmod the binary ones.
            if name.endswith((".ko", ".dep", ".alias", ".symbols")):
                with open(os.path.join(folder, name), "rb") as file:
                    archive.file(f"lib/modules/{kernel.release}/{name}", file.read())


def _with_dependencies(kernel, modules):
    """Module files in the order in which they can be loaded; built-in ones left out."""
    paths = []
    for module in modules:
        try:
            # An empty configuration: what the machine's own modprobe.d says is not asked.
            words = tools.run(["modprobe", "-d", kernel.root, "-C", "/dev/null",
                               "-S", kernel.release, "--show-depends", module], module)
        except LabError as error:
            if module in HOST_MODULES:
                raise LabError(f"kernel {kernel.release}", f"has no module {module}",
                               "use another --kernel") from error
            continue  # one kind of device less for the guest
        for line in words.decode().splitlines():
            kind, path = line.split()[:2]
            if kind == "insmod" and path not in paths:
                paths.append(path)
    return paths


def _module_name(path):
    return os.path.basename(path).partition(".ko")[0]


def _module_bytes(path):
    """The module, decompressed: not every kernel does that itself."""
    if path.endswith(".zst"):
        return subprocess.run([tools.find("zstd"), "-dcq", path], check=True,
                              stdout=subprocess.PIPE).stdout
    openers = {".xz": lzma.open, ".gz": gzip.open}
    with openers.get(os.path.splitext(path)[1], open)(path, "rb") as file:
        return file.read()


def _busybox():
    for path in BUSYBOX_PLACES:
        # Only a static one runs in an image that has no libraries.
        if os.access(path, os.X_OK) and not _is_dynamic(path):
            return path
    raise LabError("busybox", "no static one found", "run scripts/install-deps lab")


def _is_dynamic(path):
    """Does the ELF file name an interpreter? ELF-64 Object File Format, 2 and 6."""
    with open(path, "rb") as file:
        header = file.read(4096)
    offset = int.from_bytes(header[0x20:0x28], "little")
    size = int.from_bytes(header[0x36:0x38], "little")
    count = int.from_bytes(header[0x38:0x3a], "little")
    program_interpreter = 3
    return any(int.from_bytes(header[at:at + 4], "little") == program_interpreter
               for at in range(offset, offset + size * count, size or 1))
