/* One inference: the model with the memory that it works in, watched or timed. */
#ifndef EQ_INFERENCE_H
#define EQ_INFERENCE_H

#include "edgeq_model.h"

#include <stddef.h>
#include <stdint.h>

extern uint8_t eq_arena[];

/* A sequence begins: every state becomes zero. */
void eq_begin_sequence(void);

/* Runs the model; a pointer is NULL where an input or output lies in the arena itself. Returns what the model does. */
int eq_infer(const void *const *inputs, void *const *outputs);

/* The same, and `most` becomes the depth of the stack if that is more. */
int eq_infer_watched(const void *const *inputs, void *const *outputs, uint64_t *most);

#ifdef EQ_PROFILE
/* Numbers of a profile: the time until the first layer, of each layer, and after the last. */
#define EQ_PROFILE_VALUES (EQ_MODEL_LAYERS + 2)

/* The same as eq_infer, and the times are added to `values`. */
int eq_infer_timed(const void *const *inputs, void *const *outputs, uint64_t *values);

/* What timing itself adds to each value. */
uint64_t eq_profile_overhead(void);
#endif

#endif
