/* Owns: the numbers that the optimizers of a network have in a model file. */
#include "io/numbering.h"

#include <string.h>

static const mf_optimizer *optimizer_at(const mf_network *network, size_t position)
{
    return network->entries[position].layer->optimizer;
}

static size_t chain_of(const mf_optimizer *optimizer)
{
    uint64_t address = (uintptr_t)optimizer;
    return (size_t)(address * UINT64_C(0x9E3779B97F4A7C15) >> 32) % MFI_NUMBERING_CHAINS;
}

/* The first layer with that optimizer, counted from 1; 0 if it is in no chain. */
static size_t find_first(const mfi_numbering *numbering, const mf_optimizer *optimizer)
{
    size_t first = numbering->heads[chain_of(optimizer)];
    while (first > 0 && optimizer_at(numbering->network, first - 1) != optimizer)
        first = numbering->chained[first - 1];
    return first;
}

static void add_first(mfi_numbering *numbering, size_t position)
{
    uint16_t *head = &numbering->heads[chain_of(optimizer_at(numbering->network, position))];
    numbering->chained[position] = *head;
    *head = (uint16_t)(position + 1);
    numbering->firsts[position / 32] |= UINT32_C(1) << position % 32;
}

void mfi_numbering_begin(mfi_numbering *numbering, const mf_network *network)
{
    uint16_t count = 0;
    memset(numbering, 0, sizeof *numbering);
    numbering->network = network;
    for (size_t position = 0; position < network->count; position++) {
        const mf_optimizer *optimizer = optimizer_at(network, position);
        if (position % 32 == 0)
            numbering->before[position / 32] = count;
        if (!optimizer || find_first(numbering, optimizer) > 0)
            continue;
        add_first(numbering, position);
        count++;
    }
}

bool mfi_numbering_is_first(const mfi_numbering *numbering, size_t position)
{
    return numbering->firsts[position / 32] >> position % 32 & 1;
}

int32_t mfi_numbering_of(const mfi_numbering *numbering, size_t position)
{
    const mf_optimizer *optimizer = optimizer_at(numbering->network, position);
    if (!optimizer)
        return -1;
    size_t first = find_first(numbering, optimizer) - 1;
    int32_t number = numbering->before[first / 32];
    for (size_t i = first / 32 * 32; i < first; i++)
        number += mfi_numbering_is_first(numbering, i);
    return number;
}
