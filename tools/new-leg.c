// SPDX-License-Identifier: GPL-2.0-or-later
#include "beneath.h"
#include "identity.h"
#include "md-io.h"
#include "msg.h"
#include "new-leg.h"
#include "opts.h"
#include "size.h"

#define FIND_OURS	"cdp"	/* libblkid does not know our metadata */
#define FORCE_IDENTITY	"no-identity"

static bool is_internal(const struct cdp_new_leg *l)
{
	return !l->meta || !strcmp(l->meta, "-");
}

int cdp_new_leg_parse(struct cdp_new_leg *l, const char *spec, const char *meta)
{
	const char *why;

	l->spec = spec;
	l->meta = meta;
	if (!cdp_iscsi_is_url(spec))
		return 0;
	if (cdp_iscsi_url_parse(spec, &l->iscsi, &why))
		return cdp_why(-ECDP_USAGE, "%s: %s", spec, why);
	l->job.target = &l->iscsi;
	l->job.secret = l->secret;
	if (l->iscsi.user[0] && !cdp_opts.dry_run)
		return cdp_iscsi_secret(&l->iscsi, cdp_opts.secret_file, l->secret);
	return 0;
}

void cdp_new_leg_plan_login(struct cdp_steps *p, struct cdp_new_leg *l)
{
	if (l->iscsi.target[0])
		cdp_iscsi_plan_login(p, &l->job);
}

/*----------------------------------------------------------------*/

/* Metadata of another set, or of this one, is a find like any other. */
static int find_ours(struct cdp_device *d)
{
	struct cdp_md md;
	int r = cdp_md_find(d->path, d->sectors, &md, NULL);

	if (!r && md.kind != SUPER_BLANK && d->nr_finds < CDP_MAX_FINDS)
		strcpy(d->finds[d->nr_finds++].name, FIND_OURS);
	return r;
}

static int inspect_device(const char *path, struct cdp_device *d)
{
	int r = cdp_probe_device(path, d);

	if (r)
		return r;
	if (cdp_probe_unused(d))
		return -ECDP_REFUSED;
	r = cdp_probe_contents(d);
	return r ? r : find_ours(d);
}

static int inspect_data(struct cdp_new_leg *l, bool dry_run)
{
	const char *path = l->spec;

	l->is_known = true;
	if (l->iscsi.target[0]) {
		path = l->job.device;
		if (dry_run && cdp_iscsi_find(&l->iscsi, l->job.device)) {
			l->is_known = false;
			cdp_print(l->path, sizeof(l->path), "DISK-OF-%s", l->spec);
			return 0;
		}
	}
	return inspect_device(path, &l->dev);
}

int cdp_new_leg_inspect(struct cdp_new_leg *l, bool dry_run)
{
	int r = inspect_data(l, dry_run);

	if (!r && !is_internal(l))
		r = inspect_device(l->meta, &l->meta_dev);
	if (r)
		return r;
	if (l->is_known)
		strcpy(l->path, l->dev.path);
	strcpy(l->meta_path, is_internal(l) ? l->path : l->meta_dev.path);
	return 0;
}

int cdp_new_leg_inspect_under(struct cdp_new_leg *l, const struct cdp_device *used,
			      const char *path, bool has_meta)
{
	int r = has_meta ? cdp_probe_device(l->meta, &l->meta_dev) :
			   inspect_device(l->meta, &l->meta_dev);

	if (r)
		return r;
	l->is_known = true;
	l->keeps_data = true;
	l->dev = *used;
	cdp_print(l->path, sizeof(l->path), "%s", path);
	cdp_print(l->dev.stable, sizeof(l->dev.stable), "%s", path);
	strcpy(l->meta_path, l->meta_dev.path);
	return 0;
}

/*----------------------------------------------------------------*/

bool cdp_new_leg_finds_forced(const struct cdp_device *d, char *missing, size_t size)
{
	bool all = true;
	u32 i;
	int n = 0;

	*missing = '\0';
	for (i = 0; i < d->nr_finds; i++) {
		if (cdp_opts_forced(d->finds[i].name))
			continue;
		n += cdp_print(missing + n, size - (size_t)n, "%s--force=%s", all ? "" : " ",
			       d->finds[i].name);
		all = false;
	}
	return all;
}

static const char *finds_text(const struct cdp_device *d, char *text, size_t size)
{
	u32 i;
	int n = 0;

	for (i = 0; i < d->nr_finds; i++)
		n += cdp_print(text + n, size - (size_t)n, "%s%s", i ? " and " : "",
			       !strcmp(d->finds[i].name, FIND_OURS) ?
			       "the metadata of a dm-cdp leg (cdp)" : d->finds[i].name);
	return text;
}

/* Nothing but our own metadata: another set's leg, or an old one of this. */
static bool is_only_ours(const struct cdp_device *d)
{
	return d->nr_finds == 1 && !strcmp(d->finds[0].name, FIND_OURS);
}

static int refuse(const struct cdp_device *d, const char *what, const char *way_out)
{
	char missing[CDP_MAX_FINDS * (CDP_FIND_TEXT + 12)], finds[sizeof(missing)];

	if (cdp_new_leg_finds_forced(d, missing, sizeof(missing)))
		return 0;	/* nothing found, or the user insists */
	if (is_only_ours(d))
		return cdp_refuse("overwrites", "%s is a leg of a dm-cdp set already, or was; cdpctl examine %s tells of which. If it may be overwritten: %s",
			       d->path, d->path, missing);
	return cdp_refuse("overwrites", "%s holds %s; %s. %sIf it may be overwritten: %s", d->path,
		       finds_text(d, finds, sizeof(finds)), what, way_out, missing);
}

/* Its data has no mark by which it is found: another disk may have its name after a boot. */
static int check_identity(const struct cdp_new_leg *l)
{
	char id[CDP_PATH_TEXT];

	if (is_internal(l) || !l->is_known || cdp_opts_forced(FORCE_IDENTITY) ||
	    cdp_identity_of(l->dev.major, l->dev.minor, id))
		return 0;
	return cdp_refuse("no-identity", "%s does not say what it is (no wwid, serial number or UUID), and with its metadata on another device nothing on it does: if another disk has its name after a boot, the set would take that for its data. Leave the metadata on it (no --meta), or insist with --force=%s",
			  l->dev.path, FORCE_IDENTITY);
}

int cdp_new_leg_guard(const struct cdp_new_leg *l)
{
	int r = 0;

	if (l->keeps_data && is_internal(l))
		r = refuse(&l->dev, "the set's metadata would overwrite the end of it",
			   "Give the metadata another device with --meta DEV (a few MiB are enough), and the data is kept. ");
	else if (!l->keeps_data)
		r = refuse(&l->dev, "as a leg it would be overwritten with the data of the set", "");
	if (!r && !is_internal(l))
		r = refuse(&l->meta_dev, "metadata would overwrite it", "");
	return r ? r : check_identity(l);
}

/*
 * No reason to refuse: the cache is flushed when the user of the set flushes, and
 * a leg that may have lost it is copied to again. But that needs the loss to be
 * noticed, and a server can be kept from having anything to lose.
 */
void cdp_new_leg_advise(const struct cdp_new_leg *l)
{
	if (l->is_known && l->iscsi.target[0] &&
	    cdp_beneath_volatile(l->dev.major, l->dev.minor))
		cdp_note("%s (%s) has a write cache that is lost when the server is switched off. What was not flushed is copied again when that is noticed (cdpctl(8), WRITE CACHES). To rule it out, export the disk without one (LIO: emulate_write_cache=0; tgt: write-cache=off)",
			 l->spec, l->path);
}

static bool same_device(const struct cdp_device *a, const struct cdp_device *b)
{
	return a->sectors && b->sectors && a->major == b->major && a->minor == b->minor;
}

static int check_pair(const struct cdp_new_leg *a, const struct cdp_new_leg *b)
{
	if (same_device(&a->dev, &b->dev) || same_device(&a->dev, &b->meta_dev))
		return cdp_why(-ECDP_USAGE, "%s is given twice", a->dev.path);
	if (same_device(&a->meta_dev, &b->dev) || same_device(&a->meta_dev, &b->meta_dev))
		return cdp_why(-ECDP_USAGE, "%s is given twice: each leg needs metadata of its own, on a device of its own",
			       a->meta_dev.path);
	return 0;
}

int cdp_new_legs_check(const struct cdp_new_leg *legs, u32 nr)
{
	u32 i, k;
	int r = 0;

	for (i = 0; i < nr && !r; i++) {
		if (same_device(&legs[i].dev, &legs[i].meta_dev))
			return cdp_why(-ECDP_USAGE, "%s is given twice", legs[i].dev.path);
		for (k = 0; k < i && !r; k++)
			r = check_pair(&legs[k], &legs[i]);
		if (!r && legs[0].is_known && legs[i].is_known &&
		    legs[i].dev.logical_block_bytes > legs[0].dev.logical_block_bytes)
			r = cdp_why(-EINVAL, "%s has blocks of %u bytes and %s of %u: a leg may not have larger blocks than the primary",
				    legs[i].dev.path, legs[i].dev.logical_block_bytes,
				    legs[0].dev.path, legs[0].dev.logical_block_bytes);
	}
	return r;
}

/*----------------------------------------------------------------*/

void cdp_new_leg_to_place(const struct cdp_new_leg *l, struct cdp_place_leg *p)
{
	*p = (struct cdp_place_leg) {
		.name = l->is_known ? l->path : l->spec,
		.sectors = l->dev.sectors,
		.internal = is_internal(l),
		.meta_sectors = l->meta_dev.sectors,
	};
}

int cdp_new_leg_place_failed(int err, const char *why, const char *leg)
{
	return cdp_why(err, "%s%s%s", leg ? leg : "", leg ? ": " : "", why);
}

static int wipe(void *arg)
{
	struct cdp_new_leg *l = arg;

	return cdp_md_wipe(l->meta_path, l->meta_start);
}

/* The kernel may have formatted it meanwhile; left so, it would be refused the next time. */
static void wipe_again(void *arg)
{
	if (wipe(arg))
		cdp_warn("%s", cdp_why_text());
}

void cdp_new_leg_plan_wipe(struct cdp_steps *p, struct cdp_new_leg *l)
{
	cdp_steps_add(p, wipe, wipe_again, l, "metadata: zero the superblocks on %s, 16 sectors from sector %llu",
		      l->meta_path, (unsigned long long)l->meta_start);
}

void cdp_new_leg_to_table(const struct cdp_new_leg *l, struct cdp_table_leg *t)
{
	*t = (struct cdp_table_leg) { l->path, 0, l->meta_path, l->meta_start };
}

void cdp_new_leg_to_conf(const struct cdp_new_leg *l, struct cdp_conf_leg *c)
{
	memset(c, 0, sizeof(*c));
	strcpy(c->device, l->is_known ? l->dev.stable : "-");
	strcpy(c->meta_device, is_internal(l) ? CDP_META_INTERNAL : l->meta_dev.stable);
	c->meta_start = l->meta_start;
	c->iscsi = l->iscsi;
}
