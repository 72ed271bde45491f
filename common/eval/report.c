/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "eval/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"
#include "json/writer.h"
#include "base/mem.h"

/* ---- The table and its JSON ---- */

struct count {
    const char *name;
    double value;
};

enum { N_COUNTS = 6 };

static void counts_of(const struct bl_tally *t, const struct bl_report *r,
                      struct count *c)
{
    c[0] = (struct count){ "n", t->n };
    c[1] = (struct count){ "nil", t->nil };
    c[2] = (struct count){ "unlabelled", t->unlabelled };
    c[3] = (struct count){ "docs", t->docs };
    c[4] = (struct count){ "errors", t->errors };
    c[5] = (struct count){ "unreadable", (double)r->failed };
}

/* All figures of some cases. */
struct summary {
    struct count counts[N_COUNTS];
    struct bl_figure f[BL_MAX_FIGURES];
    double lo[BL_MAX_FIGURES], hi[BL_MAX_FIGURES];
    size_t n;                   /* of f, lo and hi */
    bool intervals;             /* lo and hi are set */
};

static void summarize(struct summary *s, const struct bl_cases *cases,
                      const struct bl_report *r)
{
    struct bl_tally t;

    bl_cases_tally(cases, r->cutoffs, &t);
    s->n = bl_figures(&t, r->cutoffs, t.docs > 0, s->f);
    s->intervals = r->bootstrap > 0;
    if (s->intervals)
        bl_cases_bootstrap(cases, r->cutoffs, r->bootstrap, r->seed, s->lo,
                           s->hi);
    counts_of(&t, r, s->counts);
}

/* Into the object that is open. */
static void write_summary(struct bl_writer *w, const struct summary *s)
{
    for (size_t i = 0; i < N_COUNTS; i++)
        bl_write_size(w, s->counts[i].name, (uint64_t)s->counts[i].value);
    for (size_t i = 0; i < s->n; i++)
        bl_write_double_or_null(w, s->f[i].name, s->f[i].value, 9);
    if (!s->intervals)
        return;
    bl_write_object(w, "intervals");
    for (size_t i = 0; i < s->n; i++) {
        bl_write_array(w, s->f[i].name);
        bl_write_double_or_null(w, NULL, s->lo[i], 6);
        bl_write_double_or_null(w, NULL, s->hi[i], 6);
        bl_write_end(w);
    }
    bl_write_end(w);
}

static void put_fixed(struct bl_buf *out, double v)
{
    if (isfinite(v))
        bl_buf_printf(out, "%8.4f", v);
    else
        bl_buf_printf(out, "%8s", "-");
}

static void put_table(struct bl_buf *out, const struct summary *s)
{
    for (size_t i = 0; i < N_COUNTS; i++)
        bl_buf_printf(out, "%-28s%8.0f\n", s->counts[i].name,
                      s->counts[i].value);
    for (size_t i = 0; i < s->n; i++) {
        bl_buf_printf(out, "%-28s", s->f[i].name);
        put_fixed(out, s->f[i].value);
        if (s->intervals && isfinite(s->lo[i]))
            bl_buf_printf(out, "  %.4f-%.4f", s->lo[i], s->hi[i]);
        bl_buf_putc(out, '\n');
    }
}

/* ---- Groups ---- */

/* Without quotes, so that a tab or newline stays visible and harmless. */
static void put_cell(struct bl_buf *out, const char *s)
{
    size_t from = out->len;

    if (!s)
        return;
    bl_json_put_string(out, s, strlen(s));
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

static void put_line(struct bl_buf *out, const struct bl_cases *cases,
                     const struct bl_report *r, bool head)
{
    struct bl_figure f[BL_MAX_FIGURES];
    struct bl_tally t;
    size_t n;

    bl_cases_tally(cases, r->cutoffs, &t);
    n = bl_figures(&t, r->cutoffs, t.docs > 0, f);
    if (head)
        bl_buf_printf(out, "\n%-28s%8s", r->by, "n");
    for (size_t i = 0; head && i < n; i++)
        if (in_line(f[i].name))
            bl_buf_printf(out, "  %s", f[i].name);
    bl_buf_puts(out, head ? "\n" : "");
    put_name(out, cases->v->group ? cases->v->group : "-");
    bl_buf_printf(out, "%8.0f", t.n);
    for (size_t i = 0; i < n; i++) {
        if (!in_line(f[i].name))
            continue;
        bl_buf_printf(out, "%*s", (int)strlen(f[i].name) + 2 - 8, "");
        put_fixed(out, f[i].value);
    }
    bl_buf_putc(out, '\n');
}

static void write_group(struct bl_writer *w, const struct bl_cases *cases,
                        const struct bl_report *r)
{
    struct bl_report part = *r;
    struct summary s;

    part.failed = 0;            /* of no group, as nothing of them is known */
    summarize(&s, cases, &part);
    bl_write_object(w, cases->v->group ? cases->v->group : "");
    write_summary(w, &s);
    bl_write_end(w);
}

static bool same_group(const struct bl_case *a, const struct bl_case *b)
{
    return !strcmp(a->group ? a->group : "", b->group ? b->group : "");
}

/* To *w if that is not NULL, as lines of a table to *out otherwise. */
static void put_groups(struct bl_buf *out, struct bl_writer *w,
                       const struct bl_cases *cases,
                       const struct bl_report *r)
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
            write_group(w, &part, r);
        else
            put_line(out, &part, r, i == 0);
    }
    free(all.v);
}

void bl_print_report(struct bl_buf *out, const struct bl_cases *cases,
                     const struct bl_report *r)
{
    struct bl_writer w = bl_writer(out, BL_WRITE_COMPACT);
    struct summary s;

    summarize(&s, cases, r);
    if (!r->json) {
        put_table(out, &s);
        if (r->by)
            put_groups(out, NULL, cases, r);
        return;
    }
    bl_write_object(&w, NULL);
    write_summary(&w, &s);
    if (r->by) {
        bl_write_object(&w, "groups");
        put_groups(out, &w, cases, r);
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

static bool is_right(const struct bl_case *c)
{
    const struct bl_judged *j = &c->judged;

    if (j->missed)
        return false;
    return j->gold == BL_GOLD_ENTITY ? j->right : !j->answered;
}

static enum change change_between(const struct bl_case *a,
                                  const struct bl_case *b)
{
    bool was = is_right(a), is = is_right(b);

    if (was != is)
        return is ? FIXED : BROKEN;
    return strcmp(a->answer ? a->answer : "", b->answer ? b->answer : "")
        ? OTHER : SAME;
}

/* One case that has another answer now. */
static void put_change(struct bl_buf *out, enum change what,
                       const struct bl_case *a, const struct bl_case *b,
                       bool json)
{
    const char *names[] = { "id", "mention", "label_id", "before", "now" };
    const char *cells[] = { b->id, b->mention, b->gold, a->answer,
                            b->answer };
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

void bl_print_diff(struct bl_buf *out, struct bl_cases *before,
                   const struct bl_cases *now, bool json)
{
    size_t counts[N_CHANGES] = { 0 }, alone = 0;

    for (size_t i = 0; i < now->n; i++) {
        const struct bl_case *b = &now->v[i];
        struct bl_case *a;
        enum change what;
        if (b->judged.gold != BL_GOLD_ENTITY
            && b->judged.gold != BL_GOLD_NIL)
            continue;
        a = bl_cases_find(before, b->key);
        if (!a) {
            alone++;
            continue;
        }
        a->used = true;
        what = change_between(a, b);
        counts[what]++;
        if (what != SAME)
            put_change(out, what, a, b, json);
    }
    put_counts(out, counts, alone, json);
}
