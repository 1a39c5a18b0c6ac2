# SPDX-License-Identifier: GPL-2.0-or-later
"""What plan and apply say of the next boot, what verify makes of it, and the hooks for new
kernels. Which driver wins where is in test_check_boot_next.py."""
import json
import os
import pathlib
import subprocess

import pytest

import checks
import initramfs
from checks import CARD, IMAGE, PARAMETERS, RELEASE, cmdline, image, menuentry
from planhost import TAB, UPDATE_INITRAMFS, debian, make, needs_tools, run, tool
from program import PROGRAM
from test_check_boot_next import no_image
from test_plan_by_id import without_builder

KEPT = "var/lib/pciferry/foreseen"
LATER = "6.12.9-amd64"
LINE = "device 0000:05:00.0 1234:8086/1234:0002@02.0/00.0 vfio-pci\n"
BOOT_ID = "proc/sys/kernel/random/boot_id"
HOOKS = pathlib.Path(__file__).resolve().parents[2] / "packaging/kernel"


def listed(host, *members):
    """The tab, and an image of it."""
    host.file(TAB, LINE)
    image(host, initramfs.debian({**initramfs.modules(RELEASE, "vfio-pci", *members), TAB: LINE,
                                  "usr/lib/pciferry/pciferry-early": "#!/bin/sh\n"}))


def kept(host, *lines):
    host.file(KEPT, "pciferry-foreseen 1 before\n" + "".join(f"{line}\n" for line in lines))
    host.file(BOOT_ID, "after\n")


def driver(host, name):
    host.link(f"{host.folder(CARD)}/driver", f"../../../../bus/pci/drivers/{name}")


def verified(host, *args):
    done = run("verify", "--host", host.root, "--json", *args)
    return json.loads(done.stdout)


@needs_tools
def test_a_plan_foresees_what_its_images_will_do(off):
    make(off, debian)
    told = json.loads(run("plan", CARD, "--root", off.root, "--json").stdout)["predictions"]
    assert told == [{"address": CARD, "kernel": RELEASE, "expected": "vfio-pci", "known": True,
                     "driver": "vfio-pci", "foreseen": True,
                     "reason": "listed in the new image's tab"}]
    text = run("plan", CARD, "--root", off.root).stdout
    assert "Next boot:\n  0000:05:00.0  vfio-pci: foreseen, listed in the new image's tab\n" in text


@needs_tools
def test_kernels_are_told_apart_where_they_differ(off):
    """The other one has no vfio-pci."""
    make(off, debian)
    checks.kernel(off, LATER, without=["vfio-pci"])
    image(off, {}, f"boot/initrd.img-{LATER}")
    off.file("boot/grub/grub.cfg", checks.grub_cfg(
        menuentry("Debian", "ro quiet", LATER), menuentry("Debian", "ro quiet")))
    text = run("plan", CARD, "--root", off.root).stdout
    assert f"  0000:05:00.0  vfio-pci with {RELEASE}: foreseen, listed in" in text
    assert f"  0000:05:00.0  unknown with {LATER}: " in text
    assert "vfio-pci is not in the image" in text


@needs_tools
def test_apply_looks_into_the_images_that_were_made(off):
    make(off, debian)
    done = run("apply", CARD, "--root", off.root)
    assert done.returncode == 0
    assert "Next boot:\n  0000:05:00.0  vfio-pci: listed in the image's tab\n" in done.stdout
    assert (off.root / KEPT).read_text() == (
        f"pciferry-foreseen 1 -\n{RELEASE} {CARD} vfio-pci\n")
    told = json.loads(run("plan", CARD, "--root", off.root, "--json").stdout)
    assert not told["edits"] and [one["foreseen"] for one in told["predictions"]] == [False]


@needs_tools
def test_an_apply_that_does_not_work_does_not_look_like_one_that_does(off):
    """The tool says that all is well, and has put nothing of ours into the image."""
    make(off, debian)
    (off.root / "usr/sbin/update-initramfs").write_text(
        UPDATE_INITRAMFS.replace("etc/pciferry.tab", ""))
    done = run("apply", CARD, "--root", off.root)
    assert done.returncode == 1 and "Change 1 is made.\n" in done.stdout
    assert "the image has no copy of the tab" in done.stdout
    assert "The next boot will not do it" in done.stderr and "pciferry undo 1" in done.stderr
    assert run("undo", "--root", off.root).returncode == 0 and not (off.root / TAB).exists()
    done = run("apply", CARD, "--root", off.root, "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1 and told["change"] == 2
    assert [(one["known"], one["driver"]) for one in told["predictions"]] == [(True, None)]


@needs_tools
def test_what_cannot_be_told_after_an_apply_is_no_failure(off):
    make(off, debian)
    tool(off, "usr/sbin/update-initramfs", "#!/bin/sh\necho encrypted >/boot/initrd.img-"
         f"{RELEASE}\n")
    done = run("apply", CARD, "--root", off.root)
    assert done.returncode == 0 and "  0000:05:00.0  unknown: its image " in done.stdout
    assert (off.root / KEPT).read_text().endswith(f"{CARD} ?\n")


@needs_tools
def test_what_a_plan_is_about_to_change_is_not_foreseen_by_what_is_there(rooted):
    """By IDs, without an initramfs: a softdep that is not there yet decides."""
    no_image(without_builder(rooted))
    wish = (CARD, "--by-id", "--root", rooted.root, "--json")
    found = json.loads(run("plan", *wish).stdout)["predictions"]
    assert [(one["known"], one["reason"].partition(";")[0]) for one in found] == [
        (False, "what is loaded first is about to be changed")]
    found = json.loads(run("apply", *wish).stdout)["predictions"]
    assert [(one["driver"], one["reason"]) for one in found] == [
        ("vfio-pci", "a softdep has vfio-pci loaded before e1000e, and the command line's ids="
         " have it")]


@pytest.mark.parametrize("foreseen,got,held,said", [
    ("vfio-pci", "vfio-pci", True, "the prediction held"),
    ("vfio-pci", "ferry_net", False, "foreseen vfio-pci, got ferry_net"),
    ("-", None, True, "the prediction held"),
    ("ferry_net", None, False, "foreseen ferry_net, got no driver"),
    ("?", "vfio-pci", None, "could not be foreseen")])
def test_after_the_boot_it_is_told_whether_the_prediction_held(host, foreseen, got, held, said):
    listed(host)
    kept(host, f"{LATER} {CARD} other", f"{RELEASE} {CARD} {foreseen}")
    if got:
        driver(host, got)
    found = verified(host)["devices"][0]
    assert found["prediction_held"] is held
    assert found["foreseen"] == (None if foreseen in "-?" else foreseen)
    assert said in run("verify", "--host", host.root).stdout


@pytest.mark.parametrize("spoil", [
    lambda host: (host.root / KEPT).unlink(),
    lambda host: host.file(BOOT_ID, "before\n"),
    lambda host: host.file(KEPT, "x\n"),
    lambda host: kept(host, f"{LATER} {CARD} vfio-pci", f"{RELEASE} 0000:05:00.1 vfio-pci")])
def test_what_is_about_another_boot_is_not_compared(host, spoil):
    listed(host)
    kept(host, f"{RELEASE} {CARD} vfio-pci")
    spoil(host)
    found = verified(host)["devices"][0]
    assert found["prediction_held"] is None and found["foreseen"] is None
    assert "rediction" not in run("verify", "--host", host.root).stdout


def test_it_is_told_which_module_was_earlier(host):
    """The image of the running kernel tells; where it would have done, it was another one."""
    host.file(f"lib/modules/{RELEASE}/modules.dep",
              "kernel/x/ferry_net.ko:\nkernel/x/vfio-pci.ko:\n")
    listed(host, "ferry_net")
    image(host, initramfs.debian(initramfs.modules(RELEASE, "vfio-pci", "ferry_net")))
    driver(host, "ferry_net")
    assert verified(host)["devices"][0]["why"] == (
        "the initramfs has not this tab (ferry_net is in the image; the image has no copy of the"
        " tab): pciferry apply makes it anew, then reboot")
    listed(host, "ferry_net")
    assert "dmesg" in verified(host)["devices"][0]["why"]
    host.file("proc/stat", f"cpu  1 2 3\nbtime {checks.BUILT - 60}\n")
    assert verified(host)["devices"][0]["why"] == (
        "its image has been made anew since this boot: reboot")
    host.file("proc/stat", f"cpu  1 2 3\nbtime {checks.BUILT + 60}\n")
    assert "dmesg" in verified(host)["devices"][0]["why"]
    space = "0000:05:00.1"
    host.device(space, "1234:9999", "020000", None, 5, checks.PORT)
    why = verified(host)["devices"][0]["why"]
    assert why == ("ferry_net is in the image; 0000:05:00.1, of its IOMMU group, has no line that"
                   " fits in the image's tab")


def test_the_next_boot_can_be_asked_for_at_any_time(host):
    listed(host)
    done = run("verify", "--next", "--host", host.root)
    assert (done.returncode, done.stdout) == (
        0, "Next boot:\n  0000:05:00.0  vfio-pci: listed in the image's tab\n")
    checks.grub(host, menuentry("Debian", f"{PARAMETERS} pciferry=off"))
    done = run("verify", "--next", "--host", host.root)
    assert done.returncode == 1 and "pciferry=off is on the command line" in done.stdout
    cmdline(host, f"{PARAMETERS} pciferry=off")
    assert verified(host)["devices"][0]["why"].startswith("pciferry=off was on")


def test_of_one_kernel_alone(host):
    listed(host)
    checks.kernel(host, LATER)
    checks.grub(host, menuentry("Debian", PARAMETERS, LATER), menuentry("Debian", PARAMETERS))
    told = verified(host, "--next", "--kernel", LATER)["predictions"]
    assert [(one["kernel"], one["known"]) for one in told] == [(LATER, False)]
    assert run("verify", "--next", "--kernel", RELEASE, "--host", host.root).returncode == 0
    done = run("verify", "--next", "--kernel", "6.13", "--host", host.root)
    assert done.returncode == 1 and "6.13: no such kernel is installed" in done.stderr
    done = run("verify", "--kernel", RELEASE, "--host", host.root)
    assert done.returncode == 2 and "--next" in done.stderr


def test_without_a_tab_the_next_boot_brings_nothing(host):
    done = run("verify", "--next", "--host", host.root)
    assert done.returncode == 0 and "names no device that is there" in done.stdout
    assert verified(host, "--next")["predictions"] == []


@pytest.fixture(name="hooked")
def host_that_a_hook_sees(host, tmp_path):
    """Where a hook finds pciferry, which looks at the made host."""
    listed(host)
    place = tmp_path / "bin/pciferry"
    place.parent.mkdir()
    place.write_text(f'#!/bin/sh\nexec "{PROGRAM}" "$@" --host "{host.root}"\n')
    place.chmod(0o755)
    return host


def install_kernel(hook, *args, path):
    return subprocess.run(["/bin/sh", HOOKS / hook, *args], check=False, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL,
                          env={**os.environ, "PATH": path})


@pytest.mark.parametrize("hook,args", [
    ("zzz-pciferry", (RELEASE, f"/boot/vmlinuz-{RELEASE}")),
    ("95-pciferry.install", ("add", RELEASE, "/boot/x", f"/boot/vmlinuz-{RELEASE}"))])
def test_a_new_kernel_is_looked_at_and_never_in_the_way(hooked, tmp_path, hook, args):
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    done = install_kernel(hook, *args, path=path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (hooked.root / IMAGE).write_bytes(initramfs.cpio(initramfs.debian({})))
    done = install_kernel(hook, *args, path=path)
    assert done.returncode == 0 and f"the next boot of {RELEASE} may not" in done.stderr
    assert "the image has no copy of the tab" in done.stderr
    # Nothing to say where it is not installed whole, or asked without a kernel.
    for words, where in ((args, "/usr/bin:/bin"), ((), path)):
        done = install_kernel(hook, *words, path=where)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_kernel_that_goes_is_not_looked_at(hooked, tmp_path):
    (hooked.root / IMAGE).unlink()
    done = install_kernel("95-pciferry.install", "remove", RELEASE,
                          path=f"{tmp_path}/bin:{os.environ['PATH']}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_hook_comes_behind_what_makes_the_image_and_the_entry():
    """run-parts goes by the order of the C locale."""
    others = ["dkms", "initramfs-tools", "zz-proxmox-boot", "zz-systemd-boot", "zz-update-grub"]
    assert sorted([*others, "zzz-pciferry"])[-1] == "zzz-pciferry"
    others = ["20-grub.install", "50-dracut.install", "90-loaderentry.install"]
    assert sorted([*others, "95-pciferry.install"])[-1] == "95-pciferry.install"
    assert {place.name for place in HOOKS.iterdir()} == {"zzz-pciferry", "95-pciferry.install"}
