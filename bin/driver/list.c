/* SPDX-License-Identifier: MIT */
/*
 * blink list: the models, catalogues, indexes, names and calibrations of the
 * data folders, which of them are used by default, and what belongs to what.
 */
#include "config.h"

#include <dirent.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/utf8.h"
#include "cli/prog.h"
#include "driver.h"
#include "json/writer.h"
#include "kb/kb.h"
#include "model/model-family.h"
#include "model/model.h"
#include "search/faiss-file.h"
#include "search/index.h"

/* One name of a data folder.  Of a family, the fingerprint and the role are
 * those of its bi-encoder. */
struct entry {
    enum bl_path_kind kind;
    char *name, *path;
    char *real;                 /* links resolved; NULL: leads nowhere */
    uint64_t bytes;
    bool is_default, hidden;    /* by the same name in an earlier folder */
    bool opened;
    bool tuned;                 /* blink tune made weights for it */
    struct bl_err err;          /* why it could not be opened */
    size_t count;               /* entities, vectors */
    char fingerprint[BL_FINGERPRINT_MAX + 1];
    char by[BL_FINGERPRINT_MAX + 1];    /* the model of an index */
    char site[64];              /* "enwiki"; "": not said */
    const char *what;           /* a role, a type of numbers */
    bool parts[BL_ROLE_TAGGER + 1];     /* of a family */
    const struct entry *alias;  /* what a link of this folder leads to */
    const struct entry *kb, *model;     /* of an index or calibration */
};

struct list {
    struct entry *v;
    size_t n;
    enum bl_path_kind kind;     /* of those that are being added */
    const char *normal;         /* the real path of the default; may be NULL */
};

static const struct { const char *one, *many; } words[] = {
    [BL_PATH_MODEL] = { "model", "models" },
    [BL_PATH_CATALOGUE] = { "catalogue", "catalogues" },
    [BL_PATH_INDEX] = { "index", "indexes" },
    [BL_PATH_NAMES] = { "names", "files of names" },
    [BL_PATH_CALIBRATION] = { "calibration", "calibrations" },
};

/* ---- What each is ---- */

/* Of a folder, what lies in it as deep as models have folders. */
static uint64_t size_of(const char *path, int depth)
{
    struct stat st;
    struct dirent *item;
    uint64_t sum = 0;
    DIR *open;

    if (stat(path, &st) < 0)
        return 0;
    if (!S_ISDIR(st.st_mode))
        return (uint64_t)st.st_size;
    open = depth > 0 ? opendir(path) : NULL;
    while (open && (item = readdir(open))) {
        char *inner = bl_xasprintf("%s/%s", path, item->d_name);

        if (*item->d_name != '.')
            sum += size_of(inner, depth - 1);
        free(inner);
    }
    if (open)
        closedir(open);
    return sum;
}

static void copy_text(char *to, size_t size, const char *from, size_t n)
{
    n = BL_MIN(n, size - 1);
    memcpy(to, from, n);
    to[n] = '\0';
}

/* The fingerprint is what an index knows the catalogue by. */
static bool see_catalogue(struct entry *entry)
{
    struct bl_kb *kb = bl_kb_open(entry->path, &entry->err);
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_span site;
    char *tuned;

    if (!kb)
        return false;
    entry->count = bl_kb_count(kb);
    tuned = bl_tuned_path(entry->path);
    entry->tuned = access(tuned, F_OK) == 0;
    free(tuned);
    copy_text(entry->fingerprint, sizeof entry->fingerprint,
              bl_kb_fingerprint(kb), BL_FINGERPRINT_MAX);
    if (bl_kb_meta(kb, "site", &arena, &site, &entry->err) > 0)
        copy_text(entry->site, sizeof entry->site, site.p, site.n);
    bl_arena_free(&arena);
    bl_kb_close(kb);
    return true;
}

/* FAISS's own files are not walked for a list. */
static bool see_index(struct entry *entry)
{
    struct bl_index index;
    int faiss = bl_faiss_is_file(entry->path, &entry->err);

    entry->what = "FAISS";
    if (faiss)
        return faiss > 0;
    if (bl_index_open(&index, entry->path, &entry->err) < 0)
        return false;
    entry->count = index.n;
    entry->what = bl_dtype_name(index.dtype);
    copy_text(entry->fingerprint, sizeof entry->fingerprint, index.kb,
              BL_FINGERPRINT_MAX);
    copy_text(entry->by, sizeof entry->by, index.model, BL_FINGERPRINT_MAX);
    bl_index_close(&index);
    return true;
}

/* A family has no fingerprint; indexes are made with its bi-encoder. */
static bool see_model(struct entry *entry)
{
    char *bi = bl_family_part(entry->path, BL_ROLE_BI_ENCODER);
    struct bl_model *model;

    if (bl_family_is(entry->path)) {
        entry->what = "family";
        for (unsigned i = 0; i < BL_COUNT(entry->parts); i++) {
            char *part = bl_family_part(entry->path, (enum bl_role)i);

            entry->parts[i] = part != NULL;
            free(part);
        }
    }
    if (entry->what && !bi)
        return true;
    model = bl_model_open(bi ? bi : entry->path, &entry->err);
    free(bi);
    if (!model)
        return false;
    if (!entry->what)
        entry->what = bl_role_name(model->role);
    copy_text(entry->fingerprint, sizeof entry->fingerprint,
              model->fingerprint, BL_FINGERPRINT_MAX);
    bl_model_close(model);
    return true;
}

static void see(struct entry *entry)
{
    entry->bytes = size_of(entry->path, 2);
    switch (entry->kind) {
    case BL_PATH_CATALOGUE:
        entry->opened = see_catalogue(entry);
        break;
    case BL_PATH_INDEX:
        entry->opened = see_index(entry);
        break;
    case BL_PATH_MODEL:
        entry->opened = see_model(entry);
        break;
    default:
        entry->opened = true;
        break;
    }
}

/* ---- Gathering ---- */

static void add(void *ctx, const char *name, const char *path)
{
    struct list *list = ctx;
    struct entry *entry;

    list->v = bl_xrealloc(list->v, list->n + 1, sizeof *list->v);
    entry = &list->v[list->n++];
    *entry = (struct entry){ .kind = list->kind };
    entry->name = bl_xstrdup(name);
    entry->path = bl_xstrdup(path);
    entry->real = bl_path_real(path);
    entry->is_default = list->normal && entry->real
        && !strcmp(list->normal, entry->real);
    for (size_t i = 0; i + 1 < list->n; i++)
        entry->hidden |= list->v[i].kind == entry->kind
            && !strcmp(list->v[i].name, name);
}

/* Of every kind, the default is what a program finds without a name. */
static void gather(struct list *list)
{
    for (size_t i = 0; i < BL_COUNT(words); i++) {
        char *path, *real = NULL;

        list->kind = (enum bl_path_kind)i;
        path = list->kind == BL_PATH_NAMES
            ? NULL : bl_path_find(list->kind, NULL, NULL);
        if (path)
            real = bl_path_real(path);
        list->normal = real;
        bl_path_each(list->kind, add, list);
        list->normal = NULL;
        free(real);
        free(path);
    }
    for (size_t i = 0; i < list->n; i++)
        see(&list->v[i]);
}

static void free_list(struct list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->v[i].name);
        free(list->v[i].path);
        free(list->v[i].real);
    }
    free(list->v);
}

/* ---- What belongs to what ---- */

static bool is_link(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

/* The entry that a link leads to: one that is none, of the same kind. */
static const struct entry *target_of(const struct list *list,
                                     const struct entry *entry)
{
    if (!entry->real || !is_link(entry->path))
        return NULL;
    for (size_t i = 0; i < list->n; i++) {
        const struct entry *other = &list->v[i];

        if (other->kind == entry->kind && other != entry && other->real
            && !strcmp(other->real, entry->real) && !is_link(other->path))
            return other;
    }
    return NULL;
}

/* Names of links say less than those of what they lead to. */
static const struct entry *with_fingerprint(const struct list *list,
                                            enum bl_path_kind kind,
                                            const char *fingerprint)
{
    for (size_t i = 0; i < list->n && *fingerprint; i++) {
        const struct entry *other = &list->v[i];

        if (other->kind == kind && !other->alias
            && !strcmp(other->fingerprint, fingerprint))
            return other;
    }
    return NULL;
}

static const struct entry *with_name(const struct list *list,
                                     enum bl_path_kind kind, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->v[i].kind == kind && !strcmp(list->v[i].name, name))
            return &list->v[i];
    return NULL;
}

/* Indexes say by fingerprints what they were made of, calibrations by their
 * name which model they are for. */
static void relate(struct list *list)
{
    for (size_t i = 0; i < list->n; i++)
        list->v[i].alias = target_of(list, &list->v[i]);
    for (size_t i = 0; i < list->n; i++) {
        struct entry *entry = &list->v[i];

        if (entry->kind == BL_PATH_INDEX) {
            entry->kb = with_fingerprint(list, BL_PATH_CATALOGUE,
                                         entry->fingerprint);
            entry->model = with_fingerprint(list, BL_PATH_MODEL, entry->by);
        } else if (entry->kind == BL_PATH_CALIBRATION) {
            entry->model = with_name(list, BL_PATH_MODEL, entry->name);
        }
    }
}

/* ---- For programs ---- */

static void write_parts(struct bl_writer *out, const struct entry *entry)
{
    bl_write_array(out, "parts");
    for (unsigned i = 0; i < BL_COUNT(entry->parts); i++)
        if (entry->parts[i])
            bl_write_string(out, NULL, bl_family_folder((enum bl_role)i));
    bl_write_end(out);
}

/* Paths may be any bytes, records are UTF-8. */
static void write_json(struct bl_writer *out, const struct entry *entry)
{
    struct bl_buf path = BL_BUF_INIT, name = BL_BUF_INIT;

    bl_utf8_repair(&path, entry->path, strlen(entry->path));
    bl_utf8_repair(&name, entry->name, strlen(entry->name));
    bl_write_object(out, NULL);
    bl_write_string(out, "kind", words[entry->kind].one);
    bl_write_string(out, "name", name.data);
    bl_write_string(out, "path", path.data);
    bl_write_size(out, "bytes", entry->bytes);
    bl_write_bool(out, "default", entry->is_default);
    if (entry->hidden)
        bl_write_bool(out, "hidden", true);
    if (entry->alias)
        bl_write_string(out, "link_to", entry->alias->name);
    if (entry->what)
        bl_write_string(out, entry->kind == BL_PATH_MODEL ? "role" : "type",
                        entry->what);
    if (entry->what && !strcmp(entry->what, "family"))
        write_parts(out, entry);
    if (entry->count)
        bl_write_size(out, entry->kind == BL_PATH_INDEX ? "vectors"
                      : "entities", entry->count);
    if (*entry->site)
        bl_write_string(out, "site", entry->site);
    if (entry->tuned)
        bl_write_bool(out, "tuned", true);
    if (entry->kb)
        bl_write_string(out, "catalogue", entry->kb->name);
    if (entry->model)
        bl_write_string(out, "model", entry->model->name);
    if (!entry->opened)
        bl_write_string(out, "error", entry->err.msg);
    bl_write_end(out);
    bl_write_line(out);
    bl_buf_free(&path);
    bl_buf_free(&name);
}

/* ---- For people ---- */

/* "; " between remarks. */
static void remark(struct bl_buf *out, const char *text)
{
    bl_buf_printf(out, "%s%s", out->len ? "; " : "", text);
}

static void remark_model(struct bl_buf *out, const struct entry *entry)
{
    const char *gap = ": ";

    remark(out, entry->what);
    for (unsigned i = 0; i < BL_COUNT(entry->parts); i++) {
        if (!entry->parts[i])
            continue;
        bl_buf_printf(out, "%s%s", gap, bl_family_folder((enum bl_role)i));
        gap = ", ";
    }
}

/* "10 vectors, f32; of catalogue plants, by model mini" */
static void remark_index(struct bl_buf *out, const struct entry *entry)
{
    remark(out, "");
    if (entry->count)
        bl_buf_printf(out, "%zu vectors, %s", entry->count, entry->what);
    else
        bl_buf_puts(out, entry->what);
    if (*entry->fingerprint)
        bl_buf_printf(out, "; of %s%s", entry->kb ? "catalogue " : "a "
                      "catalogue that is not here", entry->kb
                      ? entry->kb->name : "");
    if (*entry->by)
        bl_buf_printf(out, ", by %s%s", entry->model ? "model " : "a model "
                      "that is not here", entry->model ? entry->model->name
                      : "");
}

/* Counts of names for building catalogues, or the names of a wiki's pages. */
static void remark_names(struct bl_buf *out, const struct entry *entry)
{
    const char *suffix = strstr(entry->name, ".names");

    if (suffix)
        bl_buf_printf(out, "redirects and pages of %.*s",
                      (int)(suffix - entry->name), entry->name);
    else
        bl_buf_puts(out, "counts for blink-kb build --names");
}

/* What there is to say behind the size. */
static void put_about(struct bl_buf *out, const struct entry *entry)
{
    if (entry->is_default)
        remark(out, "default");
    if (entry->hidden)
        remark(out, "hidden by the same name above");
    if (entry->alias) {
        remark(out, "= ");
        bl_buf_puts(out, entry->alias->name);
    } else if (!entry->opened) {
        remark(out, entry->err.msg);
    } else if (entry->kind == BL_PATH_MODEL) {
        remark_model(out, entry);
    } else if (entry->kind == BL_PATH_INDEX) {
        remark_index(out, entry);
    } else if (entry->kind == BL_PATH_CATALOGUE) {
        remark(out, "");
        bl_buf_printf(out, "%zu entities%s%s%s", entry->count,
                      *entry->site ? ", pages of " : "", entry->site,
                      entry->tuned ? ", tuned" : "");
    } else if (entry->kind == BL_PATH_NAMES) {
        remark(out, "");
        remark_names(out, entry);
    } else if (entry->model) {
        remark(out, "for model ");
        bl_buf_puts(out, entry->model->name);
    }
}

static void put_size(char out[16], uint64_t bytes)
{
    if (bytes < 1000000)
        snprintf(out, 16, "%.0f kB", ceil((double)bytes / 1e3));
    else
        snprintf(out, 16, "%.1f MB", (double)bytes / 1e6);
}

/* The name "default" of a link needs no row: what it leads to says so. */
static bool has_row(const struct entry *entry)
{
    return !(entry->alias && !strcmp(entry->name, "default"));
}

/* Sizes stand in one column, whatever the width of names. */
static void print_row(const struct entry *entry, size_t width)
{
    struct bl_buf about = BL_BUF_INIT, line = BL_BUF_INIT;
    char size[16];
    size_t columns;

    put_about(&about, entry);
    put_size(size, entry->bytes);
    bl_buf_puts(&line, "  ");
    bl_utf8_show(&line, entry->name, strlen(entry->name));
    columns = bl_driver_columns((struct bl_span){ line.data, line.len });
    bl_buf_printf(&line, "%*s%9s", (int)(width + 4 - columns), "", size);
    if (about.len)
        bl_buf_puts(&line, "  ");
    if (about.len)
        bl_utf8_show(&line, about.data, about.len);
    printf("%s\n", line.data);
    bl_buf_free(&about);
    bl_buf_free(&line);
}

static void print_heading(const struct entry *entry)
{
    size_t n = (size_t)(bl_path_base(entry->path) - entry->path) - 1;
    struct bl_buf folder = BL_BUF_INIT;

    bl_utf8_show(&folder, entry->path, n);
    printf("%s in %s\n", words[entry->kind].many, folder.data);
    bl_buf_free(&folder);
}

static bool same_folder(const struct entry *a, const struct entry *b)
{
    size_t n = (size_t)(bl_path_base(a->path) - a->path);

    return a->kind == b->kind && !strncmp(a->path, b->path, n)
        && !strchr(b->path + n, '/');
}

/* A heading for each kind in each folder. */
static void print_list(const struct list *list)
{
    size_t width = 12;

    for (size_t i = 0; i < list->n; i++)
        width = BL_MAX(width, bl_driver_columns(bl_span_of(list->v[i].name)));
    for (size_t i = 0; i < list->n; i++) {
        if (i == 0 || !same_folder(&list->v[i - 1], &list->v[i])) {
            if (i)
                putchar('\n');
            print_heading(&list->v[i]);
        }
        if (has_row(&list->v[i]))
            print_row(&list->v[i], width);
    }
}

/* All is gathered first, since an index may belong to what comes later. */
int bl_driver_list(bool json)
{
    struct list list = { 0 };
    struct bl_buf out = BL_BUF_INIT;
    struct bl_writer writer = bl_writer(&out, BL_WRITE_COMPACT);

    gather(&list);
    relate(&list);
    if (json) {
        for (size_t i = 0; i < list.n; i++)
            write_json(&writer, &list.v[i]);
        if (out.len)
            bl_out(out.data, out.len);
    } else {
        print_list(&list);
    }
    if (!list.n)
        bl_warn("nothing here yet: scripts/quickstart makes the default "
                "catalogue and index");
    bl_buf_free(&out);
    free_list(&list);
    return 0;
}
