#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Helpers for scripts in the guest:  . /vm/lib.sh
now() { cut -d' ' -f1 /proc/uptime; }
since() { echo "$(now) - $1" | bc; }
log() { printf '[%8s] %s\n' "$(now)" "$*"; }
sectors() { blockdev --getsz "$1"; }
# wait_for SECONDS COMMAND...: until the command succeeds
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep .1
	done
}
# One resume swaps the tables: I/O stands still while no process starts.
dm_swap() { # NAME TABLE
	dmsetup reload "$1" --table "$2" && dmsetup resume --noflush --nolockfs "$1"
}

# ---- iSCSI to the storage server (run --storage) ---------------------------
ISCSI_IQN=iqn.2026-01.org.dm-cdp.test
ISCSI_PORTAL=10.77.0.2:3260
iscsi_start() { # [REPLACEMENT_TIMEOUT [NOOP_INTERVAL [NOOP_TIMEOUT]]]
	modprobe -a iscsi_tcp sd_mod || return
	mkdir -p /etc/iscsi /run/lock/iscsi
	echo "InitiatorName=$ISCSI_IQN:hypervisor" >/etc/iscsi/initiatorname.iscsi
	cat >/etc/iscsi/iscsid.conf <<-C
		iscsid.startup = /usr/sbin/iscsid
		node.startup = manual
		node.session.timeo.replacement_timeout = ${1:-5}
		node.conn[0].timeo.login_timeout = 5
		node.conn[0].timeo.logout_timeout = 5
		node.conn[0].timeo.noop_out_interval = ${2:-2}
		node.conn[0].timeo.noop_out_timeout = ${3:-2}
		node.session.err_timeo.abort_timeout = 5
		node.session.err_timeo.lu_reset_timeout = 5
		node.session.err_timeo.tgt_reset_timeout = 5
		node.session.initial_login_retry_max = 4
		node.session.cmds_max = 128
		node.session.queue_depth = 64
	C
	iscsid
	wait_for 10 iscsid_answers
}
iscsid_answers() { # 21: it does, and has no session
	local rc=0
	iscsiadm -m session >/dev/null 2>&1 || rc=$?
	((rc == 0 || rc == 21))
}
iscsi_session() { # storage|chap: its directory in sysfs
	local s
	for s in /sys/class/iscsi_session/session*; do
		[[ -e $s && $(<"$s/targetname") == "$ISCSI_IQN:$1" ]] && echo "$s" && return
	done
	return 1
}
iscsi_disk() { # storage|chap LUN: its device, if it is there
	local s b
	s=$(iscsi_session "$1") || return
	for b in "$s"/device/target*/*:"$2"/block/sd*; do
		[[ -b /dev/${b##*/} ]] && echo "/dev/${b##*/}" && return
	done
	return 1
}
iscsi_disk_there() { iscsi_disk "$@" >/dev/null; }
iscsi_login() { # LUN|chap: print the device
	local t=storage lun=$1 a
	[[ $1 != chap ]] || t=chap lun=0
	if ! iscsi_session $t >/dev/null; then
		a=(-m node -T "$ISCSI_IQN:$t" -p "$ISCSI_PORTAL")
		iscsiadm "${a[@]}" -o new >/dev/null || return
		if [[ $t == chap ]]; then
			iscsiadm "${a[@]}" -o update -n node.session.auth.authmethod -v CHAP || return
			iscsiadm "${a[@]}" -o update -n node.session.auth.username -v cdp || return
			iscsiadm "${a[@]}" -o update -n node.session.auth.password -v "${ISCSI_PASSWORD:-cdpsecret123}" || return
		fi
		iscsiadm "${a[@]}" --login >/dev/null || return
	fi
	wait_for 10 iscsi_disk_there $t "$lun" && iscsi_disk $t "$lun"
}
iscsi_logout() { # [chap]
	iscsiadm -m node -T "$ISCSI_IQN:${1:-storage}" -p "$ISCSI_PORTAL" --logout >/dev/null
}
