// SPDX-License-Identifier: GPL-2.0
/* What users see and say: status, table line, messages. Never waits for a leg to answer. */
#include <linux/delay.h>

#include "cdp.h"

#define LEG_FAIL_MS	500	/* a leg that has not flushed by then is thrown out as it is */

/*----------------------------------------------------------------
 * Status and table line
 *--------------------------------------------------------------*/

static void fill_leg(struct cdp *c, u32 i, struct cdp_leg_status *l)
{
	struct cdp_set_leg *sl = &c->set.legs[i];

	l->uuid = c->set.super.legs[sl->slot].uuid;
	if (c->devs[i].data)
		strscpy(l->data_dev, c->devs[i].data->name, sizeof(l->data_dev));
	l->state = sl->state;
	l->stale_regions = cdp_set_stale_count(&c->set, i);
	l->regions = c->set.g.regions;
	l->write_errors = sl->write_errors;
	l->read_errors = sl->read_errors;
}

static void fill(struct cdp *c, struct cdp_status *st)
{
	struct cdp_set *s = &c->set;
	u32 i;

	st->nr_legs = c->nr_legs;
	st->read_leg = -1;
	st->health = HEALTH_FAILED;
	for (i = 0; i < c->nr_legs; i++) {
		st->legs[i].regions = s->g.regions;
		if (c->devs[i].data)
			strscpy(st->legs[i].data_dev, c->devs[i].data->name,
				sizeof(st->legs[i].data_dev));
	}
	if (!c->active)		/* before the first resume nothing is known */
		return;
	st->set_uuid = s->super.set_uuid;
	st->health = cdp_set_health(s);
	st->read_leg = s->read_leg;
	st->generation = s->super.generation;
	for (i = 0; i < c->nr_legs; i++)
		fill_leg(c, i, &st->legs[i]);
	st->copied = st->to_copy = c->copied_last;
	if (s->copy_leg >= 0) {
		st->copied = s->copy_done;
		st->to_copy = s->copy_done + cdp_set_stale_count(s, (u32)s->copy_leg);
		st->resync = RESYNC_RUNNING;
	}
	if (c->resync_paused)
		st->resync = RESYNC_PAUSED;
}

void cdp_status(struct cdp *c, char *result, unsigned int maxlen)
{
	struct cdp_status *st = &c->answer.status;

	/* composed where no memory is needed: it is asked for when there is none */
	mutex_lock(&c->answer_mutex);
	memset(st, 0, sizeof(*st));
	spin_lock(&c->lock);
	fill(c, st);
	spin_unlock(&c->lock);
	cdp_status_print(st, result, maxlen);
	mutex_unlock(&c->answer_mutex);
}

void cdp_table_line(struct cdp *c, char *result, unsigned int maxlen)
{
	struct cdp_table *t = &c->answer.table;
	u32 i;

	mutex_lock(&c->answer_mutex);
	memset(t, 0, sizeof(*t));
	t->region_sectors = c->region_sectors;
	t->nr_legs = c->nr_legs;
	t->features = c->features;
	for (i = 0; i < c->nr_legs; i++) {
		struct cdp_dev *d = &c->devs[i];

		t->legs[i].data_dev = d->data ? d->data->name : "-";
		t->legs[i].data_start = d->data_start;
		t->legs[i].meta_dev = d->meta ? d->meta->name : "-";
		t->legs[i].meta_start = d->meta_start;
	}
	cdp_table_print(t, result, maxlen);
	mutex_unlock(&c->answer_mutex);
}

/*----------------------------------------------------------------
 * Messages
 *--------------------------------------------------------------*/

static int parse_u64(const char *text, u64 *v)
{
	return kstrtou64(text, 10, v) ? -EINVAL : 0;
}

/* A leg by its place in the table, its UUID, or its device. */
static int find_leg(struct cdp *c, const char *text)
{
	struct cdp_uuid uuid;
	u64 n;
	u32 i;

	if (!parse_u64(text, &n))
		return n < c->nr_legs ? (int)n : -EINVAL;
	for (i = 0; i < c->nr_legs; i++) {
		if (c->devs[i].data && !strcmp(c->devs[i].data->name, text))
			return (int)i;
		if (!cdp_uuid_parse(text, &uuid) &&
		    cdp_uuid_equal(&uuid, &c->set.super.legs[c->set.legs[i].slot].uuid))
			return (int)i;
	}
	return -EINVAL;
}

static u32 length(const struct list_head *list)
{
	const struct list_head *n;
	u32 count = 0;

	list_for_each(n, list)
		count++;
	return count;
}

/* Requests that wait without a bound: for a leg, a table, or a commit that hangs. */
static u32 count_held(struct cdp *c)
{
	bool hangs = READ_ONCE(c->committing) &&
		     time_after(jiffies, READ_ONCE(c->commit_since) + HZ);
	u32 n;

	spin_lock_irq(&c->queue_lock);
	n = length(&c->blocked);
	if (hangs)
		n += length(&c->unmarked) + READ_ONCE(c->nr_held);
	spin_unlock_irq(&c->queue_lock);
	return n;
}

static unsigned int leg_stats(struct cdp *c, u32 leg, char *result, unsigned int maxlen,
			      unsigned int sz)
{
	struct cdp_set_leg *l = &c->set.legs[leg];
	struct cdp_outstanding o;
	struct cdp_latency t;
	unsigned int i;

	cdp_flight_count(c, leg, &o);
	cdp_gauge_read(c, leg, &t);
	{
		const struct {
			const char *name;
			u64 value;
		} line[] = {
			{ "flaps", l->flaps }, { "outstanding", o.waiting }, { "late", o.late },
			{ "oldest_ms", jiffies_to_msecs(o.oldest) }, { "count", t.count },
			{ "mean_us", t.mean_us }, { "p99_us", t.p99_us },
			{ "worst_us", t.worst_us }, { "missed_bytes", l->missed_bytes },
			{ "copied_bytes", c->copied_bytes[leg] },
			{ "zeroed_bytes", c->zeroed_bytes[leg] }, { "repairs", l->repairs },
		};

		for (i = 0; i < ARRAY_SIZE(line); i++)
			DMEMIT("\nleg.%u.%s %llu", leg, line[i].name, line[i].value);
	}
	return sz;
}

static const char *verify_state(const struct cdp_verify *v)
{
	static const char * const name[] = {
		[VERIFY_IDLE] = "idle", [VERIFY_RUNNING] = "running",
		[VERIFY_FINISHED] = "finished", [VERIFY_STOPPED] = "stopped",
	};

	return v->state == VERIFY_RUNNING && v->held ? "paused" : name[v->state];
}

/* In sectors; lock held. */
static unsigned int verify_stats(struct cdp *c, char *result, unsigned int maxlen,
				 unsigned int sz)
{
	const struct cdp_verify *v = &c->set.verify;
	u32 shift = c->set.g.region_shift, i;
	const struct {
		const char *name;
		u64 value;
	} line[] = {
		{ "from", v->from << shift },
		{ "to", min(v->to << shift, c->set.g.data_sectors) },
		{ "position", cdp_verify_position(&c->set) << shift },
		{ "compared", v->compared << shift }, { "skipped", v->skipped << shift },
		{ "unreadable", v->unreadable << shift }, { "rate", c->verify_rate.mbps },
		{ "differences", v->nr_diffs },
	};

	DMEMIT("%sverify.state %s", sz ? "\n" : "", verify_state(v));
	for (i = 0; i < ARRAY_SIZE(line); i++)
		DMEMIT("\nverify.%s %llu", line[i].name, line[i].value);
	for (i = 0; i < v->nr_diffs; i++) {
		const struct cdp_diff *d = &v->diffs[i];

		DMEMIT("\ndifference %llu-%llu %u %u", d->first, d->first + d->sectors - 1,
		       d->leg, d->against);
	}
	return sz;
}

static int msg_stats(struct cdp *c, char *result, unsigned int maxlen)
{
	static const char * const name[STATS] = {
		"reads", "writes", "flushes", "zeroes", "read_bytes", "write_bytes",
		"intent_pages", "tracker_pages", "commits", "metadata_rounds",
		"parked", "extents_cleaned", "retried_reads", "verify_reads", "rests",
	};
	unsigned int i, cpu, sz = 0;

	for (i = 0; i < STATS; i++) {
		u64 n = 0;

		for_each_possible_cpu(cpu)
			n += READ_ONCE(per_cpu_ptr(c->stats, cpu)->n[i]);
		DMEMIT("%s %llu\n", name[i], n);
	}
	DMEMIT("extents_dirty %llu\n", cdp_load(c->set.marked));
	DMEMIT("event_seq %llu\n", c->event_seq);
	DMEMIT("held %u", count_held(c));
	for (i = 0; i < c->nr_legs; i++)
		sz = leg_stats(c, i, result, maxlen, sz);
	spin_lock(&c->lock);
	for (i = 0; i < c->nr_bad; i++)
		DMEMIT("\nunreadable %llu-%llu", (u64)c->bad[i].first, (u64)c->bad[i].last);
	sz = verify_stats(c, result, maxlen, sz);
	spin_unlock(&c->lock);
	return 1;
}

static char region_char(struct cdp *c, u64 region)
{
	struct cdp_set *s = &c->set;
	u64 e = region / CDP_EXTENT_REGIONS, bit = 1ull << region % CDP_EXTENT_REGIONS;
	u32 i;

	for (i = 0; i < CDP_CLAIMS; i++)
		if (s->claims[i].used && s->claims[i].span.extent == e &&
		    s->claims[i].span.mask & bit)
			return i < CDP_COPIES ? 'c' : 'v';
	for (i = 0; i < c->nr_legs; i++)
		if (cdp_set_stale(s, i, e) & bit)
			return 's';
	return cdp_is_marked(s, e) && cdp_word_get(&s->recent[e]) & bit ? 'w' : '.';
}

static int msg_regions(struct cdp *c, char **argv, char *result, unsigned int maxlen)
{
	u64 first, count, i;

	if (parse_u64(argv[1], &first) || parse_u64(argv[2], &count) || !count ||
	    first >= c->set.g.regions || count > c->set.g.regions - first)
		return -EINVAL;
	count = min_t(u64, count, min(maxlen - 1, 4096u));
	spin_lock(&c->lock);
	for (i = 0; i < count; i++)
		result[i] = region_char(c, first + i);
	spin_unlock(&c->lock);
	result[count] = '\0';
	return 1;
}

#define MAP_BUDGET	2048	/* extents to look at with the lock held */

static char map_cell(struct cdp *c, u64 first, u64 end)
{
	struct cdp_map_cell cell = { 0 };

	while (first < end) {
		spin_lock(&c->lock);
		first = cdp_map_scan(&c->set, first, end, MAP_BUDGET, &cell);
		spin_unlock(&c->lock);
		cond_resched();
	}
	return cdp_map_letter(&cell);
}

/* The whole set in as many cells as are asked for, or as it has regions. */
static int msg_map(struct cdp *c, const char *text, char *result, unsigned int maxlen)
{
	u64 regions = c->set.g.regions, cells, i;

	if (parse_u64(text, &cells) || !cells)
		return -EINVAL;
	cells = min_t(u64, min(cells, regions), min(maxlen - 1, CDP_MAP_CELLS));
	for (i = 0; i < cells; i++)
		result[i] = map_cell(c, div64_u64(i * regions, cells),
				     div64_u64((i + 1) * regions, cells));
	result[cells] = '\0';
	return 1;
}

static int msg_events(struct cdp *c, const char *since, char *result, unsigned int maxlen)
{
	unsigned int sz = 0;
	char uuid[CDP_UUID_TEXT];
	u64 seq;

	if (parse_u64(since, &seq))
		return -EINVAL;
	*result = '\0';
	spin_lock(&c->lock);
	if (c->event_seq > CDP_EVENTS)
		seq = max(seq, c->event_seq - CDP_EVENTS);
	/* whole lines only: the reader asks again from the last one on */
	for (; seq < c->event_seq && maxlen - sz > 192; seq++) {
		struct cdp_event *e = &c->events[seq % CDP_EVENTS];

		DMEMIT("%s%llu %lld %s %s %s", sz ? "\n" : "", e->seq, e->when, e->name,
		       e->leg < 0 ? "-" : cdp_uuid_print(&e->leg_uuid, uuid), e->detail);
	}
	spin_unlock(&c->lock);
	return 1;
}

static int msg_failover(struct cdp *c, unsigned int argc, char **argv)
{
	int leg = -EBUSY, r;
	u32 i;

	spin_lock(&c->lock);
	if (argc == 2) {
		leg = find_leg(c, argv[1]);
	} else {
		for (i = 0; i < c->nr_legs && leg < 0; i++)
			if (c->set.in_sync & 1u << i && (int)i != c->set.read_leg)
				leg = (int)i;
	}
	r = leg < 0 ? leg : cdp_set_prefer(&c->set, (u32)leg);
	cdp_tell(c);
	spin_unlock(&c->lock);
	return r ?: cdp_commit_wait(c);
}

static bool lock_keeper_within(struct cdp *c, unsigned long timeout)
{
	unsigned long end = jiffies + timeout;

	while (!mutex_trylock(&c->keeper_mutex)) {
		if (time_after(jiffies, end))
			return false;
		msleep(20);
	}
	return true;
}

/* Lock held. */
static int may_fail(struct cdp *c, u32 leg)
{
	if (c->suspended || c->set.legs[leg].state < LEG_STALE)
		return -EBUSY;
	return cdp_set_may_fail(&c->set, leg);
}

/*
 * Taken out in order what it has is flushed first, so that it lacks nothing yet.
 * One that hangs is thrown out: what was not flushed counts as missing.
 */
static int leg_fail(struct cdp *c, u32 leg)
{
	bool locked = lock_keeper_within(c, msecs_to_jiffies(LEG_FAIL_MS));
	int r;

	spin_lock(&c->lock);
	r = may_fail(c, leg);
	spin_unlock(&c->lock);
	if (!r && locked && !cdp_store_flush_within(c, leg, msecs_to_jiffies(LEG_FAIL_MS)))
		cdp_clean_all(c, true);
	spin_lock(&c->lock);
	r = may_fail(c, leg);
	if (!r)
		cdp_set_leg_error(&c->set, leg, false);
	cdp_tell(c);
	spin_unlock(&c->lock);
	if (locked)
		mutex_unlock(&c->keeper_mutex);
	return r ?: cdp_commit_wait(c);
}

static int rejoin_locked(struct cdp *c, u32 leg)
{
	if (c->suspended || c->set.legs[leg].state != LEG_FAULTY || !c->devs[leg].data)
		return -EBUSY;
	/* copies to it may still be under way from before it failed */
	if (c->set.copy_leg == (int)leg)
		cdp_resync_quiesce(c);
	cdp_clean_all(c, false);
	return cdp_rejoin(c, leg);
}

static int leg_rejoin(struct cdp *c, u32 leg)
{
	int r;

	if (!lock_keeper_within(c, HZ)) {
		DMERR("%s: leg %u cannot come back now: another leg is waited for", cdp_name(c),
		      leg);
		return -EBUSY;
	}
	r = rejoin_locked(c, leg);
	mutex_unlock(&c->keeper_mutex);
	return r;
}

static int leg_doubt(struct cdp *c, u32 leg)
{
	int r;

	spin_lock(&c->lock);
	r = c->set.legs[leg].state >= LEG_STALE ? cdp_set_leg_doubt(&c->set, leg) : -EBUSY;
	if (!r)
		cdp_event(c, "leg-doubted", (int)leg, "it may have lost what was not flushed");
	cdp_tell(c);
	spin_unlock(&c->lock);
	return r ?: cdp_commit_wait(c);
}

/* A deadline for all legs, from now on. */
static int leg_timeout(struct cdp *c, const char *text)
{
	u64 ms;

	if (parse_u64(text, &ms) || ms > CDP_MAX_TIMEOUT_MS)
		return -EINVAL;
	WRITE_ONCE(c->features.leg_timeout_ms, (u32)ms);
	cdp_watch_now(c);
	return 0;
}

static int msg_leg(struct cdp *c, char **argv)
{
	int leg, r = -EINVAL;

	if (!strcasecmp(argv[1], "timeout"))
		return leg_timeout(c, argv[2]);
	spin_lock(&c->lock);
	leg = find_leg(c, argv[2]);
	spin_unlock(&c->lock);
	if (leg < 0)
		return leg;
	if (!strcasecmp(argv[1], "fail"))
		r = leg_fail(c, (u32)leg);
	else if (!strcasecmp(argv[1], "rejoin"))
		r = leg_rejoin(c, (u32)leg);
	else if (!strcasecmp(argv[1], "doubt"))
		r = leg_doubt(c, (u32)leg);
	cdp_kick_keeper(c);
	return r;
}

static int pause(struct cdp *c, bool paused)
{
	spin_lock(&c->lock);
	if (c->resync_paused != paused)
		cdp_event(c, paused ? "resync-paused" : "resync-resumed", c->set.copy_leg, "%s", "");
	c->resync_paused = paused;
	spin_unlock(&c->lock);
	c->retry_next = jiffies;
	cdp_kick_keeper(c);
	return 0;
}

/* How much the guest may wait for a resync, and for a verify. */
static int latency(struct cdp *c, const char *text)
{
	u64 rise;

	if (parse_u64(text, &rise) || rise > CDP_MAX_RISE)
		return -EINVAL;
	WRITE_ONCE(c->features.latency_rise, (u32)rise);
	return 0;
}

static int msg_resync(struct cdp *c, unsigned int argc, char **argv)
{
	u64 rate;

	if (argc == 2 && !strcasecmp(argv[1], "pause"))
		return pause(c, true);
	if (argc == 2 && !strcasecmp(argv[1], "resume"))
		return pause(c, false);
	if (argc == 3 && !strcasecmp(argv[1], "latency"))
		return latency(c, argv[2]);
	if (argc != 3 || strcasecmp(argv[1], "rate") || parse_u64(argv[2], &rate) ||
	    rate > 1000000)
		return -EINVAL;
	WRITE_ONCE(c->resync_rate.mbps, (u32)rate);
	return 0;
}

/* [FROM [TO]]: all sectors, or from FROM on, or up to TO, which is not verified any more. */
static int verify_start(struct cdp *c, unsigned int argc, char **argv)
{
	u64 from = 0, to = c->set.g.data_sectors;

	if ((argc > 0 && parse_u64(argv[0], &from)) || (argc > 1 && parse_u64(argv[1], &to)))
		return -EINVAL;
	return cdp_verify_begin(c, from, to);
}

/*
 * What is to be copied is durable first: else a crash could bring the difference back,
 * with a leg that takes itself for whole.
 */
static int mend(struct cdp *c, u32 leg, u64 first, u64 sectors)
{
	int r;

	mutex_lock(&c->keeper_mutex);
	spin_lock(&c->lock);
	r = c->suspended ? -EBUSY : cdp_verify_repair(&c->set, leg, first, sectors);
	if (!r)
		cdp_event(c, "verify-repair", (int)leg, "sectors %llu-%llu", first,
			  first + sectors - 1);
	cdp_tell(c);
	spin_unlock(&c->lock);
	if (!r)
		r = cdp_write_trackers(c);
	mutex_unlock(&c->keeper_mutex);
	cdp_kick_keeper(c);
	return r ?: cdp_commit_wait(c);
}

static int verify_repair(struct cdp *c, char **argv)
{
	u64 first, sectors;
	int leg;

	spin_lock(&c->lock);
	leg = find_leg(c, argv[0]);
	spin_unlock(&c->lock);
	if (leg < 0 || parse_u64(argv[1], &first) || parse_u64(argv[2], &sectors))
		return -EINVAL;
	return mend(c, (u32)leg, first, sectors);
}

static int verify_rate(struct cdp *c, const char *text)
{
	u64 rate;

	if (parse_u64(text, &rate) || rate > 1000000)
		return -EINVAL;
	WRITE_ONCE(c->verify_rate.mbps, (u32)rate);
	return 0;
}

static int msg_verify(struct cdp *c, unsigned int argc, char **argv, char *result,
		      unsigned int maxlen)
{
	if (argc <= 4 && !strcasecmp(argv[1], "start"))
		return verify_start(c, argc - 2, argv + 2);
	if (argc == 2 && !strcasecmp(argv[1], "stop"))
		return cdp_verify_cancel(c);
	if (argc == 5 && !strcasecmp(argv[1], "repair"))
		return verify_repair(c, argv + 2);
	if (argc == 3 && !strcasecmp(argv[1], "rate"))
		return verify_rate(c, argv[2]);
	if (argc != 2 || strcasecmp(argv[1], "status"))
		return -EINVAL;
	spin_lock(&c->lock);
	verify_stats(c, result, maxlen, 0);
	spin_unlock(&c->lock);
	return 1;
}

/* The way out of a hold: what waits without a bound fails. */
static int release(struct cdp *c)
{
	u32 n = count_held(c);

	spin_lock(&c->lock);
	cdp_event(c, "released", -1, "%u requests", n);
	spin_unlock(&c->lock);
	if (!READ_ONCE(c->evict))
		WRITE_ONCE(c->evict, EVICT_ONCE);
	cdp_kick_commit(c);
	return 0;
}

static int dispatch(struct cdp *c, unsigned int argc, char **argv, char *result,
		    unsigned int maxlen)
{
	if (argc == 1 && !strcasecmp(argv[0], "stats"))
		return msg_stats(c, result, maxlen);
	if (argc == 3 && !strcasecmp(argv[0], "regions"))
		return msg_regions(c, argv, result, maxlen);
	if (argc == 2 && !strcasecmp(argv[0], "map"))
		return msg_map(c, argv[1], result, maxlen);
	if (argc == 2 && !strcasecmp(argv[0], "events"))
		return msg_events(c, argv[1], result, maxlen);
	if (argc <= 2 && !strcasecmp(argv[0], "failover"))
		return msg_failover(c, argc, argv);
	if (argc == 3 && !strcasecmp(argv[0], "leg"))
		return msg_leg(c, argv);
	if (argc == 1 && !strcasecmp(argv[0], "release"))
		return release(c);
	if (argc >= 2 && !strcasecmp(argv[0], "resync"))
		return msg_resync(c, argc, argv);
	if (argc >= 2 && !strcasecmp(argv[0], "verify"))
		return msg_verify(c, argc, argv, result, maxlen);
	return -EINVAL;
}

int cdp_message(struct cdp *c, unsigned int argc, char **argv, char *result, unsigned int maxlen)
{
	int r;

	if (!c->active)
		return -EBUSY;
	r = argc ? dispatch(c, argc, argv, result, maxlen) : -EINVAL;
	if (r < 0)
		DMWARN("%s: message '%s%s%s' %s", cdp_name(c), argc ? argv[0] : "",
		       argc > 1 ? " " : "", argc > 1 ? argv[1] : "",
		       r == -EINVAL ? "is not understood" : "is not possible now");
	return r;
}
