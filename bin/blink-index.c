/* SPDX-License-Identifier: MIT */
/*
 * blink-index: makes and reads indexes of entity vectors.
 *
 * In (build): {"id","embedding"}, as blink-embed --entities writes them
 * Out (cat):  the same, one entity a line
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/finite.h"
#include "catalogue.h"
#include "index/approximate.h"
#include "search/index.h"
#include "kb/kb.h"
#include "cli/loop.h"
#include "base/mem.h"
#include "model/model.h"
#include "cli/opts.h"
#include "base/paths.h"
#include "cli/prog.h"
#include "base/utf8.h"
#include "json/vector.h"
#include "json/writer.h"
#include "search/vector-file.h"

static struct opts {
    const char *index, *catalogue, *output, *model;
    int dtype, floats;
    bool partial, json;
    struct bl_ann_spec ann;
    struct bl_loop_opts loop;
} o = { .loop = BL_LOOP_OPTS_DEFAULT(64), .ann.type = "HNSW32" };

#define OPT_INDEX \
    BL_OPT_STR('x', "index", "INDEX", &o.index, \
               "index: a file, or a name in the data folder")
#define OPT_CATALOGUE \
    BL_OPT_CATALOGUE(&o.catalogue, \
               "catalogue: a file, or a name in the data folder")

static const struct bl_opt build_opts[] = {
    OPT_CATALOGUE,
    BL_OPT_STR('o', "output", "INDEX", &o.output,
               "file to write (required)"),
    BL_OPT_CHOICE(0, "dtype", BL_DTYPE_NAMES, &o.dtype,
                  "how numbers are stored"),
    BL_OPT_FLAG(0, "partial", &o.partial,
                "entities of the catalogue may lack a vector"),
    BL_OPT_GROUP("Stream"),
    BL_OPT_SIZE(0, "max-line", "BYTES", &o.loop.max_line, 256, 1u << 30,
                "longest line accepted"),
    BL_OPT_FLAG(0, "progress", &o.loop.progress,
                "show a count on standard error"),
    BL_OPTS_END
};

static const struct bl_opt import_opts[] = {
    BL_OPT_STR('m', "model", "MODEL", &o.model,
               "model that made the vectors"),
    OPT_CATALOGUE,
    BL_OPT_STR('o', "output", "INDEX", &o.output,
               "file to write (required)"),
    BL_OPT_CHOICE(0, "dtype", BL_DTYPE_NAMES, &o.dtype,
                  "how numbers are stored"),
    BL_OPT_FLAG(0, "progress", &o.loop.progress,
                "show a count on standard error"),
    BL_OPTS_END
};

static const struct bl_opt ann_opts[] = {
    OPT_INDEX,
    BL_OPT_STR('o', "output", "FILE", &o.output,
               "file to write (required)"),
    BL_OPT_STR(0, "type", "TYPE", &o.ann.type,
               "kind of index, as FAISS names it"),
    BL_OPT_SIZE(0, "ef-construction", "N", &o.ann.ef_construction, 0, 1 << 20,
                "HNSW: search width while building (0: 200)"),
    BL_OPT_SIZE(0, "ef-search", "N", &o.ann.ef_search, 0, 1 << 20,
                "HNSW: width of later searches (0: 128)"),
    BL_OPT_SIZE(0, "nprobe", "N", &o.ann.nprobe, 0, 1 << 30,
                "IVF: lists to search later (0: 1/32 or 8)"),
    BL_OPT_SIZE(0, "threads", "N", &o.ann.threads, 0, 256,
                "threads (0: one per core)"),
    BL_OPT_FLAG(0, "progress", &o.loop.progress,
                "show a count on standard error"),
    BL_OPTS_END
};

static const struct bl_opt info_opts[] = {
    OPT_INDEX,
    BL_OPT_FLAG(0, "json", &o.json, "print one JSON object"),
    BL_OPTS_END
};

static const struct bl_opt verify_opts[] = { OPT_INDEX, BL_OPTS_END };

static const struct bl_opt cat_opts[] = {
    OPT_INDEX,
    OPT_CATALOGUE,
    BL_OPT_CHOICE(0, "floats", "base64|json", &o.floats,
                  "how vectors are printed"),
    BL_OPTS_END
};

enum { BUILD, IMPORT, ANN, INFO, VERIFY, CAT, N_COMMANDS };

static const struct bl_command commands[N_COMMANDS] = {
    { "blink-index build", "[-c CATALOGUE] -o INDEX",
      "make an index from embedded entities on standard input", build_opts,
      0, 0 },
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
    char *path = bl_path_find(BL_PATH_INDEX, o.index, &err);

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
static int read_vector(struct builder *b, const struct bl_item *item,
                       struct input *in, struct bl_arena *arena,
                       struct bl_err *err)
{
    struct bl_vector_want want = { b->dim, b->model, "the first record" };

    if (bl_vector_get(&item->rec, &want, arena, &in->vector, err) == 0)
        return 0;
    err->code = BL_DATA;
    return bl_err_prefix(err, "stdin:%zu: row %lld of '%s'",
                         item->rec.number, (long long)in->row,
                         bl_kb_path(b->kb));
}

static int prepare(void *ctx, struct bl_item *item, struct bl_arena *arena,
                   struct bl_err *err)
{
    struct builder *b = ctx;
    struct input *in = bl_arena_alloc(arena, 1, sizeof *in);
    struct bl_span id;
    int found;

    if (bl_record_id(&item->rec, "id", arena, &id, err) < 0)
        return -1;
    found = bl_kb_row(b->kb, id, &in->row, err);
    if (found < 0)
        return -1;
    if (!found)
        return bl_fail(err, BL_DATA, "stdin:%zu: no entity '%.*s' in '%s'",
                       item->rec.number,
                       (int)bl_utf8_cut(id.p, id.n, 64), id.p,
                       bl_kb_path(b->kb));
    if (read_vector(b, item, in, arena, err) < 0)
        return -1;
    if (!b->model) {
        b->model = bl_xstrdup(in->vector.model.p);
        b->dim = in->vector.dim;
    }
    item->data = in;
    return 0;
}

/* Without any vector the model is not known: blink-index(5). */
static int create(struct builder *b, struct bl_err *err)
{
    struct bl_index_spec spec = {
        .dtype = (enum bl_dtype)(o.dtype + BL_DTYPE_F32),
        .dim = b->model ? b->dim : 1,
        .model = b->model ? b->model : "-",
        .kb = bl_kb_fingerprint(b->kb),
        .kb_entities = bl_kb_count(b->kb),
        .expected = o.partial ? 0 : bl_kb_count(b->kb)
    };

    /* As much is reserved as the catalogue says that it has. */
    if (bl_kb_check_count(b->kb, err) < 0)
        return -1;
    b->writer = bl_index_create(o.output, &spec, err);
    return b->writer ? 0 : -1;
}

static int run(void *ctx, struct bl_item **items, size_t n,
               struct bl_arena *arena, struct bl_err *err)
{
    struct builder *b = ctx;

    (void)arena;
    if (!b->writer && create(b, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const struct input *in = items[i]->data;

        if (bl_index_add(b->writer, (uint64_t)in->row, in->vector.v,
                         err) == 0)
            continue;
        if (err->code == BL_DATA)
            bl_err_prefix(err, "stdin:%zu", items[i]->rec.number);
        return -1;
    }
    return 0;
}

static int check_complete(struct builder *b, struct bl_err *err)
{
    struct bl_arena arena = BL_ARENA_INIT;
    uint64_t row = bl_index_missing(b->writer), n = bl_kb_count(b->kb);
    struct bl_entity e;
    int rc = 0;

    if (!o.partial && row < n) {
        if (bl_kb_brief_row(b->kb, (int64_t)row, &arena, &e, err) == 1)
            bl_fail(err, BL_DATA, "%" PRIu64 " of the %" PRIu64 " entities "
                    "of '%s' have no vector, the first is '%.*s' (row %"
                    PRIu64 "); --partial allows it",
                    n - bl_index_added(b->writer), n, bl_kb_path(b->kb),
                    (int)bl_utf8_cut(e.id.p, e.id.n, 64), e.id.p, row);
        rc = -1;
    }
    bl_arena_free(&arena);
    return rc;
}

static int run_build(void)
{
    struct builder b = { .kb = NULL };
    struct bl_loop loop = { .opts = &o.loop, .ctx = &b, .prepare = prepare,
                            .run = run };
    struct bl_err err;

    if (!o.output)
        bl_die_usage("option '--output' is required");
    b.kb = bl_catalogue_open(o.catalogue);
    int status = bl_loop_run(&loop);
    if (status > 1) {
        bl_index_abort(b.writer);
    } else {
        if ((!b.writer && create(&b, &err) < 0)
            || check_complete(&b, &err) < 0) {
            bl_index_abort(b.writer);
            bl_die(&err);
        }
        uint64_t n = bl_index_added(b.writer);
        if (bl_index_commit(b.writer, &err) < 0)
            bl_die(&err);
        bl_note("'%s': %" PRIu64 " vectors of %zu numbers", o.output, n,
                b.dim);
    }
    bl_kb_close(b.kb);
    free(b.model);
    return status;
}

/* ---- import ---- */

/* Vector i of BLINK's files is of the catalogue's row i, and nothing in them
 * says so: the sizes have to be right. */
static int check_import(const struct bl_vector_file *f, const char *path,
                        const struct bl_kb *kb, const struct bl_model *m,
                        struct bl_err *err)
{
    if (bl_model_need(m, BL_ROLE_BI_ENCODER, err) < 0)
        return -1;
    if (*f->model && strcmp(f->model, m->fingerprint))
        return bl_fail(err, BL_DATA, "'%s': made with model %.16s, but "
                       "'%s' is %.16s", path, f->model, m->path,
                       m->fingerprint);
    if (*f->kb && strcmp(f->kb, bl_kb_fingerprint(kb)))
        return bl_fail(err, BL_DATA, "'%s': made for catalogue %.16s, but "
                       "'%s' is %.16s", path, f->kb, bl_kb_path(kb),
                       bl_kb_fingerprint(kb));
    if (f->dim != m->dim)
        return bl_fail(err, BL_DATA, "'%s': vectors of %zu numbers, but "
                       "those of the model '%s' have %zu", path, f->dim,
                       m->path, m->dim);
    if (f->n != bl_kb_count(kb))
        return bl_fail(err, BL_DATA, "'%s': %zu vectors, but '%s' has %zu "
                       "entities", path, f->n, bl_kb_path(kb),
                       bl_kb_count(kb));
    return 0;
}

static int import_rows(const struct bl_vector_file *f, const char *path,
                       struct bl_index_writer *w, struct bl_err *err)
{
    enum { PART = 1024 };
    float *v = bl_xmalloc(f->dim, PART * sizeof *v);
    struct bl_progress p;
    int rc = 0;

    bl_progress_start(&p, "vectors imported", f->n, o.loop.progress);
    for (size_t first = 0, n; first < f->n && !rc; first += n) {
        n = BL_MIN(f->n - first, PART);
        bl_vector_file_read(f, first, n, v);
        for (size_t i = 0; i < n && !rc; i++)
            rc = bl_index_add(w, bl_vector_file_row(f, first + i),
                              v + i * f->dim, err);
        bl_progress_step(&p, n);
    }
    bl_progress_end(&p);
    free(v);
    if (rc < 0 && err->code == BL_DATA)
        bl_err_prefix(err, "'%s'", path);
    return rc;
}

static int import(const struct bl_vector_file *f, const char *path,
                  const struct bl_kb *kb, const struct bl_model *m,
                  struct bl_err *err)
{
    struct bl_index_spec spec = {
        .dtype = (enum bl_dtype)(o.dtype + BL_DTYPE_F32), .dim = f->dim,
        .model = m->fingerprint, .kb = bl_kb_fingerprint(kb),
        .kb_entities = f->n, .expected = f->n
    };
    struct bl_index_writer *w;

    if (check_import(f, path, kb, m, err) < 0)
        return -1;
    w = bl_index_create(o.output, &spec, err);
    if (!w)
        return -1;
    if (import_rows(f, path, w, err) == 0)
        return bl_index_commit(w, err);
    bl_index_abort(w);
    return -1;
}

static void run_import(const char *path)
{
    struct bl_vector_file *f;
    struct bl_model *m;
    struct bl_kb *kb;
    struct bl_err err;

    if (!o.output)
        bl_die_usage("option '--output' is required");
    kb = bl_catalogue_open(o.catalogue);
    m = bl_model_open_as(o.model, BL_ROLE_BI_ENCODER, &err);
    f = m ? bl_vector_file_open(path, &err) : NULL;
    if (!f || import(f, path, kb, m, &err) < 0)
        bl_die(&err);
    bl_note("'%s': %zu vectors of %zu numbers", o.output, f->n, f->dim);
    bl_vector_file_close(f);
    bl_model_close(m);
    bl_kb_close(kb);
}

/* ---- info, verify, cat ---- */

static void info_table(struct bl_buf *b, const struct bl_index *x)
{
    bl_buf_printf(b, "%-12s %s\n", "index", x->map.path);
    bl_buf_printf(b, "%-12s %" PRIu64 "\n", "vectors", x->n);
    bl_buf_printf(b, "%-12s %zu\n", "dimension", x->dim);
    bl_buf_printf(b, "%-12s %s\n", "numbers", bl_dtype_name(x->dtype));
    bl_buf_printf(b, "%-12s %.16s\n", "model", x->model);
    bl_buf_printf(b, "%-12s %.16s\n", "catalogue", x->kb);
    bl_buf_printf(b, "%-12s %" PRIu64 "\n", "entities", x->kb_entities);
    bl_buf_printf(b, "%-12s %zu\n", "segments", x->n_segments);
    bl_buf_printf(b, "%-12s %d\n", "format", bl_dtype_version(x->dtype));
    bl_buf_printf(b, "%-12s %zu\n", "bytes", x->map.size);
}

static void info_json(struct bl_buf *b, const struct bl_index *x)
{
    struct bl_writer w = bl_writer(b, BL_WRITE_COMPACT);
    struct bl_buf path = BL_BUF_INIT;

    bl_utf8_repair(&path, x->map.path, strlen(x->map.path));
    bl_write_object(&w, NULL);
    bl_write_span(&w, "index", (struct bl_span){ path.data, path.len });
    bl_write_size(&w, "count", x->n);
    bl_write_size(&w, "dim", x->dim);
    bl_write_string(&w, "dtype", bl_dtype_name(x->dtype));
    bl_write_string(&w, "model", x->model);
    bl_write_string(&w, "catalogue", x->kb);
    bl_write_size(&w, "entities", x->kb_entities);
    bl_write_size(&w, "segments", x->n_segments);
    bl_write_integer(&w, "format", bl_dtype_version(x->dtype));
    bl_write_size(&w, "bytes", x->map.size);
    bl_write_end(&w);
    bl_write_line(&w);
    bl_buf_free(&path);
}

static void run_info(const struct bl_index *x)
{
    struct bl_buf b = BL_BUF_INIT;

    if (o.json)
        info_json(&b, x);
    else
        info_table(&b, x);
    bl_out(b.data, b.len);
    bl_buf_free(&b);
}

static void run_verify(const struct bl_index *x)
{
    struct bl_err err;

    if (bl_index_verify(x, &err) < 0)
        bl_die(&err);
    bl_note("'%s' is intact: %" PRIu64 " vectors", x->map.path, x->n);
}

struct printer {
    const struct bl_index *x;
    struct bl_kb *kb;
    struct bl_arena arena;
    struct bl_buf out;
    float *v;                   /* [padded] */
};

static void print_vector(struct printer *p,
                         const struct bl_index_segment *s, uint64_t i)
{
    enum { FLUSH_AT = 1 << 16 };
    struct bl_writer w = bl_writer(&p->out, BL_WRITE_COMPACT);
    struct bl_entity e;
    struct bl_err err;

    if (s->rows[i] == BL_INDEX_REMOVED)
        return;
    int found = bl_kb_brief_row(p->kb, s->rows[i], &p->arena, &e, &err);
    if (!found)
        bl_fail(&err, BL_DATA, "'%s': vector %" PRIu64 ": no row %" PRIu32
                " in '%s'", p->x->map.path, i, s->rows[i],
                bl_kb_path(p->kb));
    if (found != 1)
        bl_die(&err);
    bl_index_decode(p->x, s, i, 1, p->v);
    size_t bad = bl_finite_before(p->v, p->x->dim);
    if (bad < p->x->dim) {
        bl_fail(&err, BL_DATA, "'%s': vector %" PRIu64 ": value %zu is not "
                "finite", p->x->map.path, i, bad);
        bl_die(&err);
    }
    bl_write_object(&w, NULL);
    bl_write_span(&w, "id", e.id);
    bl_vector_put(bl_write_slot(&w, "embedding"), p->v, p->x->dim,
                  p->x->model, false, (enum bl_floats)o.floats);
    bl_write_end(&w);
    bl_write_line(&w);
    bl_arena_reset(&p->arena);
    if (p->out.len >= FLUSH_AT) {
        bl_out(p->out.data, p->out.len);
        bl_buf_clear(&p->out);
    }
}

static void run_cat(const struct bl_index *x)
{
    struct printer p = { .x = x, .kb = bl_catalogue_open(o.catalogue) };
    struct bl_err err;

    if (bl_index_check_kb(x, bl_kb_fingerprint(p.kb), bl_kb_count(p.kb),
                          bl_kb_path(p.kb), &err) < 0)
        bl_die(&err);
    p.v = bl_xmalloc(x->padded, sizeof *p.v);
    for (size_t s = 0; s < x->n_segments; s++)
        for (uint64_t i = 0; i < x->segments[s].n; i++)
            print_vector(&p, &x->segments[s], i);
    bl_out(p.out.data, p.out.len);
    bl_buf_free(&p.out);
    bl_arena_free(&p.arena);
    bl_kb_close(p.kb);
    free(p.v);
}

static void run_ann(void)
{
    char *path;

    if (!o.output)
        bl_die_usage("option '--output' is required");
    path = index_path();
    bl_index_ann_make(path, o.output, &o.ann, o.loop.progress);
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
        bl_index_ann_info(path, o.json);
    else
        bl_index_ann_verify(path);
}

static void run_reader(size_t command)
{
    char *path = index_path();
    struct bl_index x;
    struct bl_err err;

    if (bl_faiss_is_file(path)) {
        run_faiss(command, path);
        free(path);
        return;
    }
    if (bl_index_open(&x, path, &err) < 0)
        bl_die(&err);
    free(path);
    if (command == INFO)
        run_info(&x);
    else if (command == VERIFY)
        run_verify(&x);
    else
        run_cat(&x);
    bl_index_close(&x);
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
    else if (command == IMPORT)
        run_import(args.v[0]);
    else if (command == ANN)
        run_ann();
    else
        run_reader(command);
    return bl_prog_finish(status);
}
