/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "eval/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "json/json.h"
#include "json/writer.h"

/* ---- The table and its JSON ---- */

struct count {
    const char *name;
    double value;
};

enum { N_COUNTS = 6 };

static void counts_of(const struct bl_tally *tally,
                      const struct bl_report *report, struct count *counts)
{
    counts[0] = (struct count){ "n", tally->n };
    counts[1] = (struct count){ "nil", tally->nil };
    counts[2] = (struct count){ "unlabelled", tally->unlabelled };
    counts[3] = (struct count){ "docs", tally->docs };
    counts[4] = (struct count){ "errors", tally->errors };
    counts[5] = (struct count){ "unreadable", (double)report->failed };
}

/* All figures of some cases. */
struct summary {
    struct count counts[N_COUNTS];
    struct bl_figure f[BL_MAX_FIGURES];
    double lo[BL_MAX_FIGURES], hi[BL_MAX_FIGURES];
    size_t n;                   /* of f, lo and hi */
    bool intervals;             /* lo and hi are set */
};

/* Of all mentions together, so that a sample of them has none. */
static void add_three(struct summary *summary, const char *name,
                      const struct bl_cluster_sums *sums)
{
    static const char *const kinds[] = { "precision", "recall", "f1" };
    double p = sums->p_den > 0 ? sums->p_num / sums->p_den : NAN;
    double r = sums->r_den > 0 ? sums->r_num / sums->r_den : NAN;
    double both = p + r > 0 ? 2 * p * r / (p + r) : p + r;
    double values[] = { p, r, both };

    for (size_t i = 0; i < BL_COUNT(kinds); i++) {
        struct bl_figure *f = &summary->f[summary->n];

        snprintf(f->name, sizeof f->name, "%s_%s", name, kinds[i]);
        f->value = values[i];
        summary->lo[summary->n] = summary->hi[summary->n] = NAN;
        summary->n++;
    }
}

static void add_clusters(struct summary *summary, const struct bl_cases *cases)
{
    struct bl_clustering c;

    bl_cases_cluster(cases, &c);
    add_three(summary, "b_cubed", &c.b_cubed);
    add_three(summary, "ceaf_mention", &c.ceaf_mention);
    add_three(summary, "ceaf_entity", &c.ceaf_entity);
}

static void summarize(struct summary *summary, const struct bl_cases *cases,
                      const struct bl_report *report)
{
    struct bl_tally tally;

    bl_cases_tally(cases, report->cutoffs, &tally);
    summary->n = bl_figures(&tally, report->cutoffs, tally.docs > 0,
                            summary->f);
    summary->intervals = report->bootstrap > 0;
    if (summary->intervals)
        bl_cases_bootstrap(cases, report->cutoffs, report->bootstrap,
                           report->seed, summary->lo, summary->hi);
    if (report->clusters)
        add_clusters(summary, cases);
    counts_of(&tally, report, summary->counts);
}

/* Writes the members of a summary into the object that is open. */
static void write_summary(struct bl_writer *w, const struct summary *summary)
{
    for (size_t i = 0; i < N_COUNTS; i++)
        bl_write_size(w, summary->counts[i].name,
                      (uint64_t)summary->counts[i].value);
    for (size_t i = 0; i < summary->n; i++)
        bl_write_double_or_null(w, summary->f[i].name, summary->f[i].value, 9);
    if (!summary->intervals)
        return;
    bl_write_object(w, "intervals");
    for (size_t i = 0; i < summary->n; i++) {
        bl_write_array(w, summary->f[i].name);
        bl_write_double_or_null(w, NULL, summary->lo[i], 6);
        bl_write_double_or_null(w, NULL, summary->hi[i], 6);
        bl_write_end(w);
    }
    bl_write_end(w);
}

static void put_fixed(struct bl_buf *out, double value)
{
    if (isfinite(value))
        bl_buf_printf(out, "%8.4f", value);
    else
        bl_buf_printf(out, "%8s", "-");
}

static void put_table(struct bl_buf *out, const struct summary *summary)
{
    for (size_t i = 0; i < N_COUNTS; i++)
        bl_buf_printf(out, "%-28s%8.0f\n", summary->counts[i].name,
                      summary->counts[i].value);
    for (size_t i = 0; i < summary->n; i++) {
        bl_buf_printf(out, "%-28s", summary->f[i].name);
        put_fixed(out, summary->f[i].value);
        if (summary->intervals && isfinite(summary->lo[i]))
            bl_buf_printf(out, "  %.4f-%.4f", summary->lo[i], summary->hi[i]);
        bl_buf_putc(out, '\n');
    }
}

/* ---- Groups ---- */

/* Without quotes, so that a tab or newline stays visible and harmless. */
static void put_cell(struct bl_buf *out, const char *text)
{
    size_t from = out->len;

    if (!text)
        return;
    bl_json_put_string(out, text, strlen(text));
    memmove(out->data + from, out->data + from + 1, out->len - from - 2);
    out->len -= 2;
    out->data[out->len] = '\0';
}

static void put_name(struct bl_buf *out, const char *name)
{
    size_t from = out->len;

    put_cell(out, name);
    bl_buf_printf(out, "%*s", out->len - from < 28
                  ? (int)(28 - (out->len - from)) : 1, "");
}

/* Figures that a line of the table of groups has. */
static bool in_line(const char *name)
{
    return !strcmp(name, "accuracy") || !strncmp(name, "recall_at_", 10)
        || !strcmp(name, "normalized_accuracy")
        || !strcmp(name, "unnormalized_accuracy");
}

/* Each cell is as wide as the name of its figure in the head and the two
 * blanks before it; put_fixed() takes 8 of that. */
static void put_line(struct bl_buf *out, const struct bl_cases *cases,
                     const struct bl_report *report, bool head)
{
    struct bl_figure figures[BL_MAX_FIGURES];
    struct bl_tally tally;
    size_t n;

    bl_cases_tally(cases, report->cutoffs, &tally);
    n = bl_figures(&tally, report->cutoffs, tally.docs > 0, figures);
    if (head)
        bl_buf_printf(out, "\n%-28s%8s", report->by, "n");
    for (size_t i = 0; head && i < n; i++)
        if (in_line(figures[i].name))
            bl_buf_printf(out, "  %s", figures[i].name);
    bl_buf_puts(out, head ? "\n" : "");
    put_name(out, cases->v->group ? cases->v->group : "-");
    bl_buf_printf(out, "%8.0f", tally.n);
    for (size_t i = 0; i < n; i++) {
        if (!in_line(figures[i].name))
            continue;
        bl_buf_printf(out, "%*s", (int)strlen(figures[i].name) + 2 - 8, "");
        put_fixed(out, figures[i].value);
    }
    bl_buf_putc(out, '\n');
}

static void write_group(struct bl_writer *w, const struct bl_cases *cases,
                        const struct bl_report *report)
{
    struct bl_report part = *report;
    struct summary summary;

    part.failed = 0;            /* of no group, as nothing of them is known */
    summarize(&summary, cases, &part);
    bl_write_object(w, cases->v->group ? cases->v->group : "");
    write_summary(w, &summary);
    bl_write_end(w);
}

static bool same_group(const struct bl_case *one, const struct bl_case *other)
{
    return !strcmp(one->group ? one->group : "",
                   other->group ? other->group : "");
}

/* To *w if that is not NULL, as lines of a table to *out otherwise. */
static void put_groups(struct bl_buf *out, struct bl_writer *w,
                       const struct bl_cases *cases,
                       const struct bl_report *report)
{
    struct bl_cases all = *cases, part;

    all.v = bl_xmalloc(all.n, sizeof *all.v);
    for (size_t i = 0; i < all.n; i++)
        all.v[i] = cases->v[i];
    bl_cases_by_group(&all);
    for (size_t i = 0; i < all.n; i += part.n) {
        part = (struct bl_cases){ .v = all.v + i, .n = 1 };
        while (i + part.n < all.n
               && same_group(part.v, part.v + part.n))
            part.n++;
        if (w)
            write_group(w, &part, report);
        else
            put_line(out, &part, report, i == 0);
    }
    free(all.v);
}

/* As JSON the report is one line, so that reports can be gathered in a file;
 * the groups are an object in it. */
void bl_print_report(struct bl_buf *out, const struct bl_cases *cases,
                     const struct bl_report *report)
{
    struct bl_writer w = bl_writer(out, BL_WRITE_COMPACT);
    struct summary summary;

    summarize(&summary, cases, report);
    if (!report->json) {
        put_table(out, &summary);
        if (report->by)
            put_groups(out, NULL, cases, report);
        return;
    }
    bl_write_object(&w, NULL);
    write_summary(&w, &summary);
    if (report->by) {
        bl_write_object(&w, "groups");
        put_groups(out, &w, cases, report);
        bl_write_end(&w);
    }
    bl_write_end(&w);
    bl_write_line(&w);
}

/* ---- What changed ---- */

enum change { FIXED, BROKEN, OTHER, SAME, N_CHANGES };

static const char *const change_names[N_CHANGES] = {
    "fixed", "broken", "other", "same"
};

static bool is_right(const struct bl_case *one)
{
    const struct bl_judged *judged = &one->judged;

    if (judged->missed)
        return false;
    return judged->gold == BL_GOLD_ENTITY ? judged->right : !judged->answered;
}

static enum change change_between(const struct bl_case *before,
                                  const struct bl_case *after)
{
    bool was = is_right(before), is = is_right(after);

    if (was != is)
        return is ? FIXED : BROKEN;
    return strcmp(before->answer ? before->answer : "",
                  after->answer ? after->answer : "") ? OTHER : SAME;
}

/* One case that has another answer now. */
static void put_change(struct bl_buf *out, enum change what,
                       const struct bl_case *before,
                       const struct bl_case *after, bool json)
{
    const char *names[] = { "id", "mention", "label_id", "before", "now" };
    const char *cells[] = { after->id, after->mention, after->gold,
                            before->answer, after->answer };
    struct bl_writer w = bl_writer(out, BL_WRITE_COMPACT);

    if (!json) {
        bl_buf_putc(out, "+-~="[what]);
        for (size_t i = 0; i < BL_COUNT(cells); i++) {
            bl_buf_putc(out, '\t');
            put_cell(out, cells[i] ? cells[i] : "-");
        }
        bl_buf_putc(out, '\n');
        return;
    }
    bl_write_object(&w, NULL);
    bl_write_string(&w, "change", change_names[what]);
    for (size_t i = 0; i < BL_COUNT(cells); i++) {
        if (cells[i])
            bl_write_string(&w, names[i], cells[i]);
        else
            bl_write_null(&w, names[i]);
    }
    bl_write_end(&w);
    bl_write_line(&w);
}

static void put_counts(struct bl_buf *out, const size_t *counts,
                       size_t alone, bool json)
{
    struct bl_writer w = bl_writer(out, BL_WRITE_COMPACT);

    if (!json) {
        bl_buf_putc(out, '#');
        for (size_t i = 0; i < N_CHANGES; i++)
            bl_buf_printf(out, "%s %s %zu", i ? "," : "", change_names[i],
                          counts[i]);
        bl_buf_printf(out, ", unmatched %zu\n", alone);
        return;
    }
    bl_write_object(&w, NULL);
    for (size_t i = 0; i < N_CHANGES; i++)
        bl_write_size(&w, change_names[i], counts[i]);
    bl_write_size(&w, "unmatched", alone);
    bl_write_end(&w);
    bl_write_line(&w);
}

/* Only labelled mentions are compared, since nothing else can get better or
 * worse.  A case that has been matched is marked, so that of several with one
 * key each is matched once. */
void bl_print_diff(struct bl_buf *out, struct bl_cases *before,
                   const struct bl_cases *now, bool json)
{
    size_t counts[N_CHANGES] = { 0 }, alone = 0;

    for (size_t i = 0; i < now->n; i++) {
        const struct bl_case *is = &now->v[i];
        struct bl_case *was;
        enum change what;
        if (is->judged.gold != BL_GOLD_ENTITY
            && is->judged.gold != BL_GOLD_NIL)
            continue;
        was = bl_cases_find(before, is->key);
        if (!was) {
            alone++;
            continue;
        }
        was->used = true;
        what = change_between(was, is);
        counts[what]++;
        if (what != SAME)
            put_change(out, what, was, is, json);
    }
    put_counts(out, counts, alone, json);
}
