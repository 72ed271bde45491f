/* SPDX-License-Identifier: MIT */
/*
 * blink link: finds what the stages need, joins them and waits.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/paths.h"
#include "cli/prog.h"
#include "driver.h"
#include "json/json.h"
#include "model/model-family.h"
#include "model/model.h"
#include "search/faiss-file.h"
#include "search/index.h"

void bl_driver_found_free(struct bl_found *found)
{
    free(found->catalogue);
    free(found->model);
    free(found->index);
    free(found->cross);
    free(found->ner);
    free(found->calibration);
    free(found->bi);
    for (size_t i = 0; i < 2 * found->n_more; i++)
        free(found->more[i]);
    free(found->more);
}

/* ---- The index that belongs to a catalogue and a model ---- */

/* "data/catalogues/vital.kb" -> "vital"; caller frees. */
static char *stem(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = bl_xstrdup(slash ? slash + 1 : path);
    char *dot = strrchr(name, '.');

    if (dot && dot != name)
        *dot = '\0';
    return name;
}

/* The same of what a link leads to: "default" is rarely a name of its own. */
static char *real_stem(const char *path)
{
    char *real = bl_path_real(path);
    char *name = stem(real ? real : path);

    free(real);
    return name;
}

/* "x/k.kb" -> "x/k.blx"; caller frees. */
static char *beside(const char *catalogue)
{
    const char *dot = strrchr(catalogue, '.');
    const char *slash = strrchr(catalogue, '/');
    size_t n = dot && (!slash || dot > slash) ? (size_t)(dot - catalogue)
                                               : strlen(catalogue);

    return bl_xasprintf("%.*s.blx", (int)n, catalogue);
}

/* The index called KB.MODEL, by the names that were given and by those that
 * these stand for; NULL when there is none. */
static char *index_of(const struct bl_found *found)
{
    char *kb[] = { stem(found->catalogue), real_stem(found->catalogue) };
    char *model[] = { stem(found->model), real_stem(found->model) };
    char *path = NULL;

    for (size_t i = 0; i < 4 && !path; i++) {
        char *name = bl_xasprintf("%s.%s", kb[i / 2], model[i % 2]);
        path = bl_path_look_up(BL_PATH_INDEX, name, NULL);
        free(name);
    }
    for (size_t i = 0; i < 2; i++) {
        free(kb[i]);
        free(model[i]);
    }
    return path;
}

/* Without -x: the default index for the default catalogue and model; else
 * what stands beside the catalogue, or is called KB.MODEL or KB. */
static char *find_index(const struct bl_link_opts *opts,
                        const struct bl_found *found, struct bl_err *err)
{
    char *kb, *model, *path;

    if (opts->index || (!opts->catalogue && !opts->model))
        return bl_path_find(BL_PATH_INDEX, opts->index, err);
    path = beside(found->catalogue);
    if (!opts->model && access(path, R_OK) == 0)
        return path;
    free(path);
    path = index_of(found);
    if (path)
        return path;
    kb = stem(found->catalogue);
    model = stem(found->model);
    if (!opts->model)
        path = bl_path_look_up(BL_PATH_INDEX, kb, NULL);
    if (!path)
        bl_fail(err, BL_DATA, "no index of '%s' made with '%s': give it with "
                              "-x, or make it: blink-kb cat -c %s | "
                              "blink-embed -m %s --entities | blink-index "
                              "build -c %s -o FILE.blx", kb, model,
                found->catalogue, found->model, found->catalogue);
    free(kb);
    free(model);
    return path;
}

/* ---- What is found by the model ---- */

/* Of a bi-encoder that -m names, it may be missed; the default one would
 * often be the worse of the two. */
static void say_no_cross(const struct bl_link_opts *opts)
{
    char *usual = bl_model_find(NULL, BL_ROLE_CROSS_ENCODER, NULL);

    if (opts->model && usual)
        bl_warn("'%s' has no cross-encoder: not reranking (--cross names one, "
                "--fast wants none)", opts->model);
    else
        bl_note("no cross-encoder 'default-cross': not reranking");
    free(usual);
}

/* Without --cross: that of the family which -m names; else the default one,
 * but beside another bi-encoder only if it is called so: it might well be
 * the worse of the two.  It may be missing. */
static int find_cross(const struct bl_link_opts *opts, struct bl_found *found,
                      struct bl_err *err)
{
    if (opts->fast)
        return 0;
    if (opts->cross) {
        found->cross = bl_model_find(opts->cross, BL_ROLE_CROSS_ENCODER, err);
        return found->cross ? 0 : -1;
    }
    if (opts->model)
        found->cross = bl_family_part(found->model, BL_ROLE_CROSS_ENCODER);
    if (!found->cross)
        found->cross = opts->model
            ? bl_path_look_up(BL_PATH_MODEL, "default-cross", NULL)
            : bl_model_find(NULL, BL_ROLE_CROSS_ENCODER, NULL);
    if (!found->cross)
        say_no_cross(opts);
    return 0;
}

/* A family's cross-encoder is a small one, whose word counts beside others':
 * where these are sure it need not be asked (share/doc/notes/cascade.md). */
static void find_cascade(const struct bl_link_opts *opts,
                         struct bl_found *found)
{
    found->cascade = opts->cascade;
    if (isnan(found->cascade) && found->cross
        && bl_family_member(found->cross))
        found->cascade = 0.01;
}

static int find_ner(const struct bl_link_opts *opts, struct bl_found *found,
                    struct bl_err *err)
{
    if (opts->dictionary && !opts->ner)
        return 0;
    if (opts->ner) {
        found->ner = bl_model_find(opts->ner, BL_ROLE_TAGGER, err);
        return found->ner ? 0 : -1;
    }
    if (opts->model)
        found->ner = bl_family_part(found->model, BL_ROLE_TAGGER);
    if (!found->ner)
        found->ner = bl_model_find(NULL, BL_ROLE_TAGGER, NULL);
    if (!found->ner)
        bl_note("no tagger 'default-ner': mentions are the catalogue's "
                "names");
    return 0;
}

/* Said here once, where blink-retrieve would say it when the first mention
 * comes.  Of FAISS's files it does say it. */
static int check_pair(const struct bl_found *found, const char *bi,
                      struct bl_err *err)
{
    struct bl_index index;
    struct bl_model *model;
    int rc = bl_faiss_is_file(found->index, err);

    if (rc)
        return rc < 0 ? -1 : 0;
    if (bl_index_open(&index, found->index, err) < 0)
        return -1;
    model = bl_model_open(bi, err);
    if (!model)
        rc = -1;
    else if (index.n && strcmp(index.model, model->fingerprint))
        rc = bl_fail(err, BL_DATA, "the index '%s' was made with model %s, "
                     "but '%s' is %s: give the index of that model with -x, "
                     "or make it: blink-kb cat -c %s | blink-embed -m %s "
                     "--entities | blink-index build -c %s -o FILE.blx",
                     found->index, index.model, found->model,
                     model->fingerprint, found->catalogue, found->model,
                     found->catalogue);
    bl_model_close(model);
    bl_index_close(&index);
    return rc;
}

/* Another catalogue, searched with the first; its index is found as if it were
 * the only one. */
static int find_other(const struct bl_link_opts *opts, const char *name,
                      const char *bi, struct bl_found *found,
                      struct bl_err *err)
{
    struct bl_link_opts alone = *opts;
    struct bl_found other = { .model = found->model };
    int rc = -1;

    alone.catalogue = name;
    other.catalogue = bl_path_find(BL_PATH_CATALOGUE, name, err);
    if (other.catalogue)
        other.index = find_index(&alone, &other, err);
    if (other.index && (opts->show || check_pair(&other, bi, err) == 0))
        rc = 0;
    found->more[2 * found->n_more] = other.catalogue;
    found->more[2 * found->n_more++ + 1] = other.index;
    return rc;
}

/* The first catalogue is found like one alone. */
static int find_others(const struct bl_link_opts *opts, const char *bi,
                       struct bl_found *found, struct bl_err *err)
{
    size_t n = opts->catalogues.n;

    if (n < 2)
        return 0;
    if (opts->index)
        return bl_fail(err, BL_USAGE, "option '--index': with several "
                       "catalogues the index of each is found by its name");
    found->more = BL_NEW_ARRAY(char *, 2 * n);
    for (size_t i = 1; i < n; i++)
        if (find_other(opts, opts->catalogues.v[i], bi, found, err) < 0)
            return -1;
    return 0;
}

int bl_driver_find(const struct bl_link_opts *opts, struct bl_found *found,
                   struct bl_err *err)
{
    char *bi;
    int rc = 0;

    found->catalogue = bl_path_find(BL_PATH_CATALOGUE, opts->catalogue, err);
    if (!found->catalogue)
        return -1;
    bi = bl_model_find(opts->model, BL_ROLE_BI_ENCODER, err);
    found->model = bi ? bl_path_find(BL_PATH_MODEL, opts->model, err) : NULL;
    found->index = found->model ? find_index(opts, found, err) : NULL;
    if (!found->index || (!opts->show && check_pair(found, bi, err) < 0)
        || find_others(opts, bi, found, err) < 0)
        rc = -1;
    found->bi = bi;
    if (rc < 0 || find_cross(opts, found, err) < 0
        || find_ner(opts, found, err) < 0)
        return -1;
    find_cascade(opts, found);
    return bl_driver_weights(opts, &(struct bl_weights_for){
        found->catalogue, found->model, bi, found->cross },
        &found->calibration, err);
}

int bl_driver_status(int status, const struct bl_err *err)
{
    if (status == BL_PIPELINE_PIPE) {
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    if (status == 4 && err->code != BL_OK)
        bl_warn("%s", err->msg);
    return status;
}

/* ---- The command ---- */

static void add_text(struct bl_pipeline *pipeline,
                     const struct bl_link_opts *opts,
                     char **files, size_t n_files)
{
    bl_pipeline_add(pipeline, "blink", opts->input == BL_INPUT_TEXT ? "text"
                                                          : "records", NULL);
    if (opts->lines)
        bl_pipeline_arg(pipeline, "--lines");
    if (opts->below)
        bl_pipeline_arg(pipeline, "-r");
    if (n_files)
        bl_pipeline_arg(pipeline, "--");
    for (size_t i = 0; i < n_files; i++)
        bl_pipeline_arg(pipeline, files[i]);
}

/* The page goes to us and not to its file, which is replaced only when all
 * stages have ended well.  Beside records it has a pipe of its own,
 * page[1]. */
static void add_view(struct bl_pipeline *pipeline,
                     const struct bl_link_opts *opts, const int page[2])
{
    char *name = bl_xasprintf("/dev/fd/%d", page[1]);

    bl_pipeline_add(pipeline, "blink-view", NULL);
    if (page[1] >= 0 || (opts->show && bl_driver_prints_records(opts)))
        bl_pipeline_arg(pipeline, "--pass");
    if (opts->show || !strcmp(opts->html, "-")) {
        bl_pipeline_arg(pipeline, "-o");
        bl_pipeline_arg(pipeline, opts->html);
    } else if (page[1] >= 0) {
        bl_pipeline_arg(pipeline, "-o");
        bl_pipeline_arg(pipeline, name);
        bl_pipeline_inherit(pipeline, page[1]);
    }
    free(name);
}

/* A catalogue of which the first thousand entities have no address has
 * none worth a column. */
static bool has_addresses(const char *catalogue)
{
    enum { SEEN = 1000 };
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_entity entity;
    struct bl_kb *kb = bl_kb_open(catalogue, NULL);
    bool has = !kb;

    for (int64_t i = 0; !has && i < SEEN; i++) {
        bl_arena_reset(&arena);
        if (bl_kb_brief_row(kb, i, &arena, &entity, NULL) != 1)
            break;
        has = entity.url.p != NULL;
    }
    bl_kb_close(kb);
    bl_arena_free(&arena);
    return has;
}

/* What each of them takes of the options: CSV always has the same columns. */
static void add_rows(struct bl_pipeline *pipeline,
                     const struct bl_link_opts *opts, const char *catalogue,
                     bool documents)
{
    static const char *const formats[] = {
        [BL_LINK_CSV] = "csv", [BL_LINK_TSV] = "tsv"
    };
    char *top = bl_xasprintf("%zu", opts->top);

    bl_pipeline_add(pipeline, "blink", "table", NULL);
    if (opts->format == BL_LINK_CSV || opts->format == BL_LINK_TSV) {
        bl_pipeline_arg(pipeline, "--format");
        bl_pipeline_arg(pipeline, formats[opts->format]);
    } else {
        if (documents)
            bl_pipeline_arg(pipeline, "--documents");
        if (opts->candidates) {
            bl_pipeline_arg(pipeline, "-k");
            bl_pipeline_arg(pipeline, top);
        }
        if (!has_addresses(catalogue))
            bl_pipeline_arg(pipeline, "--no-url");
    }
    bl_driver_add_copy(pipeline, opts);
    free(top);
}

/* Behind the answers: what becomes of them. */
static void add_output(struct bl_pipeline *pipeline,
                       const struct bl_link_opts *opts, const char *catalogue,
                       bool documents, const int page[2])
{
    if (opts->html)
        add_view(pipeline, opts, page);
    if (opts->html && !bl_driver_prints_records(opts))
        return;
    if (opts->brief || opts->by_document) {
        bl_pipeline_add(pipeline, "blink",
                        opts->by_document ? "documents" : "brief", NULL);
        if (opts->brief && opts->by_document)
            bl_pipeline_arg(pipeline, "--brief");
        if (opts->brief)
            bl_driver_add_copy(pipeline, opts);
    } else if (opts->format > BL_LINK_JSON
               || (opts->format == BL_LINK_AUTO && isatty(STDOUT_FILENO))) {
        add_rows(pipeline, opts, catalogue, documents);
    }
}

int bl_driver_show(const struct bl_pipeline *pipeline)
{
    struct bl_buf out = BL_BUF_INIT;

    bl_pipeline_show(pipeline, &out);
    bl_out(out.data, out.len);
    bl_buf_free(&out);
    return 0;
}

static bool has_folder(char **files, size_t n_files)
{
    struct stat st;

    for (size_t i = 0; i < n_files; i++)
        if (stat(files[i], &st) == 0 && S_ISDIR(st.st_mode))
            return true;
    return false;
}

/* -1 for a file that is compressed or the like.  What cannot be looked at
 * without taking from it, such as a pipe, its stage will read. */
static int is_text(const char *path, const struct bl_link_opts *opts,
                   struct bl_err *err)
{
    bool text = opts->input == BL_INPUT_TEXT;
    struct bl_span head = { NULL, 0 };
    char bytes[4096];
    struct stat st;
    ssize_t got = 0;
    int fd;

    if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
        return 0;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        got = bl_pread(fd, bytes, sizeof bytes, 0);
        close(fd);
    }
    head = (struct bl_span){ bytes, got > 0 ? (size_t)got : 0 };
    return bl_driver_refuse(path, head, text ? "text" : "records",
                            text ? "blink link"
                            : opts->input == BL_INPUT_DOCUMENTS
                            ? "blink link --input documents"
                            : "blink link --input mentions", err);
}

int bl_driver_readable(const struct bl_link_opts *opts, char **files,
                       size_t n_files, struct bl_err *err)
{
    for (size_t i = 0; i < n_files; i++) {
        if (!strcmp(files[i], "-"))
            continue;
        if (access(files[i], R_OK) < 0)
            return bl_fail_file(err, "cannot open '%s'", files[i]);
        if (is_text(files[i], opts, err) < 0)
            return -1;
    }
    return 0;
}

/* What is left to read of fd, into the file. */
static int copy(int fd, struct bl_newfile *file, struct bl_err *err)
{
    char bytes[1 << 14];
    ssize_t got = 1;

    while (got != 0) {
        got = read(fd, bytes, sizeof bytes);
        if (got < 0 && errno != EINTR)
            return bl_fail_errno(err, BL_SYSTEM, "cannot read the page");
        if (got > 0 && bl_newfile_write(file, bytes, (size_t)got, err) < 0)
            return -1;
    }
    return 0;
}

/* Runs the pipeline for a page, which replaces another only when all stages
 * have ended well: the last of them cannot tell the end of the records from
 * the end of a stage that failed.  Returns the status, or -1. */
static int write_page(struct bl_pipeline *pipeline, const char *path,
                      const int beside[2], struct bl_err *err)
{
    struct bl_newfile *page = bl_newfile_open(path, 0, err);
    struct bl_err ended = { .code = BL_OK };
    int fd = beside[0], rc, status;

    if (!page)
        return -1;
    if (bl_pipeline_start(pipeline, NULL, fd < 0 ? &fd : NULL, err) < 0) {
        bl_newfile_abort(page);
        return -1;
    }
    /* The page ends when nobody is left who could write to its pipe. */
    if (beside[1] >= 0)
        close(beside[1]);
    rc = copy(fd, page, err);
    close(fd);
    status = bl_pipeline_wait(pipeline, &ended);
    if (rc < 0 || status > 1) {
        bl_newfile_abort(page);
        return rc < 0 ? -1 : bl_driver_status(status, &ended);
    }
    return bl_newfile_commit(page, err) < 0 ? -1 : status;
}

static int run_pipeline(struct bl_pipeline *pipeline, struct bl_err *err)
{
    if (bl_pipeline_start(pipeline, NULL, NULL, err) < 0)
        return -1;
    return bl_driver_status(bl_pipeline_wait(pipeline, err), err);
}

int bl_driver_link(const struct bl_link_opts *opts, char **files,
                   size_t n_files)
{
    struct bl_pipeline *pipeline = bl_pipeline_new();
    struct bl_err err = { .code = BL_OK };
    bool documents = n_files > 1 || opts->lines
        || opts->input == BL_INPUT_DOCUMENTS || has_folder(files, n_files);
    struct bl_stage_files found = { NULL };
    int status, page[2] = { -1, -1 };

    add_text(pipeline, opts, files, n_files);
    /* Models and files are looked for before any stage starts, so that a wrong
     * name is one message and not one from every stage. */
    if (bl_driver_readable(opts, files, n_files, &err) < 0
        || bl_driver_stages(opts, pipeline, &found, &err) < 0)
        bl_die(&err);
    if (opts->html && !opts->show && bl_driver_prints_records(opts)
        && pipe2(page, O_CLOEXEC) < 0)
        bl_fail_errno(&err, BL_SYSTEM, "cannot make a pipe");
    if (err.code != BL_OK)
        bl_die(&err);
    add_output(pipeline, opts, found.catalogue, documents, page);
    if (opts->show)
        status = bl_driver_show(pipeline);
    else if (opts->html && strcmp(opts->html, "-"))
        status = write_page(pipeline, opts->html, page, &err);
    else
        status = run_pipeline(pipeline, &err);
    if (status < 0)
        bl_die(&err);
    bl_pipeline_free(pipeline);
    bl_stage_files_free(&found);
    return status;
}
