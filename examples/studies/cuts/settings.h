/* settings: the command line of a study.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef CUTS_SETTINGS_H
#define CUTS_SETTINGS_H

#include "options.h"
#include "study.h"

enum options_outcome settings_read(const struct study *study, struct settings *settings, int argc,
                                   char **argv);

/* Learns the network as a whole, by backpropagation? */
bool settings_whole(const struct study *study, const struct settings *settings);

#endif
