/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "kb/names-build.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/sorter.h"
#include "kb/kb-build.h"
#include "kb/names-file.h"
#include "text/fold.h"

enum {
    SORTER = 128 << 20,         /* bytes of memory for the names */
    LINKS = 32 << 20,           /* and for where redirects lead */
    MOST_HOPS = 8
};

static const uint32_t no_target = UINT32_MAX;

/* All names of one normal form. */
struct group {
    struct bl_buf folded, title;
    struct bl_buf target;       /* folded; empty: it is a title */
};

struct bl_names_builder {
    struct bl_newfile *file;
    unsigned char header[NAMES_HEADER];
    struct bl_sha256 body;
    /* Keys: folded, NUL, as spelled, NUL, folded target or nothing. */
    struct bl_sorter *names;
    struct bl_sorter *links;    /* folded target, NUL, number of the name */
    struct bl_buf name, target, key;
    uint32_t *targets;          /* [n] the number of the title a name leads
                                 * to; no_target: it is one */
    size_t n, n_redirects;
    struct bl_span pending;     /* read ahead from names; p == NULL: none */
    bool ended;
    uint32_t *table;            /* [n_blocks] */
    size_t n_blocks;
};

/* ---- Opening ---- */

static int put_notes(struct bl_names_builder *builder,
                     const char *const *notes, struct bl_err *err)
{
    for (size_t i = 0; i < BL_N_NAMES_NOTES; i++) {
        const char *note = notes[i] ? notes[i] : "";

        if (i == BL_NAMES_NOTE_CREATED)
            continue;
        if (strlen(note) >= names_fields[i].size)
            return bl_fail(err, BL_USAGE, "a text of %zu bytes, of which a "
                           "file of names holds %zu", strlen(note),
                           names_fields[i].size - 1);
        memcpy(builder->header + names_fields[i].at, note, strlen(note));
    }
    if (builder->header[AT_SITE]
        && !bl_names_is_site(bl_span_of(notes[BL_NAMES_NOTE_SITE])))
        return bl_fail(err, BL_USAGE, "'%s': expected letters, digits, '-' "
                       "and '_', such as enwiki", notes[BL_NAMES_NOTE_SITE]);
    bl_kb_timestamp((char *)builder->header + AT_CREATED);
    return 0;
}

struct bl_names_builder *bl_names_build_open(const char *path,
                                             const char *const *notes,
                                             struct bl_err *err)
{
    struct bl_names_builder *builder = BL_NEW(struct bl_names_builder);

    if (put_notes(builder, notes, err) == 0)
        builder->file = bl_newfile_open(path, 0, err);
    if (!builder->file
        || bl_newfile_write(builder->file, builder->header, NAMES_HEADER,
                            err) < 0) {
        bl_names_build_abort(builder);
        return NULL;
    }
    bl_sha256_init(&builder->body);
    builder->names = bl_sorter_new(SORTER, path);
    builder->links = bl_sorter_new(LINKS, path);
    return builder;
}

void bl_names_build_abort(struct bl_names_builder *builder)
{
    if (!builder)
        return;
    if (builder->file)
        bl_newfile_abort(builder->file);
    bl_sorter_free(builder->names);
    bl_sorter_free(builder->links);
    bl_buf_free(&builder->name);
    bl_buf_free(&builder->target);
    bl_buf_free(&builder->key);
    free(builder->targets);
    free(builder->table);
    free(builder);
}

/* ---- Adding ---- */

static void take_name(struct bl_buf *out, struct bl_span name)
{
    bl_buf_clear(out);
    for (size_t i = 0; i < name.n; i++)
        bl_buf_putc(out, name.p[i] == '_' ? ' ' : name.p[i]);
}

static struct bl_span span_of(const struct bl_buf *buf)
{
    return (struct bl_span){ buf->data, buf->len };
}

/* Begins the key of a name; false when the name cannot be filed. */
static bool begin_key(struct bl_names_builder *builder,
                      const struct bl_buf *name)
{
    bl_buf_clear(&builder->key);
    bl_fold(&builder->key, span_of(name));
    if (!builder->key.len || builder->key.len > BL_NAMES_LONGEST
        || name->len > BL_NAMES_LONGEST)
        return false;
    bl_buf_putc(&builder->key, '\0');
    bl_buf_put(&builder->key, name->data, name->len);
    bl_buf_putc(&builder->key, '\0');
    return true;
}

int bl_names_build_add(struct bl_names_builder *builder, struct bl_span name,
                       struct bl_span target, struct bl_err *err)
{
    take_name(&builder->name, name);
    if (target.p) {
        take_name(&builder->target, target);
        if (!begin_key(builder, &builder->name)
            || !begin_key(builder, &builder->target))
            return 0;
        /* What redirects lead to is a name as well. */
        if (bl_sorter_add(builder->names, span_of(&builder->key), 1, err) < 0)
            return -1;
    }
    if (!begin_key(builder, &builder->name))
        return 0;
    if (target.p)
        bl_fold(&builder->key, span_of(&builder->target));
    return bl_sorter_add(builder->names, span_of(&builder->key), 1, err) < 0
        ? -1 : 1;
}

/* ---- Groups: the names of one normal form ---- */

static int start_groups(struct bl_names_builder *builder, struct bl_err *err)
{
    builder->pending = (struct bl_span){ NULL, 0 };
    builder->ended = false;
    return bl_sorter_start(builder->names, err);
}

/* Makes the next key pending; NULL for it at the end. */
static int read_key(struct bl_names_builder *builder, struct bl_err *err)
{
    uint64_t sum;
    int rc = bl_sorter_next(builder->names, &builder->pending, &sum, err);

    if (rc == 0) {
        builder->pending = (struct bl_span){ NULL, 0 };
        builder->ended = true;
    }
    return rc < 0 ? -1 : 0;
}

static bool same_bytes(struct bl_span span, const struct bl_buf *buf)
{
    return bl_span_eq(span, span_of(buf));
}

static void set(struct bl_buf *buf, struct bl_span span)
{
    bl_buf_clear(buf);
    bl_buf_put_span(buf, span);
}

struct key {
    struct bl_span folded, name, target;
};

static struct key split(struct bl_span bytes)
{
    const char *end = bytes.p + bytes.n;
    const char *first = memchr(bytes.p, '\0', bytes.n);
    const char *second = memchr(first + 1, '\0', (size_t)(end - first - 1));

    return (struct key){
        { bytes.p, (size_t)(first - bytes.p) },
        { first + 1, (size_t)(second - first - 1) },
        { second + 1, (size_t)(end - second - 1) }
    };
}

/* Keys of one spelling come one after another, without a target first: so it
 * is a title if no key with a target follows.  A target of the same normal
 * form leads nowhere. */
struct choice {
    struct bl_buf last;         /* the spelling that may be a title */
    bool waits, has_title, has_redirect;
};

static void end_spelling(struct choice *choice, struct group *group)
{
    if (choice->waits && !choice->has_title) {
        set(&group->title, span_of(&choice->last));
        bl_buf_clear(&group->target);
        choice->has_title = true;
    }
    choice->waits = false;
}

static void choose(struct choice *choice, struct group *group,
                   const struct key *key)
{
    if (!key->target.n) {
        end_spelling(choice, group);
        set(&choice->last, key->name);
        choice->waits = true;
        return;
    }
    if (choice->waits && same_bytes(key->name, &choice->last))
        choice->waits = false;
    end_spelling(choice, group);
    if (choice->has_title || choice->has_redirect)
        return;
    if (!same_bytes(key->target, &group->folded)) {
        set(&group->title, key->name);
        set(&group->target, key->target);
        choice->has_redirect = true;
    } else if (!group->title.len) {
        set(&group->title, key->name);
    }
}

/* 1 with the next group, 0 at the end, -1. */
static int next_group(struct bl_names_builder *builder, struct group *group,
                      struct bl_err *err)
{
    struct choice choice = { .last = BL_BUF_INIT };
    struct key key;
    int rc = 0;

    if (!builder->pending.p && !builder->ended && read_key(builder, err) < 0)
        return -1;
    if (builder->ended)
        return 0;
    key = split(builder->pending);
    set(&group->folded, key.folded);
    bl_buf_clear(&group->title);
    bl_buf_clear(&group->target);
    while (rc == 0 && same_bytes(key.folded, &group->folded)) {
        choose(&choice, group, &key);
        rc = read_key(builder, err);
        if (builder->ended)
            break;
        if (rc == 0)
            key = split(builder->pending);
    }
    end_spelling(&choice, group);
    bl_buf_free(&choice.last);
    return rc < 0 ? -1 : 1;
}

static void group_free(struct group *group)
{
    bl_buf_free(&group->folded);
    bl_buf_free(&group->title);
    bl_buf_free(&group->target);
}

/* ---- Where redirects lead ---- */

/* Numbers all names, and sorts redirects by where they lead. */
static int number_names(struct bl_names_builder *builder, struct bl_err *err)
{
    struct group group = { .folded = BL_BUF_INIT };
    unsigned char number[4];
    int rc = start_groups(builder, err) < 0 ? -1 : 1;

    while (rc == 1 && (rc = next_group(builder, &group, err)) == 1) {
        if (builder->n == MOST_NAMES)
            rc = bl_fail(err, BL_DATA, "more than %d names", MOST_NAMES);
        if (rc == 1 && group.target.len) {
            set(&builder->key, span_of(&group.target));
            bl_put_le(number, builder->n, sizeof number);
            bl_buf_putc(&builder->key, '\0');
            bl_buf_put(&builder->key, number, sizeof number);
            if (bl_sorter_add(builder->links, span_of(&builder->key), 1,
                              err) < 0)
                rc = -1;
        }
        builder->n++;
    }
    group_free(&group);
    return rc;
}

/* The next link; *folded is NULL at the end. */
static int next_link(struct bl_names_builder *builder, struct bl_span *folded,
                     uint32_t *number, struct bl_err *err)
{
    struct bl_span key;
    uint64_t sum;
    int rc = bl_sorter_next(builder->links, &key, &sum, err);

    *folded = (struct bl_span){ NULL, 0 };
    if (rc != 1)
        return rc;
    *folded = (struct bl_span){ key.p, key.n - 5 };
    *number = bl_le32((const unsigned char *)key.p + key.n - 4);
    return 0;
}

/* Both are sorted by normal form, so one pass over both finds all. */
static int join_links(struct bl_names_builder *builder, struct bl_err *err)
{
    struct group group = { .folded = BL_BUF_INIT };
    struct bl_span folded;
    uint32_t number, at = 0;
    int rc = -1;

    if (start_groups(builder, err) == 0
        && bl_sorter_start(builder->links, err) == 0)
        rc = next_link(builder, &folded, &number, err);
    for (; rc == 0 && (rc = next_group(builder, &group, err)) == 1; at++) {
        rc = 0;
        while (rc == 0 && folded.p && same_bytes(folded, &group.folded)) {
            builder->targets[number] = at;
            rc = next_link(builder, &folded, &number, err);
        }
    }
    group_free(&group);
    return rc;
}

/* A redirect to a redirect leads where that one does; one that leads to
 * itself in the end is a title. */
static void follow(struct bl_names_builder *builder)
{
    uint32_t *targets = builder->targets;

    for (size_t i = 0; i < builder->n; i++) {
        uint32_t to = targets[i];

        for (size_t hops = 0; hops < MOST_HOPS && to != no_target
                 && targets[to] != no_target; hops++)
            to = targets[to];
        if (to == i || (to != no_target && targets[to] != no_target))
            to = no_target;
        targets[i] = to;
    }
    for (size_t i = 0; i < builder->n; i++) {
        /* What became a title after others led through it. */
        if (targets[i] != no_target && targets[targets[i]] != no_target)
            targets[i] = targets[targets[i]];
        builder->n_redirects += targets[i] != no_target;
    }
}

/* ---- Writing ---- */

static int put(struct bl_names_builder *builder, const void *bytes,
               size_t size, struct bl_err *err)
{
    bl_sha256_add(&builder->body, bytes, size);
    return bl_newfile_write(builder->file, bytes, size, err);
}

static size_t shared_with(const struct bl_buf *last, struct bl_span form)
{
    size_t n = 0, most = BL_MIN(BL_MIN(last->len, form.n), SHARED_MAX);

    while (n < most && last->data[n] == form.p[n])
        n++;
    return n;
}

/* Appends the entry of one name; last is the normal form before it in the
 * block, empty for the first.  A spelling that takes too many steps is left
 * out: the title is then its normal form. */
static void put_entry(struct bl_names_builder *builder,
                      const struct group *group, uint32_t target,
                      const struct bl_buf *last, struct bl_buf *out)
{
    struct bl_span form = span_of(&group->folded);
    size_t shared = shared_with(last, form), own = form.n - shared;
    unsigned head = (unsigned)(shared | BL_MIN(own, OWN_MAX) << SHARED_BITS);
    struct bl_buf *steps = &builder->key;
    unsigned char bytes[4];

    bl_buf_clear(steps);
    if (target == no_target)
        bl_names_spell(form, span_of(&group->title), steps);
    else
        head |= IS_REDIRECT;
    if (steps->len && steps->len <= UINT8_MAX)
        head |= IS_SPELLED;
    bl_buf_putc(out, (char)(head & 0xff));
    bl_buf_putc(out, (char)(head >> 8));
    if (own >= OWN_MAX)
        bl_buf_putc(out, (char)(own - OWN_MAX));
    bl_buf_put(out, form.p + shared, own);
    if (head & IS_REDIRECT) {
        bl_put_le(bytes, target, sizeof bytes);
        bl_buf_put(out, bytes, sizeof bytes);
    }
    if (head & IS_SPELLED) {
        bl_buf_putc(out, (char)steps->len);
        bl_buf_put_span(out, span_of(steps));
    }
}

static int write_blocks(struct bl_names_builder *builder, struct bl_err *err)
{
    struct group group = { .folded = BL_BUF_INIT };
    struct bl_buf last = BL_BUF_INIT, out = BL_BUF_INIT;
    uint64_t at = 0;
    int rc = start_groups(builder, err);

    for (size_t i = 0; i < builder->n && rc == 0; i++) {
        rc = next_group(builder, &group, err) == 1 ? 0 : -1;
        if (rc < 0)
            break;
        if (i % PER_BLOCK == 0) {
            builder->table[builder->n_blocks++] = (uint32_t)at;
            bl_buf_clear(&last);
        }
        bl_buf_clear(&out);
        put_entry(builder, &group, builder->targets[i], &last, &out);
        set(&last, span_of(&group.folded));
        at += out.len;
        if (at > UINT32_MAX)
            rc = bl_fail(err, BL_DATA, "more names than a file of 4 GiB "
                         "holds");
        else
            rc = put(builder, out.data, out.len, err);
    }
    group_free(&group);
    bl_buf_free(&last);
    bl_buf_free(&out);
    return rc;
}

static int write_table(struct bl_names_builder *builder, struct bl_err *err)
{
    unsigned char bytes[4];

    bl_put_le(builder->header + AT_TABLE, bl_newfile_size(builder->file), 8);
    for (size_t i = 0; i < builder->n_blocks; i++) {
        bl_put_le(bytes, builder->table[i], sizeof bytes);
        if (put(builder, bytes, sizeof bytes, err) < 0)
            return -1;
    }
    return 0;
}

static int write_header(struct bl_names_builder *builder, struct bl_err *err)
{
    unsigned char *header = builder->header;

    memcpy(header, NAMES_MAGIC, 8);
    bl_put_le(header + AT_VERSION, BL_NAMES_VERSION, 4);
    bl_put_le(header + AT_BYTE_ORDER, NAMES_BYTE_ORDER, 4);
    bl_put_le(header + AT_HEADER, NAMES_HEADER, 4);
    bl_put_le(header + AT_PER_BLOCK, PER_BLOCK, 4);
    bl_put_le(header + AT_COUNT, builder->n, 4);
    bl_put_le(header + AT_REDIRECTS, builder->n_redirects, 4);
    bl_put_le(header + AT_SIZE, bl_newfile_size(builder->file), 8);
    bl_sha256_end(&builder->body, header + AT_BODY_SUM);
    bl_sha256_header(header, NAMES_HEADER, AT_SUM, header + AT_SUM);
    return bl_newfile_pwrite(builder->file, header, NAMES_HEADER, 0, err);
}

int bl_names_build_finish(struct bl_names_builder *builder,
                          struct bl_err *err)
{
    struct bl_newfile *file = builder->file;
    int rc = number_names(builder, err);

    if (rc == 0) {
        builder->targets = bl_xmalloc(builder->n, sizeof *builder->targets);
        for (size_t i = 0; i < builder->n; i++)
            builder->targets[i] = no_target;
        builder->table = bl_xmalloc(builder->n / PER_BLOCK + 1,
                                    sizeof *builder->table);
        rc = join_links(builder, err);
    }
    if (rc == 0) {
        follow(builder);
        rc = write_blocks(builder, err);
    }
    if (rc == 0 && (write_table(builder, err) < 0
                    || write_header(builder, err) < 0))
        rc = -1;
    if (rc == 0) {
        builder->file = NULL;
        rc = bl_newfile_commit(file, err);
    }
    bl_names_build_abort(builder);
    return rc;
}
