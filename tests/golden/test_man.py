# SPDX-License-Identifier: GPL-2.0-or-later
"""The manual pages say what the program says of itself."""
import re
import shutil
import subprocess

import pytest

from program import ROOT, run

PAGES = sorted((ROOT / "docs/man").iterdir())
TABLE = ROOT / "src/bootcfg/tab_parse.c"


def items(text):
    """What each .It of a page is of, with the words below it."""
    return dict(re.findall(r"^\.It (?:Cm|Fl) (.+)\n((?:(?!\.).+\n)+)", text, re.MULTILINE))


def test_each_command_and_option_is_told_in_the_same_words():
    page = items((ROOT / "docs/man/pciferry.8").read_text())
    told = run("--help").stdout
    commands = dict(re.findall(r"^  (\w+) +(.+)$", told.partition("Options of every")[0],
                               re.MULTILINE))
    options = re.findall(r"^  (?:-(\w), )?--(\w+)(?: (\S+))? +(.+)$", told, re.MULTILINE)
    assert len(commands) > 15 and len(options) > 5
    for name, summary in commands.items():
        assert page.pop(name) == f"{summary}\n", name
    for short, name, argument, summary in options:
        words = " ".join(filter(None, [short and f"{short} ,", f"-{name}",
                                       argument and f"Ar {argument}"]))
        # "This text" is another one there.
        assert page.pop(words) == f"{summary}\n" or name == "help", name
    assert not page


def test_each_kind_of_line_of_the_tab_is_told():
    kinds = re.search(r"known: ([a-z, ]+)\"", TABLE.read_text()).group(1).split(", ")
    page = (ROOT / "docs/man/pciferry.tab.5").read_text()
    assert len(kinds) > 3 and [words.split()[0] for words in items(page)] == kinds


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_set_without_a_warning(page):
    done = subprocess.run(["groff", "-mandoc", "-Tutf8", "-ww", page], capture_output=True,
                          text=True, check=True)
    assert done.stderr == "" and "SEE ALSO" in re.sub(r"\x1b\[\d+m|.\x08", "", done.stdout)
