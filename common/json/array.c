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

size_t bl_array_gap(struct bl_array *array, const char *p, size_t n,
                    enum bl_array_found *found)
{
    for (size_t i = 0; i < n; i++) {
        if (is_blank(p[i]))
            continue;
        array->fault = misplaced(array->last, p[i]);
        array->last = p[i] == ',' ? ',' : p[i] == ']' ? '[' : 'v';
        if (array->fault) {
            /* What is no comma is looked at again, now in its place. */
            *found = BL_ARRAY_BAD;
            array->last = p[i] == ',' ? ',' : '[';
            return p[i] == ',' ? i + 1 : i;
        }
        if (p[i] == ',')
            continue;
        *found = p[i] == ']' ? BL_ARRAY_CLOSED : BL_ARRAY_ELEMENT;
        array->depth = 0;
        array->in_string = array->escaped = array->begun = array->done =
            array->breaks = false;
        return p[i] == ']' ? i + 1 : i;
    }
    *found = BL_ARRAY_MORE;
    return n;
}

/* One byte inside a string.  A line break ends it: no string of JSON has
 * one, and what is behind may be sound. */
static void in_string(struct bl_array *array, char c)
{
    if (array->escaped)
        array->escaped = false;
    else if (c == '\\')
        array->escaped = true;
    else if (c == '"' || c == '\n')
        array->in_string = false;
}

/* True when c, outside of strings and brackets, is no part of the element;
 * an element has one byte at least. */
static bool ends_before(const struct bl_array *array, char c)
{
    return array->begun && array->depth == 0
        && (c == ',' || c == ']' || c == '}' || is_blank(c));
}

/* Only the end of the element is looked for; whether it is JSON is left to
 * the check of records.  All state is in *array, as a block that was read may
 * end anywhere in an element. */
bool bl_array_element(struct bl_array *array, const char *p, size_t n,
                      size_t *at)
{
    for (; !array->done && *at < n; ++*at) {
        char c = p[*at];
        if (array->in_string) {
            in_string(array, c);
            continue;
        }
        if (ends_before(array, c)) {
            array->done = true;
            break;
        }
        array->begun = true;
        if (c == '"') {
            array->in_string = true;
        } else if (c == '{' || c == '[') {
            array->depth++;
        } else if (c == '\n' || c == '\r') {
            array->breaks = true;
        } else if (c == '}' || c == ']') {
            array->depth -= array->depth > 0;
            array->done = array->depth == 0;
        }
    }
    return array->done;
}

/* A line break goes, with the blanks that indent the next line.  Other blanks
 * stay, so that an element which is on one line keeps its bytes. */
size_t bl_array_one_line(char *p, size_t n)
{
    struct bl_array array = BL_ARRAY_INIT;
    size_t out = 0;
    bool indent = false;

    for (size_t i = 0; i < n; i++) {
        char c = p[i];
        if (array.in_string) {
            in_string(&array, c);
        } else if (c == '\n' || c == '\r' || (indent && is_blank(c))) {
            indent = true;
            continue;
        } else {
            array.in_string = c == '"';
        }
        indent = false;
        p[out++] = c;
    }
    return out;
}
