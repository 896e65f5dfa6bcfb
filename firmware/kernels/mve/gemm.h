/* The micro-kernel of the mve convolutions: three pixels by two output channels, sixteen products an instruction. */
#ifndef EQ_MVE_GEMM_H
#define EQ_MVE_GEMM_H

#include <stdint.h>

/* Channels of a block; three pixels of it are EQ_SUMS sums, pixel after pixel. */
enum { EQ_BLOCK = 16, EQ_SUMS = 3 * EQ_BLOCK };

/* Three pixels of k values each; how long they are, as eq_gemm_count says; and how many channels are computed, in
 * pairs. */
typedef struct {
    const int8_t *x0, *x1, *x2;
    int32_t count, pairs;
} eq_pixels;

/* Each stores sums of the channels, two at a time, bias included: pixel p's channel c is to[EQ_BLOCK * p + c]. Weights:
 * for every pair of channels and every 16 of k, the first channel's 16, then the second's; k is filled up with zeros.
 */
void eq_gemm_k16_mve(const eq_pixels *x, const int8_t *w, const int32_t *bias, int32_t *to); /* k is 1 to 16 */
void eq_gemm_k32_mve(const eq_pixels *x, const int8_t *w, const int32_t *bias, int32_t *to); /* k is 17 to 32 */
void eq_gemm_k48_mve(const eq_pixels *x, const int8_t *w, const int32_t *bias, int32_t *to); /* k is 48 */
void eq_gemm_k64_mve(const eq_pixels *x, const int8_t *w, const int32_t *bias, int32_t *to); /* k is 64 */
void eq_gemm_x32_mve(const eq_pixels *x, const int8_t *w, const int32_t *bias, int32_t *to); /* k is 32 * count */
void eq_gemm_x48_mve(const eq_pixels *x, const int8_t *w, const int32_t *bias, int32_t *to); /* k is 48 * count */
void eq_gemm_any_mve(const eq_pixels *x, const int8_t *w, const int32_t *bias, int32_t *to); /* any k */

typedef enum {
    EQ_GEMM_K16,
    EQ_GEMM_K32,
    EQ_GEMM_K48,
    EQ_GEMM_K64,
    EQ_GEMM_X32,
    EQ_GEMM_X48,
    EQ_GEMM_ANY,
} eq_gemm_kind;

/* The fastest for k. */
static inline eq_gemm_kind eq_gemm_for(int32_t k)
{
    if (k <= 32) {
        return k <= 16 ? EQ_GEMM_K16 : EQ_GEMM_K32;
    }
    if (k == 48 || k == 64) {
        return k == 48 ? EQ_GEMM_K48 : EQ_GEMM_K64;
    }
    return k % 48 == 0 ? EQ_GEMM_X48 : k % 32 == 0 ? EQ_GEMM_X32 : EQ_GEMM_ANY;
}

/* What it wants to know about k. */
static inline int32_t eq_gemm_count(int32_t k)
{
    const eq_gemm_kind kind = eq_gemm_for(k);
    return kind == EQ_GEMM_X48 ? k / 48 : kind == EQ_GEMM_X32 ? k / 32 : k;
}

static inline void eq_gemm(eq_gemm_kind kind, const eq_pixels *x, const int8_t *w, const int32_t *bias, int32_t *to)
{
    switch (kind) {
    case EQ_GEMM_K16:
        eq_gemm_k16_mve(x, w, bias, to);
        return;
    case EQ_GEMM_K32:
        eq_gemm_k32_mve(x, w, bias, to);
        return;
    case EQ_GEMM_K48:
        eq_gemm_k48_mve(x, w, bias, to);
        return;
    case EQ_GEMM_K64:
        eq_gemm_k64_mve(x, w, bias, to);
        return;
    case EQ_GEMM_X32:
        eq_gemm_x32_mve(x, w, bias, to);
        return;
    case EQ_GEMM_X48:
        eq_gemm_x48_mve(x, w, bias, to);
        return;
    case EQ_GEMM_ANY:
        eq_gemm_any_mve(x, w, bias, to);
        return;
    }
}

#endif
