// SPDX-License-Identifier: GPL-2.0-or-later
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "msg.h"
#include "size.h"

static char why[CDP_MSG_TEXT];
static const char *why_code;
static bool verbose;
static volatile sig_atomic_t interrupted;

/* The sentence before may be among the arguments. */
__attribute__((format(printf, 2, 0)))
static void record(const char *code, const char *fmt, va_list ap)
{
	char text[sizeof(why)];

	vsnprintf(text, sizeof(text), fmt, ap);
	memcpy(why, text, sizeof(why));
	why_code = code;
}

int cdp_why(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	record(NULL, fmt, ap);
	va_end(ap);
	return err;
}

int cdp_refuse(const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	record(code, fmt, ap);
	va_end(ap);
	return -ECDP_REFUSED;
}

const char *cdp_why_code(void)
{
	return why_code;
}

const char *cdp_why_text(void)
{
	return why;
}

void cdp_why_clear(void)
{
	why[0] = '\0';
	why_code = NULL;
}

int cdp_exit_code(int result)
{
	switch (-result) {
	case 0:
		return 0;
	case ECDP_USAGE:
		return 2;
	case ECDP_REFUSED:
		return 3;
	case ECDP_DEGRADED:
		return 4;
	case ECDP_SICK:
		return 5;
	}
	return 1;
}

/* Under systemd the journal takes the level from a "<N>" in front. */
static void line(int level, const char *prefix, const char *fmt, va_list ap)
{
	flockfile(stderr);
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>", level);
	fputs(prefix, stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	funlockfile(stderr);
}

#define SAY(level, prefix) do {			\
	va_list ap;				\
						\
	va_start(ap, fmt);			\
	line(level, prefix, fmt, ap);		\
	va_end(ap);				\
} while (0)

void cdp_error(const char *fmt, ...)
{
	SAY(3, "cdpctl: ");
}

void cdp_warn(const char *fmt, ...)
{
	SAY(4, "cdpctl: warning: ");
}

void cdp_note(const char *fmt, ...)
{
	SAY(6, "");
}

void cdp_debug(const char *fmt, ...)
{
	if (verbose)
		SAY(7, "debug: ");
}

void cdp_msg_verbose(bool on)
{
	verbose = on;
}

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

void cdp_interrupt_catch(void)
{
	struct sigaction sa = { .sa_handler = on_signal };	/* no SA_RESTART: waits end */

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

bool cdp_interrupted(void)
{
	return interrupted;
}

void cdp_interrupt_ignore(void)
{
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	interrupted = 0;
}

void cdp_sleep_ms(u32 ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	if (!interrupted)
		nanosleep(&t, NULL);
}

double cdp_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/*----------------------------------------------------------------*/

int cdp_progress_line(char *buf, size_t size, u64 done, u64 total, double rate, int width)
{
	char bar[64], done_text[CDP_SIZE_TEXT], total_text[CDP_SIZE_TEXT];
	char rate_text[CDP_SIZE_TEXT], left_text[CDP_TIME_TEXT];
	double part = total ? (double)done / (double)total : 1.0;
	int i, full;

	if (width > (int)sizeof(bar) - 1)
		width = sizeof(bar) - 1;
	if (part > 1.0)
		part = 1.0;
	full = (int)(part * width);
	for (i = 0; i < width; i++)
		bar[i] = i < full ? '#' : '.';
	bar[width > 0 ? width : 0] = '\0';
	i = cdp_print(buf, size, "%s%s%5.1f%%  %s of %s", bar, width > 0 ? " " : "", part * 100.0,
		      cdp_size_print(done, done_text), cdp_size_print(total, total_text));
	if (rate < 1.0 || done > total)
		return i;	/* nothing to reckon with yet */
	return i + cdp_print(buf + i, size - (size_t)i, "  %s/s  %s left",
			     cdp_size_print((u64)rate, rate_text),
			     cdp_time_print((u64)((double)(total - done) / rate + 0.5), left_text));
}

static void show_json(struct cdp_progress *p, u64 done, u64 total, double rate)
{
	printf("{\"name\":\"%s\",\"copied_bytes\":%llu,\"to_copy_bytes\":%llu,\"bytes_per_second\":%llu}\n",
	       p->name, (unsigned long long)done, (unsigned long long)total,
	       (unsigned long long)rate);
	fflush(stdout);
}

static void show_text(struct cdp_progress *p, u64 done, u64 total, double rate, bool tty)
{
	char text[256];

	cdp_progress_line(text, sizeof(text), done, total, rate, tty ? 24 : 0);
	if (tty)
		fprintf(stderr, "\r%s  %s \033[K", p->name, text);
	else
		fprintf(stderr, "%s  %s\n", p->name, text);
	fflush(stderr);
}

void cdp_progress_show(struct cdp_progress *p, u64 done, u64 total)
{
	bool tty = isatty(STDERR_FILENO);
	double now = cdp_seconds(), rate;

	if (!p->started || done < p->first_bytes) {	/* a new copy counts from its start */
		p->first_bytes = done;
		p->start = now;
		p->shown = 0;
	}
	if (p->started && now - p->shown < (p->json ? 0.9 : tty ? 0.2 : 4.9))
		return;
	p->started = true;
	p->shown = now;
	rate = now - p->start > 0.05 ? (double)(done - p->first_bytes) / (now - p->start) : 0;
	if (p->json)
		show_json(p, done, total, rate);
	else
		show_text(p, done, total, rate, tty);
}

void cdp_progress_end(struct cdp_progress *p)
{
	if (p->started && !p->json && isatty(STDERR_FILENO))
		fputc('\n', stderr);
	p->started = false;
}
