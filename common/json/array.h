/* SPDX-License-Identifier: MIT */
/*
 * array: where the elements of a JSON array lie, in bytes that come piece by
 * piece.  Brackets and strings are counted, nothing else is looked at, so
 * that a broken element costs that element and not the array: whether it is
 * JSON is for json.h to say.
 *
 *     struct bl_array a = BL_ARRAY_INIT;          (behind the '[')
 *     used = bl_array_gap(&a, p, n, &found);
 *     if (found == BL_ARRAY_ELEMENT) {            (it starts at p[used])
 *         size_t end = used;
 *         while (!bl_array_element(&a, p, n, &end)) ... more bytes behind n
 *
 * Work is linear in the bytes, memory is the struct.
 */
#ifndef BL_ARRAY_H
#define BL_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

/* What stands between elements:
 * MORE     the bytes end here
 * ELEMENT  one starts
 * BAD      a comma is missing or stands where none may (a->fault says it);
 *          call again
 * CLOSED   the ']' has been read */
enum bl_array_found { BL_ARRAY_MORE, BL_ARRAY_ELEMENT, BL_ARRAY_BAD,
                      BL_ARRAY_CLOSED };

struct bl_array {
    int last;                   /* '[', ',' or 'v': read before this */
    size_t depth;               /* of brackets inside the element */
    bool in_string, escaped;
    bool begun, done;           /* inside an element; behind its end */
    bool breaks;                /* it holds a line break */
    const char *fault;          /* static text */
};

#define BL_ARRAY_INIT { .last = '[' }

/* Goes over blanks and commas; returns how many bytes it has used up. */
size_t bl_array_gap(struct bl_array *array, const char *p, size_t n,
                    enum bl_array_found *found);

/* Goes on through the element from p[*at].  True when it ends before p[*at],
 * and again when it is called again; false when it is not complete within n
 * bytes. */
bool bl_array_element(struct bl_array *array, const char *p, size_t n,
                      size_t *at);

/* Takes line breaks outside strings, and the indentation behind each, out of
 * the element; returns its new length. */
size_t bl_array_one_line(char *p, size_t n);

#endif
