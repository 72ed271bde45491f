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

/* A bash completion script for `program` on stdout.  With n > 1 (or a
 * command whose name has a space) the commands are subcommands. */
void bl_opts_print_completion(const char *program,
                              const struct bl_command *commands, size_t n);

/* The options that every program has; ended by BL_OPTS_END. */
extern const struct bl_opt bl_opts_general[];

#endif
