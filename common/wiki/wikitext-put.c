/* SPDX-License-Identifier: MIT */
/* wikitext-put: the text that comes out. */
#include "config.h"

#include <string.h>

#include "wiki/wikitext-walk.h"

char bl_wikiwalk_last(const struct bl_wikitext *w)
{
    return w->text.len > w->block_start ? w->text.data[w->text.len - 1]
                                        : ' ';
}

/* Takes characters of `set` off the end, not below what must stay. */
static void trim(struct bl_wikitext *w, const char *set)
{
    while (w->text.len > w->floor && w->text.len > w->block_start
           && strchr(set, w->text.data[w->text.len - 1]))
        w->text.len--;
}

/* Right after something vanished, before text that begins with c: takes away
 * what was only there for its sake.  True when c itself goes too. */
static bool mend(struct bl_wikitext *w, char c)
{
    size_t len = w->text.len;
    bool open;

    trim(w, " ");
    open = w->text.len > w->floor && bl_wikiwalk_last(w) == '(';
    if (open && strchr(" ,;:/", c))
        return true;
    if (c == ')') {
        trim(w, " ,;:/");
        if (w->text.len > w->floor && bl_wikiwalk_last(w) == '(') {
            w->text.len--;
            trim(w, " ");
            /* The blank that parted the words around the brackets. */
            if (w->text.len < len)
                bl_buf_putc(&w->text, ' ');
            return true;
        }
        return false;
    }
    if (strchr(",;.", c))
        trim(w, " ,;");
    else if (c != ':' && !open && w->text.len < len)
        bl_buf_putc(&w->text, ' ');
    return false;
}

static bool fresh(const struct bl_wikitext *w)
{
    size_t len = w->text.len;

    return len == w->dropped
        || (w->dropped < len && len == w->dropped + 1
            && w->text.data[len - 1] == ' ');
}

/* Double blanks in what was put at `start` become one. */
static void squeeze(struct bl_wikitext *w, size_t start)
{
    char *t = w->text.data;
    size_t out = start;

    for (size_t i = start; i < w->text.len; i++)
        if (t[i] != ' ' || out == start || t[out - 1] != ' ')
            t[out++] = t[i];
    w->text.len = out;
}

/* After a gap: blanks, and mending before the first character that is
 * none.  Returns how much of p is dealt with. */
static size_t put_after_gap(struct bl_wikitext *w, const char *p, size_t n)
{
    size_t i = 0;

    for (; i < n; i++) {
        if (p[i] == ' ') {
            if (bl_wikiwalk_last(w) != ' '
                && (bl_wikiwalk_last(w) != '(' || !fresh(w)))
                bl_buf_putc(&w->text, ' ');
            continue;
        }
        if (!fresh(w) || !mend(w, p[i]))
            break;
        w->dropped = w->text.len;
    }
    if (i < n)
        w->dropped = SIZE_MAX;
    return i;
}

void bl_wikiwalk_put(struct bl_wikitext *w, const char *p, size_t n)
{
    size_t start;

    if (w->dropped != SIZE_MAX) {
        size_t used = put_after_gap(w, p, n);

        p += used;
        n -= used;
    }
    while (n && *p == ' ' && bl_wikiwalk_last(w) == ' ') {
        p++;
        n--;
    }
    if (!n)
        return;
    start = w->text.len;
    bl_buf_put(&w->text, p, n);
    if (n > 1 && memmem(p, n, "  ", 2))
        squeeze(w, start);
}

void bl_wikiwalk_dropped(struct bl_wikitext *w)
{
    if (!fresh(w))
        w->dropped = w->text.len;
}

void bl_wikiwalk_cut(struct bl_wikitext *w, size_t start, size_t first_link)
{
    w->text.len = start;
    for (size_t i = first_link; i < w->n_links; i++)
        w->links[i].start = w->links[i].end = 0;
}
