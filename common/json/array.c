/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "json/array.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The text of what is wrong with c behind `last`, or NULL. */
static const char *misplaced(int last, char c)
{
    if (c == ',' && last == '[')
        return "expected an element after '[', found ','";
    if ((c == ',' || c == ']') && last == ',')
        return "expected an element after ','";
    if (c != ',' && c != ']' && last == 'v')
        return "expected ',' between the elements of the array";
    return NULL;
}

size_t bl_array_gap(struct bl_array *a, const char *p, size_t n,
                    enum bl_array_found *found)
{
    for (size_t i = 0; i < n; i++) {
        if (is_blank(p[i]))
            continue;
        a->fault = misplaced(a->last, p[i]);
        a->last = p[i] == ',' ? ',' : p[i] == ']' ? '[' : 'v';
        if (a->fault) {
            /* What is no comma is looked at again, now in its place. */
            *found = BL_ARRAY_BAD;
            a->last = p[i] == ',' ? ',' : '[';
            return p[i] == ',' ? i + 1 : i;
        }
        if (p[i] == ',')
            continue;
        *found = p[i] == ']' ? BL_ARRAY_CLOSED : BL_ARRAY_ELEMENT;
        a->depth = 0;
        a->in_string = a->escaped = a->begun = a->done = a->breaks = false;
        return p[i] == ']' ? i + 1 : i;
    }
    *found = BL_ARRAY_MORE;
    return n;
}

/* One byte inside a string.  A line break ends it: no string of JSON has
 * one, and what is behind may be sound. */
static void in_string(struct bl_array *a, char c)
{
    if (a->escaped)
        a->escaped = false;
    else if (c == '\\')
        a->escaped = true;
    else if (c == '"' || c == '\n')
        a->in_string = false;
}

/* True when c, outside of strings and brackets, is no part of the element;
 * an element has one byte at least. */
static bool ends_before(const struct bl_array *a, char c)
{
    return a->begun && a->depth == 0
        && (c == ',' || c == ']' || c == '}' || is_blank(c));
}

bool bl_array_element(struct bl_array *a, const char *p, size_t n,
                      size_t *at)
{
    for (; !a->done && *at < n; ++*at) {
        char c = p[*at];
        if (a->in_string) {
            in_string(a, c);
            continue;
        }
        if (ends_before(a, c)) {
            a->done = true;
            break;
        }
        a->begun = true;
        if (c == '"') {
            a->in_string = true;
        } else if (c == '{' || c == '[') {
            a->depth++;
        } else if (c == '\n' || c == '\r') {
            a->breaks = true;
        } else if (c == '}' || c == ']') {
            a->depth -= a->depth > 0;
            a->done = a->depth == 0;
        }
    }
    return a->done;
}

size_t bl_array_one_line(char *p, size_t n)
{
    struct bl_array a = BL_ARRAY_INIT;
    size_t out = 0;
    bool indent = false;

    for (size_t i = 0; i < n; i++) {
        char c = p[i];
        if (a.in_string) {
            in_string(&a, c);
        } else if (c == '\n' || c == '\r' || (indent && is_blank(c))) {
            indent = true;
            continue;
        } else {
            a.in_string = c == '"';
        }
        indent = false;
        p[out++] = c;
    }
    return out;
}
