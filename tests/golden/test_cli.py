# SPDX-License-Identifier: GPL-2.0-or-later
"""The program as a person or a script meets it, on made hosts: no kernel is involved here but
to read files; what really happens to devices, tests/lab shows."""
import fcntl
import json
import os
import pathlib
import pty
import re
import shutil
import struct
import subprocess
import tarfile
import termios

import jsonschema
import pytest

import fakehost
from program import PROGRAM, ROOT, SCHEMA, expect, run

LAPTOP = ROOT.parent / "shared/cases/sysfs/i7-1270p.tar.gz"
GOLDEN = pathlib.Path(__file__).parent


@pytest.fixture(name="host")
def usual_host(tmp_path):
    return fakehost.usual(tmp_path / "host")


def run_in_terminal(columns, *args):
    """What it prints to a terminal of that width."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    with open(master, "rb", buffering=0) as output:
        child = subprocess.Popen([PROGRAM, *args], stdin=subprocess.DEVNULL, stdout=slave,
                                 stderr=subprocess.DEVNULL,
                                 env={**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm"})
        os.close(slave)
        text = b""
        try:
            while chunk := output.read(65536):
                text += chunk
        except OSError:  # the other end is closed
            pass
        assert child.wait() == 0
    return text.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("args,words", [
    ((), "a command is missing"),
    (("frobnicate",), "frobnicate: no such command"),
    (("list", "--frobnicate"), "--frobnicate: no such option"),
    (("list", "-z"), "-z: no such option"),
    (("list", "class=toaster"), "not a value of class="),
    (("list", "group=x"), "not a value of group="),
    (("list", "colour=red"), "not a filter"),
    (("list", ""), "not a filter"),
    (("list", "--flat", "--tree"), "only one of"),
    (("list", "--columns", "device,nonsense"), "nonsense: no such column"),
    (("list", "--columns", "device,device"), "named twice"),
    (("list", "--columns", ""), "no such column"),
    (("list", "--dot", "--json"), "not with a layout"),
    (("list", "--acs-override", "downstream"), "it changes a prediction"),
    (("list", "--predict", "--acs-override", "all"), "not a value of pcie_acs_override"),
    (("list", "--host"), "needs a value"),
    (("list", "--color", "pink"), "none of auto, always, never"),
    (("show",), "show needs a DEVICE"),
    (("bind",), "bind needs a DEVICE"),
    (("bind", "--timeout", "0", "00:01.0"), "--timeout"),
    (("bind", "--driver", "a/b", "--dry-run", "03:00.0"), "not the name of a driver"),
    (("vm",), "vm needs a command"),
    (("vm", "frobnicate"), "vm has no such command"),
    (("vm", "run"), "needs a DEVICE"),
    (("vm", "run", "--memory", "lots", "03:00.0"), "--memory"),
    (("vm", "run", "--cpus", "0", "03:00.0"), "--cpus"),
    (("vm", "run", "--accel", "warp", "03:00.0"), "neither kvm nor tcg"),
    *[(("show", device), "not a device") for device in
      ("00:99.9", "group:abc", "group:", "nonsense", "net:", "net:../x", "/dev/", "zzzz:0001",
       "1:2:3:4")],
])
def test_wrong_words_are_answered_with_the_way_out(host, args, words):
    if args[1:] and "--host" not in args and args[0] in ("show", "bind", "vm"):
        args = (*args, "--host", str(host.root))
    assert len(expect(2, words, *args)) <= 3


@pytest.mark.parametrize("args,words", [
    (("show", "00:1e.7"), "00:1e.7: no such device"),
    (("show", "1234:ffff"), "no device has these IDs"),
    (("show", "group:77"), "no such IOMMU group"),
    (("show", "group:1"), "only bridges"),
    (("show", "/dev/nvme9n1"), "no such device on this host"),
    (("show", "net:eth9"), "no such device on this host"),
    (("bind", "--dry-run", "00:01.0"), "a bridge stays with the host"),
    (("bind", "--dry-run", "04:00.0"), "it is in no IOMMU group"),
    (("bind", "03:00.0"), "it is a copy, and cannot be changed"),
    (("release", "03:00.0"), "it is a copy, and cannot be changed"),
])
def test_what_cannot_be_done_is_named(host, args, words):
    assert len(expect(1, words, *args, "--host", str(host.root))) <= 3


def test_a_folder_that_is_no_host_is_named(tmp_path):
    lines = expect(1, "not a host", "list", "--host", str(tmp_path))
    assert str(tmp_path) in lines[0] and len(lines) == 2
    expect(1, "No such file", "list", "--host", str(tmp_path / "nowhere"))


def test_an_unreadable_attribute_is_told_and_does_not_stop_the_rest(host):
    modalias = host.root / "sys/devices/pci0000:00/0000:03:00.0/modalias"
    modalias.unlink()
    modalias.mkdir()
    done = run("list", "--host", host.root)
    assert done.returncode == 0
    assert "(its IDs could not be read)" in done.stdout
    device = devices_of(run("list", "--json", "--host", host.root))["0000:03:00.0"]
    assert device["vendor_id"] is None and device["verdict"] == "unknown"


def test_a_disk_in_use_is_refused_with_the_evidence(host):
    lines = expect(3, "in use", "bind", "--dry-run", "02:00.0", "--host", host.root)
    assert "nvme0n1 is mounted on /srv" in lines[1]
    lines = expect(3, "in use", "bind", "--dry-run", "--all-matching", "1234:0010", "--host",
                   host.root)
    assert "nvme0n1 is mounted on /srv" in lines[1]


def test_ids_of_several_devices_are_not_guessed(host):
    lines = expect(2, "2 devices have these IDs", "bind", "--dry-run", "1234:0010", "--host",
                   host.root)
    assert len(lines) == 3 and lines[1].split(", ") == ["  0000:02:00.0", "0000:03:00.0"]
    for bus in range(0x10, 0x30):
        host.device(f"0000:{bus:x}:00.0", "1234:0010")
    lines = expect(2, "34 devices have these IDs", "bind", "--dry-run", "1234:0010", "--host",
                   host.root)
    assert len(lines) == 3 and lines[1].endswith(", ...")


def test_a_dry_run_prints_the_steps_in_order(host):
    done = run("bind", "--dry-run", "01:00.0", "--host", host.root)
    assert done.returncode == 0
    purposes = [line.split(" (")[0] for line in done.stdout.splitlines()]
    assert purposes == [
        "load the module vfio-pci",
        "0000:01:00.0: let only vfio-pci have it",
        "0000:01:00.0: bind to vfio-pci",
        "0000:01:00.1: let only vfio-pci have it",
        "0000:01:00.1: unbind from snd_hda_intel",
        "0000:01:00.1: bind to vfio-pci",
    ]


def test_a_command_line_for_a_shell_is_printed(host, tmp_path):
    words = "it's \"quoted\""
    done = run("vm", "run", "--dry-run", "01:00.0", "--bios", "--append", words, "--host",
               host.root, "--", "-no-reboot", "--help")
    assert done.returncode == 0, done.stderr
    shell = subprocess.run(["sh", "-c", "set -- " + done.stdout.strip() + "\n"
                            "for word; do printf '%s\\n' \"$word\"; done"],
                           capture_output=True, text=True, check=True)
    argv = shell.stdout.splitlines()
    assert argv[0] == "qemu-system-x86_64"
    assert argv[-2:] == ["-no-reboot", "--help"]
    cards = [word for word in argv if word.startswith("vfio-pci,")]
    assert len(cards) == 2 and all("bus=ferry1" in card for card in cards)
    assert not list(tmp_path.glob("**/*.fd"))


def devices_of(done):
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    return {device["address"]: device for device in document["devices"]}


def test_json_has_every_field_and_null_for_what_is_not_known(host):
    done = run("list", "--json", "--host", host.root)
    devices = devices_of(done)
    card = devices["0000:01:00.0"]
    assert card["vendor_id"] == "1234" and card["class"] == "030000"
    assert card["driver"] is None and card["driver_override"] is None
    assert card["revision"] == 0xa1 and card["boot_vga"] is True
    assert card["reset_methods"] == ["bus"] and card["numa_node"] is None
    assert card["iommu_group"] == 2 and card["verdict"] == "can_go_with_group"
    disk = devices["0000:02:00.0"]
    assert disk["in_use"] == [{"kind": "mount", "detail": "nvme0n1 is mounted on /srv"}]
    assert disk["verdict"] == "in_use" and disk["revision"] is None
    assert devices["0000:03:00.0"]["verdict"] == "can_go"
    assert devices["0000:03:00.0"]["numa_node"] == 0
    assert devices["0000:04:00.0"]["iommu_group"] is None
    assert devices["0000:04:00.0"]["verdict"] == "cannot"
    groups = json.loads(done.stdout)["groups"]
    assert {"number": 2, "type": "DMA-FQ", "reserved_regions": None,
            "devices": ["0000:01:00.0", "0000:01:00.1"]} in groups


@pytest.fixture(name="wired")
def host_with_config(tmp_path):
    return fakehost.with_config(tmp_path / "wired")


def addresses(done):
    assert done.returncode == 0, done.stderr
    return re.findall(r"\b[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]\b",
                      "\n".join(line.split("  ")[0] for line in done.stdout.splitlines()))


@pytest.mark.parametrize("filters,found", [
    (["class=gpu"], ["01:00.0"]),
    (["class=net"], ["02:00.0", "02:00.1", "04:01.0", "04:02.0"]),
    (["class=net", "driver=e1000e"], ["02:00.0", "02:00.1"]),
    (["class=gpu", "class=audio"], ["01:00.0", "01:00.1"]),
    (["class=0c05"], ["00:1f.3"]),
    (["driver=none", "class=net"], ["04:01.0", "04:02.0"]),
    (["vendor=1234", "5046"], ["01:00.0"]),
    (["vendor=8086"], []),
    (["group=none", "00:1f"], ["00:1f.0", "00:1f.3"]),
    (["group=3"], []),
    (["non-vga"], []),
    (["VGA"], ["01:00.0"]),
])
def test_filters_show_what_was_asked_for(wired, filters, found):
    done = run("list", "--flat", "--columns", "device", "--host", wired.root, *filters)
    assert addresses(done) == [f"0000:{address}" for address in found]
    assert ("No device matches" in done.stderr) == (not found)
    devices = devices_of(run("list", "--json", "--host", wired.root, *filters))
    assert sorted(devices) == [f"0000:{address}" for address in found]


def test_a_group_says_that_the_filter_hides_members(host):
    done = run("list", "--host", host.root, "class=gpu")
    assert "group 2 (and 1 more)" in done.stdout and "293e" not in done.stdout


def test_predicted_groups_need_no_iommu(wired):
    devices = devices_of(run("list", "--json", "--host", wired.root))
    groups = {}
    for address, device in devices.items():
        assert device["iommu_group"] is None and device["predicted_uncertain"] is False
        groups.setdefault(device["predicted_group"], []).append(address[5:])
    assert sorted(groups.values()) == [
        ["00:01.0"], ["00:02.0", "02:00.0", "02:00.1"], ["00:03.0"], ["00:1f.0", "00:1f.3"],
        ["01:00.0", "01:00.1"], ["03:00.0", "04:01.0", "04:02.0"]]


def test_what_an_ordinary_user_cannot_read_is_not_predicted(wired):
    for path in wired.root.glob("sys/devices/**/config"):
        path.write_bytes(path.read_bytes()[:64])
    devices = devices_of(run("list", "--json", "--host", wired.root))
    card = devices["0000:01:00.0"]
    assert card["predicted_group"] is None and card["link"] is None
    assert card["capabilities"] is None and card["port_type"] is None
    # Conventional functions say in their header that they have no capabilities.
    assert devices["0000:00:1f.0"]["capabilities"] == []
    for path in wired.root.glob("sys/devices/**/config"):
        path.unlink()
    expect(1, "no configuration space could be read", "list", "--predict", "--host",
           wired.root)


def test_a_sleeping_device_is_not_woken_unless_asked(wired):
    base = wired.folder("0000:01:00.0")
    wired.file(f"{base}/power_state", "D3cold\n")
    devices = devices_of(run("list", "--json", "--host", wired.root))
    assert devices["0000:01:00.0"]["link"] is None
    assert devices["0000:01:00.1"]["link"] is not None
    done = run("show", "--wake", "01:00.0", "--host", wired.root)
    assert "2.5 GT/s x8 of 16 GT/s x16" in done.stdout
    # In D3hot it answers, as long as the port above is awake.
    wired.file(f"{base}/power_state", "D3hot\n")
    port = wired.folder("0000:00:01.0")
    for status, known in (("active", True), ("suspended", False)):
        wired.file(f"{port}/power/runtime_status", f"{status}\n")
        devices = devices_of(run("list", "--json", "--host", wired.root))
        assert (devices["0000:01:00.0"]["link"] is not None) == known


@pytest.mark.parametrize("methods,alone", [
    ("bus", False), ("cxl_bus", False), ("flr bus", True), ("bus flr", True),
])
def test_what_a_reset_hits_as_well_is_told(wired, methods, alone):
    """Where others are on the bus, the kernel passes over "bus" to the next method."""
    wired.file(f"{wired.folder('0000:02:00.0')}/reset_method", f"{methods}\n")
    done = run("show", "02:00.0", "--host", wired.root)
    assert f"  Reset by     {methods}{'' if alone else ', together'}\n" in done.stdout


def test_graphviz_accepts_the_graph(wired, host):
    if not shutil.which("dot"):
        pytest.skip("graphviz is not here")
    for root, clusters in ((wired.root, 0), (host.root, 4)):
        graph = run("list", "--dot", "--host", root)
        assert graph.returncode == 0
        drawn = subprocess.run(["dot", "-Tplain"], input=graph.stdout, capture_output=True,
                               text=True, check=True)
        nodes = [line.split()[1] for line in drawn.stdout.splitlines()
                 if line.startswith("node ")]
        assert len(nodes) == len(devices_of(run("list", "--json", "--host", root)))
        assert graph.stdout.count("subgraph") == clusters


def test_a_narrow_terminal_gets_no_broken_lines(wired):
    for columns in (40, 60, 80):
        lines = run_in_terminal(columns, "list", "--tree", "--color=never", "--host",
                                str(wired.root)).splitlines()
        assert len(lines) == 14
        # What tells devices apart is never cut: address, IDs, driver.
        assert all("1234:" in line for line in lines[2:])
        assert max(len(line) for line in lines) <= max(columns, 64)


def test_json_keeps_its_schema_in_every_command(wired):
    rows = []
    for args in (["list"], ["show", "01:00.0", "03:00.0"], ["list", "--predict"]):
        done = run(*args, "--json", "--host", wired.root)
        devices_of(done)
        rows.append(json.loads(done.stdout))
    card = rows[1]["devices"][0]
    assert card["bars"][0] == {"kind": "memory", "index": 0, "size": 256 << 20,
                               "prefetchable": True, "is_64bit": True}
    assert card["bars"][-1]["kind"] == "rom" and card["slot"] == "7"
    assert card["link"] == {"speed_mts": 2500, "width": 8, "max_speed_mts": 32000,
                            "max_width": 16}
    assert card["serial_number"] == "0123456789abcdef" and card["path"] == "01.0/00.0"
    assert [one["name"] for one in card["capabilities"]] == [
        "PCI Express", "MSI-X", "Resizable BAR", "Device Serial Number"]


def test_a_hostile_name_does_not_reach_the_terminal(host):
    host.device("0000:05:00.0", driver="evil\x1b]0;owned\x07", group=9)
    host.disk("0000:05:00.0", "nvme5n1", "259:9", "/mnt/\x1b[2J\\012fake")
    for args in (("list",), ("show", "05:00.0"), ("list", "--json")):
        done = run(*args, "--host", host.root)
        assert done.returncode == 0
        assert not set(done.stdout) & {chr(code) for code in range(32) if code != 10}
        assert "\\x1b]0;owned" in done.stdout.replace("\\\\", "\\")
    done = run("bind", "--dry-run", "05:00.0", "--host", host.root)
    assert done.returncode == 3 and "\x1b" not in done.stderr


def test_a_full_disk_is_no_success(host):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([PROGRAM, "list", "--host", host.root], stdout=full,
                              stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1 and "not all could be written" in done.stderr


def copy_for_everyone(tmp_path):
    """Where an ordinary user can run it, wherever the checkout is."""
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents:
        if folder.stat().st_uid == os.geteuid() and folder != folder.parent and \
                str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    return shutil.copy(PROGRAM, tmp_path / "pciferry")


def test_an_ordinary_user_is_told_that_root_is_needed(tmp_path):
    program = copy_for_everyone(tmp_path)
    devices = sorted(os.listdir("/sys/bus/pci/devices")) if os.path.isdir(
        "/sys/bus/pci/devices") else []
    if not devices:
        pytest.skip("this machine has no PCI device to ask for")
    expect(1, "needs root", "bind", devices[-1], program=program, user=65534)


def test_a_laptop_is_listed_by_an_ordinary_user(tmp_path):
    if not LAPTOP.exists():
        pytest.skip("the capture of a laptop's sysfs is not here")
    program = copy_for_everyone(tmp_path)
    with tarfile.open(LAPTOP) as archive:
        archive.extractall(tmp_path / "laptop")
    for folder in (tmp_path / "laptop").glob("**/"):
        folder.chmod(0o755)
    devices = devices_of(run("list", "--host", tmp_path / "laptop", "--json", program=program,
                             user=65534))
    assert len(devices) == 23
    for address, device in devices.items():
        folder = tmp_path / "laptop/sys/bus/pci/devices" / address
        assert device["vendor_id"] == (folder / "vendor").read_text().strip()[2:]
        assert device["device_id"] == (folder / "device").read_text().strip()[2:]
        assert device["class"] == (folder / "class").read_text().strip()[2:]
        for key, name in (("driver", "driver"), ("iommu_group", "iommu_group")):
            link = folder / name
            wanted = os.path.basename(os.readlink(link)) if link.is_symlink() else None
            assert (None if device[key] is None else str(device[key])) == wanted


@pytest.mark.parametrize("name,args", [
    ("list", ("list",)),
    ("help-list", ("list", "--help")),
    ("show-card", ("show", "01:00.0")),
    ("show-mounted", ("show", "/dev/nvme0n1")),
    ("help", ("--help",)),
    ("help-probe", ("probe", "--help")),
    ("help-vm", ("vm", "--help")),
])
def test_the_text_is_what_was_read_and_found_good(host, name, args):
    compare(name, run(*args, "--host", host.root))


@pytest.mark.parametrize("name,args", [
    ("tree", ("list", "--tree", "--columns", "device,ids,driver,port,link,acs,path,slot")),
    ("predict", ("list", "--predict")),
    ("predict-override", ("list", "--predict", "--acs-override", "downstream,multifunction")),
    ("dot", ("list", "--dot", "class=gpu", "class=audio", "class=bridge")),
    ("show-hardware", ("show", "01:00.0", "02:00.0", "04:01.0")),
    ("show-override", ("show", "02:00.0", "--acs-override", "id:1234:000c")),
])
def test_the_text_on_hardware_is_what_was_read_and_found_good(wired, name, args):
    compare(name, run(*args, "--host", wired.root))


def compare(name, done):
    """Written anew by GOLDEN=write; then a person reads the difference."""
    assert done.returncode == 0, done.stderr
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(done.stdout)
    assert done.stdout == path.read_text()
