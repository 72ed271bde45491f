/* SPDX-License-Identifier: MIT */
/*
 * What blink -i prints for a sentence: the sentence with its mentions
 * marked, then for each mention the title it is linked to, the probability,
 * the address, the start of the entity's text, and the runners-up.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "driver.h"
#include "json/candidates.h"

enum { RUNNERS_UP = 3, COLOURS = 6 };

struct answer {
    struct bl_link_row row;
    int64_t start, end;         /* code points; -1: not known */
    bool has_nil;
    char nil_p[16];
    struct bl_candidates others;
};

struct bl_answers {
    struct bl_kb *kb;
    size_t width;
    bool colour;
    struct bl_record record;
    struct bl_arena arena;      /* what the answers point to */
    struct answer *v;
    size_t n, cap;
    struct bl_buf line;
};

struct bl_answers *bl_answers_new(struct bl_kb *kb, size_t width,
                                  bool colour)
{
    struct bl_answers *answers = BL_NEW(struct bl_answers);

    answers->kb = kb;
    answers->width = width;
    answers->colour = colour;
    return answers;
}

static void forget(struct bl_answers *answers)
{
    answers->n = 0;
    bl_arena_reset(&answers->arena);
}

void bl_answers_free(struct bl_answers *answers)
{
    free(answers->v);
    bl_buf_free(&answers->line);
    bl_record_free(&answers->record);
    bl_arena_free(&answers->arena);
    free(answers);
}

/* ---- Reading ---- */

static void read_nil(const struct bl_record *record, struct answer *to)
{
    struct bl_err err;
    struct bl_span v;
    double p;

    to->has_nil = bl_record_get(record, "nil_p", &v, &err) == 1
        && bl_json_type(v) == BL_JSON_NUMBER
        && bl_json_number(v, &p, &err) == 0 && p >= 0 && p <= 1;
    if (to->has_nil)
        bl_driver_put_p(to->nil_p, p);
}

void bl_answers_add(struct bl_answers *answers, struct bl_span line)
{
    struct answer to = { .start = -1, .end = -1 };
    struct bl_err err;

    line.p = bl_arena_strndup(&answers->arena, line.p, line.n);
    if (bl_record_parse(&answers->record, line, 0, &err) < 0
        || bl_driver_row(&answers->record, &answers->arena, &to.row, &err) < 0)
        return;
    /* A record of which only a part can be used is still shown: its candidates
     * or its place in the sentence are then unknown. */
    if (bl_candidates_read(&answers->record, &answers->arena, &to.others,
                           &err) < 0)
        to.others.n = 0;
    if (bl_record_integer_opt(&answers->record, "start", 0, INT32_MAX,
                              &to.start, &err) < 0
        || bl_record_integer_opt(&answers->record, "end", 0, INT32_MAX,
                                 &to.end, &err) < 0)
        to.start = to.end = -1;
    read_nil(&answers->record, &to);
    BL_GROW(answers->v, answers->n + 1, answers->cap);
    answers->v[answers->n++] = to;
}

/* ---- Writing ---- */

/* Black on one of six colours, as the original has it; brackets where there
 * are no colours. */
static void put_marked(const struct bl_answers *answers, struct bl_buf *out,
                       size_t i, struct bl_span text)
{
    if (answers->colour)
        bl_buf_printf(out, "\033[30;4%zum", 1 + i % COLOURS);
    else
        bl_buf_putc(out, '[');
    bl_driver_put_safe(out, text);
    bl_buf_puts(out, answers->colour ? "\033[0m" : "]");
}

/* The byte n code points behind byte `at`, or the text's end. */
static size_t forward(struct bl_span text, size_t at, int64_t n)
{
    unsigned len;

    for (; n > 0 && at < text.n; n--, at += len)
        bl_utf8_decode(text.p + at, text.n - at, &len);
    return at;
}

static void put_sentence(const struct bl_answers *answers, struct bl_span text,
                         struct bl_buf *out)
{
    int64_t point = 0;
    size_t at = 0;

    for (size_t i = 0; i < answers->n; i++) {
        const struct answer *answer = &answers->v[i];
        if (answer->start < point || answer->end <= answer->start)
            continue;           /* inside the one before, or not known */
        size_t from = forward(text, at, answer->start - point);
        size_t to = forward(text, from, answer->end - answer->start);
        bl_driver_put_safe(out, (struct bl_span){ text.p + at, from - at });
        put_marked(answers, out, i,
                   (struct bl_span){ text.p + from, to - from });
        at = to;
        point = answer->end;
    }
    bl_driver_put_safe(out, (struct bl_span){ text.p + at, text.n - at });
    bl_buf_puts(out, "\n\n");
}

/* Bytes of the text that fit into `width` columns, cut between words.  Prose
 * is rather cut behind a sentence.  A cut that would leave less than half of
 * the line is not made: the text then ends in the middle of a word. */
static size_t fitting(struct bl_span text, size_t width, bool prose)
{
    size_t end = bl_driver_cut(text, width + 1), word = 0, sentence = 0;

    if (end == text.n)
        return end;
    for (size_t i = 0; i < end; i++) {
        if (text.p[i] != ' ' && text.p[i] != '\n')
            continue;
        word = i;
        if (prose && i > 0 && text.p[i - 1] == '.')
            sentence = i;
    }
    return sentence > end / 2 ? sentence : word > end / 2 ? word : end;
}

/* Columns behind the indentation, and before a sign that something was cut. */
static size_t room(const struct bl_answers *answers)
{
    return answers->width > 23 ? answers->width - 3 : 20;
}

/* "  TEXT" as one line that fits. */
static void put_cut(const struct bl_answers *answers, struct bl_buf *out,
                    struct bl_span text, bool prose)
{
    size_t n;

    while (text.n && strchr(" \t\r\n", *text.p)) {
        text.p++;
        text.n--;
    }
    while (text.n && strchr(" \t\r\n", text.p[text.n - 1]))
        text.n--;
    n = fitting(text, room(answers), prose);
    bl_buf_puts(out, "  ");
    bl_driver_put_safe(out, (struct bl_span){ text.p, n });
    prose = prose && n && text.p[n - 1] == '.';
    bl_buf_puts(out, n == text.n || prose ? "\n" : "\xE2\x80\xA6\n");
}

/* The entity's text; a catalogue that cannot be read leaves the line out. */
static void put_text(struct bl_answers *answers, struct bl_span id,
                     struct bl_buf *out)
{
    struct bl_entity entity;
    struct bl_err err;

    if (answers->kb && id.p
        && bl_kb_get(answers->kb, id, &answers->arena, &entity, &err) == 1
        && entity.text.n)
        put_cut(answers, out, entity.text, true);
}

static bool same(struct bl_span a, struct bl_span b)
{
    return a.p && b.p && bl_span_eq(a, b);
}

/* As many as a line holds, but at least one. */
static void put_others(struct bl_answers *answers, const struct answer *answer,
                       struct bl_buf *out)
{
    size_t shown = 0, before;
    char p[16];

    bl_buf_clear(&answers->line);
    for (size_t i = 0; i < answer->others.n && shown < RUNNERS_UP; i++) {
        const struct bl_candidate *other = &answer->others.v[i];
        if (same(other->id, answer->row.id) || other->p < 0.0005)
            continue;
        before = answers->line.len;
        bl_buf_puts(&answers->line, shown++ ? ", " : "or: ");
        bl_buf_put_span(&answers->line,
                        other->title.p ? other->title : other->id);
        if (other->p >= 0 && other->p <= 1) {
            bl_driver_put_p(p, other->p);
            bl_buf_printf(&answers->line, " %s", p);
        }
        if (shown > 1 && bl_driver_columns((struct bl_span){
                answers->line.data, answers->line.len }) > room(answers)) {
            answers->line.len = before;
            break;
        }
    }
    if (shown)
        put_cut(answers, out,
                (struct bl_span){ answers->line.data, answers->line.len },
                false);
}

static void put_answer(struct bl_answers *answers, size_t i,
                       struct bl_buf *out)
{
    const struct answer *answer = &answers->v[i];

    if (answers->colour)
        put_marked(answers, out, i, answer->row.mention);
    else
        bl_driver_put_safe(out, answer->row.mention);
    bl_buf_puts(out, " -> ");
    if (answer->row.title.p)
        bl_driver_put_safe(out, answer->row.title);
    else
        bl_buf_puts(out, "(nothing)");
    /* Beside a title stands the probability of that entity; beside "(nothing)"
     * that of there being none. */
    if (answer->row.title.p ? answer->row.p[0] : answer->has_nil)
        bl_buf_printf(out, "  %s",
                      answer->row.title.p ? answer->row.p : answer->nil_p);
    bl_buf_putc(out, '\n');
    if (answer->row.url.p) {
        bl_buf_puts(out, "  ");
        bl_driver_put_safe(out, answer->row.url);
        bl_buf_putc(out, '\n');
    }
    put_text(answers, answer->row.id, out);
    put_others(answers, answer, out);
    bl_buf_putc(out, '\n');
}

void bl_answers_put(struct bl_answers *answers, struct bl_span sentence,
                    struct bl_buf *out)
{
    if (answers->n == 0) {
        bl_buf_puts(out, "(no mention of an entity found)\n\n");
    } else {
        put_sentence(answers, sentence, out);
        for (size_t i = 0; i < answers->n; i++)
            put_answer(answers, i, out);
    }
    forget(answers);
}
