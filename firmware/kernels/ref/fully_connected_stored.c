#include "eq/fully_connected_stored.h"

#include <string.h>

#include "eq/float32.h"
#include "eq/packed.h"

/* The float32 value of a float16 one. */
static float of_half(uint32_t half)
{
    const uint32_t sign = (half & 0x8000U) << 16, exponent = half >> 10 & 31U, fraction = half & 1023U;
    if (exponent == 0) { /* zero or subnormal: a multiple of 2^-24 */
        const float magnitude = (float)(int32_t)fraction * 5.9604644775390625e-8f;
        return sign ? -magnitude : magnitude;
    }
    const uint32_t bits = sign | (exponent == 31 ? 255U : exponent + 112U) << 23 | fraction << 13;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float weight_of(const eq_fully_connected_stored_params *p, int32_t index)
{
    if (p->weight_bits == 16) {
        const uint8_t *bytes = p->weights + 2 * index;
        return of_half((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8);
    }
    return (float)eq_weight(p->weights, index, p->weight_bits);
}

static float finished(const eq_fully_connected_stored_params *p, float total, int32_t channel)
{
    return eq_within(total + (p->bias ? p->bias[channel] : 0.0f), p->low, p->high);
}

static int32_t end_of(const eq_fully_connected_stored_params *p, int32_t start)
{
    return p->in_c - start < p->group ? p->in_c : start + p->group;
}

void eq_fully_connected_stored_ref(const eq_fully_connected_stored_params *p, const float *input, float *output)
{
    for (int32_t row = 0; row < p->rows; row++, input += p->in_c) {
        const float *scale = p->scales;
        for (int32_t oc = 0; oc < p->out_c; oc++) {
            float total = 0.0f;
            for (int32_t start = 0; start < p->in_c; start += p->group) {
                float part = 0.0f;
                for (int32_t k = start; k < end_of(p, start); k++) {
                    const float product = input[k] * weight_of(p, oc * p->in_c + k);
                    part = part + product;
                }
                const float scaled = scale ? part * *scale++ : part;
                total = total + scaled;
            }
            *output++ = finished(p, total, oc);
        }
    }
}

/* Writes a row as integers; returns their step. */
static float in_steps(const float *row, int32_t count, int8_t *integers)
{
    float greatest = 0.0f;
    for (int32_t k = 0; k < count; k++) {
        const float magnitude = row[k] < 0.0f ? -row[k] : row[k];
        greatest = magnitude > greatest ? magnitude : greatest;
    }
    const float step = eq_quotient(greatest, 127.0f);
    for (int32_t k = 0; k < count; k++) {
        const float steps = step > 0.0f ? eq_bounded(eq_quotient(row[k], step), -127.0f, 127.0f) : 0.0f;
        integers[k] = (int8_t)eq_to_nearest(steps);
    }
    return step;
}

void eq_fully_connected_dynamic_ref(const eq_fully_connected_stored_params *p, const float *input, float *output,
                                    void *scratch)
{
    int8_t *const integers = scratch;
    for (int32_t row = 0; row < p->rows; row++, input += p->in_c) {
        const float step = in_steps(input, p->in_c, integers);
        const float *scale = p->scales;
        for (int32_t oc = 0; oc < p->out_c; oc++) {
            float total = 0.0f;
            for (int32_t start = 0; start < p->in_c; start += p->group) {
                int32_t part = 0;
                for (int32_t k = start; k < end_of(p, start); k++) {
                    part += integers[k] * eq_weight(p->weights, oc * p->in_c + k, p->weight_bits);
                }
                const float scaled = (float)part * *scale++;
                total = total + scaled;
            }
            const float sum = total * step;
            *output++ = finished(p, sum, oc);
        }
    }
}
