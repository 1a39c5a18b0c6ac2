# SPDX-License-Identifier: GPL-2.0-or-later
"""apply --trial and commit, on the root of a system that does not run.

What is real: the files, GRUB's own grub-editenv and grub-script-check where they are
installed, the edits, the journal. What is not: the boot itself (tests/lab), systemd-boot's
variable, and the tools that make images, which are a few lines of shell here."""
import json
import os
import shutil
import subprocess

import pytest

import bootfiles
from checks import CARD, RELEASE
from planhost import debian, make, needs_tools, run, snapshot, tool
from test_plan_pages import node

TIMER = "usr/lib/systemd/system/pciferry-trial.timer"
TRIAL_TAB = "etc/pciferry.trial/1.tab"
HEADER = """if [ "${next_entry}" ] ; then
   set default="${next_entry}"
   set next_entry=
   save_env next_entry
fi
"""
CUSTOM = """if [ -f  ${config_directory}/custom.cfg ]; then
  source ${config_directory}/custom.cfg
fi
"""
EMPTY = "# GRUB Environment Block\n".ljust(1024, "#")
# What the tool of that name does to the file, of which the test reads the words.
EDITENV = """#!/bin/sh
if [ "$2" = set ]; then
	echo "$3" >>/made/chosen
else
	echo "$2 $3" >>/made/chosen
fi
"""

pytestmark = needs_tools


def on_disk(host, kind="pci0000:00/0000:00:04.0/nvme/nvme0/nvme0n1/nvme0n1p2"):
    """The folder's own device, as one of a kind."""
    device = os.stat(host.root / "boot").st_dev
    link = host.root / f"sys/dev/block/{os.major(device)}:{os.minor(device)}"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(f"../../devices/{kind}")


def ready(host):
    """All that a trial asks for."""
    for path in ("run/systemd/system", "made"):
        (host.root / path).mkdir(parents=True, exist_ok=True)
    host.file(TIMER, "")
    tool(host, "usr/sbin/mkinitramfs", '#!/bin/sh\necho "of $3" >"$2"\n')
    tool(host, "usr/bin/grub-editenv", EDITENV)
    tool(host, "usr/bin/bootctl", '#!/bin/sh\necho "once:$2" >>/made/chosen\n')
    (host.root / "bin/rm").symlink_to("busybox")
    (host.root / "usr/bin/rm").symlink_to("../../bin/busybox")
    on_disk(host)


@pytest.fixture(name="grub")
def host_with_grub(off):
    make(off, debian)
    ready(off)
    menu = off.root / "boot/grub/grub.cfg"
    menu.write_text(HEADER + menu.read_text() + CUSTOM)
    off.file("boot/grub/grubenv", EMPTY)
    return off


@pytest.fixture(name="systemd")
def host_with_systemd_boot(off):
    make(off, bootfiles.systemd_boot)
    ready(off)
    off.file(f"boot/initramfs-{RELEASE}.img", "old")
    features = f"{bootfiles.VARIABLES}/LoaderFeatures-{bootfiles.LOADER}"
    off.file(features, b"\6\0\0\0" + (0x7f).to_bytes(8, "little"))
    return off


def chosen(host):
    return (host.root / "made/chosen").read_text().splitlines()


def apply_trial(host):
    done = run("apply", CARD, "--trial", "--root", host.root)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_grub_starts_an_entry_of_its_own_once(grub):
    before = snapshot(grub.root)
    told = apply_trial(grub)
    assert "Trial 1 is made" in told and "pciferry commit" in told
    after = snapshot(grub.root)
    image = f"boot/initrd.img-{RELEASE}.pciferry-trial"
    # What boots without a word is as it was.
    assert {name for name in after if after[name] != before.get(name)} == {
        "boot/grub/custom.cfg", TRIAL_TAB, "made/chosen", image}
    assert chosen(grub) == ["next_entry=pciferry-trial-1"]
    assert "vfio-pci" in (grub.root / TRIAL_TAB).read_text()
    custom = (grub.root / "boot/grub/custom.cfg").read_text()
    assert "menuentry 'pciferry trial 1 (Linux " in custom
    assert "set fallback=0" in custom
    kernel = next(line for line in custom.splitlines() if "vmlinuz" in line).split()
    for word in ("pciferry=trial:1", "panic=30", "intel_iommu=on", "iommu=pt"):
        assert word in kernel, kernel
    assert f"/{image}" in custom
    # Back to the last byte, and the choice and the image with it.
    assert run("undo", "--root", grub.root).returncode == 0
    assert chosen(grub)[1:] == ["unset next_entry"]
    (grub.root / "made/chosen").unlink()
    assert snapshot(grub.root) == before


@pytest.mark.skipif(not shutil.which("grub-script-check"), reason="no grub-script-check")
def test_grub_can_read_the_entry(grub):
    grub.file("boot/grub/custom.cfg", "menuentry mine {\n\tchainloader +1\n}")
    apply_trial(grub)
    path = grub.root / "boot/grub/custom.cfg"
    assert path.read_text().startswith("menuentry mine {\n\tchainloader +1\n}\n#")
    subprocess.run(["grub-script-check", path], check=True)


@pytest.mark.skipif(not shutil.which("grub-editenv"), reason="no grub-editenv")
def test_grub_s_own_tool_takes_what_it_is_told(grub, tmp_path):
    log = tmp_path / "log"
    tool(grub, "usr/bin/grub-editenv", '#!/bin/sh\necho "$@" >/made/arguments\n')
    apply_trial(grub)
    arguments = (grub.root / "made/arguments").read_text().split()
    path = grub.root / arguments[0].lstrip("/")
    subprocess.run(["grub-editenv", path, *arguments[1:]], check=True)
    log.write_bytes(subprocess.run(["grub-editenv", path, "list"], check=True,
                                   capture_output=True).stdout)
    assert log.read_text() == "next_entry=pciferry-trial-1\n"
    assert path.stat().st_size == 1024


def test_systemd_boot_starts_an_entry_of_its_own_once(systemd):
    before = snapshot(systemd.root)
    apply_trial(systemd)
    entry = "efi/loader/entries/debian-pciferry1.conf"
    image = f"boot/initramfs-{RELEASE}.img.pciferry-trial"
    after = snapshot(systemd.root)
    assert {name for name in after if after[name] != before.get(name)} == {
        entry, TRIAL_TAB, "made/chosen", image}
    assert chosen(systemd) == ["once:debian-pciferry1.conf"]
    lines = dict(line.split(None, 1) for line in
                 (systemd.root / entry).read_text().splitlines() if line[0] != "#")
    assert lines["title"].startswith("pciferry trial 1")
    assert lines["initrd"] == f"/initramfs-{RELEASE}.img.pciferry-trial"
    assert lines["version"] == RELEASE
    assert {"pciferry=trial:1", "panic=30", "intel_iommu=on"} <= set(lines["options"].split())
    assert run("undo", "--root", systemd.root).returncode == 0
    assert chosen(systemd)[1:] == ["once:"]
    (systemd.root / "made/chosen").unlink()
    assert snapshot(systemd.root) == before


def without_header(host):
    menu = host.root / "boot/grub/grub.cfg"
    menu.write_text(menu.read_text().replace("save_env next_entry", ""))


def without_custom(host):
    menu = host.root / "boot/grub/grub.cfg"
    menu.write_text(menu.read_text().replace("custom.cfg", "other.cfg"))


def without_environment(host):
    (host.root / "boot/grub/grubenv").unlink()


def with_a_cut_environment(host):
    host.file("boot/grub/grubenv", "# GRUB Environment Block\n")


def on_lvm(host):
    (next((host.root / "sys/dev/block").iterdir())).unlink()
    on_disk(host, "virtual/block/dm-0")


def on_raid(host):
    (next((host.root / "sys/dev/block").iterdir())).unlink()
    on_disk(host, "virtual/block/md127/md127p1")


def on_btrfs(host):
    shutil.rmtree(host.root / "sys/dev/block")


def without_timer(host):
    (host.root / TIMER).unlink()


def without_systemd(host):
    shutil.rmtree(host.root / "run/systemd")


def of_another_kernel(host):
    menu = host.root / "boot/grub/grub.cfg"
    menu.write_text(menu.read_text().replace(RELEASE, "4.19.0-1-amd64"))


OBSTACLES = [
    (without_header, "does not start what was chosen for one boot alone"),
    (without_custom, "does not read custom.cfg beside it"),
    (without_environment, "/boot/grub/grubenv is not there"),
    (with_a_cut_environment, "has not the 1024 bytes that GRUB wants"),
    (on_lvm, "is on dm-0"),
    (on_raid, "is on md127p1"),
    (on_btrfs, "is on no disk or partition of its own"),
    (without_timer, "pciferry-trial.timer is not installed"),
    (without_systemd, "systemd does not run"),
    (of_another_kernel, "no entry of GRUB starts the kernel that runs"),
]


@pytest.mark.parametrize("obstacle,told", OBSTACLES)
def test_what_could_not_end_by_itself_is_refused(grub, obstacle, told):
    obstacle(grub)
    before = snapshot(grub.root)
    for command in ("plan", "apply"):
        done = run(command, CARD, "--trial", "--root", grub.root)
        assert done.returncode == 3 and told in done.stderr, done.stderr
    assert snapshot(grub.root) == before


def test_systemd_boot_that_cannot_start_once_is_refused(systemd):
    (systemd.root / f"{bootfiles.VARIABLES}/LoaderFeatures-{bootfiles.LOADER}").unlink()
    done = run("apply", CARD, "--trial", "--root", systemd.root)
    assert done.returncode == 3 and "does not say that it can start an entry once" in done.stderr


@pytest.mark.parametrize("way", [bootfiles.limine, bootfiles.refind, bootfiles.unified,
                                 bootfiles.fedora])
def test_other_loaders_are_refused(off, way):
    make(off, way)
    ready(off)
    before = snapshot(off.root)
    done = run("apply", CARD, "--trial", "--root", off.root)
    assert done.returncode == 3 and "could not end by itself" in done.stderr, done.stderr
    assert snapshot(off.root) == before


def test_a_trial_that_is_not_over_is_in_the_way(grub):
    apply_trial(grub)
    for more in ((), ("--trial",)):
        done = run("apply", CARD, *more, "--root", grub.root)
        assert done.returncode == 3 and "trial 1 is not over" in done.stderr
    assert run("undo", "--root", grub.root).returncode == 0
    assert run("apply", CARD, "--root", grub.root).returncode == 0


def test_the_plan_says_what_it_does_not_catch(grub):
    told = json.loads(run("plan", CARD, "--trial", "--root", grub.root, "--json").stdout)
    assert told["trial"] == 1 and told["change"] is None
    assert any("before systemd runs" in line for line in told["risks"])
    assert any("no hardware watchdog" in line for line in told["risks"])
    grub.file("sys/class/watchdog/watchdog0/identity", "iTCO_wdt")
    told = json.loads(run("plan", CARD, "--trial", "--root", grub.root, "--json").stdout)
    assert any("resets the machine" in line for line in told["risks"])
    added = "".join(edit["difference"] or "" for edit in told["edits"])
    assert "systemd.watchdog_sec=60" in added and "\n+menuentry " in added


def test_a_boot_that_is_no_trial_cannot_be_committed():
    done = run("commit")
    assert done.returncode == 1 and "this boot is no trial" in done.stderr
    assert "apply --trial" in done.stderr


def test_verify_says_whether_the_boot_is_the_trial_s(grub):
    apply_trial(grub)
    done = run("verify", "--root", grub.root)
    assert done.returncode == 1 and "this boot is not that of trial 1" in done.stderr
    assert "pciferry undo 1 takes the trial out" in done.stderr
    grub.file("etc/pciferry.tab", (grub.root / TRIAL_TAB).read_bytes())
    assert "Trial 1 is not over" in run("verify", "--root", grub.root).stdout
    (grub.root / "etc/pciferry.tab").unlink()
    line = (grub.root / "proc/cmdline").read_text().strip()
    grub.file("proc/cmdline", f"{line} pciferry=trial:1 panic=30\n")
    done = run("verify", "--root", grub.root)
    assert "This boot is trial 1" in done.stdout and CARD in done.stdout


def test_huge_pages_that_are_tried_are_in_the_trial_s_tab_alone(grub):
    grub.file("proc/meminfo", "MemTotal: 16777216 kB\nHugepagesize:       2048 kB\n")
    for number in (0, 1):
        node(grub, number, 8192)
    done = run("apply", CARD, "--trial", "--hugepages", "4G@1", "--root", grub.root)
    assert done.returncode == 0, done.stderr
    tab = (grub.root / TRIAL_TAB).read_text()
    assert f"device {CARD}" in tab and "pages node1 2M 2048\n" in tab
    assert not (grub.root / "etc/pciferry.tab").exists()
    line = (grub.root / "proc/cmdline").read_text().strip()
    grub.file("proc/cmdline", f"{line} pciferry=trial:1 panic=30\n")
    assert "node 1  0 of 2048 huge pages" in run("verify", "--root", grub.root).stdout
    assert run("undo", "--root", grub.root).returncode == 0
    done = run("apply", "--trial", "--hugepages", "0@1", "--root", grub.root)
    assert done.returncode == 2 and "takes no line out" in done.stderr
    done = run("apply", "--trial", "--hugepages", "7G@1", "--root", grub.root)
    assert done.returncode == 3 and "four fifths" in done.stderr
    done = run("apply", "--trial", "--hugepages", "4G@1", "--root", grub.root)
    assert done.returncode == 0, done.stderr
    assert "device " not in (grub.root / "etc/pciferry.trial/2.tab").read_text()
    assert "intel_iommu=on" not in (grub.root / "boot/grub/custom.cfg").read_text()


def test_a_trial_is_not_saved(grub, tmp_path):
    done = run("plan", CARD, "--trial", "-o", tmp_path / "plan.json", "--root", grub.root)
    assert done.returncode == 2 and "not saved" in done.stderr
    assert run("plan", CARD, "-o", tmp_path / "plan.json", "--root", grub.root).returncode == 0
    done = run("apply", tmp_path / "plan.json", "--trial", "--root", grub.root)
    assert done.returncode == 2 and "its own options" in done.stderr


def files_but_images(host):
    return {name: value for name, value in snapshot(host.root).items() if "initrd" not in name}


def test_without_room_for_the_second_initramfs_nothing_is_begun(grub):
    image = grub.root / f"boot/initrd.img-{RELEASE}"
    content = image.read_bytes()
    before = files_but_images(grub)
    with open(image, "r+b") as file:
        file.truncate(os.statvfs(grub.root).f_bfree * os.statvfs(grub.root).f_frsize)
    done = run("apply", CARD, "--trial", "--root", grub.root)
    image.write_bytes(content)
    assert done.returncode == 3 and "MiB are free on its file system" in done.stderr, done.stderr
    assert files_but_images(grub) == before
