/* SPDX-License-Identifier: MIT */
/*
 * blink-serve: a pipeline behind HTTP.
 *
 *     $ blink-serve &
 *     $ curl -d 'We saw Paris.' localhost:8080/link
 *     {"id":"1","links":[{"start":7,"end":12,"mention":"Paris",...}]}
 *
 * The pipeline is one that a shell runs: that of `blink link`, or any given
 * behind "--".  Nothing of a request ever gets into a command line.
 */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/paths.h"
#include "cli/opts.h"
#include "cli/pipeline.h"
#include "cli/prog.h"
#include "serve/listen.h"
#include "serve/serve.h"

enum { MAX_TOKEN = 256, MAX_COMMAND = 1 << 16 };

static struct {
    const char *listen, *unix_path, *token_file;
    struct bl_strings catalogues;
    bool fast;
    size_t workers, queue, timeout, max_body, connections;
} options = { .listen = "127.0.0.1:8080", .workers = 2, .queue = 64,
              .timeout = 60, .max_body = 1 << 20, .connections = 256 };

static const struct bl_opt table[] = {
    BL_OPT_STR(0, "listen", "HOST:PORT", &options.listen,
               "where to listen; port 0: any that is free"),
    BL_OPT_STR(0, "unix", "PATH", &options.unix_path,
               "listen at a socket in the file system instead"),
    BL_OPT_STR(0, "token-file", "FILE", &options.token_file,
               "answer only who knows the line in this file"),
    BL_OPT_SIZE('w', "workers", "N", &options.workers, 1, 1024,
                "pipelines that run side by side"),
    BL_OPT_GROUP("The usual pipeline"),
    BL_OPT_CATALOGUES(&options.catalogues,
                      "catalogue to link to; may be repeated"),
    BL_OPT_FLAG(0, "fast", &options.fast, "leave the cross-encoder out"),
    BL_OPT_GROUP("Limits"),
    BL_OPT_SIZE(0, "queue", "N", &options.queue, 0, 1 << 20,
                "requests that may wait for a pipeline"),
    BL_OPT_SIZE(0, "timeout", "SECONDS", &options.timeout, 1, 86400,
                "longest time for a request"),
    BL_OPT_SIZE(0, "max-body", "BYTES", &options.max_body, 1, 1 << 30,
                "largest request"),
    BL_OPT_SIZE(0, "connections", "N", &options.connections, 1, 1 << 16,
                "clients at the same time"),
    BL_OPTS_END
};

static const struct bl_command command = {
    "blink-serve", "[-- PIPELINE]", "link texts over HTTP", table, 0, 1 << 10
};

/* ---- Pipelines ---- */

/* What "blink link" runs; caller frees.  Its first stage cuts what comes into
 * records, which requests are already. */
static char *usual_pipeline(struct bl_err *err)
{
    struct bl_pipeline *show = bl_pipeline_new();
    struct bl_buf out = BL_BUF_INIT;
    static const char records[] = "blink records |";
    int fd = -1, status = 4;
    char bytes[4096], *text = NULL;
    ssize_t got;

    bl_pipeline_add(show, "blink", "link", "--show", "--input", "documents",
                    NULL);
    for (size_t i = 0; i < options.catalogues.n; i++) {
        bl_pipeline_arg(show, "--kb");
        bl_pipeline_arg(show, options.catalogues.v[i]);
    }
    if (options.fast)
        bl_pipeline_arg(show, "--fast");
    bl_pipeline_arg(show, "--json");
    if (bl_pipeline_start(show, NULL, &fd, err) == 0) {
        while ((got = read(fd, bytes, sizeof bytes)) > 0
               && out.len < MAX_COMMAND)
            bl_buf_put(&out, bytes, (size_t)got);
        close(fd);
        status = bl_pipeline_wait(show, err);
        if (status)
            bl_fail(err, status == 4 ? BL_SYSTEM : BL_DATA,
                    "there is no pipeline to serve");
    }
    if (!status)
        text = bl_xstrdup(strncmp(out.data, records, sizeof records - 1)
                          ? out.data : out.data + sizeof records - 1);
    bl_buf_free(&out);
    bl_pipeline_free(show);
    return text;
}

/* One operand is a text for a shell, several are the words of one command. */
static char *given_pipeline(struct bl_args args)
{
    struct bl_buf text = BL_BUF_INIT;

    if (args.n == 1)
        return bl_xstrdup(args.v[0]);
    for (size_t i = 0; i < args.n; i++) {
        if (i)
            bl_buf_putc(&text, ' ');
        bl_pipeline_quote(&text, args.v[i]);
    }
    return text.data;
}

/* Pipelines find the programs that belong to this one, wherever they are
 * called from. */
static void put_programs_first(void)
{
    char *program = bl_path_program("blink-ner"), *slash, *path;
    const char *before = getenv("PATH");

    slash = strrchr(program, '/');
    if (slash) {
        *slash = '\0';
        path = bl_xasprintf("%s:%s", program, before ? before : "/usr/bin");
        setenv("PATH", path, 1);
        free(path);
    }
    free(program);
}

/* ---- Who may ask ---- */

/* The first line of the file; caller frees. */
static char *read_token(const char *path, struct bl_err *err)
{
    struct bl_buf text = BL_BUF_INIT;

    if (bl_file_read(path, MAX_TOKEN, &text, err) < 0)
        return NULL;
    text.data[strcspn(text.data, "\r\n")] = '\0';
    if (strlen(text.data) < 8) {
        bl_fail(err, BL_DATA, "'%s': expected a line of at least 8 characters",
                path);
        bl_buf_free(&text);
        return NULL;
    }
    return text.data;
}

/* Whoever can reach this machine could have it work for them. */
static void check_address(void)
{
    struct bl_err err;

    if (options.unix_path || bl_listen_is_local(options.listen, &err))
        return;
    if (err.code != BL_OK)
        bl_die_usage("%s", err.msg);
    if (!options.token_file)
        bl_die_usage("option '--listen': '%s' can be reached from other "
                     "machines, which needs --token-file", options.listen);
}

/* ---- Start ---- */

static void open_pools(struct bl_serve *serve, const char *link)
{
    struct bl_pool_limits limits = {
        .workers = options.workers, .queue = options.queue,
        .timeout = (double)options.timeout
    };

    serve->link = bl_pool_new("/link", link, &limits);
    /* Few ask for these: each starts with the first who does. */
    limits.workers = 1;
    serve->queries = bl_pool_new("/v1/embeddings", "blink-embed", &limits);
    serve->documents = bl_pool_new("/v1/embeddings",
                                   "blink-embed --entities", &limits);
    serve->rerank = bl_pool_new("/v1/rerank", "blink-rerank --texts -k 65536",
                                &limits);
}

static void close_pools(struct bl_serve *serve)
{
    bl_pool_free(serve->link);
    bl_pool_free(serve->queries);
    bl_pool_free(serve->documents);
    bl_pool_free(serve->rerank);
}

/* Threads inherit this: only the main one hears of the end. */
static void set_signals(void)
{
    sigset_t ends;

    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
}

int main(int argc, char **argv)
{
    struct bl_serve serve = { .token = NULL };
    struct bl_args args;
    struct bl_err err;
    char *link, *token = NULL;
    int rc;

    bl_prog_init("blink-serve");
    args = bl_opts_parse(&command, argc, argv);
    check_address();
    put_programs_first();
    if (options.token_file && !(token = read_token(options.token_file, &err)))
        bl_die(&err);
    link = args.n ? given_pipeline(args) : usual_pipeline(&err);
    if (!link)
        bl_die(&err);
    serve.listen = options.listen;
    serve.unix_path = options.unix_path;
    serve.token = token;
    serve.max_body = options.max_body;
    serve.connections = options.connections;
    serve.timeout = options.timeout;
    signal(SIGPIPE, SIG_IGN);
    open_pools(&serve, link);
    rc = bl_pool_start(serve.link, &err);
    /* Before the first thread, but not before: a signal ends the start. */
    if (rc == 0) {
        set_signals();
        rc = bl_serve_run(&serve, &err);
    }
    close_pools(&serve);
    free(link);
    free(token);
    if (rc < 0)
        bl_die(&err);
    return bl_prog_finish(0);
}
