/* SPDX-License-Identifier: MIT */
/*
 * bug: a promise that our own code broke.
 *
 *     BL_ASSERT(n <= capacity);
 *     default: BL_BUG("a kind that no case has");
 *
 * Never for bad input, which is an error with a sentence (err.h): a bug is
 * worth a core file, so the process aborts.
 */
#ifndef BL_BUG_H
#define BL_BUG_H

#include "base/decls.h"

BL_BEGIN_DECLS

/* Prints file:line and the text on standard error, then aborts. */
#define BL_BUG(text) bl_bug_at(__FILE__, __LINE__, text)
#define BL_ASSERT(cond) ((cond) ? (void)0 : BL_BUG("not true: " #cond))
void bl_bug_at(const char *file, int line, const char *text)
    __attribute__((noreturn));

BL_END_DECLS

#endif
