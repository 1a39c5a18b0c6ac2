# SPDX-License-Identifier: GPL-2.0-or-later
"""DMAR and IVRS of real machines: the units, scopes and ranges that the parsers see are those
that iasl disassembles. The tables are other people's and lie beside the repository."""
import re
import shutil
import subprocess

import pytest

from program import PROGRAM, ROOT, run

CASES = ROOT.parent / "shared/cases/acpi"


def field(line, name):
    match = re.match(r"\[\w+ \w+\s+\d+\]\s+" + re.escape(name) + r" : (.*)", line.strip())
    return match.group(1).split("[")[0].strip() if match else None


def disassemble(case, table, folder):
    """The lines of iasl's disassembly, and the table's file."""
    if not CASES.is_dir() or not shutil.which("iasl"):
        pytest.skip("the tables of real machines, or iasl, are not here")
    subprocess.run(["acpixtract", "-a", CASES / case], cwd=folder, check=True,
                   capture_output=True)
    subprocess.run(["iasl", "-d", f"{table}.dat"], cwd=folder, check=True, capture_output=True)
    return (folder / f"{table}.dsl").read_text().splitlines(), folder / f"{table}.dat"


def ours(path):
    done = run(path, program=PROGRAM.parent / "tests/print-acpi")
    assert done.returncode == 0, done.stdout
    return [dict(part.partition("=")[::2] for part in line.split()[1:]) | {"what": line.split()[0]}
            for line in done.stdout.splitlines()]


def number(text):
    return int(text, 16)


def test_units_scopes_and_reserved_ranges_of_a_dmar(tmp_path):
    lines, path = disassemble("dmar-lenovo-snb.acpidump", "dmar", tmp_path)
    wanted, name = [], None
    for line in lines:
        kind = re.search(r"Subtable Type : \w+ \[(.*)\]", line)
        if kind:
            name = {"Hardware Unit Definition": "DRHD",
                    "Reserved Memory Region": "RMRR"}[kind.group(1)]
            wanted.append({"what": name})
        elif not wanted:
            continue
        elif value := field(line, "Device Scope Type"):
            wanted.append({"what": "scope", "type": number(value)})
        elif value := field(line, "PCI Bus Number"):
            wanted[-1]["bus"] = number(value)
        elif value := field(line, "PCI Path"):
            wanted[-1]["path"] = value.lower()
        elif value := field(line, "Register Base Address") or field(line, "Base Address"):
            wanted[-1]["base"] = number(value)
        elif value := field(line, "End Address (limit)"):
            wanted[-1]["limit"] = number(value)
    found = ours(path)[1:]
    assert len(found) == len(wanted) and len(wanted) > 8
    for mine, theirs in zip(found, wanted):
        assert mine["what"] == theirs["what"]
        for key in ("type", "bus", "base", "limit"):
            if key in theirs:
                assert number(mine[key]) == theirs[key], (mine, theirs)
        if "path" in theirs:
            assert mine["path"] == theirs["path"]


def test_units_and_memory_of_an_ivrs(tmp_path):
    lines, path = disassemble("ivrs.acpidump", "ivrs", tmp_path)
    units, memories, entries, current = [], [], [], None
    for line in lines:
        if (value := field(line, "Subtable Type")) is not None:
            current = {"type": number(value)}
            if current["type"] in (0x10, 0x11, 0x40):
                units.append(current)
                entries.append([])
            else:
                memories.append(current)
        elif current is None:
            continue
        elif (value := field(line, "Base Address")):
            current["base"] = number(value)
        elif (value := field(line, "Start Address")) is not None:
            current["start"] = number(value)
        elif (value := field(line, "Memory Length")) is not None:
            current["length"] = number(value)
        elif (value := field(line, "Entry Type")) is not None:
            entries[-1].append(number(value))
    mine = ours(path)
    found_units = [row for row in mine if row["what"] == "IVHD"]
    found_memories = [row for row in mine if row["what"] == "IVMD"]
    assert [number(row["type"]) for row in found_units] == [unit["type"] for unit in units]
    # iasl of 2020 does not look into units of type 40h; newer ones do.
    known = [unit for unit in units if "base" in unit]
    assert [number(row["base"]) for row in found_units[:len(known)]] == [
        unit["base"] for unit in known]
    assert [(number(row["type"]), number(row["start"]), number(row["length"]))
            for row in found_memories] == [
                (one["type"], one["start"], one["length"]) for one in memories]
    assert len(units) == 3 and len(memories) == 3
    # The end of a range is an entry of its own for iasl; here it belongs to its start.
    flat = [kind for unit in entries for kind in unit if kind not in (0, 4)]
    assert len(flat) > 10
    assert [number(row["type"]) for row in mine if row["what"] == "entry"][:len(flat)] == flat
