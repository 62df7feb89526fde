/* SPDX-License-Identifier: MIT */
#include "datasets.h"

#include "complain.h"
#include "places.h"
#include "readers.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FOLDERS = 3 };

static const struct entry {
    const char *name;
    dataset_in *in; /* NULL: it is drawn */
    dataset_reader *read;
    const char *folders[MOST_FOLDERS]; /* where it usually is, below a place */
    dataset_reader *stand_in;
    const char *labels; /* of its first training rows, if another set has such files; NULL: files tell it */
} entries[] = {
    {"mnist", idx_in, read_idx, {"mnist"}, draw_digits, "504192131435"},
    {"fashion-mnist", idx_in, read_idx, {"fashion-mnist", "fashion"}, draw_digits, "900302725509"},
    {"cifar10", cifar10_in, read_cifar10, {"cifar-10", "cifar-10-batches-bin"}, draw_shapes, NULL},
    {"cifar100", cifar100_in, read_cifar100, {"cifar-100", "cifar-100-binary"}, draw_shapes, NULL},
    {"adult", adult_in, read_adult, {"tabular", "adult"}, draw_digits, NULL},
    {"letter", letter_in, read_letter, {"tabular", "letter"}, draw_digits, NULL},
    {"optdigits", optdigits_in, read_optdigits, {"tabular", "optdigits"}, draw_digits, NULL},
    {"wine-red", wine_red_in, read_wine_red, {"tabular", "wine-quality"}, draw_digits, NULL},
    {"wine-white", wine_white_in, read_wine_white, {"tabular", "wine-quality"}, draw_digits, NULL},
    {"wine-quality", wine_both_in, read_wine_both, {"tabular", "wine-quality"}, draw_digits, NULL},
    {"rt-polarity", polarity_in, read_polarity, {"text/rt-polarity", "rt-polarity"}, NULL, NULL},
    {"imdb", imdb_in, read_imdb, {"text/imdb", "imdb"}, NULL, NULL},
    {"digits", NULL, draw_digits, {NULL}, NULL, NULL},
    {"shapes", NULL, draw_shapes, {NULL}, NULL, NULL},
};
enum { ENTRIES = sizeof entries / sizeof *entries };

const char *dataset_name(size_t index)
{
    return index < ENTRIES ? entries[index].name : NULL;
}

static const struct dataset_options plain = {0};

/* ---- where a set is ---- */

static bool is_in(const struct entry *entry, const char *place, const char *below, char *folder)
{
    int length = snprintf(folder, LONGEST_FOLDER, below[0] != '\0' ? "%s/%s" : "%s%s", place, below);
    return length > 0 && length < LONGEST_FOLDER && entry->in(folder);
}

/* The folder that a name stands for. What does not tell by itself which set it is counts where it has a
 * folder of that name, or where the caller has named the folder; so it does in $MONOFORWARD_DATA for MNIST,
 * whose own folder that is to the program mnist. */
static bool find(const struct entry *entry, const struct dataset_options *options, char *folder)
{
    bool is_mnist = strcmp(entry->name, "mnist") == 0;
    const char *place = options->folder != NULL ? options->folder : "";
    for (size_t i = 0; place != NULL; place = options->folder_alone ? NULL : places_at(i++)) {
        if (place[0] == '\0')
            continue;
        for (size_t j = 0; j < MOST_FOLDERS && entry->folders[j] != NULL; j++)
            if (is_in(entry, place, entry->folders[j], folder))
                return true;
        if ((entry->labels == NULL || i == 0 || (i == 1 && is_mnist)) && is_in(entry, place, "", folder))
            return true;
    }
    return false;
}

static const struct entry *entry_named(const char *name)
{
    for (size_t i = 0; i < ENTRIES; i++)
        if (strcmp(name, entries[i].name) == 0)
            return &entries[i];
    return NULL;
}

bool dataset_found(const char *name, const struct dataset_options *options)
{
    char folder[LONGEST_FOLDER];
    const struct entry *entry = entry_named(name);
    return entry != NULL && (entry->in == NULL || find(entry, options != NULL ? options : &plain, folder));
}

/* The one set in a folder. Sets in files of the same names, as MNIST and Fashion-MNIST, are one here. */
static const struct entry *recognise(const char *folder)
{
    const struct entry *found = NULL;
    char names[256] = "";
    size_t count = 0, length = 0;
    for (size_t i = 0; i < ENTRIES; i++) {
        if (entries[i].in == NULL || !entries[i].in(folder) || (found != NULL && found->in == entries[i].in))
            continue;
        length += (size_t)snprintf(names + length, sizeof names - length, "%s%s", count > 0 ? ", " : "",
                                   entries[i].name);
        found = &entries[i];
        count++;
    }
    if (count == 1)
        return found;
    if (count == 0)
        complain("%s is neither the name of a data set nor a folder with the files of one", folder);
    else
        complain("%s holds several data sets: %s; say which", folder, names);
    return NULL;
}

/* ---- from there to a set ---- */

static bool begins(const struct dataset_part *part, const char *labels)
{
    size_t same = 0;
    while (same < part->count && labels[same] != '\0' && part->labels[same] == labels[same] - '0')
        same++;
    return labels[same] == '\0';
}

/* Which of the sets in such files its rows say that it is; NULL: none, it is one of the user's own. */
static const struct entry *told_by_labels(dataset_reader *reader, const struct dataset *set)
{
    for (size_t i = 0; i < ENTRIES; i++)
        if (entries[i].read == reader && entries[i].labels != NULL && begins(&set->train, entries[i].labels))
            return &entries[i];
    return NULL;
}

/* The last part of a path, where it is a word that can stand in a table. */
static void name_after(const char *folder, char *name)
{
    size_t end = strlen(folder), first, length = 0;
    while (end > 1 && folder[end - 1] == '/')
        end--;
    for (first = end; first > 0 && folder[first - 1] != '/'; first--)
        ;
    snprintf(name, LONGEST_NAME, "images");
    for (size_t i = first; i < end; i++)
        length += isalnum((unsigned char)folder[i]) || folder[i] == '-' || folder[i] == '_';
    if (length > 0 && length == end - first && length < LONGEST_NAME)
        snprintf(name, LONGEST_NAME, "%.*s", (int)length, folder + first);
}

static void measure(struct dataset *set)
{
    size_t plane = set->height * set->width;
    for (size_t channel = 0; channel < set->channels; channel++) {
        struct byte_counts counts = {0};
        for (size_t i = 0; i < set->train.count; i++)
            bytes_count(&counts, set->train.bytes + i * set->features + channel * plane, plane);
        bytes_moments(&counts, &set->mean[channel], &set->deviation[channel]);
        for (size_t value = 0; value < BYTE_VALUES; value++)
            set->inputs[channel][value] =
                (float)(((double)value - set->mean[channel]) / set->deviation[channel]);
    }
}

static void limit(struct dataset_part *part, size_t most)
{
    if (most > 0 && most < part->count)
        part->count = most;
}

/* `named`: which set it must be; NULL: whichever it is. */
static bool read(dataset_reader *reader, const struct entry *named, const char *folder,
                 const struct dataset_options *options, struct dataset *set)
{
    if (!reader(folder, options, set))
        return false;
    const struct entry *told = told_by_labels(reader, set);
    if (told != NULL && named != NULL && told != named)
        return complain("%s holds %s, not %s", folder, told->name, named->name);
    if (told != NULL && named == NULL)
        snprintf(set->name, sizeof set->name, "%s", told->name);
    measure(set);
    limit(&set->train, options->train_limit);
    limit(&set->test, options->test_limit);
    return true;
}

static bool complain_of_name(const struct entry *entry, const struct dataset_options *options)
{
    if (options->folder_alone)
        return complain("%s was not found in %s", entry->name, options->folder);
    return complain("%s was not found in %s%s" PLACES_NAMED, entry->name,
                    options->folder != NULL ? options->folder : "", options->folder != NULL ? ", " : "");
}

static bool load_named(const struct entry *entry, const struct dataset_options *options, struct dataset *set)
{
    char folder[LONGEST_FOLDER] = "";
    dataset_reader *reader = entry->read;
    snprintf(set->name, sizeof set->name, "%s", entry->name);
    if (entry->in != NULL && !find(entry, options, folder)) {
        if (!options->stand_in || entry->stand_in == NULL)
            return complain_of_name(entry, options);
        reader = entry->stand_in;
    }
    return read(reader, entry, folder, options, set);
}

bool dataset_load(const char *where, const struct dataset_options *options, struct dataset *set)
{
    const struct entry *entry = entry_named(where);
    *set = (struct dataset){0};
    options = options != NULL ? options : &plain;
    if (entry != NULL)
        return load_named(entry, options, set) || (dataset_free(set), false);
    entry = recognise(where);
    if (entry == NULL)
        return false;
    if (entry->labels == NULL)
        snprintf(set->name, sizeof set->name, "%s", entry->name);
    else
        name_after(where, set->name);
    return read(entry->read, NULL, where, options, set) || (dataset_free(set), false);
}
