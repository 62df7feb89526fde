#define _POSIX_C_SOURCE 200809L
#include "child.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

static void become(const char *const *command, const char *threads)
{
    static const char *const names[] = {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "BLIS_NUM_THREADS",
                                        "MKL_NUM_THREADS"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        setenv(names[i], threads, 1);
    setenv("OMP_WAIT_POLICY", "passive", 1);
    execvp(command[0], (char *const *)command);
    perror(command[0]);
    _exit(1);
}

child start_child(const char *const *command, const char *threads)
{
    int down[2], up[2];
    child started;
    if (pipe(down) != 0 || pipe(up) != 0 || (started.id = fork()) < 0)
        give_up("cannot start", command[0]);
    if (started.id == 0) {
        dup2(down[0], 0);
        dup2(up[1], 1);
        close(down[0]), close(down[1]), close(up[0]), close(up[1]);
        become(command, threads);
    }
    close(down[0]), close(up[1]);
    /* Those that are started later must not keep this one's ends open. */
    fcntl(down[1], F_SETFD, FD_CLOEXEC);
    fcntl(up[0], F_SETFD, FD_CLOEXEC);
    started.to = fdopen(down[1], "w");
    started.from = fdopen(up[0], "r");
    return started;
}

void tell(child *one, const char *command, size_t steps)
{
    fprintf(one->to, "%s %zu\n", command, steps);
    fflush(one->to);
}

void hear(child *one, char answer[CHILD_TEXT])
{
    if (!fgets(answer, CHILD_TEXT, one->from))
        give_up("a worker", "gave no answer");
    answer[strcspn(answer, "\n")] = '\0';
}

double ask_seconds(child *one, size_t steps)
{
    char answer[CHILD_TEXT];
    tell(one, "run", steps);
    hear(one, answer);
    return strtod(answer, NULL);
}

void end_child(child *one)
{
    fclose(one->to);
    fclose(one->from);
    waitpid(one->id, NULL, 0);
}

void path_beside(const char *self, const char *name, char path[CHILD_TEXT])
{
    const char *slash = strrchr(self, '/');
    int length = slash ? (int)(slash - self + 1) : 0;
    snprintf(path, CHILD_TEXT, "%.*s%s%s", length, self, slash ? "" : "./", name);
}

void let_threads_sleep(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 150000000}, NULL);
}

const char *find_torch(const char *wanted)
{
    const char *const candidates[] = {wanted, "python3", "/usr/bin/python3"};
    size_t first = *wanted ? 0 : 1, count = *wanted ? 1 : 3;
    if (strcmp(wanted, "none") == 0)
        return NULL;
    for (size_t i = first; i < count; i++) {
        char command[CHILD_TEXT];
        snprintf(command, sizeof command,
                 "'%.400s' -c 'import torch; print(\"# PyTorch\", torch.__version__)' 2>/dev/null",
                 candidates[i]);
        if (system(command) == 0)
            return candidates[i];
    }
    printf("# PyTorch is missing (on Debian: apt-get install python3-torch): no comparison with it\n");
    return NULL;
}
