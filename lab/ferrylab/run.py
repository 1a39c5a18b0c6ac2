# SPDX-License-Identifier: GPL-2.0-or-later
"""One run: starts QEMU, passes the scenario's output on, and finds out how it ended."""
import collections
import contextlib
import os
import re
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import termios
import time

from . import cache, disks, initramfs, kernel as kernels, machine as machines, modules, orders, \
    qemu, quickboot, tools
from .errors import STATUS_DEADLINE, LabError, complain

# A virtual host that has said nothing for so long will not: 20 times what it needs.
BOOT_SECONDS = 240
# From a closed port until QEMU is gone.
POWER_OFF_SECONDS = 10
# How long a virtual host may miss an interrupt (see Port.poke).
POKE_SECONDS = 0.5
CONSOLE_LINES = 15

# kernel: kernel.Kernel. machine: machine.Machine. disks: {device path: file}. The images are
# paths: of the unpacked kernel, and of two initramfs. modules: paths of files that were built.
Parts = collections.namedtuple(
    "Parts", "kernel quick_image host_image guest_image machine disks modules")


def prepare(kernel_name, machine_name, module_names=()):
    """Everything that a run needs."""
    with cache.preparing():
        kernel = kernels.get(kernel_name)
        machine = machines.load(machine_name)
        return Parts(kernel, quickboot.image(kernel), *initramfs.build(kernel), machine,
                     disks.build(machine),
                     [modules.build(kernel, name) for name in module_names])


class EmulatorCrash(LabError):
    """QEMU itself has crashed, and nothing of the scenario has run."""


def run(options, command):
    """Run command in a virtual host; the scenario's status, or 124.

    Once in hundreds of starts QEMU 7.2 crashes in its emulation of several processors, while
    the kernel boots: nothing is lost by another one then, and nothing hidden, as it is said.
    """
    parts = prepare(options.kernel, options.machine, options.modules.split())
    try:
        return run_once(options, command, parts)
    except EmulatorCrash as crash:
        complain(f"{crash}; trying once more")
    return run_once(options, command, parts)


def run_once(options, command, parts):
    folder, lock = cache.new_run_dir()
    with lock:
        token = secrets.token_hex(8)
        orders.write(folder, token, options, command, parts)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            arguments = qemu.command_line(options, parts, theirs.fileno())
            with open(os.path.join(folder, "qemu.log"), "wb") as log, Process(
                    arguments, folder, log, theirs, options.terminal) as process:
                theirs.close()
                status = follow(process, Port(ours, token), options.timeout, folder)
        if options.output:
            shutil.copytree(os.path.join(folder, "out"), options.output, dirs_exist_ok=True)
        return status


def boot(options, image):
    """Start the machine from another initramfs; what it said on its console, and 0 or 124.

    It ends when it powers itself off, or with the deadline.
    """
    parts = prepare(options.kernel, options.machine)._replace(host_image=image)
    folder, lock = cache.new_run_dir()
    with lock:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            arguments = qemu.command_line(options, parts, theirs.fileno())
            with open(os.path.join(folder, "qemu.log"), "wb") as log, Process(
                    arguments, folder, log, theirs, terminal=False) as process:
                status = process.wait(options.timeout)
        if status:
            raise failure("virtual host", f"QEMU ended with status {status}", folder)
        with open(os.path.join(folder, "console.log"), "rb") as console:
            sys.stdout.buffer.write(console.read())
        if status is None:
            complain(f"deadline: not off after {options.timeout} seconds; {_where(folder)}")
        return STATUS_DEADLINE if status is None else 0


class Process:
    """QEMU, which never outlives the lab."""

    def __init__(self, arguments, folder, log, port, terminal):
        # -drive snapshot=on puts its file, already unlinked, into TMPDIR.
        environment = dict(os.environ, TMPDIR=folder)
        self._terminal = sys.stdin.fileno() if terminal else None
        self._settings = termios.tcgetattr(self._terminal) if terminal else None
        self._qemu = subprocess.Popen(
            arguments, cwd=folder, env=environment, pass_fds=[port.fileno()],
            stdin=None if terminal else subprocess.DEVNULL,
            stdout=None if terminal else log, stderr=log,
            # Ctrl-C on the terminal is the lab's to handle.
            start_new_session=not terminal, preexec_fn=tools.die_with_parent)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._qemu.kill()
        self._qemu.wait()
        if self._terminal is not None:
            termios.tcsetattr(self._terminal, termios.TCSADRAIN, self._settings)

    def wait(self, seconds):
        """Its status, negative for a signal; None when it is still there."""
        try:
            return self._qemu.wait(seconds)
        except subprocess.TimeoutExpired:
            return None


class Port:
    """What comes from the virtual host: the scenario's bytes, and init's own lines."""

    def __init__(self, connection, token):
        self._connection = connection
        self._mark = b"\0" + token.encode() + b" "
        self._held = b""

    def read(self, seconds):
        """(bytes for stdout, list of init's lines); EOFError when QEMU has ended."""
        if not select.select([self._connection], [], [], max(0, seconds))[0]:
            return b"", []
        try:
            data = self._connection.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            raise EOFError
        return self._split(self._held + data)

    def poke(self):
        """Interrupt the virtual host's CPU; what is sent is not looked at.

        TCG's VMRUN and #VMEXIT change the CPU's pending interrupts without QEMU's big lock
        (target/i386/tcg/sysemu/svm_helper.c), so that now and then a timer's is lost. It
        would be seen with the next one, but an idle host waits for just that timer: one
        inner guest of ten hung for ever.
        """
        with contextlib.suppress(BlockingIOError, ConnectionError):
            self._connection.send(b"\n", socket.MSG_DONTWAIT)

    def _split(self, data):
        text, lines = b"", []
        while True:
            before, mark, after = data.partition(self._mark)
            if not mark:
                # The beginning of a mark may have been cut off at the end of the data.
                at = data.rfind(b"\0")
                held = at >= 0 and self._mark.startswith(data[at:])
                self._held = data[at:] if held else b""
                return text + (data[:at] if held else data), lines
            text += before
            line, newline, rest = after.partition(b"\n")
            if not newline:
                self._held = mark + after
                return text, lines
            lines.append(line.decode(errors="replace"))
            data = rest
            if line.startswith(b"exit "):
                return text, lines  # a daemon may write on; nobody waits for that


def follow(process, port, timeout, folder, boot_seconds=BOOT_SECONDS):
    """Pass output on until the scenario ends; its status or 124."""
    start = time.monotonic()
    booted = False
    while True:
        limit = timeout if booted else min(timeout, boot_seconds)
        left = start + limit - time.monotonic()
        if left <= 0 and limit == timeout:
            _console_tail(folder)
            complain(f"deadline: no end within {timeout} seconds; {_where(folder)}")
            return STATUS_DEADLINE
        if left <= 0:
            raise failure("virtual host", f"not up after {limit} seconds", folder)
        try:
            text, lines = port.read(min(left, POKE_SECONDS))
        except EOFError:
            crashed = not booted and (process.wait(POWER_OFF_SECONDS) or 0) < 0
            raise failure("virtual host", _death(process, booted, folder), folder,
                          EmulatorCrash if crashed else LabError) from None
        if text:
            sys.stdout.buffer.write(text)
            sys.stdout.buffer.flush()
        elif booted:
            port.poke()
        for line in lines:
            word, _, rest = line.partition(" ")
            if word == "boot":
                booted = True
            elif word == "fail":
                raise failure("virtual host", rest, folder)
            elif word == "exit":
                return int(rest)


def _death(process, booted, folder):
    """One line on a QEMU that ended too early."""
    status = process.wait(POWER_OFF_SECONDS)
    what = "ended before the scenario did" if booted else "did not boot"
    words = _last_lines(os.path.join(folder, "qemu.log"), 1)
    if status:
        how = f"status {status}" if status > 0 else signal.Signals(-status).name
        return f"{what}: QEMU: " + (words[0] if words else how)
    for line in reversed(_last_lines(os.path.join(folder, "console.log"), 200)):
        if line.startswith("lab: ") or "Kernel panic" in line:
            return f"{what}: " + re.sub(r"^(lab: |\[ *[0-9.]+\] )", "", line)
    return f"{what}: powered off or reset from inside"


def failure(subject, message, folder, kind=LabError):
    _console_tail(folder)
    return kind(subject, message, _where(folder))


def _where(folder):
    return "console: " + os.path.join(folder, "console.log")


def _console_tail(folder):
    for line in _last_lines(os.path.join(folder, "console.log"), CONSOLE_LINES):
        print(f"  | {line}", file=sys.stderr)


def _last_lines(path, count):
    try:
        with open(path, "rb") as file:
            text = file.read()[-65536:].decode(errors="replace")
    except OSError:
        return []
    lines = ["".join(c for c in line if c.isprintable() or c == "\t").rstrip()
             for line in text.splitlines()]
    return [line for line in lines if line][-count:]
