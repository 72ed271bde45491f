/* SPDX-License-Identifier: MIT */
/*
 * catalogue: a small good catalogue for fuzz targets to damage or to ask, and
 * every question that a catalogue answers.
 *
 *     struct bl_span good = catalogue_bytes();        borrowed
 *     char *path = feed_file("x.kb", bytes, size);
 *     catalogue_use(path);
 */
#ifndef CATALOGUE_H
#define CATALOGUE_H

#include "base/file.h"
#include "base/utf8.h"
#include "feed.h"
#include "json/record.h"
#include "kb/kb-build.h"
#include "kb/kb-lexical.h"

/* Catalogues differ by the date in them and by nothing else. */
static inline struct bl_span catalogue_bytes(void)
{
    static const char *const lines[] = {
        "{\"id\":\"1\",\"title\":\"Paris\",\"text\":\"Paris is in France.\","
        "\"aliases\":[{\"name\":\"City of Light\",\"count\":3},\"Lutetia\"]}",
        "{\"id\":\"2\",\"title\":\"Paris (mythology)\",\"text\":\"A prince.\""
        ",\"url\":\"https://a.b/2\",\"qid\":\"Q2\",\"type\":\"person\"}",
        "{\"id\":\"x\",\"title\":\"International Court of Justice\","
        "\"text\":\"A court in The Hague.\"}",
        "{\"id\":\"\\u00e9\",\"title\":\"Dog\",\"text\":\"The dog barks.\"}" };
    struct bl_kb_build_opts opts = { .fts = true };
    struct bl_record record = { 0 };
    struct bl_arena arena = BL_ARENA_INIT;
    static struct bl_buf bytes;
    struct bl_kb_builder *builder;
    struct bl_kb_input in;
    struct bl_err err;
    char *path;

    if (bytes.len)
        return (struct bl_span){ bytes.data, bytes.len };
    path = bl_xasprintf("%s/good.kb", feed_folder());
    builder = bl_kb_build_open(path, &opts, &err);
    for (size_t i = 0; i < BL_COUNT(lines); i++)
        CHECK(bl_record_parse(&record, bl_span_of(lines[i]), i, &err) == 0
              && bl_kb_input_read(&in, &record, false, &arena, &err) == 0
              && bl_kb_build_add(builder, &in, "good", i, &err) == 0);
    CHECK(bl_kb_build_finish(builder, &err) == 0
          && bl_file_read(path, 1 << 20, &bytes, &err) == 0);
    bl_record_free(&record);
    bl_arena_free(&arena);
    feed_remove(path);
    return (struct bl_span){ bytes.data, bytes.len };
}

/* The good one, open until the process ends. */
static inline struct bl_kb *catalogue_open(void)
{
    static struct bl_kb *kb;
    struct bl_err err;

    if (!kb) {
        char *path = feed_file_of("open.kb", catalogue_bytes());

        CHECK((kb = bl_kb_open(path, &err)));
        feed_remove(path);
    }
    return kb;
}

static inline void catalogue_text(struct bl_span text)
{
    CHECK(!text.p || (bl_utf8_valid(text.p, text.n) == text.n
                      && text.p[text.n] == '\0'));
}

static inline void catalogue_entity(const struct bl_entity *entity)
{
    CHECK(entity->id.p && entity->title.p);
    catalogue_text(entity->id);
    catalogue_text(entity->title);
    catalogue_text(entity->url);
    catalogue_text(entity->qid);
    catalogue_text(entity->type);
    catalogue_text(entity->text);
}

/* What one name finds, by each way of asking. */
static inline void catalogue_ask(struct bl_kb *kb, struct bl_span name)
{
    enum { MOST = 20 };
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_kb_names names;
    struct bl_kb_spelling *spellings;
    struct bl_kb_hit *hits;
    struct bl_entity entity;
    struct bl_span next;
    struct bl_err err;
    int64_t *rows, row;
    size_t n;

    if (bl_kb_lookup(kb, name, MOST, &arena, &names, &err) == 0)
        for (size_t i = 1; i < names.n; i++)
            CHECK(names.v[i].weight <= names.v[i - 1].weight);
    if (bl_kb_spellings(kb, name, MOST, &arena, &spellings, &n, &err) == 0)
        for (CHECK(n <= MOST); n > 0; n--)
            catalogue_text(spellings[n - 1].surface);
    if (bl_kb_initials(kb, name, MOST, &arena, &rows, &n, &err) == 0)
        CHECK(n <= MOST);
    if (bl_kb_name_from(kb, name, &arena, &next, &err) == 1)
        catalogue_text(next);
    if (bl_kb_search(kb, name, MOST, &arena, &hits, &n, &err) == 0)
        for (CHECK(n <= MOST); n > 0; n--)
            catalogue_entity(&hits[n - 1].entity);
    if (bl_kb_get(kb, name, &arena, &entity, &err) == 1)
        catalogue_entity(&entity);
    (void)bl_kb_row(kb, name, &row, &err);
    bl_arena_free(&arena);
}

/* The same by words; of a damaged file anything may come, in bounds. */
static inline void catalogue_words(struct bl_kb *kb, struct bl_span name)
{
    struct bl_lexical_query query = { name, name, name, BL_LEXICAL_CONTEXT };
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_lexical_hit *hits;
    struct bl_err err;
    struct bl_lexical *lexical = bl_lexical_open(kb, &err);
    double score;
    size_t n;

    if (lexical
        && bl_lexical_search(lexical, &query, 5, &arena, &hits, &n, &err) == 0)
        for (CHECK(n <= 5); n > 0; n--)
            (void)bl_lexical_score(lexical, hits[n - 1].row, &score, &err);
    bl_lexical_close(lexical);
    bl_arena_free(&arena);
}

/* Entities one by one; one that verify finds intact has as many as it says. */
static inline void catalogue_walk(struct bl_kb *kb)
{
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_kb_alias *aliases;
    struct bl_entity entity;
    struct bl_err err;
    size_t n = 0, n_aliases;
    int rc = bl_kb_walk(kb, 0, &err);

    while (rc == 0 && (rc = bl_kb_next(kb, &arena, &entity, &err)) == 1) {
        catalogue_entity(&entity);
        if (bl_kb_aliases(kb, entity.row, &arena, &aliases, &n_aliases,
                          &err) < 0)
            CHECK(err.code == BL_DATA);
        if (bl_kb_get_row(kb, entity.row, &arena, &entity, &err) == 1
            && bl_kb_brief_row(kb, entity.row, &arena, &entity, &err) == 1)
            catalogue_entity(&entity);
        n++;
        rc = 0;
    }
    if (bl_kb_verify(kb, &err) == 0)
        CHECK(rc == 0 && n == bl_kb_count(kb));
    bl_arena_free(&arena);
}

/* Opens it, and if that goes well asks everything. */
static inline void catalogue_use(const char *path)
{
    static const char *const names[] = {
        "paris", "city of light", "icj", "x", "\xc3\xa9", "dog the a", "" };
    struct bl_err err = { .code = BL_OK };
    struct bl_kb *kb = bl_kb_open(path, &err);

    CHECK(!kb == (err.code != BL_OK));
    CHECK(kb || err.code == BL_DATA);
    if (!kb)
        return;
    for (size_t i = 0; i < BL_COUNT(names); i++)
        catalogue_ask(kb, bl_span_of(names[i]));
    catalogue_words(kb, bl_span_of("the Paris court"));
    (void)bl_kb_check_count(kb, &err);
    catalogue_walk(kb);
    bl_kb_close(kb);
}

#endif
