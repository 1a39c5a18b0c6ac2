# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may do what: the arrows between the rooms, the calls that the rules speak of, and the
rooms and files that may make them, each with its reason."""

# A room may include those named, and what they may include. cli may include all.
ARROWS = {
    "base": [],
    "host": ["base"],
    "pci": ["host"],
    "iommu": ["pci"],
    "usage": ["iommu"],
    "vfio": ["iommu"],
    "bootcfg": ["pci"],
    "change": ["host"],
    "boot": ["change", "bootcfg"],
    "bind": ["change", "usage"],
    "vm": ["bind", "boot", "vfio"],
    "check": ["usage", "bootcfg", "vm"],
    "plan": ["check", "boot", "bind", "vm"],
}
ARROWS["cli"] = list(ARROWS)

# Calls that resolve a path from "/" or the current directory, past the host's root.
UNROOTED = """open creat fopen freopen opendir scandir ftw nftw fts_open glob readlink stat
    lstat statfs statvfs access euidaccess eaccess realpath canonicalize_file_name chdir
    getxattr lgetxattr listxattr inotify_add_watch""".split()

# Calls that resolve it beneath a directory, unless it begins with "/".
BENEATH = """openat openat2 readlinkat fstatat statx faccessat scandirat mkdirat unlinkat
    renameat symlinkat linkat fchmodat fchownat mknodat utimensat""".split()

ROOTED = "rooted_open rooted_readlink".split()

# Calls that start a program or load a library, and those of libraries that open files.
PROGRAMS = """execl execle execlp execv execve execvp execvpe execveat fexecve posix_spawn
    posix_spawnp popen system dlopen library_load""".split()
LIBRARIES = """udev_device_new_from_syspath udev_enumerate_new mnt_new_table_from_file
    mnt_new_table_from_dir mnt_table_parse_file mnt_table_parse_dir mnt_table_parse_mtab
    mnt_table_parse_fstab mnt_table_parse_swaps mnt_new_context json_object_from_file
    archive_read_open_filename xmlReadFile xmlParseFile""".split()

OPENS = UNROOTED + BENEATH + ROOTED + PROGRAMS + LIBRARIES

# Readers of the host, which take a path from its root.
HOST_READERS = """host_read host_read_file host_read_number host_read_behind host_list host_exists
    host_dir_open host_link_name host_link_target host_file_status host_file_mode
    host_read_digest""".split()

# Calls that make, name or remove a file. What only needs a descriptor, such as write(2), is
# held by the flags that the descriptor was opened with.
WRITES = """creat unlink unlinkat remove rename renameat renameat2 mkdir mkdirat rmdir symlink
    symlinkat link linkat chmod fchmodat chown lchown fchownat truncate mknod mknodat mkfifo
    mkfifoat mkstemp mkostemp mkdtemp utimensat setxattr lsetxattr removexattr mount umount
    umount2 pivot_root chroot swapon swapoff reboot init_module finit_module delete_module
    kmod_module_insert_module kmod_module_probe_insert_module kmod_module_remove_module
    atomic_replace""".split()
WRITE_FLAGS = "O_WRONLY O_RDWR O_CREAT O_TRUNC O_APPEND O_TMPFILE".split()

# Calls whose text goes to the terminal or the log, and the streams that others would name.
PRINTS = """printf vprintf puts putchar putchar_unlocked perror psignal psiginfo warn warnx
    vwarn vwarnx error error_at_line syslog vsyslog scols_print_table""".split()
STREAMS = "stdout stderr STDOUT_FILENO STDERR_FILENO".split()

EXITS = "exit _exit _Exit quick_exit abort assert err errx verr verrx".split()

# Calls that put a text into a table or JSON as it stands.
SHOWS = """scols_line_set_data scols_line_refer_data scols_line_set_column_data
    scols_line_refer_column_data scols_cell_set_data scols_cell_refer_data
    json_object_new_string json_object_new_string_len json_object_set_string""".split()

# Below: "room" or "room/file": why.

MAY_OPEN = {
    "base": "its tools do it for the others",
    "host": "it is the host's files",
    "change": "it writes to what it opened",
    "vfio": "an ioctl needs the descriptor of the node itself",
    "cli/open.c": "a recording that the user named",
    "cli/file.c": "a file that the user named",
    "cli/vm_look.c": "files that the user named, /dev/kvm and the program",
}

MAY_OPEN_UNROOTED = {
    "base/child.c": "/dev/null, for the child's standard streams",
    "base/companion.c": "/dev/null, for the child's standard error",
    "base/keeper.c": "/dev/null, for the child's standard streams",
    "base/program.c": "/dev/null, and the root in which a program is run",
    "cli/open.c": "a path that the user typed is his own",
    "cli/file.c": "a path that the user typed is his own",
    "cli/vm_look.c": "a path that the user typed is his own; /dev/kvm is this machine's",
    "host/host.c": "the host's root itself",
}

MAY_WRITE = {
    "base": "its tools do it for change",
    "change": "it alone performs changes",
    "vfio": "VFIO answers an ioctl on no descriptor that is only for reading",
    "cli/file.c": "what is to be made where the user said",
}

MAY_EXIT = {"base/child.c": "the end of the child that it made",
            "base/companion.c": "the end of a child that cannot be set up",
            "base/keeper.c": "the end of the child that it made",
            "base/launch.c": "the end of a child that cannot start its program",
            "base/program.c": "the end of a child that cannot start its program"}
