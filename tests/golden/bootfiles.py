# SPDX-License-Identifier: GPL-2.0-or-later
"""Hosts that boot in other ways than the ready one: files as their tools write them.

What is real: the forms of the files. What is not: the hosts.
"""
import json
import shutil
import struct

from checks import PARAMETERS, RELEASE, menuentry

LOADER = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
VARIABLES = "sys/firmware/efi/efivars"
OPTIONS = f"root=UUID=0b7a {PARAMETERS}"


def efi_text(host, name, text):
    host.file(f"{VARIABLES}/{name}-{LOADER}", b"\6\0\0\0" + f"{text}\0".encode("utf-16-le"))


def efi_program(path):
    """A variable Boot####: a partition, and the file on it (UEFI 2.10, 3.1.3 and 10.3.5)."""
    name = (path.replace("/", "\\") + "\0").encode("utf-16-le")
    nodes = struct.pack("<BBH", 4, 1, 42) + bytes(38)
    nodes += struct.pack("<BBH", 4, 4, 4 + len(name)) + name + b"\x7f\xff\4\0"
    return (b"\7\0\0\0" + struct.pack("<IH", 1, len(nodes)) + "Linux\0".encode("utf-16-le") +
            nodes)


def started(host, path):
    """The file that the firmware started."""
    host.file(f"{VARIABLES}/BootCurrent-{GLOBAL}", b"\6\0\0\0\3\0")
    host.file(f"{VARIABLES}/Boot0003-{GLOBAL}", efi_program(path))


def without_grub(host):
    shutil.rmtree(host.root / "boot/grub")
    (host.root / "etc/default/grub").unlink()


def bls(host, folder, options=OPTIONS, name="debian", release=RELEASE):
    host.file(f"{folder}/{name}.conf", f"""# Boot Loader Specification type#1 entry
title      Linux {release}
version    {release}
linux      /vmlinuz-{release}
initrd     /initramfs-{release}.img
options    {options}
""")


def fedora(host, options="root=UUID=0b7a $kernelopts", name="fedora"):
    """GRUB that takes its entries from files; the firmware's grub.cfg only leads to it."""
    without_grub(host)
    started(host, "/EFI/fedora/shimx64.efi")
    host.file("etc/os-release", "ID=fedora\n")
    host.file("boot/efi/EFI/fedora/grub.cfg", "search --no-floppy --fs-uuid --set=dev 0b7a\n"
              "set prefix=($dev)/grub2\nexport $prefix\nconfigfile $prefix/grub.cfg\n")
    host.file("boot/grub2/grub.cfg", "### BEGIN /etc/grub.d/10_linux ###\ninsmod blscfg\n"
              "blscfg\n### END /etc/grub.d/10_linux ###\n")
    host.file("boot/grub2/grubenv", f"# GRUB Environment Block\nkernelopts={PARAMETERS}\n####")
    bls(host, "boot/loader/entries", options, name)
    host.file("etc/default/grub", f'GRUB_CMDLINE_LINUX="{PARAMETERS}"\n'
              "GRUB_ENABLE_BLSCFG=true\n")


def openeuler(host):
    """The firmware boots the grub.cfg beside the loader."""
    without_grub(host)
    started(host, "/EFI/openEuler/shimx64.efi")
    host.file("etc/os-release", "ID=openEuler\n")
    host.file("usr/sbin/grub2-mkconfig", "#!/bin/sh\n. /etc/default/grub\n")
    host.file("boot/efi/EFI/openEuler/grub.cfg", "### BEGIN /etc/grub.d/10_linux ###\n" +
              menuentry("openEuler", PARAMETERS).replace("linux\t", "linuxefi\t"))
    host.file("etc/default/grub", f'GRUB_CMDLINE_LINUX="{PARAMETERS}"\n')


def systemd_boot(host, options=OPTIONS):
    without_grub(host)
    efi_text(host, "LoaderInfo", "systemd-boot 252.31-1~deb12u1")
    efi_text(host, "LoaderEntrySelected", "debian.conf")
    bls(host, "efi/loader/entries", options)


def kernel_install(host, options=OPTIONS):
    systemd_boot(host)
    host.file("etc/kernel/cmdline", f"{options}\n")


def proxmox(host, options=OPTIONS):
    kernel_install(host, options)
    host.file("etc/kernel/proxmox-boot-uuids", "ABCD-0123\n")


def kernelstub(host):
    systemd_boot(host)
    host.file("etc/kernelstub/configuration", json.dumps(
        {"default": {"kernel_options": ["quiet", "splash"]},
         "user": {"kernel_options": PARAMETERS.split(), "esp_path": "/boot/efi"}}))


def program(**sections):
    """An EFI program with these sections (Microsoft's PE/COFF specification)."""
    headers = bytearray(512)
    headers[0:2], headers[0x3c] = b"MZ", 0x80
    struct.pack_into("<4sHHIIIHH", headers, 0x80, b"PE\0\0", 0x8664, len(sections), 0, 0, 0, 16, 0)
    content = b""
    for index, (name, text) in enumerate(sections.items()):
        raw = text.encode().ljust(512, b"\0")
        struct.pack_into("<8sIIII", headers, 0x80 + 24 + 16 + 40 * index, f".{name}".encode(),
                         len(text), 0x1000 * (index + 1), len(raw), 512 + len(content))
        content += raw
    return bytes(headers) + content


def unified(host, options=OPTIONS):
    """A unified kernel image that the firmware starts itself, made by mkinitcpio."""
    without_grub(host)
    started(host, "/EFI/Linux/arch-linux.efi")
    efi_text(host, "StubInfo", "systemd-stub 256.5-1-arch")
    host.file("efi/EFI/Linux/arch-linux.efi",
              program(osrel="ID=arch\n", cmdline=OPTIONS, uname=RELEASE))
    host.file("efi/EFI/Linux/memtest.efi", program(text="x"))
    host.file("etc/mkinitcpio.d/linux.preset", 'default_uki="/efi/EFI/Linux/arch-linux.efi"\n')
    host.file("etc/kernel/cmdline", f"{options}\n")


def limine(host, options=OPTIONS):
    without_grub(host)
    efi_text(host, "LoaderInfo", "Limine 9.3.0")
    host.file("boot/limine.conf", f"""timeout: 5

/+Linux
    //linux
    protocol: linux
    path: boot():/vmlinuz-{RELEASE}#a1b2
    cmdline: {options}
    module_path: boot():/initramfs-{RELEASE}.img
/Windows
    protocol: efi
    path: boot():/EFI/Microsoft/Boot/bootmgfw.efi
""")


def limine_by_tool(host, options=OPTIONS):
    limine(host)
    host.file("etc/default/limine", "ESP_PATH=/boot\n"
              f'KERNEL_CMDLINE[default]+="{options}"\n')


def refind(host, options=OPTIONS):
    without_grub(host)
    started(host, "/EFI/refind/refind_x64.efi")
    host.file("boot/refind_linux.conf", f'"Boot with standard options"  "{options}"\n'
              '# comment\n"Boot to single-user mode"    "root=UUID=0b7a single"\n')


def ostree(host):
    fedora(host, OPTIONS)
    host.file("run/ostree-booted", "")


def nixos(host):
    systemd_boot(host)
    host.file("etc/NIXOS", "")


# Name, how it is made, what tells of it, and how a parameter is added there.
WAYS = [
    (fedora, "GRUB (the firmware started EFI/fedora/shimx64.efi)", "grubby --update-kernel=ALL"),
    (openeuler, "in /boot/efi/EFI/openEuler/grub.cfg",
     "run grub2-mkconfig -o /boot/efi/EFI/openEuler/grub.cfg"),
    (systemd_boot, "systemd-boot 252.31-1~deb12u1 (the firmware's variable LoaderInfo)",
     "the line options of each file in /efi/loader/entries"),
    (kernel_install, "systemd-boot", "to /etc/kernel/cmdline, run kernel-install add-all"),
    (proxmox, "systemd-boot", "to /etc/kernel/cmdline, run proxmox-boot-tool refresh"),
    (unified, "the firmware itself (the firmware started EFI/Linux/arch-linux.efi)",
     "to /etc/kernel/cmdline, run mkinitcpio -P"),
    (kernelstub, "systemd-boot", 'kernelstub --add-options "'),
    (limine, "Limine 9.3.0", "to the lines cmdline in /boot/limine.conf"),
    (limine_by_tool, "Limine", "/etc/default/limine, run limine-update"),
    (refind, "rEFInd (the firmware started EFI/refind/refind_x64.efi)",
     "/boot/refind_linux.conf"),
    (ostree, "GRUB", "rpm-ostree kargs --append="),
    (nixos, "systemd-boot", "boot.kernelParams"),
]
