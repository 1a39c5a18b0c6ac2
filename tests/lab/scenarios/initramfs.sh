#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: an initramfs of initramfs-tools with pciferry's hook, left as $LAB_OUT/image
# lab-timeout: 900
#
# Beside it foreseen-*.json: what pciferry foresees of its boots.
#
#   initramfs.sh PACKAGES INSTALLED     folders: of .deb files, where the tool is not
#                                       installed; and of what `meson install` made
set -eu
packages=$1 installed=$2

# The identity of a device, from its folders alone.
identity()
{
	local folder=/sys/bus/pci/devices/$1 ids=() name path part
	for name in vendor device subsystem_vendor subsystem_device; do
		read -r part <"$folder/$name"
		ids+=("${part#0x}")
	done
	path=
	for part in $(cd -P "$folder" && tr / ' ' <<<"$PWD"); do
		[[ $part != 0000:??:??.? ]] || path=$path${path:+/}${part#0000:??:}
	done
	echo "${ids[0]}:${ids[1]}/${ids[2]}:${ids[3]}@$path"
}

line()
{
	echo "device $1 $(identity "$1") vfio-pci"
}

for package in "$packages"/*.deb; do
	[ -e "$package" ] || break
	dpkg-deb --fsys-tarfile "$package" | tar -x -C / --keep-directory-symlink
done
cp -a "$installed/." /
read -r release < <(uname -r)
cp "${LAB_KERNEL%/*}/config-$release" /boot/

{
	echo "# one of three alike, and the card with its sound"
	line "$LAB_NVME_FREE"
	line "$LAB_GPU"
	line "$LAB_GPU_AUDIO"
	# Not what is there; and half of a group.
	line "$LAB_NVME_SWAP" | sed 's/1b36:0010/1b36:0011/'
	line "$LAB_NIC_PAIR0"
} >/etc/pciferry.tab
mkdir /etc/pciferry.trial
line "$LAB_NVME_SWAP" >/etc/pciferry.trial/lab-1.tab
cat /etc/pciferry.tab
echo "FREE $LAB_NVME_FREE SWAP $LAB_NVME_SWAP MOUNTED $LAB_NVME_MOUNTED" \
	"GPU $LAB_GPU AUDIO $LAB_GPU_AUDIO NIC $LAB_NIC_PAIR0"

mkdir -p /run/conf/scripts/init-premount /run/conf/hooks /run/conf/conf.d
printf '%s\n' nvme snd_hda_intel e1000e >/run/conf/modules
# Without busybox the shell is klibc's: the smallest that there is.
printf "%s\n" MODULES=list BUSYBOX=n COMPRESS=gzip COMPRESSLEVEL=1 RUNSIZE=10% FSTYPE= RESUME=none \
	>/run/conf/initramfs.conf
# After udev has loaded what it wants.
cat >/run/conf/scripts/init-premount/report <<'REPORT'
#!/bin/sh
[ "$1" != prereqs ] || exit 0
exec >/dev/ttyS0
for device in /sys/bus/pci/devices/*; do
	driver=none
	[ ! -e "$device/driver" ] || { cd -P "$device/driver" && driver=${PWD##*/}; }
	echo "driver ${device##*/} $driver"
done
dmesg
echo "report done"
echo o >/proc/sysrq-trigger
sleep 60
REPORT
chmod +x /run/conf/scripts/init-premount/report
rm -f /usr/share/initramfs-tools/hooks/{mdadm,lvm2}
mkinitramfs -d /run/conf -o "$LAB_OUT/image" "$release"

# As if this host booted it, with more words for the kernel. The boots end in the
# initramfs, before pciferry.service could take what it was too late for.
rm -f /usr/lib/systemd/system/multi-user.target.wants/pciferry.service
rm -f /boot/initrd.img-*
mkdir -p /boot/grub
cp "$LAB_OUT/image" "/boot/initrd.img-$release"
foresee()
{
	local name=$1 words
	shift
	read -r words </proc/cmdline
	printf 'menuentry "Debian" {\nlinux /vmlinuz-%s %s\ninitrd /initrd.img-%s\n}\n' \
		"$release" "$words $*" "$release" >/boot/grub/grub.cfg
	"$PCIFERRY" verify --next --json --kernel "$release" >"$LAB_OUT/foreseen-$name.json" ||
		[ "$?" = 1 ]
	cat "$LAB_OUT/foreseen-$name.json"
}
foresee plain
foresee off pciferry=off
foresee iommu-off intel_iommu=off
# Put right since the image was made.
sed -i 's/1b36:0011/1b36:0010/' /etc/pciferry.tab
foresee stale
