/* SPDX-License-Identifier: MIT */
/*
 * The connections of blink-serve, each of which has a thread (libmicrohttpd):
 * who may ask what, how much, and for how long.
 */
#include "config.h"

#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/mem.h"
#include "cli/prog.h"
#include "listen.h"
#include "serve.h"
#include "stream.h"

enum {
    IDLE_SECONDS = 30,          /* for a connection on which nothing passes */
    STACK = 1 << 20,            /* bytes, of a connection's thread */
    CHUNK = 1 << 15             /* bytes, of an answer that is sent as it
                                 * comes */
};

const double bl_buckets[BL_BUCKETS] = {
    .005, .01, .025, .05, .1, .25, .5, 1, 5, 30
};

static const struct route {
    const char *method, *path;
    bl_handle_fn *handle;
    bool open;                  /* to anybody, without a token */
} routes[] = {
    { "GET", "/", bl_serve_page, false },
    { "POST", "/", bl_serve_form, false },
    { "POST", "/link", bl_serve_link, false },
    { "POST", "/v1/embeddings", bl_serve_embeddings, false },
    { "POST", "/v1/rerank", bl_serve_rerank, false },
    { "GET", "/health", bl_serve_health, true },
    { "GET", "/metrics", bl_serve_metrics, false },
};

enum { OTHER = BL_COUNT(routes) };      /* what is counted as no route */

_Static_assert((int)OTHER < (int)BL_ROUTES, "all routes are counted");

/* What is there once for the program: handlers of libmicrohttpd get no more
 * than one pointer, and that is the server. */
static struct {
    pthread_mutex_t lock;
    struct bl_counts counts[BL_ROUTES];
    size_t active;              /* requests */
    atomic_bool draining;
} shared = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* One request on a connection. */
struct visit {
    size_t route;
    double started;
    struct bl_buf body;
    bool too_large;
    bool refused;               /* it was answered before its body came */
    const char *allow;          /* the methods of its page */
};

/* ---- Counting ---- */

size_t bl_serve_counts(struct bl_counts counts[BL_ROUTES])
{
    pthread_mutex_lock(&shared.lock);
    memcpy(counts, shared.counts, sizeof shared.counts);
    pthread_mutex_unlock(&shared.lock);
    for (size_t i = 0; i < OTHER; i++)
        counts[i].route = routes[i].path;
    counts[OTHER].route = "other";
    /* GET / and POST / are one to those who look at figures. */
    for (size_t i = 0; i < BL_COUNT(counts[0].by_class); i++)
        counts[0].by_class[i] += counts[1].by_class[i];
    for (size_t i = 0; i < BL_BUCKETS; i++)
        counts[0].buckets[i] += counts[1].buckets[i];
    counts[0].seconds += counts[1].seconds;
    counts[1] = counts[OTHER];
    return OTHER;
}

static void count(const struct visit *visit, unsigned status)
{
    struct bl_counts *to = &shared.counts[visit->route];
    double seconds = bl_now() - visit->started;

    pthread_mutex_lock(&shared.lock);
    to->by_class[BL_MIN(status / 100, 5)]++;
    to->seconds += seconds;
    for (size_t i = 0; i < BL_BUCKETS; i++)
        to->buckets[i] += seconds <= bl_buckets[i];
    pthread_mutex_unlock(&shared.lock);
}

/* ---- Sending ---- */

/* Answers are of their moment, and a browser shall not guess what they are. */
static enum MHD_Result send_response(struct MHD_Connection *connection,
                                     struct visit *visit, unsigned status,
                                     const char *type,
                                     struct MHD_Response *response)
{
    enum MHD_Result result;

    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
        MHD_add_response_header(response, "Retry-After", "1");
    if (status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(response, "WWW-Authenticate",
                                "Basic realm=\"blink\"");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, "Allow", visit->allow);
    count(visit, status);
    result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result send_answer(struct MHD_Connection *connection,
                                   struct visit *visit,
                                   struct bl_answer *answer)
{
    struct bl_buf *body = &answer->body;
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body->len, body->data, MHD_RESPMEM_MUST_COPY);

    bl_buf_free(body);
    return send_response(connection, visit, answer->status,
                         answer->type ? answer->type : "application/json",
                         response);
}

static enum MHD_Result refuse(struct MHD_Connection *connection,
                              struct visit *visit, unsigned status,
                              const char *message)
{
    struct bl_answer answer = { .status = status };

    visit->refused = true;
    bl_answer_fail(&answer, status, "%s", message);
    return send_answer(connection, visit, &answer);
}

/* ---- Answers that are sent as they come ---- */

static ssize_t read_stream(void *ctx, uint64_t at, char *to, size_t max)
{
    size_t n = bl_stream_read(ctx, to, max);

    (void)at;
    return n ? (ssize_t)n : MHD_CONTENT_READER_END_OF_STREAM;
}

static void leave_stream(void *ctx)
{
    bl_stream_leave(ctx);
}

static void *work(void *ctx)
{
    bl_stream_work(ctx);
    return NULL;
}

/* Whatever fails before the first line still has a status of its own. */
static enum MHD_Result send_stream(struct MHD_Connection *connection,
                                   struct visit *visit,
                                   const struct bl_request *request)
{
    struct bl_stream *stream = bl_stream_start(request, &visit->body,
                                               routes[visit->route].handle);
    struct MHD_Response *response;
    enum MHD_Result result;
    pthread_t thread;

    if (pthread_create(&thread, NULL, work, stream)) {
        bl_stream_free(stream);
        return refuse(connection, visit, MHD_HTTP_SERVICE_UNAVAILABLE,
                      "there are too many threads: try again in a second");
    }
    pthread_detach(thread);
    if (bl_stream_begin(stream)) {
        result = send_answer(connection, visit, &stream->answer);
        bl_stream_leave(stream);
        return result;
    }
    response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, CHUNK, read_stream, stream, leave_stream);
    if (!response)
        bl_stream_leave(stream);
    return send_response(connection, visit, MHD_HTTP_OK,
                         "application/x-ndjson", response);
}

/* ---- Who may ask ---- */

static const char *header(struct MHD_Connection *connection, const char *name)
{
    const char *value = MHD_lookup_connection_value(connection,
                                                    MHD_HEADER_KIND, name);

    return value ? value : "";
}

/* In a time that does not tell how much of it is right. */
static bool same_secret(struct bl_span given, const char *token)
{
    size_t n = strlen(token);
    unsigned differs = given.n != n;

    for (size_t i = 0; i < given.n; i++)
        differs |= (unsigned char)given.p[i] ^ (unsigned char)token[i % n];
    return !differs;
}

/* "Basic BASE64" of USER:TOKEN, which a browser sends when it has asked. */
static bool basic_is(const char *text, const char *token)
{
    char plain[512];
    size_t n = strlen(text), size;
    const char *colon;

    while (n && text[n - 1] == '=')
        n--;
    size = n * 3 / 4;
    if (size >= sizeof plain
        || !bl_base64_get(bl_span_of(text), plain, size))
        return false;
    colon = memchr(plain, ':', size);
    return colon
        && same_secret((struct bl_span){ colon + 1,
                           size - (size_t)(colon + 1 - plain) }, token);
}

static bool has_token(struct MHD_Connection *connection, const char *token)
{
    const char *given = header(connection, "Authorization");

    if (!strncasecmp(given, "Bearer ", 7))
        return same_secret(bl_span_of(given + 7), token);
    return !strncasecmp(given, "Basic ", 6) && basic_is(given + 6, token);
}

/* A page of somebody else, open in a browser on this machine, may call itself
 * by a name that leads here: then the browser says that name. */
static bool is_named_locally(struct MHD_Connection *connection,
                             const struct bl_serve *serve)
{
    static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };
    const char *host = header(connection, "Host");
    size_t n = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    const char *own = serve->listen;

    for (size_t i = 0; i < BL_COUNT(names); i++)
        if (strlen(names[i]) == n && !strncasecmp(host, names[i], n))
            return true;
    return n && !strncasecmp(own, host, n) && own[n] == ':';
}

/* ---- What is asked ---- */

static enum bl_media media_of(const char *type)
{
    static const struct { const char *name; enum bl_media media; } types[] = {
        { "application/json", BL_MEDIA_JSON },
        { "application/x-ndjson", BL_MEDIA_LINES },
        { "application/ndjson", BL_MEDIA_LINES },
        { "application/jsonl", BL_MEDIA_LINES },
        { "application/x-jsonlines", BL_MEDIA_LINES },
        { "application/x-www-form-urlencoded", BL_MEDIA_FORM },
    };
    size_t n = strcspn(type, "; ");

    for (size_t i = 0; i < BL_COUNT(types); i++)
        if (strlen(types[i].name) == n && !strncasecmp(type, types[i].name, n))
            return types[i].media;
    return BL_MEDIA_TEXT;
}

/* What curl -d sends calls itself a form, whatever it is. */
static enum bl_media media_sent(struct MHD_Connection *connection,
                                const struct bl_buf *body)
{
    enum bl_media media = media_of(header(connection, "Content-Type"));

    if (media != BL_MEDIA_FORM || !body->len)
        return media;
    if (body->data[0] == '{' || body->data[0] == '[')
        return BL_MEDIA_JSON;
    return strncmp(body->data, "text=", 5) ? BL_MEDIA_TEXT : BL_MEDIA_FORM;
}

static enum bl_media media_wanted(struct MHD_Connection *connection,
                                  enum bl_media sent)
{
    const char *accept = header(connection, "Accept");

    if (strcasestr(accept, "ndjson") || strcasestr(accept, "jsonl"))
        return BL_MEDIA_LINES;
    if (strcasestr(accept, "application/json"))
        return BL_MEDIA_JSON;
    return sent == BL_MEDIA_LINES ? sent : BL_MEDIA_JSON;
}

/* Sets what may be done with the page; NULL where there is none. */
static size_t find_route(const char *method, const char *path,
                         const char **allow)
{
    if (!strcmp(method, "HEAD"))
        method = "GET";
    *allow = NULL;
    for (size_t i = 0; i < BL_COUNT(routes); i++) {
        bool get = !strcmp(routes[i].method, "GET");

        if (strcmp(path, routes[i].path) != 0)
            continue;
        *allow = *allow ? "GET, HEAD, POST" : get ? "GET, HEAD" : "POST";
        if (!strcmp(method, routes[i].method))
            return i;
    }
    return OTHER;
}

/* What we read is UTF-8, as it is. */
static bool is_readable(struct MHD_Connection *connection)
{
    const char *encoding = header(connection, "Content-Encoding");
    const char *set = strcasestr(header(connection, "Content-Type"),
                                 "charset=");

    if (*encoding && strcasecmp(encoding, "identity") != 0)
        return false;
    set = set ? set + strlen("charset=") : "utf-8";
    set += *set == '"';
    return !strncasecmp(set, "utf-8", 5) || !strncasecmp(set, "us-ascii", 8);
}

/* ---- A request ---- */

/* Before its body comes.  MHD_YES without an answer: go on. */
static enum MHD_Result begin(struct bl_serve *serve,
                             struct MHD_Connection *connection,
                             const char *path, const char *method,
                             struct visit *visit)
{
    char *end;
    const char *length = header(connection, "Content-Length");
    bool open;

    visit->route = find_route(method, path, &visit->allow);
    /* Servers before this one may take the other of the two for its length. */
    if (*length && *header(connection, "Transfer-Encoding"))
        return refuse(connection, visit, MHD_HTTP_BAD_REQUEST,
                      "expected one length, found two");
    open = visit->route < OTHER && routes[visit->route].open;
    if (serve->token && !open && !has_token(connection, serve->token))
        return refuse(connection, visit, MHD_HTTP_UNAUTHORIZED,
                      "expected 'Authorization: Bearer TOKEN'");
    if (!serve->token && !serve->unix_path
        && !is_named_locally(connection, serve))
        return refuse(connection, visit, MHD_HTTP_FORBIDDEN,
                      "expected the host to be called localhost");
    if (visit->route == OTHER)
        return refuse(connection, visit, visit->allow
                      ? MHD_HTTP_METHOD_NOT_ALLOWED : MHD_HTTP_NOT_FOUND,
                      !visit->allow
                      ? "there is no such page; POST a text to /link"
                      : !strcmp(visit->allow, "POST")
                      ? "expected POST" : "expected another method");
    if (!is_readable(connection))
        return refuse(connection, visit, 415,
                      "expected UTF-8 that is not compressed");
    if (*length && strtoull(length, &end, 10) > serve->max_body)
        return refuse(connection, visit, 413, "the request is too large");
    return MHD_YES;
}

/* What comes without its length is cut off once it is too long. */
static enum MHD_Result add(const struct bl_serve *serve, struct visit *visit,
                           const char *data, size_t *size)
{
    if (bl_now() - visit->started > (double)serve->timeout)
        return MHD_NO;
    if (visit->refused || visit->too_large) {
        *size = 0;
        return MHD_YES;
    }
    visit->too_large = *size > serve->max_body - visit->body.len;
    if (!visit->too_large)
        bl_buf_put(&visit->body, data, *size);
    *size = 0;
    return MHD_YES;
}

static enum MHD_Result answer(struct bl_serve *serve,
                              struct MHD_Connection *connection,
                              struct visit *visit)
{
    struct bl_answer answer = { .status = 200 };
    struct bl_request request = {
        .serve = serve, .media = media_sent(connection, &visit->body),
        .body = { visit->body.data ? visit->body.data : "", visit->body.len }
    };

    /* Windows puts a byte order mark before UTF-8. */
    if (request.body.n >= 3 && !memcmp(request.body.p, "\xEF\xBB\xBF", 3))
        request.body = (struct bl_span){ request.body.p + 3,
                                         request.body.n - 3 };
    if (visit->too_large)
        return refuse(connection, visit, 413, "the request is too large");
    if (shared.draining)
        return refuse(connection, visit, 503, "the server is ending");
    request.wanted = media_wanted(connection, request.media);
    if (routes[visit->route].handle == bl_serve_link
        && request.wanted == BL_MEDIA_LINES)
        return send_stream(connection, visit, &request);
    routes[visit->route].handle(&request, &answer);
    return send_answer(connection, visit, &answer);
}

static struct visit *new_visit(void)
{
    struct visit *visit = BL_NEW(struct visit);

    visit->started = bl_now();
    visit->route = OTHER;
    pthread_mutex_lock(&shared.lock);
    shared.active++;
    pthread_mutex_unlock(&shared.lock);
    return visit;
}

static enum MHD_Result handle(void *ctx, struct MHD_Connection *connection,
                              const char *path, const char *method,
                              const char *version, const char *data,
                              size_t *size, void **state)
{
    struct visit *visit = *state;

    (void)version;
    if (!visit) {
        *state = visit = new_visit();
        return begin(ctx, connection, path, method, visit);
    }
    if (*size)
        return add(ctx, visit, data, size);
    return visit->refused ? MHD_YES : answer(ctx, connection, visit);
}

static void completed(void *ctx, struct MHD_Connection *connection,
                      void **state, enum MHD_RequestTerminationCode how)
{
    struct visit *visit = *state;

    (void)ctx;
    (void)connection;
    (void)how;
    if (!visit)
        return;
    bl_buf_free(&visit->body);
    free(visit);
    *state = NULL;
    pthread_mutex_lock(&shared.lock);
    shared.active--;
    pthread_mutex_unlock(&shared.lock);
}

/* ---- From start to end ---- */

/* The requests there are get their answers, which take no longer than each
 * may. */
static void drain(const struct bl_serve *serve)
{
    double deadline = bl_now() + (double)serve->timeout + 1;
    size_t active = 1;

    while (active && bl_now() < deadline) {
        pthread_mutex_lock(&shared.lock);
        active = shared.active;
        pthread_mutex_unlock(&shared.lock);
        if (active)
            nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    }
}

static int open_socket(const struct bl_serve *serve, struct bl_err *err)
{
    return serve->unix_path ? bl_listen_unix(serve->unix_path, err)
        : bl_listen_tcp(serve->listen, err);
}

static void say_ready(const struct bl_serve *serve, int fd)
{
    struct bl_buf address = BL_BUF_INIT;

    if (serve->unix_path)
        bl_buf_printf(&address, "'%s'", serve->unix_path);
    else
        bl_listen_put_port(fd, &address);
    bl_warn("listening at %s", address.data ? address.data : serve->listen);
    bl_buf_free(&address);
}

int bl_serve_run(struct bl_serve *serve, struct bl_err *err)
{
    int fd = open_socket(serve, err), number;
    struct MHD_Daemon *daemon;
    sigset_t ends;

    if (fd < 0)
        return -1;
    daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD
        | MHD_USE_POLL | MHD_USE_ITC, 0, NULL, NULL, handle, serve,
        MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)serve->connections,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
        MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK,
        MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_END);
    if (!daemon) {
        close(fd);
        return bl_fail(err, BL_SYSTEM, "cannot start to serve");
    }
    say_ready(serve, fd);
    /* blink-serve.c has them blocked in all threads. */
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigwait(&ends, &number);
    shared.draining = true;
    fd = MHD_quiesce_daemon(daemon);
    if (fd >= 0)
        close(fd);
    if (serve->unix_path)
        unlink(serve->unix_path);
    drain(serve);
    MHD_stop_daemon(daemon);
    return 0;
}
