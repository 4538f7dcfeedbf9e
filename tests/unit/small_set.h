/* SPDX-License-Identifier: GPL-2.0 */
/* A set of a few legs and extents, in order and in-sync; for tests of what goes on at run time. */
#ifndef CDP_SMALL_SET_H
#define CDP_SMALL_SET_H

#include "sample.h"
#include "set.h"

#define SMALL_EXTENTS	3u
#define SMALL_REGIONS	(SMALL_EXTENTS * 64u - 10)	/* the last extent is short */

struct small {
	struct cdp_set s;
	cdp_atomic extents[SMALL_EXTENTS];
	cdp_word recent[SMALL_EXTENTS];
	u64 copied[SMALL_EXTENTS], fresh[1];
	u64 intent[CDP_PAGE_WORDS], intent_dirty[1];
	u64 tracker[CDP_MAX_LEGS][SMALL_EXTENTS], tracker_dirty[CDP_MAX_LEGS][1];
	u64 generation;		/* the next one to be minted */
};

static inline void small_init(struct small *m, u32 legs)
{
	const char *why;
	u32 i;

	memset(m, 0, sizeof(*m));
	must(!cdp_geometry_set(&m->s.g, SMALL_REGIONS * 8, 8, 4, &why), "%s", why);
	m->s.extents = m->extents;
	m->s.recent = m->recent;
	m->s.copied = m->copied;
	m->s.fresh = m->fresh;
	m->s.intent = m->intent;
	m->s.intent_dirty = m->intent_dirty;
	m->s.has_meta = true;
	m->s.copy_leg = -1;
	m->s.nr_legs = legs;
	m->generation = 1000;
	sample_super(&m->s.super);
	for (i = 0; i < legs; i++) {
		m->s.legs[i].tracker = m->tracker[i];
		m->s.legs[i].tracker_dirty = m->tracker_dirty[i];
		m->s.legs[i].state = LEG_IN_SYNC;
		m->s.legs[i].slot = i;
		m->s.legs[i].commits = CDP_TAKES_PART;
		m->s.super.legs[i].state = DISK_LEG_IN_SYNC;
		m->s.super.legs[i].uuid = sample_uuid((u8)i + 1);
	}
	m->s.durable = (1u << legs) - 1;
	cdp_set_update(&m->s);
}

/* One commit that legs of @ok take. */
static inline bool small_commit_once(struct small *m, u32 ok)
{
	u64 covers;
	u32 legs = cdp_commit_begin(&m->s, 1, ++m->generation, false, &covers);

	return cdp_commit_end(&m->s, covers, legs & ok);
}

/* As many commits as are wanted. */
static inline void small_commit(struct small *m)
{
	u32 n = 0;

	while (m->s.need > m->s.done)
		must(small_commit_once(m, ~0u) && ++n < 5, "commits that do not count");
}

static inline void small_mark(struct small *m, u64 extent)
{
	cdp_mark(&m->s, extent);
	cdp_marked(&m->s, extent);
}

static inline struct cdp_io small_io(u64 extent, u64 mask)
{
	return (struct cdp_io) { .span = { extent, mask } };
}

/* A write from begin to end; @failed: legs that do not take it. */
static inline enum cdp_verdict small_write(struct small *m, u64 extent, u64 mask, u32 failed)
{
	struct cdp_io io = small_io(extent, mask);
	enum cdp_verdict v = cdp_write_begin(&m->s, &io);

	if (v != VERDICT_GO)
		return v;
	io.failed = failed & io.legs;
	v = cdp_write_end(&m->s, &io);
	cdp_write_done(&m->s, &io);
	return v;
}

#endif
