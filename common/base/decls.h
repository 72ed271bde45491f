/* SPDX-License-Identifier: MIT */
/*
 * decls: what makes a header of C serve C++ as well.  Its declarations stand
 * between the two, behind the headers that it includes.
 */
#ifndef BL_DECLS_H
#define BL_DECLS_H

#ifdef __cplusplus
#define BL_BEGIN_DECLS extern "C" {
#define BL_END_DECLS }
#else
#define BL_BEGIN_DECLS
#define BL_END_DECLS
#endif

#endif
