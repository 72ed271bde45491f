/* SPDX-License-Identifier: MIT */
/* wikitext-put: the text that comes out. */
#include "config.h"

#include <string.h>

#include "wiki/wikitext-walk.h"

char bl_wikiwalk_last(const struct bl_wikitext *walk)
{
    return walk->text.len > walk->block_start
        ? walk->text.data[walk->text.len - 1] : ' ';
}

/* Takes characters of `set` off the end, but nothing before the floor, which a
 * link or template has put, and nothing of the block before. */
static void trim(struct bl_wikitext *walk, const char *set)
{
    while (walk->text.len > walk->floor && walk->text.len > walk->block_start
           && strchr(set, walk->text.data[walk->text.len - 1]))
        walk->text.len--;
}

/* Right after something vanished, before text that begins with c: takes away
 * what was only there for its sake.  True when c itself goes too. */
static bool mend(struct bl_wikitext *walk, char next)
{
    size_t len = walk->text.len;
    bool open;

    trim(walk, " ");
    open = walk->text.len > walk->floor && bl_wikiwalk_last(walk) == '(';
    if (open && strchr(" ,;:/", next))
        return true;
    if (next == ')') {
        trim(walk, " ,;:/");
        if (walk->text.len > walk->floor && bl_wikiwalk_last(walk) == '(') {
            walk->text.len--;
            trim(walk, " ");
            /* The blank that parted the words around the brackets. */
            if (walk->text.len < len)
                bl_buf_putc(&walk->text, ' ');
            return true;
        }
        return false;
    }
    if (strchr(",;.", next))
        trim(walk, " ,;");
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
    walk->text.len = out;
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
    walk->text.len = start;
    for (size_t i = first_link; i < walk->n_links; i++)
        walk->links[i].start = walk->links[i].end = 0;
}
