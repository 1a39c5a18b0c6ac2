# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

import checks


@pytest.fixture(name="host")
def ready_host(tmp_path):
    """On which every check passes; files of tests that are not of checks have their own."""
    return checks.ready(tmp_path / "host")
