# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules of the code. Each is a function from the repository's root to a list of breaches,
"file:line: what"; test_rules.py holds the tree to them and shows that each can fail."""
import re

# A room may include those named, and what they may include.
ARROWS = {
    "base": [],
    "host": ["base"],
    "pci": ["host"],
    "iommu": ["pci"],
    "usage": ["iommu"],
    "vfio": ["iommu"],
    "bootcfg": ["pci"],
    "change": ["host"],
    "boot": ["change", "bootcfg"],
    "bind": ["change", "usage"],
    "vm": ["bind", "boot", "vfio"],
    "check": ["usage", "bootcfg", "vm"],
    "plan": ["check", "boot", "bind", "vm"],
}
ARROWS["cli"] = list(ARROWS)

OPENS = ("open openat openat2 creat fopen freopen opendir fdopendir readlink readlinkat stat "
         "lstat fstatat access faccessat realpath rooted_open rooted_readlink").split()
WRITES = ("unlink unlinkat rename renameat mkdir mkdirat rmdir symlink symlinkat link chmod "
          "fchmod fchmodat chown truncate ftruncate mknod mount umount init_module "
          "atomic_replace write_all").split()
PRINTS = ("printf fprintf vprintf vfprintf dprintf puts fputs putchar fputc putc perror warn "
          "warnx err errx error syslog fwrite").split()
EXITS = "exit _exit _Exit abort quick_exit".split()
SHOWS = ("scols_line_set_data scols_line_refer_data scols_line_set_column_data "
         "json_object_new_string json_object_new_string_len").split()

# file: {call: why}. A row that nothing needs any more is a breach as well.
MAY_OPEN = {
    "vfio/group.c": {"rooted_open": "the VFIO node: an ioctl needs the descriptor itself"},
    "change/lock.c": {"openat": "its own folder and locks in /run/pciferry",
                      "rooted_open": "the way there"},
    "change/state.c": {"openat": "the folder a file is made in", "faccessat": "is it there?",
                       "rooted_open": "the way there"},
    "change/step.c": {"rooted_open": "the attribute that a step writes"},
    "cli/open.c": {"open": "the recording or folder that the user named"},
    "cli/record.c": {"open": "the folder of the file that the user named",
                     "faccessat": "is that file there already?"},
    "cli/vm.c": {"access": "files that the user named, and the program"},
}
MAY_WRITE = {
    "cli/record.c": {"atomic_replace": "the recording, which the user named"},
}
MAY_PRINT = {
    "cli/vm.c": {"fprintf": "into memory, by open_memstream"},
}
MAY_EXIT = {"base/child.c": {"_exit": "the end of the child that it made"}}

FILE_LINES, FUNCTION_LINES, COLUMNS = 600, 60, 90


def strip(text, keep_strings=False):
    """Blanks comments, and the insides of strings, keeping lines and columns."""
    def blank(match):
        token = match.group(0)
        if token.startswith(("//", "/*")):
            return re.sub(r"[^\n]", " ", token)
        if keep_strings:
            return token
        return token[0] + re.sub(r"[^\n]", " ", token[1:-1]) + token[-1]

    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, blank, text, flags=re.DOTALL)


def sources(root):
    """(room, "room/file", text) of every C file."""
    for path in sorted((root / "src").glob("*/*.[ch]")):
        yield path.parent.name, f"{path.parent.name}/{path.name}", path.read_text()


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def calls(text, names):
    """(name, line) of each call in stripped text; members and declarations are no calls."""
    pattern = r"(?<![\w.>])(" + "|".join(names) + r")\s*\("
    for match in re.finditer(pattern, text):
        yield match.group(1), line_of(text, match.start())


def reachable(room):
    rooms, todo = {room}, [room]
    while todo:
        for other in ARROWS[todo.pop()]:
            if other not in rooms:
                rooms.add(other)
                todo.append(other)
    return rooms


def includes(root):
    """1. Includes go along the arrows; meson links no more than they allow."""
    found = []
    for room, name, text in sources(root):
        text = strip(text, keep_strings=True)
        for match in re.finditer(r'^\s*#\s*include\s+"([^"]*)"', text, re.MULTILINE):
            where = f"{name}:{line_of(text, match.start())}"
            other, slash, header = match.group(1).partition("/")
            if room not in ARROWS:
                found.append(f"{where}: {room} is no room")
            elif not slash or other not in ARROWS:
                found.append(f"{where}: not \"room/file.h\": {match.group(1)}")
            elif other not in reachable(room):
                found.append(f"{where}: {room} may not include {other}")
            elif header == "internal.h" and other != room:
                found.append(f"{where}: {other}/internal.h is for {other} alone")
    meson = (root / "src/meson.build").read_text()
    for room, linked in re.findall(r"'(\w+)': \[\s*\[[^\]]*\],\s*\[([^\]]*)\]", meson):
        for other in re.findall(r"'(\w+)'", linked):
            if other not in reachable(room):
                found.append(f"meson.build: {room} may not link {other}")
    return found


def breaches(root, names, free_rooms, exceptions, what):
    """Calls outside the rooms that may, less the exceptions; and exceptions without use."""
    found, used = [], set()
    for room, name, text in sources(root):
        if room in free_rooms:
            continue
        for call, line in calls(strip(text), names):
            if call in exceptions.get(name, {}):
                used.add((name, call))
            else:
                found.append(f"{name}:{line}: {call}: {what}")
    for name, rows in exceptions.items():
        for call in rows:
            if (name, call) not in used:
                found.append(f"{name}: the exception for {call} is needed no more")
    return found


def who_opens(root):
    """2a. Only base and host open files of the host."""
    return breaches(root, OPENS, {"base", "host"}, MAY_OPEN, "only base and host open files")


def who_writes(root):
    """2b. Only change writes to the host."""
    return breaches(root, WRITES, {"base", "change"}, MAY_WRITE, "only change writes")


def who_prints(root):
    """3. Only cli prints or exits; a parser takes bytes, never a path or a host."""
    found = breaches(root, PRINTS, {"cli"}, {}, "only cli prints")
    found += breaches(root, EXITS, set(), MAY_EXIT, "only the end of main ends the program")
    for _, name, text in sources(root):
        text = strip(text)
        for match in re.finditer(r"\b\w+_parse\w*\(([^;{)]*)\)\s*[;{]", text):
            if re.search(r"struct host\b|\bpath\b|\bFILE\b", match.group(1)):
                found.append(f"{name}:{line_of(text, match.start())}: a parser takes bytes")
    return found


def rooted_paths(root):
    """4. No absolute path of the host is opened: all go beneath the host's root."""
    found = []
    allowed = {("base/child.c", "/dev/null"), ("cli/vm.c", "/dev/kvm")}
    names = "|".join(OPENS + WRITES + ["host_read", "host_read_file", "host_list",
                                       "host_exists", "host_dir_open", "host_link_name",
                                       "host_link_target", "host_read_number"])
    for _, name, text in sources(root):
        text = strip(text, keep_strings=True)
        for match in re.finditer(r"(?<![\w.>])(" + names + r')\s*\(([^;"]*)"(/[^"]+)"', text):
            if (name, match.group(3)) not in allowed:
                found.append(f"{name}:{line_of(text, match.start())}: {match.group(3)} is"
                             " opened past the host's root")
    return found


def escaping(root):
    """5. What reaches a terminal or JSON goes through output.c, which escapes it."""
    found = []
    for room, name, text in sources(root):
        if room != "cli" or name == "cli/output.c":
            continue
        for call, line in calls(strip(text), PRINTS + SHOWS + ["write"]):
            if call not in MAY_PRINT.get(name, {}):
                found.append(f"{name}:{line}: {call}: only output.c writes to the terminal")
        for match in re.finditer(r"\b(stdout|stderr)\b", strip(text)):
            found.append(f"{name}:{line_of(text, match.start())}: {match.group(1)}:"
                         " only output.c writes to the terminal")
    return found


def functions(text):
    """(name, first line, lines) of each function: from its brace in column 1 to the last."""
    lines = text.split("\n")
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            yield lines[start - 2].strip()[:60], start, number - start + 1
            start = None


def shape(root):
    """6. Sizes, guards, licences, and no words about what will be done one day."""
    found = []
    for room, name, text in sources(root):
        lines = text.split("\n")
        if "SPDX-License-Identifier: " not in lines[0]:
            found.append(f"{name}:1: no SPDX line")
        if len(lines) > FILE_LINES + 1:
            found.append(f"{name}: {len(lines)} lines, more than {FILE_LINES}")
        for number, line in enumerate(lines, 1):
            if len(line.expandtabs(8)) > COLUMNS:
                found.append(f"{name}:{number}: more than {COLUMNS} columns")
            if line != line.rstrip():
                found.append(f"{name}:{number}: white space at the end")
            if re.search(r"\b(TODO|FIXME|XXX)\b|for now\b", line):
                found.append(f"{name}:{number}: say what is, not what will be")
            if re.match(r"\s*typedef\s+struct\b", line):
                found.append(f"{name}:{number}: a struct is called by its name")
        for function, line, count in functions(strip(text)):
            if count > FUNCTION_LINES:
                found.append(f"{name}:{line}: {function}: {count} lines")
        if name.endswith(".h"):
            guard = f"PCIFERRY_{room}_{name.split('/')[1][:-2]}_H".upper()
            if f"#ifndef {guard}\n#define {guard}\n" not in text:
                found.append(f"{name}: the guard is not {guard}")
    return found


RULES = [includes, who_opens, who_writes, who_prints, rooted_paths, escaping, shape]
