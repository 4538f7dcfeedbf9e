// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "fault.h"
#include "msg.h"
#include "steps.h"

void cdp_steps_add(struct cdp_steps *p, int (*run)(void *arg), void (*undo)(void *arg), void *arg,
		   const char *fmt, ...)
{
	struct cdp_step *s;
	va_list ap;
	int r;

	if (p->nr == CDP_MAX_STEPS) {
		p->overflow = true;
		return;
	}
	s = &p->steps[p->nr];
	va_start(ap, fmt);
	r = vasprintf(&s->text, fmt, ap);
	va_end(ap);
	if (r < 0) {
		s->text = NULL;
		p->overflow = true;
		return;
	}
	s->run = run;
	s->undo = undo;
	s->arg = arg;
	p->nr++;
}

static int step_run(struct cdp_steps *p, struct cdp_step *s)
{
	if (p->dry_run) {
		printf("%s\n", s->text);
		return 0;
	}
	if (cdp_interrupted())
		return cdp_why(-EINTR, "interrupted before this step: %s", s->text);
	cdp_debug("step: %s", s->text);
	cdp_fault_point(s->text);
	return s->run ? s->run(s->arg) : 0;
}

int cdp_steps_run(struct cdp_steps *p)
{
	int r = 0;

	if (p->overflow)
		r = cdp_why(-E2BIG, "this needs more steps than cdpctl can hold; nothing was done");
	for (; !r && p->done < p->nr; p->done++) {
		r = step_run(p, &p->steps[p->done]);
		if (r)
			break;
	}
	if (r)
		cdp_steps_undo(p);
	return r;
}

void cdp_steps_undo(struct cdp_steps *p)
{
	char why[CDP_MSG_TEXT];
	bool said = false;

	cdp_print(why, sizeof(why), "%s", cdp_why_text());
	while (p->done) {
		struct cdp_step *s = &p->steps[--p->done];

		if (p->dry_run || !s->undo)
			continue;
		if (!said)
			cdp_note("undoing what was done");
		said = true;
		cdp_debug("undo: %s", s->text);
		s->undo(s->arg);
	}
	cdp_why(0, "%s", why);	/* what made us undo is what counts */
	cdp_steps_free(p);
}

void cdp_steps_free(struct cdp_steps *p)
{
	while (p->nr)
		free(p->steps[--p->nr].text);
	p->done = 0;
}
