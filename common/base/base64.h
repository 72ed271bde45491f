/* SPDX-License-Identifier: MIT */
/*
 * base64: RFC 4648 with padding; nothing else is accepted.
 */
#ifndef BL_BASE64_H
#define BL_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Appends the encoding of `size` bytes. */
void bl_base64_put(struct bl_buf *out, const void *data, size_t size);
/* Exactly `size` bytes into out.  False when span is not their one and only
 * encoding. */
bool bl_base64_get(struct bl_span span, void *out, size_t size);

#endif
