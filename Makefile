# SPDX-License-Identifier: GPL-2.0
# Everything but the module's insides, which Kbuild describes. Output goes to
# build/ only. `make help` lists the targets.

VERSION	:= $(shell sed -n 's/^CDP_VERSION := //p' Kbuild)
B	:= build

# What the user may want to set.
prefix		?= /usr/local
sbindir		?= $(prefix)/sbin
mandir		?= $(prefix)/share/man
unitdir		?= /usr/lib/systemd/system
udevdir		?= /usr/lib/udev/rules.d
catalogdir	?= /usr/lib/systemd/catalog
sharedir	?= $(prefix)/share/dm-cdp
compdir		?= $(prefix)/share/bash-completion/completions
sysconfdir	?= /etc
KDIR		?= /lib/modules/$(shell uname -r)/build
KERNELS		?= 6.1 6.12
MODULE_KERNELS	?= 6.1 6.12 7.x
FUZZ_SECONDS	?= 10
CUTS		?= 20
ROUNDS		?= 3

CC	?= gcc
CFLAGS	?= -O2 -g
CLANG	?= clang
SPARSE	?= sparse

PKGS	 := devmapper blkid smartcols uuid libxxhash inih libsystemd
WARN	 := -Wall -Wextra -Wmissing-prototypes -Wshadow
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS))
PKG_LIBS = $(shell pkg-config --libs $(PKGS))
INCLUDES := -Ikernel/core -Itools
ALL_CPPFLAGS = $(CPPFLAGS) -D_GNU_SOURCE -DCDP_VERSION='"$(VERSION)"' $(INCLUDES) $(PKG_CFLAGS)

# The same sources are compiled in four ways, each in a directory of its own.
SAN	:= -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -Werror
FUZZ	:= $(SAN) -fsanitize=fuzzer-no-link
CORE	:= $(wildcard kernel/core/*.c)
TOOLS	:= $(filter-out tools/cdpctl.c,$(wildcard tools/*.c))
HELPERS	:= $(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c))
UNITS	:= $(patsubst tests/%.c,$(B)/%,$(wildcard tests/unit/test_*.c))
FUZZERS	:= $(patsubst tests/%.c,$(B)/%,$(wildcard tests/fuzz/fuzz_*.c))

# One line for each file, nothing with -s.
ifeq ($(findstring s,$(firstword -$(MAKEFLAGS))),)
say = @printf '  %-6s %s\n' $(1) $(2)
else
say = @:
endif

.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all
include tests/sim/sim.mk

.PHONY: powercut all tools man module module-if-headers check setup style unit fuzz modules \
	guests vm-check check-boot vm-setup check-debug bench demo install uninstall install-tools install-source \
	install-module deb rpm clean help
.SECONDARY:

all: tools man module-if-headers	## cdpctl, its man page, and the module if this kernel's headers are here

help:				## this list
	@sed -n 's/^\([a-z-]*\):.*## */\1\t/p' Makefile | expand -t 16

# --- cdpctl and its man page -------------------------------------------------

tools: $(if $(wildcard tools/cdpctl.c),$(B)/cdpctl)	## build/cdpctl

# What is written for one purpose is made into pages by scripts/man, too.
MANS	:= $(addprefix $(B)/man/,cdp-metadata.5 dm-cdp.7 cdp-codes.7 \
	   $(patsubst tools/%.scd,%,$(wildcard tools/*.scd)) \
	   $(patsubst %,cdpctl-%.8,$(shell scripts/man verbs)))

man: $(MANS)			## man pages, in build/man/

$(B)/cdpctl: $(B)/obj/tools/cdpctl.o $(B)/obj/tools.a $(B)/obj/core.a
	$(call say,LD,$@)
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(B)/man/%: tools/%.scd
	$(call say,MAN,$@)
	@mkdir -p $(@D) && scdoc <$< >$@

$(B)/man/cdpctl-%.8: tools/cdpctl.8.scd tools/cdpctl.c scripts/man
	$(call say,MAN,$@)
	@mkdir -p $(@D) && scripts/man verb $* | scdoc >$@

$(B)/man/cdp-codes.7: $(B)/cdpctl
	$(call say,MAN,$@)
	@mkdir -p $(@D) && $< explain --as man | scdoc >$@

$(B)/man/cdp-metadata.5: kernel/core/format.h scripts/man
	$(call say,MAN,$@)
	@mkdir -p $(@D) && scripts/man format | scdoc >$@

$(B)/man/dm-cdp.7: kernel/dm-cdp.rst scripts/man
	$(call say,MAN,$@)
	@mkdir -p $(@D) && scripts/man target >$@

$(B)/cdp.catalog: $(B)/cdpctl
	$(call say,GEN,$@)
	@$< explain --as journal >$@

# Archives, so that a program links what it uses.
$(B)/%/core.a: $(addprefix $(B)/%/,$(CORE:.c=.o))
	@mkdir -p $(@D) && rm -f $@ && ar rcs $@ $^

$(B)/%/tools.a: $(addprefix $(B)/%/,$(TOOLS:.c=.o))
	@mkdir -p $(@D) && rm -f $@ && ar rcs $@ $^

$(B)/%/helpers.a: $(addprefix $(B)/%/,$(HELPERS:.c=.o))
	@mkdir -p $(@D) && rm -f $@ && ar rcs $@ $^

$(B)/obj/%.o: %.c Makefile Kbuild
	$(call say,CC,$@)
	@mkdir -p $(@D) && $(CC) $(ALL_CPPFLAGS) $(CFLAGS) $(WARN) -MMD -MP -c -o $@ $<

# --- unit tests and fuzzers --------------------------------------------------

unit: $(UNITS)			## unit tests under ASan and UBSan
	@tests/run unit $(UNITS)

fuzz: $(FUZZERS)		## every fuzzer for FUZZ_SECONDS (10)
	@tests/run fuzz $(FUZZ_SECONDS) $(FUZZERS)

$(B)/unit/test_%: $(B)/san/tests/unit/test_%.o $(B)/san/helpers.a $(B)/san/core.a
	$(call say,LD,$@)
	@mkdir -p $(@D) && $(CC) $(SAN) -o $@ $^ $(PKG_LIBS) $(shell pkg-config --libs check)

$(B)/unit/test_tools_%: $(B)/san/tests/unit/test_tools_%.o $(B)/san/helpers.a $(B)/san/tools.a $(B)/san/core.a
	$(call say,LD,$@)
	@mkdir -p $(@D) && $(CC) $(SAN) -o $@ $^ $(PKG_LIBS) $(shell pkg-config --libs check)

$(B)/cdpctl-san: $(B)/san/tools/cdpctl.o $(B)/san/tools.a $(B)/san/core.a
	$(call say,LD,$@)
	@$(CC) $(SAN) -o $@ $^ $(PKG_LIBS)

# cdpctl that dies where a test wants it to: tools/fault.h
$(B)/cdpctl-fault: $(B)/fault/tools/cdpctl.o $(B)/fault/tools.a $(B)/fault/core.a
	$(call say,LD,$@)
	@$(CC) -o $@ $^ $(PKG_LIBS)

$(B)/fault/%.o: %.c Makefile Kbuild
	$(call say,CC,$@)
	@mkdir -p $(@D) && $(CC) $(ALL_CPPFLAGS) -DCDP_FAULT -O0 $(WARN) -MMD -MP -c -o $@ $<

$(B)/fuzz/fuzz_%: $(B)/fuzz/tests/fuzz/fuzz_%.o $(B)/fuzz/tools.a $(B)/fuzz/core.a
	$(call say,LD,$@)
	@$(CLANG) $(SAN) -fsanitize=fuzzer -o $@ $^ $(PKG_LIBS)

$(B)/san/%.o: %.c Makefile Kbuild
	$(call say,CC,$@)
	@mkdir -p $(@D) && $(CC) $(ALL_CPPFLAGS) $(SAN) $(WARN) -MMD -MP -c -o $@ $<

# with points at which a unit test lets another task run: tests/unit/between.h
$(B)/san/kernel/core/%.o $(B)/san/tests/unit/test_race.o: ALL_CPPFLAGS += -include tests/sim/point.h
$(B)/san/core.a: $(B)/san/tests/unit/between.o

$(B)/fuzz/%.o: %.c Makefile Kbuild
	$(call say,CC,$@)
	@mkdir -p $(@D) && $(CLANG) $(ALL_CPPFLAGS) $(FUZZ) $(WARN) -MMD -MP -c -o $@ $<

# --- the module --------------------------------------------------------------

# kbuild leaves objects beside the sources, so it is given a copy of them.
module:				## dm-cdp.ko for the headers at KDIR, in build/module/
	$(call say,MOD,$(B)/module/dm-cdp.ko)
	@mkdir -p $(B)/module && cp -pR Kbuild kernel $(B)/module/
	@$(MAKE) -C $(KDIR) M=$(CURDIR)/$(B)/module modules

module-if-headers:
	@if [ -e "$(KDIR)/Makefile" ]; then $(MAKE) module; \
	else echo "no kernel headers at $(KDIR): module not built (make module KDIR=...)"; fi

modules:			## the module for MODULE_KERNELS (6.1 6.12 7.x), W=1, no warning allowed
	@tests/run modules $(MODULE_KERNELS)

# --- checks ------------------------------------------------------------------

check:				## everything; as root it installs what it needs
	@tests/run all sim sim-san guests

guests: vm-check powercut check-boot-6.1	## all that runs in guests; with -j2 two of them at a time

setup:				## packages of this host for building and checking
	@scripts/setup build check

vm-setup:			## kernels, compilers and root file system of the guests
	@scripts/vm/setup --kernels "$(sort $(KERNELS) $(MODULE_KERNELS))"

style: $(addprefix $(B)/obj/,$(CORE:.c=.o))	## checkpatch, sparse, shellcheck, spelling, includes, sizes
	@SPARSE="$(SPARSE) $(WARN) $(INCLUDES) $(PKG_CFLAGS)" tests/run style

vm-check: $(addprefix vm-check-,$(KERNELS))	## guest tests on KERNELS (6.1 6.12)

vm-check-%: tools $(B)/cdpctl-fault
	@tests/run vm $*

# The packages on stock Debian with systemd: installing, booting, shutting down, purging.
check-boot: $(addprefix check-boot-,$(KERNELS))	## a host's life with the packages, on KERNELS

check-boot-%: deb
	@tests/run boot $*

powercut:			## power cuts of the module: CUTS (20) starts from write logs that were cut
	@tests/run powercut $(CUTS)

check-debug: vm-check-debug	## guest tests on a kernel with KASAN, lockdep, kmemleak, fault injection; slow

bench:				## what it costs, beside others: KERNELS, CASES, ROUNDS (3); as root it installs what it needs
	@scripts/setup bench
	@scripts/vm/setup --kernels "$(KERNELS)"
	@tests/bench/run --kernels "$(KERNELS)" --rounds $(ROUNDS) $(if $(CASES),--cases "$(CASES)")

demo:				## watch a disk survive; as root it installs what it needs
	@scripts/demo

# --- installing --------------------------------------------------------------

install: install-tools install-module	## cdpctl, man page, units, and the module's sources for dkms

UNITFILES := $(wildcard tools/*.service tools/*.timer)
# for Prometheus, Grafana, and who reads --json
SHARE	:= tools/alerts.yml tools/grafana-dashboard.json tools/status.schema.json

# A configuration that is there stays, also when uninstalled.
install-tools: tools man $(B)/cdp.catalog
	install -D -m 755 $(B)/cdpctl $(DESTDIR)$(sbindir)/cdpctl
	@set -e; for f in $(MANS); do \
		install -D -m 644 -t $(DESTDIR)$(mandir)/man$${f##*.} $$f; done
	install -D -m 644 -t $(DESTDIR)$(catalogdir) $(B)/cdp.catalog
	install -D -m 644 -t $(DESTDIR)$(sharedir) $(SHARE)
	@set -e; for f in $(UNITFILES); do \
		install -D -m 644 -t $(DESTDIR)$(unitdir) $$f; done
	@set -e; for f in $(wildcard tools/*.rules); do \
		install -D -m 644 -t $(DESTDIR)$(udevdir) $$f; done
	@sed -i 's,/usr/sbin/cdpctl,$(sbindir)/cdpctl,' $(DESTDIR)$(udevdir)/61-cdp-legs.rules
	@set -e; for f in $(wildcard tools/cdpctl.bash); do \
		install -D -m 644 $$f $(DESTDIR)$(compdir)/cdpctl; done
	install -d $(DESTDIR)$(sysconfdir)/cdp/hooks.d
	@[ -e $(DESTDIR)$(sysconfdir)/cdp/boot.env ] || \
		install -D -m 644 -t $(DESTDIR)$(sysconfdir)/cdp tools/boot.env

DKMS_SRC = $(DESTDIR)/usr/src/dm-cdp-$(VERSION)
install-source:
	install -D -m 644 -t $(DKMS_SRC) Kbuild dkms.conf
	install -D -m 644 -t $(DKMS_SRC)/kernel $(wildcard kernel/*.[ch])
	install -D -m 644 -t $(DKMS_SRC)/kernel/core $(wildcard kernel/core/*.[ch])

install-module: install-source
	@if [ -z "$(DESTDIR)" ] && command -v dkms >/dev/null; then dkms install dm-cdp/$(VERSION); \
	else echo "to build it on the machine: dkms install dm-cdp/$(VERSION)"; fi

uninstall:			## undo install
	@if [ -z "$(DESTDIR)" ] && command -v dkms >/dev/null; then \
		dkms remove dm-cdp/$(VERSION) --all || :; fi
	rm -rf $(DKMS_SRC) $(DESTDIR)$(sharedir)
	rm -f $(DESTDIR)$(sbindir)/cdpctl $(DESTDIR)$(compdir)/cdpctl $(DESTDIR)$(catalogdir)/cdp.catalog
	@rm -fv $(foreach m,$(notdir $(MANS)),$(DESTDIR)$(mandir)/man$(subst .,,$(suffix $m))/$m) \
		$(addprefix $(DESTDIR)$(unitdir)/,$(notdir $(UNITFILES))) \
		$(addprefix $(DESTDIR)$(udevdir)/,$(notdir $(wildcard tools/*.rules)))

deb:				## Debian packages in build/deb/: dm-cdp-dkms, cdp-utils
	@scripts/setup build deb
	@scripts/deb/build

rpm:				## the same content as RPM packages, in build/rpm/
	@scripts/setup build rpm
	@scripts/rpm/build

clean:				## remove build/
	rm -rf $(B)

-include $(shell [ ! -d $(B) ] || find $(B)/obj $(B)/san $(B)/fault $(B)/fuzz -name '*.d' 2>/dev/null)
