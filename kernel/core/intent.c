// SPDX-License-Identifier: GPL-2.0-or-later
/* Intent bits and bitmap pages: set, cleared, encoded, loaded. */
#include "set.h"

static void page_dirty(u64 *dirty, u32 page)
{
	dirty[page / 64] |= 1ull << page % 64;
}

int cdp_dirty_page(u64 *dirty, u32 pages, u32 from)
{
	for (; from < pages; from++) {
		if (!dirty[from / 64]) {
			from |= 63;
			continue;
		}
		if (dirty[from / 64] & 1ull << from % 64)
			return (int)from;
	}
	return -1;
}

static void intent_change(struct cdp_set *s, u64 extent, bool on)
{
	u64 bit = 1ull << extent % 64;

	if (on)
		s->intent[extent / 64] |= bit;
	else
		s->intent[extent / 64] &= ~bit;
	cdp_store(s->marked, on ? s->marked + 1 : s->marked - 1);
	page_dirty(s->intent_dirty, (u32)(extent / CDP_INTENT_EXTENTS));
}

void cdp_mark(struct cdp_set *s, u64 extent)
{
	if (!(s->intent[extent / 64] & 1ull << extent % 64))
		intent_change(s, extent, true);
}

/* Change flags only; the count may move meanwhile. Returns the new word. */
static u32 flags(struct cdp_set *s, u64 extent, u32 set, u32 clear)
{
	u32 w = cdp_atomic_get(&s->extents[extent]);

	while (!cdp_atomic_swap(&s->extents[extent], &w, (w | set) & ~clear))
		;
	return (w | set) & ~clear;
}

void cdp_marked(struct cdp_set *s, u64 extent)
{
	flags(s, extent, EXT_DIRTY | EXT_TOUCHED, 0);
}

static bool picked(struct cdp_set *s, u64 extent, enum cdp_pick pick)
{
	u32 w = cdp_atomic_get(&s->extents[extent]);

	if (pick == PICK_FLUSHED)
		return w == (EXT_DIRTY | EXT_FLUSHED);
	if (w & EXT_TOUCHED) {
		/* with the count of that moment: who begins later touches it again */
		w = flags(s, extent, 0, EXT_TOUCHED);
		if (pick == PICK_IDLE)
			return false;
	}
	if (pick == PICK_ALL && w == (EXT_DIRTY | EXT_FLUSHED))
		w = flags(s, extent, 0, EXT_FLUSHED);
	return w == EXT_DIRTY;
}

u32 cdp_clean_pick(struct cdp_set *s, u64 *cursor, enum cdp_pick pick, u64 *out, u32 max)
{
	u64 e = *cursor;
	u32 n = 0;

	for (; e < s->g.extents && n < max; e++) {
		u64 word = s->intent[e / 64] >> e % 64;

		if (!word)
			e |= 63;
		else if (word & 1 && picked(s, e, pick))
			out[n++] = e;
	}
	*cursor = e;
	return n;
}

/* A leg was lost since the flush: what it had may be known here only. */
static bool is_in_doubt(const struct cdp_set *s)
{
	u32 i;

	if (cdp_set_owes_loss(s))
		return true;
	for (i = 0; i < s->nr_legs; i++)
		if (s->legs[i].merge)
			return true;
	return false;
}

void cdp_flushed(struct cdp_set *s, u64 extent)
{
	u32 w = EXT_DIRTY;

	if (!is_in_doubt(s))
		cdp_atomic_swap(&s->extents[extent], &w, EXT_DIRTY | EXT_FLUSHED);
}

bool cdp_clean(struct cdp_set *s, u64 extent, enum cdp_pick pick)
{
	u32 w = pick == PICK_FLUSHED ? EXT_DIRTY | EXT_FLUSHED : EXT_DIRTY;

	if (is_in_doubt(s))
		return false;
	if (!cdp_atomic_swap(&s->extents[extent], &w, 0))
		return false;
	/* nobody gets past EXT_DIRTY now, so nobody adds to it */
	cdp_word_set(&s->recent[extent], 0);
	intent_change(s, extent, false);
	return true;
}

void cdp_encode_intent(struct cdp_set *s, u32 page, struct cdp_page_disk *d)
{
	s->intent_dirty[page / 64] &= ~(1ull << page % 64);
	cdp_page_fill(d, s->intent + (u64)page * CDP_PAGE_WORDS);
	cdp_page_seal(d, &s->super.set_uuid, cdp_block_intent(&s->g, page), BLOCK_INTENT, 0,
		      s->super.sequence);
}

void cdp_encode_tracker(struct cdp_set *s, u32 leg, u32 page, struct cdp_page_disk *d)
{
	struct cdp_set_leg *l = &s->legs[leg];
	u64 e = (u64)page * CDP_TRACKER_EXTENTS;
	u32 i;

	l->tracker_dirty[page / 64] &= ~(1ull << page % 64);
	for (i = 0; i < CDP_PAGE_WORDS; i++, e++)
		cdp_page_put(d, i, e < s->g.extents ? l->tracker[e] : 0);
	cdp_page_seal(d, &s->super.set_uuid, cdp_block_tracker(&s->g, l->slot, page),
		      BLOCK_TRACKER, l->slot, s->super.sequence);
}

void cdp_load_intent(struct cdp_set *s, u32 page, const struct cdp_page_disk *d)
{
	u64 word = (u64)page * CDP_PAGE_WORDS;
	u32 i;

	for (i = 0; i < CDP_PAGE_WORDS && word * 64 < s->g.extents; i++, word++) {
		u64 left = s->g.extents - word * 64;
		u64 exist = left < 64 ? (1ull << left) - 1 : ~0ull;

		exist &= (d ? cdp_page_get(d, i) : ~0ull) & ~s->intent[word];
		s->intent[word] |= exist;
		s->marked += cdp_popcount(exist);
	}
	if (!d)
		page_dirty(s->intent_dirty, page);
}

/* What is set may be known from one leg only, and that one may go: it is written to all. */
void cdp_load_tracker(struct cdp_set *s, u32 leg, u32 page, const struct cdp_page_disk *d)
{
	u64 e = (u64)page * CDP_TRACKER_EXTENTS;
	u32 i;

	for (i = 0; i < CDP_PAGE_WORDS && e < s->g.extents; i++, e++)
		cdp_track(s, leg, e, cdp_extent_mask(&s->g, e) &
			  (d ? cdp_page_get(d, i) : ~0ull));
}

void cdp_recover(struct cdp_set *s)
{
	u64 e;
	u32 i;

	cdp_set_update(s);
	for (e = 0; e < s->g.extents; e++) {
		u64 mask;

		if (!s->intent[e / 64]) {
			e |= 63;
			continue;
		}
		if (!(s->intent[e / 64] & 1ull << e % 64))
			continue;
		mask = cdp_extent_mask(&s->g, e);
		/* it may be known from one leg only, and that one may go */
		page_dirty(s->intent_dirty, (u32)(e / CDP_INTENT_EXTENTS));
		for (i = 0; i < s->nr_legs; i++)
			if ((int)i != s->read_leg)
				cdp_track(s, i, e, mask);
		/* durable as it is: cleaned like any other, once copied and flushed */
		cdp_word_set(&s->recent[e], mask);
		cdp_atomic_set(&s->extents[e], EXT_DIRTY);
	}
	for (i = 0; i < s->nr_legs; i++)
		if (s->legs[i].state == LEG_IN_SYNC && s->legs[i].tracked)
			s->legs[i].state = LEG_STALE;
	s->need++;
	cdp_set_update(s);
}
