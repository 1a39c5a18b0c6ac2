# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules of the code. Each is a function from the repository's root to a list of breaches,
"file:line: what". test_rules.py holds the tree to them, test_planted.py shows that each can
fail; rooms.py says who may do what, csource.py reads C."""
import ast
import re
import subprocess

import rooms
from csource import sources

FILE_LINES, FUNCTION_LINES, COLUMNS = 600, 60, 90


def reachable(room):
    """What a room may include: itself, where its arrows point, and so on."""
    found, todo = {room}, [room]
    while todo:
        new = [other for other in rooms.ARROWS[todo.pop()] if other not in found]
        found.update(new)
        todo.extend(new)
    return found


def check_include(source, line, style, path):
    room = source.room
    other, _, header = path.partition("/")
    where = f"src/{source.name}:{line}"
    if style == "<":
        if other in rooms.ARROWS and header:
            return f'{where}: a room\'s header is included as "{path}"'
        return None
    if other not in rooms.ARROWS or not re.fullmatch(r"\w+\.h", header):
        return f'{where}: not "room/file.h": {path}'
    if other not in reachable(room):
        return f"{where}: {room} may not include {other}"
    if header == "internal.h" and other != room:
        return f"{where}: {other}/internal.h is for {other} alone"
    return None


def includes(root):
    """1. Includes go along the arrows."""
    found = []
    for source in sources(root):
        if source.room not in rooms.ARROWS or source.name.count("/") != 1:
            found.append(f"src/{source.name}:1: in no room")
            continue
        for match in re.finditer(r"^\s*#\s*include\b", source.code, re.MULTILINE):
            line = source.line(match.end())
            target = source.text[match.end():].split("\n", 1)[0].strip()
            named = re.match(r'(["<])([^">]*)[">]', target)
            if not named:
                found.append(f"src/{source.name}:{line}: an include says what it includes")
                continue
            found.append(check_include(source, line, *named.groups()))
    return [breach for breach in found if breach]


def linking(root):
    """1. Meson links no more than the arrows allow, and builds every file."""
    text = (root / "src/meson.build").read_text(encoding="utf-8")
    found = []
    for match in re.finditer(r"'(\w+)':\s*\[\s*\[[^\]]*\],\s*\[([^\]]*)\]", text):
        room, line = match.group(1), text.count("\n", 0, match.start()) + 1
        for other in re.findall(r"\w+", match.group(2)):
            if room not in rooms.ARROWS or other not in reachable(room):
                found.append(f"src/meson.build:{line}: {room} may not link {other}")
    for source in sources(root):
        if source.name.endswith(".c") and not re.search(
                rf"'(?:{source.room}/)?{re.escape(source.name.split('/')[-1])}'", text):
            found.append(f"src/{source.name}:1: not built")
    return found


def outside(root, find, may, message):
    """What `find` finds in a source, as (what, offset), outside the rooms and files that may
    have it; and the files of that table that it finds nothing in."""
    found, used = [], set()
    for source in sources(root):
        for what, offset in find(source):
            used.add(source.name)
            if source.room not in may and source.name not in may:
                found.append(f"{source.at(offset)}: {what}: {message}")
    for name in may:
        if "/" in name and name not in used:
            found.append(f"src/{name}:1: its exception is needed no more: {message}")
    return found


def who_opens(root):
    """2. Only base and host open files of the host; who else opens one says why."""
    return outside(root, lambda source: source.calls(rooms.OPENS), rooms.MAY_OPEN,
                   "only base and host open files")


def who_writes(root):
    """2. Only change writes to the host."""
    def find(source):
        yield from source.calls(rooms.WRITES)
        yield from source.words(rooms.WRITE_FLAGS)
    return outside(root, find, rooms.MAY_WRITE, "only change writes")


def find_prints(source):
    yield from source.calls(rooms.PRINTS)
    yield from source.words(rooms.STREAMS)
    for match in re.finditer(r"\bv?d?(?:write|printf)\(\s*[12]\s*,", source.code):
        yield match.group(0), match.start()


def who_prints(root):
    """3. Only cli prints."""
    return outside(root, find_prints, {"cli": "it is for that"}, "only cli prints")


def who_exits(root):
    """3. The program ends where main does, and nowhere else."""
    return outside(root, lambda source: source.calls(rooms.EXITS), rooms.MAY_EXIT,
                   "the program ends where main does")


def parsers(root):
    """3. A parser takes bytes, and opens nothing: each can be fuzzed as it stands."""
    found = []
    for source in sources(root):
        for match in re.finditer(r"\b\w+_parse\w*(?=\()", source.code):
            if source.is_declared(match.start()) and re.search(
                    r"\bstruct (?:host|change)\b|\b(?:FILE|DIR)\b",
                    source.code[source.arguments(match.start())]):
                found.append(f"{source.at(match.start())}: {match.group(0)}: a parser takes"
                             " bytes")
        bodies = [row for row in source.functions() if "_parse" in row[0]]
        for call, offset in source.calls(rooms.OPENS + rooms.HOST_READERS) if bodies else ():
            found += [f"{source.at(offset)}: {name}: a parser takes bytes: {call}"
                      for name, _, start, end in bodies if start < offset < end]
    return found


def rooted_paths(root):
    """4. Paths are resolved beneath the host's root: by rooted_open(), or one component from
    a folder opened so."""
    found = outside(root, lambda source: source.calls(rooms.UNROOTED),
                    rooms.MAY_OPEN_UNROOTED, "goes past the host's root")
    for source in sources(root):
        found += [f"{source.at(offset)}: AT_FDCWD: goes past the host's root"
                  for _, offset in source.words(["AT_FDCWD"])]
        for call, offset in source.calls(rooms.BENEATH):
            taken = source.text[source.arguments(offset)]
            if re.search(r',\s*"/', taken):
                found.append(f"{source.at(offset)}: {call}: an absolute path goes past the"
                             " host's root")
            if call == "openat" and "O_NOFOLLOW" not in taken:
                found.append(f"{source.at(offset)}: {call} without O_NOFOLLOW: a link may"
                             " lead past the host's root")
    return found


def escaping(root):
    """5. What reaches a terminal or JSON goes through cli/output.c, which escapes it."""
    def find(source):
        if source.room == "cli":
            yield from find_prints(source)
            yield from source.calls(rooms.SHOWS)
    return outside(root, find, {"cli/output.c": "it escapes"}, "only cli/output.c shows texts")


def files(root):
    """The repository's files, with what is new; in a folder without git, all."""
    if (root / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-coz", "--exclude-standard"], cwd=root, check=True,
            capture_output=True, text=True).stdout.rstrip("\0").split("\0")
        paths = sorted({root / name for name in listed})
    else:
        paths = sorted(root.rglob("*"))
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def language(path):
    """"c", "python", "shell", "meson"; None for another."""
    by_name = {".c": "c", ".h": "c", ".py": "python", ".sh": "shell"}
    if path.suffix in by_name:
        return by_name[path.suffix]
    if path.name in ("meson.build", "meson_options.txt"):
        return "meson"
    with open(path, "rb") as file:
        first = file.readline(100)
    if not first.startswith(b"#!"):
        return None
    if b"python" in first:
        return "python"
    return "shell" if re.search(rb"\b(?:ba|da|)sh\b", first) else None


# The kernel's headers, as they are.
KERNELS = "include/uapi/linux/"


def code_files(root):
    """(path, its name in messages, language, lines) of each file of code of the project's."""
    for path in files(root):
        kind = language(path)
        if path.relative_to(root).as_posix().startswith(KERNELS):
            continue
        if kind:
            lines = path.read_text(encoding="utf-8").split("\n")
            yield path, path.relative_to(root).as_posix(), kind, lines


def licences(root):
    """6. Each file of code names its licence on its first line, or after "#!"; of another's
    code only the kernel's interface is here, under the kernel's own."""
    found = []
    for path in files(root):
        name = path.relative_to(root).as_posix()
        if name.startswith(KERNELS) and "GPL-2.0 WITH Linux-syscall-note" not in \
                path.read_text(encoding="utf-8").split("\n", 1)[0]:
            found.append(f"{name}:1: not the kernel's interface")
    for _, name, kind, lines in code_files(root):
        begin = r"(?:/\*|//)" if kind == "c" else "#"
        if not any(re.match(begin + r" SPDX-License-Identifier: L?GPL-2\.[01]-or-later\b",
                            line) for line in lines[:2]):
            found.append(f"{name}:1: no SPDX line, or another licence")
    return found


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno - node.lineno + 1


def sizes(root):
    """6. Files under 600 lines, functions under 60."""
    found = []
    for path, name, kind, lines in code_files(root):
        if len(lines) - 1 >= FILE_LINES:
            found.append(f"{name}:1: {len(lines) - 1} lines: it holds two ideas")
        if kind == "python":
            for function, line, count in python_functions("\n".join(lines)):
                if count >= FUNCTION_LINES:
                    found.append(f"{name}:{line}: {function}: {count} lines")
    for source in sources(root):
        for function, offset, _, end in source.functions():
            count = source.line(end) - source.line(offset) + 1
            if count >= FUNCTION_LINES:
                found.append(f"{source.at(offset)}: {function}: {count} lines")
    return found


# Split, so that this file is held to the rule as well.
PROMISES = re.compile(r"\b(?:TO" + "DO|FIX" + "ME|XX" + r"X)\b|\b[Ff]or n" + r"ow\b")
# What the program printed, and what it is given to read, to the last space.
RECORDED = re.compile(r"LICENSES/.*|tests/golden/.*\.txt|tests/fuzz/corpus/.*")


def lines_of_text(root):
    """6. Lines of C within 90 columns, no white space at the end of any line, and no word on
    what will be done one day."""
    found = []
    for path in files(root):
        name = path.relative_to(root).as_posix()
        if RECORDED.fullmatch(name) or name.startswith(KERNELS):
            continue
        try:
            lines = path.read_text(encoding="utf-8").split("\n")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(lines, 1):
            # A text for people is not broken: it would not be found by what it says.
            if path.suffix in (".c", ".h") and '"' not in line and \
                    len(line.expandtabs(8)) > COLUMNS:
                found.append(f"{name}:{number}: more than {COLUMNS} columns")
            if line != line.rstrip():
                found.append(f"{name}:{number}: white space at the end")
            if PROMISES.search(line):
                found.append(f"{name}:{number}: say what is, not what will be")
    return found


def declarations(root):
    """6. A header's guard has the name of its place; a struct is called by its name."""
    found = []
    for source in sources(root):
        if source.name.endswith(".h"):
            guard = "PCIFERRY_" + re.sub(r"\W", "_", source.name).upper()
            if not re.search(rf"\A\s*#ifndef {guard}\n#define {guard}\n.*\n#endif\s*\Z",
                             source.code, re.DOTALL):
                found.append(f"src/{source.name}:1: the guard is not {guard}")
        for match in re.finditer(r"\btypedef\s+(?:const\s+)?(?:struct|union)\b", source.code):
            found.append(f"{source.at(match.start())}: a struct is called by its name")
    return found


RULES = [includes, linking, who_opens, who_writes, who_prints, who_exits, parsers, rooted_paths,
         escaping, licences, sizes, lines_of_text, declarations]
