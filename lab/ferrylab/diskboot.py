# SPDX-License-Identifier: GPL-2.0-or-later
"""Machines that boot a disk of their own: firmware, boot loader, initramfs, init."""
import argparse
import os
import secrets
import shutil
import socket

from . import cache, disks, kernel as kernels, machine as machines, modules, orders, qemu, \
    scenario, systems, tools
from .errors import STATUS_DEADLINE, LabError
from .run import Port, Process, failure, follow

# Firmware, loader, initramfs and systemd, ten times what they need on an idle machine.
BOOT_SECONDS = 600
# For the services to stop.
POWER_OFF_SECONDS = 180

# The system's first boot needs no devices but those of the default machine.
FIRST_BOOT = {"machine": "default", "iommu": "vtd", "memory": 2048, "smp": 2, "timeout": 900,
              "terminal": False, "files": None, "qmp": None, "output": None}


def install(name, folder):
    """A fresh copy of a system in a folder: disk.qcow2, and vars.fd, the firmware's memory."""
    os.makedirs(folder, exist_ok=True)
    with cache.preparing():
        base = systems.get(name, _first_boot)
        _overlay(os.path.join(base, "disk.img"), "raw", os.path.join(folder, "disk.qcow2"))
        shutil.copy(os.path.join(base, "vars.fd"), folder)


def _overlay(base, form, path):
    if os.path.exists(path):
        raise LabError(path, "is there already", "give another folder")
    tools.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", form, "-b", base, path], path)


def _first_boot(folder, script, arguments):
    options = argparse.Namespace(**FIRST_BOOT, folder=folder)
    machine = machines.load(options.machine)
    status = _boot(options, machine, disks.build(machine), [script],
                   ("raw", os.path.join(folder, "disk.img")), arguments)
    if status:
        raise LabError("first boot", f"{os.path.basename(script)} ended with status {status}")


def start(options, arguments):
    """Boot the disk in options.folder and run a scenario in it, until it powers off.

    The scenario's status, or 124.
    """
    with cache.preparing():
        machine = machines.load(options.machine)
        disk_files = disks.build(machine)
        built = [modules.build(kernels.get(options.kernel), name)
                 for name in options.modules.split()]
    disk = os.path.join(options.folder, "disk.qcow2")
    if not os.path.exists(disk):
        raise LabError(disk, "there is none", "lab/lab install makes one")
    return _boot(options, machine, disk_files, arguments, ("qcow2", disk), [], built)


def _boot(options, machine, disk_files, arguments, disk, more, built=()):
    """arguments: the scenario's path, and its own arguments. disk: (format, path).

    more: arguments of QEMU. built: paths of kernel modules.
    """
    folder, lock = cache.new_run_dir()
    with lock:
        token = secrets.token_hex(8)
        shutil.copy(arguments[0], os.path.join(folder, "scenario"))
        command = scenario.command(arguments[0])[:-1] + ["/run/lab/scenario"]
        orders.write_start(folder, token, options, machine, built, command + arguments[1:])
        ours, theirs = socket.socketpair()
        with ours, theirs:
            words = qemu.disk_command_line(options, machine, disk_files, disk, theirs.fileno())
            with open(os.path.join(folder, "qemu.log"), "wb") as log, Process(
                    words + more, folder, log, theirs, terminal=False) as process:
                theirs.close()
                status = follow(process, Port(ours, token), options.timeout, folder,
                                BOOT_SECONDS)
                # It must be off by itself: what follows in the next boot is not a crash's.
                if status != STATUS_DEADLINE and process.wait(POWER_OFF_SECONDS) != 0:
                    raise failure("virtual host", "did not power off", folder)
        if options.output:
            shutil.copytree(os.path.join(folder, "out"), options.output, dirs_exist_ok=True)
        return status
