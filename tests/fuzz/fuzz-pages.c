/* SPDX-License-Identifier: MIT */
/* fuzz-pages: any texts as the pages of a dump: a title, a redirect or
 * nothing, wikitext, with the byte FF between them.  The catalogue that is
 * made of them answers everything; each mention written for training is a
 * record. */
#include "catalogue.h"
#include "feed.h"
#include "kb/kb-wiki.h"
#include "wiki/wikidump.h"

enum { MOST = 12 };

static void put_element(struct bl_buf *xml, const char *name,
                        struct bl_span text)
{
    bl_buf_printf(xml, "<%s>", name);
    for (size_t i = 0; i < text.n; i++) {
        if (strchr("<>&\"", text.p[i]))
            bl_buf_printf(xml, "&#%d;", (unsigned char)text.p[i]);
        else
            bl_buf_putc(xml, text.p[i]);
    }
    bl_buf_printf(xml, "</%s>", name);
}

static void put_pages(struct bl_buf *xml, struct feed *f)
{
    struct bl_span title, redirect;

    bl_buf_puts(xml, "<mediawiki><siteinfo><base>https://a.org/wiki/M</base>"
                "</siteinfo>");
    for (int i = 1; f->n && i <= MOST; i++) {
        bl_buf_puts(xml, "<page>");
        title = feed_piece(f);
        put_element(xml, "title", title);
        bl_buf_printf(xml, "<ns>%d</ns><id>%d</id>",
                      title.n && *title.p == ':' ? 14 : 0, i);
        redirect = feed_piece(f);
        if (redirect.n && !memchr(redirect.p, '"', redirect.n)
            && !memchr(redirect.p, '<', redirect.n)
            && !memchr(redirect.p, '&', redirect.n))
            bl_buf_printf(xml, "<redirect title=\"%.*s\"/>", (int)redirect.n,
                          redirect.p);
        bl_buf_puts(xml, "<revision>");
        put_element(xml, "text", feed_piece(f));
        bl_buf_puts(xml, "</revision></page>");
    }
    bl_buf_puts(xml, "</mediawiki>");
}

static void check_mentions(char *path)
{
    struct bl_buf text = BL_BUF_INIT;
    struct bl_record record = { 0 };
    struct bl_span rest, line;

    if (bl_file_read(path, 1 << 26, &text, NULL) == 0) {
        rest = (struct bl_span){ text.data, text.len };
        while (feed_line(&rest, &line))
            CHECK(bl_record_parse(&record, line, 1, NULL) == 0);
    }
    bl_record_free(&record);
    bl_buf_free(&text);
    feed_remove(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed f = { data, size, 1 };
    struct bl_kb_wiki_opts opts = BL_KB_WIKI_OPTS_DEFAULT;
    char *mentions = bl_xasprintf("%s/m.jsonl", feed_folder());
    char *path = bl_xasprintf("%s/x.kb", feed_folder()), *dump;
    struct bl_buf xml = BL_BUF_INIT, cut = BL_BUF_INIT;
    struct bl_kb_wiki_counts counts = { 0 };
    struct bl_err err;

    opts.threads = 1;
    opts.memory = 1 << 20;
    opts.kb.fts = size % 2;
    opts.disambiguation = opts.lists = size % 4 == 0;
    opts.mentions = mentions;
    put_pages(&xml, &f);
    dump = feed_file("x.xml", xml.data, xml.len);
    if (!bl_wikidump_here()
        || bl_kb_wiki_build(path, &dump, 1, &opts, &counts, &cut, &err) < 0)
        CHECK(!bl_wikidump_here() || err.code == BL_DATA);
    else
        catalogue_use(path);
    check_mentions(mentions);
    bl_buf_free(&xml);
    bl_buf_free(&cut);
    feed_remove(dump);
    feed_remove(path);
    return 0;
}
