#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# dracut sources this: a program of its own, so that nothing of it stays behind.
/usr/lib/pciferry/pciferry-early </dev/null
