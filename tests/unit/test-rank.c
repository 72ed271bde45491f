/* SPDX-License-Identifier: MIT */
/* Candidate lists, ranking, and fitting a calibration. */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "json/candidates.h"
#include "link/rank-fit.h"
#include "link/rank.h"
#include "link/tune.h"
#include "tap.h"
#include "text/initials.h"

static struct bl_arena arena = BL_ARENA_INIT;
static struct bl_err err;

static int read_list(const char *line, struct bl_candidates *c)
{
    static struct bl_record r;

    bl_arena_reset(&arena);
    if (bl_record_parse(&r, bl_span_of(line), 1, &err) < 0)
        return -1;
    return bl_candidates_read(&r, &arena, c, &err);
}

static const char *written(const struct bl_candidates *c, unsigned what)
{
    static struct bl_buf b;

    bl_buf_clear(&b);
    bl_candidates_put(&b, c, what);
    return b.data;
}

static void lists(void)
{
    struct bl_candidates c;

    ok(read_list("{\"candidates\":[ {\"id\":7, \"score\" : 0.50,\"x\":1e400},"
                 "{\"y\":[{}], \"id\":\"b\" } ,{\"id\":\"c\",\"score\":2 },"
                 "{\"score\":2,\"id\":\"d\"}]}", &c) == 0, "a list is read");
    ok(c.n == 4 && bl_span_is(c.v[0].id, "7") && isnan(c.v[1].score),
       "ids may be numbers, scores may be absent");
    bl_candidates_sort(&c);
    is_str(written(&c, 0), "[{\"id\":\"c\",\"score\":2 },"
           "{\"score\":2,\"id\":\"d\"},"
           "{\"id\":7, \"score\" : 0.50,\"x\":1e400},"
           "{\"y\":[{}], \"id\":\"b\" }]",
           "sorted, ties as they were, untouched bytes");
    c.v[0].cross = 1.5;
    is_str(written(&c, BL_PUT_SCORE | BL_PUT_CROSS),
           "[{\"id\":\"c\",\"score\":2,\"cross_score\":1.5},"
           "{\"score\":2,\"id\":\"d\"},"
           "{\"id\":7, \"score\" : 0.5,\"x\":1e400},"
           "{\"y\":[{}], \"id\":\"b\",\"score\":null}]",
           "members are replaced in place or appended");
    ok(read_list("{\"candidates\":[]}", &c) == 0 && c.n == 0,
       "an empty list");
    is_str(written(&c, BL_PUT_SCORE), "[]", "is written as one");
}

static void bad_list(const char *line, const char *message)
{
    struct bl_candidates c;

    ok(read_list(line, &c) < 0 && err.code < BL_USAGE, "refused: %s", line);
    is_str(err.msg, message, "and told why");
}

static void bad_lists(void)
{
    bad_list("{}", "field 'candidates': expected array, found nothing: "
             "run blink-retrieve first");
    bad_list("{\"candidates\":{}}",
             "field 'candidates': expected array, found object");
    bad_list("{\"candidates\":[1]}",
             "field 'candidates': entry 0: expected object, found number");
    bad_list("{\"candidates\":[{\"id\":\"a\"},{}]}", "field 'candidates': "
             "entry 1: field 'id': expected string, found nothing");
    bad_list("{\"candidates\":[{\"id\":[]}]}", "field 'candidates': "
             "entry 0: field 'id': expected string, found array");
}

/* A file of share/calibration.  The default one is fitted to whatever models
 * are shipped; what is said of an encoder without training is said of its
 * own. */
static struct bl_calibration shipped(const char *name)
{
    struct bl_buf path = BL_BUF_INIT;
    struct bl_calibration c = { 0 };
    int rc;

    bl_buf_printf(&path, "%s/share/calibration/%s",
                  getenv("top_srcdir") ? getenv("top_srcdir") : ".", name);
    rc = bl_calibration_read(&c, path.data, &err);
    ok(rc == 0, "%s can be read", name);
    bl_buf_free(&path);
    return c;
}

static void ranking(void)
{
    struct bl_calibration cal = { 0 };
    struct bl_candidates c;
    bool only_second[] = { false, true, false };
    double nil, x[3 * BL_N_FEATURES];

    cal.profile[BL_PROFILE_COSINE_NAMED].rank[BL_F_EQUAL] = log(2);
    read_list("{\"candidates\":[{\"id\":\"1\",\"title\":\"Paris (Texas)\","
              "\"score\":0.5},{\"id\":\"2\",\"title\":\"paris\","
              "\"score\":0.5,\"prior\":0.25},{\"id\":\"3\",\"score\":0.1}]}",
              &c);
    bl_rank_features(&c, bl_span_of("PARIS"), x);
    ok(x[BL_F_BARE] == 1 && x[BL_F_EQUAL] == 0 && x[BL_F_OVERLAP] < 1,
       "a title without its parenthesis");
    ok(x[BL_N_FEATURES + BL_F_EQUAL] == 1
       && x[BL_N_FEATURES + BL_F_OVERLAP] == 1
       && x[BL_N_FEATURES + BL_F_NAMED] == 1
       && fabs(x[BL_N_FEATURES + BL_F_PRIOR] - log(0.25)) < 1e-12,
       "a title that is the mention");
    ok(x[2 * BL_N_FEATURES + BL_F_BI_REST] < -2, "the last by far");
    ok(fabs(x[2 * BL_N_FEATURES + BL_F_BI_GAP] + 4) < 1e-9
       && x[BL_F_BI_GAP] == 0, "by four tenths");
    ok(x[BL_F_HOLDS] == 1 && x[BL_N_FEATURES + BL_F_HOLDS] == 0
       && x[2 * BL_N_FEATURES + BL_F_HOLDS] == 0,
       "a title that holds the mention, and is not its name");
    nil = bl_rank(&cal, bl_span_of("PARIS"), NULL, &c);
    ok(nil == 0.5, "no evidence about none of them");
    ok(fabs(c.v[1].p - 0.25) < 1e-12 && fabs(c.v[0].p - 0.125) < 1e-12,
       "shares of what is left");
    nil = bl_rank(&cal, bl_span_of("PARIS"), only_second, &c);
    ok(c.v[0].p == 0 && c.v[1].p == 0.5, "only eligible ones share");
    c.n = 0;
    ok(bl_rank(&cal, bl_span_of("PARIS"), NULL, &c) == 1, "nothing: none");
}

/* x[BL_N_FEATURES] of one candidate with this title. */
static bool features(const char *mention, const char *title, double *x)
{
    static struct bl_buf line;
    struct bl_candidates c;

    bl_buf_clear(&line);
    bl_buf_printf(&line, "{\"candidates\":[{\"id\":\"1\",\"title\":\"%s\"}]}",
                  title);
    if (read_list(line.data, &c) < 0)
        return false;
    bl_rank_features(&c, bl_span_of(mention), x);
    return true;
}

/* Whether `mention` is taken for the initials of `title`. */
static bool initials(const char *mention, const char *title)
{
    double x[BL_N_FEATURES];

    return features(mention, title, x) && x[BL_F_INITIALS] > 0;
}

static void abbreviations(void)
{
    ok(initials("WHO", "World Health Organization")
       && initials("U.S.", "United States"),
       "initials, with or without stops");
    ok(initials("DOD", "Department of Defense")
       && initials("UCL", "University College, London (campus)")
       && initials("PAP", "People's Action Party"), "of the words that count");
    ok(initials("AI", "Artificial intelligence")
       && initials("LOE", "List of earls"), "or of all of them");
    ok(!initials("Who", "World Health Organization")
       && !initials("WH", "World Health Organization")
       && !initials("WHOS", "World Health Organization"), "nothing else");
    ok(!initials("U", "Uganda") && !initials("", "")
       && !initials("..", "") && !initials("ABCDEFGHI", "A B C D E F G H I"),
       "two to eight letters");
}

/* "proper" or "common" of a mention and a title; ' ' for neither. */
static char case_of(const char *mention, const char *title)
{
    double x[BL_N_FEATURES];

    if (!features(mention, title, x))
        return '?';
    return x[BL_F_PROPER] > 0 ? 'p' : x[BL_F_COMMON] > 0 ? 'c' : ' ';
}

static void cases(void)
{
    ok(case_of("rand", "Ayn Rand") == 'p' && case_of("nato", "NATO") == 'p',
       "no name in lower case");
    ok(case_of("State", "Nation state") == 'c', "no common noun in capitals");
    ok(case_of("rand", "Rand (Mount Ayn)") == ' '
       && case_of("Rand", "Ayn Rand") == ' '
       && case_of("State", "State") == ' '
       && case_of("state", "Nation state") == ' ' && case_of("x", "") == ' ',
       "anything else may be");
}

static bool initials_of(const char *title, const char *expected)
{
    char own[BL_MOST_INITIALS];
    size_t n = bl_initials_of(bl_span_of(title), own);

    return bl_span_is((struct bl_span){ own, n }, expected);
}

static void initials_to_find_by(void)
{
    ok(initials_of("International Court of Justice", "ICJ")
       && initials_of("Cost of goods sold", "COGS")
       && initials_of("People's Action Party (Singapore)", "PAP"),
       "of the capitals, else of all words");
    ok(initials_of("United States", "") && initials_of("", "")
       && initials_of("A B C D E F G H I", "") && initials_of("3 2 1 Go", ""),
       "three to eight letters");
}

/* The bi weight that a list of a catalogue of that size is given. */
static double weight_at(size_t entities)
{
    static struct bl_calibration cal;
    struct bl_candidates list = { .entities = entities };

    cal.profile[BL_PROFILE_COSINE].rank[BL_F_BI] = 1;
    cal.small[BL_PROFILE_COSINE].rank[BL_F_BI] = 3;
    return bl_rank_weights(&cal, &list).rank[BL_F_BI];
}

static void sizes(void)
{
    struct bl_candidates c;

    ok(weight_at(1) == 3 && weight_at(3000) == 3, "a small catalogue");
    ok(weight_at(0) == 1 && weight_at(10000) == 1
       && weight_at(6000000) == 1, "a large one, or nobody says");
    ok(weight_at(7000) > 1.5 && weight_at(7000) < 2
       && weight_at(8000) > weight_at(9000), "something between");
    ok(read_list("{\"catalogue_size\":12,\"candidates\":[]}", &c) == 0
       && c.entities == 12, "a record says how many entities there are");
    ok(read_list("{\"catalogue_size\":null,\"candidates\":[]}", &c) == 0
       && c.entities == 0, "or does not");
    bad_list("{\"catalogue_size\":\"12\",\"candidates\":[]}",
             "field 'catalogue_size': expected integer, found string");
}

/* An encoder that compares names puts an abbreviation far from its entity:
 * what the catalogue calls so has to win all the same. */
static void names(void)
{
    struct bl_calibration cal = shipped("minilm.json");
    struct bl_candidates c;
    double nil;

    read_list("{\"candidates\":["
              "{\"id\":\"1\",\"title\":\"Name\",\"bi_score\":0.43},"
              "{\"id\":\"2\",\"title\":\"The Who\",\"bi_score\":0.41},"
              "{\"id\":\"3\",\"title\":\"Human\",\"bi_score\":0.36},"
              "{\"id\":\"4\",\"title\":\"World Health Organization\","
              "\"bi_score\":0.23,\"prior\":1}]}", &c);
    nil = bl_rank(&cal, bl_span_of("WHO"), NULL, &c);
    ok(c.v[3].p > 0.5 && nil < 0.5, "an abbreviation, none: %g", nil);
    read_list("{\"candidates\":["
              "{\"id\":\"1\",\"title\":\"Slim\",\"bi_score\":0.5},"
              "{\"id\":\"2\",\"title\":\"Obesity\",\"bi_score\":0.4},"
              "{\"id\":\"3\",\"title\":\"Norman Cook\",\"bi_score\":0.27,"
              "\"prior\":1}]}", &c);
    nil = bl_rank(&cal, bl_span_of("Fatboy Slim"), NULL, &c);
    ok(c.v[2].p > 0.5 && nil < 0.5, "another name, none: %g", nil);
    read_list("{\"candidates\":["
              "{\"id\":\"1\",\"title\":\"United States\",\"bi_score\":0.5},"
              "{\"id\":\"2\",\"title\":\"Skepticism\",\"bi_score\":0.2,"
              "\"prior\":1}]}", &c);
    nil = bl_rank(&cal, bl_span_of("US"), NULL, &c);
    ok(c.v[0].p > 0.5, "initials against a wrong alias");
    read_list("{\"candidates\":["
              "{\"id\":\"1\",\"title\":\"Name\",\"bi_score\":0.43},"
              "{\"id\":\"2\",\"title\":\"Human\",\"bi_score\":0.36}]}", &c);
    nil = bl_rank(&cal, bl_span_of("Who"), NULL, &c);
    ok(nil > 0.5, "no name and low scores: none");
    for (size_t i = BL_PROFILE_COSINE_NAMED; i < BL_N_PROFILES; i++)
        ok(cal.profile[i].rank[BL_F_PRIOR] >= 0
           && cal.profile[i].nil[BL_N_PRIOR] <= 0
           && cal.profile[i].nil[BL_N_NAMED] <= 0,
           "set %zu: being known by that name never counts against", i);
}

static void profiles(void)
{
    struct bl_calibration cal = shipped("minilm.json");
    struct bl_candidates c;

    read_list("{\"candidates\":[{\"id\":\"1\",\"bi_score\":1.5}]}", &c);
    ok(bl_rank_profile(&c) == BL_PROFILE_OPEN, "a score above 1 is no cosine");
    read_list("{\"candidates\":[{\"id\":\"1\",\"bi_score\":70,"
              "\"cross_score\":-9},{\"id\":\"2\",\"bi_score\":90,"
              "\"score\":null}]}", &c);
    ok(bl_rank_profile(&c) == BL_PROFILE_CROSS, "a cross-encoder was here");
    bl_rank(&cal, bl_span_of("x"), NULL, &c);
    ok(c.v[0].p > c.v[1].p, "what was not re-ranked stays behind");
    read_list("{\"candidates\":[{\"id\":\"1\",\"bi_score\":0.5,\"score\":2},"
              "{\"id\":\"2\",\"bi_score\":0.9,\"score\":1}]}", &c);
    ok(bl_rank_profile(&c) == BL_PROFILE_CROSS, "so was another re-ranker");
    bl_rank(&cal, bl_span_of("x"), NULL, &c);
    ok(c.v[0].p > c.v[1].p, "its order counts");
    read_list("{\"candidates\":[{\"id\":\"1\",\"bi_score\":0.5,\"score\":0.7,"
              "\"p\":0.7}]}", &c);
    ok(bl_rank_profile(&c) == BL_PROFILE_COSINE, "a p is no re-ranker's");
    read_list("{\"candidates\":[{\"id\":\"1\",\"bi_score\":0.5},"
              "{\"id\":\"2\",\"bi_score\":0.1,\"prior\":0.2}]}", &c);
    ok(bl_rank_profile(&c) == BL_PROFILE_COSINE_NAMED, "a cosine and a name");
    c.v[0].bi = 70;
    ok(bl_rank_profile(&c) == BL_PROFILE_OPEN_NAMED, "a product and a name");
    c.v[1].prior = 0;
    ok(bl_rank_profile(&c) == BL_PROFILE_OPEN, "a prior of 0 is no name");
    c.v[1].prior = 1;
    c.v[0].cross = 1;
    ok(bl_rank_profile(&c) == BL_PROFILE_CROSS, "a re-ranker goes before");
    read_list("{\"candidates\":[{\"id\":\"1\",\"bi_score\":0.5,"
              "\"cross_score\":3,\"score\":3},{\"id\":\"2\","
              "\"bi_score\":0.9,\"cross_score\":1,\"score\":1},"
              "{\"id\":\"3\",\"bi_score\":0.2,\"score\":null}]}", &c);
    ok(bl_rank_profile(&c) == BL_PROFILE_CROSS_COSINE,
       "a cross-encoder and cosines");
    bl_rank(&cal, bl_span_of("x"), NULL, &c);
    ok(c.v[0].p > c.v[1].p && c.v[1].p >= c.v[2].p,
       "its order counts where nothing was fitted");
    c.v[1].prior = 0.5;
    ok(bl_rank_profile(&c) == BL_PROFILE_CROSS_COSINE_NAMED, "and a name");
    c.v[2].bi = 1.1;
    ok(bl_rank_profile(&c) == BL_PROFILE_CROSS, "one product is enough");
    c.v[2].bi = NAN;
    ok(bl_rank_profile(&c) == BL_PROFILE_CROSS, "no bi_score is no cosine");
    read_list("{\"candidates\":[{\"id\":\"1\",\"bi_score\":1e308},"
              "{\"id\":\"2\",\"bi_score\":-1e308}]}", &c);
    bl_rank(&cal, bl_span_of("x"), NULL, &c);
    ok(isfinite(c.v[0].p) && isfinite(c.v[1].p), "huge scores stay finite");
}

/* What the last of three, which no re-ranker read, counts as. */
static double as_unread(double first, double second)
{
    double x[3 * BL_N_FEATURES];
    struct bl_candidates c;

    read_list("{\"candidates\":[{\"id\":\"1\",\"bi_score\":0.5},"
              "{\"id\":\"2\",\"bi_score\":0.4},"
              "{\"id\":\"3\",\"bi_score\":0.3,\"score\":null}]}", &c);
    c.v[0].score = c.v[0].cross = first;
    c.v[1].score = c.v[1].cross = second;
    bl_rank_features(&c, bl_span_of("x"), x);
    return x[2 * BL_N_FEATURES + BL_F_CROSS];
}

static void unread(void)
{
    ok(as_unread(3, -7) == -7, "as the worst that was read");
    ok(as_unread(-6, -6.5) == -8, "but 2 below the best");
    ok(as_unread(1, NAN) == -1, "also where that is the only one");
    ok(as_unread(-1e9, -2e9) == -1e6, "within limits");
}

/* ---- Calibration files ---- */

static void compiled_in(void)
{
    struct bl_calibration made = bl_calibration_default();
    struct bl_calibration file = shipped("default.json");

    ok(!memcmp(&made, &file, sizeof made),
       "the compiled-in numbers are those of the file");
    for (size_t i = 0; i < BL_N_PROFILES; i++)
        ok(made.profile[i].rank[BL_F_PRIOR] >= 0
           && made.profile[i].nil[BL_N_PRIOR] <= 0
           && made.small[i].rank[BL_F_PRIOR] >= 0
           && made.small[i].nil[BL_N_PRIOR] <= 0,
           "set %zu: a prior never counts against", i);
    ok(!memcmp(&made.small[BL_PROFILE_CROSS], &made.profile[BL_PROFILE_CROSS],
               sizeof made.small[0])
       && !memcmp(&made.small[BL_PROFILE_OPEN], &made.profile[BL_PROFILE_OPEN],
                  2 * sizeof made.small[0])
       && memcmp(&made.small[BL_PROFILE_COSINE],
                 &made.profile[BL_PROFILE_COSINE], sizeof made.small[0]),
       "of small catalogues: what other models than ours are given stays");
    ok(made.profile[BL_PROFILE_CROSS].rank[BL_F_CROSS] == 1
       && made.profile[BL_PROFILE_CROSS].rank[BL_F_BI] == 0,
       "cross: the re-ranker decides");
}

static double uniform(unsigned *state)
{
    *state = *state * 1103515245 + 12345;
    return (double)(*state >> 8 & 0xffff) / 65536;
}

/* Half of what the coefficients for small catalogues say more reaches lists
 * that are half way: they come out as they were, though nearer to where the
 * fit began. */
static void fitting_small(void)
{
    struct bl_fit *f = bl_fit_new();
    struct bl_fit_quality q;
    struct bl_weights large = { { 0 }, { 0 } }, small = large, half;
    unsigned state = 1;
    double x[4 * BL_N_FEATURES] = { 0 }, share[4];

    large.rank[BL_F_EQUAL] = 1;
    half = large;
    half.rank[BL_F_EQUAL] = 2;
    small = large;
    for (size_t i = 0; i < 20000; i++) {
        double u = uniform(&state);
        size_t gold = 0;
        for (size_t k = 0; k < 4; k++)
            x[k * BL_N_FEATURES + BL_F_EQUAL] = uniform(&state) < 0.3;
        bl_rank_shares(half.rank, x, 4, NULL, share);
        while (gold < 3 && u > share[gold])
            u -= share[gold++];
        bl_fit_add(f, BL_PROFILE_COSINE, 0.5, x, 4, gold);
    }
    bl_fit_run_small(f, BL_PROFILE_COSINE, true, &large, &small, &q);
    ok(q.lists == 20000 && q.with_gold == 20000, "lists of small catalogues");
    ok(large.rank[BL_F_EQUAL] == 1 && fabs(small.rank[BL_F_EQUAL] - 3) < 0.2,
       "equal, in a small one: %g", small.rank[BL_F_EQUAL]);
    ok(small.nil[BL_N_ONE] < -1, "and none of them is rare");
    bl_fit_free(f);
}

/* A hundred lists of one mention each whose right answer is the second
 * candidate by bi_score, which nothing but the title tells; none of every
 * fourth list is right.  Labels that are drawn teach nothing. */
static bool tuned(bool drawn, struct bl_tune_report *report,
                  struct bl_calibration *out)
{
    struct bl_calibration base = { .profile = { { { 0 }, { 0 } } } };
    struct bl_tune *tune;
    unsigned state = 3;
    bool better;

    base.profile[BL_PROFILE_COSINE].rank[BL_F_BI] = 20;
    tune = bl_tune_new(&base);
    for (size_t i = 0; i < 100; i++) {
        struct bl_candidate v[2] = {
            { .title = bl_span_of("Other"), .bi = 0.8, .score = 0.8 },
            { .title = bl_span_of(i % 4 ? "Name" : "Thing"), .bi = 0.6,
              .score = 0.6 },
        };
        struct bl_candidates list = { .v = v, .n = 2, .entities = 20000 };
        char doc[8];
        size_t gold = i % 4 ? 1 : SIZE_MAX;

        for (size_t k = 0; k < 2; k++)
            v[k].cross = v[k].prior = v[k].p = NAN;
        if (drawn)
            gold = uniform(&state) < 0.5 ? 0 : 1;
        snprintf(doc, sizeof doc, "%zu", i / 2);
        bl_tune_add(tune, bl_span_of(doc), bl_span_of("name"), &list, gold,
                    gold < 2);
    }
    better = bl_tune_run(tune, out, report);
    bl_tune_free(tune);
    return better;
}

static void tuning(void)
{
    struct bl_tune_report report;
    struct bl_calibration c;

    ok(tuned(false, &report, &c), "what labels teach is better");
    ok(report.before.right == 0 && report.after.right == 1
       && report.none && report.after.none_f1 == 1
       && report.after.false_none == 0 && report.after.ece < 0.3,
       "right %g, F1 of none %g, error %g", report.after.right,
       report.after.none_f1, report.after.ece);
    ok(c.profile[BL_PROFILE_COSINE].rank[BL_F_EQUAL] > 0
       && c.small[BL_PROFILE_COSINE].rank[BL_F_EQUAL]
          == c.profile[BL_PROFILE_COSINE].rank[BL_F_EQUAL]
       && c.profile[BL_PROFILE_CROSS].rank[BL_F_EQUAL] == 0,
       "only the weights that lists came for move");
    ok(!tuned(true, &report, &c) || report.after.loss < report.before.loss,
       "labels that were drawn are not said to be better than they are");
    ok(!report.none, "with every entity known, none is not fitted");
}

/* Lists drawn from the model itself give its coefficients back. */
static void fitting(void)
{
    struct bl_fit *f = bl_fit_new();
    struct bl_fit_quality q;
    struct bl_weights w, truth = { { 0 }, { 0 } };
    unsigned state = 1;
    double x[4 * BL_N_FEATURES], share[4], z[BL_N_NIL_FEATURES];

    truth.rank[BL_F_BI] = 8;
    truth.rank[BL_F_EQUAL] = 2;
    truth.nil[BL_N_ONE] = 1;
    truth.nil[BL_N_EQUAL] = -2;
    for (size_t i = 0; i < 20000; i++) {
        double u = uniform(&state);
        size_t gold = 0;
        memset(x, 0, sizeof x);
        for (size_t k = 0; k < 4; k++) {
            x[k * BL_N_FEATURES + BL_F_BI] = uniform(&state);
            x[k * BL_N_FEATURES + BL_F_EQUAL] = uniform(&state) < 0.3;
        }
        bl_rank_shares(truth.rank, x, 4, NULL, share);
        while (gold < 3 && u > share[gold])
            u -= share[gold++];
        bl_rank_nil_features(x, share, bl_rank_best(share, 4), z);
        if (uniform(&state) < bl_rank_nil(truth.nil, z))
            gold = SIZE_MAX;
        bl_fit_add(f, BL_PROFILE_COSINE, 0, x, 4, gold);
        bl_fit_add(f, BL_PROFILE_COSINE, 0.5, x, 4, i % 3);
    }
    bl_fit_run(f, BL_PROFILE_COSINE, true, &w, &q);
    ok(q.lists == 20000 && bl_fit_count(f, BL_PROFILE_OPEN, false) == 0
       && bl_fit_count(f, BL_PROFILE_COSINE, true) == 20000,
       "lists are counted by profile and size");
    ok(fabs(w.rank[BL_F_BI] - 8) < 0.4, "bi: %g", w.rank[BL_F_BI]);
    ok(fabs(w.rank[BL_F_EQUAL] - 2) < 0.2, "equal: %g", w.rank[BL_F_EQUAL]);
    ok(fabs(w.nil[BL_N_EQUAL] + 2) < 0.3, "none: %g", w.nil[BL_N_EQUAL]);
    ok(w.rank[BL_F_PRIOR] == 0, "what was never seen is 0");
    bl_fit_run(f, BL_PROFILE_COSINE, false, &w, &q);
    ok(w.rank[BL_F_BI] == 0 && w.nil[BL_N_BI] == 0, "without bi");
    bl_fit_free(f);
}

/* ---- The page that the mention names ---- */

/* "re" for redirect and elsewhere of each of two candidates. */
static const char *page_features(const char *named, const char *mention)
{
    static char out[8];
    struct bl_candidates c;
    struct bl_buf line = BL_BUF_INIT;
    double x[2 * BL_N_FEATURES];

    bl_buf_printf(&line, "{%s\"candidates\":[{\"id\":1,\"title\":\"Paris\"},"
                  "{\"id\":2,\"title\":\"Paris, Texas\"}]}", named);
    if (read_list(line.data, &c) < 0) {
        bl_buf_free(&line);
        return err.msg;
    }
    bl_buf_free(&line);
    bl_rank_features(&c, bl_span_of(mention), x);
    for (size_t i = 0; i < 2; i++) {
        out[2 * i] = x[i * BL_N_FEATURES + BL_F_REDIRECT] > 0 ? 'r' : '-';
        out[2 * i + 1] = x[i * BL_N_FEATURES + BL_F_ELSEWHERE] > 0 ? 'e' : '-';
    }
    return out;
}

static void pages(void)
{
    is_str(page_features("", "Lutetia"), "----", "no page is known");
    is_str(page_features("\"named\":{\"title\":\"paris\",\"redirect\":true},",
                         "Lutetia"), "r--e", "a redirect, and another page");
    is_str(page_features("\"named\":{\"title\":\"PARIS\"},", "Paris"), "---e",
           "the title itself");
    is_str(page_features("\"named\":{\"title\":\"Rome\"},", "Rome"), "-e-e",
           "a page that no candidate is");
    is_str(page_features("\"named\":{\"redirect\":true},", "x"),
           "field 'named': field 'title': expected string, found nothing",
           "a page without a title");
    is_str(page_features("\"named\":[],", "x"),
           "field 'named': expected object, found array", "no object");
}

/* Twin lists that differ in the redirect alone. */
static void redirect_counts(void)
{
    struct bl_calibration cal = bl_calibration_default();
    struct bl_candidates c;
    double with, without;
    const char *list = "\"candidates\":[{\"id\":1,\"title\":\"Paris\","
                       "\"score\":0.5,\"bi_score\":0.5,\"prior\":1}]}";
    struct bl_buf line = BL_BUF_INIT;

    bl_buf_printf(&line, "{\"named\":{\"title\":\"Paris\",\"redirect\":true},"
                  "%s", list);
    read_list(line.data, &c);
    with = bl_rank(&cal, bl_span_of("Lutetia"), NULL, &c);
    bl_buf_clear(&line);
    bl_buf_printf(&line, "{%s", list);
    read_list(line.data, &c);
    without = bl_rank(&cal, bl_span_of("Lutetia"), NULL, &c);
    ok(with < without - .1, "a redirect speaks against none (%g, %g)", with,
       without);
    bl_buf_free(&line);
}

int main(void)
{
    lists();
    bad_lists();
    ranking();
    abbreviations();
    initials_to_find_by();
    cases();
    sizes();
    names();
    profiles();
    unread();
    compiled_in();
    fitting();
    tuning();
    fitting_small();
    pages();
    redirect_counts();
    bl_arena_free(&arena);
    return tap_done();
}
