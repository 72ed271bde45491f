/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "model/model.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "model/model-family.h"
#include "model/model-parts.h"
#include "base/paths.h"
#include "text/wordpiece.h"

enum {
    BLINK_CONTEXT = 32, BLINK_ENTITY = 128,     /* the published models */
    RERANKER_PAIR = 512,                        /* main_solr.py */
    PLAIN_CONTEXT = 64, PLAIN_ENTITY = 128,     /* sentence encoders */
    MAX_VOCAB = 256 << 20
};

int bl_model_need(const struct bl_model *m, enum bl_role role,
                  struct bl_err *err)
{
    if (m->role == role)
        return 0;
    return bl_fail(err, BL_DATA, "'%s': expected a %s, found a %s", m->path,
                   bl_role_name(role), bl_role_name(m->role));
}

/* ---- Weights ---- */

/* The only *.safetensors in the directory; NULL when there are 0 or 2. */
static char *only_weights(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    char *found = NULL;
    size_t n_found = 0;

    while (d && (e = readdir(d))) {
        size_t n = strlen(e->d_name);

        if (e->d_name[0] == '.' || n < 13
            || strcmp(e->d_name + n - 12, ".safetensors") || n_found++)
            continue;
        found = bl_xasprintf("%s/%s", dir, e->d_name);
    }
    if (d)
        closedir(d);
    if (n_found == 1)
        return found;
    free(found);
    return NULL;
}

static struct bl_safetensors *open_weights(const char *dir,
                                           struct bl_err *err)
{
    static const char *const names[] = { "model.safetensors",
                                         "model.safetensors.index.json" };
    struct bl_safetensors *st;
    char *path = NULL;

    for (size_t i = 0; i < 2 && !path; i++) {
        path = bl_xasprintf("%s/%s", dir, names[i]);
        if (access(path, F_OK)) {
            free(path);
            path = NULL;
        }
    }
    if (!path)
        path = only_weights(dir);
    if (!path) {
        bl_fail(err, BL_DATA, "'%s': no model.safetensors in this directory",
                dir);
        return NULL;
    }
    st = bl_safetensors_open(path, err);
    free(path);
    return st;
}

/* ---- What the directory means ---- */

static enum bl_role guess_role(const struct bl_safetensors *weights,
                               const struct bl_model_config *c,
                               enum bl_weight_names naming)
{
    const struct bl_tensor *head;

    if (naming == BL_NAMING_BLINK_BI)
        return BL_ROLE_BI_ENCODER;
    if (naming == BL_NAMING_BLINK_CROSS)
        return BL_ROLE_CROSS_ENCODER;
    head = bl_safetensors_find(weights, "classifier.weight");
    if (!head)
        return BL_ROLE_BI_ENCODER;
    return c->classifies_texts || (head->n_dims && head->dims[0] == 1)
        ? BL_ROLE_CROSS_ENCODER : BL_ROLE_TAGGER;
}

static bool blink_named(enum bl_weight_names naming)
{
    return naming == BL_NAMING_BLINK_BI || naming == BL_NAMING_BLINK_CROSS;
}

/* A length that was not said: the usual one, within the positions. */
static size_t usual(size_t said, size_t usually, size_t most)
{
    if (said)
        return said;
    return BL_MIN(usually, most);
}

static int check_lengths(const struct bl_model *m, struct bl_err *err)
{
    const struct bl_input_spec *in = m->input;
    size_t most = BL_MAX(in->context_length, in->entity_length);

    if (m->role == BL_ROLE_CROSS_ENCODER)
        most = in->pair_length;
    if (most > m->shape.positions)
        return bl_fail(err, BL_DATA, "'%s': inputs of %zu tokens, but the "
                       "model has %zu positions", m->path, most,
                       m->shape.positions);
    return 0;
}

static int set_input(struct bl_model *m, const struct bl_model_config *c,
                     enum bl_weight_names naming, struct bl_err *err)
{
    struct bl_input_spec *in = m->input = BL_NEW(struct bl_input_spec);
    bool blink = blink_named(naming);
    bool cross = m->role == BL_ROLE_CROSS_ENCODER;
    size_t most = m->shape.positions;

    in->layout = c->has_layout ? c->layout
        : blink ? BL_LAYOUT_BLINK : BL_LAYOUT_PLAIN;
    blink = in->layout == BL_LAYOUT_BLINK;
    in->context_length = usual(c->context_length,
                               blink ? BLINK_CONTEXT : PLAIN_CONTEXT, most);
    in->entity_length = usual(c->entity_length,
                              blink ? BLINK_ENTITY : PLAIN_ENTITY, most);
    if (cross)
        in->pair_length = usual(c->pair_length,
                                in->layout == BL_LAYOUT_RERANKER
                                ? RERANKER_PAIR
                                : in->context_length + in->entity_length,
                                blink ? SIZE_MAX : most);
    in->lower_first = blink_named(naming) && c->lowercase != 0;
    if (c->literal < 0 ? blink_named(naming) : c->literal)
        in->literal = BL_LITERAL_SPECIALS
            | (cross && blink ? (unsigned)BL_LITERAL_TAGS : 0);
    return check_lengths(m, err);
}

static int open_words(struct bl_model *m, const struct bl_model_config *c,
                      struct bl_sha256 *sum, struct bl_err *err)
{
    struct bl_wordpiece_opts o = { .lowercase = c->lowercase != 0 };
    static const char *const usual_tags[] = { "[unused0]", "[unused1]",
                                              "[unused2]" };
    char *path = bl_family_file(m->path, "vocab.txt");
    struct bl_buf text = BL_BUF_INIT;
    int rc = -1;

    for (size_t i = 0; i < 3 && bl_layout_tagged(m->input->layout); i++)
        o.tags[i] = c->has_tags ? c->tags[i] : usual_tags[i];
    m->words = bl_wordpiece_open(path, &o, err);
    if (m->words
        && bl_wordpiece_check_size(m->words, m->shape.vocab, err) == 0)
        rc = bl_file_read(path, MAX_VOCAB, &text, err);
    if (!rc)
        bl_sha256_add(sum, text.data, text.len);
    bl_buf_free(&text);
    free(path);
    return rc;
}

static int set_role(struct bl_model *m, const struct bl_model_config *c,
                    enum bl_weight_names naming, struct bl_err *err)
{
    enum bl_role guess = guess_role(m->weights, c, naming);

    m->role = c->has_role ? c->role : guess;
    if (blink_named(naming) && m->role != guess)
        return bl_fail(err, BL_DATA, "'%s/blink.json': role is '%s', but the "
                       "weights are those of a %s", m->path,
                       bl_role_name(m->role), bl_role_name(guess));
    m->pooling = c->has_pooling ? c->pooling : BL_POOL_CLS;
    m->normalize = c->normalize > 0;
    return 0;
}

static int check_towers(const struct bl_model *m,
                        const struct bl_model_config *c, struct bl_err *err)
{
    if (!c->towers || c->towers == m->n_towers)
        return 0;
    return bl_fail(err, BL_DATA, "'%s/blink.json': towers: expected %zu (as "
                   "in the weights), found %zu", m->path, m->n_towers,
                   c->towers);
}

static int set_labels(struct bl_model *m, const struct bl_model_config *c,
                      struct bl_err *err)
{
    if (m->role != BL_ROLE_TAGGER)
        return 0;
    if (c->labels && c->n_labels != m->n_labels)
        return bl_fail(err, BL_DATA, "'%s/config.json': id2label has %zu "
                       "labels, but the weights have %zu", m->path,
                       c->n_labels, m->n_labels);
    m->labels = BL_NEW_ARRAY(char *, m->n_labels);
    for (size_t i = 0; i < m->n_labels; i++)
        m->labels[i] = c->labels ? bl_xstrdup(c->labels[i])
            : bl_xasprintf("LABEL_%zu", i);
    return 0;
}

static char *copy_or_null(const char *s)
{
    return s ? bl_xstrdup(s) : NULL;
}

/* ---- Open and close ---- */

static int load(struct bl_model *m, struct bl_model_config *c,
                struct bl_err *err)
{
    struct bl_sha256 sum;
    unsigned char digest[BL_SHA256_SIZE];
    enum bl_weight_names naming;

    bl_sha256_init(&sum);
    if (bl_model_config_read(c, m->path, &sum, err) < 0)
        return -1;
    m->shape = c->shape;
    m->weights = open_weights(m->path, err);
    if (!m->weights)
        return -1;
    naming = bl_model_weight_names(m->weights);
    if (set_role(m, c, naming, err) < 0)
        return -1;
    if (bl_model_bind(m, naming, err) < 0)
        return bl_err_prefix(err, "'%s'", m->path);
    if (check_towers(m, c, err) < 0 || set_labels(m, c, err) < 0
        || set_input(m, c, naming, err) < 0
        || open_words(m, c, &sum, err) < 0)
        return -1;
    m->names = c->names != 0;
    m->licence = copy_or_null(c->licence);
    m->training = copy_or_null(c->training);
    bl_safetensors_fingerprint(m->weights, &sum);
    if (m->shared)
        bl_safetensors_fingerprint(m->shared, &sum);
    bl_sha256_end(&sum, digest);
    bl_sha256_hex(digest, (sizeof m->fingerprint - 1) / 2, m->fingerprint);
    return 0;
}

static int check_single(const char *path, struct bl_err *err)
{
    if (!bl_family_is(path))
        return 0;
    return bl_fail(err, BL_DATA, "'%s' contains several models: name one of "
                                 "them, such as '%s/%s'", path, path,
                   bl_family_folder(BL_ROLE_BI_ENCODER));
}

/* Takes the path over. */
static struct bl_model *open_path(char *path, struct bl_err *err)
{
    struct bl_model_config c = { .memory = BL_ARENA_INIT };
    struct bl_model *m;
    int rc;

    if (!path)
        return NULL;
    m = BL_NEW(struct bl_model);
    m->path = path;
    m->memory = BL_NEW(struct bl_arena);
    rc = check_single(path, err);
    if (!rc)
        rc = load(m, &c, err);
    bl_arena_free(&c.memory);
    if (!rc)
        return m;
    if (err && err->code < BL_USAGE)
        err->code = BL_DATA;
    bl_model_close(m);
    return NULL;
}

struct bl_model *bl_model_open(const char *name, struct bl_err *err)
{
    return open_path(bl_path_find(BL_PATH_MODEL, name, err), err);
}

struct bl_model *bl_model_open_as(const char *name, enum bl_role role,
                                  struct bl_err *err)
{
    struct bl_model *m = open_path(bl_model_find(name, role, err), err);

    if (!m || bl_model_need(m, role, err) == 0)
        return m;
    bl_model_close(m);
    return NULL;
}

void bl_model_close(struct bl_model *m)
{
    if (!m)
        return;
    for (size_t i = 0; m->labels && i < m->n_labels; i++)
        free(m->labels[i]);
    free(m->labels);
    bl_wordpiece_close(m->words);
    bl_safetensors_close(m->weights);
    bl_safetensors_close(m->shared);
    bl_arena_free(m->memory);
    free(m->memory);
    free(m->input);
    free(m->licence);
    free(m->training);
    free(m->path);
    free(m);
}
