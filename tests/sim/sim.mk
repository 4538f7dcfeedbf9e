# SPDX-License-Identifier: GPL-2.0
# The simulator, included by the top Makefile. kernel/ is compiled as it is, with
# shim.h in the place of the kernel's headers (one stub for each that is included).
#   make sim [SEEDS=N]    histories of the seeds 1 to N
#   make sim-san          fewer, under ASan and UBSan
#   make sim-mutants      every deliberate bug must be found

SEEDS		?= 2000
SIM_SRC		:= $(wildcard tests/sim/*.c)
SIM_SHELL	:= $(wildcard kernel/*.c)
SIM_CORE	:= $(wildcard kernel/core/*.c)
SIM_STUBS	:= $(addprefix $(B)/sim-include/,$(filter-out linux/types.h,\
		   $(sort $(shell sed -n 's/^\#include <\(linux\/.*\)>/\1/p' kernel/*.[ch]))))
SIM_CFLAGS	= -O2 -g -DSIM -D_GNU_SOURCE -DCDP_VERSION='"$(VERSION)"' -include tests/sim/point.h \
		  -I$(B)/sim-include -Itests/sim -Ikernel/core -Ikernel
SIM_LDFLAGS	:= -Wl,--wrap=cdp_leg_step

.PHONY: sim sim-san sim-mutants

sim: $(B)/sim			## simulated histories: SEEDS (2000)
	@$(B)/sim --seeds 1-$(SEEDS)

sim-san: $(B)/sim-san
	@$(B)/sim-san --seeds 1-200

sim-mutants: $(B)/sim
	@tests/sim/mutants.sh

$(B)/sim-include/linux/%.h:
	@mkdir -p $(@D) && echo '#include "shim.h"' >$@

define sim_objects
$(1): $$(patsubst %.c,$(1)-obj/%.o,$$(SIM_SRC) $$(SIM_SHELL) $$(SIM_CORE))
	$$(call say,LD,$$@)
	@$$(CC) $(2) $$(SIM_LDFLAGS) -o $$@ $$^ -lxxhash

$(1)-obj/%.o: %.c tests/sim/sim.mk | $$(SIM_STUBS)
	$$(call say,CC,$$@)
	@mkdir -p $$(@D) && $$(CC) $$(SIM_CFLAGS) $(2) $$(if $$(filter tests/%,$$<),$$(WARN) -Wno-unused-parameter,-w) -MMD -MP -c -o $$@ $$<
endef

$(eval $(call sim_objects,$(B)/sim,))
$(eval $(call sim_objects,$(B)/sim-san,-O1 -fsanitize=address,undefined -fno-sanitize-recover=all))

-include $(shell [ ! -d $(B) ] || find $(B)/sim-obj $(B)/sim-san-obj -name '*.d' 2>/dev/null)
