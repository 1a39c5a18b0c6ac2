# SPDX-License-Identifier: GPL-2.0-or-later
"""The program that is tested, and how it is run."""
import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("PCIFERRY", ROOT / "build/pciferry")).resolve()
SCHEMA = json.loads((ROOT / "docs/pciferry-1.schema.json").read_text())


def run(*args, program=PROGRAM, user=None, **options):
    command = [program, *args]
    if user and os.geteuid() == 0:
        command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, env=environment, **options)


def expect(status, words, *args, **options):
    """That status; those words on standard error; nothing on standard output."""
    done = run(*args, **options)
    assert done.returncode == status, done
    assert words in done.stderr
    assert done.stdout == ""
    assert "Sanitizer" not in done.stderr
    return done.stderr.splitlines()
