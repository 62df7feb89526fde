/* record: lines of a table on the disk, where several runs may write at the same time and any may be killed.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef EXPERIMENTS_RECORD_H
#define EXPERIMENTS_RECORD_H

#include <stdbool.h>

/* Could lines be put there? Complains if the file cannot be read or begins with another header. */
bool record_fits(const char *path, const char *header);

/* Puts `lines` (each with its line end, the first field `run`) into the CSV file at `path`, which begins with
 * `header`, in place of lines of the same run. The file is replaced as a whole or stays as it is. On failure
 * prints one line and returns false. */
bool record_put(const char *path, const char *header, const char *run, const char *lines);

#endif
