# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest's cores, off which the host's tasks are kept while it runs. What is real: the program, on
a made host that it takes for its own, and libvirt's schema. Not real: systemctl, which a script
stands for that keeps what it is told, and the kernel's answer, which that script writes. systemd
and the kernel themselves are asked in tests/lab/test_boot_service.py."""
import shutil
import subprocess
import time
import xml.etree.ElementTree as ET

import pytest

import livehost
from fakehost import usual
from livehost import needs_root
from program import PROGRAM, expect, run
from test_vm_create import is_valid
from test_vm_tune import CARD, two_dies

HOOK = "etc/libvirt/hooks/qemu.d/pciferry"
UNITS = ("system.slice", "user.slice", "init.scope")
ASK = "<p:isolate xmlns:p='urn:pciferry:domain:1:isolate'/>"
HAND_OVER = "<p:hand-over xmlns:p='urn:pciferry:domain:1'/>"

# The machine's libraries, and of its programs none but the shell.
ENTER = ('mount --bind /usr "$0/usr" && mount --bind "$0/programs" "$0/usr/bin" &&'
         ' mount --bind /dev/null "$0/dev/null" && exec chroot "$0" "$@"')
SYSTEMCTL = """#!/bin/sh
echo "$*" >>/orders
[ ! -e /fails ] || exit 1
case $1 in
show)
    [ ! -e /old ] || exit 0
    read -r list </units/$5
    echo "AllowedCPUs=$list"
    ;;
set-property)
    list=${5#AllowedCPUs=}
    echo "$list" >/units/$4
    [ -e /deaf ] || echo "${list:-0-7}" >/sys/fs/cgroup/$4/cpuset.cpus.effective
    ;;
esac
"""


def has_systemd(host):
    (host.root / "run/systemd/system").mkdir(parents=True)
    host.file("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n")


class Isolated(livehost.LiveHost):
    """Eight processors, of which 2 and 6, and so on, are threads of one core."""

    def __init__(self, host):
        has_systemd(host)
        host.file("sys/devices/system/cpu/possible", "0-7\n")
        host.file("sys/devices/system/cpu/online", "0-7\n")
        for i in range(8):
            host.file(f"sys/devices/system/cpu/cpu{i}/topology/thread_siblings_list",
                      f"{i % 4},{i % 4 + 4}\n")
        for unit in UNITS:
            host.file(f"units/{unit}", "\n")
            host.file(f"sys/fs/cgroup/{unit}/cpuset.cpus.effective", "0-7\n")
        host.file("programs/systemctl", SYSTEMCTL)
        super().__init__(host, PROGRAM)
        (self.root / "dev/null").touch()
        self.host = host
        (self.root / "programs/systemctl").chmod(0o755)
        shutil.copy(shutil.which("sh"), self.root / "programs/sh")
        self.kept = self.root / "run/pciferry/isolation.first"

    def hook(self, text, *words):
        return subprocess.run(
            ["unshare", "--mount", "sh", "-c", ENTER, self.root, "/pciferry", "vm", "hook", "run",
             "--", *words, "-"], input=text, text=True, capture_output=True, check=False)

    def begin(self, guest, cpus, status=0):
        done = self.hook(definition(cpus), guest, "prepare", "begin")
        assert done.returncode == status, done.stderr
        assert done.stdout == ""
        return done.stderr

    def end(self, guest, status=0):
        done = self.hook("", guest, "release", "end")
        assert done.returncode == status, done.stderr
        return done.stderr

    def has(self, *lists):
        """What systemd was told of each unit; one for all of them, or one for each."""
        told = [(self.root / "units" / unit).read_text().strip() for unit in UNITS]
        return told == list(lists if len(lists) > 1 else lists * len(UNITS))


@pytest.fixture(name="live")
def made_live_host(tmp_path):
    return Isolated(livehost.changeable(tmp_path / "host"))


def definition(cpus, ask=ASK):
    pins = "".join(f"<vcpupin vcpu='{i}' cpuset='{list_}'/>" for i, list_ in enumerate(cpus))
    return (f"<domain><name>web</name><metadata>{ask}</metadata>"
            f"<cputune>{pins}<emulatorpin cpuset='0'/></cputune><devices/></domain>")


@needs_root
def test_the_host_s_tasks_leave_whole_cores_and_get_them_back(live):
    live.begin("web", ["2"])
    assert live.has("0-1,3-5,7")
    orders = (live.root / "orders").read_text().splitlines()
    assert orders[:3] == [f"show -p AllowedCPUs -- {unit}" for unit in UNITS]
    assert orders[3] == "set-property --runtime -- system.slice AllowedCPUs=0-1,3-5,7"
    assert "machine.slice" not in "".join(orders)
    live.end("web")
    assert live.has("")
    assert not live.kept.exists()
    # Not left to "nothing is said" before all of them were.
    assert "system.slice AllowedCPUs=0-7" in (live.root / "orders").read_text()


@needs_root
def test_what_an_administrator_has_set_is_narrowed_and_comes_back(live):
    live.host.file("units/user.slice", "0-3 5\n")
    live.begin("web", ["2", "3"])
    assert live.has("0-1,4-5", "0-1,5", "0-1,4-5")
    live.end("web")
    assert live.has("", "0-3,5", "")


@needs_root
def test_several_guests_have_their_own_and_each_end_gives_back_one_s(live):
    live.begin("web", ["2"])
    live.begin("mail server", ["3", "7"])
    assert live.has("0-1,4-5")
    # A guest that does not ask takes nothing back.
    orders = (live.root / "orders").read_text()
    live.end("other")
    assert (live.root / "orders").read_text() == orders
    live.end("web")
    assert live.has("0-2,4-6")
    live.begin("mail server", ["1"])
    assert live.has("0,2-4,6-7")
    live.end("mail server")
    assert live.has("") and not live.kept.exists()


@needs_root
def test_a_host_without_a_core_is_refused_before_anything_is_done(live):
    live.begin("web", ["2"])
    said = live.begin("all", ["0-1", "3"], status=3)
    assert "CPUs 0-1,3-5,7" in said and "web has cores of its own, too" in said
    assert live.has("0-1,3-5,7")
    # Nor a unit: without any, systemd would give it all.
    live.end("web")
    live.host.file("units/user.slice", "2\n")
    said = live.begin("web", ["2"], status=3)
    assert "user.slice has CPUs 2" in said
    assert live.has("", "2", "")


@needs_root
def test_where_it_fails_the_guest_does_not_start_and_all_is_as_before(live):
    (live.root / "fails").touch()
    said = live.begin("web", ["2"], status=1)
    assert "systemctl does not tell its AllowedCPUs" in said
    (live.root / "fails").unlink()
    (live.root / "old").touch()
    assert "244" in live.begin("web", ["2"], status=1)
    (live.root / "old").unlink()
    live.begin("web", ["2"])
    (live.root / "fails").touch()
    said = live.begin("mail", ["3"], status=1)
    assert "system.slice: set AllowedCPUs=0-1,4-5: systemctl failed" in said
    # It is written down that mail has none: what comes next puts it right.
    assert "mail" not in live.kept.read_text()
    assert live.end("web", status=1)
    (live.root / "fails").unlink()
    assert not live.has("")
    live.end("web")
    assert live.has("") and not live.kept.exists()


@needs_root
def test_an_end_that_was_cut_off_is_finished_by_the_next_hook(live):
    live.begin("web", ["2"])
    # Written down is what is to be, and systemd has not been told.
    text = live.kept.read_text()
    live.kept.write_text("".join(line for line in text.splitlines(True) if "guest" not in line))
    live.end("other")
    assert live.has("") and not live.kept.exists()


@needs_root
@pytest.mark.skipif(time.monotonic() < 700, reason="this machine runs too short for it")
def test_a_guest_that_died_with_libvirt_s_daemon_gives_its_cores_back(live):
    live.begin("web", ["2"])
    live.begin("mail", ["3"])
    live.host.file("run/libvirt/qemu/mail.pid", "70\n")
    live.host.file("proc/70/comm", "qemu\n")
    live.end("other")
    assert live.has("0-1,4-5"), "a start takes its time"
    lines = [line.split(" ", 3) for line in live.kept.read_text().splitlines()]
    live.kept.write_text("".join(
        " ".join([*line[:2], "1", *line[3:]] if line[0] == "guest" else line) + "\n"
        for line in lines))
    live.end("other")
    assert live.has("0-2,4-6")


@needs_root
def test_what_systemd_took_and_did_not_do_is_no_success(live):
    (live.root / "deaf").touch()
    said = live.begin("web", ["2"], status=1)
    assert "/sys/fs/cgroup/system.slice/cpuset.cpus.effective is not so" in said
    assert live.has("")
    assert not live.kept.exists()


@needs_root
def test_a_host_that_cannot_do_it_starts_no_guest_that_asks(live):
    live.host.file("sys/fs/cgroup/cgroup.controllers", "cpu io\n")
    assert "cpuset controller is not in" in live.begin("web", ["2"], status=1)
    (live.root / "run/systemd/system").rmdir()
    assert "systemd does not run this host" in live.begin("web", ["2"], status=1)
    # Who does not ask is not asked.
    done = live.hook(definition(["2"], ask=HAND_OVER), "web", "prepare", "begin")
    assert (done.returncode, done.stderr) == (0, "")


@needs_root
def test_a_state_that_cannot_be_read_is_told_with_the_way_out(live):
    live.begin("web", ["2"])
    live.kept.write_text("system.slice 0-\n")
    for said in (live.begin("web", ["2"], status=1), live.end("web", status=1)):
        assert "/run/pciferry/isolation.first" in said and "systemctl set-property" in said


def test_a_guest_without_pins_has_no_cores_to_be_kept_off():
    done = subprocess.run([PROGRAM, "vm", "hook", "run", "--", "web", "prepare", "begin", "-"],
                          input=definition([]), text=True, capture_output=True, check=False)
    assert done.returncode == 1 and "virsh vcpupin" in done.stderr


@pytest.fixture(name="host")
def made_host(tmp_path):
    host = usual(tmp_path / "host")
    two_dies(host)
    return host


CREATE = ("vm", "create", "guest", CARD, "--bios", "--xml", "--tune", "--isolate")


def test_the_definition_asks_for_it_with_and_without_the_other_element(host, tmp_path):
    host.file(HOOK, "")
    has_systemd(host)
    for more, names in (((), ["isolate"]), (("--hand-over",), ["hand-over", "isolate"])):
        done = run(*CREATE, *more, "--host", host.root)
        assert done.returncode == 0, done.stderr
        assert "the host's other tasks are kept off its cores; its interrupts" in done.stderr
        assert is_valid(done.stdout, tmp_path)
        found = [node.tag for node in ET.fromstring(done.stdout).find("metadata")]
        assert [tag.rpartition("}")[2] for tag in found] == names
        # libvirt keeps the first element of each namespace, and no other.
        assert len({tag.rpartition("}")[0] for tag in found}) == len(found)
        # For which the hook's script looks.
        assert all("urn:pciferry:domain:1" in tag for tag in found)


def test_what_a_host_lacks_for_it_is_told_with_the_way_out(host):
    def lines(words, *args, status=1):
        return " ".join(expect(status, words, *args, "--host", host.root))

    assert "pciferry vm hook install" in lines("hook is not installed", *CREATE)
    host.file(HOOK, "")
    assert "isolcpus=" in lines("systemd does not run this host", *CREATE)
    (host.root / "run/systemd/system").mkdir(parents=True)
    assert "unified_cgroup_hierarchy" in lines("cpuset controller is not in", *CREATE)
    lines("--isolate: it goes with --tune", "vm", "create", "guest", CARD, "--isolate", status=2)
    lines("--isolate", "vm", "run", CARD, "--isolate", status=2)
