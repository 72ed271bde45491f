/* SPDX-License-Identifier: MIT */
/* wikitext-put: the text that comes out.
 *
 * Blocks, links, frames and arguments are places in the text.  It only becomes
 * shorter by bl_wikiwalk_shorten(), which stops at the last such place. */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "wiki/wikitext-walk.h"

char bl_wikiwalk_last(const struct bl_wikitext *walk)
{
    return walk->text.len > walk->block_start
        ? walk->text.data[walk->text.len - 1] : ' ';
}

size_t bl_wikiwalk_floor(const struct bl_wikitext *walk)
{
    size_t floor = BL_MAX(walk->block_start, walk->fixed);

    if (walk->depth)
        floor = BL_MAX(floor, walk->frames[walk->depth - 1].start);
    if (walk->n_args)
        floor = BL_MAX(floor, walk->args[walk->n_args - 1]);
    return floor;
}

void bl_wikiwalk_shorten(struct bl_wikitext *walk, size_t len)
{
    len = BL_MAX(len, bl_wikiwalk_floor(walk));
    walk->text.len = BL_MIN(walk->text.len, len);
}

void bl_wikiwalk_trim(struct bl_wikitext *walk, const char *set)
{
    size_t floor = bl_wikiwalk_floor(walk), len = walk->text.len;

    while (len > floor && strchr(set, walk->text.data[len - 1]))
        len--;
    bl_wikiwalk_shorten(walk, len);
}

/* Whether the text ends in a "(" that may still be taken away. */
static bool after_bracket(const struct bl_wikitext *walk)
{
    return walk->text.len > bl_wikiwalk_floor(walk)
        && bl_wikiwalk_last(walk) == '(';
}

/* Right after something vanished, before text that begins with `next`: takes
 * away what was only there for its sake, such as the blank before it.  True
 * when `next` itself goes too. */
static bool mend(struct bl_wikitext *walk, char next)
{
    size_t len = walk->text.len;
    bool open;

    bl_wikiwalk_trim(walk, " ");
    open = after_bracket(walk);
    if (open && strchr(" ,;:/", next))
        return true;
    if (next == ')') {
        bl_wikiwalk_trim(walk, " ,;:/");
        if (after_bracket(walk)) {
            bl_wikiwalk_shorten(walk, walk->text.len - 1);
            bl_wikiwalk_trim(walk, " ");
            /* The blank that parted the words around the brackets. */
            if (walk->text.len < len)
                bl_buf_putc(&walk->text, ' ');
            return true;
        }
        return false;
    }
    if (strchr(",;.", next))
        bl_wikiwalk_trim(walk, " ,;");
    else if (next != ':' && !open && walk->text.len < len)
        bl_buf_putc(&walk->text, ' ');
    return false;
}

/* Whether at most a blank was put since something vanished. */
static bool fresh(const struct bl_wikitext *walk)
{
    size_t len = walk->text.len;

    return len == walk->dropped
        || (walk->dropped < len && len == walk->dropped + 1
            && walk->text.data[len - 1] == ' ');
}

/* Double blanks in what was put at `start` become one. */
static void squeeze(struct bl_wikitext *walk, size_t start)
{
    char *text = walk->text.data;
    size_t out = start;

    for (size_t i = start; i < walk->text.len; i++)
        if (text[i] != ' ' || out == start || text[out - 1] != ' ')
            text[out++] = text[i];
    bl_wikiwalk_shorten(walk, out);
}

/* Puts blanks, and mends the text before the first character that is none.
 * Returns how much of the text is dealt with. */
static size_t put_after_gap(struct bl_wikitext *walk, const char *text,
                            size_t len)
{
    size_t i = 0;

    for (; i < len; i++) {
        if (text[i] == ' ') {
            if (bl_wikiwalk_last(walk) != ' '
                && (bl_wikiwalk_last(walk) != '(' || !fresh(walk)))
                bl_buf_putc(&walk->text, ' ');
            continue;
        }
        if (!fresh(walk) || !mend(walk, text[i]))
            break;
        walk->dropped = walk->text.len;
    }
    if (i < len)
        walk->dropped = SIZE_MAX;
    return i;
}

/* Only text right behind something that vanished needs mending; `dropped` is
 * SIZE_MAX otherwise.  Two blanks never meet, neither in what is put nor with
 * the text before it. */
void bl_wikiwalk_put(struct bl_wikitext *walk, const char *text, size_t len)
{
    size_t start;

    if (walk->dropped != SIZE_MAX) {
        size_t used = put_after_gap(walk, text, len);

        text += used;
        len -= used;
    }
    while (len && *text == ' ' && bl_wikiwalk_last(walk) == ' ') {
        text++;
        len--;
    }
    if (!len)
        return;
    start = walk->text.len;
    bl_buf_put(&walk->text, text, len);
    if (len > 1 && memmem(text, len, "  ", 2))
        squeeze(walk, start);
}

void bl_wikiwalk_dropped(struct bl_wikitext *walk)
{
    if (!fresh(walk))
        walk->dropped = walk->text.len;
}

void bl_wikiwalk_cut(struct bl_wikitext *walk, size_t start, size_t first_link)
{
    walk->fixed = BL_MIN(walk->fixed, start);
    bl_wikiwalk_shorten(walk, start);
    for (size_t i = first_link; i < walk->n_links; i++)
        walk->links[i].start = walk->links[i].end = 0;
}
