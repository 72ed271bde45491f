/* SPDX-License-Identifier: MIT */
/*
 * blink-embed: adds to each mention, or entity, its vector.
 *
 *     {"context_left":"","mention":"England","context_right":" won."}
 *     -> the same and "embedding":{"model":"9f2c...","dim":384,"f32":"..."}
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "net/encoder.h"
#include "text/input.h"
#include "cli/loop.h"
#include "cli/engine-opts.h"
#include "base/mem.h"
#include "model/model.h"
#include "cli/opts.h"
#include "cli/prog.h"
#include "json/writer.h"
#include "json/vector.h"

static struct opts {
    const char *model;
    bool entities, overwrite;
    int floats;                 /* enum bl_floats */
    struct bl_engine_opts engine;
    struct bl_loop_opts loop;
} o = { .engine = BL_ENGINE_OPTS_DEFAULT,
        .loop = BL_LOOP_OPTS_DEFAULT(1024) };

static const struct bl_opt table[] = {
    BL_OPT_STR('m', "model", "MODEL", &o.model, "model directory or name"),
    BL_OPT_FLAG(0, "entities", &o.entities,
                "records are entities, not mentions"),
    BL_OPT_CHOICE(0, "floats", "base64|json", &o.floats,
                  "how vectors are written"),
    BL_OPT_FLAG(0, "overwrite", &o.overwrite,
                "replace an embedding that is already there"),
    BL_OPTS_ENGINE(o.engine),
    BL_OPTS_LOOP(o.loop),
    BL_OPTS_END
};

static const struct bl_command command = {
    .name = "blink-embed",
    .synopsis = "[-m MODEL] [--entities] < RECORDS",
    .brief = "add a vector to each mention or entity",
    .opts = table
};

struct state {
    struct bl_model *model;
    struct bl_encoder *encoder;
    struct bl_input input;
    struct bl_batch batch;
    bool *bad;                  /* [cap_bad] */
    size_t cap_bad;
    struct bl_buf json;
};

/* One record on its way: tokens, then the vector. */
struct vector {
    int32_t *ids, *segments, *positions;    /* [n] */
    size_t n;
    unsigned cut;               /* enum bl_cut */
    const float *v;             /* [dim] */
};

/* ---- Load ---- */

static int state_load(struct state *s, struct bl_err *err)
{
    s->model = bl_model_open_as(o.model, BL_ROLE_BI_ENCODER, err);
    if (!s->model)
        return -1;
    s->encoder = bl_encoder_open(s->model, &o.engine, err);
    if (!s->encoder)
        return -1;
    bl_note("%s (%s): %zu numbers a vector, %s", s->model->path,
            s->model->fingerprint, bl_encoder_dim(s->encoder),
            bl_encoder_describe(s->encoder));
    return 0;
}

static void state_free(struct state *s)
{
    bl_encoder_close(s->encoder);
    bl_model_close(s->model);
    bl_input_free(&s->input);
    bl_batch_free(&s->batch);
    bl_buf_free(&s->json);
    free(s->bad);
}

/* ---- Prepare ---- */

static int read_mention(const struct bl_record *r, struct bl_arena *arena,
                        struct bl_mention *m, struct bl_err *err)
{
    if (bl_record_string(r, "context_left", arena, &m->left, err) < 0
        || bl_record_string(r, "mention", arena, &m->text, err) < 0
        || bl_record_string(r, "context_right", arena, &m->right, err) < 0)
        return -1;
    if (!m->text.n)
        return bl_fail(err, BL_BAD_FIELD, "field 'mention' is empty");
    return 0;
}

static int read_entity(const struct bl_record *r, struct bl_arena *arena,
                       struct bl_entity_text *e, struct bl_err *err)
{
    int titled = bl_record_string_opt(r, "title", arena, &e->title, err);

    e->has_title = titled > 0;
    if (titled < 0 || bl_record_string(r, "text", arena, &e->text, err) < 0)
        return -1;
    if (!e->title.n && !e->text.n)
        return bl_fail(err, BL_BAD_FIELD, "fields 'title' and 'text' are "
                       "both empty");
    return 0;
}

/* Reads the record and lays its tokens out in s->input. */
static int lay_out(struct state *s, const struct bl_record *r,
                   struct bl_arena *arena, struct bl_err *err)
{
    struct bl_entity_text e = { { "", 0 }, { "", 0 }, false };
    struct bl_mention m;

    if (o.entities) {
        if (read_entity(r, arena, &e, err) < 0)
            return -1;
        bl_input_entity(&s->input, s->model->words, s->model->input, &e);
    } else {
        if (read_mention(r, arena, &m, err) < 0)
            return -1;
        bl_input_context(&s->input, s->model->words, s->model->input, &m);
    }
    return 0;
}

static int check_free(const struct bl_record *r, struct bl_err *err)
{
    struct bl_span v;
    int found = bl_record_get(r, "embedding", &v, err);

    if (found <= 0 || o.overwrite || bl_json_type(v) == BL_JSON_NULL)
        return found < 0 ? -1 : 0;
    return bl_fail(err, BL_BAD_FIELD, "field 'embedding' is already there "
                   "(--overwrite replaces it)");
}

static int32_t *keep(struct bl_arena *arena, const int32_t *p, size_t n)
{
    int32_t *copy = bl_arena_alloc(arena, n, sizeof *copy);

    memcpy(copy, p, n * sizeof *copy);
    return copy;
}

static int prepare(void *ctx, struct bl_item *item, struct bl_arena *arena,
                   struct bl_err *err)
{
    struct state *s = ctx;
    const struct bl_input *in = &s->input;
    struct vector *v = bl_arena_alloc(arena, 1, sizeof *v);

    if (check_free(&item->rec, err) < 0
        || lay_out(s, &item->rec, arena, err) < 0)
        return -1;
    *v = (struct vector){
        .ids = keep(arena, in->ids, in->n),
        .segments = keep(arena, in->segments, in->n),
        .positions = keep(arena, in->positions, in->n),
        .n = in->n, .cut = in->cut
    };
    item->data = v;
    return 0;
}

/* ---- Run ---- */

static void reserve_bad(struct state *s, size_t n)
{
    if (n <= s->cap_bad)
        return;
    free(s->bad);
    s->bad = bl_xmalloc(n, sizeof *s->bad);
    s->cap_bad = n;
}

static int run(void *ctx, struct bl_item **items, size_t n,
               struct bl_arena *arena, struct bl_err *err)
{
    struct state *s = ctx;
    enum bl_tower tower = o.entities ? BL_TOWER_ENTITY : BL_TOWER_CONTEXT;
    size_t dim = bl_encoder_dim(s->encoder);
    float *out = bl_arena_alloc(arena, n, dim * sizeof *out);

    bl_batch_clear(&s->batch);
    reserve_bad(s, n);
    for (size_t i = 0; i < n; i++) {
        struct vector *v = items[i]->data;

        bl_batch_add(&s->batch, v->ids, v->segments, v->positions, v->n);
        v->v = out + i * dim;
    }
    if (bl_encoder_embed(s->encoder, tower, &s->batch, out, s->bad,
                         err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (s->bad[i])
            bl_item_fail(items[i], BL_NON_FINITE,
                         "the model gave NaN or infinity");
    return 0;
}

/* ---- Emit ---- */

/* Names what lost its end.  A context is meant to be a window of the text,
 * so that it is never named. */
static void put_truncated(struct bl_buf *b, unsigned cut)
{
    static const struct { unsigned bit; const char *name; } parts[] = {
        { BL_CUT_MENTION, "mention" }, { BL_CUT_TITLE, "title" },
        { BL_CUT_TEXT, "text" }
    };
    struct bl_writer w = bl_writer(b, BL_WRITE_COMPACT);

    if (!(cut & (BL_CUT_MENTION | BL_CUT_TITLE | BL_CUT_TEXT)))
        return;
    bl_write_array(&w, NULL);
    for (size_t i = 0; i < BL_COUNT(parts); i++)
        if (cut & parts[i].bit)
            bl_write_string(&w, NULL, parts[i].name);
    bl_write_end(&w);
}

static void emit(void *ctx, const struct bl_item *item,
                 struct bl_edits *edits)
{
    struct state *s = ctx;
    const struct vector *v = item->data;

    bl_buf_clear(&s->json);
    bl_vector_put(&s->json, v->v, bl_encoder_dim(s->encoder),
                  s->model->fingerprint, s->model->names && !o.entities,
                  (enum bl_floats)o.floats);
    bl_edits_set(edits, "embedding",
                 (struct bl_span){ s->json.data, s->json.len });
    bl_buf_clear(&s->json);
    put_truncated(&s->json, v->cut);
    if (s->json.len)
        bl_edits_set(edits, "truncated",
                     (struct bl_span){ s->json.data, s->json.len });
}

int main(int argc, char **argv)
{
    struct state s = { .input = BL_INPUT_INIT, .batch = BL_BATCH_INIT };
    struct bl_loop loop = { .opts = &o.loop, .ctx = &s, .prepare = prepare,
                            .run = run, .emit = emit };
    struct bl_err err;
    int status;

    bl_prog_init("blink-embed");
    bl_opts_parse(&command, argc, argv);
    if (state_load(&s, &err) < 0)
        bl_die(&err);
    status = bl_loop_run(&loop);
    state_free(&s);
    return bl_prog_finish(status);
}
