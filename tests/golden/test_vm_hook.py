# SPDX-License-Identifier: GPL-2.0-or-later
"""libvirt's hook, as it is installed, and what it refuses. What is real: the program, and the files
that it writes, on a made host that it takes for its own. That libvirt calls it, and devices move,
is shown on the virtual host (tests/lab, hook.sh)."""
import json
import subprocess

import jsonschema
import pytest

import livehost
from fakehost import usual
from livehost import needs_root
from program import PROGRAM, SCHEMA, run

HOOK = "etc/libvirt/hooks/qemu.d/pciferry"
ASK = "<metadata><p:hand-over xmlns:p='urn:pciferry:domain:1'/></metadata>"


@pytest.fixture(name="live")
def made_live_host(tmp_path):
    host = livehost.changeable(tmp_path / "host")
    host.link("proc/self/exe", "/pciferry")
    live = livehost.LiveHost(host, PROGRAM)
    live.host = host
    (live.root / "pciferry").chmod(0o755)
    # /usr is the machine's own, on which libvirt need not be: NixOS has it here.
    host.file("run/current-system/sw/bin/libvirtd", "")
    return live


def definition(*addresses, ask=ASK):
    devices = "".join(
        "<hostdev mode='subsystem' type='pci'><source>"
        f"<address bus='0x{address[5:7]}' slot='0x{address[8:10]}' function='{address[11]}'/>"
        "</source></hostdev>" for address in addresses)
    return f"<domain><name>web</name>{ask}<devices>{devices}</devices></domain>"


def call(text, *words, program=PROGRAM):
    return subprocess.run([program, "vm", "hook", "run", "--", *words], input=text, text=True,
                          capture_output=True, check=False)


@needs_root
def test_it_is_a_program_that_calls_the_installed_one_and_can_be_undone(live):
    done = live.run("vm", "hook", "install", "--dry-run")
    assert done.returncode == 0 and 'exec /pciferry vm hook run -- "$@"' in done.stdout
    assert not (live.root / HOOK).exists()
    done = live.run("vm", "hook", "install")
    assert done.returncode == 0, done.stderr
    assert "pciferry undo 1" in done.stdout and "hand-over" in done.stdout
    assert (live.root / HOOK).stat().st_mode & 0o7777 == 0o755
    done = live.run("vm", "hook", "install")
    assert done.stdout == f"/{HOOK} is there already.\n"
    assert live.run("undo", "1").returncode == 0
    assert not (live.root / "etc/libvirt").exists()


@needs_root
def test_a_guest_that_does_not_ask_starts_whatever_is_the_matter_with_pciferry(live, tmp_path):
    """The script as it is written, and a program in the place of pciferry that cannot run."""
    assert live.run("vm", "hook", "install").returncode == 0
    broken = tmp_path / "pciferry"
    broken.write_text('#!/bin/sh\necho "$@" >>"${0%/*}/called"\ncat >>"${0%/*}/given"\nexit 127\n')
    broken.chmod(0o755)
    script = tmp_path / "hook"
    script.write_text((live.root / HOOK).read_text().replace("/pciferry", str(broken)))

    def hook(text, *words):
        return subprocess.run(["sh", script, *words], input=text, text=True, check=False,
                              capture_output=True).returncode

    assert hook(definition(ask=""), "web", "prepare", "begin", "-") == 0
    assert hook(definition(), "web", "started", "begin", "-") == 0
    assert not (tmp_path / "called").exists()
    assert hook(definition("0000:03:00.0"), "web", "prepare", "begin", "-") == 127
    assert (tmp_path / "called").read_text() == "vm hook run -- web prepare begin -\n"
    assert (tmp_path / "given").read_text() == definition("0000:03:00.0") + "\n"
    assert hook("", "web", "release", "end", "-") == 127


@needs_root
def test_another_one_s_folder_above_the_program_is_refused(live):
    live.host.file("opt/bin/pciferry", "")
    (live.root / "opt/bin/pciferry").chmod(0o755)
    (live.root / "proc/self/exe").unlink()
    live.host.link("proc/self/exe", "/opt/bin/pciferry")
    (live.root / "opt").chmod(0o777)
    done = live.run("vm", "hook", "install", "--dry-run")
    assert done.returncode == 3 and "/opt: mode 0777" in done.stderr
    # Where nobody can take away what is another's, as in /tmp; and root's alone.
    for mode in (0o1777, 0o755):
        (live.root / "opt").chmod(mode)
        assert live.run("vm", "hook", "install", "--dry-run").returncode == 0


@needs_root
def test_what_is_removed_stands_in_the_history_and_comes_back(live):
    assert live.run("vm", "hook", "remove").stdout == f"/{HOOK} is not there.\n"
    assert live.run("vm", "hook", "install").returncode == 0
    text = (live.root / HOOK).read_text()
    assert "change 2" in live.run("vm", "hook", "remove").stdout
    assert not (live.root / HOOK).exists()
    assert live.run("undo", "2").returncode == 0
    assert (live.root / HOOK).read_text() == text


@needs_root
def test_the_daemon_that_has_to_look_again_is_named(live):
    live.host.file("run/virtqemud.pid", "7\n")
    done = live.run("vm", "hook", "install", "--json")
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["hook"]["restart"] == "virtqemud" and document["hook"]["change"] == 1
    assert document["hook"]["path"] == f"/{HOOK}"
    assert document["hook"]["program"] == "/pciferry"
    document = json.loads(live.run("vm", "hook", "install", "--json").stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["hook"]["change"] is None and document["hook"]["edits"] == []
    document = json.loads(live.run("vm", "hook", "remove", "--json").stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["hook"]["program"] is None


@needs_root
def test_our_own_is_no_fault(live):
    assert live.run("vm", "hook", "install").returncode == 0
    done = live.run("check", "--only", "libvirt-hooks", "--json")
    found, = json.loads(done.stdout)["findings"]
    assert found["status"] == "PASS" and "the 1 in /etc/libvirt/hooks" in found["seen"]
    assert subprocess.run(["sh", "-n", live.root / HOOK], check=False).returncode == 0


@needs_root
def test_a_program_that_others_can_write_to_is_not_run_as_root(live):
    (live.root / "pciferry").chmod(0o775)
    done = live.run("vm", "hook", "install")
    assert done.returncode == 3 and "mode 0775" in done.stderr
    assert not (live.root / HOOK).exists()


@needs_root
def test_a_program_that_apparmor_would_not_let_a_hook_start_is_told_before_guests_fail(live):
    profile = "etc/apparmor.d/usr.sbin.libvirtd"
    live.host.file("sys/module/apparmor/parameters/enabled", "Y\n")
    live.host.file(profile, "  /** rwmkl,\n  /usr/bin/* PUx,\n  /etc/libvirt/hooks/** rmix,\n")
    done = live.run("vm", "hook", "install")
    assert done.returncode == 1 and "/pciferry PUx," in done.stderr, done.stderr
    assert not (live.root / HOOK).exists()
    live.host.file("etc/apparmor.d/local/usr.sbin.libvirtd", "/pciferry PUx,\n")
    assert live.run("vm", "hook", "install").returncode == 0


@needs_root
def test_a_device_in_use_refuses_the_start_with_the_evidence(live):
    done = live.run("vm", "hook", "run", "--", "web", "prepare", "begin", "-",
                    given=definition("0000:02:00.0"))
    assert done.returncode == 3, done.stderr
    assert "0000:02:00.0: nvme0n1 is mounted on /srv" in done.stderr
    assert done.stdout == ""
    assert not list((live.root / "run/pciferry").glob("*.first"))


@pytest.mark.parametrize("words", [
    ("start", "begin", "-"), ("started", "begin", "-"), ("stopped", "end", "-"),
    ("reconnect", "begin", "-"), ("migrate", "begin", "-"), ("attach", "begin", "-"),
    ("prepare", "end", "-"), ("a-new-one", "-"),
])
def test_other_steps_of_a_guest_are_none_of_its_business(words):
    done = call("no XML, which is not even read", "web", *words)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("text", [
    definition("0000:02:00.0", ask=""), definition(), "",
    definition("0000:02:00.0").replace("hand-over", "other"),
])
def test_a_guest_that_does_not_ask_is_not_touched(text):
    done = call(text, "web", "prepare", "begin", "-")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_definition_that_cannot_be_read_starts_no_guest_that_asked():
    done = call(definition("0000:02:00.0")[:-9], "web", "prepare", "begin", "-")
    assert done.returncode == 1 and "it is not XML" in done.stderr and done.stdout == ""


def test_what_libvirt_would_never_give_is_told():
    assert call("", "web", "prepare").returncode == 2
    assert call("", "a\nb", "prepare", "begin", "-").returncode == 2
    assert call("", "x" * 256, "release", "end", "-").returncode == 2
    for words in ((), ("nothing",), ("install", "more")):
        assert run("vm", "hook", *words).returncode == 2


def test_a_copy_of_a_host_is_not_changed(tmp_path):
    host = usual(tmp_path / "host")
    done = run("vm", "hook", "install", "--dry-run", "--host", host.root)
    assert done.returncode == 1 and "cannot be changed" in done.stderr
