/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "text/wordpiece.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "text/vocab.h"
#include "text/words.h"

enum {
    MAX_CHARS = 100,            /* a longer word is [UNK] */
    MAX_BYTES = 4 * MAX_CHARS,
    CACHE_BITS = 14,
    CACHE_KEY = 23,             /* bytes of the longest word kept */
    CACHE_IDS = 9,
    N_LITERALS = 8
};

/* A word and its ids, in one cache line.  The key is the word's bytes, zeros
 * after it, and its length in the last byte. */
struct cached {
    uint64_t key[3];
    uint32_t n;
    int32_t ids[CACHE_IDS];
};

struct literal {
    struct bl_span text;
    int32_t id;
    unsigned kind;              /* enum bl_literal */
};

struct bl_wordpiece {
    struct bl_vocab vocab;
    struct bl_specials specials;
    struct literal literals[N_LITERALS];
    size_t n_literals;
    bool literal_first[256];    /* the bytes that literals start with */
    bool lowercase;
    struct bl_words words;
    struct cached *cache;       /* [1 << CACHE_BITS] */
};

/* Where ids go: the first max, or (ring) the last max, at n % max. */
struct sink {
    int32_t *ids;
    size_t max, n;
    bool ring, full;
};

static inline void put_id(struct sink *s, int32_t id)
{
    if (s->ring) {
        s->ids[s->n++ % s->max] = id;
    } else if (s->n < s->max) {
        s->ids[s->n++] = id;
    } else {
        s->full = true;
    }
}

/* ---- Open and close ---- */

static int32_t find_text(const struct bl_wordpiece *wp, const char *text)
{
    return bl_wordpiece_find(wp, bl_span_of(text));
}

static int require(const struct bl_wordpiece *wp, const char *text,
                   int32_t *id, struct bl_err *err)
{
    *id = find_text(wp, text);
    if (*id >= 0)
        return 0;
    return bl_fail(err, BL_DATA, "'%s': no token '%s' on its %zu lines",
                   wp->vocab.path, text, wp->vocab.n);
}

static void add_literal(struct bl_wordpiece *wp, const char *text,
                        int32_t id, unsigned kind)
{
    struct literal *l = &wp->literals[wp->n_literals++];

    l->text = id < 0 ? bl_span_of(text)
                     : bl_vocab_token(&wp->vocab, (size_t)id);
    l->id = id < 0 ? wp->specials.unk : id;
    l->kind = kind;
    wp->literal_first[(unsigned char)text[0]] = true;
}

static int find_specials(struct bl_wordpiece *wp,
                         const struct bl_wordpiece_opts *opts,
                         struct bl_err *err)
{
    struct bl_specials *s = &wp->specials;

    if (require(wp, "[PAD]", &s->pad, err) < 0
        || require(wp, "[UNK]", &s->unk, err) < 0
        || require(wp, "[CLS]", &s->cls, err) < 0
        || require(wp, "[SEP]", &s->sep, err) < 0)
        return -1;
    s->mask = find_text(wp, "[MASK]");
    add_literal(wp, "[PAD]", s->pad, BL_LITERAL_SPECIALS);
    add_literal(wp, "[UNK]", s->unk, BL_LITERAL_SPECIALS);
    add_literal(wp, "[CLS]", s->cls, BL_LITERAL_SPECIALS);
    add_literal(wp, "[SEP]", s->sep, BL_LITERAL_SPECIALS);
    add_literal(wp, "[MASK]", s->mask, BL_LITERAL_SPECIALS);
    for (size_t i = 0; i < 3; i++) {
        const char *tag = opts->tags[i];

        s->tags[i] = -1;
        if (!tag)
            continue;
        if (require(wp, tag, &s->tags[i], err) < 0)
            return -1;
        add_literal(wp, tag, s->tags[i], BL_LITERAL_TAGS);
    }
    return 0;
}

struct bl_wordpiece *bl_wordpiece_open(const char *path,
                                       const struct bl_wordpiece_opts *opts,
                                       struct bl_err *err)
{
    struct bl_wordpiece *wp = BL_NEW(struct bl_wordpiece);

    wp->lowercase = opts->lowercase;
    if (bl_vocab_load(&wp->vocab, path, err) == 0
        && find_specials(wp, opts, err) == 0) {
        wp->cache = BL_NEW_ARRAY(struct cached, (size_t)1 << CACHE_BITS);
        return wp;
    }
    bl_wordpiece_close(wp);
    return NULL;
}

void bl_wordpiece_close(struct bl_wordpiece *wp)
{
    if (!wp)
        return;
    bl_vocab_free(&wp->vocab);
    bl_words_free(&wp->words);
    free(wp->cache);
    free(wp);
}

/* ---- The vocabulary ---- */

size_t bl_wordpiece_size(const struct bl_wordpiece *wp)
{
    return wp->vocab.n;
}

int bl_wordpiece_check_size(const struct bl_wordpiece *wp, size_t rows,
                            struct bl_err *err)
{
    size_t n = wp->vocab.n;

    if (n == rows)
        return 0;
    return bl_fail(err, BL_DATA, "'%s': line %zu: %zu words but the model "
                   "has %zu embeddings", wp->vocab.path,
                   n > rows ? rows + 1 : n, n, rows);
}

const struct bl_specials *bl_wordpiece_specials(const struct bl_wordpiece *wp)
{
    return &wp->specials;
}

struct bl_span bl_wordpiece_token(const struct bl_wordpiece *wp, int32_t id)
{
    BL_ASSERT(id >= 0 && (size_t)id < wp->vocab.n);
    return bl_vocab_token(&wp->vocab, (size_t)id);
}

int32_t bl_wordpiece_find(const struct bl_wordpiece *wp,
                          struct bl_span token)
{
    unsigned tail = token.n > 2 && token.p[0] == '#' && token.p[1] == '#'
                    ? 2 : 0;
    uint64_t hash = tail ? BL_VOCAB_TAIL : BL_VOCAB_HEAD;

    for (size_t i = tail; i < token.n; i++)
        hash = bl_vocab_step(hash, token.p[i]);
    return bl_vocab_find(&wp->vocab, hash, token.p + tail, token.n - tail,
                         tail);
}

/* ---- Words to pieces ---- */

/* The longest piece at the start of p[0..n); its bytes in *used. */
static int32_t longest_piece(const struct bl_vocab *v, const char *p,
                             size_t n, unsigned tail, size_t *used)
{
    uint64_t hash[MAX_BYTES + 1];
    uint32_t lengths = 0;

    if (n > v->longest[tail > 0])
        n = v->longest[tail > 0];
    hash[0] = tail ? BL_VOCAB_TAIL : BL_VOCAB_HEAD;
    for (size_t i = 0; i < n; i++)
        hash[i + 1] = bl_vocab_step(hash[i], p[i]);
    if (n > BL_VOCAB_SHORT)
        lengths = v->lengths[bl_vocab_group(hash[BL_VOCAB_SHORT])];
    for (; n > 0; n--) {
        int32_t id;

        if (n > BL_VOCAB_SHORT && !(lengths & bl_vocab_length_bit(n)))
            continue;
        id = bl_vocab_find(v, hash[n], p, n, tail);
        if (id >= 0) {
            *used = n;
            return id;
        }
    }
    return -1;
}

/* The ids of one word, at most MAX_CHARS; returns how many. */
static size_t cut_word(const struct bl_wordpiece *wp, const char *p,
                       size_t n, int32_t ids[MAX_CHARS])
{
    size_t at = 0, used = 0, k = 0;

    if (n > MAX_BYTES || bl_utf8_count(p, n) > MAX_CHARS)
        n = 0;
    while (at < n) {
        int32_t id = longest_piece(&wp->vocab, p + at, n - at, at ? 2 : 0,
                                   &used);

        if (id < 0)
            break;
        ids[k++] = id;
        at += used;
    }
    if (n > 0 && at == n)
        return k;
    ids[0] = wp->specials.unk;
    return 1;
}

/* ---- The cache ---- */

/* p has 24 readable bytes: the buffer of struct bl_words has. */
static inline void make_key(uint64_t key[3], const char *p, size_t n)
{
    key[0] = key[1] = key[2] = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    size_t full = n / 8, rest = n % 8;

    /* Whole words are read, as words.c wrote them, and masked: a copy of n
     * bytes would wait for each byte to reach the cache. */
    memcpy(&key[0], p, 8);
    if (full > 0)
        memcpy(&key[1], p + 8, 8);
    if (full > 1)
        memcpy(&key[2], p + 16, 8);
    key[full] &= (UINT64_C(1) << 8 * rest) - 1;
    key[2] |= (uint64_t)n << 56;
#else
    memcpy(key, p, n);
    ((unsigned char *)key)[23] = (unsigned char)n;
#endif
}

static inline struct cached *cache_slot(struct bl_wordpiece *wp,
                                        const uint64_t key[3])
{
    uint64_t h = key[0] * UINT64_C(0x9e3779b97f4a7c15);

    h = (h ^ h >> 32 ^ key[1]) * UINT64_C(0xd6e8feb86659fd93);
    h = (h ^ h >> 32 ^ key[2]) * UINT64_C(0x9e3779b97f4a7c15);
    return &wp->cache[h >> (64 - CACHE_BITS)];
}

static void put_word(struct bl_wordpiece *wp, const struct bl_word *word,
                     struct sink *s)
{
    int32_t ids[MAX_CHARS];
    struct cached *c = NULL;
    uint64_t key[3];
    size_t n;

    if (word->n <= CACHE_KEY) {
        make_key(key, word->p, word->n);
        c = cache_slot(wp, key);
        if (c->key[0] == key[0] && c->key[1] == key[1]
            && c->key[2] == key[2]) {
            for (size_t i = 0; i < c->n; i++)
                put_id(s, c->ids[i]);
            return;
        }
    }
    n = cut_word(wp, word->p, word->n, ids);
    for (size_t i = 0; i < n; i++)
        put_id(s, ids[i]);
    if (c && n <= CACHE_IDS) {
        memcpy(c->key, key, sizeof key);
        memcpy(c->ids, ids, n * sizeof *ids);
        c->n = (uint32_t)n;
    }
}

/* ---- Text to ids ---- */

static void put_text(struct bl_wordpiece *wp, const char *p, size_t n,
                     struct sink *s)
{
    struct bl_word word;

    bl_words_start(&wp->words, p, n, wp->lowercase);
    while (!s->full && bl_words_next(&wp->words, &word))
        put_word(wp, &word, s);
}

/* The literal at the start of p[0..n), if any. */
static const struct literal *literal_at(const struct bl_wordpiece *wp,
                                        const char *p, size_t n,
                                        unsigned kinds)
{
    for (size_t i = 0; i < wp->n_literals; i++) {
        const struct literal *l = &wp->literals[i];

        if (l->kind & kinds && l->text.n <= n
            && !memcmp(l->text.p, p, l->text.n))
            return l;
    }
    return NULL;
}

static void put_all(struct bl_wordpiece *wp, struct bl_span text,
                    unsigned kinds, struct sink *s)
{
    size_t from = 0, i = 0;

    if (text.n == 0)
        return;
    while (kinds && i < text.n && !s->full) {
        const struct literal *l = NULL;

        if (wp->literal_first[(unsigned char)text.p[i]])
            l = literal_at(wp, text.p + i, text.n - i, kinds);
        if (!l) {
            i++;
            continue;
        }
        put_text(wp, text.p + from, i - from, s);
        if (!s->full)
            put_id(s, l->id);
        i = from = i + l->text.n;
    }
    put_text(wp, text.p + from, text.n - from, s);
}

size_t bl_wordpiece_ids(struct bl_wordpiece *wp, struct bl_span text,
                        unsigned literal, int32_t *ids, size_t max,
                        bool *cut)
{
    struct sink s = { .ids = ids, .max = max };

    put_all(wp, text, literal, &s);
    if (cut)
        *cut = s.full;
    return s.n;
}

/* Turns the ring so that its oldest id comes first. */
static void unroll(int32_t *ids, size_t max, size_t n)
{
    size_t first = n % max;
    int32_t *old = bl_xmemdup(ids, max * sizeof *ids);

    memcpy(ids, old + first, (max - first) * sizeof *ids);
    memcpy(ids + max - first, old, first * sizeof *ids);
    free(old);
}

/* Where the last `bytes` or more bytes of text begin, after a space, so that
 * no word and no literal is cut. */
static size_t tail_start(struct bl_span text, size_t bytes)
{
    size_t i = text.n > bytes ? text.n - bytes : 0;

    while (i > 0 && text.p[i - 1] != ' ')
        i--;
    return i;
}

size_t bl_wordpiece_last_ids(struct bl_wordpiece *wp, struct bl_span text,
                             unsigned literal, int32_t *ids, size_t max,
                             bool *cut)
{
    struct sink s = { .ids = ids, .max = max, .ring = true };
    size_t from = text.n, bytes = 8 * max + 64;

    if (max == 0 || text.n == 0)
        return bl_wordpiece_ids(wp, text, literal, ids, 0, cut);
    do {
        from = tail_start(text, bytes);
        s.n = 0;
        put_all(wp, (struct bl_span){ text.p + from, text.n - from },
                literal, &s);
        bytes *= 2;
    } while (s.n <= max && from > 0);
    if (cut)
        *cut = s.n > max;
    if (s.n <= max)
        return s.n;
    unroll(ids, max, s.n);
    return max;
}
