#include "eq/roi_align.h"

#include "eq/float32.h"

#define MOST_SAMPLES 256.0f

/* Samples along one axis of a region: the first bin's edge, the size of a bin, samples of each. */
typedef struct {
    float start, each;
    int32_t count;
} Grid;

static Grid grid_of(const eq_roi_align_params *p, float first, float last, int32_t bins)
{
    const float offset = p->shifted ? 0.5f : 0.0f;
    const float start = first * p->scale - offset, end = last * p->scale - offset;
    float size = end - start;
    if (!p->shifted && !(size > 1.0f)) {
        size = 1.0f;
    }
    const float each = eq_quotient(size, (float)bins);
    const int32_t count = p->grid ? p->grid : (int32_t)eq_bounded(eq_ceil(each), 0.0f, MOST_SAMPLES);
    const Grid grid = {start, each, count};
    return grid;
}

static float place_of(const Grid *grid, int32_t bin, int32_t sample)
{
    const float inside = eq_quotient(((float)sample + 0.5f) * grid->each, (float)grid->count);
    return (grid->start + (float)bin * grid->each) + inside;
}

/* The elements before and behind a place, and the share of the one behind. Returns whether it is inside. */
static int around(float place, int32_t size, int32_t *at, float *share)
{
    if (!(place >= -1.0f && place <= (float)size)) {
        return 0;
    }
    const float known = place > 0.0f ? place : 0.0f;
    const int32_t low = (int32_t)known;
    const int last = low >= size - 1;
    at[0] = last ? size - 1 : low;
    at[1] = last ? size - 1 : low + 1;
    share[1] = last ? 0.0f : known - (float)low;
    share[0] = 1.0f - share[1];
    return 1;
}

/* Adds a sample to the sums of all channels, or keeps the greatest of its four contributions. */
#define EQ_ALIGN(kind, element, VALUE)                                                                                 \
    static void sample_##kind(const eq_roi_align_params *p, const element *image, float y, float x, int first,         \
                              float *sums)                                                                             \
    {                                                                                                                  \
        int32_t rows[2], columns[2];                                                                                   \
        float down[2], right[2];                                                                                       \
        const int inside = around(y, p->height, rows, down) && around(x, p->width, columns, right);                    \
        for (int32_t c = 0; c < p->channels; c++) {                                                                    \
            float terms[4] = {0.0f, 0.0f, 0.0f, 0.0f};                                                                 \
            for (int32_t k = 0; inside && k < 4; k++) {                                                                \
                const float share = down[k >> 1] * right[k & 1];                                                       \
                const element value = image[(rows[k >> 1] * p->width + columns[k & 1]) * p->channels + c];             \
                terms[k] = share * VALUE(value);                                                                       \
            }                                                                                                          \
            if (p->greatest) {                                                                                         \
                float best = terms[0];                                                                                 \
                for (int32_t k = 1; k < 4; k++) {                                                                      \
                    best = best < terms[k] ? terms[k] : best;                                                          \
                }                                                                                                      \
                sums[c] = first || sums[c] < best ? best : sums[c];                                                    \
            } else {                                                                                                   \
                sums[c] = sums[c] + (((terms[0] + terms[1]) + terms[2]) + terms[3]);                                   \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
                                                                                                                       \
    static void bin_##kind(const eq_roi_align_params *p, const element *image, const Grid *down, const Grid *right,    \
                           int32_t row, int32_t column, float *sums)                                                   \
    {                                                                                                                  \
        for (int32_t c = 0; c < p->channels; c++) {                                                                    \
            sums[c] = 0.0f;                                                                                            \
        }                                                                                                              \
        for (int32_t i = 0; i < down->count; i++) {                                                                    \
            for (int32_t j = 0; j < right->count; j++) {                                                               \
                sample_##kind(p, image, place_of(down, row, i), place_of(right, column, j), i + j == 0, sums);         \
            }                                                                                                          \
        }                                                                                                              \
        const int32_t count = down->count * right->count;                                                              \
        for (int32_t c = 0; c < p->channels && !p->greatest; c++) {                                                    \
            sums[c] = eq_quotient(sums[c], (float)(count > 1 ? count : 1));                                            \
        }                                                                                                              \
    }

#define OF_INTEGER(q) ((float)((q) - p->x_zero_point))
#define OF_REAL(v) (v)

EQ_ALIGN(int8, int8_t, OF_INTEGER)
EQ_ALIGN(float32, float, OF_REAL)

static int32_t image_of(const eq_roi_align_params *p, int32_t index)
{
    const int32_t known = index < 0 ? 0 : index < p->batches ? index : p->batches - 1;
    return known * p->height * p->width * p->channels;
}

void eq_roi_align_ref(const eq_roi_align_params *p, const int8_t *x, const int8_t *regions, const int32_t *images,
                      int8_t *output, void *scratch)
{
    float *sums = scratch;
    const float low = (float)(-128 - p->y_zero_point), high = (float)(127 - p->y_zero_point);
    for (int32_t r = 0; r < p->regions; r++, regions += 4) {
        float edges[4];
        for (int32_t d = 0; d < 4; d++) {
            edges[d] = (float)(regions[d] - p->region_zero_point) * p->region_scale;
        }
        const Grid down = grid_of(p, edges[1], edges[3], p->rows), right = grid_of(p, edges[0], edges[2], p->columns);
        for (int32_t bin = 0; bin < p->rows * p->columns; bin++, output += p->channels) {
            bin_int8(p, x + image_of(p, images[r]), &down, &right, bin / p->columns, bin % p->columns, sums);
            for (int32_t c = 0; c < p->channels; c++) {
                const float steps = eq_to_nearest(eq_bounded(sums[c] * p->steps, low, high));
                output[c] = (int8_t)((int32_t)steps + p->y_zero_point);
            }
        }
    }
}

void eq_roi_align_float32_ref(const eq_roi_align_params *p, const float *x, const float *regions, const int32_t *images,
                              float *output)
{
    for (int32_t r = 0; r < p->regions; r++, regions += 4) {
        const Grid down = grid_of(p, regions[1], regions[3], p->rows);
        const Grid right = grid_of(p, regions[0], regions[2], p->columns);
        for (int32_t bin = 0; bin < p->rows * p->columns; bin++, output += p->channels) {
            bin_float32(p, x + image_of(p, images[r]), &down, &right, bin / p->columns, bin % p->columns, output);
            for (int32_t c = 0; c < p->channels; c++) {
                output[c] = eq_number(output[c]);
            }
        }
    }
}

void eq_roi_align_const_ref(const eq_roi_align_params *p, const int8_t *x, const int8_t *regions, int8_t *output,
                            void *scratch)
{
    eq_roi_align_ref(p, x, regions, p->images, output, scratch);
}

void eq_roi_align_const_float32_ref(const eq_roi_align_params *p, const float *x, const float *regions, float *output)
{
    eq_roi_align_float32_ref(p, x, regions, p->images, output);
}
