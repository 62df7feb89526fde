/* clock: seconds that only move forward.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_CLOCK_H
#define STUDIES_CLOCK_H

double clock_seconds(void);

#endif
