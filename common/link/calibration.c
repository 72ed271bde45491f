/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "link/calibration.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/loaded.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/sha256.h"
#include "json/document.h"
#include "json/writer.h"

enum { MAX_CALIBRATION = 1 << 20 };

static const char default_text[] =
#include "link/calibration-default.h"
;

static const char *const features[BL_N_FEATURES] = {
    [BL_F_BI] = "bi", [BL_F_BI_REST] = "bi_rest", [BL_F_CROSS] = "cross",
    [BL_F_NAMED] = "named", [BL_F_PRIOR] = "log_prior",
    [BL_F_EQUAL] = "equal", [BL_F_BARE] = "bare",
    [BL_F_OVERLAP] = "overlap", [BL_F_WITHIN] = "within",
    [BL_F_INITIALS] = "initials", [BL_F_BI_GAP] = "bi_gap",
    [BL_F_HOLDS] = "holds", [BL_F_PROPER] = "proper",
    [BL_F_COMMON] = "common", [BL_F_REDIRECT] = "redirect",
    [BL_F_ELSEWHERE] = "elsewhere"
};

static const char *const nil_features[BL_N_NIL_FEATURES] = {
    [BL_N_ONE] = "one", [BL_N_SHARE] = "share", [BL_N_BI] = "bi",
    [BL_N_CROSS] = "cross", [BL_N_NAMED] = "named",
    [BL_N_PRIOR] = "log_prior", [BL_N_EQUAL] = "equal",
    [BL_N_BARE] = "bare", [BL_N_OVERLAP] = "overlap",
    [BL_N_WITHIN] = "within", [BL_N_INITIALS] = "initials",
    [BL_N_REDIRECT] = "redirect", [BL_N_ELSEWHERE] = "elsewhere"
};

static const char *const evidence[BL_N_EVIDENCE] = {
    [BL_E_NEAR] = "near", [BL_E_TOLD] = "told"
};

static const char *const nil_evidence[BL_N_NIL_EVIDENCE] = {
    [BL_EN_SHARE] = "share", [BL_EN_NEAR] = "near", [BL_EN_TOLD] = "told",
    [BL_EN_OTHERS] = "others"
};

static const char *const follow_facts[BL_N_FOLLOW_FACTS] = {
    [BL_FOLLOW_ONE] = "one", [BL_FOLLOW_END] = "end", [BL_FOLLOW_OF] = "of",
    [BL_FOLLOW_HEAD] = "head", [BL_FOLLOW_START] = "start",
    [BL_FOLLOW_CAPITAL] = "capital", [BL_FOLLOW_NIL] = "nil",
    [BL_FOLLOW_SURE] = "sure", [BL_FOLLOW_SURE_END] = "sure_end"
};

static const char *const same_facts[1] = { "half" };

static const char *const profiles[BL_N_PROFILES] = {
    [BL_PROFILE_CROSS] = "cross",
    [BL_PROFILE_CROSS_COSINE] = "cross_cosine",
    [BL_PROFILE_CROSS_COSINE_NAMED] = "cross_cosine_named",
    [BL_PROFILE_COSINE] = "cosine",
    [BL_PROFILE_COSINE_NAMED] = "cosine_named",
    [BL_PROFILE_OPEN] = "open", [BL_PROFILE_OPEN_NAMED] = "open_named"
};

/* ---- Reading ---- */

/* {"bi": 1.5, ...}: numbers with the given names; what is not named is 0. */
static int read_numbers(struct bl_node object, const char *const *names,
                        size_t n, double *out, struct bl_err *err)
{
    struct bl_node v;

    for (v = bl_node_first(object); v.item; v = bl_node_next(v)) {
        size_t i = 0;

        while (i < n && strcmp(bl_node_key(v), names[i]))
            i++;
        if (i == n)
            return bl_node_fail(v, err, "unknown feature");
        if (bl_node_number(v, -1e6, 1e6, &out[i], err) < 0)
            return -1;
    }
    return 0;
}

static int read_weights(struct bl_node object, struct bl_weights *w,
                        struct bl_err *err)
{
    struct bl_node v;
    int found = bl_member_of(object, "rank", BL_JSON_OBJECT, &v, err);

    if (found < 0 || (found && read_numbers(v, features, BL_N_FEATURES,
                                            w->rank, err) < 0))
        return -1;
    found = bl_member_of(object, "nil", BL_JSON_OBJECT, &v, err);
    if (found < 0 || (found && read_numbers(v, nil_features,
                                            BL_N_NIL_FEATURES, w->nil,
                                            err) < 0))
        return -1;
    return 0;
}

static int read_profile(struct bl_node object, struct bl_weights *w,
                        struct bl_weights *small, struct bl_err *err)
{
    struct bl_node v;
    int found;

    if (read_weights(object, w, err) < 0)
        return -1;
    found = bl_member_of(object, "small", BL_JSON_OBJECT, &v, err);
    if (found < 0 || (found && read_weights(v, small, err) < 0))
        return -1;
    if (!found)
        *small = *w;
    return 0;
}

static int read_profiles(struct bl_node all, struct bl_calibration *out,
                         struct bl_err *err)
{
    /* Whose weights stand in for those that a file lacks, in this order. */
    static const enum bl_profile instead[][2] = {
        { BL_PROFILE_COSINE_NAMED, BL_PROFILE_COSINE },
        { BL_PROFILE_OPEN_NAMED, BL_PROFILE_OPEN },
        { BL_PROFILE_CROSS_COSINE, BL_PROFILE_CROSS },
        { BL_PROFILE_CROSS_COSINE_NAMED, BL_PROFILE_CROSS_COSINE },
    };
    struct bl_weights *w = out->profile, *small = out->small;
    int has[BL_N_PROFILES];
    struct bl_node v;

    for (size_t i = 0; i < BL_N_PROFILES; i++) {
        has[i] = bl_member_of(all, profiles[i], BL_JSON_OBJECT, &v, err);
        if (has[i] < 0 || (has[i] && read_profile(v, &w[i], &small[i],
                                                  err) < 0))
            return -1;
    }
    for (size_t i = 0; i < BL_COUNT(instead); i++)
        if (!has[instead[i][0]]) {
            w[instead[i][0]] = w[instead[i][1]];
            small[instead[i][0]] = small[instead[i][1]];
        }
    return 0;
}

static int read_set(struct bl_node object, const char *name,
                    const char *const *names, size_t n, double *out,
                    struct bl_err *err)
{
    struct bl_node v;
    int found = bl_member_of(object, name, BL_JSON_OBJECT, &v, err);

    return found <= 0 ? found : read_numbers(v, names, n, out, err);
}

static int read_evidence(struct bl_node object, const char *name,
                         struct bl_evidence_weights *out, struct bl_err *err)
{
    struct bl_node v;
    int found = bl_member_of(object, name, BL_JSON_OBJECT, &v, err);

    if (found <= 0)
        return found;
    return read_set(v, "rank", evidence, BL_N_EVIDENCE, out->rank, err) < 0
        || read_set(v, "nil", nil_evidence, BL_N_NIL_EVIDENCE, out->nil,
                    err) < 0 ? -1 : 0;
}

/* 1 read, 0 the file has none. */
static int read_coherence(struct bl_node root,
                          struct bl_coherence_weights *out,
                          struct bl_err *err)
{
    struct bl_node v;
    int found = bl_member_of(root, "coherence", BL_JSON_OBJECT, &v, err);

    if (found <= 0)
        return found;
    return read_set(v, "same", same_facts, BL_COUNT(same_facts), &out->half,
                    err) < 0
        || read_set(v, "follow", follow_facts, BL_N_FOLLOW_FACTS, out->follow,
                    err) < 0
        || read_evidence(v, "cosine", &out->cosine, err) < 0
        || read_evidence(v, "cross_cosine", &out->cross_cosine, err) < 0
        ? -1 : 1;
}

static int read_root(struct bl_calibration *out, struct bl_node root,
                     struct bl_err *err)
{
    struct bl_node all;
    size_t format = BL_CALIBRATION_FORMAT + 1;

    memset(out, 0, sizeof *out);
    if (bl_node_expect(root, BL_JSON_OBJECT, err) < 0)
        return -1;
    bl_member_size(root, "format", 0, SIZE_MAX, &format, NULL);
    if (format != BL_CALIBRATION_FORMAT)
        return bl_node_fail(root, err, "expected a calibration with "
                            "\"format\": %d", BL_CALIBRATION_FORMAT);
    if (bl_required(bl_member_of(root, "profiles", BL_JSON_OBJECT, &all,
                                 err), root, "profiles", err) < 0)
        return -1;
    return read_profiles(all, out, err);
}

static int read_whole(struct bl_calibration *out, struct bl_node root,
                      struct bl_err *err)
{
    struct bl_coherence_weights usual;
    int found;

    if (read_root(out, root, err) < 0)
        return -1;
    found = read_coherence(root, &out->coherence, err);
    if (found)
        return found < 0 ? -1 : 0;
    usual = bl_calibration_default().coherence;
    out->coherence.half = usual.half;
    memcpy(out->coherence.follow, usual.follow, sizeof usual.follow);
    return 0;
}

struct bl_calibration bl_calibration_default(void)
{
    struct bl_calibration c;
    struct bl_document *d = bl_document_parse(bl_span_of(default_text),
                                              "calibration-default.h", NULL);

    if (!d || read_root(&c, bl_document_root(d), NULL) < 0
        || read_coherence(bl_document_root(d), &c.coherence, NULL) <= 0)
        BL_BUG("calibration-default.h is no calibration");
    bl_document_free(d);
    return c;
}

static int origin_text(struct bl_node object, const char *name,
                       char out[BL_FINGERPRINT_MAX + 1], struct bl_err *err)
{
    const char *text = "";

    if (bl_member_string(object, name, &text, err) < 0)
        return -1;
    if (strlen(text) > BL_FINGERPRINT_MAX)
        return bl_node_fail(object, err, "%s is no fingerprint", name);
    memcpy(out, text, strlen(text) + 1);
    return 0;
}

static int read_origin(struct bl_calibration_origin *out, struct bl_node root,
                       struct bl_err *err)
{
    struct bl_node object;
    const char *by = "";

    if (bl_node_expect(root, BL_JSON_OBJECT, err) < 0
        || bl_required(bl_member_of(root, "provenance", BL_JSON_OBJECT,
                                    &object, err), root, "provenance",
                       err) < 0
        || bl_member_string(object, "by", &by, err) < 0)
        return -1;
    if (strcmp(by, "blink tune"))
        return bl_node_fail(object, err, "not made by blink tune");
    if (origin_text(object, "model", out->model, err) < 0
        || origin_text(object, "cross", out->cross, err) < 0
        || origin_text(object, "catalogue", out->catalogue, err) < 0
        || bl_member_size(object, "rows", 0, SIZE_MAX, &out->rows, err) < 0
        || bl_member_size(object, "mentions", 0, SIZE_MAX, &out->mentions,
                          err) < 0)
        return -1;
    return 0;
}

int bl_calibration_origin(struct bl_calibration_origin *out, const char *path,
                          struct bl_err *err)
{
    struct bl_document *d = bl_document_read(path, MAX_CALIBRATION, err);
    int rc;

    memset(out, 0, sizeof *out);
    rc = d ? read_origin(out, bl_document_root(d), err) : -1;
    bl_document_free(d);
    return rc;
}

static int say_loaded(const char *path, struct bl_err *err)
{
    struct bl_buf text = BL_BUF_INIT;
    unsigned char sum[BL_SHA256_SIZE];
    int rc = bl_file_read(path, MAX_CALIBRATION, &text, err);

    bl_sha256_of(text.data, text.len, sum);
    if (rc == 0)
        rc = bl_loaded_sum("calibration", sum, path, err);
    bl_buf_free(&text);
    return rc;
}

int bl_calibration_read(struct bl_calibration *out, const char *path,
                        struct bl_err *err)
{
    struct bl_document *d = bl_document_read(path, MAX_CALIBRATION, err);
    int rc = d ? read_whole(out, bl_document_root(d), err) : -1;

    bl_document_free(d);
    return rc == 0 && bl_loaded_wanted() ? say_loaded(path, err) : rc;
}

/* The data folder's default.json comes before the one that is compiled in, so
 * that an installation can be given another calibration without an option. */
int bl_calibration_load(struct bl_calibration *out, const char *name,
                        struct bl_err *err)
{
    char *data, *own;
    int rc = 0;

    if (name) {
        own = bl_path_find(BL_PATH_CALIBRATION, name, err);
        rc = own ? bl_calibration_read(out, own, err) : -1;
        free(own);
        return rc;
    }
    data = bl_path_data();
    own = bl_xasprintf("%s/calibration/default.json", data);
    if (access(own, F_OK) == 0)
        rc = bl_calibration_read(out, own, err);
    else
        *out = bl_calibration_default();
    free(own);
    free(data);
    return rc;
}

/* ---- Writing ---- */

static void write_numbers(struct bl_writer *w, const char *key,
                          const char *const *names, size_t n,
                          const double *v)
{
    bl_write_object(w, key);
    for (size_t i = 0; i < n; i++)
        if (v[i] != 0)
            bl_write_double(w, names[i], v[i], 6);
    bl_write_end(w);
}

/* One line for each set of numbers, so that two calibrations can be compared
 * with diff. */
static void write_weights(struct bl_writer *w, unsigned indent,
                          const struct bl_weights *weights)
{
    bl_write_break(w, indent);
    write_numbers(w, "rank", features, BL_N_FEATURES, weights->rank);
    bl_write_break(w, indent);
    write_numbers(w, "nil", nil_features, BL_N_NIL_FEATURES, weights->nil);
}

static void write_evidence(struct bl_writer *w, const char *key,
                           const struct bl_evidence_weights *weights)
{
    bl_write_break(w, 2);
    bl_write_object(w, key);
    bl_write_break(w, 3);
    write_numbers(w, "rank", evidence, BL_N_EVIDENCE, weights->rank);
    bl_write_break(w, 3);
    write_numbers(w, "nil", nil_evidence, BL_N_NIL_EVIDENCE, weights->nil);
    bl_write_end(w);
}

static void write_coherence(struct bl_writer *w,
                            const struct bl_coherence_weights *c)
{
    bl_write_break(w, 1);
    bl_write_object(w, "coherence");
    bl_write_break(w, 2);
    write_numbers(w, "same", same_facts, BL_COUNT(same_facts), &c->half);
    bl_write_break(w, 2);
    write_numbers(w, "follow", follow_facts, BL_N_FOLLOW_FACTS, c->follow);
    write_evidence(w, "cosine", &c->cosine);
    write_evidence(w, "cross_cosine", &c->cross_cosine);
    bl_write_end(w);
}

/* A set for small catalogues that is the one around it is left out, as an
 * older file has none. */
void bl_calibration_put(struct bl_buf *out, const struct bl_calibration *c,
                        struct bl_span provenance)
{
    struct bl_writer w = bl_writer(out, BL_WRITE_SPACED);

    bl_write_object(&w, NULL);
    bl_write_size(&w, "format", BL_CALIBRATION_FORMAT);
    bl_write_break(&w, 1);
    bl_write_raw(&w, "provenance", provenance);
    bl_write_break(&w, 1);
    bl_write_object(&w, "profiles");
    for (size_t i = 0; i < BL_N_PROFILES; i++) {
        bl_write_break(&w, 2);
        bl_write_object(&w, profiles[i]);
        write_weights(&w, 3, &c->profile[i]);
        if (memcmp(&c->small[i], &c->profile[i], sizeof c->small[i])) {
            bl_write_break(&w, 3);
            bl_write_object(&w, "small");
            write_weights(&w, 4, &c->small[i]);
            bl_write_end(&w);
        }
        bl_write_end(&w);
    }
    bl_write_end(&w);
    write_coherence(&w, &c->coherence);
    bl_write_end(&w);
    bl_write_line(&w);
}
