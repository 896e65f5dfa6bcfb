#include "eq/gather.h"
#include "eq/copy.h"

void eq_gather_ref(const eq_gather_params *p, const int8_t *input, int8_t *output)
{
    const int32_t count = p->count, run = p->run;
    for (int32_t block = 0; block < p->outer; block++) {
        if (run == 1) {
            for (int32_t i = 0; i < count; i++) {
                output[i] = input[p->places[i]];
            }
        } else {
            for (int32_t i = 0; i < count; i++) {
                eq_copy(output + i * run, input + p->places[i] * run, run);
            }
        }
        input += p->step;
        output += count * run;
    }
}

void eq_gather_int16_ref(const eq_gather_params *p, const int16_t *input, int16_t *output)
{
    eq_gather_ref(p, (const int8_t *)input, (int8_t *)output);
}

void eq_gather_float32_ref(const eq_gather_params *p, const float *input, float *output)
{
    eq_gather_ref(p, (const int8_t *)input, (int8_t *)output);
}

static void eq_gather_looked_up(const eq_gather_at_params *p, const int8_t *input, const int32_t *places,
                                int8_t *output)
{
    for (int32_t block = 0; block < p->outer; block++) {
        for (int32_t i = 0; i < p->count; i++) {
            eq_copy(output, input + eq_gather_place(places[i], p->size) * p->run, p->run);
            output += p->run;
        }
        input += p->step;
    }
}

void eq_gather_at_ref(const eq_gather_at_params *p, const int8_t *input, const int32_t *places, int8_t *output)
{
    eq_gather_looked_up(p, input, places, output);
}

void eq_gather_at_int16_ref(const eq_gather_at_params *p, const int16_t *input, const int32_t *places, int16_t *output)
{
    eq_gather_looked_up(p, (const int8_t *)input, places, (int8_t *)output);
}

void eq_gather_at_float32_ref(const eq_gather_at_params *p, const float *input, const int32_t *places, float *output)
{
    eq_gather_looked_up(p, (const int8_t *)input, places, (int8_t *)output);
}

void eq_embed_ref(const eq_embed_params *p, const int32_t *places, int8_t *output)
{
    const eq_gather_at_params walk = {p->outer, p->step, p->count, p->run, p->size};
    eq_gather_looked_up(&walk, (const int8_t *)p->table, places, output);
}

void eq_embed_int16_ref(const eq_embed_params *p, const int32_t *places, int16_t *output)
{
    const eq_gather_at_params walk = {p->outer, p->step, p->count, p->run, p->size};
    eq_gather_looked_up(&walk, (const int8_t *)p->table, places, (int8_t *)output);
}

void eq_embed_float32_ref(const eq_embed_params *p, const int32_t *places, float *output)
{
    const eq_gather_at_params walk = {p->outer, p->step, p->count, p->run, p->size};
    eq_gather_looked_up(&walk, (const int8_t *)p->table, places, (int8_t *)output);
}
