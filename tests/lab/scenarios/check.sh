#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: what check says of this host; the test compares it with how the host was started
# shellcheck source=tests/lab/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

echo "=== check"
"$PCIFERRY" check --json "$LAB_NVME_FREE" "$LAB_NVME_MOUNTED"
echo "=== words"
"$PCIFERRY" check "$LAB_NVME_FREE"
echo "=== nobody"
setpriv --reuid=65534 --regid=65534 --clear-groups "$PCIFERRY" check --json
echo "=== end"
finish
