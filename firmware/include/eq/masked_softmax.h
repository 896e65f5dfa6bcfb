/* Softmax of rows, over those of their elements that a mask lets count; the others become zero. */
#ifndef EQ_MASKED_SOFTMAX_H
#define EQ_MASKED_SOFTMAX_H

#include <stdint.h>

/* Row (a, b, c) of outer x repeat x inner has row a * inner + c of the mask. That is the runs first[row] >> 1 up to
 * first[row + 1] >> 1, each two of `spans`: begin and end. If first[row] is odd, all elements that count do so alike.
 */
typedef struct {
    int32_t outer, repeat, inner, columns;
    const int32_t *first;
    const uint16_t *spans;
    const uint16_t *exponentials; /* as in eq/softmax.h */
    int32_t factor, shift;
    int32_t zero_point;
} eq_masked_softmax_fast_params;

typedef struct {
    int32_t outer, repeat, inner, columns;
    const int32_t *first;
    const uint16_t *spans;
    const int32_t *exponentials;
} eq_masked_softmax_double_params;

/* The output may be the input. */
void eq_masked_softmax_ref_fast(const eq_masked_softmax_fast_params *p, const int8_t *input, int8_t *output);
void eq_masked_softmax_ref_double(const eq_masked_softmax_double_params *p, const int8_t *input, int8_t *output);

typedef struct {
    int32_t outer, repeat, inner, columns;
    const uint16_t *exponentials;
    int32_t factor, shift;
    int32_t zero_point;
} eq_masked_softmax_at_fast_params;

typedef struct {
    int32_t outer, repeat, inner, columns;
    const int32_t *exponentials;
} eq_masked_softmax_at_double_params;

/* The same with a mask of outer * inner rows that is computed: an element counts where it is 1, or greater, and then
 * all that count in its row do so alike, as in a row where nothing does. The output may be the first input. */
void eq_masked_softmax_at_ref_fast(const eq_masked_softmax_at_fast_params *p, const int8_t *input, const int32_t *mask,
                                   int8_t *output);
void eq_masked_softmax_at_ref_double(const eq_masked_softmax_at_double_params *p, const int8_t *input,
                                     const int32_t *mask, int8_t *output);

#endif
