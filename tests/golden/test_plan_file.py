# SPDX-License-Identifier: GPL-2.0-or-later
"""plan -o FILE and apply FILE: it comes to just what was looked at, or nothing is changed."""
import json
import os

import pytest

from checks import CARD
from planhost import TAB, debian, make, needs_tools, run, snapshot, without_generated

pytestmark = needs_tools
GRUB = "etc/default/grub"
SETTING = "etc/default/grub.d/pciferry.cfg"


@pytest.fixture(name="saved")
def saved_plan(off, tmp_path):
    """A host, and a plan for it in a file."""
    make(off, debian)
    path = tmp_path / "plan.json"
    done = run("plan", CARD, "--root", off.root, "-o", path)
    assert done.returncode == 0, done.stderr
    assert "At each boot" in done.stdout
    return off, path


def refused(host, path, *words):
    """Nothing is changed, and it is said why; the words are in the evidence."""
    before = snapshot(host.root)
    done = run("apply", path, "--root", host.root)
    assert done.returncode == 3, (done.returncode, done.stderr)
    assert "nothing was changed" in done.stderr
    for word in words:
        assert word in done.stderr, done.stderr
    assert snapshot(host.root) == before
    assert not (host.root / "var/lib/pciferry").exists()


def test_a_saved_plan_is_carried_out_and_taken_back(saved):
    host, path = saved
    before = snapshot(host.root)
    assert run("apply", path, "--root", host.root, "--dry-run").stdout == run(
        "plan", CARD, "--root", host.root).stdout
    assert snapshot(host.root) == before
    done = run("apply", path, "--root", host.root, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["change"] == 1
    assert "0000:05:00.0" in (host.root / TAB).read_text()
    again = json.loads(run("apply", path, "--root", host.root, "--json").stdout)
    assert again["change"] is None and not again["edits"]
    assert run("undo", "--root", host.root).returncode == 0
    assert without_generated(snapshot(host.root)) == without_generated(before)
    assert run("apply", path, "--root", host.root).returncode == 0


def test_it_holds_no_path_no_command_and_no_contents(saved):
    host, path = saved
    text = path.read_text()
    told = json.loads(run("plan", CARD, "--root", host.root, "--json").stdout)
    assert len(told["edits"]) == len(json.loads(text)["edits"])
    for edit in told["edits"]:
        assert edit["path"] not in text and edit["path"].split("/")[-1] not in text
    assert "iommu=pt" not in text and "update" not in text
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == text


def test_a_file_that_is_there_is_replaced_only_with_force(saved):
    host, path = saved
    path.write_text("mine\n")
    done = run("plan", CARD, "--root", host.root, "-o", path)
    assert done.returncode == 1 and "--force" in done.stderr
    assert path.read_text() == "mine\n"
    assert run("plan", CARD, "--root", host.root, "-o", path, "--force").returncode == 0
    assert "pciferry-plan/1" in path.read_text()


def edit_tab(host):
    host.file(TAB, "# mine\n")


def edit_grub(host):
    """It is only read: but what was to become of the drop-in becomes another thing."""
    host.file(GRUB, (host.root / GRUB).read_text() + 'GRUB_CMDLINE_LINUX="iommu=pt"\n')


def edit_drop_in(host):
    host.file(SETTING, "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT mitigations=off\"\n")


def another_card(host):
    host.file(f"{host.folder(CARD)}/device", "0x8087\n")
    host.file(f"{host.folder(CARD)}/modalias",
              "pci:v00001234d00008087sv00001234sd00000002bc02sc00i00\n")


def no_card(host):
    (host.root / "sys/bus/pci/devices" / CARD).unlink()


@pytest.mark.parametrize("change,words", [
    (edit_tab, ["/etc/pciferry.tab: it is not as it was", "it would be made otherwise"]),
    (edit_grub, [f"/{SETTING}: it would be made otherwise"]),
    (edit_drop_in, [f"/{SETTING}: it is not as it was"]),
    (another_card, [f"{CARD}: it is 1234:8087", "not 1234:8086"]),
    (no_card, [f"{CARD}: nothing is there any more"]),
])
def test_what_has_moved_since_is_refused(saved, change, words):
    host, path = saved
    change(host)
    refused(host, path, *words)


def test_a_plan_of_another_host_is_refused(saved, tmp_path):
    """The same card, and another boot loader's files."""
    host, path = saved
    (host.root / "usr/sbin/grub-mkconfig").write_text("#!/bin/sh\n")
    refused(host, path, "/etc/default/grub: it was not to be changed",
            "something was to be changed that is not to be now")


def test_a_group_that_has_grown_is_refused(saved):
    host, path = saved
    saved_devices = json.loads(path.read_text())
    saved_devices["devices"].append({**saved_devices["devices"][0], "address": "0000:05:00.1"})
    path.write_text(json.dumps(saved_devices))
    refused(host, path, "0000:05:00.1: nothing is there any more")
    saved_devices["devices"].pop()
    saved_devices["devices"][0]["named"] = False
    path.write_text(json.dumps(saved_devices))
    refused(host, path, f"{CARD}: it does not go along now")


def changed(**fields):
    def change(plan):
        return {**plan, **fields}
    return change


def first(where, **fields):
    """With other fields in the first of a list's items."""
    def change(plan):
        items = plan[where]
        return {**plan, where: [{**items[0], **fields}, *items[1:]]}
    return change


HOSTILE = {
    "an extra field": changed(run="rm -rf /"),
    "a path in an edit": first("edits", path="/etc/passwd"),
    "a command in an edit": first("edits", command=["/bin/sh", "-c", "id"]),
    "contents in an edit": first("edits", bytes="root::0:0::/:/bin/sh"),
    "an extra option": lambda plan: {**plan, "options": {**plan["options"], "force": True}},
    "an option that is no flag": lambda plan: {
        **plan, "options": {**plan["options"], "headless": "yes"}},
    "an option with a number": lambda plan: {
        **plan, "options": {**plan["options"], "headless": 10 ** 400}},
    "an option less": lambda plan: {**plan, "options": {"headless": False}},
    "no options": changed(options={}),
    "no devices": lambda plan: {key: value for key, value in plan.items() if key != "devices"},
    "another schema": changed(schema="pciferry-plan/2"),
    "no schema": lambda plan: {key: value for key, value in plan.items() if key != "schema"},
    "another driver": first("devices", driver="pci-stub"),
    "a driver that is a path": first("devices", driver="../../evil"),
    "an address that is none": first("devices", address="0000:05:00.9"),
    "an address in another form": first("devices", address="05:00.0"),
    "an identity that is none": first("devices", identity="$(id)"),
    "another identity": first("devices", identity="1234:8086/1234:0002@03.0/00.0"),
    "a device more": lambda plan: {**plan, "devices": [*plan["devices"], {
        **plan["devices"][0], "address": "0000:03:00.0"}]},
    "a device twice": lambda plan: {**plan, "devices": plan["devices"] * 2},
    "an edit less": lambda plan: {**plan, "edits": plan["edits"][1:]},
    "an edit twice": lambda plan: {**plan, "edits": plan["edits"] + plan["edits"][:1]},
    "no edits": changed(edits=[]),
    "another outcome": first("edits", after="ab" * 32),
    "no file before": first("edits", before=None, place="cd" * 32),
    "a sum that is none": first("edits", after="AB" * 32),
    "a sum that is a number": first("edits", after=1),
    "a list instead of an object": lambda plan: [plan],
    "null": lambda plan: None,
    "a text": lambda plan: "plan",
    "too many edits": lambda plan: {**plan, "edits": [None] * 10001},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_plan_that_was_edited_changes_nothing(saved, name):
    host, path = saved
    path.write_text(json.dumps(HOSTILE[name](json.loads(path.read_text()))))
    refused(host, path)


BYTES = {
    "empty": lambda text: b"",
    "cut": lambda text: text[:-20],
    "more behind it": lambda text: text + b"{}",
    "a comment": lambda text: b"/* plan */" + text,
    "twice the same field": lambda text: text.replace(
        b'"headless"', b'"headless": true, "headless"'),
    "a field twice, once in escapes": lambda text: text.replace(
        b'"headless"', b'"he\\u0061dless": true, "headless"'),
    "a NUL": lambda text: text.replace(b'"schema"', b'"schema\\u0000x"'),
    "a NUL byte": lambda text: text.replace(b"vfio-pci", b"vfio-pci\0"),
    "invalid UTF-8": lambda text: text.replace(b"vfio-pci", b"vfio-\xff"),
    "a mark of UTF-16": lambda text: b"\xff\xfe" + text.decode().encode("utf-16-le"),
    "nested deeply": lambda text: b'{"schema": ' + b"[" * 100000 + b"]" * 100000 + b"}",
    "10 MB": lambda text: text + b" " * 10_000_000,
    "10 MB of a text": lambda text: text.replace(b"vfio-pci", b"v" * 10_000_000),
    "single quotes": lambda text: text.replace(b'"', b"'"),
    "a trailing comma": lambda text: text.rstrip()[:-1] + b",}",
    "a huge number": lambda text: text.replace(b"false", b"9" * 5000),
    "no number": lambda text: text.replace(b"false", b"NaN"),
    "no JSON": lambda text: b"#!/bin/sh\nid\n",
}


@pytest.mark.parametrize("name", BYTES)
def test_what_is_no_plan_changes_nothing(saved, name):
    host, path = saved
    before = path.read_bytes()
    path.write_bytes(BYTES[name](before))
    assert path.read_bytes() != before
    refused(host, path)


def test_a_plan_written_otherwise_is_still_the_plan(saved):
    """jq and Ansible lay JSON out in their own ways."""
    host, path = saved
    plan = json.loads(path.read_text())
    path.write_text(json.dumps(dict(reversed(plan.items())), sort_keys=False).replace("/", "\\/"))
    assert run("apply", path, "--root", host.root).returncode == 0


def test_a_plan_is_told_from_a_device_by_its_name(saved, tmp_path):
    host, path = saved
    plain = tmp_path / "plan"
    plain.write_bytes(path.read_bytes())
    assert run("apply", plain, "--root", host.root, "--dry-run").returncode == 0
    for name, status, words in (
            ("no-such.json", 1, "No such file"), (tmp_path, 1, "Is a directory"),
            ("net:a.json", 1, "no such device"), ("/dev/no-such", 1, "no such device"),
            ("nothing", 2, "not a device")):
        done = run("apply", name, "--root", host.root)
        assert (done.returncode, words in done.stderr) == (status, True), done.stderr
    os.mkfifo(tmp_path / "pipe.json")
    assert run("apply", tmp_path / "pipe.json", "--root", host.root).returncode == 1
    for args in ((path, CARD), (CARD, path), (path, path), (path, "--headless")):
        assert run("apply", *args, "--root", host.root).returncode == 2
    assert run("plan", path, "--root", host.root).returncode == 2


def test_what_is_done_by_hand_is_not_saved(off, tmp_path):
    make(off, debian)
    off.file("usr/sbin/grub-mkconfig", "#!/bin/sh\n")
    off.file(GRUB, 'GRUB_CMDLINE_LINUX_DEFAULT="$(cat /etc/parameters)"\n')
    done = run("plan", CARD, "--root", off.root, "-o", tmp_path / "plan.json")
    assert done.returncode == 3 and "a command makes its value" in done.stderr
    assert not (tmp_path / "plan.json").exists()
