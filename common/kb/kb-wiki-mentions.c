/* SPDX-License-Identifier: MIT */
/* kb-wiki-mentions: the links of prose as training records. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json/writer.h"
#include "kb/kb-wiki-parts.h"

enum {
    CURSOR = 1 << 18,
    LONG_WORD = 64              /* bytes in which a space is looked for */
};

/* Joins the mentions with the names of the entities.  The result is sorted by
 * the number of the mention, which is the order of the prose again. */
static int resolve(struct bl_wiki_store *store, struct bl_sorter *all,
                   struct bl_sorter *out, struct bl_err *err)
{
    struct bl_buf record = BL_BUF_INIT;
    struct bl_wiki_stream mentions, names;
    int rc = bl_wiki_start(&names, all, err);

    if (rc >= 0)
        rc = bl_wiki_start(&mentions, store->mentions, err);
    while (rc == 1) {
        int found = bl_wiki_seek(&names, mentions.key, err);

        if (found > 0) {        /* the label: number, id NUL title */
            bl_buf_clear(&record);
            bl_buf_put(&record, mentions.rest.p, 8);
            bl_buf_put(&record, names.rest.p + 8, names.rest.n - 8);
            found = bl_sorter_add(out,
                                  (struct bl_span){ record.data, record.len },
                                  1, err);
        }
        rc = found < 0 ? -1 : bl_wiki_advance(&mentions, err);
    }
    bl_buf_free(&record);
    return rc;
}

static bool space_at(struct bl_span text, size_t at)
{
    return text.p[at] == ' ' || text.p[at] == '\n';
}

/* Returns where the last max characters of the text begin.  A word is not cut
 * in two if a space follows within LONG_WORD bytes; scripts without spaces are
 * cut between characters. */
static size_t left_start(struct bl_span text, size_t max)
{
    size_t i = text.n, word;

    for (size_t chars = 0; chars < max && i > 0; chars++)
        for (i--; i > 0 && (text.p[i] & 0xc0) == 0x80; )
            i--;
    for (word = i; word > 0 && word < text.n && word - i < LONG_WORD; word++)
        if (space_at(text, word - 1))
            return word;
    return i;
}

/* Returns where the first max characters of the text end; words are treated as
 * in left_start(). */
static size_t right_end(struct bl_span text, size_t max)
{
    size_t i = 0, word;

    for (size_t chars = 0; chars < max && i < text.n; chars++)
        for (i++; i < text.n && (text.p[i] & 0xc0) == 0x80; )
            i++;
    for (word = i; word > 0 && word < text.n && i - word < LONG_WORD; word--)
        if (space_at(text, word))
            return word;
    return i;
}

/* Copies the text with blanks for newlines, as contexts are one line. */
static struct bl_span one_line(struct bl_span text, struct bl_buf *line)
{
    bl_buf_clear(line);
    bl_buf_reserve(line, text.n + 1);
    bl_buf_put_span(line, text);
    for (size_t i = 0; i < line->len; i++)
        if (line->data[i] == '\n')
            line->data[i] = ' ';
    return (struct bl_span){ line->data, line->len };
}

struct mention_writer {
    struct bl_newfile *file;
    struct bl_sorter *labels;   /* number, id NUL title */
    struct bl_span label;       /* the next one, if more */
    bool more;
    uint64_t number;            /* of the mention that comes next */
    struct bl_buf out, line, prose;
    size_t context;
    uint64_t written;
};

static int next_label(struct mention_writer *writer, struct bl_err *err)
{
    uint64_t sum;
    int rc = bl_sorter_next(writer->labels, &writer->label, &sum, err);

    writer->more = rc == 1;
    return rc;
}

/* Appends one training record to the output.  Each paragraph of the prose ends
 * in a newline; the last one's is not part of the right context. */
static void put_record(struct mention_writer *writer, uint64_t page,
                       uint64_t ordinal, size_t start, size_t len)
{
    struct bl_writer json = bl_writer(&writer->out, BL_WRITE_COMPACT);
    struct bl_span all = { writer->prose.data, writer->prose.len };
    struct bl_span left = { all.p, start };
    struct bl_span right = { all.p + start + len, all.n - start - len };
    size_t from = left_start(left, writer->context);
    struct bl_span id = { writer->label.p + 8, 0 }, title;
    const char *nul = memchr(id.p, '\0', writer->label.n - 8);
    char number[48];

    BL_ASSERT(nul && start + len <= all.n);
    id.n = (size_t)(nul - id.p);
    title = (struct bl_span){ nul + 1, writer->label.n - 8 - id.n - 1 };
    if (right.n && right.p[right.n - 1] == '\n')
        right.n--;
    snprintf(number, sizeof number, "%" PRIu64 ":%" PRIu64, page, ordinal);
    bl_write_object(&json, NULL);
    bl_write_string(&json, "id", number);
    bl_write_span(&json, "context_left", one_line((struct bl_span){
                  left.p + from, left.n - from }, &writer->line));
    bl_write_span(&json, "mention", (struct bl_span){ all.p + start, len });
    right.n = right_end(right, writer->context);
    bl_write_span(&json, "context_right", one_line(right, &writer->line));
    bl_write_span(&json, "label", title);
    bl_write_span(&json, "label_id", id);
    bl_write_end(&json);
    bl_write_line(&json);
    writer->written++;
}

/* Writes the mentions of one page. writer->number counts the mentions of all
 * pages, as put_mentions() numbered them when it filled the sorter. */
static int write_page(struct mention_writer *writer, struct bl_cursor *cursor,
                      uint64_t page, struct bl_err *err)
{
    struct bl_span prose;
    uint64_t n_links, start, len;

    if (bl_cursor_span(cursor, &prose, err) < 0)
        return -1;
    bl_buf_clear(&writer->prose);
    bl_buf_put_span(&writer->prose, prose);
    if (bl_cursor_number(cursor, &n_links, err) < 0)
        return -1;
    for (uint64_t ordinal = 0; ordinal < n_links;
         ordinal++, writer->number++) {
        if (bl_cursor_number(cursor, &start, err) < 0
            || bl_cursor_number(cursor, &len, err) < 0)
            return -1;
        if (!writer->more || bl_wiki_get64(writer->label.p) != writer->number)
            continue;           /* the link does not lead to an entity */
        put_record(writer, page, ordinal, (size_t)start, (size_t)len);
        if (next_label(writer, err) < 0)
            return -1;
    }
    if (writer->out.len < CURSOR)
        return 0;
    if (bl_newfile_write(writer->file, writer->out.data, writer->out.len, err)
        < 0)
        return -1;
    bl_buf_clear(&writer->out);
    return 0;
}

/* The prose in the spool and the labels in the sorter are both in the order of
 * the mentions' numbers, so each is read once. */
static int write_pages(struct bl_wiki_store *store,
                       struct mention_writer *writer, struct bl_err *err)
{
    struct bl_cursor cursor;
    uint64_t page;
    int rc = -1;

    if (bl_spool_flush(store->prose, err) < 0
        || bl_sorter_start(writer->labels, err) < 0
        || next_label(writer, err) < 0)
        return -1;
    bl_cursor_start(&cursor, store->prose, 0, bl_spool_size(store->prose),
                    CURSOR);
    while ((rc = bl_cursor_number(&cursor, &page, err)) == 1)
        if (write_page(writer, &cursor, page, err) < 0) {
            rc = -1;
            break;
        }
    bl_cursor_end(&cursor);
    if (rc == 0 && writer->out.len)
        rc = bl_newfile_write(writer->file, writer->out.data, writer->out.len,
                              err);
    return rc;
}

int bl_wiki_write_mentions(struct bl_wiki_store *store,
                           struct bl_sorter *names, struct bl_err *err)
{
    struct mention_writer writer = { .file = store->mentions_file,
                                     .context = store->opts->context };
    int rc;

    writer.labels = bl_sorter_new(store->opts->memory / 3, store->path);
    rc = resolve(store, names, writer.labels, err);
    if (rc == 0)
        rc = write_pages(store, &writer, err);
    store->counts->mentions = writer.written;
    bl_sorter_free(writer.labels);
    bl_buf_free(&writer.out);
    bl_buf_free(&writer.line);
    bl_buf_free(&writer.prose);
    return rc;
}
