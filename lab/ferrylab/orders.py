# SPDX-License-Identifier: GPL-2.0-or-later
"""What a run's folder tells host/initramfs-init, host/init and host/start to do."""
import os
import shlex
import shutil

from . import cache, machine as machines

# Where host/initramfs-init mounts a fresh tmpfs or another thing of the virtual host's own.
HIDDEN = ["/tmp", "/run", "/root", "/var/log", "/var/cache", "/var/lib/libvirt", "/dev",
          "/proc", "/sys", "/mnt/data", "/lib/modules", "/usr/lib/modules"]

# Where the virtual host has a run's modules.
MODULES = "/run/lab/built"

FIRMWARE = {
    "LAB_OVMF_CODE": ["/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_CODE_4M.fd",
                      "/usr/share/edk2/ovmf/OVMF_CODE.fd",
                      "/usr/share/edk2/x64/OVMF_CODE.4m.fd"],
    "LAB_OVMF_VARS": ["/usr/share/OVMF/OVMF_VARS.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd",
                      "/usr/share/edk2/ovmf/OVMF_VARS.fd",
                      "/usr/share/edk2/x64/OVMF_VARS.4m.fd"],
}


def write(folder, token, options, command, parts):
    """Write the orders into the run's folder.

    command: the words to run. token: what the virtual host's own lines begin with.
    """
    pciferry = os.path.realpath(os.environ.get("PCIFERRY") or
                                os.path.join(cache.REPOSITORY, "build", "pciferry"))
    keep = _hidden_paths([cache.REPOSITORY, cache.cache_dir(), pciferry, parts.kernel.image]
                         + [word for word in command if word.startswith("/")])
    _make_folders(folder, parts.modules)
    for name, lines in {
            "run.sh": _host_lines(token, options, command, parts, pciferry),
            "keep": keep,
            "modules": [os.path.realpath(os.path.join(parts.kernel.root, "lib/modules"))],
            "init": [os.path.join(cache.LAB_DIR, "host", "init")],
            "drivers": parts.machine.drivers,
            "devices": machines.expectations(parts.machine)}.items():
        _write_lines(folder, name, lines)


def write_start(folder, token, options, machine, built, command):
    """The same for a machine that boots its own disk: it sees none of this one's files.

    built: paths of kernel modules.
    """
    _make_folders(folder, built)
    for name in ("start", "common.sh", "lib.sh"):
        shutil.copy(os.path.join(cache.LAB_DIR, "host", name), folder)
    lines = _exports(options, machine, {"LAB_LIB": "/run/lab/lib.sh",
                                        "LAB_MODULES": MODULES,
                                        "LAB_FILES": "/run/files" if options.files else ""})
    # A disk that vfio-pci has tells its serial number to nobody.
    devices = [line.rpartition(" ")[0] + " -" for line in machines.expectations(machine)]
    _write_lines(folder, "run.sh", lines + _commands(token, command))
    _write_lines(folder, "devices", devices)


def _make_folders(folder, built):
    """What a scenario leaves, and what was built for it."""
    os.mkdir(os.path.join(folder, "out"))
    os.mkdir(os.path.join(folder, "built"))
    for path in built:
        shutil.copy(path, os.path.join(folder, "built"))


def _write_lines(folder, name, lines):
    with open(os.path.join(folder, name), "wb") as file:
        file.write(os.fsencode("".join(line + "\n" for line in lines)))


def _exports(options, machine, more):
    """Shell code. Quoted, so that a name or an argument may hold anything."""
    exported = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "TERM": os.environ.get("TERM", "dumb") if options.terminal else "dumb",
        "LAB_OUT": "/run/lab/out",
        "LAB_IOMMU": options.iommu,
        "LAB_MACHINE": machine.name,
        **more,
    }
    return [f"export {name}={shlex.quote(value)}" for name, value in exported.items()]


def _commands(token, command):
    return [f"lab_token={token}",
            f"lab_command=({' '.join(map(shlex.quote, command))})"]


def _host_lines(token, options, command, parts, pciferry):
    more = {
        "PCIFERRY": pciferry,
        "LAB_LIB": os.path.join(cache.LAB_DIR, "host", "lib.sh"),
        "LAB_KERNEL": parts.kernel.image,
        "LAB_KERNEL_QUICK": parts.quick_image,
        "LAB_INITRD": parts.guest_image,
        "LAB_MODULES": MODULES,
        **{name: firmware(name) for name in FIRMWARE},
    }
    size = shutil.get_terminal_size()
    return _exports(options, parts.machine, more) + _commands(token, command) + [
        f"lab_directory={shlex.quote(cache.REPOSITORY)}",
        f"lab_terminal={'yes' if options.terminal else ''}",
        f"lab_rows={size.lines} lab_columns={size.columns}"]


def firmware(name):
    """The first of the places in FIRMWARE that is there, else ""."""
    return next((path for path in FIRMWARE[name] if os.path.exists(path)), "")


def _hidden_paths(paths):
    """Those of the paths (of a file, its folder) that a mount of the host's would hide."""
    kept = []
    for path in paths:
        if not os.path.exists(path):
            continue
        if os.path.isfile(path) and os.path.dirname(path) not in HIDDEN:
            path = os.path.dirname(path)
        below = any(path.startswith(place + "/") for place in HIDDEN)
        if below and not any(path == one or path.startswith(one + "/") for one in kept):
            kept.append(path)
    return kept
