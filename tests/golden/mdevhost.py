# SPDX-License-Identifier: GPL-2.0-or-later
"""Devices that can be cut into slices, as the kernel and NVIDIA document their attributes:
Documentation/ABI/testing/sysfs-bus-vfio-mdev, drivers/gpu/drm/i915/gvt/{vgpu,kvmgt}.c, the vGPU
user guide. None was copied from a machine."""

IGPU, CARD, PHYSICAL, AMD = "0000:00:02.0", "0000:82:00.0", "0000:41:00.0", "0000:0a:00.0"

# Of a graphics aperture of 1 GiB, of which the host keeps 128 MiB.
GVTG = {"1": (512, 2048, "1920x1200", 16, 1), "2": (256, 1024, "1920x1200", 8, 2),
        "4": (128, 512, "1920x1200", 4, 5), "8": (64, 384, "1024x768", 2, 7)}


def add_parent(host, folder, name):
    """One whose folder is there, or is made."""
    host.link(f"sys/class/mdev_bus/{name}", "../../" + folder.removeprefix("sys/"))
    (host.root / folder / "mdev_supported_types").mkdir(parents=True)


def add_type(host, folder, name, left, description=None, title=None, api="vfio-pci"):
    place = f"{folder}/mdev_supported_types/{name}"
    for attribute, text in {"available_instances": left, "description": description,
                            "name": title, "device_api": api}.items():
        if text is not None:
            host.file(f"{place}/{attribute}", f"{text}\n")
    (host.root / place / "devices").mkdir(parents=True)


def add_slice(host, folder, uuid, name, group):
    place = f"{folder}/{uuid}"
    up = "../" * place.count("/")
    host.link(f"sys/bus/mdev/devices/{uuid}", f"../../../{place.removeprefix('sys/')}")
    host.link(f"{place}/mdev_type", f"../mdev_supported_types/{name}")
    host.link(f"{place}/iommu_group", f"{up}kernel/iommu_groups/{group}")
    host.file(f"sys/kernel/iommu_groups/{group}/name", "vfio-noiommu\n")
    host.link(f"{folder}/mdev_supported_types/{name}/devices/{uuid}", f"../../../{uuid}")


def let_leave(host, folder, uuid, name):
    """As the kernel does while it waits for who holds it."""
    (host.root / f"sys/bus/mdev/devices/{uuid}").unlink()
    (host.root / f"{folder}/{uuid}/mdev_type").unlink()
    (host.root / f"{folder}/mdev_supported_types/{name}/devices/{uuid}").unlink()


def gvtg(host):
    """Linux 6.1's i915 with kvmgt on a Kaby Lake."""
    host.device(IGPU, "8086:5912", "030000", "i915", 1)
    folder = host.folder(IGPU)
    add_parent(host, folder, IGPU)
    for name, (low, high, resolution, weight, left) in GVTG.items():
        add_type(host, folder, f"i915-GVTg_V5_{name}", left,
                 f"low_gm_size: {low}MB\nhigh_gm_size: {high}MB\nfence: 4\n"
                 f"resolution: {resolution}\nweight: {weight}", f"GVTg_V5_{name}")
    return folder


def vgpu(host, uuids=()):
    """A Tesla of before Ampere, which is itself the parent."""
    host.device(CARD, "10de:1bb3", "030200", "nvidia", 79)
    folder = host.folder(CARD)
    add_parent(host, folder, CARD)
    for number, gib, most in (283, 1, 8), (284, 2, 4), (285, 4, 2):
        add_type(host, folder, f"nvidia-{number}",
                 most - len(uuids) if number == 284 or not uuids else 0,
                 f"num_heads=4, frl_config=60, framebuffer={gib * 1024}M, "
                 f"max_resolution=4096x2160, max_instance={most}", f"GRID P4-{gib}Q")
    for i, uuid in enumerate(uuids):
        add_slice(host, folder, uuid, "nvidia-284", 200 + i)
    return folder


OFFERED = "ID    : vGPU Name \n1148  : NVIDIA L40S-2Q\n1150  : NVIDIA L40S-4Q\n"


def vendor(host, types):
    """A card that has virtual functions with a type each, and no mediated devices."""
    host.device(PHYSICAL, "10de:26b9", "030200", "nvidia", 40, sriov_totalvfs=32,
                sriov_numvfs=len(types))
    functions = []
    for i, current in enumerate(types):
        address = f"0000:41:00.{4 + i}"
        host.device(address, "10de:26b9", "030200", "nvidia", 50 + i)
        folder = host.folder(address)
        host.link(f"{folder}/physfn", f"../{PHYSICAL}")
        host.link(f"{host.folder(PHYSICAL)}/virtfn{i}", f"../{address}")
        host.file(f"{folder}/nvidia/current_vgpu_type", f"{current}\n")
        host.file(f"{folder}/nvidia/creatable_vgpu_types", OFFERED)
        functions.append(address)
    return functions


def amd(host):
    """MxGPU: AMD's driver for hosts has virtual functions alone."""
    host.device(AMD, "1002:74a1", "120000", "gim", 60, sriov_totalvfs=8, sriov_numvfs=2)


def process(host, pid, name, node, *arguments):
    host.file(f"proc/{pid}/comm", f"{name}\n")
    host.file(f"proc/{pid}/cmdline", "\0".join(arguments) + "\0")
    host.link(f"proc/{pid}/ns/mnt", "mnt:[4026531841]")
    host.link(f"proc/{pid}/fd/7", node)


def knows_processes(host):
    """So that one which nobody holds is known to be free."""
    process(host, 1, "init", "/dev/null", "/sbin/init")
