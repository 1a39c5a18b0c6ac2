# SPDX-License-Identifier: GPL-2.0-or-later
# Device and load come from ferrylab/machine.py.
"""The machine with two cards, and no DRM driver for either: what the firmware, or a boot with
vga=0x314, made of the display adapter on the board stays as it is."""

SUMMARY = "two-cards, without a driver for displays"

BASE = load("two-cards")
DRIVERS = [name for name in BASE.drivers if name != "bochs"]
PORTS = BASE.ports
DEVICES = BASE.devices
