/* SPDX-License-Identifier: MIT */
/*
 * base64: RFC 4648 with padding; nothing else is accepted.
 */
#ifndef BL_BASE64_H
#define BL_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Appends the encoding of n bytes. */
void bl_base64_put(struct bl_buf *out, const void *p, size_t n);
/* Exactly n bytes into out.  False when s is not the one and only encoding
 * of n bytes. */
bool bl_base64_get(struct bl_span s, void *out, size_t n);

#endif
