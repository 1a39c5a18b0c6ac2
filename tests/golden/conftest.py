# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

import checks
import planhost


@pytest.fixture(name="host")
def ready_host(tmp_path):
    """On which every check passes; files of tests that are not of checks have their own."""
    return checks.ready(tmp_path / "host")


@pytest.fixture(name="rooted")
def host_with_a_shell(host):
    """The ready host, in which tools can run."""
    return planhost.can_run(host)


@pytest.fixture(name="off")
def host_with_the_iommu_off(rooted):
    """Before anybody has turned it on."""
    return planhost.turn_off(rooted)
