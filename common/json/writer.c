/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "json/writer.h"

#include <math.h>
#include <string.h>

#include "base/err.h"
#include "json/json.h"

struct bl_writer bl_writer(struct bl_buf *out, enum bl_write_style style)
{
    return (struct bl_writer){ .out = out, .style = style };
}

static bool in_object(const struct bl_writer *w)
{
    return w->depth && w->objects >> (w->depth - 1) & 1;
}

static void put_line_break(struct bl_buf *b, unsigned spaces)
{
    bl_buf_printf(b, "\n%*s", (int)spaces, "");
}

/* What stands before a member: a comma, and by the style a space or a new
 * line. */
static void put_gap(struct bl_writer *w)
{
    if (w->broken) {
        w->broken = false;
        return;
    }
    if (w->comma)
        bl_buf_putc(w->out, ',');
    if (w->style == BL_WRITE_INDENTED && in_object(w))
        put_line_break(w->out, 2 * w->depth);
    else if (w->comma && w->style != BL_WRITE_COMPACT)
        bl_buf_putc(w->out, ' ');
}

static void put_colon(struct bl_writer *w)
{
    bl_buf_put(w->out, ": ", w->style == BL_WRITE_COMPACT ? 1 : 2);
    w->keyed = true;
}

/* Keys are names in our sources, and most need no escape: they are copied
 * at once, as a record has ten for each of its candidates. */
static void put_name(struct bl_buf *b, const char *key, size_t n)
{
    char *to;

    for (size_t i = 0; i < n; i++)
        if ((unsigned char)key[i] < 0x20 || key[i] == '"' || key[i] == '\\') {
            bl_json_put_string(b, key, n);
            return;
        }
    bl_buf_reserve(b, n + 2);
    to = b->data + b->len;
    to[0] = '"';
    memcpy(to + 1, key, n);
    to[n + 1] = '"';
    to[n + 2] = '\0';
    b->len += n + 2;
}

void bl_write_key(struct bl_writer *w, struct bl_span key)
{
    if (!in_object(w) || w->keyed)
        BL_BUG("a key where none can stand");
    put_gap(w);
    put_name(w->out, key.p, key.n);
    put_colon(w);
}

void bl_write_break(struct bl_writer *w, unsigned spaces)
{
    if (!w->depth || w->keyed || w->broken)
        BL_BUG("a line begins inside a member");
    if (w->comma)
        bl_buf_putc(w->out, ',');
    put_line_break(w->out, spaces);
    w->broken = true;
}

/* Before each value; afterwards a member of the parent is there. */
static void begin_value(struct bl_writer *w, const char *key)
{
    if (key)
        bl_write_key(w, bl_span_of(key));
    else if (!w->keyed && (in_object(w) || (!w->depth && w->comma)))
        BL_BUG(w->depth ? "a member without a key" : "a second value");
    else if (!w->keyed)
        put_gap(w);
    w->keyed = false;
    w->comma = true;
}

static void begin_container(struct bl_writer *w, const char *key,
                            bool object)
{
    begin_value(w, key);
    if (w->depth == BL_WRITE_MAX_DEPTH)
        BL_BUG("JSON is written too deep");
    w->objects &= ~(UINT64_C(1) << w->depth);
    w->objects |= (uint64_t)object << w->depth;
    w->depth++;
    w->comma = false;
    bl_buf_putc(w->out, object ? '{' : '[');
}

void bl_write_object(struct bl_writer *w, const char *key)
{
    begin_container(w, key, true);
}

void bl_write_array(struct bl_writer *w, const char *key)
{
    begin_container(w, key, false);
}

void bl_write_end(struct bl_writer *w)
{
    bool object = in_object(w);

    if (!w->depth || w->keyed || w->broken)
        BL_BUG("an end where none can stand");
    w->depth--;
    if (object && w->comma && w->style == BL_WRITE_INDENTED)
        put_line_break(w->out, 2 * w->depth);
    bl_buf_putc(w->out, object ? '}' : ']');
    w->comma = true;
}

void bl_write_line(struct bl_writer *w)
{
    if (w->depth || !w->comma)
        BL_BUG("a line that is not one value");
    bl_buf_putc(w->out, '\n');
    w->comma = false;
}

/* ---- Scalars ---- */

void bl_write_span(struct bl_writer *w, const char *key, struct bl_span v)
{
    begin_value(w, key);
    bl_json_put_string(w->out, v.p, v.n);
}

void bl_write_string(struct bl_writer *w, const char *key, const char *v)
{
    bl_write_span(w, key, bl_span_of(v));
}

void bl_write_optional(struct bl_writer *w, const char *key,
                       struct bl_span v)
{
    if (v.p)
        bl_write_span(w, key, v);
}

void bl_write_bool(struct bl_writer *w, const char *key, bool v)
{
    begin_value(w, key);
    bl_buf_puts(w->out, v ? "true" : "false");
}

void bl_write_null(struct bl_writer *w, const char *key)
{
    begin_value(w, key);
    bl_buf_puts(w->out, "null");
}

/* Digits from the last to the first, at the end of a small array. */
static void put_digits(struct bl_buf *b, uint64_t v, bool negative)
{
    char text[24], *p = text + sizeof text;

    do
        *--p = (char)('0' + v % 10);
    while (v /= 10);
    if (negative)
        *--p = '-';
    bl_buf_put(b, p, (size_t)(text + sizeof text - p));
}

void bl_write_integer(struct bl_writer *w, const char *key, int64_t v)
{
    begin_value(w, key);
    put_digits(w->out, v < 0 ? -(uint64_t)v : (uint64_t)v, v < 0);
}

void bl_write_size(struct bl_writer *w, const char *key, uint64_t v)
{
    begin_value(w, key);
    put_digits(w->out, v, false);
}

void bl_write_double(struct bl_writer *w, const char *key, double v,
                     int digits)
{
    begin_value(w, key);
    bl_json_put_double(w->out, v, digits);
}

void bl_write_double_or_null(struct bl_writer *w, const char *key, double v,
                             int digits)
{
    if (isfinite(v))
        bl_write_double(w, key, v, digits);
    else
        bl_write_null(w, key);
}

void bl_write_float(struct bl_writer *w, const char *key, float v)
{
    begin_value(w, key);
    bl_json_put_float(w->out, v);
}

void bl_write_raw(struct bl_writer *w, const char *key, struct bl_span v)
{
    begin_value(w, key);
    bl_buf_put_span(w->out, v);
}

struct bl_buf *bl_write_slot(struct bl_writer *w, const char *key)
{
    begin_value(w, key);
    return w->out;
}
