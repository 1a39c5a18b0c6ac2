# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults at each system call by which a change does anything."""
import collections
import functools
import re
import subprocess

# Those of this program's own; openat only where it makes a file or a folder is opened to be
# written to, which the log of a first run tells.
CALLS = ("openat write renameat unlinkat fsync mkdirat fchmod fchown utimensat fsetxattr "
         "fremovexattr pipe2 clone,clone3,fork,vfork waitid wait4").split()

# Those of the process that becomes the tool.
CHILD_CALLS = "execve chroot dup2 setsid prctl".split()


def count(machine, what):
    """The numbers of the interesting ones of each call, from a run without a fault."""
    log = machine.root / "run/strace.log"
    done = machine.run(what, "strace", "-o", log, "-e", "trace=" + ",".join(CALLS))
    assert done.returncode == 0, done.stderr
    found, seen = collections.defaultdict(list), collections.Counter()
    group = {name: call for call in CALLS for name in call.split(",")}
    for line in log.read_text().splitlines():
        name = re.match(r"\w*", line).group()
        if name not in group:
            continue
        seen[name] += 1
        if name != "openat" or "O_CREAT" in line:
            found[group[name]].append(seen[name])
    log.unlink()
    return found


def inject(machine, what, call, fault, *options):
    """Runs it with a fault at a call: "error=EIO:when=5"."""
    return machine.run(what, "strace", "-o", "/dev/null", *options, "-e", f"trace={call}",
                       "-e", f"inject={call}:{fault}")


@functools.lru_cache(maxsize=None)
def why_not():
    """Why faults cannot be made here; None: they can."""
    try:
        done = subprocess.run(["strace", "-o", "/dev/null", "-e", "trace=getppid", "-e",
                               "inject=getppid:error=EIO:when=1", "true"],
                              capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "strace is not installed"
    return None if done.returncode == 0 else f"strace: {done.stderr.strip()}"
