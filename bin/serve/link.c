/* SPDX-License-Identifier: MIT */
/*
 * POST /link: a text, or documents as JSON or JSONL, and their links.
 *
 *     {"id":"d","text":"We saw Paris."}
 *  -> {"id":"d","links":[{"start":7,"end":12,"mention":"Paris",...}]}
 *
 * An array is answered by an array; lines by the records of the mentions, as
 * the pipeline writes them, each as soon as it comes.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "driver/driver.h"
#include "json/array.h"
#include "json/json.h"
#include "json/record.h"
#include "json/writer.h"
#include "serve.h"

/* ---- Documents ---- */

static void add_document(struct bl_documents *documents, struct bl_span line,
                         struct bl_span id)
{
    size_t n = documents->exchange.lines;

    BL_GROW(documents->ids, n + 1, documents->cap);
    documents->ids[n] = bl_arena_copy(&documents->arena, id);
    bl_exchange_add(&documents->exchange, line);
}

/* A text that somebody sent: documents are called 1, 2, 3 ... */
static void add_text(struct bl_documents *documents, struct bl_span text)
{
    struct bl_buf line = BL_BUF_INIT;
    char id[32], quoted[40];

    bl_buf_printf(&line, "%zu", documents->exchange.lines + 1);
    memcpy(id, line.data, line.len + 1);
    bl_buf_clear(&line);
    bl_buf_printf(&line, "\"%s\"", id);
    memcpy(quoted, line.data, line.len + 1);
    bl_buf_clear(&line);
    bl_driver_put_document(&line, id, text.p, text.n);
    add_document(documents, (struct bl_span){ line.data, line.len - 1 },
                 bl_span_of(quoted));
    bl_buf_free(&line);
}

/* The id as JSON; one of ours where there is none, which `edits` adds. */
static int id_of(struct bl_documents *documents,
                 const struct bl_record *record, struct bl_edits *edits,
                 struct bl_span *id, struct bl_err *err)
{
    struct bl_buf own = BL_BUF_INIT;
    struct bl_span text;
    int rc = bl_record_get(record, "id", id, err);

    if (rc > 0)
        return bl_record_id(record, "id", &documents->arena, &text, err);
    if (rc < 0)
        return -1;
    bl_buf_printf(&own, "\"%zu\"", documents->exchange.lines + 1);
    *id = bl_arena_copy(&documents->arena,
                        (struct bl_span){ own.data, own.len });
    bl_edits_set(edits, "id", *id);
    bl_buf_free(&own);
    return 0;
}

/* A record with an error would pass all stages untouched, and end a document
 * if it says so. */
static int add_record(struct bl_documents *documents,
                      const struct bl_record *record, struct bl_err *err)
{
    struct bl_edits edits = { 0 };
    struct bl_buf line = BL_BUF_INIT;
    struct bl_span id, v;
    int rc = bl_record_get(record, "error", &v, err);

    if (rc > 0)
        rc = bl_fail(err, BL_BAD_FIELD,
                     "field 'error': expected none in a document");
    if (rc == 0)
        rc = bl_record_string(record, "text", &documents->arena, &v, err);
    if (rc == 0)
        rc = id_of(documents, record, &edits, &id, err);
    if (rc == 0) {
        bl_record_write(&line, record, &edits);
        add_document(documents, (struct bl_span){ line.data, line.len - 1 },
                     id);
    }
    bl_edits_free(&edits);
    bl_buf_free(&line);
    return rc;
}

/* An object on however many lines. */
static int add_object(struct bl_documents *documents, struct bl_span object,
                      struct bl_err *err)
{
    struct bl_record record = { 0 };
    char *line = bl_arena_strndup(&documents->arena, object.p, object.n);
    struct bl_span one = { line, bl_array_one_line(line, object.n) };
    int rc = bl_record_parse(&record, one, 0, err);

    if (rc == 0)
        rc = add_record(documents, &record, err);
    bl_record_free(&record);
    return rc;
}

static int add_value(struct bl_documents *documents, struct bl_span value,
                     struct bl_err *err)
{
    struct bl_span text;

    if (bl_json_type(value) != BL_JSON_STRING)
        return add_object(documents, value, err);
    if (bl_json_string(value, &documents->arena, &text, err) < 0)
        return -1;
    add_text(documents, text);
    return 0;
}

static int read_json(struct bl_documents *documents, struct bl_span body,
                     struct bl_err *err)
{
    struct bl_json_iter it;
    struct bl_span value;

    if (bl_json_check(body.p, body.n, err) < 0)
        return -1;
    body = bl_json_trim(body);
    documents->one = bl_json_type(body) != BL_JSON_ARRAY;
    if (documents->one)
        return add_value(documents, body, err);
    it = bl_json_iter(body);
    while (bl_json_next(&it, NULL, &value)) {
        if (add_value(documents, value, err) < 0)
            return bl_err_prefix(err, "document %zu",
                                 documents->exchange.lines + 1);
    }
    return 0;
}

static int read_lines(struct bl_documents *documents, struct bl_span body,
                      struct bl_err *err)
{
    const char *at = body.p, *end = body.p + body.n;

    for (size_t number = 1; at < end; number++) {
        const char *nl = memchr(at, '\n', (size_t)(end - at));
        struct bl_span line = { at, (size_t)((nl ? nl : end) - at) };

        at = nl ? nl + 1 : end;
        if (!bl_span_blank(line) && add_object(documents, line, err) < 0)
            return bl_err_prefix(err, "line %zu", number);
    }
    return 0;
}

int bl_documents_read(struct bl_documents *documents, struct bl_span body,
                      enum bl_media media, struct bl_err *err)
{
    *documents = (struct bl_documents){ .cap = 0 };
    if (bl_exchange_init(&documents->exchange, err) < 0)
        return -1;
    if (media == BL_MEDIA_JSON)
        return read_json(documents, body, err);
    if (media == BL_MEDIA_LINES)
        return read_lines(documents, body, err);
    documents->one = true;
    add_text(documents, body);
    return 0;
}

void bl_documents_free(struct bl_documents *documents)
{
    bl_exchange_free(&documents->exchange);
    bl_arena_free(&documents->arena);
    free(documents->ids);
}

/* ---- Answers ---- */

#define no_record "the pipeline wrote a line that is no record"

struct linking {
    const struct bl_documents *documents;
    struct bl_writer json;
    struct bl_record record;
    bool begun;                 /* the object of a document is open */
    bool bad;                   /* a line was no record */
    struct bl_buf error;        /* of the document itself, as JSON */
};

static void begin(struct linking *linking, size_t i)
{
    if (linking->begun)
        return;
    bl_write_object(&linking->json, NULL);
    bl_write_raw(&linking->json, "id", linking->documents->ids[i]);
    bl_write_array(&linking->json, "links");
    linking->begun = true;
}

static void end(struct linking *linking)
{
    bl_write_end(&linking->json);
    if (linking->error.len)
        bl_write_raw(&linking->json, "error",
                     (struct bl_span){ linking->error.data,
                                       linking->error.len });
    bl_write_end(&linking->json);
    bl_buf_clear(&linking->error);
    linking->begun = false;
}

/* A record without a mention is a document that failed. */
static void add_link(struct linking *linking, struct bl_span line)
{
    struct bl_span v;
    struct bl_err err;

    if (bl_record_parse(&linking->record, line, 0, &err) < 0) {
        linking->bad = true;
        return;
    }
    if (bl_record_get(&linking->record, "mention", &v, &err) == 1) {
        bl_write_object(&linking->json, NULL);
        bl_driver_put_link(&linking->json, &linking->record, &err);
        bl_write_end(&linking->json);
    } else if (bl_record_get(&linking->record, "error", &v, &err) == 1
               && !bl_record_is_mark(&linking->record)
               && !linking->error.len) {
        bl_buf_put_span(&linking->error, v);
    }
}

static void take_link(void *ctx, size_t i, struct bl_span line)
{
    struct linking *linking = ctx;

    begin(linking, i);
    if (line.p)
        add_link(linking, line);
    else
        end(linking);
}

/* The body is begun before the pipeline has answered: bl_answer_asked() takes
 * the place of what there was. */
static void link_json(const struct bl_request *request,
                      const struct bl_documents *documents,
                      struct bl_answer *answer)
{
    struct linking linking = {
        .documents = documents,
        .json = bl_writer(&answer->body, BL_WRITE_COMPACT)
    };
    enum bl_asked asked = BL_ASKED_DONE;

    if (!documents->one)
        bl_write_array(&linking.json, NULL);
    if (documents->exchange.lines)
        asked = bl_pool_ask(request->serve->link, &documents->exchange,
                            take_link, &linking);
    if (asked != BL_ASKED_DONE) {
        bl_answer_asked(answer, asked);
    } else if (linking.bad) {
        bl_answer_fail(answer, 502, no_record);
    } else {
        if (!documents->one)
            bl_write_end(&linking.json);
        bl_write_line(&linking.json);
    }
    bl_record_free(&linking.record);
    bl_buf_free(&linking.error);
}

struct lines {
    struct bl_answer *answer;
    bool bad;                   /* one was no JSON */
};

static void take_line(void *ctx, size_t i, struct bl_span line)
{
    struct lines *lines = ctx;

    (void)i;
    if (line.p && bl_json_check(line.p, line.n, NULL) < 0)
        lines->bad = true;
    else if (line.p)
        bl_answer_line(lines->answer, line);
}

static void link_lines(const struct bl_request *request,
                       const struct bl_documents *documents,
                       struct bl_answer *answer)
{
    struct lines lines = { .answer = answer };
    enum bl_asked asked = BL_ASKED_DONE;

    answer->type = "application/x-ndjson";
    if (documents->exchange.lines)
        asked = bl_pool_ask(request->serve->link, &documents->exchange,
                            take_line, &lines);
    if (asked != BL_ASKED_DONE)
        bl_answer_asked(answer, asked);
    else if (lines.bad)
        bl_answer_fail(answer, 502, no_record);
}

void bl_serve_link(const struct bl_request *request, struct bl_answer *answer)
{
    struct bl_documents documents;
    struct bl_err err;

    if (bl_documents_read(&documents, request->body, request->media, &err) < 0)
        bl_answer_fail(answer, err.code == BL_SYSTEM ? 503 : 400, "%s",
                       err.msg);
    else if (request->wanted == BL_MEDIA_LINES)
        link_lines(request, &documents, answer);
    else
        link_json(request, &documents, answer);
    bl_documents_free(&documents);
}
