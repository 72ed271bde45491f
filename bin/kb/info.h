/* SPDX-License-Identifier: MIT */
/* info: what blink-kb says of a catalogue; what fails ends the program. */
#ifndef BL_BIN_KB_INFO_H
#define BL_BIN_KB_INFO_H

#include <stdbool.h>

#include "kb/kb.h"

void bl_kb_info(struct bl_kb *kb, bool json);
/* Says that it is intact only where notes are shown. */
void bl_kb_info_verify(struct bl_kb *kb);

#endif
