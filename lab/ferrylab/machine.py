# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads a machine's table (lab/machines/NAME.py) and turns it into QEMU's arguments."""
import collections
import os
import runpy

from . import cache
from .errors import LabError

# path: the chain of device.function from bus 0, as "04.0/00.0": below the root port in slot
#   4, device 0, function 0. Bus numbers may move, this does not.
# model, options: QEMU's -device. ids: what the kernel must show, vendor:device.
# variable: LAB_... in a scenario, the device's address. serial: of a disk.
# disk: what is on it (see disks.py). extra: further -device arguments; {id} is this
# device's. before: -device arguments that must come first. network: QEMU's -netdev without
# its id.
Device = collections.namedtuple(
    "Device", "path model ids variable options serial disk network extra before",
    defaults=("", "", "", "", "", (), ()))

# A port holds one slot on bus 0.
Port = collections.namedtuple("Port", "slot options", defaults=("",))

Machine = collections.namedtuple("Machine", "name summary ports drivers devices")


def names():
    return sorted(name[:-3] for name in os.listdir(_folder()) if name.endswith(".py"))


def load(name):
    if name not in names():
        raise LabError(f"machine {name}", "no such table",
                       "there are: " + " ".join(names()))
    path = os.path.join(_folder(), name + ".py")
    table = runpy.run_path(path, {"Device": Device, "Port": Port, "load": load})
    return Machine(name, table["SUMMARY"], table["PORTS"], table["DRIVERS"],
                   table["DEVICES"])


def _folder():
    return os.path.join(cache.LAB_DIR, "machines")


def quote(value):
    """A value inside one of QEMU's comma-separated options."""
    return str(value).replace(",", ",,")


def _device_id(path):
    return "at-" + path.replace("/", "-").replace(".", "_")


def _joined(*parts):
    return ",".join(part for part in parts if part)


def _bus(path):
    """QEMU's name of the bus on which the last part of path lies."""
    return _device_id(path.rpartition("/")[0]) if "/" in path else "pcie.0"


def qemu_arguments(machine, disk_files):
    """Ports and devices. Every address is given, so that none depends on the order."""
    arguments = []
    for number, port in enumerate(machine.ports, 1):
        arguments += ["-device", _joined(
            "pcie-root-port", f"id={_device_id(port.slot)}", "bus=pcie.0",
            f"addr={port.slot}", f"chassis={number}", f"slot={number}", port.options)]
    for device in machine.devices:
        arguments += _device_arguments(device, disk_files)
    return arguments


def _device_arguments(device, disk_files):
    own_id = _device_id(device.path)
    arguments, links = [], []
    if device.disk:
        arguments += ["-drive", f"if=none,id={own_id}-drive,format=raw,snapshot=on,"
                                f"file={quote(disk_files[device.path])}"]
        # Where a device has its drive in a further -device (a namespace), that names it.
        if not any("{id}-drive" in text for text in device.extra):
            links.append(f"drive={own_id}-drive")
    if device.network:
        arguments += ["-netdev", _joined(device.network, f"id={own_id}-net")]
        links.append(f"netdev={own_id}-net")
    if device.serial:
        links.append(f"serial={device.serial}")
    for text in device.before:
        arguments += ["-device", text.format(id=own_id)]
    arguments += ["-device", _joined(
        device.model, f"id={own_id}", f"bus={_bus(device.path)}",
        f"addr={device.path.rpartition('/')[2]}", device.options.format(id=own_id), *links)]
    for text in device.extra:
        arguments += ["-device", text.format(id=own_id)]
    return arguments


def expectations(machine):
    """Lines for the virtual host's init: variable, path, IDs, serial number or "-"."""
    return [f"{device.variable} {device.path} {device.ids} {device.serial or '-'}"
            for device in machine.devices if device.variable]
