# SPDX-License-Identifier: GPL-2.0-or-later
"""Seeds of what is told of slices: a description, or the types that are offered; and files of
mdevctl's. None is a copy from somebody's machine."""


def slices():
    yield "gvtg", (b"low_gm_size: 128MB\nhigh_gm_size: 512MB\nfence: 4\n"
                   b"resolution: 1920x1200\nweight: 4\n")
    yield "vgpu", (b"num_heads=4, frl_config=60, framebuffer=2048M, "
                   b"max_resolution=4096x2160, max_instance=4")
    yield "mdpy", b"virtual display, 640x480 framebuffer"
    yield "offered", b"ID    : vGPU Name \n1148  : NVIDIA L40S-2Q\n1414 : NVIDIA H200X-1-18C\n"
    yield "behind", b"NVIDIA A40-2Q   558\nNVIDIA A40-0B 3\n"
    yield "bytes", b"fence=4294967296000 weight: 1G\0 : 5\n\xff: 7\n0 : none\n"


def definitions():
    yield "whole", (b'{\n  "mdev_type": "i915-GVTg_V5_8",\n  "start": "auto",\n  "attrs": [\n'
                    b'    {\n      "assign_adapter": "5"\n    }\n  ]\n}')
    yield "half", b'{\n  "mdev_type": "i915-GV'
    yield "more", (b'{"later": {"x": [1, 2.50, null, {}]}, "start": "weird", "attrs": null,'
                   b' "mdev_type": "a\\u0001/\\"b"}\n')
    yield "attributes", b'{"mdev_type": "x", "start": "auto", "attrs": [{"a": "1", "b": "2"}]}'
    yield "number", b'{"mdev_type": 4, "start": "auto"}'
    yield "pairs", b"mdev_type=x\nstart=auto\n"
