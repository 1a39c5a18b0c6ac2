# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's command line."""
import argparse
import os
import platform
import signal
import sys

from . import diskboot, errors, kernel, machine, run, scenario, systems
from .errors import STATUS_LAB_FAILED, LabError, complain, say
from .qemu import IOMMUS

DEFAULTS = {"timeout": "300", "iommu": "vtd", "machine": None, "memory": "3072",
            "smp": "1", "append": "", "boot": "quick", "modules": ""}

BOOTS = ["quick", "full"]

EPILOG = """\
Exit status of run and shell: the scenario's own; 124 when the deadline passed; 125 when the
lab itself failed. Environment: PCIFERRY (the program to be tested), PCIFERRY_LAB_CACHE (the
cache folder), PCIFERRY_LAB_ACCEL (tcg or kvm)."""


class Parser(argparse.ArgumentParser):
    """A usage error must not look like a scenario's status."""

    def error(self, message):
        raise LabError("usage", message, f"see {self.prog} --help")


def _parser():
    parser = Parser(prog="lab/lab", description="A virtual host to try PCI passthrough on.",
                    epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
                    allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    command = commands.add_parser("run", help="run a scenario", allow_abbrev=False)
    _add_options(command)
    command.add_argument("scenario", metavar="SCENARIO",
                         help="a file, or a name that the command list shows")
    command.add_argument("arguments", metavar="ARG", nargs=argparse.REMAINDER)

    command = commands.add_parser("shell", help="an interactive root shell",
                                  allow_abbrev=False)
    _add_options(command)

    command = commands.add_parser(
        "boot", help="start the machine from another initramfs, until it powers off",
        allow_abbrev=False)
    _add_options(command)
    command.add_argument("image", metavar="INITRAMFS")

    command = commands.add_parser("prepare", help="download and build what run needs",
                                  allow_abbrev=False)
    command.add_argument("--kernel", action="append", help="may be given more than once")
    command.add_argument("--machine", default="default", choices=machine.names())

    command = commands.add_parser("install", help="a fresh disk with a whole system",
                                  allow_abbrev=False)
    command.add_argument("system", choices=systems.SYSTEMS,
                         help="; ".join(f"{name}: {system.summary}"
                                        for name, system in systems.SYSTEMS.items()))
    command.add_argument("folder", metavar="FOLDER",
                         help="for disk.qcow2, and vars.fd, the firmware's variables")

    command = commands.add_parser(
        "start", help="boot such a disk, run a scenario in it, power it off", allow_abbrev=False)
    _add_options(command)
    command.add_argument("--files", metavar="DIR", help="for the scenario to read, $LAB_FILES")
    command.add_argument("--qmp", metavar="SOCKET", help="where QEMU listens for QMP")
    command.add_argument("folder", metavar="FOLDER")
    command.add_argument("scenario", metavar="SCENARIO", help="a file")
    command.add_argument("arguments", metavar="ARG", nargs=argparse.REMAINDER)

    commands.add_parser("list", help="the scenarios", allow_abbrev=False)
    return parser


def _add_options(command):
    command.add_argument("--iommu", choices=IOMMUS,
                         help="VT-d (default), AMD-Vi, VT-d that cannot remap interrupts, VT-d "
                              "left off by the kernel, no IOMMU")
    command.add_argument("--kernel", metavar="6.1|6.12|host|DIR",
                         help="default: the kernel that this system would install")
    command.add_argument("--machine", choices=machine.names(),
                         help="default; for AMD-Vi: flat")
    command.add_argument("--timeout", metavar="SECONDS", help="for boot and scenario; 300")
    command.add_argument("--memory", metavar="MIB", help="3072")
    command.add_argument("--smp", metavar="N",
                         help="1; above that, KVM inside the virtual host aborts under TCG")
    command.add_argument("--boot", choices=BOOTS,
                         help="full: the packaged kernel image, with a VGA text console; "
                              "5 seconds slower under TCG")
    command.add_argument("--modules", metavar="NAMES",
                         help="modules of lab/host/modules, built for its kernel")
    command.add_argument("--append", metavar="WORDS", help="for the kernel's command line")
    command.add_argument("--quiet", action="store_true",
                         help="on stderr only errors")
    command.add_argument("--output", metavar="DIR",
                         help="where to copy what the scenario leaves in $LAB_OUT")


def _fill_in(options, settings):
    """An option not given comes from the scenario's header, then from the defaults."""
    for name in scenario.SETTINGS:
        if getattr(options, name) is None:
            setattr(options, name, settings.get(name, DEFAULTS.get(name)))
    for name in ("timeout", "memory", "smp"):
        value = getattr(options, name)
        if not value.isdecimal() or int(value) == 0:
            raise LabError(name, f"{value}: not a positive number")
        setattr(options, name, int(value))
    for name, allowed in (("iommu", IOMMUS), ("boot", BOOTS)):
        value = getattr(options, name)
        if value not in allowed:
            raise LabError(name, f"{value}: not one of " + " ".join(allowed))
    if options.machine not in [None] + machine.names():
        raise LabError("machine", f"{options.machine}: not one of "
                       + " ".join(machine.names()))
    options.machine = options.machine or ("flat" if options.iommu == "amd" else "default")
    options.kernel = options.kernel or kernel.default_name()
    if options.output:
        options.output = os.path.abspath(options.output)


def _run(options):
    chosen = scenario.find(options.scenario)
    _fill_in(options, chosen.settings)
    options.terminal = False
    errors.quiet = options.quiet
    return run.run(options, scenario.command(chosen.path) + options.arguments)


def _shell(options):
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise LabError("shell", "needs a terminal", "use run with a scenario")
    _fill_in(options, {"timeout": str(24 * 3600)})
    options.terminal = True
    say("starting the virtual host; leave it with exit or Ctrl-D")
    return run.run(options, ["/bin/bash", "-i"])


def _boot(options):
    if not os.path.isfile(options.image):
        raise LabError(options.image, "no such file")
    _fill_in(options, {})
    options.terminal = False
    errors.quiet = options.quiet
    return run.boot(options, os.path.realpath(options.image))


def _install(options):
    diskboot.install(options.system, os.path.realpath(options.folder))
    return 0


def _start(options):
    chosen = scenario.find(options.scenario)
    # No guest in it uses KVM.
    _fill_in(options, {"smp": "2", **chosen.settings})
    options.terminal = False
    errors.quiet = options.quiet
    for name in ("folder", "files", "qmp"):
        value = getattr(options, name)
        setattr(options, name, value and os.path.realpath(value))
    return diskboot.start(options, [chosen.path] + options.arguments)


def _prepare(options):
    for name in options.kernel or [kernel.default_name()]:
        run.prepare(name, options.machine)
    return 0


def _list(_options):
    every_one = scenario.every_one()
    width = max(len(one.name) for one in every_one)
    for one in every_one:
        print(f"{one.name:{width}}  {one.settings.get('', '')}")
    return 0


COMMANDS = {"run": _run, "shell": _shell, "boot": _boot, "install": _install, "start": _start,
            "prepare": _prepare, "list": _list}


def _terminate(number, _frame):
    # Leaves every `with`, so that QEMU ends too.
    sys.exit(128 + number)


def main(arguments):
    """The whole program; returns the exit status."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _terminate)
    try:
        if platform.machine() != "x86_64":
            raise LabError(platform.machine(), "the virtual host is for x86_64 only")
        options = _parser().parse_args(arguments)
        return COMMANDS[options.command](options)
    except LabError as error:
        complain(str(error))
        return STATUS_LAB_FAILED
    except BrokenPipeError:
        # Who read the output is gone; Python would complain about that at its end again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return STATUS_LAB_FAILED
    except OSError as error:
        complain(f"{error.filename or 'system'}: {error.strerror}")
        return STATUS_LAB_FAILED
