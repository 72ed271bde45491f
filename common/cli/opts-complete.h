/* SPDX-License-Identifier: MIT */
/*
 * opts-complete: what a shell offers for the word at the cursor, from the
 * tables of options.  Used by opts.c alone.
 *
 * The script for a shell only asks the program: `PROGRAM --complete WORD...`
 * with the words behind the program's name up to the cursor, of which the
 * last may be empty, prints what the last one may become:
 *
 *     --catalogue<tab>catalogue of entities
 *     vital
 *     :files                      names of files
 *
 * An explanation is there for options and commands.  Names of models,
 * catalogues, indexes and calibrations are those of the data folders, for
 * options whose argument is called MODEL, CATALOGUE, INDEX or CALIBRATION.
 */
#ifndef BL_OPTS_COMPLETE_H
#define BL_OPTS_COMPLETE_H

#include <stddef.h>

#include "cli/opts.h"

/* With n > 1 (or a command whose name has a blank) the commands are
 * subcommands.  Runs the program that a command stands for in place of this
 * one. */
void bl_opts_complete(const struct bl_command *commands, size_t n,
                      char **words, size_t n_words);

/* The script for a shell, "bash" (NULL), "zsh" or "fish", on stdout; ends the
 * program with status 2 for any other. */
void bl_opts_print_completion(const char *program, const char *shell);

#endif
