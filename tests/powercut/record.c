// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * record SEED DIR LOG... -- COMMAND...
 *
 * Runs COMMAND (scripts/vm/run, with a disk log at each LOG), keeps what it says in
 * DIR/stream, and takes instants at random moments: QEMU is stopped by SIGSTOP, all
 * of its threads, the lengths of all logs are noted, and how much of the stream has
 * arrived; then QEMU goes on. DIR/instants: STREAM-BYTES LOG-BYTES..., one a line.
 *
 * After a line "m burst MS" instants are taken every few milliseconds for so long.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "port.h"

#define MAX_LOGS 8

static char *logs[MAX_LOGS];
static int nr_logs, from_child;
static FILE *stream, *instants;
static u64 seed, streamed, burst_end;
static pid_t qemu;

static void die(const char *what)
{
	fprintf(stderr, "record: %s: %s\n", what, strerror(errno));
	exit(1);
}

static u64 now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000 + (u64)t.tv_nsec / 1000;
}

static unsigned int rnd(unsigned int from, unsigned int to)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return from + (unsigned int)((seed >> 33) % (to - from));
}

static FILE *open_in(const char *dir, const char *name)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f)
		die(path);
	return f;
}

static pid_t start(char **command)
{
	int p[2];
	pid_t pid;

	if (pipe2(p, O_CLOEXEC))
		die("pipe");
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		dup2(p[1], 1);
		execv(command[0], command);
		die(command[0]);
	}
	close(p[1]);
	from_child = p[0];
	return pid;
}

/* The QEMU that has the first log on its command line. */
static pid_t find_qemu(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	pid_t found = 0;

	while (proc && !found && (e = readdir(proc))) {
		static char buf[65536];
		char path[300];
		size_t n;
		FILE *f;

		if (!isdigit(e->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", e->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		n = fread(buf, 1, sizeof(buf), f);
		fclose(f);
		if (!strncmp(buf, "qemu-system", 11) && memmem(buf, n, logs[0], strlen(logs[0])))
			found = atoi(e->d_name);
	}
	closedir(proc);
	return found;
}

/* Does no thread of QEMU run? */
static int is_stopped(void)
{
	char path[64], buf[512], *state;
	int all = 1;
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", qemu);
	d = opendir(path);
	while (d && all && (e = readdir(d))) {
		char stat[400];
		FILE *f;

		if (!isdigit(e->d_name[0]))
			continue;
		snprintf(stat, sizeof(stat), "%s/%s/stat", path, e->d_name);
		f = fopen(stat, "r");
		if (!f)
			continue;
		state = fgets(buf, sizeof(buf), f) ? strrchr(buf, ')') : NULL;
		all = state && strchr("TtXZ", state[2]);
		fclose(f);
	}
	if (d)
		closedir(d);
	return d && all;
}

static void notice(const char *text, size_t n)
{
	static char line[256];
	static size_t len;
	size_t i;

	for (i = 0; i < n; i++) {
		if (text[i] != '\n') {
			if (len < sizeof(line) - 1)
				line[len++] = text[i];
			continue;
		}
		line[len] = '\0';
		len = 0;
		if (!strncmp(line, "m burst ", 8))
			burst_end = now_us() + (u64)atoi(line + 8) * 1000;
	}
}

/* 1: something came; 0: nothing within @ms; -1: the end. */
static int take_in(int ms)
{
	struct pollfd p = { from_child, POLLIN, 0 };
	char buf[65536];
	ssize_t n;

	if (poll(&p, 1, ms) <= 0)
		return 0;
	n = read(from_child, buf, sizeof(buf));
	if (n <= 0)
		return -1;
	fwrite(buf, 1, (size_t)n, stream);
	streamed += (u64)n;
	notice(buf, (size_t)n);
	return 1;
}

/* An instant. What is still under way in the pipes then makes the oracle milder only. */
static void sample(void)
{
	u64 size[MAX_LOGS] = { 0 }, end = now_us() + 2000000;
	struct stat st;
	int i;

	if (kill(qemu, SIGSTOP))
		return;
	while (!is_stopped() && now_us() < end)
		usleep(100);
	for (i = 0; i < nr_logs; i++)
		if (!stat(logs[i], &st))
			size[i] = (u64)st.st_size;
	while (take_in(3) > 0)
		;
	if (is_stopped()) {
		fprintf(instants, "%llu", (unsigned long long)streamed);
		for (i = 0; i < nr_logs; i++)
			fprintf(instants, " %llu", (unsigned long long)size[i]);
		fputc('\n', instants);
	}
	kill(qemu, SIGCONT);
}

int main(int argc, char **argv)
{
	u64 next = 0;
	int i, status;
	pid_t child;

	if (argc < 6)
		return 2;
	seed = strtoull(argv[1], NULL, 10) * 2654435761u + 1;
	stream = open_in(argv[2], "stream");
	instants = open_in(argv[2], "instants");
	for (i = 3; i < argc && strcmp(argv[i], "--"); i++)
		if (nr_logs < MAX_LOGS)
			logs[nr_logs++] = argv[i];
	child = start(argv + i + 1);
	for (;;) {
		u64 t = now_us();

		if (t >= next) {
			if (!qemu)
				qemu = find_qemu();
			if (qemu && streamed)
				sample();
			t = now_us();
			next = t + (t < burst_end ? rnd(500, 6000) : rnd(20000, 90000));
		}
		if (take_in(next > t ? (int)((next - t) / 1000) : 0) < 0)
			break;
	}
	fclose(stream);
	fclose(instants);
	if (waitpid(child, &status, 0) != child)
		die("wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
