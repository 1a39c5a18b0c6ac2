# SPDX-License-Identifier: GPL-2.0-or-later
"""Which driver has a device after the next boot, foreseen from made images and roots."""
import pytest

import bootfiles
import checks
from checks import (CARD, IMAGE, PARAMETERS, RELEASE, cmdline, find_wrong, findings, image,
                    in_turn, kernel, menuentry, remove)
from initramfs import booster, debian, dracut, mkinitcpio, modules

LATER = "6.12.9-amd64"
VFIO, TAB = "etc/modprobe.d/vfio.conf", "etc/pciferry.tab"
DISK, TWIN, GPU, SOUND = "0000:02:00.0", "0000:03:00.0", "0000:01:00.0", "0000:01:00.1"
EARLY = {"usr/lib/pciferry/pciferry-early": "#!/bin/sh\n", "conf/conf.d/pciferry": ""}
LINES = {CARD: "device 0000:05:00.0 1234:8086/1234:0002@02.0/00.0 vfio-pci\n",
         GPU: "device 0000:01:00.0 1234:5046/1234:0002@00.0 vfio-pci\n",
         SOUND: "device 0000:01:00.1 1234:293e/1234:0002@00.1 vfio-pci\n"}
IDS = "options vfio-pci ids=1234:0010\n"
SOFT = "softdep nvme pre: vfio-pci\n"
BOTH = modules(RELEASE, "vfio-pci", "nvme")
ARCH = "boot/initramfs-linux.img"


def disks(host):
    """Two alike, for which the kernel has nvme as a module; nobody wants them yet."""
    host.file(VFIO, "# nothing\n")
    (host.root / "etc/modules-load.d/vfio.conf").unlink()
    claim(host, ("nvme", "0010"))
    image(host, debian(BOTH))


def claim(host, *rows, release=RELEASE, built_in=()):
    """Modules of a kernel, and the device that each is for."""
    folder = f"lib/modules/{release}"
    names = [module for module, _ in rows]
    host.file(f"{folder}/modules.alias", "".join(
        f"alias pci:v00001234d0000{device}sv*sd*bc*sc*i* {module}\n"
        for module, device in rows if module not in built_in))
    host.file(f"{folder}/modules.builtin.modinfo", "".join(
        f"{module}.alias=pci:v00001234d0000{device}sv*sd*bc*sc*i*\0"
        for module, device in rows if module in built_in))
    host.file(f"{folder}/modules.dep", "".join(
        f"kernel/x/{name}.ko:\n" for name in dict.fromkeys([*names, "vfio-pci", "pci-stub"])
        if name not in built_in))
    host.file(f"{folder}/modules.builtin", "".join(f"kernel/x/{name}.ko\n" for name in built_in))


def says(text, path=VFIO):
    return lambda host: host.file(path, text)


def words(*more):
    """What the entry has, and the running kernel got."""
    parameters = " ".join([PARAMETERS, *more])

    def change(host):
        checks.grub(host, menuentry("Debian", parameters))
        cmdline(host, parameters)
    return change


def holds(members, path=IMAGE):
    return lambda host: image(host, members, path)


def tab(*addresses, old=None, members=()):
    """The tab, and an image with it, or with an older one."""
    text = "".join(LINES[address] for address in addresses)

    def change(host):
        host.file(TAB, text)
        image(host, debian({**modules(RELEASE, "vfio-pci", "ferry_net", "nouveau"), **EARLY,
                            TAB: text if old is None else old, **dict(members)}))
    return change


def arch(host):
    host.file(f"lib/modules/{RELEASE}/pkgbase", "linux\n")
    (host.root / IMAGE).unlink()
    path = host.root / "boot/grub/grub.cfg"
    path.write_text(path.read_text().replace(f"/{IMAGE}", f"/{ARCH}"))


def no_image(host):
    (host.root / IMAGE).unlink()
    path = host.root / "boot/grub/grub.cfg"
    path.write_text("".join(line for line in path.read_text().splitlines(True)
                            if "\tinitrd\t" not in line))


def rule(text):
    return says(text, "etc/udev/rules.d/10-vfio.rules")


def driverctl(driver):
    return says(f"{driver}\n", f"etc/driverctl.d/pci-{DISK}")


FERRY = lambda host: claim(host, ("ferry_net", "8086"))  # noqa: E731
BUILT_IN = lambda host: claim(host, ("nvme", "0010"), built_in=("nvme",))  # noqa: E731
VFIO_BUILT_IN = lambda host: claim(host, ("nvme", "0010"), built_in=("vfio-pci",))  # noqa: E731
SERVICE = lambda host: host.link(  # noqa: E731
    "usr/lib/systemd/system/multi-user.target.wants/pciferry.service", "../pciferry.service")
RULE = ('ACTION=="add", SUBSYSTEM=="pci", KERNEL=="0000:02:00.0", \\\n'
        '  ATTR{driver_override}="vfio-pci", ATTR{subsystem/drivers_probe}="$kernel"\n')

# The case, what is so, the device, the driver (None: none; "": unknown), a part of the reason.
WINNERS = [
    ("the image's tab", tab(CARD), CARD, "vfio-pci", "listed in the image's tab"),
    ("the tab, before a driver that the image has", in_turn(FERRY, tab(CARD)), CARD, "vfio-pci",
     "listed in the image's tab"),
    ("pciferry=off", in_turn(FERRY, tab(CARD), words("pciferry=off")), CARD, "ferry_net",
     "pciferry=off is on the command line"),
    ("off counts, whatever follows", in_turn(FERRY, tab(CARD), words("pciferry=off", "pciferry=on")),
     CARD, "ferry_net", "pciferry=off"),
    ("a trial's list is not read", in_turn(tab(CARD), words("pciferry=trial:1")), CARD, "",
     "not certain"),
    ("a stale image", in_turn(FERRY, tab(CARD, old="# an older one\n")), CARD, "ferry_net",
     "the image's copy of the tab is an older one"),
    ("a stale line", in_turn(FERRY, tab(CARD, old=LINES[CARD].replace("8086/", "8087/"))), CARD,
     "ferry_net", "the line for it in the image's copy of the tab is an older one"),
    ("an image without the tab", in_turn(FERRY, tab(CARD), holds(debian(modules(
        RELEASE, "ferry_net", "vfio-pci")))), CARD, "ferry_net", "the image has no copy of the tab"),
    ("nothing reads the tab", in_turn(FERRY, tab(CARD), holds(debian({TAB: LINES[CARD]}))), CARD,
     "ferry_net", "nothing in the image reads its copy"),
    ("vfio-pci is not in the image", in_turn(FERRY, tab(CARD), holds(debian(
        {**EARLY, TAB: LINES[CARD]}))), CARD, "ferry_net", "vfio-pci is not in the image"),
    ("half of a group", tab(GPU), GPU, "nouveau", "0000:01:00.1, of its IOMMU group"),
    ("all of a group", tab(GPU, SOUND), SOUND, "vfio-pci", "listed in the image's tab"),
    ("the IOMMU off", in_turn(FERRY, tab(CARD), words("intel_iommu=off")), CARD, "ferry_net",
     "the IOMMU will be off"),
    ("built in, and listed", in_turn(lambda host: claim(host, ("ferry_net", "8086"), built_in=(
        "ferry_net",)), tab(CARD)), CARD, "vfio-pci", "taken from ferry_net, which is built in"),
    ("rd.hostonly=0", in_turn(FERRY, tab(CARD), holds(dracut({**modules(RELEASE, "vfio-pci"), **EARLY,
                                                              TAB: LINES[CARD]})),
                              words("rd.hostonly=0")), CARD, "ferry_net", "rd.hostonly=0"),
    ("a softdep in the image", in_turn(disks, says(IDS + SOFT), holds(debian(
        {**BOTH, VFIO: IDS + SOFT}))), DISK, "vfio-pci", "loaded in the image before nvme"),
    ("a softdep that the image lacks", in_turn(disks, says(IDS + SOFT), holds(debian(
        {**BOTH, VFIO: IDS}))), DISK, "nvme", "nothing there makes vfio-pci come first"),
    ("a softdep without vfio-pci", in_turn(disks, says(IDS + SOFT), holds(debian(
        {**modules(RELEASE, "nvme"), VFIO: IDS + SOFT}))), DISK, "nvme", "vfio-pci is not"),
    ("IDs for two that are alike", in_turn(disks, says(SOFT), words("vfio-pci.ids=1234:0010"), holds(
        debian({**BOTH, VFIO: SOFT}))), TWIN, "vfio-pci", "the command line's ids= have it"),
    ("IDs on the command line replace those of modprobe.d", in_turn(
        disks, says(IDS + SOFT), words("vfio-pci.ids=1234:5046"), holds(debian(
            {**BOTH, VFIO: IDS + SOFT}))), GPU, "vfio-pci", "the command line's ids="),
    ("blacklisted in the image", in_turn(disks, says(IDS + "blacklist nvme\n"), holds(debian(
        {**BOTH, VFIO: IDS + "blacklist nvme\n", "conf/modules": "vfio-pci\n"}))), DISK, "vfio-pci",
     "no other driver for it is"),
    ("blacklisted on the command line, for dracut", in_turn(disks, says(IDS), words(
        "rd.driver.blacklist=nvme"), holds(dracut({**BOTH, VFIO: IDS}, "vfio-pci"))), DISK,
     "vfio-pci", "no other driver for it is"),
    ("that word is not initramfs-tools'", in_turn(disks, says(IDS), words(
        "rd.driver.blacklist=nvme")), DISK, "nvme", "nvme is in the image"),
    ("dracut's force_drivers", in_turn(disks, says(IDS), holds(dracut(
        {**BOTH, VFIO: IDS}, "vfio-pci"))), DISK, "vfio-pci", "before nvme"),
    ("rd.driver.pre on the command line", in_turn(disks, says(IDS), words("rd.driver.pre=vfio-pci"),
                                                  holds(dracut({**BOTH, VFIO: IDS}))), DISK,
     "vfio-pci", "before nvme"),
    ("MODULES of mkinitcpio", in_turn(disks, says(IDS), arch, holds(mkinitcpio(
        {**BOTH, VFIO: IDS}, "vfio_pci", "nvme"), ARCH)), DISK, "vfio-pci", "before nvme"),
    ("MODULES in another order", in_turn(disks, says(IDS), arch, holds(mkinitcpio(
        {**BOTH, VFIO: IDS}, "nvme", "vfio_pci"), ARCH)), DISK, "nvme", "nvme is in the image"),
    ("booster's forced modules", in_turn(disks, says(IDS), holds(booster(
        RELEASE, ["vfio_pci", "nvme"], ["vfio_pci"], "ids=1234:0010"))), DISK, "", "does not wait for it"),
    ("booster without another driver", in_turn(disks, says(IDS), holds(booster(
        RELEASE, ["vfio_pci"], ["vfio_pci"], "ids=1234:0010"))), DISK, "vfio-pci", "no other driver"),
    ("conf/modules come after udev", in_turn(disks, says(IDS), holds(debian(
        {**BOTH, VFIO: IDS, "conf/modules": "vfio-pci\n"}))), DISK, "nvme", "nvme is in the image"),
    ("modules-load.d beside udev", in_turn(disks, says(IDS), holds(dracut(
        {**BOTH, VFIO: IDS, "etc/modules-load.d/v.conf": "vfio-pci\n"}))), DISK, "",
     "at the same time"),
    ("built into the kernel", in_turn(disks, BUILT_IN, says(IDS + SOFT)), DISK, "nvme",
     "nvme is built into the kernel"),
    ("vfio-pci is built in", in_turn(disks, VFIO_BUILT_IN, words("vfio-pci.ids=1234:0010")), DISK,
     "vfio-pci", "vfio-pci is built into the kernel"),
    ("modprobe.d says nothing to what is built in", in_turn(disks, VFIO_BUILT_IN, says(IDS)), DISK,
     "nvme", "nvme is in the image"),
    ("both are built in", in_turn(disks, lambda host: claim(host, ("nvme", "0010"), built_in=(
        "nvme", "vfio-pci")), words("vfio-pci.ids=1234:0010")), DISK, "", "both built into"),
    ("two modules for it", in_turn(disks, lambda host: claim(host, ("nvme", "0010"), (
        "nvme_other", "0010")), says(IDS), holds(debian(modules(RELEASE, "nvme", "nvme_other")))),
     DISK, "", "nvme, nvme_other are for it in the image"),
    ("an alias of modprobe.d", in_turn(disks, says(
        IDS + "alias pci:v00001234d00000010sv*sd*bc*sc*i* vfio-other\n")), DISK, None, "vfio-pci"),
    ("the root's modprobe.d", in_turn(disks, says(IDS + SOFT), holds(debian({}))), DISK, "vfio-pci",
     "a softdep has vfio-pci loaded before nvme"),
    ("by name from the root, with nvme kept away", in_turn(
        disks, says(IDS + "blacklist nvme\n"), says("vfio-pci\n", "etc/modules"), holds(debian({}))),
     DISK, "vfio-pci", "vfio-pci is loaded by its name"),
    ("nothing loads it", in_turn(disks, says(IDS + "blacklist nvme\n"), holds(debian({}))), DISK,
     None, "nothing loads vfio-pci"),
    ("a race on the root", in_turn(disks, says(IDS), says("vfio-pci\n", "etc/modules"), holds(
        debian({}))), DISK, "", "at the same time, from the root"),
    ("no order on the root", in_turn(disks, says(IDS), holds(debian({}))), DISK, "nvme",
     "nothing makes vfio-pci come first"),
    ("without an image", in_turn(disks, says(IDS + SOFT), no_image), DISK, "vfio-pci", "softdep"),
    ("an image that cannot be read", in_turn(disks, says(IDS), lambda host: host.file(
        IMAGE, b"LUKS\xba\xbe" + bytes(500))), DISK, "", "could not be read"),
    ("an image that is named and not there", in_turn(disks, says(IDS), remove(IMAGE)), DISK, "",
     f"/boot/initrd.img-{RELEASE} was not found"),
    ("another image than the one that is named", in_turn(disks, says(IDS), lambda host: (
        host.root / IMAGE).rename(host.root / f"boot/initramfs-{RELEASE}.img")), DISK, "",
     f"/boot/initrd.img-{RELEASE} was not found"),
    ("an image inside a unified kernel image", in_turn(
        disks, says(IDS), lambda host: bootfiles.unified(host, bootfiles.OPTIONS)), DISK, "",
     "inside /efi/EFI/Linux/arch-linux.efi"),
    ("somebody's own script", in_turn(disks, says(IDS), holds(debian(
        {**BOTH, "scripts/init-top/vfio": "#!/bin/sh\n"}))), DISK, "", "scripts/init-top/vfio"),
    ("a line install", in_turn(disks, says(IDS), holds(debian(
        {**BOTH, VFIO: IDS + "install nvme /sbin/own\n"}))), DISK, "", "a line install"),
    ("an image of an unknown builder", in_turn(disks, says(IDS), holds(BOTH)), DISK, "",
     "what runs there is not known"),
    ("a kernel whose modules are not there", in_turn(disks, says(IDS), remove(
        f"lib/modules/{RELEASE}/modules.alias")), DISK, "", "which drivers the kernel has"),
    ("pciferry.service, for what no driver has", in_turn(tab(CARD), no_image, SERVICE), CARD,
     "vfio-pci", "pciferry.service binds it; before, no driver for it is loaded"),
    ("pciferry.service, after another driver", in_turn(FERRY, tab(CARD, old=""), SERVICE), CARD, "",
     "does not list it; then pciferry.service takes it, unless it is in use"),
    ("pciferry.service does nothing either", in_turn(tab(CARD), words("pciferry=off"), SERVICE), CARD,
     "ferry_net", "pciferry=off"),
    ("pciferry.service is masked", in_turn(tab(CARD), no_image, SERVICE, lambda host: host.link(
        "etc/systemd/system/pciferry.service", "/dev/null")), CARD, None, "without an image"),
    ("driverctl", in_turn(disks, driverctl("vfio-pci")), DISK, "vfio-pci", "driverctl gives it"),
    ("a rule of udev's", in_turn(disks, holds(debian({})), rule(RULE)), DISK, "vfio-pci",
     "/etc/udev/rules.d/10-vfio.rules:2"),
    ("a rule too late", in_turn(disks, rule(RULE)), DISK, "nvme", "nvme is in the image"),
    ("a rule that nothing follows", in_turn(disks, holds(debian({})), rule(RULE.partition(
        ', ATTR{subsystem')[0] + "\n")), DISK, "", "whether that driver comes to have it"),
]


def told_of(host, device):
    return [one for one in findings(host, "--only", "boot-next") if one["subject"] == device]


@pytest.mark.parametrize("change,device,driver,reason", [row[1:] for row in WINNERS],
                         ids=[row[0] for row in WINNERS])
def test_the_winner_is_foreseen(host, change, device, driver, reason):
    change(host)
    found = told_of(host, device)
    assert len(found) == 1, findings(host, "--only", "boot-next")
    name = {None: "no driver ", "": "unknown "}.get(driver, f"{driver} ")
    assert found[0]["seen"].startswith(name) and reason in found[0]["seen"], found
    assert found[0]["status"] == {"vfio-pci": "PASS", "": "UNKNOWN"}.get(driver, "FAIL")


ADD = 'ACTION=="add", SUBSYSTEM=="pci", '
SET = ('ATTR{driver_override}="vfio-pci", '
       'RUN+="/bin/sh -c \'echo %k >/sys/bus/pci/drivers_probe\'"')


@pytest.mark.parametrize("text,driver", [
    (f'{ADD}ATTR{{vendor}}=="0x1234", ATTR{{device}}=="0x0010|0x0099", {SET}\n', "vfio-pci"),
    (f'{ADD}ATTR{{class}}=="0x0108*", ATTR{{subsystem_vendor}}!="0x8086", {SET}\n', "vfio-pci"),
    (f'KERNELS=="0000:02:00.[0-7]", {SET}\n', "vfio-pci"),
    (f'{ADD}ENV{{ID_PATH}}=="pci-0000:02:00.0", {SET}\n', "unknown"),
    (f'{ADD}ENV{{ID_PATH}}=="x", KERNEL=="0000:03:00.0", {SET}\n', "nvme"),
    (f'# {ADD}{SET}\n', "nvme"),
    (f'ACTION=="remove", SUBSYSTEM=="pci", {SET}\n', "nvme"),
    (f'SUBSYSTEM!="pci", {SET}\n', "nvme"),
    (f'ACTION!="add|change", GOTO="end"\n{ADD}{SET}\nLABEL="end"\n', "vfio-pci"),
    (f'KERNEL!="0000:03:00.0", GOTO="end"\n{ADD}{SET}\nLABEL="end"\n', "nvme"),
    (f'ENV{{x}}=="y", GOTO="end"\n{ADD}{SET}\nLABEL="end"\n', "unknown"),
    (f'ENV{{x}}=="y", GOTO="end"\nLABEL="end"\n{ADD}{SET}\n', "vfio-pci"),
    (f'{ADD}KERNEL==0000:02:00.0, {SET}\n', "nvme")])
def test_rules_of_udev_are_read_as_far_as_they_can_be(host, text, driver):
    in_turn(disks, says(IDS), holds(debian({})), rule(text))(host)
    seen = told_of(host, DISK)[0]["seen"]
    assert seen.startswith(f"{driver} with each kernel: "), seen
    assert ("10-vfio.rules" in seen) is (driver != "nvme")


# What the loader adds to an entry.
HANDOFF = ("if [ -s x ]; then\n  set vt_handoff=vt.handoff=7\nelse\n  set vt_handoff=\nfi\n")


@pytest.mark.parametrize("running,status", [
    (PARAMETERS, "PASS"), (f"{PARAMETERS} vt.handoff=7", "PASS"),
    (f"{PARAMETERS} pciferry=off", "UNKNOWN")])
def test_what_a_variable_added_to_this_boot_tells_of_the_next(host, running, status):
    tab(CARD)(host)
    host.file("boot/grub/grub.cfg", HANDOFF + menuentry("Ubuntu", f"{PARAMETERS} $vt_handoff"))
    cmdline(host, running)
    assert [one["status"] for one in told_of(host, CARD)] == [status]


def test_each_kernel_is_told_where_they_differ(host):
    tab(CARD)(host)
    kernel(host, LATER)
    claim(host, ("ferry_net", "8086"), release=LATER)
    image(host, debian(modules(LATER, "ferry_net")), f"boot/initrd.img-{LATER}")
    checks.grub(host, menuentry("Debian", PARAMETERS, LATER), menuentry("Debian", PARAMETERS))
    told = {one["status"]: one["seen"] for one in told_of(host, CARD)}
    assert told["PASS"].startswith(f"vfio-pci with {RELEASE}: ")
    assert told["FAIL"].startswith(f"ferry_net with {LATER}: ferry_net is in the image; ")


def test_entries_for_repairs_and_trials_are_not_the_usual_ones(host):
    tab(CARD)(host)
    checks.grub(host, menuentry("Trial", f"{PARAMETERS} pciferry=trial:4"),
                menuentry("Debian (recovery mode)", "ro single pciferry=off"),
                menuentry("Debian", PARAMETERS))
    assert [one["status"] for one in told_of(host, CARD)] == ["PASS"]


# Of the check: what goes wrong, what it then says, and a word that its fix must have.
WRONG = [
    ("boot-next", in_turn(tab(CARD), holds(debian({}))), "FAIL", "update-initramfs -u -k all"),
    ("boot-next", in_turn(tab(CARD), words("pciferry=off")), "FAIL", "take that word off"),
    ("boot-next", in_turn(tab(CARD), words("intel_iommu=off")), "FAIL", "check --only iommu"),
    ("boot-next", tab(GPU), "FAIL", f"pciferry apply {GPU}"),
    ("boot-next", in_turn(disks, says(IDS)), "FAIL", f"pciferry apply {DISK}"),
]


@pytest.mark.parametrize("check,change,status,fix", WRONG)
def test_what_is_wrong_is_found_with_its_fix(host, check, change, status, fix):
    change(host)
    find_wrong(host, check, status, fix)


# What goes wrong, and the change that its fix names.
FIXED = [
    ("boot-next", in_turn(FERRY, tab(CARD, old="")), tab(CARD)),
    ("boot-next", in_turn(tab(CARD), words("pciferry=off")), words()),
    ("boot-next", in_turn(tab(CARD), words("intel_iommu=off")), words()),
]


@pytest.mark.parametrize("check,change,fix", FIXED)
def test_what_the_fix_says_is_the_way_out(host, check, change, fix):
    change(host)
    assert [(one["check"], one["status"]) for one in told_of(host, CARD)] == [(check, "FAIL")]
    fix(host)
    assert [one["status"] for one in told_of(host, CARD)] == ["PASS"]


def test_where_nothing_is_wanted_nothing_is_foreseen(host):
    disks(host)
    assert [(one["status"], one["seen"]) for one in findings(host, "--only", "boot-next")] == [
        ("PASS", "no setting wants a device for a guest at boot")]


