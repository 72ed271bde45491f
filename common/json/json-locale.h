/* SPDX-License-Identifier: MIT */
/*
 * json-locale: the "C" locale, in which the numbers of JSON are written: with
 * a point, whatever the user's locale is.
 *
 * It is no part of json.h, which is installed: locale_t is POSIX's, and a
 * client may be compiled as strict C11.
 */
#ifndef BL_JSON_LOCALE_H
#define BL_JSON_LOCALE_H

#include <locale.h>

/* For uselocale() and strtod_l(); never freed. */
locale_t bl_json_locale(void);

#endif
