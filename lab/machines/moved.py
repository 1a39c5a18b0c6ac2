# SPDX-License-Identifier: GPL-2.0-or-later
# load comes from ferrylab/machine.py.
"""The default machine after its owner has been at it: where LAB_NVME_FREE was, there is now
the network card, and the disk is in the card's slot."""

SUMMARY = "default, but LAB_NVME_FREE and LAB_NIC_UP have swapped their slots"

BASE = load("default")
DRIVERS = BASE.drivers
PORTS = BASE.ports
SWAPPED = {"04.0/00.0": "09.0/00.0", "09.0/00.0": "04.0/00.0"}
DEVICES = [device._replace(path=SWAPPED.get(device.path, device.path))
           for device in BASE.devices]
