/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "kb/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/loaded.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/utf8.h"
#include "kb/names-file.h"
#include "text/fold.h"

struct bl_names {
    struct bl_map map;
    const unsigned char *table; /* [n_blocks] u32: where each block begins,
                                 * from the header's end on */
    size_t n, n_redirects, n_blocks;
};

/* ---- Opening ---- */

static int damaged(const struct bl_names *names, struct bl_err *err)
{
    return bl_fail(err, BL_DATA, "'%s' is damaged: make it again, see "
                   "blink-kb(1)", names->map.path);
}

/* What has to be right before the rest of the header means anything. */
static int check_start(const struct bl_map *map, struct bl_err *err)
{
    const unsigned char *header = map->data;
    unsigned char sum[BL_SHA256_SIZE];

    if (map->size < 8 || memcmp(header, NAMES_MAGIC, 8))
        return bl_fail(err, BL_DATA, "'%s': not a file of names as blink-kb "
                       "makes them (offset 0: other magic bytes)", map->path);
    if (map->size < NAMES_HEADER)
        return bl_fail(err, BL_DATA, "'%s': truncated: %zu bytes, but the "
                       "header takes %d", map->path, map->size, NAMES_HEADER);
    if (bl_le32(header + AT_BYTE_ORDER) != NAMES_BYTE_ORDER)
        return bl_fail(err, BL_DATA, "'%s': offset %d: no byte order mark",
                       map->path, AT_BYTE_ORDER);
    if (bl_le32(header + AT_VERSION) != BL_NAMES_VERSION)
        return bl_fail(err, BL_DATA, "'%s': offset %d: format version %u, "
                       "expected %d", map->path, AT_VERSION,
                       (unsigned)bl_le32(header + AT_VERSION),
                       BL_NAMES_VERSION);
    bl_sha256_header(header, NAMES_HEADER, AT_SUM, sum);
    if (memcmp(header + AT_SUM, sum, sizeof sum))
        return bl_fail(err, BL_DATA, "'%s': offset %d: wrong checksum: the "
                       "header is damaged", map->path, AT_SUM);
    return 0;
}

/* Each text ends within its field. */
static bool has_texts(const unsigned char *header)
{
    for (size_t i = 0; i < BL_N_NAMES_NOTES; i++) {
        const char *text = (const char *)header + names_fields[i].at;
        size_t n = strnlen(text, names_fields[i].size);

        if (n == names_fields[i].size || bl_utf8_valid(text, n) != n)
            return false;
    }
    return true;
}

static bool all_zero(const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i])
            return false;
    return true;
}

/* The table of blocks is what the file ends with; blocks lie before it. */
static int take_fields(struct bl_names *names, struct bl_err *err)
{
    const unsigned char *header = names->map.data;
    uint64_t size = bl_le(header + AT_SIZE, 8);
    uint64_t table = bl_le(header + AT_TABLE, 8);

    if (size != names->map.size)
        return bl_fail(err, BL_DATA, "'%s': %s: %zu bytes, but the header "
                       "says %llu", names->map.path,
                       size > names->map.size ? "truncated"
                                              : "bytes at the end",
                       names->map.size, (unsigned long long)size);
    names->n = bl_le32(header + AT_COUNT);
    names->n_redirects = bl_le32(header + AT_REDIRECTS);
    names->n_blocks = (names->n + PER_BLOCK - 1) / PER_BLOCK;
    if (bl_le32(header + AT_HEADER) != NAMES_HEADER
        || bl_le32(header + AT_PER_BLOCK) != PER_BLOCK
        || names->n > MOST_NAMES || names->n_redirects > names->n
        || table < NAMES_HEADER || table > size
        || (size - table) / 4 != names->n_blocks
        || (size - table) % 4 || table - NAMES_HEADER > UINT32_MAX
        || !all_zero(header + AT_TABLE + 8, AT_SUM - AT_TABLE - 8)
        || !all_zero(header + AT_ZERO, NAMES_HEADER - AT_ZERO)
        || !has_texts(header))
        return damaged(names, err);
    names->table = header + table;
    return 0;
}

struct bl_names *bl_names_open(const char *path, struct bl_err *err)
{
    struct bl_names *names = BL_NEW(struct bl_names);

    if (bl_map_open(&names->map, path, err) < 0) {
        free(names);
        return NULL;
    }
    if (check_start(&names->map, err) < 0 || take_fields(names, err) < 0
        || bl_loaded_sum("names", names->map.data + AT_SUM, path, err) < 0) {
        bl_names_close(names);
        return NULL;
    }
    return names;
}

bool bl_names_is_site(struct bl_span site)
{
    for (size_t i = 0; i < site.n; i++) {
        char c = site.p[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z')
            && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
    }
    return site.n > 0 && site.n <= BL_NAMES_SITE;
}

int bl_names_open_site(struct bl_span site, struct bl_names **out,
                       struct bl_err *err)
{
    char name[BL_NAMES_SITE + sizeof ".names"], *path;
    struct bl_err absent;

    *out = NULL;
    if (!bl_names_is_site(site))
        return 0;
    memcpy(name, site.p, site.n);
    memcpy(name + site.n, ".names", sizeof ".names");
    path = bl_path_look_up(BL_PATH_NAMES, name, &absent);
    if (!path && absent.code == BL_SYSTEM)
        return bl_fail(err, BL_SYSTEM, "%s", absent.msg);
    if (!path)
        return 0;
    *out = bl_names_open(path, err);
    free(path);
    if (!*out)
        return -1;
    if (bl_span_is(site, bl_names_note(*out, BL_NAMES_NOTE_SITE)))
        return 0;
    bl_fail(err, BL_DATA, "'%s' has the names of '%s', not of '%.*s'",
            bl_names_path(*out), bl_names_note(*out, BL_NAMES_NOTE_SITE),
            (int)site.n, site.p);
    bl_names_close(*out);
    *out = NULL;
    return -1;
}

void bl_names_close(struct bl_names *names)
{
    if (!names)
        return;
    bl_map_close(&names->map);
    free(names);
}

int bl_names_is_file(const char *path, struct bl_err *err)
{
    char magic[8];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), is;
    ssize_t got = fd < 0 ? -1 : bl_pread(fd, magic, sizeof magic, 0);

    if (got < 0 && bl_errno_code(errno) == BL_SYSTEM && errno != ESPIPE)
        is = bl_fail_file(err, "cannot read '%s'", path);
    else
        is = got == (ssize_t)sizeof magic
            && !memcmp(magic, NAMES_MAGIC, sizeof magic);
    if (fd >= 0)
        close(fd);
    return is;
}

const char *bl_names_path(const struct bl_names *names)
{
    return names->map.path;
}

size_t bl_names_count(const struct bl_names *names)
{
    return names->n;
}

size_t bl_names_redirects(const struct bl_names *names)
{
    return names->n_redirects;
}

size_t bl_names_bytes(const struct bl_names *names)
{
    return names->map.size;
}

const char *bl_names_note(const struct bl_names *names,
                          enum bl_names_note note)
{
    return (const char *)names->map.data + names_fields[note].at;
}

/* ---- Walking over a block ---- */

/* Names of a block, one after another; `form` holds the last. */
struct cursor {
    const unsigned char *at, *end;
    size_t left;                /* names not yet read */
    char form[BL_NAMES_LONGEST];
    size_t n_form;
    bool redirect;
    uint32_t target;            /* the number of the title, for a redirect */
    const unsigned char *steps; /* [n_steps] to the spelling (names-file.h) */
    size_t n_steps;
};

static const unsigned char *block_at(const struct bl_names *names, size_t i)
{
    uint32_t offset = bl_le32(names->table + 4 * i);

    return offset > (size_t)(names->table - names->map.data) - NAMES_HEADER
        ? NULL : names->map.data + NAMES_HEADER + offset;
}

/* -1: the block is not within the file. */
static int block_start(const struct bl_names *names, size_t i,
                       struct cursor *cursor)
{
    cursor->at = block_at(names, i);
    cursor->end = i + 1 < names->n_blocks ? block_at(names, i + 1)
                                          : names->table;
    cursor->left = BL_MIN(names->n - i * PER_BLOCK, PER_BLOCK);
    cursor->n_form = 0;
    return cursor->at && cursor->end && cursor->at <= cursor->end ? 0 : -1;
}

/* The next `n` bytes, or NULL where the block has fewer. */
static const unsigned char *take(struct cursor *cursor, size_t n)
{
    const unsigned char *at = cursor->at;

    if (n > (size_t)(cursor->end - at))
        return NULL;
    cursor->at += n;
    return at;
}

static int take_form(struct cursor *cursor, unsigned head)
{
    size_t shared = head & SHARED_MAX, own = head >> SHARED_BITS & OWN_MAX;
    const unsigned char *bytes;

    if (own == OWN_MAX) {
        bytes = take(cursor, 1);
        if (!bytes)
            return -1;
        own += *bytes;
    }
    bytes = take(cursor, own);
    if (!bytes || shared > cursor->n_form || !(shared + own)
        || shared + own > sizeof cursor->form)
        return -1;
    memcpy(cursor->form + shared, bytes, own);
    cursor->n_form = shared + own;
    return 0;
}

/* 1, 0 behind the last, -1 where the bytes are none of a name. */
static int next_name(struct cursor *cursor)
{
    const unsigned char *bytes;
    unsigned head;

    if (cursor->left == 0)
        return 0;
    cursor->left--;
    bytes = take(cursor, 2);
    if (!bytes)
        return -1;
    head = bytes[0] | (unsigned)bytes[1] << 8;
    if (head & NO_BITS || take_form(cursor, head) < 0)
        return -1;
    cursor->redirect = head & IS_REDIRECT;
    cursor->target = 0;
    cursor->n_steps = 0;
    if (cursor->redirect) {
        bytes = take(cursor, 4);
        if (!bytes)
            return -1;
        cursor->target = bl_le32(bytes);
    }
    if (head & IS_SPELLED) {
        bytes = take(cursor, 1);
        cursor->steps = bytes ? take(cursor, *bytes) : NULL;
        if (!cursor->steps)
            return -1;
        cursor->n_steps = *bytes;
    }
    return 1;
}

static struct bl_span form_of(const struct cursor *cursor)
{
    return (struct bl_span){ cursor->form, cursor->n_form };
}

static int compare(struct bl_span one, struct bl_span other)
{
    int order = memcmp(one.p, other.p, BL_MIN(one.n, other.n));

    return order ? order : (one.n > other.n) - (one.n < other.n);
}

/* ---- Finding ---- */

/* The first normal form of a block, where it lies: it shares nothing with
 * one before.  A search looks at a dozen blocks of which it needs no more. */
static int first_form(const struct bl_names *names, size_t i,
                      struct bl_span *form)
{
    const unsigned char *at = block_at(names, i), *end = names->table;
    unsigned head;
    size_t own;

    if (!at || end - at < 3)
        return -1;
    head = at[0] | (unsigned)at[1] << 8;
    own = head >> SHARED_BITS & OWN_MAX;
    at += 2;
    if (own == OWN_MAX)
        own += *at++;
    if (head & SHARED_MAX || own > (size_t)(end - at))
        return -1;
    *form = (struct bl_span){ (const char *)at, own };
    return 0;
}

/* The last block whose first name is not above the form; n_blocks when there
 * is none, -1 in *rc when the file is damaged. */
static size_t find_block(const struct bl_names *names, struct bl_span folded,
                         int *rc)
{
    size_t from = 0, to = names->n_blocks;
    struct bl_span form;

    *rc = 0;
    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (first_form(names, middle, &form) < 0) {
            *rc = -1;
            return names->n_blocks;
        }
        if (compare(form, folded) <= 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from ? from - 1 : names->n_blocks;
}

/* Goes to a name by its form: 1, 0 or -1. */
static int seek(const struct bl_names *names, struct bl_span folded,
                struct cursor *cursor)
{
    int rc, order;
    size_t block = find_block(names, folded, &rc);

    if (rc < 0 || block == names->n_blocks)
        return rc;
    if (block_start(names, block, cursor) < 0)
        return -1;
    while ((rc = next_name(cursor)) == 1) {
        order = compare(form_of(cursor), folded);
        if (order >= 0)
            return order == 0;
    }
    return rc;
}

/* Goes to a name by its number: 0 or -1. */
static int seek_number(const struct bl_names *names, uint32_t number,
                       struct cursor *cursor)
{
    int rc = -1;

    if (number >= names->n
        || block_start(names, number / PER_BLOCK, cursor) < 0)
        return -1;
    for (size_t i = 0; i <= number % PER_BLOCK; i++) {
        rc = next_name(cursor);
        if (rc != 1)
            return -1;
    }
    return 0;
}

/* The title that a cursor is at; false for steps that fit no form. */
static bool put_title(const struct cursor *cursor, struct bl_buf *out)
{
    bl_buf_clear(out);
    return bl_names_respell(form_of(cursor), cursor->steps, cursor->n_steps,
                            out)
        && out->len && out->len <= BL_NAMES_LONGEST
        && bl_utf8_valid(out->data, out->len) == out->len
        && !memchr(out->data, '\0', out->len);
}

int bl_names_find(const struct bl_names *names, struct bl_span folded,
                  struct bl_arena *arena, struct bl_name *out,
                  struct bl_err *err)
{
    struct bl_buf title = BL_BUF_INIT;
    struct cursor cursor;
    int rc = folded.n ? seek(names, folded, &cursor) : 0;

    if (rc == 1) {
        out->redirect = cursor.redirect;
        if (cursor.redirect
            && (seek_number(names, cursor.target, &cursor) < 0
                || cursor.redirect))
            rc = -1;
    }
    if (rc == 1 && !put_title(&cursor, &title))
        rc = -1;
    if (rc == 1) {
        out->title.p = bl_arena_strndup(arena, title.data, title.len);
        out->title.n = title.len;
        out->folded.p = bl_arena_strndup(arena, cursor.form, cursor.n_form);
        out->folded.n = cursor.n_form;
    }
    bl_buf_free(&title);
    return rc < 0 ? damaged(names, err) : rc;
}

/* ---- Verifying ---- */

struct check {
    const struct bl_names *names;
    uint64_t *titles;           /* a bit for each name that is one */
    struct bl_buf last, title, folded;
    size_t n, n_redirects;
    int turn;                   /* 0: titles are noted, 1: looked at */
};

/* In the first turn all but where redirects lead, which may be further on. */
static bool check_name(struct check *check, const struct cursor *cursor)
{
    struct bl_span form = form_of(cursor);
    struct bl_span last = { check->last.data, check->last.len };
    size_t number = check->n++;

    if (check->turn == 1)
        return !cursor->redirect
            || (cursor->target < check->names->n
                && check->titles[cursor->target / 64]
                       >> cursor->target % 64 & 1);
    if (last.n && compare(last, form) >= 0)
        return false;
    bl_buf_clear(&check->last);
    bl_buf_put_span(&check->last, form);
    if (!put_title(cursor, &check->title))
        return false;
    bl_buf_clear(&check->folded);
    bl_fold(&check->folded, (struct bl_span){ check->title.data,
                                              check->title.len });
    check->n_redirects += cursor->redirect;
    if (!cursor->redirect)
        check->titles[number / 64] |= UINT64_C(1) << number % 64;
    return bl_span_eq(form, (struct bl_span){ check->folded.data,
                                              check->folded.len });
}

static bool check_block(struct check *check, size_t i)
{
    struct cursor cursor;
    int rc;

    if (block_start(check->names, i, &cursor) < 0)
        return false;
    while ((rc = next_name(&cursor)) == 1)
        if (!check_name(check, &cursor))
            return false;
    return rc == 0 && cursor.at == cursor.end;
}

int bl_names_verify(const struct bl_names *names, struct bl_err *err)
{
    struct check check = { .names = names };
    unsigned char sum[BL_SHA256_SIZE];
    bool intact = true;

    bl_sha256_of(names->map.data + NAMES_HEADER,
                 names->map.size - NAMES_HEADER, sum);
    if (memcmp(names->map.data + AT_BODY_SUM, sum, sizeof sum))
        return bl_fail(err, BL_DATA, "'%s': wrong checksum: it is damaged",
                       names->map.path);
    check.titles = bl_xcalloc(names->n / 64 + 1, sizeof *check.titles);
    for (check.turn = 0; check.turn < 2; check.turn++) {
        check.n = 0;
        for (size_t i = 0; i < names->n_blocks && intact; i++)
            intact = check_block(&check, i);
    }
    if (check.n_redirects != names->n_redirects)
        intact = false;
    free(check.titles);
    bl_buf_free(&check.last);
    bl_buf_free(&check.title);
    bl_buf_free(&check.folded);
    return intact ? 0 : damaged(names, err);
}
