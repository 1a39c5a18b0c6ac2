# SPDX-License-Identifier: GPL-2.0-or-later
# Port and load come from ferrylab/machine.py.
"""The default machine with an empty port, at-0c_0, into which a scenario plugs what it wants.

A USB controller that is there from the start is one that SeaBIOS drives, for its keyboard: it goes
on writing to memory while the kernel starts, and a module that is loaded then was rejected for its
signature (seen with QEMU 7.2).
"""

SUMMARY = "default, and an empty port, at-0c_0"

BASE = load("default")
DRIVERS = BASE.drivers
PORTS = BASE.ports + [Port("0c.0")]
DEVICES = BASE.devices
