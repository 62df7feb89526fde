/* SPDX-License-Identifier: MIT */
#include "images.h"

#include <stdlib.h>

void image_set_free(struct image_set *set)
{
    free(set->pixels);
    free(set->labels);
    *set = (struct image_set){0};
}
