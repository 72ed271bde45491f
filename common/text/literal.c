/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "text/literal.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "text/reading.h"

enum {
    LONGEST_SPAN = 300,         /* bytes of code within a line */
    LONGEST_TOP = 24,           /* letters behind the last dot of a host */
    FENCE = 3                   /* marks of a line that opens a block */
};

struct text {
    char *p;
    size_t n;
    bool open[2];               /* a block of backticks, of tildes, has no
                                 * end: do not look for it again */
};

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_alnum(char c)
{
    return is_lower(c) || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_word(char c)
{
    return is_alnum(c) || (unsigned char)c >= 0x80;
}

/* Blanks of at least two bytes read as a gap; line ends stay. */
static void blank(struct text *text, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (text->p[i] != '\n' && text->p[i] != '\r')
            text->p[i] = ' ';
    if (to - from > 1 && text->p[from] == ' ' && text->p[from + 1] == ' ')
        text->p[from] = BL_READ_GAP;
}

static size_t run_of(const struct text *text, size_t i, char c)
{
    size_t n = 0;

    while (i + n < text->n && text->p[i + n] == c)
        n++;
    return n;
}

static size_t line_end(const struct text *text, size_t i)
{
    const char *end = memchr(text->p + i, '\n', text->n - i);

    return end ? (size_t)(end - text->p) : text->n;
}

/* ---- Code ---- */

/* The marks of a fence with which the line at i begins; 0: none. */
static size_t fence_at(const struct text *text, size_t *i, char c)
{
    size_t indent = run_of(text, *i, ' '), n;

    n = run_of(text, *i + indent, c);
    if (indent > 3 || n < FENCE)
        return 0;
    *i += indent + n;
    return n;
}

/* The start of the line that closes a block of n marks; text->n: none. */
static size_t closing_line(const struct text *text, size_t i, char c,
                           size_t n)
{
    while (i < text->n) {
        size_t at = i, end = line_end(text, i);

        if (fence_at(text, &at, c) >= n) {
            while (at < end && strchr(" \t\r", text->p[at]))
                at++;
            if (at == end)
                return i;
        }
        i = end + 1;
    }
    return text->n;
}

/* A block that begins with the line at i; where it ends, or i. */
static size_t read_block(struct text *text, size_t i)
{
    static const char marks[] = "`~";

    for (size_t kind = 0; kind < 2; kind++) {
        size_t at = i, n = fence_at(text, &at, marks[kind]), end, close;

        if (!n || text->open[kind])
            continue;
        end = line_end(text, at);
        if (memchr(text->p + at, marks[kind], end - at))
            continue;
        close = end < text->n ? closing_line(text, end + 1, marks[kind], n)
            : text->n;
        text->open[kind] = close == text->n;
        if (text->open[kind])
            continue;
        close = line_end(text, close);
        blank(text, i, close);
        return close;
    }
    return i;
}

/* Code between marks on one line.  Marks inside words are accents, and those
 * beside blanks are the quotation marks of some corpora.  Returns where it
 * ends, or the end of its opening marks. */
static size_t read_span(struct text *text, size_t i)
{
    size_t n = run_of(text, i, '`'), from = i + n, at = from;
    size_t most = BL_MIN(text->n, from + LONGEST_SPAN);

    if ((i > 0 && is_word(text->p[i - 1])) || from >= text->n
        || text->p[from] == ' ')
        return from;
    while (at < most && text->p[at] != '\n') {
        size_t run = run_of(text, at, '`');

        if (run == n && at > from && text->p[at - 1] != ' '
            && (at + n >= text->n || !is_word(text->p[at + n]))) {
            blank(text, i, at + n);
            return at + n;
        }
        at += run ? run : 1;
    }
    return from;
}

/* ---- Addresses ---- */

/* What may stand in an address; brackets and quotation marks enclose it. */
static bool in_address(char c)
{
    return (unsigned char)c > ' ' && c != 0x7F && !strchr("<>\"'()[]{}|`", c);
}

/* The labels of a host at s[0..n) and a slash behind it, lower case as hosts
 * are written.  A suffix of program files is none of a host. */
static bool is_host_and_path(const char *s, size_t n)
{
    static const char *const suffixes[] = { "js", "ts", "py", "md", "rs",
                                            "sh", "rb" };
    size_t dots = 0, label = 0, i = 0;

    for (; i < n && s[i] != '/' && s[i] != ':'; i++) {
        if (s[i] == '.' && label > 0) {
            dots++;
            label = 0;
        } else if (is_lower(s[i]) || s[i] == '-'
                   || (s[i] >= '0' && s[i] <= '9')) {
            label++;
        } else {
            return false;
        }
    }
    if (!dots || label < 2 || label > LONGEST_TOP || i + 1 >= n)
        return false;
    for (size_t k = i - label; k < i; k++)
        if (!is_lower(s[k]))
            return false;
    for (size_t k = 0; k < BL_COUNT(suffixes) && dots == 1; k++)
        if (label == 2 && !memcmp(s + i - 2, suffixes[k], 2))
            return false;
    return true;
}

/* "someone@example.org", with nothing else. */
static bool is_mail(const char *s, size_t n)
{
    const char *at = memchr(s, '@', n), *dot;
    size_t left = at ? (size_t)(at - s) : 0;

    if (!left || left + 4 > n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!is_word(s[i]) && !(s[i] == '@' && i == left)
            && !strchr("._%+-", s[i]))
            return false;
    dot = memrchr(at, '.', n - left);
    return dot && dot > at + 1 && s + n - dot > 2 && is_alnum(at[1]);
}

/* A scheme and "//", or "www." or "mailto:". */
static bool has_start(const char *s, size_t n)
{
    size_t i = 0;

    if (n > 8 && (!strncasecmp(s, "www.", 4) || !strncasecmp(s, "mailto:", 7)))
        return true;
    while (i < n && (is_alnum(s[i]) || s[i] == '+'))
        i++;
    return i > 1 && n - i > 4 && !memcmp(s + i, "://", 3);
}

/* Marks of the sentence at the end of an address are no part of it. */
static size_t without_end(const char *s, size_t n)
{
    while (n && strchr(".,;:!?*_~", s[n - 1]))
        n--;
    return n;
}

/* The target of a link or an attribute belongs to the marks around it. */
static bool is_target(const struct text *text, size_t i)
{
    const char *p = text->p + i;

    return (i > 0 && p[-1] == '<')
        || (i > 1 && (!memcmp(p - 2, "](", 2) || !memcmp(p - 2, "=\"", 2)
                      || !memcmp(p - 2, "='", 2)));
}

/* The word at i, if it is an address; returns the word's end. */
static size_t read_address(struct text *text, size_t i)
{
    size_t end = i, n;
    const char *s;

    while (end < text->n && in_address(text->p[end]))
        end++;
    for (; i < end && !is_word(text->p[i]); i++)
        ;
    s = text->p + i;
    n = without_end(s, end - i);
    if (n > 4 && !is_target(text, i)
        && (has_start(s, n) || is_mail(s, n) || is_host_and_path(s, n)))
        blank(text, i, i + n);
    return end;
}

/* ---- The whole ---- */

/* Blocks begin with lines, code within them anywhere, addresses with words. */
void bl_blank_literals(char *p, size_t n)
{
    struct text text = { .p = p, .n = n };
    size_t i = 0, after;
    bool begins = true;

    while (i < n) {
        if (begins && (after = read_block(&text, i)) > i) {
            i = after;
            begins = false;
            continue;
        }
        begins = p[i] == '\n';
        if (p[i] == '`')
            i = read_span(&text, i);
        else if (in_address(p[i]))
            i = read_address(&text, i);
        else
            i++;
    }
}
