// SPDX-License-Identifier: GPL-2.0-or-later
#include <sys/stat.h>
#include <termios.h>

#include "iscsi.h"
#include "msg.h"

static int check_secret(char *secret, const char *from)
{
	secret[strcspn(secret, "\r\n")] = '\0';
	if (!*secret)
		return cdp_why(-EINVAL, "%s: the secret is empty", from);
	if (strlen(secret) > CDP_ISCSI_SECRET_TEXT - 2)
		return cdp_why(-EINVAL, "%s: the secret is too long", from);
	return 0;
}

static int secret_from_file(const char *file, char secret[CDP_ISCSI_SECRET_TEXT])
{
	FILE *f = fopen(file, "re");
	struct stat st;
	int r = 0;

	if (!f || fstat(fileno(f), &st))
		r = cdp_why(-errno, "%s: %s", file, strerror(errno));
	else if (st.st_mode & 077)
		r = cdp_why(-EPERM, "%s may be read by others: chmod 600 %s", file, file);
	else if (!fgets(secret, CDP_ISCSI_SECRET_TEXT, f))
		r = cdp_why(-EINVAL, "%s: the secret is empty", file);
	if (f)
		fclose(f);
	return r ? r : check_secret(secret, file);
}

static int secret_from_tty(const struct cdp_iscsi *t, char secret[CDP_ISCSI_SECRET_TEXT])
{
	struct termios old, quiet;
	FILE *tty = fopen("/dev/tty", "r+e");
	char *got;

	if (!tty || tcgetattr(fileno(tty), &old)) {
		if (tty)
			fclose(tty);
		return cdp_why(-ENOTTY, "the secret of CHAP user %s is needed, and there is no terminal to ask: give --secret-file FILE",
			       t->user);
	}
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	fprintf(tty, "CHAP secret of %s at %s: ", t->user, t->host);
	fflush(tty);
	tcsetattr(fileno(tty), TCSAFLUSH, &quiet);
	got = fgets(secret, CDP_ISCSI_SECRET_TEXT, tty);
	tcsetattr(fileno(tty), TCSAFLUSH, &old);
	fputc('\n', tty);
	fclose(tty);
	if (!got)
		return cdp_why(-EINTR, "no secret was given");
	return check_secret(secret, "the terminal");
}

int cdp_iscsi_secret(const struct cdp_iscsi *t, const char *file,
		     char secret[CDP_ISCSI_SECRET_TEXT])
{
	return file ? secret_from_file(file, secret) : secret_from_tty(t, secret);
}
