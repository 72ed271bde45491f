/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "link/coherence-parts.h"
#include "link/short-name.h"
#include "text/unicode.h"

/* A candidate of another mention is added where it has this probability; the
 * rest of what that mention may mean is spread over the others. */
static const double least_p = 0.005;

/* ---- Mentions of one name ---- */

/* A mention's own candidates keep their places, since its list has them so;
 * of other mentions those are added that are likely enough. */
static void replace(struct known *k, struct meaning *v, size_t n)
{
    size_t kept = k->n_own;

    for (size_t i = k->n_own; i < n; i++)
        if (v[i].p >= least_p)
            v[kept++] = v[i];
    k->v = v;
    k->n = kept;
}

/* Sums the p of entities over the mentions of a name, which are group[n], and
 * lists those that may be added to a mention, each as it was first met: since
 * all of a mention's p add up to 1, they are few. */
static size_t sum_group(struct bl_coherence *c, const size_t *group, size_t n,
                        struct meaning *met)
{
    size_t n_met = 0, kept = 0;

    for (size_t i = 0; i < n; i++) {
        const struct known *k = &c->v[group[i]];

        for (size_t j = 0; j < k->n; j++) {
            struct entity *e = &c->known_entities[k->v[j].entity];

            if (!e->touched) {
                e->touched = true;
                e->sum = 0;
                met[n_met++] = k->v[j];
            }
            e->sum += k->v[j].p;
        }
    }
    for (size_t i = 0; i < n_met; i++) {
        struct entity *e = &c->known_entities[met[i].entity];

        e->touched = e->sum >= least_p * (double)(n - 1);
        if (e->touched)
            met[kept++] = met[i];
    }
    return kept;
}

/* part: how much of the mention's meaning is the mean of the n - 1 others'.
 * What it has itself is not added a second time. */
static void join_group(struct bl_coherence *c, struct known *k,
                       const struct meaning *met, size_t n_met, size_t n,
                       double part)
{
    struct meaning *v = bl_arena_alloc(&c->piece[c->now], k->n + n_met,
                                       sizeof *v);
    size_t at = 0;

    for (; at < k->n; at++) {
        struct entity *e = &c->known_entities[k->v[at].entity];

        v[at] = k->v[at];
        v[at].p = (1 - part) * k->v[at].p
            + part * (e->sum - k->v[at].p) / (double)(n - 1);
        e->touched = false;
    }
    for (size_t i = 0; i < n_met; i++) {
        struct entity *e = &c->known_entities[met[i].entity];

        if (e->touched) {
            v[at] = met[i];
            v[at++].p = part * e->sum / (double)(n - 1);
        }
        e->touched = true;
    }
    replace(k, v, at);
}

/* All see what the others meant before, whatever their order. */
static void join_name(struct bl_coherence *c, const size_t *group, size_t n,
                      struct bl_coherent *mentions)
{
    double half = c->calibration->coherence.half, nil = 0;
    double part = half * (double)(n - 1) / (double)n;
    size_t longest = 0, n_met;
    struct meaning *met;

    for (size_t i = 0; i < n; i++) {
        longest += c->v[group[i]].n;
        nil += c->v[group[i]].nil;
    }
    met = bl_xmalloc(longest, sizeof *met);
    n_met = sum_group(c, group, n, met);
    for (size_t i = 0; i < n; i++) {
        struct known *k = &c->v[group[i]];

        if (group[i] < c->n_past)
            continue;
        join_group(c, k, met, n_met, n, part);
        k->nil = (1 - part) * k->nil
            + part * (nil - k->nil) / (double)(n - 1);
        mentions[group[i] - c->n_past].changed = true;
    }
    for (size_t i = 0; i < n_met; i++)
        c->known_entities[met[i].entity].touched = false;
    free(met);
}

/* The mentions of each name one after another: a counting sort. */
void bl_coherence_join(struct bl_coherence *c, struct bl_coherent *mentions)
{
    size_t names = bl_name_table_count(c->names);
    size_t *start = bl_xcalloc(names + 1, sizeof *start);
    size_t *group = bl_xmalloc(c->n, sizeof *group);

    for (size_t i = 0; i < c->n; i++)
        start[c->v[i].name + 1]++;
    for (size_t i = 0; i < names; i++)
        start[i + 1] += start[i];
    for (size_t i = 0; i < c->n; i++)
        group[start[c->v[i].name]++] = i;
    /* Each start has become the start of the next. */
    for (uint32_t i = 0; i < names; i++) {
        size_t from = i ? start[i - 1] : 0, n = start[i] - from;

        if (n > 1 && bl_name_table_text(c->names, i).n)
            join_name(c, group + from, n, mentions);
    }
    free(start);
    free(group);
}

/* ---- Short names ---- */

/* A tagger's types may tell that two mentions are not of one thing. */
static bool types_clash(struct bl_span one, struct bl_span other)
{
    return one.n && other.n && strcasecmp(one.p, "MISC")
        && strcasecmp(other.p, "MISC") && strcasecmp(one.p, other.p);
}

/* The last mention before number i whose name has its words; SIZE_MAX:
 * none. */
static size_t find_earlier(const struct bl_coherence *c, size_t i)
{
    struct bl_name_list wholes = bl_name_table_wholes(c->names, c->v[i].name);
    size_t last = 0;

    for (size_t j = 0; j < wholes.n; j++)
        last = BL_MAX(last, c->last[wholes.v[j]]);
    return last ? last - 1 : SIZE_MAX;
}

static bool has_capital(struct bl_span mention)
{
    static const char article[] = "the ";
    size_t n = sizeof article - 1;
    unsigned length;

    if (mention.n > n && !strncasecmp(mention.p, article, n)) {
        mention.p += n;
        mention.n -= n;
    }
    return mention.n
        && bl_uni_is_upper(bl_utf8_decode(mention.p, mention.n, &length));
}

/* A meaning of its own counts where the catalogue has that name for it. */
static double sure(const struct known *k, const struct bl_candidates *list)
{
    size_t best = SIZE_MAX;

    for (size_t i = 0; i < k->n; i++)
        if (best == SIZE_MAX || k->v[i].p > k->v[best].p)
            best = i;
    return best < k->n_own && list->v[best].prior > 0 ? k->v[best].p : 0;
}

static void follow_facts(const struct bl_coherence *c, const struct known *k,
                         const struct known *earlier,
                         const struct bl_candidates *list, double *facts)
{
    enum bl_short how = bl_short_of(bl_name_table_text(c->names, k->name),
                                    bl_name_table_text(c->names,
                                                       earlier->name));

    facts[BL_FOLLOW_ONE] = 1;
    facts[BL_FOLLOW_END] = how == BL_SHORT_END;
    facts[BL_FOLLOW_OF] = how == BL_SHORT_OF;
    facts[BL_FOLLOW_HEAD] = how == BL_SHORT_HEAD;
    facts[BL_FOLLOW_START] = how == BL_SHORT_START;
    facts[BL_FOLLOW_CAPITAL] = has_capital(k->mention);
    facts[BL_FOLLOW_NIL] = k->nil;
    facts[BL_FOLLOW_SURE] = sure(k, list);
    facts[BL_FOLLOW_SURE_END] = facts[BL_FOLLOW_SURE] * facts[BL_FOLLOW_END];
}

/* What the mention means becomes that with a part of what the earlier one
 * does. */
static void mix(struct bl_coherence *c, struct known *k,
                const struct known *earlier, double part)
{
    struct meaning *v = bl_arena_alloc(&c->piece[c->now], k->n + earlier->n,
                                       sizeof *v);
    size_t at = k->n;

    for (size_t i = 0; i < earlier->n; i++) {
        struct entity *e = &c->known_entities[earlier->v[i].entity];

        e->sum = earlier->v[i].p;
        e->touched = true;
    }
    for (size_t i = 0; i < k->n; i++) {
        struct entity *e = &c->known_entities[k->v[i].entity];

        v[i] = k->v[i];
        v[i].p = (1 - part) * v[i].p + (e->touched ? part * e->sum : 0);
        e->touched = false;
    }
    for (size_t i = 0; i < earlier->n; i++) {
        struct entity *e = &c->known_entities[earlier->v[i].entity];

        if (e->touched) {
            v[at] = earlier->v[i];
            v[at++].p *= part;
        }
        e->touched = false;
    }
    k->nil = (1 - part) * k->nil + part * earlier->nil;
    replace(k, v, at);
}

static void follow(struct bl_coherence *c, struct known *k, size_t earlier,
                   struct bl_coherent *m, struct bl_arena *arena)
{
    const struct known *e = &c->v[earlier];
    double sum = 0, p;

    if (types_clash(k->type, e->type))
        return;
    m->facts.is_short = true;
    m->facts.earlier = c->passed + earlier;
    follow_facts(c, k, e, m->list, m->facts.follow);
    for (size_t i = 0; i < BL_N_FOLLOW_FACTS; i++)
        sum += c->calibration->coherence.follow[i] * m->facts.follow[i];
    p = 1 / (1 + exp(-sum));
    mix(c, k, e, p);
    m->changed = true;
    if (p < 0.5)
        return;
    m->list->whole.follows = bl_arena_copy(arena, e->id);
    /* Its own page, of which it is the title, is another one. */
    if (p * e->page_p <= k->page_p)
        return;
    k->page = e->page;
    k->page_p = p * e->page_p;
    m->list->whole.page = (struct bl_named){
        bl_arena_copy(arena, e->page.title), bl_arena_copy(arena, e->page.url),
        e->page.redirect
    };
    m->list->whole.page_p = k->page_p;
}

/* In the order of the text, so that what follows may be followed. */
void bl_coherence_follow(struct bl_coherence *c, struct bl_coherent *mentions,
                         struct bl_arena *arena)
{
    memset(c->last, 0, bl_name_table_count(c->names) * sizeof *c->last);
    for (size_t i = 0; i < c->n; i++) {
        struct known *k = &c->v[i];
        size_t earlier = i < c->n_past ? SIZE_MAX : find_earlier(c, i);

        if (earlier != SIZE_MAX)
            follow(c, k, earlier, &mentions[i - c->n_past], arena);
        c->last[k->name] = i + 1;
    }
}
