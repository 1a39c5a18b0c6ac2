# SPDX-License-Identifier: GPL-2.0-or-later
import os

import pytest

import machine as machines
import strace


@pytest.fixture(name="machine")
def prepared_machine():
    if os.geteuid() != 0:
        pytest.skip("only root changes files of a system")
    if not machines.BUSYBOX.exists():
        pytest.skip("busybox, for the tools, is not installed")
    with machines.machine() as machine:
        yield machine


@pytest.fixture(name="faulty")
def faulty_machine(machine):
    if strace.why_not():
        pytest.skip(strace.why_not())
    return machine
