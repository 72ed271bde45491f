/* SPDX-License-Identifier: MIT */
/*
 * alias-title: what a cross-encoder reads where only the catalogue knows that
 * the mention is a name of the entity.
 *
 * "nettle" is an alias of Urtica dioica: neither its title nor its text says
 * so, and no encoder could know.  Such a candidate is read as if the mention
 * were its title.  Not so in lists with a title to compare with
 * ("Netherlands" for "the Netherlands"): there an alias that was counted once
 * (Dutch Republic) would look better than the title itself.
 */
#ifndef BL_ALIAS_TITLE_H
#define BL_ALIAS_TITLE_H

#include "json/candidates.h"
#include "text/input.h"

/* texts[n] are those of the first n candidates; titles among them become
 * the mention, borrowed.  Nothing is done where a title holds the mention, or
 * the mention a title without its "(...)", word by word. */
void bl_alias_titles(const struct bl_candidates *list, struct bl_span mention,
                     struct bl_entity_text *texts, size_t n);

#endif
