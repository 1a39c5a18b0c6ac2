# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab itself. Each test says what would be lost if it failed; a boot takes 15 seconds."""
import os
import pathlib
import signal
import subprocess
import time

import pytest

LAB = pathlib.Path(__file__).resolve().parents[2] / "lab" / "lab"

# Twice what a slow machine needs; the lab has its own deadlines.
PATIENCE = 900


def lab(*arguments):
    return subprocess.run([LAB, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=PATIENCE, check=False)


@pytest.fixture(scope="module", autouse=True)
def prepared():
    """So that no download counts against a test's deadline."""
    done = lab("prepare")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def scenario(tmp_path):
    """Writes a scenario; below /tmp, where the virtual host has a tmpfs of its own."""
    def write(text):
        path = tmp_path / "a scenario.sh"
        path.write_text(text, encoding="utf-8")
        return path
    return write


def test_a_scenario_gets_its_arguments_reports_live_and_its_status_is_ours(scenario):
    arguments = ["two words", "it's", '"quoted" $HOME `id` \\', "", "--timeout", "új\nsor"]
    path = scenario("""
        echo first
        sleep 3
        printf '<%s>\\n' "$@"
        echo "$PWD $HOME $LAB_IOMMU"
        cat "/sys/bus/pci/devices/$LAB_NVME_FREE/nvme/"nvme*/serial
        [ -d /sys/bus/pci/drivers/vfio-pci ] && echo "vfio-pci is loaded"
        findmnt -no SOURCE /mnt/data
        echo on stderr >&2
        printf 'no newline at the end'
        echo kept >"$LAB_OUT/file"
        exit 7
    """)
    kept = path.parent / "kept"
    with subprocess.Popen([LAB, "run", "--output", kept, path, *arguments],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout.readline() == "first\n"
        assert process.poll() is None
        output = process.stdout.read()
        status = process.wait(PATIENCE)
    expected = [f"<{argument}>" for argument in arguments]
    expected += [f"{LAB.parents[1]} /root vtd", "FERRY-FREE", "/dev/nvme0n1", "on stderr",
                 "no newline at the end"]
    assert [line.rstrip() for line in output.splitlines()] == "\n".join(expected).splitlines()
    assert status == 7
    assert (kept / "file").read_text(encoding="utf-8") == "kept\n"


def test_an_amd_host_has_groups_and_working_drivers():
    done = lab("run", "--iommu", "amd", "hello")
    assert done.returncode == 0, done.stderr
    groups = {line.split(":")[0] for line in done.stdout.splitlines()
              if line.startswith("group ")}
    assert len(groups) > 8
    assert "Kernel driver in use: nvme" in done.stdout


def test_a_guest_inside_gets_a_device_and_reads_the_right_data():
    done = lab("run", "inner-guest")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "guest: disk /dev/nvme0n1 serial FERRY-FREE" in done.stdout


def test_a_host_that_dies_is_noticed_and_is_no_success(scenario):
    done = lab("run", scenario("echo before; echo c >/proc/sysrq-trigger; sleep 60"))
    assert done.returncode == 125
    assert done.stdout == "before\n"
    assert "Kernel panic" in done.stderr.splitlines()[-1]


def started_by(process):
    """The QEMU that it has started, once there is one."""
    while process.poll() is None:
        for child in pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(
                encoding="utf-8").split():
            name = pathlib.Path(f"/proc/{child}/comm")
            if name.exists() and name.read_text(encoding="utf-8").startswith("qemu-system"):
                return int(child)
        time.sleep(0.05)
    return None


@pytest.mark.parametrize("times, status", [(1, 0), (2, 125)])
def test_a_crash_of_qemu_s_own_before_the_scenario_is_told_and_tried_once_more(times, status):
    with subprocess.Popen([LAB, "run", "hello"], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        for _ in range(times):
            qemu = started_by(process)
            os.kill(qemu, signal.SIGSEGV)
            while pathlib.Path(f"/proc/{qemu}").exists():
                time.sleep(0.05)
        told = process.stderr.read()
        assert process.wait(PATIENCE) == status
    assert told.count("SIGSEGV; console") == times
    assert told.count("trying once more") == 1


def test_a_deadline_ends_the_run():
    start = time.monotonic()
    done = lab("run", "--timeout", "3", "hello")
    assert done.returncode == 124
    assert time.monotonic() - start < 30
    assert "deadline" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("arguments", [
    ["run", "no-such-scenario"],
    ["run", "--iommu", "no-such-iommu", "hello"],
    ["run", "--kernel", "no-such-kernel", "hello"],
    ["no-such-command"],
])
def test_a_mistake_gets_one_line_that_names_it(arguments):
    done = lab(*arguments)
    assert done.returncode == 125
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "no-such-" in done.stderr


def test_no_virtual_host_is_left_behind_when_the_lab_is_killed():
    with subprocess.Popen([LAB, "run", "hello"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        qemu = wait_for(lambda: children_of(process.pid))
        process.send_signal(signal.SIGKILL)
    wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in qemu))


def children_of(parent):
    """Process IDs of the QEMUs that a process has started."""
    path = pathlib.Path(f"/proc/{parent}/task/{parent}/children")
    return [pid for pid in path.read_text(encoding="ascii").split()
            if "qemu" in pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="ascii")]


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return result
