/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "report.h"

#include <math.h>
#include <string.h>

#include "json.h"

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

static void put_number(struct bl_buf *out, double v, int digits)
{
    if (isfinite(v))
        bl_json_put_double(out, v, digits);
    else
        bl_buf_puts(out, "null");
}

static void put_json(struct bl_buf *out, const struct count *c,
                     const struct bl_figure *f, size_t n, const double *lo,
                     const double *hi)
{
    bl_buf_putc(out, '{');
    for (size_t i = 0; i < N_COUNTS; i++)
        bl_buf_printf(out, "%s\"%s\":%.0f", i ? "," : "", c[i].name,
                      c[i].value);
    for (size_t i = 0; i < n; i++) {
        bl_buf_printf(out, ",\"%s\":", f[i].name);
        put_number(out, f[i].value, 9);
    }
    for (size_t i = 0; lo && i < n; i++) {
        bl_buf_printf(out, "%s\"%s\":[", i ? "," : ",\"intervals\":{",
                      f[i].name);
        put_number(out, lo[i], 6);
        bl_buf_putc(out, ',');
        put_number(out, hi[i], 6);
        bl_buf_putc(out, ']');
    }
    bl_buf_puts(out, lo ? "}}\n" : "}\n");
}

static void put_fixed(struct bl_buf *out, double v)
{
    if (isfinite(v))
        bl_buf_printf(out, "%8.4f", v);
    else
        bl_buf_printf(out, "%8s", "-");
}

static void put_table(struct bl_buf *out, const struct count *c,
                      const struct bl_figure *f, size_t n, const double *lo,
                      const double *hi)
{
    for (size_t i = 0; i < N_COUNTS; i++)
        bl_buf_printf(out, "%-28s%8.0f\n", c[i].name, c[i].value);
    for (size_t i = 0; i < n; i++) {
        bl_buf_printf(out, "%-28s", f[i].name);
        put_fixed(out, f[i].value);
        if (lo && isfinite(lo[i]))
            bl_buf_printf(out, "  %.4f-%.4f", lo[i], hi[i]);
        bl_buf_putc(out, '\n');
    }
}

void bl_print_report(struct bl_buf *out, const struct bl_cases *cases,
                     const struct bl_report *r)
{
    struct bl_figure f[BL_MAX_FIGURES];
    double lo[BL_MAX_FIGURES], hi[BL_MAX_FIGURES];
    double *low = r->bootstrap ? lo : NULL;
    struct count counts[N_COUNTS];
    struct bl_tally t;
    size_t n;

    bl_cases_tally(cases, r->cutoffs, &t);
    n = bl_figures(&t, r->cutoffs, t.docs > 0, f);
    if (low)
        bl_cases_bootstrap(cases, r->cutoffs, r->bootstrap, r->seed, lo, hi);
    counts_of(&t, r, counts);
    (r->json ? put_json : put_table)(out, counts, f, n, low, hi);
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

static enum change compare(const struct bl_case *a, const struct bl_case *b)
{
    bool was = is_right(a), is = is_right(b);

    if (was != is)
        return is ? FIXED : BROKEN;
    return strcmp(a->answer ? a->answer : "", b->answer ? b->answer : "")
        ? OTHER : SAME;
}

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

static void put_value(struct bl_buf *out, const char *name, const char *s)
{
    bl_buf_printf(out, ",\"%s\":", name);
    if (s)
        bl_json_put_string(out, s, strlen(s));
    else
        bl_buf_puts(out, "null");
}

static void put_change(struct bl_buf *out, enum change what,
                       const struct bl_case *a, const struct bl_case *b,
                       bool json)
{
    const char *names[] = { "id", "mention", "label_id", "before", "now" };
    const char *cells[] = { b->id, b->mention, b->gold, a->answer,
                            b->answer };

    if (json)
        bl_buf_printf(out, "{\"change\":\"%s\"", change_names[what]);
    else
        bl_buf_putc(out, "+-~="[what]);
    for (size_t i = 0; i < sizeof(cells) / sizeof(*cells); i++) {
        if (json) {
            put_value(out, names[i], cells[i]);
            continue;
        }
        bl_buf_putc(out, '\t');
        put_cell(out, cells[i] ? cells[i] : "-");
    }
    bl_buf_puts(out, json ? "}\n" : "\n");
}

void bl_print_diff(struct bl_buf *out, struct bl_cases *before,
                   const struct bl_cases *now, bool json)
{
    size_t counts[N_CHANGES] = { 0 }, alone = 0;

    for (size_t i = 0; i < now->n; i++) {
        const struct bl_case *b = &now->v[i];
        struct bl_case *a;
        enum change what;
        if (b->judged.gold != BL_GOLD_ENTITY &&
            b->judged.gold != BL_GOLD_NIL)
            continue;
        a = bl_cases_find(before, b->key);
        if (!a) {
            alone++;
            continue;
        }
        a->used = true;
        what = compare(a, b);
        counts[what]++;
        if (what != SAME)
            put_change(out, what, a, b, json);
    }
    bl_buf_puts(out, json ? "{" : "#");
    for (size_t i = 0; i < N_CHANGES; i++)
        bl_buf_printf(out, json ? "%s\"%s\":%zu" : "%s %s %zu",
                      i ? "," : "", change_names[i], counts[i]);
    bl_buf_printf(out, json ? ",\"unmatched\":%zu}\n" : ", unmatched %zu\n",
                  alone);
}
