#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Sourced by run: the storage server and what a script may do to it. The guest's
# command "storage" sends a word over a virtio port; storage_control answers it.
# shellcheck disable=SC2034,SC2154 # R, H, q, ... are run's

storage_prepare() { # sets st_q, the arguments that stay the same over restarts
	local d n=0 luns='' job_udev='' job_share='' append='' k
	k=$(kernel_dir "${st_kernel:-${kernel/debug/6.12}}")
	mkdir -p "$R/storage/job"
	cp "$VM/guest/storage-server" "$R/storage/job/main"
	: >"$R/storage/console"
	guest_args storage "$k" 1 "$st_mem"
	((${#st_disks[@]})) || st_disks=(1G)
	for d in "${st_disks[@]}"; do
		disk_args storage $n "$d" "lun$n"
		luns+=" $serial"
		n=$((n + 1))
	done
	disk_args storage $n 64M chap
	st_q=("${q[@]}")
	printf 'export VM_LUNS=%q\nVM_ARGS=\n' "$luns" >"$R/storage/job/env"
	make_job storage "$k" 10.77.0.2
}

# qmp IN OUT COMMAND [show]: one command over a pipe, and its answer, which is shown
qmp() {
	local l
	printf '%s\n' "$3" >&"$1"
	while read -rt 10 l <&"$2"; do
		[[ ! ${4:-} ]] || printf '%b\n' "$l"
		case $l in
		*'"return"'*) return 0 ;;
		*'"error"'*) return 1 ;;
		esac
	done
	return 1
}
qmp_open() { # DIR IN OUT: the pipes of DIR as file descriptors IN and OUT
	eval "exec $2<>'$1/qmp.in' $3<>'$1/qmp.out'"
	qmp "$2" "$3" '{"execute":"qmp_capabilities"}'
}
link() { # IN OUT on|off: the NIC of that QEMU
	local up=true
	[[ $3 == on ]] || up=false
	qmp "$1" "$2" '{"execute":"set_link","arguments":{"name":"nic","up":'$up'}}'
}
# from 10 on they are the shell's own
HV_QMP=(3 4) ST_QMP=(5 6)

# What QEMU knows of both guests when the server does not answer: at the end of its console
storage_examine() {
	local g c
	echo "--- examined after boot $st_boots, $st_state${st_cut:+ cut}$st_plug" >>"$R/storage/console"
	for g in HV ST; do
		echo "--- $g"
		local -n fds=${g}_QMP
		for c in "info status" "info network" "info registers -a"; do
			qmp "${fds[@]}" '{"execute":"human-monitor-command","arguments":{"command-line":"'"$c"'"}}' show
		done
		for c in 0 1; do
			qmp "${fds[@]}" '{"execute":"x-query-virtio-queue-status","arguments":{"path":"/machine/peripheral/nic/virtio-backend","queue":'$c'}}' show
		done
	done >>"$R/storage/console"
}

st_alive() { [[ $st_pid ]] && kill -0 "$st_pid" 2>/dev/null; }

# The pipes are new for every boot: a killed QEMU leaves half a line in them.
storage_boot() {
	local d i
	st_boots=$((st_boots + 1))
	d=$R/storage/boot$st_boots
	mkdir "$d"
	mkfifo "$d"/{qmp,ctl}.{in,out}
	: >"$d/out"
	q=("${st_q[@]}" -chardev "file,id=out,path=$d/out" -device "virtserialport,chardev=out,name=out"
		-chardev "pipe,id=ctl,path=$d/ctl" -device "virtserialport,chardev=ctl,name=ctl"
		-chardev "pipe,id=qmp,path=$d/qmp" -mon "chardev=qmp,mode=control"
		-netdev "stream,id=wire,server=off,addr.type=unix,addr.path=$R/wire"
		-device "virtio-net-pci,netdev=wire,id=nic,mac=52:54:00:cd:00:02,romfile=")
	start_qemu storage
	st_pid=$qpid st_state=up st_dir=$d
	qmp_open "$d" "${ST_QMP[@]}" || return
	[[ ! $st_cut ]] || link "${ST_QMP[@]}" off || return
	for ((i = 0; i < 1200; i++)); do
		! grep -qx ready "$d/out" || return 0
		st_alive || break
		sleep .1
	done
	cat "$d/out" >&2
	return 1
}
storage_kill() {
	kill -9 "$st_pid" 2>/dev/null || :
	wait "$st_pid" 2>/dev/null || :
	st_pid='' st_state=down
}
# Orderly: the server closes its connections and powers off.
storage_stop() {
	local i
	echo stop >>"$st_dir/ctl.in"
	for ((i = 0; i < 300; i++)); do
		st_alive || break
		sleep .1
	done
	storage_kill
}
# Not SIGSTOP: the other guest's send queue would fill up and its watchdog bark, and
# this guest's clock would jump. Stopped so, it is silent and loses what is sent to it.
storage_pause() { link "${ST_QMP[@]}" off && qmp "${ST_QMP[@]}" '{"execute":"stop"}'; }
storage_resume() {
	[[ $st_cut ]] || link "${ST_QMP[@]}" on || return
	qmp "${ST_QMP[@]}" '{"execute":"cont"}'
}

storage_do() { # WORD: fails or prints why not
	st_alive || st_state=down
	case $1:$st_state in
	wait:up) ;;
	wait:*) return 1 ;;
	pause:up) storage_pause && st_state=paused ;;
	resume:paused) storage_resume && st_state=up ;;
	kill:up | kill:paused) storage_kill ;;
	stop:up) storage_stop ;;
	start:down) storage_boot ;;
	reboot:up) storage_stop && storage_boot ;;
	# what is sent vanishes; only the storage server sees its carrier go
	cut:down | cut:paused) st_cut=1 ;;
	cut:up) st_cut=1 && link "${ST_QMP[@]}" off ;;
	mend:down | mend:paused) st_cut='' ;;
	mend:up) st_cut='' && link "${ST_QMP[@]}" on ;;
	# the hypervisor sees its carrier go
	unplug:*) st_plug=' unplugged' && link "${HV_QMP[@]}" off ;;
	plug:*) st_plug='' && link "${HV_QMP[@]}" on ;;
	examine:up) storage_examine ;;
	status:*) echo "$st_state${st_cut:+ cut}$st_plug" ;;
	*) echo "cannot '$1' while $st_state" && return 1 ;;
	esac
}

# Runs in the background, parent of the storage server's QEMU.
storage_control() {
	local st_pid='' st_state=down st_boots=0 st_dir='' st_cut='' st_plug='' word half='' i t=/dev/null
	trap - EXIT INT TERM
	set +e
	exec 7<>"$H/ctl.out" 8<>"$H/ctl.in"
	for ((i = 0; i < 100; i++)); do
		[[ ! -S $R/wire ]] || break
		sleep .05
	done
	qmp_open "$H" "${HV_QMP[@]}"
	[[ $st_off ]] || storage_boot || storage_kill
	t=$R/answer
	while kill -0 $$ 2>/dev/null; do
		# at the end of the time the half of a word may have come
		read -rt 2 word _ <&7 || { half+=$word; continue; }
		word=$half$word half=''
		if storage_do "$word" >"$t"; then
			echo "ok $(<"$t")"
		else
			echo "error $(<"$t")"
		fi >&8
	done
}
