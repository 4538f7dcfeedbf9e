// SPDX-License-Identifier: GPL-2.0-or-later
#include "iscsi-url.h"
#include "size.h"

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool only(const char *s, size_t len, const char *also)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!is_alnum(s[i]) && (!s[i] || !strchr(also, s[i])))
			return false;
	return len > 0;
}

bool cdp_iscsi_is_url(const char *text)
{
	return !strncmp(text, CDP_ISCSI_SCHEME, strlen(CDP_ISCSI_SCHEME));
}

static const char *take(char *to, size_t size, const char *from, size_t len, const char *also,
			const char *complaint)
{
	if (len >= size || !only(from, len, also))
		return complaint;
	memcpy(to, from, len);
	to[len] = '\0';
	return NULL;
}

#define PASSWORD	\
	"a password does not belong into the URL, where every user of this machine can read it: use --secret-file"

static const char *parse_user(const char *s, size_t len, struct cdp_iscsi *t)
{
	if (memchr(s, ':', len))
		return PASSWORD;
	return take(t->user, sizeof(t->user), s, len, "._-+",
		    "the user name in the URL is empty, too long, or has characters other than letters, digits and . _ - +");
}

static const char *parse_port(const char *s, size_t len, struct cdp_iscsi *t)
{
	char text[8] = "";
	u64 port;

	if (len < sizeof(text))
		memcpy(text, s, len);
	if (cdp_number_parse(text, 65535, &port) || !port)
		return "the port in the URL must be a number from 1 to 65535";
	t->port = (u32)port;
	return NULL;
}

static const char *parse_portal(const char *s, size_t len, struct cdp_iscsi *t)
{
	const char *end = s + len, *host = s, *rest, *why;
	bool v6 = len && *s == '[';

	t->port = CDP_ISCSI_PORT;
	if (v6) {
		host = s + 1;
		rest = memchr(host, ']', (size_t)(end - host));
		if (!rest)
			return "the IPv6 address in the URL lacks its closing bracket";
	} else {
		rest = memchr(s, ':', len);
		rest = rest ? rest : end;
	}
	why = take(t->host, sizeof(t->host), host, (size_t)(rest - host), v6 ? ":.%" : ".-",
		   "the host in the URL is empty, too long, or not a host name or address (an IPv6 address goes in brackets)");
	if (why)
		return why;
	if (v6 && !strchr(t->host, ':'))
		return "what stands in brackets in the URL must be an IPv6 address";
	if (t->host[0] == '-')	/* would be taken for an option of iscsiadm */
		return "the host in the URL must not begin with -";
	rest += v6;
	if (rest == end)
		return NULL;
	if (*rest != ':')
		return "after the host in the URL only :PORT may follow";
	return parse_port(rest + 1, (size_t)(end - rest - 1), t);
}

static const char *parse_target(const char *s, struct cdp_iscsi *t)
{
	const char *slash = strrchr(s, '/');
	const char *why;
	u64 lun;

	if (!slash)
		return "the URL lacks the LUN: iscsi://[USER@]HOST[:PORT]/TARGET/LUN";
	why = take(t->target, sizeof(t->target), s, (size_t)(slash - s), ".:-_",
		   "the target in the URL is not an iSCSI name (iqn., eui. or naa.) of at most 223 characters");
	if (why)
		return why;
	if (strncmp(t->target, "iqn.", 4) && strncmp(t->target, "eui.", 4) &&
	    strncmp(t->target, "naa.", 4))
		return "the target in the URL must begin with iqn., eui. or naa.";
	if (cdp_number_parse(slash + 1, CDP_ISCSI_MAX_LUN, &lun))
		return "the LUN in the URL must be a number from 0 to 16383";
	t->lun = (u32)lun;
	return NULL;
}

static const char *parse(const char *s, struct cdp_iscsi *t)
{
	const char *slash = strchr(s, '/'), *at;
	const char *why = NULL;

	if (!slash)
		return "the URL lacks the target: iscsi://[USER@]HOST[:PORT]/TARGET/LUN";
	at = memchr(s, '@', (size_t)(slash - s));
	if (at) {
		why = parse_user(s, (size_t)(at - s), t);
		s = at + 1;
	}
	if (!why)
		why = parse_portal(s, (size_t)(slash - s), t);
	return why ? why : parse_target(slash + 1, t);
}

int cdp_iscsi_url_parse(const char *url, struct cdp_iscsi *t, const char **why)
{
	memset(t, 0, sizeof(*t));
	*why = cdp_iscsi_is_url(url) ? parse(url + strlen(CDP_ISCSI_SCHEME), t) :
		"an iSCSI URL begins with iscsi://";
	if (!*why)
		return 0;
	memset(t, 0, sizeof(*t));
	return -EINVAL;
}

const char *cdp_iscsi_portal(const struct cdp_iscsi *t, char buf[CDP_ISCSI_PORTAL_TEXT])
{
	bool v6 = strchr(t->host, ':');

	cdp_print(buf, CDP_ISCSI_PORTAL_TEXT, "%s%s%s:%u", v6 ? "[" : "", t->host,
		  v6 ? "]" : "", t->port);
	return buf;
}

struct offer {
	char *portal, *tag, *target;
};

static bool take_offer(char *line, struct offer *o)
{
	o->portal = line;
	o->target = strchr(line, ' ');
	if (!o->target)
		return false;
	*o->target++ = '\0';
	o->tag = strrchr(line, ',');
	if (o->tag)
		*o->tag++ = '\0';
	return true;
}

bool cdp_iscsi_offer(char *out, const struct cdp_iscsi *t, char tag[CDP_ISCSI_TAG_TEXT],
		     char *offers, size_t size)
{
	char portal[CDP_ISCSI_PORTAL_TEXT], *save, *l;
	bool found = false, one = true, exact = false;
	struct offer o;
	int n = 0;

	*offers = *tag = '\0';
	cdp_iscsi_portal(t, portal);
	for (l = strtok_r(out, "\n", &save); l && !exact; l = strtok_r(NULL, "\n", &save)) {
		if (!take_offer(l, &o))
			continue;
		if (strcmp(o.target, t->target)) {
			n += cdp_print(offers + n, size - (size_t)n, "%s%s", n ? ", " : "",
				       o.target);
			continue;
		}
		exact = !strcmp(o.portal, portal);
		one = one && o.tag && (!found || !strcmp(o.tag, tag));
		if (o.tag)
			cdp_print(tag, CDP_ISCSI_TAG_TEXT, "%s", o.tag);
		found = true;
	}
	if (!exact && !one)
		*tag = '\0';
	return found;
}
