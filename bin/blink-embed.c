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

#include "base/mem.h"
#include "cli/engine-opts.h"
#include "cli/loop.h"
#include "cli/opts.h"
#include "cli/prog.h"
#include "json/vector.h"
#include "json/writer.h"
#include "model/model.h"
#include "net/encoder.h"
#include "text/input.h"

static struct opts {
    const char *model;
    bool entities, overwrite;
    int floats;                 /* enum bl_floats */
    struct bl_engine_opts engine;
    struct bl_loop_opts loop;
} options = { .engine = BL_ENGINE_OPTS_DEFAULT,
        .loop = BL_LOOP_OPTS_DEFAULT(1024) };

static const struct bl_opt table[] = {
    BL_OPT_STR('m', "model", "MODEL", &options.model,
               "model directory or name"),
    BL_OPT_FLAG(0, "entities", &options.entities,
                "records are entities, not mentions"),
    BL_OPT_CHOICE(0, "floats", "base64|json", &options.floats,
                  "how vectors are written"),
    BL_OPT_FLAG(0, "overwrite", &options.overwrite,
                "replace an embedding that is already there"),
    BL_OPTS_ENGINE(options.engine),
    BL_OPTS_LOOP(options.loop),
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
    size_t n;                   /* 0: it has one already */
    unsigned cut;               /* enum bl_cut */
    const float *v;             /* [dim] */
};

/* ---- Load ---- */

static int state_load(struct state *state, struct bl_err *err)
{
    state->model = bl_model_open_as(options.model, BL_ROLE_BI_ENCODER, err);
    if (!state->model)
        return -1;
    if (state->model->spans.bounds.w && !options.entities)
        return bl_fail(err, BL_DATA, "'%s' finds its mentions itself: "
                       "blink-elq", state->model->path);
    state->encoder = bl_encoder_open(state->model, &options.engine, err);
    if (!state->encoder)
        return -1;
    bl_note("%s (%s): %zu numbers a vector, %s", state->model->path,
            state->model->fingerprint, bl_encoder_dim(state->encoder),
            bl_encoder_describe(state->encoder));
    return 0;
}

static void state_free(struct state *state)
{
    bl_encoder_close(state->encoder);
    bl_model_close(state->model);
    bl_input_free(&state->input);
    bl_batch_free(&state->batch);
    bl_buf_free(&state->json);
    free(state->bad);
}

/* ---- Prepare ---- */

static bool has(const struct bl_record *record, const char *name)
{
    struct bl_span value;

    return bl_record_get(record, name, &value, NULL) != 0;
}

/* Documents and entities are what is given by mistake. */
static int no_mention(const struct bl_record *record, struct bl_err *err)
{
    return bl_fail(err, BL_NO_STAGE, "field 'mention': expected string, "
                   "found nothing: %s", has(record, "title")
                   ? "entities need --entities" : "run blink-ner first");
}

static int read_mention(const struct bl_record *record, struct bl_arena *arena,
                        struct bl_mention *mention, struct bl_err *err)
{
    if (!has(record, "mention"))
        return no_mention(record, err);
    if (bl_record_string(record, "context_left", arena, &mention->left,
                         err) < 0
        || bl_record_string(record, "mention", arena, &mention->text, err) < 0
        || bl_record_string(record, "context_right", arena, &mention->right,
                            err) < 0)
        return -1;
    if (!mention->text.n)
        return bl_fail(err, BL_BAD_FIELD, "field 'mention' is empty");
    return 0;
}

static int read_entity(const struct bl_record *record, struct bl_arena *arena,
                       struct bl_entity_text *entity, struct bl_err *err)
{
    int titled = bl_record_string_opt(record, "title", arena, &entity->title,
                                      err);

    entity->has_title = titled > 0;
    if (titled >= 0 && !has(record, "text") && has(record, "mention"))
        return bl_fail(err, BL_NO_STAGE, "field 'text': expected string, "
                       "found nothing: mentions need no --entities");
    if (titled < 0
        || bl_record_string(record, "text", arena, &entity->text, err) < 0)
        return -1;
    if (!entity->title.n && !entity->text.n)
        return bl_fail(err, BL_BAD_FIELD, "fields 'title' and 'text' are "
                       "both empty");
    return 0;
}

/* Reads the record and lays its tokens out in s->input. */
static int lay_out(struct state *state, const struct bl_record *record,
                   struct bl_arena *arena, struct bl_err *err)
{
    struct bl_entity_text entity = { { "", 0 }, { "", 0 }, false };
    struct bl_mention mention;

    if (options.entities) {
        if (read_entity(record, arena, &entity, err) < 0)
            return -1;
        bl_input_entity(&state->input, state->model->words,
                        state->model->input, &entity);
    } else {
        if (read_mention(record, arena, &mention, err) < 0)
            return -1;
        bl_input_context(&state->input, state->model->words,
                         state->model->input, &mention);
    }
    return 0;
}

/* 1: the mention has the vector that this model would give it, as far as its
 * maker says: a one-pass tagger of the same space. */
static int check_free(const struct state *state,
                      const struct bl_record *record, struct bl_arena *arena,
                      struct bl_err *err)
{
    const struct bl_vector_want want = {
        .dim = bl_encoder_dim(state->encoder),
        .model = state->model->fingerprint, .by = state->model->path
    };
    struct bl_span v;
    struct bl_vector vector;
    int found = bl_record_get(record, "embedding", &v, err);

    if (found <= 0 || options.overwrite || bl_json_type(v) == BL_JSON_NULL)
        return found < 0 ? -1 : 0;
    if (!options.entities && has(record, "mention")
        && bl_vector_read(v, &want, arena, &vector, NULL) == 0)
        return 1;
    return bl_fail(err, BL_BAD_FIELD, "field 'embedding' is already there "
                   "(--overwrite replaces it)");
}

static int32_t *keep(struct bl_arena *arena, const int32_t *p, size_t n)
{
    int32_t *copy = bl_arena_alloc(arena, n, sizeof *copy);

    memcpy(copy, p, n * sizeof *copy);
    return copy;
}

/* The tokens are copied, because state->input holds those of one record while
 * a batch is gathered. */
static int prepare(void *ctx, struct bl_item *item, struct bl_arena *arena,
                   struct bl_err *err)
{
    struct state *state = ctx;
    const struct bl_input *in = &state->input;
    struct vector *v = bl_arena_alloc(arena, 1, sizeof *v);
    int there = check_free(state, &item->rec, arena, err);

    *v = (struct vector){ .n = 0 };
    item->data = v;
    if (there > 0)
        return 0;
    if (there < 0 || lay_out(state, &item->rec, arena, err) < 0)
        return -1;
    *v = (struct vector){
        .ids = keep(arena, in->ids, in->n),
        .segments = keep(arena, in->segments, in->n),
        .positions = keep(arena, in->positions, in->n),
        .n = in->n, .cut = in->cut
    };
    return 0;
}

/* ---- Run ---- */

static void reserve_bad(struct state *state, size_t n)
{
    if (n <= state->cap_bad)
        return;
    free(state->bad);
    state->bad = bl_xmalloc(n, sizeof *state->bad);
    state->cap_bad = n;
}

static int run(void *ctx, struct bl_item **items, size_t n,
               struct bl_arena *arena, struct bl_err *err)
{
    struct state *state = ctx;
    enum bl_tower tower = options.entities ? BL_TOWER_ENTITY
                                           : BL_TOWER_CONTEXT;
    size_t dim = bl_encoder_dim(state->encoder), made = 0;
    float *out = bl_arena_alloc(arena, n, dim * sizeof *out);

    bl_batch_clear(&state->batch);
    reserve_bad(state, n);
    for (size_t i = 0; i < n; i++) {
        struct vector *v = items[i]->data;

        if (!v->n)
            continue;
        bl_batch_add(&state->batch, v->ids, v->segments, v->positions, v->n);
        v->v = out + made++ * dim;
    }
    /* With state->bad given, a vector that is not finite fails its own record
     * below and not the whole batch. */
    if (bl_encoder_embed(state->encoder, tower, &state->batch, out, state->bad,
                         err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const struct vector *v = items[i]->data;

        if (v->n && state->bad[(size_t)(v->v - out) / dim])
            bl_item_fail(items[i], BL_NON_FINITE,
                         "the model gave NaN or infinity");
    }
    return 0;
}

/* ---- Emit ---- */

/* Names what lost its end.  A context is meant to be a window of the text,
 * so that it is never named. */
static void put_truncated(struct bl_buf *out, unsigned cut)
{
    static const struct { unsigned bit; const char *name; } parts[] = {
        { BL_CUT_MENTION, "mention" }, { BL_CUT_TITLE, "title" },
        { BL_CUT_TEXT, "text" }
    };
    struct bl_writer writer = bl_writer(out, BL_WRITE_COMPACT);

    if (!(cut & (BL_CUT_MENTION | BL_CUT_TITLE | BL_CUT_TEXT)))
        return;
    bl_write_array(&writer, NULL);
    for (size_t i = 0; i < BL_COUNT(parts); i++)
        if (cut & parts[i].bit)
            bl_write_string(&writer, NULL, parts[i].name);
    bl_write_end(&writer);
}

static void emit(void *ctx, const struct bl_item *item,
                 struct bl_edits *edits)
{
    struct state *state = ctx;
    const struct vector *v = item->data;

    if (!v->n)
        return;
    bl_buf_clear(&state->json);
    bl_vector_put(&state->json, v->v, bl_encoder_dim(state->encoder),
                  state->model->fingerprint, state->model->names
                  && !options.entities, (enum bl_floats)options.floats);
    bl_edits_set_buf(edits, "embedding", &state->json);
    bl_buf_clear(&state->json);
    put_truncated(&state->json, v->cut);
    if (state->json.len)
        bl_edits_set_buf(edits, "truncated", &state->json);
}

int main(int argc, char **argv)
{
    struct state state = { .input = BL_INPUT_INIT, .batch = BL_BATCH_INIT };
    struct bl_loop loop = { .opts = &options.loop, .ctx = &state,
                            .prepare = prepare,
                            .run = run, .emit = emit };
    struct bl_err err;
    int status;

    bl_prog_init("blink-embed");
    bl_opts_parse(&command, argc, argv);
    if (state_load(&state, &err) < 0)
        bl_die(&err);
    status = bl_loop_run(&loop);
    state_free(&state);
    return bl_prog_finish(status);
}
