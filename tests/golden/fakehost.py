# SPDX-License-Identifier: GPL-2.0-or-later
"""Small made hosts: a folder with as much of /sys and /proc as pciferry reads."""
import pathlib

from configspace import ENDPOINT, ROOT_PORT, TO_PCI, Config


class FakeHost:
    """Nothing here is real: vendor 1234 and the like have no names in udev's database."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        for folder in ("sys/bus/pci/devices", "sys/class/block", "sys/class/net"):
            (self.root / folder).mkdir(parents=True)
        self.mounts = ["22 1 0:5 / /proc rw - proc proc rw"]
        self.write_proc()

    def file(self, path, content):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            target.write_bytes(content)
        else:
            target.write_text(content)

    def link(self, path, target):
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def write_proc(self, swaps=""):
        table = "\n".join(self.mounts) + "\n"
        self.file("proc/self/mountinfo", table)
        self.file("proc/1/mountinfo", table)
        self.file("proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n" + swaps)

    def folder(self, address):
        """Of a device that was made before."""
        return "sys/devices/" + str((self.root / "sys/bus/pci/devices" / address).readlink())\
            .removeprefix("../../../devices/")

    def device(self, address, ids="1234:0001", class_code="010802", driver=None, group=None,
               parent=None, config=None, **attributes):
        vendor, device = (part.upper() for part in ids.split(":"))
        above = self.folder(parent) if parent else "sys/devices/pci0000:00"
        base = f"{above}/{address}"
        up = "../" * base.count("/")
        parts = [class_code[i:i + 2].upper() for i in (0, 2, 4)]
        self.file(f"{base}/modalias", f"pci:v0000{vendor}d0000{device}sv00001234sd00000002"
                  f"bc{parts[0]}sc{parts[1]}i{parts[2]}\n")
        self.file(f"{base}/driver_override", "(null)\n")
        self.link(f"sys/bus/pci/devices/{address}", f"../../..{base.removeprefix('sys')}")
        if config is not None:
            self.file(f"{base}/config", config)
        if driver:
            (self.root / "sys/bus/pci/drivers" / driver).mkdir(parents=True, exist_ok=True)
            self.link(f"{base}/driver", f"{up}bus/pci/drivers/{driver}")
        if group is not None:
            self.link(f"{base}/iommu_group", f"{up}kernel/iommu_groups/{group}")
            self.file(f"sys/kernel/iommu_groups/{group}/type", "DMA-FQ\n")
        for name, value in attributes.items():
            self.file(f"{base}/{name}", f"{value}\n")

    def disk(self, address, name, number, mounted=None):
        folder = f"devices/pci0000:00/{address}/nvme/nvme0/{name}"
        self.file(f"sys/{folder}/dev", f"{number}\n")
        self.link(f"sys/class/block/{name}", f"../../{folder}")
        if mounted:
            self.mounts.append(f"30 22 {number} / {mounted} rw - ext4 /dev/{name} rw")
            self.write_proc()


def usual(root):
    """A card with its audio function, a mounted disk, a free one alike, a bridge."""
    host = FakeHost(root)
    host.device("0000:00:01.0", "1234:000c", "060400", "pcieport", 1)
    host.device("0000:01:00.0", "1234:5046", "030000", None, 2, revision="0xa1",
                numa_node=-1, boot_vga=1, reset_method="bus", power_state="D0")
    host.device("0000:01:00.1", "1234:293e", "040300", "snd_hda_intel", 2)
    host.device("0000:02:00.0", "1234:0010", "010802", "nvme", 3)
    host.device("0000:03:00.0", "1234:0010", "010802", "nvme", 4, reset_method="flr bus",
                numa_node=0)
    host.device("0000:04:00.0", "1234:0099", "020000", "e1000e", None)
    host.disk("0000:02:00.0", "nvme0n1", "259:0", "/srv")
    host.disk("0000:03:00.0", "nvme1n1", "259:1")
    return host


def with_config(root):
    """A port with ACS and a card, one without and two NICs, a switch, a conventional bus, a
    slot of conventional functions; all with configuration space, no IOMMU."""
    host = FakeHost(root)

    def add(address, ids, code, parent=None, driver=None, **options):
        make = options.pop("make")
        bridge = options.pop("bridge", None)
        space = Config(ids, code, bridge, options.pop("multi", False))
        host.device(address, ids, code, driver, parent=parent, config=make(space).make(),
                    **options)

    def port(space, *flags):
        space.express(ROOT_PORT, speed=3, width=8, max_speed=4, max_width=16)
        return space.acs() if "acs" in flags else space

    add("0000:00:01.0", "1234:000c", "060400", driver="pcieport", bridge=(0, 1, 1),
        make=lambda space: port(space, "acs"))
    add("0000:00:02.0", "1234:000c", "060400", driver="pcieport", bridge=(0, 2, 2), make=port)
    add("0000:00:1f.0", "1234:001f", "060100", multi=True, make=lambda space: space)
    add("0000:00:1f.3", "1234:0020", "0c0500", make=lambda space: space)
    add("0000:01:00.0", "1234:5046", "030000", "0000:00:01.0", multi=True, driver="amdgpu",
        boot_vga=1, reset_method="bus", power_state="D0", numa_node=1,
        resource=RESOURCES, make=lambda space: space.express(
            ENDPOINT, speed=1, width=8, max_speed=5, max_width=16).msix(4)
        .rebar(0, 8, 0x7f00).serial(0x0123456789abcdef))
    add("0000:01:00.1", "1234:293e", "040300", "0000:00:01.0", driver="snd_hda_intel",
        make=lambda space: space.express(ENDPOINT, speed=3, width=8))
    for function in (0, 1):
        add(f"0000:02:00.{function}", "1234:10d3", "020000", "0000:00:02.0", driver="e1000e",
            multi=function == 0, make=lambda space: space.express(
                ENDPOINT, speed=3, width=8, flr=True).sriov(8))
    add("0000:00:03.0", "1234:000c", "060400", driver="pcieport", bridge=(0, 3, 4),
        make=lambda space: port(space, "acs"))
    add("0000:03:00.0", "1234:000e", "060400", "0000:00:03.0", bridge=(3, 4, 4),
        make=lambda space: space.express(TO_PCI, speed=1, width=1, max_speed=1, max_width=1))
    for device in (1, 2):
        add(f"0000:04:0{device}.0", "1234:100e", "020000", "0000:03:00.0",
            make=lambda space: space)
    host.file("sys/bus/pci/slots/7/address", "0000:01:00\n")
    return host


RESOURCES = "\n".join([
    "0x0000004000000000 0x000000400fffffff 0x000000000014220c",
    "0x0000000000000000 0x0000000000000000 0x0000000000000000",
    "0x0000004010000000 0x00000040101fffff 0x000000000014220c",
    "0x0000000000000000 0x0000000000000000 0x0000000000000000",
    "0x000000000000e000 0x000000000000e0ff 0x0000000000040101",
    "0x00000000fce00000 0x00000000fce3ffff 0x0000000000040200",
    "0x00000000fce40000 0x00000000fce5ffff 0x0000000000046200",
] + ["0x0000000000000000 0x0000000000000000 0x0000000000000000"] * 6)

# The same with the copy in memory that the BIOS of a PC has left of the ROM.
SHADOWED = RESOURCES.replace("0x00000000fce40000 0x00000000fce5ffff 0x0000000000046200",
                             "0x00000000000c0000 0x00000000000dffff 0x0000000000000212")
