# SPDX-License-Identifier: GPL-2.0-or-later
"""A made host on which all is well, and what `check` says of it.

What is real: the program. What is not: the host, which is as much of /proc and /sys as the
checks read.
"""
import json
import os
import shutil
import struct

import jsonschema

import fakehost
import initramfs
from configspace import ENDPOINT, ROOT_PORT, Config
from program import SCHEMA, run as run_program

SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
LOCKDOWN = "sys/kernel/security/lockdown"
APPARMOR = "sys/module/apparmor/parameters/enabled"
NESTED = "sys/module/kvm_intel/parameters/nested"
IGNORE_MSRS = "sys/module/kvm/parameters/ignore_msrs"
RELEASE = "6.1.0-56-amd64"
OPTIONS = {"VFIO": "m", "VFIO_PCI": "m", "VFIO_IOMMU_TYPE1": "m", "INTEL_IOMMU": "y",
           "IRQ_REMAP": "y", "KVM": "m", "KVM_INTEL": "m", "KVM_AMD": "m", "AMD_IOMMU": "y",
           "CGROUP_BPF": "y"}
MODULES = ["drivers/vfio/vfio", "drivers/vfio/pci/vfio-pci", "drivers/vfio/vfio_iommu_type1",
           "drivers/vfio/vfio_virqfd", "arch/x86/kvm/kvm-intel", "arch/x86/kvm/kvm-amd",
           "drivers/gpu/drm/nouveau/nouveau", "drivers/net/e1000e/e1000e", "drivers/net/tun",
           "drivers/vhost/vhost_net"]

MODPROBE = """# The card and its sound.
options vfio-pci ids=1234:5046,1234:293e \\
    disable_vga=1
softdep nouveau pre: vfio-pci
blacklist nouveau
"""

CARD, PORT = "0000:05:00.0", "0000:00:02.0"
GROUP = "sys/kernel/iommu_groups/5"
CONTROLLERS = "sys/fs/cgroup/cgroup.controllers"
TDX = "sys/module/kvm_intel/parameters/tdx"
PARAMETERS = "ro quiet intel_iommu=on,sm_on iommu=pt"
UNSAFE = "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"


def run(host, *args):
    return run_program("check", *args, "--host", host.root)


def findings(host, *args):
    done = run(host, "--json", *args)
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    jsonschema.validate(found, SCHEMA)
    assert done.returncode == any(one["status"] == "FAIL" for one in found["findings"])
    return found["findings"]


def statuses(host, check):
    return [one["status"] for one in findings(host, "--only", check)]


def all_checks():
    listed = json.loads(run_program("check", "--list", "--json").stdout)
    jsonschema.validate(listed, SCHEMA)
    return [check["id"] for check in listed["checks"]]


def dmar(flags=1, more=b""):
    """One unit for all functions (VT-d 8.1 and 8.3), and more structures."""
    unit = struct.pack("<HHBBHQ", 0, 16, 1, 0, 0, 0xfed90000) + more
    table = bytearray(b"DMAR" + struct.pack("<IBB", 48 + len(unit), 1, 0) + b"FERRY " +
                      b"FERRYHST" + struct.pack("<I", 1) + b"FRRY" + struct.pack("<I", 1) +
                      bytes([46, flags]) + bytes(10) + unit)
    table[9] = -sum(table) & 0xff
    return bytes(table)


def cpuinfo(host, vendor="GenuineIntel", flags="fpu vmx sse"):
    host.file("proc/cpuinfo", f"processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: {flags}\n\n")


def cmdline(host, text):
    host.file("proc/cmdline", f"BOOT_IMAGE=/boot/vmlinuz-{RELEASE} root=UUID=0b7a {text}\n")


def menuentry(title, parameters, release=RELEASE):
    """As grub-mkconfig writes one."""
    return f"""menuentry '{title}' --class gnu-linux --class os $menuentry_id_option 'gnulinux-{title}' {{
\tload_video
\tinsmod part_gpt
\tif [ x$feature_platform_search_hint = xy ]; then
\t  search --no-floppy --fs-uuid --set=root --hint-bios=hd0,gpt2  0b7a
\telse
\t  search --no-floppy --fs-uuid --set=root 0b7a
\tfi
\techo\t'Loading Linux {release} ...'
\tlinux\t/boot/vmlinuz-{release} root=UUID=0b7a {parameters}
\techo\t'Loading initial ramdisk ...'
\tinitrd\t/boot/initrd.img-{release}
}}
"""


def grub_cfg(*entries):
    """A whole grub.cfg, made of /etc/default/grub."""
    return ("set timeout=5\nif [ -s $prefix/grubenv ]; then\n  load_env\nfi\n"
            "function recordfail {\n  set recordfail=1\n}\n"
            "### BEGIN /etc/grub.d/10_linux ###\n" + entries[0] +
            "submenu 'Advanced options' $menuentry_id_option 'gnulinux-advanced' {\n" +
            "".join(entries) + "}\n### END /etc/grub.d/10_linux ###\n")


DEFAULT_GRUB = """# Change it, and run update-grub.
GRUB_TIMEOUT=5
GRUB_DISTRIBUTOR=`lsb_release -i -s 2> /dev/null || echo Debian`
GRUB_CMDLINE_LINUX_DEFAULT='quiet'
GRUB_CMDLINE_LINUX="intel_iommu=on,sm_on \\
iommu=pt"
"""


def grub(host, *entries, default=DEFAULT_GRUB):
    """A host that boots by GRUB, and the settings that its entries are made from."""
    host.file("boot/grub/grub.cfg", grub_cfg(*entries))
    host.file("etc/default/grub", default)


def ready_grub(host):
    grub(host, menuentry("Debian", PARAMETERS),
         menuentry("Debian (recovery mode)", "ro single intel_iommu=on,sm_on iommu=pt"))
    host.file("usr/sbin/grub-mkconfig", "#!/bin/sh\n. /etc/default/grub\n"
              "for x in /etc/default/grub.d/*.cfg; do . $x; done\n")


def interrupts(host, remapped=True):
    """Those of a kernel that remaps them, or not; the IOMMU's own never are."""
    before = "IR-" if remapped else ""
    host.file("proc/interrupts", "           CPU0       CPU1\n"
              f"  0:         19          0  {before}IO-APIC   2-edge      timer\n"
              " 24:          0          0  DMAR-MSI   0-edge      dmar0\n"
              f" 25:          1         51  {before}PCI-MSI 32768-edge      nvme0q0\n"
              "NMI:          0          0   Non-maskable interrupts\n")


def log(host, *lines):
    """The kernel's log, as /dev/kmsg and a recording have it."""
    host.file("pciferry/kernel-log",
              "".join(f"<4>[{number:5}.123456] {line}\n" for number, line in enumerate(lines)))


USUAL_LOG = """DMAR: Host address width 39
DMAR: DRHD base: 0x000000fed90000 flags: 0x1
pci 0000:01:00.0: BAR 0 [mem 0xc0000000-0xcfffffff 64bit pref]
pci 0000:00:01.0: BAR 13: no space for [io  size 0x1000]
pci 0000:00:01.0: bridge window [mem size 0x00200000 64bit pref]: can't assign; no space
DMAR: Intel(R) Virtualization Technology for Directed I/O
pcieport 0000:00:01.0: AER: enabled with IRQ 122
VFIO - User Level meta-driver version: 0.3
vfio-pci 0000:01:00.0: enabling device (0000 -> 0003)""".split("\n")


def hugepages(host, *counts):
    """Of 2 MiB, one number for each node."""
    for node, count in enumerate(counts):
        host.file(f"sys/devices/system/node/node{node}/hugepages/hugepages-2048kB/nr_hugepages",
                  f"{count}\n")


def user(host, uid, memlock):
    """The user who asks, as /proc/self tells of him."""
    host.file("proc/self/status", f"Name:\tpciferry\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n")
    host.file("proc/self/limits", "Limit                     Soft Limit\n"
              f"Max locked memory         {memlock:20} {memlock:20} bytes\n")


def node(host, mode, group, usable):
    """/dev/kvm, and whether the user who asks may use it."""
    host.file("pciferry/nodes/dev/kvm",
              f"mode {mode} owner 0 group {group} usable {usable}\n")


def cgroups(host, hierarchy=0, names="cpuset cpu cpuacct blkio memory devices freezer"):
    """The table of controllers; those of cgroup v2 are in no hierarchy of their own."""
    host.file("proc/cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\n" + "".join(
        f"{name}\t{hierarchy}\t72\t1\n" for name in names.split()))


def ready_vfio(host):
    for module in ("vfio", "vfio_pci", "vfio_iommu_type1"):
        host.file(f"sys/module/{module}/refcnt", "0\n")
    host.file("sys/module/vfio_pci/parameters/disable_idle_d3", "N\n")
    host.file("dev/vfio/vfio", "")
    user(host, 0, "8388608")
    hugepages(host, 512, 512)


def uefi(host, name="60-edk2-x86_64.json", features=()):
    """A descriptor of firmware (QEMU's docs/interop/firmware.json), and its files."""
    code, template = "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"
    host.file(f"usr/share/qemu/firmware/{name}", json.dumps({
        "interface-types": ["uefi"], "features": list(features),
        "mapping": {"device": "flash",
                    "executable": {"filename": code, "format": "raw"},
                    "nvram-template": {"filename": template, "format": "raw"}},
        "targets": [{"architecture": "x86_64", "machines": ["pc-q35-*"]}]}))
    host.file(code[1:], "")
    host.file(template[1:], "")


def ready_guests(host):
    for program in ("usr/bin/qemu-system-x86_64", "usr/sbin/libvirtd", "usr/bin/swtpm"):
        host.file(program, "")
    uefi(host)
    host.file(APPARMOR, "N\n")
    host.file("dev/net/tun", "")
    host.file("dev/vhost-net", "")
    host.file(CONTROLLERS, "cpuset cpu io memory hugetlb pids rdma misc\n")
    cgroups(host)
    host.file(TDX, "Y\n")


def config(**changed):
    """A kernel's configuration; None: the option is not mentioned."""
    options = {**OPTIONS, **changed}
    lines = [f"# CONFIG_{name} is not set" if value == "n" else f"CONFIG_{name}={value}"
             for name, value in options.items() if value]
    return "\n".join(["# Automatically generated", *lines, ""])


def kernel(host, release=RELEASE, built_in=(), without=(), **options):
    """An installed kernel, with those modules (by the end of their paths) built in or away."""
    def named(names):
        return [path for path in MODULES if path.split("/")[-1] in names]
    gone = named(built_in) + named(without)
    folder = f"lib/modules/{release}"
    host.file(f"{folder}/modules.dep", "".join(
        f"kernel/{path}.ko.xz: kernel/lib/crc8.ko.xz\n" for path in MODULES if path not in gone))
    host.file(f"{folder}/modules.builtin", "kernel/fs/ext4/ext4.ko\n" + "".join(
        f"kernel/{path}.ko\n" for path in named(built_in)))
    host.file(f"boot/config-{release}", config(**options))


# When everything of a made host was written, and when its images were made.
WRITTEN, BUILT = 1_700_000_000, 1_700_086_400
IMAGE = f"boot/initrd.img-{RELEASE}"


def image(host, members, path=IMAGE, time=BUILT):
    """An initramfs image with these members, as its builder laid them out."""
    host.file(path, initramfs.early() + initramfs.COMPRESS["gzip"](initramfs.cpio(members)))
    os.utime(host.root / path, (time, time))


def ready_image(host):
    for place in [host.root / "etc", *host.root.glob("etc/**/*")]:
        os.utime(place, (WRITTEN, WRITTEN), follow_symlinks=False)
    image(host, initramfs.debian({**initramfs.modules(RELEASE, "vfio-pci", "nouveau"),
                                  "etc/modprobe.d/vfio.conf": MODPROBE}))


def card_space(speed=3, width=8):
    return Config("1234:8086", "020000").express(ENDPOINT, speed=speed, width=width, flr=True)


def port_space(max_speed=3):
    return Config("1234:000c", "060400", (0, 5, 5)).express(ROOT_PORT, max_speed=max_speed).acs()


def card(host):
    """A network card that any guest can have: free, in a slot and a group of its own."""
    host.device(PORT, "1234:000c", "060400", "pcieport", 6, config=port_space().make())
    host.device(CARD, "1234:8086", "020000", None, 5, PORT, card_space().make(),
                reset_method="flr bus", power_state="D0", resource=fakehost.RESOURCES)
    host.file(f"{GROUP}/reserved_regions", "0x00000000fee00000 0x00000000feefffff msi\n")


def ready(root):
    """A host on which every check passes."""
    host = fakehost.usual(root)
    card(host)
    host.file("proc/sys/kernel/osrelease", f"{RELEASE}\n")
    host.file(f"lib/modules/{RELEASE}/modules.alias",
              "alias pci:v00001234d00008086sv*sd*bc*sc*i* ferry_net\n"
              "alias pci:v00001234d00005046sv*sd*bc*sc*i* nouveau\n")
    cpuinfo(host)
    cmdline(host, PARAMETERS)
    ready_grub(host)
    host.file("etc/os-release", 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
    host.file(NESTED, "Y\n")
    host.file("sys/module/kvm_intel/parameters/ept", "Y\n")
    host.file(IGNORE_MSRS, "N\n")
    host.file("dev/kvm", "")
    node(host, "0660", 106, "yes")
    host.file("sys/firmware/acpi/tables/DMAR", dmar())
    host.file("sys/devices/virtual/iommu/dmar0/intel-iommu/address", "fed90000\n")
    host.file("sys/devices/virtual/iommu/dmar0/intel-iommu/ecap", "f020df\n")
    host.link("sys/class/iommu/dmar0", "../../devices/virtual/iommu/dmar0")
    interrupts(host)
    host.file(UNSAFE, "N\n")
    kernel(host)
    host.file("etc/modprobe.d/vfio.conf", MODPROBE)
    host.file("usr/lib/modprobe.d/distribution.conf", "blacklist no_such_watchdog\n")
    host.file("etc/modules-load.d/vfio.conf", "vfio-pci\n")
    log(host, *USUAL_LOG)
    ready_vfio(host)
    ready_guests(host)
    host.file(SECURE_BOOT, b"\6\0\0\0\0")
    host.file(LOCKDOWN, "[none] integrity confidentiality\n")
    ready_image(host)
    return host


def attribute(name, text, address=CARD):
    """For a table WRONG: that attribute of a device has this text, or is not there."""
    def change(host):
        path = f"{host.folder(address)}/{name}"
        if text is None:
            (host.root / path).unlink()
        else:
            host.file(path, f"{text}\n")
    return change


def in_turn(*changes):
    """For a table WRONG: several of these."""
    def change(host):
        for one in changes:
            one(host)
    return change


def remove(*paths):
    """For a table WRONG: those files and folders are not there."""
    def change(host):
        for path in paths:
            place = host.root / path
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place)
            else:
                place.unlink()
    return change


def find_wrong(host, check, status, fix, *devices):
    """What the check says with that status, with the words that a person needs."""
    told = findings(host, "--only", check, *devices)
    found = [one for one in told if one["status"] == status]
    assert found and all(one["check"] == check for one in found), told
    for one in found:
        assert one["seen"] and (one["why"] or one["status"] == "INFO"), one
    if fix:
        assert any(one["fix"] and fix in one["fix"] for one in found), found
    return found
