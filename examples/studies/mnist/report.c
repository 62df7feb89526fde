/* SPDX-License-Identifier: MIT */
#include "report.h"

#include "places.h"
#include "threads.h"

#include "monoforward.h"

#include <stdio.h>
#include <string.h>

enum { LIST_TEXT = 32 * SIZE_LIST_CAPACITY };

static void print_data(const struct settings *settings, const struct data *data)
{
    if (data->drawn)
        printf("data      no MNIST in --data, " PLACES_NAMED ":\n"
               "          DIGITS DRAWN BY THIS PROGRAM, not MNIST\n");
    else
        printf("data      %s\n", settings->data);
    printf("          %zu images to learn from, ", data->train.count);
    if (data->validation.count > 0)
        printf("%zu held out, ", data->validation.count);
    printf("%zu to test with, %zu x %zu pixels\n", data->test.count, data->test_images.rows,
           data->test_images.columns);
}

static bool print_network(const struct settings *settings, const struct model *model,
                          const struct parameter_counts *size)
{
    char shapes[LIST_TEXT];
    if (!model_shapes(model, shapes, sizeof shapes))
        return false;
    printf("network   %s %s, %d classes: %zu parameters, %.2f%% of them in the projections M\n", shapes,
           activation_names[settings->activation], DIGIT_CLASSES, size->all,
           100 * (double)size->projections / (double)size->all);
    printf("          weights start %s", init_names[settings->init_weight]);
    if (settings_has_projections(settings))
        printf(", projections %s", init_names[settings->init_projection]);
    if (settings->freeze != FREEZE_NOTHING)
        printf("; every %s is frozen", freeze_names[settings->freeze]);
    if (settings->normalization != MF_NORMALIZATION_NONE)
        printf("; %s normalisation", normalization_names[settings->normalization]);
    printf("\n");
    return true;
}

static void print_training(const struct settings *settings)
{
    printf("training  %s, %s, learning rate %g %s, batch %zu, seed %llu",
           settings->greedy ? "greedy" : "joint", update_names[settings->optimizer], settings->learning_rate,
           schedule_names[settings->schedule], settings->batch, (unsigned long long)settings->seed);
    if (settings->warmup > 0)
        printf(", warm-up %zu steps", settings->warmup);
    if (settings->dropout > 0)
        printf(", dropout %g", settings->dropout);
    if (settings->label_smoothing > 0)
        printf(", label smoothing %g", settings->label_smoothing);
    if (settings->weight_decay > 0)
        printf(", weight decay %g", settings->weight_decay);
    if (settings->clip > 0)
        printf(", clip %g", settings->clip);
    if (settings->augment != AUGMENT_NONE)
        printf(", augment %s", augment_names[settings->augment]);
    printf("\n");
}

bool report_header(const struct settings *settings, const struct data *data, const struct model *model,
                   const struct parameter_counts *size, const struct memory *memory)
{
    print_data(settings, data);
    if (!print_network(settings, model, size))
        return false;
    print_training(settings);
    if (settings->cut == CUT_NONE)
        printf("memory    %.0f bytes held for training, all in one layer: backpropagation; foreseen: %.0f\n",
               memory->held, memory->backpropagation);
    else
        printf("memory    %.1f MB held for training; backpropagation would hold about %.1f MB\n",
               memory->held / 1e6, memory->backpropagation / 1e6);
    threads_report(settings->workers, precision_names[settings->precision]);
    return true;
}

void report_columns(const struct settings *settings)
{
    const char *judge = settings->validation > 0 ? "valid %" : "test %";
    printf("\n%5s", "");
    for (size_t i = 0; i < settings_layer_count(settings); i++)
        printf("      layer %-2zu     ", i + 1);
    printf(" %8s %8s\nepoch", "LAST", "SUM");
    for (size_t i = 0; i < settings_layer_count(settings); i++)
        printf(" %9s %8s", "loss", judge);
    printf(" %8s %8s %8s %10s\n", judge, judge, "seconds", "samples/s");
    fflush(stdout);
}

void report_epoch(const struct settings *settings, size_t number, const struct epoch *epoch)
{
    printf("%5zu", number);
    for (size_t i = 0; i < settings_layer_count(settings); i++) {
        epoch_print(9, 4, epoch->loss[i]);
        epoch_print(8, 2, epoch->accuracy[i]);
    }
    epoch_print(8, 2, epoch->last);
    epoch_print(8, 2, epoch->sum);
    printf(" %8.2f %10.0f\n", epoch->seconds, epoch->samples_per_second);
    fflush(stdout);
}

void report_options(const struct settings *settings, const struct data *data, char text[OPTIONS_TEXT])
{
    char conv[LIST_TEXT], pool[LIST_TEXT], hidden[LIST_TEXT];
    settings_list_text(&settings->conv, conv, sizeof conv);
    settings_list_text(&settings->pool, pool, sizeof pool);
    settings_list_text(&settings->hidden, hidden, sizeof hidden);
    size_t used = (size_t)snprintf(
        text, OPTIONS_TEXT,
        "data=%s epochs=%zu seed=%llu conv=%s pool=%s head=%zu hidden=%s activation=%s normalization=%s "
        "optimizer=%s learning_rate=%g warmup=%zu learning_rate_schedule=%s schedule=%s batch=%zu augment=%s "
        "dropout=%g "
        "label_smoothing=%g weight_decay=%g clip=%g",
        data->drawn ? "drawn" : "idx", settings->epochs, (unsigned long long)settings->seed, conv, pool,
        settings->head, hidden, activation_names[settings->activation],
        normalization_names[settings->normalization], update_names[settings->optimizer],
        settings->learning_rate, settings->warmup, schedule_names[settings->schedule],
        settings->greedy ? "greedy" : "joint", settings->batch, augment_names[settings->augment],
        settings->dropout, settings->label_smoothing, settings->weight_decay, settings->clip);
    if (used < OPTIONS_TEXT)
        snprintf(text + used, OPTIONS_TEXT - used,
                 " cut=%s freeze=%s init_weight=%s init_projection=%s precision=%s", cut_names[settings->cut],
                 freeze_names[settings->freeze], init_names[settings->init_weight],
                 init_names[settings->init_projection], precision_names[settings->precision]);
}

void report_run(const struct settings *settings, const struct data *data, char text[OPTIONS_TEXT])
{
    report_options(settings, data, text);
    size_t used = strlen(text);
    snprintf(text + used, OPTIONS_TEXT - used, " validation=%zu images=%zu images_hash=%016llx",
             settings->validation, data->train_images.count, (unsigned long long)data_hash(data));
}

void report_result(const struct settings *settings, const struct data *data, const struct run_state *state,
                   const struct epoch *final, uint64_t params_hash)
{
    char options[OPTIONS_TEXT];
    const struct history *history = &state->history;
    const struct epoch *end = &history->epochs[history->count - 1];
    double seconds = 0, samples = (double)history->count * (double)data->train.count;
    for (size_t i = 0; i < history->count; i++)
        seconds += history->epochs[i].seconds;
    printf("\n");
    report_options(settings, data, options);
    printf("result example=mnist %s", options);
    for (size_t i = 0; i < final->depth; i++)
        printf(" layer%zu=%.2f", i + 1, final->accuracy[i]);
    printf(" last=%.2f sum=%.2f", final->last, final->sum);
    if (data->validation.count > 0)
        printf(" validation_last=%.2f validation_sum=%.2f", end->last, end->sum);
    if (state->keep.best_epoch > 0)
        printf(" best_epoch=%zu best_validation_last=%.2f", state->keep.best_epoch, state->keep.best);
    printf(" loss=%.4f seconds=%.2f samples_per_second=%.0f params_hash=%016llx\n", end->loss[end->depth - 1],
           seconds, samples / seconds, (unsigned long long)params_hash);
}
