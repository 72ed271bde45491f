/* SPDX-License-Identifier: MIT */
/*
 * python: what Python's str() makes of a dictionary, as JSON.
 *
 *     {'lowercase': True, 'path': None, 'rate': 1e-05, 'worlds': (1, 2)}
 *
 * Trainers log their parameters so, and ELQ publishes its own in that form.
 * Nothing is evaluated: words and strings are replaced by those of JSON,
 * tuples become arrays, and whether the whole is JSON then is for the
 * caller's reader to say.
 */
#ifndef BL_PYTHON_H
#define BL_PYTHON_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/* Whether a text is such a dictionary and no JSON: its first name is in single
 * quotes. */
bool bl_python_is(struct bl_span text);

/* Appends JSON to *out.  -1 with BL_DATA and the byte's number for invalid
 * UTF-8, a string that does not end or has an escape that str() never
 * writes, and words that are none of True, False and None. */
int bl_python_to_json(struct bl_span text, struct bl_buf *out,
                      struct bl_err *err);

#endif
