# SPDX-License-Identifier: GPL-2.0-or-later
"""Huge pages at each boot: plan, apply and verify on a root of a system that does not run. That a
kernel reserves them, and where, is shown on the virtual host (tests/lab, pages.sh)."""
import json

import pytest

from checks import CARD
from planhost import TAB, debian, make, needs_tools, run, snapshot, tool, without_generated

pytestmark = needs_tools
UNIT = "usr/lib/systemd/system/pciferry.service"
WANTS = "etc/systemd/system/multi-user.target.wants/pciferry.service"
SYSTEMCTL = f"""#!/bin/sh
echo "$@" >>/made/systemctl
if [ "$1" = enable ]; then
	busybox mkdir -p /{WANTS.rpartition("/")[0]}
	busybox ln -sf /{UNIT} /{WANTS}
else
	busybox rm -f /{WANTS}
fi
"""


def node(host, number, mib, reserved=0, size=2048):
    folder = f"sys/devices/system/node/node{number}"
    host.file(f"{folder}/meminfo", f"Node {number} MemTotal:       {mib * 1024} kB\n")
    for name in ("nr_hugepages", "free_hugepages"):
        host.file(f"{folder}/hugepages/hugepages-{size}kB/{name}", f"{reserved}\n")


@pytest.fixture(name="host")
def two_nodes(off):
    """Two nodes of 64 GiB; the card is at the second."""
    make(off, debian)
    off.file("proc/meminfo", "MemTotal: 134217728 kB\nHugepagesize:       2048 kB\n")
    for number in (0, 1):
        node(off, number, 65536)
    off.file(f"{off.folder(CARD)}/numa_node", "1\n")
    off.file(UNIT, "")
    (off.root / "made").mkdir()
    tool(off, "usr/bin/systemctl", SYSTEMCTL)
    return off


def told(host, command, *args, status=0):
    done = run(command, *args, "--root", host.root, "--json")
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)


def lines(host):
    path = host.root / TAB
    return [line for line in path.read_text().splitlines() if line.startswith("pages")]


def refused(host, status, words, *args):
    before = snapshot(host.root)
    for command in ("plan", "apply"):
        done = run(command, *args, "--root", host.root)
        assert done.returncode == status and words in done.stderr, done.stderr
    assert snapshot(host.root) == before
    return done.stderr


def test_pages_at_a_node_are_one_line_that_the_service_does_and_undo_takes_back(host):
    before = snapshot(host.root)
    shown = run("plan", "--hugepages", "16G@1", "--root", host.root).stdout
    assert shown.startswith("At each boot, for a guest:\n  node 1: 8192 huge pages of 2 MiB, in all\n")
    assert "+pages node1 2M 8192\n" in shown and "systemctl enable pciferry.service" in shown
    assert "Next boot:\n  node 1  8192 huge pages of 2 MiB: pciferry.service reserves them" in shown
    assert snapshot(host.root) == before
    made = told(host, "apply", "--hugepages", "16G@1")
    assert made["change"] == 1 and not made["devices"]
    assert made["huge_pages"] == [{"node": 1, "page_kib": 2048, "expected_count": 8192}]
    assert made["page_predictions"][0]["will_be"] is True
    assert [one["path"] for one in made["edits"]] == [TAB, "usr/bin/systemctl"], "no image"
    assert lines(host) == ["pages node1 2M 8192"]
    assert told(host, "apply", "--hugepages", "16G@1")["change"] is None
    # All lines but this one.
    both = told(host, "plan", "--hugepages", "0", "--hugepages", "8G@1")
    assert [one["expected_count"] for one in both["huge_pages"]] == [4096]
    assert "reserve at each boot: huge pages" in run("history", "--root", host.root).stdout
    assert run("undo", "--root", host.root).returncode == 0
    assert without_generated(snapshot(host.root)).keys() - before.keys() == {"made/systemctl"}
    assert not (host.root / TAB).exists() and not (host.root / WANTS).exists()


def test_after_the_boot_what_is_there_is_compared_and_what_is_lacking_told(host):
    told(host, "apply", "--hugepages", "1G@0", "--hugepages", "1G@1")
    node(host, 0, 65536, 600)
    node(host, 1, 65536, 100)
    verified = told(host, "verify", status=1)
    assert [(one["node"], one["count"], one["expected_count"], one["holds"])
            for one in verified["huge_pages"]] == [(0, 600, 512, True), (1, 100, 512, False)]
    done = run("verify", "--root", host.root)
    assert "node 0  512 huge pages of 2 MiB\n" in done.stdout
    assert "node 1  100 of 512 huge pages of 2 MiB\n  pciferry bind --tab" in done.stdout
    host.file("proc/cmdline", "quiet pciferry=off\n")
    assert "nothing was reserved in this boot" in run("verify", "--root", host.root).stdout
    assert told(host, "verify", "--next")["page_predictions"][1]["will_be"] is True
    (host.root / WANTS).unlink()
    assert "not enabled" in run("verify", "--next", "--root", host.root).stdout
    (host.root / "sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages").unlink()
    assert told(host, "verify", status=1)["huge_pages"][1]["count"] is None


def test_a_machine_that_would_be_left_without_memory_is_refused_with_the_sum(host):
    said = refused(host, 3, "four fifths", "--hugepages", "52G@1")
    assert "53248 of its 65536 MiB" in said and "26624 huge pages of 2 MiB: 26624 wanted, 0" in said
    # What others have reserved counts, of each size; of the same one it is no more than is wanted.
    node(host, 1, 65536, 10, size=1048576)
    refused(host, 3, "10 huge pages of 1 GiB: 0 wanted, 10 there", "--hugepages", "43G@1")
    assert told(host, "apply", "--hugepages", "41G@1")["change"] == 1
    # So does another line of the tab that is not reserved yet.
    (host.root / TAB).write_text("pages node0 1G 40\n")
    node(host, 0, 65536, 0, size=1048576)
    refused(host, 3, "40 huge pages of 1 GiB: 40 wanted, 0 there", "--hugepages", "12G@0")


def test_the_node_is_that_of_the_devices_and_asked_for_where_nothing_says_it(host):
    both = told(host, "apply", CARD, "--hugepages", "2G")
    assert [one["address"] for one in both["devices"]] == [CARD]
    assert both["huge_pages"][0]["node"] == 1
    text = (host.root / TAB).read_text()
    assert f"device {CARD}" in text and "pages node1 2M 1024\n" in text, "one edit of the file"
    refused(host, 2, "several NUMA nodes", "--hugepages", "2G")
    host.file(f"{host.folder(CARD)}/numa_node", "-1\n")
    refused(host, 2, "does not say at which NUMA node", CARD, "--hugepages", "2G")


def test_lines_of_a_node_or_of_all_go_and_the_rest_of_the_tab_stays(host):
    host.file(TAB, "# mine\npages node0 2M 5\npages node1 2M 6 # guest\npages node1 1G 7\n")
    shown = told(host, "apply", "--hugepages", "0@1")
    assert [one["expected_count"] for one in shown["huge_pages"]] == [0, 0]
    assert (host.root / TAB).read_text() == "# mine\npages node0 2M 5\n"
    told(host, "apply", "--hugepages", "0")
    assert (host.root / TAB).read_text() == "# mine\n"
    assert told(host, "apply", "--hugepages", "0")["change"] is None


@pytest.mark.parametrize("value", ["", "x", "@1", "4G@", "4G@x", "4T@1", "4G@1024", "-4G", "4G@1@1"])
def test_a_size_or_node_that_is_none_is_told_with_an_example(host, value):
    assert "16G@1" in refused(host, 2, "no SIZE or SIZE@NODE", "--hugepages", value)


def test_what_the_host_does_not_have_is_told(host, tmp_path):
    refused(host, 1, "no such NUMA node", "--hugepages", "4G@7")
    refused(host, 2, "no whole pages of 2M", "--hugepages", "3M@1")
    refused(host, 2, "twice", "--hugepages", "4G@1", "--hugepages", "5G@1")
    done = run("plan", "--hugepages", "4G@1", "-o", tmp_path / "plan.json", "--root", host.root)
    assert done.returncode == 2 and "not saved" in done.stderr
    (host.root / "sys/devices/system/node/node1/meminfo").unlink()
    refused(host, 1, "could not be read", "--hugepages", "4G@1")
    (host.root / "proc/meminfo").unlink()
    refused(host, 1, "what huge pages this host has", "--hugepages", "4G@1")


def test_without_the_service_it_is_said_who_has_to_do_it(host):
    (host.root / UNIT).unlink()
    shown = run("plan", "--hugepages", "4G@1", "--root", host.root).stdout
    assert "have pciferry bind --tab --wait run at boot" in shown
    assert "perhaps 2048 huge pages of 2 MiB: where pciferry bind --tab is run" in shown
    assert told(host, "apply", "--hugepages", "4G@1")["page_predictions"][0]["will_be"] is None


def test_pages_of_a_gib_are_not_promised(host):
    node(host, 1, 65536, size=1048576)
    host.file("proc/meminfo", "MemTotal: 134217728 kB\nHugepagesize:    1048576 kB\n")
    made = told(host, "apply", "--hugepages", "8G@1")
    assert lines(host) == ["pages node1 1G 8"]
    assert made["page_predictions"][0]["will_be"] is None
    assert "in one piece" in made["page_predictions"][0]["reason"]
