# SPDX-License-Identifier: GPL-2.0-or-later
# Device and load come from ferrylab/machine.py.
"""The default machine with a display adapter on the board: the host's console is there.

In the default machine the only VGA device, and so the boot VGA, is the card to be handed over.
"""

SUMMARY = "default, and an on-board VGA (LAB_VGA), so that LAB_GPU is not the boot VGA"

BASE = load("default")
DRIVERS = BASE.drivers
PORTS = BASE.ports
DEVICES = BASE.devices + [Device("0c.0", "VGA", "1234:1111", "LAB_VGA")]
