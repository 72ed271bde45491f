/* SPDX-License-Identifier: MIT */
/*
 * report: judged cases as a table, as JSON, or as what changed between runs.
 *
 *     struct bl_buf out = BL_BUF_INIT;
 *     bl_print_report(&out, &cases, &report);
 *
 * Text is appended to the buffer; nothing is printed here.
 */
#ifndef BL_REPORT_H
#define BL_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "eval/judge.h"

struct bl_report {
    const struct bl_cutoffs *cutoffs;
    bool json;
    size_t bootstrap, seed;     /* bootstrap 0: no intervals */
    size_t failed;              /* lines that could not be read */
    bool clusters;              /* with B-cubed and CEAF */
    const char *by;             /* also for each bl_case.group, which are
                                 * what this field holds; NULL: no */
};

/* Cases in bl_cases_by_doc() order. */
void bl_print_report(struct bl_buf *out, const struct bl_cases *cases,
                     const struct bl_report *report);

/* One line for each mention whose answer is not the same in both runs, and a
 * line of counts.  Both in bl_cases_sort() order; `before` gets used marks.
 * As text: "+" (now right), "-" (now wrong) or "~", id, mention, label,
 * answer before, answer now, with tabs between. */
void bl_print_diff(struct bl_buf *out, struct bl_cases *before,
                   const struct bl_cases *now, bool json);

#endif
