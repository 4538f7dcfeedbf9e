#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Sourced by setup: the root of the guests that boot systemd (run --system), which is
# Debian 12 as it is installed, with its kernels 6.1 and 6.12 (from backports).
#   system/root.img         with the kernel 6.1, its headers, dkms
#   system/debs/            kernel 6.12 and its headers, for an upgrade
#   system/KERNEL/          vmlinux, initrd, release
# shellcheck disable=SC2034,SC2154 # setup's

SYSTEM_SUITE=bookworm
SYSTEM_PKGS="systemd systemd-sysv udev dbus kmod apt login passwd procps iproute2 mount
 util-linux e2fsprogs less linux-image-amd64 linux-headers-amd64 dkms mokutil open-iscsi
 lvm2 multipath-tools kpartx dmsetup libblkid1 libsmartcols1 libinih1 libuuid1 libxxhash0
 man-db bash-completion busybox-static pahole ca-certificates"
# what a guest has no hardware for
SYSTEM_NO_MODULES="drivers/gpu drivers/media drivers/infiniband drivers/staging drivers/iio
 drivers/net/wireless drivers/net/ethernet drivers/usb drivers/input drivers/hid drivers/platform
 drivers/isdn drivers/thunderbolt drivers/comedi sound net/bluetooth net/mac80211 net/wireless
 fs/ceph fs/ocfs2 fs/gfs2 fs/afs fs/smb fs/nfsd fs/bcachefs fs/btrfs fs/xfs"
SYSTEM_MASKED="apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer
 e2scrub_reap.service fstrim.timer man-db.timer systemd-timesyncd.service getty@tty1.service
 systemd-network-generator.service systemd-pcrphase.service systemd-pcrphase-sysinit.service"

# Names a kernel's packages come under.
system_suite() {
	case $1 in
	6.1) echo bookworm-security ;;
	6.12) echo bookworm-backports ;;
	esac
}

system_files() { # ROOT: what an installer or an administrator would have written
	local d=$1
	echo hypervisor >"$d/etc/hostname"
	printf '127.0.0.1 localhost\n10.77.0.1 hypervisor\n10.77.0.2 storage\n' >"$d/etc/hosts"
	echo '/dev/vda / ext4 defaults 0 0' >"$d/etc/fstab"
	echo 5ee5000000000000000000000000cd9a >"$d/etc/machine-id"
	echo 'InitiatorName=iqn.2026-01.org.dm-cdp.test:hypervisor' >"$d/etc/iscsi/initiatorname.iscsi"
	printf '[Match]\nName=eth0\n[Network]\nAddress=10.77.0.1/24\nLinkLocalAddressing=no\n' \
		>"$d/etc/systemd/network/10-eth0.network"
	sed -i 's/^update_initramfs=.*/update_initramfs=no/' "$d/etc/initramfs-tools/update-initramfs.conf"
	ln -s /run/vm "$d/vm"
	mkdir -p "$d/share"
	# shellcheck disable=SC2086 # words
	systemctl -q --root="$d" mask $SYSTEM_MASKED
	systemctl -q --root="$d" enable systemd-networkd.service
	: >"$d/etc/apt/sources.list"
	rm -rf "$d"/etc/apt/sources.list.d/* "$d"/var/lib/apt/lists/* "$d"/var/cache/apt/*
}

# system_boot KERNEL TREE: vmlinux and initrd of the kernel that is installed in TREE
system_boot() {
	local d=$CACHE/system.new/$1 rel t=$2
	rel=$(basename "$(echo "$t"/lib/modules/*)")
	mkdir -p "$d"
	elf_of "$t/boot/vmlinuz-$rel" "$d/vmlinux"
	make_initrd "$t" "$rel" "$d/initrd"
	echo "$rel" >"$d/release"
}

step_system() {
	local d=$CACHE/system.new r x p mb
	rm -rf "$d"
	mkdir -p "$d/debs" "$d/x"
	r=$d/root
	x=()
	for p in doc locale info lintian; do x+=(--dpkgopt="path-exclude=/usr/share/$p/*"); done
	for p in $SYSTEM_NO_MODULES; do x+=(--dpkgopt="path-exclude=/lib/modules/*/kernel/$p/*"); done
	sources_of "$SYSTEM_SUITE|$SYSTEM_SUITE-security" | mmdebstrap --variant=minbase --dpkgopt=force-unsafe-io "${x[@]}" \
		--include="$(join "$SYSTEM_PKGS")" "$SYSTEM_SUITE" "$r" -
	system_files "$r"
	system_boot 6.1 "$r"
	p=$(for x in image headers; do debs_of "linux-$x-amd64/bookworm-backports"; done | sort -u)
	# shellcheck disable=SC2046,SC2086 # lists of words
	(cd "$d/debs" && own apt-get download $(printf '%s/bookworm-backports\n' $p))
	for p in "$d"/debs/linux-image-*.deb; do dpkg-deb -x "$p" "$d/x"; done
	depmod -b "$d/x" "$(ls "$d/x/lib/modules")"
	system_boot 6.12 "$d/x"
	mb=$(du -sm --apparent-size "$r" | cut -f1)
	mkfs.ext4 -qq -F -m 0 -d "$r" "$d/root.img" $((mb * 13 / 10 + 512))M
	rm -rf "$r" "$d/x" "$CACHE/system"
	mv "$d" "$CACHE/system"
}
