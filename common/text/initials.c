/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "text/initials.h"

#include <string.h>

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static char upper_of(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c & ~0x20) : c;
}

static bool in_word(char c)
{
    unsigned char lower = (unsigned char)c | 0x20;

    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9')
        || (c & 0x80);
}

size_t bl_initials_read(struct bl_span mention, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < mention.n; i++) {
        if (mention.p[i] == '.')
            continue;
        if (!is_upper(mention.p[i]) || n == BL_MOST_INITIALS)
            return 0;
        out[n++] = mention.p[i];
    }
    return n < 2 ? 0 : n;
}

/* Collects the first letters of the title's words as capitals; with `large`
 * only of words that begin with a capital.  Stops when there is one more than
 * fit, so that the caller can tell a title with too many. */
static size_t first_letters(struct bl_span title, bool large,
                            char out[BL_MOST_INITIALS + 1])
{
    size_t n = 0;
    bool inside = false;

    for (size_t i = 0; i < title.n && title.p[i] != '('; i++) {
        char c = title.p[i];
        bool begins = !inside && in_word(c);

        inside = in_word(c) || c == '\'';
        if (!begins || (large && !is_upper(c)))
            continue;
        out[n++] = upper_of(c);
        if (n > BL_MOST_INITIALS)
            break;
    }
    return n;
}

bool bl_initials_fit(const char *capitals, size_t n, struct bl_span title)
{
    char own[BL_MOST_INITIALS + 1];

    if (!n)
        return false;
    for (int large = 0; large < 2; large++)
        if (first_letters(title, large, own) == n
            && !memcmp(own, capitals, n))
            return true;
    return false;
}

static bool all_letters(const char *letters, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!is_upper(letters[i]))
            return false;
    return true;
}

size_t bl_initials_of(struct bl_span title, char out[BL_MOST_INITIALS])
{
    char own[BL_MOST_INITIALS + 1];

    for (int large = 1; large >= 0; large--) {
        size_t n = first_letters(title, large, own);

        if (n < 3 || n > BL_MOST_INITIALS || !all_letters(own, n))
            continue;
        memcpy(out, own, n);
        return n;
    }
    return 0;
}
