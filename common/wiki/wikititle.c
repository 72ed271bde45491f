/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "wiki/wikititle.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "text/charref.h"
#include "text/unicode.h"

enum { LONGEST_TITLE = 255, NS_MEDIA = -2, NS_FILE = 6, NS_CATEGORY = 14,
       MAX_NAMES = 512 };

struct name {
    char *text;                 /* lower case, blanks */
    size_t n;
    int ns;
};

struct bl_wikisite {
    struct name *name;          /* [n_names] */
    size_t n_names;
    char *prefix;               /* "https://en.wikipedia.org/wiki/", or NULL */
    char *called;               /* "enwiki", or NULL */
    bool case_sensitive;
};

/* ---- Setting up ---- */

static void fold_name(struct bl_buf *out, struct bl_span name)
{
    size_t start = out->len;

    bl_uni_lower(out, name.p, name.n);
    for (size_t i = start; i < out->len; i++)
        if (out->data[i] == '_')
            out->data[i] = ' ';
}

void bl_wikisite_namespace(struct bl_wikisite *site, int ns,
                           struct bl_span name)
{
    struct bl_buf folded = BL_BUF_INIT;

    if (name.n == 0 || name.n > LONGEST_TITLE || site->n_names >= MAX_NAMES)
        return;
    fold_name(&folded, name);
    site->name = bl_xrealloc(site->name, site->n_names + 1,
                             sizeof *site->name);
    site->name[site->n_names++] = (struct name){ folded.data, folded.len, ns };
}

struct bl_wikisite *bl_wikisite_new(void)
{
    static const struct { const char *name; int ns; } english[] = {
        { "Media", -2 }, { "Special", -1 }, { "Talk", 1 }, { "User", 2 },
        { "User talk", 3 }, { "Project", 4 }, { "Project talk", 5 },
        { "File", 6 }, { "Image", 6 }, { "File talk", 7 },
        { "Image talk", 7 }, { "MediaWiki", 8 }, { "MediaWiki talk", 9 },
        { "Template", 10 }, { "Template talk", 11 }, { "Help", 12 },
        { "Help talk", 13 }, { "Category", 14 }, { "Category talk", 15 },
    };
    struct bl_wikisite *site = BL_NEW(struct bl_wikisite);

    for (size_t i = 0; i < BL_COUNT(english); i++)
        bl_wikisite_namespace(site, english[i].ns,
                              bl_span_of(english[i].name));
    return site;
}

void bl_wikisite_free(struct bl_wikisite *site)
{
    if (!site)
        return;
    for (size_t i = 0; i < site->n_names; i++)
        free(site->name[i].text);
    free(site->name);
    free(site->prefix);
    free(site->called);
    free(site);
}

/* Blanks and the control characters of ASCII, which no address holds. */
static bool unprintable(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
}

void bl_wikisite_base(struct bl_wikisite *site, struct bl_span url)
{
    static const char web[] = "http";
    const char *slash = url.n ? memrchr(url.p, '/', url.n) : NULL;

    free(site->prefix);
    site->prefix = NULL;
    for (size_t i = 0; i < url.n; i++)
        if (unprintable(url.p[i]))
            return;
    if (slash && url.n > 8 && !memcmp(url.p, web, sizeof web - 1))
        site->prefix = bl_xasprintf("%.*s", (int)(slash - url.p + 1), url.p);
}

void bl_wikisite_case(struct bl_wikisite *site, struct bl_span value)
{
    site->case_sensitive = bl_span_is(value, "case-sensitive");
}

void bl_wikisite_name(struct bl_wikisite *site, struct bl_span name)
{
    free(site->called);
    site->called = name.n ? bl_xasprintf("%.*s", (int)BL_MIN(name.n, 4096),
                                         name.p) : NULL;
}

const char *bl_wikisite_named(const struct bl_wikisite *site)
{
    return site->called;
}

/* ---- Titles ---- */

static bool hex_pair(const char *text, size_t len, char *out)
{
    int value = 0;

    if (len < 3)
        return false;
    for (size_t i = 1; i < 3; i++) {
        char c = text[i] | 0x20;

        if (text[i] >= '0' && text[i] <= '9')
            value = value * 16 + text[i] - '0';
        else if (c >= 'a' && c <= 'f')
            value = value * 16 + c - 'a' + 10;
        else
            return false;
    }
    *out = (char)value;
    return true;
}

/* "%C3%A9" to bytes, unless these are not UTF-8: then the signs are text. */
static void decode_percent(struct bl_buf *buf, size_t start)
{
    struct bl_buf out = BL_BUF_INIT;
    char c;

    for (size_t i = start; i < buf->len; i++) {
        c = buf->data[i];
        if (c == '%' && hex_pair(buf->data + i, buf->len - i, &c))
            i += 2;
        bl_buf_putc(&out, c);
    }
    if (out.len && bl_utf8_valid(out.data, out.len) == out.len) {
        buf->len = start;
        bl_buf_put(buf, out.data, out.len);
    }
    bl_buf_free(&out);
}

static bool blank(char c)
{
    return c == ' ' || c == '_' || c == '\t' || c == '\n';
}

static size_t nbsp(const char *text, size_t len)
{
    return len >= 2 && !memcmp(text, "\xc2\xa0", 2) ? 2 : 0;
}

/* Makes one blank of each run from `start` on, and none at the ends. */
static void squeeze(struct bl_buf *buf, size_t start)
{
    size_t out = start;
    bool gap = false;

    for (size_t i = start; i < buf->len; i++) {
        size_t wide = nbsp(buf->data + i, buf->len - i);

        if (wide || blank(buf->data[i])) {
            gap = out > start;
            i += wide ? 1 : 0;
            continue;
        }
        if (gap)
            buf->data[out++] = ' ';
        gap = false;
        buf->data[out++] = buf->data[i];
    }
    buf->len = out;
}

/* Appends the text of a target: decoded, without section, single blanks. */
static void put_plain(struct bl_buf *buf, struct bl_span target)
{
    size_t start = buf->len;
    bool percent = false;

    bl_buf_reserve(buf, target.n + 1);
    for (size_t i = 0; i < target.n && target.p[i] != '#'; i++) {
        size_t used = 0;

        if (target.p[i] == '&')
            used = bl_html_entity(target.p + i, target.n - i, buf);
        percent |= target.p[i] == '%';
        if (used)
            i += used - 1;
        else
            bl_buf_putc(buf, target.p[i]);
    }
    if (percent)
        decode_percent(buf, start);
    squeeze(buf, start);
}

static bool good(const char *text, size_t len)
{
    if (len == 0 || len > LONGEST_TITLE)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || strchr("<>[]{}|", text[i]))
            return false;
    return true;
}

/* Makes the first letter of what begins at `start` small. */
static void lower_first(const struct bl_wikisite *site, struct bl_buf *buf,
                        size_t start)
{
    struct bl_buf low = BL_BUF_INIT;
    unsigned len;

    if (site->case_sensitive || buf->len == start)
        return;
    if ((unsigned char)buf->data[start] < 0x80) {
        if (buf->data[start] >= 'A' && buf->data[start] <= 'Z')
            buf->data[start] = (char)(buf->data[start] | 0x20);
        return;
    }
    bl_utf8_decode(buf->data + start, buf->len - start, &len);
    bl_uni_lower(&low, buf->data + start, len);
    bl_buf_put(&low, buf->data + start + len, buf->len - start - len);
    buf->len = start;
    bl_buf_put(buf, low.data, low.len);
    bl_buf_free(&low);
}

/* Searches from the last name to the first, so that the dump's own names go
 * before MediaWiki's English ones. */
static bool find_namespace(const struct bl_wikisite *site,
                           struct bl_span prefix, int *ns)
{
    for (size_t i = site->n_names; i-- > 0; ) {
        const struct name *name = &site->name[i];

        if (name->n == prefix.n && !memcmp(name->text, prefix.p, prefix.n)) {
            *ns = name->ns;
            return true;
        }
    }
    return false;
}

/* The namespace of that name: of the site, or of files or categories in any
 * language.  A file under another name than these is known by its end, but
 * with a name before it: "[[Rathaus.jpg]]" is a link to a page. */
static bool is_namespace(const struct bl_wikisite *site,
                         struct bl_span prefix, struct bl_span title, int *ns)
{
    if (find_namespace(site, prefix, ns))
        return true;
    if (bl_wiki_is_language(prefix) || bl_wiki_is_interwiki(prefix))
        return false;
    if (bl_wiki_is_categories(prefix))
        *ns = NS_CATEGORY;
    else if (bl_wiki_is_files(prefix) || bl_wiki_is_file_ending(title))
        *ns = NS_FILE;
    else
        return false;
    return true;
}

/* Takes "Prefix:" off what begins at `start` if it is a namespace.  Other
 * wikis' and languages' prefixes say what kind of link it is.  A colon in
 * front (`shown`) turns an image, category or language link into one that is
 * shown. */
static enum bl_wiki_kind read_prefix(const struct bl_wikisite *site,
                                     struct bl_buf *buf, size_t start,
                                     bool shown, int *ns)
{
    const char *from = buf->data + start;
    const char *colon = memchr(from, ':', buf->len - start);
    struct bl_buf folded = BL_BUF_INIT;
    struct bl_span prefix = { from, colon ? (size_t)(colon - from) : 0 };
    enum bl_wiki_kind kind = BL_WIKI_PAGE;
    size_t used = prefix.n + 1;

    if (!prefix.n)
        return kind;
    while (prefix.n && prefix.p[prefix.n - 1] == ' ')
        prefix.n--;
    fold_name(&folded, prefix);
    prefix = (struct bl_span){ folded.data, folded.len };
    if (is_namespace(site, prefix, (struct bl_span){ from + used,
                         buf->len - start - used }, ns)) {
        used += used < buf->len - start && from[used] == ' ';
        memmove(buf->data + start, from + used, buf->len - start - used);
        buf->len -= used;
        if (!shown && (*ns == NS_FILE || *ns == NS_CATEGORY))
            kind = BL_WIKI_HIDDEN;
    } else if (bl_wiki_is_language(prefix)) {
        kind = shown ? BL_WIKI_OUTSIDE : BL_WIKI_HIDDEN;
    } else if (bl_wiki_is_interwiki(prefix)) {
        kind = BL_WIKI_OUTSIDE;
    }
    bl_buf_free(&folded);
    return kind;
}

static void put_mark(struct bl_buf *buf, size_t start, int ns)
{
    struct bl_buf rest = BL_BUF_INIT;

    if (ns == 0)
        return;
    bl_buf_put(&rest, buf->data + start, buf->len - start);
    buf->len = start;
    bl_buf_printf(buf, "\1%d\1", ns);
    bl_buf_put(buf, rest.data, rest.len);
    bl_buf_free(&rest);
}

/* The key is made at the end of *key and taken away again where the target is
 * not a page.  A title has 255 bytes at most, and escapes make it longer, but
 * not 16 times: what is longer is not looked at. */
enum bl_wiki_kind bl_wikititle_key(const struct bl_wikisite *site,
                                   struct bl_span target, struct bl_buf *key,
                                   int *ns)
{
    size_t start = key->len;
    enum bl_wiki_kind kind;
    bool shown;

    *ns = 0;
    while (target.n && blank(target.p[0])) {
        target.p++;
        target.n--;
    }
    shown = target.n && target.p[0] == ':';
    if (shown)
        target = (struct bl_span){ target.p + 1, target.n - 1 };
    if (target.n > 16 * LONGEST_TITLE)
        return BL_WIKI_NONE;
    put_plain(key, target);
    kind = read_prefix(site, key, start, shown, ns);
    if (kind == BL_WIKI_PAGE && !good(key->data + start, key->len - start))
        kind = BL_WIKI_NONE;
    if (kind != BL_WIKI_PAGE) {
        key->len = start;
        return kind;
    }
    lower_first(site, key, start);
    put_mark(key, start, *ns);
    return kind;
}

/* The title of a page is not written as in a link: '%', '&' and '#' are only
 * themselves.  Its namespace is known, so a prefix is only taken off. */
bool bl_wikititle_page_key(const struct bl_wikisite *site,
                           struct bl_span title, int ns, struct bl_buf *key)
{
    size_t start = key->len;
    int seen = 0;

    if (title.n > 16 * LONGEST_TITLE)
        return false;
    bl_buf_put_span(key, title);
    if (!key->data)
        return false;
    squeeze(key, start);
    if (ns != 0)
        read_prefix(site, key, start, true, &seen);
    if (key->len == start || key->len - start > LONGEST_TITLE) {
        key->len = start;
        return false;
    }
    lower_first(site, key, start);
    put_mark(key, start, ns);
    return true;
}

bool bl_wikisite_url(const struct bl_wikisite *site, struct bl_span title,
                     struct bl_buf *out)
{
    if (!site->prefix)
        return false;
    bl_buf_puts(out, site->prefix);
    for (size_t i = 0; i < title.n; i++) {
        char c = title.p[i];

        if (c == ' ')
            bl_buf_putc(out, '_');
        else if ((unsigned char)c < 0x80 && !unprintable(c)
                 && !strchr("\"%<>?[\\]^`{|}#", c))
            bl_buf_putc(out, c);
        else
            bl_buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
    }
    return true;
}

/* ---- Pages that are no articles ---- */

/* What stands in "Title (...)" in the wikis that have such a custom. */
static const char *const disambiguation_words[] = {
    "disambiguation", "disambig", "begriffsklärung", "homonymie",
    "desambiguación", "desambiguação", "desambiguació", "disambigua",
    "doorverwijspagina", "ujednoznacznienie", "значения", "значення",
    "olika betydelser", "flertydig", "andre betydninger", "täsmennyssivu",
    "rozcestník", "rozlišovacia stránka", "egyértelműsítő lap",
    "dezambiguizare", "anlam ayrımı", "消歧义", "消歧義", "曖昧さ回避",
    "동음이의", "توضيح", "ابهام‌زدایی", "פירושונים", "định hướng",
    "disambiguasi", "nyahkekaburan", "apartigilo", "razločitev",
    "razdvojba", "вишезначна одредница", "пояснение", "argipena",
    "homónimos", "αποσαφήνιση", "nuorodinis",
};

static const char *const list_starts[] = {
    "list of ", "lists of ", "liste der ", "liste von ", "liste des ",
    "liste de ", "liste d'", "lista de ", "lista di ", "lista över ",
    "lista dei ", "lista delle ", "lijst van ", "liste over ",
    "список ", "luettelo ", "seznam ", "listo de ",
};

static const char *const disambiguation_names[] = {
    "dab", "disamb", "hndis", "hndab", "geodis", "mathdab", "schooldis",
    "roaddis", "roaddab", "numberdis", "letter-number combination "
    "disambiguation", "chinese title disambiguation", "begriffsklärung",
    "homonymie", "homonyme", "patronyme", "toponymie", "desambiguación",
    "desambiguação", "desambiguació", "desambig", "disambigua", "dp",
    "doorverwijspagina", "ujednoznacznienie", "неоднозначность",
    "многозначность", "багатозначність", "неоднозначность",
    "förgrening", "gren", "flertydig", "peker", "flertydig2",
    "täsmennyssivu", "rozcestník", "rozlišovacia stránka", "egyért",
    "dezambiguizare", "anlamayrımı", "消歧义", "消歧義", "aimai",
    "曖昧さ回避", "동음이의", "توضيح", "ابهام زدایی", "ابهام‌زدایی",
    "פירושונים", "định hướng", "trang định hướng", "apartigilo",
    "αποσαφήνιση", "вишезначна одредница", "пояснение", "razločitev",
    "argi", "homónimos", "surname-dab", "hospitaldis", "biology "
    "disambiguation", "tndis", "wp disambig", "species latin name "
    "disambiguation", "place name disambiguation", "airport disambiguation",
    "human name disambiguation", "call sign disambiguation", "genus "
    "disambiguation", "mil-unit-dis", "ship disambiguation", "station "
    "disambiguation", "opus disambiguation", "phonetics disambiguation",
    "road disambiguation", "school disambiguation", "mathematical "
    "disambiguation", "military unit disambiguation", "music "
    "disambiguation", "template disambiguation", "caselaw disambiguation",
    "geodab", "hospital disambiguation", "latin name disambiguation",
};

static const char *const list_names[] = {
    "shipindex", "sia", "set index article", "set index", "mountainindex",
    "lakeindex", "roadindex", "sportindex", "plant common name",
    "fungus common name", "chemistry index", "stormindex",
    "given name index", "enzyme index", "ship index", "mountain index",
    "river index",
};

/* The name in lower case with single blanks, where it is worth a look. */
static bool folded(struct bl_span name, struct bl_buf *buf)
{
    if (name.n == 0 || name.n > LONGEST_TITLE)
        return false;
    bl_buf_reserve(buf, name.n + 1);
    fold_name(buf, name);
    squeeze(buf, 0);
    return buf->len > 0;
}

static bool has_prefix(const struct bl_buf *buf, const char *prefix)
{
    size_t len = strlen(prefix);

    return buf->len >= len && !memcmp(buf->data, prefix, len);
}

static bool in_list(const struct bl_buf *buf, const char *const *list,
                    size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(list[i]) == buf->len && has_prefix(buf, list[i]))
            return true;
    return false;
}

#define IN(b, list) in_list((b), (list), BL_COUNT(list))

bool bl_wiki_disambiguation_title(struct bl_span title)
{
    const char *open = title.n ? memrchr(title.p, '(', title.n) : NULL;
    struct bl_buf buf = BL_BUF_INIT;
    bool yes = false;

    if (open && title.p[title.n - 1] == ')')
        yes = folded((struct bl_span){ open + 1,
                       title.n - (size_t)(open + 1 - title.p) - 1 }, &buf)
            && IN(&buf, disambiguation_words);
    bl_buf_free(&buf);
    return yes;
}

bool bl_wiki_list_title(struct bl_span title)
{
    struct bl_buf buf = BL_BUF_INIT;
    bool yes = false;

    if (folded(title, &buf))
        for (size_t i = 0; i < BL_COUNT(list_starts); i++)
            yes |= has_prefix(&buf, list_starts[i]);
    bl_buf_free(&buf);
    return yes;
}

bool bl_wiki_disambiguation_template(struct bl_span name)
{
    struct bl_buf buf = BL_BUF_INIT;
    bool yes = false;

    if (folded(name, &buf)) {
        yes = IN(&buf, disambiguation_names);
        /* "disambig-cleanup" is one, "disambiguation needed" is a mark on a
         * link. */
        if (has_prefix(&buf, "disambig"))
            yes = !memmem(buf.data, buf.len, "needed", 6)
                && !memmem(buf.data, buf.len, "-inline", 7);
    }
    bl_buf_free(&buf);
    return yes;
}

bool bl_wiki_list_template(struct bl_span name)
{
    struct bl_buf buf = BL_BUF_INIT;
    bool yes = folded(name, &buf) && IN(&buf, list_names);

    bl_buf_free(&buf);
    return yes;
}
