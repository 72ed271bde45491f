/* SPDX-License-Identifier: MIT */
/*
 * blink-ner: finds the mentions in documents.
 *
 * In:   {"id","text"}, one document a line; or plain text
 * Out:  {"id","doc","start","end","context_left","mention","context_right",
 *        "type","ner_score"}, one mention a line; of a one-pass tagger with
 *        its "embedding"
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/paths.h"
#include "base/utf8.h"
#include "cli/engine-opts.h"
#include "cli/loop.h"
#include "cli/opts.h"
#include "cli/prog.h"
#include "json/vector.h"
#include "json/writer.h"
#include "ner/dictionary.h"
#include "ner/merge.h"
#include "ner/tagger.h"

static struct opts {
    const char *model;
    struct bl_strings dictionaries, types, copy;
    size_t context;
    bool text, whole, mark_ends;
    struct bl_dictionary_opts find;
    struct bl_engine_opts engine;
    struct bl_loop_opts loop;
} options = { .context = 500, .engine = BL_ENGINE_OPTS_DEFAULT,
         .loop = BL_LOOP_OPTS_DEFAULT(64) };

static const struct bl_opt table[] = {
    BL_OPT_STR('m', "model", "TAGGER", &options.model,
               "find mentions with a trained tagger"),
    BL_OPT_LIST('d', "dictionary", "CATALOGUE", &options.dictionaries,
               "find the names of this catalogue; may be repeated"),
    BL_OPT_GROUP("Input"),
    BL_OPT_FLAG('t', "text", &options.text, "plain text, one document a line"),
    BL_OPT_FLAG('w', "whole", &options.whole,
                "plain text, all of standard input is one document"),
    BL_OPT_GROUP("Mentions"),
    BL_OPT_FLAG(0, "common", &options.find.common,
                "common nouns and lower-case names too"),
    BL_OPT_LIST(0, "type", "TYPE", &options.types,
                "only mentions of this type; may be repeated"),
    BL_OPT_DOUBLE(0, "min-score", "P", &options.find.min_score, 0, 1,
                  "only mentions with at least this ner_score"),
    BL_OPT_SIZE(0, "context", "N", &options.context, 0, 1u << 20,
                "most characters of context on each side"),
    BL_OPT_LIST(0, "copy", "FIELD", &options.copy,
                "copy this field of the document; may be repeated"),
    BL_OPT_FLAG(0, "mark-ends", &options.mark_ends,
                "write a record where each document ends"),
    BL_OPTS_ENGINE(options.engine),
    BL_OPTS_LOOP(options.loop),
    BL_OPTS_END
};

static const struct bl_command command = {
    "blink-ner", "[-d CATALOGUE] [-m TAGGER] < DOCUMENTS",
    "find the mentions of entities in documents", table, 0, 0
};

/* A catalogue whose names are found. */
struct source {
    struct bl_kb *kb;
    struct bl_dictionary *dictionary;
};

struct state {
    struct source *sources;     /* [n_sources] */
    size_t n_sources, cap_sources;
    struct bl_tagger *tagger;   /* NULL: by dictionary alone */
    struct bl_doc doc;
    struct bl_founds tagged, named, before, found;
    struct bl_edits mark;       /* what makes a document the mark of its end */
    float *vector;              /* of a one-pass tagger; NULL: it makes none */
    bool any_record;            /* a line was JSON */
};

struct document {
    struct bl_span id, text;
    struct bl_span *copied;     /* [options.copy.n]; p == NULL: absent */
};

/* ---- Loading ---- */

static void load_tagger(struct state *state, const char *path)
{
    struct bl_err err;

    state->tagger = bl_tagger_open(path, &options.engine, &err);
    if (!state->tagger)
        bl_die(&err);
    bl_note("tagger '%s': %s", path, bl_tagger_describe(state->tagger));
    if (bl_tagger_dim(state->tagger))
        state->vector = bl_xmalloc(bl_tagger_dim(state->tagger),
                                   sizeof *state->vector);
}

static void load_dictionary(struct state *state, const char *path)
{
    struct source *source;
    struct bl_err err;

    BL_GROW(state->sources, state->n_sources + 1, state->cap_sources);
    source = &state->sources[state->n_sources++];
    source->kb = bl_kb_open_named(path, &err);
    if (!source->kb)
        bl_die(&err);
    bl_note("dictionary of %zu entities in '%s'",
            bl_kb_count(source->kb) - bl_kb_removed(source->kb),
            bl_kb_path(source->kb));
    source->dictionary = bl_dictionary_new(source->kb, &options.find);
}

/* Without options the default tagger and the names of the default catalogue,
 * where there are such, so that something is found after any installation. */
static void load_defaults(struct state *state)
{
    char *tagger = bl_model_find(NULL, BL_ROLE_TAGGER, NULL);
    char *catalogue = bl_path_find(BL_PATH_CATALOGUE, NULL, NULL);

    if (tagger)
        load_tagger(state, tagger);
    if (catalogue || !tagger)
        load_dictionary(state, NULL);
    free(tagger);
    free(catalogue);
}

/* A field that is copied must not be another's: the next stage would find it
 * twice, or take a document's "error" for a failure. */
static void check_copied(void)
{
    for (size_t i = 0; i < options.copy.n; i++) {
        if (bl_record_is_of_mention(options.copy.v[i]))
            bl_die_usage("option '--copy': mentions have a field '%s' of "
                         "their own", options.copy.v[i]);
        for (size_t j = 0; j < i; j++)
            if (!strcmp(options.copy.v[i], options.copy.v[j]))
                bl_die_usage("option '--copy': '%s' is given twice",
                             options.copy.v[j]);
    }
}

static void load(struct state *state)
{
    if (options.text && options.whole)
        bl_die_usage("options '--text' and '--whole' exclude each other");
    if (options.mark_ends && (options.text || options.whole))
        bl_die_usage("option '--mark-ends' works with documents in JSON");
    check_copied();
    if (!options.model && !options.dictionaries.n)
        load_defaults(state);
    if (options.model)
        load_tagger(state, options.model);
    for (size_t i = 0; i < options.dictionaries.n; i++)
        load_dictionary(state, options.dictionaries.v[i]);
}

static void unload(struct state *state)
{
    bl_tagger_close(state->tagger);
    for (size_t i = 0; i < state->n_sources; i++) {
        bl_dictionary_free(state->sources[i].dictionary);
        bl_kb_close(state->sources[i].kb);
    }
    free(state->sources);
    free(state->vector);
    bl_doc_free(&state->doc);
    bl_edits_free(&state->mark);
    free(state->tagged.v);
    free(state->named.v);
    free(state->before.v);
    free(state->found.v);
    free(options.dictionaries.v);
    free(options.types.v);
    free(options.copy.v);
}

/* ---- One document ---- */

static int prepare_text(struct bl_item *item, struct document *document,
                        struct bl_arena *arena, struct bl_err *err)
{
    struct bl_span line = item->rec.line;
    size_t valid = bl_utf8_valid(line.p, line.n);
    char number[32];

    if (valid != line.n)
        return bl_fail(err, BL_BAD_UTF8, "byte %zu: invalid UTF-8", valid);
    if (memchr(line.p, '\0', line.n))
        return bl_fail(err, BL_BAD_STRING, "a NUL byte in the text");
    snprintf(number, sizeof number, "%zu", item->rec.number);
    document->id.n = strlen(number);
    document->id.p = bl_arena_strndup(arena, number, document->id.n);
    document->text = line;
    return 0;
}

static int prepare_record(struct bl_item *item, struct document *document,
                          struct bl_arena *arena, struct bl_err *err)
{
    struct bl_span value;

    document->copied = bl_arena_alloc(arena, options.copy.n,
                                      sizeof *document->copied);
    for (size_t i = 0; i < options.copy.n; i++) {
        document->copied[i] = (struct bl_span){ NULL, 0 };
        if (bl_record_get(&item->rec, options.copy.v[i], &document->copied[i],
                          err) < 0)
            return -1;
    }
    if (bl_record_id(&item->rec, "id", arena, &document->id, err) < 0)
        return -1;
    if (bl_record_get(&item->rec, "text", &value, NULL) == 0)
        return bl_fail(err, BL_NO_STAGE, "field 'text': expected string, "
                       "found nothing: blink text makes documents of plain "
                       "text");
    return bl_record_string(&item->rec, "text", arena, &document->text, err);
}

static int prepare(void *ctx, struct bl_item *item, struct bl_arena *arena,
                   struct bl_err *err)
{
    struct document *document = bl_arena_alloc(arena, 1, sizeof *document);

    ((struct state *)ctx)->any_record = true;
    *document = (struct document){ 0 };
    item->data = document;
    if (options.text)
        return prepare_text(item, document, arena, err);
    return prepare_record(item, document, arena, err);
}

static bool wanted(struct bl_span type)
{
    for (size_t i = 0; i < options.types.n; i++)
        if (type.p && bl_span_is(type, options.types.v[i]))
            return true;
    return options.types.n == 0;
}

static void write_copied(struct bl_writer *writer,
                         const struct document *document)
{
    for (size_t i = 0; document->copied && i < options.copy.n; i++)
        if (document->copied[i].p)
            bl_write_raw(writer, options.copy.v[i], document->copied[i]);
}

/* The document's id and the mention's number as one string. */
static void put_id(struct bl_buf *out, struct bl_span id, size_t number)
{
    bl_json_put_string(out, id.p, id.n);
    out->len--;                           /* the number goes into the string */
    bl_buf_printf(out, ":%zu\"", number);
}

/* Of a one-pass tagger, which has read the mention in its window already. */
static void put_vector(struct bl_writer *writer, const struct state *state,
                       const struct bl_found *found)
{
    const struct bl_tagger *tagger = state->tagger;

    if (!state->vector
        || !bl_tagger_vector(state->tagger, &state->doc, found->start,
                             found->end, state->vector))
        return;
    bl_vector_put(bl_write_slot(writer, "embedding"), state->vector,
                  bl_tagger_dim(tagger), bl_tagger_space(tagger),
                  bl_tagger_names(tagger), BL_FLOATS_BASE64);
}

/* start: of the mention, in code points, as offsets of records are; those of
 * *found are bytes. */
static void put_mention(struct bl_buf *out, const struct state *state,
                        const struct document *document, size_t number,
                        const struct bl_found *found, size_t start)
{
    struct bl_writer writer = bl_writer(out, BL_WRITE_COMPACT);
    struct bl_span left, right;
    struct bl_span mention = { document->text.p + found->start,
                               found->end - found->start };

    bl_doc_context(&state->doc, found->start, found->end, options.context,
                   &left,
                   &right);
    bl_write_object(&writer, NULL);
    put_id(bl_write_slot(&writer, "id"), document->id, number);
    bl_write_span(&writer, "doc", document->id);
    bl_write_size(&writer, "start", start);
    bl_write_size(&writer, "end", start + bl_utf8_count(mention.p, mention.n));
    bl_write_span(&writer, "context_left", left);
    bl_write_span(&writer, "mention", mention);
    bl_write_span(&writer, "context_right", right);
    bl_write_optional(&writer, "type", found->type);
    bl_write_double(&writer, "ner_score", found->score, 4);
    put_vector(&writer, state, found);
    write_copied(&writer, document);
    bl_write_end(&writer);
    bl_write_line(&writer);
}

/* Adds the names of one catalogue to those of the catalogues before it, which
 * win where both are as long. */
static int find_names(struct state *state, size_t i, struct bl_err *err)
{
    struct bl_founds found = state->found;

    if (bl_dictionary_find(state->sources[i].dictionary, &state->doc,
                           i ? &state->before : &state->named, err) < 0)
        return -1;
    if (i == 0)
        return 0;
    bl_founds_merge(state->doc.text, &state->named, &state->before, &found);
    state->found = state->named;
    state->named = found;
    return 0;
}

/* What each finds of the document, as one list. */
static int find(struct state *state, struct bl_err *err)
{
    state->tagged.n = state->named.n = 0;
    if (state->tagger
        && bl_tagger_find(state->tagger, &state->doc, &state->tagged, err) < 0)
        return -1;
    for (size_t i = 0; i < state->n_sources; i++)
        if (find_names(state, i, err) < 0)
            return -1;
    bl_founds_merge(state->doc.text, &state->tagged, &state->named,
                    &state->found);
    return 0;
}

enum { FLUSH_AT = 1 << 20 };

/* A long document has more output than input: it goes out in pieces. */
static void put_document(struct state *state, const struct document *document,
                         struct bl_buf *out)
{
    struct bl_err err;
    size_t at = 0, points = 0, number = 0;

    bl_doc_set(&state->doc, document->text);
    if (find(state, &err) < 0)
        bl_die(&err);
    for (size_t i = 0; i < state->found.n; i++) {
        const struct bl_found *found = &state->found.v[i];

        if (!wanted(found->type) || found->score < options.find.min_score)
            continue;
        points += bl_utf8_count(document->text.p + at, found->start - at);
        at = found->start;
        put_mention(out, state, document, number++, found, points);
        if (out->len >= FLUSH_AT) {
            bl_out(out->data, out->len);
            bl_buf_clear(out);
        }
    }
}

static void emit_lines(void *ctx, const struct bl_item *item,
                       struct bl_buf *out)
{
    struct state *state = ctx;

    put_document(state, item->data, out);
    if (!options.mark_ends)
        return;
    if (!state->mark.n)
        bl_edits_set(&state->mark, "error", BL_SPAN_LIT(
            "{\"by\":\"blink-ner\",\"code\":\"end\","
            "\"message\":\"the document ends here\"}"));
    bl_record_write(out, &item->rec, &state->mark);
}

/* ---- --whole ---- */

static void read_all(struct bl_buf *out)
{
    struct bl_err err;
    ssize_t n;

    do {
        bl_buf_reserve(out, 1 << 16);
        n = read(STDIN_FILENO, out->data + out->len, 1 << 16);
        if (n < 0 && errno != EINTR) {
            bl_fail_errno(&err, BL_SYSTEM, "cannot read 'stdin'");
            bl_die(&err);
        }
        out->len += n > 0 ? (size_t)n : 0;
        if (out->len > options.loop.max_line) {
            bl_fail(&err, BL_TOO_LONG, "stdin: longer than %zu bytes "
                    "(--max-line)", options.loop.max_line);
            bl_die(&err);
        }
    } while (n != 0);
}

static int run_whole(struct state *state)
{
    struct document document = { .id = BL_SPAN_LIT("1") };
    struct bl_buf in = BL_BUF_INIT, out = BL_BUF_INIT;
    size_t valid;

    read_all(&in);
    valid = bl_utf8_valid(in.data, in.len);
    /* A document with bad bytes fails as a record would in the loop, with
     * status 1 and nothing printed. */
    if (valid != in.len || memchr(in.data, '\0', in.len)) {
        bl_warn("stdin: byte %zu: %s", valid != in.len ? valid
                : (size_t)((char *)memchr(in.data, '\0', in.len) - in.data),
                valid != in.len ? "invalid UTF-8" : "a NUL byte");
        bl_buf_free(&in);
        return 1;
    }
    document.text = (struct bl_span){ in.data, in.len };
    put_document(state, &document, &out);
    bl_out(out.data, out.len);
    bl_buf_free(&in);
    bl_buf_free(&out);
    return 0;
}

int main(int argc, char **argv)
{
    struct state state = { 0 };
    int status;

    bl_prog_init("blink-ner");
    bl_opts_parse(&command, argc, argv);
    load(&state);
    if (options.whole)
        status = run_whole(&state);
    else
        status = bl_loop_run(&(struct bl_loop){
            .opts = &options.loop, .ctx = &state, .prepare = prepare,
            .emit_lines = emit_lines, .plain_text = options.text
        });
    /* People pipe plain text into this program first; an error a line would
     * not tell them what to do. */
    if (status == 1 && !options.whole && !state.any_record)
        bl_warn("no line is a document in JSON: --text takes plain text, a "
                "document a line, --whole all of it as one");
    unload(&state);
    return bl_prog_finish(status);
}
