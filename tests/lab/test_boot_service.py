# SPDX-License-Identifier: GPL-2.0-or-later
"""pciferry.service on a whole system: the tab lists a device that the image does not, and its
driver has it when systemd starts the service; it lists virtual functions and huge pages; and a
slice is defined as mdevctl does it, which is not on this system. And what else of pciferry's goes by systemd: display managers, and the cores of a guest.

With MATRIX=systems in the environment, by itself.
"""
import re
import shutil

import pytest

from test_boot import ROOT, Boot, by_itself, installed_files, run

FOUR = ["--smp", "4"]
MTTY = ["--modules", "mtty"]
SLICE, OTHER_SLICE = (f"6a1b2c3d-1111-4222-8333-00000000000{digit}" for digit in "ab")
UNITS = ["system.slice", "user.slice", "init.scope"]

pytestmark = by_itself("two boots of a whole system", "service")
installed = installed_files


@pytest.fixture(name="boots", scope="module")
def boots_with_something_left(installed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("service")
    run(ROOT / "lab/lab", "install", "grub", folder)
    yield {name: Boot(folder, folder / name, *words,
                      options=["--files", installed, *MTTY, *(FOUR if "isolate" in words else [])])
           for name, words in (("first", ["install", "apply", "list_more", "reserve", "slices"]),
                               ("late", ["verify", "service", "show_pages", "show_slices",
                                        "functions"]),
                               ("made", ["verify", "service", "show_functions", "show_slices",
                                        "forget_slices", "display"]),
                               ("again", ["verify", "service", "show_functions", "show_slices",
                                         "isolate"]))}
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


def test_a_slice_is_there_again_after_each_boot(boots):
    """mtty, its parent, is a sample of Linux and no hardware; all else is real."""
    first = boots["first"]
    assert first.status["slice"] == first.status["left_to_the_user"] == 0
    assert OTHER_SLICE in first.text("slices")
    for name in ("late", "made"):
        boot = boots[name]
        assert f"{SLICE}  a slice of mtty, type mtty-2" in boot.text("verify")
        assert boot.status["verify"] == boot.status["service"] == 0
        assert f"{SLICE}: a slice of mtty, type mtty-2" in boot.text("journal")
        assert re.search(rf"{SLICE} +mtty +mtty-2 +auto +active", boot.text("slices"))
        assert boot.status["slice_node"] == 0


def test_a_slice_that_is_not_to_be_there_is_not_made(boots):
    assert boots["made"].status["forget"] == 0
    assert SLICE not in boots["again"].text("slices")
    for name in ("late", "made", "again"):
        assert re.search(rf"{OTHER_SLICE} +mtty +mtty-1 +manual +defined",
                         boots[name].text("slices"))


def without_groups(boot):
    return re.sub(r"\(group \d+\)", "", boot.text("shown"))


@pytest.mark.parametrize("boot", ["made", "again"])
def test_virtual_functions_are_there_again_by_the_same_names(boots, boot):
    first, later = boots["late"], boots[boot]
    assert first.status["functions"] == 0 and first.status["enabled"] == 0
    # The kernel gives groups their numbers as they come, and a slice has one as well.
    assert without_groups(later) == without_groups(first)
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


def cpus(boot, name):
    """By what it is of: where its tasks may run, and of a unit also what systemd was told."""
    assert boot.status[f"{name}-cpus"] == 0
    rows = (line.split(" ", 1) for line in boot.text(f"{name}-cpus").splitlines())
    return dict(rows)


def test_the_host_s_tasks_are_off_a_guest_s_cores_and_come_back(boots):
    """systemd, the kernel and the tasks are real; libvirt is not there: the hook is called as it
    would, and a unit in machine.slice stands for the guest."""
    boot = boots["again"]
    before = cpus(boot, "before")
    assert before["ferry-system"] == before["ferry-user"] == before["ferry-guest"] == "0-3"
    for name, effective in (("begins", "0-2"), ("second-begins", "0,2"), ("ends", "0,2-3")):
        assert boot.status[name] == 0
        now = cpus(boot, name)
        told = effective.replace(",", " ")
        assert [now[unit] for unit in UNITS] == [f"[{effective}] [{told}]"] * len(UNITS)
        assert now["ferry-system"] == now["ferry-user"] == effective.replace("2-3", "2,3")
        assert now["ferry-guest"] == "0-3"
    assert boot.status["second-ends"] == 0
    after = cpus(boot, "second-ends")
    assert [after[unit] for unit in UNITS] == [before[unit] for unit in UNITS]
    assert after["ferry-system"] == after["ferry-user"] == "0-3"
    assert boot.status["left"] == 0 and "isolation" not in boot.text("left")


def test_a_guest_that_would_leave_the_host_no_core_does_not_start(boots):
    boot = boots["again"]
    assert boot.status["all"] == 3
    assert "would leave system.slice none" in boot.text("all")
    assert cpus(boot, "all") == cpus(boot, "second-begins")


def test_what_an_administrator_has_set_is_narrowed_and_comes_back(boots):
    boot = boots["again"]
    assert boot.status["narrows"] == boot.status["widens"] == 0
    assert cpus(boot, "narrows")["user.slice"] == "[0] [0]"
    assert cpus(boot, "reloaded") == cpus(boot, "narrows")
    after = cpus(boot, "widens")
    assert after["user.slice"] == "[0,3] [0 3]" and after["ferry-user"] == "0,3"
    assert after["ferry-system"] == "0-3"
    # Nothing is said of the others, as before, wherever the kernel has it.
    assert after["system.slice"].endswith(" []") and after["init.scope"].endswith(" []")
