/* SPDX-License-Identifier: MIT */
/*
 * threads: how many to compute with when nobody said.
 *
 *     size_t n = asked ? asked : bl_threads_default();
 */
#ifndef BL_THREADS_H
#define BL_THREADS_H

#include <stddef.h>

/* One per core that this process may use; 1 in a job of GNU parallel, whose
 * jobs already take a core each.  Never 0. */
size_t bl_threads_default(void);

#endif
