/* SPDX-License-Identifier: MIT */
/*
 * threads: how many to compute with when nobody said, and teams of them.
 *
 *     size_t n = asked ? asked : bl_threads_default();
 *     bl_team_run(n, work, ctx);
 *
 *     static void work(void *ctx, struct bl_team *team, size_t rank)
 *     {
 *         ... this rank's share of bl_team_size(team) ...
 *         bl_team_wait(team);              until all have come here
 *         ...
 *     }
 */
#ifndef BL_THREADS_H
#define BL_THREADS_H

#include <stddef.h>

/* One per core that this process may use; 1 in a job of GNU parallel, whose
 * jobs already take a core each.  Never 0. */
size_t bl_threads_default(void);

struct bl_team;

typedef void bl_team_work(void *ctx, struct bl_team *team, size_t rank);

/* Calls work with ranks 0 (in this thread), 1, 2 ... at once and returns when
 * all have returned.  Threads that cannot be had are done without, so that
 * the team may be smaller than asked for, never empty. */
void bl_team_run(size_t threads, bl_team_work *work, void *ctx);

/* How many ranks there are; waits until all that can be had have begun. */
size_t bl_team_size(struct bl_team *team);

/* Returns once every rank has called it as many times as this one: what they
 * wrote before is seen after. */
void bl_team_wait(struct bl_team *team);

#endif
