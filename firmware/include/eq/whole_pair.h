/* Arithmetic of whole numbers. */
#ifndef EQ_WHOLE_PAIR_H
#define EQ_WHOLE_PAIR_H

#include "eq/broadcast.h"

enum {
    EQ_WHOLE_ADD,
    EQ_WHOLE_SUB,
    EQ_WHOLE_MUL,
    EQ_WHOLE_DIV,  /* towards 0; by 0 it is 0 */
    EQ_WHOLE_MOD,  /* of the sign of the divisor */
    EQ_WHOLE_FMOD, /* of the sign of the dividend */
    EQ_WHOLE_MINIMUM,
    EQ_WHOLE_MAXIMUM,
    EQ_WHOLE_AND,
    EQ_WHOLE_OR,
    EQ_WHOLE_XOR,
    EQ_WHOLE_SHIFT_LEFT,
    EQ_WHOLE_SHIFT_RIGHT, /* arithmetic */
    EQ_WHOLE_POWER,
    EQ_WHOLE_LESS,
    EQ_WHOLE_EQUAL
};

typedef struct {
    int32_t shape[EQ_MAX_RANK];
    int32_t a_stride[EQ_MAX_RANK], b_stride[EQ_MAX_RANK];
    const int32_t *constant; /* operand b of the _const_ kernel */
    int32_t swapped;         /* whether b is the first operand */
    int32_t function;        /* EQ_WHOLE_… */
    int32_t unused;          /* how many of 32 bits the result does not have */
    int32_t is_signed;       /* whether the greatest of the others is its sign */
} eq_whole_pair_params;

void eq_whole_pair_ref(const eq_whole_pair_params *p, const int32_t *a, const int32_t *b, int32_t *output);
void eq_whole_pair_const_ref(const eq_whole_pair_params *p, const int32_t *a, int32_t *output);

#endif
