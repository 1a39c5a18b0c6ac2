# SPDX-License-Identifier: GPL-2.0-or-later
"""What bind would do of graphics cards, on made hosts: no card of NVIDIA's or AMD's can be shown
here. That the steps work is shown in the virtual host (tests/lab, display.sh)."""
import pytest

from fakehost import usual
from program import expect, run

CARD = "0000:01:00.0"
MANAGER = "etc/systemd/system/display-manager.service"


@pytest.fixture(name="host")
def host_with_a_card_in_use(tmp_path):
    host = usual(tmp_path / "host")
    card = host.folder(CARD)
    host.link(f"{card}/driver", "../../../bus/pci/drivers/nvidia")
    host.link("sys/bus/pci/drivers/nvidia/module", "../../../../module/nvidia")
    host.link(f"sys/bus/pci/drivers/nvidia/{CARD}", f"../../../../../{card}")
    for module, holders in (("nvidia", ["nvidia_modeset", "nvidia_uvm"]),
                            ("nvidia_modeset", ["nvidia_drm"]), ("nvidia_drm", [])):
        (host.root / f"sys/module/{module}/holders").mkdir(parents=True)
        for holder in holders:
            host.link(f"sys/module/{module}/holders/{holder}", f"../../{holder}")
    host.file(f"{card}/drm/card0/dev", "226:0\n")
    host.link("sys/class/drm/card0", f"../../../{card}/drm/card0")
    host.file(f"{card}/drm/card0/card0-DP-1/status", "connected\n")
    host.file(f"{card}/drm/card0/card0-DP-1/enabled", "enabled\n")
    host.link("sys/class/drm/card0-DP-1", f"../../../{card}/drm/card0/card0-DP-1")
    return host


def services(host, manager="gdm.service", running=()):
    host.link(MANAGER, f"/usr/lib/systemd/system/{manager}")
    for unit in running:
        host.file(f"sys/fs/cgroup/system.slice/{unit}/cgroup.procs", "812\n")


def steps(host, *args):
    done = run("bind", "--dry-run", *args, "--host", host.root)
    assert done.returncode == 0, done.stderr
    return [line.split(" (")[0] for line in done.stdout.splitlines()]


def test_what_shows_a_picture_is_ended_only_when_asked(host):
    services(host, running=["gdm.service"])
    done = run("bind", "--dry-run", CARD, "--host", host.root)
    assert done.returncode == 3
    assert "card0-DP-1 shows a picture" in done.stderr and "--stop-display" in done.stderr


def test_services_then_modules_then_the_driver(host):
    services(host, running=["gdm.service", "nvidia-persistenced.service"])
    assert steps(host, CARD, "--stop-display")[:7] == [
        "gdm.service: stop it", "nvidia-persistenced.service: stop it",
        "unload the module nvidia_drm", "unload the module nvidia_modeset",
        "unload the module nvidia_uvm", "load the module vfio-pci",
        f"{CARD}: let only vfio-pci have it"]


def test_what_does_not_run_is_not_stopped(host):
    services(host)
    told = steps(host, CARD, "--stop-display")
    assert not [line for line in told if "stop it" in line]


def test_modules_stay_for_another_card_of_the_driver(host):
    host.device("0000:05:00.0", "1234:5047", "030000", "nvidia", 9)
    services(host, running=["gdm.service"])
    told = steps(host, CARD, "--stop-display")
    assert told[0] == "gdm.service: stop it"
    assert not [line for line in told if "unload" in line]


def test_a_process_of_no_service_that_is_stopped_keeps_the_card(host):
    host.link("proc/self/ns/mnt", "mnt:[4026531840]")
    host.link("proc/812/ns/mnt", "mnt:[4026531840]")
    host.link("proc/812/fd/9", "/dev/dri/card0")
    host.file("proc/812/comm", "Xorg\n")
    expect(3, "process 812 (Xorg) holds /dev/dri/card0", "bind", "--dry-run", CARD,
           "--stop-display", "--host", host.root)
    services(host, running=["gdm.service"])
    assert "gdm.service: stop it" in steps(host, CARD, "--stop-display")


def test_the_unit_goes_by_its_last_name(host):
    services(host, manager="gdm3.service", running=["gdm.service"])
    host.link("lib/systemd/system/gdm3.service", "gdm.service")
    assert steps(host, CARD, "--stop-display")[0] == "gdm.service: stop it"


def test_a_session_is_not_ended_for_a_card_that_another_service_keeps(host):
    services(host, running=["gdm.service"])
    host.link("proc/self/ns/mnt", "mnt:[4026531840]")
    for pid, place in ((812, "/user.slice/user-1000.slice/session-2.scope"),
                       (77, "/system.slice/ollama.service")):
        host.link(f"proc/{pid}/ns/mnt", "mnt:[4026531840]")
        host.link(f"proc/{pid}/fd/9", "/dev/dri/card0")
        host.file(f"proc/{pid}/comm", "one\n")
        host.file(f"proc/{pid}/cgroup", f"0::{place}\n")
    expect(3, "process 77 (one) holds /dev/dri/card0", "bind", "--dry-run", CARD,
           "--stop-display", "--host", host.root)
    (host.root / "proc/77/fd/9").unlink()
    assert "gdm.service: stop it" in steps(host, CARD, "--stop-display")


def test_a_card_that_does_not_come_back_is_warned_of(host):
    host.device("0000:06:00.0", "1002:67df", "030000", "amdgpu", 8, reset_method="bus")
    done = run("bind", "--dry-run", "06:00.0", "--host", host.root)
    assert done.returncode == 0
    assert "warning: 0000:06:00.0: an AMD Polaris 10" in done.stderr


KEPT = "identity %s\nservices gdm.service\nconsoles vtcon1\nframebuffers %s\nmodules nvidia_drm\n"


def keep(host, address, identity="10de:1b39/10de:1217"):
    host.file(f"run/pciferry/{address}.display.first",
              KEPT % (identity, "efi-framebuffer/efi-framebuffer.0"))
    host.file("sys/class/vtconsole/vtcon1/bind", "0\n")
    (host.root / "sys/bus/platform/devices/efi-framebuffer.0").mkdir(parents=True)


def test_what_was_stopped_for_a_card_that_has_gone_begins_without_it(host):
    """Of the card's own nothing: the framebuffer would be in the memory of no card."""
    keep(host, "0000:0b:00.0")
    done = run("release", "0b:00.0", "--dry-run", "--host", host.root)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "0000:0b:00.0: attach the kernel's console vtcon1 "
        "(1 to /sys/class/vtconsole/vtcon1/bind)",
        "gdm.service: start it again",
        "0000:0b:00.0: no longer there: forget what is kept of it"]


def test_beside_one_that_is_there_it_is_released_as_well(host):
    keep(host, "0000:0b:00.0")
    host.device("0000:0c:00.0", "10de:1b38", "030000", "vfio-pci", 10)
    for name in ("0c:00.0", "10de:1b38"):
        done = run("release", name, "0b:00.0", "--dry-run", "--host", host.root)
        assert done.returncode == 0, done.stderr
        assert "0000:0c:00.0: unbind from vfio-pci" in done.stdout
        assert "gdm.service: start it again" in done.stdout


def test_one_of_which_nothing_is_kept_is_not_there(host):
    expect(1, "no such device", "release", "0b:00.0", "--dry-run", "--host", host.root)
    keep(host, "0000:0b:00.0")
    expect(1, "no such device", "bind", "0b:00.0", "--dry-run", "--host", host.root)


def test_another_card_at_its_address_does_not_keep_the_picture_away(host):
    keep(host, "0000:0c:00.0")
    host.device("0000:0c:00.0", "10de:1b38", "030000", "vfio-pci", 10)
    done = run("release", "0c:00.0", "--dry-run", "--host", host.root)
    assert done.returncode == 0, done.stderr
    assert "gdm.service: start it again" in done.stdout
    assert "framebuffer" not in done.stdout and "nvidia_drm" not in done.stdout
