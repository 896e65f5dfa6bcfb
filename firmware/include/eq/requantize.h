/* Other parameters of the same values, where one side is wider than a byte. */
#ifndef EQ_REQUANTIZE_H
#define EQ_REQUANTIZE_H

#include <stdint.h>

typedef struct {
    int32_t size;
    int32_t mantissa, shift; /* the scale of the input over that of the output */
    int32_t from_zero_point, to_zero_point;
} eq_requantize_params;

#define EQ_DECLARE(suffix)                                                                                             \
    void eq_requantize_int16_int8_ref_##suffix(const eq_requantize_params *p, const int16_t *input, int8_t *output);   \
    void eq_requantize_int16_int16_ref_##suffix(const eq_requantize_params *p, const int16_t *input, int16_t *output); \
    void eq_requantize_int8_int16_ref_##suffix(const eq_requantize_params *p, const int8_t *input, int16_t *output);   \
    void eq_requantize_int8_int32_ref_##suffix(const eq_requantize_params *p, const int8_t *input, int32_t *output);   \
    void eq_requantize_int16_int32_ref_##suffix(const eq_requantize_params *p, const int16_t *input, int32_t *output); \
    void eq_requantize_int32_int8_ref_##suffix(const eq_requantize_params *p, const int32_t *input, int8_t *output);
EQ_DECLARE(fast)
EQ_DECLARE(single)
EQ_DECLARE(double)
#undef EQ_DECLARE

#endif
