# SPDX-License-Identifier: GPL-2.0-or-later
"""history, of what was not there long enough to be described."""
import json
import os

import pytest

from program import run

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a journal is root's")


def test_a_change_whose_power_went_before_it_began_has_no_invented_time(tmp_path):
    folder = tmp_path / "var/lib/pciferry/journal/1"
    folder.mkdir(parents=True)
    (tmp_path / "etc").mkdir()
    folder.parent.chmod(0o700)
    (folder / "after-0").write_text("device ")
    told = run("history", "--root", tmp_path)
    assert told.stdout == "1  ?  undone  nothing was begun\n", told.stderr
    change, = json.loads(run("history", "--json", "--root", tmp_path).stdout)["changes"]
    assert change["state"] == "undone" and change["time"] is None
