# SPDX-License-Identifier: GPL-2.0-or-later
"""As much of C as the rules need: comments and strings told from code, calls, functions."""
import bisect
import re

TOKEN = re.compile(
    r"//(?:\\.|[^\\\n])*"            # a backslash at the end of the line goes on
    r"|/\*.*?(?:\*/|\Z)"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'(?:\\.|[^'\\\n])*'",
    re.DOTALL)


def spaces(text):
    return re.sub(r"[^\n]", " ", text)


def blank(match):
    token = match.group(0)
    if token.startswith("/"):
        return spaces(token)
    return token[0] + spaces(token[1:-1]) + token[-1]


class Source:
    """One file: `text` as it is; `code` without comments and with empty strings and character
    constants, every other character where it was."""

    def __init__(self, path, name):
        self.name = name                       # "room/file.c"
        self.room = name.split("/")[0]
        self.text = path.read_text(encoding="utf-8")
        self.code = TOKEN.sub(blank, self.text)
        self.starts = [match.end() for match in re.finditer(r"\n|\A", self.text)]

    def line(self, offset):
        return bisect.bisect_right(self.starts, offset)

    def at(self, offset):
        return f"src/{self.name}:{self.line(offset)}"

    def is_declared(self, offset):
        """Whether a name here is a function's own, in its definition or declaration: these
        alone begin in the first column."""
        prefix = self.code[self.starts[self.line(offset) - 1]:offset]
        return not prefix or (not prefix[0].isspace() and
                              re.fullmatch(r"(?!(?:return|else)\b)[\w\s*]+", prefix))

    def calls(self, names):
        """(name, offset) of each call of these; a member of a struct is no such call."""
        pattern = r"(?<!->)(?<![\w.])(" + "|".join(names) + r")\s*\("
        for match in re.finditer(pattern, self.code):
            if not self.is_declared(match.start()):
                yield match.group(1), match.start()

    def words(self, names):
        for match in re.finditer(r"\b(" + "|".join(names) + r")\b", self.code):
            yield match.group(1), match.start()

    def arguments(self, offset):
        """Where the text between the first bracket after offset and its partner is."""
        start = self.code.index("(", offset) + 1
        depth = 1
        for match in re.finditer(r"[()]", self.code[start:]):
            depth += 1 if match.group(0) == "(" else -1
            if not depth:
                return slice(start, start + match.start())
        return slice(start, None)

    def functions(self):
        """(name, offset of the name, offset of "{", offset of "}") of each definition. Both
        braces of one stand alone in the first column, and no others do."""
        for match in re.finditer(r"^\{$(.*?)^\}$", self.code, re.MULTILINE | re.DOTALL):
            head_start = max(self.code.rfind(mark, 0, match.start()) for mark in ";}") + 1
            head = re.sub(r"^[ \t]*#.*$", lambda line: spaces(line.group(0)),
                          self.code[head_start:match.start()], flags=re.MULTILINE)
            for name in re.finditer(r"(\w+)\s*\(", head):
                if name.group(1) != "__attribute__" and self.is_declared(
                        head_start + name.start()):
                    yield (name.group(1), head_start + name.start(), match.start(),
                           match.end() - 1)
                    break


def sources(root):
    """Every C file of the rooms."""
    for path in sorted((root / "src").glob("**/*.[ch]")):
        yield Source(path, path.relative_to(root / "src").as_posix())
