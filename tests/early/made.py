# SPDX-License-Identifier: GPL-2.0-or-later
"""A /sys, /proc and /etc made for the early script, which is told where they are."""
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "packaging/early/pciferry-early"

SHELLS = {"dash": ["dash"], "busybox": ["busybox", "sh"], "bash": ["bash", "--posix"]}

NVME = "1b36:0010/1af4:1100"
CARD = "10de:1b39/10de:1217"

# What the kernel does at once, run after each write of the script's: a device is unbound, and
# offered to the driver that its override names.
KERNEL = """#!/bin/sh
sys={sys}
take()
{{
	[ -e "$1/driver" ] || [ ! -e "$sys/bus/pci/drivers/$2" ] || [ -z "$2" ] ||
		[ -e "{refused}/${{1##*/}}" ] || ln -s "$sys/bus/pci/drivers/$2" "$1/driver"
}}
for file in "$sys"/bus/pci/drivers/*/unbind; do
	[ -f "$file" ] && [ -s "$file" ] || continue
	read -r address <"$file"
	: >"$file"
	echo "unbind $address" >>{log}
	rm "$sys/bus/pci/devices/$address/driver"
done
if [ -s "$sys/bus/pci/drivers_probe" ]; then
	read -r address <"$sys/bus/pci/drivers_probe"
	: >"$sys/bus/pci/drivers_probe"
	echo "probe $address" >>{log}
	read -r override <"$sys/bus/pci/devices/$address/driver_override"
	take "$sys/bus/pci/devices/$address" "$override"
fi
if [ "$1" = load ]; then
	echo "load $2" >>{log}
	[ -e {missing} ] && exit 1
	mkdir -p "$sys/bus/pci/drivers/$2"
	for device in "$sys"/bus/pci/devices/*; do
		read -r override <"$device/driver_override"
		[ "$override" != "$2" ] || take "$device" "$2"
	done
fi
exit 0
"""

# A function comes before a builtin of its name.
WRAPPER = """printf()
{{
	command printf "$@" || return
	{kernel} written >/dev/null
}}
. {script}
"""


class Host:
    """Of which every device has its folder where it would be in /sys."""

    def __init__(self, folder):
        self.folder = folder
        self.sys, self.proc, self.etc = folder / "sys", folder / "proc", folder / "etc"
        self.kmsg, self.log = folder / "kmsg", folder / "log"
        self.refused, self.missing = folder / "refused", folder / "no-modules"
        self.devices = self.sys / "bus/pci/devices"
        self.drivers = self.sys / "bus/pci/drivers"
        for path in (self.devices, self.drivers, self.proc, self.etc, self.refused):
            path.mkdir(parents=True)
        (self.sys / "bus/pci/drivers_probe").write_text("")
        self.log.write_text("")
        self.kernel, self.modprobe = folder / "kernel", folder / "modprobe"
        self.kernel.write_text(KERNEL.format(sys=self.sys, log=self.log, refused=self.refused,
                                             missing=self.missing))
        self.modprobe.write_text(f'#!/bin/sh\nexec {self.kernel} load "$@"\n')
        self.wrapper = folder / "wrapper"
        self.wrapper.write_text(WRAPPER.format(kernel=self.kernel, script=SCRIPT))
        for path in (self.kernel, self.modprobe):
            path.chmod(0o755)
        self.cmdline("BOOT_IMAGE=/vmlinuz root=/dev/vda1 ro quiet")

    def cmdline(self, text):
        (self.proc / "cmdline").write_text(text + "\n")

    def tab(self, text, name="pciferry.tab"):
        path = self.etc / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def device(self, place, ids=NVME, group=None, driver=None, code="0x010802"):
        """place: below sys/devices, "pci0000:00/0000:00:03.0/0000:01:00.0"."""
        folder = self.sys / "devices" / place
        folder.mkdir(parents=True)
        address = folder.name
        names = ("vendor", "device", "subsystem_vendor", "subsystem_device")
        for name, value in zip(names, ids.replace("/", ":").split(":")):
            (folder / name).write_text(f"0x{value}\n")
        (folder / "class").write_text(code + "\n")
        (folder / "driver_override").write_text("(null)\n")
        (self.devices / address).symlink_to(folder)
        if group is not None:
            members = self.sys / f"kernel/iommu_groups/{group}/devices"
            members.mkdir(parents=True, exist_ok=True)
            (members / address).symlink_to(folder)
            (folder / "iommu_group").symlink_to(members.parent)
        if driver:
            self.add_driver(driver)
            (folder / "driver").symlink_to(self.drivers / driver)
        return address

    def add_driver(self, name):
        (self.drivers / name).mkdir(exist_ok=True)
        (self.drivers / name / "unbind").write_text("")

    def port(self, place, group=None):
        return self.device(place, "8086:1901/0000:0000", group, "pcieport", "0x060400")

    def override(self, address):
        return (self.devices / address / "driver_override").read_text().rstrip("\n")

    def driver(self, address):
        link = self.devices / address / "driver"
        return link.resolve().name if link.exists() else None

    def run(self, shell="dash", seconds="5"):
        """What the script logged, as lines."""
        self.kmsg.write_text("")
        done = subprocess.run(
            [*SHELLS[shell], self.wrapper, self.sys, self.proc, self.kmsg, self.etc,
             self.modprobe, seconds],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=120, cwd=self.folder,
            # The kernel puts words of its command line there.
            env={"PATH": os.environ["PATH"], "sys": "/nowhere", "modprobe": "/bin/false",
                 "IFS": "/", "trial": "1", "fits": " x=y ", "taken": "x=y", "CDPATH": "/etc"})
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        lines = self.kmsg.read_text().splitlines()
        assert all(line.startswith("pciferry: ") for line in lines)
        return lines

    def done(self):
        """What was asked of the kernel, as "load vfio-pci", "unbind ADDRESS"."""
        return self.log.read_text().splitlines()

    def loaded(self):
        return [line[len("load "):] for line in self.done() if line.startswith("load ")]

    def unbound(self):
        return [line[len("unbind "):] for line in self.done() if line.startswith("unbind ")]

    def state(self):
        """All that is there, to be compared."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            if path.is_symlink():
                found[str(path.relative_to(self.folder))] = os.readlink(path)
            elif path.is_file():
                found[str(path.relative_to(self.folder))] = path.read_bytes()
        return found


def shells():
    return [name for name, words in SHELLS.items() if shutil.which(words[0])]
