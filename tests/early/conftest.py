# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

import made


@pytest.fixture(name="host")
def made_host(tmp_path):
    return made.Host(tmp_path / "host")


@pytest.fixture(name="shell", params=list(made.SHELLS))
def each_shell(request):
    if request.param not in made.shells():
        pytest.skip(f"{request.param} is not installed")
    return request.param
