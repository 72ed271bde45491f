/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "change.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/paths.h"
#include "base/utf8.h"
#include "cli/prog.h"
#include "json/lines.h"
#include "json/record.h"
#include "json/vector.h"
#include "kb/kb-index.h"
#include "model/model.h"
#include "text/input.h"

int bl_index_pass_removed(struct bl_index_writer *writer, struct bl_kb *kb,
                          struct bl_err *err)
{
    struct bl_arena arena = BL_ARENA_INIT;
    int64_t *rows;
    size_t n;
    int rc = bl_kb_removed_rows(kb, &arena, &rows, &n, err);

    for (size_t i = 0; rc == 0 && i < n; i++)
        bl_index_pass(writer, (uint64_t)rows[i]);
    bl_arena_free(&arena);
    return rc;
}

/* ---- The index and the catalogue ---- */

/* An index, the catalogue, and what one has that the other lacks. */
struct work {
    struct bl_kb *kb;
    char *path;                 /* of the index */
    struct bl_index index;
    struct bl_kb_since since;
    int64_t *removed;           /* [n_removed] rows */
    size_t n_removed;
    struct bl_arena arena;
};

/* "x/k.kb" -> "k" and "x/k.blx"; the caller frees both. */
static char *stem_of(const char *path)
{
    const char *base = bl_path_base(path), *dot = strrchr(base, '.');
    size_t n = dot && dot != base ? (size_t)(dot - base) : strlen(base);

    return bl_xasprintf("%.*s", (int)n, base);
}

static char *beside(const char *path)
{
    char *stem = stem_of(path);
    char *index = bl_xasprintf("%.*s%s.blx",
                               (int)(bl_path_base(path) - path), path, stem);

    free(stem);
    return index;
}

/* As `blink link` finds it: beside the catalogue, or in the data folder by the
 * catalogue's name, alone or with that of the usual model. */
static char *find_by_catalogue(const char *catalogue)
{
    char *real = bl_path_real(catalogue);
    const char *const paths[] = { catalogue, real ? real : catalogue };
    char *found = NULL;

    for (size_t i = 0; i < BL_COUNT(paths) && !found; i++) {
        char *stem = stem_of(paths[i]);
        char *mini = bl_xasprintf("%s.mini", stem);

        found = beside(paths[i]);
        if (access(found, F_OK) < 0) {
            free(found);
            found = bl_path_look_up(BL_PATH_INDEX, mini, NULL);
        }
        if (!found)
            found = bl_path_look_up(BL_PATH_INDEX, stem, NULL);
        free(mini);
        free(stem);
    }
    free(real);
    return found;
}

static char *find_index(const struct bl_index_edit *edit,
                        const struct bl_kb *kb, struct bl_err *err)
{
    char *path;

    if (edit->index || !edit->catalogue)
        return bl_path_find(BL_PATH_INDEX, edit->index, err);
    path = find_by_catalogue(bl_kb_path(kb));
    if (!path)
        bl_fail(err, BL_DATA, "no index of '%s' beside it or in the data "
                "folders: give it with -x, or make it: blink-kb cat -c %s | "
                "blink-embed --entities | blink-index build -c %s -o "
                "FILE.blx", bl_kb_path(kb), bl_kb_path(kb), bl_kb_path(kb));
    return path;
}

static int check_kind(const char *path, struct bl_err *err)
{
    int faiss = bl_faiss_is_file(path, err);

    if (faiss > 0)
        return bl_fail(err, BL_DATA, "'%s' is an index of FAISS: change the "
                       "exact one, and make it again (blink-index ann)",
                       path);
    return faiss;
}

/* The index first: it is never of a later state than a catalogue that is
 * opened after it. */
static int open_work(struct work *work, const struct bl_index_edit *edit,
                     struct bl_err *err)
{
    struct bl_kb *kb = bl_kb_open_named(edit->catalogue, err);

    work->path = kb ? find_index(edit, kb, err) : NULL;
    bl_kb_close(kb);
    if (!work->path || check_kind(work->path, err) < 0
        || bl_index_open(&work->index, work->path, err) < 0)
        return -1;
    work->kb = bl_kb_open_named(edit->catalogue, err);
    if (!work->kb
        || bl_kb_index_check(work->kb, &work->index, &work->arena,
                             &work->since, err) < 0)
        return -1;
    return bl_kb_removed_rows(work->kb, &work->arena, &work->removed,
                              &work->n_removed, err);
}

static void close_work(struct work *work)
{
    bl_index_close(&work->index);
    bl_kb_close(work->kb);
    free(work->path);
    bl_arena_free(&work->arena);
}

/* Rows whose vectors are not to stay: those of rows[n], and what is removed
 * from the catalogue. */
static struct bl_index_change change_of(struct work *work, const int64_t *rows,
                                        size_t n, uint64_t n_new)
{
    int64_t *gone = bl_arena_alloc(&work->arena, n + work->n_removed,
                                   sizeof *gone);

    if (n)
        memcpy(gone, rows, n * sizeof *gone);
    if (work->n_removed)
        memcpy(gone + n, work->removed, work->n_removed * sizeof *gone);
    return (struct bl_index_change){
        .kb = bl_kb_fingerprint(work->kb),
        .kb_entities = bl_kb_count(work->kb), .model = work->index.model,
        .dim = work->index.dim, .gone = gone, .n_gone = n + work->n_removed,
        .n_new = n_new
    };
}

/* ---- The model of an index ---- */

static struct bl_model *try_model(const char *name, const char *fingerprint)
{
    struct bl_err err;
    struct bl_model *model = bl_model_open_as(name, BL_ROLE_BI_ENCODER, &err);

    if (model && strcmp(model->fingerprint, fingerprint)) {
        bl_model_close(model);
        model = NULL;
    }
    return model;
}

/* Among all models of the data folder. */
static struct bl_model *look_for_model(const char *fingerprint)
{
    char *data = bl_path_data(), *models = bl_xasprintf("%s/models", data);
    DIR *folder = opendir(models);
    struct bl_model *model = NULL;
    struct dirent *entry;

    while (folder && !model && (entry = readdir(folder))) {
        char *path;

        if (entry->d_name[0] == '.')
            continue;
        path = bl_xasprintf("%s/%s", models, entry->d_name);
        model = try_model(path, fingerprint);
        free(path);
    }
    if (folder)
        closedir(folder);
    free(models);
    free(data);
    return model;
}

/* That of -m, which must be the index's; else whichever is. */
static struct bl_model *find_model(const struct work *work, const char *name,
                                   struct bl_err *err)
{
    const struct bl_index *index = &work->index;
    struct bl_model *model = NULL;

    if (!name && index->n) {
        model = try_model(NULL, index->model);
        if (!model)
            model = try_model("mini", index->model);
        if (!model)
            model = look_for_model(index->model);
        if (!model)
            bl_fail(err, BL_DATA, "'%s': made with model %s, which is not the "
                    "default one nor in the data folder: give it with -m",
                    work->path, index->model);
        return model;
    }
    model = bl_model_open_as(name, BL_ROLE_BI_ENCODER, err);
    if (model && index->n && strcmp(model->fingerprint, index->model)) {
        bl_fail(err, BL_DATA, "'%s': made with model %s, but '%s' is %s",
                work->path, index->model, model->path, model->fingerprint);
        bl_model_close(model);
        return NULL;
    }
    return model;
}

/* ---- Embedding ---- */

struct embedder {
    struct bl_model *model;
    struct bl_encoder *encoder;
    struct bl_input input;
    struct bl_batch batch;
    struct bl_arena arena;
    struct bl_progress progress;
};

static int open_embedder(struct embedder *embedder, const struct work *work,
                         const struct bl_index_edit *edit, struct bl_err *err)
{
    *embedder = (struct embedder){ .input = BL_INPUT_INIT,
                                   .batch = BL_BATCH_INIT };
    embedder->model = find_model(work, edit->model, err);
    if (!embedder->model)
        return -1;
    embedder->encoder = bl_encoder_open(embedder->model, &edit->engine, err);
    return embedder->encoder ? 0 : -1;
}

static void close_embedder(struct embedder *embedder)
{
    bl_encoder_close(embedder->encoder);
    bl_model_close(embedder->model);
    bl_input_free(&embedder->input);
    bl_batch_free(&embedder->batch);
    bl_arena_free(&embedder->arena);
}

/* 1 with the entity's tokens in the batch, 0 when it was removed. */
static int lay_out(struct embedder *embedder, struct bl_kb *kb, int64_t row,
                   struct bl_err *err)
{
    struct bl_entity entity;
    int rc = bl_kb_get_row(kb, row, &embedder->arena, &entity, err);

    if (rc != 1)
        return rc;
    bl_input_entity(&embedder->input, embedder->model->words,
                    embedder->model->input,
                    &(struct bl_entity_text){ entity.title, entity.text,
                                              true });
    bl_batch_add(&embedder->batch, embedder->input.ids,
                 embedder->input.segments, embedder->input.positions,
                 embedder->input.n);
    bl_arena_reset(&embedder->arena);
    return 1;
}

/* The vectors of the batch, whose entities have rows[]. */
static int embed_batch(struct embedder *embedder, const int64_t *rows,
                       struct bl_index_writer *writer, struct bl_err *err)
{
    size_t n = embedder->batch.n_seqs, dim = bl_encoder_dim(embedder->encoder);
    float *v = bl_xmalloc(n, dim * sizeof *v);
    int rc = n ? bl_encoder_embed(embedder->encoder, BL_TOWER_ENTITY,
                                  &embedder->batch, v, NULL, err) : 0;

    for (size_t i = 0; i < n && rc == 0; i++)
        rc = bl_index_add(writer, (uint64_t)rows[i], v + i * dim, err);
    free(v);
    bl_progress_step(&embedder->progress, n);
    bl_batch_clear(&embedder->batch);
    return rc;
}

/* Rows that changed, then rows that were added. */
static int64_t row_at(const struct bl_kb_since *since, size_t i)
{
    return i < since->n_changed ? since->changed[i]
        : since->first_added + (int64_t)(i - since->n_changed);
}

/* An entity that was added and removed since has a row, but no text. */
static int embed_all(struct embedder *embedder, const struct work *work,
                     struct bl_index_writer *writer, struct bl_err *err)
{
    enum { BATCH = 256 };
    const struct bl_kb_since *since = &work->since;
    size_t n = since->n_changed
        + (bl_kb_count(work->kb) - (size_t)since->first_added);
    int64_t rows[BATCH];
    size_t held = 0;
    int rc = 0;

    for (size_t i = 0; i < n && rc == 0; i++) {
        int has = lay_out(embedder, work->kb, row_at(since, i), err);

        if (has == 1)
            rows[held++] = row_at(since, i);
        if (has < 0)
            rc = -1;
        else if (held == BATCH || i + 1 == n) {
            rc = embed_batch(embedder, rows, writer, err);
            held = 0;
        }
    }
    return rc;
}

/* ---- refresh ---- */

/* The writer is opened last: it makes others wait. */
static int refresh(struct work *work, const struct bl_index_edit *edit,
                   struct bl_err *err)
{
    const struct bl_kb_since *since = &work->since;
    size_t n = since->n_changed + since->n_added;
    struct bl_index_change change = change_of(work, since->changed,
                                              since->n_changed, n);
    struct embedder embedder;
    struct bl_index_writer *writer = NULL;
    int rc = open_embedder(&embedder, work, edit, err);

    if (rc == 0) {
        change.model = embedder.model->fingerprint;
        change.dim = bl_encoder_dim(embedder.encoder);
        writer = bl_index_change(work->path, &change, err);
    }
    if (writer) {
        bl_progress_start(&embedder.progress, "entities embedded", n,
                          edit->progress);
        rc = embed_all(&embedder, work, writer, err);
        bl_progress_end(&embedder.progress);
    }
    close_embedder(&embedder);
    if (!writer)
        return -1;
    if (rc == 0)
        return bl_index_commit(writer, err);
    bl_index_abort(writer);
    return -1;
}

/* Nothing is embedded where only entities were removed, or nothing at all. */
static bool is_current(const struct work *work)
{
    return !strcmp(work->index.kb, bl_kb_fingerprint(work->kb));
}

void bl_index_refresh(struct bl_index_edit *edit, struct bl_args args)
{
    struct work work = { .kb = NULL };
    struct bl_err err;

    if (args.n && edit->catalogue)
        bl_die_usage("the catalogue is given twice");
    if (args.n)
        edit->catalogue = args.v[0];
    if (open_work(&work, edit, &err) < 0)
        bl_die(&err);
    if (is_current(&work))
        bl_note("'%s' is up to date", work.path);
    else if (refresh(&work, edit, &err) < 0)
        bl_die(&err);
    else
        bl_note("'%s': %zu changed and %zu new entities", work.path,
                work.since.n_changed, work.since.n_added);
    close_work(&work);
}

/* ---- add ---- */

/* Vectors that were read, in the order of the input. */
struct given {
    int64_t *rows;              /* [n] */
    float *v;                   /* [n][dim] */
    size_t n, cap_rows, cap_v, dim;
    char *model;                /* NULL: none yet */
};

/* The first vector says the model and the length, where the index has none. */
static int take_vector(struct given *given, const struct work *work,
                       const struct bl_record *record, struct bl_arena *arena,
                       struct bl_err *err)
{
    bool any = work->index.n > 0;
    struct bl_vector_want want = {
        any ? work->index.dim : given->dim,
        any ? work->index.model : given->model,
        any ? work->path : "the first record"
    };
    struct bl_vector vector;
    struct bl_span id;
    int64_t row;
    int rc;

    if (bl_record_id(record, "id", arena, &id, err) < 0)
        return -1;
    rc = bl_kb_row(work->kb, id, &row, err);
    if (rc == 0)
        return bl_fail(err, BL_DATA, "no entity '%.*s' in '%s'",
                       (int)bl_utf8_cut(id.p, id.n, 64), id.p,
                       bl_kb_path(work->kb));
    if (rc < 0 || bl_vector_get(record, &want, arena, &vector, err) < 0)
        return -1;
    if (!given->model) {
        given->model = bl_xstrdup(vector.model.p);
        given->dim = vector.dim;
    }
    BL_GROW(given->rows, given->n + 1, given->cap_rows);
    BL_GROW(given->v, (given->n + 1) * given->dim, given->cap_v);
    given->rows[given->n] = row;
    memcpy(given->v + given->n++ * given->dim, vector.v,
           given->dim * sizeof(float));
    return 0;
}

/* All are read before any is written: which old vectors go must be known. */
static int read_vectors(struct given *given, const struct work *work,
                        const struct bl_index_edit *edit, struct bl_err *err)
{
    struct bl_lines *lines = bl_lines_new(STDIN_FILENO, "stdin",
                                          edit->max_line);
    struct bl_record record = { 0 };
    struct bl_arena arena = BL_ARENA_INIT;
    enum bl_line_status status = BL_LINE_OK;
    struct bl_span line;
    int rc = 0;

    while (rc == 0
           && (status = bl_lines_next(lines, &line, err)) != BL_LINE_END) {
        size_t number = bl_lines_number(lines);

        if (status == BL_LINE_TOO_LONG)
            bl_fail(err, BL_DATA, "longer than %zu bytes", edit->max_line);
        if (status != BL_LINE_OK) {
            rc = -1;
        } else if (!bl_span_blank(line)) {
            rc = bl_record_parse(&record, line, number, err);
            if (rc == 0)
                rc = take_vector(given, work, &record, &arena, err);
        }
        if (rc < 0) {
            bl_err_prefix(err, "stdin:%zu", number);
            err->code = BL_MAX(err->code, BL_DATA);
        }
        bl_arena_reset(&arena);
    }
    bl_record_free(&record);
    bl_arena_free(&arena);
    bl_lines_free(lines);
    return rc;
}

static int by_row(const void *one, const void *other)
{
    int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;

    return (a > b) - (a < b);
}

/* rows[n] in order. */
static bool has_row(const int64_t *rows, size_t n, int64_t row)
{
    return n && bsearch(&row, rows, n, sizeof *rows, by_row);
}

/* An index says of which state of the catalogue it is, so it must not lack
 * the vector of anything that is newer. */
static int check_given(const struct given *given, const struct work *work,
                       struct bl_err *err)
{
    const struct bl_kb_since *since = &work->since;
    size_t n = since->n_changed
        + (bl_kb_count(work->kb) - (size_t)since->first_added), lacking = 0;
    struct bl_arena arena = BL_ARENA_INIT;
    int64_t *rows = bl_xmalloc(given->n, sizeof *rows);
    struct bl_entity entity;
    int rc = 0;

    if (given->n)
        memcpy(rows, given->rows, given->n * sizeof *rows);
    qsort(rows, given->n, sizeof *rows, by_row);
    for (size_t i = 0; i < n && rc >= 0; i++)
        if (!has_row(rows, given->n, row_at(since, i))) {
            rc = bl_kb_brief_row(work->kb, row_at(since, i), &arena, &entity,
                                 err);
            lacking += rc == 1;
        }
    free(rows);
    bl_arena_free(&arena);
    if (rc >= 0 && lacking)
        return bl_fail(err, BL_DATA, "%zu more entities of '%s' are newer than"
                       " '%s'; --partial leaves them without a vector",
                       lacking, bl_kb_path(work->kb), work->path);
    return rc < 0 ? -1 : 0;
}

/* What changed loses its old vector, too, also where it is given no new
 * one. */
static int add_given(struct work *work, const struct given *given,
                     struct bl_err *err)
{
    size_t n = given->n + work->since.n_changed;
    int64_t *rows = bl_arena_alloc(&work->arena, n, sizeof *rows);
    struct bl_index_change change;
    struct bl_index_writer *writer;
    int rc = 0;

    if (given->n)
        memcpy(rows, given->rows, given->n * sizeof *rows);
    if (work->since.n_changed)
        memcpy(rows + given->n, work->since.changed,
               work->since.n_changed * sizeof *rows);
    change = change_of(work, rows, n, given->n);
    if (given->model) {
        change.model = given->model;
        change.dim = given->dim;
    }
    writer = bl_index_change(work->path, &change, err);
    if (!writer)
        return -1;
    for (size_t i = 0; i < given->n && rc == 0; i++)
        rc = bl_index_add(writer, (uint64_t)given->rows[i],
                          given->v + i * given->dim, err);
    if (rc == 0)
        return bl_index_commit(writer, err);
    bl_index_abort(writer);
    return -1;
}

void bl_index_add_vectors(struct bl_index_edit *edit)
{
    struct work work = { .kb = NULL };
    struct given given = { .rows = NULL };
    struct bl_err err;

    if (open_work(&work, edit, &err) < 0
        || read_vectors(&given, &work, edit, &err) < 0
        || (!edit->partial && check_given(&given, &work, &err) < 0)
        || add_given(&work, &given, &err) < 0)
        bl_die(&err);
    bl_note("'%s': %zu vectors", work.path, given.n);
    free(given.rows);
    free(given.v);
    free(given.model);
    close_work(&work);
}

/* ---- remove ---- */

static int find_rows(const struct work *work, struct bl_args ids,
                     int64_t *rows, struct bl_err *err)
{
    for (size_t i = 0; i < ids.n; i++) {
        int rc = bl_kb_row(work->kb, bl_span_of(ids.v[i]), &rows[i], err);

        if (rc == 0)
            return bl_fail(err, BL_DATA, "no entity '%s' in '%s'", ids.v[i],
                           bl_kb_path(work->kb));
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* The state of the index stays what it is, so that what is newer in the
 * catalogue is still seen to be. */
void bl_index_remove_vectors(struct bl_index_edit *edit, struct bl_args args)
{
    struct work work = { .kb = NULL };
    struct bl_index_writer *writer = NULL;
    int64_t *rows = bl_xmalloc(args.n, sizeof *rows);
    struct bl_index_change change;
    struct bl_err err;

    bl_opts_need_utf8(args);
    if (open_work(&work, edit, &err) == 0
        && find_rows(&work, args, rows, &err) == 0) {
        change = change_of(&work, rows, args.n, 0);
        change.kb = NULL;
        writer = bl_index_change(work.path, &change, &err);
    }
    if (!writer || bl_index_commit(writer, &err) < 0)
        bl_die(&err);
    free(rows);
    close_work(&work);
}
