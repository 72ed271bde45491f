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
#include "base/utf8.h"
#include "text/uni-tables.h"

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

void bl_words_start(struct bl_words *words, const char *text, size_t size,
                    bool lower)
{
    words->text = text;
    words->size = size;
    words->pos = 0;
    words->sub = 0;
    words->lower = lower;
    if (words->buf.cap < BUF_ROOM)
        bl_buf_reserve(&words->buf, BUF_ROOM);
}

void bl_words_free(struct bl_words *words)
{
    bl_buf_free(&words->buf);
    *words = (struct bl_words)BL_WORDS_INIT;
}

/* Puts the run of marks at the end of the word into canonical order: sorted by
 * combining class, stably.  One pass for each class that is present takes
 * linear time, however long a run someone makes. */
static void sort_run(struct bl_words *words)
{
    struct bl_span run = { words->buf.data + words->run,
                           words->buf.len - words->run };
    char *old = bl_xmemdup(run.p, run.n);
    bool present[256] = { false };
    char *to = words->buf.data + words->run;
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
    words->disorder = false;
}

/* A run of marks ends where a character of class 0 follows or the word ends;
 * only then is it known whole and can be sorted. */
static inline void end_run(struct bl_words *words)
{
    if (words->disorder)
        sort_run(words);
    words->last_class = 0;
}

static void put_cp(struct bl_words *words, uint32_t cp, uint8_t class)
{
    char bytes[4];
    unsigned n = bl_utf8_encode(cp, bytes);

    if (!class) {
        end_run(words);
    } else {
        if (!words->last_class)
            words->run = words->buf.len;
        words->disorder |= class < words->last_class;
        words->last_class = class;
    }
    bl_buf_put(&words->buf, bytes, n);
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ONES UINT64_C(0x0101010101010101)
#define TOPS UINT64_C(0x8080808080808080)

/* The top bit of each byte that is in [lo, hi], for bytes below 0x80.  The
 * first sum sets it from lo on, the second above hi, and no sum exceeds 0xFF,
 * so nothing is carried into the next byte. */
static inline uint64_t in_range(uint64_t bytes, unsigned lo, unsigned hi)
{
    return ((bytes + ONES * (0x80 - lo)) ^ (bytes + ONES * (0x7F - hi)))
        & TOPS;
}

/* Eight bytes at a time: the letters and digits of the text, in lower case
 * if wanted, to `to`, where eight bytes are written.  Returns how many there
 * are, 8 for "go on".  Words are short: mostly one call does a word, without
 * a branch for each byte. */
static inline unsigned take_eight(char *to, const unsigned char *text,
                                  bool lower)
{
    uint64_t bytes, low, seven, stop;

    memcpy(&bytes, text, 8);
    seven = bytes & ~TOPS;
    low = seven | in_range(seven, 'A', 'Z') >> 2;
    stop = ~(in_range(low, 'a', 'z') | in_range(low, '0', '9')) | bytes;
    if (lower)
        bytes = low;
    memcpy(to, &bytes, 8);
    stop &= TOPS;
    return stop ? (unsigned)__builtin_ctzll(stop) / 8 : 8;
}
#endif

/* A run of ASCII letters and digits at text[pos]. */
static void take_ascii(struct bl_words *words)
{
    const unsigned char *text = (const unsigned char *)words->text;
    struct bl_buf *buf = &words->buf;
    size_t i = words->pos;
    unsigned n = 8;

    end_run(words);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (; n == 8 && i + 8 <= words->size; i += n) {
        if (buf->cap - buf->len <= 8)
            bl_buf_reserve(buf, 8);
        n = take_eight(buf->data + buf->len, text + i, words->lower);
        buf->len += n;
    }
#endif
    for (; n == 8 && i < words->size && text[i] < 0x80
         && ascii[text[i]].kind == A_WORD; i++) {
        if (buf->cap - buf->len <= 1)
            bl_buf_reserve(buf, 1);
        buf->data[buf->len++] = (char)(words->lower ? ascii[text[i]].low
                                                    : text[i]);
    }
    words->pos = i;
}

/* One step from an ASCII character; true when the word is complete. */
static inline bool step_ascii(struct bl_words *words, struct bl_word *word)
{
    unsigned char byte = (unsigned char)words->text[words->pos];
    bool empty = words->buf.len == 0;

    switch (ascii[byte].kind) {
    case A_WORD:
        if (empty)
            word->start = words->pos;
        take_ascii(words);
        word->end = words->pos;
        return false;
    case A_PUNCT:
        if (!empty)
            return true;
        words->buf.data[words->buf.len++] = (char)byte;
        word->start = words->pos++;
        word->end = words->pos;
        return true;
    case A_SPACE:
        words->pos++;
        return !empty;
    default:
        words->pos++;
        return false;
    }
}

/* What one character turns into. */
struct form {
    const uint32_t *cp;
    unsigned n;
    uint32_t own[3];
};

/* A syllable is decomposed by arithmetic (The Unicode Standard, 3.12): 588 of
 * them for each leading consonant, 28 for each vowel. */
static void hangul(struct form *form, uint32_t cp)
{
    uint32_t syllable = cp - HANGUL_FIRST;

    form->own[0] = 0x1100 + syllable / 588;
    form->own[1] = 0x1161 + syllable % 588 / 28;
    form->own[2] = 0x11A7 + syllable % 28;
    form->n = syllable % 28 ? 3 : 2;
}

static void form_of(const struct bl_words *words, uint32_t cp,
                    const struct bl_uni_record *record, struct form *form)
{
    form->cp = form->own;
    form->n = 1;
    form->own[0] = cp;
    if (!words->lower)
        return;
    if (record->flags & BL_UNI_MAPPED) {
        form->cp = bl_uni_map + record->map;
        form->n = record->len;
        if (cp == BL_UNI_SIGMA
            && bl_uni_final_sigma(words->text, words->size, words->pos,
                                  true)) {
            form->cp = form->own;
            form->own[0] = 0x3C2;
        }
    } else if (cp >= HANGUL_FIRST && cp <= HANGUL_LAST) {
        hangul(form, cp);
    }
}

/* Adds the characters of form from words->sub on.  True when the word is
 * complete; words->sub is then where the next word begins. */
static bool take_form(struct bl_words *words, struct bl_word *word,
                      const struct form *form, unsigned len)
{
    while (words->sub < form->n) {
        const struct bl_uni_record *record = bl_uni(form->cp[words->sub]);
        bool empty = words->buf.len == 0;

        if (!empty && record->flags & (BL_UNI_PUNCT | BL_UNI_SPACE))
            return true;
        if (!(record->flags & BL_UNI_SPACE)) {
            put_cp(words, form->cp[words->sub],
                   words->lower ? record->ccc : 0);
            if (empty)
                word->start = words->pos;
            word->end = words->pos + len;
        }
        words->sub++;
        if (record->flags & BL_UNI_PUNCT)
            return true;
    }
    return false;
}

/* One step from a character beyond ASCII; true when the word is complete. */
static bool step_wide(struct bl_words *words, struct bl_word *word)
{
    unsigned len;
    uint32_t cp = bl_utf8_decode(words->text + words->pos,
                                 words->size - words->pos, &len);
    const struct bl_uni_record *record = bl_uni(cp);
    bool done = false, cjk = (record->flags & BL_UNI_CJK) != 0;
    struct form form;

    if (record->flags & (BL_UNI_DROP | BL_UNI_SEPARATE)) {
        words->pos += len;
        return !(record->flags & BL_UNI_DROP) && words->buf.len > 0;
    }
    if (cjk && words->buf.len > 0)
        return true;
    form_of(words, cp, record, &form);
    if (form.n == 0) {
        /* A deleted mark: part of the word it stands in, and one of class
         * 0 parts the marks around it. */
        if (!record->ccc)
            end_run(words);
        if (words->buf.len > 0)
            word->end = words->pos + len;
    } else {
        done = take_form(words, word, &form, len);
    }
    if (words->sub >= form.n) {
        words->pos += len;
        words->sub = 0;
    }
    return done || (cjk && words->buf.len > 0);
}

bool bl_words_next(struct bl_words *words, struct bl_word *word)
{
    bool done = false;

    words->buf.len = 0;
    words->last_class = 0;
    while (!done && words->pos < words->size) {
        if ((unsigned char)words->text[words->pos] < 0x80)
            done = step_ascii(words, word);
        else
            done = step_wide(words, word);
    }
    end_run(words);
    word->p = words->buf.data;
    word->n = words->buf.len;
    return word->n > 0;
}
