# SPDX-License-Identifier: GPL-2.0-or-later
"""The checks of modprobe.d and of the modules that are loaded at boot."""
import pytest

import checks
import fakehost
from checks import MODPROBE, cmdline, find_wrong, findings, kernel, remove, statuses
from program import ROOT

VFIO = "etc/modprobe.d/vfio.conf"
LOADS = "etc/modules-load.d/vfio.conf"
LATER = "6.12.9-amd64"
SEED = ROOT.parent / "shared/cases/seed-host/vfio.conf"


def write(path, *texts):
    """For a table WRONG: that file has these lines."""
    return lambda host: host.file(path, "".join(f"{text}\n" for text in texts))


def rename(host, old=VFIO, new="etc/modprobe.d/vfio"):
    (host.root / old).rename(host.root / new)


def loaded(host, *users):
    """nouveau is, for those modules."""
    host.file("sys/module/nouveau/initstate", "live\n")
    for user in users:
        host.link(f"sys/module/nouveau/holders/{user}", f"../../{user}")


def loaded_for_a_softdep(host):
    loaded(host)
    write("etc/modprobe.d/z.conf", "softdep e1000e post: crc8 nouveau")(host)


def later_alone(host, *names):
    """An update, after which no kernel before 6.2 is left."""
    host.file("proc/sys/kernel/osrelease", f"{LATER}\n")
    kernel(host, LATER, without=["vfio_virqfd"])
    for path in sorted(host.root.glob(f"lib/modules/{checks.RELEASE}/*")):
        path.unlink()
    host.file(LOADS, "".join(f"{name}\n" for name in names))


def virqfd_on_fedora(host):
    later_alone(host, "vfio-virqfd")
    host.file("etc/os-release", "ID=fedora\n")


def virqfd_for_one(host):
    kernel(host, LATER, without=["vfio_virqfd"])
    host.file("etc/modules", "vfio_virqfd\n")


# Of each check: what goes wrong, what it then says, and a word that its fix must have.
WRONG = [
    ("modprobe-ignored", rename, "WARN", f"mv -n /etc/modprobe.d/vfio /{VFIO}; then update-init"),
    ("modprobe-ignored", lambda host: rename(host, new=f"{VFIO}.txt"), "WARN",
     f"mv -n /{VFIO}.txt /{VFIO};"),
    ("modprobe-lines", write(VFIO, "option vfio-pci ids=1234:5046"), "WARN", "modprobe.d(5)"),
    ("modprobe-lines", write(VFIO, "options vfio-pci"), "WARN", "modprobe.d(5)"),
    ("modprobe-lines", write(VFIO, "blacklist nouveau e1000e"), "WARN", "for each module"),
    ("modprobe-conflict", write("etc/modprobe.d/z.conf", "options vfio_pci ids=1234:0010"), "WARN",
     "keep one line"),
    ("modprobe-conflict",
     write("etc/modprobe.d/z.conf", "options vfio_pci ids=1234:5046,1234:293e"), "WARN", "keep"),
    ("modprobe-conflict", write(VFIO, "options kvm-intel nested=1 nested=0"), "WARN", "keep"),
    ("modprobe-conflict", write("etc/modules", "nouveau"), "WARN", "/etc/modules"),
    ("modprobe-missing", lambda host: kernel(host, built_in=["vfio-pci"]), "FAIL",
     "vfio-pci.ids=1234:5046,1234:293e vfio-pci.disable_vga=1 to GRUB_CMDLINE_LINUX"),
    ("modprobe-missing", lambda host: kernel(host, LATER, built_in=["vfio-pci"]), "WARN", "add"),
    ("modprobe-missing", write(VFIO, "options vfio-pcie ids=1234:5046"), "WARN", "spelling"),
    ("modprobe-missing", write(VFIO, "blacklist no-such-card"), "INFO", None),
    ("modprobe-blacklist", lambda host: kernel(host, built_in=["nouveau"]), "WARN", "pciferry bind"),
    ("modprobe-blacklist", loaded, "WARN", "update-initramfs -u -k all, and reboot"),
    ("modprobe-blacklist", lambda host: loaded(host, "drm_a", "drm_b"), "WARN", "drm_a, drm_b"),
    ("modprobe-blacklist", loaded_for_a_softdep, "WARN", "/etc/modprobe.d/z.conf:1"),
    ("modprobe-virqfd", lambda host: later_alone(host, "vfio_virqfd"), "INFO", f"/{LOADS}"),
    ("modprobe-virqfd", virqfd_on_fedora, "WARN", f"/{LOADS}"),
    ("modprobe-virqfd", virqfd_for_one, "INFO", None),
]


@pytest.mark.parametrize("check,change,status,fix", WRONG)
def test_what_is_wrong_is_found_and_the_way_out_named(host, check, change, status, fix):
    change(host)
    find_wrong(host, check, status, fix)


# The change that the fix names, after which the check has nothing to say.
FIXED = [
    ("modprobe-ignored", rename, lambda host: rename(host, "etc/modprobe.d/vfio", VFIO)),
    ("modprobe-lines", write(VFIO, "EOF", MODPROBE), write(VFIO, MODPROBE)),
    ("modprobe-conflict", write("etc/modprobe.d/z.conf", "options vfio-pci ids=1234:0010"),
     remove("etc/modprobe.d/z.conf")),
    ("modprobe-conflict", write("etc/modules", "nouveau"), write("etc/modules", "# nothing")),
    ("modprobe-missing", lambda host: kernel(host, built_in=["vfio-pci"]), lambda host: cmdline(
        host, "vfio-pci.ids=1234:5046,1234:293e vfio_pci.disable_vga=1")),
    ("modprobe-missing", lambda host: kernel(host, built_in=["vfio-pci"]), remove(VFIO)),
    ("modprobe-blacklist", lambda host: kernel(host, built_in=["nouveau"]),
     write(VFIO, "options vfio-pci ids=1234:5046")),
    ("modprobe-virqfd", virqfd_on_fedora, write(LOADS, "vfio-pci")),
]


@pytest.mark.parametrize("check,change,fix", FIXED)
def test_what_the_fix_says_is_the_way_out(host, check, change, fix):
    change(host)
    assert statuses(host, check) != ["PASS"]
    fix(host)
    assert statuses(host, check) == ["PASS"]


def test_a_line_is_named_by_file_and_number(host):
    write(VFIO, "# vfio", "options vfio-pci \\", "  ids=1234:5046", "EOF", "DONE", "FI")(host)
    found = findings(host, "--only", "modprobe-lines")
    assert [one["seen"] for one in found] == [
        f'/{VFIO}:4: modprobe does not know the line "EOF", nor 2 others in it']


def test_a_here_document_left_in_the_file_is_found(host):
    if not SEED.is_file():
        pytest.skip("the files of the first host are not here")
    host.file(VFIO, SEED.read_text())
    found = find_wrong(host, "modprobe-lines", "WARN", "take it out")
    bad = [number for number, line in enumerate(SEED.read_text().splitlines(), 1)
           if line.strip() and line.split()[0] not in ("options", "blacklist", "softdep", "#")]
    assert len(found) == 1 and found[0]["seen"].startswith(f"/{VFIO}:{bad[0]}: ")
    assert ("nor" in found[0]["seen"]) == (len(bad) > 1)
    assert statuses(host, "modprobe-missing") == ["PASS"], "the options line between is read"


@pytest.mark.parametrize("name", ["vfio.conf.bak", "vfio.conf.dpkg-old", "vfio~", ".vfio", "a.alias"])
def test_what_was_put_aside_is_no_finding(host, name):
    write(f"etc/modprobe.d/{name}", "blacklist e1000e")(host)
    assert statuses(host, "modprobe-ignored") == ["PASS"]


def test_a_text_for_people_is_no_finding(host):
    write("etc/modprobe.d/README", "Files here say what modprobe does.")(host)
    assert statuses(host, "modprobe-ignored") == ["PASS"]


def test_options_of_an_alias_are_of_no_missing_module(host):
    write("etc/modprobe.d/sound.conf", "alias snd-card-0 e1000e", "options snd-card-0 index=0")(host)
    assert statuses(host, "modprobe-missing") == ["PASS"]


@pytest.mark.parametrize("check", [row for row in dict.fromkeys(row[0] for row in WRONG)])
def test_what_could_not_be_read_is_unknown_and_never_well(tmp_path, check):
    host = fakehost.usual(tmp_path / "bare")
    assert statuses(host, check) == ["UNKNOWN"]


@pytest.mark.parametrize("check", ["modprobe-ignored", "modprobe-lines", "modprobe-conflict",
                                   "modprobe-missing", "modprobe-blacklist"])
def test_one_unreadable_file_leaves_it_open(host, check):
    host.link("etc/modprobe.d/loop.conf", "loop.conf")
    found = findings(host, "--only", check)
    assert [one["status"] for one in found] == ["UNKNOWN"]
    assert "/etc/modprobe.d/loop.conf" in found[0]["seen"]


def test_missing_modules_that_have_no_room_in_the_line_are_not_passed_over(host):
    wanted = [f"no-such-card-{number}" for number in range(60)]
    write(VFIO, *(f"blacklist {name}" for name in wanted))(host)
    found, = findings(host, "--only", "modprobe-missing")
    *names, last = found["seen"].partition("modules: ")[2].split(", ")
    assert len(names) > 15 and names == wanted[:len(names)] and last == "..."
    write(VFIO, "blacklist " + 500 * "x")(host)
    assert statuses(host, "modprobe-missing") == ["INFO"]


def test_modules_that_could_not_be_read_are_not_missing(host):
    remove(f"lib/modules/{checks.RELEASE}/modules.builtin")(host)
    write(VFIO, "options no-such a=1", "blacklist neither")(host)
    assert statuses(host, "modprobe-missing") == ["UNKNOWN"]


@pytest.mark.parametrize("family,words", [
    ("ID=fedora\n", "dracut"), ("ID=opensuse\n", "dracut"), ("ID=arch\n", "mkinitcpio -P"),
    ("ID=ubuntu\n", "update-initramfs"), ("ID=gentoo\n", "initramfs anew"),
])
def test_the_fix_is_the_distributions(host, family, words):
    host.file("etc/os-release", family)
    loaded(host)
    assert words in findings(host, "--only", "modprobe-blacklist")[0]["fix"]
