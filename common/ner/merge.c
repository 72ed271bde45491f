/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "ner/merge.h"

#include <strings.h>

#include "base/mem.h"

static void put(struct bl_founds *out, const struct bl_found *found)
{
    BL_GROW(out->v, out->n + 1, out->cap);
    out->v[out->n++] = *found;
}

static size_t length(const struct bl_found *found)
{
    return found->end - found->start;
}

/* Whether the tagger's mention is the name with an article before it. */
static bool only_article(struct bl_span text, const struct bl_found *tag,
                         const struct bl_found *name)
{
    return tag->end == name->end && name->start == tag->start + 4
        && !strncasecmp(text.p + tag->start, "the", 3);
}

/* One step: of the next mention of each list the earlier one goes out, or if
 * they overlap the worse one is dropped. */
static void step(struct bl_span text, const struct bl_found *tag,
                 const struct bl_found *name, size_t *i, size_t *k,
                 struct bl_founds *out)
{
    if (!name || (tag && tag->end <= name->start)) {
        put(out, tag);
        ++*i;
    } else if (!tag || name->end <= tag->start) {
        put(out, name);
        ++*k;
    } else if (length(name) > length(tag) || only_article(text, tag, name)) {
        ++*i;
    } else {
        ++*k;
    }
}

void bl_founds_merge(struct bl_span text, const struct bl_founds *tagged,
                     const struct bl_founds *named, struct bl_founds *out)
{
    size_t i = 0, k = 0;

    out->n = 0;
    while (i < tagged->n || k < named->n)
        step(text, i < tagged->n ? &tagged->v[i] : NULL,
             k < named->n ? &named->v[k] : NULL, &i, &k, out);
}
