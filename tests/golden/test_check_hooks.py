# SPDX-License-Identifier: GPL-2.0-or-later
"""The check of libvirt's hooks. What is real: the files, and their modes. That libvirt waits for
them is not shown here; tests/unit/test_script.c has more of what a script can hold."""
import os

import pytest

from checks import find_wrong, findings, statuses

HOOKS = "etc/libvirt/hooks"
QEMU = f"{HOOKS}/qemu"
WHOLE = "#!/bin/sh\nlogger \"$1 $2\"\n"


def hook(text, path=QEMU, mode=0o755):
    def change(host):
        host.file(path, text)
        os.chmod(host.root / path, mode)
    return change


WRONG = [
    ("libvirt-hooks", hook(WHOLE, mode=0o644), "WARN", f"chmod +x /{QEMU}"),
    ("libvirt-hooks", hook(WHOLE, f"{HOOKS}/qemu.d/10-mine", 0o600), "WARN", "chmod +x"),
    ("libvirt-hooks", hook("logger a\n"), "FAIL", "#!/bin/sh"),
    ("libvirt-hooks", hook(WHOLE.replace("\n", "\r\n")), "FAIL", "carriage returns"),
    ("libvirt-hooks", hook(f"{WHOLE}sleep 60 &\n"), "WARN", ">/dev/null 2>&1"),
    ("libvirt-hooks", hook(f"{WHOLE}virsh start other\n", f"{HOOKS}/network"), "WARN",
     "do without it"),
    ("libvirt-hooks", hook(f"{WHOLE}sleep 5\n", f"{HOOKS}/qemu.d/win/prepare/begin/start.sh"),
     "INFO", "in a loop"),
    ("libvirt-hooks", hook(WHOLE, f"{HOOKS}/qemu.d/win/release/end/stop.sh", 0o644), "INFO",
     "chmod +x"),
]

# Of each: what goes wrong, and the change that its fix names.
FIXED = [
    ("libvirt-hooks", hook(WHOLE, mode=0o644), hook(WHOLE)),
    ("libvirt-hooks", hook("logger a\n"), hook(WHOLE)),
    ("libvirt-hooks", hook(WHOLE.replace("\n", "\r\n")), hook(WHOLE)),
    ("libvirt-hooks", hook(f"{WHOLE}sleep 60 &\n"), hook(f"{WHOLE}sleep 60 >/dev/null 2>&1 &\n")),
    ("libvirt-hooks", hook(f"{WHOLE}virsh start other\n"),
     hook(f"{WHOLE}(sleep 5; virsh start other) >/dev/null 2>&1 &\n")),
]

# As guides and tools for single cards have it: who dispatches to a folder for each guest.
DISPATCHER = """#!/usr/bin/env bash
GUEST_NAME="$1"
STATE="$2/$3"
BASEDIR="$(dirname "$0")"
FOLDER="$BASEDIR/qemu.d/$GUEST_NAME/$STATE"
INPUT=$(cat)
set -e
if [ -f "$FOLDER" ] && [ -x "$FOLDER" ]; then
  eval \\"$FOLDER\\" "$@" <<< "$INPUT"
elif [ -d "$FOLDER" ]; then
  while read -r file; do
    if [ -n "$file" ]; then
      eval \\"$file\\" "$@" <<< "$INPUT"
    fi
  done <<< "$(find -L "$FOLDER" -maxdepth 1 -type f -executable -print)"
fi
"""


@pytest.mark.parametrize("check,change,status,fix", WRONG)
def test_what_is_wrong_is_found_and_the_way_out_named(host, check, change, status, fix):
    change(host)
    find_wrong(host, check, status, fix)


@pytest.mark.parametrize("check,change,fix", FIXED)
def test_what_the_fix_says_is_the_way_out(host, check, change, fix):
    change(host)
    assert any(one["fix"] for one in findings(host, "--only", check))
    fix(host)
    assert statuses(host, check) == ["PASS"]


def test_the_place_is_told_with_its_line(host):
    hook(f"{WHOLE}\n\n/usr/bin/virsh list | while read -r a; do :; done\n")(host)
    assert findings(host, "--only", "libvirt-hooks")[0]["seen"] == \
        f"/{QEMU}:5: virsh talks to libvirt"


def test_who_only_starts_others_is_no_fault(host):
    hook(DISPATCHER)(host)
    hook(WHOLE, f"{HOOKS}/qemu.d/win/prepare/begin/start.sh")(host)
    hook("GPU=0000:01:00.0\n", f"{HOOKS}/kvm.conf", 0o644)(host)
    hook("Put hooks here.\n", f"{HOOKS}/qemu.d/win/README", 0o644)(host)
    assert statuses(host, "libvirt-hooks") == ["PASS"]


# Work that goes on behind the hook, which does not wait for it.
IN_BACKGROUND = """#!/bin/bash
run_it() {
    tail -f /var/log/a &
    virsh attach-device "$1" /etc/card.xml
}
%s
"""


@pytest.mark.parametrize("call", [
    "run_it \"$1\" >/dev/null 2>&1 &",
    "{ sleep 5; run_it \"$1\"; } >/dev/null 2>&1 &",
    "(run_it \"$1\") &>>/var/log/mine &",
    "later() { run_it \"$1\"; }\nif [ \"$2\" = started ]; then later >/dev/null 2>&1 & fi",
])
def test_a_function_whose_call_lets_go_of_the_outputs_is_no_fault(host, call):
    hook(IN_BACKGROUND % call)(host)
    assert statuses(host, "libvirt-hooks") == ["PASS"]


def test_a_function_whose_call_keeps_an_output_is_told_by_its_line(host):
    hook(IN_BACKGROUND % "run_it \"$1\" >/dev/null")(host)
    assert {one["seen"] for one in findings(host, "--only", "libvirt-hooks")} == {
        f"/{QEMU}:3: tail runs in the background and keeps the hook's output",
        f"/{QEMU}:4: virsh talks to libvirt"}


@pytest.mark.parametrize("name,status,words", [
    ("qemu", "FAIL", "starts no guest"),
    ("qemu.d/10-mine", "FAIL", "starts no guest"),
    ("lxc", "FAIL", "starts no container"),
    ("libxl", "FAIL", "starts no Xen guest"),
    ("network", "FAIL", "starts no network"),
    ("network.d/10-mine", "FAIL", "starts no network"),
    ("daemon", "WARN", "goes on without it"),
])
def test_what_cannot_be_started_is_told_by_what_it_is_for(host, name, status, words):
    hook("logger a\n", f"{HOOKS}/{name}")(host)
    told, = findings(host, "--only", "libvirt-hooks")
    assert told["status"] == status and told["why"].endswith(words)


@pytest.mark.parametrize("name,words", [
    ("lxc", "the container's start or end"), ("network", "the network's start or end"),
    ("daemon.d/10-mine", "the daemon's start or end"), ("qemu", "the guest's start or end"),
])
def test_what_hangs_is_told_by_what_the_hook_is_for(host, name, words):
    hook(f"{WHOLE}a &\n", f"{HOOKS}/{name}")(host)
    told, = findings(host, "--only", "libvirt-hooks")
    assert words in told["why"]


@pytest.mark.parametrize("text,words", [
    ("#!/usr/bin/python3\nimport libvirt\n", "no shell's script"),
    ("\177ELF\2\1", "is a program"),
])
def test_what_is_no_shells_script_is_not_judged(host, text, words):
    hook(text)(host)
    told, = findings(host, "--only", "libvirt-hooks")
    assert told["status"] == "UNKNOWN" and words in told["seen"]


def test_a_host_without_libvirt_has_no_hooks_and_a_copy_without_etc_does_not_know(host):
    assert statuses(host, "libvirt-hooks") == ["PASS"]
    (host.root / "etc").rename(host.root / "not-etc")
    assert statuses(host, "libvirt-hooks") == ["UNKNOWN"]
