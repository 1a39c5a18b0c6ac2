# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds the tree to rules.py, and runs the tools that read code."""
import pathlib
import re
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


def test_the_rules_see_the_tree():
    kinds = [kind for _, _, kind, _ in rules.code_files(ROOT)]
    assert len(kinds) > 100
    assert set(kinds) == {"c", "python", "shell", "meson"}


def run(*command):
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def paths(kind):
    found = [str(path) for path, _, this, _ in rules.code_files(ROOT) if this == kind]
    assert len(found) > 5
    return found


def test_c_is_formatted():
    # Versions differ in what they make of the same .clang-format; this one is Debian 12's.
    if not re.search(r"version 14\.", run("clang-format", "--version")):
        pytest.skip("clang-format is not version 14")
    run("clang-format", "--dry-run", "-Werror", *paths("c"))


def test_shell_scripts_pass_shellcheck():
    run("shellcheck", "-x", *paths("shell"))


def test_words_are_spelt_right():
    # ANDD is a structure of the DMAR table (VT-d 8.6), .Nd a macro of mdoc(7).
    run("codespell", "--quiet-level=3", "--ignore-words-list=andd,nd",
        *(str(path) for path in rules.files(ROOT)
          if not {"LICENSES", "corpus", "uapi"} & set(path.parts)))


def test_cppcheck_finds_nothing():
    run("cppcheck", "--quiet", "--enable=warning,portability", "--inline-suppr",
        "--std=c11", "-I", "src", "-D_GNU_SOURCE", "--error-exitcode=1", "src")
