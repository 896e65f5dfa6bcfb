#include "inference.h"

#include "eq_platform.h"

/* Not static, so that whoever measures the program finds it by its name. Several models share theirs. */
#ifndef EQ_SEVERAL_MODELS
#ifdef EQ_MODEL_ARENA_SECTION
__attribute__((section(EQ_MODEL_ARENA_SECTION)))
#endif
__attribute__((aligned(EQ_MODEL_ARENA_ALIGNMENT))) uint8_t eq_arena[EQ_MODEL_ARENA_BYTES ? EQ_MODEL_ARENA_BYTES : 1];
#endif

#ifdef EQ_MODEL_STATE_BYTES
extern uint8_t eq_state[];
__attribute__((aligned(EQ_MODEL_STATE_ALIGNMENT))) uint8_t eq_state[EQ_MODEL_STATE_BYTES];
#define MEMORY_OF_MODEL eq_arena, eq_state

void eq_begin_sequence(void)
{
    eq_model_reset(eq_state);
}
#else
#define MEMORY_OF_MODEL eq_arena

void eq_begin_sequence(void)
{
}
#endif

int eq_infer(const void *const *inputs, void *const *outputs)
{
    return eq_model_run(MEMORY_OF_MODEL, inputs, outputs);
}

/* All three calls see the same stack pointer. */
int eq_infer_watched(const void *const *inputs, void *const *outputs, uint64_t *most)
{
    eq_platform_paint_stack();
    const int error = eq_model_run(MEMORY_OF_MODEL, inputs, outputs);
    const size_t used = eq_platform_stack_used();
    *most = used > *most ? used : *most;
    return error;
}

#ifdef EQ_PROFILE

static struct {
    uint64_t last;
    uint64_t *values; /* NULL: nobody wants to know */
} profile;

static inline void lap(uint32_t index)
{
    if (!profile.values) {
        return;
    }
    const uint64_t now = eq_platform_clock();
    profile.values[index] += now - profile.last;
    profile.last = eq_platform_clock(); /* read anew: the time since `now` is the profile's, not the model's */
}

/* Called before layer 0, between layers, and after the last. */
void eq_model_layer_hook(int32_t layer)
{
    lap((uint32_t)layer);
}

int eq_infer_timed(const void *const *inputs, void *const *outputs, uint64_t *values)
{
    profile.values = values;
    profile.last = eq_platform_clock();
    const int error = eq_model_run(MEMORY_OF_MODEL, inputs, outputs);
    lap(EQ_MODEL_LAYERS + 1);
    profile.values = NULL;
    return error;
}

/* The least of several: on a computer the first is slow, and any can be interrupted. */
uint64_t eq_profile_overhead(void)
{
    uint64_t overhead = UINT64_MAX;
    for (size_t i = 0; i < 16; i++) {
        uint64_t pair[2] = {0, 0};
        profile.values = pair;
        eq_model_layer_hook_entry(0);
        eq_model_layer_hook_entry(1);
        overhead = pair[1] < overhead ? pair[1] : overhead;
    }
    profile.values = NULL;
    return overhead;
}

#endif
