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
    const int32_t *prompt;      /* [n_prompt] what follows the first token */
    size_t n_prompt;
};

static void put(struct writer *writer, int32_t id)
{
    struct bl_input *in = writer->in;
    size_t position = writer->position++;

    if (position >= writer->limit || id == writer->pad)
        return;
    BL_ASSERT(in->n < in->cap);
    in->ids[in->n] = id;
    in->segments[in->n] = writer->segment;
    in->positions[in->n] = (int32_t)position;
    in->n++;
    if (in->n > 1 || !writer->n_prompt)
        return;
    /* The prompt follows the first token; it is put once. */
    size_t n = writer->n_prompt;
    writer->n_prompt = 0;
    for (size_t i = 0; i < n; i++)
        put(writer, writer->prompt[i]);
}

static void put_many(struct writer *writer, const int32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put(writer, ids[i]);
}

/* A punctuation token, where the vocabulary has it. */
static void put_mark(struct writer *writer, const struct bl_wordpiece *wp,
                     struct bl_span mark)
{
    int32_t id = bl_wordpiece_find(wp, mark);

    if (id >= 0)
        put(writer, id);
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

static void read_parts(struct parts *parts, struct bl_input *in,
                       struct bl_wordpiece *wp,
                       const struct bl_input_spec *spec,
                       const struct bl_mention *mention, size_t max_mention)
{
    size_t length = context_length(spec);

    parts->left.ids = in->scratch;
    parts->mention.ids = in->scratch + length;
    parts->right.ids = in->scratch + 2 * length;
    parts->left.n = bl_wordpiece_last_ids(wp, lowered(in, spec, mention->left),
                                          spec->literal, parts->left.ids,
                                          length, &parts->left.cut);
    parts->mention.n = bl_wordpiece_ids(wp, lowered(in, spec, mention->text),
                                        spec->literal, parts->mention.ids,
                                        max_mention, &parts->mention.cut);
    parts->right.n = bl_wordpiece_ids(wp, lowered(in, spec, mention->right),
                                      spec->literal, parts->right.ids, length,
                                      &parts->right.cut);
}

/* Leaves at most `left` and `right` tokens of the context, those nearest to
 * the mention. */
static void cut_sides(struct parts *parts, size_t left, size_t right)
{
    if (parts->left.n > left) {
        parts->left.ids += parts->left.n - left;
        parts->left.n = left;
        parts->left.cut = true;
    }
    if (parts->right.n > right) {
        parts->right.n = right;
        parts->right.cut = true;
    }
}

/* Cuts left and right to `room` tokens: half for each side, and what a side
 * does not need goes to the other. */
static void window(struct parts *parts, size_t room)
{
    size_t left = room / 2, right = room - left;

    if (parts->left.n <= left) {
        if (parts->right.n > right)
            right += left - parts->left.n;
    } else if (parts->right.n <= right) {
        left += right - parts->right.n;
    }
    cut_sides(parts, left, right);
}

static void note_cuts(struct bl_input *in, const struct parts *parts)
{
    in->cut |= (parts->left.cut ? BL_CUT_LEFT : 0u)
        | (parts->mention.cut ? BL_CUT_MENTION : 0u)
        | (parts->right.cut ? BL_CUT_RIGHT : 0u);
}

/* Puts S mention E, with what is kept of the context around them. */
static void put_tagged(struct writer *writer,
                       const struct bl_specials *specials,
                       const struct parts *parts, bool tags)
{
    put_many(writer, parts->left.ids, parts->left.n);
    if (tags)
        put(writer, specials->tags[0]);
    put_many(writer, parts->mention.ids, parts->mention.n);
    if (tags)
        put(writer, specials->tags[1]);
    put_many(writer, parts->right.ids, parts->right.n);
}

static void blink_context(struct writer *writer, struct bl_wordpiece *wp,
                          const struct bl_input_spec *spec,
                          const struct bl_mention *mention)
{
    const struct bl_specials *specials = bl_wordpiece_specials(wp);
    size_t room = context_length(spec) - 2;
    size_t tags = mention->text.n > 0 ? 2 : 0;
    struct parts parts;

    read_parts(&parts, writer->in, wp, spec, mention, room - tags);
    window(&parts, room - tags - parts.mention.n);
    note_cuts(writer->in, &parts);
    put(writer, specials->cls);
    put_tagged(writer, specials, &parts, tags > 0);
    put(writer, specials->sep);
}

/* The mention is said first, since nothing marks it in its sentence. */
static void plain_context(struct writer *writer, struct bl_wordpiece *wp,
                          const struct bl_input_spec *spec,
                          const struct bl_mention *mention)
{
    const struct bl_specials *specials = bl_wordpiece_specials(wp);
    size_t room = context_length(spec) - 3;
    struct parts parts;

    read_parts(&parts, writer->in, wp, spec, mention, room / 2);
    window(&parts, room - 2 * parts.mention.n);
    note_cuts(writer->in, &parts);
    put(writer, specials->cls);
    put_many(writer, parts.mention.ids, parts.mention.n);
    if (parts.mention.n > 0)
        put_mark(writer, wp, BL_SPAN_LIT(":"));
    put_many(writer, parts.left.ids, parts.left.n);
    put_many(writer, parts.mention.ids, parts.mention.n);
    put_many(writer, parts.right.ids, parts.right.n);
    put(writer, specials->sep);
}

/* Puts a name as a sequence of its own, cut to `length` tokens with [CLS] and
 * [SEP]. */
static void plain_name(struct writer *writer, struct bl_wordpiece *wp,
                       const struct bl_input_spec *spec, struct bl_span name,
                       size_t length, enum bl_cut what)
{
    const struct bl_specials *specials = bl_wordpiece_specials(wp);
    int32_t *ids = writer->in->scratch;
    bool cut = false;
    size_t n_ids = bl_wordpiece_ids(wp, name, spec->literal, ids, length - 2,
                                    &cut);

    writer->in->cut |= cut ? (unsigned)what : 0u;
    put(writer, specials->cls);
    put_many(writer, ids, n_ids);
    put(writer, specials->sep);
}

/* How many tokens context and text may each have in layout "reranker". */
static size_t half_length(const struct bl_input_spec *spec)
{
    return (clamp(spec->pair_length, MIN_RERANKER) - 3) / 2;
}

/* Unlike in layout "blink", an empty mention keeps its tags, and neither side
 * gets room that the other does not need. */
static void reranker_context(struct writer *writer, struct bl_wordpiece *wp,
                             const struct bl_input_spec *spec,
                             const struct bl_mention *mention)
{
    const struct bl_specials *specials = bl_wordpiece_specials(wp);
    struct bl_input_spec own = *spec;
    size_t room = half_length(spec) - 2, side;
    struct parts parts;

    own.context_length = half_length(spec);
    read_parts(&parts, writer->in, wp, &own, mention, room);
    side = (room - parts.mention.n) / 2;
    cut_sides(&parts, side, side);
    note_cuts(writer->in, &parts);
    put(writer, specials->cls);
    put_tagged(writer, specials, &parts, true);
    put(writer, specials->sep);
}

static void put_context(struct writer *writer, struct bl_wordpiece *wp,
                        const struct bl_input_spec *spec,
                        const struct bl_mention *mention)
{
    if (spec->layout == BL_LAYOUT_BLINK)
        blink_context(writer, wp, spec, mention);
    else if (spec->layout == BL_LAYOUT_RERANKER)
        reranker_context(writer, wp, spec, mention);
    else
        plain_context(writer, wp, spec, mention);
}

/* ---- Entity ---- */

/* Puts an entity without [CLS], as it is in a pair too.  Where room is short
 * the text is cut first, then the mark behind the title goes, then the title
 * is cut. */
static void put_entity(struct writer *writer, struct bl_wordpiece *wp,
                       const struct bl_input_spec *spec,
                       const struct bl_entity_text *entity)
{
    const struct bl_specials *specials = bl_wordpiece_specials(wp);
    bool titled = entity->has_title && spec->layout != BL_LAYOUT_RERANKER;
    size_t room = spec->layout == BL_LAYOUT_RERANKER ? half_length(spec)
        : entity_length(spec) - 2, n = 0;
    int32_t *ids = writer->in->scratch;
    bool cut_title = false, cut_text = false;
    int32_t mark = specials->tags[2];

    if (!bl_layout_tagged(spec->layout))
        mark = bl_wordpiece_find(wp, BL_SPAN_LIT("."));
    if (titled)
        n = bl_wordpiece_ids(wp, entity->title, spec->literal, ids, room,
                             &cut_title);
    if (titled && mark >= 0 && n < room)
        ids[n++] = mark;
    n += bl_wordpiece_ids(wp, entity->text, spec->literal, ids + n, room - n,
                          &cut_text);
    writer->in->cut |= (cut_title ? BL_CUT_TITLE : 0u)
        | (cut_text ? BL_CUT_TEXT : 0u);
    put_many(writer, ids, n);
    put(writer, specials->sep);
}

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

/* ---- Prompts ---- */

enum { MAX_PROMPT = 256 };

/* The tokens of a prompt, of which at least two leave room for what it is
 * about, and the length that is left of `length`.  What comes behind it is cut
 * into words by itself: a prompt ends with a blank or a mark. */
static size_t read_prompt(struct bl_wordpiece *wp, const char *prompt,
                          size_t *length, int32_t ids[MAX_PROMPT])
{
    size_t room = *length / 2, n;
    bool cut = false;

    if (!prompt || !*prompt)
        return 0;
    n = bl_wordpiece_ids(wp, bl_span_of(prompt), 0, ids,
                         BL_MIN(room, MAX_PROMPT), &cut);
    *length -= n;
    return n;
}

/* ---- The three sequences ---- */

void bl_input_context(struct bl_input *in, struct bl_wordpiece *wp,
                      const struct bl_input_spec *spec,
                      const struct bl_mention *mention)
{
    struct writer writer = begin(in, wp, spec, context_room(spec), 0);
    struct bl_input_spec own = *spec;
    int32_t prompt[MAX_PROMPT];

    own.context_length = context_length(spec);
    writer.prompt = prompt;
    writer.n_prompt = read_prompt(wp, spec->mention_prompt,
                                  &own.context_length, prompt);
    if (spec->layout == BL_LAYOUT_PLAIN)
        plain_name(&writer, wp, &own, mention->text, context_length(&own),
                   BL_CUT_MENTION);
    else
        put_context(&writer, wp, &own, mention);
}

void bl_input_entity(struct bl_input *in, struct bl_wordpiece *wp,
                     const struct bl_input_spec *spec,
                     const struct bl_entity_text *entity)
{
    struct writer writer = begin(in, wp, spec, 0, entity_room(spec));
    struct bl_input_spec own = *spec;
    int32_t prompt[MAX_PROMPT];

    own.entity_length = entity_length(spec);
    writer.prompt = prompt;
    writer.n_prompt = read_prompt(wp, spec->entity_prompt, &own.entity_length,
                                  prompt);
    if (spec->layout == BL_LAYOUT_PLAIN) {
        bool named = entity->has_title && entity->title.n > 0;
        plain_name(&writer, wp, &own, named ? entity->title : entity->text,
                   entity_length(&own), named ? BL_CUT_TITLE : BL_CUT_TEXT);
        return;
    }
    put(&writer, bl_wordpiece_specials(wp)->cls);
    put_entity(&writer, wp, &own, entity);
}

void bl_input_pair(struct bl_input *in, struct bl_wordpiece *wp,
                   const struct bl_input_spec *spec,
                   const struct bl_mention *mention,
                   const struct bl_entity_text *entity)
{
    struct writer writer = begin(in, wp, spec, context_room(spec),
                                 entity_room(spec));

    if (spec->pair_length && spec->layout != BL_LAYOUT_RERANKER)
        writer.limit = spec->pair_length;
    put_context(&writer, wp, spec, mention);
    /* The original pads the context to its full length. */
    if (spec->layout == BL_LAYOUT_BLINK)
        writer.position = context_length(spec);
    writer.segment = 1;
    put_entity(&writer, wp, spec, entity);
}
