/* SPDX-License-Identifier: MIT */
/* convert-vocab: where the words of converted weights come from. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/sha256.h"
#include "convert/convert.h"
#include "json/document.h"
#include "model/model-write.h"

enum { MAX_VOCAB = 256 << 20 };

/* vocab.txt of every published uncased English BERT: 30522 words. */
static const char standard[] =
    "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3";

int bl_convert_copy(const char *from, size_t max, const char *dir,
                    const char *name, struct bl_err *err)
{
    struct bl_buf text = BL_BUF_INIT;
    int rc = bl_file_read(from, max, &text, err);

    if (rc == 0)
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
    struct bl_document *document = bl_convert_params(params, NULL);
    char *dir = NULL, *there = folder_of(params);
    const char *name;

    if (document
        && bl_member_string(bl_document_root(document), "bert_model", &name,
                            NULL) == 1 && *name) {
        dir = if_bert(bl_xstrdup(name));
        if (!dir && name[0] != '/')
            dir = if_bert(bl_xasprintf("%s/%s", there, name));
    }
    free(there);
    bl_document_free(document);
    return dir;
}

char *bl_convert_source(const struct bl_convert *options)
{
    char *dir;

    if (options->bert)
        return bl_xstrdup(options->bert);
    if (options->kind == BL_CONVERT_HF || options->kind == BL_CONVERT_RERANKER)
        return bl_xstrdup(options->input);
    dir = if_bert(bl_xstrdup(options->input));
    if (!dir)
        dir = if_bert(folder_of(options->input));
    if (!dir && options->params)
        dir = named_bert(options->params);
    return dir;
}

/* ---- vocab.txt ---- */

/* The lines of vocab.txt from {"token": id, ...}, every id from 0 once. */
static int put_words(struct bl_node words, struct bl_buf *out,
                     struct bl_err *err)
{
    size_t n = bl_node_count(words), id;
    const char **by_id = bl_xcalloc(n, sizeof *by_id);
    struct bl_node word;
    int rc = 0;

    for (word = bl_node_first(words); rc == 0 && word.item;
         word = bl_node_next(word)) {
        if ((rc = bl_node_size(word, 0, n - 1, &id, err)) < 0)
            break;
        if (by_id[id])
            rc = bl_node_fail(word, err, "id %zu is given twice", id);
        if (strchr(bl_node_key(word), '\n'))
            rc = bl_node_fail(word, err, "a word of two lines");
        by_id[id] = bl_node_key(word);
    }
    /* As many words as ids, and none twice: every place is taken. */
    for (id = 0; rc == 0 && id < n; id++) {
        bl_buf_puts(out, by_id[id]);
        bl_buf_putc(out, '\n');
    }
    free(by_id);
    return rc;
}

/* What tokenizer.json says, which newer folders have alone. */
static int read_tokenizer(const char *path, struct bl_buf *out,
                          struct bl_err *err)
{
    struct bl_document *document = bl_document_read(path, MAX_VOCAB, err);
    struct bl_node root, model, words;
    const char *type = "";
    int rc;

    if (!document)
        return -1;
    root = bl_document_root(document);
    if (bl_member(root, "model", &model, NULL) != 1
        || bl_member_string(model, "type", &type, NULL) != 1
        || strcmp(type, "WordPiece")
        || bl_member_of(model, "vocab", BL_JSON_OBJECT, &words, NULL) != 1)
        rc = bl_node_fail(root, err, "expected a model of type WordPiece "
                          "with a vocab");
    else
        rc = put_words(words, out, err);
    bl_document_free(document);
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

static char *find_vocab(const struct bl_convert *options, const char *source,
                        bool lowercase, struct bl_err *err)
{
    static const char *const files[] = { "vocab.txt", "tokenizer.json" };
    char *path;

    if (options->vocab)
        return bl_xstrdup(options->vocab);
    for (size_t i = 0; source && i < 2; i++)
        if (has_file(source, files[i]))
            return bl_xasprintf("%s/%s", source, files[i]);
    if (source) {
        bl_fail(err, BL_DATA, "'%s' has neither vocab.txt nor tokenizer.json "
                "(--vocab gives the words)", source);
        return NULL;
    }
    /* BLINK's published weights come without a vocabulary; they have that of
     * Google's uncased BERTs, which the default model may have too. */
    path = lowercase ? default_vocab() : NULL;
    if (!path)
        bl_fail(err, BL_USAGE, "the weights have no vocabulary: give the "
                "folder of the BERT that they were trained from (--bert), or "
                "its vocab.txt (--vocab); that of BLINK's published models "
                "comes with the default model, which scripts/quickstart "
                "sets up");
    return path;
}

int bl_convert_vocab(const struct bl_convert *options, const char *source,
                     bool lowercase, const char *dir,
                     struct bl_convert_report *report, struct bl_err *err)
{
    char *path = find_vocab(options, source, lowercase, err);
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
