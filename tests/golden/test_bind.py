# SPDX-License-Identifier: GPL-2.0-or-later
"""What bind would do, on made hosts: which driver each device gets, and what --force is for.
The steps themselves, and what they do to a kernel, are for the virtual host (tests/lab)."""
import pytest

from fakehost import usual
from program import expect, run

RELEASE = "6.12.1-test"
EVERY = "alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n"
CARD = "alias vfio_pci:v00001234d00005046sv*sd*bc*sc*i* {}\n"


@pytest.fixture(name="host")
def usual_host(tmp_path):
    return usual(tmp_path / "host")


def aliases(host, text):
    host.file("proc/sys/kernel/osrelease", f"{RELEASE}\n")
    host.file(f"lib/modules/{RELEASE}/modules.alias", text)


def steps(host, *args):
    done = run("bind", "--dry-run", *args, "--host", host.root)
    assert done.returncode == 0, done.stderr
    return [line.split(" (")[0] for line in done.stdout.splitlines()]


def test_a_variant_of_vfio_pci_comes_first_where_the_kernel_has_one_for_the_device(host):
    aliases(host, EVERY + CARD.format("card_vfio_pci"))
    told = steps(host, "01:00.0")
    assert "load the module card_vfio_pci" in told and "load the module vfio-pci" in told
    assert "0000:01:00.0: bind to card_vfio_pci" in told
    assert "0000:01:00.1: bind to vfio-pci" in told


def test_the_name_of_its_driver_is_the_modules_to_tell(host):
    aliases(host, EVERY + CARD.format("card_vfio_pci"))
    host.link("sys/module/card_vfio_pci/drivers/pci:card-vfio-pci",
              "../../../bus/pci/drivers/card-vfio-pci")
    host.file("sys/bus/pci/drivers/card-vfio-pci/new_id", "")
    told = steps(host, "01:00.0")
    assert "0000:01:00.0: bind to card-vfio-pci" in told
    assert not [line for line in told if "card_vfio_pci" in line]


def test_a_driver_that_is_asked_for_is_taken_as_it_is(host):
    aliases(host, EVERY + CARD.format("card_vfio_pci"))
    told = steps(host, "01:00.0", "--driver", "vfio-pci")
    assert "0000:01:00.0: bind to vfio-pci" in told
    assert not [line for line in told if "card_vfio_pci" in line]


@pytest.mark.parametrize("text", [
    EVERY, EVERY + CARD.format("one_vfio_pci") + CARD.format("other_vfio_pci"),
    EVERY + "alias pci:v00001234d00005046sv*sd*bc*sc*i* card\n",
    EVERY + CARD.format("../vfio_pci"), "alias vfio_pci:\nalias vfio_pci:v* \n"])
def test_without_one_that_is_surely_meant_it_is_vfio_pci(host, text):
    aliases(host, text)
    assert "0000:01:00.0: bind to vfio-pci" in steps(host, "01:00.0")


def test_what_is_on_a_driver_for_vfio_stays_there(host):
    aliases(host, EVERY + CARD.format("card_vfio_pci"))
    host.device("0000:05:00.0", "1234:5046", "030000", "vfio-pci", 9)
    assert steps(host, "05:00.0") == ["nothing to do"]


def network(host):
    """The e1000e at 06:00.0, with eth0, which is up."""
    host.device("0000:06:00.0", "1234:0099", "020000", "e1000e", 9)
    folder = host.folder("0000:06:00.0")
    host.link("sys/class/net/eth0", f"../../{folder.removeprefix('sys/')}/net/eth0")
    host.file(f"{folder}/net/eth0/flags", "0x1003\n")
    host.file(f"{folder}/net/eth0/ifindex", "2\n")
    host.file("pciferry/network", "address eth0 192.0.2.1/24\n")


def test_a_device_in_use_goes_only_by_its_own_name(host):
    network(host)
    lines = expect(3, "in use", "bind", "--dry-run", "06:00.0", "--host", host.root)
    reason = next(line for line in lines if "eth0" in line).strip()
    told = steps(host, "06:00.0", "--force", "06:00.0")
    assert told[-1] == "0000:06:00.0: bind to vfio-pci"
    forced = [line for line in told if line.startswith("forced: ")]
    assert f"forced: {reason}" in forced
    # Another one's force is none of its.
    lines = expect(3, "in use", "bind", "--dry-run", "06:00.0", "01:00.0", "--force", "01:00.0",
                   "--host", host.root)
    assert "0000:06:00.0" in lines[0]


def test_what_is_not_known_cannot_be_forced(host):
    network(host)
    (host.root / "pciferry/network").unlink()
    lines = expect(3, "in use", "bind", "--dry-run", "06:00.0", "--force", "06:00.0", "--host",
                   host.root)
    assert "whether it has an address is not known" in lines[1]


def test_a_disk_with_something_on_it_cannot_be_forced(host):
    lines = expect(3, "in use", "bind", "--dry-run", "02:00.0", "--force", "02:00.0", "--host",
                   host.root)
    assert "nvme0n1 is mounted on /srv" in lines[1]
    assert "what is on a disk, what a guest has and what is not known cannot be forced" in \
        lines[-1]


@pytest.mark.parametrize("address, words", [
    ("03:00.0", "it is to be forced, and is none of the devices that go"),
    ("06", "06 is no address of a device"),
    ("", "is no address of a device")])
def test_a_force_of_something_else_is_a_mistake(host, address, words):
    expect(2, words, "bind", "--dry-run", "01:00.0", "--force", address, "--host", host.root)


def test_the_groups_can_be_a_users(host):
    assert steps(host, "01:00.0", "--user", "root")[-1] == "/dev/vfio/2: give it to root"
    host.device("0000:05:00.0", "1234:5046", "030000", "vfio-pci", 9)
    assert steps(host, "05:00.0", "--user", "1234") == ["/dev/vfio/9: give it to 1234"]


@pytest.mark.parametrize("words, args", [
    ("there is no user nobody-like-that", ("01:00.0", "--user", "nobody-like-that")),
    ("there is no user", ("01:00.0", "--user", "")),
    ("there is no user 4294967295", ("01:00.0", "--user", "4294967295")),
    ("pci-stub has no groups", ("01:00.0", "--user", "root", "--driver", "pci-stub")),
    ("not with --tab", ("--tab", "--user", "root"))])
def test_a_user_that_is_none_is_told(host, words, args):
    expect(2, words, "bind", "--dry-run", *args, "--host", host.root)


def test_with_the_tab_nothing_is_forced(host):
    expect(2, "not with --tab", "bind", "--tab", "--force", "01:00.0", "--host", host.root)


@pytest.fixture(name="resizable")
def host_with_settings(host):
    disk = "sys/bus/pci/devices/0000:03:00.0"
    host.file(f"{disk}/reset_method", "flr bus\n")
    host.file(f"{disk}/power/control", "auto\n")
    host.file(f"{disk}/resource1_resize", "00000000000001c0\n")
    none = " ".join(["0x" + "0" * 16] * 3) + "\n"
    host.file(f"{disk}/resource", none +
              "0x00000000e0000000 0x00000000efffffff 0x000000000014220c\n" + none * 11)
    return host


def test_settings_are_made_while_no_driver_has_the_device_and_the_power_after_it(resizable):
    told = steps(resizable, "03:00.0", "--set", "power_control=on", "--set", "bar1=64M",
                 "--set", "reset_method=bus,flr")
    mine = [line for line in told if line.startswith("0000:03:00.0")]
    assert mine == [
        "0000:03:00.0: let only vfio-pci have it", "0000:03:00.0: unbind from nvme",
        "0000:03:00.0: set reset_method=bus,flr", "0000:03:00.0: set bar1=64M",
        "0000:03:00.0: bind to vfio-pci", "0000:03:00.0: set power_control=on"]
    assert not [line for line in told if line.startswith("0000:02:00.0: set")]


@pytest.mark.parametrize("setting, words", [
    ("bar1=1G", "its BAR 1 can have 64M, 128M, 256M"),
    ("bar0=64M", "it has no resource0_resize"), ("d3cold_allowed=1", "it has no d3cold_allowed")])
def test_what_a_device_has_not_cannot_be_set(resizable, setting, words):
    expect(1, words, "bind", "03:00.0", "--set", setting, "--dry-run", "--host", resizable.root)


@pytest.mark.parametrize("setting", [
    "", "=", "bar1", "bar1=", "bar6=1G", "bar1=3M", "bar1=64K", "bar1=1025", "power_control=off",
    "d3cold_allowed=yes", "reset_method=", "reset_method=flr,flr", "reset_method=flr bus",
    "vf0.mac=52:54:00:00:00:01", "bar1=16777216T"])
def test_what_is_no_setting_is_told_as_that(resizable, setting):
    expect(2, "", "bind", "03:00.0", "--set", setting, "--dry-run", "--host", resizable.root)


def test_settings_are_kept_with_set_alone(resizable):
    expect(2, "--persist", "bind", "03:00.0", "--persist", "--host", resizable.root)
    expect(2, "--set", "bind", "--tab", "--set", "bar1=64M", "--host", resizable.root)
