# SPDX-License-Identifier: GPL-2.0-or-later
"""Seeds of the corpus fault: lines of the kernel's log as the drivers of IOMMUs write them."""


def faults():
    vtd = "DMAR: [DMA %s] Request device [82:1f.7]%s fault addr %s [fault reason 05] PTE"
    amd = "AMD-Vi: Event logged [IO_PAGE_FAULT %sdomain=0x0011 address=%s flags=0x0020]"
    yield "vtd", (vtd % ("Write NO_PASID", "", "0xffff8c85000")).encode()
    yield "vtd-old", (vtd % ("Read", " PASID ffffffff", "8c85000")).encode()
    yield "vtd-cut", (vtd % ("Read", "", "0x"))[:-24].encode()
    yield "amd", ("vfio-pci 10000:e1:00.0: " + amd % ("", "0x8c85080")).encode()
    yield "amd-device", (amd % ("device=0000:0a:00.0 ", "0x0")).encode()
    yield "amd-nobody", (amd % ("", "0x11112222333344445")).encode()
