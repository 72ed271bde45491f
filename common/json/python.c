/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "json/python.h"

#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "json/json.h"

/* The text as it is read. */
struct reader {
    struct bl_span text;
    size_t at;
    struct bl_buf string;       /* the last one, decoded */
    bool comma;                 /* one was read and is not written yet */
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool bl_python_is(struct bl_span text)
{
    size_t i = 0;

    while (i < text.n && is_space(text.p[i]))
        i++;
    if (i == text.n || text.p[i++] != '{')
        return false;
    while (i < text.n && is_space(text.p[i]))
        i++;
    return i < text.n && text.p[i] == '\'';
}

/* ---- Strings ---- */

/* n hexadecimal digits at text.p[at]; false when there are fewer. */
static bool read_hex(const struct reader *reader, size_t n, uint32_t *out)
{
    uint32_t value = 0;

    if (reader->text.n - reader->at < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = reader->text.p[reader->at + i];
        unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0')
            : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
            : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : 16;

        if (digit > 15)
            return false;
        value = value << 4 | digit;
    }
    *out = value;
    return true;
}

/* The character of \xHH, \uHHHH or \UHHHHHHHH, which str() writes for what
 * cannot be printed.  Lone surrogates are no text in UTF-8. */
static bool read_number(struct reader *reader, size_t digits)
{
    uint32_t cp;
    char bytes[4];

    if (!read_hex(reader, digits, &cp) || cp > 0x10FFFF
        || (cp >= 0xD800 && cp <= 0xDFFF))
        return false;
    reader->at += digits;
    bl_buf_put(&reader->string, bytes, bl_utf8_encode(cp, bytes));
    return true;
}

static bool read_escape(struct reader *reader)
{
    static const char names[] = "\\'\"ntr", meant[] = "\\'\"\n\t\r";
    const char *found;

    if (reader->at == reader->text.n)
        return false;
    char c = reader->text.p[reader->at++];
    if (c == 'x' || c == 'u' || c == 'U')
        return read_number(reader, c == 'x' ? 2 : c == 'u' ? 4 : 8);
    found = c ? strchr(names, c) : NULL;
    if (found)
        bl_buf_putc(&reader->string, meant[found - names]);
    return found != NULL;
}

/* Python chooses the quotes by what is in the string, so that either may stand
 * within the other. */
static int read_string(struct reader *reader, struct bl_buf *out,
                       struct bl_err *err)
{
    size_t start = reader->at;
    char quote = reader->text.p[reader->at++];

    bl_buf_clear(&reader->string);
    while (reader->at < reader->text.n) {
        char c = reader->text.p[reader->at++];

        if (c == quote) {
            bl_json_put_string(out, reader->string.data
                               ? reader->string.data : "",
                               reader->string.len);
            return 0;
        }
        if (c != '\\')
            bl_buf_putc(&reader->string, c);
        else if (!read_escape(reader))
            return bl_fail(err, BL_DATA, "byte %zu: an escape that Python "
                           "does not write", reader->at - 1);
    }
    return bl_fail(err, BL_DATA, "byte %zu: a string that does not end",
                   start);
}

/* ---- All else ---- */

static int read_word(struct reader *reader, struct bl_buf *out,
                     struct bl_err *err)
{
    static const char *const words[][2] = {
        { "True", "true" }, { "False", "false" }, { "None", "null" }
    };
    struct bl_span word = { reader->text.p + reader->at, 0 };

    while (reader->at < reader->text.n
           && is_letter(reader->text.p[reader->at]))
        reader->at++;
    word.n = (size_t)(reader->text.p + reader->at - word.p);
    for (size_t i = 0; i < BL_COUNT(words); i++)
        if (bl_span_is(word, words[i][0])) {
            bl_buf_puts(out, words[i][1]);
            return 0;
        }
    return bl_fail(err, BL_DATA, "byte %zu: expected True, False or None, "
                   "found '%.*s'", reader->at - word.n,
                   (int)BL_MIN(word.n, 40), word.p);
}

/* Python ends a tuple of one with a comma, which JSON does not know. */
static void put_comma(struct reader *reader, char next, struct bl_buf *out)
{
    if (reader->comma && next != ')' && next != ']' && next != '}')
        bl_buf_putc(out, ',');
    reader->comma = false;
}

/* A number with its exponent ("1e-05") as one, since an 'e' alone would be a
 * word. */
static void read_figures(struct reader *reader, struct bl_buf *out)
{
    size_t from = reader->at++;

    while (reader->at < reader->text.n && reader->text.p[reader->at]
           && strchr("0123456789.+-eE", reader->text.p[reader->at]))
        reader->at++;
    bl_buf_put(out, reader->text.p + from, reader->at - from);
}

/* One token.  What is neither string, word nor number goes through, for the
 * JSON reader to accept or refuse. */
static int read_one(struct reader *reader, struct bl_buf *out,
                    struct bl_err *err)
{
    char c = reader->text.p[reader->at];

    if (is_space(c)) {
        reader->at++;
        return 0;
    }
    put_comma(reader, c, out);
    if (c == '\'' || c == '"')
        return read_string(reader, out, err);
    if (is_letter(c))
        return read_word(reader, out, err);
    if (c == '-' || (c >= '0' && c <= '9')) {
        read_figures(reader, out);
        return 0;
    }
    reader->at++;
    reader->comma = c == ',';
    if (c != ',')
        bl_buf_putc(out, (char)(c == '(' ? '[' : c == ')' ? ']' : c));
    return 0;
}

int bl_python_to_json(struct bl_span text, struct bl_buf *out,
                      struct bl_err *err)
{
    struct reader reader = { .text = text, .string = BL_BUF_INIT };
    size_t valid = bl_utf8_valid(text.p, text.n);
    int rc = 0;

    if (valid < text.n)
        return bl_fail(err, BL_DATA, "byte %zu: invalid UTF-8", valid);
    while (rc == 0 && reader.at < text.n)
        rc = read_one(&reader, out, err);
    bl_buf_free(&reader.string);
    return rc;
}
