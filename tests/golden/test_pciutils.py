# SPDX-License-Identifier: GPL-2.0-or-later
"""Configuration space of real machines, as lspci -xxxx printed it: what this program reads in it
is what lspci reads in it. The dumps are other people's and lie beside the repository."""
import json
import re
import subprocess

import pytest

import dumps
from program import ROOT, run

CASES = ROOT.parent / "shared/cases/pciutils"
DUMPS = sorted(CASES.glob("*")) if CASES.is_dir() else []
ACS = ["SrcValid", "TransBlk", "ReqRedir", "CmpltRedir", "UpstreamFwd", "EgressCtrl",
       "DirectTrans"]

needs_dumps = pytest.mark.skipif(not DUMPS, reason="the dumps of real machines are not here")


def link_of(line):
    """(thousandths of GT/s, lanes); None for what lspci does not know."""
    speed = re.search(r"Speed ([\d.]+)GT/s", line)
    width = re.search(r"Width x(\d+)", line)
    return (int(float(speed.group(1)) * 1000) if speed else None,
            int(width.group(1)) if width else 0)


def bits_of(line):
    return sum(1 << index for index, name in enumerate(ACS) if f"{name}+" in line)


def lspci(path):
    """{address: what lspci -vv says of it}"""
    text = subprocess.run(["lspci", "-D", "-vv", "-F", path], capture_output=True, text=True,
                          check=True).stdout
    devices, current = {}, None
    for line in text.splitlines():
        head = re.match(r"([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) ", line)
        capability = re.match(r"\tCapabilities: \[([0-9a-f]+)( v\d+)?\]", line)
        if head:
            current = devices[head.group(1)] = {"capabilities": set()}
        elif capability:
            current["capabilities"].add((int(capability.group(1), 16),
                                         bool(capability.group(2))))
        elif line.startswith("\t\tLnkCap:"):
            current["most"] = link_of(line)
        elif line.startswith("\t\tLnkSta:"):
            current["now"] = link_of(line)
        elif line.startswith("\t\tACSCap:"):
            current["acs"] = bits_of(line)
        elif line.startswith("\t\tACSCtl:"):
            current["control"] = bits_of(line)
    return devices


def ours(host):
    done = run("list", "--json", "--host", host.root)
    return {device["address"]: device for device in json.loads(done.stdout)["devices"]}


def compare(device, theirs, whole):
    if device["capabilities"] is None:
        assert not whole, "a whole configuration space was called unreadable"
    else:
        assert {(one["offset"], one["extended"]) for one in device["capabilities"]} == \
            theirs["capabilities"]
    link = device["link"]
    assert bool(link) == ("most" in theirs)
    if link:
        assert (link["max_speed_mts"], link["max_width"]) == theirs["most"]
        assert (link["speed_mts"], link["width"]) == theirs["now"]
    assert bool(device["acs"]) == ("acs" in theirs)
    if device["acs"]:
        assert device["acs"] == {"capability": theirs["acs"], "control": theirs["control"]}


@needs_dumps
@pytest.mark.parametrize("path", DUMPS, ids=lambda path: path.name)
def test_capabilities_links_and_acs_are_those_of_lspci(path, tmp_path):
    host, spaces = dumps.make_host(path.read_text(), tmp_path / "host")
    devices, theirs = ours(host), lspci(path)
    assert devices and devices.keys() == theirs.keys()
    for address, device in devices.items():
        compare(device, theirs[address], len(spaces[address]) == 4096)


@needs_dumps
def test_a_machine_with_a_switch_has_its_groups_predicted(tmp_path):
    """No kernel told these groups: they follow from the ACS that lspci shows."""
    host, _ = dumps.make_host((CASES / "tree-asus-p6t6").read_text(), tmp_path / "host")
    devices = ours(host)
    groups = {}
    for address, device in devices.items():
        groups.setdefault(device["predicted_group"], set()).add(address)
    bridges = {address for address, device in devices.items() if device["class"] == "060400"}
    # The root ports of this chipset have ACS: none shares its group with another.
    roots = [address for address in bridges
             if devices[address]["port_type"] == "root port" and devices[address]["acs"]]
    assert len(roots) > 2
    assert len({devices[address]["predicted_group"] for address in roots}) == len(roots)
    # What is behind a downstream port without ACS goes with it.
    for address, device in devices.items():
        above = devices.get(device["parent"])
        if above and above["port_type"] == "downstream port" and not above["acs"]:
            assert device["predicted_group"] == above["predicted_group"], address
