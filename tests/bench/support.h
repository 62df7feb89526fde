/* Owns: what the benchmarks share: clock, medians, networks, command-line words. */
#ifndef BENCH_SUPPORT_H
#define BENCH_SUPPORT_H

#include <monoforward.h>

#include "shape.h"

double seconds_now(void);

/* Sorts the values. */
double median(double *values, size_t count);

/* Ends the program with what is wrong. */
_Noreturn void give_up(const char *what, const char *detail);

/* Ends the program with the library's message if a call has failed. */
void must(mf_status status);

/* "sgd", "momentum", "adam"; ends the program for other names. */
mf_optimizer_spec spec_of_optimizer(const char *name);
mf_optimizer *make_optimizer(const char *name, const mf_allocator *allocator);

/* "float32", "bf16"; ends the program for other names. */
int32_t precision_of_name(const char *name);

mf_network *make_network(const shape *layers, mf_optimizer *optimizer, const mf_allocator *allocator);
/* The same layers, trained by backpropagation, with a linear classifier on top: a network of one layer. */
mf_network *make_backprop(const shape *layers, mf_optimizer *optimizer, const mf_allocator *allocator);

/* What training the one network or the other holds, before it exists. */
mf_memory memory_of_network(const shape *layers, const mf_optimizer_spec *optimizer, size_t max_batch);
mf_memory memory_of_backprop(const shape *layers, const mf_optimizer_spec *optimizer, size_t max_batch);

/* That many threads, of which the one that calls is one; NULL for one. The BLAS library has one thread from
 * then on. */
mf_pool *make_pool(unsigned threads);

/* `pool` shares the work, or is NULL. */
mf_workspace *make_workspace(mf_network *network, size_t max_batch, mf_pool *pool,
                             const mf_allocator *allocator);

/* Standard normal inputs and labels drawn from a fixed seed. */
float *make_inputs(size_t count);
int32_t *make_labels(size_t count);

/* A copy of a list, for next_word() to change; free() it. */
char *copy_words(const char *list);

/* A comma-separated list of words, one at a time; NULL behind the last. Changes the list. */
char *next_word(char **list);

/* Ends the program at --help and at an argument that is not among the options, "[--name=...] [--flag]", which
 * it then prints. */
void check_options(int count, char **arguments, const char *options);

/* Value of --name=..., or `otherwise`. */
const char *argument(int count, char **arguments, const char *name, const char *otherwise);

/* Whether --name is among the arguments. */
int has_flag(int count, char **arguments, const char *name);

/* Peak resident memory in bytes since the last reset; 0 where the system does not tell. */
size_t peak_resident(void);
void reset_peak_resident(void);

#endif
