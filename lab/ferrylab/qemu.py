# SPDX-License-Identifier: GPL-2.0-or-later
"""The virtual host's QEMU: its argument list and whether KVM can run it."""
import os
import select
import subprocess
import time

from . import tools
from .errors import LabError, say
from .machine import qemu_arguments, quote
from .orders import firmware

QEMU = "qemu-system-x86_64"

# The IOMMUs, as (QEMU's arguments, the kernel's). Without aw-bits=48 the mappings of an
# inner guest's high BARs are refused; vfio needs caching-mode to see unmaps.
VTD = ["-device", "intel-iommu,intremap=on,caching-mode=on,aw-bits=48"]
VTD_NO_INTREMAP = ["-device", "intel-iommu,intremap=off,caching-mode=on,aw-bits=48"]
IOMMUS = {
    "vtd": (VTD, "intel_iommu=on"),
    "amd": (["-device", "amd-iommu,intremap=on"], ""),
    # As boards whose firmware or chipset cannot: VFIO hands out no device there.
    "vtd-no-intremap": (VTD_NO_INTREMAP, "intel_iommu=on"),
    # The hardware is there, the kernel leaves it off.
    "off": (VTD, "intel_iommu=off"),
    "none": ([], ""),
}

# Enough to see the firmware start; a refused KVM ends at once.
KVM_TRIAL_SECONDS = 5


def accelerator():
    """"kvm" where it really runs a guest that can itself use KVM, else "tcg"."""
    wish = os.environ.get("PCIFERRY_LAB_ACCEL")
    if wish in ("tcg", "kvm"):
        return wish
    if wish:
        raise LabError("PCIFERRY_LAB_ACCEL", f"{wish}: neither tcg nor kvm")
    return "kvm" if _nested_kvm() and _kvm_runs() else "tcg"


def _nested_kvm():
    for module in ("kvm_intel", "kvm_amd"):
        try:
            path = f"/sys/module/{module}/parameters/nested"
            with open(path, encoding="ascii") as file:
                return file.read().strip() in ("Y", "1")
        except OSError:
            continue
    return False


def _kvm_runs():
    """A /dev/kvm that opens may yet refuse an ordinary guest: let one print a line."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    trial = subprocess.Popen(
        [tools.find(QEMU), "-nodefaults", "-no-user-config", "-display", "none", "-m", "64"]
        + machine_arguments("kvm", "none")
        # SeaBIOS writes its messages to this port (its src/fw/paravirt.c).
        + ["-chardev", "stdio,id=debug", "-device", "isa-debugcon,iobase=0x402,chardev=debug"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        preexec_fn=tools.die_with_parent)
    try:
        deadline = time.monotonic() + KVM_TRIAL_SECONDS
        text = b""
        # The last line is from after the memory and the CPUs were set up.
        while b"Booting from" not in text:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([trial.stdout], [], [], left)[0]:
                return False
            data = os.read(trial.stdout.fileno(), 4096)
            if not data:
                return False
            text += data
        return True
    finally:
        trial.kill()
        trial.wait()
        trial.stdout.close()


def machine_arguments(accel, iommu):
    """CPU and board."""
    # TCG has AMD's SVM only. With KVM the guest's own KVM needs the real CPU.
    cpu = "host" if accel == "kvm" else "max,+svm"
    # Interrupt remapping needs the I/O APIC in QEMU.
    board = "q35" if iommu == "none" else "q35,kernel-irqchip=split"
    return ["-accel", accel, "-cpu", cpu, "-M", board]


def command_line(options, parts, port_fd):
    """The whole argument list. QEMU's working folder is the run's."""
    accel = accelerator()
    if accel == "tcg" and options.smp > 1:
        say("--smp above 1 under TCG: an inner guest that uses KVM aborts QEMU")
    words = ["console=ttyS0", "quiet", "panic=-1", IOMMUS[options.iommu][1]]
    if accel == "tcg":
        # TCG does not speculate; what guards against it only costs a tenth of the time. On a
        # busy machine the check of the timer counts too few ticks, and the kernel panics.
        words += ["mitigations=off", "no_timer_check"]
    if options.iommu == "amd" and parts.machine.ports:
        # See machines/flat.py: else no driver's DMA would arrive.
        say("AMD-Vi with root ports: QEMU does not translate for the devices behind them")
        words.append("iommu=pt")
    words.append(options.append)
    image = parts.quick_image if options.boot == "quick" else parts.kernel.image
    arguments = _common(accel, options, port_fd) + _files("root", "/", "18.0", ",readonly=on")
    if options.terminal:
        arguments += ["-device", "virtconsole,nr=0,chardev=terminal",
                      "-chardev", "stdio,id=terminal,signal=off"]
    arguments += qemu_arguments(parts.machine, parts.disks)
    arguments += ["-kernel", image, "-initrd", parts.host_image,
                  "-append", " ".join(word for word in words if word)]
    return arguments


def disk_command_line(options, machine, disks, disk, port_fd):
    """That of a machine which boots a disk, (format, file), by UEFI and options.folder/vars.fd.
    """
    accel = accelerator()
    code = firmware("LAB_OVMF_CODE")
    variables = os.path.join(options.folder, "vars.fd")
    arguments = _common(accel, options, port_fd) + qemu_arguments(machine, disks)
    arguments += [
        "-drive", f"if=pflash,format=raw,readonly=on,file={quote(code)}",
        "-drive", f"if=pflash,format=raw,file={quote(variables)}",
        # What QEMU has not written yet when it is killed is of no interest; `stop` writes it.
        "-drive", f"if=none,id=disk,format={disk[0]},cache=unsafe,file={quote(disk[1])}",
        "-device", "virtio-blk-pci,drive=disk,addr=17.0"]
    # The chip set's watchdog resets, as on a real board; QEMU before 8.0 straps that off.
    arguments += ["-global", "ICH9-LPC.noreboot=off"]
    # The firmware would run a network card's option ROM, a minute under TCG, before any boot.
    arguments += ["-global", "e1000e.romfile=", "-global", "e1000.romfile="]
    if options.files:
        arguments += _files("files", quote(options.files), "18.0", ",readonly=on")
    if options.qmp:
        arguments += ["-qmp", f"unix:{quote(options.qmp)},server=on,wait=off"]
    return arguments


def _common(accel, options, port_fd):
    """What each of the machines has."""
    arguments = [tools.find(QEMU), "-nodefaults", "-no-user-config", "-no-reboot",
                 "-display", "none", "-vga", "none", "-name", "virtual-host"]
    arguments += machine_arguments(accel, options.iommu)
    arguments += ["-m", str(options.memory), "-smp", str(options.smp)]
    arguments += ["-chardev", "file,id=console,path=console.log", "-serial", "chardev:console"]
    arguments += ["-audiodev", "none,id=silence"]
    # Hot plug by the ports themselves, as on most real boards, not by ACPI.
    arguments += ["-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"]
    arguments += IOMMUS[options.iommu][0]
    arguments += _files("run", ".", "19.0", "")
    arguments += ["-device", "virtio-serial-pci,addr=1a.0",
                  "-chardev", f"socket,id=port,fd={port_fd}",
                  "-device", "virtserialport,nr=1,chardev=port,name=lab"]
    return arguments + _monitor()


def _monitor():
    """QEMU's monitor on a port, for a scenario that plugs devices: /dev/vport*p2."""
    return ["-chardev", "socket,id=monitor,path=monitor,server=on,wait=off",
            "-mon", "chardev=monitor,mode=control",
            "-chardev", "socket,id=monitor-port,path=monitor",
            "-device", "virtserialport,nr=2,chardev=monitor-port,name=monitor"]


def _files(tag, path, address, more):
    """A folder over 9p. Modes and owners as they are; inodes of several disks kept apart."""
    return ["-fsdev", f"local,id={tag},path={path},security_model=none,multidevs=remap{more}",
            "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag},addr={address}"]
