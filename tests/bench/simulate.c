/* Owns: what a pipeline with more workers than this machine has cores would do. */
#include "simulate.h"

#include <stdbool.h>
#include <stdlib.h>

enum { BATCHES = 1000 };

static double total(const double *times, size_t layers)
{
    double sum = 0.0;
    for (size_t i = 0; i < layers; i++)
        sum += times[i];
    return sum;
}

double speedup_bound(const double *times, size_t layers, size_t workers)
{
    double slowest = 0.0, sum = total(times, layers);
    for (size_t i = 0; i < layers; i++)
        slowest = times[i] > slowest ? times[i] : slowest;
    return sum / slowest < (double)workers ? sum / slowest : (double)workers;
}

typedef struct station {
    size_t done;
    bool busy;
    double until;
} station;

/* The ready layer with the oldest batch, as the library's schedule finds it; `layers` if there is none. */
static size_t find_ready(const station *stations, size_t layers, size_t depth)
{
    size_t submitted = stations[layers - 1].done + depth;
    submitted = submitted < BATCHES ? submitted : BATCHES;
    for (size_t i = layers; i-- > 0;)
        if (!stations[i].busy && stations[i].done < (i == 0 ? submitted : stations[i - 1].done))
            return i;
    return layers;
}

static double finish_first(station *stations, size_t layers)
{
    size_t first = layers;
    for (size_t i = 0; i < layers; i++)
        if (stations[i].busy && (first == layers || stations[i].until < stations[first].until))
            first = i;
    stations[first].busy = false;
    stations[first].done++;
    return stations[first].until;
}

double simulated_speedup(const double *times, size_t layers, size_t workers)
{
    station *stations = calloc(layers, sizeof *stations);
    double now = 0.0;
    size_t running = 0;
    while (stations && stations[layers - 1].done < BATCHES) {
        size_t ready = running < workers ? find_ready(stations, layers, workers + 2) : layers;
        if (ready < layers) {
            stations[ready].busy = true;
            stations[ready].until = now + times[ready];
            running++;
        } else {
            now = finish_first(stations, layers);
            running--;
        }
    }
    free(stations);
    return BATCHES * total(times, layers) / now;
}
