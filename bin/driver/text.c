/* SPDX-License-Identifier: MIT */
/*
 * blink text: files of plain text as documents.  A long text is cut between
 * paragraphs, lines or words, so that memory and the longest line stay small
 * whatever comes in; the pieces of FILE are called FILE, FILE#2, FILE#3 ...
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "cli/prog.h"
#include "driver.h"
#include "json/lines.h"
#include "json/writer.h"

enum { MAX_LINE = 8 << 20 };    /* with --lines */

/* Bytes of text in one document, at most; tests choose others, from 8. */
#ifndef TEXT_PIECE
#define TEXT_PIECE ((size_t)1 << 20)
#endif

static bool is_utf8(const char *text, size_t n)
{
    return !memchr(text, '\0', n) && bl_utf8_valid(text, n) == n;
}

/* Once a file: *said is that file's. */
static void say_repaired(const char *name, const char *text, size_t n,
                         bool *said)
{
    if (*said || is_utf8(text, n))
        return;
    bl_warn("'%s' is not all UTF-8: invalid bytes are read as U+FFFD "
            "(iconv(1) converts other encodings)", name);
    *said = true;
}

/* Of UTF-16 nothing readable would be left, nor of what is no text at all;
 * text[0..n) starts the file. */
static int refuse(const char *name, const char *text, size_t n,
                  struct bl_err *err)
{
    if (n >= 2 && (!memcmp(text, "\xFF\xFE", 2)
                   || !memcmp(text, "\xFE\xFF", 2)))
        return bl_fail(err, BL_DATA, "'%s' is UTF-16, not UTF-8: convert it "
                       "first, as in iconv -f UTF-16 -t UTF-8", name);
    return bl_driver_refuse(name, (struct bl_span){ text, BL_MIN(n, 8192) },
                            "text", "blink link", err);
}

/* "blink link mentions.jsonl" is what people type first. */
static void say_records(const char *name, const char *text, size_t n)
{
    static const char *const fields[] = { "\"mention\"", "\"text\"" };
    size_t head = BL_MIN(n, 4096), i = 0;

    while (i < head && strchr("[ \t\r\n", text[i]))
        i++;
    for (size_t j = 0; i < head && text[i] == '{' && j < 2; j++) {
        if (memmem(text, head, fields[j], strlen(fields[j]))) {
            bl_warn("'%s' looks like records and is read as text (see blink "
                    "link --input)", name);
            return;
        }
    }
}

/* ---- Whole texts ---- */

static void write_piece(struct bl_buf *line, const char *name, size_t number,
                        const char *text, size_t n)
{
    char *id = number > 1 ? bl_xasprintf("%s#%zu", name, number)
                          : bl_xstrdup(name);

    bl_buf_clear(line);
    bl_driver_put_document(line, id, text, n);
    bl_out(line->data, line->len);
    free(id);
}

/* The last place in p[0..n) behind `mark`, or 0. */
static size_t last_behind(const char *text, size_t n, const char *mark)
{
    size_t len = strlen(mark);

    for (size_t i = n; i > n / 2 && i >= len; i--) {
        if (!memcmp(text + i - len, mark, len))
            return i;
    }
    return 0;
}

/* Where to cut a full piece; never inside a character. */
static size_t cut(const char *text, size_t n)
{
    static const char *const marks[] = { "\n\n", "\n", ". ", " " };

    for (size_t i = 0; i < BL_COUNT(marks); i++) {
        size_t at = last_behind(text, n, marks[i]);
        if (at)
            return at;
    }
    return n > 4 ? bl_utf8_cut(text, n, n - 1) : n;
}

/* Fills the piece up; 1 more may follow, 0 end, -1 with *err. */
static int fill(int fd, const char *name, struct bl_buf *piece,
                struct bl_err *err)
{
    while (piece->len < TEXT_PIECE) {
        size_t room = TEXT_PIECE - piece->len;
        bl_buf_reserve(piece, room);
        ssize_t n = read(fd, piece->data + piece->len, room);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return bl_fail_errno(err, BL_SYSTEM, "cannot read '%s'", name);
        if (n == 0)
            return 0;
        piece->len += (size_t)n;
    }
    return 1;
}

/* A byte order mark is no text. */
static void drop_mark(struct bl_buf *piece)
{
    if (piece->len >= 3 && !memcmp(piece->data, "\xEF\xBB\xBF", 3)) {
        piece->len -= 3;
        memmove(piece->data, piece->data + 3, piece->len);
    }
}

static int whole_text(int fd, const char *name, struct bl_err *err)
{
    struct bl_buf piece = BL_BUF_INIT, line = BL_BUF_INIT;
    bool said = false;
    int more = 1;

    for (size_t number = 1; more == 1; number++) {
        more = fill(fd, name, &piece, err);
        if (more >= 0 && number == 1) {
            drop_mark(&piece);
            if (refuse(name, piece.data, piece.len, err) < 0)
                more = -1;
            else
                say_records(name, piece.data, piece.len);
        }
        if (more < 0)
            break;
        size_t n = more ? cut(piece.data, piece.len) : piece.len;
        if (n)
            say_repaired(name, piece.data, n, &said);
        /* An empty file is a document, as it has a place among the others. */
        if (n || (number == 1 && fd != STDIN_FILENO))
            write_piece(&line, name, number, n ? piece.data : "", n);
        /* What is behind the cut starts the next piece. */
        if (more) {
            piece.len -= n;
            memmove(piece.data, piece.data + n, piece.len);
        }
    }
    bl_buf_free(&piece);
    bl_buf_free(&line);
    return more < 0 ? -1 : 0;
}

/* ---- Lines ---- */

static int each_line(int fd, const char *name, struct bl_err *err)
{
    struct bl_lines *lines = bl_lines_new(fd, name, MAX_LINE);
    struct bl_buf out = BL_BUF_INIT;
    struct bl_span line;
    enum bl_line_status st;
    bool said = false;
    int rc = 0;

    while ((st = bl_lines_next(lines, &line, err)) != BL_LINE_END
           && st != BL_LINE_ERROR) {
        size_t number = bl_lines_number(lines);
        if (st == BL_LINE_TOO_LONG)
            bl_warn("%s:%zu: left out: longer than %d bytes", name, number,
                    MAX_LINE);
        /* An empty line is no document, but it counts: ids are line numbers,
         * as editors show them. */
        if (st != BL_LINE_OK || line.n == 0)
            continue;
        if (number == 1 && (rc = refuse(name, line.p, line.n, err)) < 0)
            break;
        say_repaired(name, line.p, line.n, &said);
        char *id = bl_xasprintf("%s:%zu", name, number);
        bl_buf_clear(&out);
        bl_driver_put_document(&out, id, line.p, line.n);
        bl_out(out.data, out.len);
        free(id);
    }
    bl_buf_free(&out);
    bl_lines_free(lines);
    return st == BL_LINE_ERROR ? -1 : rc;
}

/* ---- Files ---- */

static int read_text(void *ctx, int fd, const char *name, struct bl_err *err)
{
    const bool *lines = ctx;

    return *lines ? each_line(fd, name, err) : whole_text(fd, name, err);
}

int bl_driver_text(bool lines, bool below, char **files, size_t n_files)
{
    struct bl_reading how = { .below = below, .into = "blink link",
                              .read = read_text, .ctx = &lines };

    return bl_driver_read(&how, files, n_files);
}
