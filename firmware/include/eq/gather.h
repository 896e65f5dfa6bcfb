/* Elements chosen along an axis. */
#ifndef EQ_GATHER_H
#define EQ_GATHER_H

#include <stdint.h>

typedef struct {
    int32_t outer;         /* blocks of the input, of each of which the same is chosen */
    int32_t step;          /* bytes of such a block */
    int32_t count;         /* places that are chosen in each */
    int32_t run;           /* bytes at a place */
    const int32_t *places; /* count of them, in units of a run */
} eq_gather_params;

void eq_gather_ref(const eq_gather_params *p, const int8_t *input, int8_t *output);

/* The same for elements of four bytes. */
void eq_gather_float32_ref(const eq_gather_params *p, const float *input, float *output);

#endif
