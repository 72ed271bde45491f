/* SPDX-License-Identifier: MIT */
/*
 * blink-cluster: gives what no catalogue has an id.
 *
 * In:  mention records with `entity` (blink-score), those of a document
 *      together and in its order
 * Out: the same, with `nil_id` where entity is null
 */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "cli/loop.h"
#include "cli/opts.h"
#include "cli/prog.h"
#include "json/json.h"
#include "link/cluster.h"
#include "link/entities.h"

/* A document's names are kept to its end, whatever is read at a time. */
enum { WINDOW = 1000 };

static struct opts {
    struct bl_strings indexes, catalogues;
    bool across;
    struct bl_loop_opts loop;
} options = { .loop = BL_LOOP_OPTS_DEFAULT(256) };

static const struct bl_opt table[] = {
    BL_OPT_FLAG(0, "across", &options.across,
                "one id for a name in all documents"),
    BL_OPT_LIST('x', "index", "INDEX", &options.indexes,
                "index, to tell namesakes apart; may be repeated"),
    BL_OPT_CATALOGUES(&options.catalogues,
               "catalogue of the index; may be repeated"),
    BL_OPTS_LOOP(options.loop),
    BL_OPTS_END
};

static const struct bl_command command = {
    "blink-cluster", "[--across [-x INDEX -c CATALOGUE]]",
    "give what no catalogue has an id", table, 0, 0
};

struct state {
    struct bl_entities *entities;
    struct bl_cluster *cluster;
    struct bl_buf out;
};

/* One record. */
struct work {
    struct bl_unknown mention;
    bool alone;                 /* without a document */
};

static int state_load(struct state *state, struct bl_err *err)
{
    if (options.catalogues.n || options.indexes.n) {
        state->entities = bl_entities_open(options.catalogues.v,
                                           options.catalogues.n,
                                           options.indexes.v,
                                           options.indexes.n, err);
        if (!state->entities)
            return -1;
    }
    state->cluster = bl_cluster_new(state->entities, options.across);
    return 0;
}

static void state_free(struct state *state)
{
    bl_cluster_free(state->cluster);
    bl_entities_close(state->entities);
    bl_buf_free(&state->out);
}

/* `entity`: null, or an object with an id. */
static int read_entity(struct bl_unknown *m, const struct bl_record *record,
                       struct bl_arena *arena, struct bl_err *err)
{
    struct bl_span entity, id;
    int got = bl_record_get(record, "entity", &entity, err);

    if (got == 0)
        return bl_fail(err, BL_NO_STAGE, "field 'entity': expected object or "
                       "null, found nothing: run blink-score first");
    if (got < 0)
        return -1;
    m->unknown = bl_json_type(entity) == BL_JSON_NULL;
    if (m->unknown)
        return 0;
    if (bl_json_type(entity) != BL_JSON_OBJECT)
        return bl_fail(err, BL_BAD_FIELD, "field 'entity': expected object or "
                       "null, found %s",
                       bl_json_type_name(bl_json_type(entity)));
    got = bl_json_get(entity, "id", &id, err);
    if (got == 1 && bl_json_type(id) != BL_JSON_NULL)
        got = bl_json_text(id, "string", arena, &m->entity, err);
    return got < 0 ? -1 : 0;
}

/* Whom blink-coherence found to be followed. */
static int read_follows(struct bl_unknown *m, const struct bl_record *record,
                        struct bl_arena *arena, struct bl_err *err)
{
    struct bl_span object, value;
    int got = bl_record_get(record, "coherence", &object, err);

    if (got <= 0 || bl_json_type(object) != BL_JSON_OBJECT)
        return got < 0 ? -1 : 0;
    got = bl_json_get(object, "follows", &value, err);
    if (got == 1 && bl_json_type(value) == BL_JSON_STRING)
        got = bl_json_text(value, "string", arena, &m->follows, err);
    return got < 0 ? -1 : 0;
}

/* Texts that are missing are empty; only the entity must be there. */
static int prepare(void *ctx, struct bl_item *item, struct bl_arena *arena,
                   struct bl_err *err)
{
    struct work *w = bl_arena_alloc(arena, 1, sizeof *w);
    struct bl_span value;
    int has;

    (void)ctx;
    memset(w, 0, sizeof *w);
    item->data = w;
    has = bl_record_get(&item->rec, "doc", &value, err);
    if (has < 0)
        return -1;
    w->alone = !has || bl_json_type(value) == BL_JSON_NULL;
    w->mention.mention = BL_SPAN_LIT("");
    if (read_entity(&w->mention, &item->rec, arena, err) < 0
        || read_follows(&w->mention, &item->rec, arena, err) < 0
        || bl_record_string_opt(&item->rec, "mention", arena,
                                &w->mention.mention, err) < 0
        || bl_record_string_opt(&item->rec, "type", arena, &w->mention.type,
                                err) < 0)
        return -1;
    return bl_record_id_opt(&item->rec, "id", arena, &w->mention.id, err) < 0
        ? -1 : 0;
}

static int run(void *ctx, struct bl_item **items, size_t n,
               struct bl_arena *arena, struct bl_err *err)
{
    struct state *state = ctx;
    struct work *first = items[0]->data;
    struct bl_unknown *v = bl_arena_alloc(arena, n, sizeof *v);
    int rc = 0;

    for (size_t i = 0; i < n; i++)
        v[i] = ((struct work *)items[i]->data)->mention;
    if (!first->alone)
        rc = bl_cluster_read(state->cluster, v, n, items[0]->continues, arena,
                             err);
    for (size_t i = 0; first->alone && rc == 0 && i < n; i++)
        rc = bl_cluster_read(state->cluster, &v[i], 1, false, arena, err);
    for (size_t i = 0; i < n; i++)
        ((struct work *)items[i]->data)->mention = v[i];
    return rc;
}

static void emit(void *ctx, const struct bl_item *item,
                 struct bl_edits *edits)
{
    struct state *state = ctx;
    const struct work *w = item->data;

    if (!w->mention.nil_id.p) {
        bl_edits_drop(edits, "nil_id");
        return;
    }
    bl_buf_clear(&state->out);
    bl_json_put_string(&state->out, w->mention.nil_id.p, w->mention.nil_id.n);
    bl_edits_set_buf(edits, "nil_id", &state->out);
}

int main(int argc, char **argv)
{
    struct state state = { .out = BL_BUF_INIT };
    struct bl_err err;
    int status;

    bl_prog_init("blink-cluster");
    bl_opts_parse(&command, argc, argv);
    if (!options.across && (options.catalogues.n || options.indexes.n))
        bl_die_usage("options '--catalogue' and '--index' are for --across");
    if (state_load(&state, &err) < 0)
        bl_die(&err);
    status = bl_loop_run(&(struct bl_loop){
        .opts = &options.loop, .ctx = &state, .prepare = prepare,
        .run = run, .emit = emit, .window = WINDOW,
    });
    state_free(&state);
    return bl_prog_finish(status);
}
