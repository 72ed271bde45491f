/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "text/input.h"

#include <stdlib.h>

#include "base/mem.h"
#include "text/unicode.h"

enum { MIN_RERANKER = 9 };      /* [CLS] S x E [SEP] and as much text */

/* The sequence being made: where its next token goes. */
struct writer {
    struct bl_input *in;
    int32_t pad, segment;       /* pad: the id that is left out */
    size_t position, limit;     /* positions from limit on are dropped */
};

static void put(struct writer *w, int32_t id)
{
    struct bl_input *in = w->in;
    size_t position = w->position++;

    if (position >= w->limit || id == w->pad)
        return;
    BL_ASSERT(in->n < in->cap);
    in->ids[in->n] = id;
    in->segments[in->n] = w->segment;
    in->positions[in->n] = (int32_t)position;
    in->n++;
}

static void put_many(struct writer *w, const int32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put(w, ids[i]);
}

/* A punctuation token, where the vocabulary has it. */
static void put_mark(struct writer *w, const struct bl_wordpiece *wp,
                     struct bl_span mark)
{
    int32_t id = bl_wordpiece_find(wp, mark);

    if (id >= 0)
        put(w, id);
}

bool bl_layout_tagged(enum bl_layout layout)
{
    return layout != BL_LAYOUT_PLAIN && layout != BL_LAYOUT_FULL;
}

static size_t clamp(size_t length, size_t least)
{
    if (length < least)
        return least;
    return BL_MIN(length, BL_INPUT_MAX_LENGTH);
}

static size_t context_length(const struct bl_input_spec *spec)
{
    return clamp(spec->context_length, BL_INPUT_MIN_CONTEXT);
}

static size_t entity_length(const struct bl_input_spec *spec)
{
    return clamp(spec->entity_length, BL_INPUT_MIN_ENTITY);
}

/* Empties *in and makes room for its tokens, and for their parts in scratch,
 * when each part has at most `context` or `entity` of them. */
static struct writer begin(struct bl_input *in,
                           const struct bl_wordpiece *wp,
                           const struct bl_input_spec *spec, size_t context,
                           size_t entity)
{
    size_t tokens = context + entity;
    size_t parts = BL_MAX(3 * context, entity);

    if (in->cap < tokens) {
        in->cap = tokens;
        in->ids = bl_xrealloc(in->ids, tokens, sizeof *in->ids);
        in->segments = bl_xrealloc(in->segments, tokens,
                                   sizeof *in->segments);
        in->positions = bl_xrealloc(in->positions, tokens,
                                    sizeof *in->positions);
    }
    if (in->scratch_cap < parts) {
        in->scratch_cap = parts;
        in->scratch = bl_xrealloc(in->scratch, parts, sizeof *in->scratch);
    }
    in->n = 0;
    in->cut = 0;
    return (struct writer){
        .in = in, .limit = SIZE_MAX,
        .pad = spec->layout == BL_LAYOUT_RERANKER ? -1
            : bl_wordpiece_specials(wp)->pad
    };
}

void bl_input_free(struct bl_input *in)
{
    free(in->ids);
    free(in->segments);
    free(in->positions);
    free(in->scratch);
    bl_buf_free(&in->lower);
    *in = (struct bl_input){ 0 };
}

/* ---- Context ---- */

/* Token ids of a part, and whether the text has more. */
struct part {
    int32_t *ids;
    size_t n;
    bool cut;
};

/* The three parts of a mention, each cut to what can be used at most. */
struct parts {
    struct part left, mention, right;
};

/* str.lower() of the text when the spec asks for it; borrowed until the next
 * call. */
static struct bl_span lowered(struct bl_input *in,
                              const struct bl_input_spec *spec,
                              struct bl_span text)
{
    if (!spec->lower_first)
        return text;
    bl_buf_clear(&in->lower);
    bl_uni_lower(&in->lower, text.p, text.n);
    return (struct bl_span){ in->lower.data, in->lower.len };
}

static void read_parts(struct parts *p, struct bl_input *in,
                       struct bl_wordpiece *wp,
                       const struct bl_input_spec *spec,
                       const struct bl_mention *m, size_t max_mention)
{
    size_t length = context_length(spec);

    p->left.ids = in->scratch;
    p->mention.ids = in->scratch + length;
    p->right.ids = in->scratch + 2 * length;
    p->left.n = bl_wordpiece_last_ids(wp, lowered(in, spec, m->left),
                                      spec->literal, p->left.ids, length,
                                      &p->left.cut);
    p->mention.n = bl_wordpiece_ids(wp, lowered(in, spec, m->text),
                                    spec->literal, p->mention.ids,
                                    max_mention, &p->mention.cut);
    p->right.n = bl_wordpiece_ids(wp, lowered(in, spec, m->right),
                                  spec->literal, p->right.ids, length,
                                  &p->right.cut);
}

/* At most `left` and `right` tokens of context, those next to the mention. */
static void cut_sides(struct parts *p, size_t left, size_t right)
{
    if (p->left.n > left) {
        p->left.ids += p->left.n - left;
        p->left.n = left;
        p->left.cut = true;
    }
    if (p->right.n > right) {
        p->right.n = right;
        p->right.cut = true;
    }
}

/* Cuts left and right to `room` tokens: half for each side, and what a side
 * does not need goes to the other. */
static void window(struct parts *p, size_t room)
{
    size_t left = room / 2, right = room - left;

    if (p->left.n <= left) {
        if (p->right.n > right)
            right += left - p->left.n;
    } else if (p->right.n <= right) {
        left += right - p->right.n;
    }
    cut_sides(p, left, right);
}

static void note_cuts(struct bl_input *in, const struct parts *p)
{
    in->cut |= (p->left.cut ? BL_CUT_LEFT : 0u)
        | (p->mention.cut ? BL_CUT_MENTION : 0u)
        | (p->right.cut ? BL_CUT_RIGHT : 0u);
}

/* S mention E with what is kept of its context. */
static void put_tagged(struct writer *w, const struct bl_specials *s,
                       const struct parts *p, bool tags)
{
    put_many(w, p->left.ids, p->left.n);
    if (tags)
        put(w, s->tags[0]);
    put_many(w, p->mention.ids, p->mention.n);
    if (tags)
        put(w, s->tags[1]);
    put_many(w, p->right.ids, p->right.n);
}

static void blink_context(struct writer *w, struct bl_wordpiece *wp,
                          const struct bl_input_spec *spec,
                          const struct bl_mention *m)
{
    const struct bl_specials *s = bl_wordpiece_specials(wp);
    size_t room = context_length(spec) - 2;
    size_t tags = m->text.n > 0 ? 2 : 0;
    struct parts p;

    read_parts(&p, w->in, wp, spec, m, room - tags);
    window(&p, room - tags - p.mention.n);
    note_cuts(w->in, &p);
    put(w, s->cls);
    put_tagged(w, s, &p, tags > 0);
    put(w, s->sep);
}

/* The mention is said first, since nothing marks it in its sentence. */
static void plain_context(struct writer *w, struct bl_wordpiece *wp,
                          const struct bl_input_spec *spec,
                          const struct bl_mention *m)
{
    const struct bl_specials *s = bl_wordpiece_specials(wp);
    size_t room = context_length(spec) - 3;
    struct parts p;

    read_parts(&p, w->in, wp, spec, m, room / 2);
    window(&p, room - 2 * p.mention.n);
    note_cuts(w->in, &p);
    put(w, s->cls);
    put_many(w, p.mention.ids, p.mention.n);
    if (p.mention.n > 0)
        put_mark(w, wp, BL_SPAN_LIT(":"));
    put_many(w, p.left.ids, p.left.n);
    put_many(w, p.mention.ids, p.mention.n);
    put_many(w, p.right.ids, p.right.n);
    put(w, s->sep);
}

/* A name by itself, cut to `length` tokens. */
static void plain_name(struct writer *w, struct bl_wordpiece *wp,
                       const struct bl_input_spec *spec, struct bl_span name,
                       size_t length, enum bl_cut what)
{
    const struct bl_specials *s = bl_wordpiece_specials(wp);
    int32_t *ids = w->in->scratch;
    bool cut = false;
    size_t n = bl_wordpiece_ids(wp, name, spec->literal, ids, length - 2,
                                &cut);

    w->in->cut |= cut ? (unsigned)what : 0u;
    put(w, s->cls);
    put_many(w, ids, n);
    put(w, s->sep);
}

/* What context and text may each have in layout "reranker". */
static size_t half_length(const struct bl_input_spec *spec)
{
    return (clamp(spec->pair_length, MIN_RERANKER) - 3) / 2;
}

/* An empty mention has its tags here. */
static void reranker_context(struct writer *w, struct bl_wordpiece *wp,
                             const struct bl_input_spec *spec,
                             const struct bl_mention *m)
{
    const struct bl_specials *s = bl_wordpiece_specials(wp);
    struct bl_input_spec own = *spec;
    size_t room = half_length(spec) - 2, side;
    struct parts p;

    own.context_length = half_length(spec);
    read_parts(&p, w->in, wp, &own, m, room);
    side = (room - p.mention.n) / 2;
    cut_sides(&p, side, side);
    note_cuts(w->in, &p);
    put(w, s->cls);
    put_tagged(w, s, &p, true);
    put(w, s->sep);
}

static void put_context(struct writer *w, struct bl_wordpiece *wp,
                        const struct bl_input_spec *spec,
                        const struct bl_mention *m)
{
    if (spec->layout == BL_LAYOUT_BLINK)
        blink_context(w, wp, spec, m);
    else if (spec->layout == BL_LAYOUT_RERANKER)
        reranker_context(w, wp, spec, m);
    else
        plain_context(w, wp, spec, m);
}

/* ---- Entity ---- */

/* Everything of an entity but its [CLS]. */
static void put_entity(struct writer *w, struct bl_wordpiece *wp,
                       const struct bl_input_spec *spec,
                       const struct bl_entity_text *e)
{
    const struct bl_specials *s = bl_wordpiece_specials(wp);
    bool titled = e->has_title && spec->layout != BL_LAYOUT_RERANKER;
    size_t room = spec->layout == BL_LAYOUT_RERANKER ? half_length(spec)
        : entity_length(spec) - 2, n = 0;
    int32_t *ids = w->in->scratch;
    bool cut_title = false, cut_text = false;
    int32_t mark = s->tags[2];

    if (!bl_layout_tagged(spec->layout))
        mark = bl_wordpiece_find(wp, BL_SPAN_LIT("."));
    if (titled)
        n = bl_wordpiece_ids(wp, e->title, spec->literal, ids, room,
                             &cut_title);
    if (titled && mark >= 0 && n < room)
        ids[n++] = mark;
    n += bl_wordpiece_ids(wp, e->text, spec->literal, ids + n, room - n,
                          &cut_text);
    w->in->cut |= (cut_title ? BL_CUT_TITLE : 0u)
        | (cut_text ? BL_CUT_TEXT : 0u);
    put_many(w, ids, n);
    put(w, s->sep);
}

/* ---- The three sequences ---- */

/* Room for a context with [CLS] and [SEP], for an entity with the same. */
static size_t context_room(const struct bl_input_spec *spec)
{
    return spec->layout == BL_LAYOUT_RERANKER ? half_length(spec) + 2
        : context_length(spec);
}

static size_t entity_room(const struct bl_input_spec *spec)
{
    return spec->layout == BL_LAYOUT_RERANKER ? half_length(spec) + 2
        : entity_length(spec);
}

void bl_input_context(struct bl_input *in, struct bl_wordpiece *wp,
                      const struct bl_input_spec *spec,
                      const struct bl_mention *m)
{
    struct writer w = begin(in, wp, spec, context_room(spec), 0);

    if (spec->layout == BL_LAYOUT_PLAIN)
        plain_name(&w, wp, spec, m->text, context_length(spec),
                   BL_CUT_MENTION);
    else
        put_context(&w, wp, spec, m);
}

void bl_input_entity(struct bl_input *in, struct bl_wordpiece *wp,
                     const struct bl_input_spec *spec,
                     const struct bl_entity_text *e)
{
    struct writer w = begin(in, wp, spec, 0, entity_room(spec));

    if (spec->layout == BL_LAYOUT_PLAIN) {
        bool named = e->has_title && e->title.n > 0;
        plain_name(&w, wp, spec, named ? e->title : e->text,
                   entity_length(spec), named ? BL_CUT_TITLE : BL_CUT_TEXT);
        return;
    }
    put(&w, bl_wordpiece_specials(wp)->cls);
    put_entity(&w, wp, spec, e);
}

void bl_input_pair(struct bl_input *in, struct bl_wordpiece *wp,
                   const struct bl_input_spec *spec,
                   const struct bl_mention *m,
                   const struct bl_entity_text *e)
{
    struct writer w = begin(in, wp, spec, context_room(spec),
                            entity_room(spec));

    if (spec->pair_length && spec->layout != BL_LAYOUT_RERANKER)
        w.limit = spec->pair_length;
    put_context(&w, wp, spec, m);
    if (spec->layout == BL_LAYOUT_BLINK)
        w.position = context_length(spec);
    w.segment = 1;
    put_entity(&w, wp, spec, e);
}
