/* SPDX-License-Identifier: MIT */
/* GET /health: whether it answers.  GET /metrics: how it does, in the text
 * format of Prometheus. */
#include "config.h"

#include "base/mem.h"
#include "json/writer.h"
#include "serve.h"

void bl_serve_health(const struct bl_request *request,
                     struct bl_answer *answer)
{
    struct bl_pool_state link = bl_pool_state(request->serve->link);
    struct bl_writer json = bl_writer(&answer->body, BL_WRITE_COMPACT);

    answer->status = link.running ? 200 : 503;
    bl_write_object(&json, NULL);
    bl_write_string(&json, "status", link.running ? "ok" : "down");
    bl_write_size(&json, "workers", link.workers);
    bl_write_size(&json, "running", link.running);
    bl_write_size(&json, "busy", link.busy);
    bl_write_size(&json, "waiting", link.waiting);
    bl_write_end(&json);
    bl_write_line(&json);
}

static void put_head(struct bl_buf *out, const char *name, const char *type,
                     const char *help)
{
    bl_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_requests(struct bl_buf *out, const struct bl_counts *counts,
                         size_t n)
{
    put_head(out, "blink_requests_total", "counter",
             "Requests answered, by the class of their status.");
    for (size_t i = 0; i < n; i++)
        for (unsigned class = 2; class < 6; class++)
            bl_buf_printf(out, "blink_requests_total{path=\"%s\","
                          "code=\"%uxx\"} %lu\n", counts[i].route, class,
                          counts[i].by_class[class]);
}

/* A bucket counts what took its time or less, as Prometheus wants it. */
static void put_seconds(struct bl_buf *out, const struct bl_counts *counts,
                        size_t n)
{
    static const char name[] = "blink_request_seconds";

    put_head(out, name, "histogram",
             "Time from a request's start to its answer's.");
    for (size_t i = 0; i < n; i++) {
        unsigned long all = 0;

        for (size_t k = 0; k < BL_COUNT(counts[i].by_class); k++)
            all += counts[i].by_class[k];
        for (size_t k = 0; k < BL_BUCKETS; k++)
            bl_buf_printf(out, "%s_bucket{path=\"%s\",le=\"%g\"} %lu\n", name,
                          counts[i].route, bl_buckets[k],
                          counts[i].buckets[k]);
        bl_buf_printf(out, "%s_bucket{path=\"%s\",le=\"+Inf\"} %lu\n"
                      "%s_sum{path=\"%s\"} %.6f\n%s_count{path=\"%s\"} %lu\n",
                      name, counts[i].route, all, name, counts[i].route,
                      counts[i].seconds, name, counts[i].route, all);
    }
}

/* Asked first and written then, so that the lines are of one moment. */
static void put_pools(struct bl_buf *out, const struct bl_serve *serve)
{
    static const char *const names[] = { "link", "queries", "documents",
                                         "rerank" };
    struct bl_pool *pools[] = { serve->link, serve->queries, serve->documents,
                                serve->rerank };
    struct bl_pool_state states[BL_COUNT(pools)];

    for (size_t i = 0; i < BL_COUNT(pools); i++)
        states[i] = bl_pool_state(pools[i]);
    put_head(out, "blink_pipelines", "gauge", "Pipelines, by what they do.");
    for (size_t i = 0; i < BL_COUNT(pools); i++)
        bl_buf_printf(out, "blink_pipelines{pool=\"%s\",state=\"busy\"} %zu\n"
                      "blink_pipelines{pool=\"%s\",state=\"idle\"} %zu\n",
                      names[i], states[i].busy, names[i],
                      states[i].running - states[i].busy);
    put_head(out, "blink_waiting", "gauge",
             "Requests that wait for a pipeline.");
    for (size_t i = 0; i < BL_COUNT(pools); i++)
        bl_buf_printf(out, "blink_waiting{pool=\"%s\"} %zu\n", names[i],
                      states[i].waiting);
    put_head(out, "blink_restarts_total", "counter",
             "Pipelines that ended or were late, and were started anew.");
    for (size_t i = 0; i < BL_COUNT(pools); i++)
        bl_buf_printf(out, "blink_restarts_total{pool=\"%s\"} %lu\n",
                      names[i], states[i].restarts);
}

void bl_serve_metrics(const struct bl_request *request,
                      struct bl_answer *answer)
{
    struct bl_counts counts[BL_ROUTES];
    size_t n = bl_serve_counts(counts);

    answer->type = "text/plain; version=0.0.4";
    put_requests(&answer->body, counts, n);
    put_seconds(&answer->body, counts, n);
    put_pools(&answer->body, request->serve);
}
