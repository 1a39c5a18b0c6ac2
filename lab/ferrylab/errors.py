# SPDX-License-Identifier: GPL-2.0-or-later
"""What the lab says when it fails, and the statuses it ends with."""
import sys

# As timeout(1) and env(1) use them: out of the way of a scenario's own statuses.
STATUS_DEADLINE = 124
STATUS_LAB_FAILED = 125


class LabError(Exception):
    """The lab itself failed. One line: the subject, what happened, the way out."""

    def __init__(self, subject, message, way_out=None):
        text = f"{subject}: {message}"
        if way_out:
            text += f"; {way_out}"
        super().__init__(text)


# Set by --quiet.
quiet = False


def complain(text):
    """An error, on stderr: stdout belongs to the scenario."""
    print(f"lab: {text}", file=sys.stderr, flush=True)


def say(text):
    """What takes time, or is worth knowing."""
    if not quiet:
        complain(text)
