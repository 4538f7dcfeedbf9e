/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The simulator: one history at a time, from one seed, on one thread.
 *
 *   main.c    seeds, shrinking, the summary
 *   world.c   what happens: the guest's, the administrator's and nature's actions
 *   admin.c   the administrator
 *   nature.c  faults, and what is done to legs out of use
 *   start.c   starts of a set from any choice of legs, and what they may give
 *   dm.c      device-mapper around kernel/target.c, and the guest's requests
 *   disk.c    legs: volatile caches, errors, hangs, what a crash leaves
 *   model.c   the oracle: which values each sector may have
 *   verify.c  what verify finds, and what it must not
 *   audit.c   the invariants, by looking into the core and at the disks
 *   task.c    tasks that take turns, locks, waiting, workqueues, time
 *   block.c   the kernel's requests and copies (shim.h)
 */
#ifndef SIM_H
#define SIM_H

#include "shim.h"
#include "set.h"

#define LEGS		4u	/* disks that exist */
#define REGION_SECTORS	8u
#define EXTENT_SECTORS	(REGION_SECTORS * CDP_EXTENT_REGIONS)
#define MAX_SECTORS	(5 * EXTENT_SECTORS)
#define AREA_BLOCKS	16u

/* Kinds of trouble; each may be left out, which is how failures are shrunk. */
#define CLASSES(x) \
	x(PREEMPT)	/* tasks lose their turn between any two steps */ \
	x(ERRORS)	/* requests fail, once */ \
	x(BROKEN)	/* disks fail for a time, in a range or for a kind */ \
	x(HANGS)	/* disks do not answer for a time */ \
	x(CACHES)	/* caches of lost legs are lost */ \
	x(LEGMSG)	/* leg fail, leg rejoin */ \
	x(FAILOVER)	\
	x(PAUSE)	/* resync pause and resume */ \
	x(SUSPEND)	\
	x(RELOAD)	/* the same legs, or other ones */ \
	x(GROW)		\
	x(CRASH)	\
	x(SUBSETS)	/* starts without some of the legs */ \
	x(SNAPSHOT)	/* old copies of legs come back */ \
	x(BLANK)	/* new disks in old ones' places */ \
	x(DAMAGE)	/* metadata bit flips and zeroed blocks */ \
	x(FOREIGN)	/* another set's leg */ \
	x(NOMEM)	/* no memory without waiting */ \
	x(BUFFERS)	/* the guest changes a buffer under way */ \
	x(ZEROES)	/* write-zeroes and discards */ \
	x(FUA)		\
	x(POLICY)	/* block and queue */ \
	x(RESEND)	/* requests under way outlive a lost cache */ \
	x(DEADLINE)	/* short ones, also changed while requests are out */ \
	x(VERIFY)	/* legs are compared, and read wrong now and then */ \
	x(DOUBT)	/* a protect leg loses its cache, and only that is heard of */ \
	x(OVERLAP)	/* writes to one sector at once; not by default */

enum sim_class {
#define x(name) C_##name,
	CLASSES(x)
#undef x
	NR_CLASSES
};

#define C_DEFAULT	(((1u << NR_CLASSES) - 1) & ~(1u << C_OVERLAP))

struct sim {
	u64 seed, rng;
	u32 classes;
	u32 max_steps;
	u64 steps;		/* of this history */
	u64 clock;		/* counts everything that happens */
	bool trace, failed, settling;
	bool alike;		/* disks have the same in them, as bought */
	bool rotten;		/* a leg was changed behind the set's back */
	char what[512];
	/* dice of this history */
	u32 preempt;		/* one in so many points */
	u32 stall;		/* ... of which one in so many takes long */
	bool dwell;		/* whoever picks extents to be cleaned takes his time, */
	bool picking;		/* and does so now */
	u32 tick;		/* milliseconds at most in a step */
	u32 nomem;
	bool crowd;		/* processors are wanted: who copies rests, and does less */
	u32 guest_max;		/* requests at once */
	u32 absent;		/* one leg in so many takes no part in a start */
	u32 untimely;		/* one step in so many, while something is half recorded: a crash */
	u32 w_task, w_disk, w_guest, w_action;
};

extern struct sim sim;

static inline u64 rnd(void)
{
	u64 z = sim.rng += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static inline u32 below(u32 n)
{
	return (u32)(((rnd() >> 32) * n) >> 32);
}

static inline bool one_in(u32 n)
{
	return n && !below(n);
}

static inline bool has_class(enum sim_class c)
{
	return sim.classes & 1u << c;
}

/* A line of the story; %s and friends, u64 as %lu. */
__attribute__((format(printf, 1, 2))) void say(const char *fmt, ...);
/* The promise that was broken; does not return. */
__attribute__((format(printf, 1, 2), noreturn)) void fail(const char *fmt, ...);
#define check(cond, ...)	do { if (!(cond)) fail(__VA_ARGS__); } while (0)

/* task.c */
struct task *task_spawn(const char *name, void (*fn)(void *arg), void *arg);
bool task_run_one(void);	/* false: none can run */
bool task_any(void);
void task_forget_all(void);	/* a crash: nobody runs on */
void task_fire_timers(void);
bool task_next_timer(unsigned long *at);
void sim_escape(void);		/* from any task to sim_catch() */
int sim_catch(void (*fn)(void));
void memory_forget_all(void);
u32 memory_count(void);
#define GIVEN_BACK	0xdfdfdfdfdfdfdfdfull	/* what freed memory has in it */

/* disk.c */
enum req_kind { REQ_R, REQ_W, REQ_F, REQ_KINDS };

struct disk {
	char name[8];
	u32 leg;
	bool meta;
	struct block_device bdev;
	u64 cur[MAX_SECTORS], dur[MAX_SECTORS];	/* data */
	u64 since[MAX_SECTORS];			/* when a sector became volatile; 0: is not */
	u8 area[AREA_BLOCKS * CDP_BLOCK_BYTES];	/* metadata: all writes are FUA */
	bool hung;
	bool nowait;		/* it can be asked not to make a sender wait */
	u32 depth;		/* requests it takes at once; 0: any number */
	u32 slow;		/* it moves one time in so many */
	u32 fail_once[REQ_KINDS], fail_after[REQ_KINDS];	/* not the next ones */
	bool broken[REQ_KINDS];
	u64 bad_from, bad_to;			/* fails reads and writes */
	u64 flushed;		/* clock when the last flush that was done was sent */
	u64 error_at;				/* clock of the last error */
};

struct leg {
	struct disk data, meta;
	bool blank;		/* never formatted, or zeroed */
	bool damaged;		/* its metadata was altered since it was last written anew */
	bool restored;		/* an old copy: only together with a newer leg */
	bool lacks;		/* an acknowledged write of its branch */
	u64 whole;		/* clock when it was in-sync for the last time */
	bool gaining;		/* a commit may call it in-sync, and is right */
	bool doubtful;		/* it lost its cache, and the set has not heard that yet */
	bool left;		/* its branch went on without it */
	bool lost_cache;	/* since it left */
	u64 had_acks;		/* acknowledged writes of the branch when it was whole */
	struct branch *branch;
	/* a copy taken earlier */
	bool has_copy;
	u64 copy_data[MAX_SECTORS];
	u8 copy_area[AREA_BLOCKS * CDP_BLOCK_BYTES];
	struct branch *copy_branch;
	u64 copy_acks;
	u64 copy_sequence;
};

extern struct leg legs[LEGS];

void disk_init(u32 leg);
void disk_fill(u32 leg);
void disk_submit(struct bio *bio);
bool disk_step(void);		/* false: nothing can move */
bool disk_any(void);
bool disk_is_full(const struct disk *d);
void disk_crash(void);
void disk_forget(void);
void disk_heal(struct disk *d);
void disk_lose_cache(struct disk *d);
void disk_fail_requests(const struct disk *d);
void disk_resend(const struct disk *d);	/* those under way are done once more */
bool disk_has_requests(const struct disk *d);

/* block.c */
void bio_answer(struct bio *bio);

/* dm.c */
struct op {
	u8 per_bio[768];
	struct bio bio;		/* right behind: see dm_per_bio_data() */
	bool used, queued, running, zero, fua, read, flush, changed;
	u64 id, start;
	sector_t sector;
	u32 n;
	u32 took;		/* legs that have it */
	u32 again;		/* how often it was kept from ending, since it was submitted */
	u64 data[EXTENT_SECTORS];
};

#define OPS	12u
extern struct op ops[OPS];

struct table {
	u32 nr;
	u32 leg[CDP_MAX_LEGS];		/* LEGS: missing, LEGS + 1: another set's */
	u64 sectors;
	char features[256];
	u32 nr_features;
};

extern struct dm_status {
	bool live, suspended, blocked, judged;
	struct table table;		/* of what is live */
} dm;

struct cdp *dm_cdp(void);		/* the live set, or NULL while it is not active */
void dm_reset(void);
int dm_load(const struct table *t);
int dm_suspend_set(bool noflush);
int dm_resume_set(void);
void dm_remove_at_once(void);	/* what is late stays behind */
void dm_remove(void);		/* and is awaited */
int dm_message(const char *fmt, ...);
void dm_status_line(char *text, u32 size);
bool dm_has_loaded(void);
void dm_unload(void);
void op_submit(struct op *op);
void op_took(u32 leg, const struct bio *bio);
void op_ended(struct op *op, bool good);	/* admin.c */
void admin(void (*what)(void));	/* has him do it, unless he is busy */
bool admin_is_busy(void);
void admin_reset(void);
bool admin_owes_doubt(void);	/* he knows of a lost cache, and the set does not */
void admin_start(void);
void admin_reload(void);	/* the same legs */
void admin_stop(void);
void admin_suspend(void);
void admin_resume(void);
void admin_doubt(void);
void admin_late_doubt(void);
void admin_message(void);

/* guest.c */
void dm_endio(struct bio *bio);
struct op *op_of(struct bio *bio);

/* model.c */
struct branch;
void model_reset(void);
struct branch *model_current(void);
void model_switch(struct branch *b);
/* A new line of history that begins with what @d holds. */
void model_fork(const struct disk *d, u64 sectors, struct branch *parent, u64 parent_acks);
void model_size(const struct disk *d, u64 sectors);
u64 model_acks(void);
bool model_split(const struct branch *a, const struct branch *b);
void model_changed(const struct op *op, u32 i);
void model_begin(const struct op *op);
void model_end(const struct op *op, bool good);
void model_read(const struct op *op);
void model_flushed(const struct op *op);
void model_crash(void);
/* The legs of a branch that is not the current one lose their caches. */
void model_power_loss(struct branch *b);
/* First sector of @d that cannot be; -1: all can. */
int model_misfit(const struct disk *d, u64 sectors);
/* From now on the set is what @d holds. */
void model_adopt(const struct disk *d, u64 sectors);
bool model_busy(u64 sector);	/* a write to it is under way */

/* audit.c */
void audit_all(void);
void audit_watch(void);			/* after every step: cheap */
void audit_ack(const struct op *op);
void audit_error(const struct op *op);
void audit_exec(const struct disk *d, const struct bio *bio);
void audit_reset(void);
bool audit_has_failed(u32 leg);		/* a request since it is in-sync; it may not be known yet */
bool audit_any_timeout(u64 seq);		/* a leg was given up since this event */
/* Its superblock as it is on the disk. */
enum cdp_super_kind leg_super(u32 leg, struct cdp_super *s);
bool leg_says_in_sync(u32 leg);

/* verify.c */
void verify_reset(void);
void verify_message(void);
bool verify_is_running(void);
/* A sector of @bio is read; if it is a read of verify, that may go wrong. */
void verify_lie(const struct bio *bio, u32 i, u64 *value);
/* False: the history cannot go on. */
bool verify_at_the_end(void (*settle)(void (*what)(void), const char *name), void (*rest)(void));

/* start.c */
void start_choose(struct table *t);
void start_features(struct table *t);
bool start_is_calm(void);	/* the live table has no short deadlines */
/* Load and resume @t, and judge what came of it. In a task. */
bool start_table(const struct table *t);
void start_judge(void);		/* by dm.c, before a request gets through */
void start_history(void);
u64 start_sectors(void);
void start_note_gains(void);

/* nature.c */
void nature_one_error(u32 leg, bool meta);
void nature_fault(void);	/* something happens to a disk */
void nature_tamper(void);	/* something was done to a leg that is not in use */
void nature_hang(u32 leg);
void nature_heal(void);
/* It is out of the set. @resend: what is under way there is done all the same, with the past. */
void nature_lose_cache(u32 leg, bool resend);
/* A leg that lost its cache without anybody noticing; -1: none did. */
int nature_forgetful(void);
bool leg_in_use(u32 leg);
bool leg_is_given_up(u32 leg);	/* by the set that runs */

/* guest.c */
void guest_acts(void);
void guest_changes_buffer(void);	/* that it gave away */
bool guest_waits(void);			/* for an answer */
void guest_reset(void);

/* world.c */
void world_history(void);

/* main.c: the module is loaded again, after a crash */
void sim_restart_module(void);

#endif
