# SPDX-License-Identifier: GPL-2.0-or-later
# load comes from ferrylab/machine.py.
"""The default machine, but the NVMe controller has up to sixteen virtual functions."""

SUMMARY = "default, but LAB_NVME_SRIOV has up to sixteen virtual functions"

BASE = load("default")
DRIVERS = BASE.drivers
PORTS = BASE.ports


def widened(device):
    """Two queues and an interrupt for each function, as for the four of the default machine."""
    options = device.options
    for old, new in (("sriov_max_vfs=4", "sriov_max_vfs=16"),
                     ("sriov_vq_flexible=8", "sriov_vq_flexible=32"),
                     ("sriov_vi_flexible=4", "sriov_vi_flexible=16"),
                     ("max_ioqpairs=10", "max_ioqpairs=34"), ("msix_qsize=9", "msix_qsize=40")):
        options = options.replace(old, new)
    return device._replace(options=options)


DEVICES = [widened(device) if device.variable == "LAB_NVME_SRIOV" else device
           for device in BASE.devices]
