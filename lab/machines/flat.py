# SPDX-License-Identifier: GPL-2.0-or-later
# load comes from ferrylab/machine.py.
"""The default machine's devices on bus 0, without root ports: the machine for AMD-Vi.

QEMU's amd-iommu takes a device's bus number when the device is made, before the firmware
gives buses their numbers, so that all devices behind ports are translated as if they were on
bus 0 (hw/i386/amd_iommu.c, amdvi_host_dma_iommu(); seen in 7.2). Their DMA goes nowhere, or,
with the kernel's iommu=pt, untranslated: to a wrong place as soon as a guest has the device.
"""

SUMMARY = "the same devices without root ports, for AMD-Vi"

BASE = load("default")
DRIVERS = BASE.drivers
PORTS = []


def _on_bus_0(path):
    """Without the port, whose slot the device takes: 02.0/00.1 becomes 02.1."""
    port, first, *rest = path.split("/")
    return "/".join([port.split(".")[0] + "." + first.split(".")[1]] + rest)


DEVICES = [device._replace(path=_on_bus_0(device.path)) for device in BASE.devices]
