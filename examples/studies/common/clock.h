/* clock: seconds that only move forward, those of the world and those of the processors.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_CLOCK_H
#define STUDIES_CLOCK_H

double clock_seconds(void);

/* That processors have spent on this process, all its threads together. */
double clock_processor_seconds(void);

#endif
