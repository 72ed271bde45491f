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

/* A word and its ids, in one cache line of the processor.  The key is the
 * word's bytes, then zeros, and its length in the last byte, which is 0 only
 * in a slot that was never filled. */
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

/* Where ids go.  It keeps the first max of them, or with `ring` the last max,
 * of which number n is at ids[n % max]. */
struct sink {
    int32_t *ids;
    struct bl_piece *pieces;    /* their places; NULL: not wanted */
    const char *text;           /* the part that is read now, and where it */
    size_t base;                /* begins */
    size_t max, n;
    bool ring, full;
};

static inline void put_id(struct sink *sink, int32_t id)
{
    if (sink->ring) {
        sink->ids[sink->n++ % sink->max] = id;
    } else if (sink->n < sink->max) {
        sink->ids[sink->n++] = id;
    } else {
        sink->full = true;
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
    struct literal *literal = &wp->literals[wp->n_literals++];

    literal->text = id < 0 ? bl_span_of(text)
                           : bl_vocab_token(&wp->vocab, (size_t)id);
    literal->id = id < 0 ? wp->specials.unk : id;
    literal->kind = kind;
    wp->literal_first[(unsigned char)text[0]] = true;
}

/* All specials but [MASK] must be there.  A typed [MASK] that the vocabulary
 * lacks becomes [UNK] in add_literal(), as tokens that are not found do in the
 * original. */
static int find_specials(struct bl_wordpiece *wp,
                         const struct bl_wordpiece_opts *opts,
                         struct bl_err *err)
{
    struct bl_specials *specials = &wp->specials;

    if (require(wp, "[PAD]", &specials->pad, err) < 0
        || require(wp, "[UNK]", &specials->unk, err) < 0
        || require(wp, "[CLS]", &specials->cls, err) < 0
        || require(wp, "[SEP]", &specials->sep, err) < 0)
        return -1;
    specials->mask = find_text(wp, "[MASK]");
    add_literal(wp, "[PAD]", specials->pad, BL_LITERAL_SPECIALS);
    add_literal(wp, "[UNK]", specials->unk, BL_LITERAL_SPECIALS);
    add_literal(wp, "[CLS]", specials->cls, BL_LITERAL_SPECIALS);
    add_literal(wp, "[SEP]", specials->sep, BL_LITERAL_SPECIALS);
    add_literal(wp, "[MASK]", specials->mask, BL_LITERAL_SPECIALS);
    for (size_t i = 0; i < 3; i++) {
        const char *tag = opts->tags[i];

        specials->tags[i] = -1;
        if (!tag)
            continue;
        if (require(wp, tag, &specials->tags[i], err) < 0)
            return -1;
        add_literal(wp, tag, specials->tags[i], BL_LITERAL_TAGS);
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
    size_t tokens = wp->vocab.n;

    if (tokens == rows)
        return 0;
    return bl_fail(err, BL_DATA, "'%s': line %zu: %zu words but the model "
                   "has %zu embeddings", wp->vocab.path,
                   tokens > rows ? rows + 1 : tokens, tokens, rows);
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

/* Finds the longest piece at the start of text[0..len); its bytes in *used.
 * The hashes of all prefixes come from one walk, and `lengths` tells which
 * lengths of pieces begin with these three bytes, so most prefixes are never
 * looked up. */
static int32_t longest_piece(const struct bl_vocab *vocab, const char *text,
                             size_t len, unsigned tail, size_t *used)
{
    uint64_t hash[MAX_BYTES + 1];
    uint32_t lengths = 0;

    if (len > vocab->longest[tail > 0])
        len = vocab->longest[tail > 0];
    hash[0] = tail ? BL_VOCAB_TAIL : BL_VOCAB_HEAD;
    for (size_t i = 0; i < len; i++)
        hash[i + 1] = bl_vocab_step(hash[i], text[i]);
    if (len > BL_VOCAB_SHORT)
        lengths = vocab->lengths[bl_vocab_group(hash[BL_VOCAB_SHORT])];
    for (; len > 0; len--) {
        int32_t id;

        if (len > BL_VOCAB_SHORT && !(lengths & bl_vocab_length_bit(len)))
            continue;
        id = bl_vocab_find(vocab, hash[len], text, len, tail);
        if (id >= 0) {
            *used = len;
            return id;
        }
    }
    return -1;
}

/* The ids of one word, at most MAX_CHARS; returns how many. */
static size_t cut_word(const struct bl_wordpiece *wp, const char *word,
                       size_t len, int32_t ids[MAX_CHARS])
{
    size_t at = 0, used = 0, n_ids = 0;

    if (len > MAX_BYTES || bl_utf8_count(word, len) > MAX_CHARS)
        len = 0;
    while (at < len) {
        int32_t id = longest_piece(&wp->vocab, word + at, len - at, at ? 2 : 0,
                                   &used);

        if (id < 0)
            break;
        ids[n_ids++] = id;
        at += used;
    }
    if (len > 0 && at == len)
        return n_ids;
    ids[0] = wp->specials.unk;
    return 1;
}

/* ---- Places ---- */

/* A word's characters, read one after another to see how many bytes of the
 * word each gives, since lower-casing and decomposing change their number. */
struct walk {
    struct bl_span text;
    struct bl_words one;        /* of a character alone */
    size_t at, last;            /* bytes read, and where the last that gives
                                 * any begins */
    size_t left;                /* of the word, given and in no piece yet */
};

/* The form of a final sigma, which depends on its neighbours, is as long as
 * the other. */
static size_t bytes_of(struct walk *walk, bool lower, unsigned *len)
{
    struct bl_word word;
    size_t n = 0;

    bl_utf8_decode(walk->text.p + walk->at, walk->text.n - walk->at, len);
    bl_words_start(&walk->one, walk->text.p + walk->at, *len, lower);
    while (bl_words_next(&walk->one, &word))
        n += word.n;
    return n;
}

/* The characters that give the next n bytes.  One that gives nothing, as an
 * accent does, belongs to what is before it. */
static struct bl_piece next_piece(struct walk *walk, bool lower, size_t n)
{
    struct bl_piece piece = { walk->left ? walk->last : walk->at, 0 };
    unsigned len;

    while (walk->left < n && walk->at < walk->text.n) {
        size_t given = bytes_of(walk, lower, &len);

        if (given)
            walk->last = walk->at;
        else if (piece.start == walk->at && walk->at)
            piece.start += len;
        walk->left += given;
        walk->at += len;
    }
    walk->left -= BL_MIN(walk->left, n);
    piece.end = walk->at;
    return piece;
}

/* The places of ids[0..n) of a word, of which the sink has room for `kept`.
 * The last reaches to the word's end. */
static void place_word(const struct bl_wordpiece *wp,
                       const struct bl_word *word, const int32_t *ids,
                       size_t n, size_t kept, const struct sink *sink)
{
    struct bl_piece *pieces = sink->pieces + sink->n - kept;
    struct walk walk = { .text = { sink->text + word->start,
                                   word->end - word->start } };

    for (size_t i = 0; i < kept; i++) {
        size_t bytes = bl_vocab_token(&wp->vocab, (size_t)ids[i]).n;
        struct bl_piece piece;

        piece = next_piece(&walk, wp->lowercase,
                           i + 1 == n ? SIZE_MAX : i ? bytes - 2 : bytes);
        pieces[i] = (struct bl_piece){ sink->base + word->start + piece.start,
                                       sink->base + word->start + piece.end };
        if (i && pieces[i].start > pieces[i - 1].end)
            pieces[i - 1].end = pieces[i].start;
    }
    bl_words_free(&walk.one);
}

/* ---- The cache ---- */

/* Reads up to 24 bytes whatever the length of the word, which the buffer of
 * struct bl_words has room for. */
static inline void make_key(uint64_t key[3], const char *word, size_t len)
{
    key[0] = key[1] = key[2] = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    size_t full = len / 8, rest = len % 8;

    /* Whole words are read, as words.c wrote them, and masked: a copy of
     * len bytes would wait for each byte to reach the cache. */
    memcpy(&key[0], word, 8);
    if (full > 0)
        memcpy(&key[1], word + 8, 8);
    if (full > 1)
        memcpy(&key[2], word + 16, 8);
    key[full] &= (UINT64_C(1) << 8 * rest) - 1;
    key[2] |= (uint64_t)len << 56;
#else
    memcpy(key, word, len);
    ((unsigned char *)key)[23] = (unsigned char)len;
#endif
}

static inline struct cached *cache_slot(struct bl_wordpiece *wp,
                                        const uint64_t key[3])
{
    uint64_t hash = key[0] * UINT64_C(0x9e3779b97f4a7c15);

    hash = (hash ^ hash >> 32 ^ key[1]) * UINT64_C(0xd6e8feb86659fd93);
    hash = (hash ^ hash >> 32 ^ key[2]) * UINT64_C(0x9e3779b97f4a7c15);
    return &wp->cache[hash >> (64 - CACHE_BITS)];
}

/* A word has one slot in the cache, and the last word to need that slot has
 * it.  Keys are compared whole, so words with the same hash cost time but are
 * never taken for each other. */
static void put_word(struct bl_wordpiece *wp, const struct bl_word *word,
                     struct sink *sink)
{
    int32_t ids[MAX_CHARS];
    struct cached *cached = NULL;
    uint64_t key[3];
    size_t n_ids, before = sink->n;

    if (word->n <= CACHE_KEY) {
        make_key(key, word->p, word->n);
        cached = cache_slot(wp, key);
        if (cached->key[0] == key[0] && cached->key[1] == key[1]
            && cached->key[2] == key[2]) {
            for (size_t i = 0; i < cached->n; i++)
                put_id(sink, cached->ids[i]);
            if (sink->pieces)
                place_word(wp, word, cached->ids, cached->n, sink->n - before,
                           sink);
            return;
        }
    }
    n_ids = cut_word(wp, word->p, word->n, ids);
    for (size_t i = 0; i < n_ids; i++)
        put_id(sink, ids[i]);
    if (sink->pieces)
        place_word(wp, word, ids, n_ids, sink->n - before, sink);
    if (cached && n_ids <= CACHE_IDS) {
        memcpy(cached->key, key, sizeof key);
        memcpy(cached->ids, ids, n_ids * sizeof *ids);
        cached->n = (uint32_t)n_ids;
    }
}

/* ---- Text to ids ---- */

static void put_text(struct bl_wordpiece *wp, const char *text, size_t len,
                     struct sink *sink)
{
    struct bl_word word;

    sink->text = text;
    bl_words_start(&wp->words, text, len, wp->lowercase);
    while (!sink->full && bl_words_next(&wp->words, &word))
        put_word(wp, &word, sink);
}

/* Returns the literal that the text begins with, or NULL. */
static const struct literal *literal_at(const struct bl_wordpiece *wp,
                                        const char *text, size_t len,
                                        unsigned kinds)
{
    for (size_t i = 0; i < wp->n_literals; i++) {
        const struct literal *literal = &wp->literals[i];

        if (literal->kind & kinds && literal->text.n <= len
            && !memcmp(literal->text.p, text, literal->text.n))
            return literal;
    }
    return NULL;
}

/* Literals are looked for before lower-casing, anywhere in the text, and what
 * is between them is tokenized piece by piece: "a[SEP]b" is "a", the special
 * token, "b". */
static void put_all(struct bl_wordpiece *wp, struct bl_span text,
                    unsigned kinds, struct sink *sink)
{
    size_t from = 0, i = 0;

    if (text.n == 0)
        return;
    while (kinds && i < text.n && !sink->full) {
        const struct literal *literal = NULL;

        if (wp->literal_first[(unsigned char)text.p[i]])
            literal = literal_at(wp, text.p + i, text.n - i, kinds);
        if (!literal) {
            i++;
            continue;
        }
        sink->base = from;
        put_text(wp, text.p + from, i - from, sink);
        if (!sink->full)
            put_id(sink, literal->id);
        if (!sink->full && sink->pieces)
            sink->pieces[sink->n - 1] = (struct bl_piece){
                i, i + literal->text.n
            };
        i = from = i + literal->text.n;
    }
    sink->base = from;
    put_text(wp, text.p + from, text.n - from, sink);
}

size_t bl_wordpiece_ids(struct bl_wordpiece *wp, struct bl_span text,
                        unsigned literal, int32_t *ids, size_t max,
                        bool *cut)
{
    struct sink sink = { .ids = ids, .max = max };

    put_all(wp, text, literal, &sink);
    if (cut)
        *cut = sink.full;
    return sink.n;
}

size_t bl_wordpiece_places(struct bl_wordpiece *wp, struct bl_span text,
                           unsigned literal, int32_t *ids,
                           struct bl_piece *pieces, size_t max, bool *cut)
{
    struct sink sink = { .ids = ids, .pieces = pieces, .max = max };

    put_all(wp, text, literal, &sink);
    if (cut)
        *cut = sink.full;
    return sink.n;
}

/* Turns the ring so that its oldest id comes first. */
static void unroll(int32_t *ids, size_t max, size_t count)
{
    size_t first = count % max;
    int32_t *old = bl_xmemdup(ids, max * sizeof *ids);

    memcpy(ids, old + first, (max - first) * sizeof *ids);
    memcpy(ids + max - first, old, first * sizeof *ids);
    free(old);
}

/* Where the last `bytes` or more bytes of the text begin.  That is after a
 * space, so that neither a word nor a literal is cut. */
static size_t tail_start(struct bl_span text, size_t bytes)
{
    size_t i = text.n > bytes ? text.n - bytes : 0;

    while (i > 0 && text.p[i - 1] != ' ')
        i--;
    return i;
}

/* A context may be much longer than what is kept of it, so only its end is
 * tokenized: 8 bytes for each id at first, twice as many again while they give
 * too few.  Each try starts after a space, where a word begins in any case, so
 * its ids are the last of the whole text's. */
size_t bl_wordpiece_last_ids(struct bl_wordpiece *wp, struct bl_span text,
                             unsigned literal, int32_t *ids, size_t max,
                             bool *cut)
{
    struct sink sink = { .ids = ids, .max = max, .ring = true };
    size_t from = text.n, bytes = 8 * max + 64;

    if (max == 0 || text.n == 0)
        return bl_wordpiece_ids(wp, text, literal, ids, 0, cut);
    do {
        from = tail_start(text, bytes);
        sink.n = 0;
        put_all(wp, (struct bl_span){ text.p + from, text.n - from },
                literal, &sink);
        bytes *= 2;
    } while (sink.n <= max && from > 0);
    if (cut)
        *cut = sink.n > max;
    if (sink.n <= max)
        return sink.n;
    unroll(ids, max, sink.n);
    return max;
}
