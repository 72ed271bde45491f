/* SPDX-License-Identifier: MIT */
/* opts-help: what the option tables print.  Used by opts.c alone. */
#ifndef BL_OPTS_HELP_H
#define BL_OPTS_HELP_H

#include "cli/opts.h"

/* The full --help of one command on stdout. */
void bl_opts_print_help(const struct bl_command *cmd);

/* The list of subcommands on stdout. */
void bl_opts_print_commands(const char *program, const char *brief,
                            const struct bl_command *commands, size_t n);

/* "build" of "blink-kb build"; borrowed. */
const char *bl_opts_subname(const struct bl_command *command);

/* The options that every program has; ended by BL_OPTS_END. */
extern const struct bl_opt bl_opts_general[];

#endif
