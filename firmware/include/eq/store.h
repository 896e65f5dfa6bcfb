/* Writing a constant. */
#ifndef EQ_STORE_H
#define EQ_STORE_H

#include <stdint.h>

typedef struct {
    int32_t size;           /* bytes */
    const int8_t *constant; /* their values */
} eq_store_params;

void eq_store_ref(const eq_store_params *p, int8_t *output);
void eq_store_int32_ref(const eq_store_params *p, int32_t *output);
void eq_store_ref_float32(const eq_store_params *p, float *output);

#endif
