# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes into an image by the hooks of dracut and mkinitcpio, whose functions are stood in
for; tests/lab/test_early.py boots what initramfs-tools makes of its hook."""
import re
import subprocess

import pytest

from made import NVME, ROOT

TAB = (f"# x\ndevice 0000:01:00.0 {NVME}@03.0/00.0 vfio-pci\n"
       f"device 0000:02:00.0 {NVME}@04.0/00.0 mlx5-vfio-pci # mine\r\n"
       f"device 0000:03:00.0 {NVME}@05.0/00.0 vfio-pci\n"
       f"device 0000:04:00.0 {NVME}@06.0/00.0 $(touch x)\ndevice 0000:05:00.0\n"
       "vf 0000:06:00.0 x 4")

# Each function of the tool's prints what it was asked for.
DRACUT = """
for name in inst_simple inst_multiple inst_hook require_binaries dwarn; do
	eval "$name() { echo $name \\"\\$@\\"; }"
done
instmods() { echo "instmods hostonly=$hostonly $*"; [[ $2 != mlx* ]]; }
dracut_module_included() { [[ $1 == "$init" ]]; }
hostonly=yes moddir=MODDIR systemdsystemunitdir=/usr/lib/systemd/system dracutsysrootdir=ROOT
. packaging/dracut/90pciferry/module-setup.sh
"""
MKINITCPIO = """
for name in add_file add_binary add_symlink add_runscript add_module warning error; do
	eval "$name() { echo $name \\"\\$@\\"; }"
done
modinfo() { [[ $7 != vfio-pci ]] || echo /lib/vfio-pci.ko; [[ $7 != pci-stub ]] || echo "(builtin)"; }
KERNELVERSION=6.1
"""


def bash(script):
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True,
                          check=False, stdin=subprocess.DEVNULL)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


@pytest.fixture(name="root")
def root_with_the_script(tmp_path):
    (tmp_path / "etc/pciferry.trial").mkdir(parents=True)
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "usr/lib/pciferry").symlink_to(ROOT / "packaging/early")
    return tmp_path


def test_the_drivers_of_all_tabs_are_named_once(tmp_path):
    (tmp_path / "a").write_text(TAB)
    (tmp_path / "b").write_text(TAB.replace("mlx5", "x"))
    done = subprocess.run([ROOT / "packaging/early/tab-drivers", "a", "b"], cwd=tmp_path,
                          capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("vfio-pci\nmlx5-vfio-pci\nx-vfio-pci\n", "")
    assert not (tmp_path / "x").exists()


def dracut(root, call, init="systemd"):
    return bash(f"init={init}\n" + DRACUT.replace("ROOT", str(root)) + call)


def test_dracut_takes_the_module_where_there_is_a_tab_and_nowhere_else(root):
    assert dracut(root, "check")[0] == 1
    (root / "etc/pciferry.trial/1.tab").write_text(TAB)
    assert dracut(root, "check") == (0, ["require_binaries modprobe"])
    (root / "etc/pciferry.trial/1.tab").unlink()
    (root / "etc/pciferry.tab").write_text(TAB)
    assert dracut(root, "check") == (0, ["require_binaries modprobe"])


def test_dracut_gets_drivers_that_this_host_has_not_loaded(root):
    (root / "etc/pciferry.tab").write_text(TAB)
    assert dracut(root, "installkernel")[1] == [
        "instmods hostonly= -c vfio-pci", "instmods hostonly= -c mlx5-vfio-pci",
        "dwarn pciferry: this kernel has no driver mlx5-vfio-pci"]


@pytest.mark.parametrize("init", ["systemd", "busybox"])
def test_dracut_runs_the_script_first_and_before_modules_are_loaded_by_name(root, init):
    (root / "etc/pciferry.tab").write_text(TAB)
    (root / "etc/pciferry.trial/1.tab").write_text(TAB)
    lines = dracut(root, "install", init)[1]
    assert lines[:3] == ["inst_simple -H /etc/pciferry.tab",
                         "inst_simple -H /etc/pciferry.trial/1.tab",
                         "inst_simple /usr/lib/pciferry/pciferry-early"]
    assert "inst_hook cmdline 00 MODDIR/pciferry.sh" in lines
    drop_in = "/usr/lib/systemd/system/systemd-modules-load.service.d/pciferry.conf"
    assert (f"inst_simple MODDIR/modules-load.conf {drop_in}" in lines) == (init == "systemd")
    text = (ROOT / "packaging/dracut/90pciferry/modules-load.conf").read_text()
    assert "\nAfter=dracut-cmdline.service\n" in text


def mkinitcpio(root, hooks="base pciferry udev"):
    """The hook has fixed paths; here they are below the made root."""
    text = (ROOT / "packaging/mkinitcpio/install/pciferry").read_text()
    text = re.sub(r"(?<= )/etc/|(?<=\()/usr/lib/pciferry/",
                  lambda match: f"{root}{match.group(0)}", text)
    return bash(MKINITCPIO + f"HOOKS=({hooks})\n{text}\nbuild")


def test_mkinitcpio_gets_the_script_for_either_init(root):
    (root / "etc/pciferry.tab").write_text(TAB.replace("mlx5-vfio-pci", "pci-stub"))
    status, lines = mkinitcpio(root)
    assert status == 0
    assert lines[0] == f"add_file {root}/etc/pciferry.tab"
    for wanted in ("add_file /usr/lib/pciferry/pciferry-early", "add_module vfio-pci",
                   "add_runscript ",
                   "add_symlink /usr/lib/systemd/system/sysinit.target.wants/"
                   "pciferry-early.service ../pciferry-early.service"):
        assert wanted.strip() in [line.strip() for line in lines]
    assert not any(line.startswith(("warning", "error")) for line in lines)
    # The one that is built in has no file to add.
    assert "add_module pci-stub" not in lines


def test_mkinitcpio_is_told_of_a_missing_driver_and_of_a_wrong_order(root):
    (root / "etc/pciferry.tab").write_text(TAB)
    lines = mkinitcpio(root, "base udev pciferry")[1]
    assert "error pciferry: kernel %s has no driver %s 6.1 mlx5-vfio-pci" in lines
    assert "warning pciferry: put it before udev in HOOKS" in lines


def test_mkinitcpio_adds_nothing_without_a_tab(root):
    assert mkinitcpio(root) == (0, [])


def test_the_unit_comes_before_all_that_loads_drivers():
    text = (ROOT / "packaging/mkinitcpio/pciferry-early.service").read_text()
    before = " ".join(re.findall(r"^Before=(.*)$", text, re.MULTILINE)).split()
    assert {"systemd-modules-load.service", "systemd-udevd.service",
            "systemd-udev-trigger.service"} <= set(before)
    assert "DefaultDependencies=no" in text and "KillMode=process" in text
