# SPDX-License-Identifier: GPL-2.0-or-later
"""The checks of initramfs images: how old they are, and what is in them."""
import os

import pytest

import checks
import fakehost
import initramfs
from checks import (BUILT, IMAGE, MODPROBE, RELEASE, WRITTEN, cmdline, find_wrong,
                    findings, image, in_turn, kernel, remove)
from initramfs import booster, debian, dracut, mkinitcpio, modules

LATER = "6.12.9-amd64"
VFIO = "etc/modprobe.d/vfio.conf"
IDS = "options vfio-pci ids=1234:5046,1234:293e disable_vga=1\n"
ARCH = "boot/initramfs-linux.img"
BOTH = modules(RELEASE, "vfio-pci", "nouveau")
TAB = "etc/pciferry.tab"
DEVICE = "device 0000:01:00.0 1234:5046/1234:0002@01.0 vfio-pci\n"
EARLY = {"usr/lib/pciferry/pciferry-early": "#!/bin/sh\n", "conf/conf.d/pciferry": ""}


def write(path, text, time=BUILT + 60):
    """For a table WRONG: that file was written, after the image was made."""
    def change(host):
        before = {place: place.stat().st_mtime for place in (host.root / path).parents
                  if place.is_dir()}
        host.file(path, text)
        os.utime(host.root / path, (time, time))
        for place in (host.root / path).parents:
            if place.is_relative_to(host.root):
                mtime = before.get(place, WRITTEN)
                os.utime(place, (mtime, mtime))
    return change


def holds(members, path=IMAGE):
    """For a table WRONG: that is in the image."""
    return lambda host: image(host, members, path)


def distribution(name):
    return lambda host: host.file("etc/os-release", f"ID={name}\n")


def only(path):
    """For a table WRONG: the image has this name and no other."""
    return lambda host: (host.root / IMAGE).rename(host.root / path)


def second_kernel(host, time=BUILT):
    kernel(host, LATER)
    image(host, debian({**modules(LATER, "vfio-pci", "nouveau"), VFIO: MODPROBE}),
          f"boot/initrd.img-{LATER}", time)


def touch_folder(host):
    os.utime(host.root / "etc/modprobe.d", (BUILT + 60, BUILT + 60))


def arch(host):
    """The kernel's files have its package's name there."""
    distribution("arch")(host)
    host.file(f"lib/modules/{RELEASE}/pkgbase", "linux\n")
    (host.root / IMAGE).rename(host.root / ARCH)


def no_softdep(host):
    """Neither outside nor inside."""
    write(VFIO, IDS, WRITTEN)(host)
    image(host, debian({**BOTH, VFIO: IDS}))


def nvme_built_in(host):
    """For a table WRONG: the driver of the card is no module."""
    host.file(f"lib/modules/{RELEASE}/modules.builtin", "kernel/x/nouveau.ko\n")
    host.file(f"lib/modules/{RELEASE}/modules.dep", "kernel/x/vfio-pci.ko:\n")


# Of each check: what goes wrong, what it then says, and a word that its fix must have.
WRONG = [
    ("boot-image-age", write(VFIO, MODPROBE), "WARN", "update-initramfs -u -k all"),
    ("boot-image-age", write("etc/modprobe.d/gpu.conf", "blacklist radeon\n"), "WARN", "update"),
    ("boot-image-age", write("etc/initramfs-tools/modules", "vfio-pci\n"), "WARN", "update"),
    ("boot-image-age", write("etc/initramfs-tools/hooks/vfio", "copy_exec vfio\n"), "WARN", "up"),
    ("boot-image-age", write("etc/modprobe.d/kvm.conf", "options kvm ignore_msrs=1\n"), "INFO", None),
    ("boot-image-age", write("etc/modprobe.d/old.conf", "# blacklist vfio-pci\n"), "INFO", None),
    ("boot-image-age", touch_folder, "INFO", None),
    ("boot-image-age", in_turn(second_kernel, remove(IMAGE)), "INFO", None),
    ("boot-image-age", in_turn(distribution("fedora"), only(f"boot/initramfs-{RELEASE}.img"), write(
        "etc/dracut.conf.d/gpu.conf", 'force_drivers+=" vfio-pci "\n')), "WARN", "dracut -f"),
    ("boot-image-age", in_turn(arch, write("etc/mkinitcpio.conf", "MODULES=(amdgpu)\n")), "WARN",
     "mkinitcpio -P"),
    ("boot-image-age", in_turn(remove(IMAGE)), "UNKNOWN", None),
    ("boot-image", holds(debian({**modules(RELEASE, "nouveau")})), "WARN", "update-initramfs"),
    ("boot-image", holds(debian({**BOTH, VFIO: IDS})), "WARN", "modprobe.d of the host says so"),
    ("boot-image", no_softdep, "WARN", '"softdep NAME pre: vfio-pci" for each of them (nouveau)'),
    ("boot-image", in_turn(no_softdep, holds(debian({**BOTH, VFIO: IDS, "conf/modules":
                                                     "vfio-pci\n"}))), "WARN", "softdep"),
    ("boot-image", in_turn(no_softdep, holds(dracut(BOTH))), "WARN", 'force_drivers+=" vfio-pci "'),
    ("boot-image", holds(dracut({**BOTH, f"usr/lib/{VFIO[4:]}": IDS})), "WARN", "force_drivers+="),
    ("boot-image", holds(dracut({**BOTH, "etc/modprobe.d/x.conf": ""})), "WARN", "dracut -f"),
    ("boot-image", holds(dracut(BOTH, "vfio-pci")), "WARN", f'install_items+=" /{VFIO} "'),
    ("boot-image", in_turn(arch, holds(mkinitcpio(BOTH, "nouveau", "vfio_pci"), ARCH)), "WARN",
     "begin MODULES="),
    ("boot-image", holds(booster(RELEASE, ["vfio_pci", "nouveau"], options="ids=1234:5046")), "WARN",
     "modules_force_load"),
    ("boot-image", holds(debian({**BOTH, VFIO: MODPROBE.replace("5046", "5047")})), "WARN", "update"),
    ("boot-image", holds(debian({**BOTH, VFIO: "softdep nouveau pre: vfio-pci\n"})), "WARN", "update"),
    ("boot-image", in_turn(arch, holds(mkinitcpio(BOTH, "vfio_pci"), ARCH)), "WARN", "modconf"),
    ("boot-image", write(VFIO, "softdep nouveau pre: vfio-pci\n", WRITTEN), "WARN", "update"),
    ("boot-image", nvme_built_in, "WARN", "pciferry bind"),
    ("boot-image", holds(debian({**BOTH, VFIO: MODPROBE, TAB: DEVICE})), "WARN", "update"),
    ("boot-image", in_turn(write(TAB, DEVICE, WRITTEN)), "WARN", "update-initramfs"),
    ("boot-image", in_turn(write(TAB, DEVICE, WRITTEN), holds(debian({TAB: DEVICE}))), "WARN",
     "update-initramfs"),
    ("boot-image", in_turn(write(TAB, DEVICE, WRITTEN), holds(debian({**EARLY, TAB: ""}))), "WARN",
     "update-initramfs"),
    ("boot-image", in_turn(write(TAB, DEVICE, WRITTEN), holds(debian({
        **EARLY, TAB: DEVICE.replace("vfio-pci", "pci-stub")}))), "WARN", "update-initramfs"),
    ("boot-image", in_turn(write(TAB, DEVICE, WRITTEN), holds(booster(RELEASE, ["nouveau"]))), "WARN",
     "by their IDs"),
    ("boot-image", in_turn(no_softdep, write(TAB, DEVICE.replace(":01:", ":09:"), WRITTEN), holds(
        debian({**BOTH, **EARLY, VFIO: IDS, TAB: DEVICE.replace(":01:", ":09:")}))), "WARN", "softdep"),
    ("boot-image", in_turn(no_softdep, holds(debian({
        **BOTH, VFIO: IDS, "scripts/init-top/vfio": "#!/bin/sh\n"}))), "UNKNOWN", None),
    ("boot-image", holds(debian({**BOTH, VFIO: IDS + "install nouveau /sbin/own\n"})), "UNKNOWN", None),
    ("boot-image", lambda host: host.file(IMAGE, b"LUKS\xba\xbe" + bytes(500)), "UNKNOWN", None),
    ("boot-image", remove(f"lib/modules/{RELEASE}/modules.alias"), "UNKNOWN", None),
    ("boot-image", remove(f"lib/modules/{RELEASE}/modules.dep"), "UNKNOWN", None),
]


def find(host, check, status, fix=None):
    """As find_wrong, of which what is UNKNOWN explains itself."""
    if status != "UNKNOWN":
        return find_wrong(host, check, status, fix)
    told = findings(host, "--only", check)
    assert [one["status"] for one in told] == ["UNKNOWN"] and told[0]["seen"], told
    return told


@pytest.mark.parametrize("check,change,status,fix", WRONG)
def test_what_is_wrong_is_found_and_the_way_out_named(host, check, change, status, fix):
    change(host)
    find(host, check, status, fix)


# On these the check has nothing to say.
WELL = [
    ("boot-image-age", write("etc/dracut.conf.d/gpu.conf", 'drivers+=" vfio-pci "\n')),
    ("boot-image-age", write("usr/lib/modprobe.d/gpu.conf", "blacklist radeon\n")),
    ("boot-image-age", write("etc/modprobe.d/vfio.conf.bak", MODPROBE)),
    ("boot-image-age", write("etc/modules", "vfio-pci\n")),
    ("boot-image-age", in_turn(arch, write("etc/initramfs-tools/modules", "vfio-pci\n"))),
    ("boot-image-age", second_kernel),
    ("boot-image", holds(debian({}))),
    ("boot-image", holds(debian({**modules(RELEASE, "nouveau"), VFIO: MODPROBE}))),
    ("boot-image", holds(debian({**BOTH, VFIO: IDS + "softdep nouveau pre: drm vfio_pci post: x\n"}))),
    ("boot-image", holds(debian({**BOTH, VFIO: IDS + "install nouveau /bin/false\n"}))),
    ("boot-image", in_turn(no_softdep, holds(debian({**BOTH, VFIO: IDS}))
                           , lambda host: cmdline(host, "modprobe.blacklist=radeon,nouveau"),
                           remove("boot/grub/grub.cfg"))),
    ("boot-image", in_turn(no_softdep, holds(dracut({**BOTH, VFIO: IDS}, "vfio-pci")))),
    ("boot-image", in_turn(no_softdep, holds(dracut({**BOTH, VFIO: IDS})), lambda host: cmdline(
        host, "rd.driver.pre=vfio-pci"), remove("boot/grub/grub.cfg"))),
    ("boot-image", in_turn(no_softdep, arch, holds(mkinitcpio({**BOTH, VFIO: IDS}, "vfio_pci",
                                                              "nouveau"), ARCH))),
    ("boot-image", holds(booster(RELEASE, ["vfio_pci", "nouveau"], ["vfio_pci"],
                                 "ids=1234:5046,1234:293e"))),
    ("boot-image", lambda host: kernel(host, built_in=["vfio-pci"])),
    ("boot-image", write(TAB, "# none yet\ndevice 1\n", WRITTEN)),
    ("boot-image-age", write(TAB, DEVICE.replace("device", "vf").replace("vfio-pci", "4"))),
    ("boot-image", in_turn(no_softdep, write(
        TAB, f"# mine\n{DEVICE}vf 0000:03:00.0 1234:5046/1234:0002@01.0 4\n"), holds(debian({
            **BOTH, **EARLY, VFIO: IDS, TAB: DEVICE})))),
    ("boot-image", in_turn(no_softdep, write(TAB, DEVICE, WRITTEN), holds(debian({
        **BOTH, **EARLY, VFIO: IDS, TAB: DEVICE})))),
    ("boot-image", in_turn(no_softdep, arch, write(TAB, DEVICE, WRITTEN), holds(mkinitcpio({
        **BOTH, **EARLY, VFIO: IDS, TAB: DEVICE, "hooks/pciferry": ""}), ARCH))),
    ("boot-image", in_turn(write(VFIO, "blacklist nouveau\n"), remove("etc/modules-load.d/vfio.conf"),
                           holds(debian(BOTH)))),
    ("boot-image", in_turn(write(VFIO, "options vfio-pci ids=1234:0098\n", WRITTEN), holds(debian(
        {**BOTH, VFIO: "options vfio-pci ids=1234:0098\n"})))),
]


# The change that the fix names, after which the check has nothing to say.
FIXED = [
    ("boot-image-age", write(VFIO, MODPROBE), lambda host: os.utime(host.root / IMAGE)),
    ("boot-image", holds(debian({**BOTH, VFIO: IDS})), holds(debian({**BOTH, VFIO: MODPROBE}))),
    ("boot-image", no_softdep, in_turn(write(VFIO, MODPROBE), holds(debian({
        **BOTH, VFIO: MODPROBE})))),
    ("boot-image", in_turn(no_softdep, holds(dracut({**BOTH, VFIO: IDS}))),
     holds(dracut({**BOTH, VFIO: IDS}, "vfio-pci"))),
    ("boot-image", in_turn(arch, holds(mkinitcpio(BOTH, "nouveau"), ARCH)),
     holds(mkinitcpio({**BOTH, VFIO: IDS}, "vfio_pci", "nouveau"), ARCH)),
    ("boot-image", holds(booster(RELEASE, ["vfio_pci", "nouveau"])), holds(booster(
        RELEASE, ["vfio_pci", "nouveau"], ["vfio_pci"], "ids=1234:5046,1234:293e"))),
]


@pytest.mark.parametrize("check,change,fix", FIXED)
def test_what_the_fix_says_is_the_way_out(host, check, change, fix):
    change(host)
    assert any(one["fix"] for one in findings(host, "--only", check))
    fix(host)
    assert [one["status"] for one in findings(host, "--only", check)] == ["PASS"]


def test_a_kernel_that_is_started_without_an_image_lacks_none(host):
    kernel(host, LATER)
    menu = (host.root / "boot/grub/grub.cfg").read_text()
    told = findings(host, "--only", "boot-image-age")
    assert [one["status"] for one in told] == ["INFO"] and LATER in told[0]["seen"]
    host.file("boot/grub/grub.cfg", menu + f"menuentry 'B' {{\nlinux /vmlinuz-{LATER} ro\n}}\n")
    assert [one["status"] for one in findings(host, "--only", "boot-image-age")] == ["PASS"]


@pytest.mark.parametrize("check,change", WELL)
def test_what_is_well_is_left_alone(host, check, change):
    change(host)
    assert [one["status"] for one in findings(host, "--only", check)] == ["PASS"]


def test_of_two_kernels_the_one_that_was_forgotten_is_named(host):
    second_kernel(host, BUILT + 120)
    write(VFIO, MODPROBE)(host)
    found = find_wrong(host, "boot-image-age", "WARN", "-k all")
    assert [one["subject"] for one in found] == [f"/{IMAGE}"]
    assert RELEASE in found[0]["why"] and f"/{VFIO}" in found[0]["seen"]


def test_each_image_is_looked_into(host):
    second_kernel(host)
    image(host, debian(modules(LATER, "nouveau")), f"boot/initrd.img-{LATER}")
    told = {one["subject"]: one["status"] for one in findings(host, "--only", "boot-image")}
    assert told == {f"/{IMAGE}": "PASS", f"/boot/initrd.img-{LATER}": "WARN"}


def test_the_fix_is_that_of_the_builder_and_not_of_the_distribution(host):
    image(host, dracut({**BOTH, "etc/modprobe.d/x.conf": ""}))
    host.file("usr/bin/dracut", "")
    write(VFIO, MODPROBE)(host)
    for check in ("boot-image", "boot-image-age"):
        assert "dracut -f --regenerate-all" in find_wrong(host, check, "WARN", None)[0]["fix"]


@pytest.mark.parametrize("path", [
    f"boot/initramfs-{RELEASE}.img", f"boot/initrd-{RELEASE}", f"boot/booster-{RELEASE}.img",
    f"efi/0123456789abcdef0123456789abcdef/{RELEASE}/initrd", f"boot/efi/debian/{RELEASE}/initrd.img",
    f"boot/0123456789abcdef0123456789abcdef/{RELEASE}/initrd",
])
def test_images_are_found_where_builders_put_them(host, path):
    (host.root / path).parent.mkdir(parents=True, exist_ok=True)
    (host.root / IMAGE).rename(host.root / path)
    assert [one["subject"] for one in findings(host, "--only", "boot-image")] == [f"/{path}"]


@pytest.mark.parametrize("name", ["initramfs-linux", "initramfs-linux-fallback", "booster-linux"])
def test_images_may_have_the_name_of_a_package(host, name):
    arch(host)
    (host.root / ARCH).rename(host.root / f"boot/{name}.img")
    host.file("boot/initramfs-linux-lts.img", b"of no kernel that is installed")
    host.file("boot/initrd.img-5.10.0-1-amd64", b"of a kernel that is gone")
    assert [one["subject"] for one in findings(host, "--only", "boot-image")] == [
        f"/boot/{name}.img"]


def test_an_image_with_two_names_is_one(host):
    (host.root / "efi").symlink_to("boot")
    assert len(findings(host, "--only", "boot-image")) == 1


def test_an_entry_of_the_loader_may_name_another_image(host):
    (host.root / IMAGE).rename(host.root / "boot/my-own.img")
    host.file("boot/grub/grub.cfg", "menuentry 'One' {\n"
              f"linux /boot/vmlinuz-{RELEASE} root=/dev/vda ro intel_iommu=on\n"
              "initrd /boot/intel-ucode.img /my-own.img\n}\n")
    host.file("boot/intel-ucode.img", initramfs.early())
    assert [one["subject"] for one in findings(host, "--only", "boot-image")] == [
        "/boot/my-own.img"]


def test_the_command_line_is_that_of_the_kernels_own_entry(host):
    write(VFIO, "", WRITTEN)(host)
    image(host, debian(BOTH))
    assert [one["status"] for one in findings(host, "--only", "boot-image")] == ["PASS"]
    host.file("boot/grub/grub.cfg", "menuentry 'One' {\n"
              f"linux /boot/vmlinuz-{RELEASE} ro vfio-pci.ids=1234:5046\ninitrd /{IMAGE}\n}}\n")
    found = find_wrong(host, "boot-image", "WARN", "softdep")
    assert "nouveau is in it" in found[0]["seen"]


def test_ids_may_name_the_subsystem_and_the_class(host):
    image(host, debian(BOTH))
    rows = [("1234:5046:1234:0002", "WARN"), ("1234:5046:ffffffff:2", "WARN"),
            ("1234:5046:1234:3", "PASS"), ("ffffffff:ffffffff:1234:2:030000:ff0000", "WARN"),
            ("1234:5046:1234:2:020000:ff0000", "PASS"), ("8086:1,1234:5046", "WARN"),
            ("1234", "PASS"), ("x", "PASS")]
    for ids, status in rows:
        write(VFIO, "", WRITTEN)(host)
        host.file("boot/grub/grub.cfg", "menuentry 'One' {\n"
                  f"linux /boot/vmlinuz-{RELEASE} ro vfio-pci.ids={ids}\ninitrd /{IMAGE}\n}}\n")
        told = findings(host, "--only", "boot-image")
        assert [one["status"] for one in told] == [status], (ids, told)


def test_an_image_of_anybody_does_not_reach_the_terminal(host):
    image(host, debian({**BOTH, "scripts/init-top/vfio\x1b[31m": "", VFIO: IDS.replace(
        "5046", "\x1b[31m")}))
    done = checks.run(host, "--only", "boot-image", "--verbose")
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("check", ["boot-image", "boot-image-age"])
def test_what_could_not_be_read_is_unknown_and_never_well(tmp_path, check):
    host = fakehost.usual(tmp_path / "bare")
    assert [one["status"] for one in findings(host, "--only", check)] == ["UNKNOWN"]
