/* SPDX-License-Identifier: MIT */
#include "notes.h"

#include "complain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char classes_name[] = "class_names";
static const char mean_name[] = "input_mean";
static const char scale_name[] = "input_scale";

/* A copy of the network that scales pixels; NULL, with one line printed, on failure. */
static mf_network *copy_scaled(const mf_network *network, const struct scaling *scaling, int32_t contents)
{
    mf_network *copy = NULL;
    if (library_ok(mf_network_clone(network, contents, NULL, &copy)) &&
        library_ok(mf_network_set_input_scaling(copy, scaling->shift, scaling->scale, scaling->channels)))
        return copy;
    mf_network_free(copy);
    return NULL;
}

bool notes_save(const mf_network *network, const struct scaling *scaling, int32_t contents, const char *path)
{
    mf_network *copy = copy_scaled(network, scaling, contents);
    bool good = copy != NULL && library_ok(mf_network_save(copy, contents, path));
    mf_network_free(copy);
    return good;
}

bool notes_export(const mf_network *network, const struct scaling *scaling, const char *path)
{
    mf_network *copy = copy_scaled(network, scaling, MF_CONTENTS_MODEL);
    bool good = copy != NULL && library_ok(mf_network_export_onnx(copy, path));
    mf_network_free(copy);
    return good;
}

bool notes_set_classes(mf_network *network, const char *const *names, size_t count)
{
    char text[1024];
    size_t used = 0;
    for (size_t i = 0; i < count && used < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i > 0 ? "\n" : "", names[i]);
    if (used >= sizeof text)
        return complain("the names of %zu classes are too long", count);
    return library_ok(mf_network_metadata_set(network, classes_name, text));
}

static const char *find(const mf_network *network, const char *name)
{
    const char *value = NULL;
    return mf_network_metadata_get(network, name, &value) == MF_STATUS_OK ? value : NULL;
}

/* Finite numbers with spaces between them; 0 if the text is anything else. */
static size_t read_numbers(const char *text, float *values)
{
    size_t count = 0;
    while (count < MOST_SCALED_CHANNELS) {
        char *end;
        values[count] = strtof(text, &end);
        if (end == text || !isfinite(values[count]))
            return 0;
        count++;
        if (*end == '\0')
            return count;
        if (*end != ' ')
            return 0;
        text = end + 1;
    }
    return 0;
}

bool notes_take_scaling(mf_network *network)
{
    const char *mean = find(network, mean_name), *scale = find(network, scale_name);
    struct scaling scaling;
    size_t count = 0;
    if (!library_ok(mf_network_input_scaling(network, NULL, NULL, 0, &count)))
        return false;
    if (count > 0 || (mean == NULL && scale == NULL))
        return true;
    scaling.channels = mean != NULL ? read_numbers(mean, scaling.shift) : 0;
    if (scaling.channels == 0 || scale == NULL || read_numbers(scale, scaling.scale) != scaling.channels)
        return complain("the model's %s and %s are not 1 to %d numbers each, as many of one as of the other",
                        mean_name, scale_name, MOST_SCALED_CHANNELS);
    for (size_t i = 0; i < scaling.channels; i++)
        scaling.shift[i] = -scaling.shift[i];
    return library_ok(mf_network_set_input_scaling(network, scaling.shift, scaling.scale, scaling.channels));
}

const char *notes_class(const mf_network *network, int32_t label, char room[16], int *length)
{
    const char *line = find(network, classes_name);
    for (int32_t i = 0; line != NULL && i < label; i++) {
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    size_t bytes = line != NULL ? strcspn(line, "\n") : 0;
    if (bytes > 0 && bytes <= MF_METADATA_VALUE_BYTES) {
        *length = (int)bytes;
        return line;
    }
    *length = snprintf(room, 16, "%d", (int)label);
    return room;
}

/* Bytes of the control character at `at`, 0 if there is none: those of ASCII, and U+0080 to U+009F, which are
 * 0xC2 and a byte below 0xA0 in UTF-8. */
static size_t control_bytes(const unsigned char *at, size_t left)
{
    if (at[0] < ' ' || at[0] == 0x7F)
        return 1;
    return at[0] == 0xC2 && left > 1 && at[1] < 0xA0 ? 2 : 0;
}

void notes_print(FILE *stream, const char *text, size_t length, size_t most)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t shown = length <= most ? length : most;
    while (shown < length && shown > 0 && (bytes[shown] & 0xC0) == 0x80)
        shown--; /* whole characters only */
    for (size_t i = 0; i < shown;) {
        size_t control = control_bytes(bytes + i, shown - i);
        if (bytes[i] == '\n')
            fputs("\\n", stream);
        else if (control > 0)
            fprintf(stream, "\\x%02x", bytes[i + control - 1]);
        else
            fputc(bytes[i], stream);
        i += control > 0 ? control : 1;
    }
    if (shown < length)
        fprintf(stream, "... (%zu bytes)", length);
}
