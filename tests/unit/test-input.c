/* SPDX-License-Identifier: MIT */
/* Tokens and layouts against what the original computed: the fixtures, then
 * the whole golden data where it is. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/mem.h"
#include "golden.h"
#include "json/record.h"
#include "tap.h"
#include "text/input.h"
#include "text/unicode.h"

static struct bl_wordpiece *wp;
static struct bl_arena arena = BL_ARENA_INIT;
static struct bl_input input = BL_INPUT_INIT;
static struct bl_input_spec spec = { BL_LAYOUT_BLINK, 32, 128, 160,
                                     BL_LITERAL_SPECIALS, false, NULL, NULL };

/* What one file came to. */
struct tally {
    size_t same, cut, differ;
};

static struct bl_span text_of(const struct bl_record *r, const char *name,
                              bool *given)
{
    struct bl_span s = { "", 0 };
    int got = bl_record_string_opt(r, name, &arena, &s, NULL);

    if (given)
        *given = got > 0;
    return s;
}

static size_t length_of(const struct bl_record *r, const char *name,
                        size_t other)
{
    int64_t n = (int64_t)other;

    bl_record_integer_opt(r, name, 0, 1 << 20, &n, NULL);
    return (size_t)n;
}

static struct bl_mention mention_of(const struct bl_record *r)
{
    return (struct bl_mention){ text_of(r, "context_left", NULL),
                                text_of(r, "mention", NULL),
                                text_of(r, "context_right", NULL) };
}

static struct bl_entity_text entity_of(const struct bl_record *r)
{
    struct bl_entity_text e;

    e.text = text_of(r, "text", NULL);
    e.title = text_of(r, "title", &e.has_title);
    return e;
}

/* ---- Comparing ---- */

/* The padded ids of the original against ours at their positions; its zeros
 * are padding or a typed [PAD], which are not there in ours. */
static bool same_ids(struct bl_span want)
{
    struct bl_json_iter it = bl_json_iter(want);
    struct bl_span v;
    size_t k = 0;
    int32_t position = 0;

    for (; bl_json_next(&it, NULL, &v); position++) {
        int64_t id = -1;

        bl_json_integer(v, 0, INT32_MAX, &id, NULL);
        if (k < input.n && input.positions[k] == position) {
            if (input.ids[k++] != id)
                return false;
        } else if (id != 0) {
            return false;
        }
    }
    return k == input.n;
}

/* The array of 0 and 1 holds `bit` of each real token, else 0. */
static bool same_flags(struct bl_span want, bool segments)
{
    struct bl_json_iter it = bl_json_iter(want);
    struct bl_span v;
    size_t k = 0;
    int32_t position = 0;

    for (; bl_json_next(&it, NULL, &v); position++) {
        bool real = k < input.n && input.positions[k] == position;
        bool bit = real && (!segments || input.segments[k] == 1);

        if (bl_span_is(v, "1") != bit)
            return false;
        k += real;
    }
    return true;
}

/* Where the original stops: a window with both tags around a mention. */
static bool sane_cut(size_t length)
{
    const struct bl_specials *s = bl_wordpiece_specials(wp);
    size_t start = 0, end = 0;

    for (size_t i = 0; i < input.n; i++) {
        if (input.ids[i] == s->tags[0] && !start)
            start = i;
        if (input.ids[i] == s->tags[1])
            end = i;
    }
    return input.cut && input.n <= length && input.ids[0] == s->cls
        && input.ids[input.n - 1] == s->sep && start && end > start;
}

static void judge(struct tally *t, const struct bl_record *r, bool same,
                  bool cut)
{
    if (same && !cut)
        t->same++;
    else if (same)
        t->cut++;
    else if (t->differ++ < 3)
        printf("# differs: %.*s\n", (int)r->line.n, r->line.p);
}

/* ---- One record of each file ---- */

static void raw_tokens(const struct bl_record *r, struct tally *t)
{
    static int32_t ids[4096];
    struct bl_span want, text;
    bool same;

    for (int cross = 0; cross < 2; cross++) {
        struct bl_json_iter it;
        size_t n, i = 0;

        if (bl_record_get(r, cross ? "tokens_cross" : "tokens", &want,
                          NULL) <= 0)
            continue;
        if (bl_record_string(r, "text", &arena, &text, NULL) < 0)
            return;             /* a lone surrogate: never gets this far */
        n = bl_wordpiece_ids(wp, text, cross ? 3 : 1, ids, 4096, NULL);
        it = bl_json_iter(want);
        same = true;
        for (struct bl_span v; bl_json_next(&it, NULL, &v); i++) {
            bl_json_string(v, &arena, &v, NULL);
            same = same && i < n
                && bl_span_eq(v, bl_wordpiece_token(wp, ids[i]));
        }
        judge(t, r, same && i == n, false);
    }
}

/* The original makes white space alone a special token drawn by chance; it
 * is nothing here. */
static void white_space(const struct bl_record *r, struct tally *t)
{
    struct bl_span text;
    int32_t id;

    if (bl_record_string(r, "text", &arena, &text, NULL) == 0)
        judge(t, r, bl_wordpiece_ids(wp, text, 1, &id, 1, NULL) == 0, false);
}

static void lower_case(const struct bl_record *r, struct tally *t)
{
    static struct bl_buf got;
    struct bl_span text = text_of(r, "text", NULL);

    bl_buf_clear(&got);
    bl_uni_lower(&got, text.p, text.n);
    judge(t, r, bl_span_eq(text_of(r, "lower", NULL),
                           (struct bl_span){ got.data, got.len }), false);
}

static void context(const struct bl_record *r, struct tally *t)
{
    struct bl_mention m = mention_of(r);
    struct bl_span want;

    spec.context_length = length_of(r, "max_context_length", 32);
    for (int cross = 0; cross < 2; cross++) {
        spec.literal = cross ? 3 : 1;
        if (bl_record_get(r, cross ? "ids_cross" : "ids", &want, NULL) <= 0)
            continue;
        bl_input_context(&input, wp, &spec, &m);
        if (bl_json_type(want) == BL_JSON_STRING)
            judge(t, r, sane_cut(spec.context_length), true);
        else
            judge(t, r, same_ids(want), false);
    }
}

static void candidate(const struct bl_record *r, struct tally *t)
{
    struct bl_entity_text e = entity_of(r);
    struct bl_span want;

    spec.entity_length = length_of(r, "max_cand_length", 128);
    for (int cross = 0; cross < 2; cross++) {
        spec.literal = cross ? 3 : 1;
        if (bl_record_get(r, cross ? "ids_cross" : "ids", &want, NULL) <= 0)
            continue;
        bl_input_entity(&input, wp, &spec, &e);
        judge(t, r, same_ids(want), false);
    }
}

static void cross_input(const struct bl_record *r, struct tally *t)
{
    struct bl_mention m = mention_of(r);
    struct bl_entity_text e = entity_of(r);
    struct bl_span want;
    bool same;

    spec.literal = 3;
    spec.context_length = length_of(r, "max_context_length", 32);
    spec.entity_length = length_of(r, "max_cand_length", 128);
    spec.pair_length = length_of(r, "max_seq_length", 160);
    bl_input_pair(&input, wp, &spec, &m, &e);
    if (bl_record_get(r, "ids", &want, NULL) <= 0) {
        judge(t, r, input.cut && input.n <= 160, true);
        return;
    }
    same = same_ids(want);
    if (bl_record_get(r, "seg", &want, NULL) > 0)
        same = same && same_flags(want, true);
    if (bl_record_get(r, "mask", &want, NULL) > 0)
        same = same && same_flags(want, false);
    judge(t, r, same, false);
}

/* ---- The length sweep: texts are made of a list of words ---- */

static struct bl_span sweep_words[64];
static size_t n_sweep_words;

static struct bl_span sweep_text(const struct bl_record *r, const char *name,
                                 size_t offset)
{
    struct bl_buf b = BL_BUF_INIT;
    struct bl_span s;
    size_t n = length_of(r, name, 0);

    for (size_t i = 0; i < n; i++) {
        if (i)
            bl_buf_putc(&b, ' ');
        bl_buf_put_span(&b, sweep_words[(i + offset) % n_sweep_words]);
    }
    s = (struct bl_span){ bl_arena_strndup(&arena, b.data, b.len), b.len };
    bl_buf_free(&b);
    return s;
}

static void sweep(const struct bl_record *r, struct tally *t)
{
    static struct bl_arena keep = BL_ARENA_INIT;
    struct bl_span want;
    struct bl_mention m;

    if (bl_record_get(r, "words", &want, NULL) > 0) {
        struct bl_json_iter it = bl_json_iter(want);
        struct bl_span *w = sweep_words;

        while (bl_json_next(&it, NULL, &want) && w < sweep_words + 64)
            bl_json_string(want, &keep, w++, NULL);
        n_sweep_words = (size_t)(w - sweep_words);
        return;
    }
    spec.literal = 1;
    spec.context_length = length_of(r, "max_context_length", 32);
    m.left = sweep_text(r, "n_left", 0);
    m.text = sweep_text(r, "n_mention", 20);
    m.right = sweep_text(r, "n_right", 41);
    bl_input_context(&input, wp, &spec, &m);
    bl_record_get(r, "ids", &want, NULL);
    if (bl_json_type(want) == BL_JSON_STRING)
        judge(t, r, sane_cut(spec.context_length), true);
    else
        judge(t, r, same_ids(want), false);
}

/* ---- Files ---- */

typedef void check_fn(const struct bl_record *r, struct tally *t);

static const struct source {
    const char *fixture, *golden;
    check_fn *check;
    size_t same[2], cut[2];     /* answers in the fixture, in the whole */
} sources[] = {
    { "tok/raw-tokens.jsonl", "tok/raw_tokens.jsonl", raw_tokens,
      { 408, 408 }, { 0, 0 } },
    { "tok/white-space.jsonl", "tok/whitespace_only.jsonl", white_space,
      { 7, 7 }, { 0, 0 } },
    { "tok/lowercase.jsonl", "tok/lowercase.jsonl", lower_case,
      { 53, 70 }, { 0, 0 } },
    { "tok/context.jsonl", "tok/context.jsonl", context,
      { 184, 244 }, { 30, 30 } },
    { "tok/candidate.jsonl", "tok/candidate.jsonl", candidate,
      { 113, 198 }, { 0, 0 } },
    { "tok/cross-inputs.jsonl", "tok/cross_inputs.jsonl", cross_input,
      { 35, 100 }, { 10, 10 } },
    { "tok/sweep.jsonl", "tok/context_length_sweep.jsonl", sweep,
      { 135, 345 }, { 180, 378 } }
};

/* U+0000, which records may not hold, is made
 * U+0001: both are deleted. */
static void spare_nul(char *line)
{
    char *at = line;

    while ((at = strstr(at, "\\u0000")) != NULL)
        at[5] = '1';
}

static struct tally run_file(FILE *f, check_fn *check)
{
    struct tally t = { 0, 0, 0 };
    struct bl_record r = { 0 };
    char *line = NULL;
    size_t cap = 0, number = 0;
    ssize_t n;

    while ((n = getline(&line, &cap, f)) > 0) {
        struct bl_span s = { line, (size_t)n };

        spare_nul(line);
        if (bl_record_parse(&r, s, ++number, NULL) == 0)
            check(&r, &t);
        else
            t.differ++;
        bl_arena_reset(&arena);
    }
    free(line);
    bl_record_free(&r);
    fclose(f);
    return t;
}

static void run_source(const struct source *s, bool whole)
{
    const char *name = whole ? s->golden : s->fixture;
    FILE *f = whole ? golden_open(name) : fopen(fixture(name), "r");
    struct tally t;

    if (!f && whole) {
        skip(name, "the whole golden data is not here");
        return;
    }
    if (!ok(f != NULL, "%s can be read", name))
        return;
    t = run_file(f, s->check);
    ok(!t.differ && t.same == s->same[whole] && t.cut == s->cut[whole],
       "%s: %zu as the original, %zu cut where it stops, %zu differ", name,
       t.same, t.cut, t.differ);
}

/* ---- What no golden file shows ---- */

/* The text of the sequence, for reading. */
static const char *shown(void)
{
    static struct bl_buf b = BL_BUF_INIT;

    bl_buf_clear(&b);
    for (size_t i = 0; i < input.n; i++) {
        if (i)
            bl_buf_putc(&b, ' ');
        bl_buf_put_span(&b, bl_wordpiece_token(wp, input.ids[i]));
    }
    return b.data;
}

/* Behind the [CLS] of single sequences, which are as long as without. */
static void prompts(void)
{
    struct bl_input_spec s = { BL_LAYOUT_PLAIN, 8, 8, 0, 0, false,
                               "sand: ", "water" };
    struct bl_mention m = { BL_SPAN_LIT("the"), BL_SPAN_LIT("River"),
                            BL_SPAN_LIT("was full") };
    struct bl_entity_text e = { BL_SPAN_LIT("River"),
                                BL_SPAN_LIT("A stream."), true };

    bl_input_context(&input, wp, &s, &m);
    is_str(shown(), "[CLS] sand : river [SEP]", "prompt: of a mention");
    bl_input_entity(&input, wp, &s, &e);
    is_str(shown(), "[CLS] water river [SEP]", "prompt: of an entity");
    bl_input_pair(&input, wp, &s, &m, &e);
    is_str(shown(), "[CLS] river : the river was full [SEP] river . a stream "
           ". [SEP]", "prompt: none in a pair");
    m.text = BL_SPAN_LIT("a a a a a a a a a a a a");
    bl_input_context(&input, wp, &s, &m);
    is_str(shown(), "[CLS] sand : a a a a [SEP]",
           "prompt: the mention is cut");
    s.layout = BL_LAYOUT_FULL;
    m.text = BL_SPAN_LIT("river");
    s.context_length = 12;
    bl_input_context(&input, wp, &s, &m);
    is_str(shown(), "[CLS] sand : river : the river was full [SEP]",
           "prompt: before mention and context");
    s.mention_prompt = "water water water water water water water";
    bl_input_context(&input, wp, &s, &m);
    ok(input.n <= 12, "prompt: a long one leaves room");
}

static void plain_layout(void)
{
    struct bl_input_spec s = { BL_LAYOUT_PLAIN, 16, 12, 0, 0, false, NULL,
                               NULL };
    struct bl_mention m = { BL_SPAN_LIT("He said that the great"),
                            BL_SPAN_LIT("River"),
                            BL_SPAN_LIT("was full of water and sand.") };
    struct bl_entity_text e = { BL_SPAN_LIT("River"),
                                BL_SPAN_LIT("A stream. [SEP]"), true };

    bl_input_context(&input, wp, &s, &m);
    is_str(shown(), "[CLS] river [SEP]", "plain context: the mention");
    ok(input.cut == 0, "nothing counts as cut");
    bl_input_entity(&input, wp, &s, &e);
    is_str(shown(), "[CLS] river [SEP]", "plain entity: the title");
    e.has_title = false;
    bl_input_entity(&input, wp, &s, &e);
    is_str(shown(), "[CLS] a stream . [ sep ] [SEP]",
           "plain entity without title: the text; a typed [SEP] is text");
    e.has_title = true;
    m.text = BL_SPAN_LIT("a a a a a a a a a a a a a a a a");
    bl_input_context(&input, wp, &s, &m);
    ok(input.n == 16 && input.cut == BL_CUT_MENTION,
       "a long mention is cut to the length");
    m.text = BL_SPAN_LIT("River");
    bl_input_pair(&input, wp, &s, &m, &e);
    is_str(shown(), "[CLS] river : he said that the great river was full of "
           "water and sand [SEP] river . a stream . [ sep ] [SEP]",
           "plain pair with context");
    m = (struct bl_mention){ { "", 0 }, BL_SPAN_LIT("River"), { "", 0 } };
    bl_input_pair(&input, wp, &s, &m, &e);
    is_str(shown(), "[CLS] river : river [SEP] river . a stream . [ sep ] "
           "[SEP]", "plain pair");
    ok(input.segments[4] == 0 && input.segments[5] == 1
       && input.positions[5] == 5, "its segments and positions");
}

static void full_layout(void)
{
    struct bl_input_spec s = { BL_LAYOUT_FULL, 12, 8, 0, 0, false, NULL,
                               NULL };
    struct bl_mention m = { BL_SPAN_LIT("He said that the great"),
                            BL_SPAN_LIT("River"),
                            BL_SPAN_LIT("was full of water.") };
    struct bl_entity_text e = { BL_SPAN_LIT("River"),
                                BL_SPAN_LIT("A stream of water in the sand."),
                                true };

    bl_input_context(&input, wp, &s, &m);
    is_str(shown(), "[CLS] river : that the great river was full of water "
           "[SEP]", "full context: the mention, then its sentence");
    ok(input.n == 12 && input.cut == (BL_CUT_LEFT | BL_CUT_RIGHT),
       "which is cut on both sides");
    bl_input_entity(&input, wp, &s, &e);
    is_str(shown(), "[CLS] river . a stream of water [SEP]",
           "full entity: title and text");
    ok(!bl_layout_tagged(BL_LAYOUT_FULL) && bl_layout_tagged(
       BL_LAYOUT_RERANKER), "it has no tags");
}

static void lower_first(void)
{
    struct bl_input_spec s = BL_INPUT_SPEC_BLINK;
    struct bl_mention m = { BL_SPAN_LIT("x[SEP]"), BL_SPAN_LIT("Y"),
                            { "", 0 } };
    struct bl_entity_text e = { BL_SPAN_LIT("[SEP]"), BL_SPAN_LIT("[PAD] z"),
                                true };

    bl_input_context(&input, wp, &s, &m);
    is_str(shown(), "[CLS] x [ sep ] [unused0] y [unused1] [SEP]",
           "lower first: a typed [SEP] is no token in a context");
    bl_input_entity(&input, wp, &s, &e);
    is_str(shown(), "[CLS] [SEP] [unused2] z [SEP]",
           "but it is in an entity");
    ok(input.positions[3] == 4, "a typed [PAD] leaves a gap");
}

/* Left contexts longer than what is looked at first. */
static void long_left(void)
{
    static int32_t all[70000], last[64];
    static char text[60000];
    static const char *const units[] = { "river ", "x", "\u4e2d", "a[SEP]b " };
    bool cut;

    for (size_t u = 0; u < 4; u++) {
        size_t unit = strlen(units[u]), n = sizeof text / unit * unit, k;
        struct bl_span s = { text, n };

        for (size_t i = 0; i < n; i += unit)
            memcpy(text + i, units[u], unit);
        k = bl_wordpiece_ids(wp, s, 1, all, 70000, NULL);
        for (size_t want = 0; want < 64; want += 9) {
            size_t got = bl_wordpiece_last_ids(wp, s, 1, last, want, &cut);

            if (got != BL_MIN(k, want) || cut != (k > want)
                || memcmp(last, all + k - got, got * sizeof *last))
                ok(false, "the last %zu of %zu ids", want, k);
        }
        ok(true, "the last ids of a text of '%s'", units[u]);
    }
}

int main(void)
{
    struct bl_wordpiece_opts o = { true, { "[unused0]", "[unused1]",
                                           "[unused2]" } };
    struct bl_err err;

    wp = bl_wordpiece_open(fixture("tok/vocab.txt"), &o, &err);
    if (!ok(wp != NULL, "the vocabulary opens")) {
        printf("# %s\n", err.msg);
        return tap_done();
    }
    for (size_t i = 0; i < BL_COUNT(sources); i++) {
        run_source(&sources[i], false);
        run_source(&sources[i], true);
    }
    plain_layout();
    prompts();
    full_layout();
    lower_first();
    long_left();
    bl_input_free(&input);
    bl_arena_free(&arena);
    bl_wordpiece_close(wp);
    return tap_done();
}
