/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a thing is done on this host: by its boot loader, and by its distribution. */
#include "check/images.h"

static enum bootcfg_builder usual_builder(enum bootcfg_family family)
{
	switch (family) {
	case BOOTCFG_DEBIAN:
		return BUILDER_INITRAMFS_TOOLS;
	case BOOTCFG_FEDORA:
	case BOOTCFG_SUSE:
		return BUILDER_DRACUT;
	case BOOTCFG_ARCH:
		return BUILDER_MKINITCPIO;
	default:
		return BUILDER_UNKNOWN;
	}
}

const char *check_rebuild(const struct check_facts *facts)
{
	return check_rebuild_image(facts, BUILDER_UNKNOWN);
}

const char *check_rebuild_image(const struct check_facts *facts,
				enum bootcfg_builder builder)
{
	if (builder == BUILDER_UNKNOWN)
		builder = usual_builder(facts->distro.family);
	switch (builder) {
	case BUILDER_INITRAMFS_TOOLS:
		return "update-initramfs -u -k all";
	case BUILDER_DRACUT:
		return "dracut -f --regenerate-all";
	case BUILDER_MKINITCPIO:
		return "mkinitcpio -P";
	case BUILDER_BOOSTER:
		return "/usr/lib/booster/regenerate_images";
	default:
		return "make the initramfs anew";
	}
}

/* Where nothing of a boot loader could be read, the distribution's usual one. */
static int by_distribution(struct check_run *run, const char *parameter)
{
	switch (run->facts->distro.family) {
	case BOOTCFG_DEBIAN:
		return check_fix(run,
				 "add %s to GRUB_CMDLINE_LINUX_DEFAULT in"
				 " /etc/default/grub, run update-grub, and reboot",
				 parameter);
	case BOOTCFG_FEDORA:
		return check_fix(run,
				 "grubby --update-kernel=ALL --args=\"%s\", and reboot",
				 parameter);
	case BOOTCFG_SUSE:
		return check_fix(run,
				 "add %s to GRUB_CMDLINE_LINUX_DEFAULT in"
				 " /etc/default/grub, run grub2-mkconfig -o"
				 " /boot/grub2/grub.cfg, and reboot",
				 parameter);
	default:
		return check_fix(
			run,
			"add %s to the kernel's command line in the boot loader's"
			" configuration, and reboot",
			parameter);
	}
}

int check_fix_parameter(struct check_run *run, const char *parameter)
{
	const struct bootcfg_boot *boot = &run->facts->boot;

	switch (boot->method) {
	case METHOD_GRUB:
		return check_fix(run,
				 "add %s to GRUB_CMDLINE_LINUX_DEFAULT in"
				 " /etc/default/grub, run %s, and reboot",
				 parameter, boot->regenerate);
	case METHOD_GRUB_BY_HAND:
		return check_fix(run,
				 "add %s to the lines that begin with linux in /%s, and"
				 " reboot",
				 parameter, boot->menu);
	case METHOD_GRUBBY:
		return check_fix(run,
				 "grubby --update-kernel=ALL --args=\"%s\", and reboot",
				 parameter);
	case METHOD_ENTRIES:
		return check_fix(run,
				 "add %s to the line options of each file in /%s, and"
				 " reboot",
				 parameter, boot->menu);
	case METHOD_KERNEL_INSTALL:
	case METHOD_PROXMOX:
		return check_fix(run, "add %s to /etc/kernel/cmdline, run %s, and reboot",
				 parameter, boot->regenerate);
	case METHOD_KERNELSTUB:
		return check_fix(run, "kernelstub --add-options \"%s\", and reboot",
				 parameter);
	case METHOD_LIMINE:
		return check_fix(run, "add %s to the lines cmdline in /%s, and reboot",
				 parameter, boot->menu);
	case METHOD_LIMINE_DEFAULT:
		return check_fix(run,
				 "add %s to KERNEL_CMDLINE[default] in"
				 " /etc/default/limine, run %s, and reboot",
				 parameter, boot->regenerate);
	case METHOD_REFIND:
		return check_fix(run,
				 "add %s to the options in /boot/refind_linux.conf, and"
				 " reboot",
				 parameter);
	case METHOD_OSTREE:
		return check_fix(run, "rpm-ostree kargs --append=%s, and reboot",
				 parameter);
	case METHOD_NIXOS:
		return check_fix(run,
				 "add \"%s\" to boot.kernelParams in the configuration,"
				 " nixos-rebuild boot, and reboot",
				 parameter);
	default:
		return by_distribution(run, parameter);
	}
}
