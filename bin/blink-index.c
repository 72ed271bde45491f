/* SPDX-License-Identifier: MIT */
/*
 * blink-index: makes and reads indexes of entity vectors.
 *
 * In (build, add): {"id","embedding"}, as blink-embed --entities writes them
 * Out (cat):  the same, one entity a line
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/finite.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/utf8.h"
#include "catalogue.h"
#include "cli/engine-opts.h"
#include "cli/loop.h"
#include "cli/opts.h"
#include "cli/prog.h"
#include "index/approximate.h"
#include "index/change.h"
#include "index/parts.h"
#include "json/vector.h"
#include "json/writer.h"
#include "kb/kb-index.h"
#include "kb/kb.h"
#include "model/model.h"
#include "search/index.h"
#include "search/vector-file.h"

static struct opts {
    const char *index, *catalogue, *output, *model;
    int dtype, floats;
    bool partial, json;
    size_t parts;
    struct bl_ann_spec ann;
    struct bl_loop_opts loop;
    struct bl_index_edit change;
} options = { .loop = BL_LOOP_OPTS_DEFAULT(64), .ann.type = "HNSW32",
        .change = BL_INDEX_EDIT_DEFAULT };

#define OPT_INDEX \
    BL_OPT_STR('x', "index", "INDEX", &options.index, \
               "index: a file, or a name in the data folder")
#define OPT_CATALOGUE \
    BL_OPT_CATALOGUE(&options.catalogue, \
               "catalogue: a file, or a name in the data folder")

static const struct bl_opt build_opts[] = {
    OPT_CATALOGUE,
    BL_OPT_STR('o', "output", "INDEX", &options.output,
               "file to write (required)"),
    BL_OPT_CHOICE(0, "dtype", BL_DTYPE_NAMES, &options.dtype,
                  "how numbers are stored"),
    BL_OPT_FLAG(0, "partial", &options.partial,
                "entities of the catalogue may lack a vector"),
    BL_OPT_GROUP("Stream"),
    BL_OPT_SIZE(0, "max-line", "BYTES", &options.loop.max_line, 256, 1u << 30,
                "longest line accepted"),
    BL_OPT_FLAG(0, "progress", &options.loop.progress,
                "show a count on standard error"),
    BL_OPTS_END
};

static const struct bl_opt split_opts[] = {
    OPT_INDEX,
    BL_OPT_SIZE('n', "parts", "N", &options.parts, 2, 1 << 10,
                "how many (required)"),
    BL_OPT_STR('o', "output", "PREFIX", &options.output,
               "the parts are PREFIX.1.blx and so on (required)"),
    BL_OPTS_END
};

static const struct bl_opt join_opts[] = {
    OPT_CATALOGUE,
    BL_OPT_STR('o', "output", "INDEX", &options.output,
               "file to write (required)"),
    BL_OPT_FLAG(0, "partial", &options.partial,
                "entities of the catalogue may lack a vector"),
    BL_OPTS_END
};

static const struct bl_opt import_opts[] = {
    BL_OPT_STR('m', "model", "MODEL", &options.model,
               "model that made the vectors"),
    OPT_CATALOGUE,
    BL_OPT_STR('o', "output", "INDEX", &options.output,
               "file to write (required)"),
    BL_OPT_CHOICE(0, "dtype", BL_DTYPE_NAMES, &options.dtype,
                  "how numbers are stored"),
    BL_OPT_FLAG(0, "progress", &options.loop.progress,
                "show a count on standard error"),
    BL_OPTS_END
};

static const struct bl_opt ann_opts[] = {
    OPT_INDEX,
    BL_OPT_STR('o', "output", "FILE", &options.output,
               "file to write (required)"),
    BL_OPT_STR(0, "type", "TYPE", &options.ann.type,
               "kind of index, as FAISS names it"),
    BL_OPT_SIZE(0, "ef-construction", "N", &options.ann.ef_construction, 0,
                1 << 20,
                "HNSW: search width while building (0: 200)"),
    BL_OPT_SIZE(0, "ef-search", "N", &options.ann.ef_search, 0, 1 << 20,
                "HNSW: width of later searches (0: 128)"),
    BL_OPT_SIZE(0, "nprobe", "N", &options.ann.nprobe, 0, 1 << 30,
                "IVF: lists to search later (0: 1/32 or 8)"),
    BL_OPT_SIZE(0, "threads", "N", &options.ann.threads, 0, 256,
                "threads (0: one per core)"),
    BL_OPT_FLAG(0, "progress", &options.loop.progress,
                "show a count on standard error"),
    BL_OPTS_END
};

static const struct bl_opt info_opts[] = {
    OPT_INDEX,
    BL_OPT_FLAG(0, "json", &options.json, "print one JSON object"),
    BL_OPTS_END
};

static const struct bl_opt verify_opts[] = { OPT_INDEX, BL_OPTS_END };

static const struct bl_opt cat_opts[] = {
    OPT_INDEX,
    OPT_CATALOGUE,
    BL_OPT_CHOICE(0, "floats", "base64|json", &options.floats,
                  "how vectors are printed"),
    BL_OPTS_END
};

static const struct bl_opt refresh_opts[] = {
    OPT_INDEX,
    OPT_CATALOGUE,
    BL_OPT_STR('m', "model", "MODEL", &options.change.model,
               "model of the index (found by itself)"),
    BL_OPT_FLAG(0, "progress", &options.change.progress,
                "show a count on standard error"),
    BL_OPTS_ENGINE(options.change.engine),
    BL_OPTS_END
};

static const struct bl_opt add_opts[] = {
    OPT_INDEX,
    OPT_CATALOGUE,
    BL_OPT_FLAG(0, "partial", &options.change.partial,
                "entities of the catalogue may lack a vector"),
    BL_OPT_GROUP("Stream"),
    BL_OPT_SIZE(0, "max-line", "BYTES", &options.loop.max_line, 256, 1u << 30,
                "longest line accepted"),
    BL_OPTS_END
};

static const struct bl_opt remove_opts[] = {
    OPT_INDEX,
    OPT_CATALOGUE,
    BL_OPTS_END
};

enum { BUILD, REFRESH, ADD, REMOVE, SPLIT, JOIN, IMPORT, ANN, INFO, VERIFY,
       CAT, N_COMMANDS };

static const struct bl_command commands[N_COMMANDS] = {
    { "blink-index build", "[-c CATALOGUE] -o INDEX",
      "make an index from embedded entities on standard input", build_opts,
      0, 0 },
    { "blink-index refresh", "[-x INDEX] [-c CATALOGUE]",
      "embed what is new in a catalogue, and nothing else", refresh_opts,
      0, 1 },
    { "blink-index add", "[-x INDEX] [-c CATALOGUE]",
      "add or replace vectors from standard input", add_opts, 0, 0 },
    { "blink-index remove", "[-x INDEX] [-c CATALOGUE] ID...",
      "remove the vectors of entities", remove_opts, 1, SIZE_MAX },
    { "blink-index split", "[-x INDEX] -n N -o PREFIX",
      "cut an index into parts, for several machines", split_opts, 0, 0 },
    { "blink-index join", "[-c CATALOGUE] -o INDEX PART...",
      "make one index of parts", join_opts, 1, 1 << 16 },
    { "blink-index import", "VECTORS [-m MODEL] [-c CATALOGUE] -o INDEX",
      "make an index from BLINK's file of vectors", import_opts, 1, 1 },
    { "blink-index ann", "[-x INDEX] -o FILE [--type TYPE]",
      "make an approximate index from an exact one, with FAISS", ann_opts,
      0, 0 },
    { "blink-index info", "[-x INDEX]", "describe an index", info_opts,
      0, 0 },
    { "blink-index verify", "[-x INDEX]",
      "read a whole index and check it", verify_opts, 0, 0 },
    { "blink-index cat", "[-x INDEX] [-c CATALOGUE]",
      "print the vectors as records", cat_opts, 0, 0 },
};

/* The path of -x; caller frees. */
static char *index_path(void)
{
    struct bl_err err;
    char *path = bl_path_find(BL_PATH_INDEX, options.index, &err);

    if (!path)
        bl_die(&err);
    return path;
}

/* ---- build ---- */

struct builder {
    struct bl_kb *kb;
    struct bl_index_writer *writer;     /* from the first vector on */
    char *model;
    size_t dim;
};

struct input {
    int64_t row;
    struct bl_vector vector;
};

/* A vector that is no good ends the build: an index without it would answer
 * as if the entity did not exist. */
static int read_vector(struct builder *builder, const struct bl_item *item,
                       struct input *in, struct bl_arena *arena,
                       struct bl_err *err)
{
    struct bl_vector_want want = { builder->dim, builder->model,
                                   "the first record" };

    if (bl_vector_get(&item->rec, &want, arena, &in->vector, err) == 0)
        return 0;
    err->code = BL_DATA;
    return bl_err_prefix(err, "stdin:%zu: row %lld of '%s'",
                         item->rec.number, (long long)in->row,
                         bl_kb_path(builder->kb));
}

static int prepare(void *ctx, struct bl_item *item, struct bl_arena *arena,
                   struct bl_err *err)
{
    struct builder *builder = ctx;
    struct input *in = bl_arena_alloc(arena, 1, sizeof *in);
    struct bl_span id;
    int found;

    if (bl_record_id(&item->rec, "id", arena, &id, err) < 0)
        return -1;
    found = bl_kb_row(builder->kb, id, &in->row, err);
    if (found < 0)
        return -1;
    if (!found)
        return bl_fail(err, BL_DATA, "stdin:%zu: no entity '%.*s' in '%s'",
                       item->rec.number,
                       (int)bl_utf8_cut(id.p, id.n, 64), id.p,
                       bl_kb_path(builder->kb));
    if (read_vector(builder, item, in, arena, err) < 0)
        return -1;
    /* The first vector decides: every later one must come from the same model
     * and have as many dimensions, which read_vector() checks. */
    if (!builder->model) {
        builder->model = bl_xstrdup(in->vector.model.p);
        builder->dim = in->vector.dim;
    }
    item->data = in;
    return 0;
}

/* Without any vector the model is not known: blink-index(5). */
static int create(struct builder *builder, struct bl_err *err)
{
    struct bl_index_spec spec = {
        .dtype = (enum bl_dtype)(options.dtype + BL_DTYPE_F32),
        .dim = builder->model ? builder->dim : 1,
        .model = builder->model ? builder->model : "-",
        .kb = bl_kb_fingerprint(builder->kb),
        .kb_entities = bl_kb_count(builder->kb),
        .expected = options.partial ? 0 : bl_kb_count(builder->kb)
                                          - bl_kb_removed(builder->kb)
    };

    /* As much is reserved as the catalogue says that it has. */
    if (bl_kb_check_count(builder->kb, err) < 0)
        return -1;
    builder->writer = bl_index_create(options.output, &spec, err);
    return builder->writer ? bl_index_pass_removed(builder->writer,
                                                   builder->kb, err) : -1;
}

static int run(void *ctx, struct bl_item **items, size_t n,
               struct bl_arena *arena, struct bl_err *err)
{
    struct builder *builder = ctx;

    (void)arena;
    if (!builder->writer && create(builder, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const struct input *in = items[i]->data;

        if (bl_index_add(builder->writer, (uint64_t)in->row, in->vector.v,
                         err) == 0)
            continue;
        if (err->code == BL_DATA)
            bl_err_prefix(err, "stdin:%zu", items[i]->rec.number);
        return -1;
    }
    return 0;
}

static int check_complete(struct builder *builder, struct bl_err *err)
{
    struct bl_arena arena = BL_ARENA_INIT;
    uint64_t row = bl_index_missing(builder->writer);
    uint64_t n = bl_kb_count(builder->kb);
    uint64_t live = n - bl_kb_removed(builder->kb);
    struct bl_entity entity;
    int rc = 0;

    /* An entity without a vector would never be found, and nothing in the
     * answers would show it: the user has to allow it. */
    if (!options.partial && row < n) {
        if (bl_kb_brief_row(builder->kb, (int64_t)row, &arena, &entity,
                            err) == 1)
            bl_fail(err, BL_DATA, "%" PRIu64 " of the %" PRIu64 " entities "
                    "of '%s' have no vector, the first is '%.*s' (row %"
                    PRIu64 "); --partial allows it",
                    live - bl_index_added(builder->writer), live,
                    bl_kb_path(builder->kb),
                    (int)bl_utf8_cut(entity.id.p, entity.id.n, 64),
                    entity.id.p, row);
        rc = -1;
    }
    bl_arena_free(&arena);
    return rc;
}

static int run_build(void)
{
    struct builder builder = { .kb = NULL };
    struct bl_loop loop = { .opts = &options.loop, .ctx = &builder,
                            .prepare = prepare, .run = run };
    struct bl_err err;

    if (!options.output)
        bl_die_usage("option '--output' is required");
    builder.kb = bl_catalogue_open(options.catalogue);
    int status = bl_loop_run(&loop);
    /* Above 1 the loop has already said why it stopped.  An index of what came
     * before would be missing entities without saying so: nothing is left of
     * it. */
    if (status > 1) {
        bl_index_abort(builder.writer);
    } else {
        if ((!builder.writer && create(&builder, &err) < 0)
            || check_complete(&builder, &err) < 0) {
            bl_index_abort(builder.writer);
            bl_die(&err);
        }
        uint64_t n = bl_index_added(builder.writer);
        if (bl_index_commit(builder.writer, &err) < 0)
            bl_die(&err);
        bl_note("'%s': %" PRIu64 " vectors of %zu numbers", options.output, n,
                builder.dim);
    }
    bl_kb_close(builder.kb);
    free(builder.model);
    return status;
}

/* ---- import ---- */

/* Vector i of BLINK's files is of the catalogue's row i, and nothing in them
 * says so: the sizes have to be right. */
static int check_import(const struct bl_vector_file *vectors, const char *path,
                        const struct bl_kb *kb, const struct bl_model *model,
                        struct bl_err *err)
{
    if (bl_model_need(model, BL_ROLE_BI_ENCODER, err) < 0)
        return -1;
    if (*vectors->model && strcmp(vectors->model, model->fingerprint))
        return bl_fail(err, BL_DATA, "'%s': made with model %.16s, but "
                       "'%s' is %.16s", path, vectors->model, model->path,
                       model->fingerprint);
    if (*vectors->kb && strcmp(vectors->kb, bl_kb_fingerprint(kb)))
        return bl_fail(err, BL_DATA, "'%s': made for catalogue %.16s, but "
                       "'%s' is %.16s", path, vectors->kb, bl_kb_path(kb),
                       bl_kb_fingerprint(kb));
    if (vectors->dim != model->dim)
        return bl_fail(err, BL_DATA, "'%s': vectors of %zu numbers, but "
                       "those of the model '%s' have %zu", path, vectors->dim,
                       model->path, model->dim);
    if (vectors->n != bl_kb_count(kb))
        return bl_fail(err, BL_DATA, "'%s': %zu vectors, but '%s' has %zu "
                       "entities", path, vectors->n, bl_kb_path(kb),
                       bl_kb_count(kb));
    return 0;
}

static int import_rows(const struct bl_vector_file *vectors, const char *path,
                       struct bl_index_writer *writer, struct bl_err *err)
{
    /* The vectors of a whole catalogue may be larger than memory, so they pass
     * through in parts of PART rows. */
    enum { PART = 1024 };
    float *part = bl_xmalloc(vectors->dim, PART * sizeof *part);
    struct bl_progress progress;
    int rc = 0;

    bl_progress_start(&progress, "vectors imported", vectors->n,
                      options.loop.progress);
    for (size_t first = 0, n; first < vectors->n && rc == 0; first += n) {
        n = BL_MIN(vectors->n - first, PART);
        bl_vector_file_read(vectors, first, n, part);
        for (size_t i = 0; i < n && rc == 0; i++)
            rc = bl_index_add(writer, bl_vector_file_row(vectors, first + i),
                              part + i * vectors->dim, err);
        bl_progress_step(&progress, n);
    }
    bl_progress_end(&progress);
    free(part);
    if (rc < 0 && err->code == BL_DATA)
        bl_err_prefix(err, "'%s'", path);
    return rc;
}

static int import(const struct bl_vector_file *vectors, const char *path,
                  const struct bl_kb *kb, const struct bl_model *model,
                  struct bl_err *err)
{
    struct bl_index_spec spec = {
        .dtype = (enum bl_dtype)(options.dtype + BL_DTYPE_F32),
        .dim = vectors->dim,
        .model = model->fingerprint, .kb = bl_kb_fingerprint(kb),
        .kb_entities = vectors->n, .expected = vectors->n
    };
    struct bl_index_writer *writer;

    if (check_import(vectors, path, kb, model, err) < 0)
        return -1;
    writer = bl_index_create(options.output, &spec, err);
    if (!writer)
        return -1;
    if (import_rows(vectors, path, writer, err) == 0)
        return bl_index_commit(writer, err);
    bl_index_abort(writer);
    return -1;
}

static void run_import(const char *path)
{
    struct bl_vector_file *vectors;
    struct bl_model *model;
    struct bl_kb *kb;
    struct bl_err err;

    if (!options.output)
        bl_die_usage("option '--output' is required");
    kb = bl_catalogue_open(options.catalogue);
    model = bl_model_open_as(options.model, BL_ROLE_BI_ENCODER, &err);
    vectors = model ? bl_vector_file_open(path, &err) : NULL;
    if (!vectors || import(vectors, path, kb, model, &err) < 0)
        bl_die(&err);
    bl_note("'%s': %zu vectors of %zu numbers", options.output, vectors->n,
            vectors->dim);
    bl_vector_file_close(vectors);
    bl_model_close(model);
    bl_kb_close(kb);
}

/* ---- info, verify, cat ---- */

static void info_table(struct bl_buf *out, const struct bl_index *index)
{
    bl_buf_printf(out, "%-12s %s\n", "index", index->map.path);
    bl_buf_printf(out, "%-12s %" PRIu64 "\n", "vectors", index->n);
    bl_buf_printf(out, "%-12s %zu\n", "dimension", index->dim);
    bl_buf_printf(out, "%-12s %s\n", "numbers", bl_dtype_name(index->dtype));
    bl_buf_printf(out, "%-12s %.16s\n", "model", index->model);
    bl_buf_printf(out, "%-12s %.16s\n", "catalogue", index->kb);
    bl_buf_printf(out, "%-12s %" PRIu64 "\n", "entities", index->kb_entities);
    bl_buf_printf(out, "%-12s %zu\n", "segments", index->n_segments);
    if (index->changes.data)
        bl_buf_printf(out, "%-12s %s\n", "changes", index->changes.path);
    bl_buf_printf(out, "%-12s %d\n", "format", bl_dtype_version(index->dtype));
    bl_buf_printf(out, "%-12s %zu\n", "bytes", index->map.size);
}

static void info_json(struct bl_buf *out, const struct bl_index *index)
{
    struct bl_writer writer = bl_writer(out, BL_WRITE_COMPACT);
    struct bl_buf path = BL_BUF_INIT;

    bl_utf8_repair(&path, index->map.path, strlen(index->map.path));
    bl_write_object(&writer, NULL);
    bl_write_span(&writer, "index", (struct bl_span){ path.data, path.len });
    bl_write_size(&writer, "count", index->n);
    bl_write_size(&writer, "dim", index->dim);
    bl_write_string(&writer, "dtype", bl_dtype_name(index->dtype));
    bl_write_string(&writer, "model", index->model);
    bl_write_string(&writer, "catalogue", index->kb);
    bl_write_size(&writer, "entities", index->kb_entities);
    bl_write_size(&writer, "segments", index->n_segments);
    if (index->changes.data)
        bl_write_size(&writer, "changes", index->changes.size);
    bl_write_integer(&writer, "format", bl_dtype_version(index->dtype));
    bl_write_size(&writer, "bytes", index->map.size);
    bl_write_end(&writer);
    bl_write_line(&writer);
    bl_buf_free(&path);
}

static void run_info(const struct bl_index *index)
{
    struct bl_buf out = BL_BUF_INIT;

    if (options.json)
        info_json(&out, index);
    else
        info_table(&out, index);
    bl_out(out.data, out.len);
    bl_buf_free(&out);
}

static void run_verify(const struct bl_index *index)
{
    struct bl_err err;

    if (bl_index_verify(index, &err) < 0)
        bl_die(&err);
    bl_note("'%s' is intact: %" PRIu64 " vectors", index->map.path, index->n);
}

struct printer {
    const struct bl_index *x;
    struct bl_kb *kb;
    struct bl_arena arena;
    struct bl_buf out;
    float *v;                   /* [padded] */
};

static void print_vector(struct printer *printer,
                         const struct bl_index_segment *segment, uint64_t i)
{
    enum { FLUSH_AT = 1 << 16 };
    struct bl_writer writer = bl_writer(&printer->out, BL_WRITE_COMPACT);
    struct bl_entity entity;
    struct bl_err err;

    if (segment->rows[i] == BL_INDEX_REMOVED)
        return;
    int found = bl_kb_brief_row(printer->kb, segment->rows[i], &printer->arena,
                                &entity, &err);
    if (!found)
        bl_fail(&err, BL_DATA, "'%s': vector %" PRIu64 ": no row %" PRIu32
                " in '%s'", printer->x->map.path, i, segment->rows[i],
                bl_kb_path(printer->kb));
    if (found != 1)
        bl_die(&err);
    bl_index_decode(printer->x, segment, i, 1, printer->v);
    /* JSON has no NaN or infinity, and blink-index build would refuse the
     * record. */
    size_t bad = bl_finite_before(printer->v, printer->x->dim);
    if (bad < printer->x->dim) {
        bl_fail(&err, BL_DATA, "'%s': vector %" PRIu64 ": value %zu is not "
                "finite", printer->x->map.path, i, bad);
        bl_die(&err);
    }
    bl_write_object(&writer, NULL);
    bl_write_span(&writer, "id", entity.id);
    bl_vector_put(bl_write_slot(&writer, "embedding"), printer->v,
                  printer->x->dim,
                  printer->x->model, false, (enum bl_floats)options.floats);
    bl_write_end(&writer);
    bl_write_line(&writer);
    bl_arena_reset(&printer->arena);
    if (printer->out.len >= FLUSH_AT) {
        bl_out(printer->out.data, printer->out.len);
        bl_buf_clear(&printer->out);
    }
}

static void run_cat(struct bl_index *index)
{
    struct printer printer = { .x = index,
                               .kb = bl_catalogue_open(options.catalogue) };
    struct bl_kb_since since;
    struct bl_err err;

    if (bl_kb_index_check(printer.kb, index, &printer.arena, &since, &err) < 0)
        bl_die(&err);
    bl_arena_reset(&printer.arena);
    printer.v = bl_xmalloc(index->padded, sizeof *printer.v);
    for (size_t s = 0; s < index->n_segments; s++)
        for (uint64_t i = 0; i < index->segments[s].n; i++)
            print_vector(&printer, &index->segments[s], i);
    bl_out(printer.out.data, printer.out.len);
    bl_buf_free(&printer.out);
    bl_arena_free(&printer.arena);
    bl_kb_close(printer.kb);
    free(printer.v);
}

static void run_ann(void)
{
    char *path;

    if (!options.output)
        bl_die_usage("option '--output' is required");
    path = index_path();
    bl_index_ann_make(path, options.output, &options.ann,
                      options.loop.progress);
    free(path);
}

/* info and verify of an index that FAISS wrote. */
static void run_faiss(size_t command, const char *path)
{
    struct bl_err err;

    if (command == CAT) {
        bl_fail(&err, BL_DATA, "'%s' is an index of FAISS: make an exact one "
                "of it first (blink-index import)", path);
        bl_die(&err);
    }
    if (command == INFO)
        bl_index_ann_info(path, options.json);
    else
        bl_index_ann_verify(path);
}

static void run_reader(size_t command)
{
    char *path = index_path();
    struct bl_index index;
    struct bl_err err;
    int faiss = bl_faiss_is_file(path, &err);

    if (faiss < 0)
        bl_die(&err);
    /* An index of FAISS is recognised by its first bytes, whatever it is
     * called. */
    if (faiss) {
        run_faiss(command, path);
        free(path);
        return;
    }
    if (bl_index_open(&index, path, &err) < 0)
        bl_die(&err);
    free(path);
    if (command == INFO)
        run_info(&index);
    else if (command == VERIFY)
        run_verify(&index);
    else
        run_cat(&index);
    bl_index_close(&index);
}

static void run_change(size_t command, struct bl_args args)
{
    options.change.index = options.index;
    options.change.catalogue = options.catalogue;
    options.change.max_line = options.loop.max_line;
    if (command == REFRESH)
        bl_index_refresh(&options.change, args);
    else if (command == ADD)
        bl_index_add_vectors(&options.change);
    else
        bl_index_remove_vectors(&options.change, args);
}

/* ---- split and join ---- */

static void run_split(void)
{
    struct bl_err err;
    char *path;
    int faiss;

    if (!options.output || !options.parts)
        bl_die_usage("options '--output' and '--parts' are required");
    path = index_path();
    faiss = bl_faiss_is_file(path, &err);
    if (faiss > 0)
        bl_fail(&err, BL_DATA, "'%s' is an index of FAISS: split the exact "
                "one", path);
    if (faiss)
        bl_die(&err);
    bl_index_split(path, options.output, options.parts);
    free(path);
}

static void run_join(struct bl_args args)
{
    struct bl_kb *kb;

    if (!options.output)
        bl_die_usage("option '--output' is required");
    kb = bl_catalogue_open(options.catalogue);
    bl_index_join(args, kb, options.output, options.partial);
    bl_kb_close(kb);
}

int main(int argc, char **argv)
{
    size_t command;
    struct bl_args args;
    int status = 0;

    bl_prog_init("blink-index");
    command = bl_opts_subcommand("blink-index",
                                 "make and read indexes of entity vectors",
                                 commands, N_COMMANDS, argc, argv);
    args = bl_opts_parse(&commands[command], argc - 1, argv + 1);
    if (command == BUILD)
        status = run_build();
    else if (command == REFRESH || command == ADD || command == REMOVE)
        run_change(command, args);
    else if (command == SPLIT)
        run_split();
    else if (command == JOIN)
        run_join(args);
    else if (command == IMPORT)
        run_import(args.v[0]);
    else if (command == ANN)
        run_ann();
    else
        run_reader(command);
    return bl_prog_finish(status);
}
