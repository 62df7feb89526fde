/* SPDX-License-Identifier: MIT */
#include "options.h"

#include "complain.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELP_INDENT = 28, HELP_MARGIN = 110 };

struct option_rule option_flag(const char *name, const char *help, bool *target)
{
    return (struct option_rule){.name = name, .help = help, .flag = target};
}

struct option_rule option_text(const char *name, const char *argument, const char *help, const char **target)
{
    return (struct option_rule){.name = name, .argument = argument, .help = help, .text = target};
}

struct option_rule option_operand(const char *name, const char *help, const char **target)
{
    return (struct option_rule){.name = name, .help = help, .text = target, .operand = true};
}

struct option_rule option_count(const char *name, const char *help, size_t *target, double lowest,
                                double highest)
{
    return (struct option_rule){
        .name = name, .argument = "N", .help = help, .count = target, .lowest = lowest, .highest = highest};
}

struct option_rule option_seed(const char *name, const char *help, uint64_t *target)
{
    return (struct option_rule){.name = name, .argument = "N", .help = help, .seed = target};
}

struct option_rule option_number(const char *name, const char *help, double *target, double lowest,
                                 double highest)
{
    return (struct option_rule){
        .name = name, .argument = "X", .help = help, .number = target, .lowest = lowest, .highest = highest};
}

struct option_rule option_sizes(const char *name, const char *help, struct size_list *target, double lowest,
                                double highest)
{
    return (struct option_rule){.name = name,
                                .argument = "N,N,...",
                                .help = help,
                                .sizes = target,
                                .lowest = lowest,
                                .highest = highest};
}

struct option_rule option_choice(const char *name, const char *help, int32_t *target,
                                 const char *const *choices)
{
    return (struct option_rule){.name = name, .help = help, .choice = target, .choices = choices};
}

/* A whole number, digits only; `end` receives where it stops. */
static bool read_whole(const char *text, const char **end, uint64_t *value)
{
    char *stop;
    if (!isdigit((unsigned char)*text))
        return false;
    errno = 0;
    unsigned long long parsed = strtoull(text, &stop, 10);
    *value = parsed;
    *end = stop;
    return errno == 0;
}

static bool read_size(const struct option_rule *rule, const char *text, const char **end, size_t *size)
{
    uint64_t value;
    if (!read_whole(text, end, &value) || (double)value < rule->lowest || (double)value > rule->highest)
        return false;
    *size = (size_t)value;
    return true;
}

static bool read_count(const struct option_rule *rule, const char *text)
{
    const char *end;
    if (read_size(rule, text, &end, rule->count) && *end == '\0')
        return true;
    return complain("--%s %s: a whole number from %.0f to %.0f is needed", rule->name, text, rule->lowest,
                    rule->highest);
}

static bool read_seed(const struct option_rule *rule, const char *text)
{
    const char *end;
    if (read_whole(text, &end, rule->seed) && *end == '\0')
        return true;
    return complain("--%s %s: a whole number from 0 to 18446744073709551615 is needed", rule->name, text);
}

static bool read_number(const struct option_rule *rule, const char *text)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(value) || value < rule->lowest || value > rule->highest)
        return complain("--%s %s: a number from %g to %g is needed", rule->name, text, rule->lowest,
                        rule->highest);
    *rule->number = value;
    return true;
}

static void join_choices(const struct option_rule *rule, char *text, size_t capacity)
{
    size_t used = 0;
    text[0] = '\0';
    for (const char *const *choice = rule->choices; *choice != NULL && used < capacity; choice++)
        used += (size_t)snprintf(text + used, capacity - used, "%s%s", used > 0 ? "|" : "", *choice);
}

static bool read_choice(const struct option_rule *rule, const char *text)
{
    char all[200];
    for (int32_t i = 0; rule->choices[i] != NULL; i++) {
        if (strcmp(text, rule->choices[i]) == 0) {
            *rule->choice = i;
            return true;
        }
    }
    join_choices(rule, all, sizeof all);
    return complain("--%s %s: one of %s is needed", rule->name, text, all);
}

static bool read_sizes(const struct option_rule *rule, const char *text)
{
    struct size_list list = {0};
    const char *rest = text;
    if (strcmp(text, "none") == 0) {
        *rule->sizes = list;
        return true;
    }
    while (list.count < SIZE_LIST_CAPACITY && read_size(rule, rest, &rest, &list.values[list.count])) {
        list.count++;
        if (*rest == '\0') {
            *rule->sizes = list;
            return true;
        }
        if (*rest++ != ',')
            break;
    }
    return complain(
        "--%s %s: 1 to %d whole numbers from %.0f to %.0f with commas between them are needed, or "
        "none",
        rule->name, text, SIZE_LIST_CAPACITY, rule->lowest, rule->highest);
}

static bool read_value(const struct option_rule *rule, const char *text)
{
    if (rule->count != NULL)
        return read_count(rule, text);
    if (rule->seed != NULL)
        return read_seed(rule, text);
    if (rule->number != NULL)
        return read_number(rule, text);
    if (rule->choice != NULL)
        return read_choice(rule, text);
    if (rule->sizes != NULL)
        return read_sizes(rule, text);
    *rule->text = text;
    return true;
}

/* Prints the words of a help, with line breaks before those that would pass the margin. */
static void print_words(const char *text)
{
    size_t column = HELP_INDENT;
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (column > HELP_INDENT && column + 1 + length > HELP_MARGIN) {
            printf("\n%*s", HELP_INDENT, "");
            column = HELP_INDENT;
        }
        column += (size_t)printf("%s%.*s", column > HELP_INDENT ? " " : "", (int)length, text);
        text += length;
        text += *text == ' ';
    }
    putchar('\n');
}

static size_t count_operands(const struct option_rule *rules, size_t rule_count)
{
    size_t count = 0;
    while (count < rule_count && rules[count].operand)
        count++;
    return count;
}

static void print_help(const char *program, const char *summary, const struct option_rule *rules,
                       size_t rule_count)
{
    size_t operands = count_operands(rules, rule_count);
    printf("usage: %s", program);
    for (size_t i = 0; i < operands; i++)
        printf(" %s", rules[i].name);
    printf(" [options]\n%s\n\n", summary);
    for (size_t i = 0; i < operands; i++) {
        printf("  %-*s", HELP_INDENT - 2, rules[i].name);
        print_words(rules[i].help);
    }
    printf("%soptions:\n", operands > 0 ? "\n" : "");
    for (size_t i = operands; i < rule_count; i++) {
        char choices[200] = "", left[240];
        if (rules[i].choice != NULL)
            join_choices(&rules[i], choices, sizeof choices);
        const char *argument = rules[i].choice != NULL ? choices : rules[i].argument;
        snprintf(left, sizeof left, "--%s%s%s", rules[i].name, argument != NULL ? " " : "",
                 argument != NULL ? argument : "");
        if (strlen(left) > HELP_INDENT - 3)
            printf("  %s\n%*s", left, HELP_INDENT, "");
        else
            printf("  %-*s", HELP_INDENT - 2, left);
        print_words(rules[i].help);
    }
    printf("  %-*s this text\n", HELP_INDENT - 3, "--help");
}

static const struct option_rule *find_rule(const char *name, size_t length, const struct option_rule *rules,
                                           size_t rule_count)
{
    for (size_t i = 0; i < rule_count; i++)
        if (!rules[i].operand && strlen(rules[i].name) == length && strncmp(rules[i].name, name, length) == 0)
            return &rules[i];
    return NULL;
}

/* Reads one option and moves `position` to the last argument it used. */
static bool read_option(int argc, char **argv, int *position, const struct option_rule *rules,
                        size_t rule_count)
{
    const char *word = argv[*position];
    const char *name = word + 2, *equals = strchr(name, '=');
    size_t length = equals != NULL ? (size_t)(equals - name) : strlen(name);
    const struct option_rule *rule = find_rule(name, length, rules, rule_count);
    if (rule == NULL)
        return complain("unknown option %s (see --help)", word);
    if (rule->flag != NULL) {
        *rule->flag = true;
        return equals == NULL || complain("--%s takes no value", rule->name);
    }
    if (equals != NULL)
        return read_value(rule, equals + 1);
    if (*position + 1 >= argc)
        return complain("--%s needs a value", rule->name);
    return read_value(rule, argv[++*position]);
}

enum options_outcome options_read(int argc, char **argv, const char *summary, const struct option_rule *rules,
                                  size_t rule_count)
{
    size_t operands = count_operands(rules, rule_count), given = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(argv[0], summary, rules, rule_count);
            return OPTIONS_HELP;
        }
        if (strncmp(argv[i], "--", 2) != 0) {
            if (given == operands) {
                complain("unexpected argument %s (see --help)", argv[i]);
                return OPTIONS_WRONG;
            }
            *rules[given++].text = argv[i];
        } else if (!read_option(argc, argv, &i, rules, rule_count)) {
            return OPTIONS_WRONG;
        }
    }
    if (given < operands) {
        complain("%s is missing (see --help)", rules[given].name);
        return OPTIONS_WRONG;
    }
    return OPTIONS_READ;
}
