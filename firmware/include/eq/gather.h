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
void eq_gather_int16_ref(const eq_gather_params *p, const int16_t *input, int16_t *output);
void eq_gather_float32_ref(const eq_gather_params *p, const float *input, float *output);

/* A place within a block of `size` of them. */
static inline int32_t eq_gather_place(int32_t place, int32_t size)
{
    const int32_t counted = place < 0 ? place + size : place;
    return counted < 0 ? 0 : counted < size ? counted : size - 1;
}

typedef struct {
    int32_t outer, step, count, run; /* as in eq_gather_params */
    int32_t size;                    /* places in a block */
} eq_gather_at_params;

/* Places are computed. Those below 0 count from the end; those beyond an end are taken for the place there. */
void eq_gather_at_ref(const eq_gather_at_params *p, const int8_t *input, const int32_t *places, int8_t *output);
void eq_gather_at_int16_ref(const eq_gather_at_params *p, const int16_t *input, const int32_t *places, int16_t *output);
void eq_gather_at_float32_ref(const eq_gather_at_params *p, const float *input, const int32_t *places, float *output);

typedef struct {
    int32_t outer, step, count, run, size; /* as in eq_gather_at_params */
    const void *table;                     /* the input */
} eq_embed_params;

/* The same, from an input that is constant. */
void eq_embed_ref(const eq_embed_params *p, const int32_t *places, int8_t *output);
void eq_embed_int16_ref(const eq_embed_params *p, const int32_t *places, int16_t *output);
void eq_embed_float32_ref(const eq_embed_params *p, const int32_t *places, float *output);

#endif
