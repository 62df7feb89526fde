/* SPDX-License-Identifier: MIT */
#include "outcome.h"

#include "complain.h"
#include "keep.h"
#include "record.h"
#include "updates.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 4096, LINE = 8192, NETWORK = 400, CURVE_LINE = 160 };

static const char run_header[] =
    "run,group,data,method,measure,network,parameters,optimizer,learning_rate,weight_gain,seed,choice,status,"
    "passes,best_pass,rows,seconds,rows_per_second,valid_last,valid_sum,valid_loss,test_last,test_sum,test_"
    "loss,"
    "test_layers,train_losses,peak_bytes,step_seconds,answer_last_seconds,answer_sum_seconds";

static const char curve_header[] = "run,pass,layer,rate,seconds,train_loss,valid_loss,valid_accuracy";

/* A line that grows; numbers that are NaN become empty fields. */
struct line {
    char text[LINE];
    size_t used;
};

static void add(struct line *line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (line->used < sizeof line->text)
        line->used +=
            (size_t)vsnprintf(line->text + line->used, sizeof line->text - line->used, format, arguments);
    va_end(arguments);
}

static void add_number(struct line *line, const char *format, double value)
{
    add(line, ",");
    if (isfinite(value))
        add(line, format, value);
}

/* The pass that the network is in the state of; NULL if there was none. */
static const struct pass *final_pass(const struct outcome *o)
{
    const struct trainer *t = o->trainer;
    return t && t->best_pass > 0 && !t->diverged ? &t->curve.passes[t->best_pass - 1] : NULL;
}

/* LAST, SUM and the loss of LAST; `last` is the last layer. */
static void add_answers(struct line *line, const struct answers *answers, size_t last)
{
    double rows = (double)answers->rows;
    add_number(line, "%.3f", rows > 0 ? 100 * (double)answers->correct[last] / rows : NAN);
    add_number(line, "%.3f", rows > 0 ? 100 * (double)answers->correct[last + 1] / rows : NAN);
    add_number(line, "%.5f", rows > 0 ? answers->loss[last] / rows : NAN);
}

static void add_accuracies(struct line *line, const struct outcome *o)
{
    size_t last = o->trainer ? o->trainer->learner.depth - 1 : 0;
    add_answers(line, &o->validation, last);
    add_answers(line, &o->test, last);
    add(line, ",");
    for (size_t i = 0; o->test.rows > 0 && i <= last; i++)
        add(line, "%s%.2f", i ? ";" : "", 100 * (double)o->test.correct[i] / (double)o->test.rows);
}

/* Of every layer the training loss of the pass that it ended with. */
static void add_losses(struct line *line, const struct outcome *o)
{
    add(line, ",");
    const struct pass *pass = final_pass(o);
    for (size_t i = 0; pass && i < pass->depth; i++) {
        size_t at = o->trainer->best_pass;
        while (at > 1 && !isfinite(o->trainer->curve.passes[at - 1].train_loss[i]))
            at--;
        add(line, "%s%.5f", i ? ";" : "", o->trainer->curve.passes[at - 1].train_loss[i]);
    }
}

static void describe(struct line *line, const struct outcome *o)
{
    const struct settings *s = o->settings;
    char network[NETWORK];
    settings_network(s, network, sizeof network);
    size_t parameters = o->trainer ? o->trainer->learner.parameters : o->costs.parameters;
    /* What stands in for a set is not that set. */
    const char *data = s->drawn && o->set->drawn ? "drawn" : o->set->name;
    add(line, "%s,%s,%s,%s,%s,%s,%zu,%s,%g,%g,%llu,%d,%s", s->run, s->group, data, method_names[s->method],
        measure_names[s->measure], network, parameters, update_names[s->optimizer], s->learning_rate,
        s->weight_gain, (unsigned long long)s->seed, s->choice,
        o->trainer && o->trainer->diverged ? "diverged" : "done");
}

static void fill_run(struct line *line, const struct outcome *o)
{
    const struct trainer *t = o->trainer;
    describe(line, o);
    if (t)
        add(line, ",%zu,%zu,%llu,%.2f,%.1f", t->curve.count, t->best_pass, (unsigned long long)t->rows,
            t->learned, t->learned > 0 ? (double)t->rows / t->learned : 0);
    else
        add(line, ",,,,,");
    add_accuracies(line, o);
    add_losses(line, o);
    size_t peak = t ? t->learner.meter.peak : o->costs.peak;
    add_number(line, "%.0f", peak > 0 ? (double)peak : NAN);
    add_number(line, "%.6f", o->costs.step_seconds > 0 ? o->costs.step_seconds : NAN);
    add_number(line, "%.9f", o->costs.last_seconds > 0 ? o->costs.last_seconds : NAN);
    add_number(line, "%.9f", o->costs.sum_seconds > 0 ? o->costs.sum_seconds : NAN);
    add(line, "\n");
}

/* ---- the curve ---- */

static size_t put_point(char *to, size_t room, const char *run, size_t number, const struct pass *pass,
                        size_t layer)
{
    struct line line = {.used = 0};
    add(&line, "%s,%zu,", run, number);
    add(&line, layer == pass->depth ? "sum" : "%zu", layer + 1);
    add_number(&line, "%g", pass->rate);
    add_number(&line, "%.2f", pass->seconds);
    add_number(&line, "%.5f", layer < pass->depth ? pass->train_loss[layer] : NAN);
    add_number(&line, "%.5f", pass->loss[layer]);
    add_number(&line, "%.3f", pass->accuracy[layer]);
    return (size_t)snprintf(to, room, "%s\n", line.text);
}

/* All points, one line for every pass and layer, and for the sum where it is another answer. */
static char *curve_text(const struct outcome *o)
{
    const struct curve *curve = &o->trainer->curve;
    size_t room = 1, used = 0;
    for (size_t i = 0; i < curve->count; i++)
        room += (curve->passes[i].depth + 1) * (CURVE_LINE + strlen(o->settings->run));
    char *text = malloc(room);
    if (text)
        text[0] = '\0';
    for (size_t i = 0; text && i < curve->count; i++) {
        const struct pass *pass = &curve->passes[i];
        size_t end = o->trainer->learner.network && pass->depth > 1 ? pass->depth + 1 : pass->depth;
        for (size_t layer = 0; layer < end; layer++)
            used += put_point(text + used, room - used, o->settings->run, i + 1, pass, layer);
    }
    return text;
}

static bool write_curve(const struct outcome *o)
{
    char path[LONGEST];
    if (!o->trainer)
        return true;
    snprintf(path, sizeof path, "%s-curves.csv", o->settings->out);
    char *text = curve_text(o);
    bool good = (text || complain("no memory for the curve")) &&
                record_put(path, curve_header, o->settings->run, text);
    free(text);
    return good;
}

/* The columns that are not empty, as key=value. */
static void print_result(const struct line *line)
{
    const char *name = run_header, *value = line->text;
    printf("result example=experiment");
    while (*name != '\0') {
        size_t name_length = strcspn(name, ","), length = strcspn(value, ",\n");
        if (length > 0)
            printf(" %.*s=%.*s", (int)name_length, name, (int)length, value);
        name += name_length + (name[name_length] == ',');
        value += length + (value[length] == ',');
    }
    putchar('\n');
}

bool outcome_fits(const struct settings *s)
{
    char path[LONGEST], curves[LONGEST];
    snprintf(path, sizeof path, "%s.csv", s->out ? s->out : "");
    snprintf(curves, sizeof curves, "%s-curves.csv", s->out ? s->out : "");
    return !s->out ||
           (keep_check_path(path) && record_fits(path, run_header) && record_fits(curves, curve_header));
}

bool outcome_write(const struct outcome *o)
{
    static struct line line;
    char path[LONGEST];
    fill_run(&line, o);
    if (o->settings->out) {
        snprintf(path, sizeof path, "%s.csv", o->settings->out);
        if (!write_curve(o) || !record_put(path, run_header, o->settings->run, line.text))
            return false;
    }
    print_result(&line);
    return true;
}
