// SPDX-License-Identifier: GPL-2.0
/*
 * sim [--seeds A-B | --list FILE] [--seed S [--trace]] [--steps N] [--seconds N]
 *     [--failures N] [--jobs N] [--quick] [--without CLASS]... [--with CLASS]...
 *
 * Runs one history for each seed. A failing one is shrunk (kinds of trouble are
 * left out, then steps at the end, while a failure stays) and told as a story.
 */
#include <ctype.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim.h"

struct sim sim;
int sim_module_init(void);

static const char *const class_name[] = {
#define x(name) #name,
	CLASSES(x)
#undef x
};

static char *story;
static size_t story_size;
static FILE *story_file;

void say(const char *fmt, ...)
{
	va_list ap;

	if (!sim.trace)
		return;
	fprintf(story_file, "%6lu ", sim.steps);
	va_start(ap, fmt);
	vfprintf(story_file, fmt, ap);
	va_end(ap);
	fputc('\n', story_file);
}

void fail(const char *fmt, ...)
{
	va_list ap;

	sim.failed = true;
	va_start(ap, fmt);
	vsnprintf(sim.what, sizeof(sim.what), fmt, ap);
	va_end(ap);
	say("FAILED: %s", sim.what);
	sim_escape();
	abort();
}

/* The static variables of kernel/, see sim.mk. */
extern char __start_sim_data[], __stop_sim_data[], __start_sim_bss[], __stop_sim_bss[];

/* Over everything, also over what a sanitizer keeps between variables. */
__attribute__((no_sanitize("address"))) static void forget(char *fresh, bool save)
{
	volatile char *p;
	char *f = fresh;

	for (p = __start_sim_data; p < __stop_sim_data; p++, f++)
		if (save)
			*f = *p;
		else
			*p = *f;
	for (p = __start_sim_bss; p < __stop_sim_bss; p++)
		*p = 0;
}

void sim_restart_module(void)
{
	static char *fresh;
	bool first = !fresh;

	if (first)
		fresh = malloc((size_t)(__stop_sim_data - __start_sim_data) + 1);
	forget(fresh, first);
	sim_module_init();
}

/* Run the history of @seed. Return: true if it kept all promises. */
static bool history(u64 seed, u32 classes, u32 steps)
{
	sim.seed = seed;
	sim.rng = seed * 0x2545f4914f6cdd1dull;
	sim.classes = classes;
	sim.max_steps = steps;
	sim.steps = sim.clock = 0;
	sim.failed = sim.settling = sim.rotten = false;
	sim_catch(world_history);
	task_forget_all();
	memory_forget_all();
	disk_forget();
	return !sim.failed;
}

/* Do two failures tell of the same broken promise? Numbers do not count. */
static bool is_alike(const char *a, const char *b)
{
	for (;; a++, b++) {
		while (isxdigit(*a) || *a == '-')
			a++;
		while (isxdigit(*b) || *b == '-')
			b++;
		if (*a != *b)
			return false;
		if (!*a)
			return true;
	}
}

static bool fails_alike(u64 seed, u32 classes, u32 steps, const char *what)
{
	return !history(seed, classes, steps) && is_alike(sim.what, what);
}

/* Leave out what the failure does not need. */
static void shrink(u64 seed, u32 *classes, u32 *steps)
{
	char what[sizeof(sim.what)];
	u32 i, low = 0, high;

	memcpy(what, sim.what, sizeof(what));
	for (i = 0; i < NR_CLASSES; i++)
		if (*classes & 1u << i && fails_alike(seed, *classes & ~(1u << i), *steps, what))
			*classes &= ~(1u << i);
	history(seed, *classes, *steps);
	high = (u32)sim.steps;
	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (middle && fails_alike(seed, *classes, middle, what))
			high = middle;
		else
			low = middle + 1;
	}
	if (fails_alike(seed, *classes, high, what))
		*steps = high;
}

static void tell(u64 seed, u32 classes, u32 steps)
{
	u32 i;

	story_file = getenv("SIM_STDOUT") ? stdout : open_memstream(&story, &story_size);
	sim.trace = true;
	history(seed, classes, steps);
	sim.trace = false;
	fclose(story_file);
	fputs(story, stdout);
	free(story);
	printf("seed %lu: %s\n", seed, sim.failed ? sim.what : "passes");
	printf("  again: --seed %lu --trace", seed);
	if (steps)
		printf(" --steps %u", steps);
	for (i = 0; i < NR_CLASSES; i++)
		if (C_DEFAULT & 1u << i && !(classes & 1u << i))
			printf(" --without %s", class_name[i]);
	printf("\n");
}

static void on_signal(int sig)
{
	char text[96];
	int n = snprintf(text, sizeof(text), "seed %lu, step %lu: signal %d\n", sim.seed, sim.steps, sig);

	if (write(STDOUT_FILENO, text, (size_t)n) < 0)
		_exit(3);
	signal(sig, SIG_DFL);
	raise(sig);
}

static u32 class_of(const char *text)
{
	u32 i;

	for (i = 0; i < NR_CLASSES; i++)
		if (!strcasecmp(text, class_name[i]))
			return 1u << i;
	fprintf(stderr, "sim: there is no class %s\n", text);
	exit(2);
}

struct options {
	u64 from, to;
	u32 classes, steps, max_failures, jobs;
	bool trace, quick;
	double seconds;
	const char *list;
};

static void parse(int argc, char **argv, struct options *o)
{
	int i;

	*o = (struct options) { .from = 1, .to = 1000, .classes = C_DEFAULT, .max_failures = 1,
				.jobs = 1 };
	for (i = 1; i < argc; i++) {
		const char *a = argv[i], *v = i + 1 < argc ? argv[i + 1] : "";

		if (!strcmp(a, "--trace")) {
			o->trace = true;
			continue;
		}
		if (!strcmp(a, "--quick")) {	/* no shrinking, no story */
			o->quick = true;
			continue;
		}
		i++;
		if (!strcmp(a, "--seed"))
			o->from = o->to = strtoull(v, NULL, 10);
		else if (!strcmp(a, "--seeds") && sscanf(v, "%lu-%lu", &o->from, &o->to) == 1)
			o->to = o->from, o->from = 1;
		else if (!strcmp(a, "--seeds"))
			;
		else if (!strcmp(a, "--list"))
			o->list = v;
		else if (!strcmp(a, "--steps"))
			o->steps = (u32)strtoul(v, NULL, 10);
		else if (!strcmp(a, "--failures"))
			o->max_failures = (u32)strtoul(v, NULL, 10);
		else if (!strcmp(a, "--jobs"))
			o->jobs = max((u32)strtoul(v, NULL, 10), 1u);
		else if (!strcmp(a, "--seconds"))
			o->seconds = strtod(v, NULL);
		else if (!strcmp(a, "--without"))
			o->classes &= ~class_of(v);
		else if (!strcmp(a, "--with"))
			o->classes |= class_of(v);
		else {
			fprintf(stderr, "sim: %s is not understood\n", a);
			exit(2);
		}
	}
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void failed(u64 seed, const struct options *o)
{
	u32 classes = o->classes, steps = o->steps;

	printf("seed %lu failed at step %lu: %s\n", seed, sim.steps, sim.what);
	if (o->quick)
		return;
	shrink(seed, &classes, &steps);
	tell(seed, classes, steps);
}

/* Of all jobs. */
static struct { u64 good, bad, steps; } *sum;

static void one(u64 seed, const struct options *o)
{
	bool kept = history(seed, o->classes, o->steps);

	__atomic_add_fetch(&sum->steps, sim.steps, __ATOMIC_RELAXED);
	__atomic_add_fetch(kept ? &sum->good : &sum->bad, 1, __ATOMIC_RELAXED);
	if (!kept)
		failed(seed, o);
}

/* Seeds that once failed, the first word of a line each. */
static void from_list(const struct options *o)
{
	FILE *f = fopen(o->list, "r");
	char line[256];
	u64 seed;

	if (!f) {
		perror(o->list);
		exit(2);
	}
	while (fgets(line, sizeof(line), f) && sum->bad < o->max_failures)
		if (sscanf(line, "%lu", &seed) == 1)
			one(seed, o);
	fclose(f);
}

/* Every o->jobs-th seed, from the @first one on. */
static void from_range(const struct options *o, u64 first, double start)
{
	u64 seed;

	for (seed = first; seed <= o->to && sum->bad < o->max_failures; seed += o->jobs) {
		if (o->seconds > 0 && seconds() - start > o->seconds)
			break;
		one(seed, o);
	}
}

static void in_jobs(const struct options *o, double start)
{
	int status;
	u32 i;

	for (i = 1; i < o->jobs; i++)
		if (!fork()) {
			from_range(o, o->from + i, start);
			_exit(0);
		}
	from_range(o, o->from, start);
	while (wait(&status) > 0)
		sum->bad += status != 0;
}

int main(int argc, char **argv)
{
	struct options o;
	double start = seconds(), took;

	parse(argc, argv, &o);
	signal(SIGSEGV, on_signal);
	signal(SIGABRT, on_signal);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (o.trace) {
		tell(o.from, o.classes, o.steps);
		return sim.failed;
	}
	sum = mmap(NULL, sizeof(*sum), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (o.list)
		from_list(&o);
	else
		in_jobs(&o, start);
	took = seconds() - start;
	printf("%lu histories, %lu steps, %.1f s, %.0f steps/s\n", sum->good + sum->bad, sum->steps, took,
	       (double)sum->steps / took);
	printf("%lu passed, %lu failed\n", sum->good, sum->bad);
	return sum->bad != 0;
}
