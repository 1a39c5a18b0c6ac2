# SPDX-License-Identifier: GPL-2.0-or-later
"""What vm run would have a shell do. What is real: the program. The hosts are made; that QEMU takes
it, and the guest runs so, is shown on the virtual host (tests/lab, vm-run.sh, vm-run-more.sh)."""
import os
import shlex
import subprocess

import pytest

from fakehost import usual
from program import expect, run
from test_vm_parts import usb
from test_vm_tune import two_dies, two_sockets

CARD, AUDIO, DISK, COPROCESSOR = "01:00.0", "01:00.1", "03:00.0", "05:00.0"
SOUND_AT = "../../devices/pci0000:00/{}/sound/card"
SERIAL = ("--kernel", "/k", "--append", "quiet console=ttyS0")


@pytest.fixture(name="host")
def made_host(tmp_path):
    host = usual(tmp_path / "host")
    host.device("0000:05:00.0", "1234:1b39", "030200", None, 5)
    return host


def lines(host, *args):
    done = run("vm", "run", "--bios", "--dry-run", "--host", host.root, *args)
    assert done.returncode == 0, done.stderr
    assert "Sanitizer" not in done.stderr
    return done.stdout.splitlines()


def words(host, *args):
    """Of QEMU's command line."""
    return next(shlex.split(line) for line in lines(host, *args) if line.startswith("qemu"))


def values(argv, option):
    return [argv[i + 1] for i, word in enumerate(argv) if word == option]


@pytest.mark.parametrize("args, shown", [
    ((DISK,), True),
    # It draws, but has no outputs.
    ((COPROCESSOR,), True),
    ((CARD,), False),
    ((DISK, CARD), False),
    ((AUDIO,), False),  # its card goes with it
    ((DISK, *SERIAL), False),
    ((DISK, "--kernel", "/k"), True),
    ((DISK, "--display", "none"), False),
    ((CARD, "--display", "vnc"), True),
    ((DISK, "--", "-nographic"), False),
    ((DISK, "--", "-vnc", ":1"), False),
])
def test_who_would_see_nothing_has_a_screen_and_no_other_guest_has(host, args, shown):
    argv = words(host, *args)
    ours = [value for value in values(argv, "-vnc") if value.startswith("unix:/")]
    assert len(ours) == (1 if shown else 0)
    assert values(argv, "-vga") == ["none"]
    assert ("usb-tablet,bus=ferry-usb.0" in argv) == shown


def test_a_screen_moves_nothing_else_and_has_names_of_its_own(host):
    """A guest's system calls its network card by its place (systemd.net-naming-scheme(7)); names as
    usb are those of who adds to the command line."""
    usual_one = (DISK, "--network", "user")
    with_screen = values(words(host, *usual_one), "-device")
    without = values(words(host, *usual_one, "--display", "none"), "-device")
    added = [device for device in with_screen if device not in without]
    assert [device for device in with_screen if device not in added] == without
    assert added == ["VGA,id=ferry-vga,addr=0x1e", "qemu-xhci,id=ferry-usb,addr=0x1d",
                     "usb-tablet,bus=ferry-usb.0"]


def test_another_display_is_qemus_own_word(host):
    argv = words(host, DISK, "--display", "gtk")
    assert values(argv, "-display") == ["gtk"] and values(argv, "-vga") == ["std"]
    assert not values(argv, "-vnc")


def test_a_screen_is_for_its_user_alone(host):
    made = [line for line in lines(host, DISK) if line.startswith("mkdir")]
    path = values(words(host, DISK), "-vnc")[0].removeprefix("unix:")
    folder = path.rsplit("/", 1)[0]
    assert made == [f"mkdir -p {folder}"] and f"chmod 700 {folder}" in lines(host, DISK)


def test_a_socket_whose_path_is_too_long_is_told_or_left_out(host):
    name = "n" * 90
    expect(1, "too long for a socket", "vm", "run", DISK, "--bios", "--name", name, "--display",
           "vnc", "--dry-run", "--host", host.root)
    done = run("vm", "run", DISK, "--bios", "--name", name, "--dry-run", "--host", host.root)
    assert done.returncode == 0 and "the guest has no screen" in done.stderr
    assert not values(shlex.split(done.stdout), "-vnc")


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "../../etc/passwd", "a/b"])
def test_a_guests_name_is_no_path(host, name):
    expect(2, "no name of a file", "vm", "run", DISK, "--name", name, "--dry-run", "--host",
           host.root)


def test_a_shell_starts_the_tpm_before_qemu_and_both_meet_at_its_socket(host):
    """swtpm itself is not asked here."""
    made = lines(host, CARD, "--tpm")
    tpm, qemu = shlex.split(made[-2]), shlex.split(made[-1])
    socket = values(tpm, "--ctrl")[0].split("path=")[1].split(",")[0]
    assert tpm[0] == "swtpm" and "--tpm2" in tpm and "--terminate" in tpm
    assert values(qemu, "-chardev") == [f"socket,id=tpm,path={socket}"]
    assert values(qemu, "-tpmdev") == ["emulator,id=tpm0,chardev=tpm"]
    state = values(tpm, "--tpmstate")[0].removeprefix("dir=").removesuffix(",mode=0600")
    assert made[made.index(f"mkdir -p {state}") + 1] == f"chmod 700 {state}"
    assert "tpm" not in "".join(lines(host, CARD))


def test_a_script_gives_back_only_what_it_has_bound_and_ends_what_it_has_started(host):
    script = lines(host, CARD, "--tpm", "--script")
    bind = script.index("pciferry bind 0000:01:00.0 0000:01:00.1")
    assert bind < script.index("trap give_back EXIT")
    kill = next(i for i, line in enumerate(script) if "kill " in line)
    assert kill < script.index("    pciferry release 0000:01:00.0 0000:01:00.1") < bind


def bridge(host, name="br0"):
    host.file(f"sys/class/net/{name}/bridge/bridge_id", "8000.000000000000\n")


def test_a_guest_at_an_interface_of_the_users_keeps_the_address_that_it_had(host):
    """Which the network may know."""
    argv = words(host, DISK, "--display", "none", "--network", "tap:own")
    assert values(argv, "-device")[0] == "virtio-net-pci,netdev=net0"


def test_root_has_a_script_work_in_no_folder_of_a_users(host, monkeypatch):
    """Who called sudo could put links there."""
    monkeypatch.setenv("SUDO_USER", "nobody")
    script = "\n".join(lines(host, DISK, "--tpm", "--script"))
    assert "/run/pciferry/guests/" in script and "/var/lib/pciferry/tpm/" in script
    assert "/run/user/" not in script and "/.local/" not in script


@pytest.fixture(name="script")
def made_script(host, tmp_path):
    """Of a guest with all, in folders of this test's; its programs only tell that they were run."""
    bridge(host)
    (tmp_path / "log").touch()
    text = "\n".join(lines(host, DISK, "--tpm", "--network", "bridge:br0", "--script"))
    for folder in ("/run/pciferry", "/var/lib/pciferry"):
        text = text.replace(folder, f"{tmp_path}{folder}")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/told").write_text(f"""#!/bin/sh
echo "${{0##*/}} $*" >>{tmp_path}/log
case ${{0##*/}} in
"$FAILS") exit 1 ;;
qemu-system-x86_64) echo runs; read -r _ ;;
esac
""")
    (tmp_path / "bin/told").chmod(0o755)
    for name in ("pciferry", "swtpm", "ip", "cat", "qemu-system-x86_64"):
        (tmp_path / "bin" / name).symlink_to("told")

    def begin(fails=""):
        return subprocess.Popen(
            ["sh", "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "FAILS": fails})
    return begin, tmp_path / "log"


def test_a_script_that_is_run_twice_takes_nothing_from_the_guest_that_runs(script):
    begin, log = script
    with begin() as first:
        assert first.stdout.readline() == "runs\n"
        before = log.read_text()
        with begin() as second:
            assert "the guest runs already" in second.communicate()[1]
        assert second.returncode == 1 and log.read_text() == before
        first.communicate("\n")
    assert first.returncode == 0
    after = log.read_text().removeprefix(before)
    assert "ip link delete ferry-" in after and "pciferry release" in after
    with begin() as again:
        again.communicate("\n")
    assert again.returncode == 0


@pytest.mark.parametrize("fails, left", [("pciferry", 1), ("swtpm", 3), ("ip", 4)])
def test_a_script_that_fails_undoes_only_what_it_has_made(script, fails, left):
    begin, log = script
    with begin(fails) as done:
        done.communicate("\n")
    told = log.read_text().splitlines()
    assert done.returncode == 1 and len(told) == left
    assert not any(line.startswith(("qemu", "ip link")) for line in told)
    assert any(line.startswith("pciferry release") for line in told) == (fails != "pciferry")


def test_a_guest_in_a_bridge_has_an_address_of_its_own_that_it_keeps(host):
    bridge(host)
    host.file("etc/machine-id", "0123\n")
    wish = (DISK, "--display", "none", "--network", "bridge:br0")
    found = [values(words(host, *wish, "--name", name), "-device")[0] for name in "aab"]
    assert found[0] == found[1] != found[2]
    assert found[0].startswith("virtio-net-pci,netdev=net0,mac=52:54:00:")
    host.file("etc/machine-id", "4567\n")
    assert values(words(host, *wish, "--name", "a"), "-device")[0] != found[0]


def test_a_shell_makes_the_interface_and_takes_it_away(host):
    bridge(host)
    made = lines(host, DISK, "--network", "bridge:br0", "--display", "none")
    name = made[0].split()[4]
    assert made[0] == f"ip tuntap add dev {name} mode tap" and len(name) < 16
    assert made[1].startswith(f"ip link set {name} address fe:54:00:")
    assert made[1].endswith(" master br0 up")
    assert f"tap,id=net0,ifname={name},script=no,downscript=no" in shlex.split(made[2])
    assert made[3] == f"ip link delete {name}"
    script = lines(host, DISK, "--network", "bridge:br0", "--script")
    assert any(line.endswith(f"ip link delete {name} || :") for line in script)


def test_a_bridges_name_is_no_word_of_the_shells(host):
    bridge(host, "a$(b);c'd")
    made = lines(host, DISK, "--network", "bridge:a$(b);c'd", "--display", "none")
    # "$(cat ...)" holds quotes of its own, which shlex does not know: what is behind it.
    assert shlex.split(made[1].rsplit('"', 1)[1]) == ["master", "a$(b);c'd", "up"]


def test_what_is_no_bridge_is_told_before_a_device_is_touched(host):
    host.file("sys/class/net/eth0/mtu", "1500\n")
    expect(1, "no bridge of this host", "vm", "run", DISK, "--network", "bridge:eth0", "--bios",
           "--dry-run", "--host", host.root)
    for wrong in ("bridge:", "bridge:a/b", "bridge:sixteen-letters-", "br0"):
        expect(2, "is none of none, user, bridge:NAME and tap:NAME", "vm", "run", DISK,
               "--network", wrong, "--bios", "--dry-run", "--host", host.root)


def test_a_tuned_guest_has_its_memory_and_the_shape_of_its_processors_from_the_host(host):
    two_sockets(host)
    argv = words(host, CARD, "--tune", "--cpus", "4", "--memory", "1G")
    assert values(argv, "-smp") == ["4,sockets=1,dies=1,cores=2,threads=2"]
    assert values(argv, "-machine") == ["q35,memory-backend=ram"]
    assert values(argv, "-object") == ["memory-backend-memfd,id=ram,size=1024M,hugetlb=on,"
                                       "hugetlbsize=2048K,prealloc=on,host-nodes=1,policy=bind"]
    # Too few huge pages: usual ones of that node.
    argv = words(host, CARD, "--tune", "--cpus", "4", "--memory", "8G")
    assert values(argv, "-object") == ["memory-backend-ram,id=ram,size=8192M,host-nodes=1,"
                                       "policy=bind"]
    two_dies(host)
    assert values(words(host, CARD, "--tune=0"), "-cpu") == ["host"]
    assert values(words(host, CARD, "--tune=0", "--cpus", "2"), "-cpu") == ["host,topoext=on"]


def test_a_shell_is_told_that_it_cannot_pin(host):
    two_dies(host)
    done = run("vm", "run", CARD, "--bios", "--tune", "--dry-run", "--host", host.root)
    assert "this command line does not" in done.stderr
    expect(2, "does not go with --tune", "vm", "run", CARD, "--bios", "--tune", "--script",
           "--host", host.root)
    expect(2, "it goes with --tune", "vm", "run", CARD, "--bios", "--hugepages", "--dry-run",
           "--host", host.root)


def test_huge_pages_that_are_not_there_keep_a_guest_from_starting(host):
    two_sockets(host)
    hint = expect(1, "node 1 has 512 of 4096 free pages of 2 MiB", "vm", "run", CARD, "--bios",
                  "--tune", "--hugepages", "--memory", "8G", "-q", "--dry-run", "--host",
                  host.root)
    assert any("pciferry apply --hugepages 9G@1 " in line for line in hint)


def sounds(host, *args):
    argv = words(host, DISK, "--display", "none", *args)
    return values(argv, "-audiodev"), values(argv, "-sandbox")[0], values(argv, "-device")[-2:]


def test_sound_goes_to_the_server_of_the_session_or_to_a_card(host):
    """What mixes for ALSA is a process that QEMU starts, which its whole filter ends it for."""
    card = ["ich9-intel-hda,id=ferry-sound,addr=0x1b",
            "hda-duplex,bus=ferry-sound.0,audiodev=ferry-audio"]
    alsa = (["alsa,id=ferry-audio"], "on,obsolete=deny,elevateprivileges=deny", card)
    host.link("sys/class/sound/card1", SOUND_AT.format("0000:00:1f.3"))
    assert sounds(host, "--audio") == alsa
    server = f"run/user/{os.geteuid()}/pulse/native"
    host.file(server, "")
    audiodev, sandbox, devices = sounds(host, "--audio")
    assert audiodev == [f"pa,id=ferry-audio,server=unix:/{server}"] and devices == card
    assert "spawn=deny" in sandbox
    assert sounds(host, "--audio=alsa") == alsa
    # Root runs a script, and has no session.
    script = lines(host, DISK, "--audio", "--script")
    assert any("-audiodev alsa,id=ferry-audio" in line for line in script)
    assert "udio" not in " ".join(words(host, DISK))


def test_sound_that_nobody_would_hear_is_refused_before_a_device_is_touched(host):
    def refuse(status, message, *args):
        return expect(status, message, "vm", "run", *args, "--bios", "--dry-run", "--host", host.root)

    host.link("sys/class/sound/card0", SOUND_AT.format(f"0000:{AUDIO}"))
    host.link("sys/class/sound/card1", SOUND_AT.format(f"0000:{AUDIO}/codec"))
    hint = refuse(1, "no sound card stays with the host", CARD, "--audio")
    assert any("PipeWire or PulseAudio" in line for line in hint)
    assert sounds(host, "--audio")[0] == ["alsa,id=ferry-audio"]
    refuse(1, f"/run/user/{os.geteuid()}/pulse/native: no sound server", DISK, "--audio=pa")
    refuse(2, "jack is neither pa nor alsa", DISK, "--audio=jack")
    refuse(2, "pa does not go with --script", DISK, "--audio=pa", "--script")


def test_a_shell_finds_a_usb_device_again_and_is_told_that_root_has_to(host):
    usb(host, "1-2", "046d:c52b", 3)
    usb(host, "1-4.1", "1234:0005", 7)
    wish = (DISK, "--usb", "1-4.1", "--usb", "046D:C52B", "--display", "none")
    devices = values(words(host, *wish), "-device")
    assert devices[-3:] == ["qemu-xhci,id=ferry-usb,addr=0x1d,p2=15,p3=15",
                            "usb-host,bus=ferry-usb.0,hostbus=1,hostport=4.1",
                            "usb-host,bus=ferry-usb.0,vendorid=0x046d,productid=0xc52b"]
    for more, what in ((), "command line"), (("--script",), "script"):
        done = run("vm", "run", "--bios", "--dry-run", "--host", host.root, *wish, *more)
        assert f"this {what} has to be run by root" in done.stderr
    assert "usb" not in "".join(lines(host, DISK, "--display", "none"))


def test_a_usb_device_that_cannot_go_is_told_before_a_device_is_touched(host):
    usb(host, "1-1", "1d6b:0002", 2, "09")
    usb(host, "1-2", "046d:c52b", 3)
    for wish, status, message in ((("1-1",), 3, "a hub goes to no guest"),
                                  (("1-3",), 1, "no such device is plugged in"),
                                  (("046d",), 2, "neither IDs such as"),
                                  (("1-2", "046d:c52b"), 2, "is 1-2 as well"),
                                  (("1-2",) * 15, 2, "14 of them at most")):
        args = [word for one in wish for word in ("--usb", one)]
        expect(status, message, "vm", "run", DISK, "--bios", "--dry-run", "--host", host.root, *args)
