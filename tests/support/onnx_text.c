/* SPDX-License-Identifier: MIT */
#include "onnx_text.h"

#include <ctype.h>
#include <stdlib.h>

enum { MOST_DIMS = 9 };

float text_value(char letter, size_t index)
{
    return (float)((int)((index * 7 + (size_t)letter * 5 + index / 9) % 11) - 5) * 0.1f;
}

/* "2x4x4", up to something that is no dim. */
static size_t read_dims(const char *text, int64_t *dims)
{
    size_t rank = 0;
    char *end;

    for (; isdigit((unsigned char)*text); text = end + (*end == 'x')) {
        assert_true(rank < MOST_DIMS);
        dims[rank++] = strtoll(text, &end, 10);
    }
    return rank;
}

/* ---- constants ---- */

static void put_values(message *graph, const char *name)
{
    float values[400];
    int64_t dims[MOST_DIMS];
    size_t rank = read_dims(name + 2, dims), count = 1;

    for (size_t d = 0; d < rank; d++)
        count *= (size_t)dims[d];
    assert_true(count <= COUNT_OF(values));
    for (size_t i = 0; i < count; i++)
        values[i] = text_value(name[0], i);
    put_floats(graph, name, rank, dims, values);
}

static void put_list(message *graph, const char *name)
{
    int64_t values[16];
    size_t count = 0;

    for (const char *at = name + 1; *at != ']' && count < COUNT_OF(values); at += strspn(at, ",")) {
        char *end;

        values[count++] = strtoll(at, &end, 10);
        at = end;
    }
    put_integers(graph, name, count, values);
}

static void put_integer(message *graph, const char *name)
{
    message tensor = {0};
    int64_t value = strtoll(name + 1, NULL, 10);

    put_int(&tensor, 2, 7);
    put_text(&tensor, 8, name);
    put_numbers(&tensor, 9, &value, sizeof value, 1);
    put_message(graph, 5, &tensor);
}

static void put_truth(message *graph, const char *name)
{
    message tensor = {0};
    const unsigned char value = name[1] == '1';

    put_int(&tensor, 2, 9);
    put_text(&tensor, 8, name);
    put_bytes(&tensor, 9, &value, 1);
    put_message(graph, 5, &tensor);
}

static void put_number(message *graph, const char *name)
{
    const float value = strtof(name, NULL);

    put_floats(graph, name, 0, NULL, &value);
}

static void put_if_constant(message *graph, const char *word)
{
    if (word[1] == ':')
        put_values(graph, word);
    else if (word[0] == '[')
        put_list(graph, word);
    else if (word[0] == '#')
        put_integer(graph, word);
    else if (word[0] == '?')
        put_truth(graph, word);
    else if (isdigit((unsigned char)word[0]) || word[0] == '-')
        put_number(graph, word);
}

/* ---- nodes ---- */

/* Ends the text where the sign is; what is behind it, or "". */
static char *cut(char *text, char sign)
{
    char *at = strchr(text, sign);

    if (at == NULL)
        return text + strlen(text);
    *at = 0;
    return at + 1;
}

/* Without spaces at both ends. */
static char *trimmed(char *text)
{
    text += strspn(text, " ");
    for (size_t length = strlen(text); length > 0 && text[length - 1] == ' ';)
        text[--length] = 0;
    return text;
}

static void put_text_node(message *graph, char *node)
{
    char *outputs = cut(node, '>'), *attributes = trimmed(cut(outputs, ':')), *type = trimmed(node),
         *inputs = trimmed(cut(type, ' ')), *rest = NULL;

    put_node(graph, type, inputs, trimmed(outputs), attributes);
    for (char *word = strtok_r(inputs, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        put_if_constant(graph, word);
}

message text_graph(const char *text)
{
    char line[2000], *rest = line;
    int64_t dims[MOST_DIMS];
    message graph = {0};

    assert_true(strlen(text) < sizeof line);
    memcpy(line, text, strlen(text) + 1);
    rest = cut(line, ';');
    assert_true(strncmp(line, "x:", 2) == 0);
    size_t rank = read_dims(line + 2, dims);
    put_value_of(&graph, 11, strstr(line, " int64") != NULL ? 7 : 1, "x", rank, dims);
    put_value(&graph, 12, "y", 0, NULL);
    while (*rest) {
        char *node = rest;

        rest = cut(node, ';');
        put_text_node(&graph, node);
    }
    return graph;
}

message text_model(const char *text, int64_t opset)
{
    const message graph = text_graph(text);

    return model_of(&graph, opset);
}
