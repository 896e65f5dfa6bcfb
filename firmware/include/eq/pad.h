/* Adding elements at the ends of dimensions. */
#ifndef EQ_PAD_H
#define EQ_PAD_H

#include <stdint.h>

#define EQ_PAD_RANK 6

typedef enum { EQ_PAD_CONSTANT, EQ_PAD_REFLECT, EQ_PAD_EDGE } eq_pad_mode;

typedef struct {
    int32_t in_shape[EQ_PAD_RANK], out_shape[EQ_PAD_RANK];
    int32_t before[EQ_PAD_RANK];
    int32_t block; /* bytes that stay together: the dimensions after those of the shapes */
    int32_t mode;  /* eq_pad_mode */
    int32_t value; /* of EQ_PAD_CONSTANT */
} eq_pad_params;

void eq_pad_ref(const eq_pad_params *p, const int8_t *input, int8_t *output);
/* The value is the bits of a float32 number. */
void eq_pad_float32_ref(const eq_pad_params *p, const float *input, float *output);
/* The value is an int16. */
void eq_pad_int16_ref(const eq_pad_params *p, const int16_t *input, int16_t *output);

#endif
