#!/bin/sh
# A host whose BMC is outside of the machine.
# shellcheck source=tests/vm/lib.sh
. /lib.sh
host_interface
serve
