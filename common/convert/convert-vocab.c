/* SPDX-License-Identifier: MIT */
/* convert-vocab: where the words of converted weights come from. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "convert/convert.h"
#include "base/file.h"
#include "json/json.h"
#include "base/mem.h"
#include "model/model-write.h"
#include "base/paths.h"
#include "base/sha256.h"

enum { MAX_VOCAB = 256 << 20, MAX_PARAMS = 16 << 20 };

/* vocab.txt of every published uncased English BERT: 30522 words. */
static const char standard[] =
    "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3";

int bl_convert_copy(const char *from, size_t max, const char *dir,
                    const char *name, struct bl_err *err)
{
    struct bl_buf text = BL_BUF_INIT;
    int rc = bl_file_read(from, max, &text, err);

    if (!rc)
        rc = bl_model_put_file(dir, name, &text, err);
    bl_buf_free(&text);
    return rc;
}

/* ---- The folder that goes with the weights ---- */

static bool has_file(const char *dir, const char *name)
{
    char *path = bl_xasprintf("%s/%s", dir, name);
    bool there = access(path, F_OK) == 0;

    free(path);
    return there;
}

/* Takes dir; NULL when it is no folder of a BERT. */
static char *if_bert(char *dir)
{
    if (has_file(dir, "config.json") && has_file(dir, "vocab.txt"))
        return dir;
    free(dir);
    return NULL;
}

/* The folder that a file is in; caller frees. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? bl_xasprintf("%.*s", (int)(slash - path + 1), path)
        : bl_xstrdup(".");
}

/* What the parameters call bert_model, when that is a folder: seen from
 * here, or from where they are.  What is wrong with them is for others to
 * say. */
static char *named_bert(const char *params)
{
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_buf text = BL_BUF_INIT;
    char *dir = NULL, *there = folder_of(params);
    struct bl_span v;

    if (!bl_file_read(params, MAX_PARAMS, &text, NULL)
        && !bl_json_check(text.data, text.len, NULL)
        && bl_json_get(bl_json_trim((struct bl_span){ text.data, text.len }),
                       "bert_model", &v, NULL) == 1
        && !bl_json_string(v, &arena, &v, NULL) && v.n) {
        dir = if_bert(bl_xstrdup(v.p));
        if (!dir && v.p[0] != '/')
            dir = if_bert(bl_xasprintf("%s/%s", there, v.p));
    }
    free(there);
    bl_buf_free(&text);
    bl_arena_free(&arena);
    return dir;
}

char *bl_convert_source(const struct bl_convert *c)
{
    char *dir;

    if (c->bert)
        return bl_xstrdup(c->bert);
    if (c->kind == BL_CONVERT_HF || c->kind == BL_CONVERT_RERANKER)
        return bl_xstrdup(c->input);
    dir = if_bert(bl_xstrdup(c->input));
    if (!dir)
        dir = if_bert(folder_of(c->input));
    if (!dir && c->params)
        dir = named_bert(c->params);
    return dir;
}

/* ---- vocab.txt ---- */

/* The lines of vocab.txt from {"token": id, ...}, every id from 0 once. */
static int put_words(struct bl_span words, struct bl_buf *out,
                     struct bl_err *err)
{
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_json_iter it;
    struct bl_span key, value, *by_id;
    size_t n = 0;
    int64_t id;
    int rc = 0;

    for (it = bl_json_iter(words); bl_json_next(&it, NULL, &value); )
        n++;
    by_id = bl_xcalloc(n, sizeof *by_id);
    for (it = bl_json_iter(words); !rc && bl_json_next(&it, &key, &value); ) {
        struct bl_span quoted = { key.p - 1, key.n + 2 };

        rc = bl_json_integer(value, 0, (int64_t)n - 1, &id, err);
        if (!rc && by_id[id].p)
            rc = bl_fail(err, BL_DATA, "id %lld is given twice",
                         (long long)id);
        if (!rc)
            rc = bl_json_string(quoted, &arena, &by_id[id], err);
        if (!rc && memchr(by_id[id].p, '\n', by_id[id].n))
            rc = bl_fail(err, BL_DATA, "a word of two lines");
    }
    for (size_t i = 0; !rc && i < n; i++) {
        bl_buf_put_span(out, by_id[i]);
        bl_buf_putc(out, '\n');
    }
    free(by_id);
    bl_arena_free(&arena);
    return rc;
}

/* What tokenizer.json says, which newer folders have alone. */
static int read_tokenizer(const char *path, struct bl_buf *out,
                          struct bl_err *err)
{
    struct bl_buf text = BL_BUF_INIT;
    struct bl_span root, model, words, type;
    int rc = bl_file_read(path, MAX_VOCAB, &text, err);

    if (!rc && (rc = bl_json_check(text.data, text.len, err)) == 0) {
        root = bl_json_trim((struct bl_span){ text.data, text.len });
        if (bl_json_get(root, "model", &model, err) != 1
            || bl_json_get(model, "type", &type, err) != 1
            || !bl_span_is(type, "\"WordPiece\"")
            || bl_json_get(model, "vocab", &words, err) != 1
            || bl_json_type(words) != BL_JSON_OBJECT)
            rc = bl_fail(err, BL_DATA, "expected a model of type WordPiece "
                         "with a vocab");
        else if ((rc = put_words(words, out, err)) < 0)
            bl_err_prefix(err, "model: vocab");
    }
    if (rc < 0 && err && err->code != BL_SYSTEM) {
        err->code = BL_DATA;
        bl_err_prefix(err, "'%s'", path);
    }
    bl_buf_free(&text);
    return rc;
}

/* The standard words out of the default model; caller frees; NULL when it is
 * not there or has others. */
static char *default_vocab(void)
{
    char *model = bl_path_find(BL_PATH_MODEL, NULL, NULL);
    char *path = model ? bl_xasprintf("%s/vocab.txt", model) : NULL;
    unsigned char digest[BL_SHA256_SIZE];
    char hex[2 * BL_SHA256_SIZE + 1] = "";
    struct bl_buf text = BL_BUF_INIT;
    struct bl_sha256 sum;

    free(model);
    if (path && !bl_file_read(path, MAX_VOCAB, &text, NULL)) {
        bl_sha256_init(&sum);
        bl_sha256_add(&sum, text.data, text.len);
        bl_sha256_end(&sum, digest);
        bl_sha256_hex(digest, BL_SHA256_SIZE, hex);
    }
    bl_buf_free(&text);
    if (!strcmp(hex, standard))
        return path;
    free(path);
    return NULL;
}

static char *find_vocab(const struct bl_convert *c, const char *source,
                        bool lowercase, struct bl_err *err)
{
    static const char *const files[] = { "vocab.txt", "tokenizer.json" };
    char *path;

    if (c->vocab)
        return bl_xstrdup(c->vocab);
    for (size_t i = 0; source && i < 2; i++)
        if (has_file(source, files[i]))
            return bl_xasprintf("%s/%s", source, files[i]);
    if (source) {
        bl_fail(err, BL_DATA, "'%s' has neither vocab.txt nor tokenizer.json "
                "(--vocab gives the words)", source);
        return NULL;
    }
    path = lowercase ? default_vocab() : NULL;
    if (!path)
        bl_fail(err, BL_USAGE, "the weights have no vocabulary: give the "
                "folder of the BERT that they were trained from (--bert), or "
                "its vocab.txt (--vocab); that of BLINK's published models "
                "comes with the default model, which scripts/quickstart "
                "sets up");
    return path;
}

int bl_convert_vocab(const struct bl_convert *c, const char *source,
                     bool lowercase, const char *dir,
                     struct bl_convert_report *report, struct bl_err *err)
{
    char *path = find_vocab(c, source, lowercase, err);
    struct bl_buf words = BL_BUF_INIT;
    size_t n = path ? strlen(path) : 0;
    int rc;

    if (!path)
        return -1;
    if (n < 5 || strcmp(path + n - 5, ".json"))
        rc = bl_convert_copy(path, MAX_VOCAB, dir, "vocab.txt", err);
    else if ((rc = read_tokenizer(path, &words, err)) == 0)
        rc = bl_model_put_file(dir, "vocab.txt", &words, err);
    bl_buf_free(&words);
    free(report->vocab);
    report->vocab = path;
    return rc;
}
