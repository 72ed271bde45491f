/* SPDX-License-Identifier: MIT */
/*
 * blink-ner: finds the mentions in documents.
 *
 * In:   {"id","text"}, one document a line; or plain text
 * Out:  {"id","doc","start","end","context_left","mention","context_right",
 *        "type","ner_score"}, one mention a line
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ner/dictionary.h"
#include "cli/loop.h"
#include "cli/engine-opts.h"
#include "base/mem.h"
#include "cli/opts.h"
#include "base/paths.h"
#include "cli/prog.h"
#include "ner/tagger.h"
#include "json/writer.h"
#include "base/utf8.h"

static struct opts {
    const char *model, *dictionary;
    struct bl_strings types, copy;
    size_t context;
    bool text, whole;
    struct bl_dictionary_opts find;
    struct bl_engine_opts engine;
    struct bl_loop_opts loop;
} o = { .context = 500, .engine = BL_ENGINE_OPTS_DEFAULT,
         .loop = BL_LOOP_OPTS_DEFAULT(64) };

static const struct bl_opt table[] = {
    BL_OPT_STR('m', "model", "TAGGER", &o.model,
               "find mentions with a trained tagger"),
    BL_OPT_STR('d', "dictionary", "CATALOGUE", &o.dictionary,
               "find the titles and aliases of this catalogue"),
    BL_OPT_GROUP("Input"),
    BL_OPT_FLAG('t', "text", &o.text, "plain text, one document a line"),
    BL_OPT_FLAG('w', "whole", &o.whole,
                "plain text, all of standard input is one document"),
    BL_OPT_GROUP("Mentions"),
    BL_OPT_FLAG(0, "common", &o.find.common,
                "common nouns and lower-case names too"),
    BL_OPT_LIST(0, "type", "TYPE", &o.types,
                "only mentions of this type; may be repeated"),
    BL_OPT_DOUBLE(0, "min-score", "P", &o.find.min_score, 0, 1,
                  "only mentions with at least this ner_score"),
    BL_OPT_SIZE(0, "context", "N", &o.context, 0, 1u << 20,
                "most characters of context on each side"),
    BL_OPT_LIST(0, "copy", "FIELD", &o.copy,
                "copy this field of the document; may be repeated"),
    BL_OPTS_ENGINE(o.engine),
    BL_OPTS_LOOP(o.loop),
    BL_OPTS_END
};

static const struct bl_command command = {
    "blink-ner", "[-d CATALOGUE | -m TAGGER] < DOCUMENTS",
    "find the mentions of entities in documents", table, 0, 0
};

struct state {
    struct bl_kb *kb;
    struct bl_dictionary *dictionary;
    struct bl_tagger *tagger;           /* NULL: by dictionary */
    struct bl_doc doc;
    struct bl_founds found;
    bool any_record;            /* a line was JSON */
};

struct document {
    struct bl_span id, text;
    struct bl_span *copied;             /* [o.copy.n]; p == NULL: absent */
};

/* ---- Loading ---- */

static void load_tagger(struct state *s, const char *path)
{
    struct bl_err err;

    s->tagger = bl_tagger_open(path, &o.engine, &err);
    if (!s->tagger)
        bl_die(&err);
    bl_note("tagger '%s': %s", path, bl_tagger_describe(s->tagger));
}

/* Without options the default tagger, where there is one. */
static bool load_default(struct state *s)
{
    char *path = bl_model_find(NULL, BL_ROLE_TAGGER, NULL);

    if (path)
        load_tagger(s, path);
    free(path);
    return path != NULL;
}

static void load(struct state *s)
{
    struct bl_err err;

    if (o.model && o.dictionary)
        bl_die_usage("options '--model' and '--dictionary' exclude each "
                     "other");
    if (o.text && o.whole)
        bl_die_usage("options '--text' and '--whole' exclude each other");
    if (o.model) {
        load_tagger(s, o.model);
        return;
    }
    if (!o.dictionary && load_default(s))
        return;
    s->kb = bl_kb_open_named(o.dictionary, &err);
    if (!s->kb)
        bl_die(&err);
    bl_note("dictionary of %zu entities in '%s'", bl_kb_count(s->kb),
            bl_kb_path(s->kb));
    s->dictionary = bl_dictionary_new(s->kb, &o.find);
}

static void unload(struct state *s)
{
    bl_tagger_close(s->tagger);
    bl_dictionary_free(s->dictionary);
    bl_kb_close(s->kb);
    bl_doc_free(&s->doc);
    free(s->found.v);
    free(o.types.v);
    free(o.copy.v);
}

/* ---- One document ---- */

static int prepare_text(struct bl_item *item, struct document *d,
                        struct bl_arena *a, struct bl_err *err)
{
    struct bl_span line = item->rec.line;
    size_t valid = bl_utf8_valid(line.p, line.n);
    char number[32];

    if (valid != line.n)
        return bl_fail(err, BL_BAD_UTF8, "byte %zu: invalid UTF-8", valid);
    if (memchr(line.p, '\0', line.n))
        return bl_fail(err, BL_BAD_STRING, "a NUL byte in the text");
    snprintf(number, sizeof number, "%zu", item->rec.number);
    d->id.n = strlen(number);
    d->id.p = bl_arena_strndup(a, number, d->id.n);
    d->text = line;
    return 0;
}

static int prepare_record(struct bl_item *item, struct document *d,
                          struct bl_arena *a, struct bl_err *err)
{
    d->copied = bl_arena_alloc(a, o.copy.n, sizeof *d->copied);
    for (size_t i = 0; i < o.copy.n; i++) {
        d->copied[i] = (struct bl_span){ NULL, 0 };
        if (bl_record_get(&item->rec, o.copy.v[i], &d->copied[i], err) < 0)
            return -1;
    }
    if (bl_record_id(&item->rec, "id", a, &d->id, err) < 0)
        return -1;
    return bl_record_string(&item->rec, "text", a, &d->text, err);
}

static int prepare(void *ctx, struct bl_item *item, struct bl_arena *arena,
                   struct bl_err *err)
{
    struct document *d = bl_arena_alloc(arena, 1, sizeof *d);

    ((struct state *)ctx)->any_record = true;
    *d = (struct document){ 0 };
    item->data = d;
    if (o.text)
        return prepare_text(item, d, arena, err);
    return prepare_record(item, d, arena, err);
}

static bool wanted(struct bl_span type)
{
    for (size_t i = 0; i < o.types.n; i++)
        if (type.p && bl_span_is(type, o.types.v[i]))
            return true;
    return o.types.n == 0;
}

static void write_copied(struct bl_writer *w, const struct document *d)
{
    for (size_t i = 0; d->copied && i < o.copy.n; i++)
        if (d->copied[i].p)
            bl_write_raw(w, o.copy.v[i], d->copied[i]);
}

/* The document's id and the mention's number as one string. */
static void put_id(struct bl_buf *b, struct bl_span id, size_t number)
{
    bl_json_put_string(b, id.p, id.n);
    b->len--;                           /* the number goes into the string */
    bl_buf_printf(b, ":%zu\"", number);
}

static void put_mention(struct bl_buf *b, const struct state *s,
                        const struct document *d, size_t number,
                        const struct bl_found *f, size_t start)
{
    struct bl_writer w = bl_writer(b, BL_WRITE_COMPACT);
    struct bl_span left, right;
    struct bl_span mention = { d->text.p + f->start, f->end - f->start };

    bl_doc_context(&s->doc, f->start, f->end, o.context, &left, &right);
    bl_write_object(&w, NULL);
    put_id(bl_write_slot(&w, "id"), d->id, number);
    bl_write_span(&w, "doc", d->id);
    bl_write_size(&w, "start", start);
    bl_write_size(&w, "end", start + bl_utf8_count(mention.p, mention.n));
    bl_write_span(&w, "context_left", left);
    bl_write_span(&w, "mention", mention);
    bl_write_span(&w, "context_right", right);
    bl_write_optional(&w, "type", f->type);
    bl_write_double(&w, "ner_score", f->score, 4);
    write_copied(&w, d);
    bl_write_end(&w);
    bl_write_line(&w);
}

static int find(struct state *s, struct bl_err *err)
{
    if (s->tagger)
        return bl_tagger_find(s->tagger, &s->doc, &s->found, err);
    return bl_dictionary_find(s->dictionary, &s->doc, &s->found, err);
}

enum { FLUSH_AT = 1 << 20 };

/* A long document has more output than input: it goes out in pieces. */
static void put_document(struct state *s, const struct document *d,
                         struct bl_buf *out)
{
    struct bl_err err;
    size_t at = 0, points = 0, number = 0;

    bl_doc_set(&s->doc, d->text);
    if (find(s, &err) < 0)
        bl_die(&err);
    for (size_t i = 0; i < s->found.n; i++) {
        const struct bl_found *f = &s->found.v[i];

        if (!wanted(f->type) || f->score < o.find.min_score)
            continue;
        points += bl_utf8_count(d->text.p + at, f->start - at);
        at = f->start;
        put_mention(out, s, d, number++, f, points);
        if (out->len >= FLUSH_AT) {
            bl_out(out->data, out->len);
            bl_buf_clear(out);
        }
    }
}

static void emit_lines(void *ctx, const struct bl_item *item,
                       struct bl_buf *out)
{
    put_document(ctx, item->data, out);
}

/* ---- --whole ---- */

static void read_all(struct bl_buf *b)
{
    struct bl_err err;
    ssize_t n;

    do {
        bl_buf_reserve(b, 1 << 16);
        n = read(STDIN_FILENO, b->data + b->len, 1 << 16);
        if (n < 0 && errno != EINTR) {
            bl_fail_errno(&err, BL_SYSTEM, "cannot read 'stdin'");
            bl_die(&err);
        }
        b->len += n > 0 ? (size_t)n : 0;
        if (b->len > o.loop.max_line) {
            bl_fail(&err, BL_TOO_LONG, "stdin: longer than %zu bytes "
                    "(--max-line)", o.loop.max_line);
            bl_die(&err);
        }
    } while (n != 0);
}

static int run_whole(struct state *s)
{
    struct document d = { .id = BL_SPAN_LIT("1") };
    struct bl_buf in = BL_BUF_INIT, out = BL_BUF_INIT;
    size_t valid;

    read_all(&in);
    valid = bl_utf8_valid(in.data, in.len);
    if (valid != in.len || memchr(in.data, '\0', in.len)) {
        bl_warn("stdin: byte %zu: %s", valid != in.len ? valid
                : (size_t)((char *)memchr(in.data, '\0', in.len) - in.data),
                valid != in.len ? "invalid UTF-8" : "a NUL byte");
        bl_buf_free(&in);
        return 1;
    }
    d.text = (struct bl_span){ in.data, in.len };
    put_document(s, &d, &out);
    bl_out(out.data, out.len);
    bl_buf_free(&in);
    bl_buf_free(&out);
    return 0;
}

int main(int argc, char **argv)
{
    struct state s = { 0 };
    int status;

    bl_prog_init("blink-ner");
    bl_opts_parse(&command, argc, argv);
    load(&s);
    if (o.whole)
        status = run_whole(&s);
    else
        status = bl_loop_run(&(struct bl_loop){
            .opts = &o.loop, .ctx = &s, .prepare = prepare,
            .emit_lines = emit_lines, .plain_text = o.text
        });
    if (status == 1 && !o.whole && !s.any_record)
        bl_warn("no line is a document in JSON: --text takes plain text, a "
                "document a line, --whole all of it as one");
    unload(&s);
    return bl_prog_finish(status);
}
