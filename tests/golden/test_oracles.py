# SPDX-License-Identifier: GPL-2.0-or-later
"""What an apply has written, as others read it: augtool, grub-script-check, a shell."""
import json
import pathlib
import shutil
import subprocess

import pytest

import bootfiles
from checks import CARD, PARAMETERS, menuentry
from planhost import BY_HAND, WAYS, debian, make, needs_tools, run

pytestmark = needs_tools

WANTED = ["intel_iommu=on", "iommu=pt"]
VARIABLES = "GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT"


def augeas(root, path, lens="Shellvars"):
    """The values of a file's variables, as this lens has them; None: it cannot read it."""
    if not shutil.which("augtool"):
        pytest.skip("augtool is not installed")
    done = subprocess.run(["augtool", "--noautoload", "--root", root, "--transform",
                           f"{lens}.lns incl /{path}"], input=f"print /files/{path}\n"
                          f"print /augeas/files/{path}/error\n", capture_output=True, text=True,
                          check=False)
    if f"/augeas/files/{path}/error" in done.stdout or done.returncode:
        return None
    found = {}
    for line in done.stdout.splitlines():
        name, equals, value = line.partition(" = ")
        if equals and not name.endswith("#comment"):
            # As it is printed: the last of several, and a line that goes on.
            value = value[1:-1].replace('\\"', '"').replace("\\\\\\n", "").strip("\"'")
            found[name.split("/")[-1].partition("[")[0]] = value
    return found


def sourced(root, *paths, shell="sh"):
    """What a shell makes of the variables; and it finds no fault with the files."""
    for path in paths:
        subprocess.run([shell, "-n", root / path], check=True)
    script = "".join(f". ./{path}\n" for path in paths) + "".join(
        f'printf "%s\\n" "${name}"\n' for name in VARIABLES)
    done = subprocess.run([shell, "-euc", script.replace("set -u", "")], cwd=root, check=False,
                          capture_output=True, text=True,
                          env={name: "" for name in VARIABLES})
    assert done.returncode == 0 and not done.stderr, done
    return dict(zip(VARIABLES, (line.split() for line in done.stdout.split("\n"))))


def assert_grub_takes(path):
    if not shutil.which("grub-script-check"):
        pytest.skip("grub-script-check is not installed")
    done = subprocess.run(["grub-script-check", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (path, done.stderr, path.read_text())


# Settings as people write them, and the words that they make, on a host without drop-ins.
SETTINGS = {
    "double": ('GRUB_CMDLINE_LINUX_DEFAULT="quiet splash"\n', ["quiet", "splash"]),
    "single": ("GRUB_CMDLINE_LINUX_DEFAULT='quiet splash'\n", ["quiet", "splash"]),
    "bare": ("GRUB_CMDLINE_LINUX_DEFAULT=quiet\n", ["quiet"]),
    "empty": ("GRUB_CMDLINE_LINUX_DEFAULT=\n", []),
    "empty quotes": ('GRUB_CMDLINE_LINUX_DEFAULT=""\n', []),
    "none": ("GRUB_TIMEOUT=5\n", []),
    "nothing": ("", []),
    "twice": ('GRUB_CMDLINE_LINUX_DEFAULT="a"\nGRUB_CMDLINE_LINUX_DEFAULT="b"\n', ["b"]),
    "comment": ('GRUB_CMDLINE_LINUX_DEFAULT="quiet" # "quoted" comment\n', ["quiet"]),
    "commented out": ('#GRUB_CMDLINE_LINUX_DEFAULT="x"\n', []),
    "no newline": ('GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"', ["quiet"]),
    "no newline, none": ("GRUB_TIMEOUT=5", []),
    "continued": ('GRUB_CMDLINE_LINUX_DEFAULT="quiet \\\nsplash"\n', ["quiet", "splash"]),
    "other": ('GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX x"\n', ["x"]),
    "inner": ("GRUB_CMDLINE_LINUX_DEFAULT='dyndbg=\"file a.c +p\"'\n",
              ['dyndbg="file', "a.c", '+p"']),
    "export": ('export GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n', ["quiet"]),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_are_read_as_they_were_meant(off, name):
    text, words = SETTINGS[name]
    make(off, bootfiles.openeuler)
    off.file("etc/default/grub", text)
    before = augeas(off.root, "etc/default/grub")
    done = run("apply", CARD, "--root", off.root)
    if done.returncode == 3:
        # It would not be safe: then nothing is touched, and it is said what to do by hand.
        assert (off.root / "etc/default/grub").read_text() == text
        assert "intel_iommu=on" in done.stderr and "etc/default/grub" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    assert sourced(off.root, "etc/default/grub")["GRUB_CMDLINE_LINUX_DEFAULT"] == words + WANTED
    after = augeas(off.root, "etc/default/grub")
    assert (after is None) <= (before is None), (off.root / "etc/default/grub").read_text()
    if after and "$" not in text:
        assert after["GRUB_CMDLINE_LINUX_DEFAULT"].split() == words + WANTED
    assert_grub_takes(off.root / "boot/efi/EFI/openEuler/grub.cfg")


def test_most_of_them_are_edited_and_not_left_to_the_person(off):
    """Else the test above would say nothing."""
    made = 0
    make(off, bootfiles.openeuler)
    for text, _ in SETTINGS.values():
        off.file("etc/default/grub", text)
        told = run("plan", CARD, "--root", off.root)
        made += told.returncode == 0 and "by hand" not in told.stdout
    assert made >= len(SETTINGS) - 4


# What would be wrong to edit, or not what it seems: told, or done right, never half.
@pytest.mark.parametrize("text", [
    'GRUB_CMDLINE_LINUX_DEFAULT="quiet\n', "GRUB_CMDLINE_LINUX_DEFAULT='quiet\n",
    'GRUB_CMDLINE_LINUX_DEFAULT="$(cat /proc/cmdline)"\n',
    'GRUB_CMDLINE_LINUX_DEFAULT="`cat /proc/cmdline`"\n',
    'if true; then GRUB_CMDLINE_LINUX_DEFAULT="quiet"; fi\n',
    'GRUB_TIMEOUT=5; GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n', ". ./etc/default/more\n",
    'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\r\nGRUB_TIMEOUT=5\r\n',
    'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX_DEFAULT+=" splash"\n',
])
def test_what_is_not_safe_to_edit_is_left_as_it_is_or_ends_up_right(off, text):
    make(off, bootfiles.openeuler)
    off.file("etc/default/grub", text)
    off.file("etc/default/more", 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n')
    done = run("apply", CARD, "--root", off.root)
    path = off.root / "etc/default/grub"
    if path.read_bytes() == text.encode():
        assert done.returncode in (1, 3) and "etc/default/grub" in done.stderr, done
        return
    words = sourced(off.root, "etc/default/grub", shell="bash")["GRUB_CMDLINE_LINUX_DEFAULT"]
    assert words[-2:] == WANTED and words[0].strip("\r") == "quiet", path.read_bytes()


@pytest.mark.parametrize("way", [way for way, *_ in WAYS if way not in BY_HAND])
def test_each_way_to_boot_is_read_back(off, way):
    make(off, way)
    told = run("plan", CARD, "--root", off.root, "--json")
    assert run("apply", CARD, "--root", off.root).returncode == 0, told
    defaults = [path for path in ("etc/default/grub", "etc/default/grub.d/pciferry.cfg")
                if (off.root / path).exists()]
    if defaults:
        words = sourced(off.root, *defaults)
        assert [word for one in VARIABLES for word in words[one]
                if word in WANTED] == WANTED, words
        for path in defaults:
            assert augeas(off.root, path), path
    for path in off.root.rglob("grub.cfg"):
        assert_grub_takes(path)
    cmdline = off.root / "etc/kernel/cmdline"
    if cmdline.exists():
        assert [word for word in cmdline.read_text().split() if word in WANTED] == WANTED
    # On Proxmox its tool makes them anew.
    for path in off.root.rglob("loader/entries/*.conf") if way is not bootfiles.proxmox else ():
        lines = [line.split() for line in path.read_text().splitlines()]
        options = [line for line in lines if line[:1] == ["options"]]
        assert len(options) == 1 and [word for word in options[0] if word in WANTED] == WANTED
        # A specification of keys and values: what was there is there, in its place.
        assert [line[0] for line in lines] == ["#", "title", "version", "linux", "initrd",
                                               "options"]


def test_a_drop_in_adds_to_what_the_file_says(off):
    """The way of Debian, with settings that have a place for each sort of entry."""
    make(off, debian)
    off.file("etc/default/grub", 'GRUB_CMDLINE_LINUX="console=ttyS0"\n'
             'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n')
    assert run("apply", CARD, "--root", off.root).returncode == 0
    drop_in = "etc/default/grub.d/pciferry.cfg"
    assert sourced(off.root, "etc/default/grub", drop_in) == {
        VARIABLES[0]: ["console=ttyS0"], VARIABLES[1]: ["quiet", *WANTED]}
    assert augeas(off.root, drop_in) == {
        VARIABLES[1]: " ".join(["$GRUB_CMDLINE_LINUX_DEFAULT", *WANTED])}
    assert_grub_takes(off.root / "boot/grub/grub.cfg")


def test_a_grub_cfg_by_hand_is_still_one(off):
    make(off, bootfiles.openeuler)
    for path in ("etc/default/grub", "usr/sbin/grub2-mkconfig"):
        (off.root / path).unlink()
    cfg = off.root / "boot/efi/EFI/openEuler/grub.cfg"
    cfg.write_text("set timeout=5\n" + menuentry("LFS", "quiet 'my param=\"a b\"'") +
                   'if [ "$x" = y ]; then\n' + menuentry("Old", "ro") + "fi\n")
    assert_grub_takes(cfg)
    done = run("apply", CARD, "--root", off.root)
    assert done.returncode == 0, done.stderr
    assert_grub_takes(cfg)
    assert cfg.read_text().count(" ".join(WANTED)) == 2
    assert PARAMETERS not in cfg.read_text()


# mkinitcpio(8), "CONFIGURATION": files of mkinitcpio.conf.d are sourced by bash behind
# mkinitcpio.conf, in the order of their names; the runtime hooks run in the order of HOOKS.
@pytest.mark.parametrize("hooks", ["base udev autodetect modconf block filesystems",
                                   "base systemd autodetect modconf", "udev"])
def test_mkinitcpio_runs_the_hook_before_udev(off, hooks):
    make(off, debian)
    shutil.rmtree(off.root / "usr/share/initramfs-tools")
    for path in ("usr/lib/initcpio/functions", "usr/lib/initcpio/install/pciferry"):
        off.file(path, "")
    off.file("etc/mkinitcpio.conf", f"MODULES=()\nHOOKS=({hooks})\n")
    off.file("etc/mkinitcpio.conf.d/zz-mine.conf", "HOOKS+=(mine)\n")
    done = run("apply", CARD, "--root", off.root, "--json")
    # The images are not its, here: that the next boot does it is not what is asked.
    assert done.returncode in (0, 1) and json.loads(done.stdout)["change"] == 1, done.stderr
    files = ["etc/mkinitcpio.conf", *sorted(
        f"etc/mkinitcpio.conf.d/{path.name}"
        for path in (off.root / "etc/mkinitcpio.conf.d").glob("*.conf"))]
    done = subprocess.run(["bash", "-euc", "".join(f". ./{path}\n" for path in files) +
                           'printf "%s " "${HOOKS[@]}"'], cwd=off.root, check=True,
                          capture_output=True, text=True)
    assert done.stdout.split() == ["pciferry", *hooks.split(), "mine"]


def test_driverctl_keeps_its_files_where_they_are_looked_for():
    """The script's own words, and its rule's: nothing of it is run."""
    script, rules = (pathlib.Path(path) for path in
                     ("/usr/sbin/driverctl", "/lib/udev/rules.d/05-driverctl.rules"))
    if not script.exists() or not rules.exists():
        pytest.skip("driverctl is not installed")
    assert "confdir=/etc/driverctl.d\n" in script.read_text()
    assert 'sddev="$bus-$dev"\n' in script.read_text()
    assert 'TEST=="/etc/driverctl.d/$env{SUBSYSTEM}-$kernel"' in rules.read_text()
