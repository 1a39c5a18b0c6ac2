# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds the tree to rules.py, shows each rule failing on a planted breach, and runs the tools
that read code."""
import pathlib
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import rules  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule):
    assert not rule(ROOT)


# (rule, file, text to put in front of its first function's brace or at its end, its words)
PLANTED = [
    (rules.includes, "pci/scan.c", '#include "usage/usage.h"\n', "may not include usage"),
    (rules.includes, "cli/list.c", '#include "bind/internal.h"\n', "for bind alone"),
    (rules.includes, "base/text.c", '#include "text.h"\n', 'not "room/file.h"'),
    (rules.who_opens, "usage/vfio.c", 'int f(void)\n{\n\treturn open("x", 0);\n}\n',
     "only base and host"),
    (rules.who_opens, "vm/argv.c", 'void *f(void)\n{\n\treturn fopen ("x", "r");\n}\n',
     "only base and host"),
    (rules.who_writes, "bind/steps.c", 'int f(void)\n{\n\treturn unlink("x");\n}\n',
     "only change writes"),
    (rules.who_prints, "iommu/groups.c", 'void f(void)\n{\n\tprintf("x");\n}\n', "only cli"),
    (rules.who_prints, "host/host.c", "void f(void)\n{\n\texit(1);\n}\n", "ends the program"),
    (rules.who_prints, "pci/modalias.c",
     "int x_parse(const char *path)\n{\n\treturn !path;\n}\n", "takes bytes"),
    (rules.rooted_paths, "host/network.c",
     'int f(void)\n{\n\treturn open("/sys/x", 0);\n}\n', "past the host's root"),
    (rules.rooted_paths, "usage/network.c",
     'int f(struct host *h)\n{\n\treturn host_exists(h, "/proc/x");\n}\n', "past the"),
    (rules.escaping, "cli/show.c", 'void f(void)\n{\n\tputs("x");\n}\n', "only output.c"),
    (rules.escaping, "cli/show.c", "void *f(void)\n{\n\treturn json_object_new_string(0);\n}\n",
     "only output.c"),
    (rules.shape, "base/error.c", "void f(void)\n{\n" + "\t;\n" * 60 + "}\n", "62 lines"),
    (rules.shape, "base/error.c", "/* TODO */\n", "say what is"),
    (rules.shape, "base/error.c", "/* " + "x" * 90 + " */\n", "90 columns"),
]


@pytest.mark.parametrize("rule,name,text,words", PLANTED,
                         ids=[f"{row[0].__name__}-{n}" for n, row in enumerate(PLANTED)])
def test_a_planted_breach_is_found(rule, name, text, words, tmp_path):
    shutil.copytree(ROOT / "src", tmp_path / "src")
    assert not rule(tmp_path)
    with open(tmp_path / "src" / name, "a", encoding="utf-8") as file:
        file.write(text)
    found = rule(tmp_path)
    assert [line for line in found if line.startswith(name) and words in line]


def test_an_exception_that_nothing_needs_is_found(tmp_path):
    shutil.copytree(ROOT / "src", tmp_path / "src")
    (tmp_path / "src/vfio/group.c").write_text("/* SPDX-License-Identifier: x */\n")
    assert any("needed no more" in line for line in rules.who_opens(tmp_path))


def test_a_call_named_in_a_comment_or_a_text_is_no_breach(tmp_path):
    shutil.copytree(ROOT / "src", tmp_path / "src")
    with open(tmp_path / "src/usage/vfio.c", "a", encoding="utf-8") as file:
        file.write('/* open(2), printf(3) */\nstatic const char x[] = "open(";\n')
    for rule in (rules.who_opens, rules.who_prints):
        assert not rule(tmp_path)


def tracked():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, text=True, check=True).stdout.split("\n")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def first_line(path):
    with open(path, "rb") as file:
        return file.readline()


def need(tool):
    if not shutil.which(tool):
        pytest.skip(f"{tool} is not installed")


def run(*command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_source_file_names_its_licence():
    wanted = [path for path in tracked()
              if path.suffix in (".py", ".sh", ".c", ".h") or path.name in
              ("Makefile", "meson.build") or first_line(path).startswith(b"#!")]
    assert len(wanted) > 50
    assert not [str(path) for path in wanted
                if "SPDX-License-Identifier: " not in "".join(
                    path.read_text().splitlines(keepends=True)[:3])]


def test_shell_scripts_pass_shellcheck():
    need("shellcheck")
    scripts = [path for path in tracked() if path.suffix == ".sh" or
               first_line(path).rstrip() in (b"#!/bin/sh", b"#!/bin/bash")]
    assert len(scripts) > 5
    run("shellcheck", "-x", *map(str, scripts))


def test_words_are_spelt_right():
    need("codespell")
    # ANDD is a structure of the DMAR.
    run("codespell", "--quiet-level=3", "--ignore-words-list=andd", *(str(path) for path in tracked()
                                          if "LICENSES" not in path.parts))


def test_cppcheck_finds_nothing():
    need("cppcheck")
    run("cppcheck", "--quiet", "--enable=warning,portability", "--inline-suppr",
        "--std=c11", "-I", "src", "-D_GNU_SOURCE", "--error-exitcode=1", "src")
