/* The seeds of the machine: runs them, and finds them. A change of machine.c gives another meaning to their
 * bytes; they are found again then. SPDX-License-Identifier: MIT */
#include "machine_seeds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "random.h"

enum { PAIRS = 4096 };

/* ---- what calls have given: each pair of a call and a status once ---- */

typedef struct outcomes {
    struct {
        const char *call;
        int32_t status;
    } list[PAIRS];
    size_t count;
} outcomes;

static outcomes seen, now; /* of strings that are chosen, and what one has besides */

static int holds(const outcomes *set, const char *call, int32_t status)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->list[i].call == call && set->list[i].status == status)
            return 1;
    return 0;
}

static void add(outcomes *set, const char *call, int32_t status)
{
    if (set->count == PAIRS) {
        fprintf(stderr, "more than %d outcomes\n", PAIRS);
        exit(1);
    }
    set->list[set->count].call = call;
    set->list[set->count++].status = status;
}

static void note(const char *call, int32_t status)
{
    if (!holds(&seen, call, status) && !holds(&now, call, status))
        add(&now, call, status);
}

/* How many outcomes a string has that `seen` has not. */
static size_t news_of(const uint8_t *bytes, size_t length)
{
    now.count = 0;
    machine_run(bytes, length);
    return now.count;
}

/* ---- replaying ---- */

static int succeeded(const char *function)
{
    for (size_t i = 0; i < now.count; i++)
        if (now.list[i].status == 0 && strstr(now.list[i].call, function) != NULL)
            return 1;
    return 0;
}

static int run_file(const char *path)
{
    static uint8_t bytes[MACHINE_LONGEST];
    FILE *file = fopen(path, "rb");

    if (file == NULL) {
        fprintf(stderr, "cannot open %s\n", path);
        return 1;
    }
    machine_run(bytes, fread(bytes, 1, sizeof bytes, file));
    fclose(file);
    return 0;
}

int machine_replay(int count, char **files)
{
    int failed = 0;

    machine_tell = note;
    for (int i = 0; i < count; i++)
        failed |= run_file(files[i]);
    printf("%d seeds, %zu outcomes of calls\n", count, now.count);
    return failed;
}

int machine_lacks(void)
{
    static const char *const wanted[] = {
        "mf_builder_create(",     "mf_layer_build(",           "mf_layer_create(",
        "mf_matrix_create(",      "mf_optimizer_create(",      "mf_network_create(",
        "mf_workspace_create(",   "mf_pool_create(",           "mf_pipeline_create(",
        "mf_layer_step(",         "mf_layer_gradients(",       "mf_network_step(",
        "mf_network_step_batch(", "mf_network_predict(",       "mf_network_infer(",
        "mf_network_evaluate(",   "mf_network_save_buffer(",   "mf_network_load_buffer(",
        "mf_network_clone(",      "mf_network_snapshot_load(", "mf_network_export_onnx_buffer(",
        "mf_pipeline_submit(",    "mf_pipeline_flush(",        "mf_pipeline_predict("};
    int failed = 0;

    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!succeeded(wanted[i])) {
            fprintf(stderr, "no string has a call of %s...) that succeeds\n", wanted[i]);
            failed = 1;
        }
    return failed;
}

/* ---- finding ---- */

size_t machine_string(unsigned long number, uint8_t *bytes)
{
    test_random random = {number + 1};
    size_t length = 40 + random_index(&random, MACHINE_LONGEST - 39);

    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)random_next(&random);
    return length;
}

/* The shortest beginning that has as many news. */
static size_t shorten(const uint8_t *bytes, size_t length, size_t news)
{
    size_t low = 0, high = length;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (news_of(bytes, middle) < news)
            low = middle + 1;
        else
            high = middle;
    }
    return high;
}

static int write_string(const char *folder, size_t number, const uint8_t *bytes, size_t length)
{
    char path[1000];
    FILE *file;
    int failed;

    snprintf(path, sizeof path, "%s/%02zu", folder, number);
    file = fopen(path, "wb");
    if (file == NULL)
        return 1;
    failed = fwrite(bytes, 1, length, file) != length;
    return fclose(file) != 0 || failed;
}

int machine_find(unsigned long strings, const char *folder)
{
    static uint8_t bytes[MACHINE_LONGEST];
    size_t chosen = 0;
    int failed = 0;

    machine_tell = note;
    /* First those with much that is new, none for a few outcomes: so they are few. */
    for (size_t least = 64; least >= 4 && !failed; least /= 2)
        for (unsigned long i = 0; i < strings && !failed; i++) {
            size_t length = machine_string(i, bytes), news = news_of(bytes, length);

            if (news < least)
                continue;
            length = shorten(bytes, length, news);
            news_of(bytes, length);
            for (size_t n = 0; n < now.count; n++)
                add(&seen, now.list[n].call, now.list[n].status);
            failed = write_string(folder, ++chosen, bytes, length);
        }
    machine_tell = NULL;
    printf("%zu strings, %zu outcomes of calls\n", chosen, seen.count);
    return failed;
}
