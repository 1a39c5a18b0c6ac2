# SPDX-License-Identifier: GPL-2.0-or-later
# Device and Port come from ferrylab/machine.py, where the columns are explained.
"""A host with one of each kind of device that is, or is not, easily handed to a guest."""

SUMMARY = "a graphics card, four alike NVMe disks, five NICs, a conventional bus"

# Slot 1 stays free: QEMU puts amd-iommu into the first free one and takes no address.
# The lab's own devices (files, output) are in the slots from 0x18 on, see qemu.py.
PORTS = [
    Port("02.0"),
    Port("03.0"),
    Port("04.0"),
    Port("05.0"),
    Port("06.0"),
    # Without ACS the port and what is below it are one group.
    Port("07.0", "disable-acs=on"),
    Port("08.0"),
    Port("09.0"),
    Port("0a.0"),
    Port("0b.0"),
]

# The host's drivers for the devices below.
DRIVERS = ["nvme", "e1000e", "e1000", "snd_hda_intel", "bochs", "ahci"]

# No network leaves the machine; a hub without another port is a cable to nowhere.
NOWHERE = "hubport,hubid=1"

DEVICES = [
    # The graphics card with its audio function: one group, both must go. Its driver is
    # blacklisted by Debian's kmod, as many do by hand for a card that goes to a guest.
    Device("02.0/00.0", "ati-vga", "1002:5046", "LAB_GPU", "multifunction=on"),
    Device("02.0/00.1", "ich9-intel-hda", "8086:293e", "LAB_GPU_AUDIO",
           extra=["hda-duplex,bus={id}.0,audiodev=silence"]),

    # Disks that only their serial numbers tell apart.
    # In use: /mnt/data.
    Device("03.0/00.0", "nvme", "1b36:0010", "LAB_NVME_MOUNTED", serial="FERRY-MOUNTED",
           disk="ext4"),
    # Not in use: the one to hand over. It holds the pattern of disks.py.
    Device("04.0/00.0", "nvme", "1b36:0010", "LAB_NVME_FREE", serial="FERRY-FREE",
           disk="pattern"),
    # In use without being mounted: swap.
    Device("05.0/00.0", "nvme", "1b36:0010", "LAB_NVME_SWAP", serial="FERRY-SWAP",
           disk="swap"),
    # Up to four virtual functions. Not in use.
    Device("06.0/00.0", "nvme", "1b36:0010", "LAB_NVME_SRIOV",
           "subsys={id}-subsystem,sriov_max_vfs=4,sriov_vq_flexible=8,sriov_vi_flexible=4,"
           "max_ioqpairs=10,msix_qsize=9",
           serial="FERRY-SRIOV", disk="blank",
           before=["nvme-subsys,id={id}-subsystem"],
           extra=["nvme-ns,drive={id}-drive,bus={id},nsid=1"]),

    # Two functions and their port in one group, and no driver needs them. Their option ROM
    # has a legacy and a UEFI image.
    Device("07.0/00.0", "e1000e", "8086:10d3", "LAB_NIC_PAIR0", "multifunction=on",
           network=NOWHERE),
    Device("07.0/00.1", "e1000e", "8086:10d3", "LAB_NIC_PAIR1", network=NOWHERE),

    # A conventional bus: the bridge and all behind it are one group. One NIC is up without
    # an address, as a bridge's or a bond's member is; the other is idle.
    Device("08.0/00.0", "pcie-pci-bridge", "1b36:000e", "LAB_BRIDGE"),
    Device("08.0/00.0/01.0", "e1000", "8086:100e", "LAB_NIC_NOADDR", network=NOWHERE),
    Device("08.0/00.0/02.0", "e1000", "8086:100e", "LAB_NIC_IDLE", network=NOWHERE),

    # The host's way to the world: an address, the default route. Alike to the pair above;
    # its option ROM has only a legacy image.
    Device("09.0/00.0", "e1000e", "8086:10d3", "LAB_NIC_UP", "romfile=pxe-e1000e.rom",
           network="user,restrict=on,net=192.0.2.0/24,host=192.0.2.2,ipv6=off"),

    # A display with a DRM driver and /dev/dri, which the card above has not.
    Device("0a.0/00.0", "bochs-display", "1234:1111", "LAB_BOCHS"),

    # A device without any driver.
    Device("0b.0/00.0", "edu", "1234:11e8", "LAB_EDU"),
]
