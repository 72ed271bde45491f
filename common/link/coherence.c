/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "link/coherence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "link/coherence-parts.h"
#include "link/page.h"
#include "link/rank.h"
#include "text/fold.h"

/* Longer texts are read so far: what an entity is stands at their start. */
enum { TEXT_BYTES = 4096 };

struct bl_coherence *bl_coherence_new(const struct bl_calibration *calibration,
                                      struct bl_entities *entities)
{
    struct bl_coherence *c = BL_NEW(struct bl_coherence);

    c->calibration = calibration;
    c->entities = entities;
    c->dim = bl_entities_dim(entities);
    c->names = bl_name_table_new();
    c->ids = bl_intern_new();
    c->total = bl_xmalloc(c->dim, sizeof *c->total);
    c->others = bl_xmalloc(c->dim, sizeof *c->others);
    c->vector = bl_xmalloc(c->dim, sizeof *c->vector);
    return c;
}

void bl_coherence_free(struct bl_coherence *c)
{
    if (!c)
        return;
    bl_arena_free(&c->piece[0]);
    bl_arena_free(&c->piece[1]);
    bl_arena_free(&c->texts);
    bl_name_table_free(c->names);
    bl_intern_free(c->ids);
    bl_buf_free(&c->folded);
    free(c->v);
    free(c->known_entities);
    free(c->means);
    free(c->out);
    free(c->uses);
    free(c->last);
    free(c->total);
    free(c->others);
    free(c->vector);
    free(c);
}

/* ---- A piece's mentions ---- */

/* The members that the entity has in any list; what models said of it and the
 * one mention is left behind. */
static const struct bl_candidate *copy_candidate(struct bl_arena *arena,
                                                 const struct bl_candidate *c,
                                                 struct bl_span mention_id)
{
    struct bl_candidate *out = bl_arena_alloc(arena, 1, sizeof *out);

    *out = (struct bl_candidate){
        .from = mention_id.p ? mention_id : BL_SPAN_LIT(""),
        .id = bl_arena_copy(arena, c->id),
        .title = bl_arena_copy(arena, c->title),
        .url = bl_arena_copy(arena, c->url),
        .type = bl_arena_copy(arena, c->type),
        .qid = bl_arena_copy(arena, c->qid),
        .score = NAN, .bi = NAN, .cross = NAN, .prior = NAN, .p = NAN,
        .cross_p = NAN, .coherence = NAN, .lexical = NAN
    };
    return out;
}

/* The first opinion, which has no candidate of another mention: what an
 * earlier run added is forgotten. */
static void take(struct bl_coherence *c, struct bl_coherent *m)
{
    struct bl_arena *arena = &c->piece[c->now];
    struct bl_candidates *list = m->list;
    struct known *k;

    list->n -= list->n_from;
    list->n_from = 0;
    list->whole = (struct bl_whole){ .nil = 0 };
    for (size_t i = 0; i < list->n; i++)
        list->v[i].coherence = NAN;
    BL_GROW(c->v, c->n + 1, c->cap);
    k = &c->v[c->n++];
    *k = (struct known){
        .id = bl_arena_copy(arena, m->id),
        .type = bl_arena_copy(arena, m->type),
        .mention = bl_arena_copy(arena, m->mention),
        .n = list->n, .n_own = list->n,
        .nil = bl_rank(c->calibration, m->mention, NULL, list),
        .page = { bl_arena_copy(arena, list->named.title),
                  bl_arena_copy(arena, list->named.url),
                  list->named.redirect },
        .page_p = bl_page_p(&list->named, m->mention)
    };
    k->v = bl_arena_alloc(arena, k->n, sizeof *k->v);
    for (size_t i = 0; i < k->n; i++)
        k->v[i] = (struct meaning){ copy_candidate(arena, &list->v[i],
                                                   k->id), 0, list->v[i].p };
}

/* The mentions of the last piece become those before this one, or go. */
static void start_piece(struct bl_coherence *c, bool more)
{
    if (more) {
        c->passed += c->n_past;
        memmove(c->v, c->v + c->n_past, (c->n - c->n_past) * sizeof *c->v);
        c->n -= c->n_past;
        c->n_past = c->n;
    } else {
        c->passed = c->n = c->n_past = 0;
    }
    c->now = !c->now;
    bl_arena_reset(&c->piece[c->now]);
}

/* Names and entities get the numbers of this piece. */
static void number(struct bl_coherence *c)
{
    size_t n, before = c->names_cap;

    bl_name_table_clear(c->names);
    bl_intern_clear(c->ids);
    for (size_t i = 0; i < c->n; i++) {
        struct known *k = &c->v[i];

        k->name = bl_name_table_add(c->names, k->mention);
        for (size_t j = 0; j < k->n; j++)
            k->v[j].entity = bl_intern_add(c->ids, k->v[j].what->id);
    }
    bl_name_table_relate(c->names);
    n = bl_intern_count(c->ids);
    if (n)
        BL_GROW(c->known_entities, n, c->entity_cap);
    if (n)
        memset(c->known_entities, 0, n * sizeof *c->known_entities);
    n = bl_name_table_count(c->names);
    if (n > before) {
        c->names_cap = bl_grown(before, n);
        c->out = bl_xrealloc(c->out, c->names_cap, sizeof *c->out);
        c->uses = bl_xrealloc(c->uses, c->names_cap, sizeof *c->uses);
        c->last = bl_xrealloc(c->last, c->names_cap, sizeof *c->last);
    }
    for (size_t i = 0; i < n; i++)
        c->out[i] = c->uses[i] = 0;
    for (size_t i = 0; i < c->n; i++)
        c->uses[c->v[i].name]++;
    c->stamp = 0;
}

/* ---- What names mean ---- */

static double any_of(const struct known *k)
{
    double sum = 0;

    for (size_t i = 0; i < k->n; i++)
        sum += k->v[i].p;
    return sum;
}

/* Adds the mean of the mention's candidates, by their shares, to the mean of
 * its name: a name that the catalogue hardly has says as much of the subject
 * of a text as another. */
static int add_vectors(struct bl_coherence *c, const struct known *k,
                       struct bl_err *err)
{
    float *mean = c->means + k->name * c->dim;
    double any = any_of(k) * c->uses[k->name];

    for (size_t i = 0; i < k->n && any > 0; i++) {
        double share = k->v[i].p / any;
        int found = bl_entities_vector(c->entities, k->v[i].what->id,
                                       c->vector, err);

        if (found < 0)
            return -1;
        for (size_t j = 0; found && j < c->dim; j++)
            mean[j] += (float)share * c->vector[j];
    }
    return 0;
}

static int sum_vectors(struct bl_coherence *c, struct bl_err *err)
{
    size_t n = bl_name_table_count(c->names) * c->dim;

    if (!n)
        return 0;
    BL_GROW(c->means, n, c->means_cap);
    memset(c->means, 0, n * sizeof *c->means);
    for (size_t i = 0; i < c->n; i++)
        if (add_vectors(c, &c->v[i], err) < 0)
            return -1;
    memset(c->total, 0, c->dim * sizeof *c->total);
    for (size_t i = 0; i < n; i++)
        c->total[i % c->dim] += c->means[i];
    return 0;
}

/* A name and its short and long forms tell nothing about each other: their
 * candidates are near because their names are. */
static size_t exclude(struct bl_coherence *c, uint32_t name)
{
    struct bl_name_list kin[] = { { &name, 1 },
                                  bl_name_table_wholes(c->names, name),
                                  bl_name_table_shorts(c->names, name) };
    size_t n = 0;

    c->stamp++;
    for (size_t i = 0; i < c->dim; i++)
        c->others[i] = c->total[i];
    for (size_t i = 0; i < BL_COUNT(kin); i++)
        for (size_t j = 0; j < kin[i].n; j++) {
            uint32_t one = kin[i].v[j];

            if (c->out[one] == c->stamp)
                continue;
            c->out[one] = c->stamp;
            n++;
            for (size_t d = 0; d < c->dim; d++)
                c->others[d] -= c->means[one * c->dim + d];
        }
    return bl_name_table_count(c->names) - n;
}

/* ---- Evidence ---- */

/* The sum is divided by three more than there are, so that few names say less
 * than many that agree. */
static int near(struct bl_coherence *c, struct bl_span id, size_t others,
                double *out, struct bl_err *err)
{
    int found = bl_entities_vector(c->entities, id, c->vector, err);
    double sum = 0;

    for (size_t i = 0; found > 0 && i < c->dim; i++)
        sum += c->others[i] * c->vector[i];
    *out = sum / (double)(others + 3);
    return found < 0 ? -1 : 0;
}

/* The names of the piece that stand in an entity's title and text. */
static int read_text(struct bl_coherence *c, const struct meaning *m,
                     struct bl_err *err)
{
    struct entity *entity = &c->known_entities[m->entity];
    struct bl_span title = { NULL, 0 }, text = { NULL, 0 };
    struct bl_name_list found;
    uint32_t *told;
    int got;

    if (entity->read)
        return 0;
    bl_arena_reset(&c->texts);
    got = bl_entities_text(c->entities, m->what->id, &c->texts, &title, &text,
                           err);
    if (got < 0)
        return -1;
    bl_buf_clear(&c->folded);
    if (got)
        bl_fold(&c->folded, title);
    if (got && text.p) {
        bl_buf_puts(&c->folded, " . ");
        text.n = bl_utf8_cut(text.p, text.n, TEXT_BYTES);
        bl_fold(&c->folded, text);
    }
    found = bl_name_table_find(c->names, (struct bl_span){ c->folded.data,
                                                           c->folded.len });
    told = bl_arena_alloc(&c->piece[c->now], found.n, sizeof *told);
    if (found.n)
        memcpy(told, found.v, found.n * sizeof *told);
    entity->told = told;
    entity->n_told = found.n;
    entity->read = true;
    return 0;
}

static double told(const struct bl_coherence *c, uint32_t entity)
{
    const struct entity *e = &c->known_entities[entity];
    size_t n = 0;

    for (size_t i = 0; i < e->n_told; i++)
        n += c->out[e->told[i]] != c->stamp;
    return log1p((double)n);
}

static const struct bl_evidence_weights *weights_of(
    const struct bl_coherence *c, const struct bl_candidates *list)
{
    const struct bl_coherence_weights *w = &c->calibration->coherence;

    switch (bl_rank_profile(list)) {
    case BL_PROFILE_CROSS_COSINE:
    case BL_PROFILE_CROSS_COSINE_NAMED:
        return &w->cross_cosine;
    case BL_PROFILE_COSINE:
    case BL_PROFILE_COSINE_NAMED:
        return &w->cosine;
    default:
        return NULL;
    }
}

static double logit_of_share(double share)
{
    return share >= 1 ? 6 : share <= 0 ? -6
        : fmax(-6, fmin(6, log(share / (1 - share))));
}

/* The p of the mention's candidates after the evidence, and its nil. */
static void reweigh(struct known *k, const struct bl_evidence_weights *w,
                    const struct bl_coherent_facts *facts)
{
    double max = -INFINITY, sum = 0, before = 0, after = 0, odds;
    const double *best = facts->evidence;

    for (size_t i = 0; i < k->n; i++) {
        const double *e = facts->evidence + i * BL_N_EVIDENCE;

        before = fmax(before, facts->share[i]);
        k->v[i].p = bl_rank_log(facts->share[i]) + w->rank[BL_E_NEAR]
            * e[BL_E_NEAR] + w->rank[BL_E_TOLD] * e[BL_E_TOLD];
        if (k->v[i].p > max)
            best = e;
        max = fmax(max, k->v[i].p);
    }
    for (size_t i = 0; i < k->n; i++)
        sum += k->v[i].p = exp(k->v[i].p - max);
    for (size_t i = 0; i < k->n; i++)
        after = fmax(after, k->v[i].p /= sum);
    odds = bl_rank_logit(facts->nil)
        + w->nil[BL_EN_SHARE] * (logit_of_share(after)
                                 - logit_of_share(before))
        + w->nil[BL_EN_NEAR] * best[BL_E_NEAR]
        + w->nil[BL_EN_TOLD] * best[BL_E_TOLD]
        + w->nil[BL_EN_OTHERS] * (double)facts->others
            / (double)(facts->others + 2);
    k->nil = 1 / (1 + exp(-odds));
    for (size_t i = 0; i < k->n; i++)
        k->v[i].p *= 1 - k->nil;
}

static void keep_first(const struct known *k, struct bl_coherent *m,
                       struct bl_arena *arena)
{
    struct bl_coherent_facts *facts = &m->facts;
    double any = any_of(k);

    *facts = (struct bl_coherent_facts){
        .nil = k->nil,
        .share = bl_arena_alloc(arena, k->n, sizeof *facts->share),
        .evidence = bl_arena_alloc(arena, k->n, BL_N_EVIDENCE * sizeof(double))
    };
    for (size_t i = 0; i < k->n; i++)
        facts->share[i] = any > 0 ? k->v[i].p / any : 0;
    for (size_t i = 0; i < k->n * BL_N_EVIDENCE; i++)
        facts->evidence[i] = 0;
}

/* Without another name, or for scores that no weights were fitted to, the
 * first opinion stays. */
static int weigh(struct bl_coherence *c, struct known *k,
                 struct bl_coherent *m, struct bl_err *err)
{
    const struct bl_evidence_weights *w = weights_of(c, m->list);
    struct bl_coherent_facts *facts = &m->facts;

    facts->others = exclude(c, k->name);
    if (!facts->others || !k->n || !w || any_of(k) <= 0
        || !bl_entities_are_known(c->entities))
        return 0;
    for (size_t i = 0; i < k->n; i++) {
        double *e = facts->evidence + i * BL_N_EVIDENCE;

        if (near(c, k->v[i].what->id, facts->others, &e[BL_E_NEAR], err) < 0
            || read_text(c, &k->v[i], err) < 0)
            return -1;
        e[BL_E_TOLD] = told(c, k->v[i].entity);
    }
    reweigh(k, w, facts);
    m->changed = true;
    return 0;
}

/* ---- What comes out ---- */

static int likelier(const void *pa, const void *pb)
{
    const struct meaning *one = pa, *other = pb;

    if (one->p != other->p)
        return one->p > other->p ? -1 : 1;
    return (one->entity > other->entity) - (one->entity < other->entity);
}

/* The list is borrowed from the record, so a longer one is made. */
static void add_others(const struct known *k, struct bl_candidates *list,
                       double any, struct bl_arena *arena)
{
    struct bl_candidate *v = bl_arena_alloc(arena, k->n, sizeof *v);

    if (k->n_own)
        memcpy(v, list->v, k->n_own * sizeof *v);
    for (size_t i = k->n_own; i < k->n; i++) {
        const struct bl_candidate *what = k->v[i].what;

        v[i] = *what;
        v[i].id = bl_arena_copy(arena, what->id);
        v[i].title = bl_arena_copy(arena, what->title);
        v[i].url = bl_arena_copy(arena, what->url);
        v[i].type = bl_arena_copy(arena, what->type);
        v[i].qid = bl_arena_copy(arena, what->qid);
        v[i].from = bl_arena_copy(arena, what->from);
        v[i].coherence = bl_rank_log(k->v[i].p / any);
        v[i].place = i;
    }
    list->v = v;
    list->n = k->n;
    list->n_from = k->n - k->n_own;
}

static void put(struct known *k, struct bl_coherent *m, struct bl_arena *arena)
{
    struct bl_candidates *list = m->list;
    double any;

    if (k->n > k->n_own)
        qsort(k->v + k->n_own, k->n - k->n_own, sizeof *k->v, likelier);
    any = any_of(k);
    if (any > 0)
        k->nil /= any + k->nil;
    list->whole.nil = bl_rank_logit(k->nil) - bl_rank_logit(m->facts.nil);
    for (size_t i = 0; i < k->n_own && any > 0; i++)
        list->v[i].coherence = bl_rank_log(k->v[i].p / any)
            - bl_rank_log(m->facts.share[i]);
    if (k->n > k->n_own && any > 0)
        add_others(k, list, any, arena);
}

/* All first opinions are there before any is weighed: what is read first would
 * else count for more. */
int bl_coherence_read(struct bl_coherence *c, struct bl_coherent *mentions,
                      size_t n, bool more, struct bl_arena *arena,
                      struct bl_err *err)
{
    start_piece(c, more);
    for (size_t i = 0; i < n; i++) {
        mentions[i].changed = false;
        take(c, &mentions[i]);
    }
    number(c);
    for (size_t i = 0; i < n; i++)
        keep_first(&c->v[c->n_past + i], &mentions[i], arena);
    if (c->dim && sum_vectors(c, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (weigh(c, &c->v[c->n_past + i], &mentions[i], err) < 0)
            return -1;
    bl_coherence_join(c, mentions);
    bl_coherence_follow(c, mentions, arena);
    for (size_t i = 0; i < n; i++)
        if (mentions[i].changed)
            put(&c->v[c->n_past + i], &mentions[i], arena);
    return 0;
}
