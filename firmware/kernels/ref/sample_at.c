#include "eq/sample_at.h"

#include "eq/float32.h"

/* The four elements around a place, -1 outside, and the share of each. */
typedef struct {
    int32_t at[4];
    float share[4];
} Corners;

static Corners corners_of(const eq_sample_at_params *p, float column, float row)
{
    Corners c = {{-1, -1, -1, -1}, {0.0f, 0.0f, 0.0f, 0.0f}};
    if (!(row > -1.0f && row < (float)p->height && column > -1.0f && column < (float)p->width)) {
        return c;
    }
    const float top = eq_floor(row), left = eq_floor(column);
    const float down = row - top, right = column - left;
    const float rows[2] = {1.0f - down, down}, columns[2] = {1.0f - right, right};
    for (int32_t k = 0; k < 4; k++) {
        const int32_t y = (int32_t)top + (k >> 1), x = (int32_t)left + (k & 1);
        if (y >= 0 && y < p->height && x >= 0 && x < p->width) {
            c.at[k] = (y * p->width + x) * p->channels;
            c.share[k] = rows[k >> 1] * columns[k & 1];
        }
    }
    return c;
}

static float mixed(const Corners *c, const float *values)
{
    float terms[4];
    for (int32_t k = 0; k < 4; k++) {
        terms[k] = c->at[k] < 0 ? 0.0f : c->share[k] * values[k];
    }
    return ((terms[0] + terms[1]) + terms[2]) + terms[3];
}

void eq_sample_at_ref(const eq_sample_at_params *p, const int8_t *x, const int8_t *places, int8_t *output)
{
    const float low = (float)(-128 - p->y_zero_point), high = (float)(127 - p->y_zero_point);
    for (int32_t n = 0; n < p->batches; n++, x += p->height * p->width * p->channels) {
        for (int32_t i = 0; i < p->places; i++, places += 2) {
            const Corners c = corners_of(p, (float)(places[0] - p->place_zero_point) * p->place_scale,
                                         (float)(places[1] - p->place_zero_point) * p->place_scale);
            for (int32_t channel = 0; channel < p->channels; channel++) {
                float values[4];
                for (int32_t k = 0; k < 4; k++) {
                    values[k] = c.at[k] < 0 ? 0.0f : (float)(x[c.at[k] + channel] - p->x_zero_point);
                }
                const float steps = eq_to_nearest(eq_bounded(mixed(&c, values) * p->steps, low, high));
                *output++ = (int8_t)((int32_t)steps + p->y_zero_point);
            }
        }
    }
}

void eq_sample_at_float32_ref(const eq_sample_at_params *p, const float *x, const float *places, float *output)
{
    for (int32_t n = 0; n < p->batches; n++, x += p->height * p->width * p->channels) {
        for (int32_t i = 0; i < p->places; i++, places += 2) {
            const Corners c = corners_of(p, places[0], places[1]);
            for (int32_t channel = 0; channel < p->channels; channel++) {
                float values[4];
                for (int32_t k = 0; k < 4; k++) {
                    values[k] = c.at[k] < 0 ? 0.0f : x[c.at[k] + channel];
                }
                *output++ = eq_number(mixed(&c, values));
            }
        }
    }
}
