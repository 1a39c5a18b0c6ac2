# SPDX-License-Identifier: GPL-2.0-or-later
"""What rom reads of a made host's devices. The attribute is a file, as one that somebody has
opened already; that it is opened and closed is for tests/lab/scenarios/rom.sh."""
import concurrent.futures
import fcntl
import json
import os
import struct
import time

import pytest

import livehost
from configspace import Config
from fakehost import RESOURCES, SHADOWED, usual
from program import PROGRAM, run
from roms import chain, vfct
from test_rom import CARD, ROM, SEABIOS, amd, fatal, harmless, told_of

live = pytest.mark.skipif(not livehost.is_possible() or
                          b"__asan_init" in PROGRAM.read_bytes() or os.geteuid() != 0,
                          reason="it takes root and a root of its own, without sanitizers")


@pytest.fixture(name="host")
def usual_host(tmp_path):
    return usual(tmp_path / "host")


@pytest.fixture(name="machine")
def live_host(host):
    """The card's attribute is open already: nothing is to be written to it, a file."""
    host.file(host.folder(CARD) + "/resource", RESOURCES)
    host.file(host.folder(CARD) + "/rom", chain(0, 3))
    host.link("proc/self/ns/mnt", "mnt:[4026531840]")
    (host.root / "run").mkdir(exist_ok=True)
    return livehost.LiveHost(host, PROGRAM)


@live
def test_a_device_s_rom_is_read_and_what_was_open_stays_open(machine):
    done = machine.run("rom", CARD, "-o", "/out/rom")
    assert done.returncode == 0, done
    assert (machine.out / "rom").read_bytes() == chain(0, 3)
    assert not list((machine.root / "run/pciferry").glob("*.first"))
    assert "ROM BAR (128 KiB): 1024 bytes" in done.stdout and "those of the device" in done.stdout


@live
@pytest.mark.parametrize("rom,bios,uefi,words", [
    (chain(0, ids="1234:5047"), True, False, None),
    (chain(0, ids="1234:5047", sum_wrong=1) + b"\xff" * 512, True, False, None),
    (chain(0, 3, ids="1234:5047"), False, True, None),
    (chain(3, ids="1234:5047"), False, False, "no header of UEFI's"),
    (chain(0, ids="1235:5047"), False, False, "it is for 1235:5047"),
])
def test_what_qemu_changes_in_a_device_s_own_rom_is_told(rom, bios, uefi, words, machine, host):
    """vfio_pci_load_rom(): the device's ID, where the vendor is right, and a checksum over all of
    it, where a BIOS counts the first image and UEFI has its signature. Not in a file."""
    host.file(host.folder(CARD) + "/rom", rom)
    document = json.loads(machine.run("rom", CARD, "--json").stdout)
    assert (document["bios_guest"], document["uefi_guest"]) == (bios, uefi)
    assert document["ids"] == "other" and len(fatal(document)) == (words is not None)
    assert all(words in one for one in fatal(document))
    changed = [one for one in harmless(document) if "it is not for 5046: QEMU" in one]
    assert len(changed) == ("1234" in document["images"][0]["vendor_id"])
    counted = [one for one in harmless(document) if "as it counts all images" in one]
    assert len(counted) == (uefi and not bios)
    of_file = told_of(host.root, rom, "--for", CARD, "--host", host.root)
    assert not of_file["bios_guest"] and "it is for 123" in str(of_file["remarks"])


@live
def test_a_copy_is_sought_where_there_is_one(machine, host):
    """Not of the card what the card itself has so; nothing of a processor's graphics at all."""
    damaged = chain(0, sum_wrong=1)
    host.file(host.folder(CARD) + "/rom", damaged)
    own = machine.run("rom", CARD).stdout
    assert "fix: the card itself has it so: take the maker's file" in own
    (machine.out / "file").write_bytes(damaged)
    assert "or one that pciferry rom reads from the card" in machine.run("rom", "/out/file").stdout
    card = amd(host, (11, 0, 0, "1002:1638", ROM))
    table = run("rom", card, "--host", host.root).stdout
    assert "GOP" in table and "in the board's firmware alone" in table and "maker" not in table
    wrong = chain(0, ids="1002:1638", sum_wrong=1)
    host.file("sys/firmware/acpi/tables/VFCT", vfct((11, 0, 0, "1002:1638", wrong)))
    table = run("rom", card, "--host", host.root).stdout
    assert "a newer firmware of the board's" in table and "maker" not in table
    gop = run("rom", SEABIOS / "vgabios-stdvga.bin").stdout
    assert "a newer ROM of the maker's with a display's driver for UEFI (GOP)" in gop


@live
def test_a_device_that_sleeps_is_not_woken_unasked(machine, host):
    host.file(host.folder(CARD) + "/power_state", "D3hot\n")
    host.file(host.folder(CARD) + "/power/control", "auto\n")
    done = machine.run("rom", CARD)
    assert done.returncode == 1 and "it sleeps (D3hot)" in done.stderr and "--wake" in done.stderr
    assert (host.root / host.folder(CARD) / "power/control").read_text() == "auto\n"


def read_slowly(machine, host, *args, state=None):
    """Its attribute is a FIFO: when it is read, this looks at power/control, and sets its state,
    which is D0 where "on" stands there, as the kernel does. Returns that, and what it printed."""
    folder = host.root / host.folder(CARD)
    (folder / "rom").unlink()
    os.mkfifo(folder / "rom")

    def answer():
        with open(folder / "rom", "wb") as rom:
            control = (folder / "power/control").read_text().split("\n")[0]
            if state or control == "on":
                (folder / "power_state").write_text((state or "D0") + "\n")
            rom.write(chain(0, 3))
        return control

    with concurrent.futures.ThreadPoolExecutor() as pool:
        answered = pool.submit(answer)
        done = machine.run("rom", CARD, *args)
        if not answered.done():
            os.close(os.open(folder / "rom", os.O_RDONLY | os.O_NONBLOCK))
        control = answered.result()
    assert (folder / "power/control").read_text() == "auto\n"
    return control, done


@live
@pytest.mark.parametrize("resource,state,wake,control", [
    (RESOURCES, "D3hot", ["--wake"], "on"), (RESOURCES, "D0", [], "on"),
    (SHADOWED, "D3hot", [], "auto"),
])
def test_a_device_is_awake_while_it_is_read_and_may_sleep_then(resource, state, wake, control,
                                                               machine, host):
    """The kernel's part is this test's. A copy in memory is no reason to wake anything."""
    host.file(host.folder(CARD) + "/resource", resource)
    host.file(host.folder(CARD) + "/power_state", state + "\n")
    host.file(host.folder(CARD) + "/power/control", "auto\n")
    seen, done = read_slowly(machine, host, *wake)
    assert done.returncode == 0 and seen == control, done


@live
def test_what_was_read_of_a_device_that_fell_asleep_is_not_told(machine, host):
    host.file(host.folder(CARD) + "/power_state", "D0\n")
    host.file(host.folder(CARD) + "/power/control", "auto\n")
    done = read_slowly(machine, host, state="D3hot")[1]
    assert done.returncode == 1 and "did not stay awake while it was read (D3hot)" in done.stderr
    assert "UEFI guest" not in done.stdout and "pciferry release" in done.stderr


@live
def test_a_device_that_sleeps_on_an_old_kernel_is_told(machine, host, monkeypatch):
    """Before 5.11 there is no power_state; its PMCSR tells. A process's memory in place of the
    attribute: reading at 0 is an I/O error, as the kernel's where it finds no ROM."""
    mount = f'mount --bind /proc/$$/mem "$0/{host.folder(CARD)}/rom" && '
    monkeypatch.setattr(livehost, "ENTER", mount + livehost.ENTER)
    (host.root / host.folder(CARD) / "power_state").unlink()
    for state, words in ((0, "let another card be the first"), (3, "it sleeps, which kernels")):
        space = Config("1234:5046", "030000").standard(1, struct.pack("<HH", 3, state))
        host.file(host.folder(CARD) + "/config", space.make())
        done = machine.run("rom", CARD)
        assert done.returncode == 1 and "finds no ROM there" in done.stderr, done
        assert words in done.stderr


def give_to_guest(host):
    host.link(host.folder(CARD) + "/driver", "../../../bus/pci/drivers/vfio-pci")
    host.link("proc/77/fd/9", "/dev/vfio/2")
    host.link("proc/77/ns/mnt", "mnt:[4026531840]")
    host.file("proc/77/comm", "qemu-system-x86\n")
    host.file("proc/77/cmdline", "qemu\0-name\0guest=win\0")
    host.file("proc/77/mountinfo", (host.root / "proc/1/mountinfo").read_text())


@live
def test_a_device_that_cannot_be_woken_is_not_read(machine, host):
    """vfio-pci of kernels without runtime power management for it puts it to sleep itself."""
    host.file(host.folder(CARD) + "/power_state", "D3hot\n")
    host.file(host.folder(CARD) + "/power/control", "on\n")
    done = machine.run("rom", CARD, "--wake")
    assert done.returncode == 1 and "does not wake it" in done.stderr, done
    assert "release" in done.stderr


@live
def test_a_device_that_a_guest_has_is_never_read(machine, host):
    give_to_guest(host)
    for more in ([], ["--in-use"], ["--in-use", "--wake"]):
        done = machine.run("rom", CARD, *more)
        assert done.returncode == 3, done
        assert "guest win" in done.stderr and "end what may be a guest first" in done.stderr


@live
def test_a_device_whose_virtual_function_is_in_use_is_never_read(machine, host):
    """A guest may have that, and it hangs on the memory of the physical one."""
    host.link(host.folder("0000:02:00.0") + "/physfn", f"../{CARD}")
    for more in ([], ["--in-use"]):
        done = machine.run("rom", CARD, *more)
        assert done.returncode == 3 and "its virtual function" in done.stderr, done


@live
def test_what_could_not_be_found_out_is_named_as_the_way_out(machine, host):
    host.file("etc/crypttab/file", "")
    done = machine.run("rom", "0000:02:00.0", "--in-use")
    assert done.returncode == 3 and "make readable what could not be read" in done.stderr, done


@live
def test_a_device_that_a_guest_got_while_the_lock_was_waited_for_is_not_read(machine, host):
    """The lock is this test's, as another pciferry's that gives the card to a guest."""
    (host.root / "run/pciferry").mkdir(mode=0o755)
    host.file("run/pciferry/lock", "")
    with open(host.root / "run/pciferry/lock", "w", encoding="ascii") as lock, \
            concurrent.futures.ThreadPoolExecutor() as pool:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        waits = pool.submit(machine.run, "rom", CARD)
        time.sleep(2)
        assert not waits.done()
        give_to_guest(host)
        fcntl.lockf(lock, fcntl.LOCK_UN)
        done = waits.result()
    assert done.returncode == 3 and "guest win" in done.stderr, done


@live
def test_what_this_host_uses_is_read_only_when_asked(machine, host):
    disk = "0000:02:00.0"
    host.file(host.folder(disk) + "/resource", RESOURCES)
    host.file(host.folder(disk) + "/rom", chain(3, ids="1234:0010"))
    done = machine.run("rom", disk)
    assert done.returncode == 3 and "/srv" in done.stderr and "--in-use" in done.stderr
    assert machine.run("rom", disk, "--in-use").returncode == 0


@live
def test_what_was_kept_of_a_device_that_has_gone_is_forgotten(machine, host):
    for address in (CARD, "0000:7f:00.0"):
        host.file(f"run/pciferry/{address}.rom.first", "node 1\nopen 0\nsleeps 1\n")
    (host.root / "run/pciferry").chmod(0o755)
    before = (host.root / host.folder(CARD) / "rom").read_bytes()
    machine.run("undo")
    assert not list((machine.root / "run/pciferry").glob("*.rom.first"))
    assert (host.root / host.folder(CARD) / "rom").read_bytes() == before


@live
def test_the_firmware_s_copy_hides_no_failure(host):
    """A folder in place of the attribute: what is read of it is an error that no kernel's
    "no ROM" is."""
    card = amd(host, (11, 0, 0, "1002:1638", ROM))
    host.file(host.folder(card) + "/resource", RESOURCES)
    host.file(host.folder(card) + "/rom/file", "")
    host.link("proc/self/ns/mnt", "mnt:[4026531840]")
    (host.root / "run").mkdir()
    done = livehost.LiveHost(host, PROGRAM).run("rom", card)
    assert done.returncode == 1 and "Is a directory" in done.stderr, done


@live
def test_reading_takes_root(machine):
    done = machine.run("rom", CARD, user=65534)
    assert done.returncode == 1 and "needs root" in done.stderr and not done.stdout
