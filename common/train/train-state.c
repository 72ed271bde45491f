/* SPDX-License-Identifier: MIT */
/* train-state: the checkpoint of a training run.  OUT.checkpoint/ holds
 * state.json (settings and counters) and state.safetensors (values, moments,
 * what the task keeps); the folder is replaced whole. */
#include "config.h"

#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/newdir.h"
#include "json/document.h"
#include "json/writer.h"
#include "model/model-write.h"
#include "tensor/safetensors-write.h"
#include "tensor/safetensors.h"

static const char *const files[] = { "state.json", "state.safetensors" };

enum { MAX_STATE = 1 << 20, N_COUNTERS = 11, N_ARRAYS = 4 };

static char *folder_of(const struct bl_trainer *trainer)
{
    return bl_xasprintf("%s.checkpoint", trainer->output);
}

/* ---- What is saved ---- */

struct counter {
    const char *name;
    uint64_t *v;
};

static void list_counters(struct bl_trainer *trainer, struct counter *out)
{
    struct bl_train_state *state = &trainer->state;
    const struct counter all[N_COUNTERS] = {
        { "step", &state->step }, { "epoch", &state->epoch },
        { "part", &state->part }, { "rounds", &state->rounds },
        { "stale", &state->stale }, { "best_step", &state->best_step },
        { "measured", &state->measured }, { "log_size", &state->log_size },
        { "examples", &state->examples },
        { "adamw_steps", &trainer->adamw.steps }, { "settled", NULL },
    };

    memcpy(out, all, sizeof all);
}

struct array {
    const char *name;
    float *v;
};

/* Only BLINK's recipe lets gradients grow from step to step. */
static size_t list_arrays(const struct bl_trainer *trainer, struct array *out)
{
    size_t n = 0;

    out[n++] = (struct array){ "values", trainer->net->values };
    out[n++] = (struct array){ "adamw_m", trainer->adamw.m };
    out[n++] = (struct array){ "adamw_v", trainer->adamw.v };
    if (trainer->opts->recipe == BL_RECIPE_BLINK)
        out[n++] = (struct array){ "gradients", trainer->net->grads };
    return n;
}

/* ---- Saving ---- */

/* The best figure is written with 17 digits, with which a double is read back
 * as it was: a resumed run must not take the same figure for a better one. */
static int save_counters(struct bl_trainer *trainer, const char *dir,
                         struct bl_err *err)
{
    struct counter c[N_COUNTERS];
    struct bl_buf b = BL_BUF_INIT;
    struct bl_writer w;
    int rc;

    list_counters(trainer, c);
    w = bl_writer(&b, BL_WRITE_COMPACT);
    bl_write_object(&w, NULL);
    bl_write_size(&w, "format", 1);
    for (size_t i = 0; i < N_COUNTERS; i++) {
        bl_write_break(&w, 0);
        bl_write_size(&w, c[i].name,
                      c[i].v ? *c[i].v : trainer->state.settled);
    }
    bl_write_break(&w, 0);
    bl_write_double(&w, "best", trainer->state.best, 17);
    bl_write_break(&w, 0);
    bl_write_raw(&w, "settings", bl_span_of(trainer->settings));
    bl_write_end(&w);
    bl_write_line(&w);
    rc = bl_model_put_file(dir, files[0], &b, err);
    bl_buf_free(&b);
    return rc;
}

/* Arrays are declared before any is written, since a safetensors file begins
 * with the table of them all. */
static int save_arrays(const struct bl_trainer *trainer, const char *dir,
                       struct bl_err *err)
{
    char *path = bl_xasprintf("%s/%s", dir, files[1]);
    struct bl_safetensors_writer *w = bl_safetensors_create(path);
    struct array a[N_ARRAYS];
    size_t n = list_arrays(trainer, a), n_kept = 0;
    const int32_t *kept = NULL;
    int rc = 0;

    free(path);
    if (trainer->task->keep)
        trainer->task->keep(trainer->task->ctx, &kept, &n_kept);
    for (size_t i = 0; i < n; i++)
        bl_safetensors_declare(w, a[i].name, BL_F32, 1, &trainer->net->n);
    if (n_kept)
        bl_safetensors_declare(w, "task", BL_I32, 1, &n_kept);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = bl_safetensors_put(w, a[i].v, trainer->net->n * sizeof(float),
                                err);
    if (n_kept && rc == 0)
        rc = bl_safetensors_put(w, kept, n_kept * sizeof *kept, err);
    if (rc == 0)
        return bl_safetensors_commit(w, err);
    bl_safetensors_abort(w);
    return -1;
}

int bl_train_state_save(struct bl_trainer *trainer, struct bl_err *err)
{
    char *path = folder_of(trainer);
    struct bl_newdir *d = bl_newdir_open(path, files, 2, true, err);
    int rc = -1;

    if (d && save_counters(trainer, bl_newdir_path(d), err) == 0
        && save_arrays(trainer, bl_newdir_path(d), err) == 0)
        rc = bl_newdir_commit(d, err);
    else if (d)
        bl_newdir_fail(d, err);
    free(path);
    return rc;
}

/* ---- Loading ---- */

/* Names the first setting that is another one. */
static int compare_nodes(const struct bl_trainer *trainer, struct bl_node now,
                         struct bl_node was, struct bl_err *err)
{
    struct bl_node setting, other = was;
    struct bl_buf old = BL_BUF_INIT, new = BL_BUF_INIT;

    for (setting = bl_node_first(now); setting.item;
         setting = bl_node_next(setting)) {
        const char *name = bl_node_key(setting);
        int found = bl_member(was, name, &other, err);

        if (found < 0)
            return -1;
        if (found && bl_node_same(setting, other))
            continue;
        if (found)
            bl_node_put(&old, other);
        else
            bl_buf_puts(&old, "nothing");
        bl_node_put(&new, setting);
        bl_fail(err, BL_DATA, "'%s.checkpoint' was made with %s %.*s, not "
                "%.*s: give the same options, or --force to start over",
                trainer->output, name, BL_SHOWN(80, old.data),
                BL_SHOWN(80, new.data));
        bl_buf_free(&old);
        bl_buf_free(&new);
        return -1;
    }
    return 0;
}

static int compare_settings(const struct bl_trainer *trainer,
                            struct bl_node was, struct bl_err *err)
{
    struct bl_document *d = bl_document_parse(bl_span_of(trainer->settings),
                                              "settings", err);
    int rc = d ? compare_nodes(trainer, bl_document_root(d), was, err) : -1;

    bl_document_free(d);
    return rc;
}

/* All counters must be there: one that a checkpoint lacks would start from 0
 * and the resumed run would differ from one that was never stopped. */
static int read_counters(struct bl_trainer *trainer, struct bl_node root,
                         struct bl_err *err)
{
    struct counter c[N_COUNTERS];
    struct bl_node settings;
    int64_t n;

    list_counters(trainer, c);
    if (bl_required(bl_member_of(root, "settings", BL_JSON_OBJECT, &settings,
                                 err), root, "settings", err) < 0
        || compare_settings(trainer, settings, err) < 0)
        return -1;
    for (size_t i = 0; i < N_COUNTERS; i++) {
        if (bl_required(bl_member_integer(root, c[i].name, 0, INT64_MAX, &n,
                                          err), root, c[i].name, err) < 0)
            return -1;
        if (c[i].v)
            *c[i].v = (uint64_t)n;
        else
            trainer->state.settled = n != 0;
    }
    /* An epoch that is over is counted before a checkpoint is saved.  Places
     * in the order of the examples are computed from the part. */
    if (trainer->state.part >= trainer->parts)
        return bl_node_fail(root, err, "part: expected a number below %llu, "
                            "found %llu", (unsigned long long)trainer->parts,
                            (unsigned long long)trainer->state.part);
    return bl_required(bl_member_number(root, "best", -INFINITY, INFINITY,
                                        &trainer->state.best, err),
                       root, "best", err);
}

static int load_counters(struct bl_trainer *trainer, const char *dir,
                         struct bl_err *err)
{
    char *path = bl_xasprintf("%s/%s", dir, files[0]);
    struct bl_document *d = bl_document_read(path, MAX_STATE, err);
    int rc = d ? read_counters(trainer, bl_document_root(d), err) : -1;

    bl_document_free(d);
    free(path);
    return rc;
}

static int load_array(const struct bl_safetensors *st, const char *path,
                      const struct array *a, size_t n, struct bl_err *err)
{
    const struct bl_tensor *found = bl_safetensors_find(st, a->name);

    if (!found || found->dtype != BL_F32 || found->count != n)
        return bl_fail(err, BL_DATA, "'%s': expected '%s' of %zu numbers",
                       path, a->name, n);
    memcpy(a->v, found->data, n * sizeof *a->v);
    return 0;
}

static int load_kept(struct bl_trainer *trainer,
                     const struct bl_safetensors *st, struct bl_err *err)
{
    const struct bl_tensor *found = bl_safetensors_find(st, "task");
    int32_t *v;
    int rc;

    if (!found || !trainer->task->restore)
        return 0;
    if (found->dtype != BL_I32)
        return bl_fail(err, BL_DATA, "tensor 'task': expected I32");
    v = bl_xmalloc(found->count, sizeof *v);
    memcpy(v, found->data, found->count * sizeof *v);
    rc = trainer->task->restore(trainer->task->ctx, v, found->count, err);
    free(v);
    return rc;
}

static int load_arrays(struct bl_trainer *trainer, const char *dir,
                       struct bl_err *err)
{
    char *path = bl_xasprintf("%s/%s", dir, files[1]);
    struct bl_safetensors *st = bl_safetensors_open(path, err);
    struct array a[N_ARRAYS];
    size_t n = list_arrays(trainer, a);
    int rc = st ? 0 : -1;

    for (size_t i = 0; i < n && rc == 0; i++)
        rc = load_array(st, path, &a[i], trainer->net->n, err);
    if (rc == 0)
        rc = load_kept(trainer, st, err);
    bl_safetensors_close(st);
    free(path);
    return rc;
}

int bl_train_state_load(struct bl_trainer *trainer, struct bl_err *err)
{
    char *dir = folder_of(trainer);
    int rc = 0;

    if (access(dir, F_OK) == 0)
        rc = load_counters(trainer, dir, err) < 0
            || load_arrays(trainer, dir, err) < 0 ? -1 : 1;
    free(dir);
    return rc;
}

void bl_train_state_drop(const struct bl_trainer *trainer)
{
    char *dir = folder_of(trainer);

    for (size_t i = 0; i < 2; i++) {
        char *path = bl_xasprintf("%s/%s", dir, files[i]);

        unlink(path);
        free(path);
    }
    rmdir(dir);
    free(dir);
}
