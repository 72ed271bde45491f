/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "wiki/wikidump.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void bl_wikibatch_free(struct bl_wikibatch *batch)
{
    free(batch->pages);
    bl_buf_free(&batch->data);
    *batch = (struct bl_wikibatch){ 0 };
}

#ifndef HAVE_EXPAT

bool bl_wikidump_here(void)
{
    return false;
}

struct bl_wikidump *bl_wikidump_open(struct bl_dumpfile *file,
                                     struct bl_err *err)
{
    bl_dumpfile_close(file);
    bl_fail(err, BL_SYSTEM, "Wikipedia dumps cannot be read: this program "
            "was built without libexpat");
    return NULL;
}

int bl_wikidump_next(struct bl_wikidump *dump, struct bl_wikibatch *batch,
                     struct bl_err *err)
{
    (void)dump;
    (void)batch;
    (void)err;
    return 0;
}

const char *bl_wikidump_cut(const struct bl_wikidump *dump)
{
    (void)dump;
    return NULL;
}

uint64_t bl_wikidump_bytes(const struct bl_wikidump *dump)
{
    (void)dump;
    return 0;
}

struct bl_wikisite *bl_wikidump_take_site(struct bl_wikidump *dump)
{
    (void)dump;
    return NULL;
}

void bl_wikidump_close(struct bl_wikidump *dump)
{
    (void)dump;
}

#else

#include <expat.h>

enum {
    FEED = 1 << 16,             /* bytes given to expat at once */
    FULL = 1 << 20, MANY = 512, /* what ends a batch: bytes, pages */
    MAX_TEXT = 16 << 20,
    MAX_FIELD = 1 << 16,        /* of a title, an id, ... */
    MAX_TOKEN = 8 << 20,        /* one tag */
    MAX_DEPTH = 8
};

/* What the text between tags belongs to. */
enum field { NOTHING, TITLE, NS, ID, TEXT, MODEL, BASE, DBNAME, CASE,
             NAMESPACE };

/* Pages are offsets in the batch's data while that grows. */
struct place { size_t at, n; };

struct bl_wikidump {
    struct bl_dumpfile *file;
    struct bl_wikisite *site;
    XML_Parser parser;
    struct bl_span piece;       /* of the file, not yet parsed */
    uint64_t bytes;             /* given to the parser */
    struct bl_wikibatch *batch;
    struct place *places;       /* [3 * n]: title, redirect, text */
    size_t cap_places;
    unsigned depth;
    bool in_page, in_revision, in_siteinfo, root, ended;
    enum field field;
    struct bl_buf value;        /* of the field, unless it is the text */
    int ns_key;                 /* of the <namespace> that is open */
    /* The page that is being read. */
    struct bl_wikipage_source page;
    struct place title, redirect, text;
    bool has_id, has_redirect, other_model;
    bool text_full;             /* what follows of the text is left out */
    struct bl_buf bytes_of_page;        /* what the places are in */
    struct bl_err stop;         /* why a handler stopped the parser */
    char *cut;
};

bool bl_wikidump_here(void)
{
    return true;
}

/* ---- Handlers ---- */

/* Where the parser is in the dump's text.  Newer expat deprecates the
 * function whose result is a long, which has 32 bits on some machines. */
static uint64_t byte_index(const struct bl_wikidump *dump)
{
#if HAVE_DECL_XML_GETCURRENTBYTEINDEX64
    return (uint64_t)XML_GetCurrentByteIndex64(dump->parser);
#else
    return (uint64_t)XML_GetCurrentByteIndex(dump->parser);
#endif
}

static void stop(struct bl_wikidump *dump, const char *why)
{
    if (dump->stop.code == BL_OK)
        bl_fail(&dump->stop, BL_DATA, "'%s' is refused at byte %" PRIu64
                ": %s", bl_dumpfile_name(dump->file), byte_index(dump), why);
    XML_StopParser(dump->parser, XML_FALSE);
}

static const char *attribute(const XML_Char **attributes, const char *name)
{
    for (; attributes[0]; attributes += 2)
        if (!strcmp(attributes[0], name))
            return attributes[1];
    return NULL;
}

static struct place put(struct bl_wikidump *dump, const char *data,
                        size_t size)
{
    struct place at = { dump->bytes_of_page.len, size };

    bl_buf_put(&dump->bytes_of_page, data, size);
    return at;
}

static void start_page(struct bl_wikidump *dump)
{
    dump->in_page = true;
    dump->page = (struct bl_wikipage_source){ 0 };
    dump->title = dump->redirect = dump->text = (struct place){ 0, 0 };
    dump->has_id = dump->has_redirect = dump->other_model = false;
    bl_buf_clear(&dump->bytes_of_page);
}

/* An element of a <page>.  Only the first <id> is the page's. */
static void start_in_page(struct bl_wikidump *dump, const char *name,
                          const XML_Char **attributes)
{
    if (!strcmp(name, "title")) {
        dump->field = TITLE;
    } else if (!strcmp(name, "ns")) {
        dump->field = NS;
    } else if (!strcmp(name, "id")) {
        dump->field = dump->has_id ? NOTHING : ID;
    } else if (!strcmp(name, "redirect")) {
        const char *target = attribute(attributes, "title");

        dump->has_redirect = target != NULL;
        if (target)
            dump->redirect = put(dump, target, strlen(target));
    } else if (!strcmp(name, "revision") || !strcmp(name, "upload")) {
        dump->in_revision = true;
    }
}

static void start_in_revision(struct bl_wikidump *dump, const char *name)
{
    if (!strcmp(name, "text")) {
        dump->field = TEXT;
        if (dump->text.n)       /* a dump of histories: the last one stays */
            dump->bytes_of_page.len = dump->text.at;
        dump->text = (struct place){ dump->bytes_of_page.len, 0 };
        dump->text_full = false;
    } else if (!strcmp(name, "model")) {
        dump->field = MODEL;
    }
}

static void start_in_siteinfo(struct bl_wikidump *dump, const char *name,
                              const XML_Char **attributes)
{
    if (!strcmp(name, "base")) {
        dump->field = BASE;
    } else if (!strcmp(name, "dbname")) {
        dump->field = DBNAME;
    } else if (!strcmp(name, "case")) {
        dump->field = CASE;
    } else if (!strcmp(name, "namespace")) {
        const char *key = attribute(attributes, "key");

        dump->field = NAMESPACE;
        dump->ns_key = key ? (int)strtol(key, NULL, 10) : 0;
    }
}

/* A dump has one shape: mediawiki, in it siteinfo and pages, in a page its
 * revisions, in these the text.  So the depth tells whose element a name is,
 * and names at other depths (of contributors, say) mean nothing here. */
static void on_start(void *arg, const XML_Char *name,
                     const XML_Char **attributes)
{
    struct bl_wikidump *dump = arg;

    if (++dump->depth > MAX_DEPTH) {
        stop(dump, "elements that are nested too deeply");
        return;
    }
    dump->field = NOTHING;
    bl_buf_clear(&dump->value);
    if (dump->depth == 1) {
        dump->root = !strcmp(name, "mediawiki");
        if (!dump->root)
            stop(dump, "not a MediaWiki dump, which starts with <mediawiki>");
    } else if (dump->depth == 2) {
        dump->in_siteinfo = !strcmp(name, "siteinfo");
        if (!strcmp(name, "page"))
            start_page(dump);
    } else if (dump->in_siteinfo) {
        start_in_siteinfo(dump, name, attributes);
    } else if (dump->in_page && dump->depth == 3) {
        start_in_page(dump, name, attributes);
    } else if (dump->in_revision && dump->depth == 4) {
        start_in_revision(dump, name);
    }
}

static int64_t value_number(const struct bl_wikidump *dump)
{
    return dump->value.len ? strtoll(dump->value.data, NULL, 10) : 0;
}

/* The text of an element is whole at its end.  That of a page is not here: it
 * can be large, and on_text() puts it to the page's bytes at once. */
static void end_field(struct bl_wikidump *dump)
{
    struct bl_span value = { dump->value.data, dump->value.len };

    switch (dump->field) {
    case TITLE:
        dump->title = put(dump, value.p, value.n);
        break;
    case NS:
        dump->page.ns = (int)value_number(dump);
        break;
    case ID:
        dump->page.id = value_number(dump);
        dump->has_id = true;
        break;
    case MODEL:
        dump->other_model = !bl_span_is(value, "wikitext");
        break;
    case BASE:
        bl_wikisite_base(dump->site, value);
        break;
    case DBNAME:
        bl_wikisite_name(dump->site, value);
        break;
    case CASE:
        bl_wikisite_case(dump->site, value);
        break;
    case NAMESPACE:
        if (value.n)
            bl_wikisite_namespace(dump->site, dump->ns_key, value);
        break;
    default:
        break;
    }
}

static void end_page(struct bl_wikidump *dump)
{
    struct bl_wikibatch *batch = dump->batch;
    size_t base = batch->data.len;
    struct place *at;

    dump->in_page = false;
    if (!dump->title.n || !dump->has_id) {
        stop(dump, "a page without title or id");
        return;
    }
    BL_GROW(batch->pages, batch->n + 1, batch->cap);
    BL_GROW(dump->places, 3 * (batch->n + 1), dump->cap_places);
    at = dump->places + 3 * batch->n;
    bl_buf_put(&batch->data, dump->bytes_of_page.data,
               dump->bytes_of_page.len);
    at[0] = (struct place){ base + dump->title.at, dump->title.n };
    at[1] = (struct place){ base + dump->redirect.at, dump->redirect.n };
    at[2] = (struct place){ base + dump->text.at,
                            dump->other_model ? 0 : dump->text.n };
    /* Marks that there is a redirect; place_spans() sets where it is. */
    dump->page.redirect.p = dump->has_redirect ? "" : NULL;
    batch->pages[batch->n++] = dump->page;
}

static void on_end(void *arg, const XML_Char *name)
{
    struct bl_wikidump *dump = arg;

    (void)name;
    end_field(dump);
    dump->field = NOTHING;
    if (dump->depth == 2 && dump->in_page)
        end_page(dump);
    if (dump->depth == 2)
        dump->in_siteinfo = false;
    if (dump->depth == 3)
        dump->in_revision = false;
    dump->depth--;
}

static void on_text(void *arg, const XML_Char *data, int len)
{
    struct bl_wikidump *dump = arg;
    size_t size = (size_t)len;

    if (dump->field == TEXT) {
        /* A part is left out whole, so that no character is cut, and all
         * parts behind it are, so that the text has no hole. */
        dump->text_full |= size > MAX_TEXT - dump->text.n;
        if (dump->text_full)
            size = 0;
        bl_buf_put(&dump->bytes_of_page, data, size);
        dump->text.n += size;
    } else if (dump->field != NOTHING) {
        if (dump->value.len + size > MAX_FIELD)
            stop(dump, "a title or number of more than 64 KiB");
        else
            bl_buf_put(&dump->value, data, size);
    }
}

static void on_doctype(void *arg, const XML_Char *name, const XML_Char *sys,
                       const XML_Char *pub, int internal)
{
    (void)name;
    (void)sys;
    (void)pub;
    (void)internal;
    stop(arg, "a document type, which dumps do not have");
}

/* ---- Open and close ---- */

struct bl_wikidump *bl_wikidump_open(struct bl_dumpfile *file,
                                     struct bl_err *err)
{
    struct bl_wikidump *dump = BL_NEW(struct bl_wikidump);

    (void)err;
    dump->file = file;
    dump->site = bl_wikisite_new();
    dump->parser = XML_ParserCreate(NULL);
    if (!dump->parser)
        bl_oom(0);
    XML_SetUserData(dump->parser, dump);
    XML_SetElementHandler(dump->parser, on_start, on_end);
    XML_SetCharacterDataHandler(dump->parser, on_text);
    XML_SetStartDoctypeDeclHandler(dump->parser, on_doctype);
    return dump;
}

void bl_wikidump_close(struct bl_wikidump *dump)
{
    if (!dump)
        return;
    bl_dumpfile_close(dump->file);
    bl_wikisite_free(dump->site);
    XML_ParserFree(dump->parser);
    bl_buf_free(&dump->value);
    bl_buf_free(&dump->bytes_of_page);
    free(dump->places);
    free(dump->cut);
    free(dump);
}

/* ---- Reading ---- */

static bool ended_early(enum XML_Error code)
{
    return code == XML_ERROR_NO_ELEMENTS || code == XML_ERROR_PARTIAL_CHAR
        || code == XML_ERROR_UNCLOSED_TOKEN
        || code == XML_ERROR_UNCLOSED_CDATA_SECTION;
}

/* The file ended before its XML did.  Where that is before any page the file
 * cannot be a dump, which is an error; later, what was whole is of use, so the
 * sentence in dump->cut only reports it. */
static int note_cut(struct bl_wikidump *dump, struct bl_err *err)
{
    const char *name = bl_dumpfile_name(dump->file);
    struct place title = dump->title;

    if (!dump->bytes && bl_dumpfile_done(dump->file))
        return bl_fail(err, BL_DATA, "'%s': its first bzip2 block is "
                                     "truncated or damaged, so none of its "
                                     "XML can be read",
                       name);
    if (!dump->root)
        return bl_fail(err, BL_DATA, "'%s' is not a MediaWiki dump: it ends "
                                     "at byte "
                                     "%" PRIu64 ", before <mediawiki>", name,
                       dump->bytes);
    if (dump->in_page && title.n)
        dump->cut = bl_xasprintf("'%s' ends at byte %" PRIu64 " of its XML, "
                                 "in the page '%.*s'",
                                 name, dump->bytes, (int)title.n,
                                 dump->bytes_of_page.data + title.at);
    else
        dump->cut = bl_xasprintf("'%s' ends at byte %" PRIu64 " of its XML, "
                                 "before </mediawiki>", name, dump->bytes);
    return 0;
}

/* expat keeps a tag in memory until it ends, so one that never does would fill
 * it.  What the parser was given and has not got past is that tag; it is
 * bounded by MAX_TOKEN. */
static int parse(struct bl_wikidump *dump, const char *data, size_t size,
                 struct bl_err *err)
{
    enum XML_Error code;

    dump->bytes += size;
    if (XML_Parse(dump->parser, data, (int)size, size == 0)
        != XML_STATUS_ERROR) {
        if (dump->bytes - byte_index(dump) > MAX_TOKEN)
            return bl_fail(err, BL_DATA, "'%s' is refused at byte %" PRIu64
                           ": a tag of more than 8 MiB",
                           bl_dumpfile_name(dump->file), dump->bytes);
        return 0;
    }
    if (dump->stop.code != BL_OK) {
        *err = dump->stop;
        return -1;
    }
    code = XML_GetErrorCode(dump->parser);
    if (code == XML_ERROR_NO_MEMORY)
        bl_oom(0);
    if (size == 0 && ended_early(code))
        return note_cut(dump, err);
    return bl_fail(err, BL_DATA, "'%s' is malformed XML at byte %" PRIu64
                   ": %s", bl_dumpfile_name(dump->file), byte_index(dump),
                   XML_ErrorString(code));
}

/* Gives the parser one more portion of the file, and at its end says so. */
static int feed(struct bl_wikidump *dump, struct bl_err *err)
{
    size_t size;

    if (dump->piece.n == 0) {
        int rc = bl_dumpfile_next(dump->file, &dump->piece, err);

        if (rc < 0)
            return -1;
        if (rc == 0) {
            dump->piece.n = 0;
            rc = parse(dump, "", 0, err);
            dump->ended = true;
            return rc;
        }
    }
    size = BL_MIN(dump->piece.n, FEED);
    if (parse(dump, dump->piece.p, size, err) < 0)
        return -1;
    dump->piece.p += size;
    dump->piece.n -= size;
    return 0;
}

static struct bl_span span_at(const struct bl_wikibatch *batch,
                              struct place at)
{
    return (struct bl_span){ at.n ? batch->data.data + at.at : "", at.n };
}

/* Sets the spans of the pages, now that the bytes of the batch are all there
 * and no longer move. */
static void place_spans(struct bl_wikidump *dump, struct bl_wikibatch *batch)
{
    for (size_t i = 0; i < batch->n; i++) {
        struct bl_wikipage_source *page = &batch->pages[i];
        const struct place *at = dump->places + 3 * i;

        page->title = span_at(batch, at[0]);
        if (page->redirect.p)
            page->redirect = span_at(batch, at[1]);
        page->text = span_at(batch, at[2]);
    }
}

int bl_wikidump_next(struct bl_wikidump *dump, struct bl_wikibatch *batch,
                     struct bl_err *err)
{
    batch->n = 0;
    batch->site = dump->site;
    bl_buf_clear(&batch->data);
    dump->batch = batch;
    while (!dump->ended && batch->data.len < FULL && batch->n < MANY)
        if (feed(dump, err) < 0)
            return -1;
    place_spans(dump, batch);
    return batch->n > 0 || !dump->ended;
}

const char *bl_wikidump_cut(const struct bl_wikidump *dump)
{
    return dump->cut;
}

uint64_t bl_wikidump_bytes(const struct bl_wikidump *dump)
{
    return dump->bytes;
}

struct bl_wikisite *bl_wikidump_take_site(struct bl_wikidump *dump)
{
    struct bl_wikisite *site = dump->site;

    dump->site = NULL;
    return site;
}

#endif
