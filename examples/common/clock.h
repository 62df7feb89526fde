/* clock: seconds that only move forward.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef EXAMPLES_CLOCK_H
#define EXAMPLES_CLOCK_H

double clock_seconds(void);

#endif
