# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole job on the virtual host: real kernel, drivers, IOMMU groups, VFIO and KVM; the
devices, the IOMMU and the processor are QEMU's.

MATRIX in the environment (make check-full sets it) adds the other kernel.
"""
import json
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCENARIOS = ROOT / "tests/lab/scenarios"
LOOP = ROOT.parent / "shared/cases/seed-host/check_iommu.sh"
FULL = bool(os.environ.get("MATRIX"))

HOSTS = [("vtd", "6.1"), ("amd", "6.1")]
if FULL:
    HOSTS += [("vtd", "6.12"), ("amd", "6.12")]


def lab(scenario, *args, iommu="vtd", kernel="6.1", options=()):
    """Runs a scenario; its output, which is shown when it fails."""
    command = [ROOT / "lab/lab", "run", "--iommu", iommu, "--kernel", kernel, *options,
               scenario, *args]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, cwd=ROOT)
    print(done.stdout[-20000:])
    print(done.stderr[-4000:])
    assert done.returncode == 0, "\n".join(
        line for line in done.stdout.splitlines() if line.startswith("FAIL"))
    return done.stdout


def sections(output):
    """The parts between the lines "=== NAME"."""
    parts = re.split(r"^=== (\w+)\n", output, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def parse_lspci(text):
    """What lspci -Dvmmnnk prints, by address: {key: (name, id)}."""
    devices = {}
    for block in text.strip().split("\n\n"):
        entry = {}
        for line in block.splitlines():
            key, value = line.split(":\t", 1)
            match = re.fullmatch(r"(.*) \[([0-9a-f]{4})\]", value)
            entry.setdefault(key, match.groups() if match else (value, value))
        devices[entry["Slot"][0]] = entry
    return devices


def compare_device(ours, theirs):
    """A name that lspci does not know it shows as "Device" or leaves to the ID."""
    def name(text):
        return None if text in ("Vendor", "Device", "") else text

    assert ours["class"][:4] == theirs["Class"][1]
    assert ours["class_name"] == theirs["Class"][0]
    assert ours["vendor_id"] == theirs["Vendor"][1]
    assert ours["device_id"] == theirs["Device"][1]
    assert ours["vendor_name"] == name(theirs["Vendor"][0])
    assert ours["device_name"] == name(theirs["Device"][0])
    if "SVendor" in theirs and ours["class"][:4] != "0604":
        assert ours["subsystem_vendor_id"] == theirs["SVendor"][1]
        assert ours["subsystem_device_id"] == theirs["SDevice"][1]
    assert ours["driver"] == theirs.get("Driver", (None,))[0]
    # AMD's own IOMMU is a function that is in no group.
    group = theirs.get("IOMMUGroup")
    assert ours["iommu_group"] == (int(group[0]) if group else None)


def parse_loop(text):
    groups = {}
    for line in text.splitlines():
        if line.startswith("IOMMU Group "):
            number = int(line.split()[2].rstrip(":"))
            groups.setdefault(number, set())
        elif line.strip():
            address = line.split()[0]
            groups[number].add(address if address.count(":") == 2 else f"0000:{address}")
    return groups


@pytest.mark.parametrize("iommu,kernel", HOSTS)
def test_list_says_what_lspci_and_the_loop_of_the_guides_say(iommu, kernel):
    # Its text: what is beside the sources need not be in the virtual host.
    loop = LOOP.read_text(encoding="utf-8") if LOOP.exists() else "-"
    parts = sections(lab(SCENARIOS / "compare.sh", str(loop), iommu=iommu, kernel=kernel))
    ours = json.loads(parts["list"])
    theirs = parse_lspci(parts["lspci"])
    devices = {device["address"]: device for device in ours["devices"]}
    assert len(devices) > 20
    assert devices.keys() == theirs.keys()
    for address, device in devices.items():
        compare_device(device, theirs[address])
    groups = {group["number"]: set(group["devices"]) for group in ours["groups"]}
    assert groups == parse_loop(parts["groups"])


def groups_of(output, key):
    """The groups by that key of the devices, as sets of addresses; and the devices."""
    devices = json.loads(sections(output)["list"])["devices"]
    groups = {}
    for device in devices:
        groups.setdefault(device[key], set()).add(device["address"])
    alone = groups.pop(None, set())
    return sorted(map(sorted, groups.values())), sorted(alone), devices


# How each machine is started with its IOMMU left off.
OFF = {"vtd": ["--append", "intel_iommu=off"], "amd": ["--append", "amd_iommu=off"]}


@pytest.mark.parametrize("iommu,kernel", HOSTS)
def test_predicted_groups_are_what_the_kernel_makes(iommu, kernel):
    """Ports with and without ACS, a conventional bus, functions of a slot, VFs."""
    scenario = SCENARIOS / "predict.sh"
    off = lab(scenario, iommu=iommu, kernel=kernel, options=OFF[iommu])
    on = lab(scenario, iommu=iommu, kernel=kernel)
    assert groups_of(off, "iommu_group")[0] == []
    predicted, alone, devices = groups_of(off, "predicted_group")
    real, without, _ = groups_of(on, "iommu_group")
    assert len(devices) > 25 and len(real) > 15
    assert any(len(group) > 1 for group in real)
    assert any(device["physical_function"] for device in devices)
    assert predicted == real and alone == without
    assert predicted == groups_of(on, "predicted_group")[0]
    assert not any(device["predicted_uncertain"] for device in devices)


def test_a_device_in_use_stays_where_it_is_and_bad_input_changes_nothing():
    lab(SCENARIOS / "refuse.sh")


def test_binding_again_and_again_leaves_nothing_behind():
    lab(SCENARIOS / "cycles.sh", *(["100"] if FULL else []))


def test_a_disk_that_is_taken_between_the_last_look_and_the_unbind_stays():
    lab(SCENARIOS / "race.sh")


def test_what_the_tab_lists_is_bound_late_group_by_group():
    lab(SCENARIOS / "bind-tab.sh")


def test_a_group_is_given_to_a_user_and_to_nobody_else():
    lab(SCENARIOS / "user.sh")


def test_libvirts_guests_get_their_devices_by_the_hook_and_give_them_back():
    """Real libvirtd, QEMU and VFIO; the guests have no system, and wait in their firmware."""
    lab(SCENARIOS / "hook.sh")


def test_a_guests_devices_come_back_however_it_ends_and_it_runs_as_a_user():
    lab(SCENARIOS / "vm-run.sh")


def test_a_guest_that_vm_run_starts_has_what_was_asked_for_and_leaves_nothing():
    lab(SCENARIOS / "vm-run-more.sh")


def test_what_a_guest_that_vm_run_starts_plays_is_heard_at_the_host():
    lab(SCENARIOS / "vm-run-audio.sh")


def test_a_guest_that_vm_run_starts_has_usb_devices_that_only_root_may_open():
    lab(SCENARIOS / "vm-run-usb.sh")


def test_the_threads_and_memory_of_a_guest_that_vm_run_starts_are_where_it_was_said():
    lab(SCENARIOS / "vm-run-tune.sh")


def test_guests_that_are_defined_for_libvirt_see_their_devices_and_give_them_back():
    lab(SCENARIOS / "vm-create.sh")


def test_a_guest_has_usb_devices_inputs_a_folder_and_new_disks_of_its_host():
    lab(SCENARIOS / "vm-parts.sh")


def test_a_guests_threads_and_memory_are_where_it_was_said():
    lab(SCENARIOS / "vm-tune.sh")


def test_a_running_guest_gets_devices_and_lets_go_of_them():
    lab(SCENARIOS / "vm-attach.sh")


def test_huge_pages_of_a_node_are_reserved_or_it_is_said_how_many_are_lacking():
    lab(SCENARIOS / "pages.sh")


def test_virtual_functions_are_made_named_bound_and_kept_while_in_use():
    lab(SCENARIOS / "vf.sh", *(["all"] if FULL else []))


def test_virtual_functions_of_each_boot_are_made_and_verified():
    lab(SCENARIOS / "vf-persist.sh")


def test_a_card_that_shows_a_picture_goes_and_comes_back_with_what_showed_it():
    lab(SCENARIOS / "display.sh")


def test_the_firmware_s_framebuffer_does_not_keep_a_card():
    lab(SCENARIOS / "firmware-picture.sh", options=[
        "--machine", "firmware-picture", "--boot", "full",
        "--append", "vga=0x314 modprobe.blacklist=bochs"])


def test_settings_of_a_device_come_and_go_with_its_driver():
    lab(SCENARIOS / "settings.sh")


def test_virtual_functions_are_set_before_a_driver_has_them_or_nothing_is_left():
    lab(SCENARIOS / "vf-settings.sh")


def test_slices_of_a_device_are_made_listed_as_mdevctl_does_kept_and_not_lost():
    lab(SCENARIOS / "mdev.sh")


def test_guests_have_their_slices_made_and_removed_by_libvirts_hook():
    lab(SCENARIOS / "mdev-guest.sh")


@pytest.mark.parametrize("iommu,kernel", HOSTS)
def test_a_device_that_writes_where_it_may_not_is_held_back_or_that_is_told(iommu, kernel):
    lab(SCENARIOS / "probe-dma.sh", iommu=iommu, kernel=kernel)


def test_what_others_bind_is_neither_fought_for_nor_given_back():
    lab(SCENARIOS / "others.sh")


def lspci_size(text):
    return int(text.rstrip("KMG")) << {"K": 10, "M": 20, "G": 30}.get(text[-1], 0)


def parse_lspci_regions(text):
    """By the name that probe has for them: the sizes in bytes."""
    found = {f"BAR {number}": lspci_size(size) for number, size in
             re.findall(r"^\tRegion (\d): .*\[size=(\w+)\]", text, re.MULTILINE)}
    rom = re.search(r"^\tExpansion ROM at .*\[size=(\w+)\]", text, re.MULTILINE)
    return found | ({"option ROM": lspci_size(rom.group(1))} if rom else {})


def parse_lspci_interrupts(text, is_virtual):
    msi = re.search(r"MSI: Enable.* Count=\d+/(\d+)", text)
    msix = re.search(r"MSI-X: Enable.* Count=(\d+)", text)
    # A virtual function has no pin (PCIe 6.0, 9.3.4.1.15); QEMU's says that it has one.
    return {"INTx": int("Interrupt: pin" in text and not is_virtual),
            "MSI": int(msi.group(1)) if msi else 0,
            "MSI-X": int(msix.group(1)) if msix else 0}


def parse_groups(text):
    return {path.split("/")[-1]: int(path.split("/")[4]) for path in text.split()}


def compare_probe(name, parts):
    """Regions, interrupts and what a hot reset takes: that of its bus, none of which carries
    another one here."""
    probe = json.loads(parts[f"probe_{name}"])
    theirs, groups = parts[f"lspci_{name}"], parse_groups(parts[f"groups_{name}"])
    assert probe["assignable"] and probe["obstacle"] is None and probe["bound_for_the_probe"]
    assert not probe["was_reset"]
    sizes = {region["name"]: region["size"] for region in probe["regions"] if region["size"]}
    assert sizes.pop("configuration space") == (4096 if "Express" in theirs else 256)
    assert sizes.pop("VGA", None) == (0xc0000 if "VGA compatible" in theirs else None)
    assert sizes == parse_lspci_regions(theirs)
    counts = {one["name"]: one["count"] for one in probe["interrupts"]}
    expected = parse_lspci_interrupts(theirs, name == "vf")
    assert {kind: counts[kind] for kind in expected} == expected
    assert all(one["software_loop"] == "came" for one in probe["interrupts"] if one["count"])
    bus = probe["address"][:8]
    assert {one["address"]: one["iommu_group"] for one in probe["ways"][0]["hot_reset"]} == {
        address: group for address, group in groups.items() if address.startswith(bus)}
    configuration = probe["configuration"]
    assert configuration["compared"] == configuration["size"] and not configuration["wrong"]
    assert not configuration["hidden_by_vfio"]
    maps = probe["ways"][0]["maps"]
    assert [row["piece"] for row in maps] == [1 << 12, 1 << 21, 1 << 30]
    assert maps[0]["count"] == 16384 and maps[1]["count"] == 128


def test_a_device_is_what_lspci_says_when_it_is_opened_without_a_guest():
    """Real VFIO, groups and drivers; QEMU's devices, whose IOMMU makes DMA slow."""
    parts = sections(lab(SCENARIOS / "probe.sh"))
    for name in ("gpu", "nvme", "pair", "conventional", "vf"):
        compare_probe(name, parts)


def test_an_iommu_that_does_not_remap_interrupts_is_told_by_its_name():
    lab(SCENARIOS / "probe-interrupts.sh", iommu="vtd-no-intremap")


def test_each_kind_of_use_is_seen_and_what_is_free_is_called_free():
    lab(SCENARIOS / "uses.sh")


def masked(text):
    """As tests/lab/scenarios/record.sh does it: without what record replaces."""
    for pattern, kind in ((r"\b(\d{1,3}\.){3}\d{1,3}\b", "IPV4"),
                          (r"\b[0-9a-f]{1,4}:[0-9a-f:]*::[0-9a-f:]*|"
                           r"\b[0-9a-f]{1,4}::[0-9a-f:]*", "IPV6"),
                          (r"\b([0-9a-f]{2}-){7}[0-9a-f]{2}\b|\b[0-9a-f]{16}\b", "SERIAL"),
                          (" +", " "), ("─+", "─")):
        text = re.sub(pattern, kind, text)
    return text


@pytest.mark.parametrize("iommu,kernel", HOSTS)
def test_a_recording_says_here_what_its_host_said_there(iommu, kernel, tmp_path):
    """To root and to nobody there; and on this machine, which has none of it."""
    lab(SCENARIOS / "record.sh", iommu=iommu, kernel=kernel, options=["--output", tmp_path])
    program = os.environ.get("PCIFERRY", ROOT / "build/pciferry")
    there = json.loads((tmp_path / "list.json").read_text())
    devices = [device["address"] for device in there["devices"]]
    assert len(devices) > 15
    for name, args in (("list.json", ["list", "--json"]), ("show.txt", ["show", *devices])):
        here = subprocess.run([program, *args, "--host", tmp_path / "root.tar.zst"], check=True,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env={**os.environ, "LC_ALL": "C.UTF-8"})
        assert masked(here.stdout) == (tmp_path / name).read_text()


def test_a_killed_bind_is_put_right_by_release():
    assert "killed at" in lab(SCENARIOS / "kill.sh")


@pytest.mark.parametrize("kernel", ["6.1", "6.12"] if FULL else ["6.1"])
def test_an_option_rom_is_read_as_it_is_and_closed_whatever_happens(kernel):
    assert "killed at" in lab(SCENARIOS / "rom.sh", kernel=kernel)


@pytest.mark.parametrize("kernel", ["6.1", "6.12"] if FULL else ["6.1"])
def test_a_hanging_unbind_stops_neither_list_nor_other_devices(kernel):
    lab(SCENARIOS / "hang.sh", kernel=kernel)


@pytest.mark.parametrize("kernel", ["6.1", "6.12"] if FULL else ["6.1"])
def test_a_device_that_is_unplugged_is_told_as_gone_and_comes_back_to_its_driver(kernel):
    lab(SCENARIOS / "removal.sh", kernel=kernel)


def test_a_missing_module_a_full_run_or_another_pciferry_leaves_nothing_half_bound():
    lab(SCENARIOS / "faults.sh")


@pytest.mark.skipif(not FULL, reason="an image and a machine of its own, three minutes:"
                    " make check-full runs it")
def test_what_is_bound_stays_so_while_the_machine_sleeps_and_can_be_released(tmp_path):
    lab(SCENARIOS / "suspend-image", options=["--output", tmp_path])
    booted = subprocess.run(
        [ROOT / "lab/lab", "boot", "--kernel", "6.1", tmp_path / "image"], check=False,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    print(booted.stdout[-20000:])
    print(booted.stderr[-4000:])
    assert booted.returncode == 0 and "FAIL" not in booted.stdout
    assert re.search(r"^0 failures\r?$", booted.stdout, re.MULTILINE)


@pytest.mark.parametrize("iommu,kernel", HOSTS)
def test_a_guest_reads_the_disk_it_was_given_and_gives_it_back(iommu, kernel):
    output = lab("demo", iommu=iommu, kernel=kernel)
    assert "The guest read what the host had written." in output


@pytest.mark.skipif(not FULL, reason="a guest under UEFI takes minutes in emulation:"
                    " make check-full runs it")
def test_a_guest_boots_by_uefi_with_the_devices():
    lab(SCENARIOS / "uefi.sh")


@pytest.mark.skipif(not FULL, reason="a guest under UEFI takes minutes in emulation:"
                    " make check-full runs it")
def test_a_guest_of_libvirts_boots_by_uefi_with_the_devices():
    lab(SCENARIOS / "vm-create-uefi.sh")


def test_without_an_iommu_the_way_out_is_named():
    lab(SCENARIOS / "no-iommu.sh", iommu="none")
