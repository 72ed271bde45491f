/* SPDX-License-Identifier: MIT */
/* listen: the socket of blink-serve. */
#ifndef SERVE_LISTEN_H
#define SERVE_LISTEN_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/* Whether "HOST:PORT" can be reached from this machine alone.  err->code is
 * BL_OK, or BL_USAGE for what is no address. */
bool bl_listen_is_local(const char *text, struct bl_err *err);

/* A listening socket; port 0 takes any that is free.  -1 with BL_USAGE or
 * BL_SYSTEM. */
int bl_listen_tcp(const char *text, struct bl_err *err);
/* A socket in the file system, for this user alone; one that a server has left
 * there is replaced.  -1 with BL_USAGE or BL_SYSTEM. */
int bl_listen_unix(const char *path, struct bl_err *err);

/* Appends "http://127.0.0.1:8080/", the address that a socket of TCP has. */
void bl_listen_put_port(int fd, struct bl_buf *out);

#endif
