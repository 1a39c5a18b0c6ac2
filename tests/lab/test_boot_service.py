# SPDX-License-Identifier: GPL-2.0-or-later
"""pciferry.service on a whole system: the tab lists a device that the image does not, and its
driver has it when systemd starts the service; and it lists virtual functions and huge pages.

With MATRIX=systems in the environment, by itself.
"""
import re
import shutil

import pytest

from test_boot import ROOT, Boot, by_itself, installed_files, run

pytestmark = by_itself("two boots of a whole system", "service")
installed = installed_files


@pytest.fixture(name="boots", scope="module")
def boots_with_something_left(installed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("service")
    run(ROOT / "lab/lab", "install", "grub", folder)
    yield {name: Boot(folder, folder / name, *words, options=["--files", installed])
           for name, words in (("first", ["install", "apply", "list_more", "reserve"]),
                               ("late", ["verify", "service", "show_pages", "functions"]),
                               ("made", ["verify", "service", "show_functions", "display"]),
                               ("again", ["verify", "service", "show_functions"]))}
    shutil.rmtree(folder)


def test_what_the_image_does_not_list_is_bound_by_the_service(boots):
    first, late = boots["first"], boots["late"]
    assert first.status["apply"] == 0
    address = late.at["NVME_SWAP"]
    assert address in (late.output / "tab").read_text()
    assert not re.search(rf"pciferry: bound: .*{re.escape(address)}", late.log)
    assert late.names("nvme", address), "its driver was to have it first"
    assert late.driver[address] == "vfio-pci"
    assert late.driver[late.at["NVME_FREE"]] == "vfio-pci"
    assert late.driver[late.at["NVME_MOUNTED"]] == "nvme"


def test_the_service_says_that_all_is_as_it_is_to_be(boots):
    late = boots["late"]
    assert late.status["service"] == 0 and late.status["verify"] == 0
    assert late.at["NVME_SWAP"] in late.text("journal")


def test_huge_pages_are_reserved_by_the_service(boots):
    first, late = boots["first"], boots["late"]
    assert first.status["reserve"] == 0
    assert "pciferry.service reserves them" in first.text("reserve")
    assert first.text("pages").strip() == "0"
    assert late.text("pages").strip() == "64"
    assert "node 0  64 huge pages of 2 MiB" in late.text("verify")
    assert "64 huge pages of 2 MiB are reserved" in late.text("journal")


@pytest.mark.parametrize("boot", ["made", "again"])
def test_virtual_functions_are_there_again_by_the_same_names(boots, boot):
    first, later = boots["late"], boots[boot]
    assert first.status["functions"] == 0 and first.status["enabled"] == 0
    assert later.text("shown") == first.text("shown")
    for i in (0, 1):
        assert f"vf{i} " in later.text("shown")
    functions = re.findall(r"vf\d +(\S+) +vfio-pci", later.text("shown"))
    assert len(functions) == 2
    for address in functions:
        assert not later.names("nvme", address), "no driver of the host's was to have it"
    assert later.status["service"] == 0 and later.status["verify"] == 0


def test_a_display_manager_is_stopped_for_its_card_and_started_again(boots):
    made = boots["made"]
    assert made.status["card_in_use"] == 3
    assert made.status["card_goes"] == 0
    assert "ferry-display.service" in made.text("card_goes")
    assert made.text("stopped").strip() == "inactive"
    assert made.status["card_back"] == 0
    assert made.text("started").strip() == "active"
