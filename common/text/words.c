/* SPDX-License-Identifier: MIT */
/*
 * The original's order of steps (pytorch_transformers 1.2.0, BasicTokenizer)
 * is: delete control characters; part at white space; make each ideograph a
 * word; lower; decompose; delete nonspacing marks; part at punctuation; part
 * at whatever Python calls white space.  One pass does all of it here,
 * because every step but two looks at one character alone.  The two are the
 * final sigma, which looks around in the text, and the canonical order of
 * marks, which is restored over each run of them.
 */
#include "config.h"

#include "text/words.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/uni-tables.h"
#include "base/utf8.h"

enum { BUF_ROOM = 64, HANGUL_FIRST = 0xAC00, HANGUL_LAST = 0xD7A3 };

enum { A_DROP, A_SPACE, A_PUNCT, A_WORD };

/* What the ASCII characters are: kind, and lower-case form. */
static const struct { unsigned char kind, low; } ascii[128] = {
#define P(c) [c] = { A_PUNCT, c }
#define W(c) [c] = { A_WORD, c }
#define U(c) [c] = { A_WORD, (c) + 32 }
    ['\t'] = { A_SPACE, ' ' }, ['\n'] = { A_SPACE, ' ' },
    ['\r'] = { A_SPACE, ' ' }, [' '] = { A_SPACE, ' ' },
    P('!'), P('"'), P('#'), P('$'), P('%'), P('&'), P('\''), P('('), P(')'),
    P('*'), P('+'), P(','), P('-'), P('.'), P('/'), P(':'), P(';'), P('<'),
    P('='), P('>'), P('?'), P('@'), P('['), P('\\'), P(']'), P('^'), P('_'),
    P('`'), P('{'), P('|'), P('}'), P('~'),
    W('0'), W('1'), W('2'), W('3'), W('4'), W('5'), W('6'), W('7'), W('8'),
    W('9'), W('a'), W('b'), W('c'), W('d'), W('e'), W('f'), W('g'), W('h'),
    W('i'), W('j'), W('k'), W('l'), W('m'), W('n'), W('o'), W('p'), W('q'),
    W('r'), W('s'), W('t'), W('u'), W('v'), W('w'), W('x'), W('y'), W('z'),
    U('A'), U('B'), U('C'), U('D'), U('E'), U('F'), U('G'), U('H'), U('I'),
    U('J'), U('K'), U('L'), U('M'), U('N'), U('O'), U('P'), U('Q'), U('R'),
    U('S'), U('T'), U('U'), U('V'), U('W'), U('X'), U('Y'), U('Z')
};

void bl_words_start(struct bl_words *w, const char *text, size_t n,
                    bool lower)
{
    w->text = text;
    w->size = n;
    w->pos = 0;
    w->sub = 0;
    w->lower = lower;
    if (w->buf.cap < BUF_ROOM)
        bl_buf_reserve(&w->buf, BUF_ROOM);
}

void bl_words_free(struct bl_words *w)
{
    bl_buf_free(&w->buf);
    *w = (struct bl_words)BL_WORDS_INIT;
}

/* Sorts the run of marks at the end of the word by class, stably: one pass
 * a class, of which Unicode has few outside the deleted marks. */
static void sort_run(struct bl_words *w)
{
    struct bl_span run = { w->buf.data + w->run, w->buf.len - w->run };
    char *old = bl_xmemdup(run.p, run.n);
    bool present[256] = { false };
    char *to = w->buf.data + w->run;
    unsigned len;

    for (size_t i = 0; i < run.n; i += len)
        present[bl_uni(bl_utf8_decode(old + i, run.n - i, &len))->ccc] = true;
    for (unsigned class = 0; class < 256; class++) {
        for (size_t i = 0; present[class] && i < run.n; i += len) {
            uint32_t cp = bl_utf8_decode(old + i, run.n - i, &len);

            if (bl_uni(cp)->ccc == class)
                to = mempcpy(to, old + i, len);
        }
    }
    free(old);
    w->disorder = false;
}

/* A character of class 0 comes, or the word ends. */
static inline void end_run(struct bl_words *w)
{
    if (w->disorder)
        sort_run(w);
    w->last_class = 0;
}

static void put_cp(struct bl_words *w, uint32_t cp, uint8_t class)
{
    char bytes[4];
    unsigned n = bl_utf8_encode(cp, bytes);

    if (!class) {
        end_run(w);
    } else {
        if (!w->last_class)
            w->run = w->buf.len;
        w->disorder |= class < w->last_class;
        w->last_class = class;
    }
    bl_buf_put(&w->buf, bytes, n);
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ONES UINT64_C(0x0101010101010101)
#define TOPS UINT64_C(0x8080808080808080)

/* The top bit of each byte of v in [lo, hi]; the bytes are below 0x80. */
static inline uint64_t in_range(uint64_t v, unsigned lo, unsigned hi)
{
    return ((v + ONES * (0x80 - lo)) ^ (v + ONES * (0x7F - hi))) & TOPS;
}

/* Eight bytes at a time: the letters and digits at p, in lower case if
 * wanted, to `to`, where eight bytes are written.  Returns how many there
 * are, 8 for "go on".  Words are short: mostly one call does a word, without
 * a branch for each byte. */
static inline unsigned take_eight(char *to, const unsigned char *p,
                                  bool lower)
{
    uint64_t v, low, seven, stop;

    memcpy(&v, p, 8);
    seven = v & ~TOPS;
    low = seven | in_range(seven, 'A', 'Z') >> 2;
    stop = ~(in_range(low, 'a', 'z') | in_range(low, '0', '9')) | v;
    if (lower)
        v = low;
    memcpy(to, &v, 8);
    stop &= TOPS;
    return stop ? (unsigned)__builtin_ctzll(stop) / 8 : 8;
}
#endif

/* A run of ASCII letters and digits at text[pos]. */
static void take_ascii(struct bl_words *w)
{
    const unsigned char *p = (const unsigned char *)w->text;
    struct bl_buf *b = &w->buf;
    size_t i = w->pos;
    unsigned n = 8;

    end_run(w);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (; n == 8 && i + 8 <= w->size; i += n) {
        if (b->cap - b->len <= 8)
            bl_buf_reserve(b, 8);
        n = take_eight(b->data + b->len, p + i, w->lower);
        b->len += n;
    }
#endif
    for (; n == 8 && i < w->size && p[i] < 0x80
         && ascii[p[i]].kind == A_WORD; i++) {
        if (b->cap - b->len <= 1)
            bl_buf_reserve(b, 1);
        b->data[b->len++] = (char)(w->lower ? ascii[p[i]].low : p[i]);
    }
    w->pos = i;
}

/* One step from an ASCII character; true when the word is complete. */
static inline bool step_ascii(struct bl_words *w, struct bl_word *word)
{
    unsigned char c = (unsigned char)w->text[w->pos];
    bool empty = w->buf.len == 0;

    switch (ascii[c].kind) {
    case A_WORD:
        if (empty)
            word->start = w->pos;
        take_ascii(w);
        word->end = w->pos;
        return false;
    case A_PUNCT:
        if (!empty)
            return true;
        w->buf.data[w->buf.len++] = (char)c;
        word->start = w->pos++;
        word->end = w->pos;
        return true;
    case A_SPACE:
        w->pos++;
        return !empty;
    default:
        w->pos++;
        return false;
    }
}

/* What one character turns into. */
struct form {
    const uint32_t *cp;
    unsigned n;
    uint32_t own[3];
};

static void hangul(struct form *f, uint32_t cp)
{
    uint32_t s = cp - HANGUL_FIRST;

    f->own[0] = 0x1100 + s / 588;
    f->own[1] = 0x1161 + s % 588 / 28;
    f->own[2] = 0x11A7 + s % 28;
    f->n = s % 28 ? 3 : 2;
}

static void form_of(const struct bl_words *w, uint32_t cp,
                    const struct bl_uni_record *r, struct form *f)
{
    f->cp = f->own;
    f->n = 1;
    f->own[0] = cp;
    if (!w->lower)
        return;
    if (r->flags & BL_UNI_MAPPED) {
        f->cp = bl_uni_map + r->map;
        f->n = r->len;
        if (cp == BL_UNI_SIGMA
            && bl_uni_final_sigma(w->text, w->size, w->pos, true)) {
            f->cp = f->own;
            f->own[0] = 0x3C2;
        }
    } else if (cp >= HANGUL_FIRST && cp <= HANGUL_LAST) {
        hangul(f, cp);
    }
}

/* Adds the characters of f from w->sub on.  True when the word is complete;
 * w->sub is then where the next word begins. */
static bool take_form(struct bl_words *w, struct bl_word *word,
                      const struct form *f, unsigned len)
{
    while (w->sub < f->n) {
        const struct bl_uni_record *r = bl_uni(f->cp[w->sub]);
        bool empty = w->buf.len == 0;

        if (!empty && r->flags & (BL_UNI_PUNCT | BL_UNI_SPACE))
            return true;
        if (!(r->flags & BL_UNI_SPACE)) {
            put_cp(w, f->cp[w->sub], w->lower ? r->ccc : 0);
            if (empty)
                word->start = w->pos;
            word->end = w->pos + len;
        }
        w->sub++;
        if (r->flags & BL_UNI_PUNCT)
            return true;
    }
    return false;
}

/* One step from a character beyond ASCII; true when the word is complete. */
static bool step_wide(struct bl_words *w, struct bl_word *word)
{
    unsigned len;
    uint32_t cp = bl_utf8_decode(w->text + w->pos, w->size - w->pos, &len);
    const struct bl_uni_record *r = bl_uni(cp);
    bool done = false, cjk = (r->flags & BL_UNI_CJK) != 0;
    struct form f;

    if (r->flags & (BL_UNI_DROP | BL_UNI_SEPARATE)) {
        w->pos += len;
        return !(r->flags & BL_UNI_DROP) && w->buf.len > 0;
    }
    if (cjk && w->buf.len > 0)
        return true;
    form_of(w, cp, r, &f);
    if (f.n == 0) {
        /* A deleted mark: part of the word it stands in, and one of class
         * 0 parts the marks around it. */
        if (!r->ccc)
            end_run(w);
        if (w->buf.len > 0)
            word->end = w->pos + len;
    } else {
        done = take_form(w, word, &f, len);
    }
    if (w->sub >= f.n) {
        w->pos += len;
        w->sub = 0;
    }
    return done || (cjk && w->buf.len > 0);
}

bool bl_words_next(struct bl_words *w, struct bl_word *word)
{
    bool done = false;

    w->buf.len = 0;
    w->last_class = 0;
    while (!done && w->pos < w->size) {
        if ((unsigned char)w->text[w->pos] < 0x80)
            done = step_ascii(w, word);
        else
            done = step_wide(w, word);
    }
    end_run(w);
    word->p = w->buf.data;
    word->n = w->buf.len;
    return word->n > 0;
}
