/* run_text: the place of a run as a text, for the metadata of its checkpoint.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_RUN_TEXT_H
#define STUDIES_RUN_TEXT_H

#include "checkpoint.h"

/* The most bytes that it takes: for the beginning, and for every epoch. */
enum { RUN_TEXT_START = 4096 };
size_t run_text_epoch(size_t depth);

/* free() the text. On failure prints one line and returns NULL. */
char *run_text_write(const struct run_state *state);

/* Reads what run_text_write() wrote, and believes nothing: false for any other text, and then `state` is as
 * it was. Its history must be empty; the files to keep stay as they are. */
bool run_text_read(const char *text, struct run_state *state);

#endif
