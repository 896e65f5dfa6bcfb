/* Between int8 and uint8: the sign bit is flipped. */
#ifndef EQ_FLIP_H
#define EQ_FLIP_H

#include <stdint.h>

typedef struct {
    int32_t size; /* elements */
} eq_flip_params;

/* The output may be the input. */
void eq_flip_ref(const eq_flip_params *p, const int8_t *input, int8_t *output);

#endif
