/* Owns: processes that train when told to, one line in and one line out, and PyTorch among them. */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

#include <stdio.h>
#include <sys/types.h>

enum { CHILD_TEXT = 512 };

typedef struct child {
    pid_t id;
    FILE *to, *from;
} child;

/* Starts a program, looked for in PATH if it has no slash, with its arguments and a NULL behind them. BLAS
 * libraries in it begin with this many threads. */
child start_child(const char *const *command, const char *threads);

/* Says "command steps". */
void tell(child *one, const char *command, size_t steps);

/* Reads the answer; ends the program if there is none. */
void hear(child *one, char answer[CHILD_TEXT]);

/* Seconds that so many steps took. */
double ask_seconds(child *one, size_t steps);

void end_child(child *one);

/* A program in the folder of this one, whose own name is `self`. */
void path_beside(const char *self, const char *name, char path[CHILD_TEXT]);

/* The program that is wanted, or else the first Python that has PyTorch; says which version that is. NULL,
 * and a line that says so, where there is none; NULL for "none". */
const char *find_torch(const char *wanted);

/* Waits: threads of BLAS libraries spin for a while when they have nothing to do. */
void let_threads_sleep(void);

#endif
