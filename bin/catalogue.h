/* SPDX-License-Identifier: MIT */
/* catalogue: what several programs do with the catalogue of -c. */
#ifndef CATALOGUE_H
#define CATALOGUE_H

struct bl_kb;

/* The catalogue that -c names (NULL: the default one), as bl_kb_open_named();
 * ends the program when it cannot be opened. */
struct bl_kb *bl_catalogue_open(const char *name);

#endif
