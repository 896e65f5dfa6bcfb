#include "served.h"

#include "inference.h"

#include <string.h>

static const uint8_t paint = 0xA7;

#ifdef EQ_PROFILE
static uint64_t table[1 + EQ_PROFILE_VALUES];
#endif

static int run(int flags, uint64_t *stack)
{
    static const void *inputs[EQ_MODEL_INPUTS];
    static void *outputs[EQ_MODEL_OUTPUTS];
    if (flags & EQ_SERVED_BEGIN) {
        eq_begin_sequence();
    }
#ifdef EQ_PROFILE
    if (flags & EQ_SERVED_TIME) {
        memset(table, 0, sizeof table);
        table[0] = eq_profile_overhead();
        return eq_infer_timed(inputs, outputs, table + 1);
    }
#endif
    return flags & EQ_SERVED_WATCH ? eq_infer_watched(inputs, outputs, stack) : eq_infer(inputs, outputs);
}

static uint8_t *input(uint32_t index)
{
    return eq_model_input_in_arena(eq_arena, index);
}

static const uint8_t *output(uint32_t index)
{
    return eq_model_output_in_arena(eq_arena, index);
}

static void paint_arena(void)
{
    memset(eq_arena, paint, EQ_MODEL_ARENA_BYTES);
#ifdef EQ_MODEL_ARENAS
    for (uint32_t i = 0; i < EQ_MODEL_ARENAS; i++) {
        memset(eq_model_arenas[i].start, paint, eq_model_arenas[i].bytes);
    }
#endif
}

static uint32_t used_of(const uint8_t *arena, uint32_t bytes)
{
    while (bytes && arena[bytes - 1] == paint) {
        bytes--;
    }
    return bytes;
}

/* Of several arenas the sum. */
static uint32_t painted_to(void)
{
    uint32_t used = used_of(eq_arena, EQ_MODEL_ARENA_BYTES);
#ifdef EQ_MODEL_ARENAS
    for (uint32_t i = 0; i < EQ_MODEL_ARENAS; i++) {
        used += used_of(eq_model_arenas[i].start, eq_model_arenas[i].bytes);
    }
#endif
    return used;
}

static const char *weights_fault(void)
{
#ifdef EQ_MODEL_WEIGHTS_FILE
    return eq_model_weights_fault();
#else
    return NULL;
#endif
}

#ifndef EQ_MODEL_OTHER_ARENAS_BYTES
#define EQ_MODEL_OTHER_ARENAS_BYTES 0
#endif

extern const eq_served_model eq_served;
const eq_served_model eq_served = {
    .name = EQ_MODEL_NAME,
    .identity = EQ_MODEL_IDENTITY,
    .layers = EQ_MODEL_LAYERS,
    .arena_bytes = EQ_MODEL_ARENA_BYTES + EQ_MODEL_OTHER_ARENAS_BYTES,
#ifdef EQ_MODEL_STATE_BYTES
    .state_bytes = EQ_MODEL_STATE_BYTES,
#endif
    .inputs = EQ_MODEL_INPUTS,
    .outputs = EQ_MODEL_OUTPUTS,
    .input_bytes = eq_model_inputs,
    .output_bytes = eq_model_outputs,
#ifdef EQ_PROFILE
    .table = table,
#endif
    .begin = eq_begin_sequence,
    .paint = paint_arena,
    .painted_to = painted_to,
    .input = input,
    .output = output,
    .weights_fault = weights_fault,
    .run = run,
};

#ifndef EQ_SEVERAL_MODELS
const eq_served_model *const eq_served_models[] = {&eq_served};
const uint32_t eq_served_count = 1;
#endif
