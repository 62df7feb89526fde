/* Owns: what a batch costs on many ranks, by a model. */
#include "cluster.h"

#include <stdlib.h>

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static size_t layers_of_stage(const cluster *c, size_t stages)
{
    return (c->layers + stages - 1) / stages; /* of the slowest one */
}

static double rows_of_replica(const cluster *c, size_t replicas)
{
    return (double)c->batch / (double)replicas;
}

static double message_seconds(const cluster *c, double bytes)
{
    return c->latency + bytes / c->bandwidth;
}

/* Gradients to the ranks that add them up, and sums to all, as docs/mpi.md counts the bytes. */
static double average_seconds(const cluster *c, size_t replicas)
{
    double others = (double)replicas - 1;
    return replicas == 1 ? 0
                         : 2 * (others * c->latency +
                                others / (double)replicas * 4 * (double)c->parameters / c->bandwidth);
}

/* What is left of the averages of `layers` when the last gradient is there: each goes while the next layer,
 * which takes `layer` seconds, computes. */
static double averages_left(const cluster *c, size_t layers, size_t replicas, double layer)
{
    double one = average_seconds(c, replicas);
    return one + ((double)layers - 1) * larger(0, one - layer);
}

/* ---- local learning ---- */

double local_seconds(const cluster *c, size_t stages, size_t replicas)
{
    size_t layers = layers_of_stage(c, stages);
    double rows = rows_of_replica(c, replicas), layer = c->step + rows * c->step_row;
    layer += replicas > 1 ? c->average : 0;
    double stage = (double)layers * layer + averages_left(c, layers, replicas, layer);
    /* 64 bytes of header and a label for each row. */
    double message = stages == 1 ? 0 : message_seconds(c, 64 + rows * 4 * (double)(c->width + 1));
    double fill = (double)(stages - 1) * (stage + message);
    return larger(stage, message) + fill / (double)c->batches;
}

double local_activations(const cluster *c, size_t replicas)
{
    return 2 * rows_of_replica(c, replicas) * 4 * (double)c->width; /* in and out of the layer at work */
}

/* ---- backpropagation ---- */

typedef struct stage_state {
    size_t forwards, backwards; /* micro-batches done */
    double free;                /* when it has nothing to do */
} stage_state;

typedef struct backprop {
    size_t stages, micro_batches;
    schedule how;
    double forward, backward, message;
    stage_state *state;
    double *forward_end, *backward_end; /* [stages][micro_batches] */
} backprop;

/* Whether stage s computes backward next. Micro-batches go backward in their order. */
static bool goes_backward(const backprop *b, size_t s)
{
    const stage_state *at = &b->state[s];
    size_t ahead = b->how == GPIPE ? b->micro_batches : b->stages - s;
    return at->forwards == b->micro_batches || at->forwards - at->backwards >= ahead;
}

/* Does what stage s has next if its input is there; false if it is not. */
static bool advance(backprop *b, size_t s)
{
    stage_state *at = &b->state[s];
    bool back = goes_backward(b, s);
    size_t m = back ? at->backwards : at->forwards, here = s * b->micro_batches + m;
    double start = at->free;
    if (m == b->micro_batches)
        return false;
    if (back && s + 1 < b->stages) {
        if (b->state[s + 1].backwards <= m)
            return false;
        start = larger(start, b->backward_end[here + b->micro_batches] + b->message);
    } else if (!back && s > 0) {
        if (b->state[s - 1].forwards <= m)
            return false;
        start = larger(start, b->forward_end[here - b->micro_batches] + b->message);
    }
    at->free = start + (back ? b->backward : b->forward);
    if (back)
        b->backward_end[here] = at->free, at->backwards++;
    else
        b->forward_end[here] = at->free, at->forwards++;
    return true;
}

static double run_batch(backprop *b)
{
    double end = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t s = 0; s < b->stages; s++)
            while (advance(b, s))
                moved = true;
    }
    for (size_t s = 0; s < b->stages; s++)
        end = larger(end, b->state[s].free);
    return end;
}

double backprop_seconds(const cluster *c, size_t stages, size_t replicas, size_t micro_batches, schedule how)
{
    size_t layers = layers_of_stage(c, stages), places = stages * micro_batches;
    double rows = rows_of_replica(c, replicas) / (double)micro_batches;
    backprop b = {.stages = stages, .micro_batches = micro_batches, .how = how};
    /* A local step is two products, forward and for the gradient of W; the way back takes two itself. */
    b.forward = (double)layers * rows * c->step_row / 2;
    b.backward = (double)layers * rows * c->step_row;
    b.message = stages == 1 ? 0 : message_seconds(c, rows * 4 * (double)c->width);
    b.state = calloc(stages, sizeof *b.state);
    b.forward_end = calloc(places, sizeof *b.forward_end);
    b.backward_end = calloc(places, sizeof *b.backward_end);
    double end = b.state && b.forward_end && b.backward_end ? run_batch(&b) : 0;
    free(b.state);
    free(b.forward_end);
    free(b.backward_end);
    double layer =
        b.backward / (double)layers; /* of the last micro-batch, while whose way back averages go */
    return end + (double)layers * (c->step + (replicas > 1 ? c->average : 0)) +
           averages_left(c, layers, replicas, layer);
}

double backprop_activations(const cluster *c, size_t stages, size_t replicas, size_t micro_batches,
                            schedule how)
{
    size_t kept =
        how == GPIPE || stages > micro_batches ? micro_batches : stages; /* the first stage keeps most */
    return (double)kept / (double)micro_batches * rows_of_replica(c, replicas) * 4 * (double)c->width *
           (double)layers_of_stage(c, stages);
}
