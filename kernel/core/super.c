// SPDX-License-Identifier: GPL-2.0-or-later
#include "super.h"

static const char hex[] = "0123456789abcdef";

static bool hyphen_after(u32 byte)
{
	return byte == 3 || byte == 5 || byte == 7 || byte == 9;
}

const char *cdp_uuid_print(const struct cdp_uuid *u, char text[CDP_UUID_TEXT])
{
	char *p = text;
	u32 i;

	for (i = 0; i < CDP_UUID_BYTES; i++) {
		*p++ = hex[u->b[i] >> 4];
		*p++ = hex[u->b[i] & 15];
		if (hyphen_after(i))
			*p++ = '-';
	}
	*p = '\0';
	return text;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int cdp_uuid_parse(const char *text, struct cdp_uuid *u)
{
	u32 i;

	for (i = 0; i < CDP_UUID_BYTES; i++) {
		int hi = nibble(text[0]);
		int lo = hi < 0 ? -1 : nibble(text[1]);

		if (lo < 0)
			return -EINVAL;
		u->b[i] = (u8)(hi << 4 | lo);
		text += 2;
		if (hyphen_after(i) && *text++ != '-')
			return -EINVAL;
	}
	return *text ? -EINVAL : 0;
}

/* What the hash of a 4 KiB block shall be: it covers all that follows the field. */
static __le64 block_hash(const void *block)
{
	const u32 skip = offsetof(struct cdp_header_disk, block);

	return cpu_to_le64(cdp_hash((const u8 *)block + skip, CDP_BLOCK_BYTES - skip));
}

static void header_fill(struct cdp_header_disk *h, const struct cdp_uuid *set,
			u64 block, enum cdp_block_kind kind, u32 slot, u64 sequence)
{
	memset(h, 0, sizeof(*h));
	memcpy(h->magic, CDP_MAGIC, sizeof(h->magic));
	memcpy(h->set_uuid, set->b, sizeof(h->set_uuid));
	h->block = cpu_to_le64(block);
	h->sequence = cpu_to_le64(sequence);
	h->kind = cpu_to_le32(kind);
	h->slot = cpu_to_le32(slot);
}

static void leg_encode(const struct cdp_leg_entry *e, struct cdp_leg_disk *d)
{
	memcpy(d->uuid, e->uuid.b, sizeof(d->uuid));
	d->generation = cpu_to_le64(e->generation);
	d->sequence = cpu_to_le64(e->sequence);
	d->changed = cpu_to_le64(e->changed);
	d->state = cpu_to_le32(e->state);
	d->order = cpu_to_le32(e->order);
}

static void leg_decode(const struct cdp_leg_disk *d, struct cdp_leg_entry *e)
{
	memcpy(e->uuid.b, d->uuid, sizeof(d->uuid));
	e->generation = le64_to_cpu(d->generation);
	e->sequence = le64_to_cpu(d->sequence);
	e->changed = le64_to_cpu(d->changed);
	e->state = le32_to_cpu(d->state);
	e->order = le32_to_cpu(d->order);
}

void cdp_super_encode(const struct cdp_super *s, struct cdp_super_disk *d)
{
	u32 i;

	memset(d, 0, sizeof(*d));
	header_fill(&d->header, &s->set_uuid, cdp_super_block(s->sequence),
		    BLOCK_SUPER, s->slot, s->sequence);
	memcpy(d->leg_uuid, s->leg_uuid.b, sizeof(d->leg_uuid));
	memcpy(d->preferred_uuid, s->preferred.b, sizeof(d->preferred_uuid));
	d->version = cpu_to_le32(CDP_FORMAT_VERSION);
	d->compat = cpu_to_le32(s->compat);
	d->ro_compat = cpu_to_le32(s->ro_compat);
	d->incompat = cpu_to_le32(s->incompat);
	d->data_sectors = cpu_to_le64(s->data_sectors);
	d->data_start = cpu_to_le64(s->data_start);
	d->region_sectors = cpu_to_le32(s->region_sectors);
	d->extent_regions = cpu_to_le32(CDP_EXTENT_REGIONS);
	d->trackers = cpu_to_le32(s->trackers);
	d->logical_block_bytes = cpu_to_le32(s->logical_block_bytes);
	d->created = cpu_to_le64(s->created);
	d->updated = cpu_to_le64(s->updated);
	d->flags = cpu_to_le32(s->flags);
	d->generation = cpu_to_le64(s->generation);
	for (i = 0; i < CDP_ANCESTORS; i++)
		d->ancestors[i] = cpu_to_le64(s->ancestors[i]);
	for (i = 0; i < CDP_MAX_LEGS; i++)
		leg_encode(&s->legs[i], &d->legs[i]);
	d->header.hash = block_hash(d);
}

static void super_copy(const struct cdp_super_disk *d, struct cdp_super *s)
{
	u32 i;

	memset(s, 0, sizeof(*s));
	memcpy(s->set_uuid.b, d->header.set_uuid, CDP_UUID_BYTES);
	memcpy(s->leg_uuid.b, d->leg_uuid, CDP_UUID_BYTES);
	memcpy(s->preferred.b, d->preferred_uuid, CDP_UUID_BYTES);
	s->slot = le32_to_cpu(d->header.slot);
	s->sequence = le64_to_cpu(d->header.sequence);
	s->flags = le32_to_cpu(d->flags);
	s->compat = le32_to_cpu(d->compat);
	s->ro_compat = le32_to_cpu(d->ro_compat);
	s->incompat = le32_to_cpu(d->incompat);
	s->data_sectors = le64_to_cpu(d->data_sectors);
	s->data_start = le64_to_cpu(d->data_start);
	s->region_sectors = le32_to_cpu(d->region_sectors);
	s->trackers = le32_to_cpu(d->trackers);
	s->logical_block_bytes = le32_to_cpu(d->logical_block_bytes);
	s->created = le64_to_cpu(d->created);
	s->updated = le64_to_cpu(d->updated);
	s->generation = le64_to_cpu(d->generation);
	for (i = 0; i < CDP_ANCESTORS; i++)
		s->ancestors[i] = le64_to_cpu(d->ancestors[i]);
	for (i = 0; i < CDP_MAX_LEGS; i++)
		leg_decode(&d->legs[i], &s->legs[i]);
}

static bool reserved_is_zero(const struct cdp_super_disk *d)
{
	u32 i;

	for (i = 0; i < CDP_MAX_LEGS; i++)
		if (!cdp_is_zero(d->legs[i].reserved, sizeof(d->legs[i].reserved)))
			return false;
	return cdp_is_zero(d->header.reserved, sizeof(d->header.reserved)) &&
	       cdp_is_zero(d->reserved1, sizeof(d->reserved1)) &&
	       cdp_is_zero(d->reserved2, sizeof(d->reserved2)) && !d->reserved0;
}

static const char *leg_table_fault(const struct cdp_super *s)
{
	u32 i, k;

	for (i = 0; i < CDP_MAX_LEGS; i++) {
		const struct cdp_leg_entry *e = &s->legs[i];

		if (e->state > DISK_LEG_FAULTY)
			return "leg table has an unknown state";
		if (e->state == DISK_LEG_UNUSED)
			continue;
		if (i >= s->trackers)
			return "leg table has more legs than trackers";
		if (cdp_uuid_is_null(&e->uuid))
			return "leg table has a leg without a UUID";
		for (k = 0; k < i; k++)
			if (s->legs[k].state != DISK_LEG_UNUSED &&
			    cdp_uuid_equal(&s->legs[k].uuid, &e->uuid))
				return "leg table has one leg twice";
	}
	if (s->slot >= CDP_MAX_LEGS || s->legs[s->slot].state == DISK_LEG_UNUSED ||
	    !cdp_uuid_equal(&s->legs[s->slot].uuid, &s->leg_uuid))
		return "superblock is not of a leg in its own leg table";
	return NULL;
}

static const char *super_fault(const struct cdp_super *s)
{
	struct cdp_geometry g;
	const char *why;

	if (cdp_uuid_is_null(&s->set_uuid) || !s->generation || !s->sequence)
		return "superblock lacks an identity";
	if (cdp_geometry_set(&g, s->data_sectors, s->region_sectors, s->trackers, &why))
		return why;
	if (s->logical_block_bytes < 512 || s->logical_block_bytes > 65536 ||
	    (s->logical_block_bytes & (s->logical_block_bytes - 1)))
		return "superblock has an impossible logical block size";
	if (s->flags & ~CDP_SUPER_CLEAN)
		return "superblock has unknown flags";
	return leg_table_fault(s);
}

/*
 * All zero, or all but the second sector: that is a first superblock that was
 * torn, so the area was never formatted. Nothing else is known to look so: a
 * file system or GPT has more behind that sector.
 */
static bool is_blank(const struct cdp_super_disk *d)
{
	const u8 *block = (const u8 *)d;

	return cdp_is_zero(block, 512) && cdp_is_zero(block + 1024, sizeof(*d) - 1024);
}

enum cdp_super_kind cdp_super_decode(const struct cdp_super_disk *d, u64 block,
				     struct cdp_super *s, const char **why)
{
	*why = NULL;
	if (is_blank(d)) {
		*why = "metadata area is blank";
		return SUPER_BLANK;
	}
	if (memcmp(d->header.magic, CDP_MAGIC, sizeof(d->header.magic))) {
		*why = "metadata area holds something that is not dm-cdp metadata";
		return SUPER_FOREIGN;
	}
	if (d->header.hash != block_hash(d)) {
		*why = "superblock is damaged (its checksum does not match)";
		return SUPER_DAMAGED;
	}
	if (le32_to_cpu(d->header.kind) != BLOCK_SUPER ||
	    le64_to_cpu(d->header.block) != block ||
	    (le64_to_cpu(d->header.sequence) & 1) != block) {
		*why = "superblock is not at the place it was written for";
		return SUPER_DAMAGED;
	}
	if (le32_to_cpu(d->version) != CDP_FORMAT_VERSION ||
	    le32_to_cpu(d->extent_regions) != CDP_EXTENT_REGIONS ||
	    le32_to_cpu(d->incompat) & ~CDP_INCOMPAT_KNOWN) {
		*why = "metadata is of a later format than this software knows";
		return SUPER_UNSUPPORTED;
	}
	super_copy(d, s);
	*why = super_fault(s);
	if (!*why && !reserved_is_zero(d))
		*why = "superblock has reserved bytes set";
	return *why ? SUPER_DAMAGED : SUPER_VALID;
}

static bool are_twins(const struct cdp_super *a, const struct cdp_super *b)
{
	return cdp_uuid_equal(&a->set_uuid, &b->set_uuid) &&
	       cdp_uuid_equal(&a->leg_uuid, &b->leg_uuid);
}

enum cdp_super_kind cdp_super_choose(const struct cdp_super_disk *a,
				     const struct cdp_super_disk *b,
				     struct cdp_super *s, const char **why)
{
	struct cdp_super other;
	const char *why_b;
	enum cdp_super_kind ka = cdp_super_decode(a, 0, s, why);
	enum cdp_super_kind kb = cdp_super_decode(b, 1, &other, &why_b);

	if (ka == SUPER_VALID && kb == SUPER_VALID && !are_twins(s, &other)) {
		*why = "superblocks A and B are of different sets or legs";
		return SUPER_DAMAGED;
	}
	/* Later software that committed once has left a twin that we could read. */
	if (ka == SUPER_VALID && kb != SUPER_UNSUPPORTED &&
	    (kb != SUPER_VALID || other.sequence < s->sequence)) {
		*why = why_b;
		return ka;
	}
	if (kb == SUPER_VALID && ka != SUPER_UNSUPPORTED) {
		*s = other;
		return kb;
	}
	if (kb > ka) {
		*why = why_b;
		return kb;
	}
	return ka;
}

int cdp_super_find(const struct cdp_super *s, const struct cdp_uuid *uuid)
{
	int i;

	for (i = 0; i < (int)CDP_MAX_LEGS; i++)
		if (s->legs[i].state != DISK_LEG_UNUSED &&
		    cdp_uuid_equal(&s->legs[i].uuid, uuid))
			return i;
	return -1;
}

bool cdp_super_descends(const struct cdp_super *s, u64 generation)
{
	u32 i;

	if (!generation || generation == s->generation)
		return false;
	for (i = 0; i < CDP_MAX_LEGS; i++)
		if (s->legs[i].state != DISK_LEG_UNUSED && s->legs[i].generation == generation)
			return true;
	for (i = 0; i < CDP_ANCESTORS && s->ancestors[i]; i++)
		if (s->ancestors[i] == generation)
			return true;
	return false;
}

void cdp_super_mint(struct cdp_super *s, u64 generation)
{
	memmove(&s->ancestors[1], &s->ancestors[0],
		sizeof(s->ancestors) - sizeof(s->ancestors[0]));
	s->ancestors[0] = s->generation;
	s->generation = generation;
}

void cdp_page_seal(struct cdp_page_disk *d, const struct cdp_uuid *set, u64 block,
		   enum cdp_block_kind kind, u32 slot, u64 sequence)
{
	header_fill(&d->header, set, block, kind, slot, sequence);
	d->header.hash = block_hash(d);
}

int cdp_page_check(const struct cdp_page_disk *d, const struct cdp_uuid *set,
		   u64 block, enum cdp_block_kind kind, u32 slot, const char **why)
{
	*why = NULL;
	if (memcmp(d->header.magic, CDP_MAGIC, sizeof(d->header.magic)) ||
	    d->header.hash != block_hash(d))
		*why = "bitmap page is damaged";
	else if (!cdp_is_zero(d->header.reserved, sizeof(d->header.reserved)))
		*why = "bitmap page has reserved bytes set";
	else if (memcmp(d->header.set_uuid, set->b, CDP_UUID_BYTES))
		*why = "bitmap page is of another set";
	else if (le64_to_cpu(d->header.block) != block || le32_to_cpu(d->header.kind) != kind ||
		 le32_to_cpu(d->header.slot) != slot)
		*why = "bitmap page is not at the place it was written for";
	return *why ? -EILSEQ : 0;
}
