#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Sourced by setup, kmake and run: names and places they agree on.
# shellcheck disable=SC2034 # used by those who source this
set -euo pipefail

CACHE=${CDP_VM_CACHE:-/var/cache/dm-cdp}
VM=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
KERNELS=(6.1 6.12 7.x)

say() { printf '[vm %s] %s\n' "$(date +%T)" "$*" >&2; }
# 125: "the guest never came to run your script", like env(1) and timeout(1)
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 125; }

# suite each kernel is taken from
kernel_suite() {
	case $1 in
	6.1) echo bookworm-security ;;
	6.12) echo trixie ;;
	7.x) echo trixie-backports ;;
	debug) echo "Debian's source" ;;
	*) die "unknown kernel '$1' (there are: ${KERNELS[*]} debug)" ;;
	esac
}

# compiler Debian built each kernel with
kernel_cc() {
	case $1 in
	6.1) echo gcc-12 ;;
	*) echo gcc-14 ;;
	esac
}

# directory of a kernel that is set up
kernel_dir() {
	kernel_suite "$1" >/dev/null
	[[ -e $CACHE/k/$1/release && -e $CACHE/root.img ]] ||
		die "kernel $1 is not set up: run scripts/vm/setup --kernels $1"
	echo "$CACHE/k/$1"
}

# directory of a kernel that is installed in the root of --system
system_dir() {
	[[ -e $CACHE/system/$1/release ]] ||
		die "no root with systemd that has a kernel $1 is set up: run scripts/vm/setup --system"
	echo "$CACHE/system/$1"
}

# print the comment block at the head of script $1
usage() { sed -n '3,/^[^#]/{/^# shellcheck/d;/^#/!d;s/^# \{0,1\}//;p}' "$1"; }
