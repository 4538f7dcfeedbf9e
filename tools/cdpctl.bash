# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Completion of cdpctl in bash.

_cdpctl_sets() { # running and remembered ones
	local f
	for f in "${CDP_CONF_DIR:-/etc/cdp}"/*.conf; do
		[[ ! -e $f ]] || basename "$f" .conf
	done
	dmsetup ls --target cdp 2>/dev/null | awk '$2 ~ /^\(/ { print $1 }'
}

_cdpctl_options() { # VERB
	local common="--help --usage"
	case $1 in
	attach) echo "--primary --live --under --protect --meta --region-size --size --feature --assume-clean --no-wait --secret-file --force --dry-run --json $common" ;;
	status) echo "--output --watch --json $common" ;;
	failover) echo "--to --dry-run $common" ;;
	rebuild) echo "--onto --meta --leg --wait --secret-file --force --dry-run --json $common" ;;
	leg) echo "--protect --meta --unasked --wait --secret-file --force --dry-run --json $common" ;;
	verify) echo "--from --to --rate --resume --repair --last --json $common" ;;
	resync | release) echo "--dry-run $common" ;;
	monitor) echo "--once --retry-max $common" ;;
	history) echo "--json $common" ;;
	doctor) echo "--fix --dry-run --json $common" ;;
	explain) echo "--as --json $common" ;;
	metrics) echo "--output $common" ;;
	map) echo "--cells --json $common" ;;
	wait) echo "--for --timeout --json $common" ;;
	events) echo "--follow --json $common" ;;
	resolve) echo "--keep --yes --dry-run $common" ;;
	activate) echo "--from --meta --dry-run $common" ;;
	examine) echo "--meta-start --udev --json $common" ;;
	assemble) echo "--all --wait --force --dry-run $common" ;;
	stop) echo "--all --live --force --dry-run $common" ;;
	detach) echo "--live --force --dry-run $common" ;;
	grow) echo "--size --assume-clean --wait --dry-run --json $common" ;;
	resume) echo "--undo --dry-run $common" ;;
	esac
}

# What may follow as the word number $2 (from 0) after the verb $1, given the words before.
_cdpctl_words() { # VERB NUMBER FIRST-WORD
	case $1:$2 in
	leg:0) echo "add remove replace rejoin fail doubt reset timeout" ;;
	leg:1) _cdpctl_sets ;;
	leg:2) [[ $3 == add || $3 == timeout ]] || echo "0 1 2 3 4 5 6 7" ;;
	leg:3) [[ $3 != replace ]] || compgen -f -- "${cur:-/dev/}" ;;
	resync:1) echo "pause resume rate latency" ;;
	attach:* | monitor:* | metrics:*) ;;
	explain:0) cdpctl explain 2>/dev/null | awk 'NR > 1 { print $1 }' ;;
	*:0) _cdpctl_sets ;;
	esac
}

_cdpctl() {
	local verbs="attach status failover rebuild leg resync verify release wait map metrics events history monitor doctor explain examine assemble resolve activate stop detach grow resume"
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local verb="" first="" i n=0

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} != -* ]] || continue
		if [[ ! $verb ]]; then
			verb=${COMP_WORDS[i]}
		elif [[ $verb == assemble && ${COMP_WORDS[i - 1]} == --wait ]]; then
			:	# its seconds
		elif [[ ${COMP_WORDS[i - 1]} != --* || ${COMP_WORDS[i - 1]} =~ ^--(json|wait|dry-run|all|watch|follow|no-wait|assume-clean|yes|unasked|once|fix|live|undo|resume|last)$ ]]; then
			[[ $first ]] || first=${COMP_WORDS[i]}
			((++n))
		fi
	done
	if [[ ! $verb ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$verbs --verbose --help --version" -- "$cur")
		return
	fi
	case $prev in
	--primary | --under | --protect | --meta | --onto | --secret-file | --keep | --from)
		[[ $verb != verify ]] || return
		mapfile -t COMPREPLY < <(compgen -f -- "${cur:-/dev/}")
		return
		;;
	--as)
		mapfile -t COMPREPLY < <(compgen -W "man journal" -- "$cur")
		return
		;;
	--for)
		mapfile -t COMPREPLY < <(compgen -W "in-sync rebuilt event" -- "$cur")
		return
		;;
	--to | --leg | --repair)
		[[ $verb != verify || $prev != --to ]] || return
		mapfile -t COMPREPLY < <(compgen -W "0 1 2 3 4 5 6 7" -- "$cur")
		return
		;;
	--feature)
		mapfile -t COMPREPLY < <(compgen -W "leg_timeout_ms= on_protect_slow= on_protect_error=degrade on_protect_error=block on_last_error=fail on_last_error=queue read_error_limit= copy_pool_mb= latency_rise= resync_window= resync_max_mbps= read_copy= read_policy=balance no_copy no_discard" -- "$cur")
		return
		;;
	--rate | --size | --region-size | --force | --timeout | --meta-start | --retry-max | --cells) return ;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_cdpctl_options "$verb")" -- "$cur")
	elif [[ $verb == examine && $n == 0 ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "${cur:-/dev/}")
	else
		mapfile -t COMPREPLY < <(compgen -W "$(_cdpctl_words "$verb" "$n" "$first" | sort -u)" -- "$cur")
	fi
}

complete -F _cdpctl cdpctl
