// SPDX-License-Identifier: GPL-2.0
/*
 * Verify. While a history goes on, legs that hold the same are never reported, even if a
 * disk gives something else once. At its end sectors are changed behind the set's back:
 * these are found, all of them and no others, and repaired from the leg that is named.
 */
#include "sim.h"
#include "cdp.h"

#define ROT	6u	/* places at most */

/* Reads to come that begin there and are answered with the truth. */
static u8 truthful[MAX_SECTORS];

/* One read of a run may give something else, but not two of them in a row. */
void verify_lie(const struct bio *bio, u32 i, u64 *value)
{
	struct cdp *c = dm_cdp();
	u64 at = bio->bi_iter.bi_sector;

	if (!c || bio->set != &c->look_bios)
		return;
	if (truthful[at]) {
		truthful[at] -= !i;
	} else if (has_class(C_VERIFY) && one_in(64)) {
		say("      sector %lu is read wrong", at + i);
		truthful[at] = 4 * LEGS;
		*value ^= 1ull << 40;
	}
}

void verify_reset(void)
{
	memset(truthful, 0, sizeof(truthful));
}

/*----------------------------------------------------------------
 * What is reported is true
 *--------------------------------------------------------------*/

enum cdp_verify_news __real_cdp_verify_found(struct cdp_set *s, const struct cdp_diff *d);
enum cdp_verify_news __wrap_cdp_verify_found(struct cdp_set *s, const struct cdp_diff *d);
enum cdp_verify_news __wrap_cdp_verify_found(struct cdp_set *s, const struct cdp_diff *d)
{
	struct cdp_span span = cdp_span_of(&s->g, d->first, d->sectors);
	const struct disk *a = &legs[dm.table.leg[d->leg]].data;
	const struct disk *b = &legs[dm.table.leg[d->against]].data;
	u64 i;

	say("    verify: leg %u differs from leg %u at %lu+%lu", a->leg, b->leg, d->first, d->sectors);
	check(s->legs[d->leg].state >= LEG_STALE && s->legs[d->against].state >= LEG_STALE &&
	      !(cdp_set_stale(s, d->leg, span.extent) & span.mask) &&
	      !(cdp_set_stale(s, d->against, span.extent) & span.mask),
	      "a difference is reported where a leg is stale");
	for (i = d->first; i < d->first + d->sectors; i++)
		check(a->cur[i] != b->cur[i], "verify reports sector %lu, in which legs %u and %u are alike",
		      i, a->leg, b->leg);
	check(sim.rotten || has_class(C_DOUBT) || has_class(C_OVERLAP),
	      "legs %u and %u differ at %lu, and nobody did that", a->leg, b->leg, d->first);
	return __real_cdp_verify_found(s, d);
}

/*----------------------------------------------------------------
 * The end of a history
 *--------------------------------------------------------------*/

bool verify_is_running(void)
{
	struct cdp *c = dm_cdp();

	return c && (c->set.verify.state == VERIFY_RUNNING || c->set.nr_verifies);
}

void verify_message(void)
{
	u64 from = below((u32)dm.table.sectors);

	switch (below(4)) {
	case 0:
		dm_message("verify stop");
		break;
	case 1:
		dm_message("verify start %lu %lu", from, from + 1 + below(2 * EXTENT_SECTORS));
		break;
	default:
		dm_message("verify start");
	}
}

static bool is_whole(void)
{
	struct cdp *c = dm_cdp();

	return c && c->nr_legs > 1 && c->set.in_sync == (1u << c->nr_legs) - 1;
}

static void start_pass(void)
{
	if (verify_is_running())
		dm_message("verify stop");
	dm_message("verify start");
}

/* Some places of one leg: the others are still alike. */
static u32 rot(void)
{
	u32 place = below(dm.table.nr), n = 1 + below(ROT);
	struct disk *d = &legs[dm.table.leg[place]].data;

	while (n--) {
		u64 s = below((u32)dm.table.sectors), end = s + 1 + below(3) * below(20);

		end = min(end, dm.table.sectors);
		say("* %s: sectors %lu to %lu rot", d->name, s, end - 1);
		for (; s < end; s++)
			d->cur[s] = d->dur[s] = 0xa000000000000000ull | s;
	}
	return place;
}

static bool is_reported(const struct cdp_verify *v, u32 place, u32 against, u64 s)
{
	u32 i;

	for (i = 0; i < v->nr_diffs; i++)
		if (v->diffs[i].leg == place && v->diffs[i].against == against &&
		    s >= v->diffs[i].first && s - v->diffs[i].first < v->diffs[i].sectors)
			return true;
	return false;
}

/* All differences are reported, and no others. */
static void check_found(void)
{
	struct cdp *c = dm_cdp();
	const struct cdp_verify *v = &c->set.verify;
	u32 against = (u32)c->set.read_leg, i;
	u64 s;

	check(v->state == VERIFY_FINISHED, "a verify ends in state %d", v->state);
	for (i = 0; i < c->nr_legs; i++)
		for (s = 0; i != against && s < dm.table.sectors; s++) {
			bool differs = legs[dm.table.leg[i]].data.cur[s] !=
				       legs[dm.table.leg[against]].data.cur[s];

			check(differs == is_reported(v, i, against, s), "sector %lu of leg %u %s", s,
			      dm.table.leg[i], differs ? "is rotten, and not found" : "is reported");
		}
}

/* From any leg but the rotten one. */
static u32 repair_from;

static void do_repair(void)
{
	struct cdp *c = dm_cdp();
	struct cdp_diff d;

	while (dm_cdp() == c && c->set.verify.nr_diffs) {
		d = c->set.verify.diffs[0];
		check(dm_message("verify repair %u %lu %lu", repair_from, d.first, d.sectors) >= 0,
		      "what is reported cannot be repaired");
	}
}

bool verify_at_the_end(void (*settle)(void (*what)(void), const char *name),
		       void (*rest)(void))
{
	u32 rotten;

	if (!has_class(C_VERIFY) || !is_whole() || one_in(2))
		return true;
	sim.nomem = 0;
	sim.rotten = true;
	rotten = rot();
	settle(start_pass, "the start of a verify");
	rest();
	if (!is_whole())	/* a deadline that is too short: the rot may be all that is left */
		return false;
	check_found();
	repair_from = (rotten + 1 + below(dm.table.nr - 1)) % dm.table.nr;
	settle(do_repair, "a repair");
	rest();
	sim.rotten = false;
	return true;
}
