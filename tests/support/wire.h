/* A reader of protocol buffers, to look into what the library writes. SPDX-License-Identifier: MIT */
#ifndef TEST_WIRE_H
#define TEST_WIRE_H

#include "check.h"

typedef struct wire_view {
    const unsigned char *bytes;
    size_t count;
} wire_view;

typedef struct wire_field {
    unsigned number;
    uint64_t value; /**< Of an integer, or the bits of a float. */
    wire_view view; /**< Of text, bytes or a message. */
} wire_field;

/** Takes the next field off `message`; 0 at its end. Fails the test if that is not a field. */
int wire_next(wire_view *message, wire_field *field);

/** The n-th field of that number, counted from 0; 0 if there are not so many. */
int wire_find(wire_view message, unsigned number, size_t n, wire_field *field);

/** How many fields have that number. */
size_t wire_count(wire_view message, unsigned number);

/** The only field of that number; fails the test unless there is exactly one. */
wire_field wire_only(wire_view message, unsigned number);

int wire_is(wire_view view, const char *text);

#endif
