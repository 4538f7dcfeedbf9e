// SPDX-License-Identifier: GPL-2.0
/* What status and metrics print of sets that are made up, read as others will read it. */
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"
#include "metrics.h"
#include "msg.h"
#include "opts.h"
#include "report.h"
#include "sample.h"

#define SCHEMA	"tools/status.schema.json"

static char file[] = "/tmp/report.XXXXXX";

static struct cdp_stats stats = {
	.held = 2, .nr_unreadable = 1, .unreadable = "8-15",
	.legs[1] = { .flaps = 3, .mean_us = 250, .p99_us = 1500, .oldest_ms = 20 },
};

static void sample_live(struct cdp_live *s)
{
	struct cdp_status *st = &s->status;
	u32 i;

	memset(s, 0, sizeof(*s));
	cdp_print(s->name, sizeof(s->name), "vm1");
	s->length = 1 << 20;
	s->table.region_sectors = 128;
	s->table.nr_legs = st->nr_legs = 3;
	st->set_uuid = sample_uuid(9);
	st->health = HEALTH_RESYNC;
	st->resync = RESYNC_RUNNING;
	st->copied = 10;
	st->to_copy = 100;
	for (i = 0; i < 3; i++) {
		st->legs[i].uuid = sample_uuid((u8)i);
		st->legs[i].regions = 8192;
		st->legs[i].state = LEG_MISSING + (int)i + 1;
	}
	st->read_leg = 2;
	s->conf.legs[0].taken_out = true;
	cdp_print(s->conf.legs[1].iscsi.target, 16, "iqn.x:y");
}

/* stdout of what is done between is in the file. */
static int begin(void)
{
	int old = dup(STDOUT_FILENO), fd = mkstemp(file);

	must(old >= 0 && fd >= 0, "a file");
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	close(fd);
	return old;
}

static char *end(int old)
{
	static char text[32768];
	FILE *f;
	size_t n;

	fflush(stdout);
	dup2(old, STDOUT_FILENO);
	close(old);
	f = fopen(file, "r");
	must(f, "%s", file);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

static bool is_valid(const char *how)
{
	char command[256];

	cdp_print(command, sizeof(command), "tests/unit/validate %s %s >&2", how, file);
	return !system(command);
}

static void validate(const char *how)
{
	must(is_valid(how), "%s: not valid by %s", file, how);
}

static bool is_valid_text(const char *how, const char *text)
{
	int old = begin();
	bool valid;

	fputs(text, stdout);
	end(old);
	valid = is_valid(how);
	unlink(file);
	memcpy(file + sizeof(file) - 7, "XXXXXX", 6);
	return valid;
}

static char *report(bool json, const char *list)
{
	const struct cdp_report_host host = { .suspended = true, .bypassed = true };
	struct cdp_live s;
	struct cdp_out *o;
	int old = begin();

	sample_live(&s);
	cdp_opts.json = json;
	o = cdp_report_new(list);
	must(o, "%s", cdp_why_text());
	cdp_report_set(o, &s, &stats, host);
	cdp_report_set(o, &s, NULL, (struct cdp_report_host){ 0 });
	must(!cdp_out_print(o), "printed");
	return end(old);
}

TEST(json)
{
	char *text = report(true, NULL);

	validate(SCHEMA);
	must(strstr(text, "\"resync\"") && strstr(text, "\"taken_out\""), "%s", text);
	unlink(file);
}

/* Whoever adds a column describes it. */
TEST(schema)
{
	static char text[32768];
	FILE *f = fopen(SCHEMA, "r");
	char key[80];
	u32 i;

	must(f && fread(text, 1, sizeof(text) - 1, f) > 0, SCHEMA);
	fclose(f);
	for (i = 0; cdp_report_column(i); i++) {
		const char *name = cdp_report_column(i);

		if (!strcmp(name, "size") || !strcmp(name, "synced") || !strcmp(name, "copy") ||
		    !strcmp(name, "errors"))
			continue;	/* for people */
		cdp_print(key, sizeof(key), "\"%s\"", name);
		must(strstr(text, key), SCHEMA ": %s is not described", name);
	}
}

TEST(columns)
{
	char *text = report(false, "p99_us,name,held");

	must(!strncmp(text, "P99 US NAME", 11) && strstr(text, "HELD"), "in this order: %s", text);
	must(!strstr(text, "DEVICE"), "and no others: %s", text);
	unlink(file);
	memcpy(file + sizeof(file) - 7, "XXXXXX", 6);
	text = report(true, "NAME,size");
	must(strstr(text, "512.0 MiB") && !strstr(text, "uuid"), "%s", text);
	unlink(file);
	must(!cdp_report_new("name,colour"), "unknown");
	must(strstr(cdp_why_text(), "no column \"colour\"; there are: name,state"), "%s",
	     cdp_why_text());
}

/* Whoever takes a metric away, or renames it, does so where it is used. */
static void uses_only(const char *path, const char *metrics)
{
	static char text[65536];
	FILE *f = fopen(path, "r");
	char name[80];
	u32 found = 0;
	char *p;
	size_t n;

	must(f && (n = fread(text, 1, sizeof(text) - 1, f)) > 0, "%s", path);
	fclose(f);
	text[n] = '\0';
	for (p = strstr(text, "cdp_"); p; p = strstr(p + 1, "cdp_")) {
		cdp_print(name, sizeof(name), "# TYPE %.*s ",
			  (int)strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789_"), p);
		must(strstr(metrics, name), "%s uses a metric that there is not: %s", path, name);
		found++;
	}
	must(found > 5, "%s: %u metrics", path, found);
}

TEST(metrics)
{
	static struct cdp_measure sets[2];
	int old = begin();
	char *text;

	cdp_print(sets[0].name, sizeof(sets[0].name), "vm1");
	cdp_print(sets[1].name, sizeof(sets[1].name), "vm2");
	sets[0].up = 1;
	sets[0].nr_legs = 2;
	sets[0].health = HEALTH_DEGRADED;
	sets[0].size_bytes = 1ull << 46;
	sets[0].legs[1].state = LEG_FAULTY;
	sets[0].legs[1].stats = stats.legs[1];
	cdp_print(sets[0].legs[1].device, sizeof(sets[0].legs[1].device), "/dev/a\"b\\c");
	cdp_metrics_print(stdout, sets, 2);
	text = end(old);
	validate("--metrics");
	unlink(file);
	must(strstr(text, "cdp_set_up{set=\"vm2\"} 0\n"), "down: %s", text);
	must(!strstr(text, "cdp_set_size_bytes{set=\"vm2\"}"), "nothing else of it");
	must(strstr(text, "cdp_set_size_bytes{set=\"vm1\"} 70368744177664\n"), "in full");
	must(strstr(text, "cdp_set_health{set=\"vm1\",health=\"degraded\"} 1\n"), "health");
	must(strstr(text, "cdp_leg_state{set=\"vm1\",leg=\"1\",state=\"faulty\"} 1\n"), "state");
	must(strstr(text, "cdp_leg_latency_p99_seconds{set=\"vm1\",leg=\"1\"} 0.0015\n"), "seconds");
	must(strstr(text, "device=\"/dev/a\\\"b\\\\c\"} 1\n"), "escaped: %s", text);
	uses_only("tools/alerts.yml", text);
	uses_only("tools/grafana-dashboard.json", text);
}

TEST(no_sets)
{
	int old = begin();

	cdp_metrics_print(stdout, NULL, 0);
	end(old);
	validate("--metrics");
	unlink(file);
}

#define HEAD(name, type)	"# HELP " name " Some text.\n# TYPE " name " " type "\n"

/* What validates can fail: else the tests above show nothing. */
TEST(validator)
{
	static const char *const bad[] = {
		HEAD("a_total", "counter") "a_total 1",				/* no end */
		HEAD("a_total", "counter") "a_total x\n",
		HEAD("a_total", "counter") "a_total{b=\"c\"} 1\na_total{b=\"c\"} 2\n",
		HEAD("a_total", "counter") "a_total{b=c} 1\n",
		HEAD("a_total", "counter") "a_total{b=\"\\c\"} 1\n",
		HEAD("a_total", "gauge") "a_total 1\n",
		HEAD("a", "counter") "a 1\n",
		HEAD("a", "number") "a 1\n",
		HEAD("a_ms", "gauge") "a_ms 1\n",
		HEAD("a", "gauge"),
		HEAD("a", "gauge") "a{b=\"1\"} 1\n" HEAD("c", "gauge") "c 1\na{b=\"2\"} 1\n",
		"# TYPE a gauge\na 1\n",
		"# HELP a Some text.\na 1\n",
		"a 1\n",
	};
	u32 i;

	must(is_valid_text("--metrics", HEAD("a_total", "counter") "a_total{b=\"c\"} 1\n"), "good");
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		must(!is_valid_text("--metrics", bad[i]), "%s", bad[i]);
	must(!is_valid_text(SCHEMA, "{}"), "no sets");
	must(!is_valid_text(SCHEMA, "{\"sets\": [{\"name\": 1}]}"), "a set without anything");
	must(!is_valid_text(SCHEMA, "{\"sets\": ["), "half of it");
}

UNIT_MAIN("report", json, schema, columns, metrics, no_sets, validator)
