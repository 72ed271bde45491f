/* SPDX-License-Identifier: MIT */
/*
 * GET /: a page to type a text into.  POST / of its form: the same page with
 * the links, as blink-view shows them.  Nothing in it is a script.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/paths.h"
#include "cli/prog.h"
#include "driver/driver.h"
#include "json/writer.h"
#include "serve.h"
#include "view/view.h"
#include "worker.h"

enum { VIEW_SECONDS = 30 };

/* ---- The form ---- */

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The field "text" of a form as browsers send it (URL Standard,
 * application/x-www-form-urlencoded), which has no other. */
static void decode_form(struct bl_span body, struct bl_buf *text)
{
    size_t i = body.n >= 5 && !memcmp(body.p, "text=", 5) ? 5 : 0;

    bl_buf_reserve(text, 1);
    for (; i < body.n && body.p[i] != '&'; i++) {
        int high = -1, low = -1;

        if (body.p[i] == '%' && i + 2 < body.n) {
            high = digit(body.p[i + 1]);
            low = digit(body.p[i + 2]);
        }
        if (high >= 0 && low >= 0) {
            bl_buf_putc(text, (char)(high << 4 | low));
            i += 2;
        } else {
            bl_buf_putc(text, body.p[i] == '+' ? ' ' : body.p[i]);
        }
    }
}

/* A line break behind <textarea> is none of the text's. */
static void put_form(struct bl_buf *out, struct bl_span text)
{
    bl_buf_puts(out, "<form method=\"post\" action=\"/\" role=\"search\">\n"
        "<label for=\"text\">A text, in which names are linked:</label>\n"
        "<textarea id=\"text\" name=\"text\" rows=\"5\" required "
        "autofocus style=\"width:100%;box-sizing:border-box;font:inherit\">"
        "\n");
    bl_html_text(out, text);
    bl_buf_puts(out, "</textarea>\n"
        "<button type=\"submit\" style=\"font:inherit\">Link</button>\n"
        "</form>\n");
}

/* ---- The page ---- */

/* The page that blink-view makes of the records. */
static int view(struct bl_span records, struct bl_buf *page,
                struct bl_err *err)
{
    struct bl_worker worker = BL_WORKER_INIT;
    char *path = bl_path_program("blink-view"), *argv[] = { path, NULL };
    double deadline = bl_now() + VIEW_SECONDS;
    enum bl_pumped pumped = BL_PUMP_MORE;
    size_t sent = 0;

    if (bl_worker_run(&worker, path, argv, err) < 0) {
        free(path);
        return -1;
    }
    free(path);
    while (pumped == BL_PUMP_MORE) {
        if (sent == records.n)
            bl_worker_close_input(&worker);
        pumped = bl_worker_pump(&worker, records, &sent, deadline);
    }
    bl_buf_put(page, worker.read.data, worker.read.len);
    bl_worker_kill(&worker);
    return pumped == BL_PUMP_ENDED && page->len ? 0
        : bl_fail(err, BL_SYSTEM, "blink-view gave no page");
}

/* Puts the form where the page's own content begins. */
static void put_page(struct bl_buf *out, struct bl_span page,
                     struct bl_span text)
{
    static const char body[] = "<body>\n";
    const char *at = page.n ? memmem(page.p, page.n, body, sizeof body - 1)
        : NULL;
    size_t n = at ? (size_t)(at - page.p) + sizeof body - 1 : 0;

    bl_buf_put(out, page.p, n);
    put_form(out, text);
    bl_buf_put(out, page.p + n, page.n - n);
}

/* Behind the records goes the document itself, which marks its end: the page
 * then shows all of it. */
static void put_mark(struct bl_buf *out, struct bl_span text)
{
    struct bl_writer json = bl_writer(out, BL_WRITE_COMPACT);

    bl_write_object(&json, NULL);
    bl_write_string(&json, "id", "1");
    bl_write_span(&json, "text", text);
    bl_write_object(&json, "error");
    bl_write_string(&json, "code", "end");
    bl_write_end(&json);
    bl_write_end(&json);
    bl_write_line(&json);
}

static void answer_page(struct bl_answer *answer, struct bl_span records,
                        struct bl_span text)
{
    struct bl_buf page = BL_BUF_INIT;
    struct bl_err err;

    if (view(records, &page, &err) < 0) {
        bl_answer_fail(answer, 500, "%s", err.msg);
    } else {
        put_page(&answer->body, (struct bl_span){ page.data, page.len }, text);
        answer->type = "text/html; charset=utf-8";
    }
    bl_buf_free(&page);
}

void bl_serve_page(const struct bl_request *request, struct bl_answer *answer)
{
    (void)request;
    answer_page(answer, BL_SPAN_LIT(""), BL_SPAN_LIT(""));
}

/* The page shows the text as the links' offsets count it: made valid first. */
void bl_serve_form(const struct bl_request *request, struct bl_answer *answer)
{
    struct bl_buf text = BL_BUF_INIT, valid = BL_BUF_INIT;
    struct bl_answer records = { .status = 200 };
    struct bl_request link = *request;

    decode_form(request->body, &text);
    bl_buf_reserve(&valid, 1);
    bl_driver_put_valid(&valid, text.len ? text.data : "", text.len);
    link.body = (struct bl_span){ valid.data, valid.len };
    link.media = BL_MEDIA_TEXT;
    link.wanted = BL_MEDIA_LINES;
    bl_serve_link(&link, &records);
    if (records.status == 200) {
        put_mark(&records.body, link.body);
        answer_page(answer, (struct bl_span){ records.body.data,
                                              records.body.len }, link.body);
        bl_buf_free(&records.body);
    } else {
        *answer = records;
    }
    bl_buf_free(&text);
    bl_buf_free(&valid);
}
