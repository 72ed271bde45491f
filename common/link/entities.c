/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "link/entities.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kb/kb.h"
#include "link/gather.h"

struct source {
    char *label;                /* of its ids; NULL: it is the only one */
    struct bl_kb *kb;
    struct bl_gather *gather;   /* NULL: no index */
};

struct bl_entities {
    struct source *v;           /* [n] */
    size_t n, dim;
};

/* Both may be replaced in between, so that the index is that of a later
 * catalogue than the one that was opened: then they are opened once more. */
static int open_source(struct source *source, const char *name,
                       const char *const *indexes, size_t n_indexes,
                       struct bl_err *err)
{
    static const struct bl_gather_opts opts = { .k = 1, .threads = 1 };

    for (int tries = 0; tries < 2; tries++) {
        source->kb = bl_kb_open_named(name, err);
        if (!source->kb)
            return -1;
        if (!n_indexes)
            return 0;
        source->gather = bl_gather_open(indexes, n_indexes, source->kb, &opts,
                                        err);
        if (source->gather)
            return 0;
        bl_kb_close(source->kb);
        source->kb = NULL;
    }
    return -1;
}

/* One vector is compared with all, so one model must have made them. */
static int take_dim(struct bl_entities *entities, const struct source *source,
                    struct bl_err *err)
{
    const struct bl_vector_want *want = source->gather
        ? bl_gather_want(source->gather) : NULL;

    if (!want || !want->dim)
        return 0;
    if (entities->dim && entities->dim != want->dim)
        return bl_fail(err, BL_DATA, "%s: vectors of %zu numbers, but another "
                       "index has %zu", want->by, want->dim, entities->dim);
    entities->dim = want->dim;
    return 0;
}

/* What was opened is counted as it is, for bl_entities_close(). */
struct bl_entities *bl_entities_open(const char *const *catalogues, size_t n,
                                     const char *const *indexes,
                                     size_t n_indexes, struct bl_err *err)
{
    struct bl_entities *entities = BL_NEW(struct bl_entities);
    int rc = 0;

    if (n_indexes && (n == 0 || (n > 1 && n_indexes != n)))
        rc = bl_fail(err, BL_USAGE, n ? "with several catalogues, option "
                     "'--index' is needed once for each, in their order"
                     : "option '--index': a catalogue is needed with it");
    entities->v = BL_NEW_ARRAY(struct source, BL_MAX(n, 1));
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct source *source = &entities->v[entities->n++];

        source->label = n > 1 ? bl_kb_label(catalogues[i]) : NULL;
        rc = open_source(source, catalogues[i],
                         n > 1 && n_indexes ? indexes + i : indexes,
                         n > 1 && n_indexes ? 1 : n_indexes, err);
        if (rc == 0)
            rc = take_dim(entities, source, err);
    }
    if (rc == 0)
        return entities;
    bl_entities_close(entities);
    return NULL;
}

void bl_entities_close(struct bl_entities *entities)
{
    if (!entities)
        return;
    for (size_t i = 0; i < entities->n; i++) {
        bl_gather_close(entities->v[i].gather);
        bl_kb_close(entities->v[i].kb);
        free(entities->v[i].label);
    }
    free(entities->v);
    free(entities);
}

bool bl_entities_are_known(const struct bl_entities *entities)
{
    return entities->n > 0;
}

size_t bl_entities_dim(const struct bl_entities *entities)
{
    return entities->dim;
}

/* The catalogue that the id is of, and the id in it; NULL: of none. */
static struct source *source_of(struct bl_entities *entities,
                                struct bl_span *id)
{
    for (size_t i = 0; i < entities->n; i++) {
        struct source *source = &entities->v[i];
        size_t n = source->label ? strlen(source->label) : 0;

        if (!source->label)
            return source;
        if (id->n > n && id->p[n] == ':' && !memcmp(id->p, source->label, n)) {
            id->p += n + 1;
            id->n -= n + 1;
            return source;
        }
    }
    return NULL;
}

static bool make_unit(float *v, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)v[i] * v[i];
    if (!isfinite(sum) || sum <= 0)
        return false;
    sum = sqrt(sum);
    for (size_t i = 0; i < n; i++)
        v[i] = (float)(v[i] / sum);
    return true;
}

int bl_entities_vector(struct bl_entities *entities, struct bl_span id,
                       float *out, struct bl_err *err)
{
    struct source *source = source_of(entities, &id);
    int64_t row = 0;
    int found = source && source->gather
        ? bl_kb_row(source->kb, id, &row, err) : 0;

    if (found <= 0)
        return found;
    return bl_gather_vector(source->gather, (uint32_t)row, out)
        && make_unit(out, entities->dim);
}

int bl_entities_text(struct bl_entities *entities, struct bl_span id,
                     struct bl_arena *arena, struct bl_span *title,
                     struct bl_span *text, struct bl_err *err)
{
    struct source *source = source_of(entities, &id);
    struct bl_entity entity;
    int found = source ? bl_kb_get(source->kb, id, arena, &entity, err) : 0;

    if (found == 1) {
        *title = entity.title;
        *text = entity.text;
    }
    return found;
}
