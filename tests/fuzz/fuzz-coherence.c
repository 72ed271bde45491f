/* SPDX-License-Identifier: MIT */
/* fuzz-coherence: any lines as the mentions of a document, read in pieces of
 * three, by names alone, and as mentions of what no catalogue has.
 * Probabilities add up to 1 before and after; what is written reads back to
 * the same lists; a mention that is not changed has nothing added. */
#include <math.h>

#include "feed.h"
#include "link/cluster.h"
#include "link/coherence.h"
#include "link/rank.h"

enum { PIECE = 3, MOST = 30 };

static struct bl_calibration calibration;

static bool read_one(struct bl_record *r, struct bl_arena *arena,
                     struct bl_coherent *m)
{
    *m = (struct bl_coherent){
        .list = bl_arena_alloc(arena, 1, sizeof *m->list),
        .mention = BL_SPAN_LIT("")
    };
    return bl_candidates_read(r, arena, m->list, NULL) == 0
        && bl_record_string_opt(r, "mention", arena, &m->mention, NULL) >= 0
        && bl_record_string_opt(r, "id", arena, &m->id, NULL) >= 0
        && bl_record_string_opt(r, "type", arena, &m->type, NULL) >= 0;
}

static void check_sum(struct bl_coherent *m)
{
    double sum = bl_rank(&calibration, m->mention, NULL, m->list);

    for (size_t i = 0; i < m->list->n; i++) {
        CHECK(m->list->v[i].p >= 0 && m->list->v[i].p <= 1);
        sum += m->list->v[i].p;
    }
    CHECK(fabs(sum - 1) < 1e-9);
}

static void check_written(const struct bl_coherent *m, struct bl_arena *arena)
{
    struct bl_buf b = BL_BUF_INIT;
    struct bl_record r = { 0 };
    struct bl_candidates again;

    bl_buf_puts(&b, "{\"candidates\":");
    bl_candidates_put(&b, m->list, BL_PUT_COHERENCE);
    bl_buf_putc(&b, '}');
    CHECK(bl_record_parse(&r, (struct bl_span){ b.data, b.len }, 1, NULL)
          == 0);
    CHECK(bl_candidates_read(&r, arena, &again, NULL) == 0);
    CHECK(again.n == m->list->n && again.n_from == m->list->n_from);
    bl_record_free(&r);
    bl_buf_free(&b);
}

static void read_piece(struct bl_coherence *c, struct bl_coherent *v, size_t n,
                       bool more, struct bl_arena *arena)
{
    CHECK(bl_coherence_read(c, v, n, more, arena, NULL) == 0);
    for (size_t i = 0; i < n; i++) {
        check_sum(&v[i]);
        check_written(&v[i], arena);
        if (v[i].changed)
            continue;
        CHECK(v[i].list->n_from == 0 && v[i].list->whole.nil == 0);
        for (size_t j = 0; j < v[i].list->n; j++)
            CHECK(isnan(v[i].list->v[j].coherence));
    }
}

/* Each mention gets an id, and those of one name and type the same. */
static void group(struct bl_cluster *cluster, const struct bl_coherent *v,
                  size_t n, bool more, struct bl_arena *arena)
{
    struct bl_unknown all[PIECE];

    for (size_t i = 0; i < n; i++)
        all[i] = (struct bl_unknown){
            .id = v[i].id, .mention = v[i].mention, .type = v[i].type,
            .follows = v[i].list->whole.follows, .unknown = true
        };
    CHECK(bl_cluster_read(cluster, all, n, more, arena, NULL) == 0);
    for (size_t i = 0; i < n; i++)
        CHECK(all[i].nil_id.n > 4 && !memcmp(all[i].nil_id.p, "nil:", 4));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bl_span text = { (const char *)data, size }, line;
    struct bl_entities *none = bl_entities_open(NULL, 0, NULL, 0, NULL);
    struct bl_coherent v[PIECE];
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_record records[PIECE] = { 0 };
    struct bl_coherence *c;
    struct bl_cluster *cluster = bl_cluster_new(NULL, size % 2);
    size_t n = 0;
    bool more = false;

    calibration = bl_calibration_default();
    c = bl_coherence_new(&calibration, none);
    for (size_t i = 0; i < MOST && feed_line(&text, &line); i++) {
        struct bl_record *r = &records[n];

        if (bl_record_parse(r, line, 1, NULL) == 0)
            n += read_one(r, &arena, &v[n]);
        if (n < PIECE)
            continue;
        read_piece(c, v, n, more, &arena);
        group(cluster, v, n, more, &arena);
        more = true;
        n = 0;
    }
    read_piece(c, v, n, more, &arena);
    for (size_t i = 0; i < PIECE; i++)
        bl_record_free(&records[i]);
    bl_coherence_free(c);
    bl_cluster_free(cluster);
    bl_entities_close(none);
    bl_arena_free(&arena);
    return 0;
}
