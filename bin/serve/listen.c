/* SPDX-License-Identifier: MIT */
/* Where blink-serve listens. */
#include "config.h"

#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"

enum { BACKLOG = 128 };

/* "HOST:PORT", "[::1]:PORT" or "PORT" in its parts; caller frees. */
static void split(const char *text, char **host, char **port)
{
    const char *colon = strrchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : 0;

    *port = bl_xstrdup(colon ? colon + 1 : text);
    if (n > 1 && text[0] == '[' && text[n - 1] == ']') {
        text++;
        n -= 2;
    }
    *host = n ? bl_xasprintf("%.*s", (int)n, text) : bl_xstrdup("127.0.0.1");
}

static struct addrinfo *look_up(const char *text, struct bl_err *err)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *found = NULL;
    char *host, *port;
    int rc;

    split(text, &host, &port);
    rc = getaddrinfo(host, port, &hints, &found);
    free(host);
    free(port);
    if (rc)
        bl_fail(err, BL_USAGE, "option '--listen': expected HOST:PORT, found "
                "'%s': %s", text, gai_strerror(rc));
    return rc ? NULL : found;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)address)
                     ->sin_addr.s_addr) >> 24 == 127;
    return address->sa_family == AF_INET6
        && IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)
                                  (const void *)address)->sin6_addr);
}

bool bl_listen_is_local(const char *text, struct bl_err *err)
{
    struct addrinfo *found = look_up(text, err);
    bool local = found != NULL;

    err->code = found ? BL_OK : err->code;
    for (struct addrinfo *one = found; one; one = one->ai_next)
        local = local && is_loopback(one->ai_addr);
    if (found)
        freeaddrinfo(found);
    return local;
}

static int listen_at(int family, const struct sockaddr *address,
                     socklen_t size)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0)
        return -1;
    /* A server that has just ended leaves its port waiting for a minute. */
    if (family != AF_UNIX)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, address, size) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

int bl_listen_tcp(const char *text, struct bl_err *err)
{
    struct addrinfo *found = look_up(text, err);
    int fd;

    if (!found)
        return -1;
    fd = listen_at(found->ai_family, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    if (fd < 0)
        bl_fail_errno(err, BL_SYSTEM, "cannot listen at %s", text);
    return fd;
}

/* A socket that nobody listens at any more may be taken away. */
static void remove_stale(const struct sockaddr_un *address)
{
    struct stat st;
    int fd;

    if (lstat(address->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0
        && connect(fd, (const struct sockaddr *)(const void *)address,
                   sizeof *address) < 0
        && errno == ECONNREFUSED)
        unlink(address->sun_path);
    if (fd >= 0)
        close(fd);
}

int bl_listen_unix(const char *path, struct bl_err *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    mode_t before;
    int fd;

    if (strlen(path) >= sizeof address.sun_path)
        return bl_fail(err, BL_USAGE, "option '--unix': expected a path of at "
                       "most %zu bytes", sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, strlen(path) + 1);
    remove_stale(&address);
    /* Only who may read the user's files may ask. */
    before = umask(0077);
    fd = listen_at(AF_UNIX, (const struct sockaddr *)(const void *)&address,
                   sizeof address);
    umask(before);
    if (fd < 0)
        bl_fail_errno(err, BL_SYSTEM, "cannot listen at '%s'", path);
    return fd;
}

void bl_listen_put_port(int fd, struct bl_buf *out)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    char host[NI_MAXHOST], port[NI_MAXSERV];
    bool v6;

    if (getsockname(fd, (struct sockaddr *)(void *)&address, &size) < 0
        || getnameinfo((struct sockaddr *)(void *)&address, size, host,
                       sizeof host, port, sizeof port,
                       NI_NUMERICHOST | NI_NUMERICSERV))
        return;
    v6 = address.ss_family == AF_INET6;
    bl_buf_printf(out, "http://%s%s%s:%s/", v6 ? "[" : "", host,
                  v6 ? "]" : "", port);
}
