/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "link/short-name.h"

#include <string.h>

#include "base/mem.h"
#include "text/fold.h"

static const char article[] = "the ";

void bl_short_name(struct bl_buf *out, struct bl_span mention)
{
    size_t from = out->len, n = sizeof article - 1;

    bl_fold(out, mention);
    if (out->len - from > n && !memcmp(out->data + from, article, n)) {
        memmove(out->data + from, out->data + from + n, out->len - from - n);
        out->len -= n;
        out->data[out->len] = '\0';
    }
}

/* Words that join the parts of a name: what stands behind them says where or
 * of what the thing is, and is a thing of its own. */
static bool joins(struct bl_span word)
{
    static const char *const small[] = {
        ",", "(", "&", "a", "an", "and", "at", "da", "de", "del", "della",
        "den", "der", "des", "di", "do", "du", "for", "in", "la", "le", "of",
        "on", "the", "to", "van", "von"
    };

    for (size_t i = 0; i < BL_COUNT(small); i++)
        if (bl_span_is(word, small[i]))
            return true;
    return false;
}

/* The word that ends before `at`, or that begins there. */
static struct bl_span word_before(struct bl_span text, size_t at)
{
    size_t from = at;

    while (from > 0 && text.p[from - 1] != ' ')
        from--;
    return (struct bl_span){ text.p + from, at - from };
}

static struct bl_span word_at(struct bl_span text, size_t at)
{
    size_t to = at;

    while (to < text.n && text.p[to] != ' ')
        to++;
    return (struct bl_span){ text.p + at, to - at };
}

static bool only_joins(struct bl_span name)
{
    for (size_t at = 0; at < name.n; at += word_at(name, at).n + 1)
        if (!joins(word_at(name, at)))
            return false;
    return true;
}

/* Where the name stands in the longer one, at the borders of words; whole.n:
 * nowhere.  The last place counts: an end says most. */
static size_t place_of(struct bl_span name, struct bl_span whole)
{
    for (size_t at = whole.n - name.n + 1; at-- > 0;) {
        if (memcmp(whole.p + at, name.p, name.n))
            continue;
        if ((at == 0 || whole.p[at - 1] == ' ')
            && (at + name.n == whole.n || whole.p[at + name.n] == ' '))
            return at;
    }
    return whole.n;
}

enum bl_short bl_short_of(struct bl_span name, struct bl_span whole)
{
    size_t at;

    if (!name.n || name.n >= whole.n || only_joins(name))
        return BL_SHORT_NONE;
    at = place_of(name, whole);
    if (at == whole.n)
        return BL_SHORT_NONE;
    if (at > 0 && at + name.n == whole.n)
        return joins(word_before(whole, at - 1)) ? BL_SHORT_OF : BL_SHORT_END;
    if (at > 0)
        return BL_SHORT_INSIDE;
    return joins(word_at(whole, name.n + 1)) ? BL_SHORT_HEAD : BL_SHORT_START;
}
