/* Fully connected layers of int16 rows whose weights have a factor for every group of inputs. */
#ifndef EQ_FULLY_CONNECTED_GROUPED_INT16_H
#define EQ_FULLY_CONNECTED_GROUPED_INT16_H

#include <stdint.h>

typedef struct {
    int32_t rows, in_c, out_c;
    const uint8_t *weights; /* (out_c, in_c): bytes, or a stream as in packed.h */
    int32_t weight_bits;
    int32_t group;             /* inputs of a group; the last one may have fewer */
    const uint8_t *factors;    /* (out_c, groups) */
    const int32_t *bias;       /* one per output channel */
    const int16_t *bias_upper; /* what stands above these 32 bits, or NULL: nothing; with sums of 64 bits */
    const int32_t *mantissa;
    const int8_t *shift;
    int32_t qmin, qmax;
} eq_fully_connected_grouped_int16_params;

typedef struct {
    eq_fully_connected_grouped_int16_params layer;
    const int8_t *zeros; /* (out_c, groups): zero-points of weights */
} eq_fully_connected_grouped_zeros_int16_params;

/* With sums of 32 bits, and with sums of 64 bits. */
void eq_fully_connected_grouped_int16_ref(const eq_fully_connected_grouped_int16_params *p, const int16_t *input,
                                          int16_t *output);
void eq_fully_connected_grouped_int16_ref_wide(const eq_fully_connected_grouped_int16_params *p, const int16_t *input,
                                               int16_t *output);

/* With zero-points. scratch: a word for each group, which holds the sum of its inputs. */
void eq_fully_connected_grouped_zeros_int16_ref(const eq_fully_connected_grouped_zeros_int16_params *p,
                                                const int16_t *input, int16_t *output, void *scratch);
void eq_fully_connected_grouped_zeros_int16_ref_wide(const eq_fully_connected_grouped_zeros_int16_params *p,
                                                     const int16_t *input, int16_t *output, void *scratch);

#endif
