/* streaming: examples/07_streaming.c on a microcontroller: two layers learn from a stream, one row at a time,
 * each seen once, while the stream drifts. All memory is one buffer; there are no threads, no files and no
 * heap. Output is what the C library's write does, here semihosting: run.sh builds and runs it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <monoforward.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { INPUTS = 2, CLASSES = 4, CLOUDS = 2 * CLASSES, LAYERS = 2, NEURONS = 32 };
enum { ROWS = 3000, PARTS = 4, PART = ROWS / PARTS };

/* The arena. mf_network_memory() tells what it must have. */
static _Alignas(64) unsigned char memory[24576];

static mf_allocator arena;

size_t stack_used(void); /* startup.c */

static void check(mf_status status)
{
    if (status != MF_STATUS_OK) {
        printf("%s: %s\n", mf_status_name(status), mf_last_message());
        exit(EXIT_FAILURE);
    }
}

/* ---- time: the system timer, which all Cortex-M have, counts processor clocks ---- */

#define TIMER ((volatile uint32_t *)0xE000E010)
enum { CONTROL, RELOAD, CURRENT, LARGEST = 0xFFFFFF };

static void start_timer(void)
{
    TIMER[RELOAD] = LARGEST;
    TIMER[CURRENT] = 0;
    TIMER[CONTROL] = 5; /* on, without interrupts, with the processor's clock */
}

static uint32_t clocks_since(uint32_t start)
{
    return (start - TIMER[CURRENT]) & LARGEST; /* it counts down */
}

/* ---- the network ---- */

static void describe_layer(size_t position, mf_layer_spec *spec)
{
    check(mf_layer_spec_init(spec, sizeof *spec));
    spec->inputs = position == 0 ? INPUTS : NEURONS;
    spec->outputs = NEURONS;
    spec->classes = CLASSES;
    spec->seed = position + 1;
    spec->allocator = &arena;
}

static size_t create_network(mf_network **network, mf_workspace **workspace)
{
    mf_layer_spec layers[LAYERS];
    const mf_layer_spec *list[LAYERS];
    mf_memory needs = {.struct_size = sizeof needs};
    mf_network_spec spec;
    mf_optimizer_spec how;
    mf_optimizer *optimizer;
    mf_workspace_spec room;

    check(mf_optimizer_spec_init(&how, sizeof how));
    how.learning_rate = 0.005f;
    how.allocator = &arena;
    for (size_t i = 0; i < LAYERS; i++) {
        describe_layer(i, &layers[i]);
        list[i] = &layers[i];
    }
    check(mf_network_memory(list, LAYERS, &how, MF_WORKSPACE_TRAINING, 1, &needs));
    check(mf_arena_init(memory, sizeof memory, &arena));
    check(mf_optimizer_create(&how, &optimizer));
    check(mf_network_spec_init(&spec, sizeof spec));
    spec.allocator = &arena;
    check(mf_network_create(&spec, network));
    for (size_t i = 0; i < LAYERS; i++) {
        mf_layer *layer;
        check(mf_layer_create(&layers[i], &layer));
        check(mf_network_append(*network, layer, NULL));
        mf_layer_free(layer);
    }
    check(mf_network_set_optimizer(*network, optimizer));
    check(mf_workspace_spec_init(&room, sizeof room));
    room.network = *network;
    room.max_batch = 1;
    room.allocator = &arena;
    check(mf_workspace_create(&room, workspace));
    return needs.arena;
}

/* ---- the stream: see examples/07_streaming.c ---- */

static float uniform(void)
{
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) / (1 << 24);
}

static int32_t draw(int row, float x[INPUTS])
{
    int cloud = (int)(uniform() * CLOUDS);
    float angle = 1.5707963f * (4.0f * (float)cloud / CLOUDS + (float)row / ROWS);
    x[0] = cosf(angle) + 0.5f * (uniform() - 0.5f);
    x[1] = sinf(angle) + 0.5f * (uniform() - 0.5f);
    return cloud % CLASSES;
}

int main(void)
{
    mf_network *network;
    mf_workspace *workspace;
    size_t needs = create_network(&network, &workspace);
    uint64_t clocks = 0;
    int right = 0;

    start_timer();
    for (int part = 0; part < PARTS; part++) {
        right = 0;
        for (int row = part * PART; row < (part + 1) * PART; row++) {
            float x[INPUTS];
            int32_t y = draw(row, x);
            mf_report report = {.struct_size = sizeof report};
            uint32_t start = TIMER[CURRENT];
            check(mf_network_step(network, workspace, 1, x, &y));
            clocks += clocks_since(start);
            check(mf_workspace_report(workspace, LAYERS - 1, &report));
            right += report.correct == 1;
        }
        printf("%5d rows: %d of the last %d were right before they were learned\n", (part + 1) * PART, right,
               PART);
    }
    printf("result example=device_streaming rows=%d right_percent=%d arena_bytes=%lu stack_bytes=%lu "
           "step_clocks=%lu\n",
           ROWS, 100 * right / PART, (unsigned long)needs, (unsigned long)stack_used(),
           (unsigned long)(clocks / ROWS));
    return EXIT_SUCCESS;
}
