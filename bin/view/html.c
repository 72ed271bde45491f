/* SPDX-License-Identifier: MIT */
/*
 * The page.  Its policy forbids everything from the network and all scripts
 * but one of ours, which it knows by its sum: records may hold text of
 * strangers, and bl_html_text() is then not the only guard.  Without the
 * script nothing is missing but the choice of what to show.
 */
#include "config.h"

#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "view.h"

enum { MOST_ROWS = 200 };       /* of a table of the summary */

/* ---- Text ---- */

/* A link may lead to a page, and never be a script. */
static bool leads_to_page(struct bl_span url)
{
    return (url.n > 7 && !memcmp(url.p, "http://", 7))
        || (url.n > 8 && !memcmp(url.p, "https://", 8));
}

static void put_href(struct bl_buf *out, struct bl_span url)
{
    bl_buf_puts(out, " href=\"");
    bl_html_text(out, url);
    bl_buf_putc(out, '"');
}

/* Text that is a link where there is a page. */
static void put_link(struct bl_buf *out, struct bl_span url,
                     struct bl_span text)
{
    bool link = url.p && leads_to_page(url);

    if (link) {
        bl_buf_puts(out, "<a");
        put_href(out, url);
        bl_buf_putc(out, '>');
    }
    bl_html_text(out, text);
    if (link)
        bl_buf_puts(out, "</a>");
}

/* ---- A mention ---- */

/* The colour of its type: people, places and organisations have one each. */
static const char *type_class(struct bl_span type)
{
    static const char *const types[][2] = {
        { "PER", " per" }, { "LOC", " loc" }, { "GPE", " loc" },
        { "ORG", " org" }, { "MISC", " misc" },
    };

    for (size_t i = 0; type.p && i < BL_COUNT(types); i++)
        if (bl_span_is(type, types[i][0]))
            return types[i][1];
    return "";
}

static const char *const verdict_classes[] = {
    [BL_NOT_COMPARED] = "", [BL_RIGHT] = " right", [BL_WRONG] = " wrong",
    [BL_EXTRA] = " extra", [BL_MISSED] = " missed"
};

static const char *const verdict_words[] = {
    [BL_NOT_COMPARED] = "not compared", [BL_RIGHT] = "right",
    [BL_WRONG] = "wrong", [BL_EXTRA] = "extra", [BL_MISSED] = "missed"
};

static void put_title(struct bl_buf *out, const struct bl_seen *seen)
{
    bl_html_text(out, seen->row.title.p ? seen->row.title
                 : BL_SPAN_LIT("no entity"));
    if (seen->row.title.p && seen->row.p[0])
        bl_buf_printf(out, " %s", seen->row.p);
    else if (!seen->row.title.p && seen->row.nil_p[0])
        bl_buf_printf(out, " %s", seen->row.nil_p);
}

static void put_runners(struct bl_buf *out, const struct bl_seen *seen)
{
    for (size_t i = 0; i < seen->n_runners; i++) {
        bl_buf_puts(out, i ? ", " : "");
        bl_html_text(out, seen->runners[i].title);
        if (seen->runners[i].p[0])
            bl_buf_printf(out, " %s", seen->runners[i].p);
    }
}

/* What is shown when the mouse is over a mention. */
static void put_tip(struct bl_buf *out, const struct bl_seen *seen)
{
    put_title(out, seen);
    if (seen->n_runners)
        bl_buf_puts(out, "&#10;or ");
    put_runners(out, seen);
}

/* What a page in writing. */
struct writing {
    struct bl_buf *out;
    size_t number;              /* of the document */
};

static void put_class(struct bl_buf *out, const struct bl_seen *seen)
{
    bl_buf_printf(out, " class=\"%s%s%s%s%s\"",
                  seen->row.title.p ? "m" : "nil",
                  type_class(seen->row.type),
                  seen->row.by_name ? " page" : "",
                  seen->row.title.p && seen->row.unsure ? " unsure" : "",
                  verdict_classes[seen->verdict]);
    /* The style sheet makes the background of a mention as strong as its
     * probability --p. */
    if (seen->row.title.p && seen->row.p[0])
        bl_buf_printf(out, " style=\"--p:%s\"", seen->row.p);
}

/* The number behind a mention leads to its row, without a mouse and in
 * print. */
static void put_mention(void *ctx, const struct bl_seen *seen, size_t number)
{
    struct writing *writing = ctx;
    struct bl_buf *out = writing->out;
    bool link = seen->row.url.p && leads_to_page(seen->row.url);

    bl_buf_printf(out, "<%s", link ? "a" : "span");
    if (link)
        put_href(out, seen->row.url);
    put_class(out, seen);
    bl_buf_puts(out, " title=\"");
    put_tip(out, seen);
    bl_buf_puts(out, "\">");
    bl_html_text(out, seen->row.mention);
    bl_buf_printf(out, "</%s><sup><a id=\"m%zu-%zu\" href=\"#r%zu-%zu\">%zu"
                  "</a></sup>", link ? "a" : "span", writing->number, number,
                  writing->number, number, number);
}

static void put_text(void *ctx, struct bl_span text)
{
    struct writing *writing = ctx;

    bl_html_text(writing->out, text);
}

static void put_gap(void *ctx)
{
    struct writing *writing = ctx;

    bl_buf_puts(writing->out, "<span class=\"gap\"> [&#8230;] </span>");
}

/* ---- A document ---- */

static void put_answer(struct bl_buf *out, const struct bl_seen *seen)
{
    if (seen->row.title.p) {
        put_link(out, seen->row.url, seen->row.title);
        bl_buf_printf(out, "</td><td>%s</td><td>", seen->row.p);
    } else {
        bl_buf_printf(out, "none</td><td>%s</td><td>", seen->row.nil_p);
    }
    put_runners(out, seen);
    bl_buf_puts(out, "</td>");
}

static void put_verdict(struct bl_buf *out, const struct bl_seen *seen)
{
    bl_buf_printf(out, "<td>%s", verdict_words[seen->verdict]);
    if (seen->verdict == BL_WRONG || seen->verdict == BL_MISSED) {
        bl_buf_puts(out, ": ");
        bl_html_text(out, seen->wanted.p ? seen->wanted
                     : BL_SPAN_LIT("none"));
    }
    bl_buf_puts(out, "</td>");
}

static bool is_compared(const struct bl_shown *shown)
{
    for (size_t i = 0; i < shown->n; i++)
        if (shown->v[i]->verdict)
            return true;
    return false;
}

static void put_row(struct bl_buf *out, const struct bl_shown *shown, size_t i,
                    bool compared)
{
    const struct bl_seen *seen = shown->v[i];

    bl_buf_printf(out, "<tr id=\"r%zu-%zu\"><td><a href=\"#m%zu-%zu\">%zu</a>"
                  "</td><td>", shown->number, i + 1, shown->number, i + 1,
                  i + 1);
    bl_html_text(out, seen->row.mention);
    bl_buf_puts(out, "</td><td>");
    put_answer(out, seen);
    if (compared)
        put_verdict(out, seen);
    bl_buf_puts(out, "</tr>\n");
}

static void put_rows(struct bl_buf *out, const struct bl_shown *shown)
{
    bool compared = is_compared(shown);

    if (!shown->n)
        return;
    bl_buf_printf(out, "<details open=\"\"><summary>%zu mention%s</summary>\n"
                  "<div class=\"wide\" tabindex=\"0\" role=\"region\" "
                  "aria-label=\"mentions of document %zu\"><table>\n"
                  "<tr><th>no.</th><th>mention</th><th>entity</th>"
                  "<th>p</th><th>or</th>%s</tr>\n", shown->n,
                  shown->n == 1 ? "" : "s", shown->number,
                  compared ? "<th>compared</th>" : "");
    for (size_t i = 0; i < shown->n; i++)
        put_row(out, shown, i, compared);
    bl_buf_puts(out, "</table></div></details>\n");
}

static void put_name(struct bl_buf *out, struct bl_span name, size_t number)
{
    if (name.n)
        bl_html_text(out, name);
    else
        bl_buf_printf(out, "Document %zu", number);
}

void bl_html_document(struct bl_buf *out, const struct bl_shown *shown)
{
    struct writing writing = { out, shown->number };

    bl_buf_printf(out, "<section id=\"d%zu\">\n<h2>", shown->number);
    put_name(out, shown->name, shown->number);
    bl_buf_puts(out, "</h2>\n<p class=\"text\">");
    bl_shown_walk(shown, &(struct bl_walk){
        .text = put_text, .gap = put_gap, .mention = put_mention,
        .ctx = &writing
    });
    bl_buf_puts(out, "</p>\n");
    put_rows(out, shown);
    bl_buf_puts(out, "</section>\n");
}

/* ---- The summary ---- */

static void put_total(struct bl_buf *out, const struct bl_total *total,
                      bool linked)
{
    bl_buf_printf(out, "<tr><td>%zu</td><td>", total->count);
    if (linked) {
        put_link(out, total->url, total->title);
        bl_buf_puts(out, "</td><td>");
    }
    for (size_t i = 0; i < total->n_forms; i++) {
        bl_buf_puts(out, i ? ", " : "");
        bl_html_text(out, total->forms[i]);
    }
    bl_buf_puts(out, "</td></tr>\n");
}

static void put_totals(struct bl_buf *out, const char *what,
                       struct bl_total *const *totals, size_t n, bool linked)
{
    if (!n)
        return;
    bl_buf_printf(out, "<details><summary>%s (%zu)</summary>\n<table>\n"
                  "<tr><th>times</th>%s<th>written</th></tr>\n", what, n,
                  linked ? "<th>entity</th>" : "");
    for (size_t i = 0; i < n && i < MOST_ROWS; i++)
        put_total(out, totals[i], linked);
    bl_buf_puts(out, "</table>\n");
    if (n > MOST_ROWS)
        bl_buf_printf(out, "<p>and %zu more</p>\n", n - MOST_ROWS);
    bl_buf_puts(out, "</details>\n");
}

static void put_count(struct bl_buf *out, size_t n, const char *what)
{
    if (n)
        bl_buf_printf(out, ", %zu %s", n, what);
}

static void put_counts(struct bl_buf *out, const struct bl_totals *all)
{
    bl_buf_printf(out, "<p>%zu document%s, %zu mention%s: %zu linked to %zu "
                  "entit%s", all->documents, all->documents == 1 ? "" : "s",
                  all->mentions, all->mentions == 1 ? "" : "s", all->linked,
                  all->n_entities, all->n_entities == 1 ? "y" : "ies");
    put_count(out, all->by_name, "of them by name alone");
    put_count(out, all->unsure, "unsure");
    bl_buf_printf(out, ", %zu to none.", all->none);
    if (all->verdicts[BL_RIGHT] + all->verdicts[BL_WRONG]
        + all->verdicts[BL_EXTRA] + all->verdicts[BL_MISSED])
        bl_buf_printf(out, " Compared: %zu right, %zu wrong, %zu extra, %zu "
                      "missed.", all->verdicts[BL_RIGHT],
                      all->verdicts[BL_WRONG], all->verdicts[BL_EXTRA],
                      all->verdicts[BL_MISSED]);
    bl_buf_puts(out, "</p>\n");
}

static void put_contents(struct bl_buf *out, const struct bl_totals *all)
{
    if (all->documents < 2)
        return;
    bl_buf_printf(out, "<details><summary>Documents (%zu)</summary>\n"
                  "<nav aria-label=\"documents\"><ol>\n", all->documents);
    for (size_t i = 0; i < all->documents; i++) {
        bl_buf_printf(out, "<li><a href=\"#d%zu\">", i + 1);
        put_name(out, all->documents_named[i], i + 1);
        bl_buf_puts(out, "</a></li>\n");
    }
    bl_buf_puts(out, "</ol></nav></details>\n");
}

static const char legend[] =
    "<p class=\"legend\"><span class=\"m per\">person</span> "
    "<span class=\"m loc\">place</span> "
    "<span class=\"m org\">organisation</span> "
    "<span class=\"m misc\">other</span> "
    "<span class=\"m page\">by name alone</span> "
    "<span class=\"m unsure\">unsure</span> "
    "<span class=\"nil\">none</span> &#8211; the stronger the colour, the "
    "likelier</p>\n";

static const char compared_legend[] =
    "<p class=\"legend\"><span class=\"m right\">right</span> "
    "<span class=\"m wrong\">wrong</span> "
    "<span class=\"m extra\">extra</span> "
    "<span class=\"nil missed\">missed</span></p>\n";

/* Hidden until the script shows it: without one it would do nothing. */
static const char tools[] =
    "<p id=\"tools\" hidden=\"\"><label>p from <input id=\"from\" "
    "type=\"range\" min=\"0\" max=\"1\" step=\"0.01\" value=\"0\"></label> "
    "<output id=\"shown\" for=\"from\">0.00</output> "
    "<label><input id=\"unsure\" type=\"checkbox\"> unsure only</label></p>\n";

/* ---- The head ---- */

static const char style[] =
    ":root { color-scheme: light dark }\n"
    "body { font: 1.05rem/1.7 sans-serif; max-width: 46rem; "
    "margin: 2rem auto; padding: 0 1rem; background: Canvas; "
    "color: CanvasText }\n"
    "h1 { font-size: 1.4rem } h2 { font-size: 1.1rem }\n"
    ".text { white-space: pre-wrap; overflow-wrap: anywhere }\n"
    ".m, .nil { color: inherit; border-radius: .2rem; padding: 0 .15rem }\n"
    ".m { --c: 110, 110, 110; "
    "background: rgba(var(--c), calc(.1 + .35 * var(--p, 1))) }\n"
    "a.m { text-decoration: underline; text-decoration-thickness: 1px }\n"
    ".per { --c: 60, 130, 250 } .loc { --c: 30, 160, 90 }\n"
    ".org { --c: 220, 130, 20 } .misc { --c: 150, 90, 210 }\n"
    ".page { background: none; border-bottom: 2px dotted }\n"
    ".unsure { background: none; outline: 1px dotted }\n"
    ".nil { outline: 1px dashed }\n"
    ".wrong { outline: 2px solid #d33 } .extra { outline: 2px dashed #d33 }\n"
    ".right { outline: 2px solid #2a2 } .missed { outline: 2px dotted #d33 }\n"
    ".off { background: none; outline: none; border: none }\n"
    "sup { font-size: .65rem; line-height: 0 }\n"
    "sup a { padding: .3rem .1rem; text-decoration: none; color: inherit }\n"
    ":target { outline: 2px solid }\n"
    ".wide { overflow-x: auto }\n"
    "table { border-collapse: collapse; font-size: .9rem }\n"
    "th, td { text-align: left; vertical-align: top; padding: .1rem .8rem "
    ".1rem 0 }\n"
    "input[type=range] { vertical-align: middle }\n"
    "@media print { #tools { display: none } }\n";

static const char script[] =
    "const get = id => document.getElementById(id);\n"
    "const all = document.querySelectorAll('.text .m');\n"
    "function show() {\n"
    "  const from = Number(get('from').value);\n"
    "  get('shown').textContent = from.toFixed(2);\n"
    "  for (const one of all) {\n"
    "    const p = one.style.getPropertyValue('--p');\n"
    "    one.classList.toggle('off', p !== '' && Number(p) < from\n"
    "      || get('unsure').checked && !one.classList.contains('unsure'));\n"
    "  }\n"
    "}\n"
    "get('from').oninput = get('unsure').onchange = show;\n"
    "get('tools').hidden = false;\n";

static void put_policy(struct bl_buf *out)
{
    unsigned char sum[BL_SHA256_SIZE];

    bl_sha256_of(script, sizeof script - 1, sum);
    bl_buf_puts(out, "<meta http-equiv=\"Content-Security-Policy\" "
                "content=\"default-src 'none'; style-src 'unsafe-inline'; "
                "script-src 'sha256-");
    bl_base64_put(out, sum, sizeof sum);
    bl_buf_puts(out, "'\">\n");
}

void bl_html_head(struct bl_buf *out, const char *title,
                  const struct bl_totals *totals)
{
    bl_buf_puts(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
                "<meta charset=\"utf-8\">\n");
    put_policy(out);
    bl_buf_puts(out, "<meta name=\"viewport\" "
                "content=\"width=device-width, initial-scale=1\">\n<title>");
    bl_html_text(out, bl_span_of(title));
    bl_buf_printf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n"
                  "<header>\n<h1>", style);
    bl_html_text(out, bl_span_of(title));
    bl_buf_puts(out, "</h1>\n");
    put_counts(out, totals);
    if (totals->mentions)
        bl_buf_puts(out, legend);
    if (totals->verdicts[BL_NOT_COMPARED] != totals->mentions)
        bl_buf_puts(out, compared_legend);
    if (totals->linked)
        bl_buf_puts(out, tools);
    put_totals(out, "Entities", totals->entities, totals->n_entities, true);
    put_totals(out, "Not found", totals->names, totals->n_names, false);
    put_contents(out, totals);
    bl_buf_puts(out, "</header>\n<main>\n");
}

void bl_html_tail(struct bl_buf *out, const struct bl_totals *totals)
{
    bl_buf_puts(out, "</main>\n");
    if (totals->linked)
        bl_buf_printf(out, "<script>%s</script>\n", script);
    bl_buf_puts(out, "</body>\n</html>\n");
}
