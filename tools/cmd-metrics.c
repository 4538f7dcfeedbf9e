// SPDX-License-Identifier: GPL-2.0-or-later
/* metrics: sets for Prometheus, by way of node_exporter's textfile collector. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "dm.h"
#include "live.h"
#include "metrics.h"
#include "msg.h"
#include "opts.h"
#include "size.h"
#include "under.h"

#define MOST_SETS	1024u

static const char *output;

static const struct argp_option options[] = {
	{ "output", 'o', "FILE", 0, "write it there in one step, instead of to stdout", 1 }, { 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key == 'o') {
		output = arg;
		return 0;
	}
	return cdp_opts_word(key, arg, state);
}

static const struct argp argp = {
	options, parse, "",
	"Print all sets as text for Prometheus. cdp-metrics.timer runs it for node_exporter's textfile collector.",
	NULL, NULL, NULL,
};

/*----------------------------------------------------------------*/

struct collection {
	u32 nr;
	struct cdp_measure sets[MOST_SETS];
};

static void measure_leg(struct cdp_leg_measure *m, const struct cdp_live *s, u32 leg,
			const struct cdp_leg_stats *stats)
{
	const struct cdp_leg_status *l = &s->status.legs[leg];

	m->state = l->state;
	cdp_uuid_print(&l->uuid, m->uuid);
	cdp_live_leg_device(l, m->device);
	m->is_primary = (int)leg == s->status.read_leg;
	m->stale_bytes = l->stale_regions * s->table.region_sectors * CDP_SECTOR_BYTES;
	m->write_errors = l->write_errors;
	m->read_errors = l->read_errors;
	m->stats = *stats;
}

static void measure_set(struct cdp_measure *m, const struct cdp_live *s,
			const struct cdp_stats *stats)
{
	const struct cdp_status *st = &s->status;
	struct cdp_dm_info info;
	u32 i;

	m->up = 1;
	m->health = st->health;
	m->size_bytes = s->length * CDP_SECTOR_BYTES;
	m->suspended = !cdp_dm_info(s->name, &info) && info.suspended;
	m->bypassed = cdp_under_is_bypassed(&s->conf, true);
	m->held = stats->held;
	m->unreadable = stats->nr_unreadable;
	if (st->resync != RESYNC_IDLE && st->to_copy > st->copied)
		m->resync_left_bytes = (st->to_copy - st->copied) * s->table.region_sectors *
			CDP_SECTOR_BYTES;
	m->events = s->event_nr;
	m->nr_legs = st->nr_legs;
	for (i = 0; i < st->nr_legs; i++)
		measure_leg(&m->legs[i], s, i, &stats->legs[i]);
}

/* What runs is measured; what is only remembered is down. */
static int take(const char *name, void *ctx)
{
	struct collection *all = ctx;
	struct cdp_measure *m = &all->sets[all->nr];
	struct cdp_stats stats;
	struct cdp_live s;
	u32 i;

	for (i = 0; i < all->nr; i++)
		if (!strcmp(all->sets[i].name, name))
			return 0;
	if (all->nr == MOST_SETS)
		return 0;
	cdp_print(m->name, sizeof(m->name), "%s", name);
	if (!cdp_live_open(&s, name)) {
		if (cdp_stats_read(name, &stats))
			memset(&stats, 0, sizeof(stats));
		measure_set(m, &s, &stats);
	}
	cdp_live_close(&s);
	cdp_why_clear();
	all->nr++;
	return 0;
}

/* node_exporter reads at any moment: it must never see half of it. */
static int write_file(const struct collection *all)
{
	char tmp[CDP_PATH_TEXT];
	int fd, r = 0;
	FILE *f;

	cdp_print(tmp, sizeof(tmp), "%s.XXXXXX", output);
	fd = mkstemp(tmp);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f)
		return cdp_why(-errno, "%s cannot be written: %s", output, strerror(errno));
	cdp_metrics_print(f, all->sets, all->nr);
	if (fchmod(fd, 0644) || fflush(f) || ferror(f))
		r = -errno;
	if (fclose(f) && !r)
		r = -errno;
	if (!r && rename(tmp, output))
		r = -errno;
	if (!r)
		return 0;
	unlink(tmp);
	return cdp_why(r, "%s cannot be written: %s", output, strerror(-r));
}

int cdp_cmd_metrics(int argc, char **argv)
{
	static struct collection all;
	int r;

	cdp_opts_parse(&argp, argc, argv, 0, 0);
	r = cdp_dm_list(take, &all);
	if (!r && cdp_conf_list(take, &all))
		cdp_why_clear();	/* nothing is remembered */
	if (r)
		return r;
	if (output)
		return write_file(&all);
	cdp_metrics_print(stdout, all.sets, all.nr);
	return fflush(stdout) ? -errno : 0;
}
