/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "train/conll.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "json/lines.h"

enum { MAX_LINE = 1 << 20, MAX_TYPES = 1000 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct bl_span trim(struct bl_span text)
{
    while (text.n && is_blank(text.p[text.n - 1]))
        text.n--;
    while (text.n && is_blank(*text.p)) {
        text.p++;
        text.n--;
    }
    return text;
}

/* The first and the last column; equal when there is one. */
static void columns(struct bl_span line, struct bl_span *first,
                    struct bl_span *last)
{
    size_t end = 0, from = line.n;

    while (end < line.n && !is_blank(line.p[end]))
        end++;
    while (from && !is_blank(line.p[from - 1]))
        from--;
    *first = (struct bl_span){ line.p, end };
    *last = (struct bl_span){ line.p + from, line.n - from };
}

static int find_type(struct bl_conll *conll, struct bl_span name, size_t *out,
                     struct bl_err *err)
{
    for (*out = 0; *out < conll->n_types; ++*out)
        if (bl_span_is(name, conll->types[*out]))
            return 0;
    if (conll->n_types == MAX_TYPES)
        return bl_fail(err, BL_DATA, "more than %d types", MAX_TYPES);
    conll->types = bl_xrealloc(conll->types, conll->n_types + 1,
                               sizeof *conll->types);
    conll->types[conll->n_types++] = bl_xasprintf("%.*s", (int)name.n, name.p);
    return 0;
}

/* The letters of BIO, BILOU and IOBES; strchr() would find a NUL too. */
static bool is_prefix(char letter)
{
    return letter && strchr("BISEUL", letter);
}

/* All schemes become BIO.  An I that continues nothing of its type begins an
 * entity, as in IOB1, where B only parts two neighbours of one type.
 * begun: the token before is in the same sentence. */
static int read_tag(struct bl_conll *conll, struct bl_span tag, bool begun,
                    struct bl_conll_token *token, struct bl_err *err)
{
    const struct bl_conll_token *before = begun ? &conll->v[conll->n - 1]
        : NULL;

    token->kind = 'O';
    if (bl_span_is(tag, "O"))
        return 0;
    if (tag.n < 3 || tag.p[1] != '-' || !is_prefix(*tag.p))
        return bl_fail(err, BL_DATA, "expected a tag such as O or B-PER, "
                       "found '%.*s'", (int)BL_MIN(tag.n, 40),
                       tag.p);
    if (find_type(conll, (struct bl_span){ tag.p + 2, tag.n - 2 },
                  &token->type, err) < 0)
        return -1;
    token->kind = 'I';
    if (strchr("BSU", *tag.p) || !before || before->kind == 'O'
        || before->type != token->type)
        token->kind = 'B';
    return 0;
}

/* What stands at the begin of a sentence. */
struct begin {
    size_t from;
    bool first;
    unsigned style;
};

static void end_sentence(struct bl_conll *conll, struct begin *begin)
{
    size_t from = begin->from;

    if (from == conll->n)
        return;
    BL_GROW(conll->sentences, conll->n_sentences + 1, conll->cap_sentences);
    conll->sentences[conll->n_sentences++] = (struct bl_conll_sentence){
        from, conll->n, begin->first, begin->style };
    begin->first = false;
    begin->from = conll->n;
    bl_buf_putc(&conll->text, '\n');
}

/* "-DOCSTART- style=2 O"; other columns mean nothing. */
static int begin_document(struct begin *begin, struct bl_span line,
                          struct bl_err *err)
{
    static const char name[] = " style=";
    const char *at;
    char *end, text[256];
    long style;

    begin->first = true;
    begin->style = 0;
    snprintf(text, sizeof text, "%.*s", (int)line.n, line.p);
    for (char *p = text; *p; p++)
        *p = is_blank(*p) ? ' ' : *p;
    at = strstr(text, name);
    if (!at)
        return 0;
    style = strtol(at + strlen(name), &end, 10);
    if (end == at + strlen(name) || (*end && *end != ' ') || style < 0
        || style > BL_MOST_STYLE)
        return bl_fail(err, BL_DATA, "expected style=0 to style=%d, found "
                       "'%s'", BL_MOST_STYLE, at + 1);
    begin->style = (unsigned)style;
    return 0;
}

/* The text is made of the tokens with single spaces between them: the columns
 * do not tell where the original text had spaces. */
static int add_token(struct bl_conll *conll, struct bl_span line, size_t from,
                     struct bl_err *err)
{
    struct bl_conll_token token = { .start = 0 };
    struct bl_span word, tag;

    columns(line, &word, &tag);
    if (tag.p == word.p)
        return bl_fail(err, BL_DATA, "expected a token and a tag, found "
                       "one column");
    if (bl_utf8_valid(line.p, line.n) != line.n)
        return bl_fail(err, BL_DATA, "invalid UTF-8");
    if (read_tag(conll, tag, conll->n > from, &token, err) < 0)
        return -1;
    if (conll->n > from)
        bl_buf_putc(&conll->text, ' ');
    token.start = conll->text.len;
    bl_buf_put_span(&conll->text, word);
    token.end = conll->text.len;
    BL_GROW(conll->v, conll->n + 1, conll->cap);
    conll->v[conll->n++] = token;
    return 0;
}

/* A blank line ends a sentence, a -DOCSTART- line (CoNLL-2003) ends the
 * document as well. */
static int read_all(struct bl_conll *conll, struct bl_lines *lines,
                    struct bl_sha256 *sum, struct bl_err *err)
{
    enum bl_line_status status;
    struct bl_span line;
    struct begin begin = { .first = true };

    while ((status = bl_lines_next(lines, &line, err)) == BL_LINE_OK) {
        bl_sha256_add(sum, line.p, line.n);
        bl_sha256_add(sum, "\n", 1);
        line = trim(line);
        if (!line.n) {
            end_sentence(conll, &begin);
        } else if (line.n >= 10 && !memcmp(line.p, "-DOCSTART-", 10)) {
            end_sentence(conll, &begin);
            if (begin_document(&begin, line, err) < 0)
                return -1;
        } else if (add_token(conll, line, begin.from, err) < 0) {
            return -1;
        }
    }
    end_sentence(conll, &begin);
    if (status == BL_LINE_TOO_LONG)
        return bl_fail(err, BL_DATA, "longer than %d bytes", MAX_LINE);
    return status == BL_LINE_END ? 0 : -1;
}

/* The digest is taken over the lines as they were read, so that a resumed run
 * can tell that its file has changed. */
struct bl_conll *bl_conll_read(const char *path, struct bl_err *err)
{
    struct bl_conll *conll = BL_NEW(struct bl_conll);
    unsigned char digest[BL_SHA256_SIZE];
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
    struct bl_lines *lines;
    struct bl_sha256 sum;

    if (fd < 0) {
        bl_fail_file(err, "cannot open '%s'", path);
        bl_conll_free(conll);
        return NULL;
    }
    bl_sha256_init(&sum);
    lines = bl_lines_new(fd, path, MAX_LINE);
    rc = read_all(conll, lines, &sum, err);
    if (rc < 0)
        bl_err_prefix(err, "'%s':%zu", path, bl_lines_number(lines));
    else if (!conll->n_sentences)
        rc = bl_fail(err, BL_DATA, "'%s': no tagged sentence", path);
    bl_lines_free(lines);
    close(fd);
    bl_sha256_end(&sum, digest);
    bl_sha256_hex(digest, 8, conll->digest);
    if (rc == 0)
        return conll;
    bl_conll_free(conll);
    return NULL;
}

void bl_conll_free(struct bl_conll *conll)
{
    if (!conll)
        return;
    for (size_t i = 0; i < conll->n_types; i++)
        free(conll->types[i]);
    free(conll->types);
    free(conll->v);
    free(conll->sentences);
    bl_buf_free(&conll->text);
    free(conll);
}
