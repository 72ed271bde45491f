/* SPDX-License-Identifier: MIT */
/* Candidates of a mention: near vectors, names, initials, shards, failures. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "kb/kb-build.h"
#include "link/calibration.h"
#include "link/gather.h"
#include "link/rank.h"
#include "search/index.h"
#include "tap.h"

enum { DIM = 2, N = 10 };

static struct bl_err err;
static struct bl_arena arena;
static char *folder;

/* A catalogue of N entities; row 5 has no vector. */
static const struct { const char *json; float v[DIM]; } entities[N] = {
    { "{\"id\":\"junction\",\"title\":\"Iron Coast Junction\"}", { 0.5f, 0 } },
    { "{\"id\":\"court\",\"title\":\"International Court of Justice\","
      "\"url\":\"https://icj\",\"qid\":\"Q7801\",\"type\":\"ORG\"}",
      { 0.6f, 0 } },
    { "{\"id\":\"isle\",\"title\":\"Isle\",\"aliases\":[\"ICJ\"]}", { 1, 0 } },
    { "{\"id\":\"paris\",\"title\":\"Paris\",\"aliases\":"
      "[{\"name\":\"PARIS\",\"count\":90}]}", { 0, 1 } },
    { "{\"id\":\"myth\",\"title\":\"Paris (mythology)\"}", { 0, 0.5f } },
    { "{\"id\":\"hilton\",\"title\":\"Paris Hilton\",\"aliases\":[\"Paris\"]}",
      { 0, 0 } },
    { "{\"id\":\"jam\",\"title\":\"Icy Cold Jam\"}", { 0.4f, 0 } },
    { "{\"id\":\"jar\",\"title\":\"Icy Cold Jar\"}", { 0.3f, 0 } },
    { "{\"id\":\"jazz\",\"title\":\"Ivory Coast Jazz\"}", { 0.2f, 0 } },
    { "{\"id\":\"jet\",\"title\":\"Ivory Coast Jet\"}", { 0.1f, 0 } }
};

static void bail(void)
{
    printf("Bail out! %s\n", err.msg);
    exit(99);
}

/* ---- Files ---- */

static char *in_folder(const char *name)
{
    return bl_xasprintf("%s/%s", folder, name);
}

static void remove_file(const char *name)
{
    char *path = in_folder(name);

    unlink(path);
    free(path);
}

/* The first n entities as a catalogue; caller closes. */
static struct bl_kb *make_kb(const char *name, size_t n)
{
    struct bl_kb_build_opts opts = { .fts = false };
    char *path = in_folder(name);
    struct bl_kb_builder *b = bl_kb_build_open(path, &opts, &err);
    struct bl_record r = { 0 };
    struct bl_kb_input in;
    struct bl_kb *kb;

    for (size_t i = 0; b && i < n; i++)
        if (bl_record_parse(&r, bl_span_of(entities[i].json), i, &err) < 0
            || bl_kb_input_read(&in, &r, false, &arena, &err) < 0
            || bl_kb_build_add(b, &in, "f", i, &err) < 0)
            bail();
    kb = b && bl_kb_build_finish(b, &err) == 0 ? bl_kb_open(path, &err)
                                               : NULL;
    if (!kb)
        bail();
    bl_record_free(&r);
    free(path);
    return kb;
}

/* An index of the given rows of the catalogue; caller frees the path. */
static char *make_index(const char *name, const char *model, struct bl_kb *kb,
                        const uint64_t *rows, size_t n)
{
    struct bl_index_spec spec = {
        BL_DTYPE_F32, DIM, model, bl_kb_fingerprint(kb), bl_kb_count(kb), n,
        NULL
    };
    char *path = in_folder(name);
    struct bl_index_writer *w = bl_index_create(path, &spec, &err);

    for (size_t i = 0; w && i < n; i++)
        if (bl_index_add(w, rows[i], entities[rows[i]].v, &err) < 0)
            bail();
    if (!w || bl_index_commit(w, &err) < 0)
        bail();
    return path;
}

static struct bl_gather *open_one(const char *path, struct bl_kb *kb,
                                  size_t k)
{
    struct bl_gather_opts opts = { .k = k, .threads = 1 };
    struct bl_gather *g = bl_gather_open(&path, 1, kb, &opts, &err);

    if (!g)
        bail();
    return g;
}

/* ---- What was found, as text ---- */

/* "2:1.00 3:0.00=0.97": rows, scores, and priors where there are any. */
static const char *shown(const struct bl_gathered *found)
{
    static struct bl_buf b;

    bl_buf_clear(&b);
    bl_buf_puts(&b, "");
    for (size_t i = 0; i < found->n; i++) {
        const struct bl_gather_hit *hit = &found->v[i];

        bl_buf_printf(&b, "%s%lu:%.2f", i ? " " : "",
                      (unsigned long)hit->row, (double)hit->score);
        if (!isnan(hit->prior))
            bl_buf_printf(&b, "=%.2f", hit->prior);
    }
    return b.len ? b.data : "";
}

/* What one mention finds; name NULL: its vector alone. */
static const char *find(struct bl_gather *g, float x, float y,
                        const char *name)
{
    float vector[DIM] = { x, y };
    struct bl_gather_query q = { .vector = vector };
    struct bl_gathered found;

    if (name)
        q.name = bl_span_of(name);
    if (bl_gather_search(g, &q, 1, &arena, &found, &err) < 0)
        return err.msg;
    return shown(&found);
}

/* ---- Lists ---- */

static void test_near(const char *all, struct bl_kb *kb)
{
    struct bl_gather *g = open_one(all, kb, 3);

    is_str(find(g, 1, 0, NULL), "2:1.00 1:0.60 0:0.50", "the nearest three");
    is_str(find(g, 0, 1, NULL), "3:1.00 4:0.50 0:0.00",
           "of equal scores the first row");
    ok(bl_gather_want(g)->dim == DIM
       && !strcmp(bl_gather_want(g)->model, "m"), "what vectors it wants");
    ok(!strncmp(bl_gather_describe(g), "1 indexes, kernel ", 18),
       "what searches");
    bl_gather_close(g);
    g = open_one(all, kb, 100);
    ok(strstr(find(g, 1, 0, NULL), "9:0.10 3:0.00 4:0.00") != NULL
       && !strstr(find(g, 1, 0, NULL), "5:"),
       "k above the number of vectors gives them all");
    bl_gather_close(g);
}

static void test_names(const char *all, struct bl_kb *kb)
{
    struct bl_gather *g = open_one(all, kb, 1);

    is_str(find(g, 1, 0, "PARIS"), "2:1.00 3:0.00=0.97",
           "of the named the k best known, behind what is nearer");
    is_str(find(g, 0, 1, "Paris"), "3:1.00=0.97",
           "one that is near and named comes once, with its prior");
    is_str(find(g, 1, 0, "Nobody At All"), "2:1.00", "no such name");
    is_str(find(g, 1, 0, ""), "2:1.00", "an empty name");
    bl_gather_close(g);
    g = open_one(all, kb, 3);
    is_str(find(g, 1, 0, "paris"),
           "2:1.00 1:0.60 0:0.50 3:0.00=0.97 4:0.00=0.02",
           "one of the three that are named has no vector");
    bl_gather_close(g);
}

static void test_initials(const char *all, struct bl_kb *kb)
{
    struct bl_gather *g = open_one(all, kb, 1);

    is_str(find(g, 1, 0, "ICJ"), "2:1.00=1.00 1:0.60 0:0.50 6:0.40 7:0.30",
           "an alias, and the nearest four titles with these initials");
    is_str(find(g, 0, 1, "I.C.J."), "3:1.00 0:0.00 1:0.00 6:0.00 7:0.00",
           "full stops do not matter; equal scores by row");
    is_str(find(g, 1, 0, "icj"), "2:1.00=1.00", "small letters are a word");
    is_str(find(g, 1, 0, "IC"), "2:1.00", "two letters are too few");
    bl_gather_close(g);
}

/* ---- Shards ---- */

static void test_shards(const char *all, struct bl_kb *kb)
{
    static const uint64_t odd[] = { 1, 3, 7, 9 }, even[] = { 8, 6, 4, 2, 0 };
    static const uint64_t both[] = { 2, 1 };
    char *a = make_index("a.blx", "m", kb, odd, 4);
    char *b = make_index("b.blx", "m", kb, even, 5);
    char *c = make_index("c.blx", "m", kb, both, 2);
    char *none = make_index("none.blx", "-", kb, NULL, 0);
    const char *orders[][4] = { { a, b, none, c }, { c, none, b, a } };
    struct bl_gather_opts opts = { .k = 4, .threads = 2 };
    struct bl_gather *whole = open_one(all, kb, 4);
    char *want = bl_xstrdup(find(whole, 1, 0, "ICJ"));

    for (size_t i = 0; i < 2; i++) {
        struct bl_gather *g = bl_gather_open(orders[i], 4, kb, &opts, &err);

        is_str(g ? find(g, 1, 0, "ICJ") : err.msg, want,
               "shards that overlap find what one index finds");
        bl_gather_close(g);
    }
    bl_gather_close(whole);
    free(want);
    free(a);
    free(b);
    free(c);
    free(none);
}

static void test_many(const char *all, struct bl_kb *kb)
{
    enum { MANY = 600 };        /* more than are searched together */
    static float vectors[MANY][DIM];
    static struct bl_gather_query q[MANY];
    static struct bl_gathered found[MANY];
    struct bl_gather *g = open_one(all, kb, 2);
    size_t same = 0;

    for (size_t i = 0; i < MANY; i++) {
        vectors[i][0] = (float)i;
        vectors[i][1] = (float)(MANY - i);
        q[i].vector = vectors[i];
        if (i % 2)
            q[i].name = bl_span_of(i % 3 ? "Paris" : "ICJ");
    }
    ok(bl_gather_search(g, q, MANY, &arena, found, &err) == 0,
       "600 in one call");
    for (size_t i = 0; i < MANY; i++) {
        char *one = bl_xstrdup(find(g, vectors[i][0], vectors[i][1],
                                    q[i].name.p));

        same += !strcmp(one, shown(&found[i]));
        free(one);
    }
    ok(same == MANY, "each as if it were alone");
    ok(bl_gather_search(g, q, 0, &arena, found, &err) == 0, "none at all");
    bl_gather_close(g);
}

/* ---- What the catalogue says ---- */

static void test_candidates(const char *all, struct bl_kb *kb)
{
    struct bl_gather *g = open_one(all, kb, 1);
    struct bl_gather_query q = { .vector = (float[]){ 1, 0 },
                                 .name = BL_SPAN_LIT("Isle") };
    struct bl_calibration calibration = bl_calibration_default();
    struct bl_gathered found;
    struct bl_candidates c = { .n = 0 };
    struct bl_buf b = BL_BUF_INIT;
    double sum;

    ok(bl_gather_search(g, &q, 1, &arena, &found, &err) == 0
       && bl_gather_candidates(g, &found, &arena, &c, &err) == 0 && c.n == 1,
       "a list of one");
    ok(c.n == 1 && isnan(c.v->cross) && isnan(c.v->p)
       && c.v->bi == c.v->score, "its score is what it was found by");
    bl_candidates_put(&b, &c, 0);
    is_str(b.data, "[{\"id\":\"isle\",\"title\":\"Isle\",\"score\":1,"
           "\"bi_score\":1,\"prior\":1}]", "as JSON");
    bl_buf_clear(&b);
    q.vector = (float[]){ 0.5f, 0.25f };
    q.name = bl_span_of("ICJ");
    ok(bl_gather_search(g, &q, 1, &arena, &found, &err) == 0
       && bl_gather_candidates(g, &found, &arena, &c, &err) == 0 && c.n == 5,
       "a list of five");
    sum = bl_rank(&calibration, q.name, NULL, &c);
    for (size_t i = 0; i < c.n; i++)
        sum += c.v[i].p;
    ok(fabs(sum - 1) < 1e-9, "which can be ranked");
    c.n = 2;
    c.v[1].p = 0.25;
    c.v++;
    c.n--;
    bl_candidates_put(&b, &c, 0);
    is_str(b.data, "[{\"id\":\"court\",\"title\":\"International Court of "
           "Justice\",\"url\":\"https://icj\",\"qid\":\"Q7801\",\"type\":"
           "\"ORG\",\"score\":0.300000012,\"bi_score\":0.300000012,"
           "\"p\":0.25}]", "with all that there is");
    bl_buf_free(&b);
    bl_gather_close(g);
}

static void test_infinite(const char *all, struct bl_kb *kb)
{
    struct bl_gather *g = open_one(all, kb, 1);
    float vector[DIM] = { 3e38f, 3e38f };
    struct bl_gather_query q = { .vector = vector };
    struct bl_gathered found;
    struct bl_candidates c;

    ok(bl_gather_search(g, &q, 1, &arena, &found, &err) == 0
       && bl_gather_candidates(g, &found, &arena, &c, &err) == 0,
       "large numbers");
    found.v[0].score = INFINITY;
    ok(bl_gather_candidates(g, &found, &arena, &c, &err) < 0
       && err.code == BL_NON_FINITE, "a score beyond floats fails the list");
    found.v[0].score = 1;
    found.v[0].row = N;
    ok(bl_gather_candidates(g, &found, &arena, &c, &err) < 0
       && err.code == BL_DATA, "a row beyond the catalogue is a bad file");
    bl_gather_close(g);
}

/* ---- Without one or the other ---- */

static void test_without(const char *all, struct bl_kb *kb)
{
    struct bl_gather *g = open_one(all, NULL, 2);
    char *none = in_folder("none.blx");

    is_str(find(g, 1, 0, "ICJ"), "2:1.00 1:0.60",
           "without a catalogue there are rows and no names");
    bl_gather_close(g);
    g = open_one(none, kb, 2);
    ok(bl_gather_want(g)->dim == 0 && !bl_gather_want(g)->model,
       "an empty index takes any vector");
    is_str(find(g, 1, 0, "Paris"), "", "and finds nothing");
    bl_gather_close(g);
    free(none);
}

/* The code, and that the message says so. */
static void refused(const char *a, const char *b, struct bl_kb *kb,
                    size_t nprobe, enum bl_code code, const char *says)
{
    const char *paths[] = { a, b };
    struct bl_gather_opts opts = { .k = 1, .nprobe = nprobe };

    err.msg[0] = '\0';
    ok(!bl_gather_open(paths, b ? 2 : 1, kb, &opts, &err)
       && err.code == code && strstr(err.msg, says), "refused: %s", says);
}

static void test_refused(const char *all, struct bl_kb *kb)
{
    static const uint64_t rows[] = { 0 };
    struct bl_kb *other = make_kb("other.kb", N - 1);
    char *foreign = make_index("foreign.blx", "m2", kb, rows, 1);

    refused("/no/such.blx", NULL, kb, 0, BL_DATA, "/no/such.blx");
    refused(all, "/no/such.blx", kb, 0, BL_DATA, "/no/such.blx");
    refused(all, NULL, other, 0, BL_DATA, "made for a catalogue of 10");
    refused(all, foreign, kb, 0, BL_DATA, "made with model m2");
    refused(all, NULL, kb, 8, BL_USAGE, "for approximate indexes");
    bl_gather_close(NULL);
    bl_kb_close(other);
    free(foreign);
}

int main(void)
{
    static const uint64_t rows[] = { 0, 1, 2, 3, 4, 6, 7, 8, 9 };
    char template[] = "/tmp/test-gather.XXXXXX";
    struct bl_kb *kb;
    char *all;

    folder = mkdtemp(template);
    if (!folder)
        return 99;
    kb = make_kb("k.kb", N);
    all = make_index("all.blx", "m", kb, rows, N - 1);
    test_near(all, kb);
    test_names(all, kb);
    test_initials(all, kb);
    test_shards(all, kb);
    test_many(all, kb);
    test_candidates(all, kb);
    test_infinite(all, kb);
    test_without(all, kb);
    test_refused(all, kb);
    bl_kb_close(kb);
    free(all);
    bl_arena_free(&arena);
    for (const char *const *f = (const char *const[]){
             "k.kb", "other.kb", "all.blx", "a.blx", "b.blx", "c.blx",
             "none.blx", "foreign.blx", NULL }; *f; f++)
        remove_file(*f);
    rmdir(folder);
    return tap_done();
}
