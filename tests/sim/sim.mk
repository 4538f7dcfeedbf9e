# SPDX-License-Identifier: GPL-2.0
# The simulator, included by the top Makefile. kernel/ is compiled as it is, with
# shim.h in the place of the kernel's headers (one stub for each that is included).
#   make sim [SEEDS=N]    histories of the seeds 1 to N
#   make sim-san          fewer, under ASan and UBSan
#   make sim-mutants [MUTANTS=NAME...]   every deliberate bug must be found
# SIM_KERNEL and SIM_OUT compile another copy of kernel/ to another place.

SEEDS		?= 10000
SIM_JOBS	?= $(shell nproc)
SIM_KERNEL	?= kernel
SIM_OUT		?= $(B)/sim
SIM_SRC		:= $(wildcard tests/sim/*.c)
SIM_SHELL	:= $(notdir $(wildcard $(SIM_KERNEL)/*.c))
SIM_CORE	:= $(addprefix core/,$(notdir $(wildcard $(SIM_KERNEL)/core/*.c)))
SIM_STUBS	:= $(addprefix $(SIM_OUT).h/,$(filter-out linux/types.h,\
		   $(sort $(shell sed -n 's/^\#include <\(linux\/.*\)>/\1/p' $(SIM_KERNEL)/*.[ch]))))
SIM_SAN		:= -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
SIM_CFLAGS	= -O2 -g -fno-pie -D_GNU_SOURCE -DCDP_HAVE_BDEV_FILE_OPEN_BY_DEV -DCDP_VERSION='"$(VERSION)"' -include tests/sim/point.h \
		  -I$(SIM_OUT).h -Itests/sim -I$(SIM_KERNEL)/core -I$(SIM_KERNEL)
# What the module keeps in static variables is in sections of its own, so that a
# crash can forget it.
SIM_FORGET	:= objcopy --rename-section .data=sim_data \
		   --rename-section .bss=sim_bss,alloc,load,data,contents
SIM_LDFLAGS	:= -no-pie -Wl,--wrap=cdp_leg_step -Wl,--wrap=cdp_copy_send -Wl,--wrap=cdp_store_read \
		   -Wl,--wrap=cdp_verify_found -Wl,--wrap=cdp_clean_pick

.PHONY: sim sim-san sim-mutants

sim: $(SIM_OUT)			## simulated histories: those that once failed, and SEEDS (10000)
	@$(SIM_OUT) --list tests/sim/seeds.txt
	@$(SIM_OUT) --seeds 1-$(SEEDS) --jobs $(SIM_JOBS)

sim-san: $(SIM_OUT)-san
	@$(SIM_OUT)-san --seeds 1-1000 --jobs $(SIM_JOBS)

sim-mutants: $(SIM_OUT) $(UNITS)
	@SIM="$(SIM_OUT)" SIM_CC='$(CC) $(SIM_CFLAGS)' SIM_LINK='$(CC) $(SIM_LDFLAGS)' \
		SIM_FORGET='$(SIM_FORGET)' UNIT_LINK='$(CC) $(SAN) -no-pie' tests/sim/mutants $(MUTANTS)

$(SIM_OUT).h/linux/%.h:
	@mkdir -p $(@D) && echo '#include "shim.h"' >$@

# $(1): program, $(2): flags; objects are in $(1).o/
define sim_program
$(1): $$(patsubst tests/sim/%.c,$(1).o/%.o,$$(SIM_SRC)) $$(patsubst %.c,$(1).o/kernel/%.o,$$(SIM_SHELL) $$(SIM_CORE))
	$$(call say,LD,$$@)
	@$$(CC) $(2) $$(SIM_LDFLAGS) -o $$@ $$^ -lxxhash

$(1).o/kernel/core/%.o: $$(SIM_KERNEL)/core/%.c tests/sim/sim.mk
	$$(call say,CC,$$@)
	@mkdir -p $$(@D) && $$(CC) $$(SIM_CFLAGS) $(2) -MMD -MP -c -o $$@ $$<

$(1).o/kernel/%.o: $$(SIM_KERNEL)/%.c tests/sim/sim.mk | $$(SIM_STUBS)
	$$(call say,CC,$$@)
	@mkdir -p $$(@D) && $$(CC) $$(SIM_CFLAGS) $(2) -MMD -MP -c -o $$@ $$< && $$(SIM_FORGET) $$@

$(1).o/%.o: tests/sim/%.c tests/sim/sim.mk | $$(SIM_STUBS)
	$$(call say,CC,$$@)
	@mkdir -p $$(@D) && $$(CC) $$(SIM_CFLAGS) $(2) $$(WARN) -Wno-unused-parameter -MMD -MP -c -o $$@ $$<
endef

$(eval $(call sim_program,$(SIM_OUT),))
$(eval $(call sim_program,$(SIM_OUT)-san,$(SIM_SAN)))

-include $(shell [ ! -d $(B) ] || find $(SIM_OUT).o $(SIM_OUT)-san.o -name '*.d' 2>/dev/null)
