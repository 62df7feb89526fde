/* SPDX-License-Identifier: MIT */
#include "log.h"

#include "complain.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

static const char head[] = "run,preset,seed,epochs,minutes,learning_rate,images_per_second,last,sum,"
                           "layer_accuracies,layer_losses\n";

static bool is_empty(FILE *file)
{
    return fseek(file, 0, SEEK_END) == 0 && ftell(file) == 0;
}

bool log_open(struct log *log, const struct settings *settings)
{
    time_t now = time(NULL);
    struct tm *utc = gmtime(&now);
    *log = (struct log){.settings = settings};
    if (utc == NULL || strftime(log->run, sizeof log->run, "%Y-%m-%dT%H:%M:%SZ", utc) == 0)
        strcpy(log->run, "unknown");
    if (settings->log == NULL)
        return true;
    log->file = fopen(settings->log, "a");
    if (log->file == NULL)
        return complain("cannot write %s: %s", settings->log, strerror(errno));
    if (is_empty(log->file))
        fputs(head, log->file);
    return fflush(log->file) == 0 || complain("cannot write %s: %s", settings->log, strerror(errno));
}

/* An empty field where nothing is known. */
static void put_number(FILE *file, double value, int decimals)
{
    if (!isnan(value))
        fprintf(file, "%.*f", decimals, value);
}

static void put_list(FILE *file, const double *values, size_t count, int decimals)
{
    for (size_t i = 0; i < count && !isnan(values[i]); i++)
        fprintf(file, "%s%.*f", i > 0 ? " " : "", decimals, values[i]);
}

void log_epoch(struct log *log, double epochs, const struct epoch *epoch, double minutes,
               double learning_rate)
{
    const struct settings *settings = log->settings;
    FILE *file = log->file;
    if (file == NULL)
        return;
    errno = 0;
    fprintf(file, "%s,%s,%llu,%.5g,%.2f,%g,%.0f,", log->run, preset_names[settings->preset],
            (unsigned long long)settings->seed, epochs, minutes, learning_rate, epoch->samples_per_second);
    put_number(file, epoch->last, 2);
    fputc(',', file);
    put_number(file, epoch->sum, 2);
    fputc(',', file);
    put_list(file, epoch->accuracy, epoch->depth, 2);
    fputc(',', file);
    put_list(file, epoch->loss, epoch->depth, 4);
    fputc('\n', file);
    if (fflush(file) != 0 || ferror(file)) {
        complain("cannot write %s any more: %s", settings->log, strerror(errno));
        log_close(log);
    }
}

void log_close(struct log *log)
{
    if (log->file != NULL)
        fclose(log->file);
    log->file = NULL;
}
