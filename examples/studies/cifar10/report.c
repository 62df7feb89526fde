/* SPDX-License-Identifier: MIT */
#include "report.h"

#include "curves.h"
#include "parameters.h"
#include "threads.h"
#include "updates.h"
#include "whiten.h"

#include "monoforward.h"

#include <math.h>
#include <stdio.h>

static void print_data(const struct settings *settings, const struct data *data)
{
    static const size_t whole_train = (size_t)TRAIN_FILES * FILE_RECORDS, whole_test = FILE_RECORDS;
    if (data->folder == NULL)
        printf("data      no folder of %s found (--data or a variable, see --help): SHAPES DRAWN BY THIS "
               "PROGRAM "
               "instead\n",
               set_names[data->set]);
    else
        printf("data      %s\n", data->folder);
    printf("          %zu images to learn from, %zu to test with", data_learned(data), data->test.count);
    if (data->validation > 0)
        printf(", %zu held out", data->validation);
    if (data->folder != NULL && (data->train.count != whole_train || data->test.count != whole_test))
        printf("; the whole set has %zu and %zu", whole_train, whole_test);
    printf("\n          standardised by channel: means %.2f %.2f %.2f, deviations %.2f %.2f %.2f\n",
           data->mean[0], data->mean[1], data->mean[2], data->deviation[0], data->deviation[1],
           data->deviation[2]);
    if (settings->augment == AUGMENT_NONE)
        printf("          %s", settings->cutout == 0 ? "not augmented" : "augmented");
    else
        printf(
            "          augmented: random %d x %d windows of the images in a border of %zu zeros (the mean), "
            "mirrored %s",
            SIDE, SIDE, settings->border,
            settings->augment == AUGMENT_ALTERNATING ? "in every second pass" : "at random");
    if (settings->cutout > 0)
        printf("; a square of %zu x %zu hidden", settings->cutout, settings->cutout);
    printf("\n");
}

static void print_convolution(const struct convolution_plan *plan)
{
    printf("%zu filters of 3 x 3, ", plan->filters);
    if (plan->pool != MF_POOL_NONE)
        printf("%s pooling, ", pool_names[plan->pool]);
}

static void print_layer(const struct settings *settings, size_t index, const struct layer_facts *facts)
{
    const struct layer_plan *plan = &settings->layers[index];
    printf("%-9s layer %zu: ", index == 0 ? "network" : "", index + 1);
    if (index == 0 && presets[settings->preset].whitened)
        printf("whitened patches of %d x %d, ", WHITEN_SIDE, WHITEN_SIDE);
    for (size_t i = 0; i < layer_depth(plan); i++)
        print_convolution(&plan->convolutions[i]);
    if (plan->dropout > 0 && index + 1 < settings->layer_count)
        printf("dropout of maps %g, ", plan->dropout);
    printf("%zu x %zu x %zu; M reads %zu\n", facts->maps, facts->height, facts->width, facts->features);
}

static bool print_network(const struct settings *settings, const struct model *model)
{
    struct parameter_counts counts;
    double products = 0;
    if (!parameters_count(model->layers, model->layer_count, &counts))
        return false;
    for (size_t i = 0; i < model->layer_count; i++) {
        struct layer_facts facts;
        if (!model_layer_facts(model, i, &facts))
            return false;
        products += facts.products;
        print_layer(settings, i, &facts);
    }
    printf("          batch norm and relu behind every convolution\n");
    printf("          %zu parameters, %.2f%% of them in the projections M; %.1f million multiply-adds an "
           "image\n",
           counts.all, 100 * (double)counts.projections / (double)counts.all, products / 1e6);
    printf("          weights start kaiming%s, projections %s\n",
           presets[settings->preset].dirac ? " and dirac" : "", init_names[settings->init_projection]);
    return true;
}

static void print_training(const struct settings *settings)
{
    printf("training  %s, learning rate %g %s, warm-up %g, batch %zu, seed %llu",
           update_names[settings->optimizer], settings->learning_rate, schedule_names[settings->schedule],
           settings->warmup, settings->batch, (unsigned long long)settings->seed);
    if (settings->label_smoothing > 0)
        printf(", label smoothing %g", settings->label_smoothing);
    if (settings->similarity > 0)
        printf(", similarity %g", settings->similarity);
    if (settings->weight_decay > 0)
        printf(", weight decay %g", settings->weight_decay);
    if (settings->time_budget > 0)
        printf("; %g minutes in all", settings->time_budget);
    printf("\n");
}

static void print_library(const struct settings *settings, const struct model *model)
{
    printf("memory    %.1f MB held for training\n", (double)model->meter.bytes / 1e6);
    threads_report(settings->workers, precision_names[settings->precision]);
}

bool report_header(const struct settings *settings, const struct data *data, const struct model *model)
{
    print_data(settings, data);
    if (!print_network(settings, model))
        return false;
    print_training(settings);
    print_library(settings, model);
    return true;
}

void report_columns(const struct settings *settings)
{
    const char *judge = settings->validation > 0 ? "valid %" : "test %";
    printf("\n%5s %8s", "", "loss of");
    for (size_t i = 0; i < settings->layer_count; i++)
        printf(" %5s %-2zu", "layer", i + 1);
    printf(" %8s %8s\nepoch %8s", "LAST", "SUM", "the last");
    for (size_t i = 0; i < settings->layer_count + 2; i++)
        printf(" %8s", judge);
    printf(" %8s %8s\n", "minutes", "images/s");
    fflush(stdout);
}

void report_epoch(const struct settings *settings, size_t number, const struct epoch *epoch, double minutes)
{
    printf("%5zu", number);
    epoch_print(8, 4, epoch->loss[settings->layer_count - 1]);
    for (size_t i = 0; i < settings->layer_count; i++)
        epoch_print(8, 2, epoch->accuracy[i]);
    epoch_print(8, 2, epoch->last);
    epoch_print(8, 2, epoch->sum);
    epoch_print(8, 2, minutes);
    epoch_print(8, 0, epoch->samples_per_second);
    printf("\n");
    fflush(stdout);
}

bool report_layers(const struct settings *settings, const struct model *model, const struct epoch *epoch)
{
    printf("\nlayer convolutions          maps  M reads   loss   test %%\n");
    for (size_t i = 0; i < settings->layer_count; i++) {
        struct layer_facts facts;
        char maps[64];
        if (!model_layer_facts(model, i, &facts))
            return false;
        snprintf(maps, sizeof maps, "%zux%zux%zu", facts.maps, facts.height, facts.width);
        printf("%5zu %12zu %13s %8zu %6.4f %8.2f\n", i + 1, layer_depth(&settings->layers[i]), maps,
               facts.features, epoch->loss[i], epoch->accuracy[i]);
    }
    return true;
}

static size_t best_layer(const struct epoch *epoch)
{
    size_t best = 0;
    for (size_t i = 1; i < epoch->depth; i++)
        if (epoch->accuracy[i] > epoch->accuracy[best])
            best = i;
    return best;
}

void report_options(const struct settings *settings, const struct data *data, char text[OPTIONS_TEXT])
{
    size_t used = (size_t)snprintf(
        text, OPTIONS_TEXT,
        "data=%s images=%zu seed=%llu width=%g whole=%s batch=%zu optimizer=%s learning_rate=%g "
        "learning_rate_schedule=%s warmup=%g augment=%s border=%zu cutout=%zu dropout=%s",
        data->folder == NULL ? "drawn" : set_names[data->set], data_learned(data),
        (unsigned long long)settings->seed, settings->width, settings->whole ? "yes" : "no", settings->batch,
        update_names[settings->optimizer], settings->learning_rate, schedule_names[settings->schedule],
        settings->warmup, augment_names[settings->augment], settings->border, settings->cutout,
        settings->layer_count > 1 ? "" : "0");
    for (size_t i = 0; i + 1 < settings->layer_count; i++)
        used += (size_t)snprintf(text + used, OPTIONS_TEXT - used, "%s%g", i > 0 ? "," : "",
                                 settings->layers[i].dropout);
    snprintf(
        text + used, OPTIONS_TEXT - used,
        " init_projection=%s precision=%s label_smoothing=%g similarity=%g weight_decay=%g time_budget=%g",
        init_names[settings->init_projection], precision_names[settings->precision],
        settings->label_smoothing, settings->similarity, settings->weight_decay, settings->time_budget);
}

void report_result(const struct settings *settings, const struct data *data, const struct outcome *outcome)
{
    char options[OPTIONS_TEXT];
    const struct epoch *end = outcome->last_epoch;
    size_t best = best_layer(end);
    printf("\nresult example=cifar10 preset=%s epochs=%.5g minutes=%.2f last=%.2f sum=%.2f",
           preset_names[settings->preset], outcome->epochs, outcome->minutes, end->last, end->sum);
    printf(" best_layer=%zu best_layer_accuracy=%.2f", best + 1, end->accuracy[best]);
    for (size_t i = 0; i < end->depth; i++)
        printf(" layer%zu=%.2f", i + 1, end->accuracy[i]);
    if (!isnan(outcome->last_flip))
        printf(" last_flip=%.2f sum_flip=%.2f", outcome->last_flip, outcome->sum_flip);
    report_options(settings, data, options);
    printf(" %s workers=%zu", options, settings->workers);
    if (outcome->keep->best_epoch > 0)
        printf(" best_epoch=%zu best_validation_last=%.2f", outcome->keep->best_epoch, outcome->keep->best);
    printf(" loss=%.4f samples_per_second=%.0f params_hash=%016llx\n", end->loss[end->depth - 1],
           outcome->samples_per_second, (unsigned long long)outcome->params_hash);
}

bool report_plot(const struct settings *settings, const struct history *history)
{
    char title[100];
    if (settings->plot == NULL)
        return true;
    snprintf(title, sizeof title, "Mono-Forward on 32 x 32 images, preset %s, %s",
             preset_names[settings->preset], update_names[settings->optimizer]);
    return curves_draw(settings->plot, title,
                       settings->validation > 0 ? "accuracy on images held out, %" : "test accuracy, %",
                       history, settings->layer_count);
}
