# SPDX-License-Identifier: GPL-2.0-or-later
"""What bind and release would do, and what they refuse, on made hosts (--dry-run)."""
import pytest

import fakehost
from program import run

MOUNTED, FREE, CARD, SOUND = "0000:02:00.0", "0000:03:00.0", "0000:01:00.0", "0000:01:00.1"


@pytest.fixture(name="host")
def usual_host(tmp_path):
    return fakehost.usual(tmp_path / "host")


def plan(host, *args):
    return run(*args, "--dry-run", "--host", host.root)


def steps(host, *args):
    done = plan(host, *args)
    assert done.returncode == 0, done.stderr
    return [line.partition(" (")[0] for line in done.stdout.splitlines()]


def keep(host, address, driver, override="", identity="1234:0010/1234:0002"):
    host.file(f"run/pciferry/{address}.first",
              f"identity {identity}\ndriver {driver}\ndriver_override {override}\n")


def put_on(host, address, driver, override):
    folder = host.root / host.folder(address)
    (folder / "driver").unlink(missing_ok=True)
    (host.root / "sys/bus/pci/drivers" / driver).mkdir(parents=True, exist_ok=True)
    host.link(f"{host.folder(address)}/driver", f"../../../bus/pci/drivers/{driver}")
    host.file(f"{host.folder(address)}/driver_override", override + "\n")


def test_release_takes_no_mounted_disk_from_its_driver(host):
    """It was bound to nvme by pciferry, from no driver, and mounted since."""
    keep(host, MOUNTED, "")
    put_on(host, MOUNTED, "nvme", "nvme")
    done = plan(host, "release", MOUNTED)
    assert done.returncode == 3 and "nvme0n1 is mounted on /srv" in done.stderr
    host.mounts.pop()
    host.write_proc()
    assert steps(host, "release", MOUNTED) == [f"{MOUNTED}: let any driver have it again",
                                               f"{MOUNTED}: unbind from nvme"]


def test_what_somebody_else_gave_back_is_not_given_back_again(host):
    keep(host, MOUNTED, "")
    assert steps(host, "release", MOUNTED) == ["nothing to do"]
    keep(host, FREE, "")
    put_on(host, FREE, "vfio-pci", "vfio-pci")
    assert f"{FREE}: unbind from vfio-pci" in steps(host, "release", FREE)


def test_an_override_alone_is_cleared_and_the_driver_stays(host):
    put_on(host, MOUNTED, "nvme", "vfio-pci")
    assert steps(host, "release", MOUNTED) == [f"{MOUNTED}: let any driver have it again"]


def test_release_of_what_pciferry_never_took_leaves_the_choice_to_the_kernel(host):
    put_on(host, FREE, "vfio-pci", "vfio-pci")
    assert steps(host, "release", FREE) == [
        f"{FREE}: let any driver have it again", f"{FREE}: unbind from vfio-pci",
        f"{FREE}: let the kernel choose a driver"]


def test_release_loads_the_module_of_each_driver_that_is_gone(host):
    for address, driver in ((CARD, "amdgpu"), (SOUND, "snd_gone")):
        keep(host, address, driver,
             identity=("1234:5046" if address == CARD else "1234:293e") + "/1234:0002")
        put_on(host, address, "vfio-pci", "vfio-pci")
    assert steps(host, "release", CARD)[:2] == ["load the module amdgpu",
                                                "load the module snd_gone"]


def test_memory_that_the_firmware_uses_is_told_before_anything_is_bound(host):
    region = "sys/kernel/iommu_groups/4/reserved_regions"
    host.file(region, "0x00000000fee00000 0x00000000feefffff msi\n")
    assert steps(host, "bind", FREE)[-1] == f"{FREE}: bind to vfio-pci"
    host.file(region, "0x000000007b000000 0x000000007cffffff direct\n")
    done = plan(host, "bind", FREE)
    assert done.returncode == 3 and "0x7b000000-0x7cffffff" in done.stderr
    host.file(region, "0x000000007b000000 0x000000007cffffff direct-relaxable\n")
    assert steps(host, "bind", FREE)[-1] == f"{FREE}: bind to vfio-pci"
