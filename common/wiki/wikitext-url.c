/* SPDX-License-Identifier: MIT */
/* wikitext-url: where an address ends. */
#include "config.h"

#include <string.h>

#include "wiki/wikitext-walk.h"

/* Of the blanks of Unicode these two are in use: the one that may not break
 * and that of CJK. */
size_t bl_wikiwalk_blank(const struct bl_wikitext *walk, size_t i,
                         size_t limit)
{
    if (i < limit && (walk->p[i] == ' ' || walk->p[i] == '\t'))
        return 1;
    if (i + 2 <= limit && !memcmp(walk->p + i, "\xc2\xa0", 2))
        return 2;
    return i + 3 <= limit && !memcmp(walk->p + i, "\xe3\x80\x80", 3) ? 3 : 0;
}

/* Where the address ends that begins at i: MediaWiki's EXT_LINK_URL_CLASS has
 * none of these bytes and no blank of Unicode, and two quotes are markup. */
size_t bl_wikiwalk_url_end(const struct bl_wikitext *walk, size_t i,
                           size_t limit)
{
    for (; i < limit; i++) {
        unsigned char byte = (unsigned char)walk->p[i];

        if (byte < ' ' || byte == 0x7f || strchr("[]<>\"", byte)
            || (byte == '\'' && i + 1 < limit && walk->p[i + 1] == '\'')
            || bl_wikiwalk_blank(walk, i, limit))
            break;
    }
    return i;
}
