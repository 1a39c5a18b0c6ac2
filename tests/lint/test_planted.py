# SPDX-License-Identifier: GPL-2.0-or-later
"""Shows that each rule finds what it is there for, and lets ordinary code pass: in a small
made tree, with one file planted."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import rooms  # noqa: E402
import rules  # noqa: E402

SPDX = "/* SPDX-License-Identifier: LGPL-2.1-or-later */\n"
MESON = """# SPDX-License-Identifier: LGPL-2.1-or-later
rooms = {
  'base': [['text.c'], [], []],
  'pci': [['scan.c'], ['base'], [udev]],
}
cli_files = files('cli/output.c', 'cli/show.c')
"""
TREE = {
    "src/meson.build": MESON,
    "src/base/text.c": SPDX + '#include "base/text.h"\n\n#include <string.h>\n',
    "src/base/text.h": SPDX + "#ifndef PCIFERRY_BASE_TEXT_H\n#define PCIFERRY_BASE_TEXT_H\n"
                              "\nint text_length(const char *text);\n\n#endif\n",
    "src/pci/scan.c": SPDX + '#include "base/text.h"\n',
    "src/cli/output.c": SPDX + "int f(void)\n{\n\treturn puts(\"x\");\n}\n",
    "src/cli/show.c": SPDX + '#include "pci/scan.h"\n',
}


@pytest.fixture(name="tree")
def make_tree(tmp_path, monkeypatch):
    """A tree that keeps all rules; its own exceptions are those for whole rooms."""
    for table in (rooms.MAY_OPEN, rooms.MAY_OPEN_UNROOTED, rooms.MAY_WRITE, rooms.MAY_EXIT):
        for name in [name for name in table if "/" in name]:
            monkeypatch.delitem(table, name)
    for name, text in TREE.items():
        plant(tmp_path, name, text)
    return tmp_path


def plant(tree, name, text):
    path = tree / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def body(code):
    return f"int f(int x)\n{{\n\t{code}\n}}\n"


def long_function(lines):
    return "int f(void)\n{\n" + "\t;\n" * (lines - 3) + "}\n"


INCLUDES = [
    ("src/pci/scan.c", '#include "usage/usage.h"\n', "pci may not include usage"),
    ("src/usage/x.c", '#include "cli/cli.h"\n', "usage may not include cli"),
    ("src/pci/scan.c", '#include "base/internal.h"\n', "for base alone"),
    ("src/base/text.c", '#include "text.h"\n', 'not "room/file.h"'),
    ("src/base/text.c", '#include "../pci/scan.h"\n', 'not "room/file.h"'),
    ("src/base/text.c", "#include <pci/scan.h>\n", "is included as"),
    ("src/base/text.c", "#include HEADER\n", "says what it includes"),
    ("src/attic/x.c", "", "in no room"),
    ("src/pci/deep/x.c", "", "in no room"),
]
LINKING = [
    ("src/meson.build", MESON.replace("['base']", "['usage']"), "pci may not link usage"),
    ("src/meson.build", MESON.replace("'pci'", "'attic'"), "attic may not link base"),
    ("src/pci/lost.c", SPDX, "not built"),
]
OPENS = [
    ("src/usage/x.c", body('return open("x", 0);'), "open: only base and host"),
    ("src/vm/x.c", body('return !fopen ("x", "r");'), "fopen: only base and host"),
    ("src/pci/scan.c", body('return rooted_open(x, "sys", 0, 0);'), "rooted_open: only"),
    ("src/pci/scan.c", body('return system("true");'), "system: only"),
    ("src/usage/x.c", body("return mnt_table_parse_mtab(t, 0);"), "mnt_table_parse_mtab"),
    ("src/pci/scan.c", body("if (x)\n\t\treturn\n\t\t\topen(n, 0);"), "open: only"),
]
WRITES = [
    ("src/bind/x.c", body('return unlink("x");'), "unlink: only change"),
    ("src/vm/x.c", body("return mkdirat(x, name, 0755);"), "mkdirat: only change"),
    ("src/host/x.c", body("return rooted_open(x, path, O_WRONLY, 0);"), "O_WRONLY: only"),
    ("src/usage/x.c", body('return atomic_replace(x, "x", 0, 0, 0, 0);'), "atomic_replace"),
]
PRINTS = [
    ("src/iommu/x.c", body('return printf("x");'), "printf: only cli"),
    ("src/vm/x.c", body('return fputs("x", stderr);'), "stderr: only cli"),
    ("src/pci/scan.c", body('return write(2, "x", 1);'), "write(2,: only cli"),
    ("src/pci/scan.c", body('return dprintf(1, "x");'), "dprintf(1,: only cli"),
]
EXITS = [
    ("src/host/x.c", body("exit(1);"), "exit: the program ends"),
    ("src/cli/show.c", body("_exit(1);"), "_exit: the program ends"),
    ("src/pci/scan.c", body("assert(x);"), "assert: the program ends"),
    ("src/pci/scan.c", body('err(1, "x");'), "err: the program ends"),
]
PARSERS = [
    ("src/pci/x.h", "int x_parse(const struct host *host);\n", "x_parse: a parser takes"),
    ("src/pci/x.h", "int x_parse_all(\n\tFILE *file);\n", "x_parse_all: a parser takes"),
    ("src/pci/x.c", 'int x_parse(const char *path)\n{\n\treturn open(path, 0);\n}\n',
     "x_parse: a parser takes bytes: open"),
    ("src/pci/x.c", 'int x_parse(const char *t)\n{\n\treturn host_exists(h, t);\n}\n',
     "x_parse: a parser takes bytes: host_exists"),
]
ROOTED = [
    ("src/host/x.c", body('return open("/sys/x", 0);'), "open: goes past"),
    ("src/change/x.c", body("return !realpath(name, 0);"), "realpath: goes past"),
    ("src/base/text.c", body("return openat(AT_FDCWD, name, O_NOFOLLOW);"), "AT_FDCWD: goes"),
    ("src/change/x.c", body('return mkdirat(x, "/etc/x", 0755);'), "an absolute path"),
    ("src/change/x.c", body("return openat(x, name,\n\t\tO_RDONLY);"), "without O_NOFOLLOW"),
]
ESCAPING = [
    ("src/cli/show.c", body('return puts("x");'), "puts: only cli/output.c"),
    ("src/cli/show.c", body("return fputs(name, stdout);"), "stdout: only cli/output.c"),
    ("src/cli/show.c", body("return !json_object_new_string(name);"), "json_object_new_string"),
    ("src/cli/show.c", body("return scols_line_set_data(l, 0, name);"), "scols_line_set_data"),
]
LICENCES = [
    ("src/base/text.c", "/* A file. */\n", "no SPDX line"),
    ("src/base/text.c", "/* SPDX-License-Identifier: MIT */\n", "another licence"),
    ("scripts/x", "#!/bin/bash\necho\n", "no SPDX line"),
    ("tests/x.py", "import os\n", "no SPDX line"),
    ("include/uapi/linux/x.h", "/* SPDX-License-Identifier: GPL-2.0 */\n",
     "not the kernel's interface"),
]
SIZES = [
    ("src/base/text.c", SPDX + ";\n" * 599, "600 lines"),
    ("src/base/text.c", long_function(60), "f: 60 lines"),
    ("src/base/text.c", "static int\nf(int x,\n  int y)\n{\n" + "\t;\n" * 56 + "}\n",
     "f: 60 lines"),
    ("tests/x.py", "def f():\n" + "    f()\n" * 59, "f: 60 lines"),
]
LINES = [
    ("src/base/text.c", "/*" + "x" * 87 + "*/\n", "90 columns"),
    ("src/base/text.c", "\t" * 11 + "int x;\n", "90 columns"),
    ("docs/x.md", "Words. \n", "white space at the end"),
    ("docs/x.md", "TO" "DO\n", "say what is"),
    ("src/base/text.c", "/* Enough for" " now. */\n", "say what is"),
]
DECLARATIONS = [
    ("src/base/text.h", "#ifndef TEXT_H\n#define TEXT_H\n#endif\n", "PCIFERRY_BASE_TEXT_H"),
    ("src/base/text.h", SPDX + "int x;\n", "the guard is not"),
    ("src/base/text.c", "typedef struct text text;\n", "called by its name"),
]
PLANTED = [
    (rule, *row) for rule, rows in (
        (rules.includes, INCLUDES), (rules.linking, LINKING), (rules.who_opens, OPENS),
        (rules.who_writes, WRITES), (rules.who_prints, PRINTS), (rules.who_exits, EXITS),
        (rules.parsers, PARSERS), (rules.rooted_paths, ROOTED), (rules.escaping, ESCAPING),
        (rules.licences, LICENCES), (rules.sizes, SIZES), (rules.lines_of_text, LINES),
        (rules.declarations, DECLARATIONS))
    for row in rows]


@pytest.mark.parametrize("rule,name,text,words", PLANTED,
                         ids=[f"{row[0].__name__}-{row[3]}" for row in PLANTED])
def test_a_planted_breach_is_found(rule, name, text, words, tree):
    assert not rule(tree)
    plant(tree, name, text)
    found = rule(tree)
    assert len(found) == 1 or name == "src/meson.build"
    assert found[0].startswith(f"{name}:") and words in found[0]


def test_every_rule_has_a_planted_breach():
    assert {row[0] for row in PLANTED} == set(rules.RULES)


ORDINARY = {
    "a call's name in a comment or a text":
        "/* open(2), printf(3), exit(3) on stderr */\nstatic const char t[] = \"open(\";\n",
    "a member, and a name that only ends so":
        body("return ops->open(x) + ops.unlink(x) + pci_open(x) + cli_exit(x);"),
    "a declaration": "int error(int code);\nstatic void access(int x)\n{\n}\n",
    "a text in memory": body("return fprintf(stream, \"%d\", x);"),
    "a parser of bytes":
        "int x_parse(const void *bytes, size_t len, const char *name)\n{\n\treturn 0;\n}\n",
    "a long text for people": "static const char t[] = \"" + "x" * 90 + "\";\n",
    "a function of 59 lines": long_function(59),
}


@pytest.mark.parametrize("text", ORDINARY.values(), ids=ORDINARY)
def test_ordinary_code_is_no_breach(text, tree):
    plant(tree, "src/pci/scan.c", SPDX + text)
    assert not [breach for rule in rules.RULES for breach in rule(tree)]


@pytest.mark.parametrize("rule,table", [
    (rules.who_opens, rooms.MAY_OPEN), (rules.who_writes, rooms.MAY_WRITE),
    (rules.who_exits, rooms.MAY_EXIT), (rules.rooted_paths, rooms.MAY_OPEN_UNROOTED)],
    ids=lambda value: getattr(value, "__name__", ""))
def test_an_exception_that_nothing_needs_is_found(rule, table, tree, monkeypatch):
    monkeypatch.setitem(table, "pci/scan.c", "no more")
    assert [line for line in rule(tree) if "src/pci/scan.c:1: its exception" in line]
