/* SPDX-License-Identifier: MIT */
/*
 * POST /v1/embeddings and /v1/rerank, in the shapes that other servers of
 * such models have (Jina's, text-embeddings-inference, llama-server).
 *
 * A query is a mention without context, a document the text of an entity:
 * that is how the models read them.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "json/candidates.h"
#include "json/json.h"
#include "json/record.h"
#include "json/vector.h"
#include "json/writer.h"
#include "serve.h"

enum { MAX_TEXTS = 1 << 16 };

/* ---- What is asked ---- */

/* The text of a string, or of an object's member "text". */
static int text_of(struct bl_span value, struct bl_arena *arena,
                   struct bl_span *text, struct bl_err *err)
{
    if (bl_json_type(value) == BL_JSON_OBJECT) {
        int rc = bl_json_get(value, "text", &value, err);

        if (rc <= 0)
            return rc < 0 ? -1
                : bl_fail(err, BL_BAD_FIELD, "expected 'text', found nothing");
    }
    return bl_json_string(value, arena, text, err);
}

struct texts {
    struct bl_span *v;
    size_t n, cap;
};

static int add_text(struct texts *texts, struct bl_span value,
                    struct bl_arena *arena, struct bl_err *err)
{
    struct bl_span text;

    if (texts->n == MAX_TEXTS)
        return bl_fail(err, BL_BAD_FIELD, "expected at most %d texts",
                       MAX_TEXTS);
    if (text_of(value, arena, &text, err) < 0)
        return bl_err_prefix(err, "text %zu", texts->n);
    BL_GROW(texts->v, texts->n + 1, texts->cap);
    texts->v[texts->n++] = text;
    return 0;
}

/* One text, or an array of them. */
static int read_texts(struct bl_span value, struct texts *texts,
                      struct bl_arena *arena, struct bl_err *err)
{
    struct bl_json_iter it = bl_json_iter(value);
    struct bl_span one;

    if (bl_json_type(value) != BL_JSON_ARRAY)
        return add_text(texts, value, arena, err);
    while (bl_json_next(&it, NULL, &one))
        if (add_text(texts, one, arena, err) < 0)
            return -1;
    return 0;
}

/* The member by one of two names, the second of which others use. */
static int member(struct bl_span object, const char *name, const char *other,
                  struct bl_span *value, struct bl_err *err)
{
    int rc = bl_json_get(object, name, value, err);

    if (rc == 0 && other)
        rc = bl_json_get(object, other, value, err);
    if (rc == 0)
        return bl_fail(err, BL_BAD_FIELD, "field '%s': expected a value, "
                                          "found nothing", name);
    return rc < 0 ? -1 : 0;
}

static int check_object(struct bl_span body, struct bl_err *err)
{
    if (bl_json_check(body.p, body.n, err) < 0)
        return -1;
    return bl_json_type(bl_json_trim(body)) == BL_JSON_OBJECT ? 0
        : bl_fail(err, BL_BAD_JSON, "expected an object");
}

/* Whether the member is that string, or ends so: "retrieval.passage". */
static bool says(struct bl_span object, const char *name, const char *word)
{
    struct bl_span v;
    size_t n = strlen(word);

    return bl_json_get(object, name, &v, NULL) == 1 && v.n >= n + 2
        && v.p[0] == '"' && !memcmp(v.p + v.n - 1 - n, word, n);
}

/* ---- Vectors ---- */

static void put_mention(struct bl_buf *out, struct bl_span text)
{
    struct bl_writer json = bl_writer(out, BL_WRITE_COMPACT);

    bl_write_object(&json, NULL);
    bl_write_string(&json, "context_left", "");
    bl_write_span(&json, "mention", text);
    bl_write_string(&json, "context_right", "");
    bl_write_end(&json);
}

static void put_entity(struct bl_buf *out, struct bl_span text)
{
    struct bl_writer json = bl_writer(out, BL_WRITE_COMPACT);

    bl_write_object(&json, NULL);
    bl_write_string(&json, "title", "");
    bl_write_span(&json, "text", text);
    bl_write_end(&json);
}

/* What the answers come to. */
struct collected {
    struct bl_writer json;
    struct bl_record record;
    struct bl_arena arena;      /* of the request */
    bool base64;
    struct bl_buf model;        /* the fingerprint; empty: not known */
    struct bl_err err;          /* of the first text that failed */
};

static void collected_free(struct collected *all)
{
    bl_buf_free(&all->model);
    bl_record_free(&all->record);
    bl_arena_free(&all->arena);
}

/* The sentence of a record that failed becomes that of the request. */
static void take_error(struct collected *all)
{
    struct bl_span error, message;
    struct bl_err err;

    if (all->err.code == BL_OK
        && bl_record_get(&all->record, "error", &error, &err) == 1
        && bl_json_get(error, "message", &message, &err) == 1
        && bl_json_string(message, &all->arena, &message, &err) == 0)
        bl_fail(&all->err, BL_BAD_FIELD, "%s", message.p);
}

static void put_vector(struct collected *all, const struct bl_vector *vector)
{
    if (all->base64) {
        struct bl_buf *out = bl_write_slot(&all->json, "embedding");

        bl_buf_putc(out, '"');
        bl_base64_put(out, vector->v, vector->dim * sizeof *vector->v);
        bl_buf_putc(out, '"');
        return;
    }
    bl_write_array(&all->json, "embedding");
    for (size_t i = 0; i < vector->dim; i++)
        bl_write_float(&all->json, NULL, vector->v[i]);
    bl_write_end(&all->json);
}

/* Vectors go into the answer as they come: they are its largest part. */
static void take_vector(void *ctx, size_t i, struct bl_span line)
{
    struct collected *all = ctx;
    struct bl_vector_want any = { .by = "the request" };
    struct bl_vector vector;
    struct bl_err err;

    if (!line.p)
        return;
    if (bl_record_parse(&all->record, line, 0, &err) < 0
        || bl_vector_get(&all->record, &any, &all->arena, &vector, &err) < 0) {
        take_error(all);
        return;
    }
    if (!all->model.len)
        bl_buf_put_span(&all->model, vector.model);
    bl_write_object(&all->json, NULL);
    bl_write_string(&all->json, "object", "embedding");
    bl_write_size(&all->json, "index", i);
    put_vector(all, &vector);
    bl_write_end(&all->json);
}

/* A model with two towers has one for each kind of text, and so each kind has
 * a pool. */
static void embed(const struct bl_request *request, const struct texts *texts,
                  struct collected *all, struct bl_answer *answer)
{
    bool documents = says(request->body, "input_type", "document")
        || says(request->body, "input_type", "passage")
        || says(request->body, "task", "passage");
    struct bl_exchange exchange;
    struct bl_buf line = BL_BUF_INIT;
    enum bl_asked asked;

    if (bl_exchange_init(&exchange, &all->err) < 0)
        return;
    for (size_t i = 0; i < texts->n; i++) {
        bl_buf_clear(&line);
        (documents ? put_entity : put_mention)(&line, texts->v[i]);
        bl_exchange_add(&exchange, (struct bl_span){ line.data, line.len });
    }
    bl_write_object(&all->json, NULL);
    bl_write_string(&all->json, "object", "list");
    bl_write_array(&all->json, "data");
    asked = bl_pool_ask(documents ? request->serve->documents
                        : request->serve->queries, &exchange, take_vector,
                        all);
    bl_write_end(&all->json);
    if (all->model.len)
        bl_write_span(&all->json, "model",
                      (struct bl_span){ all->model.data, all->model.len });
    bl_write_end(&all->json);
    bl_write_line(&all->json);
    bl_answer_asked(answer, asked);
    bl_exchange_free(&exchange);
    bl_buf_free(&line);
}

static int read_embeddings(const struct bl_request *request,
                           struct texts *texts, struct collected *all)
{
    struct bl_span input;

    if (check_object(request->body, &all->err) < 0
        || member(request->body, "input", "inputs", &input, &all->err) < 0
        || read_texts(input, texts, &all->arena, &all->err) < 0)
        return -1;
    all->base64 = says(request->body, "encoding_format", "base64");
    return texts->n ? 0 : bl_fail(&all->err, BL_BAD_FIELD,
                                  "field 'input': expected a text");
}

/* 200 until something has failed; a text that cannot be read is the
 * client's fault. */
static void finish(struct collected *all, struct bl_answer *answer)
{
    if (all->err.code != BL_OK && answer->status == 200)
        bl_answer_fail(answer, all->err.code == BL_SYSTEM ? 503 : 400, "%s",
                       all->err.msg);
    collected_free(all);
}

void bl_serve_embeddings(const struct bl_request *request,
                         struct bl_answer *answer)
{
    struct collected all = { .json = bl_writer(&answer->body,
                                               BL_WRITE_COMPACT) };
    struct texts texts = { .n = 0 };

    if (read_embeddings(request, &texts, &all) == 0)
        embed(request, &texts, &all, answer);
    finish(&all, answer);
    free(texts.v);
}

/* ---- Ranks ---- */

struct ranking {
    struct collected all;
    struct bl_span query;
    struct texts texts;
    struct bl_candidates list;
    size_t top;
    bool return_texts;
    bool bare;                  /* text-embeddings-inference's own shape */
};

/* A candidate is called by its place, by which its score is found again. */
static void put_question(struct bl_buf *out, const struct ranking *ranking)
{
    struct bl_writer json = bl_writer(out, BL_WRITE_COMPACT);
    char id[32];

    bl_write_object(&json, NULL);
    bl_write_string(&json, "context_left", "");
    bl_write_span(&json, "mention", ranking->query);
    bl_write_string(&json, "context_right", "");
    bl_write_array(&json, "candidates");
    for (size_t i = 0; i < ranking->texts.n; i++) {
        snprintf(id, sizeof id, "%zu", i);
        bl_write_object(&json, NULL);
        bl_write_string(&json, "id", id);
        bl_write_string(&json, "title", "");
        bl_write_span(&json, "text", ranking->texts.v[i]);
        bl_write_end(&json);
    }
    bl_write_end(&json);
    bl_write_end(&json);
}

static void take_list(void *ctx, size_t i, struct bl_span line)
{
    struct ranking *ranking = ctx;
    struct collected *all = &ranking->all;
    struct bl_record *record = &all->record;
    struct bl_span copy, error;
    struct bl_err err;

    (void)i;
    if (!line.p)
        return;
    /* The list is looked at when the pipeline is somebody else's again. */
    copy = bl_arena_copy(&all->arena, line);
    if (bl_record_parse(record, copy, 0, &err) < 0
        || bl_record_get(record, "error", &error, &err) != 0
        || bl_candidates_read(record, &all->arena, &ranking->list, &err) < 0) {
        ranking->list.n = 0;
        take_error(all);
    }
}

/* A candidate's id is its place in the request. */
static void put_result(struct ranking *ranking,
                       const struct bl_candidate *candidate)
{
    struct bl_writer *json = &ranking->all.json;
    size_t place = strtoul(candidate->id.p, NULL, 10);

    if (place >= ranking->texts.n)
        return;
    bl_write_object(json, NULL);
    bl_write_size(json, "index", place);
    bl_write_double_or_null(json, ranking->bare ? "score" : "relevance_score",
                            candidate->cross, 9);
    if (ranking->return_texts) {
        if (!ranking->bare)
            bl_write_object(json, "document");
        bl_write_span(json, "text", ranking->texts.v[place]);
        if (!ranking->bare)
            bl_write_end(json);
    }
    bl_write_end(json);
}

static void put_results(struct ranking *ranking)
{
    struct bl_writer *json = &ranking->all.json;

    if (!ranking->bare) {
        bl_write_object(json, NULL);
        bl_write_string(json, "object", "list");
    }
    bl_write_array(json, ranking->bare ? NULL : "results");
    for (size_t i = 0; i < ranking->list.n && i < ranking->top; i++)
        put_result(ranking, &ranking->list.v[i]);
    bl_write_end(json);
    if (!ranking->bare)
        bl_write_end(json);
    bl_write_line(json);
}

static void rank(const struct bl_request *request, struct ranking *ranking,
                 struct bl_answer *answer)
{
    struct bl_exchange exchange;
    struct bl_buf line = BL_BUF_INIT;
    enum bl_asked asked = BL_ASKED_DONE;

    if (bl_exchange_init(&exchange, &ranking->all.err) < 0)
        return;
    put_question(&line, ranking);
    bl_exchange_add(&exchange, (struct bl_span){ line.data, line.len });
    if (ranking->texts.n)
        asked = bl_pool_ask(request->serve->rerank, &exchange, take_list,
                            ranking);
    put_results(ranking);
    bl_answer_asked(answer, asked);
    bl_exchange_free(&exchange);
    bl_buf_free(&line);
}

/* By its name for the texts it is known whose client asks. */
static int read_ranking(struct bl_span body, struct ranking *ranking,
                        struct bl_err *err)
{
    struct bl_arena *arena = &ranking->all.arena;
    struct bl_span v;
    int64_t top;

    if (check_object(body, err) < 0
        || member(body, "query", NULL, &v, err) < 0)
        return -1;
    if (bl_json_string(v, arena, &ranking->query, err) < 0)
        return bl_err_prefix(err, "field 'query'");
    if (member(body, "documents", "texts", &v, err) < 0
        || read_texts(v, &ranking->texts, arena, err) < 0)
        return -1;
    ranking->bare = bl_json_get(body, "texts", &v, err) == 1;
    ranking->top = ranking->texts.n;
    if (bl_json_get(body, "top_n", &v, err) == 1) {
        if (bl_json_integer(v, 0, MAX_TEXTS, &top, err) < 0)
            return bl_err_prefix(err, "field 'top_n'");
        ranking->top = (size_t)top;
    }
    ranking->return_texts =
        (bl_json_get(body, "return_documents", &v, err) == 1
         || bl_json_get(body, "return_text", &v, err) == 1)
        && bl_json_type(v) == BL_JSON_BOOL && v.p[0] == 't';
    return 0;
}

void bl_serve_rerank(const struct bl_request *request,
                     struct bl_answer *answer)
{
    struct ranking ranking = {
        .all.json = bl_writer(&answer->body, BL_WRITE_COMPACT)
    };

    if (read_ranking(request->body, &ranking, &ranking.all.err) == 0)
        rank(request, &ranking, answer);
    free(ranking.texts.v);
    finish(&ranking.all, answer);
}
