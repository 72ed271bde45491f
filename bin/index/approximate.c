/* SPDX-License-Identifier: MIT */
/* blink-index: making approximate indexes, and reading FAISS's files. */
#include "config.h"

#include "approximate.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "cli/prog.h"
#include "json/writer.h"
#include "search/index.h"

static void step(void *ctx, size_t more)
{
    bl_progress_step(ctx, more);
}

void bl_index_ann_make(const char *path, const char *output,
                       struct bl_ann_spec *spec, bool progress)
{
    struct bl_progress p;
    struct bl_index index;
    struct bl_err err;

    if (bl_index_open(&index, path, &err) < 0)
        bl_die(&err);
    bl_progress_start(&p, "vectors indexed", index.n, progress);
    spec->progress = step;
    spec->ctx = &p;
    int rc = bl_ann_make(&index, spec, output, &err);
    bl_progress_end(&p);
    if (rc < 0)
        bl_die(&err);
    bl_note("'%s': %" PRIu64 " vectors of %zu numbers", output, index.n,
            index.dim);
    bl_index_close(&index);
}

static const char *or_none(const char *fingerprint)
{
    return *fingerprint ? fingerprint : "not named";
}

static void info_table(struct bl_buf *out, const struct bl_faiss *f)
{
    bl_buf_printf(out, "%-12s %s\n", "index", f->map.path);
    bl_buf_printf(out, "%-12s FAISS %s\n", "kind", f->type);
    bl_buf_printf(out, "%-12s %" PRIu64 "\n", "vectors", f->n);
    bl_buf_printf(out, "%-12s %zu\n", "dimension", f->dim);
    if (f->dim != f->stored_dim)
        bl_buf_printf(out, "%-12s %zu\n", "stored", f->stored_dim);
    bl_buf_printf(out, "%-12s %s\n", "ranks by", f->metric == BL_FAISS_IP
                  ? "inner product" : "L2 of vectors of one length");
    if (f->ef_search)
        bl_buf_printf(out, "%-12s %zu\n", "efSearch", f->ef_search);
    if (f->lists)
        bl_buf_printf(out, "%-12s %" PRIu64 " of %" PRIu64 "\n", "nprobe",
                      f->nprobe, f->lists);
    bl_buf_printf(out, "%-12s %.16s\n", "model", or_none(f->model));
    bl_buf_printf(out, "%-12s %.16s\n", "catalogue", or_none(f->kb));
    bl_buf_printf(out, "%-12s %zu\n", "bytes", f->map.size);
}

static void write_name(struct bl_writer *writer, const char *key,
                       const char *v)
{
    if (*v)
        bl_write_string(writer, key, v);
    else
        bl_write_null(writer, key);
}

static void info_json(struct bl_buf *out, const struct bl_faiss *f)
{
    struct bl_writer writer = bl_writer(out, BL_WRITE_COMPACT);
    struct bl_buf path = BL_BUF_INIT;

    bl_utf8_repair(&path, f->map.path, strlen(f->map.path));
    bl_write_object(&writer, NULL);
    bl_write_span(&writer, "index", (struct bl_span){ path.data, path.len });
    write_name(&writer, "faiss", f->type);
    bl_write_size(&writer, "count", f->n);
    bl_write_size(&writer, "dim", f->dim);
    bl_write_size(&writer, "stored_dim", f->stored_dim);
    bl_write_string(&writer, "metric", f->metric == BL_FAISS_IP ? "ip" : "l2");
    if (f->ef_search)
        bl_write_size(&writer, "ef_search", f->ef_search);
    if (f->lists) {
        bl_write_size(&writer, "lists", f->lists);
        bl_write_size(&writer, "nprobe", f->nprobe);
    }
    write_name(&writer, "model", f->model);
    write_name(&writer, "catalogue", f->kb);
    bl_write_size(&writer, "bytes", f->map.size);
    bl_write_end(&writer);
    bl_write_line(&writer);
    bl_buf_free(&path);
}

static void open_file(struct bl_faiss *f, const char *path)
{
    struct bl_err err;

    if (bl_faiss_open(f, path, &err) < 0)
        bl_die(&err);
}

void bl_index_ann_info(const char *path, bool json)
{
    struct bl_buf out = BL_BUF_INIT;
    struct bl_faiss f;

    open_file(&f, path);
    (json ? info_json : info_table)(&out, &f);
    bl_out(out.data, out.len);
    bl_buf_free(&out);
    bl_faiss_close(&f);
}

void bl_index_ann_verify(const char *path)
{
    struct bl_faiss f;
    struct bl_err err;

    open_file(&f, path);
    if (bl_faiss_verify(&f, &err) < 0)
        bl_die(&err);
    bl_note("'%s' is intact: %" PRIu64 " vectors", path, f.n);
    bl_faiss_close(&f);
}
