#include "eq/store.h"

#include <string.h>

void eq_store_ref(const eq_store_params *p, int8_t *output)
{
    memcpy(output, p->constant, (size_t)p->size);
}

void eq_store_int32_ref(const eq_store_params *p, int32_t *output)
{
    memcpy(output, p->constant, (size_t)p->size);
}

void eq_store_ref_float32(const eq_store_params *p, float *output)
{
    memcpy(output, p->constant, (size_t)p->size);
}
