/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "train/conll.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json/lines.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/utf8.h"

enum { MAX_LINE = 1 << 20, MAX_TYPES = 1000 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct bl_span trim(struct bl_span s)
{
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    while (s.n && is_blank(*s.p)) {
        s.p++;
        s.n--;
    }
    return s;
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

static int find_type(struct bl_conll *c, struct bl_span name, size_t *out,
                     struct bl_err *err)
{
    for (*out = 0; *out < c->n_types; ++*out)
        if (bl_span_is(name, c->types[*out]))
            return 0;
    if (c->n_types == MAX_TYPES)
        return bl_fail(err, BL_DATA, "more than %d types", MAX_TYPES);
    c->types = bl_xrealloc(c->types, c->n_types + 1, sizeof *c->types);
    c->types[c->n_types++] = bl_xasprintf("%.*s", (int)name.n, name.p);
    return 0;
}

/* Of BIO, BILOU and IOBES; NUL, which strchr() would find, is none. */
static bool is_prefix(char c)
{
    return c && strchr("BISEUL", c);
}

/* begun: the token before is in the same sentence. */
static int read_tag(struct bl_conll *c, struct bl_span tag, bool begun,
                    struct bl_conll_token *t, struct bl_err *err)
{
    const struct bl_conll_token *before = begun ? &c->v[c->n - 1] : NULL;

    t->kind = 'O';
    if (bl_span_is(tag, "O"))
        return 0;
    if (tag.n < 3 || tag.p[1] != '-' || !is_prefix(*tag.p))
        return bl_fail(err, BL_DATA, "expected a tag such as O or B-PER, "
                       "found '%.*s'", (int)BL_MIN(tag.n, 40),
                       tag.p);
    if (find_type(c, (struct bl_span){ tag.p + 2, tag.n - 2 }, &t->type,
                  err) < 0)
        return -1;
    t->kind = 'I';
    if (strchr("BSU", *tag.p) || !before || before->kind == 'O'
        || before->type != t->type)
        t->kind = 'B';
    return 0;
}

/* What stands at the begin of a sentence. */
struct begin {
    size_t from;
    bool first;
    unsigned style;
};

static void end_sentence(struct bl_conll *c, struct begin *b)
{
    size_t from = b->from;

    if (from == c->n)
        return;
    BL_GROW(c->sentences, c->n_sentences + 1, c->cap_sentences);
    c->sentences[c->n_sentences++] = (struct bl_conll_sentence){
        from, c->n, b->first, b->style };
    b->first = false;
    b->from = c->n;
    bl_buf_putc(&c->text, '\n');
}

/* "-DOCSTART- style=2 O"; other columns mean nothing. */
static int begin_document(struct begin *b, struct bl_span line,
                          struct bl_err *err)
{
    static const char name[] = " style=";
    const char *at;
    char *end, text[256];
    long n;

    b->first = true;
    b->style = 0;
    snprintf(text, sizeof text, "%.*s", (int)line.n, line.p);
    for (char *p = text; *p; p++)
        *p = is_blank(*p) ? ' ' : *p;
    at = strstr(text, name);
    if (!at)
        return 0;
    n = strtol(at + strlen(name), &end, 10);
    if (end == at + strlen(name) || (*end && *end != ' ') || n < 0
        || n > BL_MOST_STYLE)
        return bl_fail(err, BL_DATA, "expected style=0 to style=%d, found "
                       "'%s'", BL_MOST_STYLE, at + 1);
    b->style = (unsigned)n;
    return 0;
}

static int add_token(struct bl_conll *c, struct bl_span line, size_t from,
                     struct bl_err *err)
{
    struct bl_conll_token t = { .start = 0 };
    struct bl_span token, tag;

    columns(line, &token, &tag);
    if (tag.p == token.p)
        return bl_fail(err, BL_DATA, "expected a token and a tag, found "
                       "one column");
    if (bl_utf8_valid(line.p, line.n) != line.n)
        return bl_fail(err, BL_DATA, "invalid UTF-8");
    if (read_tag(c, tag, c->n > from, &t, err) < 0)
        return -1;
    if (c->n > from)
        bl_buf_putc(&c->text, ' ');
    t.start = c->text.len;
    bl_buf_put_span(&c->text, token);
    t.end = c->text.len;
    BL_GROW(c->v, c->n + 1, c->cap);
    c->v[c->n++] = t;
    return 0;
}

static int read_all(struct bl_conll *c, struct bl_lines *lines,
                    struct bl_sha256 *sum, struct bl_err *err)
{
    enum bl_line_status status;
    struct bl_span line;
    struct begin b = { .first = true };

    while ((status = bl_lines_next(lines, &line, err)) == BL_LINE_OK) {
        bl_sha256_add(sum, line.p, line.n);
        bl_sha256_add(sum, "\n", 1);
        line = trim(line);
        if (!line.n) {
            end_sentence(c, &b);
        } else if (line.n >= 10 && !memcmp(line.p, "-DOCSTART-", 10)) {
            end_sentence(c, &b);
            if (begin_document(&b, line, err) < 0)
                return -1;
        } else if (add_token(c, line, b.from, err) < 0) {
            return -1;
        }
    }
    end_sentence(c, &b);
    if (status == BL_LINE_TOO_LONG)
        return bl_fail(err, BL_DATA, "longer than %d bytes", MAX_LINE);
    return status == BL_LINE_END ? 0 : -1;
}

struct bl_conll *bl_conll_read(const char *path, struct bl_err *err)
{
    struct bl_conll *c = BL_NEW(struct bl_conll);
    unsigned char digest[BL_SHA256_SIZE];
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
    struct bl_lines *lines;
    struct bl_sha256 sum;

    if (fd < 0) {
        bl_fail_errno(err, BL_DATA, "cannot open '%s'", path);
        bl_conll_free(c);
        return NULL;
    }
    bl_sha256_init(&sum);
    lines = bl_lines_new(fd, path, MAX_LINE);
    rc = read_all(c, lines, &sum, err);
    if (rc < 0)
        bl_err_prefix(err, "'%s':%zu", path, bl_lines_number(lines));
    else if (!c->n_sentences)
        rc = bl_fail(err, BL_DATA, "'%s': no tagged sentence", path);
    bl_lines_free(lines);
    close(fd);
    bl_sha256_end(&sum, digest);
    bl_sha256_hex(digest, 8, c->digest);
    if (!rc)
        return c;
    bl_conll_free(c);
    return NULL;
}

void bl_conll_free(struct bl_conll *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n_types; i++)
        free(c->types[i]);
    free(c->types);
    free(c->v);
    free(c->sentences);
    bl_buf_free(&c->text);
    free(c);
}
