/* Owns: snapshots: everything that training changes in a network, in a buffer of the caller's.
 *
 *     header   magic, version, size of the snapshot, fingerprint of the shapes, checksum of what follows
 *     counts   for each layer: what its optimizer keeps; applied, dropped, renewed; the updates of each
 *              parameter
 *     values   for each layer: its parameters, then their optimizer state
 *
 * All numbers are little-endian. Which values there are follows from the network's shapes and from what the
 * snapshot says of the optimizers, which need not be the network's. */
#include "io/snapshot.h"

#include <string.h>

#include "base/status.h"
#include "io/bytes.h"
#include "io/record.h"
#include "io/values.h"

enum {
    MAGIC_BYTES = 8,
    VERSION_AT = 8,
    TOTAL_AT = 16,
    FINGERPRINT_AT = 24,
    SUM_AT = 32,
    HEADER_BYTES = 40,
    SNAPSHOT_VERSION = 3
};

/* What the optimizer of a layer keeps, as a count of the snapshot: 0: there is none; else its kind + 1, and
 * whether it has momentum. */
enum { NO_STATE = 0, MOMENTUM_BIT = 0x100 };

static const unsigned char magic[MAGIC_BYTES] = {'M', 'F', 's', 't', 'a', 't', 'e', '\n'};

static const mf_layer *snapshot_layer(const mf_network *network, size_t position)
{
    return network->entries[position].layer;
}

static uint64_t state_of(const mf_layer *layer)
{
    const mf_optimizer *optimizer = layer->optimizer;
    if (!optimizer)
        return NO_STATE;
    return ((uint64_t)optimizer->spec.kind + 1) | (optimizer->has_momentum ? MOMENTUM_BIT : 0);
}

/* Number of counts of a layer, and of all layers. */
static size_t counts_of(const mf_layer *layer)
{
    return 4 + layer->plan.parameter_count;
}

static size_t count_all(const mf_network *network)
{
    size_t counts = 0;
    for (size_t position = 0; position < network->count; position++)
        counts += counts_of(snapshot_layer(network, position));
    return counts;
}

/* The plan of a tensor of the layer at `position` with such state; false if it has no tensor of that number.
 */
static bool plan_of(const mf_network *network, size_t position, uint64_t state, size_t number,
                    mfi_tensor_plan *plan)
{
    mfi_optimizer_record optimizer = {.keeps_momentum = (state & MOMENTUM_BIT) != 0};
    if (state != NO_STATE)
        optimizer.spec.kind = (int32_t)(state & (MOMENTUM_BIT - 1)) - 1;
    return mfi_plan_tensor(position, &snapshot_layer(network, position)->plan,
                           state != NO_STATE ? &optimizer : NULL, number, plan);
}

/* Adds the bytes that the values of the layer at `position` take with such state. */
static mf_status add_size_of_values(const mf_network *network, size_t position, uint64_t state, size_t *total)
{
    size_t numbers = mfi_tensor_numbers(&snapshot_layer(network, position)->plan);
    for (size_t number = 0; number < numbers; number++) {
        mfi_tensor_plan plan;
        if (!plan_of(network, position, state, number, &plan))
            continue;
        if (plan.count * sizeof(float) > SIZE_MAX - *total)
            return mfi_fail(MF_STATUS_OVERFLOW, "a snapshot of the network does not fit in memory");
        *total += plan.count * sizeof(float);
    }
    return MF_STATUS_OK;
}

/* FNV-1a, with whole words instead of bytes. */
static void hash_word(uint64_t *hash, uint64_t value)
{
    *hash = (*hash ^ value) * UINT64_C(0x100000001B3);
}

static const uint64_t first_hash = UINT64_C(0xCBF29CE484222325);

static void hash_scaling(uint64_t *hash, const mf_network *network)
{
    for (size_t i = 0; i < 2 * network->scaled; i++) {
        uint32_t bits;
        memcpy(&bits, &network->shift_scale[i], sizeof bits);
        hash_word(hash, bits);
    }
}

/* A hash of what gives the parameters their meaning: kinds, shapes, matrices that heads share, and numbers
 * that scale inputs. */
static uint64_t fingerprint(const mf_network *network)
{
    uint64_t hash = first_hash;
    hash_word(&hash, network->count);
    hash_scaling(&hash, network);
    for (size_t position = 0; position < network->count; position++) {
        const mf_layer *layer = snapshot_layer(network, position);
        hash_word(&hash, layer->plan.unit_count);
        for (size_t u = 0; u < layer->plan.unit_count; u++) {
            const mf_unit_spec *unit = &layer->plan.units[u].spec;
            hash_word(&hash, (uint64_t)unit->kind);
            hash_word(&hash, (uint64_t)unit->inputs[0] << 32 | (uint64_t)unit->inputs[1]);
        }
        if (layer->plan.body < layer->plan.stage_count)
            hash_word(&hash, (uint64_t)layer->plan.output);
        if (layer->plan.scoring < layer->plan.stage_count)
            hash_word(&hash, layer->plan.scoring);
        for (size_t s = layer->plan.scoring; s < layer->plan.stage_count; s++)
            if (layer->plan.stages[s].scores)
                hash_word(&hash, s);
        if (layer->plan.head.shared)
            hash_word(&hash, layer->plan.head.shared->fingerprint);
        for (size_t number = 0; number < layer->plan.parameter_count; number++) {
            const mfi_parameter_spec *parameter = &layer->plan.parameters[number];
            hash_word(&hash, number);
            for (int32_t d = 0; d < parameter->rank; d++)
                hash_word(&hash, parameter->dims[d]);
        }
    }
    return hash;
}

/* A checksum that depends on the order, so that it notices if two words are swapped. */
static uint64_t sum_of(const unsigned char *bytes, size_t count)
{
    uint64_t hash = first_hash;
    for (size_t i = 0; i + 4 <= count; i += 4) {
        hash_word(&hash, mfi_get_u32(bytes + i));
        hash ^= hash >> 29;
    }
    return hash;
}

mf_status mfi_snapshot_size(const mf_network *network, size_t *bytes)
{
    size_t total = HEADER_BYTES + count_all(network) * sizeof(uint64_t);
    for (size_t position = 0; position < network->count; position++)
        MFI_TRY(add_size_of_values(network, position, state_of(snapshot_layer(network, position)), &total));
    *bytes = total;
    return MF_STATUS_OK;
}

/* ---- saving ---- */

static unsigned char *put_counts(const mf_layer *layer, unsigned char *to)
{
    const mfi_progress *progress = mfi_layer_progress(layer);
    mfi_put_u64(to, state_of(layer));
    mfi_put_u64(to + 8, progress->applied);
    mfi_put_u64(to + 16, progress->dropped);
    mfi_put_u64(to + 24, progress->renewed);
    for (size_t p = 0; p < layer->plan.parameter_count; p++)
        mfi_put_u64(to + 32 + 8 * p, mfi_layer_steps(layer, p));
    return to + 8 * counts_of(layer);
}

static unsigned char *put_values(const mf_layer *layer, const mfi_tensor_plan *plan, unsigned char *to)
{
    float values[MFI_VALUES_PIECE];
    for (size_t first = 0; first < plan->count; first += MFI_VALUES_PIECE) {
        size_t count = mfi_values_piece(plan->count, first);
        mfi_layer_get_values(layer, plan->parameter, plan->state_slot, first, count, values);
        for (size_t i = 0; i < count; i++, to += 4)
            mfi_put_float(to, values[i]);
    }
    return to;
}

mf_status mfi_snapshot_save(const mf_network *network, void *buffer)
{
    unsigned char *header = buffer, *to = header + HEADER_BYTES;
    for (size_t position = 0; position < network->count; position++)
        to = put_counts(snapshot_layer(network, position), to);
    for (size_t position = 0; position < network->count; position++)
        for (size_t number = 0; number < mfi_tensor_numbers(&snapshot_layer(network, position)->plan);
             number++) {
            const mf_layer *layer = snapshot_layer(network, position);
            mfi_tensor_plan plan;
            if (!plan_of(network, position, state_of(layer), number, &plan))
                continue;
            MFI_TRY(mfi_tensor_check(&plan, layer));
            to = put_values(layer, &plan, to);
        }
    size_t total = (size_t)(to - header);
    memcpy(header, magic, sizeof magic);
    mfi_put_u64(header + VERSION_AT, SNAPSHOT_VERSION);
    mfi_put_u64(header + TOTAL_AT, total);
    mfi_put_u64(header + FINGERPRINT_AT, fingerprint(network));
    mfi_put_u64(header + SUM_AT, sum_of(header + HEADER_BYTES, total - HEADER_BYTES));
    return MF_STATUS_OK;
}

/* ---- loading ---- */

static mf_status check_header(const mf_network *network, const unsigned char *header, size_t bytes)
{
    if (bytes < HEADER_BYTES || memcmp(header, magic, sizeof magic) != 0)
        return mfi_fail(MF_STATUS_FORMAT, "the %zu bytes of the buffer are not a snapshot", bytes);
    uint64_t version = mfi_get_u64(header + VERSION_AT), total = mfi_get_u64(header + TOTAL_AT);
    if (version > SNAPSHOT_VERSION)
        return mfi_fail(MF_STATUS_VERSION, "the snapshot has version %llu, this library reads version %d",
                        (unsigned long long)version, (int)SNAPSHOT_VERSION);
    if (version < SNAPSHOT_VERSION)
        return mfi_fail(MF_STATUS_FORMAT, "the snapshot has version %llu, this library reads version %d",
                        (unsigned long long)version, (int)SNAPSHOT_VERSION);
    if (total < HEADER_BYTES || total > bytes)
        return mfi_fail(MF_STATUS_FORMAT, "the snapshot has %llu bytes by its header, the buffer has %zu",
                        (unsigned long long)total, bytes);
    if (mfi_get_u64(header + FINGERPRINT_AT) != fingerprint(network))
        return mfi_fail(MF_STATUS_SHAPE, "the snapshot is of a network with other shapes, or one whose "
                                         "inputs are scaled by other numbers");
    if (mfi_get_u64(header + SUM_AT) != sum_of(header + HEADER_BYTES, (size_t)total - HEADER_BYTES))
        return mfi_fail(MF_STATUS_FORMAT, "the snapshot is damaged: its checksum is wrong");
    return MF_STATUS_OK;
}

static mfi_progress get_progress(const unsigned char *from)
{
    return (mfi_progress){.applied = mfi_get_u64(from + 8),
                          .dropped = mfi_get_u64(from + 16),
                          .renewed = mfi_get_u64(from + 24)};
}

static uint64_t get_steps(const unsigned char *from, size_t number)
{
    return mfi_get_u64(from + 32 + 8 * number);
}

/* Whether a model file may have them, too. */
static bool counts_are_sound(const mf_layer *layer, const unsigned char *from)
{
    const mfi_progress progress = get_progress(from);
    bool sound = mfi_progress_is_sound(&progress), optimizer = mfi_get_u64(from) != NO_STATE;
    for (size_t p = 0; p < layer->plan.parameter_count; p++)
        sound = sound && mfi_steps_are_sound(get_steps(from, p), layer->plan.parameters[p].role, optimizer);
    return sound;
}

static bool state_is_known(uint64_t state)
{
    uint64_t kind = state & ~(uint64_t)MOMENTUM_BIT;
    return state == NO_STATE || (kind >= 1 && kind <= MF_OPTIMIZER_RMSPROP + 1);
}

/* The counts, and that there are just the values that they speak of. */
static mf_status check_header_counts(const mf_network *network, const unsigned char *header)
{
    size_t total = (size_t)mfi_get_u64(header + TOTAL_AT);
    size_t size = HEADER_BYTES + count_all(network) * sizeof(uint64_t);
    const unsigned char *counts = header + HEADER_BYTES;
    if (total < size)
        return mfi_fail(MF_STATUS_FORMAT, "the snapshot ends after %zu bytes, among its counts", total);
    for (size_t position = 0; position < network->count; position++) {
        const mf_layer *layer = snapshot_layer(network, position);
        uint64_t state = mfi_get_u64(counts), own = state_of(layer);
        if (!state_is_known(state) || !counts_are_sound(layer, counts))
            return mfi_fail(MF_STATUS_FORMAT,
                            "the snapshot has a count or an optimizer of layer %zu that cannot be", position);
        if (state != own && state != NO_STATE && own != NO_STATE)
            return mfi_fail(MF_STATUS_SHAPE,
                            "the snapshot has the state of another kind of optimizer for layer %zu",
                            position);
        MFI_TRY(add_size_of_values(network, position, state, &size));
        counts += 8 * counts_of(layer);
    }
    if (size != total)
        return mfi_fail(MF_STATUS_FORMAT, "the snapshot has %zu bytes, its values need %zu", total, size);
    return MF_STATUS_OK;
}

/* The values are checked even if the checksum is right: it does not protect against forged snapshots. */
static mf_status check_snapshot_values(const mfi_tensor_plan *plan, const unsigned char *from)
{
    enum { PIECE = 256 };
    float values[PIECE];
    for (size_t first = 0; first < plan->count; first += PIECE) {
        size_t count = plan->count - first < PIECE ? plan->count - first : PIECE;
        mfi_get_floats(from + 4 * first, count, values);
        MFI_TRY(mfi_values_check(plan, first, values, count, MF_STATUS_FORMAT));
    }
    return MF_STATUS_OK;
}

/* Checked values. */
static void set_values(const mfi_tensor_plan *plan, mf_layer *layer, const unsigned char *from)
{
    float values[MFI_VALUES_PIECE];
    for (size_t first = 0; first < plan->count; first += MFI_VALUES_PIECE) {
        size_t count = mfi_values_piece(plan->count, first);
        mfi_get_floats(from + 4 * first, count, values);
        mfi_layer_set_values(layer, plan->parameter, plan->state_slot, first, count, values);
    }
}

/* Checks the values or, if `apply`, copies them into the network: all where the layer's optimizer keeps what
 * that of the snapshot does, else the parameters. */
static mf_status walk_values(const mf_network *network, const unsigned char *counts, bool apply)
{
    const unsigned char *from = counts + 8 * count_all(network);
    for (size_t position = 0; position < network->count; position++) {
        mf_layer *layer = network->entries[position].layer;
        uint64_t state = mfi_get_u64(counts);
        for (size_t number = 0; number < mfi_tensor_numbers(&layer->plan); number++) {
            mfi_tensor_plan plan;
            if (!plan_of(network, position, state, number, &plan))
                continue;
            if (!apply)
                MFI_TRY(check_snapshot_values(&plan, from));
            else if (plan.state_slot < 0 || state == state_of(layer))
                set_values(&plan, layer, from);
            from += 4 * plan.count;
        }
        counts += 8 * counts_of(layer);
    }
    return MF_STATUS_OK;
}

static void get_counts(mf_layer *layer, const unsigned char *from)
{
    const mfi_progress progress = get_progress(from);
    mfi_layer_restore(layer, &progress);
    for (size_t p = 0; p < layer->plan.parameter_count; p++)
        mfi_layer_restore_steps(layer, p, get_steps(from, p));
}

mf_status mfi_snapshot_load(mf_network *network, const void *buffer, size_t bytes)
{
    const unsigned char *header = buffer, *counts = header + HEADER_BYTES;
    MFI_TRY(check_header(network, header, bytes));
    MFI_TRY(check_header_counts(network, header));
    MFI_TRY(walk_values(network, counts, false));
    const unsigned char *own = counts;
    for (size_t position = 0; position < network->count; position++) {
        mf_layer *layer = network->entries[position].layer;
        if (mfi_get_u64(own) == state_of(layer))
            get_counts(layer, own);
        own += 8 * counts_of(layer);
    }
    return walk_values(network, counts, true);
}
