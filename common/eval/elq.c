/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "eval/elq.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "eval/judge.h"
#include "json/writer.h"
#include "ner/elq-labels.h"

/* A mention by both its places; a NULL id is no entity of the catalogue. */
struct mention {
    char *id;
    struct bl_bounds tokens, chars;
};

struct text {
    char *id;
    struct mention *gold, *found;       /* [n_gold], [n_found] */
    size_t n_gold, n_found, cap_found;
    bool has_tokens, has_chars;         /* gold */
    bool by_chars;              /* an answer has no tokens */
};

struct bl_elq_set {
    struct bl_kb *kb;
    size_t window;
    struct text *v;
    size_t n, cap;
    bool sorted;
};

/* ---- Counting ---- */

/* Insertion keeps equal ends in their order; a text has few mentions. */
static void sort_by_end(struct bl_triple *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct bl_triple one = v[i];
        size_t k = i;

        for (; k > 0 && v[k - 1].to > one.to; k--)
            v[k] = v[k - 1];
        v[k] = one;
    }
}

static bool same(const struct bl_triple *a, const struct bl_triple *b,
                 bool strong)
{
    if (!a->id || !b->id || strcmp(a->id, b->id))
        return false;
    return strong ? a->from == b->from && a->to == b->to
        : a->from < b->to && b->from < a->to;
}

/* One step of the table: a match counts one more than both lists without
 * their last have, even where to leave it out would be worth more. */
static size_t count(const struct bl_triple *gold, size_t n_gold,
                    const struct bl_triple *found, size_t n_found,
                    bool strong)
{
    size_t *row = bl_xcalloc(n_found + 1, sizeof *row), last;

    for (size_t g = 0; g < n_gold; g++) {
        size_t diagonal = 0;

        for (size_t f = 0; f < n_found; f++) {
            size_t above = row[f + 1];

            row[f + 1] = same(&gold[g], &found[f], strong) ? 1 + diagonal
                : BL_MAX(above, row[f]);
            diagonal = above;
        }
    }
    last = row[n_found];
    free(row);
    return last;
}

void bl_elq_match(struct bl_triple *gold, size_t n_gold,
                  struct bl_triple *found, size_t n_found, size_t *weak,
                  size_t *strong)
{
    sort_by_end(gold, n_gold);
    sort_by_end(found, n_found);
    *weak = count(gold, n_gold, found, n_found, false);
    *strong = count(gold, n_gold, found, n_found, true);
}

/* ---- Reading ---- */

struct bl_elq_set *bl_elq_set_new(struct bl_kb *kb, size_t window)
{
    struct bl_elq_set *set = BL_NEW(struct bl_elq_set);

    set->kb = kb;
    set->window = window;
    return set;
}

static void free_mentions(struct mention *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(v[i].id);
    free(v);
}

static void free_text(struct text *text)
{
    free_mentions(text->gold, text->n_gold);
    free_mentions(text->found, text->n_found);
    free(text->id);
}

void bl_elq_set_free(struct bl_elq_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->n; i++)
        free_text(&set->v[i]);
    free(set->v);
    free(set);
}

static void take_labels(const struct bl_elq_labels *labels, struct text *text)
{
    text->gold = BL_NEW_ARRAY(struct mention, labels->n);
    text->n_gold = labels->n;
    text->has_tokens = labels->has_tokens;
    text->has_chars = labels->has_chars;
    for (size_t i = 0; i < labels->n; i++)
        text->gold[i] = (struct mention){
            labels->v[i].id.p ? bl_xstrdup(labels->v[i].id.p) : NULL,
            labels->v[i].tokens, labels->v[i].chars
        };
}

static int by_tokens(const void *a, const void *b)
{
    const struct mention *x = a, *y = b;

    if (x->tokens.from != y->tokens.from)
        return x->tokens.from < y->tokens.from ? -1 : 1;
    return (x->tokens.to > y->tokens.to) - (x->tokens.to < y->tokens.to);
}

/* Forgets what is beyond ELQ's window. */
static void cut(const struct bl_elq_set *set, struct text *text)
{
    struct bl_bounds *bounds = bl_xmalloc(text->n_gold, sizeof *bounds);
    struct bl_elq_window window;
    size_t end = 0;

    if (text->n_gold)
        qsort(text->gold, text->n_gold, sizeof *text->gold, by_tokens);
    for (size_t i = 0; i < text->n_gold; i++) {
        bounds[i] = text->gold[i].tokens;
        end = BL_MAX(end, bounds[i].to);
    }
    bl_elq_window(bounds, text->n_gold, end, set->window - 2, &window);
    for (size_t i = 0; i < text->n_gold; i++) {
        text->gold[i].tokens = bounds[i];
        if (i >= window.n_mentions)
            free(text->gold[i].id);
    }
    text->n_gold = window.n_mentions;
    free(bounds);
}

static int read_text(struct bl_elq_set *set, const struct bl_record *record,
                     struct bl_arena *arena, struct text *text,
                     struct bl_err *err)
{
    struct bl_elq_labels labels;
    struct bl_span id;

    if (bl_record_id(record, "id", arena, &id, err) < 0
        || bl_elq_labels_read(record, set->kb, arena, &labels, err) < 0)
        return -1;
    text->id = bl_xstrdup(id.p);
    take_labels(&labels, text);
    if (set->window && text->has_tokens)
        cut(set, text);
    return 0;
}

int bl_elq_set_gold(struct bl_elq_set *set, const struct bl_record *record,
                    struct bl_arena *arena, struct bl_err *err)
{
    struct text text = { .id = NULL };

    if (read_text(set, record, arena, &text, err) < 0)
        return -1;
    BL_GROW(set->v, set->n + 1, set->cap);
    set->v[set->n++] = text;
    set->sorted = false;
    return 0;
}

static int by_id(const void *a, const void *b)
{
    const struct text *x = a, *y = b;

    return strcmp(x->id, y->id);
}

static struct text *find_text(struct bl_elq_set *set, const char *id)
{
    struct text key = { .id = (char *)id };

    if (!set->sorted && set->n)
        qsort(set->v, set->n, sizeof *set->v, by_id);
    set->sorted = true;
    return set->n ? bsearch(&key, set->v, set->n, sizeof *set->v, by_id)
                  : NULL;
}

/* 1: read; 0: absent. */
static int read_tokens(const struct bl_record *record, long *from, long *to,
                       struct bl_err *err)
{
    struct bl_span pair, first, last;
    struct bl_json_iter it;
    int64_t a, b;
    int got = bl_record_get(record, "tokens", &pair, err);

    if (got <= 0)
        return got;
    it = bl_json_iter(pair);
    if (!bl_json_next(&it, NULL, &first) || !bl_json_next(&it, NULL, &last)
        || bl_json_integer(first, -1, INT32_MAX, &a, NULL) < 0
        || bl_json_integer(last, a, INT32_MAX, &b, NULL) < 0)
        return bl_fail(err, BL_BAD_FIELD, "field 'tokens': expected first "
                       "token and end");
    *from = (long)a;
    *to = (long)b;
    return 1;
}

/* The entity of a record, as other records are judged; NULL: none. */
static int read_answer(const struct bl_record *record, struct bl_arena *arena,
                       struct bl_case *out, struct bl_err *err)
{
    struct bl_span error;
    int failed = bl_record_get(record, "error", &error, err);

    if (failed > 0 && bl_json_type(error) != BL_JSON_NULL)
        return bl_fail(err, BL_BAD_FIELD, "a record that failed before; what "
                       "it should have found counts as missed");
    if (failed < 0)
        return -1;
    if (bl_case_read(out, record, arena, err) < 0)
        return -1;
    /* What the record says itself is right does not matter, but without any
     * such word its answer would not be read. */
    free(out->gold);
    out->gold = NULL;
    out->judged.gold = BL_GOLD_NIL;
    if (bl_case_judge(out, record, arena, err) == 0)
        return 0;
    bl_case_free(out);
    return -1;
}

static int read_places(const struct bl_record *record, struct text *text,
                       struct mention *out, struct bl_err *err)
{
    long from = 0, to = 0;
    int64_t start = 0, end = 0;
    int tokens = read_tokens(record, &from, &to, err), chars;

    if (tokens < 0)
        return -1;
    chars = bl_record_integer_opt(record, "start", 0, INT32_MAX, &start, err);
    if (chars > 0)
        chars = bl_record_integer_opt(record, "end", start, INT32_MAX, &end,
                                      err);
    if (chars < 0)
        return -1;
    if ((!tokens && !text->has_chars) || (!chars && !text->has_tokens)
        || (!tokens && !chars))
        return bl_fail(err, BL_BAD_FIELD, "neither field 'tokens' nor fields "
                       "'start' and 'end' where text '%s' has such", text->id);
    text->by_chars |= !tokens;
    /* [CLS] is token -1, so that all are counted from 1 here. */
    out->tokens = (struct bl_bounds){ (size_t)(from + 1), (size_t)(to + 1) };
    out->chars = (struct bl_bounds){ (size_t)start, (size_t)end };
    return 0;
}

static int add_answer(struct bl_elq_set *set, const struct bl_record *record,
                      const struct bl_case *answer, struct bl_err *err)
{
    struct text *text = answer->doc ? find_text(set, answer->doc) : NULL;
    struct mention mention = { .id = NULL };

    if (!text)
        return bl_fail(err, BL_BAD_FIELD, "field 'doc': no labelled text is "
                       "'%s'", answer->doc ? answer->doc : "");
    if (!answer->answer)
        return 0;
    if (read_places(record, text, &mention, err) < 0)
        return -1;
    mention.id = bl_xstrdup(answer->answer);
    BL_GROW(text->found, text->n_found + 1, text->cap_found);
    text->found[text->n_found++] = mention;
    return 0;
}

int bl_elq_set_answer(struct bl_elq_set *set, const struct bl_record *record,
                      struct bl_arena *arena, struct bl_err *err)
{
    struct bl_case answer;
    int rc;

    if (read_answer(record, arena, &answer, err) < 0)
        return -1;
    rc = add_answer(set, record, &answer, err);
    bl_case_free(&answer);
    return rc;
}

/* ---- Measuring ---- */

static struct bl_triple *triples_of(const struct mention *v, size_t n,
                                    bool chars, long shift)
{
    struct bl_triple *out = bl_xmalloc(n, sizeof *out);

    for (size_t i = 0; i < n; i++) {
        const struct bl_bounds *at = chars ? &v[i].chars : &v[i].tokens;

        out[i] = (struct bl_triple){ v[i].id, (long)at->from + shift,
                                     (long)at->to + shift };
    }
    return out;
}

/* Tokens of answers were counted from [CLS] as 0, so that the places of labels
 * are moved by one to be compared with them. */
void bl_elq_set_measure(struct bl_elq_set *set, struct bl_elq_figures *out)
{
    *out = (struct bl_elq_figures){ .texts = set->n };
    for (size_t i = 0; i < set->n; i++) {
        const struct text *text = &set->v[i];
        bool chars = !text->has_tokens || (text->by_chars && text->has_chars);
        struct bl_triple *gold = triples_of(text->gold, text->n_gold, chars,
                                            chars ? 0 : 1);
        struct bl_triple *found = triples_of(text->found, text->n_found,
                                             chars, 0);
        size_t weak, strong;

        bl_elq_match(gold, text->n_gold, found, text->n_found, &weak,
                     &strong);
        out->gold += text->n_gold;
        out->found += text->n_found;
        out->weak += weak;
        out->strong += strong;
        free(gold);
        free(found);
    }
}

/* ---- Printing ---- */

static double share(size_t part, size_t all)
{
    return all ? (double)part / (double)all : 0;
}

struct prf {
    double p, r, f1;
};

static struct prf prf_of(const struct bl_elq_figures *figures, size_t right)
{
    struct prf x = { share(right, figures->found),
                     share(right, figures->gold), 0 };

    if (right)
        x.f1 = 2 * x.p * x.r / (x.p + x.r);
    return x;
}

static void write_way(struct bl_writer *json, const char *name,
                      const struct bl_elq_figures *figures, size_t right)
{
    struct prf x = prf_of(figures, right);

    bl_write_object(json, name);
    bl_write_size(json, "right", right);
    bl_write_double(json, "precision", x.p, 9);
    bl_write_double(json, "recall", x.r, 9);
    bl_write_double(json, "f1", x.f1, 9);
    bl_write_end(json);
}

/* Undefined shares, of nothing found or labelled, are 0 as the original prints
 * them. */
void bl_elq_put(struct bl_buf *out, const struct bl_elq_figures *figures,
                bool json)
{
    struct bl_writer writer = bl_writer(out, BL_WRITE_SPACED);
    const struct { const char *name; size_t right; } ways[] = {
        { "weak", figures->weak }, { "strong", figures->strong }
    };

    if (json) {
        bl_write_object(&writer, NULL);
        bl_write_size(&writer, "texts", figures->texts);
        bl_write_size(&writer, "gold", figures->gold);
        bl_write_size(&writer, "found", figures->found);
        for (size_t i = 0; i < BL_COUNT(ways); i++)
            write_way(&writer, ways[i].name, figures, ways[i].right);
        bl_write_end(&writer);
        bl_write_line(&writer);
        return;
    }
    bl_buf_printf(out, "%zu texts, %zu mentions labelled, %zu found\n"
                  "matches  right  precision  recall      F1\n",
                  figures->texts, figures->gold, figures->found);
    for (size_t i = 0; i < BL_COUNT(ways); i++) {
        struct prf x = prf_of(figures, ways[i].right);

        bl_buf_printf(out, "%-8s %5zu     %.4f  %.4f  %.4f\n", ways[i].name,
                      ways[i].right, x.p, x.r, x.f1);
    }
}
