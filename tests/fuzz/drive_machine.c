/* Gives bytes to the machine: the seeds in files, and random strings that are the same in every run.
 *
 *     fuzz_machine COUNT [FIRST [FILE...]]  the strings in the files, then so many random ones from that number on
 *     fuzz_machine --find COUNT FOLDER      writes seeds, found among so many random strings
 *
 * With MACHINE_TELL in the environment it tells the number of each string, for one that failed.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "machine_seeds.h"

int main(int argc, char **argv)
{
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1,
                  first = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    int failed = 0;

    if (argc == 4 && strcmp(argv[1], "--find") == 0)
        return machine_find(strtoul(argv[2], NULL, 10), argv[3]);
    if (argc > 3)
        failed = machine_replay(argc - 3, argv + 3);
    for (unsigned long now = first; now < first + count; now++) {
        uint8_t bytes[MACHINE_LONGEST];
        size_t length = machine_string(now, bytes);

        if (getenv("MACHINE_TELL") != NULL)
            fprintf(stderr, "string %lu\n", now);
        machine_run(bytes, length);
    }
    if (argc > 3)
        failed |= machine_lacks();
    printf("%lu strings from %lu on, %lu calls, %lu of them successful\n", count, first, machine_calls,
           machine_successes);
    return failed;
}
