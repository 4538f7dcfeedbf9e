// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks that take turns: each has a stack of its own and runs until it waits,
 * or until the dice take the turn from it at a point. Nothing runs in parallel,
 * so a history is the same every time.
 */
#include <setjmp.h>
#include <ucontext.h>

#include "sim.h"
#undef current	/* the kernel's */

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#define STACK	(512u << 10)
#else
#define STACK	(96u << 10)
#endif
#define TASKS	256u
#define TIMERS	32u
#define QUEUES	64u

enum task_state { FREE, RUNNABLE, BLOCKED };

struct task {
	jmp_buf env;
	ucontext_t uc;
	char *stack;
	enum task_state state;
	bool started;		/* the stack is in use */
	const char *name;
	void (*fn)(void *arg);
	void *arg;
	const void *on;		/* lock or the like that it is blocked on */
	const void *wait;	/* what it waits for by sim_wait_...() */
	bool woken;
	unsigned long until;
	u64 stalled;		/* it does not get its turn before this step */
	bool dwells;		/* between any two accesses it may be stalled */
	u32 place;		/* in run[] */
};

static struct task tasks[TASKS];
static struct task *run[TASKS], *current;
static u32 nr_run, nr_tasks;	/* tasks in use are below nr_tasks */
static jmp_buf main_env, catch_env;
unsigned long jiffies;
u64 sim_ns;
struct sim_task sim_task;

/*----------------------------------------------------------------
 * Switching
 *--------------------------------------------------------------*/

#ifdef __SANITIZE_ADDRESS__
static const void *main_bottom;
static size_t main_size;

static void leaving(const void *bottom, size_t size)
{
	__sanitizer_start_switch_fiber(NULL, bottom, size);
}

static void arrived(bool from_main)
{
	const void *bottom;
	size_t size;

	__sanitizer_finish_switch_fiber(NULL, &bottom, &size);
	if (from_main) {
		main_bottom = bottom;
		main_size = size;
	}
}
#define LEAVE_TO_MAIN()		leaving(main_bottom, main_size)
#define LEAVE_TO(t)		leaving((t)->stack, STACK)
#define ARRIVED(from_main)	arrived(from_main)
#else
#define LEAVE_TO_MAIN()		((void)0)
#define LEAVE_TO(t)		((void)0)
#define ARRIVED(from_main)	((void)0)
#endif

static void set_runnable(struct task *t)
{
	t->state = RUNNABLE;
	t->place = nr_run;
	run[nr_run++] = t;
}

static void unset_runnable(struct task *t)
{
	struct task *last = run[--nr_run];

	run[t->place] = last;
	last->place = t->place;
}

static void to_main(void)
{
	if (!_setjmp(current->env)) {
		LEAVE_TO_MAIN();
		_longjmp(main_env, 1);
	}
	ARRIVED(true);
}

static void body(void)
{
	ARRIVED(true);
	for (;;) {
		struct task *t = current;

		t->fn(t->arg);
		unset_runnable(t);
		t->state = FREE;
		to_main();
	}
}

static void turn(struct task *t)
{
	current = t;
	if (!_setjmp(main_env)) {
		LEAVE_TO(t);
		if (t->started)
			_longjmp(t->env, 1);
		t->started = true;
		setcontext(&t->uc);
	}
	ARRIVED(false);
	current = NULL;
}

struct task *task_spawn(const char *name, void (*fn)(void *arg), void *arg)
{
	struct task *t;
	u32 i;

	for (i = 0; i < TASKS && tasks[i].state != FREE; i++)
		;
	if (i == TASKS)
		fail("the simulator has too few tasks");
	t = &tasks[i];
	if (i >= nr_tasks)
		nr_tasks = i + 1;
	if (!t->started) {
		if (!t->stack)
			t->stack = aligned_alloc(64, STACK);
		getcontext(&t->uc);
		t->uc.uc_stack.ss_sp = t->stack;
		t->uc.uc_stack.ss_size = STACK;
		t->uc.uc_link = NULL;
		makecontext(&t->uc, body, 0);
	}
	t->name = name;
	t->fn = fn;
	t->arg = arg;
	t->on = t->wait = NULL;
	t->until = t->stalled = 0;
	t->dwells = false;
	set_runnable(t);
	return t;
}

static bool has_turns(const struct task *t)
{
	return t->stalled <= sim.steps || sim.settling;
}

/* One that can run, from any place on. */
static struct task *runnable(void)
{
	u32 from = nr_run ? below(nr_run) : 0, i;

	for (i = 0; i < nr_run; i++) {
		struct task *t = run[(from + i) % nr_run];

		if (has_turns(t))
			return t;
	}
	return NULL;
}

bool task_any(void)
{
	u32 i;

	for (i = 0; i < nr_run; i++)
		if (has_turns(run[i]))
			return true;
	return false;
}

bool task_run_one(void)
{
	struct task *t = runnable();

	if (t)
		turn(t);
	return t;
}

void sim_escape(void)
{
	if (current)
		LEAVE_TO_MAIN();
	_longjmp(catch_env, 1);
}

int sim_catch(void (*fn)(void))
{
	if (_setjmp(catch_env)) {
		if (current)
			ARRIVED(false);
		current = NULL;
		return 1;
	}
	fn();
	return 0;
}

static void block(void)
{
	struct task *t = current;

	if (!t)
		fail("something waits outside of a task");
	unset_runnable(t);
	t->state = BLOCKED;
	to_main();
}

/* A turn may be taken for long, as from a processor of a guest whose host is busy. */
void sim_point(void)
{
	bool dwells = current && current->dwells && one_in(2);

	if (!dwells && (!current || !sim.preempt || !one_in(sim.preempt)))
		return;
	if (dwells)
		current->stalled = sim.steps + below(64);
	else if (one_in(sim.stall))
		current->stalled = sim.steps + (1ul << below(12));
	to_main();
}

/* Dice of its own: a clock that is read once more or less must not make another history. */
bool sim_wanted(void)
{
	u64 die = (sim_ns + sim.seed) * 0x9e3779b97f4a7c15ull;

	sim_ns += 20000 + (die >> 32) % 100000;
	return sim.crowd && !(die >> 60);
}

/* Extents are picked to be cleaned a few times in a history: writes begin in the middle of it. */
u32 __real_cdp_clean_pick(struct cdp_set *s, u64 *cursor, enum cdp_pick pick, u64 *out, u32 max);
u32 __wrap_cdp_clean_pick(struct cdp_set *s, u64 *cursor, enum cdp_pick pick, u64 *out, u32 max);
u32 __wrap_cdp_clean_pick(struct cdp_set *s, u64 *cursor, enum cdp_pick pick, u64 *out, u32 max)
{
	u32 n;

	sim.picking = current->dwells = sim.dwell;
	n = __real_cdp_clean_pick(s, cursor, pick, out, max);
	sim.picking = current->dwells = false;
	return n;
}

/*----------------------------------------------------------------
 * Locks and waiting
 *--------------------------------------------------------------*/

void sim_lock(spinlock_t *l)
{
	sim_point();
	while (l->owner) {
		check(l->owner != current, "deadlock: %s takes a lock twice", current->name);
		current->on = l;
		block();
	}
	l->owner = current;
}

bool sim_trylock(spinlock_t *l)
{
	sim_point();
	if (l->owner)
		return false;
	l->owner = current;
	return true;
}

void sim_unlock(spinlock_t *l)
{
	u32 i;

	check(l->owner == current, "a lock is released by another task");
	l->owner = NULL;
	for (i = 0; i < nr_tasks; i++)
		if (tasks[i].on == l) {
			tasks[i].on = NULL;
			set_runnable(&tasks[i]);
		}
	sim_point();
}

void sim_assert_held(const spinlock_t *l)
{
	check(l->owner == current, "a lock is not held");
}

void sim_wait_begin(const void *what)
{
	current->wait = what;
	current->woken = false;
	sim_point();
}

void sim_wait_sleep(unsigned long until)
{
	if (!current->woken) {
		current->until = until;
		block();
		current->until = 0;
	}
	current->woken = false;
}

void sim_wait_end(void)
{
	current->wait = NULL;
}

void sim_sleep(unsigned long ms)
{
	unsigned long until = jiffies + ms;

	sim_wait_begin(&until);
	while (time_before(jiffies, until))
		sim_wait_sleep(until);
	sim_wait_end();
}

static void wake_task(struct task *t)
{
	t->woken = true;
	if (t->state == BLOCKED && !t->on)
		set_runnable(t);
}

void sim_wake(const void *what)
{
	u32 i;

	for (i = 0; i < nr_tasks; i++)
		if (tasks[i].wait == what && tasks[i].state != FREE)
			wake_task(&tasks[i]);
	sim_point();
}

/*----------------------------------------------------------------
 * Workqueues and timers
 *--------------------------------------------------------------*/

struct workqueue_struct {
	bool used, ending, ended;
	struct list_head works;
	const struct work_struct *running;
	char name[24];
};

static struct workqueue_struct queues[QUEUES];
static struct delayed_work *timers[TIMERS];
static u32 nr_timers;

static void worker(void *arg)
{
	struct workqueue_struct *wq = arg;

	for (;;) {
		struct work_struct *w;

		wait_event(*wq, !list_empty(&wq->works) || wq->ending);
		if (list_empty(&wq->works))
			break;
		w = container_of(wq->works.next, struct work_struct, node);
		list_del(&w->node);
		w->pending = false;
		wq->running = w;
		w->func(w);	/* which may free it */
		wq->running = NULL;
		sim_wake(w);
	}
	wq->ended = true;
	sim_wake(&wq->ended);
}

struct workqueue_struct *sim_workqueue(const char *fmt)
{
	struct workqueue_struct *wq;
	u32 i;

	for (i = 0; i < QUEUES && queues[i].used; i++)
		;
	if (i == QUEUES)
		fail("the simulator has too few workqueues");
	wq = &queues[i];
	memset(wq, 0, sizeof(*wq));
	wq->used = true;
	INIT_LIST_HEAD(&wq->works);
	snprintf(wq->name, sizeof(wq->name), "%s", fmt);
	task_spawn(wq->name, worker, wq);
	return wq;
}

void destroy_workqueue(struct workqueue_struct *wq)
{
	wq->ending = true;
	sim_wake(wq);
	wait_event(wq->ended, wq->ended);
	wq->used = false;
}

bool queue_work(struct workqueue_struct *wq, struct work_struct *w)
{
	if (w->pending)
		return false;
	check(!wq->ending, "work is queued on a queue that ends");
	w->pending = true;
	w->wq = wq;
	list_add_tail(&w->node, &wq->works);
	sim_wake(wq);
	return true;
}

static void disarm(struct delayed_work *d)
{
	u32 i;

	if (!d->armed)
		return;
	for (i = 0; timers[i] != d; i++)
		;
	timers[i] = timers[--nr_timers];
	d->armed = false;
}

static void start_timer(struct workqueue_struct *wq, struct delayed_work *d, unsigned long delay)
{
	if (!delay) {
		queue_work(wq, &d->work);
		return;
	}
	check(nr_timers < TIMERS, "the simulator has too few timers");
	d->wq = wq;
	d->at = jiffies + delay;
	d->armed = true;
	timers[nr_timers++] = d;
}

bool queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *d, unsigned long delay)
{
	if (d->armed || d->work.pending)
		return false;
	start_timer(wq, d, delay);
	return true;
}

bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *d, unsigned long delay)
{
	bool was = d->armed || d->work.pending;

	sim_point();
	disarm(d);
	/* taken off the queue, as the kernel does, and put on again */
	if (d->work.pending) {
		list_del(&d->work.node);
		d->work.pending = false;
	}
	start_timer(wq, d, delay);
	return was;
}

static bool is_running(const struct work_struct *w)
{
	return w->wq && w->wq->running == w;
}

static bool cancel(struct work_struct *w)
{
	bool was = w->pending;

	if (!w->func)
		fail("work is cancelled that was never set up");
	if (w->pending) {
		list_del(&w->node);
		w->pending = false;
	}
	return was;
}

bool cancel_work_sync(struct work_struct *w)
{
	bool was = cancel(w);

	wait_event(*w, !is_running(w));
	return was;
}

bool cancel_delayed_work_sync(struct delayed_work *d)
{
	bool was = d->armed;

	/* one that queues itself again meanwhile is cancelled again */
	do {
		disarm(d);
		was |= cancel(&d->work);
		wait_event(d->work, !is_running(&d->work));
	} while (d->armed || d->work.pending);
	return was;
}

bool flush_delayed_work(struct delayed_work *d)
{
	bool was = d->armed;

	if (d->armed) {
		disarm(d);
		queue_work(d->wq, &d->work);
	}
	/* until what is queued now has run; not what is queued later */
	wait_event(d->work, !d->work.pending && !is_running(&d->work));
	return was;
}

void task_fire_timers(void)
{
	u32 i;

	for (i = 0; i < nr_timers;) {
		struct delayed_work *d = timers[i];

		if (time_before(jiffies, d->at)) {
			i++;
			continue;
		}
		disarm(d);
		queue_work(d->wq, &d->work);
	}
	for (i = 0; i < nr_tasks; i++)
		if (tasks[i].state == BLOCKED && tasks[i].until &&
		    !time_before(jiffies, tasks[i].until))
			wake_task(&tasks[i]);
}

bool task_next_timer(unsigned long *at)
{
	bool any = false;
	u32 i;

	for (i = 0; i < nr_timers; i++)
		if (!any || time_before(timers[i]->at, *at)) {
			*at = timers[i]->at;
			any = true;
		}
	for (i = 0; i < nr_tasks; i++)
		if (tasks[i].state == BLOCKED && tasks[i].until &&
		    (!any || time_before(tasks[i].until, *at))) {
			*at = tasks[i].until;
			any = true;
		}
	return any;
}

void task_forget_all(void)
{
	u32 i;

	for (i = 0; i < nr_tasks; i++) {
		if (tasks[i].state != FREE)
			tasks[i].started = false;
		tasks[i].state = FREE;
		tasks[i].on = tasks[i].wait = NULL;
		tasks[i].until = 0;
	}
	for (i = 0; i < QUEUES; i++)
		queues[i].used = false;
	nr_run = nr_tasks = nr_timers = 0;
	sim.picking = false;
}

/*----------------------------------------------------------------
 * Memory: forgotten as a whole at a crash
 *--------------------------------------------------------------*/

struct chunk {
	struct list_head node;
	size_t size;
};

static LIST_HEAD(chunks);
static u32 nr_chunks;

void *sim_alloc(size_t size)
{
	struct chunk *c = calloc(1, sizeof(*c) + size);

	if (!c)
		abort();
	c->size = size;
	list_add_tail(&c->node, &chunks);
	nr_chunks++;
	return c + 1;
}

void sim_free(const void *p)
{
	struct chunk *c;

	if (!p)
		return;
	c = (struct chunk *)p - 1;
	list_del(&c->node);
	nr_chunks--;
	/* who uses it still is to be seen */
	memset(c + 1, GIVEN_BACK & 0xff, c->size);
	free(c);
}

u32 memory_count(void)
{
	return nr_chunks;
}

void memory_forget_all(void)
{
	while (!list_empty(&chunks)) {
		struct chunk *c = container_of(chunks.next, struct chunk, node);

		list_del(&c->node);
		free(c);
	}
	nr_chunks = 0;
}
