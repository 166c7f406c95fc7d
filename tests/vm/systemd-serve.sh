#!/usr/bin/busybox sh
# shellcheck shell=dash
# Serves the script's commands in a machine whose first process is systemd.
# shellcheck source=tests/vm/words.sh
. /usr/lib/vm/words.sh
export HOME=/root LC_ALL=C
cd /
serve
