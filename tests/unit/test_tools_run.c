// SPDX-License-Identifier: GPL-2.0
/* Other programs: what they say, how they end, and when they do not; and the record's file. */
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"
#include "iscsi.h"
#include "msg.h"
#include "run.h"

#define RUN(r, s, ...) cdp_run(r, s, (const char *const[]) { __VA_ARGS__, NULL })

TEST(ends)
{
	struct cdp_run r;

	must(!RUN(&r, 10, "true") && r.status == 0, "true");
	must(!RUN(&r, 10, "sh", "-c", "exit 21") && r.status == 21, "exit status");
	must(!RUN(&r, 10, "sh", "-c", "kill -9 $$") && r.status == 137, "killed");
	must(RUN(&r, 10, "no-such-program-here") == -ENOENT &&
	     strstr(cdp_why_text(), "no-such-program-here"), "%s", cdp_why_text());
}

TEST(output)
{
	struct cdp_run r;

	must(!RUN(&r, 10, "sh", "-c", "echo one; echo two >&2; echo three"), "run");
	ck_assert_str_eq(r.out, "one\nthree\n");
	ck_assert_str_eq(cdp_run_line(r.err), "two");
	/* arguments are not seen by a shell */
	must(!RUN(&r, 10, "echo", "$HOME; x"), "run");
	ck_assert_str_eq(r.out, "$HOME; x\n");
	/* more than fits: the program is not blocked */
	must(!RUN(&r, 10, "sh", "-c", "yes | head -c 300000; exit 3") && r.status == 3, "much");
	must(strlen(r.out) == CDP_RUN_TEXT - 1, "the first bytes are kept");
}

TEST(deadline)
{
	double start = cdp_seconds();
	struct cdp_run r;

	must(RUN(&r, 1, "sleep", "30") == -ETIME, "it ended");
	must(cdp_seconds() - start < 10, "it was waited for");
	must(strstr(cdp_why_text(), "sleep"), "%s", cdp_why_text());
}

static void write_record(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	must(f && fputs(text, f) >= 0 && !fclose(f), "cannot write %s", path);
}

static const char *read_record(const char *path)
{
	static char text[1024];
	FILE *f = fopen(path, "r");

	must(f, "cannot read %s", path);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return text;
}

TEST(record)
{
	char dir[] = "/tmp/test_tools_run.XXXXXX", path[64];
	struct stat st;

	must(mkdtemp(dir), "no directory");
	snprintf(path, sizeof(path), "%s/default", dir);
	write_record(path, "# BEGIN RECORD 2.1\na = 1\n# END RECORD\n");
	must(!cdp_iscsi_record_set(path, "p.word", "s3cret"), "add");
	ck_assert_str_eq(read_record(path), "# BEGIN RECORD 2.1\na = 1\np.word = s3cret\n# END RECORD\n");
	must(!cdp_iscsi_record_set(path, "p.word", "other"), "replace");
	ck_assert_str_eq(read_record(path), "# BEGIN RECORD 2.1\na = 1\np.word = other\n# END RECORD\n");
	must(!stat(path, &st) && (st.st_mode & 0777) == 0600, "others may read it");
	write_record(path, "nothing like a record\n");
	must(cdp_iscsi_record_set(path, "p.word", "x") == -EIO, "no place for it");
	ck_assert_str_eq(read_record(path), "nothing like a record\n");
	must(!unlink(path) && !rmdir(dir), "something was left in %s", dir);
}

TEST(secrets)
{
	char path[] = "/tmp/test_tools_run.XXXXXX", secret[CDP_ISCSI_SECRET_TEXT];
	struct cdp_iscsi t = { .user = "u", .host = "h" };
	int fd = mkstemp(path);

	must(fd >= 0 && write(fd, "top secret\nmore\n", 16) == 16, "cannot write %s", path);
	must(!cdp_iscsi_secret(&t, path, secret), "%s", cdp_why_text());
	ck_assert_str_eq(secret, "top secret");
	must(!fchmod(fd, 0640) && cdp_iscsi_secret(&t, path, secret) == -EPERM &&
	     strstr(cdp_why_text(), "chmod 600"), "%s", cdp_why_text());
	must(!fchmod(fd, 0600) && !ftruncate(fd, 0) &&
	     cdp_iscsi_secret(&t, path, secret) == -EINVAL, "%s", cdp_why_text());
	close(fd);
	unlink(path);
	must(cdp_iscsi_secret(&t, path, secret) == -ENOENT, "%s", cdp_why_text());
}

UNIT_MAIN("run", ends, output, deadline, record, secrets)
