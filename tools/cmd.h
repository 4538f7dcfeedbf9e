/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs. Each parses its command line and returns 0, -errno or -ECDP_*. */
#ifndef CDP_TOOLS_CMD_H
#define CDP_TOOLS_CMD_H

int cdp_cmd_activate(int argc, char **argv);
int cdp_cmd_assemble(int argc, char **argv);
int cdp_cmd_attach(int argc, char **argv);
int cdp_cmd_detach(int argc, char **argv);
int cdp_cmd_doctor(int argc, char **argv);
int cdp_cmd_events(int argc, char **argv);
int cdp_cmd_examine(int argc, char **argv);
int cdp_cmd_explain(int argc, char **argv);
int cdp_cmd_failover(int argc, char **argv);
int cdp_cmd_grow(int argc, char **argv);
int cdp_cmd_history(int argc, char **argv);
int cdp_cmd_leg(int argc, char **argv);
int cdp_cmd_map(int argc, char **argv);
int cdp_cmd_metrics(int argc, char **argv);
int cdp_cmd_monitor(int argc, char **argv);
int cdp_cmd_rebuild(int argc, char **argv);
int cdp_cmd_release(int argc, char **argv);
int cdp_cmd_resolve(int argc, char **argv);
int cdp_cmd_resume(int argc, char **argv);
int cdp_cmd_resync(int argc, char **argv);
int cdp_cmd_status(int argc, char **argv);
int cdp_cmd_stop(int argc, char **argv);
int cdp_cmd_verify(int argc, char **argv);
int cdp_cmd_wait(int argc, char **argv);

#endif
