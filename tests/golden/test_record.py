# SPDX-License-Identifier: GPL-2.0-or-later
"""What record keeps of a host, and that it says elsewhere what the host said. The host is a
made one that the program takes for its own; tests/lab/scenarios/record.sh has a real kernel."""
import json
import os
import stat
import subprocess
import tarfile

import jsonschema
import pytest

import fakehost
import livehost
import mdevhost
from program import PROGRAM, SCHEMA, expect, run

pytestmark = [
    pytest.mark.skipif(not livehost.is_possible(),
                       reason="this user may not make a root of its own"),
    # Unit tests do this with sanitizers.
    pytest.mark.skipif(b"__asan_init" in PROGRAM.read_bytes(),
                       reason="the sanitizers want a /proc of their own"),
]

NOBODY = 65534
CARD, PORT, MOUNTED, FREE = "0000:01:00.0", "0000:00:01.0", "0000:02:00.0", "0000:03:00.0"

# What must not leave the host, each in the files of fill() in which it really stands.
SECRETS = ["0123456789abcdef", "S4EVNX0R123456", "eui.0025385b71b00f1a", "atlas",
           "52:54:00:ab:cd:ef", "192.0.2.177", "2001:db8:7::a1",
           "6ba7b810-9dad-41d1-80b4-00c04fd430c8", "4C4C4544-0042-3510-8056-B2C04F4D5931",
           "525400abcdef", "ABCD-1234", "/home/ada", "hunter2"]


def fill(host):
    """Adds to a made host what tells whose it is, where the reading commands read it."""
    host.file("proc/sys/kernel/hostname", "atlas\n")
    host.file("proc/sys/kernel/osrelease", "6.1.0-13-amd64\n")
    host.file("proc/version", "Linux version 6.1.0-13-amd64 (root@atlas) 192.0.2.177\n")
    host.file("proc/cmdline", "root=UUID=6ba7b810-9dad-41d1-80b4-00c04fd430c8 ip=192.0.2.177"
              " BOOTIF=52:54:00:ab:cd:ef pci=realloc console=ttyS0,115200\n")
    host.file("etc/fstab", "UUID=ABCD-1234 /boot/efi vfat defaults 0 2\n"
              "/dev/disk/by-id/nvme-Samsung_970_S4EVNX0R123456 /data ext4 defaults 0 2\n")
    host.file("etc/modprobe.d/vfio.conf", "# atlas, 2001:db8:7::a1\noptions vfio-pci ids=1234:10\n")
    host.file("etc/libvirt/qemu/win.xml", "<graphics type='vnc' passwd='hunter2'/>\n")
    host.file("etc/network/interfaces", "iface wlp1s0 inet dhcp\n  wpa-psk hunter2\n")
    host.file("run/udev/data/b259:0", "S:disk/by-id/nvme-Samsung_970_S4EVNX0R123456\n"
              "S:disk/by-uuid/ABCD-1234\nE:ID_SERIAL=Samsung_970_S4EVNX0R123456\n"
              "E:ID_SERIAL_SHORT=S4EVNX0R123456\nE:ID_WWN=eui.0025385b71b00f1a\n"
              "E:ID_FS_TYPE=vfat\nE:ID_FS_UUID=ABCD-1234\n")
    for pid, files in ((77, ["/dev/vfio/4", "/home/ada/win.img"]), (78, ["/home/ada/mail"])):
        host.link(f"proc/{pid}/ns/mnt", "mnt:[4026531840]")
        for number, target in enumerate(files):
            host.link(f"proc/{pid}/fd/{number}", target)
    host.link("proc/self/ns/mnt", "mnt:[4026531840]")
    host.file("proc/77/comm", "qemu-system-x86\n")
    host.file("proc/77/cmdline", "\0".join([
        "/usr/bin/qemu-system-x86_64", "-name", "guest=win,debug-threads=on", "-uuid",
        "4C4C4544-0042-3510-8056-B2C04F4D5931", "-drive", "file=/home/ada/win.img", "-device",
        "virtio-net,mac=52:54:00:ab:cd:ef", "-vnc", "password=hunter2", ""]))


@pytest.fixture(name="live")
def usual_host(tmp_path):
    """Disks in use and free; one is a guest's."""
    host = fakehost.usual(tmp_path / "host")
    fill(host)
    driver = host.root / host.folder(FREE) / "driver"
    driver.unlink()
    driver.symlink_to("../../../bus/pci/drivers/vfio-pci")
    return livehost.LiveHost(host, PROGRAM)


@pytest.fixture(name="wired")
def host_with_config(tmp_path):
    host = fakehost.with_config(tmp_path / "wired")
    fill(host)
    return livehost.LiveHost(host, PROGRAM)


def record(live, name="host.tar", **options):
    done = live.run("record", f"{live.OUT}/{name}", **options)
    assert done.returncode == 0, done.stderr
    return live.out / name


def replaced(text):
    """With the one secret that the reading commands show as its replacement."""
    for old, new in (("0123456789abcdef", "0000000000000001"),
                     ("01-23-45-67-89-ab-cd-ef", "00-00-00-00-00-00-00-01")):
        text = text.replace(old, new)
    return text


def questions(live):
    devices = sorted(os.listdir(live.root / "sys/bus/pci/devices"))
    yield from (("list",), ("list", "--json"), ("list", "--tree"), ("list", "--dot"),
                ("list", "--flat"), ("list", "class=nvme"), ("show", *devices),
                ("show", "--json", *devices), ("show", "00:1e.7"), ("show", "net:eth9"),
                ("list", "--predict"), ("list", "--predict", "--acs-override", "downstream"))
    yield from (("show", device) for device in devices)


def compare(live, archive, user=None):
    """The same answer to each question, word for word, also where it is an error."""
    for args in questions(live):
        here, there = live.run(*args, user=user), run(*args, "--host", archive)
        assert there.stdout == replaced(here.stdout), args
        assert there.stderr.replace(str(archive), "this host") == here.stderr, args
        assert there.returncode == here.returncode, args
        assert here.stdout or here.stderr


def test_a_host_in_use_is_told_elsewhere_as_it_told_itself(live):
    archive = record(live)
    compare(live, archive)
    shown = run("show", FREE, "--host", archive).stdout
    assert "held by process 77 (qemu-system-x86), guest win" in shown
    assert "is mounted on /srv" in run("show", "/dev/nvme0n1", "--host", archive).stdout


def test_hardware_is_told_elsewhere_as_the_host_told_it(wired):
    archive = record(wired, "host.tar.zst")
    compare(wired, archive)
    shown = run("show", CARD, "--host", archive).stdout
    assert "00-00-00-00-00-00-00-01" in shown and "2.5 GT/s x8 of 16 GT/s x16" in shown


@pytest.mark.parametrize("suffix,magic", [
    ("tar", None), ("tar.gz", b"\x1f\x8b"), ("tar.xz", b"\xfd7zXZ"),
    ("tar.zst", b"\x28\xb5\x2f\xfd")])
def test_each_kind_of_archive_says_the_same(live, suffix, magic):
    archive = record(live, f"host.{suffix}")
    assert magic is None or archive.read_bytes().startswith(magic)
    assert run("list", "--json", "--host", archive).stdout == live.run("list", "--json").stdout
    names = subprocess.run(["tar", "-tf", archive], capture_output=True, text=True, check=True)
    assert "pciferry/recording" in names.stdout.splitlines()


def members(archive):
    with tarfile.open(archive) as tar:
        for member in tar:
            assert member.isfile() or member.isdir() or member.issym()
            assert member.uname == member.gname == "" and member.uid == member.mtime == 0
            yield member.name, tar.extractfile(member).read() if member.isfile() else b""


@pytest.mark.parametrize("kind", ["live", "wired"])
def test_no_secret_leaves_the_host(kind, request):
    host = request.getfixturevalue(kind)
    (host.root / "sys/class/net/enx525400abcdef").symlink_to("../../devices/none")
    archive = record(host)
    content = archive.read_bytes().lower()
    for secret in SECRETS:
        assert secret.lower().encode() not in content, secret
    assert bytes.fromhex("0123456789abcdef")[::-1] not in content
    # What only looks like one is still there.
    for kept in ("6.1.0-13-amd64", "ids=1234:10", "pci=realloc console=ttys0,115200",
                 "0000:01:00.0"):
        assert kept.encode() in content, kept
    if kind == "live":
        assert dict(members(archive))["proc/77/cmdline"].split(b"\0")[:-1] == [
            b"/usr/bin/qemu-system-x86_64", b"-name", b"guest=win,debug-threads=on"]


def test_what_belonged_together_still_does(live):
    """Or fstab's line would not be of that disk any more."""
    shown = run("show", MOUNTED, "--host", record(live)).stdout
    assert "is in /etc/fstab, for /boot/efi" in shown and "for /data" in shown
    assert "is in /etc/fstab, for /boot/efi" in live.run("show", MOUNTED).stdout


def test_a_change_of_files_is_not_planned_on_a_recording(tmp_path):
    """It does not tell which files are not there."""
    host = livehost.changeable(tmp_path / "host")
    mdevhost.gvtg(host)
    told = expect(1, "cannot be planned on a recording", "mdev", "create", mdevhost.IGPU,
                  "i915-GVTg_V5_4", "--persist", "--dry-run", "--host",
                  record(livehost.LiveHost(host, PROGRAM)))
    assert "pciferry plan --root DIR" in told[-1]


@pytest.mark.parametrize("serial", ["0000", "1234", "pcieport", "nvme", "None"])
def test_a_senseless_serial_number_or_name_does_not_garble_the_recording(live, serial):
    """Firmware and disks are sold with such ones, and people call their hosts anything."""
    (live.root / "run/udev/data/b259:0").write_text(f"E:ID_SERIAL_SHORT={serial}\n")
    (live.root / "proc/sys/kernel/hostname").write_text(f"{serial}\n")
    compare(live, record(live))


@pytest.mark.parametrize("mode,user,status,words", [
    (0o600, None, "WARN", "none but user 0"), (0o600, NOBODY, "WARN", "this user may not use"),
    (0o660, None, "PASS", ""), (0o660, NOBODY, "WARN", "mode 0660"),
    (0o664, NOBODY, "WARN", "mode 0664"), (0o666, NOBODY, "PASS", ""),
])
def test_who_may_use_kvm_is_told_of_the_user_who_asks_and_is_recorded(live, mode, user, status,
                                                                      words):
    if user and os.geteuid() != 0:
        pytest.skip("only root can become another user")
    node = live.root / "dev/kvm"
    node.touch()
    node.chmod(mode)
    question = ("check", "--json", "--only", "kvm-access")
    here = live.run(*question, user=user)
    told = json.loads(here.stdout)["findings"]
    assert [one["status"] for one in told] == [status] and words in told[0]["seen"]
    assert run(*question, "--host", record(live, user=user)).stdout == here.stdout


def test_only_the_owner_may_read_a_recording(live):
    archive = record(live)
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert os.listdir(live.out) == [archive.name]
    archive.chmod(0o644)
    assert live.run("record", f"{live.OUT}/{archive.name}", "--force").returncode == 0
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_ordinary_users_recording_says_what_that_user_sees(live):
    for path in ("proc/77/fd", "proc/77/ns"):
        (live.root / path).chmod(0o700)
    for path in ("proc/1/mountinfo", "etc/fstab"):
        (live.root / path).chmod(0o600)
    done = live.run("record", f"{live.OUT}/user.tar", user=NOBODY)
    assert done.returncode == 0
    assert "Not recorded, because it could not be read (as root, more can):" in done.stderr
    assert "  /etc/fstab\n" in done.stderr and "  /proc/N/mountinfo" in done.stderr
    archive = live.out / "user.tar"
    assert archive.stat().st_uid == NOBODY
    compare(live, archive, user=NOBODY)
    index = dict(members(archive))["pciferry/recording"].decode()
    assert "EACCES proc/1/mountinfo\n" in index and "EACCES proc/77/ns/mnt\n" in index
    # What root sees is another thing, so that something was compared.
    assert "as root more can" not in live.run("record", f"{live.OUT}/root.tar").stderr
    shown = [run("show", FREE, "--host", live.out / name).stdout
             for name in ("user.tar", "root.tar")]
    assert "not every process could be asked" in shown[0] and "guest win" not in shown[0]
    assert "guest win" in shown[1]


def test_what_was_not_asked_for_is_not_called_absent(live):
    """A recording of an older version: it is not known whether the newer one would find it."""
    archive = record(live)
    lines = dict(members(archive))["pciferry/recording"].decode().splitlines(True)
    path = live.root.parent / "less.tar"
    dropped = ("proc/swaps", "proc/self/mountinfo", "proc/1/mountinfo")
    with tarfile.open(archive) as tar, tarfile.open(path, "w") as less:
        for member in tar:
            if member.name not in dropped:
                less.addfile(member, tar.extractfile(member) if member.isfile() else None)
    assert any(line.startswith("listed ") for line in lines)
    shown = run("show", FREE, "--host", path).stdout
    assert "is not known: no mountinfo" in shown and "it can go" not in shown


def test_a_recording_is_never_overwritten_unasked(live):
    kept = live.out / "kept.tar"
    kept.write_text("kept")
    done = live.run("record", f"{live.OUT}/kept.tar")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.splitlines()[0].endswith("kept.tar: it is there already")
    assert "--force" in done.stderr and kept.read_text() == "kept"
    # Nor is a link followed, which may be another one's trap in a shared folder, or replaced,
    # as /dev/stdout is one.
    (live.out / "link.tar").symlink_to("elsewhere")
    for more in ([], ["--force"]):
        done = live.run("record", *more, f"{live.OUT}/link.tar")
        assert done.returncode == 1 and "no regular file" in done.stderr
    assert live.run("record", "--force", f"{live.OUT}/kept.tar").returncode == 0
    assert tarfile.is_tarfile(kept)
    assert (live.out / "link.tar").is_symlink()
    assert sorted(os.listdir(live.out)) == ["kept.tar", "link.tar"]


@pytest.mark.parametrize("args,status,words", [
    (("record",), 2, "record needs one FILE"),
    (("record", "/out/a.tar", "/out/b.tar"), 2, "record needs one FILE"),
    (("record", "/out/host.zip"), 2, "host.zip: not the name of an archive"),
    (("record", "/out/host"), 2, "not the name of an archive"),
    (("record", "/out/folder.tar/"), 2, "not the name of an archive"),
    (("record", ".tar"), 2, "not the name of an archive"),
    (("record", "/nowhere/at/all/host.tar"), 1, "/nowhere/at/all/: No such file"),
    (("record", "/out/" + 300 * "x" + ".tar"), 1, "File name too long"),
    (("record", "/out/host.tar", "--host", "/"), 2, "only this machine is recorded"),
])
def test_a_mistake_is_named_and_leaves_nothing_behind(live, args, status, words):
    done = live.run(*args)
    assert done.returncode == status and words in done.stderr and done.stdout == ""
    assert len(done.stderr.splitlines()) <= 2
    assert not os.listdir(live.out)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_folder_that_may_not_be_written_to_is_named(live):
    live.out.chmod(0o755)
    done = live.run("record", f"{live.OUT}/host.tar", user=NOBODY)
    assert done.returncode == 1 and "host.tar: Permission denied" in done.stderr
    assert done.stdout == "" and not os.listdir(live.out)


def test_the_summary_is_for_scripts_too(live):
    done = live.run("record", "--json", f"{live.OUT}/host.tar.xz")
    assert done.returncode == 0
    summary = json.loads(done.stdout)
    jsonschema.validate(summary, SCHEMA)
    assert (live.out / "host.tar.xz").stat().st_size in summary.values()
    quiet = live.run("record", "-q", f"{live.OUT}/quiet.tar")
    assert quiet.returncode == 0 and quiet.stderr == "" and "quiet.tar: 6 devices" in quiet.stdout


@pytest.mark.parametrize("args", [
    ("bind", FREE), ("bind", "--all-matching", "1234:5046"), ("release", FREE),
    ("release", "group:2"), ("vm", "run", FREE, "--bios"), ("vm", "run", "01:00.0"),
    ("vm", "run", FREE, "--bios", "--accel", "tcg", "--qemu", "/bin/true"),
])
def test_a_recording_cannot_be_changed(live, args):
    lines = expect(1, "cannot be changed", *args, "--host", record(live))
    assert "host.tar: " in lines[0] and len(lines) <= 2


def test_what_would_be_done_on_the_recorded_host_can_be_asked(live):
    archive = record(live)
    for args in (("bind", "--dry-run", "01:00.0"), ("bind", "--dry-run", MOUNTED),
                 ("vm", "run", "--dry-run", "--bios", "01:00.0")):
        here, there = live.run(*args), run(*args, "--host", archive)
        assert (there.returncode, there.stdout) == (here.returncode, here.stdout), args


def test_whether_mdevctl_starts_slices_can_be_looked_up(tmp_path):
    """For who asks why one is not there."""
    host = livehost.changeable(tmp_path / "host")
    rule = "etc/udev/rules.d/60-mdevctl.rules"
    host.file(rule, "RUN+=\"mdevctl start-parent-mdevs %k\"\n")
    archive = record(livehost.LiveHost(host, PROGRAM))
    assert rule in "\n".join(name for name, _ in members(archive))


def test_names_that_are_no_utf8_do_not_stop_record(live):
    folder = os.fsencode(live.root / "etc/modprobe.d")
    for name in (b"m\xc3\xbcll.conf", b"bad\xff.conf", b"two\nlines.conf"):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(b"options x\n")
    for number, locale in enumerate(("C", "C.UTF-8")):
        archive = record(live, f"host{number}.tar", LC_ALL=locale)
        for reader in ("C", "C.UTF-8"):
            done = subprocess.run([PROGRAM, "list", "--json", "--host", archive], check=False,
                                  capture_output=True, env={**os.environ, "LC_ALL": reader})
            assert done.returncode == 0, done.stderr
            assert done.stdout.decode() == live.run("list", "--json").stdout
