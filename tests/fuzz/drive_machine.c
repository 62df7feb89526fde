/* Gives random bytes to the machine, the same in every run. Arguments: how many strings, the number of the
 * first, for one that failed. SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "machine.h"
#include "random.h"

enum { LONGEST = 800 };

static unsigned long now;

int main(int argc, char **argv)
{
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1,
                  first = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    static uint8_t bytes[LONGEST];

    for (now = first; now < first + count; now++) {
        test_random random = {now + 1};
        size_t length = 40 + random_index(&random, LONGEST - 39);
        const char *name = getenv("MACHINE_TELL");

        for (size_t i = 0; i < length; i++)
            bytes[i] = (uint8_t)random_next(&random);
        if (name != NULL)
            fprintf(stderr, "string %lu\n", now);
        machine_run(bytes, length);
    }
    printf("%lu strings from %lu on, %lu calls, %lu of them successful\n", count, first, machine_calls,
           machine_successes);
    return 0;
}
