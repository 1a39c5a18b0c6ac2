# SPDX-License-Identifier: GPL-2.0-or-later
"""Small made hosts: a folder with as much of /sys and /proc as pciferry reads."""
import pathlib


class FakeHost:
    """Nothing here is real: vendor 1234 and the like have no names in udev's database."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        for folder in ("sys/bus/pci/devices", "sys/class/block", "sys/class/net"):
            (self.root / folder).mkdir(parents=True)
        self.mounts = ["22 1 0:5 / /proc rw - proc proc rw"]
        self.write_proc()

    def file(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def link(self, path, target):
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def write_proc(self, swaps=""):
        table = "\n".join(self.mounts) + "\n"
        self.file("proc/self/mountinfo", table)
        self.file("proc/1/mountinfo", table)
        self.file("proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n" + swaps)

    def device(self, address, ids="1234:0001", class_code="010802", driver=None, group=None,
               **attributes):
        vendor, device = (part.upper() for part in ids.split(":"))
        base = f"sys/devices/pci0000:00/{address}"
        parts = [class_code[i:i + 2].upper() for i in (0, 2, 4)]
        self.file(f"{base}/modalias", f"pci:v0000{vendor}d0000{device}sv00001234sd00000002"
                  f"bc{parts[0]}sc{parts[1]}i{parts[2]}\n")
        self.file(f"{base}/driver_override", "(null)\n")
        self.link(f"sys/bus/pci/devices/{address}", f"../../../devices/pci0000:00/{address}")
        if driver:
            (self.root / "sys/bus/pci/drivers" / driver).mkdir(parents=True, exist_ok=True)
            self.link(f"{base}/driver", f"../../../bus/pci/drivers/{driver}")
        if group is not None:
            self.link(f"{base}/iommu_group", f"../../../kernel/iommu_groups/{group}")
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
