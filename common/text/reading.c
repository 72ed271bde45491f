/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "text/reading.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "text/charref.h"
#include "text/literal.h"
#include "text/symbols.h"

enum {
    LONGEST_LINK = 300,         /* bytes between two brackets */
    LONGEST_TARGET = 1000,      /* of a link; of a tag */
    LONGEST_ARROW = 3,          /* dashes of an arrow */
    LONGEST_INDENT = 16,        /* of a line that goes on with a word */
    NOTE_BEHIND = 3             /* letters that a raised digit follows */
};

/* The text is changed in its copy from left to right; `at` has all before it
 * read. */
struct reader {
    char *p;
    size_t n, at;
    bool name;                  /* all of it is one name */
};

static bool is_letter(const struct reader *r, size_t i)
{
    unsigned char c = i < r->n ? (unsigned char)r->p[i] : 0;

    return c >= 0x80 || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_digit(const struct reader *r, size_t i)
{
    return i < r->n && r->p[i] >= '0' && r->p[i] <= '9';
}

static bool is_lower(const struct reader *r, size_t i)
{
    return i < r->n && r->p[i] >= 'a' && r->p[i] <= 'z';
}

static bool in_word(const struct reader *r, size_t i)
{
    return is_letter(r, i) || is_digit(r, i);
}

static bool word_before(const struct reader *r, size_t i)
{
    return i > 0 && in_word(r, i - 1);
}

static bool is_blank(const struct reader *r, size_t i)
{
    return i < r->n && (r->p[i] == ' ' || r->p[i] == '\t');
}

/* Also of what is only about to be read as a line's end, so that a heading is
 * looked at once, and not again with each that follows. */
static bool ends_line(const struct reader *r, size_t i)
{
    const char *p = r->p + i;

    if (i >= r->n || (*p && strchr("\n\r\f\v\x1c\x1d\x1e\x1f", *p)))
        return true;
    return (unsigned char)*p >= 0x80
        && (!strncmp(p, "\xc2\x85", 2) || !strncmp(p, "\xe2\x80\xa8", 3)
            || !strncmp(p, "\xe2\x80\xa9", 3));
}

/* At most `most`: what asks at every byte of a run must not read all of it. */
static size_t run_of(const struct reader *r, size_t i, char c, size_t most)
{
    size_t len = 0;

    while (len < most && i + len < r->n && r->p[i + len] == c)
        len++;
    return len;
}

static void fill(struct reader *r, size_t from, size_t to, char c)
{
    memset(r->p + from, c, to - from);
}

/* Blanks [from, to), of which the first is `first`. */
static void blank(struct reader *r, size_t from, size_t to, char first)
{
    fill(r, from, to, ' ');
    r->p[from] = first;
}

/* ---- Words that a line's end parts ---- */

/* "Wash-" and "ington" on the next line; not "Stratford-" before "upon-Avon",
 * and not a name that has its hyphen anyway, as what follows has a capital. */
static void read_hyphen(struct reader *r, size_t len)
{
    size_t from = r->at, i = from + len, end;

    r->at = i;
    if (from < 2 || !is_lower(r, from - 1) || !is_letter(r, from - 2))
        return;
    i += i < r->n && r->p[i] == '\r';
    if (i >= r->n || r->p[i] != '\n')
        return;
    i++;
    for (end = i; is_blank(r, end) && end - i < LONGEST_INDENT; end++)
        ;
    if (!is_lower(r, end) || !is_lower(r, end + 1))
        return;
    for (i = end; in_word(r, i); i++)
        ;
    if (i < r->n && r->p[i] == '-')
        return;
    fill(r, from, end, BL_READ_NIL);
    r->at = end;
}

/* ---- Symbols ---- */

/* What joins emoji to one picture or says how it is drawn, behind a symbol. */
static size_t skip_joiners(const struct reader *r, size_t i)
{
    unsigned len;

    for (; i < r->n; i += len) {
        uint32_t cp = bl_utf8_decode(r->p + i, r->n - i, &len);

        if (cp != 0x200D && cp != 0x20E3
            && bl_symbol_kind(cp) != BL_SYMBOL_JOINER
            && !(cp >= 0xE0001 && cp <= 0xE007F))
            break;
    }
    return i;
}

/* "Warsaw" with a raised 1 is Warsaw and a note, where "km" with a raised 2 is
 * a unit. */
static bool behind_name(const struct reader *r, size_t i)
{
    size_t letters = 0;

    while (letters < NOTE_BEHIND && i > letters
           && is_letter(r, i - 1 - letters))
        letters++;
    return letters == NOTE_BEHIND;
}

static void read_wide(struct reader *r)
{
    unsigned len;
    uint32_t cp = bl_utf8_decode(r->p + r->at, r->n - r->at, &len);
    size_t end = r->at + len;

    switch (bl_symbol_kind(cp)) {
    case BL_SYMBOL_SIGN:
        end = skip_joiners(r, end);
        blank(r, r->at, end, BL_READ_GAP);
        break;
    case BL_SYMBOL_MARK:
        end = skip_joiners(r, end);
        blank(r, r->at, end, ' ');
        break;
    case BL_SYMBOL_NOTE:
        if (!r->name && behind_name(r, r->at))
            blank(r, r->at, end, ' ');
        break;
    case BL_SYMBOL_LINE_END:
        blank(r, r->at, end, '\r');
        break;
    case BL_SYMBOL_HYPHEN:
        read_hyphen(r, len);
        return;
    case BL_SYMBOL_STROKE:
        blank(r, r->at, end, '\'');
        r->p[end - 1] = BL_READ_NIL;
        break;
    default:
        break;
    }
    r->at = end;
}

/* ---- Beginnings of lines ---- */

/* Bytes of a mark that begins an item, 0: there is none. */
static size_t item_mark(const struct reader *r, size_t i)
{
    size_t len = 1;

    if (i + 2 < r->n && (!memcmp(r->p + i, "\xe2\x80\xa2", 3)
                         || !memcmp(r->p + i, "\xe2\x80\xa3", 3)))
        len = 3;
    else if (i >= r->n || !strchr("-+*", r->p[i]) || !r->p[i])
        return 0;
    return is_blank(r, i + len) ? len : 0;
}

/* "[ ]" and "[x]" of a list of things to do. */
static size_t box_mark(const struct reader *r, size_t i)
{
    return i + 3 < r->n && r->p[i] == '[' && r->p[i + 2] == ']'
        && strchr(" xX", r->p[i + 1]) && is_blank(r, i + 3) ? 3 : 0;
}

/* Bytes of the mark that a line, or what is left of it, begins with: of a
 * quotation, an item, a heading. */
static size_t line_mark(const struct reader *r, size_t i)
{
    size_t len = run_of(r, i, '>', r->n), end;

    if (len)
        return len;
    len = run_of(r, i, '#', 7);
    if (!len)
        len = run_of(r, i, '=', 7);
    end = i + len;
    if (len)
        return len <= 6 && is_blank(r, end) ? len : 0;
    return item_mark(r, i);
}

/* A heading's closing mark: "## Prague ##". */
static void close_heading(struct reader *r, size_t from, char mark)
{
    size_t end = from, at;

    while (!ends_line(r, end))
        end++;
    while (end > from && is_blank(r, end - 1))
        end--;
    for (at = end; at > from && r->p[at - 1] == mark; at--)
        ;
    if (at < end && at > from && is_blank(r, at - 1))
        fill(r, at, end, ' ');
}

static size_t skip_blanks(const struct reader *r, size_t i)
{
    while (is_blank(r, i))
        i++;
    return i;
}

static void begin_line(struct reader *r)
{
    size_t i = skip_blanks(r, r->at), len;

    while ((len = line_mark(r, i)) > 0) {
        char mark = r->p[i];
        bool item = item_mark(r, i) > 0;

        fill(r, i, i + len, ' ');
        i = skip_blanks(r, i + len);
        if (mark == '#' || mark == '=') {
            close_heading(r, i, mark);
            break;
        }
        if (item && (len = box_mark(r, i)) > 0) {
            fill(r, i, i + len, ' ');
            i = skip_blanks(r, i + len);
        }
    }
    r->at = i;
}

/* ---- Marks within lines ---- */

/* Emphasis and code stand at the edges of words; "M*A*S*H" and "foo_bar" have
 * the same marks inside. */
static void read_emphasis(struct reader *r, size_t least)
{
    size_t len = run_of(r, r->at, r->p[r->at], r->n), end = r->at + len;

    if (len >= least && !(word_before(r, r->at) && in_word(r, end)))
        fill(r, r->at, end, ' ');
    r->at = end;
}

/* The # and @ of "#Lisbon" and "@Toyota", but not of "C#", "#1" or an
 * address. */
static void read_tag(struct reader *r)
{
    if (!word_before(r, r->at) && is_letter(r, r->at + 1))
        r->p[r->at] = ' ';
    r->at++;
}

static bool is_mark(const struct reader *r, size_t i)
{
    return i < r->n && (unsigned char)r->p[i] > ' ' && !in_word(r, i)
        && r->p[i] != 0x7F;
}

/* Byte of the bracket that closes the one at `open`, on the same line and at
 * most `most` bytes on; 0: none.  Brackets nest. */
static size_t closing(const struct reader *r, size_t open, char close,
                      size_t most)
{
    size_t depth = 0, end = BL_MIN(r->n, open + most);

    for (size_t i = open; i < end && r->p[i] != '\n'; i++) {
        depth += r->p[i] == r->p[open];
        if (r->p[i] == close && --depth == 0)
            return i;
    }
    return 0;
}

/* "[1]" and "[^a]" behind a word. */
static bool is_note(const struct reader *r, size_t open, size_t close)
{
    bool digits = close > open + 1;

    for (size_t i = open + 1; i < close; i++)
        digits &= is_digit(r, i);
    return close - open <= 5 && (digits || r->p[open + 1] == '^');
}

/* A link's text stays, its brackets and its target do not.  A bracket of
 * anything else stays as it is. */
static void read_bracket(struct reader *r)
{
    size_t open = r->at++, close = closing(r, open, ']', LONGEST_LINK), end;
    char next = close && close + 1 < r->n ? r->p[close + 1] : '\0';

    if (!close)
        return;
    if (is_note(r, open, close) && next != '(') {
        blank(r, open, close + 1, BL_READ_GAP);
        r->at = close + 1;
        return;
    }
    if (r->p[open + 1] == '[' && r->p[close - 1] == ']') {
        fill(r, open, open + 2, ' ');
        blank(r, close - 1, close + 1, BL_READ_GAP);
        return;
    }
    if (next != '(' && next != '[')
        return;
    end = next == '(' ? closing(r, close + 1, ')', LONGEST_TARGET)
        : closing(r, close + 1, ']', LONGEST_LINK);
    if (!end)
        return;
    if (open > 0 && r->p[open - 1] == '!')
        r->p[open - 1] = ' ';
    r->p[open] = ' ';
    blank(r, close, end + 1, BL_READ_GAP);
}

/* ---- HTML ---- */

/* Tags that stand inside a line, between others of the same sentence. */
static bool inline_tag(struct bl_span name)
{
    static const char *const known[] = {
        "a", "abbr", "b", "big", "cite", "code", "em", "font", "i", "ins",
        "kbd", "mark", "q", "s", "small", "span", "strong", "sub", "tt", "u"
    };

    for (size_t i = 0; i < BL_COUNT(known); i++)
        if (name.n == strlen(known[i]) && !strncasecmp(name.p, known[i],
                                                       name.n))
            return true;
    return false;
}

/* "<b>", "</b>", "<a href=...>", "<br/>"; neither "a < b" nor an address in
 * "<...>", whose first word is followed by other signs. */
static void read_angle(struct reader *r)
{
    size_t from = r->at++, name = from + 1, end, close;

    name += name < r->n && r->p[name] == '/';
    for (end = name; in_word(r, end) && (unsigned char)r->p[end] < 0x80; end++)
        ;
    if (end == name || end >= r->n || is_digit(r, name)
        || !strchr(" \t\n/>", r->p[end]))
        return;
    close = end;
    while (close < r->n && close < from + LONGEST_TARGET
           && r->p[close] != '>' && r->p[close] != '<')
        close++;
    if (close >= r->n || r->p[close] != '>')
        return;
    blank(r, from, close + 1,
          inline_tag((struct bl_span){ r->p + name, end - name })
              ? ' ' : BL_READ_GAP);
    r->at = close + 1;
}

/* The character of a reference is shorter than the reference, and the rest is
 * nothing.  White space and what is no ASCII is then read as such. */
static void read_reference(struct reader *r)
{
    char bytes[8];
    struct bl_buf out = BL_BUF_INIT;
    size_t len = bl_html_entity(r->p + r->at, BL_MIN(r->n - r->at, 32), &out);
    size_t n = BL_MIN(out.len, sizeof bytes);

    if (len && n <= len) {
        memcpy(bytes, out.data, n);
        fill(r, r->at, r->at + len, BL_READ_NIL);
        memcpy(r->p + r->at, bytes, n);
    }
    bl_buf_free(&out);
    if (!len)
        r->at++;
    else if ((unsigned char)bytes[0] >= 0x80)
        read_wide(r);
    else
        r->at += n;
}

/* ---- Arrows ---- */

/* "->", "=>", "-->", "<--": r->at is behind it. */
static bool read_arrow(struct reader *r)
{
    size_t i = r->at, len;

    i += i < r->n && r->p[i] == '<';
    len = run_of(r, i, '-', LONGEST_ARROW + 1);
    if (!len)
        len = run_of(r, i, '=', LONGEST_ARROW + 1);
    if (!len || len > LONGEST_ARROW)
        return false;
    i += len;
    if (i < r->n && r->p[i] == '>')
        i++;
    else if (r->p[r->at] != '<' || len < 2)
        return false;
    blank(r, r->at, i, BL_READ_GAP);
    r->at = i;
    return true;
}

static void read_ascii(struct reader *r)
{
    switch (r->p[r->at]) {
    case '*': case '`': case '_':
        read_emphasis(r, 1);
        break;
    case '~':
        read_emphasis(r, 2);
        break;
    case '\\':
        if (is_mark(r, r->at + 1))
            fill(r, r->at, r->at + 2, ' ');
        r->at++;
        break;
    case '#': case '@':
        read_tag(r);
        break;
    case '|':
        r->p[r->at++] = '\t';
        break;
    case '[':
        read_bracket(r);
        break;
    case '&':
        read_reference(r);
        break;
    case '<':
        if (!read_arrow(r))
            read_angle(r);
        break;
    case '-':
        if (!read_arrow(r))
            read_hyphen(r, 1);
        break;
    case '=':
        r->at += !read_arrow(r);
        break;
    case '\f': case '\v': case 0x1C: case 0x1D: case 0x1E: case 0x1F:
        r->p[r->at++] = '\r';
        break;
    default:
        r->at++;
        break;
    }
}

/* ---- The whole ---- */

/* Bytes that may be read as another, of a text and of a name.  Of those above
 * ASCII the ones that begin characters of symbols.c. */
static bool may_change(unsigned char c, bool name)
{
    if (c >= 0x80)
        return c == 0xC2 || c == 0xC3 || c == 0xE2 || c == 0xE3 || c >= 0xEE;
    if (c < ' ')
        return c >= '\v' && c != '\r' && (c <= '\f' || c >= 0x1C);
    return strchr(name ? "#@&-" : "*_`#@&-~|[<=>+\\/", c) != NULL;
}

static bool changes(struct bl_span text, bool name)
{
    for (size_t i = 0; i < text.n; i++)
        if (may_change((unsigned char)text.p[i], name))
            return true;
    return false;
}

static void copy(struct reader *r, struct bl_buf *room, struct bl_span text)
{
    bl_buf_clear(room);
    bl_buf_put(room, text.p, text.n);
    *r = (struct reader){ .p = room->data, .n = room->len };
}

struct bl_span bl_reading(struct bl_buf *room, struct bl_span text)
{
    struct reader r;
    bool begins = true;

    if (!changes(text, false))
        return text;
    copy(&r, room, text);
    bl_blank_literals(r.p, r.n);
    while (r.at < r.n) {
        if (begins)
            begin_line(&r);
        if (r.at >= r.n)
            break;
        begins = ends_line(&r, r.at);
        if ((unsigned char)r.p[r.at] >= 0x80)
            read_wide(&r);
        else
            read_ascii(&r);
        begins |= r.p[r.at - 1] == '\r';
    }
    return (struct bl_span){ room->data, room->len };
}

struct bl_span bl_reading_name(struct bl_buf *room, struct bl_span name)
{
    struct reader r;

    if (!changes(name, true))
        return name;
    copy(&r, room, name);
    r.name = true;
    while (r.at < r.n) {
        char c = r.p[r.at];

        if ((unsigned char)c >= 0x80)
            read_wide(&r);
        else if (strchr("#@&-\f\v\x1c\x1d\x1e\x1f", c))
            read_ascii(&r);
        else
            r.at++;
    }
    return (struct bl_span){ room->data, room->len };
}
