/* SPDX-License-Identifier: MIT */
/*
 * link: what libblink can do, in a page: a mention in its context goes in, the
 * entities that it may mean come out, the most probable first.
 *
 *     cc link.c -o link $(pkg-config --cflags --libs blink)
 *     ./link mini vital vital.mini 'We flew to ' Paris ' in the spring.'
 *
 * These are three of the four steps of `blink link`: embed, gather and rank.
 * Reading with a cross-encoder, which blink-rerank does, is left out.
 */
#include <blink/blink.h>
#include <stdio.h>
#include <string.h>

struct linker {
    struct bl_model *model;
    struct bl_encoder *encoder;
    struct bl_kb *kb;
    struct bl_gather *gather;
    struct bl_calibration calibration;
};

static int linker_open(struct linker *l, const char *model,
                       const char *catalogue, const char *index,
                       struct bl_err *err)
{
    struct bl_engine_opts engine = BL_ENGINE_OPTS_DEFAULT;
    struct bl_gather_opts gather = { .k = 10 };
    const struct bl_vector_want *want;

    l->model = bl_model_open_as(model, BL_ROLE_BI_ENCODER, err);
    if (!l->model)
        return -1;
    l->encoder = bl_encoder_open(l->model, &engine, err);
    l->kb = l->encoder ? bl_kb_open_named(catalogue, err) : NULL;
    l->gather = l->kb ? bl_gather_open(&index, 1, l->kb, &gather, err) : NULL;
    if (!l->gather)
        return -1;
    want = bl_gather_want(l->gather);
    if (want->model && strcmp(want->model, l->model->fingerprint))
        return bl_fail(err, BL_MODEL_MISMATCH, "%s was made by another model "
                       "than '%s'", want->by, l->model->path);
    return bl_calibration_load(&l->calibration, NULL, err);
}

static void linker_close(struct linker *l)
{
    bl_gather_close(l->gather);
    bl_kb_close(l->kb);
    bl_encoder_close(l->encoder);
    bl_model_close(l->model);
}

/* The mention's vector, in the arena; NULL on failure. */
static const float *embed(struct linker *l, const struct bl_mention *m,
                          struct bl_arena *arena, struct bl_err *err)
{
    float *vector = bl_arena_alloc(arena, bl_encoder_dim(l->encoder),
                                   sizeof *vector);
    struct bl_input in = BL_INPUT_INIT;
    struct bl_batch batch = BL_BATCH_INIT;
    int rc;

    bl_input_context(&in, l->model->words, l->model->input, m);
    bl_batch_add(&batch, in.ids, in.segments, in.positions, in.n);
    rc = bl_encoder_embed(l->encoder, BL_TOWER_CONTEXT, &batch, vector, NULL,
                          err);
    bl_batch_free(&batch);
    bl_input_free(&in);
    return rc < 0 ? NULL : vector;
}

/* *list and the probability of "none of them"; all memory is the arena's. */
static int link_mention(struct linker *l, const struct bl_mention *m,
                        struct bl_arena *arena, struct bl_candidates *list,
                        double *none, struct bl_err *err)
{
    struct bl_gather_query query = { .vector = embed(l, m, arena, err) };
    struct bl_gathered found;

    if (!query.vector)
        return -1;
    if (l->model->names)
        query.name = m->text;
    if (bl_gather_search(l->gather, &query, 1, arena, &found, err) < 0
        || bl_gather_candidates(l->gather, &found, arena, list, err) < 0)
        return -1;
    *none = bl_rank(&l->calibration, m->text, NULL, list);
    for (size_t i = 0; i < list->n; i++)
        list->v[i].score = list->v[i].p;
    bl_candidates_sort(list);
    return 0;
}

int main(int argc, char **argv)
{
    struct linker l = { .model = NULL };
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_candidates list;
    struct bl_err err;
    double none;
    int rc = -1;

    if (argc != 7) {
        fprintf(stderr, "link MODEL CATALOGUE INDEX LEFT MENTION RIGHT\n");
        return 2;
    }
    struct bl_mention m = { bl_span_of(argv[4]), bl_span_of(argv[5]),
                            bl_span_of(argv[6]) };
    if (linker_open(&l, argv[1], argv[2], argv[3], &err) == 0)
        rc = link_mention(&l, &m, &arena, &list, &none, &err);
    if (rc < 0)
        fprintf(stderr, "link: %s\n", err.msg);
    for (size_t i = 0; rc == 0 && i < list.n; i++)
        printf("%.4f %s %s\n", list.v[i].p, list.v[i].id.p,
               list.v[i].title.p ? list.v[i].title.p : "-");
    if (rc == 0)
        printf("%.4f none\n", none);
    bl_arena_free(&arena);
    linker_close(&l);
    return rc < 0 ? bl_code_exit(err.code) : 0;
}
