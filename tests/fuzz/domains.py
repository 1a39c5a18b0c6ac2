# SPDX-License-Identifier: GPL-2.0-or-later
"""Seeds for what reads domains: make-corpus writes them."""


# domain: what libvirt gives a hook.

def domains():
    ask = "<pciferry:hand-over xmlns:pciferry='urn:pciferry:domain:1'/>"
    device = ("<hostdev mode='subsystem' type='pci' managed='no'><source><address "
              "domain='0x0000' bus='0x3b' slot='0x00' function='0x0'/></source></hostdev>")
    whole = (f"<domain type='kvm' id='1'><name>a</name><metadata>{ask}</metadata><devices>"
             f"{device}<disk type='nvme'><source managed='yes'><address bus='7'/></source>"
             "</disk><interface type='hostdev'><source><address type='pci' bus='9'/></source>"
             "</interface></devices></domain>")
    yield "whole", whole.encode()
    yield "twice", whole.replace(device, device * 2).encode()
    yield "no-device", whole.replace(device, "").encode()
    yield "asks-not", whole.replace("hand-over", "other").encode()
    pins = "<cputune><vcpupin vcpu='0' cpuset='2-3,66'/><vcpupin vcpu='1' cpuset='8190-8191'/>"
    isolated = whole.replace(ask, f"{ask}<pciferry:isolate xmlns:pciferry="
                             "'urn:pciferry:domain:1:isolate'/>")
    yield "isolated", isolated.replace("<devices>", f"{pins}</cputune><devices>").encode()
    yield "cut", whole[:-9].encode()
    yield "entities", (f"<!DOCTYPE domain [<!ENTITY a '{'a' * 99}'><!ENTITY b "
                       f"'{'&a;' * 99}'>]>{whole.replace('59', '&b;')}").encode()
    yield "external", f"<!DOCTYPE domain SYSTEM 'file:///etc/passwd'>{whole}".encode()
    yield "deep", f"<domain><metadata>{ask}</metadata>{'<a>' * 300}".encode()
    yield "number", whole.replace("0x3b", "0x3bx").encode()
    yield "encoding", ("<?xml version='1.0' encoding='UTF-16'?>" + whole).encode()


# splice: what is edited.

def spliced():
    device = ("<hostdev mode='subsystem' type='pci'>\n      <source>\n        <address bus='7'/>\n"
              "      </source>\n    </hostdev>")
    whole = ("<?xml version='1.0'?>\n<!-- </devices> -->\n<domain>\n  <name>a</name>\n  <devices>\n"
             "    <emulator>/bin/qemu</emulator>\n"
             f"    {device}\n    <!-- {device} -->\n    <interface type='hostdev'>\n"
             "      <source><address type='pci' bus='9'/></source>\n    </interface>\n"
             "  </devices>\n  <x:y xmlns:x='urn:x' a=\"/devices>\"><devices/></x:y>\n</domain>\n")
    yield "whole", whole.encode()
    yield "windows", whole.replace("\n", "\r\n").encode()
    yield "tabs", whole.replace("  ", "\t").encode()
    yield "one-line", whole.replace("\n", "").replace("  ", "").encode()
    yield "sections", whole.replace("<name>a", "<name><![CDATA[</devices>]]>").encode()
    yield "instruction", whole.replace("<emulator>", "<?a </devices>?><emulator a='>'>").encode()
    yield "prefix", whole.replace("emulator>", "x:emulator>").replace(
        "<domain>", "<domain xmlns:x='urn:x'>").encode()
    yield "two", whole.replace("</domain>", "<devices></devices></domain>").encode()
    yield "empty", b"<domain><devices/></domain>"
    yield "nothing", b"<domain><devices>\n  </devices></domain>"
    yield "comment", b"<domain><devices><!-- one --> </devices></domain>"
    yield "cut", whole[:-30].encode()
    yield "encoding", ("<?xml version='1.0' encoding='ISO-8859-1'?>" + whole[22:]).encode()
    yield "wide", whole.replace("'1.0'", "'1.0' encoding='UTF-16'").encode("utf-16")
