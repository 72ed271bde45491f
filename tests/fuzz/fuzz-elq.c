/* SPDX-License-Identifier: MIT */
/* fuzz-elq: what ELQ's users bring: parameters as Python prints them; and,
 * behind the byte FF, labelled texts, and behind another the mentions found in
 * them.  What is read as Python is JSON or refused, no figure exceeds another
 * that it is a part of, and a window lies in its text. */
#include <stdint.h>
#include <stdlib.h>

#include "catalogue.h"
#include "eval/elq.h"
#include "feed.h"
#include "json/document.h"
#include "json/python.h"
#include "ner/elq-window.h"
#include "text/input.h"
#include "train/elq-examples.h"

static void parameters(struct bl_span text)
{
    struct bl_buf json = BL_BUF_INIT;
    struct bl_err err;

    (void)bl_python_is(text);
    if (bl_python_to_json(text, &json, &err) < 0)
        CHECK(err.code == BL_DATA);
    else if (bl_json_check(json.data ? json.data : "", json.len, &err) == 0)
        bl_document_free(bl_document_parse((struct bl_span){ json.data,
                                           json.len }, "p", &err));
    bl_buf_free(&json);
}

typedef int add_fn(struct bl_elq_set *, const struct bl_record *,
                   struct bl_arena *, struct bl_err *);

static void add(struct bl_elq_set *set, struct bl_span text, add_fn *one)
{
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_record record = { 0 };
    struct bl_span line;
    struct bl_err err;
    size_t number = 0;

    while (feed_line(&text, &line))
        if (bl_record_parse(&record, line, ++number, &err) == 0)
            (void)one(set, &record, &arena, &err);
    bl_record_free(&record);
    bl_arena_free(&arena);
}

static void measure(struct bl_kb *kb, size_t window, struct bl_span texts,
                    struct bl_span answers)
{
    struct bl_elq_set *set = bl_elq_set_new(kb, window);
    struct bl_elq_figures f;
    struct bl_buf out = BL_BUF_INIT;

    add(set, texts, bl_elq_set_gold);
    add(set, answers, bl_elq_set_answer);
    bl_elq_set_measure(set, &f);
    CHECK(f.strong <= f.gold && f.strong <= f.found);
    CHECK(f.weak <= f.gold && f.weak <= f.found);
    bl_elq_put(&out, &f, true);
    CHECK(bl_json_check(out.data, out.len, NULL) == 0);
    bl_elq_put(&out, &f, false);
    bl_buf_free(&out);
    bl_elq_set_free(set);
}

/* Training data: every mention lies in its text, between [CLS] and [SEP]. */
static void examples(struct bl_span lines)
{
    static const char vocab[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\n##a\n##b\n";
    struct bl_wordpiece_opts opts = { .lowercase = true };
    struct bl_input_spec input = { .context_length = 8 };
    char *words = feed_file("vocab.txt", vocab, sizeof vocab - 1);
    char *path = feed_file("train.jsonl", lines.p, lines.n);
    struct bl_model model = { .shape = { .vocab = 8 }, .input = &input };
    struct bl_elq_examples *x;

    model.words = bl_wordpiece_open(words, &opts, NULL);
    CHECK(model.words);
    x = bl_elq_examples_read(path, &model, catalogue_open(), NULL);
    for (size_t i = 0; x && i < x->n; i++) {
        CHECK(x->v[i].n >= 2 && x->v[i].n <= 8 && x->v[i].n_mentions);
        for (size_t k = 0; k < x->v[i].n_mentions; k++) {
            const struct bl_elq_mention *m = &x->mentions[x->v[i].from + k];

            CHECK(m->first && m->first <= m->last
                  && m->last + 1 < x->v[i].n && m->row >= 0);
        }
    }
    bl_elq_examples_free(x);
    bl_wordpiece_close(model.words);
    feed_remove(words);
    feed_remove(path);
}

static void window(struct feed *f)
{
    size_t n_tokens = feed_size(f, 0, 60), most = feed_size(f, 2, 40);
    size_t n = n_tokens ? feed_size(f, 0, 5) : 0;
    struct bl_bounds bounds[5];
    struct bl_elq_window w;

    for (size_t i = 0; i < n; i++) {
        bounds[i].from = feed_size(f, 0, n_tokens - 1);
        bounds[i].to = feed_size(f, bounds[i].from + 1, n_tokens);
    }
    bl_elq_window(bounds, n, n_tokens, most, &w);
    CHECK(w.from <= w.to && w.to <= n_tokens && w.to - w.from <= most);
    CHECK(w.to - w.from == BL_MIN(n_tokens, most));
    CHECK(w.n_mentions <= n && (!n || w.n_mentions));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed f = { data, size, 1 }, numbers = f;
    struct bl_span texts, answers;

    parameters(feed_piece(&f));
    texts = feed_piece(&f);
    answers = feed_piece(&f);
    measure(NULL, 0, texts, answers);
    measure(catalogue_open(), 8, texts, answers);
    examples(texts);
    window(&numbers);
    return 0;
}
