/* options: a command line from a table: parsing, limits, one clear line for every mistake, --help.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_OPTIONS_H
#define STUDIES_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIZE_LIST_CAPACITY = 64 };

/* May be empty: `none` on the command line. */
struct size_list {
    size_t count;
    size_t values[SIZE_LIST_CAPACITY];
};

/* One option; made by the functions below. Exactly one of the pointers is set: it receives the value. */
struct option_rule {
    const char *name;     /* without the dashes */
    const char *argument; /* what --help calls the value; NULL for a flag */
    bool operand;         /* a word of its own, which has to be there: MODEL */
    const char *help;
    bool *flag;
    const char **text;
    size_t *count;
    uint64_t *seed;
    double *number;
    int32_t *choice;
    struct size_list *sizes;
    double lowest, highest; /* of counts, numbers and each of the sizes */
    const char *const *choices;
};

struct option_rule option_flag(const char *name, const char *help, bool *target);
struct option_rule option_text(const char *name, const char *argument, const char *help, const char **target);

/* The first, second, ... word that is no option: they go before all other rules. */
struct option_rule option_operand(const char *name, const char *help, const char **target);
struct option_rule option_count(const char *name, const char *help, size_t *target, double lowest,
                                double highest);
struct option_rule option_seed(const char *name, const char *help, uint64_t *target);
struct option_rule option_number(const char *name, const char *help, double *target, double lowest,
                                 double highest);
struct option_rule option_sizes(const char *name, const char *help, struct size_list *target, double lowest,
                                double highest);

/* `target` receives a position in `choices`, which ends with NULL. */
struct option_rule option_choice(const char *name, const char *help, int32_t *target,
                                 const char *const *choices);

enum options_outcome { OPTIONS_READ, OPTIONS_HELP, OPTIONS_WRONG };

/* Reads `--name value`, `--name=value` and flags. OPTIONS_HELP: --help was given and has been answered.
 * OPTIONS_WRONG: something was wrong and one line on stderr says what. */
enum options_outcome options_read(int argc, char **argv, const char *summary, const struct option_rule *rules,
                                  size_t rule_count);

#endif
