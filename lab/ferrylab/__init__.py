# SPDX-License-Identifier: GPL-2.0-or-later
"""The virtual host's parts; lab/lab is the program."""
