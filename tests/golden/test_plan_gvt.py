# SPDX-License-Identifier: GPL-2.0-or-later
"""GVT-g at each boot: plan, apply and undo on a root of a system that does not run. No machine that has
it was at hand: what i915 makes of it is by its sources."""
import pytest

from checks import RELEASE, cmdline, kernel
from planhost import debian, make, needs_tools, run, snapshot

pytestmark = needs_tools
GRAPHICS, LOADS = "0000:00:1e.0", "etc/modules-load.d/pciferry-gvt.conf"


def modules(host, *names):
    path = host.root / f"lib/modules/{RELEASE}/modules.dep"
    path.write_text(path.read_text() + "".join(f"kernel/{name}.ko:\n" for name in names))


@pytest.fixture(name="kaby")
def kaby_lake(off):
    make(off, debian)
    off.device("0000:00:1e.0", "8086:5912", "030000", "i915", None)
    modules(off, "drivers/gpu/drm/i915/kvmgt")
    return off


def told(host, command, *args, status=0):
    done = run(command, "--gvt", *args, "--root", host.root)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_word_and_the_module_come_and_go(kaby):
    before = snapshot(kaby.root)
    text = told(kaby, "plan")
    assert "slices of 0000:00:1e.0 (GVT-g)" in text and "i915.enable_gvt=1" in text
    assert "intel_iommu=on" not in text and "initramfs" not in text
    assert snapshot(kaby.root) == before
    told(kaby, "apply")
    assert (kaby.root / LOADS).read_text() == "kvmgt\n"
    assert "i915.enable_gvt=1" in (kaby.root / "boot/grub/grub.cfg").read_text()
    assert "Nothing had to be changed" in told(kaby, "apply")
    assert run("undo", "1", "--root", kaby.root).returncode == 0
    assert not (kaby.root / LOADS).exists()


def test_a_kernel_that_has_another_module_for_it_gets_that_loaded_too(kaby):
    modules(kaby, "drivers/vfio/mdev/vfio_mdev")
    told(kaby, "apply")
    assert (kaby.root / LOADS).read_text() == "kvmgt\nvfio_mdev\n"


def test_a_kernel_without_it_is_named_and_none_with_it_is_refused(kaby):
    kernel(kaby, "6.12.1-amd64")
    assert "kernel 6.12.1-amd64 has no kvmgt" in told(kaby, "plan")
    path = kaby.root / f"lib/modules/{RELEASE}/modules.dep"
    path.write_text(path.read_text().replace("kvmgt", "other"))
    assert "no installed kernel has GVT-g's module" in told(kaby, "plan", status=1)


def test_an_old_kernel_does_not_lose_its_picture(kaby):
    kernel(kaby, "5.2.0-amd64")
    cmdline(kaby, "quiet i915.enable_guc=3")
    assert "would start without a picture" in told(kaby, "plan", status=3)


@pytest.mark.parametrize("line", ["options i915 enable_guc=0x3", "options i915 fastboot=1 enable_guc=1"])
def test_an_old_kernel_does_not_by_modprobe_either(kaby, line):
    kernel(kaby, "5.2.0-amd64")
    kaby.file("etc/modprobe.d/i915.conf", f"# mine\n{line}\n")
    text = told(kaby, "plan", status=3)
    assert "enable_guc in /etc/modprobe.d/i915.conf:2" in text and "5.2.0-amd64" in text
    kaby.file("etc/modprobe.d/i915.conf", "options i915 enable_guc=2\n")
    told(kaby, "plan")


def test_the_ways_back_turn_it_off(kaby):
    text = told(kaby, "plan")
    assert "take i915.enable_gvt=1 off the kernel's command line" in text
    assert "pciferry=off" not in text


def test_what_goes_as_a_whole_is_not_cut(kaby):
    """Neither what the tab has, nor what was turned on before."""
    told(kaby, "apply")
    done = run("plan", GRAPHICS, "--headless", "--root", kaby.root)
    assert "GVT-g is turned on, and has no use then" in done.stdout
    assert run("apply", GRAPHICS, "--headless", "--root", kaby.root).returncode == 0
    words = (kaby.root / "boot/grub/grub.cfg").read_text()
    assert "i915.enable_gvt=1" in words and "intel_iommu=on" in words
    assert "0000:00:1e.0 goes to guests as a whole at each boot" in told(kaby, "plan", status=1)


def test_graphics_of_another_generation_are_not_touched(off):
    make(off, debian)
    off.device("0000:00:1e.0", "8086:9a49", "030000", "i915", None)
    assert "no graphics with GVT-g" in told(off, "plan", status=1)


@pytest.mark.parametrize("args", [["--trial"], ["-o", "plan.json"]])
def test_it_goes_with_neither_a_trial_nor_a_file(kaby, args):
    assert "it cannot be used with" in told(kaby, "plan", *args, status=2)
