/* SPDX-License-Identifier: MIT */
/*
 * names-file: where each byte of a .names file lies; for names.c and
 * names-build.c only.  blink-names(5) says the same in words.
 */
#ifndef BL_NAMES_FILE_H
#define BL_NAMES_FILE_H

#include <string.h>

#include "base/bytes.h"
#include "base/sha256.h"
#include "kb/names.h"

#define NAMES_MAGIC "\211BLN\r\n\032\n"     /* 8 bytes; no text file */
#define NAMES_BYTE_ORDER 0x0a0b0c0du

/* Offsets in the header. */
enum {
    NAMES_HEADER = 4096,
    AT_MAGIC = 0, AT_VERSION = 8, AT_BYTE_ORDER = 12, AT_HEADER = 16,
    AT_PER_BLOCK = 20, AT_COUNT = 24, AT_REDIRECTS = 28, AT_SIZE = 32,
    AT_TABLE = 40, AT_SUM = 64, AT_BODY_SUM = 96, AT_SITE = 128,
    AT_CREATED = 192, AT_LICENCE = 256, AT_SOURCE = 512,
    AT_ATTRIBUTION = 1536, AT_ZERO = 2560
};

enum {
    PER_BLOCK = 32,             /* names of a block */
    MOST_NAMES = 0x7fffffff,

    /* The two bytes that an entry starts with. */
    SHARED_BITS = 6, OWN_BITS = 6,
    SHARED_MAX = (1 << SHARED_BITS) - 1,
    OWN_MAX = (1 << OWN_BITS) - 1,      /* and a byte with the rest follows */
    IS_REDIRECT = 1 << 12, IS_SPELLED = 1 << 13, NO_BITS = 3 << 14
};

struct names_field {
    size_t at, size;            /* of the text and its zero bytes */
};

static const struct names_field names_fields[BL_N_NAMES_NOTES] = {
    [BL_NAMES_NOTE_SITE] = { AT_SITE, AT_CREATED - AT_SITE },
    [BL_NAMES_NOTE_CREATED] = { AT_CREATED, AT_LICENCE - AT_CREATED },
    [BL_NAMES_NOTE_SOURCE] = { AT_SOURCE, AT_ATTRIBUTION - AT_SOURCE },
    [BL_NAMES_NOTE_LICENCE] = { AT_LICENCE, AT_SOURCE - AT_LICENCE },
    [BL_NAMES_NOTE_ATTRIBUTION] = { AT_ATTRIBUTION, AT_ZERO - AT_ATTRIBUTION },
};

/* ---- How a spelling is told by its normal form ---- */

/* Steps, each of two bytes and what is put in: copy that many bytes of the
 * normal form (one byte), then leave out and put in that many (four bits
 * each), then the bytes that are put in.  What is left of the normal form at
 * the end is copied.  "a. b. brown" of "a b brown": copy 1, put in ".", copy
 * 2, put in ".". */

/* Appends the spelling to out; false when the steps do not fit the form. */
bool bl_names_respell(struct bl_span folded, const unsigned char *steps,
                      size_t n_steps, struct bl_buf *out);
/* Appends the steps; there are at most 2 + 2 * title.n bytes of them. */
void bl_names_spell(struct bl_span folded, struct bl_span title,
                    struct bl_buf *steps);

#endif
